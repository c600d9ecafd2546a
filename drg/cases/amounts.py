"""Amounts of money as files write them, read column by column as whole fen (分)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.texts import as_text, on_text
from drg.cases.values import (
    Floats,
    Mask,
    Number,
    folded,
    number_of,
    read_number,
    unwrapped,
)
from drg.money import Fen, doubles, to_fen
from drg.tables.arrays import floats, numbers, text_scalar, values

_RULE = Number(low=-9e13, high=9e13, units=("元", "yuan"))
_GROUPED = r"^[¥￥]?[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{0,6})?元?$"
_MANY = 1_000
_PLAIN = r"^[+-]?[0-9]{1,13}(\.[0-9]{0,6})?$"


def read_amounts(column: pa.Array) -> tuple[Fen, Mask, Mask]:
    """Read a column of amounts in yuan (住院总费用).

    Returns:
        Whole fen (0 where there is none), which rows are blank and which unreadable. Shapes (N,).
    """
    yuan, unreadable = read_yuan(column)
    blank = np.isnan(yuan) & ~unreadable
    return to_fen(np.where(np.isnan(yuan), 0.0, yuan)), blank, unreadable


def read_yuan(column: pa.Array) -> tuple[Floats, Mask]:
    """Read a column of amounts that need not be whole fen, such as means.

    Returns:
        Yuan (NaN where blank or unreadable) and which rows are unreadable. Shapes (N,).
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    # what these print is what was meant; a plain cast of decimals is off by a last bit
    if pa.types.is_float16(column.type) or pa.types.is_float32(column.type):
        column = pa.array(doubles(column.to_numpy(zero_copy_only=False)))
    elif pa.types.is_decimal(column.type):
        column = column.cast(pa.string())
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return _of_texts(as_text(column))
    return read_number(column, _RULE)


def amount_of(text: str) -> float | None:
    """One amount in yuan as people write it (``5万``, ``￥1,200元``); None when it is none."""
    found = number_of(unwrapped(folded(text)), _RULE.units)
    return found if found is not None and _RULE.low <= found <= _RULE.high else None


def _of_texts(texts: pa.Array) -> tuple[Floats, Mask]:
    """Nearly every amount is another text, so plain ones are parsed by Arrow, not one by one."""
    trimmed = on_text(pc.utf8_trim_whitespace, texts.fill_null(text_scalar("")))
    plain = pc.match_substring_regex(trimmed, _PLAIN)
    yuan = floats(pc.if_else(plain, trimmed, text_scalar("0")).cast(pa.float64()))
    unreadable = np.zeros(len(yuan), np.bool_)
    other = np.flatnonzero(values(plain.cast(pa.uint8())) == 0)
    if other.size > _MANY:  # a whole column with thousands separators
        some = trimmed.take(numbers(other))
        grouped = pc.match_substring_regex(some, _GROUPED)
        digits = pc.replace_substring_regex(some, "[,¥￥元]", "")
        yuan = yuan.copy()
        yuan[other] = floats(pc.if_else(grouped, digits, text_scalar("0")).cast(pa.float64()))
        other = other[values(grouped.cast(pa.uint8())) == 0]
    if other.size:
        yuan = yuan.copy()
        yuan[other], unreadable[other] = read_number(trimmed.take(numbers(other)), _RULE)
    return yuan, unreadable
