"""Observations from a table in memory or from a file in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING

from drg.cases import recognise
from drg.cases.cells import Cells
from drg.cases.opening import open_cases
from drg.cases.unread import UnreadCount
from drg.errors import DrgError, problem
from drg.language import say
from drg.tables import Block, RejectFile
from drg.tables.frames import as_arrow, headers
from weights.cases.observations import FAULTS, Observations
from weights.cases.reading import Part, Reader, join

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


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
    reader = Reader(columns, components=components, years=years, totals=totals,
                    hospitals=hospitals)  # fmt: skip
    used = [name for found in columns.sources.values() for name in found if name in names]
    found = join(iter([reader.part(as_arrow(cases, used))]))
    return _some(reader.said(found), None)


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
        columns = table.columns
        with named_file(path):
            reader = Reader(columns, components=components, years=years, totals=totals, rows=rows,
                            hospitals=hospitals)  # fmt: skip
        table.only(reader.names)
        parts: list[Part] = []
        row = table.header_rows + 1

        def work(block: Block) -> tuple[Part, int]:
            batch = block.load()
            lost = sorted({m.row for m in batch.malformed if not m.column})
            return reader.part(batch.table, lost), block.progress

        for part, units in table.each(work):
            if rejects is not None:
                _list(part, row, rejects)
            row += part.intake.rows
            unread.add(part.lost, part.intake.rows)
            parts.append(part)
            if progress is not None:
                progress(units, table.total)
    if not accept_unreadable:
        unread.refuse(reader.money, path, table.header_rows + 1)
    found = _some(join(iter(parts)), path)
    with named_file(path):
        return reader.said(found)


def groups_of(cases: pd.DataFrame | pa.Table) -> list[str]:
    """Code of each row's group, as :func:`observe` reads it.

    Raises:
        DrgError: it is no table, or has no column of groups.
    """
    names = headers(cases)
    columns = recognise(names, None)
    columns.need("drg")
    column = columns.column("drg")
    codes, texts = Reader.codes(Cells(as_arrow(cases, [str(column)]), columns), "drg")
    return [texts[code] for code in codes]


@contextmanager
def named_file(path: str | PathLike[str]) -> Iterator[None]:
    """Put the file before the message of an error that does not know it."""
    try:
        yield
    except DrgError as error:
        raise DrgError(f"{path}: {error}") from None


def _list(part: Part, first: int, rejects: RejectFile) -> None:
    entries = [
        (int(row), fault.column, value, f"expected {FAULTS.get(fault.reason, fault.reason)}")
        for fault in part.faults
        for row, value in zip(fault.rows, fault.values, strict=True)
    ]
    if entries:
        rows, columns, values, reasons = zip(*sorted(entries), strict=True)
        rejects.add_many([first + row for row in rows], columns, values, reasons)


def _some(found: Observations, path: str | PathLike[str] | None) -> Observations:
    if len(found):
        return found
    why = ", ".join(f"{n:,} {reason}" for reason, n in found.intake.excluded_rows.items())
    rows = found.intake.rows
    raise problem(say(f"{rows:,} 行中没有可用的病例（{why or '表为空'}）",
                      f"no case can be used of {rows:,} rows ({why or 'the table is empty'})"),
                  file=path)  # fmt: skip
