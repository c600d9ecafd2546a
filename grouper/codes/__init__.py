"""Codes (编码): editions, and what an unknown code may have meant."""
