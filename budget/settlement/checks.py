"""What a settlement must be told of its hospitals and groups before it prices a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.hospitals import Hospitals
from budget.cases.tally import Tally
from budget.policy.document import Policy
from budget.price.grid import Grid
from drg.errors import problem
from drg.language import say

Bools = npt.NDArray[np.bool_]

_YEARS = 1950, 2200


def in_range(year: int) -> None:
    """Refuse what cannot be a settlement year (清算年度).

    Raises:
        DrgError: it is before 1950 or after 2200.
    """
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise problem(say("不是清算年度", "not a settlement year"), key="year", found=year,
                      expected=say(f"{_YEARS[0]} 至 {_YEARS[1]}",
                                   f"{_YEARS[0]} to {_YEARS[1]}"))  # fmt: skip


def tiers_known(policy: Policy, hospitals: Hospitals) -> None:
    """Refuse a table of hospitals without any tier when the policy pays by tier.

    Raises:
        DrgError: no hospital has a tier.
    """
    held = policy.coefficients
    wanted = [*policy.standard.rates, *(held.table if held is not None else ())]
    if any(row.tier for row in wanted) and bool((hospitals.tier < 0).all()):
        raise problem(say("政策按级别支付，而没有医疗机构有级别",
                          "no hospital has a tier, and the policy pays by tier"), key="hospitals",
                      expected=say("列 tier（医院级别），取值 3、2、1 或 0",
                                   "a column tier (医院级别) with 3, 2, 1 or 0"))  # fmt: skip


def in_year(tally: Tally, year: int, file: Path) -> None:
    """Refuse a year in which no case was discharged.

    Raises:
        DrgError: there is none.
    """
    if not tally.known["month"]:
        raise problem(say("没有病例在该年度出院", "no case was discharged in the year"), file=file,
                      key="year", found=year,
                      expected=say("病例出院的年度",
                                   "the year of the cases' discharge"))  # fmt: skip


def unpriced(tally: Tally, grid: Grid, hospitals: Hospitals) -> dict[str, str]:
    """Hospitals without a rate and groups without a weight that have cases."""
    found = {}
    cases, cost = tally.cases[1], tally.cost[1]  # of grouped cases, unknown ones last
    own_mean = grid.policy.standard.kind == "own_mean"  # which asks for no weights
    weightless = np.isnan(np.append(grid.weight, np.nan)) & (not own_mean)
    inner = np.s_[:-1, :-1, :-1]

    def size(which: Bools, place: Any) -> str:
        return f"{cases[place][which].sum():,} cases, {cost[place][which].sum() / 100:,.2f} yuan"

    def named(which: Bools) -> str:
        ids = sorted({hospitals.ids[held] for held in np.unique(np.nonzero(which)[0])})
        return ", ".join(ids[:12]) + (f" and {len(ids) - 12} more" if len(ids) > 12 else "")

    there = (cases[inner] > 0) & ~weightless[None, :-1, None]
    without = there & ~np.isfinite(grid.standard)
    if without.any():
        found["hospitals_without_rate"] = (
            ("no mean cost stands for cases of " if own_mean else "the policy has no rate for ")
            + named(without)
            + ("" if own_mean else " (tier, class, level or county?)")
            + f": {size(without, inner)}"
        )
    held = grid.policy.coefficients
    if held is not None and held.table and held.computed is None and not own_mean:
        given = np.broadcast_to(grid.k_from.rows[:, None, :] >= 0, grid.standard.shape)
        for where, _ in grid.k_from.covers:
            given = given | where
        lost = there & ~given
        if lost.any():
            found["hospitals_without_coefficient"] = (
                f"the policy has no coefficient for {named(lost)} (tier, "
                f"class, level or county?), 1 stands in: {size(lost, inner)}"
            )
    which = (cases > 0) & weightless[None, :, None]
    if which.any():
        places = np.unique(np.nonzero(which)[1])
        names = sorted({grid.groups[held] for held in places if held < len(grid.groups)})
        listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if names[12:] else "")
        others = "others that are not in the weight table" if len(grid.groups) in places else ""
        found["groups_without_weight"] = (
            f"groups without a weight ({', '.join(filter(None, (listed, others)))}): "
            + size(which, np.s_[:])
        )
    return found
