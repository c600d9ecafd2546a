"""Stays outside DRG by their length (短期、长期住院): by item or by bed-day (床日付费)."""

from __future__ import annotations

import numpy as np

from budget.price.state import State


def decide(state: State) -> None:
    """Stays outside DRG by their length: by item or by bed-day."""
    days = state.claims.stay
    short, long = state.special.short_stay, state.special.long_stay
    for branch, rule, which in (
        ("short_stay", short, days <= (short.days if short else -1)),
        ("long_stay", long, days >= (long.days if long else np.inf)),
    ):
        if rule is None:
            continue
        rows = state.free(which)
        if rule.pay == "by_item":
            state.set(rows, branch, state.cost[rows])
            continue
        bed_day = state.special.bed_day
        assert bed_day is not None
        worth = bed_day.rates.slices(days[rows].astype(np.float64))
        in_yuan = worth / state.grid.per_yuan if bed_day.unit == "points" else worth
        state.set(rows, branch, in_yuan)
