"""A migration between schemes (方案切换): its picture and its table."""
