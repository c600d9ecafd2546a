"""How many cells of a file cannot be read (无法识别的单元格), and when they are too many."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from os import PathLike
from typing import TypeAlias

import numpy as np

from drg.cases.cells import Cells, Unread, expected
from drg.errors import problem
from drg.language import say

Counted: TypeAlias = Mapping[tuple[str, str], tuple[int, Unread]]
MOST = 0.01  # of the cells of a column that money hangs on
_LOST = "cannot be read"
_NOT_LISTED = {"hospital_id": ("不在医疗机构表中", "are not in the table of hospitals")}


class UnreadCount:
    """Counts the unreadable cells of a file, batch by batch in order.

    Attributes:
        rows: rows so far.
        cells: (part, column) -> unreadable cells.
        first: (part, column) -> the first of them, its row counted from the file's first one.
        percent: shares written above 1, which are taken for percentages.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.cells: dict[tuple[str, str], int] = {}
        self.first: dict[tuple[str, str], Unread] = {}
        self.percent = 0

    def add(self, cells: Counted, rows: int, percent: int = 0) -> None:
        """Count a batch: what :func:`counted` says of it."""
        self.percent += percent
        for key, (count, first) in cells.items():
            self.cells[key] = self.cells.get(key, 0) + count
            self.first.setdefault(
                key, Unread(first.row + self.rows, first.part, first.column, first.value)
            )
        self.rows += rows

    def refuse(
        self, parts: Collection[str], file: str | PathLike[str] | None, first_row: int
    ) -> None:
        """Refuse a file with too many unreadable cells in a column that money hangs on.

        Args:
            parts: the parts that it hangs on.
            file: the file, for the message.
            first_row: row of the file's first case, as a user counts.

        Raises:
            DrgError: more than 1% of a column cannot be read.
        """
        for (part, column), count in self.cells.items():
            if part in parts and count > MOST * self.rows:
                one = self.first[part, column]
                zh, en = expected(part)[1], expected(part)[0]
                lost = _NOT_LISTED.get(part, ("无法识别", _LOST))
                raise problem(
                    say(f"{self.rows:,} 行中有 {count:,} 行{lost[0]}，超过 1%；请更正，或在映射"
                        "文件中用 [values] 说明取值，或加 --accept-unreadable（这些病例不计入）；"
                        "第一处",
                        f"{count:,} of {self.rows:,} cells {lost[1]}, more than 1%: mend "
                        "them, say what they mean under [values] of a mapping file, or say "
                        "--accept-unreadable, which leaves these cases out; the first"),
                    file=file, row=one.row + first_row, key=column, found=one.value,
                    expected=say(zh, en),
                )  # fmt: skip

    def told(self) -> dict[str, str]:
        """Column -> how many of its cells cannot be read, in English."""
        return {
            column: f"{count:,} cells of {column} {_NOT_LISTED.get(part, ('', _LOST))[1]} "
            f"({count / max(self.rows, 1):.2%})"
            for (part, column), count in self.cells.items()
        }


def counted(cells: Cells) -> Counted:
    """(part, column) -> how many cells of a batch cannot be read, and the first of them."""
    return {key: (int(np.count_nonzero(bad)), first) for key, bad, first in cells.unread_columns()}
