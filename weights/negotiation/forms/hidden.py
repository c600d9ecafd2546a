"""What nobody sees of a form (隐藏行列): rows, columns and sheets that are hidden, and read."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from drg.errors import DrgError
from drg.language import say
from drg.tables.excel.archive import opened, sheet_parts, small_part, walk
from drg.tables.excel.survey import column_number

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
        with opened(path) as archive:
            parts = sheet_parts(archive)
            book = small_part(archive, "xl/workbook.xml")
            for sheet in (one for one in book.iter() if one.tag.endswith("}sheet")):
                name = sheet.get("name", "")
                seen = _Unseen.of(archive, parts[name])
                if sheet.get("state", "visible") != "visible":
                    found.append(say(f"{path.name}：工作表“{name}”是隐藏的，其中的行也已读取",
                                     f"{path.name}: sheet '{name}' is hidden; its rows were read "
                                     "too"))  # fmt: skip
                elif seen.rows:
                    zh, en = ("被筛选隐藏", "hidden by a filter") if seen.filtered else (
                        "是隐藏的", "hidden")  # fmt: skip
                    runs = _runs([*seen.rows])
                    found.append(say(f"{path.name}：工作表“{name}”第 {runs} 行{zh}，也已读取",
                                     f"{path.name}: sheet '{name}': rows {runs} are {en} and were "
                                     "read too"))  # fmt: skip
                if columns := seen.hidden_columns():
                    named = ", ".join(columns)
                    found.append(say(f"{path.name}：工作表“{name}”的 {named} 列是隐藏的，也已读取",
                                     f"{path.name}: sheet '{name}': columns {named} are hidden and "
                                     "were read too"))  # fmt: skip
                if blank := [place for place, worked in seen.formulas.items() if not worked]:
                    named = ", ".join(blank[:_MOST])
                    found.append(say(f"{path.name}：工作表“{name}”的 {named} 为未计算的公式，按空白"
                                     "读取；请在 Excel 中打开并保存",
                                     f"{path.name}: sheet '{name}': {named} hold formulas that "
                                     "were never worked out and read as blank; save the file in "
                                     "Excel"))  # fmt: skip
    except DrgError:
        return []  # whoever reads the form says what is wrong with it
    return found


@dataclass
class _Unseen:
    """What a sheet holds that nobody sees, gathered while its elements go by.

    Attributes:
        rows: numbers of hidden rows with something in them.
        filtered: whether a filter leaves rows out.
        spans: places of hidden columns.
        letters: letters of columns with something in them.
        formulas: whether each cell with a formula has a value.
    """

    rows: dict[int, None] = field(default_factory=dict)
    filtered: bool = False
    spans: list[range] = field(default_factory=list)
    letters: set[str] = field(default_factory=set)
    formulas: dict[str, bool] = field(default_factory=dict)
    _row: int = 0
    _hidden: bool = False
    _cell: str = ""
    _value: bool = False

    @classmethod
    def of(cls, archive: zipfile.ZipFile, part: str) -> _Unseen:
        found = cls()
        walk(archive, part, found._see, found._text)
        return found

    def hidden_columns(self) -> list[str]:
        """Letters of hidden columns that have cells with something in them."""
        filled = {column_number(one.encode()): one for one in self.letters}
        return [filled[at] for at in sorted(filled) if any(at in span for span in self.spans)]

    def _see(self, kind: str, attributes: dict[str, str]) -> None:
        self._value = kind == "v"
        if kind == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._hidden = _unseen(attributes, "ht")
        elif kind == "col" and _unseen(attributes, "width"):
            first, last = int(attributes.get("min", 1)), int(attributes.get("max", 1))
            self.spans.append(range(first - 1, last))
        elif kind == "c":
            self._cell = attributes.get("r", "A1")
        elif kind in ("v", "is", "f"):
            self.letters.add(self._cell.rstrip("0123456789"))
            if self._hidden:
                self.rows[self._row] = None
            if kind == "f":
                self.formulas.setdefault(self._cell, False)
        self.filtered |= kind == "filterColumn"

    def _text(self, text: str) -> None:
        if self._value and self._cell in self.formulas and text.strip():
            self.formulas[self._cell] = True


def _unseen(attributes: dict[str, str], size: str) -> bool:
    return attributes.get("hidden") in ("1", "true") or float(attributes.get(size, 1)) == 0


def _runs(rows: list[int]) -> str:
    """Row numbers with neighbours together: 3, 5-8."""
    parts = []
    for _, held in groupby(enumerate(sorted(rows)), lambda pair: pair[1] - pair[0]):
        run = [row for _, row in held]
        parts.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}")
    more = [say("等", "and more")] if len(parts) > _MOST else []
    return ", ".join([*parts[:_MOST], *more])
