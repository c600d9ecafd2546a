"""Forecast of a file (支付预测): settled year, years ahead and their intervals, as tables."""
