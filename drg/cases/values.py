"""Numbers and sexes as files write them, read column by column.

Every reader returns the values and which rows could not be read; nothing is guessed. A column
has few distinct texts, so text is parsed once per distinct spelling.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases.blanks import BLANKS
from drg.cases.texts import as_text, text_list
from drg.tables.arrays import floats, integers, numbers, strings

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_NUMBER = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,3})?")
_LONGEST = 200  # no number or sex is so long
_SEXES = {
    "1": 1.0, "01": 1.0, "男": 1.0, "男性": 1.0, "m": 1.0, "male": 1.0, "1.0": 1.0,
    "2": 2.0, "02": 2.0, "女": 2.0, "女性": 2.0, "f": 2.0, "female": 2.0, "2.0": 2.0,
    "0": math.nan, "9": math.nan, "未知": math.nan, "未说明": math.nan, "0.0": math.nan,
    "9.0": math.nan, "unknown": math.nan, "未知的性别": math.nan, "未说明的性别": math.nan,
}  # fmt: skip


@dataclass(frozen=True)
class Number:
    """How a numeric column is read.

    Attributes:
        low: smallest value that can be true.
        high: largest value that can be true.
        units: endings that may follow the number, such as ``岁``.
        whole: completed units count, so 0.5 years is 0.
        zero_is_blank: 0 is what a form prints when there is no value (a birth weight).
    """

    low: float = 0.0
    high: float = math.inf
    units: tuple[str, ...] = ()
    whole: bool = False
    zero_is_blank: bool = False

    @property
    def expected(self) -> str:
        """What a cell should hold, for a message."""
        top = f" to {self.high:g}" if math.isfinite(self.high) else " or more"
        return f"a number from {self.low:g}{top}"


NUMBERS: dict[str, Number] = {
    "age": Number(high=150, units=("周岁", "岁", "y"), whole=True),
    "age_days": Number(high=36_500, units=("天", "日", "d"), whole=True),
    "birth_weight": Number(high=20_000, units=("g", "克"), zero_is_blank=True),
    "admission_weight": Number(high=20_000, units=("g", "克"), zero_is_blank=True),
    "length_of_stay": Number(high=36_500, units=("天", "日", "d")),
    "discharge_mode": Number(high=9),
    "icu_hours": Number(units=("小时", "h")),
    "cases": Number(),
}
SEX_EXPECTED = "1 or 男 (male), 2 or 女 (female)"


def expected_zh(name: str) -> str:
    """What a cell should hold, in Chinese: of ``sex`` or a column of :data:`NUMBERS`."""
    if name == "sex":
        return "1 或男、2 或女"
    rule = NUMBERS[name]
    top = f" 至 {rule.high:g} " if math.isfinite(rule.high) else " 或以上"
    return f"{rule.low:g}{top}的数"


def read_number(column: pa.Array, rule: Number) -> tuple[Floats, Mask]:
    """Read a numeric column.

    Returns:
        The values (NaN where blank or unreadable) and which rows are unreadable. Shapes (N,).
    """
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = floats(column)
    elif pa.types.is_null(column.type):
        values = np.full(len(column), math.nan)
    else:
        values, unreadable = _by_distinct(column, lambda text: _number(text, rule.units))
        return _limit(values, unreadable, rule)
    return _limit(values, np.zeros(len(values), np.bool_), rule)


def _limit(values: Floats, unreadable: Mask, rule: Number) -> tuple[Floats, Mask]:
    outside = (values < rule.low) | (values > rule.high) | np.isinf(values)
    if rule.zero_is_blank:
        values = np.where(values == 0, math.nan, values)
    if rule.whole:
        values = np.floor(values)
    if outside.any():
        values = np.where(outside, math.nan, values)
    return values, unreadable | outside


def read_sex(column: pa.Array) -> tuple[Floats, Mask]:
    """Read sexes (性别): 1 male, 2 female, NaN unknown, and which rows are unreadable."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values, unreadable = read_number(column, Number(high=9))
        other = (values != 1) & (values != 2)
        odd = other & (values != 0) & (values != 9) & ~np.isnan(values)
        return np.where(other, math.nan, values), unreadable | odd
    return _by_distinct(column, _SEXES.get)


def read_text(column: pa.Array) -> pa.Array:
    """A column as trimmed text, dictionary-encoded; nulls are ""."""
    encoded = _distinct(column)
    return pa.DictionaryArray.from_arrays(
        numbers(integers(encoded.indices, len(encoded.dictionary)).astype(np.int32)),
        strings([*((t or "").strip() for t in text_list(encoded.dictionary)), ""]),
    )


def _by_distinct(column: pa.Array, parse: Callable[[str], float | None]) -> tuple[Floats, Mask]:
    encoded = _distinct(column)
    parsed = [
        math.nan if text in BLANKS else parse(text)
        for text in map(_fold, text_list(encoded.dictionary))
    ]
    parsed.append(math.nan)
    values = np.array([math.nan if value is None else value for value in parsed])
    unreadable = np.array([value is None for value in parsed])
    positions = integers(encoded.indices, len(parsed) - 1)
    return values[positions], unreadable[positions]


def _distinct(column: pa.Array) -> pa.DictionaryArray:
    if pa.types.is_dictionary(column.type):
        if not pa.types.is_string(column.type.value_type):
            column = column.dictionary_decode()
        else:
            return column
    return as_text(column).dictionary_encode()


def _fold(text: str | None) -> str:
    if text is None or len(text) > _LONGEST:
        return "" if text is None else text[:_LONGEST]
    return unicodedata.normalize("NFKC", text).strip().lower()


def _number(text: str, units: tuple[str, ...]) -> float | None:
    for unit in units:
        text = text.removesuffix(unit).strip()
    return float(text) if len(text) < 40 and _NUMBER.fullmatch(text) else None
