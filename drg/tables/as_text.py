"""Arrow columns of any type as text, the way they stand in a CSV cell."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.tables.arrays import numbers, text_scalar

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
LIST_SEPARATOR = "|"


def as_text(column: pa.Array) -> pa.Array:
    """The column as strings; null stays null.

    Whole numbers are plain digits, floats the shortest text that reads back equal, dates ISO
    8601, list items are joined by ``|``, other nested values are JSON.
    """
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_dictionary(kind):
        return pc.take(as_text(column.dictionary), column.indices)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _joined(column)
    if pa.types.is_timestamp(kind):
        return _without_empty_fraction(column)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([_as_json(value) for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _joined(column: pa.Array) -> pa.Array:
    items = as_text(column.flatten())
    if items.null_count:
        items = items.fill_null(text_scalar(""))
    return pc.binary_join(with_items(column, items), LIST_SEPARATOR)


def with_items(column: pa.Array, items: pa.Array) -> pa.Array:
    """A list column like ``column`` with other items, one for each of ``column.flatten()``."""
    # flatten() leaves out what lies under null lists and outside a slice, so offsets start anew.
    lengths = pc.list_value_length(column).fill_null(0).cast(pa.int32())
    offsets = pa.concat_arrays([numbers(np.zeros(1, np.int32)), pc.cumulative_sum(lengths)])
    mask = column.is_null() if column.null_count else None
    return pa.ListArray.from_arrays(offsets, items, mask=mask)


def _without_empty_fraction(column: pa.Array) -> pa.Array:
    per_second = _PER_SECOND[column.type.unit]
    ticks = column.cast(pa.int64())
    seconds = pc.divide(ticks, per_second)
    if pc.all(pc.equal(pc.multiply(seconds, per_second), ticks)).as_py():
        column = column.cast(pa.timestamp("s", column.type.tz))
    return column.cast(pa.string())


def _as_json(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, default=str)
