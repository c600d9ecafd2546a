"""Settling the cases anew (重新清算) under the policy, weights and prices of a year ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals
from budget.policy.document import Policy
from budget.pools.money import LastYear
from budget.projection.cells import Cells
from budget.projection.joining import Everybody
from budget.projection.policy import changed_policy
from budget.projection.prices import Prices
from budget.projection.scenario import Scenario
from budget.projection.years import Reprice
from budget.settlement.files import read_claims
from budget.settlement.settled import history_of, settle
from weights.table import WeightTable, open_weights

# Cases as a policy and a weight table ask for them, of those who have joined by a year.
Cases = Callable[[Policy, WeightTable, int], Claims]


def reading(source: Path, everybody: Everybody, year: int, scenario: Scenario, **how: Any) -> Cases:
    """The cases of a file, read anew only where what is asked for differs from the last time.

    Args:
        source: grouped cases.
        everybody: hospitals of today and those that join.
        year: the settled year.
        scenario: who joins, and when.
        **how: as for ``read_claims``.
    """
    read: dict[tuple[Any, ...], Claims] = {}  # of the rules that were asked last

    def cases(rules: Policy, table: WeightTable, number: int) -> Claims:
        key = rules.digest, table.digest, scenario.joining(number)
        if key not in read:
            read.clear()
            claims = read_claims(source, table, rules, everybody.hospitals, year, **how)
            read[key] = everybody.claims(claims, scenario, number)
        return read[key]

    return cases


def repricing(
    cases: Cases,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    scenario: Scenario,
    names: Mapping[str, str] | None = None,
    *,
    last_year: LastYear | None = None,
) -> Reprice:
    """What settles the year's cases anew as a scenario has policy, weights and hospitals.

    Args:
        cases: the cases, as :func:`reading` gives them.
        weights: the weight table in force.
        policy: the policy that the scenario is laid over.
        hospitals: all hospitals, those that join too.
        year: the settled year.
        scenario: what changes.
        names: names of groups that the weight table does not name.
        last_year: last year's fund spend in yuan by pool, or by pool and hospital.
    """

    def again(number: int, spent: Mapping[str, float], prices: Prices | None) -> Cells:
        name = scenario.weights_in(number)
        table = weights if name is None else open_weights(name)
        rules = changed_policy(policy, scenario, number)
        claims, history = cases(rules, table, number), None
        if prices is not None:
            groups = tuple(map(str, table.frame["drg"]))
            history = history_of(claims, len(hospitals), len(groups))
            claims = prices.on(claims, groups)
        done = settle(
            claims, table, rules, hospitals, year, last_year={**(last_year or {}), **spent},
            history=history,
        )  # fmt: skip
        return Cells.of(done).named(names)

    return again
