"""Reports (报告): pages, workbooks and pictures of what the engines found."""
