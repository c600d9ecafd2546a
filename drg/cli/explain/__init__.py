"""``drg explain``."""
