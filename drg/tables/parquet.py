"""Parquet files, read in batches and written in row groups of a good size."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drg.errors import DrgError, problem
from drg.language import say
from drg.tables.as_text import with_items
from drg.tables.atomic import writing
from drg.tables.batches import (
    DEFAULT_BATCH_ROWS,
    Batch,
    Block,
    TableSink,
    TableSource,
    blank_headers,
    check_columns,
    reading,
    unique_names,
)

# Readers get slow with small row groups, and a row group waits in memory until it is full.
_ROW_GROUP_ROWS = 262_144
_ROW_GROUP_BYTES = 256 << 20
_PAGE_STEP = 16_384
_BAD_NAMES = (ValueError, KeyError)  # of columns, not UTF-8 or not the same everywhere in the file


# Text whose pages, dictionary and indices together, take at most this many bytes a value has few
# distinct values; page encodings alone do not tell whether the writer gave up its dictionary.
_REPETITIVE_BYTES = 4


class _ParquetBlock(Block):
    def __init__(self, table: pa.RecordBatch, path: Path) -> None:
        self.progress = table.num_rows
        self._batch = Batch(table)
        self._path = path

    def load(self) -> Batch:
        # What works on the arrays trusts their indices, and a wrong one could end the process.
        if not all(map(_indices_are_sound, self._batch.table.columns)):
            raise problem(say("无法读取，文件已损坏：有文本不在所在列的字典中",
                              "cannot be read, it is damaged: a text is not in its column's "
                              "dictionary"), file=self._path)  # fmt: skip
        return self._batch


class ParquetSource(TableSource):
    """A Parquet file; its batches are decoded in the reading thread, by Arrow's own threads."""

    kind = "parquet"

    def __init__(
        self, path: Path, *, batch_rows: int = DEFAULT_BATCH_ROWS, dictionaries: bool = False
    ) -> None:
        """Open the file and read its footer.

        Args:
            path: The file.
            batch_rows: Rows of a batch.
            dictionaries: Read text of few distinct values as dictionary arrays.

        Raises:
            DrgError: It is not Parquet, is damaged, or two columns have one name.
        """
        self.path = path
        self._batch_rows = batch_rows
        self._repetitive: list[str] = []
        self._only: list[str] | None = None
        with reading(path, *_BAD_NAMES):
            # Without pre_buffer a row group is streamed; with it, it is held in memory whole.
            self._file = pq.ParquetFile(path, pre_buffer=False)
        try:
            with reading(path, *_BAD_NAMES):
                self.schema = self._file.schema_arrow
                self.total = self._file.metadata.num_rows
                self.blank_headers = blank_headers(unique_names(self.names, path), self.names)
                if dictionaries:
                    self._reopen(_repetitive_text(self._file, batch_rows))
        except DrgError:
            self.close()
            raise

    def _reopen(self, repetitive: list[str]) -> None:
        self._repetitive = repetitive
        with reading(self.path, *_BAD_NAMES):
            metadata = self._file.metadata
            self._file.close()
            self._file = pq.ParquetFile(
                self.path, pre_buffer=False, metadata=metadata, read_dictionary=repetitive
            )

    def only(self, names: Sequence[str]) -> None:
        """Leave the other columns unread; batches hold these, in the file's order."""
        if not any("." in name for name in names):  # Arrow takes a dot for a path into a struct
            self._only = [name for name in self.schema.names if name in set(names)]

    def blocks(self) -> Iterator[Block]:
        """The file's batches; decoding happens here."""
        done = 0
        with reading(self.path):
            try:
                for table in self._batches():
                    done += table.num_rows
                    yield _ParquetBlock(table, self.path)
            except pa.ArrowNotImplementedError:
                # Arrow cannot give a list of dictionary items whose pages gave up the dictionary.
                if not self._repetitive:
                    raise
                self._reopen([])
                yield from self._after(done)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if not self._repetitive and not any(map(_has_inner_dictionary, self.schema.types)):
            yield from self._file.iter_batches(self._batch_rows, columns=self._only)
            return
        # Nor one that spans row groups, as each has its own dictionary.
        for group in range(self._file.metadata.num_row_groups):
            yield from self._file.iter_batches(
                self._batch_rows, row_groups=[group], columns=self._only
            )

    def _after(self, done: int) -> Iterator[Block]:
        for table in self._batches():
            if done < table.num_rows:
                yield _ParquetBlock(table.slice(done), self.path)
            done = max(0, done - table.num_rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetSink(TableSink):
    """A Parquet file being written."""

    def __init__(
        self, path: Path, schema: pa.Schema, *, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Open the partial file.

        Args:
            path: The final name.
            schema: The columns as they shall read back; a batch may have dictionary arrays of
                the same values.
            metadata: Key-value metadata to store.

        Raises:
            DrgError: The file cannot be made.
        """
        self.path = path
        self.schema = schema
        self._metadata = dict(metadata or {})
        self._writer: pq.ParquetWriter | None = None
        self._stored: pa.Schema | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0

    def encode(self, table: pa.RecordBatch) -> pa.RecordBatch:
        """The batch in the sink's types; dictionary arrays of them are kept."""
        check_columns(table, self.schema, self.path)
        with writing(self.path, pa.ArrowException):
            return pa.RecordBatch.from_arrays(
                [
                    _as_stored(column, field.type)
                    for column, field in zip(table.columns, self.schema, strict=True)
                ],
                names=self.schema.names,
            )

    def append(self, encoded: Any) -> None:
        """Hold the batch until a row group is full, then write it."""
        self._waiting.append(encoded)
        self._rows += encoded.num_rows
        self._bytes += encoded.nbytes
        if self._rows >= _ROW_GROUP_ROWS or self._bytes >= _ROW_GROUP_BYTES:
            self._flush()

    def finish(self) -> None:
        """Write the last row group and the footer."""
        self._flush()
        if self._writer is None:
            self._open(self.schema)
        assert self._writer is not None
        with writing(self.path, pa.ArrowException):
            self._writer.close()

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._stored is None:
            self._open(self._waiting[0].schema)
        assert self._writer is not None
        with writing(self.path, pa.ArrowException):
            batches = [_cast(batch, self._stored) for batch in self._waiting]
            table = pa.Table.from_batches(batches, self._stored)
            self._writer.write_table(table, row_group_size=max(self._rows, 1))
        self._waiting, self._rows, self._bytes = [], 0, 0

    def _open(self, stored: pa.Schema) -> None:
        """Start the file with the arrays' types, but tell readers the sink's types.

        Arrow would note the arrays' dictionary types for readers otherwise, and pandas would
        give categories where text is meant.
        """
        metadata = dict(self.schema.metadata or {})
        metadata |= {key.encode(): value.encode() for key, value in self._metadata.items()}
        metadata.pop(b"ARROW:schema", None)
        plain = self.schema.with_metadata(metadata)
        metadata[b"ARROW:schema"] = base64.b64encode(plain.serialize().to_pybytes())
        self._stored = pa.schema(
            [field.with_type(kept.type) for field, kept in zip(self.schema, stored, strict=True)]
        )
        with writing(self.path, pa.ArrowException, ValueError):
            self._writer = pq.ParquetWriter(
                self.partial,
                self._stored,
                store_schema=False,
                # The smallest and largest code of lists help no reader and cost a third of writing.
                write_statistics=[f.name for f in self._stored if not pa.types.is_nested(f.type)],
                # Amounts hardly repeat; a dictionary that is given up halfway costs as much again.
                use_dictionary=[path for field in self._stored for path in _leaves(field)],
                write_batch_size=_PAGE_STEP,
            )
            self._writer.add_key_value_metadata(metadata)

    def abandon(self) -> None:
        """Close the unfinished file."""
        if self._writer is not None:
            with contextlib.suppress(OSError, pa.ArrowException):
                self._writer.close()


def _leaves(field: pa.Field, path: str = "") -> list[str]:
    """Paths of the columns that a field is stored in, but for fractions."""
    path, kind = f"{path}{field.name}", field.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _leaves(kind.value_field.with_name("element"), f"{path}.list.")
    if pa.types.is_struct(kind):
        return [leaf for one in kind.fields for leaf in _leaves(one, f"{path}.")]
    return [] if pa.types.is_floating(kind) or pa.types.is_decimal(kind) else [path]


def _repetitive_text(file: pq.ParquetFile, batch_rows: int) -> list[str]:
    """Paths of the text columns that are worth reading as dictionaries."""
    metadata = file.metadata
    if metadata.num_row_groups > 1 and metadata.num_rows < metadata.num_row_groups * batch_rows / 8:
        return []  # a batch cannot span row groups then, and these are too small for batches
    text = {field.name for field in file.schema_arrow if _is_text(field.type)}
    if not text or not metadata.num_rows or not metadata.num_row_groups:
        return []
    # Asking for a damaged column's metadata aborts the process, where reading it is an error. So
    # read a row first, and ask for nothing of other row groups.
    if next(file.iter_batches(1, row_groups=[0]), None) is None:
        return []
    paths = []
    for i in range(metadata.num_columns):
        chunk = metadata.row_group(0).column(i)
        path = chunk.path_in_schema
        if (
            path.split(".")[0] in text
            and chunk.has_dictionary_page
            and chunk.total_uncompressed_size <= chunk.num_values * _REPETITIVE_BYTES
        ):
            paths.append(path)
    return paths


def _has_inner_dictionary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind) and "dictionary<" in str(kind))


