"""What is planted can be found, and shows nowhere but in the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drg.sample import Region, make_region
from grouper import Grouper, load_scheme


@pytest.fixture(scope="module")
def planted(region: Region) -> pd.DataFrame:
    marks = region.irregularities.drop(columns="hospital_id")
    both = marks.merge(region.cases, on="case_id").merge(region.truth, on="case_id")
    return both.merge(region.hospital_truth, on="hospital_id")


def linked(planted: pd.DataFrame, kind: str) -> pd.DataFrame:
    rows = planted[planted["kind"] == kind]
    return rows.merge(rows, left_on="linked_case_id", right_on="case_id", suffixes=("", "_2"))


def test_shares_are_the_asked_ones(region: Region) -> None:
    share = region.irregularities["kind"].value_counts() / len(region.cases)
    assert share["split_admission"] == pytest.approx(0.006, abs=0.0005)
    assert share["overlapping_stay"] == pytest.approx(0.004, abs=0.0005)
    for kind in ("upcoding", "low_standard", "bunching"):
        assert share[kind] == pytest.approx(0.005, abs=0.001)
    assert region.irregularities["case_id"].is_unique


def test_truth_does_not_leak_into_the_cases(region: Region) -> None:
    hidden = {"irregularity", "flaw", "outlier", "drg", "weight", "cost_level", "role", "kind"}
    assert not hidden & set(region.cases.columns)
    assert not hidden & set(region.hospitals.columns)
    # Neither do ids or places in the file tell planted cases from honest ones.
    marked = (region.truth["irregularity"] != "").to_numpy()
    place = np.flatnonzero(marked) / len(marked)
    assert place.mean() == pytest.approx(0.5, abs=0.05)
    number = region.cases["patient_id"].str[1:].astype(int)
    assert number[marked].mean() == pytest.approx(number[~marked].mean(), rel=0.1)


def test_split_admissions_come_back_within_15_days(planted: pd.DataFrame) -> None:
    pairs = linked(planted, "split_admission")
    first = pairs[pairs["admission_date"] < pairs["admission_date_2"]]
    assert len(first) == len(pairs) / 2
    assert (first["patient_id"] == first["patient_id_2"]).all()
    assert (first["hospital_id"] == first["hospital_id_2"]).all()
    assert (first["drg"].str[:3] == first["drg_2"].str[:3]).all()
    gap = (first["admission_date_2"] - first["discharge_date"]).dt.days
    assert gap.between(1, 15).all()


def test_overlapping_stays_overlap_in_two_hospitals(planted: pd.DataFrame) -> None:
    pairs = linked(planted, "overlapping_stay")
    assert len(pairs)
    assert (pairs["patient_id"] == pairs["patient_id_2"]).all()
    assert (pairs["hospital_id"] != pairs["hospital_id_2"]).all()
    assert (pairs["admission_date"] < pairs["discharge_date_2"]).all()
    assert (pairs["admission_date_2"] < pairs["discharge_date"]).all()


def test_upcoding_lifts_the_group_and_not_the_cost(region: Region, planted: pd.DataFrame) -> None:
    rows = planted[planted["kind"] == "upcoding"]
    mean = region.weights.set_index("drg")["mean_cost"]
    assert (rows["role"] == "upcoding").all()
    assert (rows["drg"] != rows["cost_drg"]).all()
    assert (rows["drg"].str[:3] == rows["cost_drg"].str[:3]).all()
    assert (rows["total_cost"] / rows["drg"].map(mean) < 0.7).all()
    without = rows[["case_id", "sex", "age", "age_days", "birth_weight", "procedures"]].assign(
        diagnoses=rows["diagnoses"].str.rpartition("|")[0]
    )
    lower = Grouper().group(without)["drg"].to_numpy()
    assert (lower == rows["cost_drg"].to_numpy()).all()


def test_upcoded_codes_are_rare_elsewhere(region: Region, planted: pd.DataFrame) -> None:
    rows = planted[planted["kind"] == "upcoding"]
    added = set(rows["diagnoses"].str.rpartition("|")[2])
    scheme = load_scheme()
    assert all(code in scheme.mcc or code in scheme.cc for code in added)
    others = region.cases[~region.cases["case_id"].isin(rows["case_id"])]
    secondary = others["diagnoses"].str.partition("|")[2].str.split("|").explode()
    assert secondary.isin(added).mean() < 0.001


def test_low_standard_admissions_look_the_part(planted: pd.DataFrame) -> None:
    rows = planted[planted["kind"] == "low_standard"]
    assert (rows["length_of_stay"] <= 2).all()
    assert (rows["procedures"] == "").all()
    light = rows["cost_technology"] + rows["cost_drug_material"]
    assert (light > 0.8 * rows["total_cost"]).all()
    assert (rows["weight"] < 0.65).all()


def test_bunching_hospitals_crowd_past_the_thresholds(region: Region) -> None:
    both = region.cases.merge(region.truth, on="case_id")
    both = both.merge(region.hospital_truth, on="hospital_id")
    ratio = both["total_cost"] / both["cost_drg"].map(region.weights.set_index("drg")["mean_cost"])
    past = ratio.between(0.4, 0.44)
    before = ratio.between(0.36, 0.4)
    crowd = both["role"] == "bunching"
    assert past[crowd].sum() > 3 * before[crowd].sum()
    assert past[~crowd].sum() < 2 * before[~crowd].sum()


def test_pairs_fit_into_a_region_of_one_tier_each() -> None:
    region = make_region(cases=3000, hospitals=3, seed=5, overlap_share=0.02, split_share=0.02)
    kinds = region.irregularities["kind"].value_counts()
    assert kinds["overlapping_stay"] == 60
    assert kinds["split_admission"] == 60
