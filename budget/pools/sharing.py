"""Sharing a point pool out (点数法分配): the value of a point, and whole fen that add up.

The value is a ratio of whole numbers, so what a case is worth is known exactly, and so is which
remainders are the largest. What patients bear is whole fen, so what the pool makes of cases of
equal points has equal fractions of a fen. Such cases may come as one class; only inside the class
at the edge of the largest remainders does it matter which case goes first: that their ids say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from budget.price.grid import POINT_DECIMALS
from drg.errors import problem
from drg.language import say
from drg.money import Fen, decimal, divided, edge, printed, ratio, rounded, sign

Places = npt.NDArray[np.intp]
Bounds = tuple[float | None, float | None]
Order = Callable[[Places], Places]
UNIT = 10**POINT_DECIMALS
_ROUNDS = 200
_SLICE = 262_144


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
    row: Places,
    order: Order,
    alike: Alike = _NOBODY,
) -> tuple[Fen, Fen, float, str]:
    """Share a pool's money out by points (最大余额法): whole fen that add up to it.

    Args:
        points: points of the cases in units of 0.0001. Shape (N,).
        beside: what patients and other payers bear in fen. Shape (N,).
        amount: the pool's money in fen.
        floor: least fund part of a case in fen.
        bounds: floor and ceiling of the value of a point in yuan.
        name: of the pool.
        row: places of the cases among the claims. Shape (N,).
        order: places among some rows of the claims, in the order in which they go first where
            their remainders are equal.
        alike: further cases, by class.

    Returns:
        Fen of the cases, shape (N,), and of the classes, shape (K,); yuan per point; and what
        decided it: ``pool``, ``floor`` or ``ceiling``.

    Raises:
        DrgError: there are no points, no money, or less than the floors.
        NotBySumsError: classes leave more or less than one fen a case over.
    """
    if not (points.any() or alike.points.any()):
        raise problem(say("基金池有病例而没有点数", "the pool has cases but no points"),
                      key=f"pools.{name}")  # fmt: skip
    found = f"{amount / 100:,.2f}" + say(" 元", " yuan")
    if amount <= 0:
        raise problem(say("基金池没有资金", "the pool has no money"), key=f"pools.{name}",
                      found=found)  # fmt: skip
    if (len(points) + int(alike.count.sum())) * floor > amount:
        raise problem(say("各病例基金支付下限合计超过基金池总额",
                          "the fund floor of the cases is more than the pool"), key=f"pools.{name}",
                      found=found)  # fmt: skip
    value = point_value(points, beside, amount, floor, alike)
    limit = _limited(value * UNIT / 100, *bounds)
    fen = np.empty(len(points), np.int64)
    if limit is not None:
        bound, yuan = limit
        for some in slices(len(points)):
            fen[some] = np.maximum(worth_of(points[some], yuan) - beside[some], floor)
        return fen, worth_of(alike.points, yuan) * alike.count - alike.beside, yuan, bound
    rest = np.empty(len(points), np.int64)
    for some in slices(len(points)):
        whole, over = divided(points[some], value.numerator, value.denominator)
        own = whole - beside[some]
        rest[some], fen[some] = np.where(own < floor, 0, over), np.maximum(own, floor)
    of_each, rest_of_each = divided(alike.points, value.numerator, value.denominator)
    classes = of_each * alike.count - alike.beside
    left = amount - int(classes.sum()) - int(fen.sum())
    if not 0 <= left <= int(alike.count.sum()) + len(fen):
        raise NotBySumsError
    if left:
        held = (rest_of_each, alike.count), *((rest[some], None) for some in slices(len(rest)))
        least, taken = edge(held, left)
        classes += np.where(rest_of_each > least, alike.count, 0)
        fen += rest > least
        which, at = alike.rows(np.flatnonzero(rest_of_each == least))
        alone = np.flatnonzero(rest == least)
        first = order(np.concatenate([at, row[alone]]))[: left - taken]
        np.add.at(classes, which[first[first < len(at)]], 1)
        fen[alone[first[first >= len(at)] - len(at)]] += 1
    return fen, classes, float(value * UNIT / 100), "pool"


def slices(size: int) -> list[slice]:
    """So many cases in slices, so that no array of all of them is made in between."""
    return [slice(start, start + _SLICE) for start in range(0, size, _SLICE)]


def worth_of(points: Fen, yuan: npt.ArrayLike) -> Fen:
    """Points in units of 0.0001 at yuan per point, in fen, rounded once. Shape (N,)."""
    return rounded(ratio(points, UNIT) * decimal(yuan), unit=100)


def _limited(
    yuan: Fraction, low: float | None, high: float | None
) -> tuple[str, float] | None:  # fmt: skip
    """The bound that a point value is beyond, and its yuan; None inside of both."""
    if low is not None and yuan < printed(low):
        return "floor", low
    if high is not None and yuan > printed(high):
        return "ceiling", high
    return None


def point_value(
    points: Fen, beside: Fen, amount: int, floor: int, alike: Alike = _NOBODY
) -> Fraction:
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
    sure_points, sure_beside = int((alike.count * alike.points).sum()), int(alike.beside.sum())
    value = Fraction(amount + sure_beside + int(beside.sum()), sure_points + int(points.sum()))
    for _ in range(_ROUNDS):
        count, own_points, own_beside = 0, 0, 0
        for some in slices(len(points)):
            worth, least = ratio(points[some]) * decimal(value), ratio(beside[some] + floor)
            above = sign(worth, -least) > 0
            count += int(above.sum())
            own_points += int(points[some][above].sum())
            own_beside += int(beside[some][above].sum())
        if count == len(points) or not (sure_points or count):
            return value
        held = amount - floor * (len(points) - count) + sure_beside + own_beside
        new = Fraction(held, sure_points + own_points)
        if new == value:
            return value
        value = new
    return value
