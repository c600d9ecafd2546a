"""Sheets of a filled-in form as texts with the row numbers of Excel, whatever file they are in."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from drg.errors import DrgError, problem
from drg.language import say
from drg.tables.batches import reading
from drg.tables.csv.text import BOM, decode, guess_delimiter, guess_encoding, refuse_utf16
from drg.tables.excel.archive import opened, sheet_parts, small_part, walk
from drg.tables.excel.grid import grids
from drg.tables.excel.read import text_of
from drg.tables.excel.survey import column_number

BOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb")
TEXTS = (".csv", ".tsv", ".txt")
FORMATS = ", ".join((*TEXTS, *BOOKS))
DEEPEST = 40  # rows in which the headings stand
_PERCENT_IDS = (9, 10)  # number formats that every workbook has: 0% and 0.00%
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_LETTERS = re.compile(r"[A-Z]+")
_LARGEST = 64 << 20  # bytes of a form; a larger file is something else

Cells = set[tuple[int, int]]


@dataclass(frozen=True)
class Sheet:
    """A sheet as texts.

    Attributes:
        name: the sheet's name; "" of a text file.
        rows: cells; row i is Excel's row i + 1. A number shown as a percentage reads ``10%``.
        unsure: places of small numbers that may be shown as percentages, in workbooks whose
            number formats cannot be read (.xls, .xlsb).
    """

    name: str
    rows: list[list[str]]
    unsure: Cells = field(default_factory=set)


def read_sheets(path: Path) -> list[Sheet]:
    """All sheets of a workbook, or the one table of a text file.

    Args:
        path: CSV (also .gz; UTF-8 or GB18030) or Excel.

    Raises:
        DrgError: the file cannot be read.
    """
    endings = [suffix.lower() for suffix in path.suffixes]
    zipped = endings[-1:] == [".gz"]
    ending = (endings[:-1] if zipped else endings)[-1:]
    with reading(path, ValueError):
        if path.stat().st_size > _LARGEST:
            raise problem(say("文件过大，不能作为填报表", "is too large for a form"), file=path,
                          found=path.stat().st_size,
                          expected=say(f"不超过 {_LARGEST:,} 字节",
                                       f"at most {_LARGEST:,} bytes"))  # fmt: skip
        with path.open("rb") as file:
            start = file.read(4)
    if ending and ending[0] in BOOKS and not zipped:
        return _book(path)
    if not ending or ending[0] not in TEXTS:
        raise problem(say("不是填报表的文件类型", "the ending is not that of a form"), file=path,
                      found=path.name, expected=FORMATS)  # fmt: skip
    if start == b"PK\x03\x04" or start == b"\xd0\xcf\x11\xe0":
        raise problem(say("内容是 Excel 工作簿，请改用相应的扩展名",
                          "looks like an Excel workbook; rename it to end so"),
                      file=path)  # fmt: skip
    return [Sheet("", _text_rows(path, zipped))]


def _text_rows(path: Path, zipped: bool) -> list[list[str]]:
    with reading(path), (gzip.open if zipped else open)(path, "rb") as file:
        data = file.read(_LARGEST)
    refuse_utf16(data[:4], path)
    if data.startswith(BOM):
        text = decode(data[len(BOM) :], "utf-8")
    else:
        text = decode(data, guess_encoding([data]) or "utf-8")
    # A title above the headings has no delimiter, so several lines are looked at.
    delimiter = guess_delimiter("\n".join(text.split("\n", 8)[:8]), path.suffix.lower())
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        # A quote that nobody closed must not swallow the rows below it.
        return [row for line in text.splitlines() for row in _line(line, delimiter, path)]


def _line(line: str, delimiter: str, path: Path) -> Iterator[list[str]]:
    try:
        yield next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise problem(say(f"无法按 CSV 读取：{error}", f"cannot be read as CSV: {error}"),
                      file=path) from None  # fmt: skip


def _book(path: Path) -> list[Sheet]:
    sheets = []
    for name, cells in grids(path):
        if isinstance(cells, DrgError):
            raise cells
        sheets.append(_sheet(path, name, cells))
    return sheets


def _sheet(path: Path, name: str, cells: list[list[Any]]) -> Sheet:
    rows = [[text_of(cell) for cell in row] for row in cells]
    unsure: Cells = set()
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        for row, column in percent_cells(path, name):
            if row < len(rows) and column < len(rows[row]) and _is_number(cells[row][column]):
                rows[row][column] = _percentage(cells[row][column])
    else:
        unsure = {(i, j) for i, row in enumerate(cells) for j, cell in enumerate(row)
                  if _is_number(cell) and abs(cell) < 0.5}  # fmt: skip
    return Sheet(name, rows, unsure)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _percentage(number: float) -> str:
    """0.1 as ``10%``, without what binary fractions add."""
    return f"{(Decimal(repr(float(number))) * 100).normalize():f}%"


def percent_cells(path: Path, sheet: str) -> Cells:
    """Cells of an .xlsx or .xlsm sheet whose number format is a percentage.

    Returns:
        0-based row and column of each.

    Raises:
        DrgError: the workbook's parts cannot be read.
    """
    with opened(path) as archive:
        styles = _percent_styles(archive)
        if not styles:
            return set()
        return _styled(archive, sheet_parts(archive)[sheet], styles)


def _percent_styles(archive: zipfile.ZipFile) -> set[str]:
    """Numbers of the cell styles that show a percentage."""
    if "xl/styles.xml" not in archive.namelist():
        return set()
    root = small_part(archive, "xl/styles.xml")
    formats = {
        int(one.get("numFmtId", "0"))
        for one in root.iter()
        if one.tag.endswith("}numFmt") and "%" in _QUOTED.sub("", one.get("formatCode", ""))
    }
    wanted = {*_PERCENT_IDS, *formats}
    styles = next((one for one in root.iter() if one.tag.endswith("}cellXfs")), ())
    return {str(i) for i, one in enumerate(styles) if int(one.get("numFmtId", "0")) in wanted}


def _styled(archive: zipfile.ZipFile, part: str, styles: set[str]) -> Cells:
    found: Cells = set()
    row = column = -1

    def see(kind: str, attributes: dict[str, str]) -> None:
        nonlocal row, column
        if kind == "row":
            row, column = int(attributes.get("r", row + 2)) - 1, -1
        elif kind == "c":
            column = _place(attributes.get("r", ""), column + 1)
            if attributes.get("s") in styles:
                found.add((row, column))

    walk(archive, part, see)
    return found


def _place(reference: str, following: int) -> int:
    """The column of a cell such as ``AB7``; the following one where the file does not say."""
    letters = _LETTERS.match(reference)
    return following if letters is None else column_number(letters[0].encode())
