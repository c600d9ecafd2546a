"""Unstable groups (不稳定病组): paid by item, or by points of their cost."""

from __future__ import annotations

import numpy as np

from budget.price.grid import BY_ITEM, COST_POINTS
from budget.price.state import State


def decide(state: State) -> None:
    """Cases whose group is in a set of unstable groups."""
    if not state.grid.unstable.any():
        return
    how = np.where(state.claims.group >= 0, state.grid.unstable[state.at], 0)
    for kind in (BY_ITEM, COST_POINTS):
        rows = state.free(how == kind)
        state.set(rows, "unstable", state.cost[rows])
