"""Sheets of a workbook (工作表): tables with title, headings, number formats, totals, print set-up.

Every workbook that people read is written here; the one of a million rows is in
:mod:`drg.tables.excel.write`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from drg.tables.excel.book import new_book
from drg.tables.rejects import neutralise

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook

Cell: TypeAlias = str | float | int | None
MONEY, WHOLE, TEXT = "#,##0.00", "#,##0", "@"
_NARROW, _WIDE, _LONGEST, _NUMBER = 9, 48, 32_000, 14
_LEADING, _HEADER = 80, 200  # characters across of columns that stay; of a printed head
_PAPER = 330  # characters across that can still be read on a sheet of paper
_FONT = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "top"}


@dataclass(frozen=True)
class Part:
    """A table on a sheet.

    Attributes:
        heads: headings of its columns.
        rows: its cells by row; texts that Excel could run get an apostrophe.
        formats: Excel's number format of each column; ``@`` for codes, empty for other texts.
        title: above it; none when it begins with its headings.
        totals: how many of the last rows are totals.
        note: below it.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    formats: Sequence[str]
    title: str = ""
    totals: int = 0
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """A sheet: tables one below another.

    Attributes:
        name: of the sheet; cut and made unlike the others where Excel asks for it.
        parts: its tables.
        frozen: columns that stay when one scrolls, and stand on every sheet of paper; by default
            those that say what a row is, such as code and name of a hospital.
        about: what it holds, for the sheet of contents.
    """

    name: str
    parts: Sequence[Part]
    frozen: int | None = None
    about: str = ""


@dataclass
class _Styles:
    """Formats of a workbook, each made once."""

    book: Any
    printed: str = ""
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    cells: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def of(self, **more: Any) -> Any:
        key = tuple(sorted(more.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format({**_FONT, **more})
        return self.made[key]

    def cell(self, shape: str, *, total: bool, text: bool) -> Any:
        """The format of a cell by the number format of its column."""
        key = shape, total, text
        if key not in self.cells:
            look: dict[str, Any] = {"bold": True, "top": 1} if total else {}
            if shape and shape != TEXT:
                look["align"] = "right"
            if shape:
                look["num_format"] = shape
            if text and shape in ("", TEXT):
                look["text_wrap"] = True
            self.cells[key] = self.of(**look)
        return self.cells[key]


def write_book(
    path: str | PathLike[str], sheets: Sequence[Sheet], *, title: str = "",
    contents: tuple[str, Sequence[str]] | None = None, printed: str = "",
) -> None:  # fmt: skip
    """Write a workbook, whole or not at all, the same bytes each time.

    Args:
        path: the workbook.
        sheets: its sheets.
        title: of the workbook.
        contents: name of a first sheet that lists the others, and lines that stand on it.
        printed: what stands at the head of every sheet of paper.

    Raises:
        DrgError: the file cannot be written.
    """
    taken = [contents[0]] if contents else []
    names = sheet_names([*taken, *(sheet.name for sheet in sheets)])[len(taken) :]
    with new_book(path, title=title) as book:
        styles = _Styles(book, printed)
        if contents is not None:
            _contents(book, contents, title, list(zip(names, sheets, strict=True)), styles)
        for name, sheet in zip(names, sheets, strict=True):
            _sheet(book, name, sheet, styles)


def sheet_names(wanted: Sequence[str]) -> list[str]:
    """Names of sheets: at most 31 characters, none twice, none that Excel refuses."""
    used = {"history"}
    names = []
    for text in wanted:
        stem = re.sub(r"[\[\]:*?/\\']", " ", text).strip()[:31].strip() or "-"
        name, number = stem, 2
        while name.lower() in used:
            name = f"{stem[: 31 - len(str(number)) - 1].strip()} {number}"
            number += 1
        used.add(name.lower())
        names.append(name)
    return names


def _contents(
    book: Workbook, contents: tuple[str, Sequence[str]], title: str,
    sheets: Sequence[tuple[str, Sheet]], styles: _Styles,
) -> None:  # fmt: skip
    sheet = _page(book, contents[0], styles, landscape=False)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 90)
    sheet.write_string(0, 0, neutralise(title), styles.of(bold=True, font_size=14))
    for row, line in enumerate(contents[1], 1):
        sheet.write_string(row, 0, neutralise(line), styles.of())
    link = styles.of(font_color="#14425F", underline=1)
    for row, (name, one) in enumerate(sheets, len(contents[1]) + 2):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", link, string=neutralise(name))
        about = one.about or "; ".join(part.title for part in one.parts if part.title)
        sheet.write_string(row, 1, neutralise(about), styles.of(text_wrap=True))


def _page(book: Workbook, name: str, styles: _Styles, *, landscape: bool) -> Any:
    """A sheet that prints on A4, as wide as one sheet of paper, with its name and page number."""
    sheet = book.add_worksheet(name)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    if styles.printed:
        sheet.set_header(f"&L{styles.printed.replace('&', '&&')[:_HEADER]}")
    sheet.set_footer("&L&A&R&P / &N")
    if landscape:
        sheet.set_landscape()
    return sheet


def _sheet(book: Workbook, name: str, held: Sheet, styles: _Styles) -> None:
    widths = _widths(held)
    sheet = _page(book, name, styles, landscape=sum(widths) > 90)
    frozen = _leading(held, widths) if held.frozen is None else held.frozen
    across = math.ceil(sum(widths) / _PAPER)
    if across > 1:
        sheet.fit_to_pages(across, 0)
        sheet.repeat_columns(0, max(frozen - 1, 0))
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    row = 0
    for number, part in enumerate(held.parts):
        if part.title:
            sheet.write_string(row, 0, neutralise(part.title), styles.of(bold=True, font_size=12))
            row += 1
        head = styles.of(bold=True, text_wrap=True, bottom=1, bg_color="#EEF3F6")
        for place, text in enumerate(part.heads):
            sheet.write_string(row, place, neutralise(text), head)
        if number == 0:
            sheet.freeze_panes(row + 1, frozen)
            sheet.repeat_rows(row)
        if len(held.parts) == 1 and len(part.rows) > part.totals and part.heads:
            sheet.autofilter(row, 0, row + len(part.rows) - part.totals, len(part.heads) - 1)
        last = len(part.rows) - part.totals
        for line, cells in enumerate(part.rows):
            row += 1
            for place, (value, shape) in enumerate(zip(cells, part.formats, strict=True)):
                _cell(sheet, row, place, value, shape, styles, total=line >= last)
        row += 1
        if part.note:
            sheet.write_string(row, 0, neutralise(part.note), styles.of(font_color="#4D4D4D"))
            row += 1
        row += 1


def _cell(
    sheet: Any, row: int, column: int, value: Cell, shape: str, styles: _Styles, *, total: bool
) -> None:
    numeric = value is None or isinstance(value, int | float)
    look = styles.cell(shape, total=total, text=not numeric)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(row, column, None, look)
    elif isinstance(value, bool):
        sheet.write_string(row, column, "是" if value else "否", look)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, look)
    else:
        sheet.write_string(row, column, neutralise(str(value))[:_LONGEST], look)


