"""The tables of a settled year: cases, hospitals, pools, months, branches, the fund's cash."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from budget.cases.claims import INSURANCES
from budget.price.branches import BRANCHES, CODES, PLACE
from budget.settlement.settled import Rows, SettledYear
from budget.settlement.workbook import write_workbook
from drg.money import decimal, to_decimals, to_yuan
from drg.tables import TableSink, write_table
from drg.tables.derived import without_formulas

_ROWS = 131_072
_RATIO = 6  # decimals of the ratio
YUAN = pa.float64()
CASES = pa.schema([
    ("case_id", pa.string()), ("hospital_id", pa.string()), ("insurance", pa.string()),
    ("month", pa.int8()), ("length_of_stay", pa.float64()), ("discharge_mode", pa.int8()),
    ("drg", pa.string()), ("weight", pa.float64()),
    ("branch", pa.string()), ("pool", pa.string()), ("cost", YUAN), ("standard", YUAN),
    ("ratio", pa.float64()), ("points", pa.float64()), ("payment", YUAN), ("patient", YUAN),
    ("other", YUAN), ("fund", YUAN), ("gain", YUAN),
])  # fmt: skip


def encoded(rows: Rows, sink: TableSink) -> list[Any]:
    """Settled cases as a case table has them, with the texts of the input.

    ``gain`` is what the hospital keeps or loses: fund + patient + other - cost; for a case that is
    not settled all money is 0 and the cost stands as it is.
    """
    batch = plain_rows(rows)
    return [sink.encode(batch.slice(start, _ROWS)) for start in range(0, batch.num_rows, _ROWS)]


def plain_rows(rows: Rows) -> pa.RecordBatch:
    """Settled cases as rows of the case table, without what Excel would run."""
    return without_formulas(case_rows(rows))


def case_rows(rows: Rows) -> pa.RecordBatch:
    """Settled cases as rows of the case table."""
    grid, claims, priced, paid = rows.grid, rows.part.claims, rows.priced, rows.paid
    ids, drg, home = rows.part.texts or (None, None, None)
    hospitals = list(grid.attributes["hospital"].ravel())
    cost = claims.cost
    gain = np.where(paid.pool >= 0, paid.fund + rows.patient + rows.other - cost, 0)
    month = claims.month + 1
    columns = [
        pa.nulls(len(claims), pa.string()) if ids is None else ids,
        _coded(claims.hospital, hospitals) if home is None else home,
        _coded(claims.insurance, INSURANCES),
        pa.array(month, mask=month <= 0),
        _number(claims.stay.astype(np.float64)),
        pa.array(claims.mode, mask=claims.mode <= 0),
        _coded(claims.group, grid.groups) if drg is None else drg,
        _number(priced.weight),
        _coded(priced.branch, CODES),
        _coded(paid.pool, [pool.name for pool in grid.policy.pools]),
        pa.array(to_yuan(cost)),
        _number(_standard(rows)),
        _number(_ratio(rows)),
        pa.array(paid.points / 10_000.0),
        *(pa.array(to_yuan(part)) for part in (paid.payment, rows.patient, rows.other, paid.fund,
                                               gain)),
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, names=CASES.names)


def _standard(rows: Rows) -> npt.NDArray[np.float64]:
    """Standards in yuan, to the policy's decimals."""
    worth = decimal(rows.priced.standard) * decimal(rows.worth[rows.paid.pool])
    return to_decimals(rows.grid.policy.standard.decimals, worth)


def _ratio(rows: Rows) -> npt.NDArray[np.float64]:
    """Ratios to six decimals; one beyond a threshold is not shown as the threshold itself."""
    grid, claims, branch = rows.grid, rows.part.claims, rows.priced.branch
    outliers = grid.policy.outliers
    at = tuple(np.maximum(held, 0) for held in (claims.hospital, claims.group, claims.insurance))
    found = np.asarray(np.round(rows.priced.ratio.astype(np.float64), _RATIO), np.float64)
    for code, rule, limits, step in (
        ("low", outliers.low, grid.low, -1), ("high", outliers.high, grid.high, 1),
    ):  # fmt: skip
        if rule is not None and not rule.included:
            limit = limits[at]
            lost = (branch == PLACE[code]) & ((found - limit) * step <= 0)
            found = np.where(lost, np.round(limit + step * 10.0**-_RATIO, _RATIO), found)
    return np.asarray(found, np.float64)


def _coded(places: npt.NDArray[Any], texts: Sequence[str]) -> pa.Array:
    indices = pa.array(places.astype(np.int32), mask=places < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(texts), pa.string()))


def _number(values: npt.NDArray[np.floating[Any]]) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def write_tables(folder: Path, settled: SettledYear) -> list[Path]:
    """Write the small tables as CSV and all of them as one workbook.

    Texts that Excel could run get an apostrophe, in both.
    """
    tables = frames(settled)
    written = []
    for name, frame in tables.items():
        path = folder / f"{name}.csv"
        write_table(path, without_formulas(pa.Table.from_pandas(frame, preserve_index=False)))
        written.append(path)
    workbook = folder / "settlement.xlsx"
    write_workbook(workbook, settled, tables)
    return [*written, workbook]


