"""Outliers (极端病例): what is paid below L, between, and above T, as functions of the cost.

``c`` is the case's cost, ``s`` its standard, ``base`` the denominator of the ratio ``r = c /
base`` (the standard, or ``M * RW`` without k). Letters are those of the nine rules in use in
China; each is a line of docs/payment/outliers.md with its curve.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from budget.cases.record import Record
from budget.policy.outliers import HIGH_RULES, High, Low
from budget.price.new_technology import extra_points, tell_extra
from budget.price.state import State

Floats = npt.NDArray[np.float64]
Rule = Callable[[High, Floats, Floats, Floats, Floats, Floats], Floats]


def ratio(cost: Floats, base: Floats) -> Floats:
    """Cost over standard (倍率), NaN without a standard. Shape (N,).

    To twelve decimals: a cost of exactly three standards has the ratio 3, and not a hair more,
    which would make it a high case. One fen is at least 1e-10 of any standard.
    """
    empty = np.full(np.shape(cost), np.nan)
    return np.asarray(np.round(np.divide(cost, base, out=empty, where=base > 0), 12))


def low_payment(rule: Low, cost: Floats) -> Floats:
    """Low case (低倍率病例): its cost, or a share of it. Shape (N,)."""
    return cost * rule.share


def band_amount(rule: Low, cost: Floats, standard: Floats) -> Floats:
    """Case between L and the end of the band that is not paid in full. Shape (N,)."""
    assert rule.band is not None
    return rule.band.cost * cost + rule.band.standard * standard


def high_payment(
    rule: High, cost: Floats, standard: Floats, base: Floats, r: Floats, threshold: Floats
) -> Floats:
    """High case (高倍率病例), by the rule's letter.

    Args:
        rule: the policy's rule with its parameters.
        cost: cost in yuan. Shape (N,).
        standard: standard S in yuan. Shape (N,).
        base: denominator of the ratio in yuan. Shape (N,).
        r: ratio. Shape (N,).
        threshold: T. Shape (N,).
    """
    return _RULES[rule.rule](rule, cost, standard, base, r, threshold)


def _standard(_: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats) -> Floats:
    """A: the standard; the rest may go to special review."""
    del c, base, r, t
    return s


def _cost(_: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats) -> Floats:
    """B: the cost."""
    del s, base, r, t
    return c


def _excess_points(_: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats) -> Floats:
    """C: ``100 * RW * [k + (r - T)]`` points, which is ``S + base * (r - T)`` yuan."""
    del c
    return np.asarray(s + base * (r - t))


def _cost_minus(_: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats) -> Floats:
    """D: ``c - (T - 1) * S``."""
    del base, r
    return np.asarray(c - (t - 1.0) * s)


def _cost_minus_standard(
    _: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats
) -> Floats:
    """E: ``c - S``."""
    del base, r, t
    return np.asarray(c - s)


def _excess_share(rule: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats) -> Floats:
    """F: ``S * [1 + share * (r - T)]``."""
    del c, base
    return np.asarray(s * (1.0 + (rule.share or 0.0) * (r - t)))


def _step_share(rule: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats) -> Floats:
    """G: ``S * [step + share * (r - T)]``."""
    del c, base
    return np.asarray(s * ((rule.step or 0.0) + (rule.share or 0.0) * (r - t)))


def _cost_minus_part(
    rule: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats
) -> Floats:
    """H: ``c - part * S``."""
    del base, r, t
    return np.asarray(c - (rule.part or 0.0) * s)


def _banded(rule: High, c: Floats, s: Floats, base: Floats, r: Floats, t: Floats) -> Floats:
    """I: ``cost * c + standard * S`` by band of r."""
    del base, t
    assert rule.bands is not None
    return np.asarray(rule.bands.at(r, "cost") * c + rule.bands.at(r, "standard") * s)


_RULES: dict[str, Rule] = {
    "standard": _standard,
    "cost": _cost,
    "excess_points": _excess_points,
    "cost_minus": _cost_minus,
    "cost_minus_standard": _cost_minus_standard,
    "excess_share": _excess_share,
    "step_share": _step_share,
    "cost_minus_part": _cost_minus_part,
    "banded": _banded,
}


def decide(state: State) -> None:
    """All cases that no other rule took: low, high, and normal with the band above L."""
    cost, standard, r = state.cost, state.standard, state.r
    low, high = state.grid.policy.outliers.low, state.grid.policy.outliers.high
    extra = extra_points(state)
    if low is not None:
        limit = state.grid.low[state.at]
        rows = state.look("low", r < limit, limit=limit)
        state.pay(rows, "low", low_payment(low, cost[rows]), "share_of_cost",
                  "outliers.low.share", share=low.share)  # fmt: skip
    if high is not None:
        limit = state.grid.high[state.at]
        rows = state.look("high", r > limit, limit=limit)
        worth = high_payment(high, cost[rows], standard[rows], state.base[rows], r[rows],
                             limit[rows])  # fmt: skip
        state.pay(rows, "high", extra[rows] + worth, high.rule)
        if (record := state.recording(rows)) is not None:
            _tell(record, high, r)
            tell_extra(state, record)
    rows = state.look("normal", np.ones(len(r), np.bool_))
    worth, formula = standard[rows], "standard"
    if low is not None and low.band is not None:
        inside = r[rows] < low.band.upto
        worth = np.where(inside, band_amount(low, cost[rows], worth), worth)
        formula = "band" if inside.all() else formula
    state.pay(rows, "normal", worth + extra[rows], formula)
    if (record := state.recording(rows)) is not None:
        if low is not None and formula == "band":
            keys = (f"outliers.low.band.{name}" for name in ("upto", "cost", "standard"))
            record.pays(formula, *keys, band=low.band)
        tell_extra(state, record)


def _tell(record: Record, rule: High, r: Floats) -> None:
    """Leave in a record what a high case is paid."""
    keys = ["rule", *HIGH_RULES[rule.rule][2]]
    if rule.bands is not None:
        place = int(rule.bands.place(r)[0])
        keys += [f"bands[{place}].cost", f"bands[{place}].standard"]
        record.pays(rule.rule, band=rule.bands[place])
    record.pays(rule.rule, *(f"outliers.high.{key}" for key in keys), rule=rule)
