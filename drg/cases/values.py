"""Numbers and sexes as files write them, read column by column.

Every reader returns the values and which rows could not be read; nothing is guessed. A column
has few distinct texts, so text is parsed once per distinct spelling.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
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
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")  # 12,345.67
_SPACES = re.compile(r"[\s\u200b\ufeff]+")
_CURRENCY = ("人民币", "¥", "rmb", "cny")
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
    "age_months": Number(high=12),
    "icu_hours": Number(units=("小时", "h")),
    "cases": Number(high=1e9),
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
        values, unreadable = by_distinct(column, lambda text: number_of(text, rule.units))
        return limited(values, unreadable, rule)
    return limited(values, np.zeros(len(values), np.bool_), rule)


def limited(values: Floats, unreadable: Mask, rule: Number) -> tuple[Floats, Mask]:
    """Values of a column inside the range of its rule; those outside are unreadable too."""
    plain = len(values) and not (rule.whole or rule.zero_is_blank)
    if plain and rule.low <= values.min() and values.max() <= min(rule.high, sys.float_info.max):
        return values, unreadable
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
    return by_distinct(column, _sex)


def _sex(text: str) -> float | None:
    if text in _SEXES:
        return _SEXES[text]
    code, name = text[:1], text[1:].strip(" -_.、:()|")  # 1-男
    value = _SEXES.get(code) if name else None
    return value if value == _SEXES.get(name) else None


def read_text(column: pa.Array) -> pa.Array:
    """A column as trimmed text, dictionary-encoded; nulls are ""."""
    encoded = distinct(column)
    return pa.DictionaryArray.from_arrays(
        numbers(integers(encoded.indices, len(encoded.dictionary)).astype(np.int32)),
        strings([*((t or "").strip() for t in text_list(encoded.dictionary)), ""]),
    )


def by_distinct(column: pa.Array, parse: Callable[[str], float | None]) -> tuple[Floats, Mask]:
    """Read a column text by text, each distinct one once.

    Args:
        column: cells of any type.
        parse: value of a text in plain form; None when it cannot be read. Blanks are NaN.

    Returns:
        The values and which rows are unreadable. Shapes (N,).
    """
    encoded = distinct(column)
    parsed = [
        math.nan if text in BLANKS else parse(text)
        for text in map(_fold, text_list(encoded.dictionary))
    ]
    parsed.append(math.nan)
    values = np.array([math.nan if value is None else value for value in parsed])
    unreadable = np.array([value is None for value in parsed])
    positions = integers(encoded.indices, len(parsed) - 1)
    return values[positions], unreadable[positions]


def meant(column: pa.Array, words: Mapping[str, str]) -> pa.Array:
    """A column in which words stand for what a mapping file says they mean.

    Args:
        column: cells of any type.
        words: word in plain form -> meaning.
    """
    encoded = distinct(column)
    texts = [text or "" for text in text_list(encoded.dictionary)]
    told = [words.get(folded(text).removesuffix(".0"), text) for text in texts]
    if told == texts:
        return column
    return pa.DictionaryArray.from_arrays(encoded.indices, strings(told))


def distinct(column: pa.Array) -> pa.DictionaryArray:
    """A column as text, each distinct one once."""
    if pa.types.is_dictionary(column.type):
        if not pa.types.is_string(column.type.value_type):
            column = column.dictionary_decode()
        else:
            return column
    return as_text(column).dictionary_encode()


def folded(text: str) -> str:
    """A text as words are compared: half-width, lower case, without blanks at its ends."""
    return unicodedata.normalize("NFKC", text[:_LONGEST]).strip().lower()


def _fold(text: str | None) -> str:
    return "" if text is None else unwrapped(folded(text))


def unwrapped(text: str) -> str:
    """A text without the quotes by which it was kept from Excel: ``="310"``, ``'310``."""
    if text[:1] in "='\"":
        text = text.removeprefix("=").strip("'\"").strip()
    return text


def number_of(text: str, units: tuple[str, ...] = ()) -> float | None:
    """A number as people write it, None when it is none or too large for one.

    Thousands separators, blanks, a sign of currency before and a unit behind are passed over;
    ``万`` before a unit of money counts ten thousand.

    Args:
        text: the cell in plain form.
        units: endings that may follow.
    """
    if _NUMBER.fullmatch(text) and len(text) < 40:
        return _finite(float(text))
    text = _SPACES.sub("", text)
    scale = 1.0
    for unit in units:
        text = text.removesuffix(unit)
    if "元" in units:
        for sign in _CURRENCY:
            text = text.replace(sign, "", 1) if text.lstrip("+-").startswith(sign) else text
        if text.endswith("万"):
            text, scale = text.removesuffix("万"), 1e4
    text = text.removeprefix("+")
    if _GROUPED.fullmatch(text.removeprefix("-")):
        text = text.replace(",", "")
    if not (len(text) < 40 and _NUMBER.fullmatch(text)):
        return None
    return _finite(float(text) if scale == 1 else round(float(text) * scale, 6))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
