"""`drg fund`."""
