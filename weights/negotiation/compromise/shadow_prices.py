"""What each demand costs (影子价格): its multiplier, and what one practical step would save."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from weights.cases.observations import Floats
from weights.negotiation.compromise.active_set import Active, Nearest, polished
from weights.negotiation.compromise.demands import Demands
from weights.negotiation.compromise.problem import Problem
from weights.negotiation.compromise.region import Region

COLUMNS = (
    "kind", "key", "text_zh", "text_en", "value", "limit", "slack", "unit", "shadow_price",
    "step", "relax_zh", "relax_en", "gain",
)  # fmt: skip


def prices(rules: Demands, area: Region, row_price: Floats, price: Floats) -> Floats:
    """Shadow price of each demand: what its aim gains by a unit of it, 0 or above. Shape (D,)."""
    found = np.zeros(len(rules.items) + 1)  # the last takes what belongs to no demand
    rows = len(area.row_owner)
    np.add.at(found, area.row_owner, np.abs(row_price[:rows]) / area.unit)
    owner = np.where(price > 0, area.low_owner, area.high_owner)
    np.add.at(found, owner, np.abs(price))
    return found[:-1]


def savings(rules: Demands, area: Region, centre: Floats, stiff: Floats, found: Nearest,
            price: Floats) -> Floats:  # fmt: skip
    """Yuan of disagreement that one step of each demand saves, by solving again. Shape (D,).

    Only demands with a price are tried; the others save nothing, since the programme is convex.
    """
    saved = np.zeros(len(rules.items))
    start = Active(np.sign(found.price).astype(np.int32), np.sign(found.row_price).astype(np.int32))
    by_demand: dict[int, list[int]] = {}
    for row, owner in enumerate(rules.demand):
        by_demand.setdefault(int(owner), []).append(row)
    by_column: dict[int, list[int]] = {}
    for place in np.flatnonzero(rules.single >= 0):
        by_column.setdefault(int(rules.single[place]), []).append(int(place))
    for demand in map(int, np.flatnonzero(price)):
        wider = relaxed(rules, area, demand, by_demand[demand], by_column)
        free = Active(np.where(wider.fixed, 0, start.groups).astype(np.int32), start.rows)
        again = polished(centre, stiff, wider, free)
        first = float(price[demand]) * rules.items[demand].step
        saved[demand] = first if again is None else min(first, found.primal - again.primal)
    return np.maximum(saved, 0.0)


def relaxed(rules: Demands, area: Region, demand: int, rows: list[int],
            by_column: dict[int, list[int]]) -> Region:  # fmt: skip
    """The region when one demand gives way by its step; the other demands stay."""
    step = rules.items[demand].step
    low, high = area.low.copy(), area.high.copy()
    for row in rows:
        column = int(rules.single[row])
        if column < 0:
            continue
        others = np.array(by_column[column])
        give = np.where(rules.demand[others] == demand, step, 0.0)
        low[column] = (rules.low[others] - give).max()
        high[column] = (rules.high[others] + give).min()
    own = area.row_owner == demand
    give = np.where(own, step / area.unit, 0.0)
    return replace(area, low=low, high=high, row_low=area.row_low - give,
                   row_high=area.row_high + give)  # fmt: skip


def constraint_table(problem: Problem, rules: Demands, weight: Floats, price: Floats,
                     gain: Floats | None, unit: str) -> pd.DataFrame:  # fmt: skip
    """Demands that bind, or that one step from here would.

    Args:
        problem: the problem.
        rules: its demands.
        weight: the weights. Shape (n,).
        price: shadow price of each demand. Shape (D,).
        gain: what one step saves; None for the price times the step, which it cannot exceed. (D,).
        unit: what prices are in: ``yuan`` or ``satisfaction``.

    Returns:
        The columns of ``COLUMNS``, the largest gain first. ``value`` and ``limit`` are weights, or
        yuan, or weighted cases; for a hospital what it gains. ``shadow_price`` is per unit of
        ``limit``.
    """
    value = rules.matrix @ weight
    below, above = value - rules.low, rules.high - value
    slack = np.minimum(below, above)
    nearest = _tightest(rules, slack)
    limit = np.where(below <= above, rules.low, rules.high)
    offset = np.zeros(len(rules.items))
    names = {name: place for place, name in enumerate(problem.hospitals)}
    draft = problem.draft[rules.places]
    for place, item in enumerate(rules.items):
        if item.kind == "loss":
            hospital = names[item.key]
            offset[place] = problem.effect[hospital][rules.places] @ draft - problem.bends[hospital]
    steps = np.array([item.step for item in rules.items])
    # equations always hold, and are worth a line only where they cost something
    equation = (rules.low == rules.high)[nearest]
    shown = np.flatnonzero((price > 0) | ((slack[nearest] <= steps) & ~equation))
    gains = price * steps if gain is None else gain
    rows = [
        (item.kind, item.key, item.zh, item.en, float(value[nearest[i]] - offset[i]),
         float(limit[nearest[i]] - offset[i]), max(0.0, float(slack[nearest[i]])), unit,
         float(price[i]), item.step, item.relax_zh, item.relax_en, float(gains[i]))
        for i in shown
        for item in [rules.items[i]]
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def _tightest(rules: Demands, slack: Floats) -> npt.NDArray[np.intp]:
    """The row of each demand that has the least room. Shape (D,)."""
    order = np.lexsort((slack, rules.demand))
    first = np.searchsorted(rules.demand[order], np.arange(len(rules.items)))
    return np.asarray(order[first])
