"""Equilibria of a point pool against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from budget.projection.cells import Cells
from budget.projection.equilibrium import reactions
from budget.projection.years import project
from drg.errors import DrgError
from tests.budget.equilibrium_oracle import (
    best_reply,
    elastic_value,
    equilibrium,
    fixed_point,
    fixed_points,
    race,
)
from tests.budget.region import cases_of, settled
from tests.budget.test_project import POINTS, scenario

POOL = {"insurance": "employee", "basis": "growth", "growth": 0.1, "reserve": 0.0, "outside": [],
        "shortage": "report"}  # fmt: skip
MONEY = st.floats(1e3, 1e9)
PART = st.floats(0.2, 5.0)


@given(amount=MONEY, points=st.floats(1.0, 1e7))
def test_nobody_reacts(amount, points):
    found = equilibrium(amount, points, lambda _: points)
    assert found.value == found.static == amount / points
    assert found.elasticity == pytest.approx(0, abs=1e-9)
    many = np.array([amount / points, 3.7])
    assert fixed_points(lambda v: many.copy(), many).tobytes() == many.tobytes()


@given(points=st.floats(1.0, 1e7), value=st.floats(0.1, 1e4), ratio=PART,
       elasticity=st.floats(-0.8, 8.0))  # fmt: skip
def test_constant_elasticity(points, value, ratio, elasticity):
    amount = ratio * value * points

    def react(v):
        return points * (v / value) ** elasticity

    closed = elastic_value(amount, points, value, elasticity)
    found = equilibrium(amount, points, react)
    assert found.value == pytest.approx(closed, rel=1e-9)
    assert found.value * found.points == pytest.approx(amount, rel=1e-9)
    assert found.elasticity == pytest.approx(-elasticity, abs=1e-3)


@given(elasticity=st.lists(st.floats(-0.8, 6.0), min_size=1, max_size=6), ratio=PART)
def test_many_pools_at_once(elasticity, ratio):
    e = np.array(elasticity)
    start = np.full(len(e), ratio)
    found = fixed_points(lambda v: ratio * v**-e, start)
    assert found == pytest.approx([elastic_value(ratio, 1.0, 1.0, x) for x in e], rel=1e-9)


def test_many_pools_with_bent_reactions():
    """Saturating and kinked reactions: as the scalar solver, and really fixed points."""
    k = np.array([0.0, 0.5, 3.0, 9.0])

    def value_of(v):
        return 2.0 / (1.0 + k * np.tanh(np.maximum(v - 0.3, 0.0)))

    found = fixed_points(value_of, np.full(4, 2.0))
    assert found == pytest.approx(value_of(found), rel=1e-9)
    for place in range(4):

        def one(v, place=place):
            return float(value_of(np.full(4, v))[place])

        assert fixed_point(one, 2.0)[0] == pytest.approx(found[place], rel=1e-9)


@given(amount=MONEY, cost=st.floats(0.01, 1e3), n=st.integers(2, 60))
def test_identical_hospitals(amount, cost, n):
    found = race(amount, np.full(n, cost))
    assert found.points.sum() == pytest.approx(amount * (n - 1) / (n * cost), rel=1e-9)
    assert found.value == pytest.approx(cost * n / (n - 1), rel=1e-9)
    others = float(found.points[1:].sum())
    assert best_reply(amount, others, cost) == pytest.approx(found.points[0], rel=1e-9)


@given(costs=st.lists(st.floats(0.5, 4.0), min_size=2, max_size=8), amount=st.floats(1e3, 1e6))
def test_unequal_hospitals_answer_each_other(costs, amount):
    found = race(amount, costs)
    assert found.points.sum() * found.value == pytest.approx(amount, rel=1e-9)
    for own, cost in zip(found.points, costs, strict=True):
        others = float(found.points.sum() - own)
        assert best_reply(amount, others, cost) == pytest.approx(own, rel=1e-6, abs=1e-6 * amount)
        assert (own > 0) == (cost < found.value)


def test_the_best_reply_earns_most():
    amount, others, cost = 1e6, 4_000.0, 90.0
    best = minimize_scalar(
        lambda q: -(q * amount / (q + others) - cost * q), bounds=(0, 1e5), method="bounded",
        options={"xatol": 1e-8},
    )  # fmt: skip
    assert best_reply(amount, others, cost) == pytest.approx(best.x, rel=1e-6)
    assert best_reply(amount, 1e9, cost) == 0.0


@given(low=st.floats(0.0, 3.0), more=st.floats(0.01, 3.0), ratio=st.floats(1.05, 4.0))
def test_the_value_yields_the_more_hospitals_react(low, more, ratio):
    weak, strong = (
        equilibrium(ratio * 1e6, 1e6, lambda v, e=e: 1e6 * v**e).value for e in (low, low + more)
    )
    assert 1.0 < strong < weak <= ratio * (1 + 1e-12)


@pytest.mark.parametrize("elasticity", [-1.0, -1.5, -4.0])
def test_without_end(elasticity):
    with pytest.raises(DrgError, match="above -1"):
        elastic_value(1e6, 1e4, 90.0, elasticity)
    with pytest.raises(DrgError, match="no stable equilibrium"):
        equilibrium(1e6, 1e4, lambda v: 1e4 * (v / 90.0) ** elasticity)
    with pytest.raises(DrgError, match="no stable equilibrium"):
        fixed_points(lambda v: 2.0 * v**-elasticity, np.array([2.0, 2.0]))


def test_unstable_at_the_static_value():
    with pytest.raises(DrgError, match="no stable equilibrium"):
        equilibrium(1e6, 1e4, lambda v: 1e4 * (v / 100.0) ** -2.0)


@given(elasticity=st.floats(-0.99, -0.9))
def test_hardly_stable(elasticity):
    closed = elastic_value(1.05, 1.0, 1.0, elasticity)
    assume(closed < 1e60)
    assert equilibrium(1.05, 1.0, lambda v: v**elasticity).value == pytest.approx(closed, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: equilibrium(0.0, 1.0, lambda v: v), "amount: must be above 0"),
        (lambda: equilibrium(1.0, -1.0, lambda v: v), "points: must be above 0"),
        (lambda: equilibrium(1.0, 1.0, lambda v: 0.0), "brings no points"),
        (lambda: equilibrium(1.0, 1.0, lambda v: float("nan")), "brings no points"),
        (lambda: fixed_point(lambda v: -1.0, 1.0), "point value that follows is not above 0"),
        (lambda: fixed_point(lambda v: v, float("inf")), "point_value: must be above 0"),
        (lambda: fixed_points(lambda v: v * np.nan, np.ones(2)), "not above 0"),
        (lambda: race(1e6, [90.0]), "two or more"),
        (lambda: race(1e6, [90.0, 0.0]), "cost: must be above 0"),
        (lambda: race(0.0, [90.0, 90.0]), "amount: must be above 0"),
    ],
)
def test_impossible(call, says):
    with pytest.raises(DrgError, match=says):
        call()


@pytest.mark.parametrize("elasticity", [0.0, 0.13, 0.5, 1.0])
def test_a_projection_finds_the_same(elasticity):
    """One group at one hospital, whose pool gets 10% more money in the next year."""
    frame = cases_of(*[{"drg": "BB19", "hospital_id": "A", "insurance": "employee",
                        "total_cost": 11_000.0, "fund_paid": 11_000.0}] * 10)  # fmt: skip
    policy = POINTS.replace("pools.employee", POOL).replace("assessment.scores", [
        {"at_least": 0, "coefficient": 1.0}
    ])  # fmt: skip
    cells = Cells.of(settled(frame, policy, last_year={"employee": 100_000.0}))
    behaviour = {"volume": {"surgical": elasticity}}
    what = scenario(1, behaviour=behaviour)
    first, year = project(cells, what, react=reactions(behaviour)).years
    amount, points, value = year.money[0].amount, first.cells.worth.sum(), first.point_value[0]
    found = equilibrium(amount, points, lambda v: points * (v / (100 * value)) ** elasticity)
    closed = elastic_value(amount, points, 100 * value, elasticity)
    assert found.value == pytest.approx(closed, rel=1e-9)
    assert year.point_value[0] == pytest.approx(found.value / 100, rel=1e-7)
