"""Columns of any type as text that can be looked at, whatever bytes or dates they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from drg.tables.as_text import as_text as written
from drg.tables.as_text import text_list as text_list

_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary,
          pa.types.is_binary_view)  # fmt: skip


def as_text(column: pa.Array) -> pa.Array:
    """A column as the strings that its cells say: bytes are text, the rest as it is written."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_dictionary(kind):
        return pc.take(as_text(column.dictionary), column.indices)
    if any(is_one(kind) for is_one in _BYTES):
        raw = column.to_pylist()
        return pa.array([None if b is None else b.decode("utf-8", "replace") for b in raw],
                        pa.string())  # fmt: skip
    return written(column)


def texts_of(column: pa.ChunkedArray) -> list[str]:
    """The cells of a small table's column as text, ``""`` for null."""
    return [text or "" for chunk in column.chunks for text in text_list(as_text(chunk))]


def repaired(column: pa.Array) -> pa.Array:
    """Strings whose bytes are not all UTF-8, with U+FFFD in their place."""
    return pa.array(text_list(column), pa.string())


def on_text(function: Callable[..., Any], column: pa.Array, *arguments: Any, **options: Any) -> Any:
    """Apply an Arrow function to strings; those that are not UTF-8 are repaired first."""
    try:
        return function(column, *arguments, **options)
    except pa.ArrowInvalid:
        return function(repaired(column), *arguments, **options)
