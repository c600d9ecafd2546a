from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from drg.money import allocate, to_fen, to_yuan

amounts = st.integers(-(10**14), 10**14)
decimals = st.decimals(-(10**9), 10**9, places=3, allow_nan=False)


@given(st.lists(decimals, min_size=1, max_size=30))
def test_yuan_round_as_the_decimals_they_print(values):
    expected = [int((v * 100).quantize(Decimal(1), ROUND_HALF_UP)) for v in values]
    assert to_fen([float(v) for v in values]).tolist() == expected


@given(st.lists(st.integers(-(10**15), 10**15), max_size=30))
def test_fen_survive_the_way_through_yuan(fen):
    assert to_fen(to_yuan(fen)).tolist() == fen


@given(amounts, st.lists(st.floats(0, 1e9), min_size=1, max_size=20).filter(lambda s: sum(s) > 0))
def test_parts_add_up_and_follow_the_shares(total, shares):
    parts = allocate(total, shares)
    assert parts.sum() == total
    assert np.array_equal(parts, allocate(total, shares))
    exact = np.array(shares) / sum(shares) * total
    assert (np.abs(parts - exact) <= 1 + abs(total) * 1e-12).all()
    assert (parts[np.array(shares) == 0] == 0).all()


def test_rows_are_allocated_each_for_itself():
    parts = allocate([100, -100, 0], [[1, 1, 1], [1, 1, 1], [0, 0, 0]])
    assert parts.tolist() == [[34, 33, 33], [-34, -33, -33], [0, 0, 0]]


def test_bad_money_is_refused():
    with pytest.raises(DrgError, match="missing, infinite"):
        to_fen([1.0, float("nan")])
    with pytest.raises(DrgError, match="every share is 0"):
        allocate(1, [0, 0])
    with pytest.raises(DrgError, match="negative"):
        allocate(1, [1, -1])
