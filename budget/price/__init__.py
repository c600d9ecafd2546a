"""Prices (计价): what a case is worth, one rule of payment a file."""
