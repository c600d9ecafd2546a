"""Reactions in a projection (行为反应的均衡): prices move cases, and cases move prices.

Under a capped pool what one hospital does changes what all are paid. So a projected year is
settled, hospitals respond to what it pays, the year is settled again, until nothing moves.
Responses are to the change against the settled year; without any the year is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.behaviour.moves import Change, State, group_kinds, respond
from budget.behaviour.responses import Responses
from budget.price.outliers import high_payment
from budget.projection.cells import SUMS, Cells
from budget.projection.year import Year
from drg.errors import problem
from drg.language import say
from drg.money import approximate, decimal
from weights.table.families import families

Floats = npt.NDArray[np.float64]
Settle = Callable[[Cells], Year]
React = Callable[[Cells, Year, Settle], Year]
_BY_COST = ("cost", "patient", "other", "by_cost", "outside", "outside_beside", "lift")
_ROUNDS = 200
_STILL = 1e-8  # money is whole fen, so nothing settles down further
_NEAR = 0.1  # cases within a tenth below a threshold are near it


def reactions(behaviour: Mapping[str, Any] | None) -> React | None:
    """What a scenario's responses do to a year; None where there are none.

    Args:
        behaviour: response -> its parameters, as in a scenario.

    Raises:
        DrgError: a response or a parameter is not known or out of range.
    """
    if not behaviour:
        return None
    responses = Responses.of(behaviour)
    if responses.off:
        return None

    def react(cells: Cells, first: Year, settle: Settle) -> Year:
        return _equilibrium(cells, first, settle, responses)

    return react


def _equilibrium(cells: Cells, first: Year, settle: Settle, responses: Responses) -> Year:
    """The year in which nobody has a reason to move on.

    Raises:
        DrgError: the rounds do not settle down.
    """
    near = near_thresholds(first.cells) if _bunches(responses) else (None, None)
    start = per_case(first, first.cells)
    year, step = settle(cells), 1.0
    last = np.inf
    for _ in range(_ROUNDS):
        state = _state(year, cells, first, start, near)
        target = changed(cells, respond(state, responses), first.cells)
        moved = _toward(year.cells, target, step)
        new = settle(moved)
        change = _distance(new.cells, year.cells)
        year = new
        if change < _STILL:
            return year
        if change >= 0.9 * last:
            step = max(step / 2, 0.05)
        last = change
    raise problem(say("行为反应与价格不收敛", "responses and prices do not settle down"),
                  key="behaviour",
                  found=say(f"每轮仍变动 {last:.2g}", f"still moving by {last:.2g}"),
                  expected=say("较弱的行为反应", "weaker responses"))  # fmt: skip


def per_case(year: Year, cells: Cells) -> Floats:
    """What a case is paid from all sides, after the cap, in yuan. Shape (H, G).

    The pools' values and the cap are those of the year; the cases are those before they react,
    as the price of a group is not what its new cases happen to bring along.
    """
    due = np.maximum(year.fund, 1).astype(np.float64)
    ratio = np.where(year.fund > 0, year.final / due, 1.0)
    pool = np.maximum(cells.pool, 0)
    share = np.take_along_axis(ratio, pool, axis=1)[:, None, :]
    value = np.where(np.isfinite(cells.point_value), cells.point_value, 1.0)
    decided = year.point_value[pool]
    value = np.where(
        np.isfinite(cells.point_value), value, np.where(np.isfinite(decided), decided, 1)
    )
    paid = cells.worth * value[:, None, :] + cells.outside + cells.outside_beside
    total = ((paid + cells.lift - cells.beside) * share + cells.beside).sum(axis=2)
    cases = cells.cases.sum(axis=2)
    return np.asarray(np.divide(total, cases, out=np.full(cases.shape, np.nan), where=cases > 0))


def _state(
    year: Year, cells: Cells, first: Year, start: Floats, near: tuple[Floats | None, Floats | None]
) -> State:
    now = per_case(year, cells)
    price = np.nan_to_num(now / start - 1.0)
    cases = cells.cases.sum(axis=2)
    cost = np.divide(cells.cost.sum(axis=2), cases, out=np.ones(cases.shape), where=cases > 0)
    gain = np.where(cases > 0, np.nan_to_num(now) / cost - 1.0, 0.0)
    return State(
        price=price, gain=gain, cases=first.cells.cases.sum(axis=2), weight=cells.weight,
        kinds=group_kinds(cells.groups), ladders=families(cells.groups).ladders,
        tier=cells.tier, near_low=near[0], near_high=near[1],
    )  # fmt: skip


def changed(cells: Cells, change: Change, first: Cells) -> Cells:
    """Cells after the responses: moves first, then numbers and cost of cases."""
    sums = {name: getattr(cells, name) for name in SUMS}
    if len(change.moves):
        sums = _moved(sums, change)
    volume, intensity, stay = (
        np.broadcast_to(part, cells.cases.shape[:2])[:, :, None]
        for part in (change.volume, change.intensity, change.stay)
    )
    for name in SUMS:
        sums[name] = sums[name] * volume
    for name in _BY_COST:
        sums[name] = sums[name] * intensity
    sums["stay"] = sums["stay"] * stay
    if change.past_low.any() or change.past_high.any():
        sums = _past(sums, change, first)
    return replace(cells, **sums)


def _moved(sums: dict[str, Floats], change: Change) -> dict[str, Floats]:
    """Cases that change their group; those that truly are graver take the target's cost."""
    move = change.moves
    new = {name: held.copy() for name, held in sums.items()}
    cases = sums["cases"]
    for batch in move.batches():  # in which no group stands twice
        source, target = move.source[batch], move.target[batch]
        there = cases[:, target] > 0
        share = np.where(there, move.share[:, batch, None], 0.0)
        true = np.broadcast_to(move.true, move.share.shape)[:, batch, None]
        moving = cases[:, source] * share
        count = np.where(there, cases[:, target], 1.0)
        for name in SUMS:
            held = sums[name]
            own, other = held[:, source] * share, held[:, target] / count * moving
            new[name][:, source] -= own
            if name in ("cases", "by_standard", "fund"):
                new[name][:, target] += other
            else:
                new[name][:, target] += own + true * (other - own)
    return new


