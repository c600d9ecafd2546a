"""Two schemes side by side (方案比对): groups by name and content, complications, tables."""
