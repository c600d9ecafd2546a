"""The panel report's tables as an Excel workbook: one sheet a table, numbers exact and in yuan."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drg.page.blocks import Cell, Column, Kept, Section, Table, every
from drg.page.words import Words
from drg.tables import neutralise
from drg.tables.excel.book import new_book

_FORMATS = {
    "count": "#,##0",
    "money": "#,##0.00",
    "gain": "+#,##0.00;-#,##0.00;0.00",
    "yuan": "#,##0.00",
    "yuan_change": "+#,##0.00;-#,##0.00;0.00",
    "share": "0.0%",
    "change": "+0.0%;-0.0%;0.0%",
    "ratio": "0.0000",
    "index": "0.000",
    "value": "#,##0.0000",
    "points": "#,##0.00",
    "year": "0",
    "plain": "#,##0.####",
}
_DECIMALS = {"money": 2, "gain": 2, "yuan": 2, "yuan_change": 2}  # others: without float noise
_NOISE = 10
_WIDEST = 48


def write_book(path: Path, title: str, sections: Sequence[Section], words: Words) -> int:
    """Write every table of the report, whole or not at all, the same bytes each time.

    Args:
        path: the workbook.
        title: of the report.
        sections: the report.
        words: the language.

    Returns:
        How many tables were written.

    Raises:
        DrgError: the file cannot be written.
    """
    tables = [b for b in every(sections) if isinstance(b, Table) and b.in_book and b.rows]
    names = _names([table.caption for table in tables], words("目录", "Contents"))
    with new_book(path, title=title) as book:
        _contents(book, title, tables, names, words)
        for name, table in zip(names, tables, strict=True):
            _sheet(book, name, table, words)
    return len(tables)


def _names(captions: Sequence[str], first: str) -> list[str]:
    """Names of sheets: at most 31 characters, none twice, none that Excel refuses."""
    used = {first.lower(), "history"}
    names = []
    for caption in captions:
        stem = re.sub(r"[\[\]:*?/\\']", " ", caption).strip()[:31].strip() or "-"
        name, number = stem, 2
        while name.lower() in used:
            name = f"{stem[: 31 - len(str(number)) - 1].strip()} {number}"
            number += 1
        used.add(name.lower())
        names.append(name)
    return names


def _contents(
    book: Any, title: str, tables: Sequence[Table], names: Sequence[str], words: Words
) -> None:
    sheet = book.add_worksheet(words("目录", "Contents"))
    bold = book.add_format({"bold": True, "font_size": 14})
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 90)
    sheet.write_string(0, 0, neutralise(title), bold)
    told = words(
        "金额单位：元；“<5”“*”为保护个人信息而不公布的数值，“—”为无数据",
        "Money in yuan; <5 and * are not told, to protect persons; empty is not known",
    )
    sheet.write_string(1, 0, told)
    for row, (name, table) in enumerate(zip(names, tables, strict=True), 3):
        quoted = name.replace("'", "''")
        sheet.write_url(row, 0, f"internal:'{quoted}'!A1", string=neutralise(name))
        sheet.write_string(row, 1, neutralise(table.caption))


def _sheet(book: Any, name: str, table: Table, words: Words) -> None:
    sheet = book.add_worksheet(name)
    title = book.add_format({"bold": True, "font_size": 12})
    head = book.add_format(
        {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#EEF3F6"}
    )
    sheet.write_string(0, 0, neutralise(table.caption), title)
    sheet.freeze_panes(2, 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(1)
    last = len(table.rows) - table.totals
    for place, column in enumerate(table.columns):
        plain, total = _styles(book, column)
        sheet.set_column(place, place, _width(table, place), plain)
        sheet.write_string(1, place, _heading(column, words), head)
        for row, cells in enumerate(table.rows):
            value = _rounded(cells[place], column.kind)
            _cell(sheet, row + 2, place, value, total if row >= last else plain)
    if table.note:
        sheet.write_string(len(table.rows) + 3, 0, neutralise(table.note))


def _styles(book: Any, column: Column) -> tuple[Any, Any]:
    kind = {"num_format": _FORMATS[column.kind]} if column.is_number else {"num_format": "@"}
    if column.is_number:
        kind["align"] = "right"
    return book.add_format(kind), book.add_format({**kind, "bold": True, "top": 1})


def _heading(column: Column, words: Words) -> str:
    unit = {
        "money": words("元", "yuan"),
        "gain": words("元", "yuan"),
        "share": "",
        "change": "",
    }.get(column.kind, words.units(column.kind))
    return neutralise(column.title) + (words(f"（{unit}）", f" ({unit})") if unit else "")


def _rounded(value: Cell, kind: str) -> Cell:
    """A number without what sums of floats leave behind its last digit; money to the fen."""
    if isinstance(value, float) and math.isfinite(value):
        return round(value, _DECIMALS.get(kind, _NOISE)) + 0.0
    return value


def _cell(sheet: Any, row: int, column: int, value: Cell, style: Any) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(row, column, None, style)
    elif isinstance(value, Kept):
        sheet.write_string(row, column, value.value, style)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, style)
    else:
        sheet.write_string(row, column, neutralise(value), style)


def _width(table: Table, place: int) -> float:
    if table.columns[place].is_number:
        return 16
    longest = max(
        (sum(2 if ord(c) > 255 else 1 for c in str(row[place])) for row in table.rows), default=8
    )
    return min(max(longest + 2, 12), _WIDEST)
