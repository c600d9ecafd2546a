"""Excel workbooks of every age, read through calamine."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import python_calamine as calamine

from drg.errors import problem
from drg.language import say
from drg.tables.batches import (
    DEFAULT_BATCH_ROWS,
    Batch,
    Block,
    Malformed,
    TableSource,
    blank_headers,
    reading,
    unique_names,
)
from drg.tables.excel.errors import error_cells
from drg.tables.headers import MOST_ROWS, Known, choose_header

# Rows here are Python objects, about ten times the size of Arrow's.
_MOST_ROWS = 16_384
_MOST_INT = 1 << 63
_TEXT = pa.string()
_ERROR = "the cell holds an Excel error", "单元格是 Excel 错误值"
_LONG = ("a number of more than 15 digits, which Excel has rounded: format the column as text",
         "数字超过 15 位，已被 Excel 舍入：请把该列设为文本格式")  # fmt: skip
_ErrorCells = dict[int, list[tuple[int, str]]]


class _ExcelBlock(Block):
    def __init__(self, rows: list[list[Any]], schema: pa.Schema, errors: list[Malformed]) -> None:
        self.progress = len(rows)
        self._rows = rows
        self._schema = schema
        self._errors = errors

    def load(self) -> Batch:
        columns = list(zip(*self._rows, strict=True))
        arrays = [
            _array(column, field.type) for column, field in zip(columns, self._schema, strict=True)
        ]
        table = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        return Batch(table, tuple(self._errors))


class _Column:
    """What a column's cells are, gathered piece by piece."""

    def __init__(self) -> None:
        self.types: set[type] = set()
        self._whole = True
        self.long = False

    def see(self, cells: Sequence[Any]) -> None:
        types = set(map(type, cells))
        if str in types and not any(cell for cell in cells if type(cell) is str):
            types.discard(str)  # only empty cells
        self.types |= types
        if self._whole and float in types:
            self._whole = all(_is_whole(cell) for cell in cells if type(cell) is float)
        self.long = self.long or any(map(_is_long, cells))

    def arrow_type(self) -> pa.DataType:
        if self.types and self.types <= {int, float}:
            return pa.int64() if self._whole else pa.float64()
        if self.types == {dt.date}:
            return pa.date32()
        if self.types and self.types <= {dt.date, dt.datetime}:
            return pa.timestamp("us")
        return _TEXT


