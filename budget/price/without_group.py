"""Cases without a group (未入组、歧义组、无权重病组): a share of the cost, or another weight."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.cases.claims import AMBIGUOUS, GROUPED, UNGROUPED
from budget.policy.special import WithoutGroup
from budget.price.state import State
from drg.money import Exact, decimal, either

Rows = npt.NDArray[np.intp]


def decide(state: State) -> None:
    """Cases without a group, or whose group has no weight or hospital no rate."""
    c = state.claims
    priced = np.isfinite(state.standard.value)
    for branch, which, rule in (
        ("ungrouped", c.kind == UNGROUPED, state.special.ungrouped),
        ("ambiguous", c.kind == AMBIGUOUS, state.special.ambiguous),
        ("unpriced", (c.kind == GROUPED) & ~priced, state.special.unpriced),
    ):
        rows = state.free(which)
        state.set(rows, branch, _basis(state, rule, rows))


def _basis(state: State, rule: WithoutGroup, rows: Rows) -> Exact:
    """What a case is worth that has no standard of its own."""
    if rule.pay == "share_of_cost":
        return state.cost[rows] * decimal(rule.share or 0.0)
    if rule.pay == "by_item":
        return state.cost[rows]
    own = state.standard[rows]
    if rule.pay == "weight":
        own = _of_weight(state, rule.weight or 0.0, rows)
        state.standard.value[rows] = own.value
        state.weight[rows] = rule.weight
    return either(np.isfinite(own.value), own, state.cost[rows])


def _of_weight(state: State, weight: float, rows: Rows) -> Exact:
    """The standard of a weight that is no group's, by the hospital's own price of weight 1."""
    unit = decimal(state.grid.unit[state.at[0][rows], state.at[2][rows]])
    (own,) = state.to_decimals(unit * decimal(weight))
    return own
