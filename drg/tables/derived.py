"""Tables that we derive (结果表): what a spreadsheet would run as a formula is shown as text."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.errors import problem
from drg.language import say
from drg.tables.rejects import neutralise

# What may need an apostrophe or an escape; all other texts are left as they are.
_DOUBTFUL = r"^[^0-9A-Za-z]|[\x00-\x1f\x7f]|[^\x00-\x7f]"
_ALNUM = np.array([chr(byte).isalnum() and byte < 0x80 for byte in range(256)])
_Table = TypeVar("_Table", pa.Table, pa.RecordBatch)


def without_formulas(table: _Table) -> _Table:
    """The table with every text, names of columns included, as :func:`neutralise` makes it.

    Args:
        table: any; columns of text, also as dictionaries, are changed, others are not.

    Returns:
        A table of the same rows and types.
    """
    columns = [_column(column) for column in table.columns]
    return type(table).from_arrays(columns, names=[neutralise(name) for name in table.column_names])


def refuse_formulas(table: pa.Table, file: Path) -> None:
    """Refuse a text that a spreadsheet would run: what a record holds to stands unchanged.

    Raises:
        DrgError: there is one; it names the column and the text.
    """
    for name, given, safe in zip(table.column_names, table.columns,
                                 without_formulas(table).columns, strict=True):  # fmt: skip
        if not given.equals(safe):
            texts = zip(given.to_pylist(), safe.to_pylist(), strict=True)
            text = next(a for a, b in texts if a != b)
            raise problem(say("像公式，或含控制字符，请改写",
                              "looks like a formula or has control characters; write it otherwise"),
                          file=file, key=name, found=text)  # fmt: skip


def _plain(column: pa.StringArray) -> bool:
    """Whether all texts are printable ASCII and begin with a digit or a letter."""
    _, offsets, data = column.buffers()
    if data is None:
        return True
    ends = np.frombuffer(offsets, np.int32, len(column) + 1, column.offset * 4)
    signs = np.frombuffer(data, np.uint8)
    held = signs[ends[0] : ends[-1]]
    first = signs[ends[:-1][ends[1:] > ends[:-1]]]
    return bool(
        held.min(initial=0x20) >= 0x20 and held.max(initial=0x20) < 0x7F and _ALNUM[first].all()
    )


def _column(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_column(chunk) for chunk in column.chunks], column.type)
    if pa.types.is_dictionary(column.type):
        held = _column(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, held, ordered=column.type.ordered)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    if pa.types.is_string(column.type) and _plain(column):
        return column
    doubtful = pc.fill_null(pc.match_substring_regex(column, _DOUBTFUL), False)
    if not pc.any(doubtful).as_py():
        return column
    texts = pc.dictionary_encode(column.filter(doubtful))
    made = pa.array([neutralise(text) for text in texts.dictionary.to_pylist()], column.type)
    return pc.replace_with_mask(column, doubtful, made.take(texts.indices))
