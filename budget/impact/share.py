"""Sharing a point pool out over sums (点数法分配): the same fen as case by case.

Ordinary cases of a cell have the same points, so what the pool makes of them differs only by what
their patients bear, which is whole fen: their fractions of a fen are equal. The largest remainders
are found over these classes and the single cases together; only inside the class at the edge does
the order of the cases decide, and there it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
_BINS = 1 << 16
_ROUNDS = 200


class NotBySumsError(Exception):
    """The sums do not decide; the year has to be settled anew."""


@dataclass(frozen=True)
class Classes:
    """Cases of equal points.

    Attributes:
        count: how many. Shape (K,).
        points: points of each of them, in units of 0.0001. Shape (K,).
        beside: what patients and other payers bear of all of them together, in fen. Shape (K,).
    """

    count: Fen
    points: Fen
    beside: Fen


@dataclass(frozen=True)
class Single:
    """Cases for themselves: points, what is borne beside in fen, place among claims. (S,)."""

    points: Fen
    beside: Fen
    row: Places


def point_value(many: Classes, one: Single, amount: int, floor: int) -> float:
    """Fen per unit of points; the same as ``budget.pools.point_value`` over all cases."""
    borne = one.beside.astype(np.float64)
    all_points = int((many.count * many.points).sum())
    all_beside = int(many.beside.sum())
    cases = int(many.count.sum())
    points = all_points + int(one.points.sum())
    value = (amount + float(all_beside + int(one.beside.sum()))) / float(points)
    for _ in range(_ROUNDS):
        above = one.points * value - borne > floor
        if not cases and not above.any():
            return value
        held = amount - floor * int((~above).sum())
        new = (held + float(all_beside + int(one.beside[above].sum()))) / float(
            all_points + int(one.points[above].sum())
        )
        if new == value or abs(new - value) <= 1e-15 * value:
            return new
        value = new
    return value


def share_out(
    many: Classes,
    one: Single,
    value: float,
    amount: int,
    floor: int,
    rows: Callable[[Places], tuple[Places, Places]],
) -> tuple[Fen, Fen]:
    """Whole fen by largest remainder, ties to the earlier case.

    Args:
        many: cases of equal points, none of which reaches the floor.
        one: the other cases.
        value: fen per unit of points.
        amount: what all must add up to.
        floor: least fund part of a case in fen.
        rows: the cases of some classes: their class and their place among the claims.

    Returns:
        Fen of each class, shape (K,), and of each single case, shape (S,).

    Raises:
        NotBySumsError: more or less than one fen a case is left over.
    """
    worth = many.points * value
    below = np.floor(worth)
    classes = (below * many.count).astype(np.int64) - many.beside
    target = np.maximum(one.points * value - one.beside, floor)
    whole = np.floor(target)
    fen = whole.astype(np.int64)
    left = amount - int(classes.sum()) - int(fen.sum())
    if not 0 <= left <= int(many.count.sum()) + len(fen):
        raise NotBySumsError
    if not left:
        return classes, fen
    part = np.concatenate([worth - below, target - whole])
    count = np.concatenate([many.count, np.ones(len(fen), np.int64)])
    edge, taken = _edge(part, count, left)
    above = part > edge
    classes += np.where(above[: len(classes)], many.count, 0)
    fen += above[len(classes) :]
    equal = np.flatnonzero(part == edge)
    mine = equal[equal < len(classes)]
    which, at = rows(mine)
    alone = equal[equal >= len(classes)] - len(classes)
    place = np.concatenate([at, one.row[alone]])
    first = np.argsort(place, kind="stable")[: left - taken]
    np.add.at(classes, which[first[first < len(at)]], 1)
    fen[alone[first[first >= len(at)] - len(at)]] += 1
    return classes, fen


def _edge(part: Floats, count: Fen, left: int) -> tuple[float, int]:
    """The ``left``-th largest of counted values, and how many are larger than it."""
    bins = np.minimum((part * _BINS).astype(np.int64), _BINS - 1)
    held = np.bincount(bins, count.astype(np.float64), _BINS).astype(np.int64)
    from_top = np.cumsum(held[::-1])[::-1]
    at = int(np.flatnonzero(from_top >= left)[-1])
    taken = int(from_top[at] - held[at])
    inside = np.flatnonzero((bins == at) & (count > 0))
    inside = inside[np.argsort(-part[inside], kind="stable")]
    reach = taken + np.cumsum(count[inside])
    edge = float(part[inside[int(np.searchsorted(reach, left))]])
    return edge, taken + int(count[inside[part[inside] > edge]].sum())
