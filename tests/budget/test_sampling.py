"""Who falls ill: chance of the size that the cases have, the same whatever their order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from benchmarks import coverage
from budget.projection.cells import Cells
from budget.projection.scenario import load_scenario
from budget.projection.years import project
from budget.uncertainty import sampling
from budget.uncertainty.credibility import stand_by
from budget.uncertainty.intervals import linear, priors_of
from budget.uncertainty.priors import Priors, normal
from budget.uncertainty.sampling import SUMS, Sampling
from budget.uncertainty.simulate import simulate
from drg.errors import DrgError
from tests.budget.region import many, settled
from tests.budget.test_project import SPENT, base, scenario
from tests.budget.test_uncertainty import model

COST = SUMS.index("cost")


@cache
def cells(size: int = 1200) -> Cells:
    return Cells.of(settled(many(size), last_year=SPENT))


@pytest.fixture
def alone(monkeypatch):
    """Each hospital is known by its own cases alone."""
    none = itertools.cycle([np.full(5, 1e-9), np.zeros(5)])
    monkeypatch.setattr(sampling, "stand_by", lambda *held: next(none))
    monkeypatch.setattr(sampling, "_sizes", lambda cases, tier: (cases, cases))


def noise(few: bool, years=(1, 2), size: int = 4000) -> tuple[Sampling, list[np.ndarray]]:
    held = Sampling.of(cells())
    held = held if few else replace(held, few={})
    return held, [held.noise(5, 0, size, year) for year in years]


@pytest.mark.parametrize("few", [True, False])
def test_the_size_of_chance_is_that_of_the_cases(few, alone):
    """Twice the sum of squares, of the year seen and the year to come; the first is common."""
    held, (first, second) = noise(few)
    assert bool(held.few) == few
    settlement = cells().settlement
    for hospital in range(3):
        for insurance in range(2):
            mine = (settlement.claims.hospital == hospital) & (settlement.paid.pool >= 0)
            mine &= settlement.claims.insurance == insurance
            square = float(((settlement.claims.cost[mine] / 100.0) ** 2).sum())
            one, other = first[:, hospital, insurance, COST], second[:, hospital, insurance, COST]
            assert abs(one.mean()) < 4 * np.sqrt(2 * square / len(one))
            assert one.var() == pytest.approx(2 * square, rel=0.2)
            assert np.cov(one, other)[0, 1] == pytest.approx(square, rel=0.25)
    apart = np.corrcoef(first[:, 0, 0, COST], first[:, 1, 0, COST])[0, 1]
    assert abs(apart) < 0.06  # of two hospitals nothing is common


def test_a_hospital_of_few_cases_never_has_less_than_none():
    held, (first,) = noise(few=True, years=(1,))
    assert len(held.few) == 5
    sums = held.total + first
    for name in ("cost", "cases", "beside", "by_standard"):
        assert (sums[..., SUMS.index(name)] > -1e-3).all()


def test_tiers_without_a_case_are_no_fault():
    """The cases may all be of the first of several tiers: the others' hospitals stay at nothing."""
    frame = many(300)
    seen = settled(frame, last_year=SPENT).hospitals
    first = set(np.array(seen.ids)[np.asarray(seen.tier) == min(seen.tier)])
    some = Cells.of(settled(frame[frame["hospital_id"].isin(first)], last_year=SPENT))
    held = Sampling.of(some)
    found = held.noise(5, 0, 50, 1)
    empty = np.flatnonzero(held.total[..., COST].sum(axis=1) == 0)
    assert len(set(some.tier)) > 1
    assert 0 < len(empty) < len(some.hospitals)
    assert np.isfinite(found).all()


def test_a_year_in_which_no_case_has_a_group_is_drawn(recwarn):
    none = Cells.of(settled(many(60).assign(drg=""), last_year=SPENT))
    held = project(none, scenario())
    found = simulate(linear(held), priors_of(held), 50, seed=1)
    assert np.isfinite(found.fund).all()
    assert not recwarn


def test_sums_of_cases_are_those_of_the_cells():
    held, whole = Sampling.of(cells()), cells()
    for name in ("cost", "cases", "by_standard", "beside", "borne", "outside"):
        exact = getattr(whole, name).sum(axis=1)
        assert np.allclose(held.total[..., SUMS.index(name)], exact, rtol=1e-9), name
    worth = (whole.worth - whole.by_standard).sum(axis=1)
    assert np.allclose(held.total[..., SUMS.index("by_cost")], worth, rtol=1e-9)


