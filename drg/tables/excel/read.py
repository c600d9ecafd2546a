"""Excel workbooks of every age as tables: headers, types of columns, rows as Excel counts them."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from drg.errors import problem
from drg.language import say
from drg.tables.batches import (
    DEFAULT_BATCH_ROWS,
    Batch,
    Block,
    Malformed,
    TableSource,
    blank_headers,
    unique_names,
)
from drg.tables.excel.door import Cell, Sheet, one_sheet
from drg.tables.headers import MOST_ROWS, Known, choose_header

_MOST_INT = 2.0**63
_LONG_FROM = 1e15  # the last digits of such an identity number are lost
_TEXT, _NUMBER, _DAY, _TIME = pa.string(), pa.float64(), pa.date32(), pa.timestamp("us")
_ERROR = "the cell holds an Excel error", "单元格是 Excel 错误值"
_LONG = ("a number of more than 15 digits, which Excel has rounded: format the column as text",
         "数字超过 15 位，已被 Excel 舍入：请把该列设为文本格式")  # fmt: skip


@dataclass(frozen=True)
class _Piece:
    """Some cells of a column.

    Attributes:
        cells: numbers, dates or texts; of the null type when all are empty.
        times: whether the texts are dates and times of ISO 8601.
        odd: cells that cannot be taken as they are: place, text and why.
    """

    cells: pa.Array
    times: bool = False
    odd: Sequence[tuple[int, str, tuple[str, str]]] = ()

    def last(self) -> int:
        """How many cells there are up to the last that is not empty."""
        if len(self.cells) and self.cells[-1].is_valid:
            return len(self.cells)
        full = pc.indices_nonzero(self.cells.is_valid())
        return max(full[-1].as_py() + 1 if len(full) else 0, *(o[0] + 1 for o in self.odd), 0)


def _piece(column: Sequence[Cell]) -> _Piece:
    cells = [None if cell == "" else cell for cell in column] if "" in column else column
    types = {*map(type, cells)} - {type(None)}
    if not types:
        return _Piece(pa.nulls(len(cells)))
    if types == {str}:
        return _Piece(pa.array(cells, _TEXT))
    if types == {bytes}:
        texts = pa.array(cells, pa.binary()).cast(_TEXT)
        days = pc.all(pc.equal(pc.binary_length(texts), len("2024-02-29"))).as_py()
        return _Piece(texts.cast(_DAY)) if days else _Piece(texts, times=True)
    if types == {float}:
        numbers = pa.array(cells, _NUMBER)
        if pc.all(pc.less(pc.abs(numbers), _LONG_FROM)).as_py():
            return _Piece(numbers)
    odd = [(i, text_of(cell), _LONG if math.isfinite(cell) else _ERROR)
           for i, cell in enumerate(cells)
           if isinstance(cell, int | float) and not abs(cell) < _LONG_FROM]  # fmt: skip
    wrong = {place for place, _, why in odd if why is _ERROR}
    fit = [None if place in wrong else cell for place, cell in enumerate(cells)]
    if types <= {int, float}:
        return _Piece(pa.array([None if n is None else float(n) for n in fit], _NUMBER), odd=odd)
    return _Piece(pa.array([None if c is None else text_of(c) for c in fit], _TEXT), odd=odd)


class _Column:
    """A column, gathered piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []

    @property
    def empty(self) -> bool:
        return all(pa.types.is_null(piece.cells.type) for piece in self.pieces)

    def array(self) -> pa.ChunkedArray:
        """All cells, of the narrowest type that holds them."""
        full = [piece for piece in self.pieces if not pa.types.is_null(piece.cells.type)]
        types = {_TIME if piece.times else piece.cells.type for piece in full}
        if types == {_NUMBER}:
            kind = pa.int64() if all(_are_whole(piece.cells) for piece in full) else _NUMBER
        elif types and types <= {_DAY, _TIME}:
            kind = _DAY if types == {_DAY} else _TIME
        else:
            kind = _TEXT
        return pa.chunked_array([_cast(piece.cells, kind) for piece in self.pieces], kind)


def _are_whole(numbers: pa.Array) -> bool:
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), _MOST_INT))
    return pc.all(whole).as_py() is not False


