"""Arrow columns of any type as text, the way they stand in a CSV cell."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.tables.arrays import numbers, text_scalar

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_NOT_CAST = (
    pa.types.is_nested,
    pa.types.is_interval,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)
LIST_SEPARATOR = "|"


def as_text(column: pa.Array) -> pa.Array:
    """The column as strings; null stays null.

    Whole numbers are plain digits, floats the shortest text that reads back equal, dates ISO
    8601, list items are joined by ``|``, bytes are hexadecimal, durations have their unit behind
    them, other nested values are JSON. Dates beyond the calendar are
    ``<value out of range: ...>``, times of an unknown time zone are in UTC. Strings whose bytes
    are not UTF-8 come as they are.
    """
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if isinstance(kind, pa.BaseExtensionType):
        return as_text(column.storage)
    if pa.types.is_dictionary(kind):
        return pc.take(as_text(column.dictionary), column.indices)
    if any(is_one(kind) for is_one in _LISTS):
        return _joined(column)
    if pa.types.is_run_end_encoded(kind):
        return as_text(pc.run_end_decode(column))
    if pa.types.is_duration(kind):
        ticks = column.cast(pa.int64()).cast(pa.string())
        return pc.binary_join_element_wise(ticks, text_scalar(kind.unit), text_scalar(""))
    if pa.types.is_timestamp(kind):
        return _without_empty_fraction(column)
    if any(is_one(kind) for is_one in _NOT_CAST):
        return pa.array([_as_json(value) for value in _python_values(column)], pa.string())
    return column.cast(pa.string())


def cell_text(column: pa.Array, row: int = 0) -> str:
    """One cell as text; ``""`` for null."""
    return text_list(as_text(column.slice(row, 1)))[0] or ""


def text_list(column: pa.Array) -> list[str | None]:
    """The texts of a string array, with U+FFFD for bytes that are not UTF-8."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        raw = column.cast(pa.binary()).to_pylist()
        return [None if text is None else text.decode("utf-8", "replace") for text in raw]


def _joined(column: pa.Array) -> pa.Array:
    items = as_text(column.flatten())
    if items.null_count:
        items = items.fill_null(text_scalar(""))
    return pc.binary_join(with_items(column, items), LIST_SEPARATOR)


def with_items(column: pa.Array, items: pa.Array) -> pa.Array:
    """A list column with other items, one for each of ``column.flatten()``.

    Args:
        column: Lists or list views; casting a view to a list, as Arrow 26 does it, loses items.
        items: What stands in place of the items.
    """
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
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:  # a time zone that this machine does not know
        return column.cast(pa.timestamp(column.type.unit, "UTC")).cast(pa.string())


def _python_values(column: pa.Array) -> list[Any]:
    """The values as Python has them, and as text those that it cannot hold."""
    try:
        return list(column.to_pylist())
    except (pa.ArrowException, ValueError, OverflowError, KeyError):  # the last: a time zone
        kind = column.type
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        rows = zip(*map(_python_values, column.flatten()), strict=True)
        return [
            dict(zip(names, row, strict=True)) if valid else None
            for row, valid in zip(rows, column.is_valid().to_pylist(), strict=True)
        ]
    if pa.types.is_map(kind):
        column = column.cast(pa.list_(pa.struct([kind.key_field, kind.item_field])))
    elif pa.types.is_fixed_size_list(kind):
        column = column.cast(pa.list_(kind.value_field))
    return text_list(as_text(column))


def _as_json(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, default=_in_json)


def _in_json(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
