"""Cases of a book as they stand (病例现状): the last version of each, with the month it settles in.

Later files take the place of earlier ones case by case, and lists that people decided give a case
its approved amount or fixed price, so that what stands is a plain table of cases that any
settlement can price.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.cells import Cells
from drg.cases.columns import recognise
from drg.cases.dates import months_of
from drg.tables import read_table
from drg.year.state import Handed

GONE = "_gone"
NEEDED = ("case_id", "drg", "hospital_id", "insurance", "discharge_date", "total_cost")
Rows = dict[tuple[str, ...], dict[str, str]]


@dataclass(frozen=True)
class Standing:
    """Cases as they stand.

    Attributes:
        table: a row a case, texts under canonical names, ordered by id. N rows.
        settles: month in which each settles as it stands, 1 to 13. Shape (N,).
        came: month in which each first came, 1 to 13. Shape (N,).
    """

    table: pa.Table
    settles: npt.NDArray[np.int8]
    came: npt.NDArray[np.int8]

    @property
    def places(self) -> dict[str, int]:
        """Row of each case by its id."""
        return {name: row for row, name in enumerate(self.table.column("case_id").to_pylist())}


@lru_cache(maxsize=2)  # a file's name carries its digest, so what was read stays
def standing(folder: Path, files: tuple[Handed, ...]) -> Standing:
    """Cases after some files, in order; decisions of lists apart.

    Raises:
        DrgError: a file cannot be read.
    """
    parts, months = [], []
    for one in files:
        table, _ = read_table(folder / one.file)
        if one.kind == "withdraw":
            gone = pa.array(["1"] * table.num_rows, pa.string())
            table = table.select(["case_id"]).append_column(GONE, gone)
        parts.append(table.cast(pa.schema([(name, pa.string()) for name in table.column_names])))
        months.append(np.full(table.num_rows, one.month, np.int8))
    if not parts:
        return Standing(pa.table({name: pa.array([], pa.string()) for name in NEEDED}),
                        np.zeros(0, np.int8), np.zeros(0, np.int8))  # fmt: skip
    whole = pa.concat_tables(parts, promote_options="default").combine_chunks()
    month = np.concatenate(months)
    ids = pd.Series(whole.column("case_id").to_pylist(), dtype=object)
    last = np.flatnonzero(~ids.duplicated(keep="last"))
    if GONE in whole.column_names:
        gone = pc.equal(pc.fill_null(whole.column(GONE), ""), "1").to_numpy(zero_copy_only=False)
        last = last[~gone[last]]
        whole = whole.drop_columns([GONE])
    first = ids.groupby(ids).transform(lambda own: own.index[0]).to_numpy(np.int64)
    last = last[np.argsort(ids[last].to_numpy(str), kind="stable")]
    return Standing(whole.take(pa.array(last)), month[last], month[first[last]])


def decided(held: Standing, lists: Mapping[str, Rows]) -> pa.Table:
    """The cases with what lists decided of them.

    Args:
        held: the cases.
        lists: list -> rows by key, as :func:`drg.year.decisions.rows_of` gives them.
    """
    table, places = held.table, None
    for name, values in _columns(lists).items():
        places = places or held.places
        found: list[str | None] = (
            table.column(name).to_pylist() if name in table.column_names else [None] * len(places)
        )
        for case, value in values.items():
            if (row := places.get(case)) is not None:
                found[row] = value
        column = pa.array(found, pa.string())
        place = table.schema.get_field_index(name)
        table = (table.append_column(name, column) if place < 0
                 else table.set_column(place, name, column))  # fmt: skip
    if lists.get("technology"):
        table = _technology(table, lists["technology"])
    return table


def _columns(lists: Mapping[str, Rows]) -> dict[str, dict[str, str]]:
    """Column -> case -> what stands in it."""
    found: dict[str, dict[str, str]] = {}
    for row in lists.get("review", {}).values():
        approved = row["decision"] == "approved"
        found.setdefault("special_review", {})[row["case_id"]] = "1" if approved else "0"
        found.setdefault("review_amount", {})[row["case_id"]] = row["amount"] if approved else ""
    for row in lists.get("fixed", {}).values():
        found.setdefault("fixed_price", {})[row["case_id"]] = row["price"]
    return found


def _technology(table: pa.Table, rows: Rows) -> pa.Table:
    days = dict(zip(table.column("case_id").to_pylist(), discharge_days(table), strict=True))
    marks = {row["case_id"]: "1" if within(row, days.get(row["case_id"])) else "0"
             for row in rows.values()}  # fmt: skip
    found = [marks.get(case) for case in table.column("case_id").to_pylist()]
    if "new_technology" in table.column_names:
        own = table.column("new_technology").to_pylist()
        found = [mark or said for mark, said in zip(found, own, strict=True)]
        table = table.drop_columns(["new_technology"])
    return table.append_column("new_technology", pa.array(found, pa.string()))


def within(row: Mapping[str, str], day: dt.date | None) -> bool:
    """Whether a day lies in the years of a technology."""
    if day is None:
        return False
    first = dt.date.fromisoformat(row["first_day"])
    years = int(row["years"])
    try:
        end = first.replace(year=first.year + years)
    except ValueError:  # 29 February
        end = dt.date(first.year + years, 3, 1)
    return first <= day < end


def discharge_days(table: pa.Table) -> list[dt.date | None]:
    """Day of discharge of each case; None where it cannot be read."""
    held = Cells(table, recognise(table.column_names)).day("discharge_date")[0]
    start = dt.date(1970, 1, 1)
    return [None if np.isnan(day) else start + dt.timedelta(days=int(day)) for day in held]


def discharge_months(table: pa.Table, year: int) -> npt.NDArray[np.int64]:
    """Month of discharge counted from January of a year as 1; 0 unknown. Shape (N,)."""
    held = months_of(Cells(table, recognise(table.column_names)).day("discharge_date")[0])
    return np.asarray(np.where(held < 0, 0, held - year * 12 + 1), np.int64)
