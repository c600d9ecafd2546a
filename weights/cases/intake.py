"""Observations from a table in memory or from a file in batches: each row used or accounted for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases import CaseColumns, recognise
from drg.cases.blanks import BLANKS
from drg.cases.cells import Cells, can_read, columns_for
from drg.cases.codes import is_total, plain_group
from drg.cases.columns import plain_header
from drg.cases.dates import months_of
from drg.cases.opening import open_cases
from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.cases.texts import as_text, text_list
from drg.cases.unread import Counted, UnreadCount, counted
from drg.errors import problem
from drg.language import say
from drg.tables import Block, Malformed, RejectFile
from drg.tables.arrays import blocks, integers, values
from drg.tables.frames import as_arrow, headers
from weights.cases.observations import (
    COMPONENTS,
    FAULTS,
    GROUPED,
    UNGROUPED,
    Bools,
    Floats,
    Intake,
    Ints,
    Observations,
)

if TYPE_CHECKING:
    import pandas as pd

_LISTED = ("total_cost", *COMPONENTS, "cases")  # whose rows are told by a reason of their own
# Headers that say whether a row of several cases has their sum or their mean; a Chinese total is
# read either way, so that a file of totals must say which.
_MEANS = frozenset(["total_cost", "次均费用", "例均费用", "mean_cost"])
_Fault: TypeAlias = tuple[int, str, str, str]  # row of the batch, column, cell, what was expected


def observe(
    cases: pd.DataFrame | pa.Table,
    mapping: Mapping[str, str | Sequence[str]] | None = None,
    *,
    components: bool = False,
    years: bool = False,
    totals: str | None = None,
    hospitals: bool = True,
) -> Observations:
    """Read grouped cases, or totals by hospital and group, from a table.

    Needed are ``drg`` and ``total_cost`` (or the component costs); ``hospital_id``, ``cases``,
    ``length_of_stay``, ``status`` and ``adrg`` are used when they are there.

    Args:
        cases: one row a case, or a row for several cases with the column ``cases``.
        mapping: canonical name -> column, for headers that are not recognised.
        components: read the component costs instead of the total.
        years: read the year of discharge.
        totals: with ``cases``, whether costs are the ``sum`` or the ``mean`` of a row's cases; by
            default the mean, as ``cases`` is a frequency.
        hospitals: a row with a blank hospital is not used; else it stays, in one without a name.

    Raises:
        DrgError: it is no table, a column is missing, or no row can be used.
    """
    names = headers(cases)
    columns = recognise(names, mapping)
    reader = _Reader(columns, components=components, years=years, totals=totals,
                     hospitals=hospitals)  # fmt: skip
    used = [name for found in columns.sources.values() for name in found if name in names]
    return reader.join([reader.part(as_arrow(cases, used))])


def observe_file(
    path: str | PathLike[str],
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    components: bool = False,
    years: bool = False,
    totals: str | None = None,
    rows: bool = False,
    rejects: RejectFile | None = None,
    hospitals: bool = True,
    accept_unreadable: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
) -> Observations:
    """Read grouped cases, or totals by hospital and group, from a file.

    Args:
        path: CSV, Excel or Parquet file.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        components: read the component costs instead of the total.
        years: read the year of discharge.
        totals: as in :func:`observe`.
        rows: keep the places of the rows in the file.
        hospitals: as in :func:`observe`.
        rejects: where rows go that cannot be used; the caller opens and commits it.
        accept_unreadable: go on also where more than 1% of the costs cannot be read.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: the file cannot be read, a column is missing, or no row can be used.
    """
    unread = UnreadCount()
    with open_cases(path, mapping=mapping, sheet=sheet) as table:
        reader = _Reader(table.columns, components=components, years=years, totals=totals,
                         rows=rows, hospitals=hospitals, file=path)  # fmt: skip
        table.only(columns_for(table.columns, reader.wanted))
        parts: list[_Part] = []
        row = table.header_rows + 1

        def work(block: Block) -> tuple[_Part, int]:
            batch = block.load()
            return reader.part(batch.table, batch.malformed), block.progress

        for part, units in table.each(work):
            if rejects is not None and part.faults:
                rows_hit, names, texts, reasons = zip(*sorted(part.faults), strict=True)
                rejects.add_many([row + hit for hit in rows_hit], names, texts, reasons)
            part.faults.clear()
            row += part.intake.rows
            unread.add(part.lost, part.intake.rows)
            parts.append(part)
            if progress is not None:
                progress(units, table.total)
    if not accept_unreadable:
        unread.refuse(reader.money, path, table.header_rows + 1)
    found = reader.join(parts)
    found.intake.first = table.header_rows + 1
    return found


def groups_of(cases: pd.DataFrame | pa.Table) -> list[str]:
    """Code of each row's group, as :func:`observe` reads it.

    Raises:
        DrgError: it is no table, or has no column of groups.
    """
    names = headers(cases)
    columns = recognise(names, None)
    columns.need("drg")
    table = as_arrow(cases, columns.columns("drg"))
    codes, texts = _Reader.codes(Cells(table, columns), "drg")
    return [texts[code] for code in codes]


@dataclass(frozen=True)
class _Part:
    """One batch as arrays: codes are places in the batch's own lists of texts."""

    drg: Ints
    groups: list[str]
    hospital: Ints
    hospitals: list[str]
    numbers: dict[str, npt.NDArray[Any]]
    adrgs: dict[str, str]
    intake: Intake
    faults: list[_Fault]
    lost: Counted


