"""Stays of persons in time order, and what depends on other cases: checked against plain loops."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.cases.claims import AMBIGUOUS, GROUPED, UNGROUPED, ClaimReader, Claims, joined
from budget.cases.hospitals import hospitals_of
from budget.cases.stays import Stays
from budget.policy.special import Caseload, NewTechnology, Readmission, Review
from budget.price.caseload import caseload_factor
from budget.price.new_technology import technology_year
from budget.price.readmission import readmission_factor
from budget.price.review import approved_reviews
from drg.cases.columns import recognise
from tests.amount import tries

JANUARY = (datetime.date(2025, 1, 1) - datetime.date(1970, 1, 1)).days
YEAR = [JANUARY + i for i in range(365)]


def claims_of(size: int, **columns) -> Claims:
    """Claims that are ordinary but for some columns; days decide the month."""
    kinds = {"kind": np.int8, "insurance": np.int8, "disease": np.int8, "technology": np.int8,
             "month": np.int8, "mode": np.int8, "cost": np.int64, "population": np.int16,
             "person": np.uint64}  # fmt: skip
    held = {
        "group": 0, "kind": GROUPED, "hospital": 0, "insurance": 0, "month": 0, "cost": 100_000,
        "stay": np.nan, "age": np.nan, "mode": 0, "tcm_share": np.nan, "disease": -1,
        "technology": -1, "population": 0, "person": 0, "day": JANUARY, "admission": -1,
    } | columns  # fmt: skip
    if columns.get("day") is not None and "month" not in columns:
        days = np.broadcast_to(np.asarray(columns["day"], np.int64), (size,))
        stamps = days.astype("datetime64[D]").astype("datetime64[M]").astype(int) - 55 * 12
        held["month"] = np.where((stamps >= 0) & (stamps < 12), stamps, -1)
    made = {"amounts": {}, "flags": {}, "populations": ("",)}
    for name, value in held.items():
        if name == "case_id":
            made[name] = pa.chunked_array([pa.array(list(value), pa.string())])
        elif name in ("amounts", "flags"):
            made[name] = {key: np.asarray(column) for key, column in value.items()}
        elif name == "populations" or value is None:
            made[name] = value
        else:
            kind = kinds.get(name, np.float32 if value is np.nan else np.int32)
            made[name] = np.broadcast_to(np.array(value, kind), (size,)).copy()
    return Claims(**made)


def one_of(*values):
    return st.sampled_from(values)


def rows_of(**columns):
    return st.lists(st.fixed_dictionaries(columns), max_size=25)


def claims_from(rows, **more) -> Claims:
    """Claims of rows, with ids that rise from row to row."""
    names = rows[0] if rows else ()
    more = {"case_id": [f"{i:03d}" for i in range(len(rows))]} | more
    return claims_of(len(rows), **{name: [row[name] for row in rows] for name in names}, **more)


# Order


@given(rows_of(person=one_of(0, 1, 2, 2**64 - 1), day=one_of(*YEAR[:5], YEAR[0] - 1, YEAR[-1] + 1),
               admission=one_of(-1, *YEAR[:3])))  # fmt: skip
def test_stays_against_a_loop(rows):
    stays = Stays.of(claims_from(rows))
    for i, row in enumerate(rows):
        inside = YEAR[0] <= row["day"] <= YEAR[-1]
        if not inside or not row["person"]:
            found = (int(inside), -1, -1)
        else:
            mine = sorted(
                (other["day"], other["admission"], j) for j, other in enumerate(rows)
                if other["person"] == row["person"] and YEAR[0] <= other["day"] <= YEAR[-1]
            )  # fmt: skip
            ids = [j for *_, j in mine]
            at = ids.index(i)
            found = (at + 1, ids[at - 1] if at else -1, ids[at + 1] if at + 1 < len(ids) else -1)
        assert (stays.number[i], stays.previous[i], stays.next[i]) == found
    assert sorted(stays.order) == list(range(len(rows)))


@given(rows_of(person=one_of(0, 1, 2), day=one_of(*YEAR[:3]), cost=st.integers(0, 100)))
def test_cumulated(rows):
    claims = claims_from(rows)
    stays = Stays.of(claims)
    found = stays.cumulated(claims.cost)
    for i in range(len(rows)):
        total, at = 0, i
        while at >= 0:
            total, at = total + rows[at]["cost"], stays.previous[at]
        assert found[i] == total


def test_without_persons_each_case_stands_alone():
    for claims in (claims_of(3, person=None), claims_of(3, day=None), claims_of(3)):
        stays = Stays.of(claims)
        assert list(stays.number) == [1, 1, 1]
        assert stays.unknown == 3
        assert list(stays.cumulated(claims.cost)) == list(claims.cost)
    assert len(Stays.of(claims_of(0))) == 0


# Reading


FRAME = pd.DataFrame({
    "patient_id": ["P1", " P2 ", None, "NULL", "p1", "P1", "无", "张三"],
    "drg": "A", "hospital_id": "H", "insurance": "职工", "total_cost": "100",
    "discharge_date": ["2025-01-03", "2025/1/4 08:00", "20251231", "2024-12-31", "", "x",
                       "2025-02-01", "2025-02-01"],
    "admission_date": ["2025-01-01", "", "x", "2024-12-30", "2025-01-01", "2025-01-01",
                       "1969-01-01", "2025-01-31"],
})  # fmt: skip


def read(frame: pd.DataFrame, *, persons: bool = True, **change) -> Claims:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    reader = ClaimReader(recognise(table.column_names), ["H"], ["A"], 2025, persons=persons)
    batches = table.combine_chunks().select(reader.names).to_batches(**change)
    return joined([reader.read(batch) for batch in batches])


def test_persons_are_read():
    claims = read(FRAME)
    keys = list(claims.person)
    assert keys[0] == keys[5] != keys[4]
    assert [i for i, key in enumerate(keys) if not key] == [2, 3, 6]
    assert len(set(keys)) == 5
    assert list(claims.day[:2] - JANUARY) == [2, 3]
    assert list(claims.day[4:6]) == [-1, -1]
    assert list(claims.admission[[1, 2, 6]]) == [-1, -1, -1]
    assert list(claims.month) == [0, 0, 11, -1, -1, -1, 1, 1]
    stays = Stays.of(claims)
    assert list(stays.number) == [1, 1, 1, 0, 0, 0, 1, 1]


def test_keys_are_the_same_in_every_run_and_batch():
    whole, parts = read(FRAME), read(FRAME, max_chunksize=3)
    assert list(whole.person) == list(parts.person)
    frame = FRAME.assign(patient_id=FRAME["patient_id"].astype("category"))
    assert list(read(frame).person) == list(whole.person)
    assert int(whole.person[0]) == 11359133895265349336
    numbers = read(FRAME.assign(patient_id=range(8))).person
    assert list(numbers) == list(read(FRAME.assign(patient_id=[str(i) for i in range(8)])).person)


def test_without_persons_nothing_is_read_of_them():
    claims = read(FRAME, persons=False, max_chunksize=3)
    assert claims.person is claims.day is claims.admission is None
    assert claims.slice(1, 3).person is None
    assert claims.take(np.array([0])).day is None
    assert read(FRAME).take(np.array([5])).person == read(FRAME).person[0]
    bare = read(FRAME.drop(columns=["patient_id", "admission_date"]))
    assert not bare.person.any()
    assert set(bare.admission) == {-1}


# Readmission


GROUPS = ("FR11", "FR13", "RE11", "GB11")


def readmission(**change) -> Readmission:
    held = {"days": 15, "factor": 0.5, "same": "drg", "exempt_adrgs": ("RE1",)} | change
    return Readmission.model_validate(held)


def stay(person, admission, day, group=0, hospital=0):
    return {"person": person, "admission": JANUARY + admission if admission is not None else -1,
            "day": JANUARY + day, "group": group, "hospital": hospital}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "rule", "cut"),
    [
        ([stay(1, 0, 5), stay(1, 20, 25)], {}, [0]),
        ([stay(1, 0, 5), stay(1, 21, 25)], {}, []),
        ([stay(1, 20, 25), stay(1, 0, 5)], {}, [1]),
        ([stay(1, 0, 5), stay(1, 5, 9)], {}, [0]),
        ([stay(1, 0, 5), stay(1, 4, 9)], {}, []),
        ([stay(1, 0, 5), stay(1, None, 9)], {}, []),
        ([stay(1, 0, 5), stay(2, 6, 9)], {}, []),
        ([stay(0, 0, 5), stay(0, 6, 9)], {}, []),
        ([stay(1, 0, 5), stay(1, 6, 9, hospital=1)], {}, []),
        ([stay(1, 0, 5, hospital=-1), stay(1, 6, 9, hospital=-1)], {}, []),
        ([stay(1, 0, 5), stay(1, 6, 9, group=1)], {}, []),
        ([stay(1, 0, 5), stay(1, 6, 9, group=1)], {"same": "adrg"}, [0]),
        ([stay(1, 0, 5, group=-1), stay(1, 6, 9, group=-1)], {}, []),
        ([stay(1, 0, 5, group=2), stay(1, 6, 9, group=2)], {}, []),
        ([stay(1, 0, 5, group=2), stay(1, 6, 9, group=2)], {"exempt_adrgs": ()}, [0]),
        ([stay(1, 0, 2), stay(1, 3, 4), stay(1, 5, 6)], {}, [0, 1]),
        ([stay(1, 0, 2), stay(1, 3, 4, group=3), stay(1, 5, 6)], {}, [0]),
        ([stay(1, 0, 2), stay(1, 3, 4, hospital=1), stay(1, 5, 6)], {}, [0]),
    ],
)
def test_readmission(rows, rule, cut):
    claims = claims_from(rows)
    factor = readmission_factor(claims, readmission(**rule), GROUPS)
    assert list(np.flatnonzero(factor == 0.5)) == cut
    assert set(factor) <= {0.5, 1.0}


def test_readmission_by_given_adrgs():
    claims = claims_from([stay(1, 0, 5), stay(1, 6, 9, group=3)])
    rule = readmission(same="adrg")
    assert readmission_factor(claims, rule, GROUPS, ["x", "y", "z", "x"])[0] == 0.5
    assert readmission_factor(claims, rule, GROUPS)[0] == 1


@given(rows_of(person=one_of(0, 1, 2), day=one_of(*YEAR[:30]), admission=one_of(-1, *YEAR[:30]),
               group=one_of(-1, 0, 1, 2), hospital=one_of(-1, 0, 1)),
       one_of("drg", "adrg"))  # fmt: skip
def test_readmission_against_a_loop(rows, same):
    claims = claims_from(rows)
    rule = readmission(same=same, days=5)
    factor = readmission_factor(claims, rule, GROUPS)

    def kind(row):
        code = GROUPS[row["group"]]
        return (row["person"], row["hospital"], code if same == "drg" else code[:3])

    def fits(row):
        known = row["person"] and row["group"] >= 0 and row["hospital"] >= 0
        return known and not GROUPS[row["group"]].startswith("RE1")

    for i, row in enumerate(rows):
        later = [
            (other["day"], other["admission"], j) for j, other in enumerate(rows)
            if fits(row) and fits(other) and kind(row) == kind(other)
            and (other["day"], other["admission"], j) > (row["day"], row["admission"], i)
        ]  # fmt: skip
        back = rows[min(later)[2]]["admission"] if later else -1
        cut = back >= 0 and 0 <= back - row["day"] <= 5
        assert factor[i] == (0.5 if cut else 1.0)


def test_readmission_without_persons():
    claims = claims_of(2, person=None, day=None, admission=None)
    assert list(readmission_factor(claims, readmission(), GROUPS)) == [1, 1]


# Caseload


@given(rows_of(day=one_of(*YEAR[:40], YEAR[0] - 1), group=one_of(-1, 0, 1, 2),
               hospital=one_of(-1, 0, 1), cost=one_of(0, 5, 5, 5), insurance=one_of(-1, 0, 1)),
       one_of("region", "hospital"), st.booleans())  # fmt: skip
def test_caseload_against_a_loop(rows, per, with_days):
    claims = claims_from(rows)
    rule = Caseload.model_validate(
        {"per": per, "beyond": 0.25,
         "caps": {"FR11": {"cases": 2}, "RE11": {"cases": 0}, "not there": {"cases": 1}}}
    )  # fmt: skip
    if not with_days:
        claims = claims_of(len(rows), **{name: getattr(claims, name) for name in (
            "group", "hospital", "cost", "insurance", "month")}, day=None,
            case_id=[f"{i:03d}" for i in range(len(rows))])  # fmt: skip
    caps = {0: 2, 2: 0}
    expected, seen = [1.0] * len(rows), {}
    when = claims.day if with_days else claims.month
    for i in sorted(range(len(rows)), key=lambda i: (when[i], i)):
        row = rows[i]
        if (row["group"] in caps and row["hospital"] >= 0 and row["insurance"] >= 0 and row["cost"]
                and row["day"] >= JANUARY):  # fmt: skip
            unit = (row["group"], row["hospital"] if per == "hospital" else 0)
            seen[unit] = seen.get(unit, 0) + 1
            if seen[unit] > caps[row["group"]]:
                expected[i] = 0.25
    assert list(caseload_factor(claims, GROUPS, rule)) == expected


# Special review


HOSPITALS = hospitals_of(pd.DataFrame({"hospital_id": ["H1", "H2"], "tier": ["3", "2"]}))
ATTRIBUTES = {
    **{name: held[:, None] for name, held in HOSPITALS.attributes.items()},
    "insurance": np.array([["employee", "resident"]], object),
}


def review(eligible="high_outliers", **quotas) -> Review:
    rows = quotas or {"tier3": {"tier": 3, "share": 0.5}, "other": {"share": 0.25}}
    return Review.model_validate({"quotas": rows, "eligible": eligible, "unreasonable": 0.0})


def test_reviews_by_hand():
    # H1 has seven DRG discharges, half of which is three; H2 has three, a quarter of which is none
    flags = {"special_review": [True] * 6 + [False] + [True] * 4}
    claims = claims_of(11, hospital=[0] * 7 + [1] * 3 + [0],
                       kind=[GROUPED] * 10 + [UNGROUPED], flags=flags)  # fmt: skip
    high = np.array([True] * 4 + [False] + [True] * 6)
    overrun = np.array([5.0, 9, 5, 5, 99, 7, 99, 1, 2, 3, 99])
    approved, refused = approved_reviews(claims, high, overrun, review(), ATTRIBUTES, 2)
    assert list(np.flatnonzero(approved)) == [0, 1, 5]
    assert refused == {"H1": 2, "H2": 3}
    approved, _ = approved_reviews(claims, high, overrun, review("all"), ATTRIBUTES, 2)
    assert list(np.flatnonzero(approved)) == [1, 4, 5]


def test_quotas_by_insurance():
    quotas = {"e": {"insurance": "employee", "share": 0.5}, "r": {"insurance": "resident",
                                                                 "share": 0.0}}  # fmt: skip
    claims = claims_of(8, insurance=[0] * 4 + [1] * 4, flags={"special_review": [True] * 8})
    overrun = np.arange(8.0)
    approved, refused = approved_reviews(
        claims, np.ones(8, bool), overrun, review(**quotas), ATTRIBUTES, 2
    )
    assert list(np.flatnonzero(approved)) == [2, 3]
    assert refused == {"H1": 6}


def test_a_quota_is_not_lost_to_the_float():
    claims = claims_of(100, flags={"special_review": [True] * 100})
    quotas = {"all": {"share": 0.29}}
    approved, _ = approved_reviews(
        claims, np.ones(100, bool), np.zeros(100), review(**quotas), ATTRIBUTES, 2
    )
    assert list(np.flatnonzero(approved)) == list(range(29))


@given(rows_of(hospital=one_of(-1, 0, 1), kind=one_of(GROUPED, GROUPED, UNGROUPED, AMBIGUOUS),
               insurance=one_of(-1, 0, 1), cost=one_of(0, 5, 5), month=one_of(-1, 3)),
       st.data())  # fmt: skip
def test_every_review_is_approved_or_counted(rows, data):
    size = len(rows)
    marks = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    claims = claims_from(rows, flags={"special_review": np.array(marks, bool)})
    overrun = np.array(data.draw(st.lists(st.sampled_from([1.0, 2.0]), min_size=size,
                                          max_size=size)))  # fmt: skip
    approved, refused = approved_reviews(
        claims, np.zeros(size, bool), overrun, review("all"), ATTRIBUTES, 2
    )
    for place, (name, share) in enumerate((("H1", 0.5), ("H2", 0.25))):
        drg = [i for i, row in enumerate(rows) if row["hospital"] == place and row["cost"]
               and row["kind"] == GROUPED and row["insurance"] >= 0
               and row["month"] >= 0]  # fmt: skip
        asked = sorted((i for i in drg if marks[i]), key=lambda i: (-overrun[i], i))
        quota = int(share * len(drg))
        assert {i for i in drg if approved[i]} == set(asked[:quota])
        assert refused.get(name, 0) == len(asked[quota:])
    assert approved.sum() + sum(refused.values()) <= sum(marks)


def test_no_reviews_without_the_column():
    approved, refused = approved_reviews(
        claims_of(2), np.ones(2, bool), np.zeros(2), review(), ATTRIBUTES, 2
    )
    assert not approved.any()
    assert refused == {}


# New technology


def technologies(*dates) -> NewTechnology:
    rows = {f"t{i}": {"procedures": "00.1", "valid_from": date} for i, date in enumerate(dates)}
    return NewTechnology.model_validate({"pay": "by_item", "years": 1, "technologies": rows})


@given(st.dates(datetime.date(1990, 1, 1), datetime.date(2026, 12, 31)), st.integers(0, 364))
@settings(max_examples=tries(300))
def test_year_of_a_technology(begin, after):
    day = datetime.date(2025, 1, 1) + datetime.timedelta(after)
    claims = claims_of(1, technology=0, day=JANUARY + after)
    since = day.year - begin.year + ((day.month, day.day) >= (begin.month, begin.day))
    expected = max(since, 0)
    assert technology_year(claims, technologies(begin), 2025)[0] == expected


def test_year_of_a_technology_at_its_edges():
    rule = technologies(datetime.date(2024, 6, 30), datetime.date(2025, 7, 1))
    days = [datetime.date(2025, 6, 29), datetime.date(2025, 6, 30), datetime.date(2025, 7, 1)]
    since = [day.toordinal() - datetime.date(1970, 1, 1).toordinal() for day in days]
    claims = claims_of(9, technology=[0] * 3 + [1] * 3 + [-1] * 3, day=since * 3)
    assert list(technology_year(claims, rule, 2025)) == [1, 2, 2, 0, 0, 1, 0, 0, 0]
    monthly = claims_of(4, technology=[0, 0, 1, 0], month=[4, 5, 6, -1], day=None)
    assert list(technology_year(monthly, rule, 2025)) == [1, 2, 1, 0]


def test_a_technology_of_a_leap_day():
    rule = technologies(datetime.date(2024, 2, 29))
    claims = claims_of(2, technology=0, day=[JANUARY + 58, JANUARY + 59])
    assert list(technology_year(claims, rule, 2025)) == [1, 2]
