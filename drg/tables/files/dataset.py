"""A folder of Parquet files as one table (分区数据集): as Spark and others write it.

Folders named ``key=value`` give a column ``key``, of text.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from drg.datasets import parts_of
from drg.errors import problem
from drg.language import say
from drg.tables.batches import Batch, Block, TableSource, reading, unique_names
from drg.tables.parquet import ParquetSource

_NULL = "__HIVE_DEFAULT_PARTITION__"


class _Part(Block):
    def __init__(self, inner: Block, source: Dataset, values: dict[str, str | None]) -> None:
        self.progress = inner.progress
        self._inner, self._source, self._values = inner, source, values

    def load(self) -> Batch:
        batch = self._inner.load()
        return Batch(self._source.fitted(batch.table, self._values), batch.malformed)


class Dataset(TableSource):
    """A folder of Parquet files with the same columns, read one after another."""

    kind = "parquet"

    def __init__(self, path: Path, *, batch_rows: int, dictionaries: bool) -> None:
        """Read the footers of all files.

        Args:
            path: The folder.
            batch_rows: Rows of a batch.
            dictionaries: Read text of few distinct values as dictionary arrays.

        Raises:
            DrgError: It is no dataset, or a file has other columns than the first one.
        """
        self.path = path
        self._rows, self._dictionaries = batch_rows, dictionaries
        with reading(path):
            self._files = parts_of(path)
        self._keys = [keys_of(file.relative_to(path)) for file in self._files]
        self._only: list[str] | None = None
        self.total = 0
        schemas = []
        for file in self._files:
            with ParquetSource(file, batch_rows=batch_rows) as part:
                schemas.append(part.schema.remove_metadata())
                self.total += part.total or 0
        self.schema = self._common(schemas)
        unique_names(self.names, path)

    def _common(self, schemas: Sequence[pa.Schema]) -> pa.Schema:
        first, keys = schemas[0], list(self._keys[0])
        for file, schema, held in zip(self._files, schemas, self._keys, strict=True):
            if set(schema.names) != set(first.names) or list(held) != keys:
                other = {*schema.names, *held} ^ {*first.names, *keys}
                raise problem(
                    say("列与数据集第一个文件不同",
                        "has other columns than the dataset's first file"),
                    file=file, found=", ".join(sorted(other)),
                )  # fmt: skip
        fields = []
        for name in first.names:
            kinds = [pa.schema([schema.field(name)]) for schema in schemas]
            try:
                fields.append(pa.unify_schemas(kinds, promote_options="permissive").field(0))
            except (pa.ArrowTypeError, pa.ArrowInvalid):
                there = {str(schema.field(name).type) for schema in schemas}
                raise problem(say("同一列在各文件中的类型不同", "has different types in its files"),
                              file=self.path, key=name,
                              found=", ".join(sorted(there))) from None  # fmt: skip
        return pa.schema([*fields, *(pa.field(key, pa.string()) for key in keys
                                     if key not in first.names)])  # fmt: skip

    def only(self, names: Sequence[str]) -> None:
        """Leave the other columns unread; batches hold these, in the dataset's order."""
        self._only = [name for name in self.names if name in set(names)]

    def blocks(self) -> Iterator[Block]:
        """Batches of one file after another."""
        for file, values in zip(self._files, self._keys, strict=True):
            part = ParquetSource(file, batch_rows=self._rows, dictionaries=self._dictionaries)
            with contextlib.closing(part):
                if self._only is not None:
                    part.only(self._only)
                for block in part.blocks():
                    yield _Part(block, self, values)

    def fitted(self, table: pa.RecordBatch, values: dict[str, str | None]) -> pa.RecordBatch:
        """A batch of a file in the dataset's columns and types; dictionaries stay."""
        names = self.names if self._only is None else self._only
        columns = []
        for name in names:
            wanted = self.schema.field(name).type
            if name not in table.schema.names:
                columns.append(pa.repeat(pa.scalar(values[name], pa.string()), table.num_rows))
                continue
            column = table.column(name)
            plain = column.type
            if pa.types.is_dictionary(plain):
                plain = plain.value_type
            elif pa.types.is_list(plain) and pa.types.is_dictionary(plain.value_type):
                plain = pa.list_(plain.value_type.value_type)
            columns.append(column if plain == wanted else column.cast(wanted))
        return pa.RecordBatch.from_arrays(columns, names=list(names))


def keys_of(inside: Path) -> dict[str, str | None]:
    """What the folders of a file say: ``month=2025-01``."""
    found: dict[str, str | None] = {}
    for name in inside.parent.parts:
        key, sign, value = name.partition("=")
        if sign and key:
            found[_plain(key)] = None if value == _NULL else _plain(value)
    return found


def _plain(name: str) -> str:
    """A name whose odd characters are written ``%E8``, as Hive writes them."""
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda hit: bytes.fromhex(hit[1].decode()), name.encode())
    return raw.decode("utf-8", "replace")