class _Reader:
    """Turns batches of a table into parts, and parts into observations."""

    def __init__(
        self,
        columns: CaseColumns,
        *,
        components: bool = False,
        years: bool = False,
        totals: str | None = None,
        rows: bool = False,
        hospitals: bool = True,
        file: str | PathLike[str] | None = None,
    ) -> None:
        if totals not in (None, "mean", "sum"):
            raise problem(say("不是可用的取值", "not known"), file=file, key="totals", found=totals,
                          expected=say("mean 或 sum", "mean or sum"))  # fmt: skip
        costs = COMPONENTS if components else ("total_cost",)
        columns.need("drg", *costs, file=file)
        if years:
            columns.need("discharge_date", file=file)
        if totals is not None:
            columns.need("cases", file=file)
        # parts that a weight hangs on: what is unreadable in them is no small thing
        self.money = (*costs, "cases", *(("discharge_date",) if years else ()))
        self.wanted = ("drg", "hospital_id", "length_of_stay", "status", "adrg", *self.money)
        self._columns = columns
        self._components = components
        self._years = years
        self._listed = (*_LISTED, "discharge_date") if years else _LISTED
        self._totals = totals
        self._rows = rows
        self._hospitals = hospitals
        self._file = file

    def part(self, table: pa.RecordBatch, malformed: Sequence[Malformed] = ()) -> _Part:
        """Read one batch, of which some rows, or cells, could not be read."""
        rows, lost = table.num_rows, {m.row: m for m in malformed if not m.column}
        cells = Cells(table, self._columns)
        with ThreadPoolExecutor(1) as other:
            by_hospital = other.submit(self.codes, cells, "hospital_id")
            drg, groups = self.codes(cells, "drg")
            costs, unreadable = self._costs(cells)
            hospital, hospitals = by_hospital.result()
        cases, bad_cases = None, np.zeros(rows, np.bool_)
        if "cases" in self._columns:
            cases, bad_cases = cells.number("cases")
            bad_cases |= ~(cases > 0)
            if self._totals == "sum":
                count = np.where(bad_cases, 1.0, cases)
                costs = costs / (count[:, None] if costs.ndim == 2 else count)
        cost = costs.sum(axis=1) if costs.ndim == 2 else costs
        year = None
        if self._years:
            months = months_of(cells.day("discharge_date")[0])
            year = np.where(months < 0, -1, months // 12).astype(np.int32)
        fine = rows and float(cost.min()) > 0  # false when there is a NaN
        found = {
            "malformed_row": np.isin(np.arange(rows), list(lost)) if lost else None,
            "missing_group": _where([g.lower() in BLANKS for g in groups], drg),
            "total_row": _where([is_total(g) for g in groups], drg),
            "missing_hospital": _where(
                [self._hospitals and h.lower() in BLANKS for h in hospitals], hospital
            ),
            "unreadable_cost": unreadable if unreadable.any() else None,
            "missing_cost": None if fine else np.isnan(cost),
            "negative_cost": None if fine else cost < 0,
            "zero_cost": None if fine else cost == 0,
            "bad_cases": bad_cases if bad_cases.any() else None,
            "missing_date": None if year is None else year < 0,
            UNGROUPED: self._ungrouped(cells, drg, groups),
        }
        money = cost if fine else np.where(np.isfinite(cost), cost, 0.0)
        known = None if cases is None else np.where(bad_cases, 0.0, cases)
        if known is not None:
            money = money * known
        intake = Intake(rows, rows if known is None else float(known.sum()), float(money.sum()))
        hits = {reason: hit for reason, hit in found.items() if hit is not None}
        keep = np.ones(rows if hits else 0, np.bool_)
        faults: list[_Fault] = []
        for reason, rows_hit in hits.items():
            if not (hit := rows_hit & keep).any():
                continue
            keep &= ~hit
            intake.exclude(reason, int(hit.sum()), float(money[hit].sum()))
            if reason == "unreadable_cost" and self._components:
                spoilt = set(np.flatnonzero(hit).tolist())
                faults += [(one.row, one.column, one.value, f"expected {FAULTS[reason]}")
                           for one in cells.faults()
                           if one.part in COMPONENTS and one.row in spoilt]  # fmt: skip
            elif reason == "malformed_row":
                faults += [(one.row, "", one.value, f"{one.reason} {one.zh}")
                           for one in lost.values()]  # fmt: skip
            elif reason in FAULTS:
                faults += self._faults(table, reason, np.flatnonzero(hit))
        numbers: dict[str, npt.NDArray[Any]] = {"cost": cost}
        if costs.ndim == 2:
            numbers["components"] = costs
        if cases is not None:
            numbers["cases"] = cases
        if can_read(self._columns, "length_of_stay"):
            numbers["stay"] = cells.number("length_of_stay")[0]
        if year is not None:
            numbers["year"] = year
        if self._rows:
            numbers["row"] = np.arange(rows)
        adrgs = self._adrgs(cells, drg, groups)
        if not keep.all():
            drg, hospital = drg[keep], hospital[keep]
            numbers = {name: column[keep] for name, column in numbers.items()}
        # cells that cannot be read and for which no row is left out: stays, dates
        faults += [(one.row, one.column, one.value, one.reason)
                   for one in cells.faults() if one.part not in self._listed]  # fmt: skip
        return _Part(drg, groups, hospital, hospitals, numbers, adrgs, intake, faults,
                     counted(cells))  # fmt: skip

    def join(self, parts: Sequence[_Part]) -> Observations:
        """Put parts together; groups and hospitals are numbered in the order of their names.

        Raises:
            DrgError: no row can be used, or rows stand for several cases, and the header of the
                cost may mean their sum or their mean.
        """
        intake = Intake()
        for part in parts:
            intake.rows += part.intake.rows
            intake.cases += part.intake.cases
            intake.cost += part.intake.cost
            for reason, rows in part.intake.excluded_rows.items():
                intake.exclude(reason, rows, part.intake.excluded_cost[reason])
        drg, groups = _numbered([(part.drg, part.groups) for part in parts])
        if not len(drg):
            why = ", ".join(f"{n:,} {reason}" for reason, n in intake.excluded_rows.items())
            raise problem(say(f"{intake.rows:,} 行中没有可用的病例（{why or '表为空'}）",
                              f"no case can be used of {intake.rows:,} rows "
                              f"({why or 'the table is empty'})"), file=self._file)  # fmt: skip
        hospital, hospitals = _numbered([(part.hospital, part.hospitals) for part in parts])
        adrgs = {g: a for part in reversed(parts) for g, a in part.adrgs.items()}
        numbers = {name: _joined([part.numbers.pop(name) for part in parts])
                   for name in list(parts[0].numbers)}  # fmt: skip
        if "row" in numbers:
            starts = np.cumsum([0, *(part.intake.rows for part in parts)])[:-1]
            numbers["row"] += np.repeat(starts, [len(part.drg) for part in parts])
        cases = numbers.get("cases")
        if cases is not None and (cases == 1).all():
            cases = None
        if cases is not None:
            intake.assumed = self._assumed()
        return Observations(
            drg=drg,
            hospital=hospital,
            cost=numbers["cost"],
            cases=cases,
            stay=numbers.get("stay"),
            year=numbers.get("year"),
            components=numbers.get("components"),
            row=numbers.get("row"),
            groups=groups,
            adrgs=tuple(adrgs.get(group, "") for group in groups),
            hospitals=hospitals,
            intake=intake,
        )

    def _assumed(self) -> str:
        """What is taken for granted of the costs of rows with several cases, "" for nothing."""
        header = "" if self._components else plain_header(self._columns.column("total_cost") or "")
        if self._totals is not None or header in _MEANS - {"total_cost"}:
            return ""
        if header in _MEANS or self._components:
            return "costs of rows with several cases are taken for means per case"
        raise problem(say("一行代表多例：费用是合计还是例均？",
                          "rows stand for several cases: is this their sum or their mean cost?"),
                      file=self._file, key=header,
                      expected=say("totals = sum 或 mean（--totals）",
                                   "totals = sum or mean (--totals)"))  # fmt: skip

    @staticmethod
    def codes(cells: Cells, name: str) -> tuple[Ints, list[str]]:
        """A column of codes as places in a list of texts, and that list. Shape (N,)."""
        encoded = cells.column(name)
        if encoded is None:
            return np.zeros(cells.rows, np.int32), []
        if not pa.types.is_dictionary(encoded.type):
            plain_text = pa.types.is_large_string(encoded.type)
            encoded = (encoded if plain_text else as_text(encoded)).dictionary_encode()
        plain = str.strip if name == "hospital_id" else plain_group
        texts = [plain(text or "") for text in text_list(as_text(encoded.dictionary))]
        places = encoded.indices
        if places.null_count:
            return integers(places, len(texts)).astype(np.int32), [*texts, ""]
        return values(places).astype(np.int32, copy=False), texts

    def _costs(self, cells: Cells) -> tuple[Floats, Bools]:
        if not self._components:
            return cells.yuan("total_cost")
        read = [cells.yuan(name) for name in COMPONENTS]
        costs = np.stack([yuan for yuan, _ in read], axis=1)
        bad = np.any([unreadable for _, unreadable in read], axis=0)
        # a component that is blank beside others that are not is one that was not billed
        blank = np.isnan(costs)
        empty = blank.all(axis=1, keepdims=True)
        return np.where(blank & ~empty, 0.0, costs), np.asarray(bad)

    def _ungrouped(self, cells: Cells, drg: Ints, groups: list[str]) -> Bools | None:
        found = _where([is_ungrouped(g) or is_ambiguous(g) for g in groups], drg)
        if "status" in self._columns:
            status = cells.text("status")
            texts = status.dictionary.to_pylist()
            other = _where([text not in ("", GROUPED) for text in texts],
                           integers(status.indices, 0))  # fmt: skip
            if other is not None:
                found = other if found is None else found | other
        return found

    def _adrgs(self, cells: Cells, drg: Ints, groups: list[str]) -> dict[str, str]:
        if "adrg" not in self._columns:
            return {}
        codes, adrgs = self.codes(cells, "adrg")
        first = np.unique(drg, return_index=True)
        return {groups[g]: adrgs[codes[row]] for g, row in zip(*first, strict=True)}

    def _faults(
        self, table: pa.RecordBatch, reason: str, rows: npt.NDArray[np.int64]
    ) -> list[_Fault]:
        part = {
            "missing_group": "drg", "total_row": "drg", "missing_hospital": "hospital_id",
            "bad_cases": "cases", "missing_date": "discharge_date",
        }.get(reason, None if self._components else "total_cost")  # fmt: skip
        column = None if part is None else self._columns.column(part)
        texts: list[str | None] = [""] * len(rows)
        if column is not None:
            # as text first: a view cannot be taken
            texts = text_list(as_text(table.column(column)).take(pa.array(rows)))
        return [(row, column or "", text or "", f"expected {FAULTS[reason]}")
                for row, text in zip(rows.tolist(), texts, strict=True)]  # fmt: skip


def _numbered(parts: Sequence[tuple[Ints, list[str]]]) -> tuple[Ints, tuple[str, ...]]:
    """Codes of several lists of texts as places in one sorted list of those that occur."""
    used = [(codes, texts, _seen(codes, len(texts))) for codes, texts in parts]
    names = sorted({t for _, texts, seen in used for t, s in zip(texts, seen, strict=False) if s})
    place = {name: i for i, name in enumerate(names)}
    maps = [np.array([place.get(t, 0) for t in texts] or [0], np.int32) for _, texts, _ in used]
    out = [m[codes] for m, (codes, _, _) in zip(maps, used, strict=True)]
    return (_joined(out) if out else np.empty(0, np.int32)), tuple(names)


def _seen(codes: Ints, count: int) -> Bools:
    seen = np.zeros(max(count, 1), np.bool_)
    for block in blocks(len(codes)):
        seen[codes[block]] = True
        if seen.all():
            break
    return seen


def _joined(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _where(marked: Sequence[bool], codes: npt.NDArray[Any]) -> Bools | None:
    """Rows whose code is marked; None when no code is."""
    if not any(marked):
        return None
    found: Bools = np.array(marked)[codes]
    return found
