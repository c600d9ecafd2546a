"""Excel workbooks, written row by row with flat memory."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from drg.errors import problem
from drg.language import say
from drg.tables.as_text import as_text, text_list
from drg.tables.atomic import writing
from drg.tables.batches import TableSink, check_columns
from drg.tables.held import scratch

MOST_ROWS = 1_048_575  # Excel's limit, less the header
MOST_COLUMNS = 16_384
MOST_CHARACTERS = 32_767
_EXACT = 10**15  # beyond it Excel rounds whole numbers
_WIDTHS = (8, 40)
_FIRST_DATE = dt.date(1900, 3, 1)  # before it Excel's calendar is wrong


class ExcelSink(TableSink):
    """A workbook of one sheet being written."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Prepare; the partial file is made on entering.

        Raises:
            DrgError: There are more columns than a sheet can have.
        """
        if len(schema) > MOST_COLUMNS:
            raise problem(
                say("列数超过 Excel 上限，请用 .csv 或 .parquet",
                    "has too many columns for Excel; use .csv or .parquet"),
                file=path, found=len(schema),
                expected=say(f"至多 {MOST_COLUMNS}", f"at most {MOST_COLUMNS}"),
            )  # fmt: skip
        self.path = path
        self.schema = schema
        self._rows = 0
        self._book: xlsxwriter.Workbook | None = None
        self._file: _Output | None = None
        self._scratch, self._aside = "", contextlib.ExitStack()

    def start(self) -> None:
        """Write the header."""
        with writing(self.path):
            self._file = _Output(self.partial)
            self._scratch = str(self._aside.enter_context(scratch()))
        book = xlsxwriter.Workbook(
            self._file,
            {
                "constant_memory": True,
                "tmpdir": self._scratch,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": "yyyy-mm-dd",
            },
        )
        # The time of writing would make two equal runs differ.
        book.set_properties({"created": dt.datetime(2000, 1, 1)})
        self._book = book
        with writing(self.path, XlsxWriterException):
            self._write_header(book)

    def _write_header(self, book: xlsxwriter.Workbook) -> None:
        self._sheet = book.add_worksheet()
        self._with_time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        bold = book.add_format({"bold": True})
        self._sheet.freeze_panes(1, 0)
        for i, field in enumerate(self.schema):
            self._sheet.set_column(i, i, _column_width(field))
        for i, name in enumerate(self.schema.names):
            self._string(0, i, name, bold)

    def encode(self, table: pa.RecordBatch) -> list[list[Any]]:
        """The batch's columns as Python values that Excel has; others as text."""
        check_columns(table, self.schema, self.path)
        with writing(self.path, pa.ArrowException):
            return [_cells(column) for column in table.columns]

    def append(self, encoded: Any) -> None:
        """Write the rows."""
        rows = len(encoded[0])
        if self._rows + rows > MOST_ROWS:
            raise problem(
                say(f"超过 {MOST_ROWS:,} 行，超过 Excel 上限，请用 .csv 或 .parquet",
                    f"has more than {MOST_ROWS:,} rows, more than Excel can hold; "
                    "use .csv or .parquet"),
                file=self.path,
            )  # fmt: skip
        with writing(self.path, XlsxWriterException):
            for number, row in enumerate(zip(*encoded, strict=True), self._rows + 1):
                for i, cell in enumerate(row):
                    self._cell(number, i, cell)
        self._rows += rows

    def _cell(self, row: int, column: int, cell: Any) -> None:
        if cell is None:
            return
        if isinstance(cell, str):
            self._string(row, column, cell, None)
        elif isinstance(cell, bool):
            self._sheet.write_boolean(row, column, cell)
        elif isinstance(cell, dt.datetime):
            self._sheet.write_datetime(row, column, cell, self._with_time)
        elif isinstance(cell, dt.date):
            self._sheet.write_datetime(row, column, cell)
        else:
            self._sheet.write_number(row, column, cell)

    def _string(self, row: int, column: int, text: str, style: Any) -> None:
        if len(text) > MOST_CHARACTERS // 2 and _excel_length(text) > MOST_CHARACTERS:
            raise problem(
                say(f"文本超过 Excel 单元格的 {MOST_CHARACTERS:,} 字上限，请用 .csv 或 .parquet",
                    f"the text is longer than the {MOST_CHARACTERS:,} characters of an Excel "
                    "cell; use .csv or .parquet"),
                file=self.path, row=row + 1, key=self.schema.names[column],
            )  # fmt: skip
        if text:
            self._sheet.write_string(row, column, text, style)

    def finish(self) -> None:
        """Complete the workbook."""
        assert self._book is not None
        assert self._file is not None
        with writing(self.path, XlsxWriterException):
            self._book.close()
            self._file.close()
        self._aside.close()

    def abandon(self) -> None:
        """Let go of the workbook and of its temporary files."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        for sheet in self._book.worksheets() if self._book is not None else ():
            with contextlib.suppress(OSError, AttributeError):
                sheet.row_data_fh.close()
        self._aside.close()


class _Output:
    """The workbook's file.

    A ``ZipFile`` that could not be finished writes its directory nevertheless when it is deleted.
    After ``close`` that is passed over.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._place = 0

    def write(self, data: bytes) -> int:
        return len(data) if self._file.closed else self._file.write(data)

    def seek(self, place: int) -> int:
        self._place = place
        return place if self._file.closed else self._file.seek(place)

    def tell(self) -> int:
        return self._place if self._file.closed else self._file.tell()

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def _cells(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_boolean(kind):
        return list(column.to_pylist())
    if pa.types.is_integer(kind):
        return [n if n is None or -_EXACT < n < _EXACT else str(n) for n in column.to_pylist()]
    if pa.types.is_floating(kind):
        return [n if n is None or math.isfinite(n) else None for n in column.to_pylist()]
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        if kind == pa.timestamp("ns"):
            column = column.cast(pa.timestamp("us"), safe=False)
        return [_date(value) for value in _dates(column)]
    return list(text_list(as_text(column)))


def _dates(column: pa.Array) -> list[Any]:
    """Dates and times of Python, and as text those beyond its calendar."""
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        if len(column) > 1:
            return [date for i in range(len(column)) for date in _dates(column.slice(i, 1))]
        return list(as_text(column).to_pylist())


def _date(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    day = value.date() if isinstance(value, dt.datetime) else value
    return value if day >= _FIRST_DATE else str(value)


def _excel_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _column_width(field: pa.Field) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in field.name)
    least = 20 if pa.types.is_timestamp(field.type) else 11
    if pa.types.is_list(field.type):
        least = 30
    low, high = _WIDTHS
    return max(low, min(high, max(least, len(field.name) + wide + 2)))
