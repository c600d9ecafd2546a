"""The tables of a projection by year, and why average cost moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from budget.projection.cells import Cells
from budget.projection.decomposition import State, levels
from budget.projection.difference import differences
from budget.projection.year import Year
from budget.projection.years import Projection
from drg.money import to_yuan
from drg.tables import write_table
from drg.tables.derived import without_formulas

Floats = npt.NDArray[np.float64]
INSURANCES = ("employee", "resident")
TABLES = ("projection_hospitals", "projection_tiers", "projection_pools", "projection_groups",
          "projection_difference", "projection_stack", "decomposition", "sensitivity")  # fmt: skip
CASES = 6  # decimals of numbers of cases, which are not whole after drivers


def frames(
    projections: Sequence[Projection], unchanged: Mapping[str, Projection] | None = None
) -> dict[str, pd.DataFrame]:
    """The tables of scenarios that look ahead from the same year, by name; money in yuan.

    Args:
        projections: the scenarios; each is compared with the first.
        unchanged: the same without their changes of policy and weights, by the scenario's id, for
            those that have any.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    without = unchanged or {}
    for held in projections:
        for year in held.years:
            for name, make in (
                ("projection_hospitals", _hospitals), ("projection_tiers", _tiers),
                ("projection_pools", _pools), ("projection_groups", _groups),
            ):  # fmt: skip
                parts.setdefault(name, []).append(make(held, year))
            if year is not held.years[0]:
                parts.setdefault("decomposition", []).append(_decomposition(held, year))
    if len(projections) > 1:
        parts["projection_difference"] = [
            differences(projections[0], one, without.get(one.scenario.id, one))
            for one in projections[1:]
        ]
    return {name: pd.concat(held, ignore_index=True) for name, held in parts.items()}


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> list[Path]:
    """Write the tables as CSV; no amount is written as -0."""
    written = [folder / f"{name}.csv" for name in TABLES if name in tables]
    for path in written:
        write_table(path, written_as(tables[path.stem]))
    return written


def written_as(frame: pd.DataFrame) -> pa.Table:
    """A table as it is written: no amount is -0, and no text is a formula."""
    safe = pd.DataFrame({
        column: frame[column] + 0 if pd.api.types.is_float_dtype(frame[column])
        else frame[column]
        for column in frame.columns
    })  # fmt: skip
    return without_formulas(pa.Table.from_pandas(safe, preserve_index=False))


def _hospitals(held: Projection, year: Year) -> pd.DataFrame:
    cells, hospitals = year.cells, year.cells.hospitals
    cases = cells.cases.sum(axis=(1, 2))
    seen = np.flatnonzero(cases > 0)
    cost, patient, other = (year.by_pool(n).sum(axis=1) for n in ("cost", "patient", "other"))
    final, payable = year.final.sum(axis=1), year.fund.sum(axis=1)
    before = held.years[0].final.sum(axis=1)
    gain = final + patient + other - cost
    return pd.DataFrame({
        "scenario": held.scenario.id,
        "year": year.year,
        "hospital_id": [hospitals.ids[i] for i in seen],
        "hospital_name": [hospitals.names[i] for i in seen],
        "tier": hospitals.tier[seen],
        "cases": np.round(cases[seen], CASES),
        "case_mix_index": np.round(_index(cells)[seen], 4),
        "cost": to_yuan(cost[seen]),
        "average_cost": _mean(cost / 100, cases)[seen],
        "patient": to_yuan(patient[seen]),
        "average_patient": _mean(patient / 100, cases)[seen],
        "payable": to_yuan(payable[seen]),
        "budget_cut": to_yuan(year.cut.sum(axis=1)[seen]),
        "final": to_yuan(final[seen]),
        "gain": to_yuan(gain[seen]),
        "gain_share": np.round(_ratio(gain, cost)[seen], 6),
        "change_final": np.round(_ratio(final - before, before)[seen], 6),
    })  # fmt: skip


