"""The cluster bootstrap: a replicate is a refit on duplicated hospitals; intervals cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drg.errors import DrgError
from tests.amount import tries
from tests.weights.region import drawn
from weights.estimate.rounds import METHODS
from weights.fit.bootstrap import Bootstrap, Interval
from weights.fit.calibrator import Calibrator
from weights.fit.limits import Corridor, LowVolume
from weights.fit.normalise import Normalise
from weights.table import WeightTable

# Replicates keep the ratio of variances of the mixed model, and the choice of judged.
REFITTED = tuple(method for method in METHODS if method not in ("mixed", "judged"))
CODES = {f"g{i}": code for i, code in enumerate(["AA11", "AA13", "AA15", "AB11", "AB15"])}


def region(seed: int, **more) -> pd.DataFrame:
    cases, _, _ = drawn(seed, **more)
    return cases.assign(drg=cases["drg"].map(CODES))


def duplicated(cases: pd.DataFrame, times: np.ndarray) -> pd.DataFrame:
    """The cases of each hospital as often as it is drawn, each time as another hospital."""
    hospitals = sorted(set(cases["hospital_id"]))
    return pd.concat([
        cases[cases["hospital_id"] == h].assign(hospital_id=f"{h}/{k}")
        for h, n in zip(hospitals, times, strict=True) for k in range(int(n))
    ])  # fmt: skip


def previous_of(cases: pd.DataFrame, seed: int) -> WeightTable:
    groups = sorted(set(cases["drg"]))
    old = np.exp(np.random.default_rng(seed).normal(0, 0.5, len(groups)))
    return WeightTable("p", pd.DataFrame({"drg": groups, "weight": old}))


@given(st.integers(0, 10**6), st.sampled_from(REFITTED), st.booleans(),
       st.sampled_from(["cmi", "none", "neutral", "reference"]), st.booleans())  # fmt: skip
@example(664058, "mean", True, "cmi", True)
def test_a_replicate_is_a_real_refit(seed, method, order, normalise, limits) -> None:
    cases = region(seed)
    scale = Normalise("reference", 8000.0) if normalise == "reference" else normalise
    needed = previous_of(cases, seed) if normalise == "neutral" or limits else None
    steps = Calibrator(estimate=method, order=order, normalise=scale, previous=needed,
                       corridor=Corridor(0.5) if limits else None,
                       low_volume=LowVolume(action="keep") if limits else None)  # fmt: skip
    try:
        fitted = steps.fit(cases)
    except DrgError as error:
        assert "leave no room" in str(error)
        return
    times = Bootstrap(replicates=20, seed=seed).draw(4)[:3]
    replicates = fitted._refit(times)
    for weight, drawn_times in zip(replicates, times, strict=True):
        names = fitted.statistics_.groups
        if np.isnan(weight).all():  # the limits leave no room, and the real refit says so
            with pytest.raises(DrgError, match="leave no room"):
                Calibrator(**steps.get_params()).fit(duplicated(cases, drawn_times))
            continue
        real = Calibrator(**steps.get_params()).fit(duplicated(cases, drawn_times))
        wanted = real.weights_.reindex(list(names)).to_numpy()
        np.testing.assert_allclose(weight, wanted, rtol=3e-6)


@given(st.integers(0, 10**6), st.sampled_from(REFITTED), st.booleans())
@settings(max_examples=tries(30))
def test_a_replicate_that_is_shrunk(seed, method, order) -> None:
    """Noise and prior are those of the whole sample; the rest is refitted."""
    cases = pd.concat([region(seed)] * 2)
    fitted = Calibrator(estimate=method, order=order, shrink=True).fit(cases)
    times = Bootstrap(replicates=20, seed=seed).draw(4)[0]
    names = list(fitted.statistics_.groups)
    real = Calibrator(estimate=method).fit(duplicated(cases, times))
    sums = real.statistics_
    at = [names.index(g) for g in sums.groups]
    level, count = np.full(len(names), np.nan), np.zeros(len(names))
    variance = np.full(len(names), np.inf)
    level[at], count[at] = real.fit_.level, sums.group_cases
    variance[at] = fitted.noise_.variance(sums)
    wanted = replace(fitted._pipeline, singles=None).run(level, count, variance)[0]
    np.testing.assert_allclose(fitted._refit(times[None])[0], wanted, rtol=3e-6)


@given(st.integers(0, 10**6), st.sampled_from(REFITTED))
@settings(max_examples=tries(20))
def test_without_a_hospital(seed, method) -> None:
    cases = region(seed)
    fitted = Calibrator(estimate=method, bootstrap=Bootstrap(20, 0, "bca")).fit(cases)
    for h, left_out in zip(fitted.statistics_.hospitals, fitted.interval_.left_out, strict=True):
        real = Calibrator(estimate=method).fit(cases[cases["hospital_id"] != h])
        wanted = real.weights_.reindex(list(fitted.statistics_.groups))
        np.testing.assert_allclose(left_out, wanted, rtol=3e-6)
        sums = fitted.statistics_
        fewer = np.delete(sums.cases, sums.hospitals.index(h), axis=0).sum(axis=0)
        np.testing.assert_array_equal(fewer[fewer > 0], real.statistics_.group_cases)


@pytest.mark.parametrize("method", ["t", "percentile", "bca"])
@pytest.mark.parametrize("estimate", ["mean", "hsrv"])
def test_coverage(method, estimate) -> None:
    """Of 95% intervals over simulated regions of 30 hospitals, about as many hold the truth."""
    level = np.exp(np.array([9.0, 8.5, 8.0, 9.5, 8.8]))
    truth = level / level.mean()
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        hospital, drg = np.indices((30, 5)).repeat(12, axis=2).reshape(2, -1)
        effect = rng.gamma(40, 1 / 40, (30, 5)) * rng.gamma(40, 1 / 40, (30, 1))
        cost = level[drg] * effect[hospital, drg] * rng.gamma(4, 1 / 4, len(drg))
        cases = pd.DataFrame({"drg": drg.astype(str), "hospital_id": hospital, "total_cost": cost})
        steps = Calibrator(estimate=estimate, bootstrap=Bootstrap(200, seed, method))
        frame = steps.fit(cases).table_.frame
        held.append((frame["ci_low"] <= truth) & (truth <= frame["ci_high"]))
        assert (frame["ci_low"] < frame["weight"]).all()
        assert (frame["weight"] < frame["ci_high"]).all()
    # 300 intervals; percentile ones are a little narrow, t a little wide where all hospitals
    # treat all groups, as a hospital's level then moves no weight
    assert 0.88 <= np.mean(held) <= 0.995


def test_the_same_seed_draws_the_same() -> None:
    cases = region(1)
    first, again, other = (
        Calibrator(estimate="hsrv", bootstrap=Bootstrap(50, s)).fit(cases) for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.interval_.replicates, again.interval_.replicates)
    assert first.table_.frame.equals(again.table_.frame)
    assert not np.array_equal(first.interval_.replicates, other.interval_.replicates)
    assert first.table_.digest == other.table_.digest
    times = Bootstrap(500, 9).draw(7)
    assert times.shape == (500, 7)
    assert (times.sum(axis=1) == 7).all()
    assert times.mean() == 1


def test_an_interval_of_a_case_mix_index() -> None:
    cases = region(2, hospitals=12, rows=600)
    fitted = Calibrator(bootstrap=Bootstrap(300, 1, "percentile")).fit(cases)
    n = fitted.statistics_.cases
    low, high = fitted.interval_.of(lambda w: np.nan_to_num(w) @ n.T / n.sum(axis=1))
    point = n @ fitted.table_.frame["weight"].to_numpy() / n.sum(axis=1)
    assert low.shape == high.shape == (12,)
    assert (low <= point).mean() > 0.9
    assert (point <= high).mean() > 0.9
    one_low, one_high = fitted.interval_.of(lambda w: np.nan_to_num(w) @ n[0] / n[0].sum())
    assert one_low.shape == ()
    assert (one_low, one_high) == (pytest.approx(low[0]), pytest.approx(high[0]))
    weights = fitted.interval_.of(lambda w: w)
    np.testing.assert_array_equal(weights, fitted.interval_.weights())


@given(st.lists(st.one_of(st.just(np.nan), st.floats(-5, 5)), min_size=20, max_size=60),
       st.floats(0.5, 0.99))  # fmt: skip
def test_percentiles_are_those_of_numpy(values, level) -> None:
    column = np.array(values)
    interval = Interval(
        Bootstrap(20, level=level, method="percentile"), np.array([1.0]), column[:, None], None
    )
    low, high = interval.weights()
    known = column[np.isfinite(column)]
    if not len(known):
        assert np.isnan(low[0])
        assert np.isnan(high[0])
        return
    wanted = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    np.testing.assert_allclose([low[0], high[0]], wanted, atol=1e-12)
    assert np.isnan(replace(interval, point=np.array([np.nan])).weights()[0][0])


def test_bca_against_scipy() -> None:
    from scipy.stats import bootstrap

    rng = np.random.default_rng(5)
    sample = rng.exponential(1.0, 25)
    how = Bootstrap(20_000, 1, "bca")
    point = np.array([sample.mean()])
    interval = how.run(lambda m: (m @ sample / m.sum(axis=1))[:, None], 25, point)
    theirs = bootstrap((sample,), np.mean, n_resamples=20_000, rng=2).confidence_interval
    low, high = interval.weights()
    assert (low[0], high[0]) == (pytest.approx(theirs.low, abs=0.02),
                                 pytest.approx(theirs.high, abs=0.02))  # fmt: skip


def test_too_few_hospitals() -> None:
    cases = region(1, hospitals=1)
    with pytest.raises(DrgError, match="needs at least two hospitals"):
        Calibrator(bootstrap=Bootstrap()).fit(cases)
    with pytest.raises(DrgError, match="needs at least two hospitals"):
        Calibrator(bootstrap=Bootstrap()).fit(cases.drop(columns="hospital_id"))
    with pytest.raises(DrgError, match="needs at least two hospitals"):
        Bootstrap().draw(1)
    few = Calibrator(bootstrap=Bootstrap(20)).fit(region(1))
    assert few.trail_.warnings["few_hospitals"] == "intervals rest on 4 hospitals"


def test_groups_of_one_hospital_and_limits_without_room() -> None:
    cases = pd.DataFrame({"drg": ["AA11", "AB11"] * 3 + ["AC11"], "hospital_id": list("xxyyzzz"),
                          "total_cost": [9.0, 3, 8, 3, 9, 2, 1]})  # fmt: skip
    fitted = Calibrator(bootstrap=Bootstrap(200)).fit(cases)
    assert "AC11" in fitted.trail_.warnings["rare_groups"]
    assert fitted.table_.frame["ci_low"].notna().all()
    old = WeightTable("p", fitted.table_.frame[["drg", "weight"]])
    tight = Calibrator(corridor=Corridor(0.02, 0.02), previous=old, bootstrap=Bootstrap(200))
    lost = tight.fit(cases).trail_.warnings["replicates_lost"]
    assert lost.startswith("the limits left no room in ")
    assert lost.endswith(" of 200 replicates")


@pytest.mark.parametrize("wrong", [
    {"replicates": 19}, {"seed": -1}, {"level": 0.4}, {"level": 1.0}, {"method": "x"},
])  # fmt: skip
def test_bootstraps_that_cannot_be(wrong) -> None:
    with pytest.raises(DrgError):
        Bootstrap(**wrong)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("estimate", ["mean", "hsrv"])
@pytest.mark.parametrize("method", ["t", "bca"])
def test_hospitals_that_trimming_empties_are_not_drawn(estimate, method) -> None:
    """All cases of B are trimmed: the intervals rest on A and C, and no replicate is lost."""
    rng = np.random.default_rng(0)
    hospital = np.where(np.arange(300) < 150, "A", "C")
    hospital[:3] = "B"
    cost = np.exp(rng.normal(9, 0.4, 300))
    cost[:3] = 9e6
    cases = pd.DataFrame({"drg": rng.choice(["FR11", "FR13", "FR15"], 300),
                          "hospital_id": hospital, "total_cost": cost})  # fmt: skip
    how = Bootstrap(40, 0, method)
    fitted = Calibrator(trim="ratio", estimate=estimate, bootstrap=how).fit(cases)
    assert fitted.trail_.warnings["few_hospitals"] == "intervals rest on 2 hospitals"
    assert "replicates_lost" not in fitted.trail_.warnings
    with pytest.raises(DrgError, match="at least two hospitals"):
        Calibrator(trim="ratio", estimate=estimate, bootstrap=how).fit(cases[:150])


def test_the_interval_of_a_carried_weight_is_cut_at_its_limits_too() -> None:
    """It has no error of its own; its replicates lie around a weight that stands at the ceiling."""
    drawn = np.array([[0.9], [1.0], [1.1]])
    found = Interval(Bootstrap(), np.array([1.1]), drawn, None, 30, np.array([np.nan]))
    assert found.weights()[1][0] > 1.1
    low, high = replace(found, limits=(np.array([0.9]), np.array([1.1]))).weights()
    assert 0.9 <= low[0] < 1.1
    assert high[0] == 1.1
