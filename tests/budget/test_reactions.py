"""Reactions in a projected year: an equilibrium, the right way round, off by default."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from budget.behaviour.moves import respond
from budget.behaviour.responses import Responses
from budget.projection.cells import Cells
from budget.projection.equilibrium import (
    _distance,
    _state,
    changed,
    near_thresholds,
    per_case,
    reactions,
)
from budget.projection.years import project
from drg.errors import DrgError
from tests.budget.region import WEIGHTS, many, settled, weight_table
from tests.budget.test_project import LADDER, POINTS, SPENT, base, same, scenario

SQUEEZED = {"input_cost": 0.08}


def ahead(name: str, behaviour=None, drivers=None, years: int = 1, ladders: bool = False):
    what = scenario(years, drivers=drivers or {}, behaviour=behaviour)
    return project(base(name, ladders=ladders), what, react=reactions(behaviour)).years


def test_off_by_default():
    assert reactions(None) is None
    assert reactions({}) is None
    assert reactions({"volume": {"medical": 0.0}}) is None
    assert reactions({"coding": {"true_share": 0.5}}) is None
    assert reactions({"volume": {"medical": 0.1}}) is not None


@pytest.mark.parametrize(
    "behaviour",
    [
        {"volume": {"medical": 0.13, "surgical": 0.05}},
        {"intensity": {"loss": 0.4, "gain": 0.2, "follow": 0.5}},
        {"coding": {"step": 0.04, "creep": 0.02, "true_share": 0.5}},
        {"volume": {"medical": 0.5}, "intensity": {"loss": 0.5}, "coding": {"creep": 0.01}},
    ],
)
@pytest.mark.parametrize("name", ["national-default", "points"])
def test_one_more_round_moves_nothing(name, behaviour):
    """What hospitals want at the prices of the equilibrium is what they do."""
    cells = base(name, ladders=True)
    first, year = ahead(name, behaviour, SQUEEZED, ladders=True)
    before = ahead(name, None, SQUEEZED, ladders=True)[1].cells
    responses = Responses.of(behaviour)
    state = _state(year, before, first, per_case(first, cells), (None, None))
    wanted = changed(before, respond(state, responses), cells)
    assert _distance(wanted, year.cells) < 1e-6
    assert _distance(before, year.cells) > 1e-5


def test_cost_goes_down_where_hospitals_lose_and_up_where_they_gain():
    plain = ahead("national-default", None, SQUEEZED)[1].cells
    loss = ahead("national-default", {"intensity": {"loss": 0.5}}, SQUEEZED)[1].cells
    gain = ahead("national-default", {"intensity": {"gain": 0.5}}, SQUEEZED)[1].cells
    assert loss.cost.sum() < plain.cost.sum() < gain.cost.sum()
    assert np.all(loss.cost <= plain.cost + 1e-9)
    assert np.all(gain.cost >= plain.cost - 1e-9)
    for held in (loss, gain):
        assert np.array_equal(held.cases, plain.cases)
        assert np.array_equal(held.by_standard, plain.by_standard)


def test_stay_follows_cost():
    plain = ahead("national-default", None, SQUEEZED)[1].cells
    held = ahead("national-default", {"intensity": {"loss": 0.5, "follow": 1.0}}, SQUEEZED)[1].cells
    assert held.stay.sum() < plain.stay.sum()
    fixed = ahead("national-default", {"intensity": {"stay": -0.08}})[1].cells
    assert np.allclose(fixed.stay, base().stay * 0.92)


def test_level_is_the_same_everywhere():
    cells = base()
    held = ahead("national-default", {"intensity": {"level": -0.1}})[1].cells
    assert np.allclose(held.cost, cells.cost * 0.9)
    assert np.allclose(held.patient, cells.patient * 0.9)


def test_creep_moves_cases_up_and_costs_nothing_when_only_coded():
    cells = base(ladders=True)
    weight = np.nan_to_num(cells.weight)[None, :, None]
    coded = ahead("national-default", {"coding": {"creep": 0.02}}, ladders=True)[1].cells
    true = ahead(
        "national-default", {"coding": {"creep": 0.02, "true_share": 1.0}}, ladders=True
    )[1].cells  # fmt: skip
    for held in (coded, true):
        assert np.allclose(held.cases.sum(axis=1), cells.cases.sum(axis=1))
        assert (held.cases * weight).sum() > (cells.cases * weight).sum()
        assert held.by_standard.sum() > cells.by_standard.sum()
        assert (held.cases >= 0).all()
    assert coded.cost.sum() == pytest.approx(cells.cost.sum())
    assert true.cost.sum() > cells.cost.sum()


@cache
def ordinary() -> Cells:
    """A point pool in which every case is a normal one."""
    frame = many(1200)
    frame["drg"] = frame["drg"].replace(LADDER | {"0000": "BB13"})
    table = WEIGHTS.assign(drg=WEIGHTS["drg"].replace(LADDER))
    weight = table.set_index("drg")["weight"].fillna(1.0)[frame["drg"]].to_numpy()
    frame = frame.assign(total_cost=np.round(weight * 9000, 2), discharge_mode=1, length_of_stay=9)
    return Cells.of(settled(frame, POINTS, weights=weight_table(table), last_year=SPENT))


def test_coding_alone_brings_nobody_money_under_a_point_pool():
    behaviour = {"coding": {"creep": 0.03}}
    plain, coded = (
        project(ordinary(), scenario(1, behaviour=held), react=reactions(held)).years[1]
        for held in (None, behaviour)
    )
    assert coded.cells.worth.sum() > plain.cells.worth.sum() * 1.02
    assert np.all(coded.point_value < plain.point_value * 0.99)
    assert coded.fund.sum() == plain.fund.sum() == sum(one.amount for one in plain.money)


def test_a_weaker_pool_has_a_lower_point_value_and_fewer_cases():
    cells = ordinary()
    answer = {"volume": {"medical": 0.5, "surgical": 0.5, "procedure": 0.5}}
    for growth in (0.03, 0.3):
        drivers = {"volume": growth}
        first, plain = project(cells, scenario(1, drivers=drivers)).years
        _, held = project(
            cells, scenario(1, drivers=drivers, behaviour=answer), react=reactions(answer)
        ).years
        assert np.all(plain.point_value < first.point_value)  # less money, or more cases, for each
        assert held.cells.cases.sum() < plain.cells.cases.sum()
        assert np.all(held.point_value > plain.point_value)
        assert np.all(held.point_value < first.point_value)
        assert held.fund.sum() == plain.fund.sum()


def test_light_cases_go_to_outpatient_care_and_leave_the_pool():
    cells = base()
    held = ahead(
        "national-default", {"substitution": {"share": 0.3, "weight_below": 0.8}}
    )[1].cells  # fmt: skip
    light = np.nan_to_num(cells.weight, nan=9.0) < 0.8
    assert np.allclose(held.cases[:, light], cells.cases[:, light] * 0.7)
    assert np.array_equal(held.cases[:, ~light], cells.cases[:, ~light])


def test_refused_cases_go_up_a_tier_or_leave():
    cells = base()
    left = ahead("national-default", {"refusal": {"share": 0.2, "loss_above": 0.0}})[1].cells
    sent = ahead("national-default", {"refusal": {"share": 0.2, "loss_above": 0.0, "up": 1.0}})
    assert left.cases.sum() < cells.cases.sum()
    assert np.all(left.cases <= cells.cases)
    top = cells.tier == 3
    assert sent[1].cells.cases[top].sum() > left.cases[top].sum()
    assert sent[1].cells.cases.sum() <= cells.cases.sum() + 1e-6


def test_cases_past_a_threshold_are_paid_more():
    cells = base()
    low, high = near_thresholds(cells)
    assert low.sum() > 0
    assert high.sum() > 0
    assert max(low.max(), high.max()) <= 1
    plain = ahead("national-default")[1]
    for side in ("low", "high"):
        held = ahead("national-default", {"bunching": {side: 0.5}})[1]
        more = held.cells.worth - plain.cells.worth
        # at T itself this policy pays the standard still; past L it pays it in place of the cost
        assert more.sum() > 0 if side == "low" else np.all(more > -1e-6)
        assert np.array_equal(held.cells.cases, plain.cells.cases)


def test_a_price_that_does_not_move_moves_nobody():
    """Responses to the change of price see none where nothing changed and no cap binds."""
    held = ahead("huaibei-2025", {"volume": {"medical": 0.13}})
    plain = ahead("huaibei-2025")
    if not held[0].cut.any() and not plain[1].cut.any():
        same(held[1], plain[1])
    first, year = ahead("points-floor", {"volume": {"medical": 0.13}})
    del first
    assert np.isfinite(year.cells.cases).all()


def test_an_unknown_response_is_one_line():
    with pytest.raises(DrgError, match="behaviour: no such response: found 'mood'"):
        reactions({"mood": {"x": 1}})
