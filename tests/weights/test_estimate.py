"""Estimators: the truth where it can be had, and statsmodels where there is an equal."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.errors import DrgError
from tests.amount import tries
from tests.weights.region import drawn
from weights.cases.costs import Costs
from weights.cases.intake import observe
from weights.cases.statistics import ratio, reduce
from weights.estimate.mixed import variance_ratio
from weights.estimate.rounds import METHODS, Estimator
from weights.fit.calibrator import Calibrator

BY_HOSPITAL = ("hsrv", "regression", "gamma")
seeds = st.integers(0, 10**6)


def fit(cases: pd.DataFrame, **how):
    found = Estimator(**how).fit(reduce(observe(cases)))
    return found, sorted(set(cases["drg"])), sorted(set(cases["hospital_id"]))


def relative(values) -> np.ndarray:
    return np.asarray(values) / np.asarray(values)[0]


@given(seeds, st.sampled_from([*BY_HOSPITAL, "overall"]))
def test_a_multiplicative_truth_is_found_exactly(seed, method) -> None:
    cases, level, factor = drawn(seed, noise=0.0)
    how = {"method": method} if method != "overall" else {
        "method": "regression", "smearing": "overall"}  # fmt: skip
    found, groups, _ = fit(cases, **how)
    at = [int(g[1:]) for g in groups]
    np.testing.assert_allclose(relative(found.level), relative(level[at]), rtol=1e-8)
    np.testing.assert_allclose(relative(found.factor), relative(factor), rtol=1e-8)


@given(seeds, st.sampled_from(METHODS))
def test_without_hospital_effects_all_agree(seed, method) -> None:
    cases, level, _ = drawn(seed, hospitals=1, noise=0.0)
    found, groups, _ = fit(cases, method=method)
    at = [int(g[1:]) for g in groups]
    np.testing.assert_allclose(relative(found.level), relative(level[at]), rtol=1e-9)


@given(seeds, st.sampled_from(METHODS))
@settings(max_examples=tries(30))
def test_what_every_estimate_keeps(seed, method) -> None:
    """Cases times levels are the cost; the factors' geometric mean over cases is 1."""
    cases, _, _ = drawn(seed)
    found, groups, hospitals = fit(cases, method=method)
    n = cases["drg"].value_counts().reindex(groups).to_numpy()
    assert n @ found.level == pytest.approx(cases["total_cost"].sum(), rel=1e-12)
    m = cases["hospital_id"].value_counts().reindex(hospitals).to_numpy()
    assert (m * np.log(found.factor)).sum() == pytest.approx(0, abs=1e-9)


def test_means_by_hand() -> None:
    cases = pd.DataFrame({"drg": list("aabb"), "total_cost": [1.0, 4.0, 16.0, 64.0],
                          "hospital_id": list("xyxy")})  # fmt: skip
    assert fit(cases, method="mean")[0].level.tolist() == [2.5, 40.0]
    geometric = fit(cases, method="geometric")[0].level
    assert geometric[1] / geometric[0] == pytest.approx(16)
    assert geometric.sum() * 2 == pytest.approx(85)


@pytest.mark.parametrize("method", METHODS)
def test_more_cases_bring_the_truth_nearer(method) -> None:
    """Error of log weight below 3 sd / sqrt(n): it shrinks as the cases grow."""
    for n in (30, 480, 7680):
        rng = np.random.default_rng(n)
        level, factor = np.exp(rng.normal(9, 1, 8)), np.exp(rng.normal(0, 0.3, 6))
        drg, hospital = np.arange(8 * n) % 8, rng.permutation(8 * n) // 8 % 6
        if method not in BY_HOSPITAL:
            factor = np.ones(6)
        cost = level[drg] * factor[hospital] * np.exp(rng.normal(0, 0.5, 8 * n))
        cases = pd.DataFrame({"drg": drg.astype(str), "hospital_id": hospital, "total_cost": cost})
        found = fit(cases, method=method)[0].level
        error = np.log(found / level)
        assert np.abs(error - error.mean()).max() < 3 * 0.55 / np.sqrt(n)


def dummies(cases: pd.DataFrame, *columns: str) -> np.ndarray:
    parts = [pd.get_dummies(cases[c], drop_first=bool(i)) for i, c in enumerate(columns)]
    return pd.concat(parts, axis=1).to_numpy(float)


