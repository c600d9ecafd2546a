"""Special cases, each against what the rule says in yuan: payment of one case or a few."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from budget import load_policy
from budget.price.branches import CODES
from tests.budget.region import HOSPITALS, WEIGHTS, cases_of, price_of, rows, settled, weight_table

S = 8600.0  # of BB19 at hospital C of tier 2


def policy(**tables):
    """The national policy with other tables; dots are written ``__``."""
    held = load_policy()
    for key, value in tables.items():
        held = held.replace(key.replace("__", "."), value)
    return held


def one(held, **parts):
    found = price_of(held, **{"hospital_id": "C"} | parts)
    return found["branch"], found["payment"]


@pytest.mark.parametrize("branch", ["ungrouped", "ambiguous", "unpriced"])
@pytest.mark.parametrize(
    ("rule", "paid"),
    [
        ({"pay": "share_of_cost", "share": 0.7}, 7000.0),
        ({"pay": "by_item"}, 10000.0),
        ({"pay": "weight", "weight": 0.95}, 8170.0),
    ],
)
def test_cases_without_a_group_or_a_weight(branch, rule, paid):
    drg = {"ungrouped": "0000", "ambiguous": "FQY", "unpriced": "NN19"}[branch]
    held = load_policy().replace(f"special.{branch}", rule)
    assert one(held, drg=drg, total_cost=10000.0) == (branch, paid)


def test_an_ambiguous_group_with_a_weight_of_its_own():
    held = load_policy().replace("special.ambiguous", {"pay": "own_weight"})
    assert one(held, drg="BQY", total_cost=9000.0) == ("ambiguous", 0.6 * S)
    # one that the table does not have is paid its cost
    assert one(held, drg="FQY", total_cost=9000.0) == ("ambiguous", 9000.0)


@pytest.mark.parametrize("drg", ["", "0000", "OOOO", None])
def test_what_counts_as_no_group(drg):
    assert one(load_policy(), drg=drg, total_cost=1000.0) == ("ungrouped", 700.0)


@pytest.mark.parametrize(
    ("status", "branch"),
    [("ungrouped", "ungrouped"), ("invalid", "ungrouped"), ("ambiguous", "ambiguous"),
     ("grouped", "normal")],
)  # fmt: skip
def test_the_groupers_status_counts(status, branch):
    frame = cases_of({"hospital_id": "C"}).assign(status=status)
    assert rows(settled(frame))["branch"].tolist() == [branch]


def test_the_weight_of_no_group_is_priced_exactly():
    """Lu'an: 0.2665 x 5,136.70 x k, whatever the rounded standards of its groups are."""
    small = [0.0013, 0.0021, 0.0034, 0.0055, 0.0089, 0.0144, 0.0233]
    weights = pd.DataFrame({"drg": [f"G{i}" for i in range(7)], "weight": small})
    frame = cases_of(*({"hospital_id": h, "insurance": "resident", "drg": "0000",
                        "total_cost": 4000.0} for h in "ACE"))  # fmt: skip
    done = rows(settled(frame, "luan-2025", weights=weight_table(weights)))
    assert done["standard"].tolist() == [round(0.2665 * 5136.70 * k, 2) for k in (1.2, 1, 0.82)]


@pytest.mark.parametrize("pay", ["by_item", "cost_points"])
def test_unstable_groups(pay):
    held = policy(groups__unstable__x={"groups": "BB19", "pay": pay})
    for cost in (100.0, 9000.0, 90000.0):
        assert one(held, total_cost=cost) == ("unstable", cost)


def test_unstable_groups_as_cost_points_share_the_pool():
    held = load_policy("hangzhou-type").replace(
        "groups.unstable.x", {"groups": "BB19", "pay": "cost_points"}
    )
    found = price_of(held, hospital_id="C", total_cost=9543.61)
    assert (found["branch"], found["points"], found["payment"]) == ("unstable", 100.0, 9200.0)


