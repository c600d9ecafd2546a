"""Quality of weights (权重质量): how good groups and weights are, and how tables compare."""