def frames(settled: SettledYear) -> dict[str, pd.DataFrame]:
    """The small tables by name, money in yuan, in an order of rows that does not change."""
    return {
        "hospitals": hospital_frame(settled),
        "pools": pool_frame(settled),
        "months": month_frame(settled),
        "branches": branch_frame(settled),
        "fund": settled.fund.table().to_pandas(),
    }


def hospital_frame(settled: SettledYear) -> pd.DataFrame:
    """One row a hospital and pool with cases or money: from cost to what the clearing pays."""
    sums, closing, cash = settled.sums.yearly(), settled.closing, settled.cash
    hospitals = settled.hospitals
    h, p = np.nonzero((sums.cases != 0) | (cash.prepaid != 0) | (cash.final != 0))
    money = {
        "cost": sums.cost, "patient": sums.patient, "other": sums.other, "item": sums.item,
        "payable": sums.fund, "surplus_returned": closing.surplus_returned,
        "overrun_borne": closing.overrun_borne, "capped": closing.capped,
        "assessment_withheld": closing.assessment_withheld, "penalty": closing.penalty,
        "budget_cut": settled.cut, "final": cash.final, "prepaid": cash.prepaid,
        "year_end": cash.year_end, "quality_held": cash.quality_held,
        "quality_released": cash.quality_released,
        "gain": cash.final + sums.patient + sums.other - sums.cost,
    }  # fmt: skip
    weight = settled.mix
    return pd.DataFrame({
        "hospital_id": [hospitals.ids[i] for i in h],
        "hospital_name": [hospitals.names[i] for i in h],
        "tier": [None if hospitals.tier[i] < 0 else int(hospitals.tier[i]) for i in h],
        "class": [hospitals.hospital_class[i] for i in h],
        "pool": [settled.policy.pools[i].name for i in p],
        "cases": sums.cases[h, p],
        "case_mix_index": np.round(weight[h, p], 4),
        "assessment": closing.factor[h],
        **{name: to_yuan(held[h, p]) for name, held in money.items()},
    })  # fmt: skip


def pool_frame(settled: SettledYear) -> pd.DataFrame:
    """One row a pool: its money, its cases, the value of a point, what was paid, what is left."""
    sums, closing, cash = settled.sums.yearly(), settled.closing, settled.cash
    pools = settled.pools
    outside = np.array([one.outside for one in pools], np.int64)
    final = cash.final.sum(axis=0)
    amount = np.array([one.amount for one in pools], np.int64)
    return pd.DataFrame({
        "pool": [one.name for one in pools],
        "budget": to_yuan([one.whole for one in settled.money]),
        "carve_outs": to_yuan([sum(one.carve_outs.values()) for one in settled.money]),
        "reserve": to_yuan([one.reserve for one in settled.money]),
        "amount": to_yuan(amount),
        "cases": sums.cases.sum(axis=0),
        "points": [one.points for one in pools],
        "point_value": [one.point_value for one in pools],
        "decided_by": [one.bound for one in pools],
        **{name: to_yuan(held.sum(axis=0)) for name, held in (
            ("cost", sums.cost), ("patient", sums.patient), ("other", sums.other),
            ("item", sums.item), ("payable", sums.fund),
            ("surplus_returned", closing.surplus_returned),
            ("overrun_borne", closing.overrun_borne), ("capped", closing.capped),
            ("assessment_withheld", closing.assessment_withheld), ("penalty", closing.penalty),
            ("budget_cut", settled.cut),
        )},
        "outside_pool": to_yuan(outside),
        "final": to_yuan(final),
        "prepaid": to_yuan(cash.prepaid.sum(axis=0)),
        "year_end": to_yuan(cash.year_end.sum(axis=0)),
        "balance": to_yuan(amount - (final - outside)),
    })  # fmt: skip


def month_frame(settled: SettledYear) -> pd.DataFrame:
    """One row a hospital, pool and month with cases: payable, advance and quality money."""
    if settled.through is not None:
        return settled.through.months(settled)
    sums, advances = settled.sums, settled.advances
    h, p, m = np.nonzero((sums.cases > 0) | (advances.advance != 0))
    return pd.DataFrame({
        "hospital_id": [settled.hospitals.ids[i] for i in h],
        "pool": [settled.policy.pools[i].name for i in p],
        "month": m + 1,
        "cases": sums.cases[h, p, m],
        **{name: to_yuan(held[h, p, m]) for name, held in (
            ("cost", sums.cost), ("patient", sums.patient), ("other", sums.other),
            ("payable", sums.fund), ("advance", advances.advance),
            ("quality_held", advances.held), ("remainder", advances.remainder),
        )},
    })  # fmt: skip


def branch_frame(settled: SettledYear) -> pd.DataFrame:
    """One row a hospital and branch with cases; those that are not settled stand here too."""
    h, b = np.nonzero(settled.branches[:, :, 0])
    ids = (*settled.hospitals.ids, "(not in the table of hospitals)")
    held = settled.branches[h, b]
    return pd.DataFrame({
        "hospital_id": [ids[i] for i in h],
        "branch": [CODES[i] for i in b],
        "branch_zh": [BRANCHES[i].zh for i in b],
        "settled": [BRANCHES[i].settled for i in b],
        "cases": held[:, 0],
        **{name: to_yuan(held[:, i]) for i, name in enumerate(
            ("cost", "patient", "other", "fund"), 1)},
    })  # fmt: skip
