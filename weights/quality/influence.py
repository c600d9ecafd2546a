"""What a single hospital does to the weights: each is left out once, all from sums by group.

Without hospital h the mean of group g is ``(S_g - S_hg) / (n_g - n_hg)``. The means are put on the
scale on which the cases of all hospitals carry the same sum of weights as before, as far as their
groups still have cases; otherwise the leaving of a hospital of grave cases would raise every
weight although no group has changed against another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weights.cases.observations import Floats, Ints
from weights.cases.statistics import Statistics, ratio

MOVED = 0.1
HALF = 0.5
_BLOCK = 256


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
        change_hospital: place of that hospital, -1 for none. Shape (G,).
        change_cases: its cases in the group. Shape (G,).
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
    change_hospital: Ints
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
        change_hospital=by,
        change_cases=np.where(by < 0, np.nan, sums.cases[by, groups]),
        share=share,
        share_cases=share_cases,
        moved=np.flatnonzero(enough & (np.abs(change) > MOVED)).astype(np.int32),
        dominated=np.flatnonzero(enough & (share > HALF)).astype(np.int32),
    )
