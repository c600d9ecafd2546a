"""Cases without a group (未入组、歧义组、无权重病组): a share of the cost, or another weight."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.cases.claims import AMBIGUOUS, GROUPED, UNGROUPED
from budget.policy.special import WithoutGroup
from budget.price.state import State

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def decide(state: State) -> None:
    """Cases without a group, or whose group has no weight or hospital no rate."""
    c = state.claims
    priced = np.isfinite(state.standard)
    for branch, which, rule in (
        ("ungrouped", c.kind == UNGROUPED, state.special.ungrouped),
        ("ambiguous", c.kind == AMBIGUOUS, state.special.ambiguous),
        ("unpriced", (c.kind == GROUPED) & ~priced, state.special.unpriced),
    ):
        rows = state.free(which)
        state.set(rows, branch, _basis(state, rule, rows))


def _basis(state: State, rule: WithoutGroup, rows: Rows) -> Floats:
    """What a case is worth that has no standard of its own."""
    if rule.pay == "share_of_cost":
        return state.cost[rows] * (rule.share or 0.0)
    if rule.pay == "by_item":
        return state.cost[rows]
    own = state.standard[rows]
    if rule.pay == "weight":
        own = _of_weight(state, rule.weight or 0.0, rows)
        state.standard[rows] = own
        state.weight[rows] = rule.weight
    return np.where(np.isfinite(own), own, state.cost[rows])


def _of_weight(state: State, weight: float, rows: Rows) -> Floats:
    """The standard of a weight that is no group's, by the hospital's own price of weight 1."""
    own = state.grid.unit[state.at[0][rows], state.at[2][rows]] * weight
    return state.rounded(own)
