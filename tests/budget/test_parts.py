"""A year that is settled part by part from scratch files comes to the same fen as one in memory."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget import policies
from budget.cases.hospitals import hospitals_of
from budget.cases.parts import OnDisk
from budget.settlement.settled import Kept, settle, settle_cases
from drg.errors import DrgError
from tests.amount import tries
from tests.budget.region import HOSPITALS, YEAR, claims_of, odd, tables, weight_table
from tests.budget.test_oracle import CHANGES, LAST_YEAR, cases, varied

HELD = hospitals_of(HOSPITALS)


def by_parts(claims, policy, ends, portion):
    """The same cases from scratch files, added in parts that end at some places."""
    weights = weight_table()
    bounds = [0, *sorted(ends), len(claims)]
    with (
        TemporaryDirectory() as folder,
        patch("budget.cases.parts._PORTION", portion),
        patch("budget.price.year._TURN", portion),
        patch("budget.pools.sharing._SLICE", portion),
    ):
        held = OnDisk(Path(folder), len(HELD), len(weights.frame))
        for start, stop in pairwise(bounds):
            held.add(claims.slice(start, stop), ())
        kept = Kept(len(claims))
        found = settle_cases(held, weights, policy, HELD, YEAR, kept.keep, last_year=LAST_YEAR)
        return kept.settlement(found, claims)


@given(
    st.sampled_from(sorted(policies())),
    st.dictionaries(st.sampled_from(sorted(CHANGES)), st.none(), max_size=4),
    st.booleans(), st.booleans(), st.booleans(), st.integers(0, 10**6), st.data(),
)  # fmt: skip
@settings(max_examples=tries(60, 1500), deadline=None)
def test_part_by_part_is_the_same_fen(name, changed, by_item, strange, by_ratio, seed, data):
    policy = varied(name, {key: data.draw(CHANGES[key]) for key in changed})
    if by_ratio:
        policy = policy.replace("benefit.fund_formula", "by_ratio")
    size = data.draw(st.integers(30, 120))
    frame = odd(size, seed) if strange else cases(size, seed)
    if not by_item:
        frame = frame.drop(columns="fund_paid", errors="ignore")
    claims = claims_of(frame, policy, HELD)
    ends = data.draw(st.lists(st.integers(1, size - 1), unique=True, max_size=4))
    portion = data.draw(st.integers(3, 50))
    try:
        whole = settle(claims, weight_table(), policy, HELD, YEAR, last_year=LAST_YEAR)
    except DrgError as error:  # the pool decides the value of a point
        assert by_ratio
        with pytest.raises(DrgError, match="fund_formula") as caught:
            by_parts(claims, policy, ends, portion)
        assert str(caught.value) == str(error)
        return
    parts = by_parts(claims, policy, ends, portion)
    assert str(parts.pools) == str(whole.pools)  # NaN is NaN
    assert parts.warnings == whole.warnings
    for one, other in zip(tables(parts).values(), tables(whole).values(), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_no_scratch_file_stays_that_is_not_needed(tmp_path):
    policy = varied("national-default", {})
    frame = cases(60, 1)
    claims = claims_of(frame, policy, HELD)
    held = OnDisk(tmp_path, len(HELD), len(weight_table().frame))
    for start in range(0, 60, 20):
        held.add(claims.slice(start, start + 20), ())
    with patch("budget.cases.parts._PORTION", 7):
        seen = [list(rows) for rows, _ in held.people()]
    assert sorted(row for rows in seen for row in rows) == list(range(60))
    assert len(seen) > 5
    assert [path.name for path in tmp_path.iterdir()] == ["cases"]


def test_cases_that_share_a_key_come_together(tmp_path):
    claims = claims_of(cases(90, 2), varied("national-default", {}), HELD)
    held = OnDisk(tmp_path, len(HELD), len(weight_table().frame))
    for start in range(0, 90, 30):
        held.add(claims.slice(start, start + 30), ())

    def keys(some):
        return some.cost.astype(np.uint64) % np.uint64(60) << np.uint64(58)

    with patch("budget.cases.parts._PORTION", 7):
        seen = [set(rows.tolist()) for rows, _ in held.people(keys)]
    key = keys(claims)
    groups = [set(np.flatnonzero(key == one).tolist()) for one in np.unique(key) if one]
    shared = [group for group in groups if len(group) > 1]
    assert all(any(group <= rows for rows in seen) for group in shared)
    assert set.union(*seen) == set.union(*shared)
