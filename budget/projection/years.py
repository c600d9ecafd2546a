"""Projection (支付预测): the next years of a settled one, under a scenario.

A year is the one before with its cases and costs moved by the drivers, priced and settled by the
year's policy and weights. Where the policy or the weights change, all cases are settled anew, so
that thresholds and branches are exact; drivers and behaviour move the sums of cells. With nothing
assumed a projected year is the settled one, to the last fen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from budget.policy.select import choose
from budget.pools.money import PoolMoney, pool_money
from budget.projection.cells import SUMS, Cells
from budget.projection.equilibrium import React
from budget.projection.scenario import Drivers, Scenario, growth
from budget.projection.warnings import unmatched
from budget.settlement.settled import close
from budget.settlement.year_end import YearEnd
from drg.errors import problem
from drg.money import allocate
from weights.table.families import families

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Reprice = Callable[[int, Mapping[str, float]], Cells]


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


@dataclass(frozen=True)
class Projection:
    """A scenario's years; the first is the settled one.

    Attributes:
        scenario: what was assumed.
        years: the settled year and the projected ones.
        warnings: name -> what a reader must know.
    """

    scenario: Scenario
    years: tuple[Year, ...]
    warnings: dict[str, str] = field(default_factory=dict)


def project(
    base: Cells,
    scenario: Scenario,
    *,
    reprice: Reprice | None = None,
    react: React | None = None,
) -> Projection:
    """Look ahead.

    Args:
        base: the settled year.
        scenario: what is assumed.
        reprice: cells of the settled year's cases under the policy and weights of a year, counted
            from 1, and the fund spend of the year before it in yuan by pool; without it the policy
            stays as it is.
        react: settles a year with the reactions to its prices; see ``equilibrium``.

    Raises:
        DrgError: a pool has no money, or the scenario changes the policy and there are no cases.
    """
    years = [settled(base)]
    volume_step, cost_step = growth(base, scenario.drivers)
    priced = base
    for number in range(1, scenario.years + 1):
        if str(number) in scenario.change:
            if reprice is None:
                raise problem("needs the cases to settle them anew", file=scenario.place,
                              key=f"change.{number}")  # fmt: skip
            years, priced = _together(years, reprice(number, spent(years[-1])))
            volume_step, cost_step = growth(priced, scenario.drivers)
        volume, price = volume_step**number, cost_step**number
        cells = moved(priced, volume, price)
        if scenario.drivers is not None:
            cells = _mix(cells, scenario.drivers, number)
        before = years[-1]

        def settle(
            held: Cells, number: int = number, price: Floats = price, priced: Cells = priced,
            before: Year = before,
        ) -> Year:  # fmt: skip
            return _settle(base.year + number, held, price, priced, before)

        years.append(settle(cells) if react is None else react(cells, years[0], settle))
    return Projection(scenario, tuple(years), unmatched(scenario, years))


def _together(years: list[Year], priced: Cells) -> tuple[list[Year], Cells]:
    """Years and cells over the same groups, where another weight table has others."""
    known = years[0].cells.groups
    if set(priced.groups) == set(known) and priced.groups == known:
        return years, priced
    groups = (*dict.fromkeys((*known[:-1], *priced.groups[:-1])), "")
    named = dict(zip(priced.groups, priced.names, strict=True))
    at = np.array([groups.index(code) for code in known], np.intp)
    found = []
    for year in years:
        cells = year.cells.over(groups)
        names = tuple(held or named.get(code, "") for code, held in
                      zip(groups, cells.names, strict=True))  # fmt: skip
        price = np.ones(cells.cases.shape)
        price[:, at] = year.price
        found.append(replace(year, cells=replace(cells, names=names), price=price))
    return found, priced.over(groups)


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


def moved(cells: Cells, volume: Floats, price: Floats) -> Cells:
    """Cells with cases and costs multiplied; patients bear their share of the cost."""
    both = volume * price
    return cells.scaled(
        cases=volume, stay=volume, fund=volume, by_standard=volume, cost=both, patient=both,
        other=both, by_cost=both, outside=both, outside_beside=both, lift=both,
    )  # fmt: skip


def _mix(cells: Cells, drivers: Drivers, year: int) -> Cells:
    """Cases that move one severity up, and between tiers."""
    if drivers.case_mix:
        cells = shift_severity(cells, 1.0 - (1.0 - abs(drivers.case_mix)) ** year,
                               up=drivers.case_mix > 0)  # fmt: skip
    for flow in drivers.flows:
        cells = shift_tier(cells, flow.from_tier, flow.to_tier, 1.0 - (1.0 - flow.share) ** year)
    return cells


def shift_severity(cells: Cells, share: float, *, up: bool = True) -> Cells:
    """Move a share of the cases of each group to the next severity of its ADRG.

    A case that moves takes the standard, cost and parts of a case of its new group in the same
    hospital and insurance; where there is none, it stays.
    """
    ladders = families(cells.groups).ladders()
    new = {name: getattr(cells, name).copy() for name in SUMS}
    for ladder in ladders:
        steps = zip(ladder[1:], ladder[:-1], strict=True)  # the lighter, the graver
        for lighter, graver in steps:
            source, target = (lighter, graver) if up else (graver, lighter)
            count = cells.cases[:, target] > 0
            out = np.where(count, share, 0.0)
            moving = cells.cases[:, source] * out
            per_case = moving / np.where(count, cells.cases[:, target], 1.0)
            for name in SUMS:
                held = getattr(cells, name)
                new[name][:, source] -= held[:, source] * out
                new[name][:, target] += held[:, target] * per_case
    return replace(cells, **new)


def shift_tier(cells: Cells, source: int, target: int | None, share: float) -> Cells:
    """Move a share of a tier's cases to the hospitals of another one, or out of the area.

    They go to the hospitals of the target tier in proportion to what these treat of the group and
    insurance already, at the cost and standard there; groups that nobody there treats stay.
    """
    from_here = (cells.tier == source)[:, None, None]
    here = np.where(from_here, cells.cases, 0.0)
    new = {name: getattr(cells, name).copy() for name in SUMS}
    if target is None:
        for name in SUMS:
            new[name] -= np.where(from_here, getattr(cells, name) * share, 0.0)
        return replace(cells, **new)
    there = np.where((cells.tier == target)[:, None, None], cells.cases, 0.0)
    treated = there.sum(axis=0)
    out = np.where(treated > 0, share, 0.0)
    gained = np.divide((here * out).sum(axis=0), treated, out=np.zeros_like(treated),
                       where=treated > 0)  # fmt: skip
    for name in SUMS:
        held = getattr(cells, name)
        new[name] -= np.where(from_here, held * out, 0.0)
        new[name] += np.where((cells.tier == target)[:, None, None], held * gained, 0.0)
    return replace(cells, **new)


def _settle(year: int, cells: Cells, price: Floats, priced: Cells, before: Year) -> Year:
    policy = cells.policy
    held = spent(before)
    money = tuple(
        PoolMoney(pool.name, (), 0, {}, 0, 0)  # no case and no money, as in the settlement
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
