"""Uncertainty (不确定性): draws of possible next years, and what they hang on."""
