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


@dataclass(frozen=True)
class Spread:
    """Explained spread of cost (组间变异解释度) and homogeneity inside groups (组内同质性).

    What needs the spread inside groups is None for totals, and where all costs are equal.

    Attributes:
        cases: number of cases.
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
    """

    cases: float
    r2: float | None
    r2_weights: float | None
    rate: float | None
    judged: int
    below_one: int
    share_groups: float | None
    share_cases: float | None
    median_cv: float | None
    worst: tuple[tuple[str, float, float], ...]


def spread_of(sums: Statistics, weight: Floats, minimum: float) -> Spread:
    """The spread of cost that groups and weights explain.

    Args:
        sums: sums by hospital and group.
        weight: weight of each group, NaN where there is none. Shape (G,).
        minimum: fewest cases of a group whose CV is judged; never below 2.
    """
    n, cost = sums.group_cases, np.asarray(sums.cost.sum(axis=0))
    paid = np.isfinite(weight) & (n > 0)
    squared = None if sums.cost_squared is None else np.asarray(sums.cost_squared.sum(axis=0))
    r2 = r2_weights = None
    size = float((n[paid] * weight[paid] ** 2).sum())
    rate = float((weight[paid] * cost[paid]).sum()) / size if size > 0 else None
    if squared is not None:
        seen = n > 0
        means = float((cost[seen] ** 2 / n[seen]).sum())
        r2 = _r2(float(squared.sum()), n[seen], cost[seen], means)
        if rate is not None:
            fitted = rate * float((weight[paid] * cost[paid]).sum())
            r2_weights = _r2(float(squared[paid].sum()), n[paid], cost[paid], fitted)
    cv = np.full(len(n), np.nan) if sums.cv is None else sums.cv
    judged = (n >= max(minimum, 2)) & np.isfinite(cv)
    below = judged & (cv < 1)
    some = bool(judged.any())
    order = np.flatnonzero(judged)
    order = order[np.lexsort((order, -cv[order]))][:_LISTED]
    return Spread(
        cases=float(n.sum()),
        r2=r2,
        r2_weights=r2_weights,
        rate=rate,
        judged=int(judged.sum()),
        below_one=int(below.sum()),
        share_groups=float(below.sum() / judged.sum()) if some else None,
        share_cases=float(n[below].sum() / n[judged].sum()) if some else None,
        median_cv=float(np.median(cv[judged])) if some else None,
        worst=tuple((sums.groups[i], float(n[i]), float(cv[i])) for i in order),
    )


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


def leave_one_out(sums: Statistics) -> Floats:
    """Relative change of each raw weight without each hospital (留一法).

    Returns:
        ``weight without / weight - 1``, NaN where a group has no case left. Shape (H, G).
    """
    n, cost = sums.group_cases, np.asarray(sums.cost.sum(axis=0))
    mean = ratio(cost, n)
    left = n - sums.cases
    left[left < 1e-9 * n] = 0.0
    without = ratio(np.maximum(cost - sums.cost, 0.0), left)
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
    n, cases = sums.group_cases, sums.cases
    hospitals, groups = np.arange(len(sums.hospitals)), np.arange(len(n))
    without = leave_one_out(sums)
    far, there = np.abs(without), np.isfinite(without)
    fair = there & (cases >= minimum) & (n - cases >= minimum)
    place = np.where(fair, far, -1.0).argmax(axis=1)
    some = fair[hospitals, place]
    treats = there & (cases > 0)
    by = np.where(treats, far, -1.0).argmax(axis=0)
    change = np.where(treats[by, groups], without[by, groups], np.nan)
    most = cases.argmax(axis=0)
    share_cases = cases[most, groups]
    share = ratio(share_cases, n)
    enough = n >= max(minimum, 1e-9)
    return Influence(
        hospitals=sums.hospitals,
        hospital_cases=np.asarray(cases.sum(axis=1)),
        mean_change=ratio(
            np.where(there, far * n, 0.0).sum(axis=1), np.where(there, n, 0.0).sum(axis=1)
        ),
        largest_change=np.where(some, without[hospitals, place], np.nan),
        largest_group=np.where(some, place, -1).astype(np.int32),
        alone=((cases > 0) & ~there).sum(axis=1).astype(np.int32),
        change=change,
        change_cases=np.where(treats[by, groups], cases[by, groups], np.nan),
        share=share,
        share_cases=share_cases,
        moved=np.flatnonzero(enough & (np.abs(change) > MOVED)).astype(np.int32),
        dominated=np.flatnonzero(enough & (share > HALF)).astype(np.int32),
    )
