"""Fitting responses (反应拟合) to published means."""