def _tiers(held: Projection, year: Year) -> pd.DataFrame:
    first, tier = held.years[0].cells, year.cells.tier
    rows: list[dict[str, Any]] = []
    for one in ("all", *sorted({int(t) for t in tier}, reverse=True)):
        here = np.ones(len(tier), np.bool_) if one == "all" else tier == one
        for insurance in ("all", *INSURANCES):
            part = slice(None) if insurance == "all" else [INSURANCES.index(insurance)]
            sums = {name: float(getattr(year.cells, name)[here][:, :, part].sum())
                    for name in ("cases", "cost", "patient", "other")}  # fmt: skip
            if not sums["cases"]:
                continue
            was = [
                float(getattr(first, name)[here][:, :, part].sum()) for name in ("cost", "cases")
            ]
            fund = _final(year, here, insurance)
            average = sums["cost"] / sums["cases"]
            rows.append({
                "scenario": held.scenario.id, "year": year.year, "tier": str(one),
                "insurance": insurance, "cases": round(sums["cases"], CASES),
                "average_cost": round(average, 2),
                "average_patient": round(sums["patient"] / sums["cases"], 2),
                "average_fund": round(fund / sums["cases"], 2),
                "final": round(fund, 2),
                "case_mix_index": round(_index_of(year.cells, here, part), 4),
                "change_average_cost": _change(average, *was),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _change(average: float, cost: float, cases: float) -> float | None:
    return round(average * cases / cost - 1, 6) if cost else None


def _final(year: Year, here: npt.NDArray[np.bool_], insurance: str) -> float:
    """Fund money of hospitals, of the pools of one insurance alone, in yuan.

    NaN where a pool pays for both, as the year end knows no insurances in a pool.
    """
    if insurance == "all":
        return float(year.final[here].sum()) / 100
    pools = year.cells.own_pools(INSURANCES.index(insurance))
    return float("nan") if pools is None else float(year.final[here][:, pools].sum()) / 100


def _pools(held: Projection, year: Year) -> pd.DataFrame:
    """One row a pool: its money, what is due before the global budget, and the cut (总额控制)."""
    amount = np.array([one.amount for one in year.money], np.int64)
    before, cut = year.closing.final.sum(axis=0), year.cut.sum(axis=0)
    outside = year.by_pool("outside").sum(axis=0)
    return pd.DataFrame({
        "scenario": held.scenario.id,
        "year": year.year,
        "pool": [one.name for one in year.money],
        "amount": to_yuan(amount),
        "payable": to_yuan(year.fund.sum(axis=0)),
        "outside": to_yuan(outside),
        "final_before_cut": to_yuan(before),
        "budget_cut": to_yuan(cut),
        "final": to_yuan(before - cut),
        "balance_before_cut": to_yuan(amount - (before - outside)),
        "balance": to_yuan(amount - (before - cut - outside)),
        "point_value": np.round(year.point_value / year.cells.settlement.grid.per_yuan, 6),
    })  # fmt: skip


def _groups(held: Projection, year: Year) -> pd.DataFrame:
    cells, first = year.cells, held.years[0].cells
    cases, cost = cells.cases.sum(axis=(0, 2)), cells.cost.sum(axis=(0, 2))
    was = _mean(first.cost.sum(axis=(0, 2)), first.cases.sum(axis=(0, 2)))
    seen = np.flatnonzero(cases > 0)
    average = _mean(cost, cases)
    return pd.DataFrame({
        "scenario": held.scenario.id,
        "year": year.year,
        "drg": [cells.groups[i] or "0000" for i in seen],
        "name": [cells.names[i] for i in seen],
        "cases": np.round(cases[seen], CASES),
        "average_cost": average[seen],
        "weight": cells.weight[seen],
        "change_average_cost": np.round(_ratio(average - was, was)[seen], 6),
    })  # fmt: skip


def _decomposition(held: Projection, year: Year) -> pd.DataFrame:
    """Why average cost moved since the settled year: region, tiers, insurances, hospitals."""
    first, cells = held.years[0], year.cells
    before = State.of(first.cells.cases, first.cells.cost, first.price)
    after = State.of(cells.cases, np.where(cells.cases > 0, cells.cost, 0.0), year.price)
    found = levels(
        before, after, tier=cells.tier, hospitals=cells.hospitals.ids, insurances=INSURANCES,
        groups=cells.groups,
    )  # fmt: skip
    found.insert(0, "scenario", held.scenario.id)
    found.insert(1, "year", year.year)
    return found


def _index(cells: Cells) -> Floats:
    """Mean weight of the cases that have one (CMI) by hospital. (H,)."""
    known = np.isfinite(cells.weight)
    cases = cells.cases[:, known].sum(axis=2)
    return _mean((cases * cells.weight[known]).sum(axis=1), cases.sum(axis=1), 6)


def _index_of(cells: Cells, here: npt.NDArray[np.bool_], part: Any) -> float:
    known = np.isfinite(cells.weight)
    cases = cells.cases[here][:, known][:, :, part].sum(axis=(0, 2))
    total = float(cases.sum())
    return float((cases * cells.weight[known]).sum()) / total if total else float("nan")


def _mean(total: Floats, cases: Floats, digits: int = 2) -> Floats:
    return np.round(_ratio(total, cases), digits)


def _ratio(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    up, down = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return np.asarray(np.divide(up, down, out=np.full(up.shape, np.nan), where=down != 0))
