"""Cases of a book as they stand (病例现状): the last version of each, with the month it settles in.

Later files take the place of earlier ones case by case, and lists that people decided give a case
its approved amount or fixed price, so that what stands is a plain table of cases that any
settlement can price.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.cells import Cells
from drg.cases.columns import recognise
from drg.cases.dates import months_of
from drg.tables import batches, open_table
from drg.year.state import Handed

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

    def places(self, cases: Iterable[str]) -> dict[str, int]:
        """Row of each of some cases by its id; those that are not there are left out."""
        asked = pa.array(list(dict.fromkeys(cases)), pa.string())
        at = pc.index_in(asked, self.table.column("case_id"))
        there = asked.filter(at.is_valid()).to_pylist()
        return dict(zip(there, at.drop_null().to_pylist(), strict=True))

    def texts(self, name: str, cases: Iterable[str]) -> dict[str, str]:
        """A column of each of some cases; those that are not there are left out."""
        places = self.places(cases)
        own = self.table.column(name).take(pa.array(list(places.values()), pa.int64()))
        return {case: text or "" for case, text in zip(places, own.to_pylist(), strict=True)}

    def homes(self, cases: Iterable[str]) -> dict[str, str]:
        """Hospital of each of some cases; those that are not there are left out."""
        return self.texts("hospital_id", cases)

    def days(self, cases: Iterable[str]) -> dict[str, dt.date | None]:
        """Day of discharge of each of some cases; None where it cannot be read."""
        places = self.places(cases)
        some = self.table.take(pa.array(list(places.values()), pa.int64()))
        days = Cells(some, recognise(some.column_names)).day("discharge_date")[0]
        start = dt.date(1970, 1, 1)
        return {case: None if np.isnan(day) else start + dt.timedelta(days=int(day))
                for case, day in zip(places, days, strict=True)}  # fmt: skip


@dataclass(frozen=True)
class _Last:
    """Which rows of some files, one after the other, stand in the end.

    Attributes:
        rows: their places, ordered by id. Shape (N,).
        month: month of every row's file. Shape (M,).
        first: row in which the case of each of ``rows`` first came. Shape (N,).
    """

    rows: npt.NDArray[np.int64]
    month: npt.NDArray[np.int8]
    first: npt.NDArray[np.int64]


def known(folder: Path, files: tuple[Handed, ...], cases: pa.Array) -> npt.NDArray[np.bool_]:
    """Which of some ids stand in a book after some files. Shape of ``cases``.

    Raises:
        DrgError: a file cannot be read.
    """
    if not files:
        return np.zeros(len(cases), np.bool_)
    ids = _ids(folder, files)
    there = pc.is_in(cases, ids.take(pa.array(_last(files, ids).rows)))
    return np.asarray(there.to_numpy(zero_copy_only=False), np.bool_)


def gone(folder: Path, files: tuple[Handed, ...], homes: Mapping[str, str]) -> frozenset[str]:
    """Cases of some hospitals that are not theirs any more: withdrawn, or corrected to another.

    Args:
        folder: of the book.
        files: in order.
        homes: case -> the hospital whose case it was.

    Raises:
        DrgError: a file cannot be read.
    """
    found: dict[str, str] = {}
    asked = pa.array(list(homes), pa.string())
    for one in files:
        if one.kind == "cases" and not found:  # nothing of theirs was changed yet
            continue
        table = _read(folder / one.file, ("case_id", "hospital_id"))
        own = table.filter(pc.is_in(table.column("case_id").cast(pa.string()), asked))
        for row in own.to_pylist():
            found[str(row["case_id"])] = str(row.get("hospital_id") or "").strip()
    return frozenset(case for case, home in found.items() if home != homes[case])


@lru_cache(maxsize=1)  # a file's name carries its digest, so what was read stays
def standing(
    folder: Path, files: tuple[Handed, ...], names: tuple[str, ...] | None = None
) -> Standing:
    """Cases after some files, in order; decisions of lists apart.

    Args:
        folder: of the book.
        files: in order.
        names: columns that are wanted, ids among them; all by default.

    Raises:
        DrgError: a file cannot be read.
    """
    if not files:
        return Standing(pa.table({name: pa.array([], pa.string()) for name in NEEDED}),
                        np.zeros(0, np.int8), np.zeros(0, np.int8))  # fmt: skip
    last = _last(files, _ids(folder, files))
    parts, start = [], 0
    order, place = np.sort(last.rows), np.argsort(np.argsort(last.rows, kind="stable"))
    for one in files:  # of each file what stands, so that nothing more is held
        own = order[np.searchsorted(order, start) : np.searchsorted(order, start + one.rows)]
        if one.kind != "withdraw":
            table = _read(folder / one.file, names)
            some = table.take(pa.array(own - start))
            parts.append(some.cast(pa.schema([(name, pa.string()) for name in some.column_names])))
        start += one.rows
    whole = pa.concat_tables(parts, promote_options="default").take(pa.array(place))
    return Standing(whole, last.month[last.rows], last.month[last.first])


def _ids(folder: Path, files: tuple[Handed, ...]) -> pa.ChunkedArray:
    """Ids of the rows of some files, one after the other."""
    held = [_own_ids(folder / one.file) for one in files]
    return pa.chunked_array([chunk for ids in held for chunk in ids.chunks], pa.string())


def _own_ids(path: Path) -> pa.ChunkedArray:
    return _read(path, ("case_id",)).column("case_id").cast(pa.string())


def _read(path: Path, names: tuple[str, ...] | None) -> pa.Table:
    """The wanted columns of a file, as far as it has them."""
    with open_table(path) as opened:
        if names is not None:
            opened.only([name for name in opened.schema.names if name in names])
        parts = [one.table for one in batches(opened)]
        table = pa.Table.from_batches(parts) if parts else opened.schema.empty_table()
        kept = [name for name in table.column_names if names is None or name in names]
        return table.select(kept)


def columns_of(folder: Path, files: tuple[Handed, ...]) -> list[str]:
    """Columns of some files of cases, each once."""
    found: dict[str, None] = {}
    for one in files:
        with open_table(folder / one.file) as opened:
            found |= dict.fromkeys(opened.schema.names)
    return list(found)


def _last(files: tuple[Handed, ...], ids: pa.ChunkedArray) -> _Last:
    month = np.repeat(np.array([one.month for one in files], np.int8),
                      [one.rows for one in files])  # fmt: skip
    gone = np.repeat([one.kind == "withdraw" for one in files], [one.rows for one in files])
    encoded = ids.dictionary_encode().unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    code = encoded.indices.to_numpy()
    every = np.arange(len(code))
    last = np.full(len(encoded.dictionary), -1, np.int64)
    first = last.copy()
    last[code] = every
    first[code[::-1]] = every[::-1]
    by_id = pc.sort_indices(encoded.dictionary).to_numpy()
    by_id = by_id[~gone[last[by_id]]]
    return _Last(last[by_id], month, first[by_id])


def decided(held: Standing, lists: Mapping[str, Rows]) -> pa.Table:
    """The cases with what lists decided of them.

    Args:
        held: the cases.
        lists: list -> rows by key, as :func:`drg.year.decisions.rows_of` gives them.
    """
    table = held.table
    for name, said in {**_columns(lists), **_technology(held, lists["technology"])}.items():
        places = held.places(said)
        at = np.array([places[case] for case in said if case in places], np.int64)
        order = np.argsort(at)
        texts = [text for case, text in said.items() if case in places]
        mask = np.zeros(table.num_rows, np.bool_)
        mask[at] = True
        whole = pa.nulls(table.num_rows, pa.string())
        if name in table.column_names:
            column = table.column(name).combine_chunks()
            whole = column if isinstance(column, pa.Array) else pa.concat_arrays(column.chunks)
        whole = pc.replace_with_mask(whole, pa.array(mask),
                                     pa.array([texts[i] for i in order], pa.string()))  # fmt: skip
        place = table.schema.get_field_index(name)
        table = (table.append_column(name, whole) if place < 0
                 else table.set_column(place, name, whole))  # fmt: skip
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


def _technology(held: Standing, rows: Rows) -> dict[str, dict[str, str]]:
    days = held.days(row["case_id"] for row in rows.values())
    marks = {row["case_id"]: "1" if within(row, days.get(row["case_id"])) else "0"
             for row in rows.values()}  # fmt: skip
    return {"new_technology": marks} if marks else {}


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


def discharge_months(table: pa.Table, year: int) -> npt.NDArray[np.int64]:
    """Month of discharge counted from January of a year as 1; 0 unknown. Shape (N,)."""
    held = months_of(Cells(table, recognise(table.column_names)).day("discharge_date")[0])
    return np.asarray(np.where(held < 0, 0, held - year * 12 + 1), np.int64)
