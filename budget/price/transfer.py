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
    rows = state.look("transfer", which, "special.transfer.modes", mode=state.claims.mode,
                      modes=rule.modes, within=rule.within_days)  # fmt: skip
    standard, cost = state.standard[rows], state.cost[rows]
    key = "special.transfer"
    if rule.pay == "proportional":
        mean = state.grid.group_mean[state.at[1][rows]]
        share = ratio(cost, np.where(np.isfinite(mean), mean, 0.0))
        part = np.where(np.isfinite(share), np.minimum(share, rule.cap or np.inf), 1.0)
        state.pay(rows, "transfer", standard * part, "proportional", f"{key}.pay", f"{key}.cap",
                  mean=mean, share=share, cap=rule.cap)  # fmt: skip
    elif rule.pay == "share_of_standard":
        state.pay(rows, "transfer", standard * (rule.share or 0.0), "share_of_standard",
                  f"{key}.pay", f"{key}.share", share=rule.share)  # fmt: skip
    else:
        state.pay(rows, "transfer", cost, "cost", f"{key}.pay")