BED_DAY = {"unit": "yuan", "rates": [{"upto": 15, "value": 300.0}, {"above": 15, "value": 200.0}]}


@pytest.mark.parametrize(
    ("days", "branch", "paid"),
    [(1, "short_stay", 300.0), (2, "short_stay", 600.0), (3, "normal", S), (59, "normal", S),
     (60, "long_stay", 15 * 300.0 + 45 * 200.0), (61, "long_stay", 15 * 300.0 + 46 * 200.0),
     (None, "normal", S)],
)  # fmt: skip
def test_stays_by_bed_day(days, branch, paid):
    held = policy(special__bed_day=BED_DAY, special__short_stay={"days": 2, "pay": "bed_day"},
                  special__long_stay={"days": 60, "pay": "bed_day"})  # fmt: skip
    # one yuan above what is due to the patient: cost small enough for the patient's share
    assert one(held, length_of_stay=days, total_cost=4000.0) == (
        branch, max(paid, 4000.0 - 0.9 * 3500.0)
    )  # fmt: skip


def test_stays_by_item():
    held = policy(special__short_stay={"days": 2, "pay": "by_item"})
    assert one(held, length_of_stay=2, total_cost=1234.56) == ("short_stay", 1234.56)
    assert one(held, length_of_stay=60, total_cost=123456.78) == ("long_stay", 123456.78)


def test_bed_days_in_points():
    held = load_policy("hangzhou-type").replace(
        "special.bed_day", {"unit": "points", "rates": [{"value": 4.0}]}
    ).replace("special.long_stay", {"days": 60, "pay": "bed_day"})  # fmt: skip
    found = price_of(held, length_of_stay=100, total_cost=50000.0)
    assert (found["branch"], found["points"], found["payment"]) == ("long_stay", 400.0, 36800.0)


def test_transfers_are_paid_in_proportion_and_at_most_the_standard():
    frame = cases_of(*({"hospital_id": "C", "drg": "BB19", "discharge_mode": m, "total_cost": c}
                       for m, c in ((2, 4000.0), (4, 6000.0), (1, 8000.0), (5, 10000.0),
                                    (2, 12000.0))))  # fmt: skip
    done = rows(settled(frame))
    mean = 8000.0
    assert done["branch"].tolist() == ["transfer", "transfer", "normal", "normal", "transfer"]
    assert done["payment"].tolist() == pytest.approx(
        [S * 4000 / mean, S * 6000 / mean, S, S, S], abs=0.005
    )


def test_transfers_at_a_share_or_by_item_within_days():
    held = policy(special__transfer={"modes": [2], "pay": "share_of_standard", "share": 0.7})
    assert one(held, discharge_mode=2) == ("transfer", round(0.7 * S, 2))
    assert one(held, discharge_mode=4) == ("normal", S)
    held = policy(special__transfer={"modes": [2], "pay": "by_item", "within_days": 3})
    assert one(held, discharge_mode=2, length_of_stay=3, total_cost=5000.0) == ("transfer", 5000.0)
    assert one(held, discharge_mode=2, length_of_stay=4, total_cost=5000.0) == ("normal", S)


def test_day_surgery_is_a_multiplier():
    held = policy(special__day_surgery={"factor": 0.9})
    assert one(held, day_surgery="1") == ("normal", 0.9 * S)
    assert one(held, day_surgery="是") == ("normal", 0.9 * S)
    for no in ("", "0", "否", None):
        assert one(held, day_surgery=no) == ("normal", S)


DAY_BED = {
    "deductible": False, "bed_and_nursing": 0.5, "reimbursed": 0.8,
    "diseases": {
        "back": {"title": "腰痛", "kind": "tcm", "diagnoses": ["M54"], "quota": 2000.0},
        "skin": {"title": "湿疹", "kind": "western", "diagnoses": ["L20"], "quota": 1500.0},
    },
}  # fmt: skip


