"""Multipliers of the person (政策系数): children, categories of people, share of TCM."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.policy.groups import Multiplier, Tcm
from budget.price.grid import Personal
from budget.price.state import State

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def personal(state: State, standard: Floats, one: Personal) -> Floats:
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
    return np.where(hit, standard * row.factor, standard)  # type: ignore[attr-defined]


def _by_tcm_share(state: State, standard: Floats, row: Tcm, hit: Bools) -> Floats:
    enough = state.claims.tcm_share >= (row.least_share or 0.0)
    found = np.where(hit & enough, standard * row.factor, standard)
    if row.otherwise == "medical_group" and row.medical_group in state.grid.groups:
        place = state.grid.groups.index(row.medical_group)
        other = state.grid.standard[state.at[0], place, state.at[2]]
        found = np.where(hit & ~enough, other, found)
    return found
