"""Day-bed quota (日间病床按病种付费): a quota by disease, whatever the case cost."""

from __future__ import annotations

import numpy as np

from budget.price.state import State
from drg.money import decimal


def decide(state: State) -> None:
    """Marked cases with a disease of the list."""
    rule = state.special.day_bed
    if rule is None:
        return
    marked, disease = state.claims.flags.get("day_bed"), state.claims.disease
    which = marked & (disease >= 0) if rule.diseases and marked is not None else None
    rows = state.look("day_bed", which, diseases=len(rule.diseases), marked=marked)
    quota = np.array([one.quota for one in rule.diseases])
    state.pay(rows, "day_bed", (decimal(quota[disease[rows]]),), "quota")
    if (record := state.recording(rows)) is not None:
        one = rule.diseases[disease[0]]
        record.pays("quota", f"special.day_bed.diseases.{one.name}.quota", quota=one.quota)
