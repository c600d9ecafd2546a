"""Sufficient statistics (充分统计量): what millions of cases come down to, hospital by group.

Means, hospital effects, spreads and the bootstrap all work on these tables; only trimming and
the explained variance after trimming look at single cases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from weights.cases.observations import Bools, Floats, Observations


@dataclass(frozen=True)
class Statistics:
    """Sums by hospital and group.

    Attributes:
        groups: group codes. Length G.
        hospitals: hospital ids, one nameless when the input has none. Length H.
        cases: number of cases. Shape (H, G).
        cost: sum of cost in yuan. Shape (H, G).
        cost_squared: sum of squared cost; None for aggregates. Shape (H, G).
        log_cost: sum of the log of cost; None for aggregates or when not asked for. Shape (H, G).
        log_squared: sum of the squared log of cost, as ``log_cost``. Shape (H, G).
        squares: sum of the squared year weights of the cases; None where each counts once, so that
            it is ``cases``. Shape (H, G).
        tells: groups whose costs say how dear a hospital is; None for all. Shape (G,).
    """

    groups: tuple[str, ...]
    hospitals: tuple[str, ...]
    cases: Floats
    cost: Floats
    cost_squared: Floats | None
    log_cost: Floats | None
    log_squared: Floats | None = None
    squares: Floats | None = None
    tells: Bools | None = None

    @property
    def telling(self) -> Statistics:
        """The sums of the groups that tell of hospitals, 0 in others."""
        if self.tells is None:
            return self
        parts = ("cases", "cost", "cost_squared", "log_cost", "log_squared", "squares")
        left: dict[str, Any] = {
            name: None if (held := getattr(self, name)) is None else held * self.tells
            for name in parts
        }
        return replace(self, **left, tells=None)

    @property
    def group_cases(self) -> Floats:
        """Cases of each group. Shape (G,)."""
        return np.asarray(self.cases.sum(axis=0))

    @property
    def mean_cost(self) -> Floats:
        """Mean cost of each group in yuan (例均费用), NaN without cases. Shape (G,)."""
        return ratio(self.cost.sum(axis=0), self.group_cases)

    @property
    def variance(self) -> Floats | None:
        """Variance of cost inside each group in yuan squared, NaN below 2 cases. Shape (G,)."""
        if self.cost_squared is None:
            return None
        n = self.group_cases
        spread = self.cost_squared.sum(axis=0) - ratio(self.cost.sum(axis=0) ** 2, n)
        return np.where(n > 1, np.maximum(spread, 0.0) / np.maximum(n - 1, 1), np.nan)

    @property
    def cv(self) -> Floats | None:
        """Coefficient of variation of cost (变异系数) of each group. Shape (G,)."""
        variance = self.variance
        return None if variance is None else np.asarray(np.sqrt(variance) / self.mean_cost)


def ratio(above: Floats, below: Floats) -> Floats:
    """``above / below``, NaN where ``below`` is 0."""
    empty = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=empty, where=below > 0))


def reduce(
    observed: Observations, *, logs: bool = True, case_weights: Floats | None = None
) -> Statistics:  # fmt: skip
    """Reduce observations to sums by hospital and group.

    Args:
        observed: the cases.
        logs: compute the sums of logs.
        case_weights: weights of cases that leave the number of cases of a group unchanged
            (year weights). Shape (N,).
    """
    cost = observed.cost
    hospitals = observed.hospitals or ("",)
    shape = len(hospitals), len(observed.groups)
    cell = np.multiply(observed.hospital, shape[1], dtype=np.int64)
    cell += observed.drg
    count = observed.cases
    if case_weights is not None:
        count = case_weights if count is None else count * case_weights

    def sums(values: Floats | None) -> Floats:
        if count is not None:
            values = count if values is None else values * count
        total = np.bincount(cell, values, shape[0] * shape[1])
        return np.asarray(total, np.float64).reshape(shape)

    single = not observed.aggregated
    log = np.log(cost) if logs and single else None
    return Statistics(
        observed.groups, hospitals, sums(None), sums(cost),
        sums(cost * cost) if single else None,
        None if log is None else sums(log), None if log is None else sums(log * log),
        None if case_weights is None else sums(case_weights),
    )  # fmt: skip


def connected_sets(sums: Statistics) -> int:
    """Number of sets of hospitals that share no group; hospitals without a case are in none."""
    hospital, group = np.nonzero(sums.cases)
    size = sum(sums.cases.shape)
    links = coo_array((np.ones(len(hospital)), (hospital, group + len(sums.cases))),
                      shape=(size, size))  # fmt: skip
    _, label = connected_components(links, directed=False)
    return len(np.unique(label[hospital]))
