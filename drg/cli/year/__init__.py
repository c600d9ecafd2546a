"""``drg year``."""
