"""Stays outside DRG by their length (短期、长期住院): by item or by bed-day (床日付费)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.policy.ladder import Ladder
from budget.policy.special import DayRate
from budget.price.state import State
from drg.money import Exact, decimal

Floats = npt.NDArray[np.float64]


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
        worth = _by_day(bed_day.rates, days[rows].astype(np.float64))
        if bed_day.unit == "points":
            worth = [term / decimal(state.grid.points_per_yuan) for term in worth]
        state.set(rows, branch, *worth)


def _by_day(rates: Ladder[DayRate], days: Floats) -> list[Exact]:
    """Days at the price of their band."""
    return [
        decimal(np.clip(days, above := band.above or 0.0, band.upto) - above) * decimal(band.value)
        for band in rates
    ]
