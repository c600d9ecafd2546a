"""The panel report (论证报告)."""
