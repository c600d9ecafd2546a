"""A report's tables as a workbook (工作簿): few sheets, contents first, exact numbers in yuan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from drg.page.blocks import Cell, Column, Kept, Section, Table, every
from drg.page.cells import grid
from drg.page.words import Words
from drg.tables.excel.sheets import TEXT, Part, Sheet, write_book

_FORMATS = {
    "cases": "#,##0", "count": "#,##0", "money": "#,##0.00", "gain": "+#,##0.00;-#,##0.00;0.00",
    "yuan": "#,##0.00", "yuan_change": "+#,##0.00;-#,##0.00;0.00", "fen": "#,##0.00",
    "fen_change": "+#,##0.00;-#,##0.00;0.00",
    "share": "0.0%", "change": "+0.0%;-0.0%;0.0%", "ratio": "0.0000", "index": "0.000",
    "weight": "0.0000", "value": "#,##0.0000", "points": "#,##0.00", "year": "0",
    "plain": "#,##0.####",
}  # fmt: skip
_DECIMALS = dict.fromkeys(("money", "gain", "yuan", "yuan_change", "fen", "fen_change"), 2)
_NOISE, _LONG = 10, 40  # rows of a table that has a sheet of its own


def write_workbook(
    path: Path, title: str, sections: Sequence[Section], words: Words, *, subtitle: str = "",
    contents: bool = True,
) -> int:  # fmt: skip
    """Write every table of the sections, whole or not at all, the same bytes each time.

    Tables of a section stand one below another on its sheet; a long one has its own. A first sheet
    lists them, unless there are no ``contents``. Title and subtitle stand on every printed page: a
    hospital's sheet says whose it is.

    Returns:
        How many tables were written.

    Raises:
        DrgError: the file cannot be written.
    """
    sheets: list[Sheet] = []
    count = 0
    for section in sections:
        tables = [b for b in every(section.blocks) if isinstance(b, Table) and b.in_book]
        short = [one for one in tables if len(one.frame) <= _LONG]
        count += len(tables)
        if short:
            sheets.append(Sheet(section.title, [_part(one, words) for one in short]))
        sheets += [Sheet(one.caption, [_part(one, words)]) for one in tables if one not in short]
    told = words(
        "金额单位：元。“<5”“*”为保护个人信息而不公布的数值，空白为无数据。",
        "Money in yuan; <5 and * are not told, to protect persons; empty is not known.",
    )
    listed = (words("目录", "Contents"), [*filter(None, [subtitle]), told]) if contents else None
    write_book(path, sheets, title=title, contents=listed,
               printed="  ".join(filter(None, (title, subtitle))))  # fmt: skip
    return count


def _part(table: Table, words: Words) -> Part:
    held = grid(table, words, whole=True)
    rows = [[_value(cell.value, column) for cell, column in zip(line.cells, held.columns,
             strict=True)] for line in held.lines]  # fmt: skip
    return Part([_heading(column, words) for column in held.columns], rows,
                [_shape(column) for column in held.columns], table.caption, table.totals,
                table.note)  # fmt: skip


def _shape(column: Column) -> str:
    if not column.is_number:
        return TEXT if column.kind == "code" else ""
    if column.digits is not None and column.kind in ("share", "change"):
        part = "0." + "0" * column.digits + "%"
        return part if column.kind == "share" else f"+{part};-{part};{part}"
    return _FORMATS[column.kind]


def _heading(column: Column, words: Words) -> str:
    unit = "" if column.kind in ("share", "change") else words.units(column.kind)
    if column.kind in ("money", "gain"):
        unit = words("元", "yuan")
    return words(column.zh, column.en) + (words(f"（{unit}）", f" ({unit})") if unit else "")


def _value(value: Cell | Kept, column: Column) -> str | float | int | None:
    """A value as Excel holds it: money to the fen, without what sums of floats leave behind."""
    if isinstance(value, Kept):
        return value.value
    if isinstance(value, float) and math.isfinite(value):
        return round(value, _DECIMALS.get(column.kind, _NOISE)) + 0.0
    return value
