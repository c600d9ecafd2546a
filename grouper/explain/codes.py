"""One case (单个病例), as the explanation sees it: its codes in order and its numbers.

A case comes from a row of a file, from a mapping such as a pandas row, or from single values; all
three become a table of one row, which is what the engine groups as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases import CaseColumns, recognise
from drg.cases.cells import Cells
from drg.cases.codes import SEPARATORS, plain_code
from drg.cases.opening import open_cases
from drg.cases.texts import as_text, on_text
from drg.errors import problem
from drg.language import say
from drg.tables import Batch, Malformed, in_order
from drg.tables.arrays import nulls, text_scalar, values
from drg.tables.as_text import cell_text
from grouper.scheme import rules

NUMBER_NAMES = tuple(name for name in rules.NUMBERS if name != "trauma_sites")
PARTS = ("diagnoses", "procedures", *NUMBER_NAMES, *rules.TEXTS)
_SEPARATOR = re.compile(f"[{re.escape(SEPARATORS)}、，；｜]")
_LONGEST_CODE = 40


@dataclass(frozen=True)
class OneCase:
    """A case as it was read.

    Attributes:
        diagnoses: codes as written, the principal first (``""`` where it is missing); blanks in
            other places are dropped.
        procedures: the same for procedures.
        numbers: canonical name -> value, NaN where blank or unreadable (years, days, grams, hours).
        department: as written, ``""`` for none.
        case_id: as written, ``""`` for none.
        elsewhere: codes in other columns of the record, such as the diagnosis on admission, with
            their column.
        spoilt: the row, or a cell that grouping needs, could not be read by the file's reader.
        table: the row itself.
        columns: which columns of the row hold what.
    """

    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    numbers: Mapping[str, float]
    department: str
    case_id: str = field(repr=False)
    elsewhere: tuple[tuple[str, str], ...]
    spoilt: tuple[Malformed, ...]
    table: pa.RecordBatch = field(repr=False)
    columns: CaseColumns


@dataclass(frozen=True)
class Found:
    """A case found in a file.

    Attributes:
        case: the case.
        row: its row as a spreadsheet counts it, the header included.
        times: how many rows bear its id.
    """

    case: OneCase
    row: int
    times: int


def read_case(
    table: pa.RecordBatch, columns: CaseColumns, malformed: Sequence[Malformed] = ()
) -> OneCase:
    """Read a table of one row."""
    cells = Cells(table, columns)
    numbers = {name: float(cells.number(name)[0][0]) for name in NUMBER_NAMES}
    number = columns.column("case_id")
    return OneCase(
        _codes(table, columns.columns("diagnoses")),
        _codes(table, columns.columns("procedures")),
        numbers,
        str(cells.text("department")[0].as_py()),
        _text(table.column(number)) if number else "",
        _elsewhere(table, columns),
        tuple(malformed),
        table,
        columns,
    )


def case_of(
    record: Mapping[str, Any] | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    **parts: Any,
) -> OneCase:
    """A case from a mapping with any known headers (a dict, a pandas row), or from its parts.

    Args:
        record: header -> cell.
        columns: canonical name -> headers, for headers that are not known.
        **parts: canonical name -> value, beside or instead of the record: ``diagnoses`` and
            ``procedures`` as a list or a text joined by ``|``, ``sex``, ``age``, ``age_days`` ...

    Raises:
        DrgError: there are no diagnoses, or a part is not one of a case.
    """
    for name in parts:
        if name not in PARTS and name != "case_id":
            raise problem(say("不是病例的组成部分", "not a part of a case"), key=name,
                          expected=", ".join(PARTS))  # fmt: skip
    cells = {str(name): cell for name, cell in dict({} if record is None else record).items()}
    cells |= {name: value for name, value in parts.items() if value is not None}
    found = recognise(list(cells), columns)
    found.need("diagnoses")
    arrays = [_cell(value) for value in cells.values()]
    return read_case(pa.RecordBatch.from_arrays(arrays, names=list(cells)), found)


def find_case(
    file: str | PathLike[str],
    *,
    case_id: str | None = None,
    row: int | None = None,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
) -> Found:
    """Find a case in a discharge file, by its id or its row; the first one if several bear the id.

    Args:
        file: CSV, Excel or Parquet file.
        case_id: text of the column ``case_id``.
        row: row as a spreadsheet counts it, the header included; instead of an id.
        mapping: mapping file for headers that are not known.
        sheet: sheet of a workbook.

    Raises:
        DrgError: the file cannot be used, or there is no such case.
    """
    path = Path(file)
    needed = ("diagnoses", "case_id") if row is None else ("diagnoses",)
    with open_cases(path, mapping=mapping, sheet=sheet, needed=needed, dictionaries=False) as table:
        columns = table.columns
        wanted = None if row is None else row - table.header_rows - 1
        header = "" if row is not None else columns.column("case_id") or ""
        found: OneCase | None = None
        place = times = seen = 0
        with closing(in_order(table.blocks(), lambda block: block.load())) as batches:
            for batch in batches:
                rows = batch.table.num_rows
                if wanted is None:
                    hits = _hits(batch.table.column(header), case_id or "")
                else:
                    hits = [wanted - seen] if 0 <= wanted - seen < rows else []
                if hits and found is None:
                    found, place = _cut(batch, hits[0], columns), seen + hits[0]
                times, seen = times + len(hits), seen + rows
                if wanted is not None and found is not None:
                    break
    if found is None:
        named = {"key": "row", "found": row} if row is not None else {"key": header,
                                                                      "found": case_id}  # fmt: skip
        raise problem(say("没有这个病例", "there is no such case"), file=path, **named)
    return Found(found, place + table.header_rows + 1, times)


def _cut(batch: Batch, row: int, columns: CaseColumns) -> OneCase:
    malformed = [replace(m, row=0) for m in batch.malformed if m.row == row]
    return read_case(batch.table.slice(row, 1), columns, malformed)


def _hits(column: pa.Array, wanted: str) -> list[int]:
    texts = on_text(pc.utf8_trim_whitespace, as_text(column))
    same = pc.equal(texts, text_scalar(wanted.strip()))
    found = values(same.cast(pa.uint8())).astype(np.bool_) & ~nulls(same)
    return [int(i) for i in np.flatnonzero(found)]


def _cell(value: Any) -> pa.Array:
    """One cell as an array; a float that stands for "no value" is a null."""
    if isinstance(value, list | tuple | np.ndarray):
        return pa.array([[str(item) for item in value]], pa.list_(pa.string()))
    if _blank(value):
        return pa.nulls(1, pa.string())
    if isinstance(value, int | float | np.integer | np.floating):
        return pa.array([value])
    return pa.array([str(value)], pa.string())


def _blank(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' NA is neither equal to itself nor unequal
        return True


def _codes(table: pa.RecordBatch, columns: Sequence[str]) -> tuple[str, ...]:
    parts = [_pieces(table.column(column)) for column in columns]
    if not parts:
        return ()
    first = parts[0][:1] or [""]
    others = [code for code in (*parts[0][1:], *(c for part in parts[1:] for c in part)) if code]
    return () if not first[0] and not others else (*first, *others)


def _pieces(cell: pa.Array) -> list[str]:
    """The codes of one cell as written, ``""`` for a blank."""
    if isinstance(cell[0], pa.ListScalar):
        items = cell[0].values
        pieces = [cell_text(items, place) for place in range(len(items or ()))]
    else:
        text = _text(cell)
        pieces = _SEPARATOR.split(text) if text else []
    return [piece.strip() if plain_code(piece) else "" for piece in pieces]


def _text(cell: pa.Array) -> str:
    return cell_text(cell).strip()


def _elsewhere(table: pa.RecordBatch, columns: CaseColumns) -> tuple[tuple[str, str], ...]:
    """What could be codes in columns that hold no part of a case."""
    used = {column for source in columns.sources.values() for column in source}
    found = []
    for name, column in zip(table.schema.names, table.columns, strict=True):
        if name in used or not pa.types.is_string(column.type):
            continue
        text = _text(column)
        if 3 <= len(text) <= _LONGEST_CODE and any(c.isdigit() for c in text):
            found.append((name, text))
    return tuple(found)
