"""Searching a policy (政策搜索): its figures as parameters, a settled year as the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from budget.claims import Claims
from budget.hospitals import Hospitals
from budget.policy.policy import Policy
from budget.search import Parameter
from budget.settlement import Settlement, settle
from drg.errors import problem
from weights.table import WeightTable

Outcomes = dict[str, float]
Evaluate = Callable[[Mapping[str, float]], Outcomes]


def parameter(policy: Policy, key: str, low: float, high: float, weight: float = 1.0) -> Parameter:
    """A figure of a policy as something that may change, with its value in force and its terms.

    Args:
        policy: the policy.
        key: its path, such as ``standard.rates.base.yuan`` or ``pools.employee.growth``.
        low: least value to consider.
        high: greatest value to consider.
        weight: how much its change counts.

    Raises:
        DrgError: there is no such figure.
    """
    for leaf in policy.leaves():
        if leaf.key == key and isinstance(leaf.value, int | float):
            return Parameter(key, float(leaf.value), low, high, weight=weight, zh=leaf.about.zh,
                             en=leaf.about.en)  # fmt: skip
    raise problem("no such figure", file=policy.id, key=key)


def evaluator(
    claims: Claims,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    *,
    last_year: Mapping[str, float] | None = None,
) -> Evaluate:
    """What a year comes to under other figures of a policy, for :func:`budget.search.search`.

    Every call settles the year's cases anew, so thresholds, caps and sharing are exact.

    Args:
        claims: the year's cases.
        weights: relative weights.
        policy: the policy in force.
        hospitals: the hospitals.
        year: settlement year.
        last_year: last year's fund spend in yuan by pool.
    """

    def evaluate(values: Mapping[str, float]) -> Outcomes:
        rules = policy
        for key, value in values.items():
            rules = rules.replace(key, float(value), "searched")
        return outcomes(settle(claims, weights, rules, hospitals, year, last_year=last_year))

    return evaluate


def outcomes(settled: Settlement) -> Outcomes:
    """What targets are set for.

    Returns:
        ``balance`` of the pools and ``fund`` money in yuan, ``largest_loss`` of any hospital as a
        share of its cost (negative), ``average_payment`` in yuan, ``patient_share`` of the cost.
    """
    sums, cash = settled.sums.yearly(), settled.cash
    cost = sums.cost.sum(axis=1)
    gain = (cash.final + sums.patient + sums.other - sums.cost).sum(axis=1)
    seen = cost > 0
    money = sum(one.amount for one in settled.money)
    outside = sum(one.outside for one in settled.paid.pools)
    total = float(cost.sum())
    paid = float(cash.final.sum() + sums.patient.sum() + sums.other.sum())
    return {
        "balance": (money - float(cash.final.sum()) + outside) / 100.0,
        "fund": float(cash.final.sum()) / 100.0,
        "largest_loss": float(np.min(gain[seen] / cost[seen])),
        "average_payment": paid / float(sums.cases.sum()) / 100.0,
        "patient_share": float(sums.patient.sum()) / total,
    }
