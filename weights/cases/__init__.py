"""Cases for weights (测算病例): read, costed, and brought down to sums."""
