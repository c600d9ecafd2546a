"""Day-bed quota (日间病床按病种付费): a quota by disease, whatever the case cost."""

from __future__ import annotations

import numpy as np

from budget.price.state import State
from drg.money import decimal


def decide(state: State) -> None:
    """Marked cases with a disease of the list."""
    c = state.claims
    day_bed = state.special.day_bed
    if day_bed is not None and day_bed.diseases and "day_bed" in c.flags:
        rows = state.free(c.flags["day_bed"] & (c.disease >= 0))
        quota = np.array([disease.quota for disease in day_bed.diseases])
        state.set(rows, "day_bed", decimal(quota[c.disease[rows]]))
