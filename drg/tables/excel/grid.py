"""Whole sheets as cells in Excel's own rows and columns, for small tables that people made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from drg.errors import DrgError
from drg.language import say
from drg.tables.excel.door import Cell, Sheet, all_sheets
from drg.tables.excel.survey import too_large

MOST_CELLS = 4_000_000
Grid = list[list[Cell]]


def grids(path: Path) -> Iterator[tuple[str, Grid | DrgError]]:
    """All sheets of a workbook: name, and its cells or why it cannot be read.

    Row i is Excel's row i + 1. Cells merged downwards are all filled; a title merged across stays
    one cell. Errors and dates are texts.

    Raises:
        DrgError: the workbook itself cannot be read.
    """
    for name, sheet in all_sheets(path):
        if isinstance(sheet, DrgError):
            yield name, sheet
            continue
        try:
            rows = _rows(sheet, path)
        except DrgError as error:
            yield name, error
            continue
        yield name, rows


def _rows(sheet: Sheet, path: Path) -> Grid:
    rows: Grid = []
    room = MOST_CELLS
    for columns in sheet.pieces:
        blank: list[Cell] = [""] * sheet.left
        more = [[*blank, *map(_text, row)] for row in zip(*columns, strict=True)]
        room -= len(more) * (sheet.left + len(columns))
        if room < 0:
            raise _too_many(path, sheet)
        rows += more
    for (top, left), (bottom, _) in sheet.merged:
        room -= bottom - top
        if room < 0:
            raise _too_many(path, sheet)
        for row in rows[top + 1 : bottom + 1]:
            if left < len(row):
                row[left] = rows[top][left]
    for place, errors in sheet.errors.items():
        for column, text in errors:
            if place < len(rows) and column < len(rows[place]):
                rows[place][column] = text
    return rows


def _text(cell: Cell) -> Cell:
    if isinstance(cell, bytes):
        return cell.decode()
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def _too_many(path: Path, sheet: Sheet) -> DrgError:
    return too_large(path, say(f"工作表“{sheet.name}”不是填报表",
                               f"sheet '{sheet.name}' is no form"), MOST_CELLS)  # fmt: skip
