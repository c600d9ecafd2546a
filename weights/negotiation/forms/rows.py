"""Forms (填报表): small tables that people fill in, as trimmed texts with row numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TypeAlias, TypeVar

import pandas as pd
import pyarrow as pa

from drg.cases.columns import plain_header
from drg.cases.texts import as_text, text_list
from drg.errors import one_of, problem
from drg.language import say
from drg.tables import batches, open_table
from weights.negotiation.forms.sheets import BOOKS, DEEPEST, read_sheets
from weights.table.text import unguarded

REJECTS = ("row", "column", "value", "reason")
Headers: TypeAlias = Mapping[str, Sequence[str]]
T = TypeVar("T")


class RowError(Exception):
    """A row of a form that cannot be used.

    Attributes:
        column: canonical name of the column, "" for the whole row.
        value: what was found.
        zh: why it cannot be used, in Chinese.
        en: the same in English, as the record of a round keeps it.
        reason: the same in the reader's language.
    """

    def __init__(self, column: str, value: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.column, self.value, self.zh, self.en = column, value, zh, en
        self.reason = say(zh, en)


@dataclass
class Form:
    """A form, read.

    Attributes:
        file: the file, None for a frame.
        columns: texts by canonical name, each of length N; only columns that were found.
        rows: row numbers that a user sees. Length N.
        rejects: what could not be used so far: row, column, value, reason.
    """

    file: Path | None
    columns: dict[str, list[str]]
    rows: list[int]
    rejects: list[tuple[int, str, str, str]] = field(default_factory=list)

    def parsed(self, parse: Callable[[Mapping[str, str]], T]) -> list[tuple[int, T]]:
        """Parse row by row; a row with a :class:`RowError` joins the rejects.

        Args:
            parse: takes the row's texts by canonical name.

        Returns:
            Row number and parsed row, in the order of the file.
        """
        found: list[tuple[int, T]] = []
        names = list(self.columns)
        for number, cells in zip(self.rows, zip(*self.columns.values(), strict=True), strict=True):
            try:
                found.append((number, parse(dict(zip(names, cells, strict=True)))))
            except RowError as fault:
                self.reject(number, fault)
        return found

    def reject(self, row: int, fault: RowError) -> None:
        """Put a row among the rejects."""
        self.rejects.append((row, fault.column, fault.value, fault.reason))

    def reject_frame(self) -> pd.DataFrame:
        """The rejects as ``row, column, value, reason``, by row."""
        return pd.DataFrame(sorted(self.rejects), columns=list(REJECTS))

    def first_reject(self) -> str:
        """The first reject as the end of a message, "" when there is none."""
        if not self.rejects:
            return ""
        row, column, value, reason = min(self.rejects)
        first = problem(reason, row=row, key=column or None, found=value or None)
        return say("；", "; ") + str(first)


def read_form(
    source: str | PathLike[str] | pd.DataFrame,
    headers: Headers,
    required: Sequence[str],
    sheet: str | None = None,
) -> Form:
    """Read a form from CSV, Excel or Parquet, or take it from a frame.

    Rows without any text in a known column are left out; malformed rows are rejects.

    Args:
        source: the file; rows of a frame are counted from 1.
        headers: canonical name -> headers that name it, in order of preference.
        required: columns that must be there.
        sheet: of a workbook; by default the one with the headings, which may stand below a title.

    Raises:
        DrgError: the file cannot be read, a required column is missing or stands twice, or
            several sheets have the headings.
    """
    if isinstance(source, pd.DataFrame):
        cells = {str(n): ["" if pd.isna(c) else str(c) for c in source[n]] for n in source}
        return _form(None, pa.table(cells), 1, {}, headers, required)
    path = Path(source)
    if path.suffix.lower() in BOOKS:
        return _book(path, headers, required, sheet)
    bad: dict[int, tuple[str, str, str]] = {}
    parts: list[pa.RecordBatch] = []
    with open_table(path, sheet=sheet) as opened:
        start = 0
        for batch in batches(opened):
            for cell in batch.malformed:
                bad.setdefault(start + cell.row, (cell.column, cell.value, cell.reason))
            start += batch.table.num_rows
            parts.append(batch.table)
        table = pa.Table.from_batches(parts, opened.schema)
        first = opened.header_rows + 1
    return _form(path, table, first, bad, headers, required)


def _book(path: Path, headers: Headers, required: Sequence[str], wanted: str | None) -> Form:
    sheets = read_sheets(path)
    kept = [one for one in sheets if wanted in (None, one.name)]
    if not kept:
        raise problem(say("没有此工作表", "no such sheet"), file=path, found=wanted,
                      expected=", ".join(one.name for one in sheets))  # fmt: skip
    needed = [{plain_header(one) for one in (name, *headers[name])} for name in required]
    found = [
        (one, place)
        for one in kept
        for place, row in enumerate(one.rows[:DEEPEST])
        if all(names & {plain_header(unguarded(cell)) for cell in row} for names in needed)
    ]
    if len({one.name for one, _ in found}) > 1:
        raise problem(say("多个工作表都有表头，请只留一个",
                          "several sheets have the headings of the form; leave one"), file=path,
                      found=", ".join(dict.fromkeys(one.name for one, _ in found)))  # fmt: skip
    held, place = found[0] if found else (kept[0], 0)
    heads = held.rows[place] if held.rows else []
    once_each([plain_header(unguarded(cell)) for cell in heads], path, place + 1)
    rows = held.rows[place + 1 :]
    table = pa.table({
        name: [row[at] if at < len(row) else "" for row in rows]
        for at, name in enumerate(heads) if name
    })  # fmt: skip
    return _form(path, table, place + 2, {}, headers, required)


def once_each(heads: Sequence[str], file: str | PathLike[str], row: int) -> None:
    """Refuse headings of which one stands twice: which column is meant cannot be told.

    Args:
        heads: what each heading means; blanks are passed over.
        file: the form, for the message.
        row: of the headings, as a user sees it.

    Raises:
        DrgError: one stands twice.
    """
    twice = next((one for one, count in Counter(heads).items() if one and count > 1), None)
    if twice is not None:
        raise problem(say("两列的表头相同", "two columns have one heading"), file=file, row=row,
                      found=twice)  # fmt: skip


def _form(
    file: Path | None,
    table: pa.Table,
    first: int,
    bad: Mapping[int, tuple[str, str, str]],
    headers: Headers,
    required: Sequence[str],
) -> Form:
    columns = _columns(table, headers)
    for name in required:
        if name not in columns:
            raise problem(say(f"没有列 {name}", f"no column '{name}'"), file=file,
                          found=", ".join(table.column_names),
                          expected=one_of((name, *headers[name])))  # fmt: skip
    texts = list(zip(*columns.values(), strict=True))
    kept = [i for i, cells in enumerate(texts) if any(cells) and i not in bad]
    form = Form(
        file,
        {name: [cells[i] for i in kept] for name, cells in columns.items()},
        [first + i for i in kept],
    )
    form.rejects += [(first + i, *fault) for i, fault in sorted(bad.items())]
    return form


def _columns(table: pa.Table, headers: Headers) -> dict[str, list[str]]:
    by_header: dict[str, str] = {}
    for name in table.column_names:
        by_header.setdefault(plain_header(unguarded(name)), name)
    found: dict[str, list[str]] = {}
    for name, others in headers.items():
        plain = [plain_header(header) for header in (name, *others)]
        header = next((by_header[h] for h in plain if h in by_header), None)
        if header is not None:
            column = table.column(header)
            whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            found[name] = [_text(cell) for cell in text_list(as_text(whole))]
    return found


def _text(cell: str | None) -> str:
    """A cell trimmed, without the apostrophe that keeps Excel from running it."""
    return unguarded((cell or "").strip()).strip()
