"""``drg policy``."""
