"""Sharing a point pool out (点数法分配): the value of a point, and whole fen that add up.

What patients bear is whole fen, so what the pool makes of cases of equal points has equal fractions
of a fen. Such cases may come as one class; only inside the class at the edge of the largest
remainders does the order of the cases decide, and there it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drg.errors import problem
from drg.money import to_fen

Fen = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Bounds = tuple[float | None, float | None]
UNIT = 10**4  # points have 4 decimals
_ROUNDS = 200
_BINS = 1 << 16


class NotBySumsError(Exception):
    """Sums do not decide; the cases have to be looked at one by one."""


@dataclass(frozen=True)
class Alike:
    """Classes of cases of equal points (同点数病例), none of which the fund's floor reaches.

    Attributes:
        count: how many cases. Shape (K,).
        points: points of each of them, in units of 0.0001. Shape (K,).
        beside: what patients and other payers bear of all of them together, in fen. Shape (K,).
        rows: the cases of some classes: their class and their place among the claims.
    """

    count: Fen
    points: Fen
    beside: Fen
    rows: Callable[[Places], tuple[Places, Places]]

    @classmethod
    def none(cls) -> Alike:
        """No class at all."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, empty, lambda which: (which, which))

    def at(self, some: Places) -> Alike:
        """Some of the classes, by their places in ascending order."""

        def rows(which: Places) -> tuple[Places, Places]:
            found, row = self.rows(some[which])
            return np.searchsorted(some, found), row

        return Alike(self.count[some], self.points[some], self.beside[some], rows)


_NOBODY = Alike.none()


def share_out(
    points: Fen,
    beside: Fen,
    amount: int,
    floor: int,
    bounds: Bounds,
    name: str,
    alike: Alike = _NOBODY,
    row: Places | None = None,
) -> tuple[Fen, Fen, float, str]:
    """Share a pool's money out by points; ties of a fen go to the earlier case.

    Args:
        points: points of the cases in units of 0.0001. Shape (N,).
        beside: what patients and other payers bear in fen. Shape (N,).
        amount: the pool's money in fen.
        floor: least fund part of a case in fen.
        bounds: floor and ceiling of the value of a point in yuan.
        name: of the pool.
        alike: further cases, by class.
        row: places of the cases among the claims, where they are not in their order or ``alike``
            has others between. Shape (N,).

    Returns:
        Fen of the cases, shape (N,), and of the classes, shape (K,); yuan per point; and what
        decided it: ``pool``, ``floor`` or ``ceiling``.

    Raises:
        DrgError: there are no points, no money, or less than the floors.
        NotBySumsError: classes leave more or less than one fen a case over.
    """
    if not (points.any() or alike.points.any()):
        raise problem("the pool has cases but no points", key=f"pools.{name}")
    found = f"{amount / 100:,.2f} yuan"
    if amount <= 0:
        raise problem("the pool has no money", key=f"pools.{name}", found=found)
    if (len(points) + int(alike.count.sum())) * floor > amount:
        raise problem(
            "the fund floor of the cases is more than the pool", key=f"pools.{name}", found=found
        )
    value = point_value(points, beside, amount, floor, alike)
    limit = _limited(value * UNIT / 100.0, *bounds)
    if limit is not None:
        bound, yuan = limit
        worth, of_each = (to_fen(np.round(p / UNIT * yuan, 8)) for p in (points, alike.points))
        return (
            np.maximum(worth - beside, floor), of_each * alike.count - alike.beside, yuan, bound
        )  # fmt: skip
    target = np.maximum(points * value - beside, floor)
    if row is None:
        return exact(target, amount, floor), alike.count, float(value * UNIT / 100.0), "pool"
    fen, of_class = _exact_by_class(target, value, amount, alike, row)
    return fen, of_class, float(value * UNIT / 100.0), "pool"


def _limited(yuan: float, low: float | None, high: float | None) -> tuple[str, float] | None:
    """The bound that a point value is beyond, and its yuan; None inside of both."""
    if low is not None and yuan < low:
        return "floor", low
    if high is not None and yuan > high:
        return "ceiling", high
    return None


