"""The calibrator as a whole: its grammar, and what must not change its weights."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.errors import DrgError
from tests.amount import tries
from tests.weights.region import drawn, drawn_region
from weights.cases.costs import Costs
from weights.estimate.rounds import METHODS, Estimator
from weights.fit.adjust import CostStructure
from weights.fit.bootstrap import Bootstrap
from weights.fit.calibrator import Calibrator
from weights.fit.limits import Corridor, LowVolume
from weights.fit.normalise import Normalise
from weights.fit.recipe import RECOMMENDED
from weights.table import WeightTable

STEPS = {
    "plain": {},
    "stable": {"trim": "ratio", "shrink": True, "order": True},
    "by hospital": {"trim": "iqr", "estimate": "hsrv", "order": True},
    "gamma": {"estimate": "gamma", "shrink": True, "low_volume": LowVolume(action="keep")},
    "regression": {"estimate": "regression", "trim": "log3sd"},
    "winsor": {"estimate": "geometric", "trim": "winsor"},
}
PARAMETERS = {
    "costs": Costs(prices={2024: 1.0}), "trim": "ratio", "estimate": Estimator("hsrv"),
    "shrink": True, "low_volume": LowVolume(3), "order": True, "corridor": Corridor(0.2),
    "structure": None, "classes": None, "normalise": Normalise("total", 5.0),
    "previous": WeightTable("p", pd.DataFrame({"drg": ["a"], "weight": [1.0]})),
    "families": {"a": ("A", 1.0)}, "groups": ("a", "b"), "bootstrap": Bootstrap(50),
}  # fmt: skip


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return drawn_region().some(8000, 0).reset_index(drop=True)


def clone(estimator):
    """What sklearn.base.clone does and demands, word for word."""
    parameters = {k: copy.deepcopy(v) for k, v in estimator.get_params(deep=False).items()}
    new = type(estimator)(**parameters)
    for name, value in new.get_params(deep=False).items():
        assert value is parameters[name], name
    return new


def test_parameters_go_round() -> None:
    steps = Calibrator(**PARAMETERS)
    assert steps.get_params() == PARAMETERS
    assert all(value is PARAMETERS[name] for name, value in steps.get_params().items())
    fresh = Calibrator()
    assert fresh.set_params(**PARAMETERS) is fresh
    assert fresh.get_params() == PARAMETERS
    assert set(clone(steps).get_params()) == set(PARAMETERS)
    assert not [name for name in vars(Calibrator()) if name.endswith("_")]
    with pytest.raises(DrgError, match="no such parameter"):
        steps.set_params(trimming="ratio")


def test_fit_changes_no_parameter_and_returns_itself(cases) -> None:
    steps = Calibrator(estimate="hsrv", groups=("ZZ11",))
    before, columns = steps.get_params(), cases.copy()
    assert steps.fit(cases, None) is steps
    assert steps.get_params() == before
    pd.testing.assert_frame_equal(cases, columns)
    cloned = clone(steps)
    assert not hasattr(cloned, "weights_")
    assert cloned.fit(cases).table_.digest == steps.table_.digest
    predicted = steps.predict(cases)
    assert predicted.index.equals(cases.index)
    assert predicted.mean() == pytest.approx(1, abs=1e-9)
    assert np.isnan(steps.predict(pd.DataFrame({"drg": ["ZZ11", "no"]}))).all()


@pytest.mark.parametrize("name", STEPS)
def test_the_same_input_gives_the_same_bytes(cases, name, tmp_path) -> None:
    tables = [Calibrator(**STEPS[name]).fit(cases).table_ for _ in range(2)]
    for i, table in enumerate(tables):
        table.write(tmp_path / f"{i}.csv")
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()
    assert pickle.dumps(tables[0].record) == pickle.dumps(tables[1].record)


@pytest.mark.parametrize("name", STEPS)
def test_any_order_of_rows(cases, name) -> None:
    shuffled = cases.sample(frac=1, random_state=1)
    one, other = (Calibrator(**STEPS[name]).fit(c) for c in (cases, shuffled))
    np.testing.assert_allclose(one.weights_, other.weights_, rtol=1e-12)
    assert one.table_.frame["cases_used"].equals(other.table_.frame["cases_used"])


@pytest.mark.parametrize("name", STEPS)
def test_another_currency(cases, name) -> None:
    dearer = cases.assign(total_cost=cases["total_cost"] * 7)
    one, other = (Calibrator(**STEPS[name]).fit(c) for c in (cases, dearer))
    np.testing.assert_allclose(one.weights_, other.weights_, rtol=1e-10)
    np.testing.assert_allclose(
        one.table_.frame["mean_cost"] * 7, other.table_.frame["mean_cost"], rtol=1e-12
    )


@given(st.integers(0, 10**6), st.sampled_from(METHODS), st.booleans())
@settings(max_examples=tries(40))
def test_names_of_groups_and_hospitals_do_not_matter(seed, method, order) -> None:
    cases, _, _ = drawn(seed)
    odd = {"g0": "7", "g1": "B 1", "g2": "甲", "g3": '"x"', "g4": "ÄÖ/9"}
    renamed = cases.assign(drg=cases["drg"].map(odd), hospital_id=cases["hospital_id"] + "号")
    ladder = {g: ("A", float(i)) for i, g in enumerate(odd)}
    one = Calibrator(estimate=method, order=order, families=ladder).fit(cases).weights_
    again = {odd[g]: rung for g, rung in ladder.items()}
    two = Calibrator(estimate=method, order=order, families=again).fit(renamed).weights_
    np.testing.assert_allclose(two.reindex(list(map(odd.get, one.index))), one, rtol=1e-12)


@given(st.integers(0, 10**6), st.sampled_from(METHODS), st.sampled_from(["none", "ratio", "iqr"]))
@settings(max_examples=tries(40))
def test_every_step_is_on_record_and_adds_up(seed, method, trim) -> None:
    cases, _, _ = drawn(seed, rows=200)
    fitted = Calibrator(estimate=method, trim=trim, shrink=True).fit(cases)
    steps = fitted.trail_.steps
    assert [s.step for s in steps] == ["input", "cost", "trim", "estimate", "shrink", "normalise"]
    assert steps[4].cases_in == steps[0].cases_out  # trimmed cases are paid again
    for before, after in pairwise(steps):
        if after.step == "shrink" and trim != "none":
            continue
        assert after.cases_in == before.cases_out
        assert after.cost_in == pytest.approx(before.cost_out, rel=1e-9)
    assert steps[0].cost_in == pytest.approx(cases["total_cost"].sum())
    estimate = steps[3]
    assert estimate.cost_out == pytest.approx(estimate.cost_in, rel=1e-9)
    assert fitted.table_.record["steps"] == [s.document() for s in steps]
    frame = fitted.table_.frame
    assert frame["cases"].sum() == steps[0].cases_out
    assert frame["cases_used"].sum() == steps[2].cases_out
    assert steps[2].changed == steps[2].cases_in - steps[2].cases_out


def test_columns_of_the_table(cases) -> None:
    previous = WeightTable("p", pd.DataFrame({"drg": ["ZZ11"], "weight": [2.0], "name": ["x"]}))
    frame = Calibrator(previous=previous).fit(cases).table_.frame
    assert frame["drg"].is_monotonic_increasing
    assert frame["drg"].is_unique
    by = cases.groupby("drg")["total_cost"]
    seen = frame[frame["cases"] > 0].set_index("drg")
    np.testing.assert_allclose(seen["mean_cost"], by.mean(), rtol=1e-12)
    np.testing.assert_allclose(seen["cv"], by.std() / by.mean(), rtol=1e-6, atol=1e-7)
    assert (seen["cases"] == by.size()).all()
    assert (seen["adrg"] == seen.index.str[:3]).all()
    (empty,) = frame[frame["cases"] == 0].itertuples()
    assert (empty.drg, empty.status, empty.previous_weight) == ("ZZ11", "no_cases", 2.0)
    assert np.isnan(empty.weight)


@pytest.mark.parametrize(("steps", "message"), [
    ({"trim": "x"}, "x"),
    ({"estimate": "x"}, "method.*not known"),
    ({"normalise": "x"}, "normalise.*not known"),
    ({"normalise": "neutral"}, "needs last year's weights"),
    ({"corridor": Corridor()}, "needs last year's weights"),
    ({"costs": Costs("components")}, "cost_medical"),
])  # fmt: skip
def test_steps_that_cannot_be_done(cases, steps, message) -> None:
    with pytest.raises(DrgError, match=message):
        Calibrator(**steps).fit(cases)


SIZE = 9_000


def heavy_region(seed: int, *, uneven: bool = False) -> pd.DataFrame:
    """9,000 cases of 20 hospitals in 180 groups of 60 ADRGs, with dear cases.

    Uneven groups have one case up to hundreds.
    """
    rng = np.random.default_rng(seed)
    groups = np.array([f"{a}{k}{i}{s}" for a in "BCDEFG" for k in "BR" for i in "12345"
                       for s in "135"])  # fmt: skip
    usual = np.full(180, 1 / 180)
    if uneven:
        usual = np.exp(rng.normal(0, 2.0, 180))
    drg = rng.choice(len(groups), SIZE, p=usual / usual.sum())
    hospital = rng.integers(0, 20, SIZE)
    level = np.exp(rng.normal(9, 0.6, 60))[np.arange(180) // 3] * np.tile([1.6, 1.2, 1.0], 60)
    level = level * np.exp(rng.normal(0, 0.15, 180))
    cost = level[drg] * np.exp(rng.normal(0, 0.2, 20))[hospital] * np.exp(rng.normal(0, 0.6, SIZE))
    cost = np.where(rng.random(SIZE) < 0.02, cost * 4, cost)
    return pd.DataFrame({"drg": groups[drg], "hospital_id": hospital.astype(str),
                         "total_cost": cost.round(2)})  # fmt: skip


@given(st.integers(0, 10**6), st.integers(0, 3), st.integers(0, 10**6),
       st.sampled_from(["judged", "judged", "mean", "hsrv", "mixed"]), st.booleans())  # fmt: skip
@settings(max_examples=tries(20))
def test_one_wrong_cost_decides_for_nobody_else(seed, size, at, estimate, order) -> None:
    """A cost a hundred times too large moves others by a hundredth, its own group by 30% at most.

    In groups of one or two cases, three to nine, ten to 24, or of more. Groups that the order of
    severities gives one weight have that one, and move together.
    """
    cases = heavy_region(seed, uneven=True)
    number = cases.groupby("drg")["drg"].transform("size")
    low, high = ((1, 2), (3, 9), (10, 24), (25, SIZE))[size]
    there = np.flatnonzero(number.between(low, high))
    at = there[at % len(there)]
    chain = Calibrator(**{**RECOMMENDED, "estimate": estimate, "order": order})
    before = chain.fit(cases)
    cost = cases["total_cost"]
    after = chain.fit(cases.assign(total_cost=cost.where(cases.index != at, cost * 100)))
    assert before.estimator_ == after.estimator_
    moved = (after.weights_ / before.weights_ - 1).abs()
    own = cases["drg"][at]
    assert moved[own] <= (0.35 if size == 0 else 0.3)
    pooled = moved.index.str.startswith(own[:3]) & (moved.index != own) & order
    assert moved[~pooled].drop(own).max() <= 0.01
    assert moved[pooled].max() <= (1 if size == 0 else 0.3) if pooled.any() else True


def test_one_dear_case_does_not_switch_shrinkage_off() -> None:
    """A cost of sixty times in a group of six leaves the noise of all groups as it was."""
    cases = heavy_region(1)
    few = pd.DataFrame({"drg": "CB19", "hospital_id": list("001122"), "total_cost": [9e3] * 6})
    dear = few.assign(total_cost=[9e3] * 5 + [54e4])
    usual, found = (Calibrator(shrink=True).fit(pd.concat([cases, some]))
                    for some in (few, dear))  # fmt: skip
    assert found.noise_.within == pytest.approx(usual.noise_.within, rel=0.02)
    assert found.prior_.spread == pytest.approx(usual.prior_.spread, rel=0.05)
    both = found.weights_.drop("CB19") / usual.weights_.drop("CB19")
    moved = (both / both.median() - 1).abs()
    assert moved[~moved.index.str.startswith("CB1")].max() < 0.01
    assert moved.max() < 0.1  # untrimmed it says something of its relatives


def test_a_lone_group_goes_to_its_kind() -> None:
    """FR19 has no relatives in its ADRG; a weak one is drawn to medical groups of its MDC."""
    rng = np.random.default_rng(3)
    rows = [("F" + k + i + "9", level * np.exp(e)) for k, level in (("R", 5e3), ("B", 4e4))
            for i in "123456" for e in rng.normal(0, 0.3, 60)]  # fmt: skip
    cases = pd.DataFrame([*rows, ("FR79", 9e4), ("FR79", 8e4)], columns=["drg", "total_cost"])
    cases["hospital_id"] = [str(i % 5) for i in range(len(cases))]
    own, drawn = Calibrator().fit(cases).weights_, Calibrator(shrink=True).fit(cases).weights_
    assert drawn["FR79"] < 0.85 * own["FR79"]
    assert (drawn / own).drop("FR79").between(0.9, 1.15).all()


def test_predict_takes_codes_and_headers_as_fit_does() -> None:
    cases = pd.DataFrame({"病组编码": [11, 11, 13], "住院总费用": [9000.0, 7000, 4000]})
    fitted = Calibrator().fit(cases)
    assert fitted.predict(cases).tolist() == pytest.approx([1.2, 1.2, 0.6])
    padded = pd.DataFrame({"drg": [" 11", "13 ", "15"]}, index=[5, 6, 7])
    assert fitted.predict(padded).round(6).fillna(0).to_dict() == {5: 1.2, 6: 0.6, 7: 0}
    with pytest.raises(DrgError, match="drg"):
        fitted.predict(pd.DataFrame({"x": [1]}))


def test_spellings_of_one_group_are_one() -> None:
    cases = pd.DataFrame(
        {"drg": ["fr11", "FR11", "ＦＲ１１ ", "FR15"], "total_cost": [3.0, 4, 5, 4]}
    )
    before = WeightTable("p", pd.DataFrame({"drg": ["fr11", "FR15"], "weight": [1.0, 1.1]}))
    frame = Calibrator(previous=before).fit(cases).table_.frame
    assert frame["drg"].tolist() == ["FR11", "FR15"]
    assert frame["cases"].tolist() == [3, 1]
    assert frame["previous_weight"].tolist() == [1.0, 1.1]


def test_a_blank_hospital_matters_only_where_hospitals_do() -> None:
    cases = pd.DataFrame({"drg": ["a", "a", "b", "b"], "hospital_id": ["x", "", "x", "y"],
                          "total_cost": [2.0, 4, 3, 3]})  # fmt: skip
    assert Calibrator().fit(cases).weights_.to_dict() == {"a": 1.0, "b": 1.0}
    hsrv = Calibrator(estimate="hsrv").fit(cases)
    assert hsrv.trail_.steps[0].note == "missing_hospital 1"
    assert "rejected" in hsrv.trail_.warnings
    assert "rejected" not in Calibrator().fit(cases).trail_.warnings


def test_the_structure_is_that_of_adjusted_components() -> None:
    """Drugs at half their charge weigh half in the share that the structure takes down."""
    parts = {"cost_medical": [50.0, 20], "cost_nursing": [0.0, 0], "cost_technology": [0.0, 0],
             "cost_drug_material": [50.0, 80], "cost_management": [0.0, 0]}  # fmt: skip
    cases = pd.DataFrame({"drg": ["a", "b"], **parts})
    costs = Costs(basis="components", ratios=(1, 1, 1, 0.5, 1))
    fitted = Calibrator(costs=costs, structure=CostStructure((1.1, 1, 1, 0.9, 1)),
                        normalise="none").fit(cases)  # fmt: skip
    wanted = np.array([55 + 22.5, 22 + 36])
    weights = fitted.weights_.to_numpy()
    assert weights / weights.sum() == pytest.approx(wanted / wanted.sum())


def test_weak_groups_go_to_last_years_weights() -> None:
    rng = np.random.default_rng(4)
    groups = [f"{a}{b}{i}9" for a in "BCD" for b in "RS" for i in "12345678"]
    truth = pd.Series(np.exp(rng.normal(0, 0.8, len(groups))), groups)
    old = truth * np.exp(rng.normal(0, 0.05, len(groups)))
    count = rng.integers(3, 60, len(groups))
    drg = np.repeat(groups, count)
    cost = 8000 * truth[drg].to_numpy() * np.exp(rng.normal(0, 0.6, len(drg)))
    cases = pd.DataFrame({"drg": drg, "hospital_id": np.arange(len(drg)) % 7, "total_cost": cost})
    table = WeightTable("last", pd.DataFrame({"drg": groups, "weight": old}))

    def error(**steps):
        found = Calibrator(**steps).fit(cases).weights_
        apart = np.log(found / truth[found.index])
        return float((apart - apart.mean()).std())

    plain, drawn = error(shrink=True), error(shrink="previous", previous=table)
    assert drawn < 0.6 * plain
    fitted = Calibrator(shrink="previous", previous=table, bootstrap=50).fit(cases)
    assert fitted.prior_.moved**0.5 == pytest.approx(0.05, abs=0.05)
    assert fitted.table_.record["shrinkage"]["to_previous"] == fitted.prior_.moved**0.5
    with pytest.raises(DrgError, match="needs last year's weights"):
        Calibrator(shrink="previous").fit(cases)
