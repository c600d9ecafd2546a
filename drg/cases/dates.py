"""Dates as files write them, read column by column as days since 1970-01-01."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.blanks import BLANKS
from drg.cases.texts import as_text, on_text
from drg.cases.values import Floats, Mask
from drg.tables.arrays import floats, integers

_EPOCH = dt.date(1970, 1, 1).toordinal()
_PARTED = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})(\D.*)?")
_WHOLE = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2,6}|\.0| .*|T.*)?")
_SERIAL = re.compile(r"([1-9]\d{4})(\.\d*)?")  # 10000 is 1927-05-18, 73050 is 2099-12-31
_LAST_SERIAL = 73_050
_FIRST_SERIAL_DAY = dt.date(1899, 12, 30).toordinal() - _EPOCH
_LONGEST = 11  # characters of the day; a time behind it is cut off, so that few texts differ


def read_dates(column: pa.Array) -> tuple[Floats, Mask]:
    """Read a column of dates or times (入院时间): ``2025-01-03``, ``2025/1/3 08:30``, ``20250103``.

    A number of five digits is the serial of a day as Excel counts them: 45660 is 2025-01-03.

    Returns:
        Days since 1970-01-01 (NaN where blank or unreadable) and which rows are unreadable.
        Shapes (N,).
    """
    if pa.types.is_dictionary(column.type):
        days, unreadable = read_dates(column.dictionary)
        places = integers(column.indices, len(days))
        return np.append(days, math.nan)[places], np.append(unreadable, False)[places]
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        days = floats(_days(column).cast(pa.int32()))
        beyond = (days < dt.date.min.toordinal() - _EPOCH) | (
            days > dt.date.max.toordinal() - _EPOCH
        )
        return np.where(beyond, math.nan, days), beyond
    cut = on_text(pc.utf8_ltrim, as_text(column), characters=" ='\"")
    cut = pc.utf8_slice_codeunits(cut, 0, _LONGEST).dictionary_encode()
    texts = [_fold(text) for text in cut.dictionary.to_pylist()]
    parsed = [math.nan if text in BLANKS else _day(text) for text in texts] + [math.nan]
    places = integers(cut.indices, len(texts))
    days = np.array([math.nan if day is None else day for day in parsed])
    return days[places], np.array([day is None for day in parsed])[places]


def day_of(text: str) -> dt.date | None:
    """One day as people write it (``2025年1月3日``, ``2025/1/3``, ``45660``); None for none."""
    days, _ = read_dates(pa.array([text]))
    return None if math.isnan(days[0]) else dt.date.fromordinal(_EPOCH + int(days[0]))


def _days(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.date32(), safe=False)
    except pa.ArrowInvalid:  # a time zone that this machine does not know
        return column.cast(pa.timestamp(column.type.unit, "UTC")).cast(pa.date32(), safe=False)


def _fold(text: str | None) -> str:
    return "" if text is None else unicodedata.normalize("NFKC", text).strip().lower().rstrip("'\"")


def _day(text: str) -> float | None:
    found = _PARTED.fullmatch(text) or _WHOLE.fullmatch(text.upper())
    if not found:
        serial = _SERIAL.fullmatch(text)
        if serial is None or int(serial[1]) > _LAST_SERIAL:
            return None
        return float(int(serial[1]) + _FIRST_SERIAL_DAY)
    try:
        return dt.date(*map(int, found.groups()[:3])).toordinal() - _EPOCH
    except ValueError:
        return None


def months_of(days: Floats) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Year times 12 plus month (from 0) of each day, -1 for NaN. Shape (N,)."""
    known = ~np.isnan(days)
    stamps = np.where(known, days, 0).astype("datetime64[D]").astype("datetime64[M]")
    return np.where(known, stamps.astype(np.int64) + 1970 * 12, -1).astype(np.int32)
