"""Columns of every type that Parquet has: what their cells say, and never a crash."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from drg.cases.amounts import read_amounts
from drg.cases.dates import read_dates
from drg.cases.texts import as_text
from drg.cases.values import NUMBERS, read_number, read_sex, read_text

DAY, MOMENT = dt.date(2025, 3, 1), dt.datetime(2025, 3, 1, 8, 30)
# of a name: a column that says 12, then nothing
TWELVES = {
    "text": pa.array(["12", None]),
    "large text": pa.array(["12", None], pa.large_string()),
    "text view": pa.array(["12", None], pa.string_view()),
    "decimal": pa.array([Decimal("12.00"), None], pa.decimal128(18, 2)),
    "decimal256": pa.array([Decimal(12), None], pa.decimal256(40, 2)),
    "dictionary": pa.array(["12", None]).dictionary_encode(),
    "large dictionary": pa.array(["12", None], pa.large_string()).dictionary_encode(),
    "dictionary of numbers": pa.array([12, None], pa.int64()).dictionary_encode(),
    "list": pa.array([["12"], None], pa.list_(pa.string())),
    "large list": pa.array([["12"], None], pa.large_list(pa.large_string())),
    "list of lists": pa.array([[["12"]], None], pa.list_(pa.list_(pa.string()))),
    "uint64": pa.array([12, None], pa.uint64()),
    "int8": pa.array([12, None], pa.int8()),
    "half": pa.array([np.float16(12), None], pa.float16()),
    "bytes": pa.array([b"12", None], pa.binary()),
    "large bytes": pa.array([b"12", None], pa.large_binary()),
    "fixed bytes": pa.array([b"12", None], pa.binary(2)),
    "runs": pa.RunEndEncodedArray.from_arrays([1, 2], pa.array(["12", None])),
}
DAYS = {
    "date32": pa.array([DAY, None], pa.date32()),
    "date64": pa.array([DAY, None], pa.date64()),
    "zoned": pa.array([MOMENT, None], pa.timestamp("us")).cast(pa.timestamp("ms", "UTC")),
    "local": pa.array([MOMENT, None], pa.timestamp("ns")),
    "unknown zone": pa.array([MOMENT, None], pa.timestamp("us", "Mars/Olympus")),
    "bytes": pa.array([b"2025-03-01", None]),
    "list": pa.array([["2025-03-01"], None], pa.list_(pa.string())),
}  # fmt: skip
# what says no number and no day
OTHERS = {
    "true": pa.array([True, False]),
    "struct": pa.array([{"a": 1}, {"a": 2}]),
    "map": pa.array([[("a", "1")], [("b", "2")]], pa.map_(pa.string(), pa.string())),
    "list of structs": pa.array([[{"a": 1}], [{"a": 2}]]),
    "two of a list": pa.array([["1", "2"], ["3", "4"]]),
    "letters": pa.array([b"abcd", b"zz"]),
    "bytes that are no text": pa.array([b"\xff\xfe\x00", b"\x80"]),
    "text of other bytes": pa.Array.from_buffers(pa.string(), 2, [
        None, pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"\xff\x81"),
    ]),
    "time": pa.array([dt.time(1, 2)] * 2),
    "duration": pa.array([dt.timedelta(1)] * 2),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"a" * 16] * 2, pa.binary(16))),
}  # fmt: skip


@pytest.mark.parametrize("name", TWELVES)
def test_a_number_of_any_type(name: str) -> None:
    column = TWELVES[name]
    fen, blank, bad = read_amounts(column)
    assert (fen.tolist(), blank.tolist(), bad.tolist()) == ([1200, 0], [False, True], [False] * 2)
    values, bad = read_number(column, NUMBERS["age"])
    assert values[0] == 12
    assert np.isnan(values[1])
    assert not bad.any()
    assert read_text(column).to_pylist()[0].rstrip("0").rstrip(".") == "12"


@pytest.mark.parametrize("name", DAYS)
def test_a_day_of_any_type(name: str) -> None:
    days, bad = read_dates(DAYS[name])
    assert days[0] == (DAY - dt.date(1970, 1, 1)).days
    assert np.isnan(days[1])
    assert not bad.any()


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_number_is_told(name: str) -> None:
    column = OTHERS[name]
    for read in (lambda c: read_amounts(c)[2], lambda c: read_number(c, NUMBERS["age"])[1],
                 lambda c: read_dates(c)[1]):  # fmt: skip
        assert read(column).tolist() == [True, True]
    read_sex(column)
    assert len(read_text(column)) == len(as_text(column)) == 2


def test_nothing_at_all_is_blank() -> None:
    nothing = pa.nulls(2)
    assert read_amounts(nothing)[1].all()
    assert np.isnan(read_dates(nothing)[0]).all()
    assert read_text(nothing).to_pylist() == ["", ""]


def test_numbers_and_days_beyond_all_bounds_are_told() -> None:
    for column in (pa.array([2**64 - 1], pa.uint64()), pa.array([1e308]), pa.array([float("inf")])):
        assert read_amounts(column)[2].all()
    for unit, ticks in (("us", 2**60), ("s", 2**40), ("s", -(2**40))):
        assert read_dates(pa.array([ticks], pa.timestamp(unit)))[1].all()
