"""Transfer and discharge against advice (转院、非医嘱离院): a part of the standard."""

from __future__ import annotations

import numpy as np

from budget.policy.special import Transfer
from budget.price.outliers import ratio
from budget.price.state import State
from drg.money import Exact, decimal, either, sign


def decide(state: State) -> None:
    """Cases by their discharge mode that have a standard."""
    rule = state.special.transfer
    if rule is None:
        return
    which = np.isin(state.claims.mode, rule.modes) & np.isfinite(state.standard.value)
    if rule.within_days is not None:
        which &= state.claims.stay <= rule.within_days
    rows = state.look("transfer", which, "special.transfer.modes", mode=state.claims.mode,
                      modes=rule.modes, within=rule.within_days)  # fmt: skip
    cost, key = state.cost[rows], "special.transfer"
    if rule.pay == "by_item":
        state.pay(rows, "transfer", (cost,), "cost", f"{key}.pay")
        return
    mean = state.grid.means[state.at[1][rows].astype(np.intp)]
    worth = (state.standard[rows] * share_of(rule, cost, mean),)
    if rule.pay == "proportional":
        state.pay(rows, "transfer", worth, "proportional", f"{key}.pay", f"{key}.cap",
                  mean=mean.value, share=ratio(cost.value, mean.value), cap=rule.cap)  # fmt: skip
    else:
        state.pay(rows, "transfer", worth, "share_of_standard", f"{key}.pay", f"{key}.share",
                  share=rule.share)  # fmt: skip


def share_of(rule: Transfer, cost: Exact, mean: Exact) -> Exact:
    """Which part of its standard a case is paid: its cost over the group's mean, or a given one.

    Args:
        rule: the policy's rule, which does not pay by item.
        cost: cost in yuan. Shape (N,).
        mean: regional mean cost of the group in yuan, NaN for none: then all of it. Shape (N,).
    """
    if rule.pay == "share_of_standard":
        return decimal(rule.share or 0.0)
    part = cost / mean
    found = either(np.isfinite(part.value), part, decimal(1.0))
    if rule.cap is None:
        return found
    return either(sign(found, -decimal(rule.cap)) > 0, decimal(rule.cap), found)
