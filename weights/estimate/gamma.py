"""Gamma regression (伽马回归) with log link on group and hospital: McCullagh and Nelder (1989)."""

from __future__ import annotations

import numpy as np

from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, ratio


def factors(sums: Statistics, level: Floats) -> Floats:
    """Hospitals' factors given the groups' levels, 0 where a group has none. (R, G) -> (R, H)."""
    with np.errstate(divide="ignore"):
        inverse = np.where(level > 0, 1.0 / level, 0.0)
    found = inverse @ sums.cost.T
    return ratio(found, np.broadcast_to(sums.cases.sum(axis=1), found.shape))
