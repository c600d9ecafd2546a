"""How much of the spread of cost groups and weights explain, from sums by group alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weights.cases.observations import Floats
from weights.cases.statistics import Statistics

_LISTED = 10
_NOTHING = 1e-10  # of the sum of squares: what summation leaves when all costs are equal


@dataclass(frozen=True)
class Spread:
    """Explained spread of cost (组间变异解释度) and homogeneity inside groups (组内同质性).

    What needs the spread inside groups is None for totals, and where all costs are equal.

    Attributes:
        cases: number of cases.
        cost: their cost in yuan.
        r2: reduction in variance by the groups (RIV): 1 - inside / total sum of squares.
        r2_weights: 1 - squared error of the best rate times the weight / total sum of squares, of
            the cases whose group has a weight; None without weights.
        rate: that rate in yuan a unit of weight: least squares through the origin.
        weighted_cases: cases whose group has a weight.
        judged: groups with enough cases to judge their CV.
        below_one: how many of them have a CV below 1.
        share_groups: the same as a share of the groups judged.
        share_cases: share of the cases of the groups judged that are in groups with a CV below 1.
        median_cv: median CV of the groups judged.
        worst: code, cases and CV of the groups judged with the largest CV.
        cv: CV of every group, NaN below two cases. Shape (G,).
    """

    cases: float
    cost: float
    r2: float | None
    r2_weights: float | None
    rate: float | None
    weighted_cases: float
    judged: int
    below_one: int
    share_groups: float | None
    share_cases: float | None
    median_cv: float | None
    worst: tuple[tuple[str, float, float], ...]
    cv: Floats | None


def spread_of(sums: Statistics, weight: Floats | None, minimum: float) -> Spread:
    """The spread of cost that groups and weights explain.

    Args:
        sums: sums by hospital and group.
        weight: weight of each group, NaN where there is none; None without a table. Shape (G,).
        minimum: fewest cases of a group whose CV is judged; never below 2.
    """
    n, cost = sums.group_cases, np.asarray(sums.cost.sum(axis=0))
    held = np.full(len(n), np.nan) if weight is None else weight
    paid = np.isfinite(held) & (n > 0)
    squared = None if sums.cost_squared is None else np.asarray(sums.cost_squared.sum(axis=0))
    r2 = r2_weights = None
    rate = _rate(n[paid], cost[paid], held[paid])
    if squared is not None:
        seen = n > 0
        r2 = _r2(
            float(squared.sum()), n[seen], cost[seen], float((cost[seen] ** 2 / n[seen]).sum())
        )
        if rate is not None:
            fitted = rate * float((held[paid] * cost[paid]).sum())
            r2_weights = _r2(float(squared[paid].sum()), n[paid], cost[paid], fitted)
    cv = sums.cv
    judged = n >= max(minimum, 2)
    found = np.full(len(n), np.nan) if cv is None else cv
    judged &= np.isfinite(found)
    below = judged & (found < 1)
    some = bool(judged.any())
    order = np.flatnonzero(judged)
    order = order[np.lexsort((order, -found[order]))][:_LISTED]
    return Spread(
        cases=float(n.sum()),
        cost=float(cost.sum()),
        r2=r2,
        r2_weights=r2_weights,
        rate=rate,
        weighted_cases=float(n[paid].sum()),
        judged=int(judged.sum()),
        below_one=int(below.sum()),
        share_groups=float(below.sum() / judged.sum()) if some else None,
        share_cases=float(n[below].sum() / n[judged].sum()) if some else None,
        median_cv=float(np.median(found[judged])) if some else None,
        worst=tuple((sums.groups[i], float(n[i]), float(found[i])) for i in order),
        cv=cv,
    )


def _rate(n: Floats, cost: Floats, weight: Floats) -> float | None:
    """Least squares rate through the origin, in yuan a unit of weight."""
    below = float((n * weight**2).sum())
    return float((weight * cost).sum()) / below if below > 0 else None


def _r2(squared: float, n: Floats, cost: Floats, explained: float) -> float | None:
    """1 - (squares - explained) / (squares - squares of the overall mean)."""
    total = squared - float(cost.sum()) ** 2 / float(n.sum())
    if total <= _NOTHING * squared:
        return None
    return 1.0 - (squared - explained) / total
