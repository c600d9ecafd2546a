"""The file of rows that could not be read or used, safe to open in Excel."""

from __future__ import annotations

import contextlib
import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from drg.tables.atomic import atomic_path, check_target, writing

# Excel skips blanks before a formula; what does not show must not hide one either.
_RISKY = re.compile(
    r"[\t\r]|[\s\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*[=+\-@＝＋－＠]"
)
CONTROL = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in [
        *range(32),
        *range(127, 160),
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x206A),
        0xFEFF,
    ]
} | {9: "\\t", 10: "\\n", 13: "\\r"}


def neutralise(text: str) -> str:
    r"""Text for a cell that Excel shows but does not run.

    What Excel could take for a formula, also behind blanks or with full-width signs, gets a
    leading apostrophe. Control characters become visible escapes such as ``\n`` and ``\x00``.
    """
    if not text or (text[0].isalnum() and text.isprintable()):
        return text
    shown = text if text.isprintable() else text.translate(CONTROL)
    return "'" + shown if _RISKY.match(text) else shown


class RejectFile:
    """A CSV file ``row,column,value,reason``, made only when there is something to put in it.

    A context manager. On a normal exit the file appears whole, or, without any reject, an old
    file of that name is removed; on an exception everything is as before. To have it follow an
    output that can still fail at its end, enter the output's sink inside of it, or call
    :meth:`commit` when the output is there::

        with RejectFile(name) as rejects, open_sink(out, schema) as sink:
            ...

    Attributes:
        path: The file's name.
        count: How many rejects there are.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Prepare.

        Raises:
            DrgError: A file of that name could not be written.
        """
        self.path = Path(path)
        self.count = 0
        self._done = False
        self._stack = contextlib.ExitStack()
        self._file: TextIO | None = None
        check_target(self.path)

    def add(self, row: int, column: str, value: str, reason: str) -> None:
        """Note one reject.

        Args:
            row: The row number a user sees.
            column: The column's name, or ``""`` for the whole row.
            value: What was found.
            reason: Why it was not used.

        Raises:
            DrgError: The file cannot be written.
        """
        self.add_many([row], [column], [value], [reason])

    def add_many(
        self,
        rows: Iterable[int],
        columns: Iterable[str],
        values: Iterable[str],
        reasons: Iterable[str],
    ) -> None:
        """Note many rejects, given column by column.

        Raises:
            DrgError: The file cannot be written.
        """
        shown = map(int, rows)
        texts = (map(neutralise, part) for part in (columns, values, reasons))
        lines = zip(shown, *texts, strict=True)
        with writing(self.path):
            for line in lines:
                if self._file is None:
                    self._file = self._open()
                    self._writer = csv.writer(self._file, lineterminator="\n")
                    self._writer.writerow(["row", "column", "value", "reason"])
                self._writer.writerow(line)
                self.count += 1

    def _open(self) -> TextIO:
        partial = self._stack.enter_context(atomic_path(self.path))
        file = partial.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="")
        return self._stack.enter_context(file)

    def commit(self) -> None:
        """Give the file its name, or remove an old one if there is no reject.

        The end of the ``with`` block changes nothing any more then, nor does a second call.

        Raises:
            DrgError: The file cannot be written or removed.
        """
        if self._done:
            return
        self._done = True
        with writing(self.path):
            if self._file is None:
                self.path.unlink(missing_ok=True)
            self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.commit()
        else:
            self._stack.__exit__(kind, error, trace)
