"""The picture of a migration between schemes (方案切换图)."""
