"""What the XML of a sheet says before the sheet is opened: how far it reaches, and its errors.

calamine makes room for the whole rectangle between the first and the last cell, so one stray cell
costs as much as a full sheet; and it shows errors such as #N/A as empty cells.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from drg.errors import DrgError, problem
from drg.language import say
from drg.tables.excel.archive import chunks, walk

Errors = dict[int, list[tuple[int, str]]]

MOST_CELLS = 1 << 24  # of a rectangle; about 1.2 GB while it is read
LAST_ROW, LAST_COLUMN = 1 << 20, 1 << 14
_SPARSE = 1 << 20  # cells from which on a sheet may not be nearly empty
_EMPTY = 100  # cells of the rectangle for each that is filled
_CLOSELY = 256 << 20  # bytes of XML that are read cell by cell
_LONGEST_TAG = 1 << 18
_COLUMNS = re.compile(rb'r="([A-Za-z]+)[0-9]')
_ROWS = re.compile(rb'r="[A-Za-z]*([0-9]+)"')
_CELL = re.compile(rb"<(?:\w+:)?c[\s>]")
_ERROR = re.compile(rb'<(?:\w+:)?c\b([^<>]*\bt="e"[^<>]*)>')
_PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]{0,80})</")
_REFERENCE = re.compile(r"([A-Za-z]+)([0-9]+)")


@dataclass
class Survey:
    """A sheet as its XML describes it.

    Attributes:
        errors: for each 0-based row its errors: 0-based column, and text such as ``#N/A``.
        rows: the last row that is named, counted from 1.
        columns: the last column, counted from 1.
        cells: how many cells stand in it.
        unnamed: whether some cells or rows do not say which they are.
    """

    errors: Errors = field(default_factory=dict)
    rows: int = 0
    columns: int = 0
    cells: int = 0
    unnamed: bool = False

    @property
    def sparse(self) -> bool:
        """Whether nearly all of a large rectangle is empty."""
        room = self.rows * self.columns
        return room > _SPARSE and self.cells * _EMPTY < room


def survey(archive: zipfile.ZipFile, part: str, path: Path, name: str) -> Survey:
    """Look through a sheet of an .xlsx or .xlsm workbook.

    Args:
        archive: the workbook.
        part: the archive's part that holds the sheet.
        path: the workbook, for messages.
        name: the sheet, for messages.

    Raises:
        DrgError: a cell stands beyond Excel's last one, or the sheet is too large to be read.
        KeyError: there is no such part.
        ValueError: it declares entities.
    """
    found = _quickly(archive, part)
    if found.cells > MOST_CELLS:
        raise too_large(path, say(f"工作表“{name}”的单元格超过 {MOST_CELLS:,} 个",
                                  f"sheet '{name}' has more than {MOST_CELLS:,} "
                                  "cells"))  # fmt: skip
    beyond = found.rows > LAST_ROW or found.columns > LAST_COLUMN
    small = found.rows * found.columns <= MOST_CELLS and not found.sparse
    if not beyond and small and not found.unnamed:
        return found
    if archive.getinfo(part).file_size <= _CLOSELY:  # formatting alone reaches as far
        closely = _closely(archive, part)
        found.rows, found.columns, found.cells = closely.rows, closely.columns, closely.cells
    if found.rows > LAST_ROW or found.columns > LAST_COLUMN:
        raise problem(say(f"工作表“{name}”有单元格在 Excel 范围之外",
                          f"sheet '{name}' has a cell beyond the last one of Excel"), file=path,
                      found=_place(found), expected=say("不超过 XFD1048576",
                                                        "at most XFD1048576"))  # fmt: skip
    if found.sparse:
        raise problem(say(f"工作表“{name}”伸展到 {_place(found)}，其中只有 {found.cells:,} 个单元格"
                          "有内容：请删除表格以外的零散单元格，或把表格复制到新工作簿",
                          f"sheet '{name}' reaches {_place(found)}, though only {found.cells:,} of "
                          "its cells hold anything: delete the stray cells away from the table, or "
                          "copy the table into a new workbook"), file=path)  # fmt: skip
    if found.rows * found.columns > MOST_CELLS:
        raise too_large(path, say(f"工作表“{name}”有 {found.rows:,} 行、{found.columns:,} 列",
                                  f"sheet '{name}' has {found.rows:,} rows and {found.columns:,} "
                                  "columns"))  # fmt: skip
    return found


def too_large(path: Path, what: str, most: int = MOST_CELLS) -> DrgError:
    """The refusal of a workbook that is too large to be read as one."""
    return problem(say(f"{what}，过大，请另存为 .csv 或 .parquet",
                       f"{what}, which is too large; save it as .csv or .parquet"), file=path,
                   expected=say(f"至多 {most:,} 个单元格、读取时至多 1.5 GB 内存",
                                f"at most {most:,} cells, read within 1.5 GB of "
                                "memory"))  # fmt: skip


def _place(found: Survey) -> str:
    letters, number = "", found.columns
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{found.rows}"


def _quickly(archive: zipfile.ZipFile, part: str) -> Survey:
    """The survey by patterns, with every cell counted, formatting alone included."""
    found = Survey()
    rest = b""
    for chunk in chunks(archive, part):
        data = rest + chunk
        cut = _cut(data)
        _take(data[:cut], found)
        if found.cells > MOST_CELLS:
            return found
        rest = data[cut:]
    _take(rest, found)
    return found


def _cut(data: bytes) -> int:
    """Where a piece of XML ends that holds no half of a cell; what follows is never long."""
    late = max(0, len(data) - _LONGEST_TAG)
    for place in (data.rfind(b"</row>"), data.rfind(b"<c ", 0, late), data.rfind(b"<", 0, late)):
        if place > 0:
            return place
    return late


def _take(data: bytes, found: Survey) -> None:
    columns = _COLUMNS.findall(data)
    found.columns = max(found.columns, *(column_number(one) + 1 for one in {*columns, b"@"}))
    found.rows = max(found.rows, *(int(one[:12]) for one in {*_ROWS.findall(data), b"0"}))
    cells = data.count(b"<c ") + data.count(b"<c>") or len(_CELL.findall(data))
    found.cells += cells
    found.unnamed |= len(columns) < cells or b"<row>" in data
    if b't="e"' in data:
        _collect(data, found.errors)


def _collect(data: bytes, errors: Errors) -> None:
    starts = list(_ERROR.finditer(data))
    ends = [one.start() for one in starts[1:]] + [len(data)]
    for start, end in zip(starts, ends, strict=True):
        place = _PLACE.search(start.group(1))
        closed = data.find(b"c>", start.end(), end)
        value = _VALUE.search(data, start.end(), closed if closed >= 0 else end)
        if place:
            text = value.group(1).decode(errors="replace") if value else "#ERROR"
            errors.setdefault(int(place.group(2)) - 1, []).append(
                (column_number(place.group(1)), text)
            )


def _closely(archive: zipfile.ZipFile, part: str) -> Survey:
    """The reach of the cells that hold anything, cell by cell."""
    found, place = Survey(), [0, 0]

    def see(kind: str, attributes: dict[str, str]) -> None:
        if kind == "row":
            number = attributes.get("r", "")
            place[:] = int(number[:12]) if number.isdecimal() else place[0] + 1, 0
        elif kind == "c":
            reference = _REFERENCE.match(attributes.get("r", ""))
            if reference:
                place[0] = int(reference[2][:12])
                place[1] = column_number(reference[1].encode()) + 1
            else:
                place[1] += 1
        elif kind in ("v", "is"):
            found.cells += 1
            found.rows = max(found.rows, place[0])
            found.columns = max(found.columns, place[1])

    walk(archive, part, see)
    return found


def column_number(letters: bytes) -> int:
    """The 0-based number of a column such as ``AB``."""
    number = 0
    for letter in letters.upper()[:6]:
        number = 26 * number + letter - 64
    return number - 1
