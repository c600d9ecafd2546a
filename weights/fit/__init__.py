"""Fitting (权重测算): the steps of a calibration, from cost to a weight table."""
