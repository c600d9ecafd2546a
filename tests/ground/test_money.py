from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from drg.money import (
    Exact,
    adding_up,
    allocate,
    blend,
    decimal,
    divided,
    edge,
    ratio,
    rounded,
    sign,
    times,
    to_decimals,
    to_fen,
    to_yuan,
    whole,
)  # fmt: skip

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


def half_up(exact: Decimal) -> int:
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


factors = st.decimals(0, 30, places=6).map(float)


@given(st.lists(st.integers(-(10**16), 10**16), min_size=1, max_size=20), factors, factors,
       st.integers(1, 12))  # fmt: skip
def test_products_round_once_as_decimals_do(fen, one, other, per):
    exact = [Decimal(f) * Decimal(repr(one)) * Decimal(repr(other)) / per for f in fen]
    assert times(fen, one, other, per=per).tolist() == [half_up(e) for e in exact]
    down = [int(e.quantize(Decimal(1), ROUND_FLOOR)) for e in exact]
    assert times(fen, one, other, per=per, down=True).tolist() == down
    both = [half_up(Decimal(f) * Decimal(repr(one)) - Decimal(repr(other))) for f in fen]
    assert blend((fen, one), (-1, other)).tolist() == both


def test_factors_and_sizes_that_no_amount_can_have():
    with pytest.raises(DrgError, match="missing or infinite"):
        times(1, np.nan)
    with pytest.raises(DrgError, match="too large"):
        times(10**18, 30)
    numerators, common = decimal(np.array([0.95, 1.0, 0.5, 1e-11])).ratio(np.arange(4))
    assert [Fraction(int(one), common) for one in numerators] == [
        Fraction(19, 20),
        Fraction(1),
        Fraction(1, 2),
        Fraction(1, 10**11),
    ]
    assert whole([1, 2], "x").dtype == np.int64


def printed(value: float) -> Fraction:
    return Fraction(repr(float(value)))


def nearest(exact: Fraction) -> int:
    """Halves away from zero."""
    size = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return size if exact >= 0 else -size


fen = st.integers(0, 10**11)
figures = st.one_of(
    st.sampled_from([0.5, 0.7, 0.25, 0.05, 0.005, 1.7, 2.0, 1 / 3, 0.1 + 0.2]),
    st.decimals(0, 30, places=4).map(float), st.floats(0, 1e3),
)  # fmt: skip


@given(st.lists(st.tuples(fen, fen, figures), min_size=1, max_size=12), figures, figures,
       st.integers(0, 6))  # fmt: skip
def test_sums_of_products_and_quotients_are_rounded_as_fractions(rows, share, other, places):
    one, two, per_row = (np.array(held) for held in zip(*rows, strict=True))
    terms = (
        ratio(one, 100) * decimal(share) * decimal(per_row),
        -(ratio(two, 100) * decimal(other)),
        ratio(one, 100) * decimal(per_row) / ratio(two + 1, 7),
    )
    exact = [
        Fraction(a, 100) * printed(share) * printed(f) - Fraction(b, 100) * printed(other)
        + Fraction(a, 100) * printed(f) / Fraction(b + 1, 7)
        for a, b, f in rows
    ]  # fmt: skip
    if max(map(abs, exact)) * 10**places < 2**62:
        assert rounded(*terms, unit=10**places).tolist() == [nearest(e * 10**places) for e in exact]
    if max(map(abs, exact)) * 10 < 2**62:
        assert rounded(*terms, unit=10, down=True).tolist() == [
            (e * 10).numerator // (e * 10).denominator for e in exact
        ]
    assert sign(*terms).tolist() == [(e > 0) - (e < 0) for e in exact]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30), st.sampled_from([1, 3, 7, 9, 11]))
