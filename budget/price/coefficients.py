"""Coefficients of hospitals (机构系数): a row of the table, else computed from costs, else 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from budget.cases.hospitals import Hospitals
from budget.policy.document import Policy
from budget.policy.groups import Basic
from budget.policy.standard import Computed
from budget.price.history import History, needed
from budget.price.sets import Set
from budget.price.terms import Origin
from drg.money import decimal, to_decimals

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
K_DECIMALS = 12  # with which a coefficient counts that is computed from costs


def coefficients(
    policy: Policy,
    hospitals: Hospitals,
    rows: Places,
    sets: Sequence[Set],
    groups: int,
    year: int,
    history: History | None,
) -> tuple[Floats, Origin]:
    """K by hospital, group and insurance, and what gives it. Shape (H, G, 2).

    Args:
        policy: the policy.
        hospitals: the hospitals.
        rows: the row of the table that holds for each hospital and insurance, -1 for none. Shape
            (H, 2).
        sets: the sets of groups; those of basic groups may give a coefficient.
        groups: number of groups, G.
        year: settlement year, for convergence.
        history: costs by hospital and group, for what is computed.

    Raises:
        DrgError: coefficients are computed and there are no costs.
    """
    held = policy.coefficients
    table = () if held is None else held.table
    k = np.empty((len(hospitals), groups, 2))
    k[:] = np.array([*(row.k for row in table), np.nan])[rows][:, None, :]
    keys = [f"coefficients.table.{row.name}.k" for row in table]
    if held is not None:
        if held.computed is not None:
            history = needed(history, "coefficients.computed", policy.id)
            k = np.where(np.isnan(k), _computed(held.computed, hospitals, history)[:, :, None], k)
        k = held.toward_one(k, year)
    k = np.where(np.isnan(k), 1.0, k)
    computed = held is not None and held.computed is not None
    origin = Origin(rows, (*keys, "coefficients.computed" if computed else ""), [])
    for one in sets:
        if isinstance(one.row, Basic) and one.row.k is not None:
            where = one.where
            origin.covers.append((where, f"{one.key}.k"))
            k = np.where(where, one.row.k, k)
    return k, origin


def _computed(how: Computed, hospitals: Hospitals, history: History) -> Floats:
    """Case-mix weighted mean of a hospital's (or tier's) costs over the region's. (H, G)."""
    unit = np.arange(len(hospitals))
    if how.by != "hospital":
        unit = np.unique(hospitals.attributes[how.by].astype(str), return_inverse=True)[1]
    cases = np.zeros((int(unit.max()) + 1, history.cases.shape[1]))
    cost = np.zeros_like(cases)
    np.add.at(cases, unit, history.cases)
    np.add.at(cost, unit, history.cost)
    expected = np.nansum(cases * history.group_mean.value, axis=1)
    empty = np.full(expected.shape, np.nan)
    overall = np.divide(cost.sum(axis=1), expected, out=empty, where=expected > 0)
    limits = (how.floor or 0.0, how.ceiling or np.inf)
    found = np.clip(np.where(np.isnan(overall), how.new_group, overall), *limits)
    by_group = np.where(cases >= how.least_cases, found[:, None], how.new_group)
    return to_decimals(K_DECIMALS, decimal(by_group[unit]))
