"""Reading a weight table from CSV, Excel or Parquet, cell by cell what it says or a clear error."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from drg.cases.texts import as_text, text_list
from drg.cases.values import Number, read_number
from drg.errors import DrgError, problem
from drg.language import say
from drg.provenance import document_of
from drg.tables import batches, open_table
from weights.table.columns import NUMBERS, ORDER, canonical_names
from weights.table.frame import bad_weight, check, groups, is_text, texts, tidy
from weights.table.text import unguarded

METADATA = "drg_weights"  # key of the document in a Parquet file
_ANY_NUMBER = Number(low=-math.inf)
# A number as the writer writes it; 001 is no number.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]+)?")


def read_frame(path: Path, sheet: str | None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a file.

    Args:
        path: CSV(.gz), Excel or Parquet.
        sheet: of a workbook; the first one by default.

    Returns:
        The frame, tidy and checked, and the document that a Parquet file holds of it.

    Raises:
        DrgError: the file cannot be read or is no table of weights.
    """
    with open_table(path, sheet=sheet) as source:
        first = source.header_rows + 1
        parts: list[pa.RecordBatch] = []
        for batch in batches(source):
            for bad in batch.malformed[:1]:
                row = first + sum(part.num_rows for part in parts) + bad.row
                raise problem(say(bad.zh, bad.reason), file=path, row=row, key=bad.column or None,
                              found=bad.value)  # fmt: skip
            parts.append(batch.table)
        table = pa.Table.from_batches(parts, source.schema)
        metadata = dict(source.schema.metadata or {})
        made_up = dict(source.blank_headers)
        kind = source.kind
    rows = np.arange(table.num_rows) + first
    columns = _columns(table, made_up, path, first, kind)
    try:
        frame = tidy(pd.DataFrame(columns))
    except DrgError as error:
        raise DrgError(f"{path}: {error}") from None
    nothing = (frame["drg"] == "") & frame["weight"].isna()  # a remark, or an empty line
    frame, rows = frame[~nothing].reset_index(drop=True), rows[~nothing.to_numpy()]
    check(frame, path, rows)
    if not frame["weight"].notna().any():
        raise problem(say("权重表中没有任何权重", "not a single weight in the table"), file=path,
                      key="weight", found=say(f"{len(frame)} 个病组", f"{len(frame)} groups"),
                      expected=say("大于 0 的数", "a number above 0"))  # fmt: skip
    return frame, document_of(metadata.get(METADATA.encode()))


def _columns(
    table: pa.Table, made_up: dict[str, str], path: Path, first: int, kind: str
) -> dict[str, pd.Series[Any]]:
    """The columns by their names, texts as they were before they were written."""
    as_is = kind == "parquet"
    headers = [name if as_is or name in made_up else " ".join(unguarded(name).split())
               for name in table.column_names]  # fmt: skip
    known = canonical_names(headers, path)
    columns: dict[str, pd.Series[Any]] = {}
    for header, chunks in zip(headers, table.columns, strict=True):
        name = known.get(header, header)
        if name in columns:
            raise problem(say(f"表头中列“{header}”重复出现",
                              f"column '{header}' stands twice in the header"),
                          file=path)  # fmt: skip
        column = _column(name, chunks.combine_chunks(), columns.get("drg"), path, first)
        if is_text(column) and not as_is:
            column = texts([unguarded(cell) for cell in column])
            if header in made_up and not any(column):
                continue  # a comma too many at the end of the lines
            if name not in ORDER:
                column = _by_content(column, numbers=kind == "csv")
        columns[name] = column
    return columns


def _column(
    name: str, column: pa.Array, drgs: pd.Series[str] | None, path: Path, first: int
) -> pd.Series[Any]:
    if name in NUMBERS:
        values, unreadable = read_number(column, _ANY_NUMBER)
        for row in np.flatnonzero(unreadable)[:1]:
            found = text_list(as_text(column.slice(row, 1)))[0]
            if name == "weight":
                group = "" if drgs is None else str(drgs.iloc[row])
                raise bad_weight(group, found, path, first + row)
            raise problem(say("不是数", "not a number"), file=path, row=first + row, key=name,
                          found=found,
                          expected=say("数，或留空", "a number, or a blank cell"))  # fmt: skip
        return pd.Series(values)
    kind = column.type
    whole = pa.types.is_boolean(kind) and not column.null_count
    if name != "drg" and (whole or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return pd.Series(column.to_numpy(zero_copy_only=False))
    cells = text_list(as_text(column))
    return groups(cells) if name == "drg" else texts(cells)


def _by_content(column: pd.Series[Any], *, numbers: bool) -> pd.Series[Any]:
    """A further column of texts as truth values or, in CSV, numbers, if all its cells are such."""
    cells = column.tolist()
    filled = [cell for cell in cells if cell]
    if filled and len(filled) == len(cells):
        if all(cell.lower() in ("true", "false") for cell in cells):
            return pd.Series([cell.lower() == "true" for cell in cells], dtype=np.bool_)
        if numbers and all(map(_INTEGER.fullmatch, cells)):
            return pd.Series([int(cell) for cell in cells], dtype=np.int64)
    if filled and numbers and all(map(_DECIMAL.fullmatch, filled)):
        values = [float(cell) if cell else math.nan for cell in cells]
        if all(math.isnan(value) or math.isfinite(value) for value in values):
            return pd.Series(values, dtype=np.float64)
    return column
