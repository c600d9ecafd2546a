"""64-bit keys of texts, the same in every run, by which equal ones are found without the texts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.blanks import BLANKS
from drg.cases.texts import as_text, on_text
from drg.tables.arrays import integers, numbers, strings, text_scalar, values

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_WORD = 8  # bytes that are mixed in together
_SOME = 16_384  # texts that are looked at together, so that what comes in between stays in cache
_OWN = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)  # those of a text
_BLANKS = strings(sorted(BLANKS))
_BLANK = max(len(text.encode()) for text in BLANKS)


def text_keys(column: pa.Array) -> Keys:
    """Keys of texts, blanks around them left aside; 0 for what stands for no value. Shape (N,).

    Two different texts get the same key about once in 2 ** 64.
    """
    if pa.types.is_dictionary(column.type):
        keys = np.append(text_keys(column.dictionary), np.uint64(0))
        return keys[integers(column.indices, len(keys) - 1)]
    texts = on_text(pc.utf8_trim_whitespace, as_text(column).fill_null(text_scalar("")))
    _, offset_buffer, data = texts.buffers()
    if data is None or not len(texts):
        return np.zeros(len(texts), np.uint64)
    ends = np.frombuffer(offset_buffer, np.int32, len(texts) + 1, texts.offset * 4)
    held = np.append(np.frombuffer(data, np.uint8)[: ends[-1]], np.zeros(_WORD, np.uint8))
    words = np.ndarray((len(held) - _WORD + 1,), "<u8", held, strides=(1,))  # one at each byte
    starts = range(0, len(texts), _SOME)
    keys = np.concatenate([_keys(words, ends[start : start + _SOME + 1]) for start in starts])
    few = np.flatnonzero(np.diff(ends) <= _BLANK)
    blank = pc.is_in(on_text(pc.utf8_lower, texts.take(numbers(few))), _BLANKS)
    keys[few[values(blank.cast(pa.uint8())) > 0]] = 0
    return keys


def _keys(words: Keys, ends: npt.NDArray[np.int32]) -> Keys:
    """Keys of texts that lie one behind another and end at places of the words."""
    at, left = ends[:-1], np.diff(ends)
    found, rows = np.zeros(len(at), np.uint64), np.flatnonzero(left)
    while rows.size:
        left_of = left[rows]
        found[rows] = mixed(found[rows], words[at[rows]] & _OWN[np.minimum(left_of, _WORD)])
        at, left, rows = at + _WORD, left - _WORD, rows[left_of > _WORD]
    return mixed(found, np.diff(ends))


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
