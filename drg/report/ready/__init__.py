"""Readiness of a file (数据预检): whether a stage can use it, column by column, what is lost."""
