"""Projected years: nothing assumed is the settled year, and money is conserved."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from budget.cases.hospitals import hospitals_of
from budget.policy import load_policy, policies
from budget.projection.cells import SUMS, Cells
from budget.projection.equilibrium import reactions
from budget.projection.policy import changed_policy
from budget.projection.scenario import load_scenario
from budget.projection.tables import frames
from budget.projection.year import bounds, spent
from budget.projection.years import project, shift_severity, shift_tier
from budget.settlement.settled import history_of, settle
from drg.errors import DrgError
from tests.budget.region import (
    HOSPITALS,
    WEIGHTS,
    YEAR,
    claims_of,
    many,
    settled,
    weight_table,
)

SPENT = {"employee": 5e6, "resident": 5e6}
POINTS = load_policy("hangzhou-type").replace("standard.point_values", None)
HELD = load_policy("hangzhou-type").laid_over(
    {"standard": {"point_values": {"all": {"given": "none", "floor": 96.0}}}}, "a test"
)
BESIDE = POINTS.laid_over(
    {"pools": {"employee": {"outside": ["unpriced", "ungrouped"]},
               "resident": {"outside": ["unpriced"]}}}, "a test"
)  # fmt: skip
OTHERS = {"points": POINTS, "points-floor": HELD, "points-outside": BESIDE}
NAMES = [*(getattr(one, "id", one) for one in policies()), *OTHERS]
LADDER = {"AA19": "BB15", "BB19": "BB13", "DD19": "BB11"}


@cache
def base(name: str = "national-default", size: int = 1200, ladders: bool = False) -> Cells:
    frame, weights = many(size), None
    if ladders:
        frame["drg"] = frame["drg"].replace(LADDER)
        weights = weight_table(WEIGHTS.assign(drg=WEIGHTS["drg"].replace(LADDER)))
    return Cells.of(settled(frame, OTHERS.get(name, name), weights=weights, last_year=SPENT))


def scenario(years: int = 2, **parts):
    return load_scenario({"id": "s", "title": "s", "source": "a test", "years": years, **parts})


def again(of: Cells, what, size: int = 1200, weights=None):
    """What settles the cases of :func:`base` anew."""

    table = weights or weight_table()
    hospitals = hospitals_of(HOSPITALS)

    def reprice(number, money, prices):
        policy = changed_policy(of.policy, what, number)
        claims, history = claims_of(many(size), policy, hospitals, table), None
        if prices is not None:
            groups = tuple(table.frame["drg"])
            history = history_of(claims, len(hospitals), len(groups))
            claims = prices.on(claims, groups)
        return Cells.of(settle(claims, table, policy, hospitals, YEAR, history=history,
                               last_year=SPENT | dict(money)))  # fmt: skip

    return reprice


def same(one, other) -> None:
    """Two years, bit for bit."""
    for name in ("fund", "final", "cut"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert np.allclose(one.point_value, other.point_value, rtol=1e-12, atol=0, equal_nan=True)
    for name in SUMS:
        assert np.array_equal(getattr(one.cells, name), getattr(other.cells, name)), name


# Nothing assumed


@pytest.mark.parametrize("name", NAMES)
def test_nothing_assumed_is_the_settled_year(name):
    cells = base(name)
    first, *ahead = project(cells, scenario(3)).years
    assert np.array_equal(first.fund, cells.settlement.closing.payable)
    assert np.array_equal(first.final, cells.settlement.cash.final)
    decided = np.isnan(cells.point_value).any()
    for year in ahead:
        for step in SUMS:
            assert np.array_equal(getattr(year.cells, step), getattr(cells, step)), step
        if not decided:
            assert np.array_equal(year.fund, first.fund)
            assert np.array_equal(year.closing.final, first.closing.final)
    assert [year.year for year in ahead] == [cells.year + 1, cells.year + 2, cells.year + 3]


@pytest.mark.parametrize("name", ["points", "points-floor", "points-outside"])
def test_with_the_same_money_a_point_pool_pays_the_same(name):
    given = {"employee": 5.1e6, "resident": 4.9e6}
    overlay = {"pools": {
        pool: {"basis": "given", "budget": amount, "growth": "none"}
        for pool, amount in given.items()}}  # fmt: skip
    policy = OTHERS[name].laid_over(overlay, "a test")
    cells = Cells.of(settled(many(1200), policy))
    first, *ahead = project(cells, scenario(2)).years
    for year in ahead:
        same(year, first)


@pytest.mark.parametrize("name", ["national-default", "points"])
@pytest.mark.parametrize("drivers", [{}, {"volume": 0.03, "input_cost": 0.02}])
@pytest.mark.parametrize(
    "behaviour",
    [{}, {"volume": {}}, {"volume": {"medical": 0.0}, "intensity": {"loss": 0.0, "follow": 0.7},
          "coding": {"step": 0.0}, "refusal": {"share": 0.0}, "bunching": {"low": 0.0}}],
)  # fmt: skip
def test_no_response_is_no_behaviour(name, drivers, behaviour):
    cells = base(name)
    without = project(cells, scenario(drivers=drivers))
    held = project(cells, scenario(drivers=drivers, behaviour=behaviour),
                   react=reactions(behaviour))  # fmt: skip
    for one, other in zip(without.years, held.years, strict=True):
        same(one, other)


def test_zero_drivers_are_no_drivers():
    cells = base()
    zero = {"volume": 0.0, "population": 0.0, "input_cost": 0.0, "case_mix": 0.0,
            "flows": ({"from_tier": 3, "to_tier": 2, "share": 0.0},)}  # fmt: skip
    for one, other in zip(project(cells, scenario()).years,
                          project(cells, scenario(drivers=zero)).years, strict=True):  # fmt: skip
        same(one, other)


# Conservation

MOVED = {"volume": 0.04, "input_cost": 0.03, "case_mix": 0.02,
         "flows": ({"from_tier": 3, "to_tier": 2, "share": 0.05},)}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_money_is_conserved(name):
    held = project(base(name), scenario(3, drivers=MOVED))
    tables = frames([held])
    for year in held.years:
        policy = year.cells.policy
        amount = np.array([one.amount for one in year.money])
        # what each hospital gets adds up to what the pools pay
        rows = tables["projection_hospitals"].query("year == @year.year")
        pools = tables["projection_pools"].query("year == @year.year")
        for column in ("payable", "final"):
            total = round(rows[column].sum(), 2)
            assert total == round(pools[column].sum(), 2), column
        got = rows["patient"] + rows["final"] - rows["gain"]
        other = year.by_pool("other").sum() / 100
        assert round(got.sum() + other, 2) == round(rows["cost"].sum(), 2)
        balance = (pools["amount"] - pools["balance"]).to_numpy()
        assert np.allclose(balance, year.inside.sum(axis=0) / 100, atol=0.005)
        for place, pool in enumerate(policy.pools):
            if pool.shortage == "pro_rata" and year is not held.years[0]:
                assert year.inside[:, place].sum() <= amount[place]
        assert np.array_equal(year.closing.final - year.cut, year.final)


@pytest.mark.parametrize("name", ["points", "points-outside"])
def test_point_pools_pay_out_exactly_the_pool(name):
    held = project(base(name), scenario(3, drivers=MOVED))
    for year in held.years:
        amount = np.array([one.amount for one in year.money])
        inside = year.fund.sum(axis=0) - year.by_pool("outside").sum(axis=0)
        assert np.abs(inside - amount).max() <= 1  # a fen of rounding what is beside the pool
        if name == "points":
            assert np.array_equal(inside, amount)


def test_a_floor_of_the_point_value_holds_in_the_years_ahead():
    cells = base("points-floor")
    low, high = bounds(cells)
    assert np.all(low == 96.0 * cells.settlement.grid.per_yuan)
    assert np.all(np.isinf(high))
    done = cells.settlement
    assert {one.bound for one in done.paid.pools} == {"floor"}
    held = project(cells, scenario(2, drivers={"volume": 0.1}))
    for year in held.years:
        assert np.allclose(year.point_value, low)
    assert held.years[1].fund.sum() == pytest.approx(held.years[0].fund.sum() * 1.1, rel=1e-6)


def test_pools_grow_from_what_was_paid_from_them():
    for name in ("national-default", "huaibei-2025", "points"):
        held = project(base(name), scenario(2))
        for before, year in zip(held.years, held.years[1:], strict=False):
            paid = spent(before)
            for one, pool in zip(year.money, year.cells.policy.pools, strict=True):
                expected = pool.amount(paid[pool.name]) * 100
                assert one.amount == pytest.approx(expected, abs=2), (name, pool.name)


def test_a_pool_without_cases_stays_without_money():
    frame = many(600)
    held = project(
        Cells.of(settled(frame[frame["insurance"] == "employee"], last_year={"employee": 4e6})),
        scenario(2),
    )
    for year in held.years:
        assert year.money[1].amount == 0
        assert year.fund[:, 1].sum() == 0


# Drivers


def test_volume_scales_cases_and_money():
    cells = base()
    year = project(cells, scenario(2, drivers={"volume": 0.1})).years[2]
    for name in ("cases", "cost", "patient", "by_standard", "by_cost", "stay"):
        assert np.allclose(getattr(year.cells, name), getattr(cells, name) * 1.21), name
    assert np.abs(year.fund - cells.settlement.closing.payable * 1.21).max() <= 1
    people = project(cells, scenario(2, drivers={"population": 0.1})).years[2]
    same(people, year)


def test_input_cost_moves_cost_and_not_standards():
    cells = base()
    first, year, _ = project(cells, scenario(2, drivers={"input_cost": 0.1})).years
    assert np.array_equal(year.cells.by_standard, cells.by_standard)
    assert np.array_equal(year.cells.cases, cells.cases)
    for name in ("cost", "patient", "by_cost"):
        assert np.allclose(getattr(year.cells, name), getattr(cells, name) * 1.1), name
    # payment moves by what goes by cost, less what patients bear more
    more = (cells.by_cost + cells.lift - cells.beside).sum() * 0.1 * 100
    assert year.fund.sum() - first.fund.sum() == pytest.approx(more, abs=20)
    assert np.allclose(year.price, 1.1)


def test_case_mix_conserves_cases_and_raises_the_index():
    cells = base(ladders=True)
    for share in (0.1, -0.1):
        held = project(cells, scenario(2, drivers={"case_mix": share}))
        for year in held.years:
            assert np.allclose(year.cells.cases.sum(axis=1), cells.cases.sum(axis=1))
            assert (year.cells.cases >= 0).all()
        weight = np.nan_to_num(cells.weight)[None, :, None]
        index = [float((year.cells.cases * weight).sum()) for year in held.years]
        assert index == sorted(index, reverse=share < 0)
        assert index[0] != index[1]


def test_cases_that_shift_take_the_cost_of_their_new_group():
    cells = base(ladders=True)
    moved = shift_severity(cells, 0.2)
    upper, lower = cells.groups.index("BB11"), cells.groups.index("BB15")
    mean = cells.cost[:, upper] / cells.cases[:, upper]
    assert np.allclose(moved.cost[:, upper] / moved.cases[:, upper], mean)
    assert np.allclose(moved.cases[:, lower], cells.cases[:, lower] * 0.8)
    alone = cells.groups.index("FF19")
    assert np.array_equal(moved.cases[:, alone], cells.cases[:, alone])


def test_flows_stay_in_the_region_or_leave_it():
    cells = base()
    moved = shift_tier(cells, 3, 2, 0.1)
    by_group = moved.cases.sum(axis=0), cells.cases.sum(axis=0)
    assert np.allclose(*by_group)
    assert moved.cases[cells.tier == 3].sum() < cells.cases[cells.tier == 3].sum()
    assert moved.cases[cells.tier == 2].sum() > cells.cases[cells.tier == 2].sum()
    assert np.array_equal(moved.cases[cells.tier == 1], cells.cases[cells.tier == 1])
    gone = shift_tier(cells, 3, None, 0.1)
    assert np.allclose(gone.cases[cells.tier == 3], cells.cases[cells.tier == 3] * 0.9)
    assert np.array_equal(gone.cases[cells.tier != 3], cells.cases[cells.tier != 3])


def test_groups_that_nobody_there_treats_do_not_flow():
    cells = base()
    at = cells.groups.index("BB19")
    cases = cells.cases.copy()
    cases[cells.tier == 2, at] = 0
    moved = shift_tier(cells.scaled(cases=(cases > 0).astype(float)), 3, 2, 0.3)
    assert np.array_equal(moved.cases[:, at], cases[:, at])


@pytest.mark.parametrize("insurance", ["employee", "resident"])
def test_a_driver_of_some_moves_those_only(insurance):
    cells = base()
    row = {"x": {"all_groups": True, "tier": 3, "insurance": insurance, "volume": 0.5}}
    year = project(cells, scenario(1, drivers={"groups": row})).years[1]
    factor = np.ones(cells.cases.shape)
    factor[cells.tier == 3, :, ("employee", "resident").index(insurance)] = 1.5
    assert np.allclose(year.cells.cases, cells.cases * factor)


# A change of policy

CHANGES = {
    "rates": {"standard": {"rates": {"base": {"yuan": 7000.0}}}},
    "growth": {"pools": {"employee": {"growth": 0.2}, "resident": {"growth": -0.3}}},
    "high": {"outliers": {"high": {"rule": "excess_share", "share": 0.7}}},
    "thresholds": {"outliers": {"high": {"thresholds": ({"value": 1.6},)}}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_a_settlement_under_the_changed_policy(change):
    cells = base()
    what = scenario(2, change={"2": {"policy": CHANGES[change]}})
    held = project(cells, what, reprice=again(cells, what))
    policy = changed_policy(cells.policy, what, 2)
    exact = settled(many(1200), policy, last_year=spent(held.years[1]))
    same(held.years[1], project(cells, scenario(1)).years[1])
    assert np.array_equal(held.years[2].fund, exact.closing.payable)
    assert np.array_equal(held.years[2].final, exact.cash.final)
    assert [one.amount for one in held.years[2].money] == [one.amount for one in exact.money]
    assert not np.array_equal(held.years[2].final, held.years[1].final)


@pytest.mark.parametrize("name", ["national-default", "points"])
def test_dearer_cases_are_settled_as_dearer_cases(name):
    """Cases that cost more pass thresholds: a year is the settlement of its dearer cases."""
    cells, rise = base(name), 0.03
    what = scenario(2, drivers={"input_cost": rise, "groups": {
        "cheap": {"adrgs": ["CC"], "input_cost": -0.05}}})  # fmt: skip
    held = project(cells, what, reprice=again(cells, what))
    hospitals = cells.hospitals
    history = history_of(cells.settlement.claims, len(hospitals), len(WEIGHTS))
    for number in (1, 2):
        frame = many(1200)
        factor = np.where(frame["drg"] == "CC19", (1 + rise) * 0.95, 1 + rise) ** number
        frame["total_cost"] = (frame["total_cost"] * factor).round(2)
        exact = settle(claims_of(frame, cells.policy, hospitals), weight_table(), cells.policy,
                       hospitals, YEAR, history=history,
                       last_year=spent(held.years[number - 1]))  # fmt: skip
        found = held.years[number]
        if name != "points":  # where the cases' costs are the fen that this rounds them to
            assert np.abs(found.fund - exact.closing.payable).max() <= 2
        assert np.abs(found.final - exact.cash.final).max() <= 1e-8 * exact.cash.final.max() + 2
        assert np.allclose(found.cells.cost.sum(), exact.sums.cost.sum() / 100)
        sums_only = project(cells, what).years[number]
        assert not np.array_equal(found.fund, sums_only.fund)


def test_a_change_under_points_is_a_settlement_too():
    cells = base("points")
    overlay = {"outliers": {"high": {"thresholds": ({"value": 1.6},)}}}
    what = scenario(1, change={"1": {"policy": overlay}})
    held = project(cells, what, reprice=again(cells, what))
    policy = changed_policy(cells.policy, what, 1)
    exact = settled(many(1200), policy, last_year=spent(held.years[0]))
    assert np.array_equal(held.years[1].fund, exact.closing.payable)
    assert np.array_equal(held.years[1].final, exact.cash.final)


def test_another_weight_table_with_other_groups():
    """A table with a group more and one less settles as such, and the tables keep all groups."""
    cells = base()
    other = weight_table(
        WEIGHTS.replace({"drg": {"NN19": "NN99"}}).sort_values("drg", ascending=False)
    )
    what = scenario(2, change={"2": {"weights": "other"}}, drivers={"volume": 0.0})
    held = project(cells, what, reprice=again(cells, what, weights=other))
    exact = settled(many(1200), cells.policy, last_year=spent(held.years[1]), weights=other)
    assert np.array_equal(held.years[2].fund, exact.closing.payable)
    assert np.array_equal(held.years[2].final, exact.cash.final)
    assert len({year.cells.groups for year in held.years}) == 1
    found = frames([held])["projection_groups"].set_index(["year", "drg"])["average_cost"]
    assert found[cells.year, "BB19"] == found[cells.year + 2, "BB19"]


def test_a_change_needs_the_cases():
    with pytest.raises(DrgError, match=r"scenario s: change\.1: needs the cases"):
        project(base(), scenario(change={"1": {"policy": CHANGES["rates"]}}))


# Decomposition


@pytest.mark.parametrize("name", ["national-default", "points"])
def test_the_decomposition_adds_up_to_the_fen_in_every_row(name):
    cells = base(name, ladders=True)
    found = frames([project(cells, scenario(3, drivers=MOVED))])["decomposition"]
    fen = {column: np.rint(found[column] * 100).astype(int) for column in
           ("from", "to", "price", "case_mix", "intensity", "volume", "total")}  # fmt: skip
    parts = fen["price"] + fen["case_mix"] + fen["intensity"] + fen["volume"]
    assert np.array_equal(fen["from"] + parts, fen["to"])
    assert np.array_equal(parts, fen["total"])
    assert set(found["level"]) == {"region", "tier", "hospital", "insurance"}
    region = found.query("level == 'region'").iloc[-1]
    assert region["price"] == pytest.approx(region["from"] * (1.03**3 - 1), rel=0.05)
    assert abs(region["intensity"]) < 0.05 * region["price"]


def test_tiers_and_hospitals_say_the_same():
    held = project(base(), scenario(1, drivers=MOVED))
    found = frames([held])
    hospitals, tiers = found["projection_hospitals"], found["projection_tiers"]
    assert list(hospitals["hospital_id"].unique()) == sorted(HOSPITALS["hospital_id"])
    for year, rows in hospitals.groupby("year"):
        whole = tiers[(tiers["year"] == year) & (tiers["tier"] == "all")]
        all_of = whole[whole["insurance"] == "all"].iloc[0]
        assert all_of["average_cost"] == pytest.approx(
            rows["cost"].sum() / rows["cases"].sum(), rel=1e-4
        )
