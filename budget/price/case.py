"""Pricing a case (病例计价): its branch, its standard and what it is worth, before the pool.

Whole arrays of cases go through in one pass; nothing is done case by case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.record import Record
from budget.price import (
    day_bed,
    day_surgery,
    fixed_price,
    length_of_stay,
    new_technology,
    outliers,
    review,
    transfer,
    unstable,
    without_group,
)
from budget.price.branches import PLACE
from budget.price.grid import Grid
from budget.price.multipliers import multiply
from budget.price.outliers import ratio
from budget.price.state import State
from drg.money import Fen, decimal

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# After what is not settled, in the order in which they are looked for.
_RULES = (
    fixed_price,
    day_bed,
    review,
    new_technology,
    without_group,
    unstable,
    length_of_stay,
    transfer,
    outliers,
)


@dataclass(frozen=True)
class Priced:
    """Cases with their price.

    Attributes:
        branch: place in :data:`~budget.price.branches.BRANCHES`. Shape (N,).
        weight: relative weight of the case's group, NaN where there is none. Shape (N,).
        standard: payment standard S in reference yuan, NaN where there is none. Shape (N,).
        ratio: cost over standard, NaN where there is none. Shape (N,).
        amount: what the case is worth in reference yuan, 0 where it is not settled. Shape (N,).
        fen: the same to the fen, rounded once.
        points: the same in points, in units of 0.0001; 0 for the rate method.
        beyond: a high case beyond its hospital's quota, which is paid its standard.
        cut: what other stays of the person or a caseload cap leave of it, 1 for all.
    """

    branch: npt.NDArray[np.int8]
    weight: Floats
    standard: Floats
    ratio: Floats
    amount: Floats
    fen: Fen
    points: Fen
    beyond: Bools
    cut: npt.NDArray[np.float32]


def price(
    claims: Claims,
    grid: Grid,
    *,
    approved: Bools | None = None,
    beyond: Bools | None = None,
    factor: Floats | None = None,
    technology_year: npt.NDArray[np.int8] | None = None,
    record: Record | None = None,
) -> Priced:
    """Price cases.

    Args:
        claims: the cases.
        grid: standards and thresholds.
        approved: cases whose special review was approved and is inside the quota. Shape (N,).
        beyond: high cases that are beyond their hospital's quota. Shape (N,).
        factor: multiplier of what a case is worth that is priced by its standard, from other
            stays of the person or from a caseload cap. Shape (N,).
        technology_year: year since the case's new technology came in, 0 for none. Shape (N,).
        record: takes what is decided of the case, which is a single one; the factors in it stay
            only where they cut the case.
    """
    state = State(claims, grid, approved, beyond, factor, technology_year, record)
    _not_settled(state)
    _standards(state)
    for rule in _RULES:
        rule.decide(state)
    high = state.branch == PLACE["high"]
    return Priced(
        state.branch, state.weight, _cut(state), state.r, state.amount, state.fen, state.points,
        np.zeros(len(high), np.bool_) if beyond is None else high & beyond, _left(state),
    )  # fmt: skip


def _not_settled(state: State) -> None:
    c = state.claims
    for branch, which in (
        ("bad_cost", c.cost <= 0 if c.unread is None else (c.cost <= 0) | c.unread),
        ("outside_year", c.month < 0),
        ("no_hospital", c.hospital < 0),
        ("no_insurance", c.insurance < 0),
        ("no_pool", state.grid.pool[state.at[0], state.at[2]] < 0),
    ):
        state.pay(state.look(branch, which), branch, (), "")


def _standards(state: State) -> None:
    """The case's own multipliers on the standard of the grid."""
    if state.record is not None and np.isfinite(state.standard.value[0]):
        h, g, i = (int(place[0]) for place in state.at)
        state.grid.tell(state.record, (h, g, i))
    of_group = state.standard
    for one in state.grid.personal:
        multiply(state, one)
    day_surgery.multiply(state)
    if state.standard is not of_group:
        (state.standard,) = state.rounded(state.standard)
    state.base = state.standard
    if state.grid.policy.outliers.ratio == "regional":
        state.base = state.grid.regional_mean * decimal(state.weight)
    state.r = ratio(state.cost.value, state.base.value)


def _left(state: State) -> npt.NDArray[np.float32]:
    """What other stays or a caseload cap leave of each case. Shape (N,)."""
    found = np.ones(len(state.branch), np.float32)
    if state.given is not None:
        rows = state.cut(np.arange(len(found)))
        found[rows] = state.given[rows]
    return found


def _cut(state: State) -> Floats:
    """Standards with what other stays or a caseload cap take off them. Shape (N,)."""
    record, found = state.record, state.standard.value
    if record is not None:
        record.standard = float(found[0])
    if state.given is None:
        return found
    rows = state.cut(np.arange(len(found)))
    if len(rows):
        (cut,) = state.rounded(state.standard[rows] * decimal(state.given[rows]))
        found = found.copy()
        found[rows] = cut.value
    elif record is not None:
        record.factors.clear()
    return found
