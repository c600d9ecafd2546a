"""Arrow arrays from Python texts and numpy numbers, and back.

``pyarrow.array``, ``pyarrow.scalar`` and ``to_numpy`` import pandas to be able to recognise its
objects; a command that needs no pandas starts in half the time without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

BLOCK = 131_072  # rows that are looked at together


def blocks(rows: int) -> Iterator[slice]:
    """So many rows, part by part."""
    return (slice(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK))


def strings(texts: Sequence[str]) -> pa.StringArray:
    """A string array of texts without nulls."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return pa.StringArray.from_buffers(
        len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))
    )


def numbers(values: npt.NDArray[np.number[Any]]) -> pa.Array:
    """An array of numbers without nulls, sharing the memory of ``values``."""
    values = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def text_scalar(text: str) -> pa.StringScalar:
    """One text as an argument of Arrow's functions."""
    return strings([text])[0]


def values(column: pa.Array) -> npt.NDArray[Any]:
    """The numbers of an array, sharing its memory; anything may stand where it is null."""
    kind = np.dtype(column.type.to_pandas_dtype())
    buffer = column.buffers()[1]
    if buffer is None or not len(column):
        return np.zeros(len(column), kind)
    return np.frombuffer(buffer, kind, len(column), column.offset * kind.itemsize)


def nulls(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Which entries of an array are null. Shape (len(column),)."""
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    return values(column.is_null().cast(pa.uint8())).astype(np.bool_)


def integers(column: pa.Array, missing: int) -> npt.NDArray[np.int64]:
    """Whole numbers with ``missing`` in place of nulls. Shape (len(column),)."""
    found = values(column).astype(np.int64)
    if column.null_count:
        found[nulls(column)] = missing
    return found


def floats(column: pa.Array) -> npt.NDArray[np.float64]:
    """Numbers with NaN in place of nulls. Shape (len(column),)."""
    found = values(column.cast(pa.float64(), safe=False))
    return np.where(nulls(column), np.nan, found) if column.null_count else found
