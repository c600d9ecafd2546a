"""Columns of any type as text that can be looked at, whatever bytes or dates they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from drg.tables.as_text import text_list as text_list

_CANNOT = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)


def as_text(column: pa.Array) -> pa.Array:
    """A column as strings; what Arrow cannot write as text is written by Python."""
    if pa.types.is_string(column.type):
        return column
    try:
        return column.cast(pa.string())
    except _CANNOT:
        return pa.array([_shown(cell) for cell in column], pa.string())


def _shown(cell: pa.Scalar) -> str | None:
    try:
        value = cell.as_py()
    except (ValueError, OverflowError, KeyError, *_CANNOT):  # a date or zone beyond Python's
        return str(cell.type)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if value is None else str(value).encode("utf-8", "replace").decode()


def repaired(column: pa.Array) -> pa.Array:
    """Strings whose bytes are not all UTF-8, with U+FFFD in their place."""
    return pa.array(text_list(column), pa.string())


def on_text(function: Callable[..., Any], column: pa.Array, *arguments: Any, **options: Any) -> Any:
    """Apply an Arrow function to strings; those that are not UTF-8 are repaired first."""
    try:
        return function(column, *arguments, **options)
    except pa.ArrowInvalid:
        return function(repaired(column), *arguments, **options)
