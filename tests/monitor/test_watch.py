"""Months watched: what they hold is what is settled, drivers add up, warnings at their levels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from budget.cases.hospitals import hospitals_of
from budget.fund.tables import read_procurement
from budget.monitor.drivers import Base, drivers
from budget.monitor.history import History
from budget.monitor.levels import Level, read_levels
from budget.monitor.performance import performance, score
from budget.monitor.quotas import day_beds, retained, retention_frame
from budget.monitor.spend import spend_of
from budget.monitor.watch import watch
from budget.policy import load_policy
from drg.errors import DrgError
from tests.budget.region import HOSPITALS, claims_of, many, settled, weight_table

YEAR = 2025
SPENT = {"employee": 3.2e6, "resident": 3.1e6}
HELD = hospitals_of(HOSPITALS)
RULES = load_policy("national-default")
POINTS = load_policy("hangzhou-type").replace("standard.point_values", None)
LEVELS = read_levels(None, tuple(pool.name for pool in RULES.pools))
NONE = History(YEAR, {})


def spent(frame, policy=RULES, months=None, **more):
    claims = claims_of(frame, policy, HELD, year=YEAR)
    return spend_of(claims, weight_table(), policy, HELD, YEAR, months=months,
                    last_year=SPENT, **more)  # fmt: skip


CASES = many(1200, seed=3)


def test_what_is_watched_is_what_is_settled():
    done = settled(CASES, RULES, last_year=SPENT)
    found = spent(CASES)
    cells = found.cells
    assert cells["spend"].sum() + cells["outside"].sum() == done.sums.fund.sum()
    for name in ("cases", "cost", "patient", "other"):
        assert cells[name].sum() == getattr(done.sums, name).sum()
    by_month = done.sums.fund.sum(axis=0)
    for pool in range(len(RULES.pools)):
        own = cells[cells["pool"] == pool].groupby("month")[["spend", "outside"]].sum().sum(axis=1)
        assert own.tolist() == by_month[pool].tolist()


def test_each_level_of_the_months_adds_up_to_the_pools():
    found = watch(spent(CASES, months=6), LEVELS, NONE, before=spent(many(900, seed=4), months=12))
    sums = found.months.groupby(["level", "pool", "month"])[["cases", "spend", "budget"]].sum()
    whole = sums.loc["pool"]
    for level in ("hospital", "group"):
        pd.testing.assert_frame_equal(sums.loc[level].round(2), whole.round(2))
    budget = found.months[found.months["level"] == "pool"].groupby("pool")["budget"].sum()
    for pool in found.pools:
        assert budget[pool.name] * 100 == pytest.approx(pool.budget[:6].sum())


def test_months_to_come_are_not_looked_at():
    whole = spent(CASES, months=6)
    part = spent(CASES[CASES["discharge_date"] < "2025-07-01"])
    pd.testing.assert_frame_equal(whole.cells, part.cells)


def test_the_order_of_rows_decides_nothing():
    one = watch(spent(CASES, months=6), LEVELS, NONE)
    other = watch(spent(CASES.sample(frac=1, random_state=1), months=6), LEVELS, NONE)
    for name in ("months", "ahead", "warned"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(1, 5)])
def test_drivers_add_up_to_the_fen(scale):
    before, after = spent(many(700, seed=7)).cells, spent(many(300, seed=8)).cells
    base = Base("last_year", before, after, scale)
    for only in ({}, {"pool": 0}, {"pool": 1, "hospital": 2}, {"pool": 0, "group": 1}):
        found = drivers(base, **only)
        assert found.cases + found.mix + found.price == found.change
        assert sum(found.groups.values()) == found.change
        assert sum(found.hospitals.values()) == found.change


def test_drivers_say_what_moved():
    cells = spent(many(600, seed=9)).cells
    twice = cells.assign(**{name: 2 * cells[name] for name in ("cases", "weight", "spend")})
    dearer = cells.assign(spend=3 * cells["spend"])
    heavier = cells.assign(weight=2 * cells["weight"], spend=2 * cells["spend"])
    size = int(cells["spend"].sum())
    found = [drivers(Base("last_year", cells, now, Fraction(1)))
             for now in (twice, dearer, heavier)]  # fmt: skip
    assert [(one.cases, one.mix, one.price) for one in found] == [
        (size, 0, 0), (0, 0, 2 * size), (0, size, 0)]  # fmt: skip


def test_points_are_watched_by_their_value():
    found = watch(spent(CASES, POINTS, months=6), read_levels(None, ("employee", "resident")), NONE)
    for pool in found.pools:
        assert pool.by_points
        assert pool.projected > 0
    assert set(found.warned["kind"]) <= {"point_value", "hospital", "group"}
    # of a whole year the projected value is the settled one
    whole = watch(spent(CASES, POINTS), LEVELS, NONE)
    done = settled(CASES, POINTS, last_year=SPENT)
    for pool, came in zip(whole.pools, done.paid.pools, strict=True):
        assert pool.projected == pytest.approx(came.point_value, rel=1e-6)


def test_without_last_year_there_is_no_budget():
    claims = claims_of(CASES, RULES, HELD, year=YEAR)
    found = watch(spend_of(claims, weight_table(), RULES, HELD, YEAR, months=6), LEVELS, NONE)
    assert all(pool.amount is None for pool in found.pools)
    assert {f"no_budget.{pool.name}" for pool in found.pools} <= set(found.notes)
    assert found.warned.empty
    assert found.months["budget"].isna().all()


def test_warnings_stand_at_their_levels():
    found = watch(spent(CASES, months=6), LEVELS, NONE)
    for row in found.warned.to_dict("records"):
        level = LEVELS.levels[row["kind"]]
        assert row["level"] == level.of(row["value"])
        assert row["cases"] + row["mix"] + row["price"] == pytest.approx(row["change"])
    tight = watch(spend_of(claims_of(CASES, RULES, HELD, year=YEAR), weight_table(), RULES, HELD,
                           YEAR, months=6, last_year={"employee": 1e6, "resident": 1e6}),
                  LEVELS, NONE)  # fmt: skip
    red = tight.warned[tight.warned["level"] == "red"]
    assert {"year_end", "to_date", "reserve"} <= set(red["kind"])
    assert (red.loc[red["kind"] == "year_end", "chance"] > 0.99).all()


def test_chance_alone_warns_of_no_hospital():
    base = spent(many(1200, seed=21), months=12)
    was = base.cells.groupby("pool")["spend"].sum() / 100
    money = dict(zip(base.pools, was, strict=True))
    kinds = []
    for seed in (22, 23, 24):
        claims = claims_of(many(1200, seed=seed), RULES, HELD, year=YEAR)
        own = spend_of(claims, weight_table(), RULES, HELD, YEAR, months=6, last_year=money)
        found = watch(own, LEVELS, NONE, before=base)
        kinds += found.warned.loc[found.warned["hospital_id"] != "", "kind"].tolist()
    assert len(kinds) <= 2


def test_months_left_of_a_balance():
    held = LEVELS.__class__(**{**LEVELS.__dict__, "balances": {"employee": 1e5}})
    found = watch(spent(CASES, months=6), held, NONE)
    left = {pool.name: pool.months_left for pool in found.pools}
    assert np.isnan(left["resident"])
    pool = found.pools[0]
    due = 1e5 + (pool.budget[:6].sum() - pool.spent.sum()) / 100
    assert left["employee"] == pytest.approx(due / (pool.ahead.year / 12))


def test_levels():
    up, down = Level(1.0, 1.1, ""), Level(6, 3, "")
    assert [up.of(x) for x in (0.9, 1.0, 1.05, 1.2)] == ["", "", "amber", "red"]
    assert [down.of(x) for x in (7, 6, 5, 2)] == ["", "", "amber", "red"]


def test_performance_scores_what_can_be_told():
    measures = {"budget_known": 1.0, "patient_share": 0.5, "year_end": 0.9}
    found = performance(LEVELS, measures, over=False).set_index("name")
    assert found.loc["budget_known", "met"] == "yes"
    assert found.loc["patient", "met"] == "no"
    assert found.loc["year_end", "met"] == ""
    assert score(found) == pytest.approx(50)
    over = performance(LEVELS, measures, over=True).set_index("name")
    assert over.loc["year_end", "met"] == "yes"
    assert set(found["kind"]) == {"decision", "process", "output", "benefit"}
    assert set(found["stage"]) == {"before", "during", "after"}


DISEASES = {
    "a": {"title": "腰痛", "kind": "tcm", "diagnoses": ["M54"], "quota": 3000.0},
    "b": {"title": "高血压", "kind": "western", "diagnoses": ["I10"], "quota": 9000.0},
}


def test_day_bed_quotas_are_reviewed():
    rules = load_policy("huaibei-2025", {"special": {"day_bed": {"diseases": DISEASES,
                        "source": "默认 | default"}}})  # fmt: skip
    done = settled(CASES, rules, last_year=SPENT)
    found = day_beds(done, LEVELS.levels["day_bed"])
    beds = found[found["cases"] > 0]
    assert len(beds)
    left = beds["paid_quota"] - beds["cost"]
    assert (beds["surplus"] - beds["overrun"]).tolist() == pytest.approx(left.tolist())
    assert day_beds(settled(CASES, RULES, last_year=SPENT), LEVELS.levels["day_bed"]) is None


def test_procurement_is_retained_by_the_assessment(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("hospital,item,volume,before,after\nA,x,100,10,4\nA,y,10,5,5\nB,x,50,10,4\n")
    done = settled(CASES, RULES, last_year=SPENT)
    found = retention_frame(retained(done, read_procurement(path)))
    share = RULES.procurement.share
    assert found["saving"].tolist() == [600.0, 300.0]
    factors = dict(zip(done.hospitals.ids, done.closing.factor, strict=True))
    assert found["retained"].tolist() == pytest.approx(
        [600 * share * factors["A"], 300 * share * factors["B"]], abs=0.01)  # fmt: skip
    path.write_text("hospital,item,volume,before,after\nZ,x,100,10,4\n")
    with pytest.raises(DrgError, match="Z"):
        retained(done, read_procurement(path))
