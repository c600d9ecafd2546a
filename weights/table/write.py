"""Writing a weight table as CSV, Parquet or Excel: whole or not at all, always the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from drg.tables import open_sink, write_table
from drg.tables.excel.book import new_book
from drg.terminal import width
from weights.table.audit import STEP_COLUMNS, plain, provenance, step_rows
from weights.table.columns import ORDER, heading
from weights.table.frame import is_text
from weights.table.read import METADATA
from weights.table.text import guarded, visible

Cell = str | float | int | bool | None
_WIDTHS = (8, 60)
_LONGEST = 32_000
_FORMATS = {"weight": "0.0000", "cases": "#,##0", "cv": "0.000", "ci_low": "0.0000",
            "ci_high": "0.0000"}  # fmt: skip
_MONEY = "#,##0.00"


class _Exact(float):
    """A number that goes into a workbook with all its digits; XlsxWriter would keep sixteen."""

    def __format__(self, _: str) -> str:
        return float.__repr__(self)


def in_order(frame: pd.DataFrame) -> list[str]:
    """The columns of a file: the known ones first."""
    known = [name for name in ORDER if name in frame]
    return [*known, *(str(name) for name in frame if name not in ORDER)]


def write_frame(path: Path, frame: pd.DataFrame, document: Mapping[str, Any]) -> None:
    """Write a table.

    Args:
        path: the file; its ending tells the format.
        frame: tidy.
        document: ``id``, ``weights_sha256`` and ``record``, kept in a Parquet file and shown in a
            workbook.

    Raises:
        DrgError: the file cannot be written.
    """
    frame = frame[in_order(frame)]
    ending = path.suffix.lower()
    if ending == ".xlsx":
        _write_workbook(path, frame, document)
    elif ending in (".parquet", ".pq"):
        text = json.dumps(document, ensure_ascii=False, default=plain)
        write_table(path, _arrow(frame), metadata={METADATA: text})
    else:
        write_table(path, _as_texts(frame))


def _arrow(frame: pd.DataFrame) -> pa.Table:
    columns = {
        name: pa.array(column.tolist(), pa.string())
        if is_text(column)
        else pa.array(column.to_numpy(), from_pandas=True)
        for name, column in frame.items()
    }
    return pa.table({str(name): column for name, column in columns.items()})


def _as_texts(frame: pd.DataFrame) -> pa.Table:
    columns = {guarded(str(name)): [cell_text(str(name), cell) for cell in column.tolist()]
               for name, column in frame.items()}  # fmt: skip
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})


def cell_text(name: str, cell: Any) -> str:
    """A cell of a column as it stands in a CSV file."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return guarded(visible(cell))
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if np.isnan(cell):
        return ""
    return str(int(cell)) if name == "cases" and cell.is_integer() else repr(cell)


def _write_workbook(path: Path, frame: pd.DataFrame, document: Mapping[str, Any]) -> None:
    open_sink(path, pa.schema([("drg", pa.string())]))  # refuses formats that are only read
    with new_book(path) as book:
        names = [str(name) for name in frame]
        columns = [_cells(column) for _, column in frame.items()]
        styles = [_style(name, is_text(column)) for name, column in frame.items()]
        add_sheet(book, "权重表", [heading(name) for name in names], columns, styles, frozen=2)
        heads, rows = [title for _, title in STEP_COLUMNS], step_rows(document["record"])
        money = [_MONEY if key.startswith("cost") else "#,##0" for key, _ in STEP_COLUMNS]
        add_sheet(book, "步骤 steps", heads, _turned(rows, len(heads)), money)
        pairs = provenance(frame, document)
        add_sheet(book, "来源 source", ["项目 key", "内容 value"], _turned(pairs, 2), ["", ""])


def _style(name: object, is_text: bool) -> str:
    if is_text:
        return "@" if name == "drg" else ""
    money = str(name).startswith(("mean_cost", "standard"))
    kind = {"raw_weight": "weight", "previous_weight": "weight", "cases_used": "cases"}
    return _MONEY if money else _FORMATS.get(kind.get(str(name), str(name)), "")


def _cells(column: pd.Series[Any]) -> list[Cell]:
    if is_text(column):
        return [str(cell) for cell in column]
    return [None if isinstance(cell, float) and np.isnan(cell) else cell
            for cell in column.tolist()]  # fmt: skip


def _turned(rows: Sequence[tuple[Cell, ...]], columns: int) -> list[list[Cell]]:
    return [[row[i] for row in rows] for i in range(columns)]


def add_sheet(
    book: Any,
    title: str,
    heads: Sequence[str],
    columns: Sequence[Sequence[Cell]],
    styles: Sequence[str],
    *,
    frozen: int = 0,
) -> None:
    """Add a sheet of columns with their headings and number formats, the first ones frozen."""
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, frozen)
    bold = book.add_format({"bold": True, "bg_color": "#DDE6EE", "bottom": 1, "valign": "top"})
    for i, (head, cells, style) in enumerate(zip(heads, columns, styles, strict=True)):
        shape = book.add_format({"num_format": style}) if style else None
        sheet.set_column(i, i, _width(head, cells))
        sheet.write_string(0, i, guarded(head), bold)
        for row, cell in enumerate(cells, 1):
            _write(sheet, row, i, cell, shape)
    if columns and columns[0]:
        sheet.autofilter(0, 0, len(columns[0]), len(columns) - 1)


def _write(sheet: Any, row: int, column: int, cell: Cell, shape: Any) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, str):
        sheet.write_string(row, column, guarded(visible(cell))[:_LONGEST], shape)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell, shape)
    else:
        sheet.write_number(row, column, _Exact(cell), shape)


def _width(head: str, cells: Sequence[Cell]) -> int:
    """Of a column in characters: its header with the filter's button, and its texts."""
    shown = [width(cell) if isinstance(cell, str) else 12 for cell in cells]
    low, high = _WIDTHS
    return max(low, min(high, max([width(head) + 4, *shown]) + 2))
