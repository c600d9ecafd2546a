"""CSV files, plain or gzipped: cells as they are, quotes only where they are needed."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from drg.tables.arrays import strings, text_scalar
from drg.tables.as_text import as_text
from drg.tables.atomic import writing
from drg.tables.batches import TableSink, check_columns
from drg.tables.csv.text import BOM

_LEVEL = 4  # of gzip: half the time of the default level, files 8 % larger


class CsvSink(TableSink):
    """A CSV file being written."""

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        *,
        encoding: str = "utf-8-sig",
        delimiter: str = ",",
        blank_headers: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; the partial file is made on entering.

        Args:
            path: The final name; ``.gz`` compresses.
            schema: The columns.
            encoding: ``utf-8``, ``utf-8-sig`` or ``gb18030``.
            delimiter: One ASCII character.
            blank_headers: Names made up for columns whose header is blank, and that header.
        """
        self.path = path
        self.schema = schema
        self._encoding = encoding
        self._delimiter = delimiter
        blank = blank_headers or {}
        self._header = [blank.get(name, name) for name in schema.names]
        self._zipped = path.suffix.lower() == ".gz"
        self._file: BinaryIO | None = None

    def start(self) -> None:
        """Write the header."""
        names = pa.RecordBatch.from_arrays(
            [strings([name]) for name in self._header],
            names=[str(i) for i in range(len(self.schema))],
        )
        with writing(self.path):
            self._file = self.partial.open("wb", buffering=0)
        bom = BOM if self._encoding == "utf-8-sig" else b""
        self.append(self._pack(bom + self._transcode(render(names.columns, self._delimiter))))

    def encode(self, table: pa.RecordBatch) -> bytes | memoryview:
        """The batch as the file's bytes."""
        check_columns(table, self.schema, self.path)
        with writing(self.path, pa.ArrowException):
            columns = [c if _is_text(c.type) else as_text(c) for c in table.columns]
            return self._pack(self._transcode(_in_utf8(render(columns, self._delimiter))))

    def _transcode(self, text: pa.Buffer) -> bytes | memoryview:
        view = memoryview(text)
        if self._encoding != "gb18030":
            return view
        data = bytes(view)
        return data if data.isascii() else data.decode().encode("gb18030")

    def _pack(self, data: bytes | memoryview) -> bytes | memoryview:
        # Gzip files may be strung together, so that each worker compresses its own batch.
        return gzip.compress(data, _LEVEL, mtime=0) if self._zipped and len(data) else data

    def append(self, encoded: Any) -> None:
        """Write the bytes."""
        assert self._file is not None
        view = memoryview(encoded)
        with writing(self.path):
            while len(view):
                view = view[self._file.write(view) :]

    def finish(self) -> None:
        """Close the file."""
        assert self._file is not None
        with writing(self.path, zlib.error):
            self._file.close()

    def abandon(self) -> None:
        """Close the unfinished file."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()


def render(columns: Sequence[pa.Array], delimiter: str) -> pa.Buffer:
    """Text columns as CSV lines in UTF-8; null is an empty cell.

    Args:
        columns: Arrays of text, plain or by dictionary, of one length.
        delimiter: One ASCII character.
    """
    if len(columns) > 1:  # in a single column an empty cell would be a blank line, which is no row
        table = pa.RecordBatch.from_arrays(columns, names=[str(i) for i in range(len(columns))])
        plain = pa_csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="none")
        lines = pa.BufferOutputStream()
        with contextlib.suppress(pa.ArrowInvalid):  # some cell needs quotes
            pa_csv.write_csv(table, lines, plain)
            return lines.getvalue()
    return _join(
        [_quote(as_text(column), delimiter, len(columns)) for column in columns], delimiter
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _in_utf8(text: pa.Buffer) -> pa.Buffer:
    """The text with U+FFFD for bytes that are not UTF-8, which Parquet may hold."""
    ends = pa.py_buffer(np.array([0, text.size], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, ends, text).validate(full=True)
    except pa.ArrowInvalid:
        return pa.py_buffer(text.to_pybytes().decode("utf-8", "replace").encode())
    return text


def _join(columns: Sequence[pa.Array], delimiter: str) -> pa.Buffer:
    empty = text_scalar("")
    filled = [column.fill_null(empty) if column.null_count else column for column in columns]
    filled[-1] = pc.binary_join_element_wise(filled[-1], empty, text_scalar("\n"))
    lines = filled[0]
    if len(filled) > 1:
        lines = pc.binary_join_element_wise(*filled, text_scalar(delimiter))
    _, offsets, data = lines.buffers()
    if data is None:
        return pa.py_buffer(b"")
    width = 8 if pa.types.is_large_string(lines.type) else 4
    at = lines.offset * width
    ends = [offsets[i : i + width].to_pybytes() for i in (at, at + len(lines) * width)]
    first, last = (int.from_bytes(end, "little") for end in ends)
    return data.slice(first, last - first)


def _quote(column: pa.Array, delimiter: str, columns: int) -> pa.Array:
    mask = pc.match_substring_regex(column, f'[\r\n"{delimiter}]')
    if columns == 1:
        mask = pc.or_(mask.fill_null(True), pc.equal(pc.binary_length(column), 0).fill_null(True))
        column = column.fill_null(text_scalar(""))
    if not pc.any(mask).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    return pc.if_else(mask, pc.binary_join_element_wise('"', doubled, '"', ""), column)
