"""Draws of the next years: the path without uncertainty, single states, closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.uncertainty.draws import OUTCOMES
from budget.uncertainty.linear import Linear
from budget.uncertainty.priors import Priors, Uncertain, fixed, normal, triangular, uniform
from budget.uncertainty.simulate import simulate
from budget.uncertainty.sobol import sobol
from drg.errors import DrgError
from tests.budget.path_oracle import one_year, static


def model(years=3, hospitals=12, groups=40, points=False, seed=0, **other) -> Linear:
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 0.8, groups)
    cases = rng.poisson(rng.lognormal(1, 1, (hospitals, groups, 2))).astype(float)
    worth = cases * weight[:, None] * 9000
    cost = worth * rng.lognormal(0, 0.2, worth.shape)
    path = 1.03 ** np.arange(1, years + 1)[:, None, None, None]
    amount = (worth * 0.65).sum((0, 1)) * path[:, 0, 0]
    return Linear(
        tuple(f"H{i}" for i in range(hospitals)), np.arange(hospitals) % 3 + 1,
        ("employee", "resident"), ("employee", "resident"), np.tile([0, 1], (hospitals, 1)),
        weight, cases * path, cost * path, cost * 0.35 * path, worth * 0.9 * path,
        cost * 0.05 * path, np.full((hospitals, 2), np.nan if points else 1.0), amount,
        np.array([True, False]), **other,
    )  # fmt: skip


NAMES = ("payment", "fund", "cost", "beside", "cases", "amount", "due", "value")
FULL = Priors(
    {"volume": normal(0, 0.02), "case_mix": triangular(-0.01, 0, 0.02), "rate": normal(0, 0.01),
     "input_cost": normal(0, 0.01), "pool_growth": normal(0, 0.01), "coding": uniform(0, 0.005),
     "volume_response": uniform(0.08, 0.13, "Norway"),
     "cost_response": triangular(-0.1305, -0.0807, -0.031, "Meng 2020")},
    volume_tier=normal(0, 0.01), weights=0.05, group_volume=0.05, group_cost=0.05,
)  # fmt: skip


@pytest.mark.parametrize("points", [False, True])
def test_certainty_is_the_path_bit_for_bit(points):
    held = model(points=points)
    for priors in (Priors(), Priors({"rate": fixed(0)}, normal(0, 0), 0.0, 0.0, 0.0)):
        draws = simulate(held, priors, 300)
        for year in (1, 2, 3):
            one = static(held, year)
            for name in NAMES:
                found, expected = getattr(draws, name)[:, year - 1], getattr(one, name)[:, 0]
                np.testing.assert_array_equal(found, np.broadcast_to(expected, found.shape), name)


def test_the_same_seed_gives_the_same_bytes():
    held = model()
    one, again, other = (simulate(held, FULL, 600, seed=seed) for seed in (7, 7, 8))
    for name in NAMES:
        assert getattr(one, name).tobytes() == getattr(again, name).tobytes()
    assert one.fund.tobytes() != other.fund.tobytes()
    assert one.seed == 7
    fewer = simulate(held, replace(FULL, group_cost=None), 600, seed=7)
    assert (fewer.cases == one.cases).all()  # each driver has its own stream


@pytest.mark.parametrize("points", [False, True])
def test_draws_are_states(points):
    """Every draw is a state of its own, worked out in double precision."""
    held = model(points=points)
    weights = held.weight * np.random.default_rng(3).lognormal(0, 0.1, (5, 40))
    weights[1, 3] = np.nan  # a group that a replicate lacks keeps its weight
    unit = {"weights": np.array([0.1, 0.3, 0.9]), "volume": np.array([0.2, 0.5, 0.9])}
    priors = Priors({"volume": uniform(-0.1, 0.1), "volume_response": fixed(0.1),
                     "rate": fixed(0.02), "cost_response": fixed(-0.08)},
                    weights=weights, responds=np.arange(40) % 2.0, cost_years=2)  # fmt: skip
    draws = simulate(held, priors, 3, unit=unit)
    for draw, (replicate, volume) in enumerate([(0, -0.06), (1, 0.0), (4, 0.08)]):
        ratio = np.nan_to_num(weights[replicate] / held.weight, nan=1.0)
        for year in (1, 2, 3):
            react = (ratio * 1.02**year) ** (0.1 * priors.responds)
            one = static(held, year, volume=(1 + volume) ** year * react,
                         price=ratio * 1.02**year, cost=0.96 if year == 1 else 0.92)  # fmt: skip
            for name in ("payment", "fund", "cost", "beside", "cases", "value", "due"):
                np.testing.assert_allclose(
                    getattr(draws, name)[draw, year - 1], getattr(one, name)[0, 0], rtol=2e-6,
                    atol=1e-6 * abs(getattr(one, name)[np.isfinite(getattr(one, name))]).max()
                    if np.isfinite(getattr(one, name)).any() else 0,
                )  # fmt: skip


def test_volume_of_a_tier_and_case_mix_keep_their_word():
    held = model()
    draws = simulate(held, Priors({"case_mix": fixed(0.01)}), 2)
    base = simulate(held, Priors(), 2)
    np.testing.assert_allclose(draws.of("cases", "tier"), base.of("cases", "tier"), rtol=1e-6)

    growth = (draws.of("cost", "region") / base.of("cost", "region"))[0, :, 0]
    assert growth[0] == pytest.approx(1.01, abs=0.004)
    assert growth[2] == pytest.approx(1.03, abs=0.012)
    tiers = simulate(held, Priors(volume_tier=normal(0, 0.1)), 50)
    ratio = tiers.of("cases", "tier")[:, 1] / base.of("cases", "tier")[:1, 1]
    for place, tier in enumerate((1, 2, 3)):
        np.testing.assert_allclose(ratio[:, place], (1 + tiers.drawn[f"volume_tier_{tier}"]) ** 2)


def test_pools():
    held = model()
    draws = simulate(held, FULL, 200)
    employee = draws.of("fund", "pool")
    over = draws.due > draws.amount
    assert over[..., 0].any()
    assert over[..., 1].any()
    held_to = np.where(over, draws.amount, draws.due)
    np.testing.assert_allclose(employee[..., 0], held_to[..., 0])
    np.testing.assert_allclose(employee[..., 1], draws.due[..., 1])
    assert draws.overrun()[0, 1] == pytest.approx(over[:, 0, 1].mean())
    shared = simulate(model(points=True), FULL, 200)
    np.testing.assert_allclose(shared.of("fund", "pool"), shared.amount)
    assert (shared.overrun() == 0).all()
    bounded = simulate(model(points=True, bounds=np.array([[1.2, 2], [0, 0.5]])), FULL, 50)
    assert (bounded.value[..., 0] >= 1.2).all()
    assert (bounded.value[..., 1] <= 0.5).all()


def test_offset_and_year_end():
    plain = model()
    held = model(offset=np.full((3, 12, 2), 5.0), close=lambda _, fund, *others: fund * 0.98)
    there, here = (static(m).due[0, 0] for m in (held, plain))
    np.testing.assert_allclose(there, (here + 60) * 0.98)
    assert static(one_year(held, 2), 1).due.tobytes() == static(held, 2).due.tobytes()


def test_cost_of_a_case_of_each_group():
    """Of one group it is that of the region; with certainty that of the path."""
    one = model(groups=1)
    draws = simulate(one, FULL, 60, groups=True)
    np.testing.assert_allclose(draws.group_cost, draws.of("average_cost", "region"), rtol=1e-5)
    held = model()
    cost, cases = (getattr(held, name).sum(axis=(1, 3)) for name in ("cost", "cases"))
    path = simulate(held, Priors(group_volume=0.1), 2, groups=True).group_cost
    np.testing.assert_allclose(path[1], cost / np.where(cases > 0, cases, np.nan), rtol=1e-6)
    assert simulate(held, FULL, 2).group_cost is None


def test_fans_and_probabilities_are_those_of_known_distributions():
    """One driver, one sum: the fund's money is linear in it, so its quantiles are known."""
    held = replace(model(years=1), pro_rata=np.zeros(2, bool))
    draws = simulate(held, Priors({"volume": uniform(-0.1, 0.1)}), 4000, seed=1)
    base = static(held).of("fund", "region")[0, 0, 0]
    fan = draws.fan("fund", (0.1, 0.5, 0.9), "region")
    assert fan.shape == (3, 1, 1)
    np.testing.assert_allclose(fan[:, 0, 0] / base, [0.92, 1.0, 1.08], atol=0.006)
    assert draws.probability("fund", above=base * 1.05, level="region")[0, 0] == pytest.approx(
        0.25, abs=0.03
    )
    low = static(held).of("gain_share")[0, 0]
    loss = draws.loss(0.05)
    np.testing.assert_array_equal(loss[0], (low < -0.05).astype(float))


