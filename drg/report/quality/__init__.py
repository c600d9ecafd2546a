"""The quality report (数据质量报告): page, Word file and workbook from the same sections."""
