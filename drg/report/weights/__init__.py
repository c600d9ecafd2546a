"""Relative weights (相对权重): pictures, comparison, quality, payment standards."""
