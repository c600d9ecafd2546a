"""``drg scheme``."""
