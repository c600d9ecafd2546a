"""A whole sheet as cells in Excel's own rows and columns, for small tables that people made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drg.tables.excel.errors import error_cells


def grid(path: Path, sheet: Any) -> list[list[Any]]:
    """The cells of a sheet that calamine opened; row i is Excel's row i + 1.

    Cells merged downwards are all filled; a title merged across stays one cell. Errors are texts.
    """
    rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        for row in rows[top + 1 : bottom + 1]:
            if left < len(row):
                row[left] = rows[top][left]
    for place, errors in error_cells(path, sheet.name).items():
        for column, text in errors:
            if place < len(rows) and column < len(rows[place]):
                rows[place][column] = text
    return rows
