"""A workbook in Excel's binary form (.xlsb), written record by record."""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

Cell = str | float | bool | dt.date | None
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.ms-excel"
_DAY = 14  # number format of a date
_FIRST = dt.date(1899, 12, 30)


def _number(value: int) -> bytes:
    """An id or a length: seven bits a byte, the low ones first."""
    done = b""
    while value > 0x7F:
        done += bytes([value & 0x7F | 0x80])
        value >>= 7
    return done + bytes([value])


def _record(kind: int, data: bytes = b"") -> bytes:
    return _number(kind) + _number(len(data)) + data


def _text(value: str) -> bytes:
    data = value.encode("utf-16-le")
    return struct.pack("<L", len(data) // 2) + data


def _cell(column: int, value: Cell) -> bytes:
    style = 1 if isinstance(value, dt.date) else 0
    head = struct.pack("<LL", column, style)
    if isinstance(value, bool):
        return _record(4, head + bytes([value]))
    if isinstance(value, dt.date):
        value = float((value - _FIRST).days)
    if isinstance(value, float | int):
        return _record(5, head + struct.pack("<d", value))
    return _record(6, head + _text(value or ""))


def _sheet(rows: Sequence[Sequence[Cell]]) -> bytes:
    wide = max(map(len, rows))
    held = b"".join(
        _record(0, struct.pack("<LLHHBL", y, 0, 300, 0, 0, 0))
        + b"".join(_cell(x, value) for x, value in enumerate(row) if value is not None)
        for y, row in enumerate(rows)
    )
    size = struct.pack("<LLLL", 0, len(rows) - 1, 0, wide - 1)
    return (_record(129) + _record(148, size) + _record(145) + held + _record(146)
            + _record(130))  # fmt: skip


def _styles() -> bytes:
    forms = b"".join(_record(47, struct.pack("<HHHHHBBHH", 0, form, 0, 0, 0, 0, 0, 0, 0))
                     for form in (0, _DAY))  # fmt: skip
    return (_record(278) + _record(617, struct.pack("<L", 2)) + forms + _record(618)
            + _record(279))  # fmt: skip


def write(path: Path, sheets: dict[str, Sequence[Sequence[Cell]]]) -> None:
    """Write a workbook.

    Args:
        path: the file.
        sheets: rows of cells by the sheet's name.
    """
    listed = b"".join(
        _record(156, struct.pack("<LL", 0, n) + _text(f"r{n}") + _text(name))
        for n, name in enumerate(sheets, 1)
    )
    parts = [f"worksheets/sheet{n}.bin" for n, _ in enumerate(sheets, 1)]
    links = "".join(f'<Relationship Id="r{n}" Type="{_LINK}/worksheet" Target="{part}"/>'
                    for n, part in enumerate(parts, 1))  # fmt: skip
    kinds = "".join(f'<Override PartName="/xl/{part}" ContentType="{_KIND}.worksheet"/>'
                    for part in parts)  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{_PACKAGE}/content-types"><Default '
                         'Extension="rels" ContentType="application/vnd.openxmlformats-package.'
                         'relationships+xml"/><Override PartName="/xl/workbook.bin" ContentType="'
                         f'{_KIND}.sheet.binary.macroEnabled.main"/><Override PartName='
                         f'"/xl/styles.bin" ContentType="{_KIND}.styles"/>{kinds}'
                         "</Types>")  # fmt: skip
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}/relationships"><'
                         f'Relationship Id="r1" Type="{_LINK}/officeDocument" '
                         'Target="xl/workbook.bin"/></Relationships>')  # fmt: skip
        archive.writestr("xl/_rels/workbook.bin.rels", f'<Relationships xmlns="{_PACKAGE}/'
                         f'relationships">{links}<Relationship Id="s" Type="{_LINK}/styles" '
                         'Target="styles.bin"/></Relationships>')  # fmt: skip
        book = _record(131) + _record(143) + listed + _record(144) + _record(132)
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/styles.bin", _styles())
        for part, rows in zip(parts, sheets.values(), strict=True):
            archive.writestr(f"xl/{part}", _sheet(rows))
