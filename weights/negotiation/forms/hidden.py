"""What nobody sees of a form (隐藏行列): rows, columns and sheets that are hidden, and read."""

from __future__ import annotations

import zipfile
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from drg.language import say
from drg.tables.excel.errors import column_number, member

_MOST = 12  # runs of rows that are named


def hidden_lines(path: Path) -> list[str]:
    """A line for each sheet that is hidden or has hidden rows or columns; none for other files.

    Rows that a filter leaves out are hidden too, and so is what has no height or width. All is
    read, as whoever filled the form in may have meant it; so whoever hands it in is told. A formula
    that was never worked out is told as well: it reads as blank.
    """
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return []
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
            for sheet in (one for one in book.iter() if one.tag.endswith("}sheet")):
                name = sheet.get("name", "")
                with archive.open(member(archive, name)) as file:
                    root = ElementTree.parse(file).getroot()
                rows, filtered = _hidden(root)
                columns, blank = _hidden_columns(root), _unworked(root)
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
                if columns:
                    named = ", ".join(columns)
                    found.append(say(f"{path.name}：工作表“{name}”的 {named} 列是隐藏的，也已读取",
                                     f"{path.name}: sheet '{name}': columns {named} are hidden and "
                                     "were read too"))  # fmt: skip
                if blank:
                    named = ", ".join(blank[:_MOST])
                    found.append(say(f"{path.name}：工作表“{name}”的 {named} 为未计算的公式，按空白"
                                     "读取；请在 Excel 中打开并保存",
                                     f"{path.name}: sheet '{name}': {named} hold formulas that "
                                     "were never worked out and read as blank; save the file in "
                                     "Excel"))  # fmt: skip
    except (OSError, KeyError, zipfile.BadZipFile, ElementTree.ParseError):
        return []  # whoever reads the form says what is wrong with it
    return found


def _hidden(root: ElementTree.Element) -> tuple[list[int], bool]:
    """Numbers of hidden rows that have cells with something in them; whether a filter is set."""
    rows, number = [], 0
    for row in (one for one in root.iter() if one.tag.endswith("}row")):
        number = int(row.get("r", number + 1))
        if _unseen(row, "ht") and any(len(cell) for cell in row):
            rows.append(number)
    return rows, any(one.tag.endswith("}filterColumn") for one in root.iter())


def _hidden_columns(root: ElementTree.Element) -> list[str]:
    """Letters of hidden columns that have cells with something in them."""
    cells = (one for one in root.iter() if one.tag.endswith("}c") and len(one))
    letters = {one.get("r", "A1").rstrip("0123456789") for one in cells}
    filled = {column_number(one.encode()): one for one in letters}
    spans = [range(int(one.get("min", 1)) - 1, int(one.get("max", 1))) for one in root.iter()
             if one.tag.endswith("}col") and _unseen(one, "width")]  # fmt: skip
    return [filled[place] for place in sorted(filled) if any(place in span for span in spans)]


def _unworked(root: ElementTree.Element) -> list[str]:
    """Cells with a formula that has no value."""
    kinds = ((one.get("r", ""), {part.tag.rpartition("}")[2]: part.text for part in one})
             for one in root.iter() if one.tag.endswith("}c"))  # fmt: skip
    return [place for place, held in kinds if "f" in held and held.get("v") is None]


def _unseen(one: ElementTree.Element, size: str) -> bool:
    return one.get("hidden") in ("1", "true") or float(one.get(size, 1)) == 0


def _runs(rows: list[int]) -> str:
    """Row numbers with neighbours together: 3, 5-8."""
    parts = []
    for _, held in groupby(enumerate(sorted(rows)), lambda pair: pair[1] - pair[0]):
        run = [row for _, row in held]
        parts.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}")
    more = [say("等", "and more")] if len(parts) > _MOST else []
    return ", ".join([*parts[:_MOST], *more])
