"""Rules that some places have: each by hand, in yuan, as the settlement and the explanation say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from budget import load_policy
from budget.explain.case import of_settlement
from budget.explain.document import document
from budget.projection.cells import by_case
from drg.errors import DrgError
from tests.budget.region import (
    HOSPITALS,
    WEIGHTS,
    cases_of,
    claims_of,
    price_of,
    rows,
    settled,
    tables,
    weight_table,
)

S = 8600.0  # of BB19 at hospital C of tier 2
K = [{"upto": 1, "value": 3.0}, {"above": 1, "value": 2.5}]


def paid(policy, **parts):
    found = price_of(policy, **{"hospital_id": "C"} | parts)
    return found["branch"], found["payment"]


@pytest.mark.parametrize(
    ("cost", "amount"), [(1500.0, 1500.0), (4000.0, 0.6 * S), (11_000.0, 0.6 * S)]
)
def test_ambiguous_groups_with_a_weight_are_low_and_high_as_others(cost, amount):
    policy = load_policy().replace("special.ambiguous", {"pay": "own_weight"})
    assert paid(policy, drg="BQY", total_cost=cost) == ("ambiguous", amount)


def test_ambiguous_groups_with_limits_of_their_own():
    policy = (
        load_policy()
        .replace("special.ambiguous", {"pay": "own_weight", "low": 0.8, "high": 1.5})
        .replace("outliers.high", {"rule": "cost", "thresholds": [{"value": 3.0}]})
    )
    for cost, amount in ((4000.0, 4000.0), (4500.0, 0.6 * S), (8000.0, 8000.0)):
        assert paid(policy, drg="BQY", total_cost=cost) == ("ambiguous", amount)
    with pytest.raises(DrgError, match="no such parameter"):
        policy.replace("special.ambiguous", {"pay": "by_item", "low": 0.8})
    with pytest.raises(DrgError, match=r"special\.ambiguous\.low"):
        policy.replace("outliers.low", None)


def test_the_cap_is_k_times_the_standard_with_k_by_weight():
    policy = load_policy().replace("outliers.high", {"rule": "cap", "thresholds": K})
    assert paid(policy, drg="BB19", total_cost=30_000.0) == ("high", 3 * S)
    assert paid(policy, drg="CC19", total_cost=40_000.0) == ("high", 2.5 * 1.5 * S)


def test_the_low_limit_times_the_coefficient():
    policy = load_policy().replace("outliers.low.times_k", True)
    tier1 = 0.82 * S  # L is 0.4 x 0.82 = 0.328 there, and stays 0.4 in tier 3
    assert paid(policy, hospital_id="E", total_cost=2350.0) == ("normal", tier1)
    assert paid(policy, hospital_id="E", total_cost=2300.0) == ("low", 2300.0)
    assert paid(policy, hospital_id="A", total_cost=4100.0) == ("low", 4100.0)


def test_limits_that_are_included():
    policy = load_policy()
    edges = {"low": 0.4 * S, "high": 3 * S}
    assert paid(policy, total_cost=edges["low"]) == ("normal", S)
    assert paid(policy, total_cost=edges["high"]) == ("normal", S)
    both = policy.replace("outliers.low.included", True).replace("outliers.high.included", True)
    assert paid(both, total_cost=edges["low"]) == ("low", edges["low"])
    assert paid(both, total_cost=edges["high"]) == ("high", S)
    # Hangzhou type: 0.4 < r is no longer low, and 0.4 itself is its cost
    hangzhou = price_of("hangzhou-type", hospital_id="C", total_cost=round(0.4 * 9543.61, 2) - 0.01)
    assert hangzhou["branch"] == "low"


def test_bands_that_read_below():
    bands = [{"below": 1, "value": 3.0}, {"at_least": 1, "value": 2.0}]
    policy = load_policy().replace("outliers.high.thresholds", bands)
    assert list(policy.outliers.high.thresholds.at([0.99, 1.0, 1.01])) == [3, 2, 2]
    assert paid(policy, drg="BB19", total_cost=2.5 * S)[0] == "high"  # its weight is 1
    for wrong in ([{"below": 1, "value": 3.0}, {"above": 1, "value": 2.0}],
                  [{"upto": 1, "value": 3.0}, {"at_least": 1, "value": 2.0}]):  # fmt: skip
        with pytest.raises(DrgError, match=r"at_least|above"):
            policy.replace("outliers.high.thresholds", wrong)
    with pytest.raises(DrgError, match="upto"):
        policy.replace("outliers.high.thresholds", [{"below": 1, "upto": 2, "value": 3.0}, *bands])


def test_coefficients_by_hospital_and_group():
    policy = load_policy().replace(
        "coefficients.by_group",
        {
            "all": {"all_groups": True, "figures": "k_of_group"},
            "c": {"hospital": "C", "groups": ["BB19"], "k": 0.5},
        },
    )
    weights = weight_table(WEIGHTS.assign(
        k_of_group=[1.3 if drg == "CC19" else np.nan for drg in WEIGHTS["drg"]]))  # fmt: skip
    frame = cases_of(*({"hospital_id": h, "drg": g} for h in "CD" for g in ("BB19", "CC19")))
    done = settled(frame, policy, weights=weights)
    assert rows(done)["standard"].tolist() == [0.5 * S, 1.3 * 1.5 * S, S, 1.3 * 1.5 * S]
    claims = claims_of(frame, policy, done.hospitals, weights)
    said = document(of_settlement(done, claims, 0), "en")["standard"]
    assert said["terms"][-1]["key"] == "coefficients.by_group.c.k"
    assert said["value"] == 0.5 * S
    twice = {"x": {"groups": ["BB19"], "k": 0.5}, "y": {"adrgs": "BB", "k": 0.6}}
    with pytest.raises(DrgError, match="same hospitals and groups"):
        settled(frame, policy.replace("coefficients.by_group", twice), weights=weights)


def test_published_means_of_hospitals():
    table = WEIGHTS.assign(mean_cost_hospital_a=[8000.0 if drg == "BB19" else np.nan
                                                 for drg in WEIGHTS["drg"]])  # fmt: skip
    hospitals = HOSPITALS.assign(hospital_id=["hospital_a", "B", "C", "D", "E"])
    frame = cases_of({"hospital_id": "hospital_a", "total_cost": 9000.0})
    done = settled(frame, "huaibei-2025", hospitals=hospitals, weights=weight_table(table))
    assert rows(done)["standard"].tolist() == [round(8000 * 1.1174, 2)]
    assert "columns_missing" in done.warnings  # the two other columns are not in this table


def test_quotas_of_high_cases_by_the_largest_overrun_then_by_id():
    policy = load_policy().replace(
        "outliers.high",
        {"rule": "cost", "thresholds": [{"value": 2.0}], "quotas": {"all": {"share": 0.4}}},
    )
    costs = [20_000.0, 30_000.0, 30_000.0, 30_000.0, 9_000.0]
    frame = cases_of(*({"hospital_id": "C", "total_cost": cost} for cost in costs))
    frame["case_id"] = ["5", "4", "3", "2", "1"]
    for one in (frame, frame.iloc[::-1].reset_index(drop=True)):
        done = settled(one, policy)
        found = dict(zip(one["case_id"], rows(done)["payment"], strict=True))
        assert found == {"5": S, "4": S, "3": 30_000.0, "2": 30_000.0, "1": S}
        assert done.warnings["high_beyond_quota"].startswith("2 high cases")
    claims = claims_of(frame, policy, done.hospitals)
    said = document(of_settlement(settled(frame, policy), claims, 0), "en")["branch"]
    assert (said["code"], said["amount"]) == ("high", S)
    assert "quota" in said["formula"]


def test_the_order_of_rows_decides_nothing():
    policy = load_policy().replace(
        "special.caseload", {"per": "region", "beyond": 0.5, "caps": {"BB19": {"cases": 1}}}
    )
    frame = cases_of({"hospital_id": "C", "patient_id": "p"}, {"hospital_id": "D"})
    for one in (frame, frame.iloc[::-1].reset_index(drop=True)):
        found = dict(zip(one["case_id"], rows(settled(one, policy))["payment"], strict=True))
        assert found == {"case 0": S, "case 1": 0.5 * S}


def test_a_readmission_over_the_year_s_end():
    frame = cases_of(
        {"hospital_id": "C", "patient_id": "p", "admission_date": "2025-12-20",
         "discharge_date": "2025-12-28"},
        {"hospital_id": "C", "patient_id": "p", "admission_date": "2025-12-30",
         "discharge_date": "2026-01-05"},
    )  # fmt: skip
    done = rows(settled(frame))
    assert done["branch"].tolist() == ["normal", "outside_year"]
    assert done["payment"].tolist() == [S / 2, 0.0]


def test_what_is_shown_is_what_was_used():
    frame = cases_of({"hospital_id": "B", "total_cost": 9000.0})
    policy = load_policy().replace(
        "assessment.credit",
        [{"at_least": 80, "coefficient": 1.0}, {"at_least": 0, "coefficient": 0.9}],
    )
    done = tables(settled(frame, policy))["hospitals"]  # scores 85 and 70
    assert done["assessment"].tolist() == [0.882]
    points = load_policy("hangzhou-type").replace("standard.point_values", None)
    shown = rows(settled(frame, points))["standard"]
    assert (shown == shown.round(2)).all()
    # a ratio just past T is not printed as T
    found = price_of(load_policy().replace("coefficients.table.tier2.k", 1000.0 / 8.6 / 1000),
                     hospital_id="C", total_cost=3_000.01)  # fmt: skip
    assert found["branch"] != "high" or found["ratio"] > 3


def test_points_round_half_up():
    """100 x 1.0145 x 0.82 x 0.95 = 79.02955 points exactly."""
    policy = load_policy("hangzhou-type").replace("coefficients.table.tier1.k", 0.82)
    weights = weight_table(pd.DataFrame({"drg": ["P1"], "weight": [1.0145]}))
    frame = cases_of({"hospital_id": "E", "drg": "P1", "day_surgery": "1", "total_cost": 9000.0})
    assert rows(settled(frame, policy, weights=weights))["points"].tolist() == [79.0296]


def test_a_hospital_without_a_tier_gets_no_coefficient_in_silence():
    hospitals = HOSPITALS.assign(tier=[3, 3, None, 2, 1])
    done = settled(cases_of({"hospital_id": "C"}), hospitals=hospitals)
    assert "C" in done.warnings["hospitals_without_coefficient"]
    assert "hospitals_without_coefficient" not in settled(cases_of({})).warnings


def test_a_readmission_takes_nothing_off_what_a_unit_of_weight_is_worth():
    """A low case at half its cost: the cost is halved, and no part of it hangs on the weight."""
    frame = cases_of(*(
        {"hospital_id": "C", "patient_id": "p", "admission_date": start, "discharge_date": end,
         "total_cost": 2000.0}
        for start, end in (("2025-05-01", "2025-05-05"), ("2025-05-07", "2025-05-09"))
    ))  # fmt: skip
    done = settled(frame)
    assert rows(done)[["branch", "payment"]].to_numpy().tolist() == [["low", 1000.0],
                                                                     ["low", 2000.0]]  # fmt: skip
    _, sums = by_case(done)
    assert sums["by_standard"].tolist() == [0.0, 0.0]
    assert sums["by_cost"].tolist() == [1000.0, 2000.0]
