"""Small tables at once, for those who need all rows together."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

import pyarrow as pa

from drg.tables.batches import DEFAULT_BATCH_ROWS, Malformed
from drg.tables.files.opening import open_sink, open_table
from drg.tables.files.pipeline import batches


def read_table(
    path: str | os.PathLike[str], *, sheet: str | None = None
) -> tuple[pa.Table, list[Malformed]]:
    """Read a whole file.

    Args:
        path: A CSV, Excel or Parquet file.
        sheet: An Excel sheet's name; by default the first one.

    Returns:
        All rows, and what could not be read, with ``row`` counted from the table's first row.

    Raises:
        DrgError: The file cannot be read.
    """
    tables: list[pa.RecordBatch] = []
    malformed: list[Malformed] = []
    rows = 0
    with open_table(path, sheet=sheet) as source:
        for batch in batches(source):
            malformed += (dataclasses.replace(m, row=m.row + rows) for m in batch.malformed)
            tables.append(batch.table)
            rows += batch.table.num_rows
        return pa.Table.from_batches(tables, source.schema), malformed


def write_table(
    path: str | os.PathLike[str],
    table: pa.Table,
    *,
    metadata: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> None:
    """Write a whole table, atomically.

    Args:
        path: The file; its ending tells the format.
        table: The rows.
        metadata: Key-value metadata of a Parquet file.
        encoding: Of a CSV file; UTF-8 with a byte order mark by default.

    Raises:
        DrgError: The file cannot be written.
    """
    with open_sink(path, table.schema, metadata=metadata, encoding=encoding) as sink:
        for batch in table.to_batches(max_chunksize=DEFAULT_BATCH_ROWS):
            sink.write(batch)