def point_value(points: Fen, beside: Fen, amount: int, floor: int, alike: Alike = _NOBODY) -> float:
    """Value of a point (点值) at which the fund's parts add up to the pool's money.

    ``sum(max(points * value - beside, floor)) = amount``: without a floor that binds it is
    ``(pool + patients + other payers) / sum of points``. The left side is convex and grows with
    the value, so Newton's steps from above end exactly on the right set of cases.

    Args:
        points: points of the cases, any unit. Shape (N,).
        beside: what patients and other payers bear in fen. Shape (N,).
        amount: the pool's money in fen.
        floor: least fund part of a case in fen.
        alike: further cases, by class.

    Returns:
        Fen per unit of points.
    """
    borne = beside.astype(np.float64)
    sure_points, sure_beside = int((alike.count * alike.points).sum()), int(alike.beside.sum())
    value = (amount + float(sure_beside + int(beside.sum()))) / float(
        sure_points + int(points.sum())
    )
    for _ in range(_ROUNDS):
        above = points * value - borne > floor
        if not sure_points and not above.any():
            return value
        held = amount - floor * int((~above).sum())
        new = (held + float(sure_beside + int(beside[above].sum()))) / float(
            sure_points + int(points[above].sum())
        )
        if new == value or abs(new - value) <= 1e-15 * value:
            return new
        value = new
    return value


def exact(target: Floats, amount: int, floor: int = 0) -> Fen:
    """Round amounts to whole fen so that they add up (largest remainder, 最大余额法).

    Ties go to the earlier case.

    Args:
        target: exact amounts in fen, which add up to ``amount`` up to float error. Shape (N,).
        amount: what they must add up to.
        floor: least amount of one, which rounding does not go below.
    """
    whole = np.floor(target)
    part = target - whole
    fen = whole.astype(np.int64)
    left = amount - int(fen.sum())
    while left:
        count = min(abs(left), len(fen))
        order = part if left > 0 else np.where(fen > floor, -part, -np.inf)
        fen[largest(order, count)] += 1 if left > 0 else -1
        left = amount - int(fen.sum())
    return fen


def largest(values: Floats, count: int) -> Places:
    """Places of the ``count`` largest values, the earlier first among equals."""
    if count >= len(values):
        return np.arange(len(values))
    edge = np.partition(values, len(values) - count)[len(values) - count]
    above = np.flatnonzero(values > edge)
    equal = np.flatnonzero(values == edge)[: count - len(above)]
    return np.concatenate([above, equal])


def _exact_by_class(
    target: Floats, value: float, amount: int, alike: Alike, row: Places
) -> tuple[Fen, Fen]:
    """The fen of :func:`exact` over single cases and classes. Shapes (N,) and (K,)."""
    worth = alike.points * value
    below = np.floor(worth)
    classes = (below * alike.count).astype(np.int64) - alike.beside
    whole = np.floor(target)
    fen = whole.astype(np.int64)
    left = amount - int(classes.sum()) - int(fen.sum())
    if not 0 <= left <= int(alike.count.sum()) + len(fen):
        raise NotBySumsError
    if not left:
        return fen, classes
    part = np.concatenate([worth - below, target - whole])
    edge, taken = _edge(part, np.concatenate([alike.count, np.ones(len(fen), np.int64)]), left)
    above = part > edge
    classes += np.where(above[: len(classes)], alike.count, 0)
    fen += above[len(classes) :]
    equal = np.flatnonzero(part == edge)
    which, at = alike.rows(equal[equal < len(classes)])
    alone = equal[equal >= len(classes)] - len(classes)
    first = np.argsort(np.concatenate([at, row[alone]]), kind="stable")[: left - taken]
    np.add.at(classes, which[first[first < len(at)]], 1)
    fen[alone[first[first >= len(at)] - len(at)]] += 1
    return fen, classes


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
