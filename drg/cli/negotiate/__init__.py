"""``drg negotiate``."""
