"""Multipliers of the person (政策系数): children, categories of people, share of TCM."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.policy.groups import Multiplier, Tcm
from budget.price.grid import Personal
from budget.price.state import State
from drg.money import Exact, decimal, either

Bools = npt.NDArray[np.bool_]


def personal(state: State, standard: Exact, one: Personal) -> Exact:
    """Standards after one multiplier. Shape (N,)."""
    c, row = state.claims, one.row
    hit = one.members[state.at[1]] & one.here[state.at[0], state.at[2]] & (c.group >= 0)
    if row.population:
        wanted = [i for i, name in enumerate(c.populations) if name in row.population]
        hit &= np.isin(c.population, wanted)
    if isinstance(row, Multiplier) and row.age_below is not None:
        hit &= c.age < row.age_below
    if isinstance(row, Tcm) and row.least_share is not None:
        return _by_tcm_share(state, standard, row, hit)
    return standard * decimal(np.where(hit, row.factor, 1.0))  # type: ignore[attr-defined]


def _by_tcm_share(state: State, standard: Exact, row: Tcm, hit: Bools) -> Exact:
    enough = state.claims.tcm_share >= (row.least_share or 0.0)
    found = standard * decimal(np.where(hit & enough, row.factor, 1.0))
    if row.otherwise == "medical_group" and row.medical_group in state.grid.groups:
        place = state.grid.groups.index(row.medical_group)
        found = either(hit & ~enough, state.of_group(place), found)
    return found