def test_the_order_of_the_file_says_nothing():
    turned = Cells.of(settled(many(1200).iloc[::-1].reset_index(drop=True), last_year=SPENT))
    one, other = (Sampling.of(held).noise(1, 0, 50, 1) for held in (cells(), turned))
    assert np.allclose(one, other, rtol=1e-4, atol=1.0)


def test_draws_with_chance_are_wider_and_stay_around_the_path():
    held = project(cells(), scenario(2))
    path = linear(held)
    chance, none = (simulate(path, Priors(sampling=one), 1000, seed=2) for one in (True, False))
    width = np.ptp(none.of("cost"), axis=0)
    assert (width == 0).all()
    mean = chance.of("cost").mean(axis=0)
    spread = chance.of("cost").std(axis=0)
    assert np.abs(mean / none.of("cost")[0] - 1).max() < 0.15  # as far as others are believed
    tiers = chance.of("cost", "tier").mean(axis=0) / none.of("cost", "tier")[0]
    assert np.abs(tiers - 1).max() < 0.04  # what is expected of a tier is what was seen
    assert path.sampling is not None
    expected = np.sqrt(2 * (path.sampling[0].root[..., COST] ** 2).sum(axis=(1, 2)))
    assert np.allclose(spread[0], expected, rtol=0.12)
    again = simulate(path, Priors(sampling=True), 1000, seed=2)
    assert again.fund.tobytes() == chance.fund.tobytes()
    points = linear(project(base("points"), scenario(1)))
    shared = simulate(points, Priors(sampling=True), 200)
    assert np.allclose(shared.of("fund", "pool"), np.minimum(shared.due, shared.amount))
    assert (shared.value.std(axis=0) > 0).all()  # the pool's point moves with who falls ill


def test_hospitals_drawn_case_by_case_agree_with_the_normal_distribution(monkeypatch):
    path = project(cells(), scenario(1))
    small = simulate(linear(path), Priors(sampling=True), 2000, seed=1)
    monkeypatch.setattr(sampling, "_FEW", 10)
    large = simulate(linear(path), Priors(sampling=True), 2000, seed=1)
    for name in ("cost", "fund", "cases"):
        one, other = (held.of(name)[:, 0].std(axis=0) for held in (small, large))
        assert np.allclose(one, other, rtol=0.12), name


def test_others_are_believed_as_far_as_hospitals_differ():
    """By hand: means 2 and 4, 16 / 3 within; apart 8 - 16 / 3, over 4 cases that differ."""
    hospital, tier = np.repeat([0, 1], 4), np.array([0, 0])
    first = np.array([0.0, 4.0, 0.0, 4.0])
    for more, said in ((2.0, 8), (0.0, 100)):
        values = np.concatenate([first, first + more])
        assert stand_by([values], hospital, tier) == pytest.approx(said)
    both = [np.concatenate([first, first + more]) for more in (0.0, 2.0)]
    assert stand_by(both, hospital, tier) == pytest.approx(8)  # where they differ most
    assert (stand_by(both, hospital, np.array([0, 1])) == 100).all()  # nothing to compare with


def test_a_special_hospital_stands_by_itself():
    """By hand: 20 hospitals alike and one that lies far from them: chance explains 2 of its 10."""
    hospital, tier = np.repeat(np.arange(21), 100), np.zeros(21, np.intp)
    values = np.tile([-1.0, 1.0], 1050)
    usual = stand_by([values], hospital, tier)
    values[hospital == 20] += 1.05  # a twentieth of it moves the mean of all
    found = stand_by([values], hospital, tier)
    assert (usual == 100).all()
    assert found[:20] == pytest.approx(found[0])
    assert found[20] == pytest.approx(found[0] * 2**2 / 10**2, rel=0.02)


