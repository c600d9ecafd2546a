"""Parts of a change of cost: they add up to the last bit and fen, and mean what they say."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.projection.decomposition import (
    MEASURES,
    METHODS,
    State,
    decompose,
    levels,
)
from drg.errors import DrgError

COUNT = st.one_of(st.just(0), st.integers(1, 5000))
CELL = st.tuples(COUNT, st.floats(0, 3e5, allow_subnormal=False), st.floats(0.5, 2))
BOTH = st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8)
both_methods = pytest.mark.parametrize("method", METHODS)
both_measures = pytest.mark.parametrize("measure", list(MEASURES))


def states(cells) -> tuple[State, State]:
    found = []
    for side in (0, 1):
        cases, mean, price = (
            np.array([[cell[side][i] for cell in cells]], float) for i in range(3)
        )
        found.append(State.of(cases, cases * mean, price))
    return found[0], found[1]


@both_methods
@both_measures
@given(BOTH)
def test_parts_add_up_to_the_last_bit_and_fen(method, measure, cells):
    before, after = states(cells)
    held = decompose(before, after, measure=measure, method=method)
    if measure == "average" and not (before.cases.any() and after.cases.any()):
        assert not np.isfinite(held.total).any()
        assert held.table(["all"]).empty
        return
    running = held.before.copy()
    for part in held.parts.values():  # plainly added, in this order
        running = running + part
    assert (running == held.after).all()
    assert (sum(held.parts.values()) == held.total).all()
    fen = held.fen
    assert (sum(fen[name] for name in held.parts) == fen["to"] - fen["from"]).all()
    size = max(
        abs(held.before[0]), abs(held.after[0]), *(abs(p[0]) for p in held.parts.values()), 1
    )
    for name, part in held.parts.items():
        assert abs(fen[name][0] / 100 - part[0]) <= 0.02 + 1e-12 * size
        assert held.cells[name].sum() == pytest.approx(part[0], abs=1e-9 * size)
    plain = after.cost.sum() - before.cost.sum()
    if measure == "average":
        plain = after.cost.sum() / after.cases.sum() - before.cost.sum() / before.cases.sum()
    assert held.total[0] == pytest.approx(plain, abs=1e-12 * size)


@both_methods
@both_measures
@given(BOTH)
def test_reversal_turns_the_sign(method, measure, cells):
    before, after = states(cells)
    there = decompose(before, after, measure=measure, method=method)
    back = decompose(after, before, measure=measure, method=method)
    for name, part in there.parts.items():
        np.testing.assert_array_equal(part, -back.parts[name])
    assert (there.appeared == back.vanished).all()


def only(held, name):
    size = abs(held.total[0])
    assert held.parts[name][0] == pytest.approx(held.total[0], rel=1e-9)
    for other, part in held.parts.items():
        assert other == name or abs(part[0]) <= 1e-9 * size, other


@both_methods
@both_measures
@pytest.mark.parametrize("cause", ["price", "intensity", "case_mix", "volume"])
def test_one_cause_is_one_part(method, measure, cause):
    if (cause, measure) == ("volume", "average"):
        pytest.skip("an average has no volume")
    cases = np.array([[100.0, 50.0, 10.0, 0.0]])
    mean = np.array([[3000.0, 9000.0, 30000.0, 0.0]])
    before = State.of(cases, cases * mean)
    if cause == "price":
        after = State.of(cases, cases * mean * 1.07, 1.07)
    elif cause == "intensity":
        after = State.of(cases, cases * mean * [0.9, 1.2, 1.1, 1.0])
    elif cause == "case_mix":
        moved = np.array([[60.0, 80.0, 15.0, 5.0]])
        after = State.of(moved, moved * [3000.0, 9000.0, 30000.0, 700.0])
    else:
        after = State.of(cases * 1.5, cases * 1.5 * mean)
    only(decompose(before, after, method=method, measure=measure), cause)


@both_measures
@given(BOTH)
def test_shapley_is_the_mean_over_orders(measure, cells):
    """In fractions: every order in which the factors can change, one after another."""
    before, after = states(cells)
    if not (before.cases.any() and after.cases.any()):
        return
    held = decompose(before, after, measure=measure)

    def factors(mine, other):
        count, there = (Fraction(float(s.cases.sum())) for s in (mine, other))
        found = {"price": [], "case_mix": [], "intensity": [], "volume": count}
        for k in range(mine.cases.shape[1]):
            source = mine if mine.cases[0, k] else other
            n = Fraction(float(source.cases[0, k]))
            p = Fraction(float(source.price[0, k]))
            cost = Fraction(float(source.cost[0, k]))
            found["intensity"].append(cost / n / p if n else Fraction(0))
            found["price"].append(Fraction(float(mine.price[0, k])))
            found["case_mix"].append(Fraction(float(mine.cases[0, k])) / count)
        assert there
        return found

    ends = factors(before, after), factors(after, before)

    def value(which):
        rows = (ends[which[name]][name] for name in ("price", "case_mix", "intensity"))
        mean = sum(a * b * c for a, b, c in zip(*rows, strict=True))
        return mean * (ends[which["volume"]]["volume"] if measure == "total" else 1)

    names = list(held.parts)
    orders = list(permutations(names))
    sums = dict.fromkeys(names, Fraction(0))
    for order in orders:
        which = {"price": 0, "case_mix": 0, "intensity": 0, "volume": 0}
        for name in order:
            old = value(which)
            which[name] = 1
            sums[name] += value(which) - old
    size = float(max(abs(v) for v in (*sums.values(), value(which), 1)))
    for name in names:
        expected = float(sums[name] / len(orders))
        assert held.parts[name][0] == pytest.approx(expected, abs=1e-9 * size)


def test_by_hand():
    """Two groups: shares 0.5/0.5 -> 0.4/0.6, means 1000/3000 -> 1100/3300, price 1 -> 1.1."""
    before = State.of([[50, 50]], [[50_000, 150_000]])
    after = State.of([[40, 60]], [[44_000, 198_000]], 1.1)
    held = decompose(before, after)
    assert (held.before[0], held.after[0]) == (2000, 2420)
    # price: 0.1 x (2000 + 2200) / 2; mix: 0.1 x 2000 x (1 + 1.1) / 2
    assert {k: v[0] / 100 for k, v in held.fen.items()} == {
        "from": 2000, "price": 210, "case_mix": 210, "intensity": 0, "total": 420, "to": 2420,
    }  # fmt: skip


@both_methods
def test_groups_that_appear_and_vanish_are_case_mix(method):
    before = State.of([[10, 10, 0]], [[10_000, 40_000, 0]])
    after = State.of([[10, 0, 10]], [[10_000, 0, 80_000]])
    held = decompose(before, after, method=method)
    only(held, "case_mix")
    assert held.appeared.tolist() == [[False, False, True]]
    assert held.vanished.tolist() == [[False, True, False]]
    row = held.table(["all"]).iloc[0]
    assert (row["appeared"], row["vanished"]) == (1, 1)


@both_methods
def test_a_key_that_appears_is_volume(method):
    before = State.of([[0, 0], [5, 5]], [[0, 0], [500, 900]])
    after = State.of([[10, 20], [5, 5]], [[1000, 6000], [500, 900]])
    held = decompose(before, after, measure="total", method=method)
    assert held.parts["volume"].tolist() == [7000, 0]
    table = decompose(before, after, method=method).table(["new", "old"])
    assert list(table["key"]) == ["old"]


def region(seed):
    rng = np.random.default_rng(seed)
    cases = rng.poisson(5, (6, 20, 2)).astype(float)
    return State.of(cases, cases * rng.lognormal(9, 1, (1, 20, 1)) * rng.uniform(0.8, 1.2),
                    rng.uniform(0.9, 1.1, (6, 1, 1)))  # fmt: skip


@both_measures
def test_every_level(measure):
    before, after = region(1), region(2)
    table = levels(
        before, after, tier=[3, 3, 2, 2, 2, 1], hospitals=tuple("ABCDEF"), measure=measure,
        insurances=("employee", "resident"), groups=tuple(f"g{i}" for i in range(20)),
        only=("region", "tier", "hospital", "insurance", "group"),
    )  # fmt: skip
    assert table.groupby("level").size().to_dict() == {
        "region": 1, "tier": 3, "hospital": 6, "insurance": 2, "group": 20,
    }  # fmt: skip
    cents = (table.set_index(["level", "key"]).iloc[:, 1:8] * 100).round().astype(int)
    assert (cents[["price", "case_mix", "intensity", "volume"]].sum(axis=1) == cents["total"]).all()
    assert (cents["to"] - cents["from"] == cents["total"]).all()
    if measure == "total":
        whole = after.cost.sum() - before.cost.sum()
        for level, part in table.groupby("level"):
            assert part["total"].sum() == pytest.approx(whole, abs=0.2), level
    else:
        assert (table["volume"] == 0).all()


def test_price_of_summed_cells_keeps_price_and_intensity_apart():
    cases = np.full((4, 3, 2), 10.0)
    cost = cases * 500
    held = levels(
        State.of(cases, cost), State.of(cases, cost * 1.2, 1.2), tier=[3, 2, 2, 1],
        hospitals=tuple("ABCD"), insurances=("e", "r"), groups=("x", "y", "z"),
    )  # fmt: skip
    assert (held["price"] == 100).all()
    assert (held[["case_mix", "intensity"]] == 0).all().all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: State.of([[1]], [[1, 2]]), "cost: wrong shape"),
        (lambda: State.of([[0]], [[1]]), "cost without a case"),
        (lambda: State.of([[-1]], [[1]]), "cases: negative"),
        (lambda: State.of([[1]], [[1]], 0), "price: not above 0"),
        (lambda: State.of([[1]], [[1]], [1, 2, 3]), "price: wrong shape"),
        (lambda: decompose(State.of([[1]], [[1]]), State.of([[1, 1]], [[1, 1]])), "wrong shape"),
        (lambda: decompose(State.of([[1]], [[1]]), State.of([[1]], [[1]]), method="x"), "method"),
    ],
)
def test_what_is_wrong_is_said(make, message):
    with pytest.raises(DrgError, match=message):
        make()
