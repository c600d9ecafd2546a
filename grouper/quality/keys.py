"""64-bit keys of texts and numbers, by which equal rows are found without keeping the rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.texts import as_text, on_text
from drg.tables.arrays import integers, text_scalar

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
_POSITIONS = 64
# One random number for each byte at each place; a key is the sum of those of its bytes. Two
# different texts get the same key once in 2 ** 64. The seed makes the keys the same every time.
_TABLE = np.random.default_rng(20250101).integers(
    1, 1 << 64, (_POSITIONS, 256), np.uint64, endpoint=False
)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def text_keys(column: pa.Array) -> Keys:
    """Keys of texts, blanks around them left aside; 0 for an empty one. Shape (N,)."""
    if pa.types.is_dictionary(column.type):
        keys = np.append(text_keys(column.dictionary), np.uint64(0))
        return keys[integers(column.indices, len(keys) - 1)]
    texts = on_text(pc.utf8_trim_whitespace, as_text(column).fill_null(text_scalar("")))
    _, offset_buffer, data_buffer = texts.buffers()
    if data_buffer is None or not len(texts):
        return np.zeros(len(texts), np.uint64)
    offsets = np.frombuffer(offset_buffer, np.int32, len(texts) + 1, texts.offset * 4)
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
    starts = (offsets - offsets[0]).astype(np.int64)
    lengths = np.diff(starts)
    place = np.arange(len(data)) - np.repeat(starts[:-1], lengths)
    said = np.append(_TABLE[place % _POSITIONS, data], np.uint64(0))
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(said, dtype=np.uint64)))
    keys = sums[starts[1:]] - sums[starts[:-1]]  # wraps around, which is meant
    return np.where(lengths > 0, mixed(keys, lengths.astype(np.uint64)), np.uint64(0))


def mixed(key: Keys, other: npt.NDArray[np.generic]) -> Keys:
    """Keys of pairs: of a key and a further key or whole number. Never 0."""
    both = (key ^ (key >> _SHIFT)) * _ODD + other.astype(np.int64).view(np.uint64)
    both = (both ^ (both >> _SHIFT)) * _ODD
    return np.where(both == 0, np.uint64(1), both)


def repeated(keys: Keys) -> Rows:
    """Rows whose key stood in an earlier row; key 0 is no key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    again = (ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)
    return np.sort(order[1:][again])
