"""Performance summary (绩效评价): indicators of four kinds, before, during and after the year."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from budget.monitor.levels import Levels


def performance(levels: Levels, measures: Mapping[str, float], *, over: bool) -> pd.DataFrame:
    """What each indicator came to.

    Args:
        levels: the monitor's document.
        measures: name of :data:`budget.monitor.levels.MEASURES` -> figure; NaN where not known.
        over: whether the year is over; those of ``after`` are told only then.

    Returns:
        A row an indicator: ``name, stage, kind, zh, en, value, target, rule, met, weight, source``;
        ``met`` is ``yes``, ``no`` or empty where it cannot be told yet.
    """
    rows = []
    for one in levels.indicators:
        value = measures.get(one.measure, math.nan)
        if one.stage == "after" and not over:
            value = math.nan
        met = "" if math.isnan(value) else "yes" if (
            value <= one.target if one.most else value >= one.target) else "no"  # fmt: skip
        rows.append({
            "name": one.name, "stage": one.stage, "kind": one.kind, "zh": one.zh, "en": one.en,
            "value": round(value, 6), "target": one.target,
            "rule": "at_most" if one.most else "at_least", "met": met, "weight": one.weight,
            "source": one.source,
        })  # fmt: skip
    return pd.DataFrame(rows)


def score(table: pd.DataFrame) -> float:
    """Weight of the indicators that were met over that of those that can be told, of 100."""
    told = table[table["met"] != ""]
    whole = float(told["weight"].sum())
    return (
        100 * float(told.loc[told["met"] == "yes", "weight"].sum()) / whole if whole else math.nan
    )