def test_day_beds_are_paid_their_quota_whatever_they_cost():
    held = policy(special__day_bed=DAY_BED)
    for cost in (900.0, 2000.0, 5000.0):
        found = price_of(held, hospital_id="C", day_bed="1", diagnoses="M54.5|I10", total_cost=cost)
        assert (found["branch"], found["payment"]) == ("day_bed", 2000.0)
        assert found["gain"] == pytest.approx(2000.0 - cost)
    assert one(held, day_bed="1", diagnoses="L20.9", total_cost=900.0) == ("day_bed", 1500.0)
    assert one(held, day_bed="", diagnoses="M54.5") == ("normal", S)
    # only the principal diagnosis counts
    assert one(held, day_bed="1", diagnoses="I10|M54.5") == ("normal", S)


def test_special_review_pays_the_largest_overruns_inside_the_quota_and_reports_the_rest():
    held = policy(special__review={"eligible": "high_outliers", "unreasonable": 0.05,
                                   "quotas": {"all": {"share": 0.2}}})  # fmt: skip
    costs = [30000.0, 50000.0, 40000.0, 9000.0] + [8000.0] * 6  # 10 discharges: 2 approved
    frame = cases_of(*({"hospital_id": "C", "total_cost": c, "special_review": "1"}
                       for c in costs))  # fmt: skip
    done = settled(frame, held)
    table = rows(done)
    assert table["branch"].tolist()[:4] == ["high", "review", "review", "normal"]
    assert table["payment"].tolist()[:4] == [S, 0.95 * 50000, 0.95 * 40000, S]
    assert done.warnings["review_beyond_quota"].startswith("1 special review")
    every = settled(frame, held.replace("special.review.eligible", "all"))
    assert rows(every)["branch"].tolist()[:4] == ["high", "review", "review", "normal"]
    assert every.warnings["review_beyond_quota"].startswith("8 special review")


def stays(held, first=9000.0, second=9000.0, back="2025-05-20", **other):
    frame = cases_of(
        {"hospital_id": "C", "patient_id": "p", "total_cost": first},
        {"hospital_id": "C", "patient_id": "p", "total_cost": second, "admission_date": back,
         "discharge_date": "2025-05-30"} | other,
    )  # fmt: skip
    return rows(settled(frame, held))


def test_a_readmission_halves_the_previous_stay():
    held = load_policy()
    assert stays(held)["payment"].tolist() == [S / 2, S]
    assert stays(held, back="2025-05-25")["payment"].tolist() == [S / 2, S]  # 15 days
    assert stays(held, back="2025-05-26")["payment"].tolist() == [S, S]
    assert stays(held, drg="CC19")["payment"].tolist() == [S, 1.5 * S]
    assert stays(held, hospital_id="D")["payment"].tolist() == [S, S]
    assert stays(held, patient_id="")["payment"].tolist() == [S, S]


def test_chemotherapy_is_exempt_from_readmission():
    same = {"hospital_id": "C", "patient_id": "p", "drg": "RE19", "total_cost": 9000.0}
    days = ("2025-05-01", "2025-05-10"), ("2025-05-12", "2025-05-20")
    frame = cases_of(*(same | {"admission_date": a, "discharge_date": d} for a, d in days))
    assert rows(settled(frame))["payment"].tolist() == [1.1 * S] * 2


@pytest.mark.parametrize("rule", ["standard", "cost"])
def test_half_the_points_make_no_outlier_of_an_ordinary_stay(rule):
    """The stay's points are halved, its ratio is what it was."""
    held = load_policy().replace("outliers.high.rule", rule)
    table = stays(held, first=2.0 * S)
    assert table["branch"].tolist() == ["normal", "normal"]
    assert table["ratio"].iloc[0] == pytest.approx(2.0)
    assert table["payment"].iloc[0] == S / 2
    low = stays(held, first=0.3 * S)
    assert low["branch"].iloc[0] == "low"
    assert low["payment"].iloc[0] == pytest.approx(0.15 * S)
    high = stays(held.replace("outliers.high.rule", "cost"), first=4 * S)
    assert (high["branch"].iloc[0], high["payment"].iloc[0]) == ("high", 2 * S)


