"""Stays outside DRG by their length (短期、长期住院): by item or by bed-day (床日付费)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from budget.price.state import State
from drg.money import decimal, printed


def decide(state: State) -> None:
    """Short stays, then long ones; a stay of unknown length is neither."""
    days = state.claims.stay
    short, long = state.special.short_stay, state.special.long_stay
    for branch, rule, which in (
        ("short_stay", short, days <= (short.days if short else -1)),
        ("long_stay", long, days >= (long.days if long else np.inf)),
    ):
        if rule is None:
            continue
        key = f"special.{branch}"
        rows = state.look(branch, which, f"{key}.days", days=days, limit=rule.days)
        if rule.pay == "by_item":
            state.pay(rows, branch, (state.cost[rows],), "cost", f"{key}.pay")
            continue
        bed_day = state.special.bed_day
        assert bed_day is not None
        unit = state.grid.points_per_yuan if bed_day.unit == "points" else Fraction(1)
        worth = tuple(
            decimal(band.inside(days[rows])) * decimal(printed(band.value) / unit)
            for band in bed_day.rates if band.applies()
        )  # fmt: skip
        state.pay(rows, branch, worth, "bed_day", f"{key}.pay")
        if (record := state.recording(rows)) is not None:
            parts = {i: float(band.inside(days[0])) for i, band in enumerate(bed_day.rates)
                     if band.applies()}  # fmt: skip
            held = [i for i, inside in parts.items() if inside]
            record.pays("bed_day", *(f"special.bed_day.rates[{i}].value" for i in held),
                        days=[(parts[i], bed_day.rates[i].value) for i in held],
                        points=bed_day.unit == "points")  # fmt: skip
