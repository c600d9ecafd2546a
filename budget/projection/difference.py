"""What a scenario does (情景与基准之差): a scenario's years beside those of the baseline.

What its drivers and behaviour do, and what its changes of policy do on top of them, stand apart.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.projection.year import Year, whole
from budget.projection.years import Projection
from drg.money import to_yuan

Floats = npt.NDArray[np.float64]
INSURANCES = ("employee", "resident")
# What is compared; cost to gain are money.
MEASURES = ("cases", "cost", "average_cost", "payable", "budget_cut", "final", "patient", "gain")
_MONEY = ("cost", "payable", "budget_cut", "final", "patient", "gain")
_NOTHING = dict.fromkeys(MEASURES, 0.0) | {"average_cost": np.nan}  # a pool of one of them only
# What a measure has: its two values, the difference, and the two parts that this is made of.
KINDS = ("baseline", "scenario", "difference", "by_drivers", "by_policy")
_Row = tuple[str, str, str, dict[str, float]]


def differences(baseline: Projection, scenario: Projection, unchanged: Projection) -> pd.DataFrame:
    """One row a projected year, level and key: baseline, scenario, and scenario less baseline.

    Hospitals add up to their tiers and to the region, to the fen, and ``_by_drivers`` and
    ``_by_policy`` to ``_difference``.

    Args:
        baseline: what is compared with.
        scenario: the scenario.
        unchanged: the scenario without its changes of policy and weights; the scenario itself
            where it has none.

    Returns:
        Columns scenario, year, level, key, name, then for each of ``MEASURES`` the ``KINDS``.
    """
    rows = []
    for years in zip(baseline.years[1:], scenario.years[1:], unchanged.years[1:], strict=False):
        other = years[1]
        was, now, driven = ({row[:3]: row[3] for row in _rows(year)} for year in years)
        for key in dict.fromkeys((*was, *now)):
            first, second, between = (held.get(key, _NOTHING) for held in (was, now, driven))
            if not (first["cases"] or second["cases"]):
                continue
            about = dict(zip(("level", "key", "name"), key, strict=True))
            row = {"scenario": scenario.scenario.id, "year": other.year, **about}
            for measure in MEASURES:
                row[f"{measure}_baseline"] = first[measure]
                row[f"{measure}_scenario"] = second[measure]
                digits = 6 if measure == "cases" else 2
                left = round(second[measure] - first[measure], digits)
                drivers = round(between[measure] - first[measure], digits)
                row[f"{measure}_difference"] = left
                row[f"{measure}_by_drivers"] = drivers
                row[f"{measure}_by_policy"] = round(left - drivers, digits)
            rows.append(row)
    names = [f"{one}_{kind}" for one in MEASURES for kind in KINDS]
    return pd.DataFrame(rows, columns=["scenario", "year", "level", "key", "name", *names])


def _rows(year: Year) -> Iterator[_Row]:
    """Level, key, name and measures of a year, in an order that all years share."""
    cells, hospitals = year.cells, year.cells.hospitals
    cases = cells.cases.sum(axis=1)
    fen = {"cost": year.by_pool("cost"), "payable": year.fund, "budget_cut": year.cut,
           "final": year.final, "patient": year.by_pool("patient")}  # fmt: skip
    fen["gain"] = fen["final"] + fen["patient"] + year.by_pool("other") - fen["cost"]
    yield "region", "all", "", _measures(cases.sum(), fen)
    for place, pool in enumerate(cells.policy.pools):
        own = {name: held[:, place] for name, held in fen.items()}
        yield "pool", pool.name, "", _measures(cases[cells.pool == place].sum(), own)
    for tier in sorted({int(one) for one in cells.tier}, reverse=True):
        here = cells.tier == tier
        yield "tier", str(tier), "", _measures(cases[here].sum(), _of(fen, here))
    for place, insurance in enumerate(INSURANCES):
        yield "insurance", insurance, "", _insured(year, place, float(cases[:, place].sum()), fen)
    for place, name in enumerate(hospitals.ids):
        yield ("hospital", name, hospitals.names[place],
               _measures(cases[place].sum(), _of(fen, place)))  # fmt: skip


def _of(
    fen: dict[str, npt.NDArray[np.int64]], here: int | npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[np.int64]]:
    return {name: held[here] for name, held in fen.items()}


def _insured(
    year: Year, insurance: int, cases: float, fen: dict[str, npt.NDArray[np.int64]]
) -> dict[str, float]:
    """Measures of an insurance; fund money only where its pools pay for no other one."""
    pools = year.cells.own_pools(insurance)
    if pools is not None:
        return _measures(cases, {name: held[:, pools] for name, held in fen.items()})
    spent = {name: whole(getattr(year.cells, name)[:, :, insurance].sum(axis=1) * 100.0)
             for name in ("cost", "patient")}  # fmt: skip
    return _measures(cases, spent)


def _measures(cases: float, fen: dict[str, npt.NDArray[np.int64]]) -> dict[str, float]:
    """Cases, and sums in yuan; NaN for what is not known."""
    found = dict.fromkeys(_MONEY, np.nan)
    found |= {name: float(to_yuan(held.sum())) for name, held in fen.items()}
    average = round(found["cost"] / cases, 2) if cases else np.nan
    return {"cases": round(float(cases), 6), "average_cost": average, **found}