def _cast(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == _TEXT and cells.type == _NUMBER:
        return pa.array([None if n is None else text_of(n) for n in cells.to_pylist()], _TEXT)
    return cells.cast(kind)


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
        """Read the sheet and find its columns' types.

        Args:
            path: The workbook.
            batch_rows: About how many rows a batch has.
            sheet: The sheet's name; by default the first one.
            known: Counts headers that are known, to find the header below titles.

        Raises:
            DrgError: It is not a workbook, is too large, has no such sheet, or its header cannot
                be used.
        """
        self.path = path
        self._known = known
        self._batch_rows = max(1, batch_rows)
        with one_sheet(path, sheet) as held:
            self._errors = held.errors
            header = self._read(held)
        self._settle_columns(header, held.left)

    def _read(self, sheet: Sheet) -> Sequence[Cell]:
        """All columns below the header; the header itself."""
        pieces = iter(sheet.pieces)
        above: list[list[list[Cell]]] = []
        ahead: list[tuple[int, tuple[Cell, ...]]] = []
        seen, wanted = 0, 1 if self._known is None else MOST_ROWS
        while len(ahead) < wanted and (piece := next(pieces, None)) is not None:
            above.append(piece)
            for number, row in enumerate(zip(*piece, strict=True), seen + 1):
                if any(text_of(cell).strip() for cell in row):
                    ahead.append((number, row))
            seen += len(piece[0]) if piece else 0
        if not ahead:
            raise problem(say("工作表为空，应有表头行", "is empty, expected a header row"),
                          file=self.path)  # fmt: skip
        place, names = (0, None) if self._known is None else choose_header(
            [[text_of(cell) for cell in row] for _, row in ahead[:wanted]], self._known
        )  # fmt: skip
        self.header_rows = ahead[place][0]
        self._columns = [_Column() for _ in ahead[place][1]]
        read = last = 0
        for piece in itertools.chain(above, pieces):
            below = max(0, min(self.header_rows - read, len(piece[0])))
            read += len(piece[0])
            for column, cells in zip(self._columns, piece, strict=True):
                made = _piece(cells[below:])
                column.pieces.append(made)
                last = max(last, read - len(made.cells) + made.last() if made.last() else 0)
        # An error's cell is empty here, but its row is not.
        last = max(last, self.header_rows, max(self._errors, default=-1) + 1)
        self.total = last - self.header_rows
        return ahead[place][1] if names is None else list[Cell](names)

    def _settle_columns(self, header: Sequence[Cell], left: int) -> None:
        names = [text_of(cell) for cell in header]
        used = [i for i, name in enumerate(names) if name.strip() or not self._columns[i].empty]
        # A table may stand away from the left edge, and formatting alone may widen a sheet.
        first, end = used[0], used[-1] + 1
        self._left = first + left
        columns = self._columns[first:end]
        unique = unique_names(names[first:end], self.path)
        self.blank_headers = blank_headers(unique, names[first:end])
        self._table = pa.table([column.array() for column in columns], names=unique)
        self.schema = self._table.schema
        self._odd: list[Malformed] = []
        for name, column in zip(unique, columns, strict=True):
            row = 0
            for piece in column.pieces:
                self._odd += [Malformed(row + i, name, text, *why) for i, text, why in piece.odd]
                row += len(piece.cells)
        self._odd.sort(key=lambda one: one.row)
        del self._columns

    def blocks(self) -> Iterator[Block]:
        """The sheet's rows after the header."""
        assert self.total is not None
        for first in range(0, self.total, self._batch_rows):
            table = self._table.slice(first, min(self._batch_rows, self.total - first))
            rows = range(first, first + table.num_rows)
            malformed = [
                Malformed(row - first, self.names[column - self._left], text, *_ERROR)
                for row in rows
                for column, text in self._errors.get(row + self.header_rows, ())
                if 0 <= column - self._left < len(self.names)
            ]
            malformed += [replace(one, row=one.row - first) for one in self._odd if one.row in rows]
            yield _ExcelBlock(table, tuple(malformed))


class _ExcelBlock(Block):
    def __init__(self, table: pa.Table, malformed: tuple[Malformed, ...]) -> None:
        self.progress = table.num_rows
        self._table = table
        self._malformed = malformed

    def load(self) -> Batch:
        columns = [column.combine_chunks() for column in self._table.columns]
        table = pa.RecordBatch.from_arrays(columns, schema=self._table.schema)
        return Batch(table, self._malformed)


def text_of(cell: object) -> str:
    """A cell as text: whole numbers without ``.0``, dates as ISO 8601, truth as TRUE or FALSE."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bytes):  # a date
        return cell.decode()
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e16 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return str(cell)