class ExcelSource(TableSource):
    """One sheet of a workbook.

    The header is the first row that is not empty. A column of numbers only is int64 or float64,
    of dates only date32 or timestamp; any other is text. Empty cells are null. Wholly empty rows
    at the end are dropped; those in the middle stay, so that row numbers are Excel's own.
    """

    kind = "excel"

    def __init__(
        self, path: Path, *, batch_rows: int = DEFAULT_BATCH_ROWS, sheet: str | None = None,
        known: Known | None = None,
    ) -> None:  # fmt: skip
        """Open the workbook and look through the sheet for its columns' types.

        Args:
            path: The workbook.
            batch_rows: About how many rows a batch has.
            sheet: The sheet's name; by default the first one.
            known: Counts headers that are known, to find the header below titles.

        Raises:
            DrgError: It is not a workbook, has no such sheet, or its header cannot be used.
        """
        self.path = path
        self._known = known
        self._batch_rows = max(1, min(batch_rows, _MOST_ROWS))
        with reading(path, calamine.CalamineError, ValueError), _no_panic(path, quiet=True):
            try:
                self._book = calamine.CalamineWorkbook.from_path(str(path))
            except calamine.PasswordError:
                raise problem(say("有密码保护", "is locked with a password"), file=path) from None
            except calamine.CalamineError as error:
                raise problem(say(f"不是可读取的 Excel 工作簿：{error}",
                                  f"is not a readable Excel workbook: {error}"),
                              file=path) from error  # fmt: skip
            self._sheet = self._pick(sheet)
            self._errors: _ErrorCells = error_cells(path, self._sheet.name)
            self._look_through()

    def _pick(self, sheet: str | None) -> calamine.CalamineSheet:
        names = self._book.sheet_names
        if not names:
            raise problem(say("没有工作表", "has no sheets"), file=self.path)
        if sheet is not None and sheet not in names:
            raise problem(say("没有这个工作表", "no such sheet"), file=self.path, found=sheet,
                          expected=", ".join(names))  # fmt: skip
        return self._book.get_sheet_by_name(sheet if sheet is not None else names[0])

    def _look_through(self) -> None:
        rows = enumerate(self._sheet.iter_rows(), 1)
        filled = ((number, row) for number, row in rows if any(text_of(c).strip() for c in row))
        ahead = list(itertools.islice(filled, 1 if self._known is None else MOST_ROWS))
        if not ahead:
            raise problem(say("工作表为空，应有表头行", "is empty, expected a header row"),
                          file=self.path)  # fmt: skip
        place, names = (0, None) if self._known is None else choose_header(
            [[text_of(cell) for cell in row] for _, row in ahead], self._known
        )  # fmt: skip
        self.header_rows = ahead[place][0]
        header: Sequence[Any] = ahead[place][1] if names is None else names
        body = itertools.chain(ahead[place + 1 :], rows)
        columns = [_Column() for _ in header]
        last = self.header_rows
        while chunk := list(itertools.islice(body, _MOST_ROWS)):
            for column, cells in zip(
                columns, zip(*(row for _, row in chunk), strict=True), strict=True
            ):
                column.see(cells)
            full = (number for number, row in reversed(chunk) if any(c != "" for c in row))
            last = next(full, last)
        # calamine shows an error as an empty cell, but its row is not an empty one.
        last = max(last, max(self._errors, default=-1) + 1)
        self.total = last - self.header_rows
        self._settle_columns(header, columns)

    def _settle_columns(self, header: Sequence[Any], columns: Sequence[_Column]) -> None:
        names = [text_of(cell) for cell in header]
        used = [i for i, name in enumerate(names) if name.strip() or columns[i].types]
        # A table may stand away from the left edge, and formatting alone may widen a sheet.
        self._first, self._end = used[0], used[-1] + 1
        # calamine's rows begin at the leftmost used column, though at the sheet's very top.
        self._left = self._first + (self._sheet.start or (0, 0))[1]
        unique = unique_names(names[self._first : self._end], self.path)
        kinds = [column.arrow_type() for column in columns[self._first : self._end]]
        self.blank_headers = blank_headers(unique, names[self._first : self._end])
        self.schema = pa.schema(list(zip(unique, kinds, strict=True)))
        held = zip(unique, columns[self._first : self._end], strict=True)
        self._long = [(i, name) for i, (name, column) in enumerate(held) if column.long]

    def blocks(self) -> Iterator[Block]:
        """The sheet's rows after the header."""
        assert self.total is not None
        rows = itertools.islice(
            self._sheet.iter_rows(), self.header_rows, self.header_rows + self.total
        )
        first = self.header_rows
        while chunk := self._chunk(rows):
            errors = [
                Malformed(row - first, self.names[column - self._left], text, *_ERROR)
                for row in range(first, first + len(chunk))
                for column, text in self._errors.get(row, ())
                if 0 <= column - self._left < len(self.names)
            ]
            errors += [
                Malformed(row, name, text_of(cells[i]), *_LONG)
                for row, cells in enumerate(chunk)
                for i, name in self._long
                if _is_long(cells[i])
            ]
            yield _ExcelBlock(chunk, self.schema, errors)
            first += len(chunk)

    def _chunk(self, rows: Iterator[list[Any]]) -> list[list[Any]]:
        with reading(self.path, calamine.CalamineError, ValueError), _no_panic(self.path):
            some = itertools.islice(rows, self._batch_rows)
            return [row[self._first : self._end] for row in some]

    def close(self) -> None:
        """Close the workbook."""
        self._book.close()


@contextlib.contextmanager
def _no_panic(path: Path, *, quiet: bool = False) -> Iterator[None]:
    """Turn a panic of calamine's Rust code, which is no ``Exception``, into a ``DrgError``.

    Args:
        path: The file named in the message.
        quiet: Also throw away what Rust says of it on stderr. Only old workbooks make it panic.
    """
    with _without_stderr() if quiet and path.suffix.lower() == ".xls" else contextlib.nullcontext():
        try:
            yield
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise problem(say("不是可读取的 Excel 工作簿", "is not a readable Excel workbook"),
                          file=path) from None  # fmt: skip


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def text_of(cell: object) -> str:
    """A cell as text: whole numbers without ``.0``, dates as ISO 8601, truth as TRUE or FALSE."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e16 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return str(cell)


def _is_whole(number: float) -> bool:
    return number.is_integer() and abs(number) < _MOST_INT


def _is_long(cell: object) -> bool:
    """A number whose last digits Excel does not keep, such as an identity card's."""
    return type(cell) in (int, float) and abs(cell) >= 1e15  # type: ignore[arg-type]


def _array(column: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == _TEXT:
        return pa.array([text_of(cell) if cell != "" else None for cell in column], _TEXT)
    cells = [None if cell == "" else cell for cell in column]
    if kind == pa.int64():
        cells = [None if cell is None else int(cell) for cell in cells]
    if kind == pa.timestamp("us"):
        cells = [_midnight(cell) for cell in cells]
    return pa.array(cells, kind)


def _midnight(cell: Any) -> Any:
    if type(cell) is dt.date:
        return dt.datetime(cell.year, cell.month, cell.day)
    return cell
