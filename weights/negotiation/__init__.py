"""Negotiating weights (权重论证谈判): from draft weights to a final table, every step on record."""
