"""Pictures of relative weights (相对权重图)."""