def _indices_are_sound(column: pa.Array) -> bool:
    """Whether a column's dictionaries, also nested ones, hold all that is looked up in them."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        span = pc.min_max(column.indices).as_py()
        return span["min"] is None or 0 <= span["min"] <= span["max"] < len(column.dictionary)
    if not _has_inner_dictionary(kind):
        return True
    inner = column.flatten() if pa.types.is_struct(kind) else [column.values]
    return all(map(_indices_are_sound, inner))


def _is_text(kind: pa.DataType) -> bool:
    return bool(kind == pa.string() or (pa.types.is_list(kind) and kind.value_type == pa.string()))


def _as_stored(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if column.type == wanted:
        return column
    if (
        pa.types.is_dictionary(column.type)
        and column.type.value_type == wanted
        and not column.dictionary.null_count
    ):
        # One index type for all batches, as they share a row group.
        return column.cast(pa.dictionary(pa.int32(), wanted))
    if _is_list_of_dictionary(column.type, wanted):
        return column
    return _decoded(column).cast(wanted)


def _is_list_of_dictionary(kind: pa.DataType, wanted: pa.DataType) -> bool:
    if not (pa.types.is_list(kind) and pa.types.is_list(wanted)):
        return False
    return bool(kind.value_type == pa.dictionary(pa.int32(), wanted.value_type))


def _decoded(column: pa.Array) -> pa.Array:
    """The column without dictionaries at the top or in list items."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.dictionary_decode()
    if pa.types.is_list(kind) and pa.types.is_dictionary(kind.value_type):
        return with_items(column, column.flatten().dictionary_decode())
    return column


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A later batch in the first one's arrays: the file's column is either dictionary or not."""
    if batch.schema.equals(schema):
        return batch
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        if column.type == field.type:
            columns.append(column)
        elif pa.types.is_dictionary(field.type):
            columns.append(column.dictionary_encode().cast(field.type))
        elif pa.types.is_list(field.type) and pa.types.is_dictionary(field.type.value_type):
            columns.append(with_items(column, column.flatten().dictionary_encode()))
        else:
            columns.append(_decoded(column).cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)
