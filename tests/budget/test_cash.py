from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.fund.due_dates import WorkingDays, clock
from budget.policy import load_policy
from budget.settlement.cash_flow import close_year, monthly
from budget.settlement.warned import chinese
from drg.errors import DrgError

CASH = load_policy("national-default").cash


def cash(**changes):
    policy = load_policy("national-default")
    for key, value in changes.items():
        policy = policy.replace(f"cash.{key}", value)
    return policy.cash


@st.composite
def months(draw, low=0):
    h, p = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    size = h * p * 12
    flat = draw(st.lists(st.integers(low, 10**12), min_size=size, max_size=size))
    last = draw(st.lists(st.integers(0, 10**13), min_size=h * p, max_size=h * p))
    return np.array(flat, np.int64).reshape(h, p, 12), np.array(last, np.int64).reshape(h, p)


@given(months(low=-(10**6)), st.sampled_from([(0.95, 0.05), (0.9, 0.05), (0.85, 0.0), (1.0, 0.0)]))
def test_a_month_adds_up(year, shares):
    payable, last = year
    for basis in ("payable", "last_year_mean"):
        rule = cash(quality_money=0.0, advance=shares[0], basis=basis)
        rule = rule.model_copy(update={"quality_money": shares[1]})
        done = monthly(payable, rule, last)
        assert np.array_equal(done.advance + done.held + done.remainder, payable)
        assert (done.advance >= 0).all()
        assert (done.held >= 0).all()
    months_by_payable = monthly(payable, rule.model_copy(update={"basis": "payable"}))
    if sum(shares) == 1:
        assert (months_by_payable.remainder[payable >= 0] == 0).all()


@given(months(), st.integers(0, 10**13), st.sampled_from([1.0, 0.98, 0.95, 1.02]))
def test_advances_and_the_clearing_are_the_final_to_the_fen(year, final, coefficient):
    payable, _ = year
    h, p, _ = payable.shape
    advances = monthly(payable, CASH)
    ids, pools = tuple(f"H{i}" for i in range(h)), tuple(f"P{i}" for i in range(p))
    done = close_year(advances, np.full((h, p), final), np.full(h, coefficient), ids, pools)
    assert np.array_equal(advances.advance.sum(axis=2) + done.year_end, np.full((h, p), final))
    assert np.array_equal(done.quality_released + done.balance, done.year_end)
    returning = {f"returns.{ids[i]}" for i in np.flatnonzero((done.year_end < 0).any(axis=1))}
    assert {name for name in done.warnings if name.startswith("returns")} == returning


def test_a_year_by_hand():
    payable = np.full((1, 1, 12), 100_000_01)
    advances = monthly(payable, CASH)
    assert advances.advance[0, 0, 0] == 95_000_01  # 95,000.0095
    assert advances.held[0, 0, 0] == 5_000_00
    done = close_year(advances, [[1_100_000_00]], [0.98], ("H1",), ("employee",))
    assert done.prepaid.tolist() == [[1_140_000_12]]
    assert done.year_end.tolist() == [[-40_000_12]]
    assert done.quality_released.tolist() == [[58_800_00]]
    assert done.warnings == {
        "returns.H1": "hospital H1: was advanced more than the year is worth and returns: "
        "employee 40,000.12 yuan"
    }


def test_last_year_s_mean():
    rule = cash(basis="last_year_mean")
    payable = np.zeros((1, 2, 12), np.int64)
    payable[0, :, 0] = 100_00
    done = monthly(payable, rule, np.array([[1_000_00, 0]]))
    assert done.advance[0, 0].tolist() == [79_17] * 8 + [79_16] * 4  # 950 in twelve parts
    assert done.held[0, 0].tolist() == [5_00] + [0] * 11
    assert done.remainder[0, 0, :2].tolist() == [15_83, -79_17]
    closed = close_year(done, [[0, 100_00]], [1.0], ("H1",), ("a", "b"))
    assert set(closed.warnings) == {"returns.H1", "no_advance.H1"}
    with pytest.raises(DrgError, match="last year's spend is not known: found 'last_year_mean'"):
        monthly(payable, rule)
    with pytest.raises(DrgError, match=r"payable: wrong shape: found '\(1, 2\)'"):
        monthly(payable[..., 0], CASH)
    with pytest.raises(DrgError, match=r"last_year: wrong shape"):
        monthly(payable, rule, np.array([1]))


# The State Council's notice of 2025 (国办发明电〔2024〕12号): weekdays of rest, weekends of work.
REST = {dt.date(2025, m, d) for m, days in (
    (1, (1, 28, 29, 30, 31)), (2, (3, 4)), (4, (4,)), (5, (1, 2, 5)), (6, (2,)),
    (10, (1, 2, 3, 6, 7, 8))) for d in days}  # fmt: skip
WORK = {dt.date(2025, *day) for day in ((1, 26), (2, 8), (4, 27), (9, 28), (10, 11))}


def test_the_clock():
    done = clock(2025, CASH)
    # work begins on 5 February, and 8 February is worked: 9 days to the 14th, then 21 more
    assert done.advances[0] == dt.date(2025, 3, 17)
    # May ends on a Saturday, and 2 June is the Dragon Boat Festival
    assert done.advances[4] == dt.date(2025, 7, 14)
    # National Day takes six weekdays and gives one Saturday back
    assert done.advances[8] == dt.date(2025, 11, 18)
    assert done.clearing == dt.date(2026, 6, 30)
    assert clock(2025, cash(clearing_day=31)).clearing == dt.date(2026, 6, 30)
    assert clock(2023, cash(clearing_month=2)).clearing == dt.date(2024, 2, 29)
    assert done.warnings == {}


@given(st.dates(dt.date(2025, 1, 1), dt.date(2025, 9, 30)), st.integers(1, 60))
def test_working_days_are_counted_one_by_one(day, days):
    found, left = day, days
    while left:
        found += dt.timedelta(1)
        left -= found in WORK or (found.weekday() < 5 and found not in REST)
    assert WorkingDays().after(day, days) == found


def test_a_policy_gives_the_holidays_of_a_year_that_nobody_knows_yet():
    day = dt.date(2098, 4, 30)
    plain = WorkingDays()
    assert plain.after(day, 3) == dt.date(2098, 5, 5)
    assert list(plain.warnings) == ["holidays_unknown.2098"]
    told = chinese(plain.warnings["holidays_unknown.2098"])
    assert told.startswith("2098 年的节假日安排未知")
    year = {"rest": [dt.date(2098, 5, 1), dt.date(2098, 5, 2)], "work": dt.date(2098, 5, 4)}
    given = load_policy("national-default").replace("cash.holidays", {"2098": year})
    known = WorkingDays(given.cash.holidays)
    assert known.after(day, 3) == dt.date(2098, 5, 6)  # Sunday the 4th is worked
    assert known.warnings == {}


@pytest.mark.parametrize(("year", "days", "fault"), [
    ("27", {"rest": dt.date(2027, 1, 1)}, "no year"),
    ("2027", {"rest": dt.date(2026, 1, 1)}, "not in the year"),
    ("2027", {"work": dt.date(2027, 2, 8)}, "another day of the week"),
])  # fmt: skip
def test_holidays_that_are_none(year, days, fault):
    with pytest.raises(DrgError, match=fault):
        load_policy("national-default").replace("cash.holidays", {year: days})


def test_no_working_day():
    assert WorkingDays().after(dt.date(2025, 5, 30), 0) == dt.date(2025, 5, 30)
    assert WorkingDays().after(dt.date(2025, 5, 31), 0) == dt.date(2025, 6, 3)  # a festival
