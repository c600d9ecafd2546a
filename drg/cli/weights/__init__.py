"""``drg weights``."""
