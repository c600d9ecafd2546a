"""Projection (支付预测): the next years of a settled one, under a scenario.

A year is the one before with its cases and costs moved by the drivers, priced and settled by the
year's policy and weights. Where the policy or the weights change, all cases are settled anew, so
that thresholds and branches are exact; drivers and behaviour move the sums of cells. With nothing
assumed a projected year is the settled one, to the last fen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from budget.cells import Cells
from budget.fund import PoolMoney, pool_money
from budget.pools import exact, hold
from budget.reactions import React
from budget.scenario import Drivers, Scenario, growth
from budget.year_end import YearEnd, year_end
from weights.families import families

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Reprice = Callable[[int], Cells]
_ROUNDS = 60


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
            from 1; without it the policy stays as it is.
        react: settles a year with the reactions to its prices (:mod:`budget.reactions`).

    Raises:
        DrgError: a pool has no money, or the scenario changes the policy and there are no cases.
    """
    years = [settled(base)]
    volume_step, cost_step = growth(base, scenario.drivers)
    volume, price = np.ones(base.cases.shape), np.ones(base.cases.shape)
    priced = base
    for number in range(1, scenario.years + 1):
        if reprice is not None and str(number) in scenario.change:
            priced = reprice(number)
        volume, price = volume * volume_step, price * cost_step
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
    return Projection(scenario, tuple(years))


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
        other=both, by_cost=both,
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
    names = ("cases", "cost", "patient", "other", "fund", "by_standard", "by_cost", "stay")
    new = {name: getattr(cells, name).copy() for name in names}
    for ladder in ladders:
        steps = zip(ladder[1:], ladder[:-1], strict=True)  # the lighter, the graver
        for lighter, graver in steps:
            source, target = (lighter, graver) if up else (graver, lighter)
            count = cells.cases[:, target] > 0
            out = np.where(count, share, 0.0)
            moving = cells.cases[:, source] * out
            per_case = moving / np.where(count, cells.cases[:, target], 1.0)
            for name in names:
                held = getattr(cells, name)
                new[name][:, source] -= held[:, source] * out
                new[name][:, target] += held[:, target] * per_case
    return replace(cells, **new)


def shift_tier(cells: Cells, source: int, target: int | None, share: float) -> Cells:
    """Move a share of a tier's cases to the hospitals of another one, or out of the area.

    They go to the hospitals of the target tier in proportion to what these treat of the group and
    insurance already, at the cost and standard there; groups that nobody there treats stay.
    """
    names = ("cases", "cost", "patient", "other", "fund", "by_standard", "by_cost", "stay")
    from_here = (cells.tier == source)[:, None, None]
    here = np.where(from_here, cells.cases, 0.0)
    new = {name: getattr(cells, name).copy() for name in names}
    if target is None:
        for name in names:
            new[name] -= np.where(from_here, getattr(cells, name) * share, 0.0)
        return replace(cells, **new)
    there = np.where((cells.tier == target)[:, None, None], cells.cases, 0.0)
    treated = there.sum(axis=0)
    out = np.where(treated > 0, share, 0.0)
    gained = np.divide((here * out).sum(axis=0), treated, out=np.zeros_like(treated),
                       where=treated > 0)  # fmt: skip
    for name in names:
        held = getattr(cells, name)
        new[name] -= np.where(from_here, held * out, 0.0)
        new[name] += np.where((cells.tier == target)[:, None, None], held * gained, 0.0)
    return replace(cells, **new)


def _settle(year: int, cells: Cells, price: Floats, priced: Cells, before: Year) -> Year:
    policy = cells.policy
    spent = before.final.sum(axis=0) / 100.0
    money = tuple(
        pool_money(pool, float(spent[place]) if pool.last_year is None else None)
        if pool.basis == "growth" else pool_money(pool)
        for place, pool in enumerate(policy.pools)
    )  # fmt: skip
    amounts = np.array([one.amount for one in money], np.int64)
    fund, values = payable(cells, priced, amounts)
    parts = {name: whole(to_pools(getattr(cells, name) * 100.0, cells)) for name in
             ("cost", "patient", "other")}  # fmt: skip
    closing = year_end(
        payable=fund, item=parts["cost"] - parts["patient"] - parts["other"],
        hospitals=cells.hospitals, assessment=policy.assessment, sharing=policy.sharing,
        pools=policy.pools, **parts,
    )  # fmt: skip
    outside = np.zeros_like(fund)
    cut = hold(closing.final, outside, amounts, policy)
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
    new, old = _worth(cells, cells.point_value), _worth(base, base.point_value)
    decided = np.isnan(cells.point_value) & (cells.pool >= 0)
    for place in range(pools):
        here = decided & (cells.pool == place)
        if here.any():
            values[place] = _value(cells, here, float(amounts[place]) / 100.0)
            was = _value(base, here, held.money[place].amount / 100.0)
            new = np.where(here[:, None, :], _worth(cells, values[place]), new)
            old = np.where(here[:, None, :], _worth(base, was), old)
    fund = held.closing.payable + whole(to_pools((new - old) * 100.0, cells))
    for place in map(int, np.flatnonzero(np.isfinite(values))):
        share = np.maximum(fund[:, place], 0).astype(np.float64)
        if int(fund[:, place].sum()) != int(amounts[place]):
            share *= float(amounts[place]) / share.sum()
            fund[:, place] = exact(share, int(amounts[place]))
    return fund, values


def _worth(cells: Cells, value: Floats | float) -> Floats:
    """Fund money of the cells in yuan, at a value of a reference yuan; never below the floor."""
    rate = value[:, None, :] if isinstance(value, np.ndarray) else value
    worth = (cells.by_standard + cells.by_cost) * np.nan_to_num(rate)
    return np.asarray(worth - cells.patient - cells.other)


def _value(cells: Cells, here: npt.NDArray[np.bool_], amount: float) -> float:
    """Value of a reference yuan at which the pool pays out its money."""
    which = here[:, None, :]
    worth = np.where(which, cells.by_standard + cells.by_cost, 0.0).sum()
    beside = np.where(which, cells.patient + cells.other, 0.0).sum()
    return float((amount + beside) / worth)


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
