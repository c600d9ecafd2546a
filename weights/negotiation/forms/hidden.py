"""Rows of a form that nobody sees (隐藏行): hidden by hand or by a filter, and read."""

from __future__ import annotations

import zipfile
from itertools import groupby
from pathlib import Path

from drg.errors import DrgError
from drg.language import say
from drg.tables.excel.archive import opened, sheet_parts, small_part, walk

_MOST = 12  # runs of rows that are named


def hidden_lines(path: Path) -> list[str]:
    """A line for each sheet that is hidden or has hidden rows; none for other kinds of files.

    Rows that a filter leaves out are hidden too. All are read, as whoever filled the form in may
    have meant them; so whoever hands it in is told.
    """
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return []
    found = []
    try:
        with opened(path) as archive:
            parts = sheet_parts(archive)
            book = small_part(archive, "xl/workbook.xml")
            for sheet in (one for one in book.iter() if one.tag.endswith("}sheet")):
                name = sheet.get("name", "")
                rows, filtered = _hidden(archive, parts[name])
                if sheet.get("state", "visible") != "visible":
                    found.append(say(f"{path.name}：工作表“{name}”是隐藏的，其中的行也已读取",
                                     f"{path.name}: sheet '{name}' is hidden; its rows were read "
                                     "too"))  # fmt: skip
                elif rows:
                    zh, en = ("被筛选隐藏", "hidden by a filter") if filtered else (
                        "是隐藏的", "hidden")  # fmt: skip
                    runs = _runs(rows)
                    found.append(say(f"{path.name}：工作表“{name}”第 {runs} 行{zh}，也已读取",
                                     f"{path.name}: sheet '{name}': rows {runs} are {en} and were "
                                     "read too"))  # fmt: skip
    except DrgError:
        return []  # whoever reads the form says what is wrong with it
    return found


def _hidden(archive: zipfile.ZipFile, part: str) -> tuple[list[int], bool]:
    """Numbers of hidden rows that have cells with something in them; whether a filter is set."""
    rows: dict[int, None] = {}
    number, hidden, filtered = 0, False, False

    def see(kind: str, attributes: dict[str, str]) -> None:
        nonlocal number, hidden, filtered
        if kind == "row":
            number = int(attributes.get("r", number + 1))
            hidden = attributes.get("hidden") in ("1", "true")
        elif hidden and kind in ("v", "is", "f"):
            rows[number] = None
        filtered |= kind == "filterColumn"

    walk(archive, part, see)
    return [*rows], filtered


def _runs(rows: list[int]) -> str:
    """Row numbers with neighbours together: 3, 5-8."""
    parts = []
    for _, held in groupby(enumerate(sorted(rows)), lambda pair: pair[1] - pair[0]):
        run = [row for _, row in held]
        parts.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}")
    more = [say("等", "and more")] if len(parts) > _MOST else []
    return ", ".join([*parts[:_MOST], *more])
