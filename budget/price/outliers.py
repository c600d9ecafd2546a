"""Outliers (极端病例): what is paid below L, between, and above T, as functions of the cost.

``c`` is the case's cost, ``s`` its standard, ``base`` the denominator of the ratio ``r = c /
base`` (the standard, or ``M * RW`` without k). Letters are those of the ten rules in use in
China; each is a line of docs/payment/outliers.md with its curve. A payment is a list of terms,
which are added and rounded once; whether a cost is past a threshold is decided by exact numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from budget.cases.record import Record
from budget.policy.ladder import Ladder
from budget.policy.outliers import HIGH_RULES, High, Low, Payment
from budget.price.new_technology import extra_points, tell_extra
from budget.price.state import State
from drg.money import Exact, decimal, sign

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Sum: TypeAlias = tuple[Exact, ...]
Rule = Callable[[High, Exact, Exact, Exact, Exact], Sum]


def ratio(cost: Floats, base: Floats) -> Floats:
    """Cost over standard (倍率), NaN without a standard: to twelve decimals, to be shown. (N,)."""
    empty = np.full(np.shape(cost), np.nan)
    return np.asarray(np.round(np.divide(cost, base, out=empty, where=base > 0), 12))


def past(cost: Exact, base: Exact, threshold: Floats | float) -> npt.NDArray[np.int8]:
    """Whether costs are below a threshold of the ratio, at it or above: -1, 0, 1. Shape (N,).

    0 where there is no standard or no threshold.
    """
    found = sign(cost, -(base * decimal(threshold)))
    return np.where(base.value > 0, found, np.int8(0))


def low_payment(rule: Low, cost: Exact) -> Exact:
    """Low case (低倍率病例): its cost, or a share of it. Shape (N,)."""
    return cost * decimal(rule.share)


def band_payment(rule: Low, cost: Exact, standard: Exact) -> Sum:
    """What a case is paid in the band above L that is not yet paid in full. Shapes (N,)."""
    assert rule.band is not None
    return cost * decimal(rule.band.cost), standard * decimal(rule.band.standard)


def high_payment(rule: High, cost: Exact, standard: Exact, base: Exact, threshold: Exact) -> Sum:
    """High case (高倍率病例), by the rule's letter.

    Args:
        rule: the policy's rule with its parameters.
        cost: cost in yuan. Shape (N,).
        standard: standard S in yuan. Shape (N,).
        base: denominator of the ratio in yuan, above 0. Shape (N,).
        threshold: T. Shape (N,).
    """
    return _RULES[rule.rule](rule, cost, standard, base, threshold)


def _standard(_: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """A: the standard; the rest may go to special review."""
    del c, base, t
    return (s,)


def _cost(_: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """B: the cost."""
    del s, base, t
    return (c,)


def _excess_points(_: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """C: ``100 * RW * [k + (r - T)]`` points, which is ``S + base * (r - T)`` yuan."""
    return s, c, -(base * t)


def _cost_minus(_: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """D: ``c - (T - 1) * S``."""
    del base
    return c, s, -(s * t)


def _cost_minus_standard(_: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """E: ``c - S``."""
    del base, t
    return c, -s


def _excess_share(rule: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """F: ``S * [1 + share * (r - T)]``."""
    return s, *_beyond(rule, c, s, base, t)


def _step_share(rule: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """G: ``S * [step + share * (r - T)]``."""
    return s * decimal(rule.step or 0.0), *_beyond(rule, c, s, base, t)


def _beyond(rule: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """``S * share * (r - T)``, of which ``S * r`` is the cost where r is over the standard."""
    share = decimal(rule.share or 0.0)
    return (c if base is s else c * s / base) * share, -(s * t * share)


def _cost_minus_part(rule: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """H: ``c - part * S``."""
    del base, t
    return c, -(s * decimal(rule.part or 0.0))


def _banded(rule: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """I: ``cost * c + standard * S`` by band of r."""
    del t
    assert rule.bands is not None
    place = _bands(rule.bands, c, base)
    cost, standard = (
        np.array([getattr(band, name) for band in rule.bands]) for name in ("cost", "standard")
    )
    return c * decimal(cost[place]), s * decimal(standard[place])


def _cap(_: High, c: Exact, s: Exact, base: Exact, t: Exact) -> Sum:
    """J: ``T * S``."""
    del c, base
    return (s * t,)


def _bands(bands: Ladder[Payment], cost: Exact, base: Exact) -> npt.NDArray[np.intp]:
    """The band of each case's ratio. Shape (N,)."""
    place = np.zeros(cost.value.shape, np.intp)
    for band in bands:
        if band.end is not None:
            place += past(cost, base, band.end) > (0 if band.below is None else -1)
    return place


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
    "cap": _cap,
}


def beyond(cost: Exact, base: Exact, threshold: Floats, side: int, *, included: bool) -> Bools:
    """Cases on the far side of a threshold: 1 above it, -1 below; at it where it is included."""
    found = past(cost, base, threshold)
    at = (found == 0) & (base.value > 0) & np.isfinite(threshold)
    return np.asarray((found == side) | (at & included))


