"""Day surgery (日间手术): a multiplier of the standard of marked cases."""

from __future__ import annotations

import numpy as np

from budget.price.state import State
from drg.money import Exact, decimal


def factor(state: State, standard: Exact) -> Exact:
    """Standards with the multiplier. Shape (N,)."""
    surgery = state.special.day_surgery
    if surgery is not None and "day_surgery" in state.claims.flags:
        marked = state.claims.flags["day_surgery"]
        standard = standard * decimal(np.where(marked, surgery.factor, 1.0))
    return standard
