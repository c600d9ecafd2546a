"""Cases as arrays: what is read of each cell, and that parts put together are the whole."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.cases.claims import AMBIGUOUS, GROUPED, UNGROUPED, ClaimReader, joined
from drg.cases import columns_of
from drg.errors import DrgError
from tests.budget.region import cases_of, odd

GROUPS = ["AA19", "BB19", "BQY"]
HOSPITALS = ["A", "B"]


def reader(frame, year=2025, **more):
    columns = columns_of(list(frame.columns), None, "cases")
    return ClaimReader(columns, HOSPITALS, GROUPS, year, **more)


def read(frame, **more):
    table = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
    return reader(frame, **more).read(table.to_batches()[0])


def same(one, other):
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, dict):
            assert mine.keys() == theirs.keys()
            for key in mine:
                np.testing.assert_array_equal(mine[key], theirs[key])
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        elif isinstance(mine, pa.ChunkedArray):
            assert mine.to_pylist() == theirs.to_pylist()
        else:
            assert mine == theirs


def test_one_row():
    held = read(cases_of({"drg": " BB19 ", "hospital_id": "B", "insurance": "居民",
                          "total_cost": "1234.565", "discharge_date": "2025-12-31",
                          "population": "poor"}), populations=["poor"], persons=True)  # fmt: skip
    assert (held.group[0], held.kind[0], held.hospital[0], held.insurance[0]) == (1, GROUPED, 1, 1)
    assert held.month[0] == 11
    assert held.cost[0] == 123457
    assert held.populations[held.population[0]] == "poor"
    assert held.day[0] == (pd.Timestamp("2025-12-31") - pd.Timestamp("1970-01-01")).days
    assert held.person[0] == 0  # unknown


@pytest.mark.parametrize(
    ("drg", "kind"),
    [("AA19", GROUPED), ("ZZ99", GROUPED), ("0000", UNGROUPED), ("", UNGROUPED),
     (None, UNGROUPED), ("OOOO", UNGROUPED), ("BQY", AMBIGUOUS), ("FQY", AMBIGUOUS)],
)  # fmt: skip
def test_kinds_of_group(drg, kind):
    assert read(cases_of({"drg": drg})).kind.tolist() == [kind]


@pytest.mark.parametrize(
    ("cell", "fen"),
    [("0.01", 1), ("1e3", 100000), (12.345, 1235), ("1,234.50", 123450), ("12,34.50", 0),
     ("-1", 0), ("0", 0), ("", 0), (None, 0), ("abc", 0), ("nan", 0), ("inf", 0)],
)  # fmt: skip
def test_costs(cell, fen):
    frame = cases_of({}).astype(object)
    frame["total_cost"] = pd.Series([cell], dtype=object)
    assert read(frame).cost.tolist() == [fen]


@pytest.mark.parametrize(
    ("cell", "month"),
    [("2025-01-01", 0), ("2025-12-31", 11), ("2024-12-31", -1), ("2026-01-01", -1), ("", -1),
     (None, -1), ("2025-02-30", -1), ("20250615", 5), ("2025/6/15", 5)],
)  # fmt: skip
def test_months_of_the_year(cell, month):
    assert read(cases_of({"discharge_date": cell})).month.tolist() == [month]


@pytest.mark.parametrize(
    ("cell", "flag"),
    [("1", True), (1, True), (True, True), ("是", True), ("Y", True), ("true", True), ("0", False),
     (0, False), ("否", False), ("", False), (None, False), ("2", False)],
)  # fmt: skip
def test_flags(cell, flag):
    frame = cases_of({})
    frame["special_review"] = pd.Series([cell], dtype=object if isinstance(cell, str) else None)
    assert read(frame).flags["special_review"].tolist() == [flag]


def test_amounts_are_not_negative():
    frame = cases_of({}, {}, {}).assign(fund_paid=[-5.0, None, 3.335])
    assert read(frame).amounts["fund_paid"].tolist() == [0, 0, 334]


def test_the_same_person_has_the_same_key_and_ids_are_trimmed():
    frame = cases_of(*({"patient_id": p} for p in ("p1", " p1 ", "p2", "", "无", None)))
    key = read(frame, persons=True).person
    assert key[0] == key[1] != key[2]
    assert key[3] == key[5] == 0
    assert read(frame).person is None


@pytest.mark.parametrize(
    "missing", ["drg", "hospital_id", "insurance", "discharge_date", "total_cost"]
)
def test_a_missing_column_is_named(missing):
    frame = cases_of({}).drop(columns=missing)
    with pytest.raises(DrgError, match=missing) as caught:
        reader(frame)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 60), st.lists(st.integers(0, 60), max_size=4), st.integers(0, 10**6))
def test_parts_put_together_are_the_whole(size, cuts, seed):
    frame = odd(size, seed)
    whole = read(frame, persons=True)
    bounds = sorted({0, size, *(min(cut, size) for cut in cuts)})
    pairs = list(pairwise(bounds))
    same(joined([read(frame.iloc[a:b], persons=True) for a, b in pairs]), whole)
    same(joined([whole.slice(a, b) for a, b in pairs]), whole)
    same(whole.take(np.arange(size)), whole)
    mask = np.arange(size) % 2 == 0
    same(whole.take(mask), whole.take(np.flatnonzero(mask)))
    assert len(whole) == size


def test_dictionaries_with_nulls_read_like_plain_text():
    frame = odd(80, 5)
    plain = pa.Table.from_pandas(frame, preserve_index=False)
    coded = pa.table({
        name: column.combine_chunks().dictionary_encode()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else column
        for name, column in zip(plain.column_names, plain.columns, strict=True)
    })  # fmt: skip
    held = reader(frame, persons=True)
    same(held.read(coded.combine_chunks().to_batches()[0]),
         held.read(plain.combine_chunks().to_batches()[0]))  # fmt: skip


def test_codes_are_found_by_their_beginning():
    frame = cases_of(*({"diagnoses": d, "procedures": p} for d, p in (
        ("M54.5|I10", "17.42|99"), ("I10|M54.5", "99;17.4"), (" M54", "9917.4"), ("XM54", ""),
        (None, None),
    )))  # fmt: skip
    held = read(frame, diseases=[["L20"], ["M54", "M51"]], technologies=[["17.4"]])
    assert held.disease.tolist() == [1, -1, 1, -1, -1]
    assert held.technology.tolist() == [0, 0, -1, -1, -1]
    # a dot is a dot
    assert read(cases_of({"procedures": "1734"}), technologies=[["17.4"]]).technology[0] == -1