def test_what_a_hospital_did_not_see_may_come():
    """Of a tier, and in a few cases of one insurance that cost alike."""
    frame = many(1200)
    mine = frame["hospital_id"] == "A"
    gone = mine & ((frame["insurance"] == "resident") | (mine.cumsum() > 40))
    frame.loc[mine, ["drg", "total_cost"]] = "BB19", 9000.0
    held = Cells.of(settled(frame[~gone].reset_index(drop=True), last_year=SPENT))
    seen = held.cases[0].sum()
    assert 10 < seen < 40
    assert held.cases[0, :, 1].sum() == 0
    path = linear(project(held, scenario(1)))
    drawn = simulate(path, Priors(sampling=True), 2000, seed=1)
    cases, average = drawn.of("cases")[:, 0, 0], drawn.of("average_cost")[:, 0, 0]
    assert path.sampling is not None
    assert cases.mean() == pytest.approx(path.sampling[0].few[0].ahead, rel=0.03)
    assert (drawn.cases[:, 0, 0, 1] > 0).mean() > 0.5
    assert average.std() > 1000


def test_sizes_far_from_those_of_the_tier_are_believed_less():
    """By hand: sizes 4 and 16, mean 10, variance 36 of which 10 is chance, so 100 / 26 stand by."""
    shape, mean = sampling._sizes(np.array([4.0, 16.0] * 10), np.zeros(20, np.intp))
    prior = 100 / 26
    assert shape[:2] == pytest.approx([4 + prior, 16 + prior])
    assert mean[:2] == pytest.approx([(4 + prior) * 10 / (10 + prior),
                                      (16 + prior) * 10 / (10 + prior)])  # fmt: skip
    assert mean.sum() == pytest.approx(200)
    shape, mean = sampling._sizes(np.array([5.0, 0.0, 900.0]), np.array([0, 1, 1]))
    assert mean == pytest.approx([5, 0, 900])
    assert shape == pytest.approx([5.5, 0, 900.5])


def test_shocks_of_groups_add_up_by_the_year_unless_said():
    """The variance grows with the number of years, and with its square where one stays."""
    held = model(hospitals=2, groups=1)
    for kept, by in ((0.0, (1, 2, 3)), (1.0, (1, 4, 9)), (0.5, (1, 3, 6))):
        priors = Priors(group_cost=0.05, persistence=kept)
        drawn = simulate(held, priors, 4000, seed=3).of("cost", "region")[..., 0]
        logs = np.log(drawn).var(axis=0) / 0.05**2
        assert np.allclose(logs, by, rtol=0.1), kept
        path = simulate(held, Priors(), 1).of("cost", "region")[0, :, 0]
        assert np.allclose(drawn.mean(axis=0), path, rtol=0.01)
    with pytest.raises(DrgError, match=r"^persistence: .*'2\.0', expected 0 to 1$"):
        Priors(persistence=2.0)


@pytest.mark.parametrize("behaviour", [
    {"intensity": {"loss": 0.0}}, {"intensity": {"stay": -0.05}}, {"volume": {"medical": 0.1}},
    {"coding": {"creep": 0.01}},
])  # fmt: skip
def test_a_response_that_is_off_widens_nothing(behaviour):
    quiet, with_it = (project(cells(600), scenario(1, **more))
                      for more in ({}, {"behaviour": behaviour}))  # fmt: skip
    assert priors_of(quiet) == priors_of(with_it)
    on = load_scenario({"id": "s", "title": "s", "source": "a test", "years": 1,
                        "behaviour": {"intensity": {"loss": 0.1}}})  # fmt: skip
    assert "cost_response" in priors_of(replace(quiet, scenario=on)).uncertain


def test_chance_is_one_of_what_matters():
    asked = Priors({"volume": normal(0.0, 0.01)}, sampling=True)
    assert asked.uncertain == ("volume", "sampling")


@pytest.fixture(scope="module", params=[
    coverage.Kind("ordinary", 4000, 30), coverage.Kind("small", 9000, 50, "hangzhou-type", (5, 60)),
])  # fmt: skip
def simulated(request) -> pd.DataFrame:
    held = coverage.Population.of(request.param, seed=3)
    return pd.concat(list(coverage.rounds(held, 6, 200, 3)), ignore_index=True)


def test_intervals_cover(simulated):
    """A small size of ``python -m benchmarks --only coverage``; docs/projection/uncertainty.md."""
    inside = simulated["final"].between(simulated["low"], simulated["high"])
    few = simulated["cases"] < 100
    assert len(simulated) > 150
    assert 0.92 <= inside.mean() <= 0.99
    assert 0.92 <= inside[few].mean() <= 0.99
    told = coverage.by_probability(simulated)
    assert np.average(told["said"] - told["came"], weights=told["hospitals"]) == pytest.approx(
        0, abs=0.08
    )
