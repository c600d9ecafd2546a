"""Cases without a group (未入组、歧义组、无权重病组): a share of the cost, or another weight."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.cases.claims import AMBIGUOUS, GROUPED, UNGROUPED
from budget.policy.special import WithoutGroup
from budget.price.outliers import by_own_limits
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
        rows = state.look(branch, which, group=c.group, weight=state.weight)
        _pay(state, branch, rule, rows)


def _pay(state: State, branch: str, rule: WithoutGroup, rows: Rows) -> None:
    """What a case is worth that has no standard of its own."""
    key, cost = f"special.{branch}", state.cost[rows]
    if rule.pay == "share_of_cost":
        share = rule.share or 0.0
        worth = (cost * decimal(share),)
        state.pay(rows, branch, worth, "share_of_cost", f"{key}.pay", f"{key}.share",
                  share=share)  # fmt: skip
        return
    if rule.pay == "by_item":
        state.pay(rows, branch, (cost,), "cost", f"{key}.pay")
        return
    if rule.pay == "own_weight":
        known = np.isfinite(state.standard.value[rows])
        if state.record is not None:
            state.record.use(f"{key}.pay")
        by_own_limits(state, rows[known], branch, rule.low, rule.high, key)
        rows = rows[~known]
        state.pay(rows, branch, (state.cost[rows],), "cost", f"{key}.pay")
        return
    own = _by_weight(state, rule.weight or 0.0, rows, f"{key}.weight")
    known = np.isfinite(own.value)
    state.pay(rows, branch, (either(known, own, cost),), "standard" if known.all() else "cost",
              f"{key}.pay")  # fmt: skip


def _by_weight(state: State, weight: float, rows: Rows, key: str) -> Exact:
    """A weight that is no group's, at the hospital's own price of weight 1."""
    unit = state.grid.unit[state.at[0][rows], state.at[2][rows]]
    (own,) = state.rounded(decimal(unit) * decimal(weight))
    state.standard.value[rows] = own.value
    state.weight[rows] = weight
    if (record := state.recording(rows)) is not None:
        record.terms.clear()
        per_weight = state.grid.tell_points(record)
        record.term("RW", "weight", weight, key)
        record.term("unit", "unit", unit[0] * (state.grid.per_yuan / per_weight), "")
    return own