@pytest.mark.parametrize("level", ["region", "tier", "hospital", "insurance", "pool"])
def test_every_outcome_at_every_level(level):
    draws = simulate(model(), FULL, 20)
    for outcome in OUTCOMES:
        if (outcome == "balance" and level not in ("pool", "region")) or (
            outcome == "point_value" and level != "pool"
        ):
            with pytest.raises(DrgError, match="is of pools"):
                draws.of(outcome, level)
            continue
        assert draws.of(outcome, level).shape == (20, 3, len(draws.keys(level)))
    total = draws.of("fund", level).sum(axis=2)
    np.testing.assert_allclose(total, draws.fund.sum(axis=(2, 3)))


@given(st.floats(0.001, 0.999))
def test_distributions(u):
    from scipy import stats

    unit = np.array([u])
    for mine, theirs in (
        (uniform(2, 5), stats.uniform(2, 3)),
        (triangular(-1, 0, 3), stats.triang(0.25, -1, 4)),
        (triangular(0, 0, 3), stats.triang(0, 0, 3)),
        (normal(1, 2), stats.norm(1, 2)),
    ):
        assert mine.at(unit)[0] == pytest.approx(theirs.ppf(u), abs=1e-9)
    many = Uncertain("lognormal", (3.0, 0.2)).at((np.arange(20000) + 0.5) / 20000)
    assert many.mean() == pytest.approx(3.0, rel=1e-3)
    assert many.std() / many.mean() == pytest.approx(0.2, rel=1e-2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: uniform(2, 1), "parameters do not fit"),
        (lambda: Uncertain("beta", (1, 1)), "kind: not known"),
        (lambda: Priors({"weather": fixed(1)}), "drivers: not known"),
        (lambda: simulate(model(), Priors(), 10, 9), "years: out of range"),
        (lambda: simulate(model(), Priors(), 0), "draws: out of range"),
        (lambda: simulate(model(), Priors(weights=np.ones((3, 2))), 5), "weights: wrong shape"),
        (lambda: replace(model(), amount=np.ones(2)), "amount: wrong shape"),
        (lambda: static(model()).of("luck"), "outcome: not known"),
        (lambda: sobol(model(), Priors({"rate": normal(0, 1)})), "fewer than two"),
        (lambda: sobol(model(), FULL, size=500), "power of two"),
    ],
)
def test_what_is_wrong_is_said(make, message):
    with pytest.raises(DrgError, match=message):
        make()


