"""A year of a projection (预测年度): cells priced, pools shared out, the year end closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.policy.select import choose
from budget.pools.money import PoolMoney, pool_money
from budget.projection.cells import Cells
from budget.settlement.settled import close
from budget.settlement.year_end import YearEnd
from drg.money import allocate

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Year:
    """A projected year.

    Attributes:
        year: calendar year.
        cells: sums by hospital, group and insurance, with the year's cases, costs and prices.
        price: cumulative price index of what a case uses. Shape (H, G, 2).
        money: how the money of each pool came about.
        point_value: what the pool makes of a reference yuan. Shape (P,), NaN for given values.
        fund: fund money by the DRG rules in fen. Shape (H, P).
        closing: the year end.
        cut: what the global budget takes off in fen. Shape (H, P).
        final: what the fund pays in fen. Shape (H, P).
    """

    year: int
    cells: Cells
    price: Floats
    money: tuple[PoolMoney, ...]
    point_value: Floats
    fund: Fen
    closing: YearEnd
    cut: Fen
    final: Fen

    @property
    def inside(self) -> Fen:
        """Part of ``final`` that is paid from the pools, not beside them, in fen. (H, P)."""
        return np.asarray(np.maximum(self.final - self.by_pool("outside"), 0))

    def by_pool(self, name: str) -> Fen:
        """Sums of the cells (cost, patient, other) by hospital and pool in fen. (H, P)."""
        return whole(to_pools(getattr(self.cells, name) * 100.0, self.cells))


def spent(year: Year) -> dict[str, float]:
    """What was paid from each pool that had cases, in yuan by name."""
    total = year.inside.sum(axis=0) / 100.0
    return {one.name: float(yuan) for one, yuan in zip(year.money, total, strict=True) if yuan > 0}


def settled(base: Cells) -> Year:
    """The settled year itself."""
    held = base.settlement
    values = np.array([one.point_value for one in held.paid.pools]) * held.grid.per_yuan
    return Year(
        base.year, base, np.ones(base.cases.shape), held.money, values, held.closing.payable,
        held.closing, held.cut, held.cash.final,
    )  # fmt: skip


def settled_ahead(year: int, cells: Cells, price: Floats, priced: Cells, before: Year) -> Year:
    """Settle the cells of a year ahead.

    Args:
        year: calendar year.
        cells: the year's cells.
        price: cumulative price index of what a case uses. Shape (H, G, 2).
        priced: cells of the settled cases under the year's policy and weights.
        before: the year before.

    Raises:
        DrgError: a pool has no money.
    """
    policy = cells.policy
    held = spent(before)
    money = tuple(
        PoolMoney(pool.name, 0, {}, 0, 0)  # no case and no money, as in the settlement
        if pool.basis == "growth" and pool.last_year is None and pool.name not in held
        else pool_money(pool, held.get(pool.name))
        for pool in policy.pools
    )
    amounts = np.array([one.amount for one in money], np.int64)
    fund, values = payable(cells, priced, amounts)
    parts = {name: whole(to_pools(getattr(cells, name) * 100.0, cells)) for name in
             ("cost", "patient", "other", "outside")}  # fmt: skip
    outside = parts.pop("outside")
    item = parts["cost"] - parts["patient"] - parts["other"]
    closing, cut = close(
        policy, cells.hospitals, amounts, outside, payable=fund, item=item, **parts
    )  # fmt: skip
    return Year(year, cells, price, money, values, fund, closing, cut, closing.final - cut)


def payable(cells: Cells, priced: Cells, amounts: Fen) -> tuple[Fen, Floats]:
    """Fund money by hospital and pool in fen, and the pools' values of a reference yuan.

    It is that of the cases as they were settled plus what the cells say of the difference, so that
    where nothing moved nothing changes.

    Args:
        cells: the year's cells.
        priced: cells of the settled cases under the year's policy and weights.
        amounts: money of each pool in fen. Shape (P,).
    """
    base, held = priced, priced.settlement
    pools = len(cells.policy.pools)
    values = np.full(pools, np.nan)
    given = np.nan_to_num(cells.point_value)
    new, old = _worth(cells, given), _worth(base, given)
    decided = np.isnan(cells.point_value) & (cells.pool >= 0)
    low, high = bounds(cells)
    free = []
    for place in range(pools):
        here = decided & (cells.pool == place) & (cells.cases.sum(axis=1) > 0)
        mine = cells.pool == place
        if not here.any():
            only = np.unique(cells.point_value[mine])
            values[place] = only[0] if len(only) == 1 else np.nan
            continue
        fixed = [np.where((mine & ~here)[:, None, :], held, 0.0).sum() for held in (new, old)]
        limits = low[place], high[place]
        value = _value(cells, here, float(amounts[place]) / 100.0 - fixed[0])
        was = _value(base, here, held.money[place].amount / 100.0 - fixed[1])
        values[place] = np.clip(value, *limits)
        new = np.where(here[:, None, :], _worth(cells, values[place]), new)
        old = np.where(here[:, None, :], _worth(base, np.clip(was, *limits)), old)
        if values[place] == value:
            free.append((place, here))
    new, old = new + cells.outside, old + base.outside
    fund = held.closing.payable + whole(to_pools((new - old) * 100.0, cells))
    for place, here in free:
        beside = np.where(here[:, None, :], 0.0, new - cells.outside) + cells.outside
        kept = whole(to_pools(beside * 100.0, cells))[:, place]
        total = int(amounts[place]) + int(
            to_pools(cells.outside * 100.0, cells)[:, place].sum().round()
        )
        if int(fund[:, place].sum()) != total:
            left = total - int(kept.sum())
            fund[:, place] = kept + allocate(left, np.maximum(fund[:, place] - kept, 0))
    return fund, values


def bounds(cells: Cells) -> tuple[Floats, Floats]:
    """Least and greatest value of a reference yuan that a pool may decide. (P,) each."""
    rows, grid = cells.policy.standard.point_values, cells.settlement.grid
    pools = len(cells.policy.pools)
    low, high = np.full(pools, -np.inf), np.full(pools, np.inf)
    if rows:
        at = np.broadcast_to(choose(rows, **grid.attributes), cells.pool.shape)
        there = np.isnan(cells.point_value) & (cells.cases.sum(axis=1) > 0) & (at >= 0)
        for place in range(pools):
            for row in (rows[i] for i in np.unique(at[there & (cells.pool == place)])):
                low[place] = -np.inf if row.floor is None else row.floor * grid.per_yuan
                high[place] = np.inf if row.ceiling is None else row.ceiling * grid.per_yuan
    return low, high


def _worth(cells: Cells, value: Floats | float) -> Floats:
    """Fund money from the pools by cell in yuan, at a value of a reference yuan."""
    rate = value[:, None, :] if isinstance(value, np.ndarray) else value
    return np.asarray(cells.worth * rate - cells.borne)


def _value(cells: Cells, here: npt.NDArray[np.bool_], amount: float) -> float:
    """Value of a reference yuan at which the pool pays out its money."""
    which = here[:, None, :]
    points = np.where(which, cells.worth, 0.0).sum()
    beside = np.where(which, cells.borne, 0.0).sum()
    return float((amount + beside) / points) if points > 0 else np.nan


def whole(fen: Floats) -> Fen:
    """Amounts in fen as whole fen."""
    return np.rint(fen).astype(np.int64)


def to_pools(values: Floats, cells: Cells) -> Floats:
    """Cells summed by hospital and pool. (H, P)."""
    by_insurance = values.sum(axis=1)
    count = len(cells.policy.pools)
    found = np.zeros((len(by_insurance), count))
    for insurance in range(2):
        for place in range(count):
            mine = cells.pool[:, insurance] == place
            found[mine, place] += by_insurance[mine, insurance]
    return found
