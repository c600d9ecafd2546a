"""Cells of an Excel workbook that hold an error such as #N/A, which calamine shows as empty."""

from __future__ import annotations

import contextlib
import posixpath
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

_ERROR_CELL = re.compile(rb'<(?:\w+:)?c\b([^>]*?\bt="e"[^>]*)>(.*?)</(?:\w+:)?c>', re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)</")
_CHUNK = 4 << 20
_LONGEST_CELL = 1 << 18


def error_cells(path: Path, sheet: str) -> dict[int, list[tuple[int, str]]]:
    """Error cells of one sheet of an ``.xlsx`` or ``.xlsm`` file; of other formats none are known.

    Args:
        path: The workbook.
        sheet: The sheet's name.

    Returns:
        For each 0-based row its errors: 0-based column, and text such as ``#N/A``.
    """
    found: dict[int, list[tuple[int, str]]] = {}
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return found
    # The rows themselves come from calamine; not finding the errors again must not stop that.
    with (
        contextlib.suppress(Exception),
        zipfile.ZipFile(path) as archive,
        archive.open(member(archive, sheet)) as file,
    ):
        rest = b""
        while chunk := file.read(_CHUNK):
            rest = _collect(rest + chunk, found)
    return found


def _collect(data: bytes, found: dict[int, list[tuple[int, str]]]) -> bytes:
    """Note the errors of a piece of XML; gives back the end that may hold half a cell."""
    if b't="e"' in data:
        for attributes, content in _ERROR_CELL.findall(data):
            place, value = _PLACE.search(attributes), _VALUE.search(content)
            if place:
                text = value.group(1).decode(errors="replace") if value else "#ERROR"
                cell = (column_number(place.group(1)), text)
                found.setdefault(int(place.group(2)) - 1, []).append(cell)
    cut = data.rfind(b"</row>")
    return data[cut:] if cut >= 0 else data[-_LONGEST_CELL:]


def column_number(letters: bytes) -> int:
    """The 0-based number of a column such as ``AB``."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number - 1


def member(archive: zipfile.ZipFile, sheet: str) -> str:
    """The archive's member that holds the sheet."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            ids = [value for key, value in element.attrib.items() if key.endswith("}id")]
            target = targets[ids[0]]
            return target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
    raise KeyError(sheet)