def test_sobol_ranks_what_matters():
    """What hospitals get is volume times rate: twice the range is four times the variance."""
    held = replace(model(years=1), pro_rata=np.zeros(2, bool))
    priors = Priors({"volume": uniform(-0.06, 0.06), "coding": uniform(0, 0.0001),
                     "rate": uniform(-0.03, 0.03)}, weights=0.01)  # fmt: skip
    outcomes = {"worth": lambda d: d.of("payment", "region")[:, -1, 0],
                "flat": lambda d: np.ones(len(d))}  # fmt: skip
    found = sobol(held, priors, outcomes, size=256, seed=3)
    table = found.table()
    worth = table[table["outcome"] == "worth"]
    assert list(worth["parameter"][:2]) == ["volume", "rate"]
    first = dict(zip(worth["parameter"], worth["first_order"], strict=True))
    assert first["volume"] > 3.5 * first["rate"]
    assert worth["first_order"].sum() == pytest.approx(1, abs=0.05)
    assert (table[table["outcome"] == "flat"]["total"] == 0).all()
    assert set(worth["zh"]) >= {"病例数增长", "权重"}
    again = sobol(held, priors, outcomes, size=256, seed=3).table()
    assert table.equals(again)
    full = sobol(model(), FULL, size=16).table()
    assert len(full) == 6 * 12


def test_first_order_is_never_above_total():
    """In what is written, whatever the estimates are: indices and intervals are nested."""
    found = sobol(model(points=True), FULL, size=16, seed=2)
    assert (found.first > found.total).any()
    rows = found.table()
    assert (rows["first_order"] <= rows["total"]).all()
    for name in ("first", "total"):
        low, high = rows[f"{name}_low"], rows[f"{name}_high"]
        middle = rows["first_order" if name == "first" else name]
        assert ((low >= 0) & (low <= middle) & (middle <= high) & (high <= 1)).all()
    assert (rows["first_low"] <= rows["total"]).all()
    assert (rows["first_high"] <= rows["total_high"]).all()


def test_estimates_agree_with_what_is_known():
    """Of a sum of two each is what its variance is, and nothing is left for both together."""
    held = replace(model(years=1), pro_rata=np.zeros(2, bool))
    priors = Priors({"volume": uniform(-0.06, 0.06), "rate": uniform(-0.03, 0.03)})
    outcomes = {"sum": lambda d: 2 * d.drawn["volume"] + 3 * d.drawn["rate"]}
    rows = sobol(held, priors, outcomes, size=512).table().set_index("parameter")
    share = (2 * 0.06) ** 2 / ((2 * 0.06) ** 2 + (3 * 0.03) ** 2)
    for name, known in (("volume", share), ("rate", 1 - share)):
        for index in ("first_order", "total"):
            assert rows[index][name] == pytest.approx(known, abs=0.02)


def test_a_seed_of_0_is_a_seed():
    """The library takes 0 for none and draws from the global state."""
    np.random.seed(1)  # noqa: NPY002
    one = sobol(model(), FULL, size=16, seed=0)
    np.random.seed(2)  # noqa: NPY002
    other = sobol(model(), FULL, size=16, seed=0)
    assert one.total_error.tobytes() == other.total_error.tobytes()
