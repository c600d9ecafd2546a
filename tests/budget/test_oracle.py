"""Every case of a settlement against the plain oracle, over all shipped policies, shuffled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget import load_policy, policies
from tests.amount import tries
from tests.budget.oracle import Oracle
from tests.budget.region import HOSPITALS, WEIGHTS, YEAR, many, rows, settled

LAST_YEAR = {"employee": 3_000_000.0, "resident": 2_000_000.0}


def ladder(low: float, high: float) -> st.SearchStrategy:
    figure = st.floats(low, high).map(lambda value: round(value, 2))
    edges = st.sampled_from([("upto", "above"), ("below", "at_least")])
    return st.builds(
        lambda one, two, end, at: [{at[0]: end, "value": one}, {at[1]: end, "value": two}],
        figure, figure, st.sampled_from([0.9, 1.0, 2.0]), edges,
    ) | figure.map(lambda value: [{"value": value}])  # fmt: skip


RULES = st.one_of(
    st.sampled_from(["standard", "cost", "excess_points", "cost_minus", "cost_minus_standard",
                     "cap"]).map(lambda rule: {"rule": rule}),
    st.just({"rule": "excess_share", "share": 0.7}),
    st.just({"rule": "step_share", "share": 0.5, "step": 1.7}),
    st.just({"rule": "cost_minus_part", "part": 0.4}),
    st.just({"rule": "banded", "bands": [
        {"below": 4.5, "cost": 1.0, "standard": -0.4},
        {"at_least": 4.5, "cost": 0.0, "standard": 2.1}]}),
)  # fmt: skip
LOW = st.fixed_dictionaries(
    {"share": st.sampled_from([1.0, 0.9]), "thresholds": ladder(0.3, 0.8)},
    optional={"included": st.booleans(), "times_k": st.booleans(),
              "band": st.just({"upto": 0.95, "cost": 1.0, "standard": 0.2})},
)  # fmt: skip
HIGH = st.builds(
    lambda rule, thresholds, more: {**rule, "thresholds": thresholds, **more}, RULES,
    ladder(1.2, 3.5), st.fixed_dictionaries({}, optional={
        "included": st.booleans(),
        "quotas": st.just({"all": {"share": 0.1}, "t2": {"tier": 2, "share": 0.02}})}),
)  # fmt: skip
CHANGES: dict[str, st.SearchStrategy] = {
    "outliers.low": LOW,
    "outliers.high": HIGH,
    "outliers.ratio": st.sampled_from(["standard", "regional"]),
    "special.ambiguous": st.sampled_from([
        {"pay": "own_weight"}, {"pay": "own_weight", "low": 0.5, "high": 1.5},
        {"pay": "weight", "weight": 0.7}]),
    "special.ungrouped": st.sampled_from([
        {"pay": "weight", "weight": 0.2665}, {"pay": "by_item"}]),
    "special.transfer": st.sampled_from([
        {"modes": [2, 4], "pay": "share_of_standard", "share": 0.7},
        {"modes": [2], "pay": "proportional", "cap": 1.2, "within_days": 9},
        {"modes": [4], "pay": "by_item"}]),
    "special.readmission": st.sampled_from([
        {"days": 60, "factor": 0.5, "same": "adrg", "exempt_adrgs": ["RE"]},
        {"days": 30, "factor": 0.33, "same": "drg", "exempt_adrgs": []}]),
    "special.caseload": st.sampled_from([
        {"per": "region", "beyond": 0.5, "caps": {"BB19": {"cases": 2}, "CC19": {"cases": 0}}},
        {"per": "hospital", "beyond": 0.0, "caps": {"BB19": {"cases": 1}}}]),
    "special.review": st.sampled_from([
        {"eligible": "all", "unreasonable": 0.05, "quotas": {"all": {"share": 0.1}}},
        {"eligible": "high_outliers", "unreasonable": 0.0, "quotas": {
            "e": {"insurance": "employee", "share": 0.2}}}]),
    "coefficients.by_group": st.just({
        "a": {"hospital": "A", "groups": ["BB19", "CC19"], "k": 0.83},
        "two": {"tier": 2, "adrgs": ["B", "D"], "k": 1.137}}),
    "groups.multiplier": st.sampled_from([
        {"child": {"all_groups": True, "age_below": 18, "factor": 1.1}},
        {"r": {"all_groups": True, "insurance": "resident", "factor": 0.87},
         "poor": {"adrgs": "B", "population": "poor", "factor": 1.013}}]),
    "standard.decimals": st.sampled_from([0, 1, 4]),
    "benefit.fund_floor": st.sampled_from([0.0, 25.0]),
}  # fmt: skip


def varied(name: str, changes: dict) -> object:
    """The policy with what of the changes fits it; what does not is left as it is."""
    from drg.errors import DrgError

    policy = load_policy(name)
    for key, value in changes.items():
        try:
            policy = policy.replace(key, value)
        except DrgError:
            continue
    return policy


def cases(size: int, seed: int):
    frame = many(size, seed)
    rng = np.random.default_rng(seed)
    again = rng.integers(0, size, size // 3)  # equal days, costs and groups: ids decide
    for name in ("discharge_date", "admission_date", "total_cost", "drg", "length_of_stay"):
        frame.loc[: len(again) - 1, name] = frame[name].to_numpy()[again]
    edge = rng.integers(0, size, 4)
    frame.loc[edge, ["drg", "total_cost", "hospital_id"]] = ["BB19", 3440.0, "C"]
    late = rng.integers(0, size, 2)
    frame.loc[late, "admission_date"] = "2025-12-30"
    frame.loc[late, "discharge_date"] = "2026-01-04"
    frame["case_id"] = [f"{i:04d}" for i in rng.permutation(size)]
    return frame.assign(fund_paid=(frame["total_cost"] * 0.6).round(2))


def agree(frame, policy, seed: int) -> None:
    told = Oracle(frame, policy, HOSPITALS, WEIGHTS, YEAR, LAST_YEAR)
    mixed = frame.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    for held in (frame, mixed):
        done = rows(settled(held, policy, last_year=LAST_YEAR))
        by_id = dict(zip(held["case_id"], done.to_dict("records"), strict=True))
        for case, answer in zip(told.cases, told.answers, strict=True):
            found = by_id[case["case_id"]]
            where = (policy.id, case["case_id"], case["drg"], case["hospital_id"])
            assert found["branch"] == answer.branch, where
            assert round(found["fund"] * 100) == answer.fund, (*where, answer)
            assert round(found["points"] * 10_000) == answer.points, (*where, answer)
            if policy.standard.kind == "rate" and answer.branch != "outside_year":
                shown = found["standard"]
                assert (shown != shown) == (answer.standard is None), where
                if answer.standard is not None:
                    assert shown == float(answer.standard), (*where, answer)


@pytest.mark.parametrize("name", policies())
def test_a_shipped_policy_as_it_is(name):
    agree(cases(90, 1), load_policy(name), 1)


@given(st.sampled_from(policies()), st.fixed_dictionaries({}, optional=CHANGES),
       st.booleans(), st.integers(0, 1000))  # fmt: skip
@settings(max_examples=tries(60), deadline=None)
def test_random_policies(name, changes, shared, seed):
    policy = varied(name, changes)
    if shared and policy.standard.kind != "rate":
        policy = policy.replace("standard.point_values", None)  # the pool decides
    agree(cases(40, seed), policy, seed)