def test_a_caseload_cap_pays_a_share_beyond_it():
    cap = {"per": "hospital", "beyond": 0.5, "caps": {"BB19": {"cases": 2}}}
    held = policy(special__caseload=cap)
    days = ["2025-05-10", "2025-05-08", "2025-05-12", "2025-05-09", "2025-05-10"]
    frame = cases_of(*({"hospital_id": h, "discharge_date": d, "total_cost": 9000.0}
                       for h, d in zip("CCCCD", days, strict=True)))  # fmt: skip
    assert rows(settled(frame, held))["payment"].tolist() == [S / 2, S, S / 2, S, S]
    held = held.replace("special.caseload.per", "region")
    assert rows(settled(frame, held))["payment"].tolist() == [S / 2, S, S / 2, S, S / 2]
    none = rows(settled(frame, held.replace("special.caseload.beyond", 0.0)))
    assert none["fund"].tolist()[0] == 0
    assert none["branch"].tolist() == ["normal"] * 5


TECHNOLOGY = {"robot": {"procedures": ["17.4"], "valid_from": "2024-03-01"}}


def technology(tmp_path, write, pay, more=""):
    extra = "extra_points = 50" if pay == "extra_points" else ""
    taper = ("taper = [{ year = 1, share = 1.0 }, { year = 2, share = 0.5 }]"
             if pay == "extra_points" else "")  # fmt: skip
    return load_policy(
        write(f"""
[special.new_technology]
pay = "{pay}"
years = 2
{taper}
source = "made up"
[special.new_technology.technologies.robot]
procedures = ["17.4"]
valid_from = 2024-03-01
{extra}
source = "made up"
{more}
""")
    )


@pytest.mark.parametrize(
    ("day", "branch"),
    [("2024-02-29", "normal"), ("2024-03-01", "new_technology"), ("2026-02-28", "new_technology"),
     ("2026-03-01", "normal")],
)  # fmt: skip
def test_new_technology_by_item_for_its_years(tmp_path, write, day, branch):
    held = technology(tmp_path, write, "by_item")
    frame = cases_of({"hospital_id": "C", "procedures": "99.9|17.42", "discharge_date": day,
                      "total_cost": 20000.0})  # fmt: skip
    done = rows(settled(frame, held, year=int(day[:4])))
    assert done["branch"].tolist() == [branch]
    assert done["payment"].tolist() == [20000.0 if branch != "normal" else S]
    other = rows(settled(frame.assign(procedures="99.17.4"), held, year=int(day[:4])))
    assert other["branch"].tolist() == ["normal"]


def test_new_technology_as_tapering_points(tmp_path, write):
    held = technology(tmp_path, write, "extra_points")
    held = load_policy("hangzhou-type").replace("special.new_technology", {
        "pay": "extra_points", "years": 2,
        "taper": [{"year": 1, "share": 1.0}, {"year": 2, "share": 0.5}],
        "technologies": {"robot": {"procedures": ["17.4"], "extra_points": 50,
                                   "valid_from": held.special.new_technology.technologies[0]
                                   .valid_from}},
    })  # fmt: skip
    for day, points in (("2024-02-01", 100), ("2025-02-28", 150), ("2025-03-01", 125),
                        ("2026-03-01", 100)):  # fmt: skip
        frame = cases_of({"hospital_id": "C", "procedures": "17.4", "discharge_date": day,
                          "total_cost": 9000.0})  # fmt: skip
        done = rows(settled(frame, held, year=int(day[:4])))
        assert done["points"].tolist() == [points], day