def _widths(held: Sheet) -> list[float]:
    """Widths of columns: what stands in them, within bounds."""
    found: dict[int, float] = {}
    for part in held.parts:
        for place, (head, shape) in enumerate(zip(part.heads, part.formats, strict=True)):
            texts = [row[place] for row in part.rows if isinstance(row[place], str)]
            longest = max(map(_half_ems, texts), default=0) + 2
            least = _NUMBER if shape and shape != TEXT else _NARROW
            width = max(least, min(longest, _WIDE), min(_half_ems(head) / 2 + 2, 18))
            found[place] = max(found.get(place, 0), width)
    return [found[place] for place in sorted(found)]


def _leading(held: Sheet, widths: Sequence[float]) -> int:
    """Columns that say what a row is: code and name, where both are texts and leave room."""
    shapes = max((part.formats for part in held.parts), key=len, default=())
    pair = list(shapes[:2]) == [TEXT, ""] and len(shapes) > 2 and sum(widths[:2]) <= _LEADING
    return 2 if pair else 1


def _half_ems(text: object) -> int:
    return sum(2 if ord(c) > 255 else 1 for c in str(text))


def write_sheets(
    path: Path, sheets: Mapping[str, pd.DataFrame], headings: Mapping[str, str], *,
    about: Sequence[tuple[str, str]] = (), counts: Collection[str] = (),
    formats: Mapping[str, str] | None = None, values: Mapping[str, Mapping[Any, str]] | None = None,
) -> None:  # fmt: skip
    """Write frames as one workbook.

    Args:
        path: the workbook.
        sheets: title of a sheet -> its table.
        headings: column -> heading; a column without one keeps its name.
        about: lines of a first sheet, key and text.
        counts: columns of whole numbers.
        formats: column -> Excel's number format; other numbers are money.
        values: column -> words of its codes.

    Raises:
        DrgError: the file cannot be written.
    """
    made = [Sheet("说明", [Part(["项目", "内容"], about, ["", ""])])] if about else []
    for title, frame in sheets.items():
        names = [str(name) for name in frame.columns]
        kinds = [(formats or {}).get(name) or _format(name, frame[name], counts) for name in names]
        said = [(values or {}).get(name, {}) for name in names]
        rows = [[words.get(v, v) for v, words in zip(row, said, strict=True)]
                for row in frame.astype(object).itertuples(index=False, name=None)]  # fmt: skip
        made.append(Sheet(title, [Part([headings.get(n, n) for n in names], rows, kinds)]))
    write_book(path, made)


def _format(name: str, column: pd.Series[Any], counts: Collection[str]) -> str:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return ""
    return WHOLE if name in counts else MONEY
