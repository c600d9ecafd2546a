"""Multipliers of the person (政策系数): children, categories of people, share of TCM."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.record import Record
from budget.policy.groups import Multiplier, Tcm
from budget.price.sets import Set
from budget.price.state import State
from drg.money import either

Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.signedinteger[Any]]


def multiply(state: State, one: Set) -> None:
    """Multiply the standards of the cases that a set holds for."""
    hit, row = holds(state.claims, state.at, one), one.row
    if isinstance(row, Tcm) and row.least_share is not None:
        enough = state.claims.tcm_share >= row.least_share
        if row.otherwise == "medical_group" and row.medical_group in state.grid.groups:
            place = state.grid.groups.index(row.medical_group)
            other = state.of_group(place)
            instead = hit & ~enough & state.known
            if state.record is not None and instead[0]:
                _tell(state, state.record, place, other.value[0] / state.standard.value[0],
                      f"{one.key}.medical_group")  # fmt: skip
            state.standard = either(instead, other, state.standard)
        hit &= enough
    state.multiply(hit, row.factor, one.kind, f"{one.key}.factor")  # type: ignore[attr-defined]


def _tell(state: State, record: Record, place: int, share: float, key: str) -> None:
    """Leave in a record that the medical group's standard takes the place of the group's."""
    if np.isfinite(share):
        record.term("x", "medical_group", share, key, state.grid.groups[place])
    else:  # the group has no weight
        state.grid.tell(record, (int(state.at[0][0]), place, int(state.at[2][0])))


def holds(claims: Claims, at: tuple[Places, Places, Places], one: Set) -> Bools:
    """Cases whose group is in a set and for whose hospital and person it holds. Shape (N,).

    Args:
        claims: the cases.
        at: their hospitals, groups and insurances in the grid. Each (N,).
        one: the set.
    """
    row, (hospital, group, insurance) = one.row, at
    hit = one.members[group] & one.here[hospital, insurance] & (claims.group >= 0)
    if row.population:
        wanted = [i for i, name in enumerate(claims.populations) if name in row.population]
        hit &= np.isin(claims.population, wanted)
    if isinstance(row, Multiplier) and row.age_below is not None:
        hit &= claims.age < row.age_below
    return np.asarray(hit)