def test_every_row_may_be_a_tie(whole_fen, odd):
    # c - S / 2 of amounts that make exactly half a fen, whatever their size
    cost = np.array(whole_fen)
    standard = 2 * cost + odd
    amount = rounded(ratio(cost, 100), -(ratio(standard, 100) * decimal(0.5)), unit=100)
    assert amount.tolist() == [nearest(Fraction(-odd, 2))] * len(cost)
    assert rounded(ratio(standard, 2)).tolist() == [c + (odd + 1) // 2 for c in whole_fen]
    assert sign(ratio(standard, 100), -(ratio(cost * 2 + odd, 100) * decimal(1.0))).max() == 0


def test_half_fen_of_the_rules_of_harbin_and_linfen():
    cost, standard = ratio(np.array([17_272_499]), 100), decimal(np.array([69_090.0]))
    high = cost * decimal(0.5), standard * decimal(1.7), -(standard * decimal(0.5) * decimal(2.0))
    assert rounded(*high, unit=100).tolist() == [13_472_550]  # 134,725.495
    assert (
        to_decimals(2, decimal(np.array([5444.33, np.nan])) * decimal(2.5)).tolist()[0] == 13610.83
    )
    assert np.isnan(to_decimals(2, decimal(np.array([np.nan]))))


@given(st.lists(st.decimals(0, 100, places=6).map(float), min_size=1, max_size=20),
       st.integers(0, 6))  # fmt: skip
def test_decimals_are_those_that_are_printed(values, places):
    found = to_decimals(places, decimal(np.array(values)))
    exact = [Decimal(repr(v)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) for v in values]
    assert found.tolist() == [float(one) for one in exact]


@given(st.integers(0, 10**9), st.integers(0, 4), st.booleans())
def test_half_up_is_exact_for_the_decimals_that_a_product_stands_for(number, decimals, negative):
    """Every decimal with one digit more than is kept, and products that give one."""
    exact = Decimal(number).scaleb(-decimals - 1) * (-1 if negative else 1)
    wanted = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert to_decimals(decimals, decimal(np.array([float(exact)])))[0] == float(wanted)


@given(st.integers(1, 999_999), st.integers(1, 99_999))
def test_half_up_of_rate_times_weight(rate, weight):
    exact = Decimal(rate).scaleb(-2) * Decimal(weight).scaleb(-4)
    one, two = (decimal(np.array([figure])) for figure in (rate / 100, weight / 10_000))
    ours = to_decimals(2, one * two)[0]
    assert ours == float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def test_half_up_keeps_what_is_missing_or_too_large_to_round():
    found = to_decimals(2, decimal(np.array([np.nan, 0.0, -0.005, 2e12, 1e17])))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [0.0, -0.01, 2e12, 1e17]


def largest_remainder(total: int, shares: list[Fraction]) -> list[int]:
    exact = [abs(total) * one / sum(shares) for one in shares]
    parts = [int(one) for one in exact]
    first = sorted(range(len(shares)), key=lambda i: (parts[i] - exact[i], i))
    for i in first[: abs(total) - sum(parts)]:
        parts[i] += 1
    return [part if total >= 0 else -part for part in parts]


shares = st.one_of(
    st.lists(st.integers(0, 5), min_size=1, max_size=9),
    st.lists(st.integers(0, 10**15), min_size=1, max_size=5),
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.7, 1 / 3]), min_size=1, max_size=9),
    st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=5),
).filter(lambda held: sum(held) > 0)


@given(amounts, shares)
def test_parts_are_those_of_fractions_ties_to_the_earlier(total, held):
    exact = [Fraction(one) if isinstance(one, int) else printed(one) for one in held]
    assert allocate(total, held).tolist() == largest_remainder(total, exact)


def test_totals_of_several_dimensions_meet_the_shares_of_each():
    totals, held = np.array([[100, 7, -9], [1, 0, 50]]), np.array([[1, 1, 1], [0, 2, 1], [3, 0, 4]])
    parts = allocate(totals, held)
    assert parts.shape == (2, 3, 3)
    for place in np.ndindex(2, 3):
        assert parts[place].tolist() == allocate(totals[place], held[place[1]]).tolist()
    assert allocate(100, held[:2]).tolist() == [[34, 33, 33], [0, 67, 33]]


estimates = st.lists(st.one_of(st.just(0.0), st.floats(-1e6, 1e6)), min_size=1, max_size=8)


@given(estimates, st.integers(-20, 20))
def test_estimates_are_rounded_to_their_total(exact, off):
    """What rounding leaves is spread evenly, and first over the parts that it fits best."""
    near = [round(one) for one in exact]
    total = sum(near) + off
    found = adding_up(np.array([exact, exact]), np.array([total, sum(near)]))
    assert found[1].tolist() == near
    assert found[0].sum() == total
    step = 1 if off > 0 else -1
    gain = [(one - whole_) * step if one else -np.inf
            for one, whole_ in zip(exact, near, strict=True)]  # fmt: skip
    each, more = divmod(abs(off), len(exact))
    best = sorted(range(len(exact)), key=lambda i: (-gain[i], i))[:more]
    assert found[0].tolist() == [one + step * (each + (i in best)) for i, one in enumerate(near)]


