"""The quality report (数据质量报告) as a page and a workbook."""
