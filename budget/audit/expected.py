"""What a case of each group costs (病组预期费用), and how sure that is.

Without a weight table it is estimated from the file: the mean of the logarithm of cost, cut where
cases stray far, times one factor that makes all cases together cost what they cost. That mean is
surer than the plain one, on which a few dear cases hang.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.audit.expression import Coded

Floats = npt.NDArray[np.float64]
_CUT = 2.0  # spreads from the median beyond which a case counts as if it stood there
_PRIOR = 5.0  # cases of the common spread that a group's own is drawn towards


@dataclass(frozen=True)
class Expected:
    """What cases of groups cost.

    Attributes:
        groups: the groups.
        yuan: by group, NaN unknown. Shape (G,).
        error: relative standard error of it. Shape (G,).
        weight: relative weight of each group. Shape (G,).
        cases: cases of each. Shape (G,).
    """

    groups: tuple[str, ...]
    yuan: Floats
    error: Floats
    weight: Floats
    cases: npt.NDArray[np.int64]

    def of(self, names: tuple[str, ...]) -> Floats:
        """The expected cost of groups by name, NaN for others. Shape (names,)."""
        place = dict(zip(self.groups, self.yuan.tolist(), strict=True))
        return np.array([place.get(name, np.nan) for name in names])


def expected_cost(drg: Coded, yuan: Floats, weights: Mapping[str, float] | None) -> Expected:
    """What a case of each group costs.

    Args:
        drg: group of each case that has one and a cost.
        yuan: total cost. Shape (N,).
        weights: relative weight of each group; None to estimate it from the cost of the cases.
    """
    size, group = len(drg.texts), drg.codes
    count = np.bincount(group, minlength=size)
    total = float(yuan.sum())
    if weights is not None:
        held = np.array([weights.get(name, np.nan) for name in drg.texts])
        known = ~np.isnan(held)
        there = known[group]
        rate = float(yuan[there].sum()) / max(float(held[group[there]].sum()), 1e-12)
        return Expected(drg.texts, held * rate, np.zeros(size), held, count)
    average = total / max(len(yuan), 1)
    away = np.log(yuan)
    del yuan
    middle = _medians(away, group, size)
    away -= middle[group]
    spread = max(1.4826 * float(np.median(np.abs(away))) if len(away) else 0.0, 0.05)
    cut = np.clip(away, -_CUT * spread, _CUT * spread, out=away)
    divisor = np.maximum(count, 1)
    mean = np.bincount(group, cut, size) / divisor
    square = np.bincount(group, cut**2, size) / divisor - mean**2
    own = (np.maximum(square, 0) * count + spread**2 * _PRIOR) / (count + _PRIOR)
    level = np.exp(middle + mean)
    factor = total / max(float(level[group].sum()), 1e-12)
    cost_of = np.where(count > 0, level * factor, np.nan)
    return Expected(
        drg.texts, cost_of, np.sqrt(own / divisor), cost_of / max(average, 1e-12), count
    )


def _medians(values: Floats, group: npt.NDArray[np.int32], size: int) -> Floats:
    """The median of each group. Shape (size,)."""
    order = np.lexsort((values, group))
    ordered, count = values[order], np.bincount(group, minlength=size)
    start = np.cumsum(count) - count
    some = count > 0
    found = np.zeros(size)
    low = start[some] + (count[some] - 1) // 2
    high = start[some] + count[some] // 2
    found[some] = (ordered[low] + ordered[high]) / 2
    return found
