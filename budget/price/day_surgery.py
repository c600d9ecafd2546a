"""Day surgery (日间手术): a multiplier of the standard of marked cases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.price.state import State

Floats = npt.NDArray[np.float64]


def factor(state: State, standard: Floats) -> Floats:
    """Standards with the multiplier. Shape (N,)."""
    surgery = state.special.day_surgery
    if surgery is not None and "day_surgery" in state.claims.flags:
        marked = state.claims.flags["day_surgery"]
        standard = np.where(marked, standard * surgery.factor, standard)
    return standard
