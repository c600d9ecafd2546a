"""Log-linear regression (对数线性回归): least squares of log cost on group and hospital."""

from __future__ import annotations

import numpy as np

from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, ratio


def factors(sums: Statistics, level: Floats) -> Floats:
    """Hospitals' factors given the groups' levels, 0 where a group has none. (R, G) -> (R, H)."""
    assert sums.log_cost is not None
    logs = np.log(np.where(level > 0, level, 1.0)) @ sums.cases.T
    cleared = sums.log_cost.sum(axis=1) - logs
    cases = np.broadcast_to(sums.cases.sum(axis=1), cleared.shape)
    return np.asarray(np.exp(ratio(cleared, cases)))
