"""The cells of a table as they are shown (单元格): told or not, in words, with their unit.

HTML, Word and the workbook all read :func:`grid`, so that a figure is the same in each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from drg.page.blocks import Cell, Column, Kept, Table
from drg.page.small_cells import few
from drg.page.words import MINUS, Words, clean

_SHORT, _LONG = 16, 40  # half ems: texts that do not wrap, and those that want room
_LONGEST = 2_000


@dataclass(frozen=True)
class Shown:
    """A cell: how it is written, its value, and how it looks (classes of the style sheet)."""

    text: str
    value: Cell
    look: str


@dataclass(frozen=True)
class Line:
    """A row of a table; ``total`` marks a total, ``gap`` rows that a page leaves out before it."""

    cells: tuple[Shown, ...]
    total: bool = False
    gap: int = 0


@dataclass(frozen=True)
class Grid:
    """A table that is ready to be written.

    Attributes:
        table: what it was.
        columns: those that have any value.
        heads: heading and unit of each.
        lines: its rows.
        left_out: rows that are only in the workbook.
    """

    table: Table
    columns: tuple[Column, ...]
    heads: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    left_out: int


def grid(table: Table, words: Words, *, whole: bool = False) -> Grid:
    """A table as it is shown.

    Args:
        table: the table.
        words: the language.
        whole: every row, as in the workbook; else those that a page shows.
    """
    frame = table.frame
    columns = tuple(c for c in table.columns if table.look == "form" or _any(frame[c.field]))
    hidden = frame["hidden"].astype(bool).tolist() if "hidden" in frame else [False] * len(frame)
    held = [
        [told(column, value, words, hide) for value, hide in zip(
            frame[column.field].tolist(), hidden, strict=True)]
        for column in columns
    ]  # fmt: skip
    looks = [_look(column, cells) for column, cells in zip(columns, held, strict=True)]
    rows = range(len(frame))
    last = len(frame) - table.totals
    kept = list(rows)
    if table.ends is not None and not whole and sum(table.ends) < last:
        top, end = table.ends
        kept = [*rows[:top], *rows[last - end :]]
    lines = []
    for place, row in enumerate(kept):
        cells = []
        for column, look, values in zip(columns, looks, held, strict=True):
            text = written(column, values[row], words)
            money = column.kind in ("gain", "fen_change")
            loss = " loss" if money and text.startswith(MINUS) else ""
            cells.append(Shown(text, values[row], look + loss))
        gap = row - kept[place - 1] - 1 if place else 0
        lines.append(Line(tuple(cells), row >= last, gap))
    heads = tuple((words(c.zh, c.en), words.units(c.kind)) for c in columns)
    return Grid(table, columns, heads, tuple(lines), len(frame) - len(kept))


def told(column: Column, value: Any, words: Words, hide: bool) -> Cell:
    """A cell as it may be told: codes in words, small counts and what is beside them not."""
    if isinstance(value, Kept):
        return value
    if column.is_number:
        if isinstance(value, str):
            return clean(value)
        if value is None or value is pd.NA or not math.isfinite(value):
            return Kept.BACK if hide and not column.open else None
        if column.kind == "cases" and few(value) and not hide:
            return Kept.FEW
        whole = float(value).is_integer() and column.kind in ("cases", "count", "year")
        return Kept.BACK if hide and not column.open else int(value) if whole else float(value)
    if column.codes is not None and value in column.codes:
        return words.of(column.codes[value])
    if column.kind == "tier":
        return words.tier(value) if value != "" else ""
    if column.kind == "insurance":
        return words.insurance(str(value))
    return clean(value, _LONGEST)


def written(column: Column, value: Cell, words: Words) -> str:
    """A cell as a page writes it; the percent sign stands in the heading."""
    if column.is_number:
        text = words.number(value, column.kind, column.digits)
        return text.removesuffix("%") if column.kind in ("share", "change") else text
    return value.value if isinstance(value, Kept) else "" if value is None else str(value)


def _any(values: pd.Series[Any]) -> bool:
    return any(v is not None and v is not pd.NA and v == v and v != "" for v in values.tolist())


def _look(column: Column, values: list[Cell]) -> str:
    """How the cells of a column wrap: names and long texts anywhere, short ones and codes never."""
    if column.is_number:
        return "n"
    if column.kind in ("name", "long"):
        return column.kind
    longest = max((len(str(v).encode("gb18030", "replace")) for v in values), default=0)
    if column.kind == "code":
        return "code s" if longest <= _SHORT else "code"
    return "s" if longest <= _SHORT else "long" if longest > _LONG else ""
