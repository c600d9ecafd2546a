"""Outliers (极端病例): what is paid below L, between, and above T, as functions of the cost.

``c`` is the case's cost, ``s`` its standard, ``base`` the denominator of the ratio ``r = c /
base`` (the standard, or ``M * RW`` without k). Letters are those of the nine rules in use in
China; each is a line of docs/payment/outliers.md with its curve.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from budget.policy.outliers import High, Low
from budget.price.new_technology import extra_points
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


def band_payment(
    rule: Low, cost: Floats, standard: Floats, r: Floats
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Cases between L and the end of the band that is not paid in full, and what they are paid.

    Returns:
        A mask and the payments. Shapes (N,).
    """
    if rule.band is None:
        return np.zeros(len(cost), np.bool_), standard
    return r < rule.band.upto, band_amount(rule, cost, standard)


def band_amount(rule: Low, cost: Floats, standard: Floats) -> Floats:
    """What a case in the band is paid in reference yuan. Shape (N,)."""
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
    """All cases that no other rule took: low, in the band above L, high, normal."""
    outliers = state.grid.policy.outliers
    r, extra = state.r, extra_points(state)
    low, high = state.grid.low[state.at], state.grid.high[state.at]
    if outliers.low is not None:
        rows = state.free(r < low)
        state.set(rows, "low", low_payment(outliers.low, state.cost[rows]))
        rows = state.free(np.ones(len(r), np.bool_))
        inside, amount = band_payment(outliers.low, state.cost[rows], state.standard[rows], r[rows])
        state.set(rows[inside], "normal", amount[inside] + extra[rows[inside]])
    if outliers.high is not None:
        rows = state.free(r > high)
        state.set(rows, "high", extra[rows] + high_payment(
            outliers.high, state.cost[rows], state.standard[rows], state.base[rows], r[rows],
            high[rows],
        ))  # fmt: skip
    rows = state.free(np.ones(len(r), np.bool_))
    state.set(rows, "normal", state.standard[rows] + extra[rows])
