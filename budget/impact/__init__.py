"""Impact of weights (权重调整影响测算) on a settled year, to the fen, from sums."""
