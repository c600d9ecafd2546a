"""Weight tables (权重表): the relative weight of each group, where it comes from, in any format."""

from weights.table.model import WeightTable
from weights.table.published import open_weights

__all__ = ["WeightTable", "open_weights"]
