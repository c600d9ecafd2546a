"""Pools (基金池): their money, the value of a point, and how it is shared out."""
