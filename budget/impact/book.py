"""Fund money by cell (按单元记账的基金支付), and cases that wait until their pool is shared out."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.pools.formula import Terms
from budget.pools.point_value import first_parts, pool_bounds
from budget.pools.sharing import Alike, Bounds, NotBySumsError, share_out, worth_of
from budget.projection.cells import cell_of
from budget.settlement.settled import Settlement
from drg.money import Exact, Fen, rounded, to_fen

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
FALL = 0.96  # how far a point may lose value before the cases near the floor are not all known


class Money:
    """What turns the worth of cases into fund money in a settled year.

    Attributes:
        settled: the settled year.
        grid: its price grid.
        floor: least fund part of a case in fen.
        by_points: cases have points.
        beside: what patients and other payers bear of every claim, in fen. Shape (N,).
        shape: hospitals, groups and one more for cases without, insurances.
        pool: the pool of each hospital and insurance, ``2 h + i``. Shape (2 H,).
        given: yuan per point, NaN where the pool decides. Shape (2 H,).
        value: the same with what the pools came to. Shape (2 H,).
        bounds: floor and ceiling of the point value of the pools whose money decides it.
    """

    def __init__(self, settled: Settlement) -> None:
        grid, paid, claims = settled.grid, settled.paid, settled.claims
        self.settled, self.grid = settled, grid
        self.floor = int(to_fen(settled.policy.benefit.fund_floor))
        self.by_points = settled.policy.standard.kind != "rate"
        self.beside = settled.patient + settled.other
        self.shape = len(settled.hospitals), len(grid.groups) + 1, 2
        self.pool = grid.pool.reshape(-1).astype(np.int8)
        self.given = np.asarray(grid.point_value.reshape(-1))
        decided = np.array([one.point_value for one in paid.pools] or [np.nan])
        self.value = np.where(np.isnan(self.given), decided[self.pool], self.given)
        self.bounds: dict[int, Bounds] = {}
        for place, one in enumerate(paid.pools):
            if one.by_money:
                own = np.flatnonzero((paid.pool == place) & paid.inside)
                shared = np.zeros(grid.pool.shape, np.bool_)
                shared[claims.hospital[own], claims.insurance[own]] = True
                shared &= np.isnan(grid.point_value)
                self.bounds[place] = pool_bounds(grid, shared, one.name)

    def worth(self, value: Floats, *amount: Exact) -> Fen:
        """Fen of a sum of reference yuan, at values of a point. Shapes (N,)."""
        if not self.by_points:
            return rounded(*amount, unit=100)
        return worth_of(self.grid.points(*amount), value)


class Book:
    """What cells are paid at some weights, and what still waits for its pool.

    Attributes:
        money: how worth becomes money.
        fund: fund money in fen by hospital, group and insurance. Shape (cells,).
        outside: the part of it that is paid beside the pools. Shape (cells,).
    """

    def __init__(self, money: Money) -> None:
        self.money = money
        size = int(np.prod(money.shape))
        self.fund, self.outside = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._waiting: list[tuple[Places, npt.NDArray[np.int8], Fen, Places]] = []
        self._alike: tuple[Places, npt.NDArray[np.int8], Alike] | None = None

    def copy(self) -> Book:
        """A book to go on with."""
        other = copy.copy(self)
        other.fund, other.outside = self.fund.copy(), self.outside.copy()
        other._waiting = list(self._waiting)
        return other

    def add(self, cell: Places, fen: Fen, inside: Bools | None = None) -> None:
        """Add money to cells; a cell may come more than once.

        Args:
            cell: the cells. Shape (N,).
            fen: fund money. Shape (N,).
            inside: what is paid from the pools; all where left out. Shape (N,).
        """
        self.fund += total(cell, fen, len(self.fund))
        if inside is not None and not inside.all():
            self.outside += total(cell, np.where(inside, 0, fen), len(self.fund))

    def wait(self, cell: Places, unit: Places, points: Fen, row: Places) -> None:
        """Let cases wait until their pool is shared out: their points, and places of claims."""
        self._waiting.append((cell, self.money.pool[unit], points, row))

    def wait_alike(self, cell: Places, unit: Places, alike: Alike) -> None:
        """Let classes of cases wait, a cell each; there is one set of them."""
        self._alike = cell, self.money.pool[unit], alike

    def pay(
        self, cell: Places, unit: Places, amount: tuple[Exact, ...], beside: Fen, row: Places,
        inside: Bools | None = None,
    ) -> None:  # fmt: skip
        """Pay cases of cells, or let them wait where their pool decides.

        Args:
            cell: their cells. Shape (N,).
            unit: their hospital and insurance, ``2 h + i``. Shape (N,).
            amount: what they are worth: terms in reference yuan. Shape (N,).
            beside: what patients and other payers bear in fen. Shape (N,).
            row: place among the claims. Shape (N,).
            inside: as in :meth:`add`.
        """
        money = self.money
        if money.bounds and (left := np.isnan(money.given[unit])).any():
            points = money.grid.points(*(term[left] for term in amount))
            self.wait(cell[left], unit[left], points, row[left])
            shut = ~left
            cell, unit, beside = cell[shut], unit[shut], beside[shut]
            amount = tuple(term[shut] for term in amount)
            inside = None if inside is None else inside[shut]
        fen = money.worth(money.given[unit], *amount) - beside
        self.add(cell, np.maximum(fen, money.floor), inside)

    def pay_priced(
        self, claims: Claims, branch: npt.NDArray[np.int8], fen: Fen, points: Fen, row: Places
    ) -> None:
        """Pay cases as a settlement does that has priced them. Shapes (N,).

        Raises:
            NotBySumsError: one waits for a pool that the draft's year does not share out.
        """
        money = self.money
        pool, inside, points, fund, known = first_parts(
            claims, branch, fen, points, money.grid, Terms(money.beside[row]), money.floor
        )
        cell = cell_of(claims.hospital, claims.group, claims.insurance, money.shape[1])
        self.add(cell[known], fund[known], inside[known])
        rest = ~known & (pool >= 0)
        if rest.any():
            if not np.isin(pool[rest], list(money.bounds)).all():  # a pool that shared nothing out
                raise NotBySumsError
            self._waiting.append((cell[rest], pool[rest], points[rest], row[rest]))

    def share_out(self) -> dict[int, float]:
        """Share out what is left of the pools whose money decides, and put it into the book.

        Returns:
            Yuan per point by pool.

        Raises:
            DrgError: a pool has no money or no points.
            NotBySumsError: sums do not decide.
        """
        held, bounds = self.money.settled, self.money.bounds
        if not bounds:
            return {}
        inside = (self.fund - self.outside).reshape(self.money.shape).sum(axis=1)
        values = {}
        for place, bound in bounds.items():
            pool = held.paid.pools[place]
            left = pool.amount - int(inside[held.grid.pool == place].sum())
            values[place] = self._share_pool(place, left, bound, pool.name)
            if values[place] < FALL * pool.point_value:
                raise NotBySumsError
        return values

    def _share_pool(self, place: int, left: int, bound: Bounds, name: str) -> float:
        parts = [
            (cell[own], points[own], row[own])
            for cell, pool, points, row in self._waiting
            if (own := pool == place).any()
        ]
        none = np.zeros(0, np.int64)
        cell, points, row = map(np.concatenate, zip(*parts, (none, none, none), strict=True))
        of_class, alike = none, Alike.none()
        if self._alike is not None:
            cells, pools, every = self._alike
            own = np.flatnonzero(pools == place)
            of_class, alike = cells[own], every.at(own)
        if not len(row) and not alike.count.any():
            raise NotBySumsError
        beside, floor = self.money.beside[row], self.money.floor
        order = self.money.settled.claims.in_order
        fen, class_fen, yuan, _ = share_out(
            points, beside, left, floor, bound, name, row, order, alike
        )
        self.add(of_class, class_fen)
        self.add(cell, fen)
        return yuan


def total(cell: Places, fen: Fen, size: int) -> Fen:
    """Sums of whole fen by cell; exact up to 90 trillion yuan. Shape (size,)."""
    return np.rint(np.bincount(cell, fen.astype(np.float64), size)).astype(np.int64)
