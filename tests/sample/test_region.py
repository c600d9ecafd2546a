"""A synthetic region behaves like a real one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drg.errors import DrgError
from drg.sample import Options, Region, make_region
from drg.sample.groups import load_groups, read_data
from grouper import Grouper

MONEY = ["cost_medical", "cost_nursing", "cost_technology", "cost_drug_material", "cost_management"]
PAYERS = ["fund_paid", "patient_out_of_scope", "patient_deductible", "patient_copay"]


def fen(values: pd.Series | pd.DataFrame) -> np.ndarray:
    return np.round(values.to_numpy() * 100).astype(np.int64)


def test_sizes_and_keys(region: Region) -> None:
    assert len(region.cases) == len(region.truth) == 60_000
    assert region.cases["case_id"].is_unique
    assert (region.cases["case_id"] == region.truth["case_id"]).all()
    assert len(region.hospitals) == 40
    assert set(region.cases["hospital_id"]) <= set(region.hospitals["hospital_id"])
    assert set(region.hospitals["tier"]) == {1, 2, 3}


def test_the_engine_agrees_with_the_truth(region: Region) -> None:
    grouped = Grouper().group(region.cases)
    good = (region.truth["flaw"] == "").to_numpy()
    assert (grouped["drg"] == region.truth["drg"]).all()
    assert (grouped["drg"] == region.truth["intended_drg"])[good].all()
    assert (grouped["status"] == "grouped")[good].all()


def test_flaws_are_few_and_mostly_ungroupable(region: Region) -> None:
    flawed = region.truth[region.truth["flaw"] != ""]
    assert 0.005 <= len(flawed) / len(region.truth) <= 0.015
    hard = flawed[flawed["flaw"].isin(["unknown_code", "no_principal_diagnosis"])]
    assert (hard["status"] != "grouped").all()
    assert flawed["flaw"].nunique() == 5


def test_components_and_payers_sum_to_the_fen(region: Region) -> None:
    cases = region.cases
    total = fen(cases["total_cost"])
    assert (fen(cases[MONEY]).sum(axis=1) == total).all()
    assert (fen(cases[PAYERS]).sum(axis=1) == total).all()
    assert (fen(cases[MONEY]) >= 0).all()
    assert (fen(cases[PAYERS]) >= 0).all()
    assert (cases["total_cost"] * 100 - total).abs().max() < 1e-4


def test_dates_stay_in_the_year_and_make_the_stay(region: Region) -> None:
    cases = region.cases
    assert cases["admission_date"].min() >= pd.Timestamp("2025-01-01")
    assert cases["discharge_date"].max() <= pd.Timestamp("2025-12-31")
    days = (cases["discharge_date"] - cases["admission_date"]).dt.days
    assert (days >= 0).all()
    assert (cases["length_of_stay"] == days.clip(lower=1)).all()


def test_dates_have_a_week_and_a_winter(region: Region) -> None:
    day = region.cases["admission_date"]
    week = day.dt.day_of_week.value_counts(normalize=True)
    assert week[0] > 1.25 * week[6]
    lungs = region.truth["cost_drg"].str.startswith(("ES3", "EX2")).to_numpy()
    winter = day.dt.month.isin([12, 1, 2])
    assert winter[lungs].mean() > winter[~lungs].mean() + 0.03
    around = region.cases.groupby(day.dt.day_of_year).size()
    assert around.loc[27:33].mean() < 0.75 * around.loc[50:80].mean()


def test_no_honest_stays_overlap(region: Region) -> None:
    planted = (region.truth["irregularity"] == "overlapping_stay").to_numpy()
    honest = region.cases[~planted].sort_values(["patient_id", "admission_date"])
    following = honest.groupby("patient_id")["admission_date"].shift(-1)
    assert not (following <= honest["discharge_date"]).any()


def test_patients_come_again_and_stay_the_same(region: Region) -> None:
    good = (region.truth["flaw"] == "").to_numpy()
    people = region.cases[good].groupby("patient_id")
    kinds = people[["sex", "age", "insurance"]].agg(["min", "max"])
    for name in ("sex", "age", "insurance"):
        assert (kinds[name, "min"] == kinds[name, "max"]).all()
    stays = region.cases.groupby("patient_id").size()
    assert 1.15 <= stays.mean() <= 1.45
    assert 0.1 <= (stays > 1).mean() <= 0.3


def test_children_are_insured_as_residents_and_newborns_are_weighed(region: Region) -> None:
    cases = region.cases[(region.truth["flaw"] == "").to_numpy()]
    assert (cases.loc[cases["age"] < 18, "insurance"] == "resident").all()
    assert cases["age_days"].notna().equals(cases["age"] == 0)
    newborn = cases["age_days"].le(28)
    assert newborn.any()
    assert cases.loc[newborn, "birth_weight"].between(700, 4900).all()
    assert cases.loc[~newborn, "birth_weight"].isna().all()
    share = (cases["insurance"] == "employee").mean()
    assert 0.25 <= share <= 0.5


def test_complications_come_at_plausible_rates(region: Region) -> None:
    severity = region.truth["complication"].value_counts(normalize=True)
    assert 0.08 <= severity["mcc"] <= 0.15
    assert 0.2 <= severity["cc"] <= 0.3


def test_tiers_differ_in_mix_and_cost(region: Region) -> None:
    both = region.cases.merge(region.truth, on="case_id").merge(region.hospitals, on="hospital_id")
    by_tier = both.groupby("tier")[["weight", "total_cost"]].mean()
    assert by_tier["weight"].is_monotonic_increasing
    assert by_tier["total_cost"].is_monotonic_increasing
    assert by_tier.loc[3, "total_cost"] > 2 * by_tier.loc[1, "total_cost"]
    transplants = both[both["cost_drg"].str.startswith("A")]
    assert (transplants["tier"] == 3).all()


def test_costs_lie_around_the_weights(region: Region) -> None:
    both = region.cases.merge(region.truth, on="case_id")
    by_group = both.groupby("cost_drg")["total_cost"].agg(["size", "mean", "std"])
    by_group = by_group.join(region.weights.set_index("drg"))
    common = by_group[by_group["size"] >= 200]
    assert (common["mean"] / common["mean_cost"]).between(0.8, 1.25).all()
    assert abs((common["mean"] / common["mean_cost"]).mean() - 1) < 0.03
    assert (common["std"] / common["mean"] < 1).mean() > 0.95
    assert both["total_cost"].mean() == pytest.approx(9500, rel=0.04)


def test_stays_follow_costs(region: Region) -> None:
    usual = region.truth["irregularity"] == ""
    score = np.log(region.truth["ratio"][usual])
    stay = np.log(region.cases["length_of_stay"][usual])
    residual = stay - stay.groupby(region.truth["cost_drg"][usual]).transform("mean")
    assert 0.35 < np.corrcoef(score, residual)[0, 1] < 0.8


def test_outliers_have_the_asked_shares(region: Region) -> None:
    share = region.truth["outlier"].value_counts(normalize=True)
    assert share["high"] == pytest.approx(0.015, abs=0.003)
    assert share["low"] == pytest.approx(0.02, abs=0.004)
    assert (region.truth.loc[region.truth["outlier"] == "high", "ratio"] > 3).all()


def test_groups_come_as_often_as_the_counts_carried_over_say(region: Region) -> None:
    rows = {row["drg"]: row for row in read_data("groups.csv")}
    counts = {d: int(r["yearly_cases"]) for d, r in rows.items() if r["count_source"] == "carried"}
    assert len(counts) == 602
    assert counts["RN13"] == 31563
    whole = sum(int(row["yearly_cases"]) for row in rows.values())
    assert whole == pytest.approx(1_320_000, rel=0.01)
    drawn = region.truth["intended_drg"].value_counts().reindex(counts, fill_value=0)
    real = pd.Series(counts)
    assert drawn.rank().corr(real.rank()) > 0.95
    big = real[real > 5000].index
    expected = real[big] / whole
    assert len(big) > 50
    assert (drawn[big] / len(region.truth) / expected).between(0.75, 1.3).all()


def test_groups_are_far_from_uniform(region: Region) -> None:
    counts = region.truth["drg"].value_counts()
    top = counts.head(20).sum() / len(region.truth)
    assert 0.22 <= top <= 0.38
    assert len(counts) > 580


def test_every_group_has_a_weight() -> None:
    groups = load_groups()
    assert len(groups) == 634
    assert (groups.weight > 0).all()
    assert groups.share.sum() == pytest.approx(1)


def test_other_shares_are_followed() -> None:
    region = make_region(
        cases=20_000,
        hospitals=12,
        seed=1,
        flawed_share=0.0,
        split_share=0.0,
        overlap_share=0.0,
        upcoding_share=0.0,
        low_standard_share=0.0,
        bunching_share=0.0,
        base_cost=6000.0,
    )
    assert not len(region.irregularities)
    assert (region.truth["flaw"] == "").all()
    assert region.cases["total_cost"].mean() == pytest.approx(6000, rel=0.06)


@pytest.mark.parametrize(("cases", "hospitals"), [(1, 3), (2, 3), (17, 5), (300, 4)])
def test_small_regions_work(cases: int, hospitals: int) -> None:
    region = make_region(cases=cases, hospitals=hospitals, seed=3)
    assert len(region.cases) == cases
    assert len(region.hospitals) == hospitals


@pytest.mark.parametrize(
    "wrong",
    [
        {"cases": 0},
        {"hospitals": 2},
        {"seed": -1},
        {"year": 1800},
        {"base_cost": 0.0},
        {"split_share": 0.5},
        {"low_share": float("nan")},
    ],
)
def test_impossible_regions_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DrgError) as error:
        Options(**wrong)  # type: ignore[arg-type]
    assert next(iter(wrong)) in str(error.value)
    assert "\n" not in str(error.value)


def test_another_year_has_other_cases_of_the_same_region():
    one, other = (make_region(cases=400, hospitals=6, seed=3, year=year) for year in (2025, 2026))
    assert one.hospitals.equals(other.hospitals)
    assert one.weights.equals(other.weights)
    assert not np.array_equal(one.cases["total_cost"], other.cases["total_cost"])
    assert other.cases["discharge_date"].astype(str).str.startswith("2026").all()
