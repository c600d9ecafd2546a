"""The page of a switch between schemes (方案切换测算报告): what it does to whom."""
