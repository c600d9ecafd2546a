"""Fund money by cell (按单元记账的基金支付), and point pools shared out over it (点数法分配).

Ordinary cases of a cell have the same points, so what the pool makes of them differs only by what
their patients bear, which is whole fen: their fractions of a fen are equal. The largest remainders
are found over these classes and the single cases together; only inside the class at the edge does
the order of the cases decide, and there it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from budget.pools.point_value import POINT_DECIMALS
from budget.pools.sharing import limited
from budget.settlement.settled import Settlement
from drg.money import to_fen

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Bounds = Mapping[int, tuple[float | None, float | None]]
UNIT = 10**POINT_DECIMALS
_BINS = 1 << 16
_ROUNDS = 200


@dataclass
class Book:
    """Fund money in fen by cell, and the part of it that is paid beside the pools.

    Attributes:
        cells: number of cells (hospital, group, insurance).
        fund: fund money. Shape (cells,).
        outside: the part paid beside the pools. Shape (cells,).
    """

    cells: int
    fund: Fen = field(init=False)
    outside: Fen = field(init=False)

    def __post_init__(self) -> None:
        self.fund = np.zeros(self.cells, np.int64)
        self.outside = np.zeros(self.cells, np.int64)

    def add(self, cell: Places, fen: Fen, inside: Bools) -> None:
        """Add money to cells; a cell may come more than once."""
        self.fund += total(cell, fen, self.cells)
        if not inside.all():
            self.outside += total(cell, np.where(inside, 0, fen), self.cells)

    def copy(self) -> Book:
        """A book to go on with."""
        other = Book(self.cells)
        other.fund, other.outside = self.fund.copy(), self.outside.copy()
        return other


@dataclass(frozen=True)
class Waiting:
    """Cases that wait for their pool: cell, pool, points, what is borne beside, place. (S,)."""

    cell: Places
    pool: npt.NDArray[np.int8]
    points: Fen
    beside: Fen
    row: Places


@dataclass(frozen=True)
class Classed:
    """Ordinary cases that wait for their pool, by cell.

    Attributes:
        cell: the cells. Shape (K,), as all that follow but the last two.
        pool: their pools.
        count: how many cases.
        points: points of each of them.
        beside: what is borne beside of all of them, in fen.
        first: their first place among the ordinary cases.
        last: the place after their last.
        without: places between that are not among them.
        row: place among the claims of all ordinary cases.
    """

    cell: Places
    pool: npt.NDArray[np.int8]
    count: Fen
    points: Fen
    beside: Fen
    first: Places
    last: Places
    without: Places
    row: Places

    def rows(self, which: Places) -> tuple[Places, Places]:
        """The cases of some of the cells: which cell, and their place among the claims."""
        at, cell = ranges(self.first[which], self.last[which])
        own = ~np.isin(at, self.without)
        return which[cell[own]], self.row[at[own]]


def total(cell: Places, fen: Fen, size: int) -> Fen:
    """Sums of whole fen by cell; exact up to 90 trillion yuan. Shape (size,)."""
    return np.rint(np.bincount(cell, fen.astype(np.float64), size)).astype(np.int64)


def share_pools(
    book: Book, waiting: Sequence[Waiting], classed: Sequence[Classed], settled: Settlement,
    bounds: Bounds, floor: int, fall: float, shape: tuple[int, int, int],
) -> dict[int, float]:  # fmt: skip
    """Share out what is left of each open pool; writes into the book.

    Args:
        book: money that is known already.
        waiting: single cases.
        classed: cases of equal points.
        settled: the settled year, for the pools' money and values.
        bounds: floor and ceiling of the point value of each open pool.
        floor: least fund part of a case in fen.
        fall: how far a point may fall below its settled value before the sums do not decide.
        shape: hospitals, groups and insurances.

    Returns:
        Yuan per point of each open pool.

    Raises:
        NotBySumsError: the sums do not decide.
    """
    if not bounds:
        return {}
    inside = (book.fund - book.outside).reshape(shape).sum(axis=1)
    values = {}
    for place in bounds:
        spent = int(inside[settled.grid.pool == place].sum())
        left = settled.paid.pools[place].amount - spent
        values[place] = _share_pool(book, waiting, classed, place, left, bounds[place], floor)
        if values[place] < fall * settled.paid.pools[place].point_value:
            raise NotBySumsError
    return values


def _share_pool(
    book: Book, waiting: Sequence[Waiting], classed: Sequence[Classed], place: int, left: int,
    bound: tuple[float | None, float | None], floor: int,
) -> float:  # fmt: skip
    mine = [one.pool == place for one in waiting]
    cell, points, beside, row = (
        np.concatenate([getattr(one, name)[own] for one, own in zip(waiting, mine, strict=True)])
        for name in ("cell", "points", "beside", "row")
    )
    if len(classed) != 1:
        raise NotBySumsError
    many = classed[0]
    at = np.flatnonzero(many.pool == place)
    classes = Classes(many.count[at], many.points[at], many.beside[at])
    one = Single(points, beside, row)
    cases = int(classes.count.sum()) + len(row)
    if left <= 0 or not cases or cases * floor > left:
        raise NotBySumsError
    value = point_value(classes, one, left, floor)
    yuan = float(value * UNIT / 100.0)
    limit = limited(yuan, *bound)
    if limit is not None:
        yuan = limit[1]
        of_class = to_fen(np.round(classes.points / UNIT * yuan, 8)) * classes.count
        of_class -= classes.beside
        of_one = np.maximum(to_fen(np.round(points / UNIT * yuan, 8)) - beside, floor)
    else:

        def rows(which: Places) -> tuple[Places, Places]:
            found, place_of = many.rows(at[which])
            return np.searchsorted(at, found), place_of

        of_class, of_one = share_out(classes, one, value, left, floor, rows)
    known = np.ones(1, np.bool_)
    book.add(many.cell[at], of_class, known)
    book.add(cell, of_one, known)
    return yuan


def ranges(first: Places, last: Places) -> tuple[Places, Places]:
    """All places from ``first`` to before ``last`` of each part, and the part of each."""
    count = np.maximum(last - first, 0)
    part = np.repeat(np.arange(len(count)), count)
    begin = np.cumsum(count) - count
    return np.arange(len(part)) - begin[part] + first[part], part


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
