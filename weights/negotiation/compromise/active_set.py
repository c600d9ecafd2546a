"""From a solver's answer to the exact one (精化): the active constraints solved as equations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from weights.cases.observations import Bools, Floats, Ints
from weights.negotiation.compromise.region import Region

FEASIBLE = 1e-10  # weight units
_RANK = 1e-10
_ROUNDS = 60
_SIGN = 1e-10  # share of the largest price below which a wrong sign is rounding


@dataclass(frozen=True)
class Nearest:
    """Weights of a region nearest to a centre: the least ``sum(stiff * (w - centre)^2) / 2``.

    Attributes:
        weight: the weights. Shape (n,).
        row_price: multiplier of each row; above 0 at the lower end, below 0 at the upper. (m,).
        price: multiplier of each interval, in the same way. Shape (n,).
        primal: the objective.
        dual: its lower bound, from the multipliers alone.
    """

    weight: Floats
    row_price: Floats
    price: Floats
    primal: float
    dual: float

    @property
    def gap(self) -> float:
        """Duality gap over the objective (对偶间隙)."""
        return abs(self.primal - self.dual) / max(1.0, abs(self.primal))


@dataclass(frozen=True)
class Active:
    """Which ends hold: -1 upper, 0 none, 1 lower. Shapes (n,) and (m,)."""

    groups: Ints
    rows: Ints

    @classmethod
    def of(cls, region: Region, groups: Floats | Ints, rows: Floats | Ints) -> Active:
        """By signs; what has one value only holds anyhow, and counts as 0."""
        return cls(np.where(region.fixed, 0, np.sign(groups)).astype(np.int32),
                   np.where(region.equations, 0, np.sign(rows)).astype(np.int32))  # fmt: skip

    def key(self) -> bytes:
        """What tells one such state from another."""
        return self.groups.tobytes() + self.rows.tobytes()


def polished(centre: Floats, stiff: Floats, region: Region, start: Active) -> Nearest | None:
    """The nearest weights by their active constraints, or None when these are not found.

    From the active set given, constraints that are violated come in and those whose multiplier has
    the wrong sign go out, until neither happens; then the conditions of Karush, Kuhn and Tucker
    hold, and since the objective is strictly convex the answer is the only one. Where all at once
    go in a circle, they go one by one, the worst first.
    """
    seen: set[bytes] = set()
    state, alone = start, False
    for _ in range(_ROUNDS):
        found, rows, groups = _equations(centre, stiff, region, state)
        following = _changed(region, found, state, rows, groups, alone=alone)
        if following is None:
            return certified(centre, stiff, region, found, rows, groups)
        if following.key() in seen:
            if alone:
                return None
            alone = True
            following = _changed(region, found, state, rows, groups, alone=alone)
            assert following is not None
            seen.clear()
        seen.add(following.key())
        state = following
    return None


def _equations(
    centre: Floats, stiff: Floats, region: Region, state: Active
) -> tuple[Floats, Floats, Floats]:
    """Weights, row prices and interval prices when the active ends hold as equations."""
    fixed = region.fixed | (state.groups != 0)
    weight = np.where(state.groups < 0, region.high, np.where(fixed, region.low, centre))
    rows = np.flatnonzero(region.equations | (state.rows != 0))
    part = region.matrix[rows][:, ~fixed].toarray()
    kept = np.abs(part).max(axis=1, initial=0.0) > 0
    rows, part = rows[kept], part[kept]
    row_price = np.zeros(len(region.row_low))
    if len(rows):
        root = 1.0 / np.sqrt(stiff[~fixed])
        end = np.where(state.rows[rows] < 0, region.row_high[rows], region.row_low[rows])
        move, row_price[rows] = _least(part * root, end - region.matrix[rows] @ weight)
        weight[~fixed] += root * move
        rest = end - region.matrix[rows] @ weight  # once more, for what rounding left
        weight[~fixed] += root * _least(part * root, rest)[0]
    slope = stiff * (weight - centre) - region.matrix.T @ row_price
    return weight, row_price, np.where(fixed, slope, 0.0)


def _least(rows: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """The shortest ``z`` with ``rows @ z = ends``, and the prices ``y`` with ``z = rows.T @ y``.

    Rows that follow from others have price 0.
    """
    unit = np.linalg.norm(rows, axis=1)
    q, r, order = qr((rows / unit[:, None]).T, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(r))
    rank = int((diagonal > _RANK * diagonal[0]).sum())
    q, r, order = q[:, :rank], r[:rank, :rank], order[:rank]
    along = solve_triangular(r, (ends / unit)[order], trans="T")
    price = np.zeros(len(ends))
    price[order] = solve_triangular(r, along) / unit[order]
    return q @ along, price


def _changed(
    region: Region, weight: Floats, state: Active, row_price: Floats, price: Floats, *, alone: bool
) -> Active | None:
    """The next active set, or None when this one is right; with one change, or with all."""
    value = region.matrix @ weight
    most = max(float(np.abs(row_price).max(initial=0.0)), float(np.abs(price).max(initial=0.0)))
    groups = _turn(state.groups, weight, region.low, region.high, price, region.fixed, most)
    rows = _turn(state.rows, value, region.row_low, region.row_high, row_price, region.equations,
                 most)  # fmt: skip
    same = np.array_equal(groups, state.groups) and np.array_equal(rows, state.rows)
    if same:
        return None
    if not alone:
        return Active(groups, rows)
    # how far each is from right: violations first, in weight units, then prices
    below = np.concatenate([region.low - weight, region.row_low - value])
    above = np.concatenate([weight - region.high, value - region.row_high])
    pushed = np.concatenate([price, row_price])
    held, asked = (np.concatenate(pair) for pair in
                   ((state.groups, state.rows), (groups, rows)))  # fmt: skip
    wrong = np.where(held == 0, np.maximum(below, above), np.abs(pushed) / max(most, 1e-300) - 2.0)
    worst = int(np.where(held != asked, wrong, -np.inf).argmax())
    following = held.copy()
    following[worst] = asked[worst]
    return Active(following[: len(weight)], following[len(weight) :])


def _turn(state: Ints, value: Floats, low: Floats, high: Floats, price: Floats, always: Bools,
          most: float) -> Ints:  # fmt: skip
    """Ends that come in because they are violated, or go out because their price is wrong."""
    wrong = state * price < -_SIGN * most
    following = np.where(wrong, 0, state)
    free = state == 0
    following = np.where(free & (value < low - FEASIBLE), 1, following)
    following = np.where(free & (value > high + FEASIBLE), -1, following)
    return np.where(always, 0, following).astype(np.int32)


def certified(
    centre: Floats, stiff: Floats, region: Region, weight: Floats, row_price: Floats, price: Floats
) -> Nearest:
    """The objective and its dual bound, computed from the arrays."""
    row_price = np.where((row_price > 0) & np.isneginf(region.row_low), 0.0, row_price)
    row_price = np.where((row_price < 0) & np.isposinf(region.row_high), 0.0, row_price)
    # everything is taken from the centre, where the numbers are small
    away = (region.matrix.T @ row_price + price) / stiff
    row_end = np.where(row_price > 0, region.row_low, region.row_high)
    rows = np.where(row_price != 0, row_end - region.matrix @ centre, 0.0)
    end = np.where(price > 0, region.low, region.high) - centre
    dual = float(row_price @ rows + price @ end) - float(stiff @ away**2) / 2
    primal = float(stiff @ (weight - centre) ** 2) / 2
    return Nearest(weight, row_price, price, primal, dual)