def test_what_cannot_be_divided_exactly_is_refused():
    one = np.array([1])
    assert divided(one, (1 << 63) - 1, (1 << 61) - 1)[0].tolist() == [4]
    assert divided(np.array([1 << 50]), 3, 3)[0].tolist() == [1 << 50]
    for factor, above, below in ((one, 1 << 63, 1), (one, 1, 1 << 61), (one, 1, 0), (one, -1, 1),
                                 (np.array([(1 << 50) + 1]), 3, 3)):  # fmt: skip
        with pytest.raises(DrgError, match="too large"):
            divided(factor, above, below)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.integers(0, 10**16),
       st.integers(1, 10**15))  # fmt: skip
def test_quotients_beyond_64_bits_are_exact(factors_, above, below):
    if max(factors_) * above // below >= 1 << 50:
        return
    quotient, rest = divided(np.array(factors_), above, below)
    assert quotient.tolist() == [f * above // below for f in factors_]
    assert rest.tolist() == [f * above % below for f in factors_]


counted = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=30)


@given(counted, st.data())
def test_the_edge_of_the_largest_remainders(held, data):
    rest, count = (np.array(column) for column in zip(*held, strict=True))
    if not count.any():
        return
    left = data.draw(st.integers(1, int(count.sum())))
    each = sorted(np.repeat(rest, count).tolist(), reverse=True)
    some = data.draw(st.integers(0, len(rest)))
    parts = (rest[:some], count[:some]), (rest[some:], count[some:])
    least, taken = edge(parts, left)
    assert least == each[left - 1]
    assert taken == sum(one > least for one in each)


def test_exact_numbers_can_be_taken_by_row():
    held: Exact = decimal(np.array([0.25, 1.5, 2.5])) * decimal(2.0)
    assert rounded(held[np.array([2, 0])]).tolist() == [5, 1]
    assert rounded(held[np.array([True, False, True])]).tolist() == [1, 5]
    assert rounded(decimal(Fraction(1, 3)), ratio(np.array([1, 4]), 6)).tolist() == [1, 1]


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.uint32, np.int64, np.uint64])
def test_whole_numbers_of_any_width_are_the_same(kind):
    large = int(min(2_000_000_001, np.iinfo(kind).max))
    assert times(np.array([large], kind), 1.5).tolist() == [(3 * large + 1) // 2]
    assert allocate(10, np.array([large, large], kind)).tolist() == [5, 5]
    assert rounded(ratio(np.array([large], kind), 8), unit=100).tolist() == [
        int(Fraction(large * 100, 8) + Fraction(1, 2))
    ]


@pytest.mark.parametrize(
    "wrong",
    [lambda: times(1.5, 1.0), lambda: allocate(99.9, [1, 1, 1]), lambda: times(np.nan, 1.0),
     lambda: allocate(np.array(2**63 + 5, np.uint64), [1, 1]),
     lambda: whole(np.array([2**63], np.uint64), "k")],
)  # fmt: skip
def test_what_is_not_whole_or_too_large_is_refused(wrong):
    with pytest.raises(DrgError):
        wrong()


def test_floats_of_32_bits_stand_for_what_they_print():
    import pyarrow as pa

    from drg.cases.amounts import read_amounts, read_yuan

    held = np.array([1.005, 0.015, 1.015], np.float32)
    assert to_fen(held).tolist() == [101, 2, 102]
    fen, blank, unreadable = read_amounts(
        pa.array([*held, np.float32("nan"), None, 1e7], pa.float32())
    )
    assert fen.tolist() == [101, 2, 102, 0, 0, 10**9]
    assert blank.tolist() == [False, False, False, True, True, False]
    assert not unreadable.any()
    cells = pa.array([13966.47, 26613.76, None]).cast(pa.decimal128(18, 2))
    assert read_yuan(cells)[0].tolist()[:2] == [13966.47, 26613.76]