def test_children_and_categories_of_people():
    held = policy(groups__multiplier={
        "child": {"all_groups": True, "age_below": 6, "factor": 1.03},
        "poor": {"groups": "CC19", "population": "poor", "factor": 1.2},
    })  # fmt: skip
    assert one(held, age=5) == ("normal", 1.03 * S)
    assert one(held, age=6) == ("normal", S)
    assert one(held, age=None) == ("normal", S)
    assert one(held, age=5, drg="CC19", population="poor") == (
        "normal", pytest.approx(1.03 * 1.2 * 1.5 * S, abs=0.006)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("share", "otherwise", "paid"),
    [(0.6, "no_factor", 1.1 * S), (0.59, "no_factor", S), (0.6, "medical_group", 1.1 * S),
     (0.59, "medical_group", 0.9 * S)],
)  # fmt: skip
def test_tcm_groups_need_their_share_of_tcm(share, otherwise, paid):
    row = {"groups": "BB19", "factor": 1.1, "least_share": 0.6, "otherwise": otherwise}
    if otherwise == "medical_group":
        row["medical_group"] = "GG19"
    held = policy(groups__tcm__x=row)
    assert one(held, tcm_share=share)[1] == pytest.approx(paid, abs=0.005)
    assert one(held, tcm_share=share, drg="CC19")[1] == 1.5 * S


def test_multipliers_of_several_sets_are_multiplied():
    incentive = {"column": "group_type", "values": "", "factor": 1.04}
    held = policy(groups__tcm__x={"adrgs": "BB", "factor": 1.02}, groups__incentive__y=incentive)
    assert one(held)[1] == pytest.approx(1.02 * 1.04 * S, abs=0.005)
    assert one(held, drg="GG19")[1] == 0.9 * S


def test_basic_groups_have_one_price():
    held = policy(groups__basic__x={"groups": "BB19", "k": 0.85})
    assert {one(held, hospital_id=h)[1] for h in "ABCDE"} == {0.85 * S}
    held = load_policy("changzhi")
    paid = {h: price_of(held, hospital_id=h, drg="GT19", total_cost=3000.0)["payment"]
            for h in "ABCDE"}  # fmt: skip
    assert set(paid.values()) == {round(0.8 * 5136.37, 2)}
    normal = {h: price_of(held, hospital_id=h)["payment"] for h in "ACDE"}
    assert normal == {"A": 8727.60, "C": 6920.72, "D": 6575.25, "E": 5136.37}


def computed(by="hospital", **more):
    how = {"by": by, "new_group": 1.0, "least_cases": 2} | more
    return load_policy().replace("coefficients", {"computed": how})


def test_computed_coefficients_are_the_case_mix_weighted_ratio_of_means():
    rng = np.random.default_rng(7)
    groups = ["AA19", "BB19", "CC19"]
    parts = [{"hospital_id": h, "drg": g, "total_cost": round(f * rng.uniform(5e3, 9e3), 2)}
             for h, f in (("A", 1.3), ("B", 1.1), ("C", 0.8)) for g in groups
             for _ in range(rng.integers(2, 6))]  # fmt: skip
    frame = cases_of(*parts)
    for by in ("hospital", "tier"):
        done = settled(frame, computed(by))
        held = frame.merge(HOSPITALS, on="hospital_id")
        unit = held["hospital_id"] if by == "hospital" else held["tier"]
        mean = held.groupby("drg")["total_cost"].transform("mean")
        k = held["total_cost"].groupby(unit).sum() / mean.groupby(unit).sum()
        for place, hospital in enumerate("ABC"):
            wanted = k[hospital if by == "hospital" else HOSPITALS["tier"][place]]
            for group in groups:
                g = list(WEIGHTS["drg"]).index(group)
                assert done.grid.coefficient[place, g, 0] == pytest.approx(wanted, rel=1e-12)
            assert done.grid.coefficient[place, 5, 0] == 1.0  # a group of no cases is new
        assert done.grid.coefficient[4, 1, 0] == (1.0)
    bounded = settled(frame, computed(floor=0.9, ceiling=1.05)).grid.coefficient
    assert bounded[0, 1, 0] == 1.05
    assert bounded[2, 1, 0] == 0.9


