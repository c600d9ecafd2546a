"""Patient shares against a plain loop over persons, and their books, which balance to the fen."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget import load_policy
from budget.cases.hospitals import hospitals_of
from budget.cases.stays import Stays
from budget.patient.ladder import NO_LIMIT, fill, part, sliced
from budget.patient.shares import PatientShares, patient_shares
from budget.policy.benefit import Benefit
from budget.policy.select import SELECTORS
from budget.policy.special import DayBed
from drg.errors import DrgError
from tests.amount import tries
from tests.budget.test_persons import JANUARY, claims_from, claims_of, one_of, rows_of

BASE = load_policy("national-default")
HOSPITALS = hospitals_of(pd.DataFrame({
    "hospital_id": ["H1", "H2", "H3"], "tier": ["3", "2", ""],
    "level": ["city", "county", "county"], "class": ["甲等", "", ""],
}))  # fmt: skip
POPULATIONS = ("", "poor", "chronic")
EMPTY = {"fund_floor": 0.0, "deductibles": {}, "ratios": {}, "caps": {}}


def policy_of(benefit, day_bed=None):
    special = BASE.special.model_copy(
        update={"day_bed": None if day_bed is None else DayBed.model_validate(day_bed)}
    )
    made = Benefit.model_validate(EMPTY | benefit)
    return dataclasses.replace(BASE, benefit=made, special=special)


def shares_of(claims, benefit, *, stays=True, day_bed=None) -> PatientShares:
    order = Stays.of(claims) if stays else None
    return patient_shares(claims, HOSPITALS, policy_of(benefit, day_bed), order)


# The plain reference: one person after the other, one stay after the other, exact fractions


def half_up(amount: Fraction) -> int:
    return int((2 * amount + 1) // 2)


def exact(number: float) -> Fraction:
    return Fraction(repr(float(number)))


def fen(yuan: float | None) -> float:
    return float("inf") if yuan is None else int(exact(yuan) * 100)


def row_of(rows, who):
    """The most particular row that holds, found without :func:`choose`."""
    fit = [
        row for row in rows
        if all(who[name] in getattr(row, name) for name in SELECTORS if getattr(row, name))
    ]  # fmt: skip
    if not fit:
        return None
    return max(fit, key=lambda row: [bool(getattr(row, name)) for name in SELECTORS])


def people(claims):
    """Rows of each person in time order."""
    found: dict[object, list[int]] = {}
    for i in range(len(claims)):
        inside = claims.month[i] >= 0 and claims.person[i]
        key = int(claims.person[i]) if inside else f"row {i}"
        found.setdefault(key, []).append(i)
    for rows in found.values():
        yield sorted(rows, key=lambda i: (claims.day[i], claims.admission[i], i))


def bands_of(row, who):
    bands = [band for band in row.ratios if row_of([band], who)]
    most = max((band.rank for band in bands), default=0)
    return [band for band in bands if band.rank == most]


def major_illness(total: int, row, who) -> int:
    above = max(total - fen(row.line), 0)
    paid = Fraction(0)
    for band in bands_of(row, who):
        inside = min(above, fen(band.upto)) - fen(band.above or 0.0)
        paid += exact(band.value) * int(max(inside, 0))
    return half_up(paid)


def reference(claims, benefit: Benefit, day_bed: DayBed | None):
    parts = ("out_of_scope", "deductible", "copay", "over_cap", "fund_by_item", "major_illness",
             "medical_aid", "catch_all", "other", "patient")  # fmt: skip
    found = {name: [0] * len(claims) for name in parts}
    for rows in people(claims):
        fund_year = self_year = major_year = after_year = aid_year = borne_year = 0
        for nth, i in enumerate(rows):
            at = claims.hospital[i]
            who = {
                "hospital": HOSPITALS.ids[at] if at >= 0 else "",
                "hospital_class": HOSPITALS.hospital_class[at] if at >= 0 else "",
                "county": "", "level": HOSPITALS.level[at] if at >= 0 else "",
                "tier": HOSPITALS.tier[at] if at >= 0 else -1,
                "insurance": ("employee", "resident", "")[claims.insurance[i]],
                "population": POPULATIONS[claims.population[i]],
            }  # fmt: skip
            cost = int(claims.cost[i])
            outside = cost
            if "patient_out_of_scope" in claims.amounts:
                outside = min(int(claims.amounts["patient_out_of_scope"][i]), cost)
            else:
                outside = 0
            bed = (day_bed is not None and "day_bed" in claims.flags
                   and claims.flags["day_bed"][i] and claims.disease[i] >= 0)  # fmt: skip
            row = row_of(benefit.deductibles, who)
            line = 0 if row is None else fen(row.second if nth else row.first)
            if bed and not day_bed.deductible:
                line = 0
            deductible = min(line, cost - outside)
            left = cost - outside - deductible
            row = row_of(benefit.ratios, who)
            ratio = day_bed.reimbursed if bed else 0.0 if row is None else row.ratio
            pays = half_up(left * exact(ratio))
            row = row_of(benefit.caps, who)
            room = fen(row.amount) - fund_year if row else pays
            fund = min(pays, max(room, 0))
            fund_year += fund
            mine = cost - outside - fund
            row = row_of(benefit.major_illness, who)
            major = 0
            if row is not None:
                major = (major_illness(self_year + mine, row, who)
                         - major_illness(self_year, row, who))  # fmt: skip
                major = min(major, max(fen(row.cap) - major_year, 0))
            self_year += mine
            major_year += major
            rest = mine - major
            row = row_of(benefit.medical_aid, who)
            aid = 0
            if row is not None:
                over = [max(total - fen(row.line), 0) for total in (after_year, after_year + rest)]
                aid = half_up(over[1] * exact(row.ratio)) - half_up(over[0] * exact(row.ratio))
                aid = min(aid, max(fen(row.cap) - aid_year, 0))
            after_year += rest
            aid_year += aid
            rest -= aid
            row = row_of(benefit.self_pay_caps, who)
            borne = rest if row is None else min(rest, max(fen(row.amount) - borne_year, 0))
            borne_year += borne
            row = row_of(benefit.remainders, who)
            again = 0 if row is None else half_up(borne * exact(row.share))
            patient = outside + borne - again
            further = min(int(claims.amounts.get("other_paid", [0] * len(claims))[i]), patient)
            values = (outside, deductible, left - pays, pays - fund, fund, major, aid,
                      rest - borne + again, cost - fund - patient + further,
                      patient - further)  # fmt: skip
            for name, value in zip(parts, values, strict=True):
                found[name][i] = value
    return found


def balanced(claims, shares: PatientShares) -> None:
    s = shares
    assert (s.out_of_scope + s.deductible + s.copay + s.over_cap + s.fund_by_item
            == claims.cost).all()  # fmt: skip
    assert (s.patient + s.other + s.fund_by_item == claims.cost).all()
    assert (s.major_illness + s.medical_aid + s.catch_all <= s.other).all()
    for name in ("out_of_scope", "deductible", "copay", "over_cap", "fund_by_item",
                 "major_illness", "medical_aid", "catch_all", "other", "patient"):  # fmt: skip
        part_of = getattr(s, name)
        assert part_of.dtype == np.int64
        assert (part_of >= 0).all(), name
        assert (part_of <= claims.cost).all(), name


# Any policy, any cases

CHOICES = (
    {}, {"insurance": ("employee",)}, {"tier": (3,)}, {"level": ("county",)},
    {"population": ("poor", "chronic")}, {"hospital": ("H3",)},
)  # fmt: skip
YUAN = st.integers(0, 40_000).map(lambda cents: cents / 100)
SHARE = st.integers(0, 10_000).map(lambda share: share / 10_000)


def rows_with(**figures):
    def named(rows):
        return {f"r{place}": CHOICES[place] | row for place, row in rows.items()}

    one = st.fixed_dictionaries(figures)
    return st.dictionaries(st.integers(0, len(CHOICES) - 1), one, max_size=3).map(named)


@st.composite
def ladders(draw):
    bands = []
    for chosen in ({}, {"insurance": ("resident",)})[: draw(st.integers(1, 2))]:
        ends = sorted(draw(st.sets(st.integers(1, 300), max_size=2)))
        values = sorted(draw(SHARE) for _ in range(len(ends) + 1))
        edges = [None, *map(float, ends), None]
        bands += [
            chosen | {"above": edges[i], "upto": edges[i + 1], "value": value}
            for i, value in enumerate(values)
        ]
    values = [band["value"] for band in bands]
    for band, value in zip(bands, sorted(values), strict=True):
        band["value"] = value  # ratios may not fall
    return tuple(bands)


CAP = st.one_of(st.none(), YUAN)
BENEFITS = st.fixed_dictionaries({
    "deductibles": rows_with(first=YUAN, second=YUAN),
    "ratios": rows_with(ratio=SHARE),
    "caps": rows_with(amount=YUAN),
    "major_illness": rows_with(line=YUAN, ratios=ladders(), cap=CAP),
    "medical_aid": rows_with(line=YUAN, ratio=SHARE, cap=YUAN),
    "self_pay_caps": rows_with(amount=YUAN),
    "remainders": rows_with(share=SHARE),
})  # fmt: skip
DAY_BED = st.one_of(st.none(), st.fixed_dictionaries({
    "deductible": st.booleans(), "reimbursed": SHARE, "bed_and_nursing": st.just(0.5),
    "diseases": st.just({}),
}))  # fmt: skip
CASES = rows_of(
    person=one_of(0, 1, 2), day=one_of(*range(JANUARY - 1, JANUARY + 4)),
    admission=one_of(-1, JANUARY), hospital=one_of(-1, 0, 1, 2), insurance=one_of(-1, 0, 1),
    population=one_of(0, 1, 2), cost=st.integers(0, 60_000), disease=one_of(-1, 0),
)  # fmt: skip
COLUMNS = st.sets(st.sampled_from(("patient_out_of_scope", "other_paid", "day_bed")))


@given(CASES, BENEFITS, DAY_BED, COLUMNS, st.integers(0, 2**32 - 1))
@settings(max_examples=tries(400), deadline=None)
def test_by_policy_against_the_plain_reference(rows, benefit, day_bed, columns, seed):
    rng = np.random.default_rng(seed)
    amounts = {name: rng.integers(0, 40_000, len(rows)) for name in columns - {"day_bed"}}
    flags = {"day_bed": rng.random(len(rows)) < 0.5} if "day_bed" in columns else {}
    claims = claims_from(rows, amounts=amounts, flags=flags, populations=POPULATIONS)
    policy = policy_of(benefit, day_bed)
    shares = patient_shares(claims, HOSPITALS, policy, Stays.of(claims))
    balanced(claims, shares)
    expected = reference(claims, policy.benefit, policy.special.day_bed)
    for name, values in expected.items():
        assert list(getattr(shares, name)) == values, name
    assert shares.basis == "policy"


@given(CASES, st.integers(0, 2**32 - 1), st.sets(st.sampled_from(
    ("other_paid", "patient_out_of_scope", "patient_deductible", "patient_copay"))))  # fmt: skip
def test_by_item_balances(rows, seed, columns):
    rng = np.random.default_rng(seed)
    amounts = {name: rng.integers(0, 60_000, len(rows)) for name in ("fund_paid", *columns)}
    claims = claims_from(rows, amounts=amounts, populations=POPULATIONS)
    shares = shares_of(claims, {})
    balanced(claims, shares)
    zero = np.zeros(len(rows), np.int64)
    left = claims.cost - amounts["fund_paid"] - amounts.get("other_paid", zero)
    assert list(shares.patient) == list(np.maximum(left, 0))
    assert shares.basis == "by_item"
    said = (amounts["fund_paid"] + amounts.get("other_paid", zero) > claims.cost) & (
        claims.cost > 0
    )
    told = shares.warnings.get("payers_exceed_cost", "0 cases").split()[0]
    assert int(told) == said.sum()


@pytest.mark.parametrize("name", ["national-default", "luan-2025", "changzhi", "huaibei-2025"])
def test_shipped_policies_against_the_plain_reference(name):
    rng = np.random.default_rng(7)
    size = 400
    claims = claims_of(
        size, person=rng.integers(0, 40, size), day=JANUARY + rng.integers(-3, 360, size),
        hospital=rng.integers(-1, 3, size), insurance=rng.integers(-1, 2, size),
        population=rng.integers(0, 3, size), populations=POPULATIONS,
        cost=(rng.lognormal(9.5, 1.3, size) * 100).astype(np.int64),
        amounts={"patient_out_of_scope": rng.integers(0, 400_000, size)},
        case_id=[f"{i:03d}" for i in range(size)],
    )  # fmt: skip
    policy = load_policy(name)
    shares = patient_shares(claims, HOSPITALS, policy, Stays.of(claims))
    balanced(claims, shares)
    for part_name, values in reference(claims, policy.benefit, policy.special.day_bed).items():
        assert list(getattr(shares, part_name)) == values, part_name
    assert shares.over_cap.sum() >= 0
    assert shares.major_illness.any()


# By hand


ROW = {"deductibles": {"all": {"first": 500.0, "second": 250.0}}, "ratios": {"all": {"ratio": 0.8}}}


def three_stays(**columns):
    held = {"person": 1, "day": [JANUARY, JANUARY + 30, JANUARY + 60], "cost": 1_000_000}
    return claims_of(3, **held | columns)


def test_deductible_and_ratio():
    shares = shares_of(three_stays(), ROW)
    assert list(shares.deductible) == [50_000, 25_000, 25_000]
    assert list(shares.fund_by_item) == [760_000, 780_000, 780_000]
    assert list(shares.patient) == [240_000, 220_000, 220_000]
    alone = shares_of(three_stays(), ROW, stays=False)
    assert list(alone.deductible) == [50_000] * 3
    assert alone.warnings["persons_unknown"].startswith("3 cases: ")


def test_the_order_of_the_file_does_not_matter():
    claims = three_stays(day=[JANUARY + 60, JANUARY, JANUARY + 30])
    shares = shares_of(claims, ROW | {"caps": {"all": {"amount": 10_000.0}}})
    assert list(shares.fund_by_item) == [0, 760_000, 240_000]
    assert list(shares.over_cap) == [780_000, 0, 540_000]


def test_a_cap_that_differs_between_stays_of_a_person():
    """What county hospitals fill up to 3,000 yuan a city hospital fills on to 5,000."""
    caps = {"county": {"level": ("county",), "amount": 3000.0},
            "city": {"level": ("city",), "amount": 5000.0}}  # fmt: skip
    claims = claims_of(5, person=1, day=JANUARY + np.arange(5), hospital=[1, 1, 0, 1, 0],
                       cost=200_000)  # fmt: skip
    shares = shares_of(claims, {"self_pay_caps": caps})
    assert list(shares.patient) == [200_000, 100_000, 200_000, 0, 0]
    assert list(shares.catch_all) == [0, 100_000, 0, 200_000, 200_000]


def test_the_day_bed_has_no_deductible_and_its_own_ratio():
    claims = three_stays(flags={"day_bed": [True, False, True]}, disease=[0, 0, -1])
    day_bed = {"deductible": False, "reimbursed": 0.5, "bed_and_nursing": 0.5, "diseases": {}}
    shares = shares_of(claims, ROW, day_bed=day_bed)
    assert list(shares.deductible) == [0, 25_000, 25_000]
    assert list(shares.fund_by_item) == [500_000, 780_000, 780_000]


def test_other_payers_of_the_file():
    claims = three_stays(amounts={"other_paid": [100, 999_999, 0]})
    shares = shares_of(claims, ROW)
    assert list(shares.other) == [100, 220_000, 0]
    assert list(shares.patient) == [239_900, 0, 220_000]
    assert shares.warnings["other_paid_exceeds"].startswith("1 cases")


def test_a_case_without_a_ratio_is_told():
    shares = shares_of(three_stays(), {"ratios": {"e": {"insurance": ("resident",), "ratio": 1.0}}})
    assert shares.warnings["no_ratio"].startswith("3 cases")
    assert not shares.fund_by_item.any()


def test_faults_of_the_file_are_counted():
    amounts = {"fund_paid": [700_000, 0, 1_100_000], "other_paid": [200_000, 0, 0],
               "patient_out_of_scope": [50_000, 0, 10], "patient_deductible": [0, 0, 0],
               "patient_copay": [50_000, 5, 0]}  # fmt: skip
    shares = shares_of(three_stays(amounts=amounts), {})
    assert {name: text.split()[0] for name, text in shares.warnings.items()} == {
        "payers_exceed_cost": "1", "fund_paid_zero": "1", "patient_parts_exceed": "1",
        "patient_parts_short": "1",
    }  # fmt: skip
    assert list(shares.patient) == [100_000, 1_000_000, 0]
    assert list(shares.copay) == [250_000, 1_000_000, 0]


def test_the_basis_can_be_chosen():
    claims = three_stays(amounts={"fund_paid": [1, 2, 3]})
    policy = policy_of(ROW)
    assert patient_shares(claims, HOSPITALS, policy).basis == "by_item"
    assert patient_shares(claims, HOSPITALS, policy, Stays.of(claims), "policy").patient.sum()
    with pytest.raises(DrgError, match="fund_paid"):
        patient_shares(three_stays(), HOSPITALS, policy, basis="by_item")


def test_no_cases():
    for amounts in ({}, {"fund_paid": np.zeros(0, np.int64)}):
        claims = claims_of(0, amounts=amounts)
        balanced(claims, patient_shares(claims, HOSPITALS, BASE, Stays.of(claims)))


# Whole numbers


@given(st.integers(0, 9 * 10**15), st.integers(0, 10**9))
def test_part_is_exact(amount, share):
    found = part(np.array([amount]), np.array([share]))[0]
    assert found == half_up(Fraction(amount * share, 10**9))


@given(st.lists(st.integers(0, 10**15), min_size=2, max_size=2), st.integers(1, 10**15),
       st.lists(st.integers(0, 10**9), min_size=2, max_size=2))  # fmt: skip
def test_slices_never_grow_faster_than_the_amount(amounts, edge, shares):
    bands = [(0, edge, shares[0]), (edge, NO_LIMIT, shares[1])]
    low, high = sorted(amounts)
    paid = sliced(np.array([low, high]), bands)
    assert 0 <= paid[1] - paid[0] <= high - low
    exactly = min(high, edge) * shares[0] + max(high - edge, 0) * shares[1]
    assert paid[1] == half_up(Fraction(exactly, 10**9))


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from([0, 20, 45, 90, NO_LIMIT]),
                          st.integers(1, 2)), max_size=30))  # fmt: skip
def test_filling_with_many_limits(rows):
    amount, limit, person = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    stays = Stays.of(claims_of(len(rows), person=person, day=JANUARY))
    found = fill(stays, amount, limit, [0, 20, 45, 90, NO_LIMIT])
    total = {1: 0, 2: 0}
    for i, (added, top, who) in enumerate(rows):
        new = max(total[who], min(total[who] + added, top))
        assert found[i] == new - total[who]
        total[who] = new


def test_many_stays_of_one_person_are_fast_and_exact():
    """An id that stands for nobody in particular must not bring the program to its knees."""
    size = 200_000
    claims = claims_of(size, person=5, day=JANUARY + np.arange(size) % 365, cost=123_456,
                       hospital=np.arange(size) % 3, populations=POPULATIONS)  # fmt: skip
    shares = patient_shares(claims, HOSPITALS, BASE, Stays.of(claims))
    balanced(claims, shares)
    assert shares.fund_by_item.sum() == 400_000_00
