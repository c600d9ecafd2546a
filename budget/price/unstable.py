"""Unstable groups (不稳定病组): paid by item, or by points of their cost."""

from __future__ import annotations

from budget.price.grid import STABLE
from budget.price.state import State


def decide(state: State) -> None:
    """Cases whose group is in a set of unstable groups."""
    groups, how = state.grid.policy.groups, state.grid.unstable
    if groups is None or not groups.unstable:
        return
    which = None
    if how.any():
        which = (state.claims.group >= 0) & (how[state.at] != STABLE)
    rows = state.look("unstable", which)
    state.pay(rows, "unstable", (state.cost[rows],), "cost")
