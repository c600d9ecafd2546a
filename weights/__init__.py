"""Relative weights (相对权重): fitted from the cost of grouped cases. Filled by a later release."""
