"""A settled year: money is conserved from the case to the clearing; order changes nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budget.pools.point_value
import budget.price.year
import budget.settlement.settled
from budget import load_policy, policies
from budget.cases.hospitals import hospitals_of
from budget.price.branches import CODES, SETTLED
from drg.errors import DrgError
from tests.amount import tries
from tests.budget.region import (
    HOSPITALS,
    WEIGHTS,
    cases_of,
    claims_of,
    many,
    odd,
    rows,
    settled,
    tables,
    weight_table,
)

POLICIES = {name: load_policy(name) for name in policies()}
POLICIES["points"] = POLICIES["hangzhou-type"].replace("standard.point_values", None)
FIGURES = {
    name: [leaf for leaf in held.leaves() if leaf.about.is_figure and leaf.about.kind == "number"]
    for name, held in POLICIES.items()
}


def fen(column) -> np.ndarray:
    return np.round(np.asarray(column, np.float64) * 100).astype(np.int64)


def by(frame, keys, columns):
    return frame.assign(**{c: fen(frame[c]) for c in columns}).groupby(keys)[columns].sum()


def check_money(done, frame):
    """Every identity of a settled year, in whole fen."""
    held = tables(done)
    case, hospital, pool, month, branch = (
        held[name] for name in ("cases", "hospitals", "pools", "months", "branches")
    )
    assert len(case) == len(frame)
    paid = {name: fen(case[name]) for name in ("cost", "patient", "other", "fund", "gain",
                                               "payment")}  # fmt: skip
    settles = case["pool"].notna().to_numpy()
    assert np.array_equal(settles, case["branch"].map(dict(zip(CODES, SETTLED, strict=True))))
    # patient + fund + other - gain = cost, and what hospitals get is the sum of three
    total = paid["patient"] + paid["fund"] + paid["other"]
    assert np.array_equal((total - paid["gain"])[settles], paid["cost"][settles])
    assert np.array_equal(total, paid["payment"])
    assert not total[~settles].any()
    assert not paid["gain"][~settles].any()
    assert (paid["patient"] >= 0).all()
    assert (paid["fund"] >= 0).all()
    # case sums = hospital sums = month sums = pool sums
    mine = case[settles].assign(payable=case["fund"])
    mine["pool"] = mine["pool"].astype(str)
    mine["hospital_id"] = mine["hospital_id"].astype(str)
    keys, money = ["hospital_id", "pool"], ["cost", "patient", "other", "payable"]
    if settles.any():
        sums = by(mine, keys, money)
        assert sums.equals(by(hospital, keys, money).loc[sums.index])
        assert len(sums) == len(hospital)
        monthly = by(mine.assign(month=mine["month"].astype(int)), [*keys, "month"], money)
        assert monthly.equals(by(month, [*keys, "month"], money).loc[monthly.index])
        pooled = by(mine, ["pool"], money)
        assert pooled.equals(by(pool, ["pool"], money).loc[pooled.index])
    assert hospital["cases"].sum() == pool["cases"].sum() == month["cases"].sum() == settles.sum()
    # branches hold every case and all cost
    assert branch["cases"].sum() == len(case)
    assert fen(branch["cost"]).sum() == paid["cost"].sum()
    for name in ("patient", "other", "fund"):
        assert fen(branch[name]).sum() == paid[name].sum()
    assert (branch["settled"].to_numpy() * branch["cases"]).sum() == settles.sum()
    lost = {code: (n, cost) for code, (n, cost) in done.unsettled.items()}
    assert sum(n for n, _ in lost.values()) == (~settles).sum()
    assert sum(cost for _, cost in lost.values()) == paid["cost"][~settles].sum()
    # the way from payable to final, and advance + year end = final
    cents = {name: fen(hospital[name]) for name in hospital.columns[9:]}
    final = (cents["payable"] - cents["surplus_returned"] + cents["overrun_borne"]
             - cents["capped"] - cents["assessment_withheld"] - cents["penalty"]
             - cents["budget_cut"])  # fmt: skip
    assert np.array_equal(final, cents["final"])
    assert np.array_equal(cents["prepaid"] + cents["year_end"], cents["final"])
    cost = fen(hospital["cost"])
    assert np.array_equal(cents["final"] + cents["patient"] + cents["other"] - cost, cents["gain"])
    assert np.array_equal(cents["item"] + cents["patient"] + cents["other"], cost)
    for name in ("final", "prepaid", "year_end", "item", "penalty", "budget_cut"):
        assert by(hospital, ["pool"], [name]).sum().iloc[0] == fen(pool[name]).sum()
    assert np.array_equal(
        fen(pool["balance"]), fen(pool["amount"]) - fen(pool["final"]) + fen(pool["outside_pool"])
    )
    assert np.array_equal(
        fen(pool["budget"]) - fen(pool["carve_outs"]) - fen(pool["reserve"]), fen(pool["amount"])
    )
    assert np.array_equal(fen(month["advance"]) + fen(month["quality_held"])
                          + fen(month["remainder"]), fen(month["payable"]))  # fmt: skip
    # a pool under the point method pays out exactly its money
    for _, row in pool.iterrows():
        if row["decided_by"] == "pool":
            assert fen(row["payable"]) - fen(row["outside_pool"]) == fen(row["amount"])
    check_fund(held["fund"], pool, month)


def check_fund(fund, pool, month):
    cents = {name: fen(fund[name]) for name in fund.columns[2:]}
    flows = cents["income"] - sum(cents[n] for n in ("advances", "out_of_area", "carve_outs",
                                                     "retention", "year_end"))  # fmt: skip
    assert np.array_equal(cents["opening"] + flows, cents["closing"])
    assert cents["advances"].sum() == fen(month["advance"]).sum()
    assert cents["year_end"].sum() == fen(pool["year_end"]).sum()
    assert cents["income"].sum() == fen(pool["budget"]).sum()


@st.composite
def changed(draw):
    """A shipped policy with some figures replaced at random, where the result is a policy."""
    name = draw(st.sampled_from(sorted(POLICIES)))
    held = POLICIES[name]
    for leaf in draw(st.lists(st.sampled_from(FIGURES[name]), max_size=4)):
        low, high = leaf.about.low, leaf.about.high
        scaled = draw(st.sampled_from([0.5, 0.9, 0.99, 1.01, 1.1, 2.0])) * leaf.value
        value = round(min(max(scaled, low if low is not None else scaled),
                          high if high is not None else scaled), 6)  # fmt: skip
        try:
            held = held.replace(leaf.key, value)
        except DrgError:
            continue
    return held


@settings(max_examples=tries(100))
@given(changed(), st.integers(0, 10**6), st.sampled_from([1, 2, 40, 150]), st.booleans())
def test_money_is_conserved(policy, seed, size, plain):
    frame = many(size, seed) if plain else odd(size, seed)
    if seed % 3 == 0:
        rng = np.random.default_rng(seed)
        cost = pd.to_numeric(frame["total_cost"], errors="coerce").fillna(0.0)
        frame["fund_paid"] = np.round(cost * rng.uniform(0, 1.1, size), 2)
        frame["other_paid"] = np.round(cost * rng.uniform(0, 0.2, size), 2)
    try:
        done = settled(frame, policy)
    except DrgError as error:
        assert "no points" in str(error) or "fund floor" in str(error)
        assert "\n" not in str(error)
        return
    check_money(done, frame)


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_policy_settles_a_year_of_odd_cases(name):
    frame = odd(600, seed=21)
    done = settled(frame, POLICIES[name])
    check_money(done, frame)
    ids = [str(v or "").strip() for v in frame["hospital_id"]]
    known = set(HOSPITALS["hospital_id"])
    got = [v if isinstance(v, str) else None for v in rows(done)["hospital_id"]]
    assert got == [i if i in known else None for i in ids]  # in their order
    branches = set(rows(done)["branch"])
    assert {"bad_cost", "outside_year", "no_hospital", "no_insurance", "ungrouped", "ambiguous",
            "normal", "high", "low", "long_stay", "transfer"} <= branches  # fmt: skip


@pytest.mark.parametrize("name", ["national-default", "points", "huaibei-2025", "luan-2025"])
def test_the_size_of_slices_and_the_number_of_threads_change_nothing(name, monkeypatch):
    frame = odd(500, seed=31)
    whole = tables(settled(frame, POLICIES[name]))
    for size in (1, 7, 499):
        monkeypatch.setattr(budget.price.year, "_SLICE", size)
        monkeypatch.setattr(budget.pools.point_value, "_SLICE", size, raising=False)
        for table, again in zip(
            whole.values(), tables(settled(frame, POLICIES[name])).values(), strict=True
        ):
            pd.testing.assert_frame_equal(table, again, check_exact=True)


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_the_order_of_rows_moves_no_money_but_a_fen_of_rounding(name):
    """Ties in caps and quotas go by row; without them every sum is that of the cases."""
    frame = many(300, seed=41).assign(special_review="", patient_id="")
    before = settled(frame, POLICIES[name])
    order = np.random.default_rng(1).permutation(len(frame))
    after = settled(frame.iloc[order].reset_index(drop=True), POLICIES[name])
    one, other = rows(before).iloc[order].reset_index(drop=True), rows(after)
    assert (one["branch"] == other["branch"]).all()
    assert np.abs(fen(one["fund"]) - fen(other["fund"])).max() <= 1
    assert np.array_equal(fen(tables(before)["pools"]["payable"]),
                          fen(tables(after)["pools"]["payable"])) or name != "points"  # fmt: skip


def test_hospitals_without_a_rate_are_named_with_their_cases_and_yuan():
    policy = load_policy("changzhi")  # has rates of tiers 1 to 3, and of tier 2 by level
    hospitals = HOSPITALS.assign(tier=[3, None, 2, 2, 0], level=["city", "", "", "county", "town"])
    frame = cases_of(*({"hospital_id": h, "total_cost": c} for h, c in (
        ("A", 9000.0), ("B", 8000.0), ("B", 1000.5), ("C", 7000.0), ("E", 100.0),
    )))  # fmt: skip
    done = settled(frame, policy, hospitals)
    told = done.warnings["hospitals_without_rate"]
    assert "B, C, E" in told
    assert "4 cases, 16,100.50 yuan" in told
    assert rows(done)["branch"].tolist() == ["normal", *["unpriced"] * 4]
    assert rows(done)["payment"].tolist()[1:] == [8000.0, 1000.5, 7000.0, 100.0]  # by item
    check_money(done, frame)


def test_groups_without_a_weight_are_named():
    frame = cases_of({"drg": "NN19", "total_cost": 100.0}, {"drg": "QQ19", "total_cost": 50.0}, {})
    told = settled(frame).warnings["groups_without_weight"]
    assert "NN19" in told
    assert "not in the weight table" in told
    assert "2 cases, 150.00 yuan" in told
    assert "groups_without_weight" not in settled(frame, "huaibei-2025").warnings


def test_what_is_not_settled_is_reported_with_its_money():
    parts = [
        ("no_hospital", {"hospital_id": "ZZ", "total_cost": 100.01}),
        ("no_hospital", {"hospital_id": "", "total_cost": 10.0}),
        ("no_insurance", {"insurance": "商业保险", "total_cost": 200.02}),
        ("outside_year", {"discharge_date": "2024-12-31", "total_cost": 300.03}),
        ("outside_year", {"discharge_date": "2026-01-01", "total_cost": 1.0}),
        ("outside_year", {"discharge_date": "", "total_cost": 2.0}),
        ("bad_cost", {"total_cost": 0.0}),
        ("bad_cost", {"total_cost": -5.0}),
        ("bad_cost", {"total_cost": None}),
        ("normal", {}),
        ("normal", {"discharge_date": "2025-01-01"}),
        ("normal", {"discharge_date": "2025-12-31"}),
    ]
    frame = cases_of(*(part for _, part in parts))
    done = settled(frame)
    assert rows(done)["branch"].tolist() == [branch for branch, _ in parts]
    assert done.unsettled == {"bad_cost": (3, 0), "outside_year": (3, 30303),
                              "no_hospital": (2, 11001), "no_insurance": (1, 20002)}  # fmt: skip
    table = tables(done)["branches"]
    lost = table[~table["settled"]].groupby("branch")["cost"].sum()
    assert lost.to_dict() == {"bad_cost": 0.0, "outside_year": 303.03, "no_hospital": 110.01,
                              "no_insurance": 200.02}  # fmt: skip
    check_money(done, frame)


def test_nothing_to_settle():
    policy, hospitals = load_policy(), hospitals_of(HOSPITALS)
    claims = claims_of(cases_of({}), policy, hospitals).slice(0, 0)
    with pytest.raises(DrgError, match="no case"):
        budget.settlement.settled.settle(claims, weight_table(), policy, hospitals, 2025)
    frame = cases_of({"hospital_id": "?"}, {"total_cost": 0})
    done = settled(frame)
    check_money(done, frame)
    assert tables(done)["hospitals"].empty


@pytest.mark.parametrize(
    ("text", "place"),
    [("职工", "employee"), ("310", "employee"), (" resident ", "resident"),
     ("城乡居民", "resident"), ("城乡居民基本医疗保险", "resident"), ("", None),
     ("RESIDENT?", None)],
)  # fmt: skip
def test_names_of_insurances(text, place):
    found = rows(settled(cases_of({"insurance": text})))["insurance"].iloc[0]
    assert found == place or (place is None and found is None) or pd.isna(found)


def test_last_years_spend_stands_in_only_where_it_is_not_known():
    frame = many(50)
    told = settled(frame, last_year={"employee": 1e6}).warnings
    assert "last_year_unknown_resident" in told
    assert "last_year_unknown_employee" not in told
    pools = tables(settled(frame, last_year={"employee": 1e6, "resident": 2e6}))["pools"]
    assert pools["budget"].tolist() == [1_060_000.0, 2_120_000.0]
    assert pools["amount"].tolist() == [1_007_000.0, 2_014_000.0]


def test_a_year_outside_of_the_cases_settles_nothing_but_says_so():
    frame = many(30)
    done = settled(frame, year=2030)
    assert done.unsettled["outside_year"][0] == 30
    check_money(done, frame)


@pytest.mark.parametrize("basis", ["last_year_mean"])
def test_advances_by_last_year_need_last_year(basis):
    policy = load_policy().replace("cash.basis", basis)
    with pytest.raises(DrgError, match=r"cash\.basis"):
        settled(many(20), policy, last_year=None)
    frame = many(20)
    frame.loc[0, "discharge_date"] = "2025-12-20"
    done = settled(frame, policy)  # known of the pools alone: 3 million yuan each
    assert (np.abs(done.advances.prepaid.sum(axis=0) - 285_000_000) <= len(HOSPITALS)).all()
    assert {name for name in done.warnings if name.startswith("last_year_shared")} == {
        "last_year_shared.employee",
        "last_year_shared.resident",
    }
    known = {pool: {"A": 1e6, "C": 2e6} for pool in ("employee", "resident")}
    done = settled(frame, policy, last_year=known)
    assert done.advances.prepaid[:, 0].tolist() == [95_000_000, 0, 190_000_000, 0, 0]
    with pytest.raises(DrgError, match="Z"):
        settled(many(20), policy, last_year={**known, "employee": {"Z": 1.0}})
    held = np.full((len(HOSPITALS), 2), 12_000_000, np.int64)
    done = settled(frame, policy, last_year_by_hospital=held)
    assert (done.advances.advance == 950_000).all()


def test_the_mean_weight_of_a_hospital_is_that_of_its_cases():
    frame = cases_of(*({"drg": g} for g in ("BB19", "CC19", "FF19", "NN19")))
    table = tables(settled(frame))["hospitals"]
    assert table["case_mix_index"].tolist() == [round((1 + 1.5 + 6) / 3, 4)]
    assert WEIGHTS["weight"].isna().sum() == 1


@pytest.mark.parametrize("year", [-5, 0, 1900, 2201, 99999])
def test_what_is_no_year_is_one_line(year):
    with pytest.raises(DrgError, match=rf"year.*{year}.*expected (1900|1950) to 2200"):
        settled(many(5), year=year)


def test_multipliers_that_no_case_can_get_are_told():
    row = {"groups": "BB19", "factor": 1.1, "least_share": 0.6, "otherwise": "medical_group",
           "medical_group": "ZZ99"}  # fmt: skip
    policy = load_policy().replace("groups.tcm.herbs", row)
    policy = policy.replace(
        "groups.multiplier.child", {"all_groups": True, "age_below": 6, "factor": 1.1}
    )
    told = settled(many(20).drop(columns=["tcm_share", "age"]), policy).warnings
    assert {"no_tcm_share.herbs", "no_medical_group.herbs", "no_age.child"} <= set(told)
    assert "ZZ99" in told["no_medical_group.herbs"]
    seen = settled(many(20), policy.replace("groups.tcm.herbs.medical_group", "AA19")).warnings
    assert not any(name.startswith(("no_tcm", "no_med", "no_age")) for name in seen)


def test_a_table_in_memory_settles_by_names(tmp_path):
    """``budget.settle(grouped, weights, policy, hospitals, year)``, each also by name or file."""
    from weights import WeightTable

    frame = pd.DataFrame({
        "hospital_id": ["A", "A"], "insurance": ["employee", "居民"],
        "discharge_date": ["2025-01-03", "2025-02-03"], "total_cost": [20000.0, 30000.0],
        "fund_paid": [12000.0, 15000.0], "drg": ["AB11", "AB11"],
    })  # fmt: skip
    hospitals = pd.DataFrame({"hospital_id": ["A"], "tier": ["三级"]})
    weights = pd.DataFrame({"drg": ["AB11"], "weight": [2.0]})
    held = budget.settle(frame, WeightTable("w", weights), "national-default", hospitals, 2025)
    assert held.paid.payment.sum() == 2 * 2_064_000  # 2 x 8,600 x 1.20
    assert callable(budget.project)
    assert callable(budget.fit_response)