def decide(state: State) -> None:
    """All cases that no other rule took: low, high, and normal with the band above L."""
    rules, places = state.grid.policy.outliers, slice(None)
    if rules.low is not None:
        limit = state.grid.low[state.at]
        rows = state.look("low", _is_low(rules.low, state, places, limit), limit=limit,
                          included=bool(rules.low.included))  # fmt: skip
        _pay_low(state, rules.low, rows, "low")
    if rules.high is not None:
        limit = state.grid.high[state.at]
        rows = state.look("high", _is_high(rules.high, state, places, limit), limit=limit,
                          included=bool(rules.high.included))  # fmt: skip
        _pay_high(state, rules.high, rows, "high", limit[rows])
    _pay_normal(state, state.look("normal", np.ones(len(state.r), np.bool_)), "normal")


def by_own_limits(
    state: State, rows: Rows, branch: str, low: float | None, high: float | None, key: str
) -> None:
    """Cases of another branch that are low, normal or high by their own weight.

    Args:
        state: the cases.
        rows: those that are paid here; all have a standard. Shape (R,).
        branch: their branch.
        low: L of their own, None for the policy's.
        high: T of their own, None for the policy's.
        key: where the policy says them.
    """
    rules = state.grid.policy.outliers

    def limits(own: float | None, grid: Floats) -> Floats:
        at = tuple(place[rows] for place in state.at)
        return np.full(len(rows), own) if own is not None else np.asarray(grid[at])

    limit = limits(low, state.grid.low)
    is_low = np.zeros(len(rows), np.bool_)
    if rules.low is not None:
        is_low = _is_low(rules.low, state, rows, limit)
        _pay_low(state, rules.low, rows[is_low], branch)
    rows, limit = rows[~is_low], limits(high, state.grid.high)[~is_low]
    is_high = np.zeros(len(rows), np.bool_)
    if rules.high is not None:
        is_high = _is_high(rules.high, state, rows, limit)
        _pay_high(state, rules.high, rows[is_high], branch, limit[is_high])
    _pay_normal(state, rows[~is_high], branch)
    if state.record is not None and (low is not None or high is not None):
        state.record.use(*(f"{key}.{name}" for name, held in (("low", low), ("high", high))
                           if held is not None))  # fmt: skip


def _is_low(rule: Low, state: State, rows: Rows | slice, limit: Floats) -> Bools:
    return beyond(state.cost[rows], state.base[rows], limit, -1, included=bool(rule.included))


def _is_high(rule: High, state: State, rows: Rows | slice, limit: Floats) -> Bools:
    return beyond(state.cost[rows], state.base[rows], limit, 1, included=bool(rule.included))


def _pay_low(state: State, rule: Low, rows: Rows, branch: str) -> None:
    state.pay(rows, branch, (low_payment(rule, state.cost[rows]),), "share_of_cost",
              "outliers.low.share", share=rule.share)  # fmt: skip


def _pay_high(state: State, rule: High, rows: Rows, branch: str, limit: Floats) -> None:
    """High cases: those beyond the hospital's quota get the standard, the others by the rule."""
    if state.beyond is not None:
        out = state.beyond[rows]
        state.pay(rows[out], branch, (state.standard[rows[out]], *_extra(state, rows[out])),
                  "beyond_quota", "outliers.high.quotas")  # fmt: skip
        rows, limit = rows[~out], limit[~out]
    own, cost = state.standard[rows], state.cost[rows]
    base = own if state.base is state.standard else state.base[rows]
    worth = high_payment(rule, cost, own, base, decimal(limit))
    state.pay(rows, branch, (*worth, *_extra(state, rows)), rule.rule)
    if (record := state.recording(rows)) is not None:
        _tell(record, rule, state.r, float(limit[0]))
        tell_extra(state, record)


def _pay_normal(state: State, rows: Rows, branch: str) -> None:
    """The standard, or less in the band above L."""
    low = state.grid.policy.outliers.low
    if low is not None and low.band is not None:
        inside = past(state.cost[rows], state.base[rows], low.band.upto) < 0
        some, rows = rows[inside], rows[~inside]
        worth = band_payment(low, state.cost[some], state.standard[some])
        keys = (f"outliers.low.band.{name}" for name in ("upto", "cost", "standard"))
        state.pay(some, branch, (*worth, *_extra(state, some)), "band", *keys, band=low.band)
        if (record := state.recording(some)) is not None:
            tell_extra(state, record)
    state.pay(rows, branch, (state.standard[rows], *_extra(state, rows)), "standard")
    if (record := state.recording(rows)) is not None:
        tell_extra(state, record)


def _extra(state: State, rows: Rows) -> Sum:
    return tuple(term[rows] for term in extra_points(state))


def _tell(record: Record, rule: High, r: Floats, limit: float) -> None:
    """Leave in a record what a high case is paid."""
    keys = ["rule", *HIGH_RULES[rule.rule][2]]
    if rule.bands is not None:
        place = int(rule.bands.place(r)[0])
        keys += [f"bands[{place}].cost", f"bands[{place}].standard"]
        record.pays(rule.rule, band=rule.bands[place])
    record.pays(rule.rule, *(f"outliers.high.{key}" for key in keys), rule=rule, limit=limit)
