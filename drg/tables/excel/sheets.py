"""Several small tables as the sheets of one workbook, with headings and number formats."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from drg.tables.excel.book import new_book
from drg.tables.rejects import neutralise

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook

_MONEY = "#,##0.00"
_WHOLE = "#,##0"


def write_sheets(
    path: Path,
    sheets: Mapping[str, pd.DataFrame],
    headings: Mapping[str, str],
    *,
    about: Sequence[tuple[str, str]] = (),
    counts: Collection[str] = (),
    formats: Mapping[str, str] | None = None,
) -> None:
    """Write tables as one workbook, whole or not at all, the same bytes each time.

    Args:
        path: the workbook.
        sheets: title of a sheet -> its table.
        headings: column -> heading; a column without one keeps its name.
        about: lines of a first sheet, key and text.
        counts: columns of whole numbers.
        formats: column -> Excel's number format; other numbers are money.

    Raises:
        DrgError: the file cannot be written.
    """
    with new_book(path) as book:
        if about:
            _about(book, about)
        for title, frame in sheets.items():
            _sheet(book, title, frame, headings, counts, formats or {})


def _about(book: Workbook, rows: Sequence[tuple[str, str]]) -> None:
    sheet = book.add_worksheet("说明")
    bold = book.add_format({"bold": True})
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 110)
    for row, (key, value) in enumerate(rows):
        sheet.write_string(row, 0, neutralise(key), bold)
        sheet.write_string(row, 1, neutralise(value))


def _sheet(
    book: Workbook, title: str, frame: pd.DataFrame, headings: Mapping[str, str],
    counts: Collection[str], formats: Mapping[str, str],
) -> None:  # fmt: skip
    sheet = book.add_worksheet(title)
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    sheet.freeze_panes(1, 1)
    for place, name in enumerate(map(str, frame.columns)):
        column = frame.iloc[:, place]
        kind = formats.get(name) or _format(name, column, counts)
        style = None if kind is None else book.add_format({"num_format": kind})
        sheet.set_column(place, place, _width(column, kind), style)
        sheet.write_string(0, place, headings.get(name, name), head)
        for row, value in enumerate(column.tolist(), 1):
            _cell(sheet, row, place, value)
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)


def _cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return
    if isinstance(value, bool):
        sheet.write_string(row, column, "是" if value else "否")
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, neutralise(str(value)))


def _format(name: str, column: pd.Series[Any], counts: Collection[str]) -> str | None:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return None
    return _WHOLE if name in counts else _MONEY


def _width(column: pd.Series[Any], kind: str | None) -> float:
    if kind is not None:
        return 16
    longest = max((sum(2 if ord(c) > 255 else 1 for c in str(v)) for v in column), default=8)
    return min(max(longest + 2, 10), 44)
