"""Estimators (权重测算方法): what a case of each group costs relative to others, from sums."""
