"""Projection (支付预测): the next years of a settled one, under a scenario."""
