"""Transfer and discharge against advice (转院、非医嘱离院): a part of the standard."""

from __future__ import annotations

import numpy as np

from budget.price.outliers import ratio
from budget.price.state import State


def decide(state: State) -> None:
    """Cases by their discharge mode that have a standard."""
    rule = state.special.transfer
    if rule is None:
        return
    which = np.isin(state.claims.mode, rule.modes) & np.isfinite(state.standard)
    if rule.within_days is not None:
        which &= state.claims.stay <= rule.within_days
    rows = state.free(which)
    standard, cost = state.standard[rows], state.cost[rows]
    if rule.pay == "proportional":
        mean = state.grid.group_mean[state.at[1][rows]]
        share = ratio(cost, np.where(np.isfinite(mean), mean, 0.0))
        share = np.where(np.isfinite(share), np.minimum(share, rule.cap or np.inf), 1.0)
        state.set(rows, "transfer", standard * share)
    elif rule.pay == "share_of_standard":
        state.set(rows, "transfer", standard * (rule.share or 0.0))
    else:
        state.set(rows, "transfer", cost)