def gamma_glm(cases: pd.DataFrame, columns: tuple[str, ...], offset=None) -> np.ndarray:
    import statsmodels.api as sm

    family = sm.families.Gamma(sm.families.links.Log())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        design = dummies(cases, *columns)
        model = sm.GLM(cases["total_cost"].to_numpy(), design, family, offset=offset)
        return model.fit(maxiter=500, tol=1e-14, tol_criterion="params").params


@given(seeds)
@settings(max_examples=tries(15))
def test_gamma_is_the_gamma_regression_of_statsmodels(seed) -> None:
    cases, _, _ = drawn(seed)
    found, groups, _ = fit(cases, method="gamma")
    parameters = gamma_glm(cases, ("drg", "hospital_id"))
    level, factor = np.exp(parameters[: len(groups)]), np.exp(parameters[len(groups) :])
    np.testing.assert_allclose(relative(found.level), relative(level), rtol=1e-7)
    np.testing.assert_allclose(relative(found.factor)[1:], factor, rtol=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_mixed_is_the_mixed_model_of_statsmodels(seed) -> None:
    import statsmodels.api as sm

    cases, _, _ = drawn(seed, hospitals=12, rows=400)
    sums = reduce(observe(cases))
    found, _, hospitals = fit(cases, method="mixed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sm.MixedLM(
            np.log(cases["total_cost"].to_numpy()), dummies(cases, "drg"), cases["hospital_id"]
        ).fit(reml=True)
    k = variance_ratio(sums)
    assert 1 / k == pytest.approx(float(np.asarray(theirs.cov_re)[0, 0]) / theirs.scale, rel=1e-3)
    effects = np.array([np.asarray(theirs.random_effects[name])[0] for name in hospitals])
    np.testing.assert_allclose(relative(found.factor), relative(np.exp(effects)), rtol=2e-3)


def test_mixed_clears_nothing_where_hospitals_are_alike() -> None:
    cases = pd.DataFrame({"drg": ["AA11", "AA15"] * 40, "hospital_id": list("ABCD") * 20,
                          "total_cost": np.repeat([5.0, 9, 6, 8], 20)})  # fmt: skip
    assert variance_ratio(reduce(observe(cases))) > 1e3
    found, _, _ = fit(cases, method="mixed")
    np.testing.assert_allclose(found.factor, 1, rtol=1e-2)


@given(seeds)
@settings(max_examples=tries(15))
def test_hsrv_solves_the_gamma_equations_of_the_groups(seed) -> None:
    """At the fixed point, with the hospitals' factors as offset; and its own of the hospitals."""
    cases, _, _ = drawn(seed)
    found, groups, hospitals = fit(cases, method="hsrv")
    factor = dict(zip(hospitals, found.factor, strict=True))
    of_case = cases["hospital_id"].map(factor)
    level = np.exp(gamma_glm(cases, ("drg",), offset=np.log(of_case.to_numpy())))
    np.testing.assert_allclose(relative(found.level), relative(level), rtol=1e-8)
    expected = cases["drg"].map(dict(zip(groups, found.level, strict=True)))
    cost = cases["total_cost"].groupby(cases["hospital_id"]).sum()
    ratio = cost / expected.groupby(cases["hospital_id"]).sum()
    np.testing.assert_allclose(relative(ratio), relative(found.factor), rtol=1e-8)


@given(seeds, st.sampled_from(["group", "overall"]))
@settings(max_examples=tries(20))
def test_regression_is_that_of_statsmodels_with_duan_smearing(seed, smearing) -> None:
    import statsmodels.api as sm

    cases, _, _ = drawn(seed)
    found, groups, _ = fit(cases, method="regression", smearing=smearing)
    model = sm.OLS(np.log(cases["total_cost"].to_numpy()), dummies(cases, "drg", "hospital_id"))
    done = model.fit()
    smear = np.exp(done.resid).mean()
    if smearing == "group":
        residuals = pd.Series(np.exp(done.resid)).groupby(cases["drg"].to_numpy())
        smear = residuals.mean().reindex(groups).to_numpy()
    level = np.exp(done.params[: len(groups)]) * smear
    np.testing.assert_allclose(relative(found.level), relative(level), rtol=1e-8)
    np.testing.assert_allclose(
        relative(found.factor)[1:], np.exp(done.params[len(groups) :]), rtol=1e-8
    )


@given(seeds, st.sampled_from(["mean", "hsrv", "gamma"]))
def test_totals_give_what_their_cases_give(seed, method) -> None:
    cases, _, _ = drawn(seed)
    by = cases.groupby(["hospital_id", "drg"])["total_cost"].agg(["mean", "size"]).reset_index()
    totals = by.rename(columns={"mean": "total_cost", "size": "cases"})
    one, many = Calibrator(estimate=method).fit(totals), Calibrator(estimate=method).fit(cases)
    np.testing.assert_allclose(one.weights_, many.weights_, rtol=1e-11)
    assert one.table_.frame["cases"].tolist() == many.table_.frame["cases"].tolist()
    if (totals["cases"] != 1).any():
        assert one.table_.frame["cv"].isna().all()
        assert "no_spread" in one.trail_.warnings
    assert "no_spread" not in many.trail_.warnings


@pytest.mark.parametrize("method", ["geometric", "regression"])
def test_logs_need_single_cases(method) -> None:
    totals = pd.DataFrame({"drg": ["a"], "total_cost": [1.0], "cases": [2], "hospital_id": ["x"]})
    with pytest.raises(DrgError, match="needs the cost of single cases"):
        Calibrator(estimate=method).fit(totals)


@pytest.mark.parametrize("method", BY_HOSPITAL)
def test_what_hospitals_can_be(method) -> None:
    cases, _, _ = drawn(1, hospitals=1)
    alone = Calibrator(estimate=method).fit(cases)
    assert "one_hospital" in alone.trail_.warnings
    np.testing.assert_allclose(alone.weights_, Calibrator().fit(cases).weights_, rtol=1e-9)
    with pytest.raises(DrgError, match="needs the column hospital_id"):
        Calibrator(estimate=method).fit(cases.drop(columns="hospital_id"))
    apart = cases.assign(hospital_id=np.where(cases["drg"] < "g2", "x", "y"))
    assert "2 sets" in Calibrator(estimate=method).fit(apart).trail_.warnings["disconnected"]
    hard = drawn(1, hospitals=3)[0]
    short = Calibrator(estimate=Estimator(method, most=2)).fit(hard)
    assert "not_converged" in short.trail_.warnings


@pytest.mark.parametrize("wrong", [
    {"method": "x"}, {"smearing": "x"}, {"tolerance": 0}, {"tolerance": 1}, {"most": 0},
])  # fmt: skip
def test_estimators_that_cannot_be(wrong) -> None:
    with pytest.raises(DrgError):
        Estimator(**wrong)


# Cost basis: years, prices, components, hospital factors.

YEARS = {2022: 1.0, 2023: 2.0, 2024: 7.0}


def dated(seed: int) -> pd.DataFrame:
    cases, _, _ = drawn(seed)
    year = np.random.default_rng(seed).choice(list(YEARS), len(cases))
    return cases.assign(discharge_date=[f"{y}-06-30" for y in year])


@given(seeds, st.booleans())
def test_year_weights_are_the_weighted_mean_of_yearly_means(seed, totals) -> None:
    cases = dated(seed)
    given_ = cases
    if totals:
        keys = ["drg", "hospital_id", "discharge_date"]
        given_ = cases.groupby(keys)["total_cost"].agg(["mean", "size"]).reset_index()
        given_ = given_.rename(columns={"mean": "total_cost", "size": "cases"})
    fitted = Calibrator(costs=Costs(year_weights=YEARS), normalise="none").fit(given_)
    frame = fitted.table_.frame.set_index("drg")
    cases = cases.assign(year=cases["discharge_date"].str[:4].astype(int))
    means = cases.pivot_table(index="drg", columns="year", values="total_cost", aggfunc="mean")
    means = means.reindex(columns=list(YEARS))
    weight = means.notna() * pd.Series(YEARS)
    wanted = (means.fillna(0) * weight).sum(axis=1) / weight.sum(axis=1)
    np.testing.assert_allclose(frame["mean_cost"], wanted.reindex(frame.index), rtol=1e-12)
    size = cases["drg"].value_counts().reindex(frame.index)
    assert frame["cases"].tolist() == frame["cases_used"].tolist() == size.tolist()


@pytest.mark.parametrize("method", METHODS)
def test_a_year_without_weight(method) -> None:
    """A group whose cases all lie in a year that does not count has no weight; others keep."""
    cases = dated(3)
    gone = cases["drg"] == "g4"
    cases.loc[gone, "discharge_date"] = "2022-01-31"
    cases.loc[~gone & (cases["discharge_date"] < "2023"), "discharge_date"] = "2023-01-31"
    costs = Costs(year_weights={2022: 0.0, 2023: 1.0, 2024: 1.0})
    fitted = Calibrator(costs=costs, estimate=method).fit(cases)
    frame = fitted.table_.frame.set_index("drg")
    assert frame["weight"].isna().to_dict() == {f"g{i}": i == 4 for i in range(5)}
    assert frame.loc["g4", "status"] == "all_trimmed"
    assert "g4" in fitted.trail_.warnings["groups_without_weight"]
    without = Calibrator(costs=costs, estimate=method).fit(cases[~gone])
    np.testing.assert_allclose(fitted.weights_, without.weights_, rtol=1e-9)


def test_the_paid_cases_are_the_real_ones() -> None:
    """Weights of years change means, not how many cases a hospital is paid for."""
    cases = dated(5)
    fitted = Calibrator(costs=Costs(year_weights=YEARS)).fit(cases)
    real = pd.crosstab(cases["hospital_id"], cases["drg"])
    assert (fitted._paid_cases == real.to_numpy()).all()


def test_prices_and_hospital_factors() -> None:
    cases = dated(7)
    prices = {2022: 1.1, 2023: 1.05, 2024: 1.0}
    factors = {"h0": 1.2, "h1": 0.9, "h2": 1.0, "h3": 1.5}
    found = Calibrator(costs=Costs(prices=prices, hospital_factors=factors)).fit(cases)
    by_hand = cases["total_cost"] * cases["discharge_date"].str[:4].astype(int).map(prices)
    by_hand = cases.assign(total_cost=by_hand / cases["hospital_id"].map(factors))
    np.testing.assert_allclose(found.weights_, Calibrator().fit(by_hand).weights_, rtol=1e-12)
    cost = next(s for s in found.trail_.steps if s.step == "cost")
    assert cost.method == "total, price index, hospital factors"
    assert cost.cost_in == pytest.approx(cases["total_cost"].sum())
    assert cost.cost_out == pytest.approx(by_hand["total_cost"].sum())
    # a factor of each hospital changes nothing where hospitals are cleared anyway
    regression = Estimator("regression", smearing="overall")
    plain, cleared = (
        Calibrator(estimate=regression, costs=costs).fit(cases).weights_
        for costs in (None, Costs(hospital_factors=factors))
    )
    np.testing.assert_allclose(relative(plain), relative(cleared), rtol=1e-9)


def test_component_ratios() -> None:
    rng = np.random.default_rng(0)
    names = ["cost_medical", "cost_nursing", "cost_technology", "cost_drug_material",
             "cost_management"]  # fmt: skip
    parts = rng.integers(0, 1000, (60, 5)) + 1.0
    cases = pd.DataFrame(parts, columns=names).assign(drg=rng.choice(list("abc"), 60))
    ratios = (1.1, 1.2, 0.5, 0.8, 0.0)
    found = Calibrator(costs=Costs("components", ratios)).fit(cases)
    wanted = Calibrator().fit(cases.assign(total_cost=parts @ np.array(ratios)))
    np.testing.assert_allclose(found.weights_, wanted.weights_, rtol=1e-12)
    cases.loc[0, names] = [0, 0, 0, 0, 5.0]
    with pytest.raises(DrgError, match="1 cases come to a cost of 0"):
        Calibrator(costs=Costs("components", ratios)).fit(cases)
    with pytest.raises(DrgError, match="cost_nursing"):
        Calibrator(costs=Costs("components")).fit(cases.drop(columns="cost_nursing"))


@pytest.mark.parametrize(("costs", "message"), [
    (Costs(prices={2022: 1, 2023: 1}), "no price index for the year.*2024"),
    (Costs(year_weights={2022: 1, 2024: 1}), "no year weight for the year.*2023"),
    (Costs(year_weights={2021: 1, 2022: 0, 2023: 0, 2024: 0}), "years of all cases have weight 0"),
    (Costs(hospital_factors={"h0": 1, "h1": 1, "h2": 1}), "no factor for a hospital.*h3"),
])  # fmt: skip
def test_what_has_no_figure(costs, message) -> None:
    with pytest.raises(DrgError, match=message):
        Calibrator(costs=costs).fit(dated(7))


def test_years_and_hospitals_that_are_not_there() -> None:
    cases = dated(7)
    blank = cases.assign(discharge_date="")
    with pytest.raises(DrgError, match="64 missing_date"):
        Calibrator(costs=Costs(prices={2024: 1.0})).fit(blank)
    with pytest.raises(DrgError, match="discharge_date"):
        Calibrator(costs=Costs(prices={2024: 1.0})).fit(cases.drop(columns="discharge_date"))
    with pytest.raises(DrgError, match="needs the year of discharge"):
        Calibrator(costs=Costs(prices={2024: 1.0})).fit(observe(cases))
    steps = Calibrator(costs=Costs(hospital_factors={"h0": 1.0}))
    with pytest.raises(DrgError, match="no column hospital_id"):
        steps.fit(cases.drop(columns="hospital_id"))


@pytest.mark.parametrize("wrong", [
    {"basis": "x"}, {"ratios": (1.0,)}, {"ratios": (0.0,) * 5}, {"ratios": (-1.0, 1, 1, 1, 1)},
    {"prices": {2020: 0.0}}, {"prices": {2020: float("nan")}}, {"year_weights": {2020: 0}},
    {"year_weights": {2020: -1}}, {"hospital_factors": {"a": 0}},
])  # fmt: skip
def test_costs_that_cannot_be(wrong) -> None:
    with pytest.raises(DrgError):
        Costs(**wrong)


@given(seeds)
@settings(max_examples=tries(15))
def test_hsrv_is_solved_where_rounds_would_creep(seed) -> None:
    """Two sets of hospitals that share one case: the solution is the rounds' fixed point."""
    rng = np.random.default_rng(seed)
    drg = np.concatenate([rng.integers(0, 4, 300), rng.integers(4, 8, 300)])
    hospital = np.concatenate([rng.integers(0, 5, 300), rng.integers(5, 10, 300)])
    drg[0] = 4  # the link
    cases = pd.DataFrame({"drg": drg.astype(str), "hospital_id": hospital,
                          "total_cost": np.exp(8 + drg / 5 + hospital / 9
                                               + rng.normal(0, 0.5, 600))})  # fmt: skip
    sums = reduce(observe(cases))
    found = Estimator("hsrv").fit(sums)
    assert found.iterations < 30
    level = ratio((sums.cost / found.factor[:, None]).sum(axis=0), sums.cases.sum(axis=0))
    factor = sums.cost.sum(axis=1) / (sums.cases @ level)
    np.testing.assert_allclose(level / level[0], found.level / found.level[0], rtol=1e-9)
    np.testing.assert_allclose(factor / factor[0], found.factor / found.factor[0], rtol=1e-9)


@given(seeds)
def test_groups_that_do_not_tell_leave_hospitals_alone(seed) -> None:
    """What a group costs that does not tell changes its own level only."""
    cases, *_ = drawn(seed, rows=200)
    wrong = cases.assign(total_cost=cases["total_cost"].where(cases["drg"] != "g1", 1e7))
    tells = np.array(sorted(set(cases["drg"]))) != "g1"
    fits = [Estimator("hsrv").fit(replace(reduce(observe(of)), tells=tells))
            for of in (cases, wrong)]  # fmt: skip
    np.testing.assert_allclose(fits[1].factor, fits[0].factor, rtol=1e-9)
    np.testing.assert_allclose(relative(fits[1].level[tells]), relative(fits[0].level[tells]))
    whole = reduce(observe(cases[cases["drg"] != "g1"]))
    alone = Estimator("hsrv").fit(whole).factor
    np.testing.assert_allclose(relative(fits[0].factor), relative(alone), rtol=1e-9)


def test_hospitals_that_share_no_group_are_judged_by_plain_means() -> None:
    cases = pd.DataFrame({"drg": list("abcde"), "hospital_id": list("vwxyz"),
                          "total_cost": [1.0, 2, 3, 4, 5]})  # fmt: skip
    fitted = Calibrator(estimate="judged").fit(cases)
    assert fitted.estimator_.method == "mean"
    assert fitted.weights_.tolist() == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
