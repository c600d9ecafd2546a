"""Hospital-specific relative values (医院特异性相对值法): a hospital's mean cost over its case mix.

Source: RAND (Carter and Rogowski), proposed by CMS for FY2007.
"""

from __future__ import annotations

import numpy as np

from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, ratio


def factors(sums: Statistics, level: Floats) -> Floats:
    """Hospitals' factors given the groups' levels, 0 where a group has none. (R, G) -> (R, H)."""
    expected = level @ sums.cases.T
    return ratio(np.broadcast_to(sums.cost.sum(axis=1), expected.shape), expected)
