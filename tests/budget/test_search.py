"""Policy search: known optima, what cannot be, and the trade-off curve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.search.solve import Parameter, Target, search, trade_off
from drg.errors import DrgError
from tests.amount import tries

TWO = [Parameter("a", 0, -10, 10, scale=1), Parameter("b", 0, -10, 10, scale=1)]


def test_nothing_changes_where_targets_hold():
    found = search(lambda p: {"sum": p["a"] + p["b"]}, TWO, [Target("sum", high=1)])
    assert found.feasible
    assert found.change == 0
    assert found.parameters == {"a": 0, "b": 0}


@settings(deadline=None, max_examples=tries(25))
@given(st.floats(0.2, 5), st.floats(0.2, 5), st.floats(0.2, 4), st.floats(0.2, 4), st.floats(1, 8))
def test_least_change_on_a_line(w1, w2, c1, c2, bound):
    """min w.x^2 with c.x >= bound: x = bound (c/w) / sum(c^2/w), unless it leaves the range."""
    expected = bound * np.array([c1 / w1, c2 / w2]) / (c1**2 / w1 + c2**2 / w2)
    wide = [Parameter("a", 0, -99, 99, 1, w1), Parameter("b", 0, -99, 99, 1, w2)]
    found = search(lambda p: {"y": c1 * p["a"] + c2 * p["b"]}, wide, [Target("y", low=bound)],
                   starts=2)  # fmt: skip
    assert found.feasible
    np.testing.assert_allclose(list(found.parameters.values()), expected, rtol=1e-4, atol=1e-4)
    assert found.reached[0].binding


def test_a_circle_and_a_kink():
    """Nearest point of a circle, and of a roof: max(a, b) >= 2 has two optima."""
    ring = [Parameter("a", 3, -10, 10, 1), Parameter("b", 4, -10, 10, 1)]
    found = search(lambda p: {"r": np.hypot(p["a"], p["b"])}, ring, [Target("r", high=1)])
    np.testing.assert_allclose(list(found.parameters.values()), [0.6, 0.8], atol=1e-5)
    roof = search(lambda p: {"m": max(p["a"], p["b"])}, TWO, [Target("m", low=2)])
    assert roof.feasible
    assert roof.change == pytest.approx(4, abs=1e-4)


def test_rates_that_balance_a_fund_and_spare_every_hospital():
    """Three hospitals, two rates: outcomes are linear, so the answer is checked on a grid."""
    worth = np.array([[900.0, 0], [0, 500], [0, 300]])
    cost = np.array([950.0, 520, 330])

    def evaluate(p):
        paid = worth @ [p["tier3"], p["tier2"]]
        return {"balance": 1700 - paid.sum(), "gain": paid / cost - 1}

    rates = [Parameter("tier3", 1, 0.5, 1.5, 0.1), Parameter("tier2", 1, 0.5, 1.5, 0.1)]
    targets = [Target("balance", low=0), Target("gain", low=-0.08, scale=0.01)]
    found = search(evaluate, rates, targets)
    assert found.feasible
    best = min(
        (((a - 1) / 0.1) ** 2 + ((b - 1) / 0.1) ** 2, a, b)
        for a in np.linspace(0.9, 1.1, 401) for b in np.linspace(0.9, 1.1, 401)
        if 900 * a + 800 * b <= 1700 and (worth @ [a, b] / cost - 1).min() >= -0.08
    )  # fmt: skip
    assert found.change == pytest.approx(best[0], abs=0.02)
    np.testing.assert_allclose(list(found.parameters.values()), best[1:], atol=1.5e-3)


def test_what_cannot_be_is_explained():
    small = [Parameter("a", 0, -1, 1, 1)]
    never = search(lambda p: {"y": p["a"], "z": p["a"]}, small,
                   [Target("y", low=3, zh="结余", en="balance"), Target("z", high=2)])  # fmt: skip
    assert not never.feasible
    assert never.parameters["a"] == pytest.approx(1, abs=1e-4)
    first, second = never.reached
    assert (first.met, first.alone, second.met) == (False, False, True)
    assert first.gap == pytest.approx(2, abs=1e-4)
    assert never.message.startswith("cannot be met within the ranges: balance: nearest 1")
    assert never.message_zh.startswith("在允许范围内无法达到：结余")
    apart = search(lambda p: {"y": p["a"], "z": p["a"]}, small,
                   [Target("y", low=0.5, scale=1), Target("z", high=-0.5, scale=1)])  # fmt: skip
    assert not apart.feasible
    assert all(one.alone for one in apart.reached)
    assert "not all together" in apart.message
    assert apart.parameters["a"] == pytest.approx(0, abs=1e-4)


def test_the_trade_off_curve():
    """y = a + b >= bound: the least change is bound^2 / 2, up to the end of the ranges."""
    table = trade_off(lambda p: {"y": p["a"] + p["b"]}, TWO, [Target("y", low=0)], "y",
                      [0, 1, 2, 4, 30], starts=2)  # fmt: skip
    np.testing.assert_allclose(table["change"][:4], [0, 0.5, 2, 8], atol=1e-5)
    assert list(table["feasible"]) == [True] * 4 + [False]
    assert table["y"][4] == pytest.approx(20, abs=1e-3)
    assert table["change"].is_monotonic_increasing


def test_it_is_the_same_each_time_and_asks_once_for_each_point():
    asked = []

    def evaluate(p):
        asked.append(tuple(p.values()))
        return {"y": p["a"] ** 2 + p["b"]}

    one = search(evaluate, TWO, [Target("y", low=5, high=6)])
    assert len(asked) == one.evaluations
    again = search(evaluate, TWO, [Target("y", low=5, high=6)])
    assert one.parameters == again.parameters


def test_outcomes_in_whole_fen():
    """Steps of a fen and a start on them: a wider difference sees the slope."""
    found = search(
        lambda p: {"y": round(1000 * p["a"], 2)}, TWO, [Target("y", low=2500)], step=1e-3
    )
    assert found.parameters["a"] == pytest.approx(2.5, abs=1e-4)
    assert found.parameters["b"] == pytest.approx(0, abs=1e-4)


@settings(deadline=None, max_examples=tries(15))
@given(st.floats(0.3, 3), st.floats(0.3, 3), st.floats(1, 8))
def test_multiples_of_a_step_are_the_best_of_all(c1, c2, bound):
    """On a grid of halves and 0.2, the least change is that of trying every point."""
    steps = [replace(TWO[0], grid=0.5), replace(TWO[1], grid=0.2)]
    found = search(lambda p: {"y": c1 * p["a"] + c2 * p["b"]}, steps, [Target("y", low=bound)],
                   starts=2)  # fmt: skip
    a, b = np.meshgrid(np.arange(-20, 21) * 0.5, np.arange(-50, 51) * 0.2)
    there = c1 * a + c2 * b >= bound * (1 - 1e-6)
    if not there.any():
        assert not found.feasible
        return
    assert found.feasible
    assert found.change <= (a**2 + b**2)[there].min() * 1.02 + 1e-9
    for one, value in zip(steps, found.parameters.values(), strict=True):
        assert value / one.grid == pytest.approx(round(value / one.grid))


def test_what_is_in_force_need_not_be_a_multiple():
    odd = [Parameter("a", 0.13, 0, 1, grid=0.5)]
    assert search(lambda p: {"y": p["a"]}, odd, [Target("y", low=0.1)]).parameters["a"] == 0.13
    assert search(lambda p: {"y": p["a"]}, odd, [Target("y", low=0.2)]).parameters["a"] == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parameter("a", 5, 0, 1), "a: not inside its range"),
        (lambda: Parameter("a", 0, 0, 1, weight=0), "a: weight"),
        (lambda: search(lambda p: {}, [], []), "nothing may change"),
        (lambda: search(lambda p: {"y": 1}, TWO, [Target("x", low=1)]), "x: no such outcome"),
        (lambda: trade_off(lambda p: {"y": 1}, TWO, [], "x", [1]), "no such target"),
    ],
)
def test_what_is_wrong_is_said(make, message):
    with pytest.raises(DrgError, match=message):
        make()
