"""Shrinkage makes weak groups better, against a known truth and out of sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.robust import moved
from drg.errors import DrgError
from tests.weights.region import Drawn, drawn_region
from weights.fit.calibrator import Calibrator
from weights.fit.hold import Singles, held
from weights.fit.limits import LowVolume
from weights.fit.noise import Noise, noise
from weights.fit.recipe import RECOMMENDED
from weights.fit.shrink import Prior, prior, shrink
from weights.table.families import families

STEPS = {
    "raw": Calibrator(),
    "trim only": Calibrator(trim="ratio"),
    "shrink only": Calibrator(shrink=True),
    "all": Calibrator(trim="ratio", shrink=True, order=True),
}
SEEDS = range(6)


@pytest.fixture(scope="module")
def region() -> Drawn:
    return drawn_region()


def test_thirty_cases_a_group(region: Drawn) -> None:
    """The error falls by a fifth and more: the whole over six draws, each by a sixth at least."""
    found = {name: [] for name in STEPS}
    for seed in SEEDS:
        cases = region.of_each(30, seed)
        assert cases["drg"].nunique() > 500
        for name, steps in STEPS.items():
            found[name].append(region.errors(steps.fit(cases)))
    errors = {name: np.array(pairs) for name, pairs in found.items()}
    lines = [
        f"{name:12} {pairs[:, 0].mean():.4f} {pairs[:, 1].mean():.4f}  {pairs[:, 0].round(4)}"
        for name, pairs in errors.items()
    ]
    print("", f"{'':12} RMSE   MAPE    RMSE by draw", *lines, sep="\n")  # noqa: T201
    rmse = {name: pairs[:, 0] for name, pairs in errors.items()}
    assert rmse["all"].mean() <= 0.8 * rmse["raw"].mean()
    assert (rmse["all"] < rmse["raw"] * 5 / 6).all()
    assert (rmse["shrink only"] < rmse["raw"]).all()
    assert (rmse["all"] < rmse["trim only"]).all()


def halves(region: Drawn, seed: int, plain: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    cases = region.some(20_000, seed)
    if plain:  # codes that say nothing of their family
        number = {drg: f"g{i}" for i, drg in enumerate(sorted(set(cases["drg"])), 1)}
        cases = cases.assign(drg=cases["drg"].map(number))
    hospitals = np.random.default_rng(seed).permutation(sorted(set(cases["hospital_id"])))
    first = cases["hospital_id"].isin(hospitals[::2])
    return cases[first], cases[~first]


@pytest.mark.parametrize("plain", [False, True], ids=["CHS-DRG codes", "other codes"])
def test_out_of_sample(region: Drawn, plain: bool) -> None:
    """Weights of one half of the hospitals against the raw means of the other half."""
    rows = []
    for seed in range(4):
        for fit, check in (halves(region, seed, plain), halves(region, seed, plain)[::-1]):
            other = Calibrator().fit(check).table_.frame.set_index("drg")
            row = []
            for shrunk in (False, True):
                fitted = Calibrator(shrink=shrunk).fit(fit)
                assert ("no_families" in fitted.trail_.warnings) == (shrunk and plain)
                both = other.join(fitted.weights_.rename("ours"), how="inner")
                n = both["cases"]
                scale = (n * both["weight"]).sum() / (n * both["ours"]).sum()
                error = np.log(both["ours"] * scale / both["weight"]) ** 2
                row += [np.sqrt(error.mean()), np.sqrt((n * error).sum() / n.sum())]
            rows.append(row)
    raw, raw_weighted, shrunk, shrunk_weighted = np.mean(rows, axis=0)
    by_cases = f"by cases {raw_weighted:.4f} -> {shrunk_weighted:.4f}"
    print(f"\nRMSE {raw:.4f} -> {shrunk:.4f}, {by_cases}")  # noqa: T201
    assert shrunk < raw
    assert shrunk_weighted < raw_weighted


CODES = ("AA11", "AA13", "AA15", "BB11", "BB15", "CC19", "DD13")


@given(
    st.lists(st.floats(100, 1e5), min_size=7, max_size=7),
    st.lists(st.one_of(st.floats(1e-4, 5), st.just(np.inf)), min_size=7, max_size=7),
    st.floats(0.01, 1),
)
def test_against_one_group_at_a_time(costs, variances, spread) -> None:
    level = np.where(np.isinf(variances), np.nan, costs)
    variance = np.array(variances)
    steps = {2.0: 0.3, 3.0: 0.7}
    found = shrink(level, variance, families(CODES), Prior(steps, spread))
    step = dict(zip(CODES, (0.7, 0.3, 0, 0.7, 0, 0, 0.3), strict=True))
    for i, code in enumerate(CODES):
        kin = [j for j, c in enumerate(CODES)
               if c[:3] == code[:3] and np.isfinite(level[j]) and j != i]  # fmt: skip
        if np.isnan(level[i]):
            assert np.isnan(found[i])
            continue
        if not kin:  # alone in its ADRG, and nothing is said of its kind
            assert found[i] == level[i]
            continue
        trust = [1 / (variance[j] + spread**2) for j in kin]
        logs = [np.log(level[j]) + min(variance[j], 1) / 2 - step[CODES[j]] for j in kin]
        centre = np.exp(np.average(logs, weights=trust) + step[code])
        between = spread**2 + 1 / sum(trust)
        z = between / (between + variance[i])
        assert found[i] == pytest.approx(centre * (1 - z) + level[i] * z, rel=1e-9)


def test_a_relative_counts_by_its_cases() -> None:
    """With kinds known, a relative of 25 cases has a tenth of what a weak group is told."""
    level, variance = np.array([20e3, 10e3, 9e3]), np.array([1e6, 0.01, 0.01])
    said = Prior({}, 1e-3, {"Asurgical": (np.log(8e3), 0.25)})
    family = families(("AA11", "AA13", "AA15"))
    own = np.log(level[1:]) + 0.005
    full, _ = said.suggested(level, variance, family)
    trust = np.array([1, 1, 0.01 / 0.25]) / 2.04
    assert full[0] == pytest.approx(trust @ [*own, np.log(8e3)], rel=1e-4)
    part, _ = said.suggested(level, variance, family, np.array([1.0, 25, 50]))
    assert part[0] == pytest.approx(0.1 * own[0] + 0.2 * own[1] + 0.7 * np.log(8e3), rel=1e-4)


def test_steps_and_spread_are_found() -> None:
    rng = np.random.default_rng(1)
    groups = tuple(f"{a}{b}{c}{s}" for a in "AB" for b in "ABCDEFGHIJ" for c in "123456789"
                   for s in "135")  # fmt: skip
    family = families(groups)
    rank = np.array([{"1": 0.8, "3": 0.35, "5": 0.0}[g[3]] for g in groups])
    variance = rng.uniform(0.001, 0.05, len(groups))
    centre = rng.normal(9, 1, len(family.names))[family.family] + rank
    level = np.exp(centre + rng.normal(0, 0.15, len(groups)) + rng.normal(0, np.sqrt(variance)))
    found = prior(level, variance, family)
    assert found.steps == {2.0: pytest.approx(0.35, abs=0.05), 3.0: pytest.approx(0.8, abs=0.05)}
    assert found.spread == pytest.approx(0.15, abs=0.025)


def test_noise_is_found() -> None:
    rng = np.random.default_rng(2)
    hospitals, groups, n = 60, 40, 30
    level = np.exp(rng.normal(9, 0.8, groups))
    hospital, drg = np.indices((hospitals, groups)).reshape(2, -1)
    between, within = 0.15**2, 0.4**2
    cell = level[drg] * rng.normal(1, np.sqrt(between), len(drg))
    cost = np.repeat(cell, n) + np.repeat(level[drg], n) * rng.gamma(4, 0.1, len(drg) * n)
    cost -= np.repeat(level[drg], n) * 0.4
    within = 4 * 0.1**2
    cases = pd.DataFrame({"drg": np.repeat(drg, n).astype(str), "total_cost": cost,
                          "hospital_id": np.repeat(hospital, n)})  # fmt: skip
    fitted = Calibrator(shrink=True).fit(cases)
    assert fitted.noise_.within == pytest.approx(within, rel=0.05)
    assert fitted.noise_.between == pytest.approx(between, rel=0.15)
    again = noise(fitted.statistics_, fitted.fit_)
    assert again == fitted.noise_
    expected = again.within / (hospitals * n) + again.between / hospitals
    assert again.variance(fitted.statistics_) == pytest.approx(expected)


def test_what_cannot_be_shrunk() -> None:
    totals = pd.DataFrame({"drg": ["AA11", "AA15"], "hospital_id": ["a", "a"],
                           "total_cost": [5.0, 4.0], "cases": [2, 3]})  # fmt: skip
    with pytest.raises(DrgError, match="needs the cost of single cases"):
        Calibrator(shrink=True).fit(totals)
    single = totals.drop(columns="cases")
    with pytest.raises(DrgError, match="no group has two cases in one hospital"):
        Calibrator(shrink=True).fit(single)
    assert Noise(0.2, 0.1).variance(Calibrator().fit(single).statistics_).tolist() == [
        pytest.approx(0.3), pytest.approx(0.3)]  # fmt: skip


def of_one(logs: np.ndarray, z: float, own: float, lone: bool = False) -> float:
    """Level of one group over what is suggested for it."""
    cases = Singles(np.zeros(len(logs), np.int32), np.asarray(logs) + 9.0)
    return float(held(np.exp([9.0 + own]), np.array([9.0]), np.array([z]), cases,
                      np.array([lone]))[0]) / np.exp(9.0)  # fmt: skip


@given(st.integers(1, 24), st.floats(0.02, 0.999), st.integers(0, 10**6))
def test_no_case_of_few_decides(number, z, seed) -> None:
    """A cost a hundred times too large moves its group by 30% at most, whatever was found for it.

    As long as costs are not so far apart that no level is near what it is without each of them.
    """
    rng = np.random.default_rng(seed)
    logs, at = rng.normal(0, 0.5, number), int(rng.integers(number))
    assume(number < 2 or np.ptp(logs) < 1.6)
    assume(number < 3 or z * np.ptp(logs) / (number - z) < 0.5)
    wrong = logs + np.log(100) * (np.arange(number) == at)
    before, after = (of_one(x, z, np.log(1 - z + z * np.exp(x).mean())) for x in (logs, wrong))
    assert 0.7 <= after / before <= 1.3


@given(st.integers(3, 24), st.floats(0.02, 0.999), st.integers(0, 10**6))
def test_costs_that_agree_are_left_alone(number, z, seed) -> None:
    """However far the group is from what is suggested."""
    logs = 3 + np.random.default_rng(seed).normal(0, 0.02, number)
    assert of_one(logs, z, 3 * z) == pytest.approx(np.exp(3 * z), rel=0.05)


def test_a_small_group_is_held_by_hand() -> None:
    """One case: 0.32 less 0.24 / 25 above and so on; three, of which one counts for nothing."""
    close = 0.24 / 25
    assert of_one([0.5], 0.9, 0.45) == pytest.approx(np.exp(0.32 - close))
    assert of_one([-0.5], 0.9, -0.45) == pytest.approx(np.exp(-0.24 + close))
    assert of_one([2.3], 0.9, 1.5) == pytest.approx(np.exp(close))
    assert of_one([0.2], 0.9, 0.18) == pytest.approx(np.exp(0.18))
    # the dear one may be wrong; of two that differ each is cut at 0.28 less these
    assert of_one([0.5, 0.0], 0.9, 0.6) == pytest.approx(np.exp(0.32 - 2 * close))
    assert of_one([-1.5, 1.5], 0.9, -0.5) == pytest.approx(np.exp(0.28 - 0.24))
    # without the dear one two thirds of 0.05
    assert of_one([0.0, 0.1, 3.0], 0.75, 0.9) == pytest.approx(np.exp(0.1 / 3 + 3 * close))
    assert of_one([0.0, 0.1, 0.2], 0.75, 0.08) == pytest.approx(np.exp(0.08))


def test_one_case_without_relatives() -> None:
    """It is believed up to half of 6.5 x 0.55 / sqrt(z) = 5.06, less beyond, not at all there."""
    gone = 6.5 * 0.55 / np.sqrt(0.5)
    assert of_one([0.9], 0.5, 0.5, lone=True) == pytest.approx(np.exp(0.5))
    assert of_one([5.0], 0.5, 4.2, lone=True) == pytest.approx(np.exp(0.5 * (gone - 5)))
    assert of_one([6.0], 0.5, 6.0, lone=True) == pytest.approx(np.exp(0.24 / 25))
    nothing = Singles(np.empty(0, np.int32), np.empty(0))
    assert held(np.array([1.3]), np.zeros(1), np.array([0.2]), nothing, np.ones(1, bool))[0] == 1.3


def small_region(seed: int) -> pd.DataFrame:
    """Some hundred groups of 1, 2, 3 cases and so on, of hospitals without levels of their own."""
    rng = np.random.default_rng(seed)
    codes, levels = [], []
    for place in range(60):
        stem = f"{'BEFGHIJ'[place % 7]}{'BRS'[place // 7 % 3]}{1 + place // 21}"
        base = rng.normal(9, 0.4)
        for severity in (("9",), ("1", "3", "5"), ("1", "5"))[place % 3]:
            codes.append(stem + severity)
            levels.append(base + {"1": 0.5, "3": 0.2}.get(severity, 0.0) + rng.normal(0, 0.1))
    sizes = np.where(rng.random(len(codes)) < 0.4, rng.integers(1, 10, len(codes)),
                     rng.integers(10, 80, len(codes)))  # fmt: skip
    group = np.repeat(np.arange(len(codes)), sizes)
    return pd.DataFrame({
        "drg": np.array(codes)[group], "hospital_id": rng.integers(0, 12, len(group)).astype(str),
        "total_cost": np.exp(np.array(levels)[group] + rng.normal(0, 0.5, len(group))),
    })  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(1, 2), (3, 9), (10, 24), (25, 99)]))
def test_one_cost_times_a_hundred(seed: int, sizes: tuple[int, int]) -> None:
    """Under the recommended chain with plain means its own group moves by 30% at most.

    Unless it has one or two cases, and its ADRG fewer than ten others, or few of which another is
    far out too. Groups to which the order gives the same weight move with it, no others by more
    than 5%.
    """
    cases = small_region(seed)
    number = cases.groupby("drg")["drg"].transform("size")
    rng = np.random.default_rng(seed)
    at = int(rng.choice(np.flatnonzero(number.between(*sizes))))
    wrong = cases.assign(total_cost=cases["total_cost"] * np.where(cases.index == at, 100, 1))
    chain = Calibrator(**{**RECOMMENDED, "estimate": "mean"})
    before, after = (chain.fit(table).weights_ for table in (cases, wrong))
    own = cases["drg"][at]
    one = np.isclose(before, before[own], rtol=1e-9) | np.isclose(after, after[own], rtol=1e-9)
    moved = np.abs(np.log(after / before))
    lone = number[at] < 3 and (cases["drg"].str[:3] == own[:3]).sum() - number[at] < 10
    beside = np.log(cases["total_cost"][(cases["drg"] == own) & (cases.index != at)])
    if not lone and not (number[at] < 10 and beside.max() - beside.min() > 1.6):
        assert 0.7 <= (after / before)[own] <= 1.3
        assert moved[one].max() <= np.log(1.5)
    assert moved[~one].max() <= 0.05


def test_few_cases_without_relatives_are_told() -> None:
    """ER19 is alone in its ADRG; ES11 has nine cases beside it, ET11 ten."""
    cases = small_region(3)
    cases = cases[~cases["drg"].str.startswith(("ER1", "ES1", "ET1"))]
    codes = ["ER19"] * 2 + ["ES11"] + ["ES15"] * 9 + ["ET11"] + ["ET15"] * 10
    some = pd.DataFrame({"drg": codes, "hospital_id": "0", "total_cost": 9e3})
    fitted = Calibrator(**RECOMMENDED).fit(pd.concat([cases, some]))
    told = fitted.trail_.warnings["few_and_alone"]
    assert [code in told for code in ("ER19", "ES11", "ES15", "ET11")] == [True, True, False, False]
    towards = {**RECOMMENDED, "shrink": "previous", "previous": fitted.table_}
    again = Calibrator(**towards).fit(pd.concat([cases, some]))  # last year's weight tells
    assert "few_and_alone" not in again.trail_.warnings
    assert {"ER19", "ES11"} <= set(fitted.table_.record["groups_named"]["few_and_alone"])
    reviewed = Calibrator(**RECOMMENDED, low_volume=LowVolume(action="review")).fit(
        pd.concat([cases, some])
    )
    assert "few_and_alone" not in reviewed.trail_.warnings  # none has a weight of its own


def test_costs_that_are_not_believed_are_told_and_inside_their_interval() -> None:
    """One case a hundred times as dear as others of its MDC, which may be right."""
    cases = small_region(3)
    cases = cases[~cases["drg"].str.startswith("ER1")]
    usual = cases["total_cost"].mean()
    some = pd.DataFrame({"drg": ["ER19"], "hospital_id": "0", "total_cost": 100 * usual})
    fitted = Calibrator(**RECOMMENDED, bootstrap=20).fit(pd.concat([cases, some]))
    said = fitted.trail_.warnings["costs_not_believed"]
    row = fitted.table_.frame.set_index("drg").loc["ER19"]
    assert f"ER19 {row['weight']:.2f} ({row['ci_high']:.2f})" in said
    assert row["ci_high"] > 50 > 10 > row["weight"]
    few = Calibrator(**RECOMMENDED).fit(pd.concat([cases, some.assign(total_cost=usual)]))
    assert "ER19" not in few.trail_.warnings.get("costs_not_believed", "")


def test_of_four_cases_far_apart_two_by_two_none_tells_and_none_warns() -> None:
    """Each counts for nothing, so there are no bounds and the level stays."""
    four = Singles(np.zeros(4, np.int64), np.array([-3.7, -3.7, 0.9, 0.9]))
    with np.errstate(all="raise"):
        found = held(np.array([0.9]), np.zeros(1), np.array([0.7]), four, np.array([True]))
    assert found.tolist() == [0.9]


def test_the_measurement_of_one_cost_times_a_hundred() -> None:
    """``python -m benchmarks --only robust`` in a small size."""
    found = list(moved(small_region(1), 2))
    assert {name[0] for name, _, _ in found} == {"1", "2", "3"}
    assert all(0.7 <= own <= 1.3 for name, own, _ in found if "fewer" not in name)
    assert max(others for _, _, others in found) <= 0.05