def test_a_given_coefficient_goes_before_a_computed_one_and_both_converge():
    held = computed().replace("coefficients.table.a", {"hospital": "A", "k": 1.5})
    held = held.replace("coefficients.convergence", [{"year": 2024, "share": 0.25},
                                                     {"year": 2025, "share": 0.5}])  # fmt: skip
    frame = cases_of(*({"hospital_id": h, "total_cost": c} for h, c in (
        ("A", 9000.0), ("A", 9000.0), ("C", 6000.0), ("C", 6000.0),
    )))  # fmt: skip
    k = settled(frame, held).grid.coefficient
    assert k[0, 1, 0] == 1.25
    assert k[2, 1, 0] == pytest.approx(1 + 0.5 * (6000 / 7500 - 1))


def test_own_means_with_too_few_cases_take_the_regions():
    held = load_policy("huaibei-2025").replace("standard.own_mean.least_cases", 2)
    frame = cases_of(*({"hospital_id": h, "total_cost": c} for h, c in (
        ("A", 9000.0), ("A", 11000.0), ("C", 7000.0),
    )))  # fmt: skip
    table = rows(settled(frame, held))
    assert table["points"].tolist() == [10000.0, 10000.0, 9000.0]
    assert table["payment"].tolist() == [11174.0, 11174.0, round(9000 * 1.1174, 2)]
    item = held.replace("standard.own_mean.otherwise", "by_item")
    table = rows(settled(frame, item))
    assert table["branch"].tolist() == ["normal", "normal", "unpriced"]


def test_cases_outside_the_year_are_no_part_of_any_mean():
    """Neither the own mean, nor the group mean of transfers, nor computed coefficients."""
    inside = [{"hospital_id": "A", "total_cost": c} for c in (9000.0, 11000.0)]
    held = load_policy("huaibei-2025").replace("standard.own_mean.least_cases", 2)
    alone = rows(settled(cases_of(*inside), held))
    more = [*inside, {"hospital_id": "A", "total_cost": 90000.0, "discharge_date": "2024-12-31"}]
    together = rows(settled(cases_of(*more), held))
    assert together["payment"].tolist() == [*alone["payment"].tolist(), 0.0]


def test_branches_are_looked_for_in_their_order():
    """A case to which everything applies is paid by the first branch; without it by the next."""
    day_bed = DAY_BED
    held = policy(special__day_bed=day_bed, special__short_stay={"days": 2, "pay": "by_item"},
                  groups__unstable__x={"groups": "BB19", "pay": "by_item"},
                  special__review={"eligible": "all", "unreasonable": 0.0,
                                   "quotas": {"all": {"share": 1.0}}})  # fmt: skip
    parts = {"day_bed": "1", "diagnoses": "M54.5", "special_review": "1", "length_of_stay": 1,
             "discharge_mode": 2, "total_cost": 1000.0}  # fmt: skip
    found = []
    for key, value in (("", ""), ("day_bed", ""), ("special_review", ""), ("drg", "CC19"),
                       ("length_of_stay", 5), ("discharge_mode", 1), ("total_cost", 12000.0),
                       ("total_cost", 90000.0)):  # fmt: skip
        parts = parts | ({key: value} if key else {})
        found.append(one(held, **parts)[0])
    assert found == ["day_bed", "review", "unstable", "short_stay", "transfer", "low", "normal",
                     "high"]  # fmt: skip
    assert [CODES.index(code) for code in found[:6]] == sorted(CODES.index(c) for c in found[:6])
    for key, value, branch in (("hospital_id", "?", "no_hospital"), ("total_cost", 0, "bad_cost"),
                               ("insurance", "?", "no_insurance"),
                               ("discharge_date", "2024-01-01", "outside_year")):  # fmt: skip
        assert one(held, **parts | {key: value}) == (branch, 0.0)
