"""Weight tables (权重表): the relative weight of each group, where it comes from, in any format."""

from weights.table.published import open_weights
from weights.table.relative import WeightTable

__all__ = ["WeightTable", "open_weights"]
