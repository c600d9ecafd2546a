"""Projection (支付预测): the next years of a settled one, under a scenario.

A year is the one before with its cases and costs moved by the drivers, priced and settled by the
year's policy and weights. Where the policy, the weights or the cost of cases change, all cases are
settled anew, so that thresholds and branches are exact; the other drivers and behaviour move the
sums of cells. With nothing assumed a projected year is the settled one, to the last fen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from budget.projection.cells import SUMS, Cells
from budget.projection.equilibrium import React
from budget.projection.prices import Prices
from budget.projection.scenario import Drivers, Scenario, growth
from budget.projection.warnings import unmatched
from budget.projection.year import Year, settled, settled_ahead, spent
from drg.errors import problem
from drg.language import say
from weights.table.families import families

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Reprice = Callable[[int, Mapping[str, float], Prices | None], Cells]


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
            from 1, the fund spend of the year before it in yuan by pool, and at other prices;
            without it the policy stays as it is, and cases stay in their branches when their cost
            moves.
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
                raise problem(say("需要病例数据才能重新清算",
                                  "needs the cases to settle them anew"), file=scenario.place,
                              key=f"change.{number}")  # fmt: skip
            years, priced = _together(years, reprice(number, spent(years[-1]), None))
            volume_step, cost_step = growth(priced, scenario.drivers)
        volume, price = volume_step**number, cost_step**number
        at_price, dearer = priced, price
        if reprice is not None and (cost_step != 1.0).any():
            found = reprice(number, spent(years[-1]), Prices(priced.groups, price))
            at_price, dearer = found.over(priced.groups), np.ones(price.shape)
        cells = moved(at_price, volume, dearer)
        if scenario.drivers is not None:
            cells = _mix(cells, scenario.drivers, number)
        before = years[-1]

        def settle(
            held: Cells, number: int = number, price: Floats = price, priced: Cells = at_price,
            before: Year = before,
        ) -> Year:  # fmt: skip
            return settled_ahead(base.year + number, held, price, priced, before)

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
    ladders = families(cells.groups).ladders
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
