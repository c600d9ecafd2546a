"""Coefficients of hospitals (机构系数): by group, a row of the table, computed, else 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from budget.cases.hospitals import Hospitals
from budget.policy.document import Policy
from budget.policy.groups import Basic, GroupSet
from budget.policy.standard import Computed
from budget.price.history import History, needed
from budget.price.sets import Set
from budget.price.terms import Origin
from drg.errors import problem
from drg.language import say
from drg.money import decimal, to_decimals

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]
Covers = list[tuple[Bools, str]]
Given = Callable[[Sequence[GroupSet], str, str], tuple[Floats, Covers]]
K_DECIMALS = 12  # with which a coefficient counts that is computed from costs


def coefficients(
    policy: Policy,
    hospitals: Hospitals,
    rows: Places,
    sets: Sequence[Set],
    groups: int,
    year: int,
    history: History | None,
    given: Given,
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
        given: what puts the figures of rows by hospital and group into cells.

    Raises:
        DrgError: coefficients are computed and there are no costs, or two rows by group hold for
            the same cell.
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
        by_group, covers = given(held.by_group, "k", "coefficients.by_group")
        k = np.where(np.isnan(by_group), k, by_group)
        k = held.toward_one(k, year)
    k = np.where(np.isnan(k), 1.0, k)
    computed = held is not None and held.computed is not None
    origin = Origin(rows, (*keys, "coefficients.computed" if computed else ""), [])
    if held is not None:
        origin.covers.extend(covers)
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


def given_by_group(
    rows: Sequence[GroupSet],
    of: str,
    key: str,
    groups: Sequence[str],
    columns: Mapping[str, npt.ArrayLike],
    here: Callable[[GroupSet], Bools],
    shape: tuple[int, int, int],
) -> tuple[Floats, Covers]:
    """Figures that rows give to groups in hospitals: the most particular row of each cell.

    Args:
        rows: rows that name groups, with a figure ``of`` or a column ``figures`` of them.
        of: the key of the figure.
        key: where the rows stand in the policy.
        groups: group codes. Length G.
        columns: further columns of the weight table.
        here: where the selectors of a row hold. Shape (H, 2).
        shape: (H, G, 2).

    Returns:
        The figures, NaN where no row has one, shape (H, G, 2); and where each row holds, with the
        key of its figure.

    Raises:
        DrgError: two rows between which nothing decides hold for the same cell, or a figure of a
            column is no number above 0.
    """
    found, covers = np.full(shape, np.nan), []
    held = np.full(shape, -1)  # place of the row that gives the figure
    for row in sorted(rows, key=lambda row: row.rank):
        name = f"{key}.{row.name}"
        column = row.figures  # type: ignore[attr-defined]
        figures = np.full(shape[1], getattr(row, of) if column is None else np.nan, np.float64)
        if column is not None and column in columns:
            figures = _numbers(columns[column], f"{name}.figures", column)
        where = row.members(groups, columns)[None, :, None] & here(row)[:, None, :]
        where = where & np.isfinite(figures)[None, :, None]
        before = [rows[i] for i in np.unique(held[where]) if i >= 0]
        if same := [one for one in before if one.rank == row.rank]:
            other = same[0].name
            raise problem(say(f"与 {other} 适用于相同医疗机构和病组",
                              f"holds for the same hospitals and groups as '{other}'"), key=name,
                          expected=say("选择条件或病组互不相同的行",
                                       "rows that differ in selectors or groups"))  # fmt: skip
        found = np.where(where, figures[None, :, None], found)
        held[where] = rows.index(row)
        covers.append((where, f"{name}.{of if column is None else 'figures'}"))
    return found, covers


def _numbers(values: npt.ArrayLike, key: str, column: str) -> Floats:
    """The figures of a column of the weight table, NaN for blanks."""
    import pandas as pd

    held = pd.Series(np.asarray(values)).replace("", np.nan)
    found = pd.to_numeric(held, errors="coerce").to_numpy(np.float64)
    wrong = held.notna().to_numpy() & ~(found > 0)
    if wrong.any():
        raise problem(say(f"权重表的列“{column}”中有不大于 0 或不是数的值",
                          f"the column '{column}' of the weight table has a cell that is no number "
                          "above 0"), key=key, found=held[wrong].iloc[0])  # fmt: skip
    return found
