"""The switch of a region from one grouping scheme to another (方案切换): weights, money, tables."""
