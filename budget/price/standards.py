"""Payment standards (支付标准): what a case of every group is worth by class of hospital."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from budget.cases.hospitals import Hospitals
from budget.policy.document import Policy
from budget.policy.select import Selector
from budget.price.grid import INSURANCES, POINT_DECIMALS, build_grid
from drg.errors import problem
from drg.language import say
from drg.money import decimal, either, to_decimals
from weights.table import WeightTable

# The selectors that make a class of hospitals, and how a class is called by them.
_PARTS = ("tier", "hospital_class", "level", "county")
_ANY = (-1, "")
Class: TypeAlias = tuple[int, str, str, str]


def standards(policy: Policy, weights: WeightTable, year: int) -> pd.DataFrame:
    """The payment standard of every group, class of hospitals and insurance.

    Classes are the combinations of tier, class, level and county that the policy tells apart; they
    are called by them, such as ``tier3`` or ``tier3_a_plus``. Multipliers that depend on the person
    (children, categories of people) are not in.

    Args:
        policy: the policy.
        weights: relative weights.
        year: year of the convergence of coefficients.

    Returns:
        ``drg, name, hospital_class, insurance, weight, coefficient, standard`` in yuan and, under
        the point method, ``points``; groups without weight have no standard. Under the point
        method without a given point value the standard is at the reference value.

    Raises:
        DrgError: standards come from each hospital's own costs.
    """
    if policy.standard.kind == "own_mean":
        raise problem(
            say("支付标准为各医疗机构自身平均费用，需清算一个年度后查看",
                "standards are each hospital's own mean costs; settle a year to see them"),
            key="standard.kind", file=policy.id, found="own_mean",
        )  # fmt: skip
    classes = hospital_classes(policy)
    frame = weights.frame
    groups = tuple(str(group) for group in frame["drg"])
    weight = frame["weight"].to_numpy(np.float64)
    grid = build_grid(policy, groups, weight, classes, year,
                      columns={name: frame[name].to_numpy() for name in frame.columns})  # fmt: skip
    h, g, i = (part.ravel() for part in np.indices(grid.standard.shape))
    reference = grid.standards(np.arange(len(h)))
    given = grid.point_value[h, i]
    worth = reference * decimal(grid.points_per_yuan) * decimal(np.nan_to_num(given))
    yuan = to_decimals(policy.standard.decimals, either(np.isfinite(given), worth, reference))
    columns = {
        "drg": np.array(groups, object)[g],
        "name": (frame["name"].to_numpy() if "name" in frame else np.full(len(frame), ""))[g],
        "hospital_class": np.array(classes.names, object)[h],
        "insurance": INSURANCES[i],
        "weight": weight[g],
        "coefficient": grid.coefficient[h, g, i],
        "standard": yuan,
    }
    if policy.standard.kind == "points":
        columns["points"] = to_decimals(POINT_DECIMALS, reference * decimal(grid.points_per_yuan))
    rows = pd.DataFrame(columns)
    order = np.lexsort((i, h, g))
    return rows.iloc[order].reset_index(drop=True)


def hospital_classes(policy: Policy) -> Hospitals:
    """One hospital for every class that the policy tells apart."""
    found: set[Class] = {(-1, "", "", "")}
    for rows in _lists(policy):
        values = [one for row in rows for one in itertools.product(*_values(row))]
        merged = {one for held in found for value in values if (one := _merged(held, value))}
        found = merged or found
    combinations = sorted(found, key=lambda one: (-one[0], *one[1:]))
    names = tuple(_called(one) for one in combinations)
    size = len(combinations)
    texts = [np.array([one[part] for one in combinations], object) for part in (1, 2, 3)]
    return Hospitals(
        ids=names,
        names=names,
        tier=np.array([one[0] for one in combinations], np.int8),
        hospital_class=texts[0],
        level=texts[1],
        county=texts[2],
        score=np.full(size, np.nan),
        credit=np.full(size, np.nan),
        penalty=np.zeros(size),
    )


def _lists(policy: Policy) -> Iterable[Sequence[Selector]]:
    """Lists of rows of which one of each applies; the last ones may apply or not."""
    yield policy.standard.rates
    if policy.coefficients is not None:
        yield policy.coefficients.table
    for _, row in policy.groups.sets() if policy.groups is not None else ():
        if any(getattr(row, part) for part in _PARTS):
            yield (Selector(), row)


def _values(row: Selector) -> tuple[tuple[Any, ...], ...]:
    return tuple(getattr(row, part) or (-1 if part == "tier" else "",) for part in _PARTS)


def _merged(one: Class, other: tuple[Any, ...]) -> Class | None:
    """The class that is in both; None when there is none."""
    parts: list[Any] = []
    for mine, theirs in zip(one, other, strict=True):
        if mine not in _ANY and theirs not in _ANY and mine != theirs:
            return None
        parts.append(theirs if mine in _ANY else mine)
    return parts[0], parts[1], parts[2], parts[3]


def _called(one: Class) -> str:
    tier, *others = one
    parts = [f"tier{tier}" if tier != -1 else "", *map(str, others)]
    return "_".join(part for part in parts if part) or "all"