def _past(sums: dict[str, Floats], change: Change, first: Cells) -> dict[str, Floats]:
    """Cases just below a threshold that move past it: to the standard, or to the rule above T."""
    grid, outliers = first.settlement.grid, first.policy.outliers
    at = np.array([first.groups.index(code) for code in grid.groups], np.intp)

    def wide(held: Floats) -> Floats:
        found = np.zeros(first.cases.shape)
        found[:, at] = np.nan_to_num(held)
        return found

    standard, low, high = wide(grid.standard), wide(grid.low), wide(grid.high)
    past_low = sums["cases"] * np.broadcast_to(change.past_low, standard.shape[:2])[:, :, None]
    past_high = sums["cases"] * np.broadcast_to(change.past_high, standard.shape[:2])[:, :, None]
    by_standard = sums["by_standard"] + past_low * standard
    by_cost = sums["by_cost"] - past_low * standard * low
    if outliers.high is not None:
        parts = (decimal(held) for held in (high * standard, standard, standard, high))
        paid = approximate(*high_payment(outliers.high, *parts))
        by_cost = by_cost + past_high * np.nan_to_num(paid - standard)
    return sums | {"by_standard": by_standard, "by_cost": by_cost}


def _bunches(responses: Responses) -> bool:
    held = responses.bunching
    return bool(np.any(held.low)) or bool(np.any(held.high))


def near_thresholds(first: Cells) -> tuple[Floats, Floats]:
    """Share of the cases within a tenth below L and below T, by hospital and group. (H, G)."""
    held = first.settlement
    claims, grid, ratio = held.claims, held.grid, held.priced.ratio
    rows = np.flatnonzero((held.paid.pool >= 0) & (claims.group >= 0) & np.isfinite(ratio))
    at = claims.hospital[rows], claims.group[rows], claims.insurance[rows]
    shape = first.cases.shape[:2]
    place = np.array([first.groups.index(code) for code in grid.groups], np.int64)
    cell = claims.hospital[rows] * np.int64(shape[1]) + place[claims.group[rows]]
    cases = first.cases.sum(axis=2)
    found = []
    for limit in (grid.low[at], grid.high[at]):
        hit = (ratio[rows] < limit) & (ratio[rows] >= limit * (1.0 - _NEAR))
        count = np.bincount(cell[hit], minlength=int(np.prod(shape))).reshape(shape)
        found.append(np.divide(count, cases, out=np.zeros(shape), where=cases > 0))
    return found[0], found[1]


def _toward(here: Cells, there: Cells, step: float) -> Cells:
    if step == 1.0:
        return there
    return replace(there, **{
        name: getattr(here, name) + step * (getattr(there, name) - getattr(here, name))
        for name in SUMS
    })  # fmt: skip


def _distance(one: Cells, other: Cells) -> float:
    """Largest change of a hospital's cases or cost, as a share of it."""
    parts = []
    for name in ("cases", "cost", "by_standard"):
        new, old = (getattr(held, name).sum(axis=(1, 2)) for held in (one, other))
        parts.append(np.max(np.abs(new - old) / np.maximum(np.abs(old), 1.0), initial=0.0))
    return float(max(parts))
