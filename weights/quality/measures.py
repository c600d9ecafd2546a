"""Measures from sums by hospital and group: how much groups explain, and what a hospital does.

Each hospital is left out once. Without hospital h the mean of group g is ``(S_g - S_hg) / (n_g -
n_hg)``. The means are put on the scale on which the cases of all hospitals carry the same sum of
weights as before, as far as their groups still have cases; otherwise the leaving of a hospital of
grave cases would raise every weight although no group has changed against another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weights.cases.observations import Floats, Ints
from weights.cases.statistics import Statistics, ratio

_LISTED = 10
_NOTHING = 1e-10  # of the sum of squares: what summation leaves when all costs are equal
MOVED = 0.1
HALF = 0.5
_BLOCK = 256


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


@dataclass(frozen=True)
class Influence:
    """Influence of single hospitals (单家医疗机构影响).

    A change is that of the raw weight, the group's mean over the mean of all, when the hospital is
    left out. NaN stands where there is none.

    Attributes:
        hospitals: hospital ids. Length H.
        hospital_cases: their cases. Shape (H,).
        mean_change: absolute change by hospital, weighted by the cases of all. Shape (H,).
        largest_change: largest change by hospital, signed, among groups in which it and the
            others have at least the minimum of cases each. Shape (H,).
        largest_group: place of that group, -1 for none. Shape (H,).
        alone: groups that only this hospital treats. Shape (H,).
        change: largest change by group, signed, by a hospital that treats it. Shape (G,).
        change_cases: that hospital's cases in the group. Shape (G,).
        share: share of the group's cases in the hospital with the most. Shape (G,).
        share_cases: the cases of that hospital in the group. Shape (G,).
        moved: places of the groups, at or above the minimum of cases, whose weight one hospital
            moves by more than 10%. Shape (M,).
        dominated: places of those in which one hospital has more than half of the cases.
    """

    hospitals: tuple[str, ...]
    hospital_cases: Floats
    mean_change: Floats
    largest_change: Floats
    largest_group: Ints
    alone: Ints
    change: Floats
    change_cases: Floats
    share: Floats
    share_cases: Floats
    moved: Ints
    dominated: Ints


def leave_one_out(sums: Statistics, first: int = 0, last: int | None = None) -> Floats:
    """Relative change of each raw weight without each hospital (留一法).

    Args:
        sums: sums by hospital and group.
        first: first hospital to leave out.
        last: the one after the last; all by default.

    Returns:
        ``weight without / weight - 1``, NaN where a group has no case left. Shape (last - first,
        G).
    """
    n, cost = sums.group_cases, np.asarray(sums.cost.sum(axis=0))
    mean = ratio(cost, n)
    left = n - sums.cases[first:last]
    left[left < 1e-9 * n] = 0.0
    without = ratio(np.maximum(cost - sums.cost[first:last], 0.0), left)
    there = np.isfinite(without)
    before = np.where(there, cost, 0.0).sum(axis=1, keepdims=True)
    after = np.where(there, n * np.nan_to_num(without), 0.0).sum(axis=1, keepdims=True)
    return np.asarray(without / mean * ratio(before, after) - 1.0)


def influence(sums: Statistics, minimum: float) -> Influence:
    """Leave each hospital out once.

    Args:
        sums: sums of at least two hospitals.
        minimum: fewest cases of a group, or of a hospital and the others in it, to be judged.
    """
    n, size = sums.group_cases, len(sums.hospitals)
    groups = np.arange(len(n))
    mean_change, largest = np.full(size, np.nan), np.full(size, np.nan)
    place, alone = np.full(size, -1, np.int32), np.zeros(size, np.int32)
    change = np.zeros(len(n))
    by = np.full(len(n), -1, np.int32)
    for first in range(0, size, _BLOCK):
        last = min(first + _BLOCK, size)
        cases, rows = sums.cases[first:last], np.arange(last - first)
        moved = leave_one_out(sums, first, last)
        far = np.abs(moved)
        there = np.isfinite(moved)
        mean_change[first:last] = ratio(
            np.where(there, far * n, 0.0).sum(axis=1), np.where(there, n, 0.0).sum(axis=1)
        )
        fair = there & (cases >= minimum) & (n - cases >= minimum)
        at = np.where(fair, far, -1.0).argmax(axis=1)
        some = fair[rows, at]
        largest[first:last] = np.where(some, moved[rows, at], np.nan)
        place[first:last] = np.where(some, at, -1)
        alone[first:last] = ((cases > 0) & ~there).sum(axis=1)
        far = np.where(there & (cases > 0), far, -1.0)
        top = far.argmax(axis=0)
        better = far[top, groups] > np.where(by < 0, -1.0, np.abs(change))
        change[better] = moved[top, groups][better]
        by[better] = first + top[better]
    most = sums.cases.argmax(axis=0)
    share_cases = np.asarray(sums.cases[most, groups])
    share = ratio(share_cases, n)
    change = np.where(by < 0, np.nan, change)
    enough = n >= max(minimum, 1e-9)
    return Influence(
        hospitals=sums.hospitals,
        hospital_cases=np.asarray(sums.cases.sum(axis=1)),
        mean_change=mean_change,
        largest_change=largest,
        largest_group=place,
        alone=alone,
        change=change,
        change_cases=np.where(by < 0, np.nan, sums.cases[by, groups]),
        share=share,
        share_cases=share_cases,
        moved=np.flatnonzero(enough & (np.abs(change) > MOVED)).astype(np.int32),
        dominated=np.flatnonzero(enough & (share > HALF)).astype(np.int32),
    )
