"""The official configuration workbook of CHS-DRG 3.0 (配置信息), read as it is published."""
