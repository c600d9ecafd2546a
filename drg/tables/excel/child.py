"""The process in which calamine reads a workbook, with limits: a script that stands alone.

It is started by :mod:`drg.tables.excel.door` and imports nothing else of this project, so that it
starts in some 30 milliseconds. Its output is a row of messages of
:mod:`marshal`, each with its length before it:

- ``("names", [...])``;
- for each sheet ``("sheet", name, top, left, merged)``, then for some rows at a time
  ``("columns", [[cell, ...], ...])``, and ``("end",)``, or anywhere ``("error", kind, text)``.

A cell is a text, number or truth, and of a date (with its time) its ISO 8601 text in bytes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import marshal
import os
import sys
from collections.abc import Iterable
from typing import Any

_FIRST_ROWS = 64  # a header is most likely among them
_ROWS = 4_096
_NO_DATE = dt.datetime(1899, 12, 30)  # what calamine makes of a date that is no number
_DATES = (dt.date, dt.datetime, dt.time, dt.timedelta)


class _Large(Exception):  # noqa: N818
    """More than may be handed back."""


class _Output:
    def __init__(self, most: int) -> None:
        self._left = most
        self._file = sys.stdout.buffer

    def send(self, *message: Any) -> None:
        data = marshal.dumps(message)
        self._left -= len(data)
        if self._left < 0:
            raise _Large
        self._file.write(len(data).to_bytes(8, "little") + data)
        self._file.flush()

    def fail(self, error: BaseException) -> None:
        kind = type(error).__name__
        known = {"PasswordError": "password", "MemoryError": "memory", "_Large": "memory",
                 "PanicException": "panic"}  # fmt: skip
        self._left = 1 << 20
        self.send("error", known.get(kind, "unreadable"), str(error)[:300] or kind)


def limit(memory: int, seconds: int) -> None:
    """Limit this process, where the system can: memory in bytes, time of the processor."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most, hard in ((resource.RLIMIT_AS, memory, memory),
                             (resource.RLIMIT_CPU, seconds, seconds + 5),
                             (resource.RLIMIT_CORE, 0, 0)):  # fmt: skip
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, hard))


def main(path: bytes, memory: int, seconds: int, most: int, wanted: str) -> None:
    """Read a workbook and write to standard output.

    Args:
        path: the workbook, which is standard input as well.
        memory: most memory in bytes.
        seconds: most time of the processor.
        most: most bytes to hand back.
        wanted: as JSON, the names of the sheets; null for the first not hidden, true for all.
    """
    limit(memory, seconds)
    out = _Output(most)
    try:
        import python_calamine as calamine

        try:
            book = calamine.CalamineWorkbook.from_path(path.decode())
        except UnicodeDecodeError:  # a name that calamine cannot have
            book = calamine.CalamineWorkbook.from_filelike(sys.stdin.buffer)
        shown = calamine.SheetVisibleEnum.Visible
        sheets = sorted(book.sheets_metadata, key=lambda one: one.visible != shown)
        names = [one.name for one in sheets]
        out.send("names", names)
    except BaseException as error:  # noqa: BLE001  (a panic of Rust is no Exception)
        out.fail(error)
        return
    those = json.loads(wanted)
    for name in names[:1] if those is None else names:
        if isinstance(those, list) and name not in those:
            continue
        try:
            _sheet(book.get_sheet_by_name(name), out)
        except BaseException as error:  # noqa: BLE001
            out.fail(error)


def _sheet(sheet: Any, out: _Output) -> None:
    top, left = sheet.start or (0, 0)
    out.send("sheet", sheet.name, top, left, sheet.merged_cell_ranges or [])
    rows = iter(sheet.iter_rows())
    size = _FIRST_ROWS
    while some := list(itertools.islice(rows, size)):
        out.send("columns", [_plain(column) for column in zip(*some, strict=True)])
        size = _ROWS
    out.send("end")


def _plain(column: Iterable[Any]) -> list[Any]:
    cells = list(column)
    if {*map(type, cells)}.isdisjoint(_DATES):
        return cells
    return [_date(cell) if isinstance(cell, _DATES) else cell for cell in cells]


def _date(cell: Any) -> bytes | float | str:
    if cell == _NO_DATE:
        return float("nan")
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ").encode()
    return cell.isoformat().encode() if isinstance(cell, dt.date) else str(cell)


if __name__ == "__main__":
    sys.path.append(sys.argv[6])
    most = [int(one) for one in sys.argv[2:5]]
    main(os.fsencode(sys.argv[1]), most[0], most[1], most[2], sys.argv[5])
