"""Pools and point values: the pool pays out exactly its money, and the value is the right one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from budget import load_policy
from budget.pools.money import pool_money
from budget.pools.point_value import hold
from budget.pools.sharing import point_value, share_out
from drg.errors import DrgError
from tests.budget.region import HOSPITALS, cases_of, many, odd, rows, settled, tables


def points_policy(**replaced):
    """The Hangzhou type without its given value: the pool decides."""
    held = load_policy("hangzhou-type").replace("standard.point_values", None)
    for key, value in replaced.items():
        held = held.replace(key.replace("__", "."), value)
    return held


def money(held, employee, resident=None):
    """The policy with given sums in its pools, nothing set aside."""
    for name, yuan in (("employee", employee), ("resident", resident or employee)):
        held = held.replace(f"pools.{name}", {
            "insurance": name, "basis": "given", "budget": yuan, "reserve": 0.0,
            "outside": [], "shortage": "report",
        })  # fmt: skip
    return held


def slow(points, beside, amount, floor) -> Fraction:
    """The fixed point by bisection, in fractions: sum(max(p v - b, floor)) = amount."""

    def paid(value):
        return sum(max(p * value - b, floor) for p, b in zip(points, beside, strict=True))

    low, high = Fraction(0), Fraction(1)
    while paid(high) < amount:
        high *= 2
    for _ in range(120):
        middle = (low + high) / 2
        low, high = (middle, high) if paid(middle) < amount else (low, middle)
    return high


cases = st.lists(
    st.tuples(st.integers(0, 5_000_000), st.integers(0, 3_000_000)), min_size=1, max_size=12
)


@given(cases, st.integers(1, 10**9), st.sampled_from([0, 0, 100, 50_000]))
def test_the_value_is_the_fixed_point_whatever_floors_bind(held, amount, floor):
    points, beside = (np.array(column, np.int64) for column in zip(*held, strict=True))
    assume(points.any())
    assume(amount > floor * len(points))
    found = point_value(points, beside, amount, floor)
    wanted = slow([int(p) for p in points], [int(b) for b in beside], amount, floor)
    assert float(found) == pytest.approx(float(wanted), rel=1e-11)
    parts = [max(int(p) * found - int(b), floor) for p, b in held]
    assert sum(parts) == amount  # exactly


@given(cases, st.integers(1, 10**12))
def test_where_no_floor_binds_it_is_all_money_over_all_points(held, amount):
    points, beside = (np.array(column, np.int64) for column in zip(*held, strict=True))
    assume((points > 0).all())
    value = Fraction(amount + int(beside.sum()), int(points.sum()))
    assume(all(int(p) * value > int(b) for p, b in held))
    assert point_value(points, beside, amount, 0) == value


def shared(points, beside, amount, floor=0, order=None):
    """Fen of the cases of one pool; equal remainders in the given order of ids."""
    held = np.array(points, np.int64), np.array(beside, np.int64)
    ids = np.arange(len(points)) if order is None else np.array(order)
    fen, *_ = share_out(*held, amount, floor, (None, None), "", np.arange(len(points)),
                        lambda rows: np.argsort(ids[rows]))  # fmt: skip
    return fen


def by_fractions(points, beside, amount, floor, order):
    """The largest remainders one by one, in fractions."""
    value = point_value(np.array(points), np.array(beside), amount, floor)
    exact = [max(p * value - b, Fraction(floor)) for p, b in zip(points, beside, strict=True)]
    fen = [int(one // 1) for one in exact]
    first = sorted(range(len(fen)), key=lambda i: (fen[i] - exact[i], order[i]))
    for i in first[: amount - sum(fen)]:
        fen[i] += 1
    return fen


@given(cases, st.integers(1, 10**9), st.sampled_from([0, 0, 100, 50_000]), st.randoms())
def test_whole_fen_add_up_and_are_those_of_fractions(held, amount, floor, random):
    points, beside = (list(column) for column in zip(*held, strict=True))
    assume(any(points))
    assume(amount > floor * len(points))
    order = list(range(len(points)))
    random.shuffle(order)
    found = shared(points, beside, amount, floor, order)
    assert found.sum() == amount
    assert found.tolist() == by_fractions(points, beside, amount, floor, order)


@given(st.lists(st.sampled_from([1, 2, 4, 7]), min_size=1, max_size=40), st.integers(1, 10**6),
       st.randoms())  # fmt: skip
def test_equal_remainders_go_by_id_and_not_by_row(points, amount, random):
    beside = [0] * len(points)
    before = shared(points, beside, amount)
    order = list(range(len(points)))
    random.shuffle(order)
    after = shared([points[i] for i in order], beside, amount, 0, order)
    assert after.tolist() == [before[i] for i in order]


def test_the_rest_goes_to_the_largest_remainders_and_the_earlier_of_equals():
    assert shared([15, 25, 30], [0, 0, 0], 7).tolist() == [2, 2, 3]
    assert shared([12, 27, 31], [0, 0, 0], 7).tolist() == [1, 3, 3]
    assert shared([1, 1, 1], [0, 0, 0], 1).tolist() == [1, 0, 0]
    assert shared([1, 1, 1], [0, 0, 0], 1, 0, [2, 1, 0]).tolist() == [0, 0, 1]
    assert shared([0, 0, 24, 6], [0, 0, 0, 0], 3).tolist() == [0, 0, 2, 1]


def test_no_fen_is_taken_below_the_floor():
    assert shared([1, 1, 250], [0, 0, 0], 449, 100).tolist() == [100, 100, 249]


@pytest.mark.parametrize("seed", range(4))
def test_rows_may_stand_in_any_order(seed):
    frame = cases_of(
        *({"drg": drg, "hospital_id": hospital, "total_cost": 9000.0}
          for drg, hospital in (("DD19", "C"), ("BB19", "C"), ("BB19", "B"), ("BB19", "B"),
                                ("BB19", "C")))
    )  # fmt: skip
    held = money(points_policy(), 20000.0)
    before = pd.Series(settled(frame, held).paid.fund, frame["case_id"])
    mixed = frame.sample(frac=1.0, random_state=seed)
    after = pd.Series(settled(mixed, held).paid.fund, mixed["case_id"])
    assert after.loc[before.index].tolist() == before.tolist()
    assert before.sum() == 2_000_000


def pool_rows(done):
    return tables(done)["pools"].set_index("pool")


def test_point_value_by_hand():
    """(pool + patients + others) / points, and every case points x value."""
    frame = cases_of(
        {"drg": "BB19", "hospital_id": "C", "total_cost": 9000.0},
        {"drg": "CC19", "hospital_id": "C", "total_cost": 15000.0},
    )
    done = settled(frame, money(points_policy(), 20000.0))
    table = rows(done)
    beside = table["patient"].sum() + table["other"].sum()
    value = (20000.0 + beside) / 250.0
    assert table["points"].tolist() == [100.0, 150.0]
    assert table["payment"].tolist() == pytest.approx([100 * value, 150 * value], abs=0.01)
    assert table["fund"].sum() == pytest.approx(20000.0, abs=1e-9)
    row = pool_rows(done).loc["employee"]
    assert row["point_value"] == pytest.approx(value)
    assert (row["decided_by"], row["points"], row["payable"]) == ("pool", 250.0, 20000.0)


@pytest.mark.parametrize("copies", [2, 3, 7])
def test_identical_hospitals_share_equally(copies):
    own = many(60, seed=5).assign(hospital_id="H0", patient_id="")
    frame = pd.concat([own.assign(hospital_id=f"H{i}") for i in range(copies)], ignore_index=True)
    hospitals = pd.DataFrame({"hospital_id": [f"H{i}" for i in range(copies)], "tier": 2})
    held = money(points_policy(), 600_000.0 * copies)
    done = settled(frame, held, hospitals)
    sums = done.sums.yearly().fund
    assert sums.sum(axis=0).tolist() == [60_000_000 * copies] * 2
    # the fen that rounding leaves differ by at most one a case
    assert np.ptp(sums, axis=0).max() <= 60
    alone = settled(own, money(points_policy(), 600_000.0), hospitals)
    assert pool_rows(alone)["point_value"].tolist() == pytest.approx(
        pool_rows(done)["point_value"].tolist(), rel=1e-9
    )


@pytest.mark.parametrize("per_weight", [1.0, 1000.0])
def test_scaling_all_points_changes_no_payment(per_weight):
    frame = many(200, seed=3)
    held = money(points_policy(), 800_000.0)
    before = rows(settled(frame, held))
    after = rows(settled(frame, held.replace("standard.points.per_weight", per_weight)))
    # points are kept to four decimals, which is what may move a fen here and there
    assert np.abs(before["payment"] - after["payment"]).max() <= 0.05 * 100 / per_weight + 0.02
    assert after["fund"].sum() == pytest.approx(1_600_000.0, abs=1e-6)
    assert (before["branch"] == after["branch"]).all()


@pytest.mark.parametrize("budget", [10.0, 5_000.0, 200_000.0, 1e7])
@pytest.mark.parametrize("floor", [0.0, 0.01, 300.0])
def test_the_pool_pays_out_exactly_its_money_with_floors_that_bind(budget, floor):
    frame = odd(150, seed=8)
    held = money(points_policy(benefit__fund_floor=floor), budget)
    try:
        done = settled(frame, held)
    except DrgError as error:
        assert "more than the pool" in str(error)
        assert floor * 50 > budget
        return
    table = rows(done)
    for name in ("employee", "resident"):
        mine = table[table["pool"] == name]
        assert round(mine["fund"].sum() * 100) == round(budget * 100)
        assert (mine["fund"] >= floor - 1e-9).all()
    assert pool_rows(done)["balance"].tolist() == pytest.approx(
        (pool_rows(done)["amount"] - pool_rows(done)["final"]).tolist()
    )


def test_one_case_gets_the_whole_pool():
    done = settled(cases_of({"insurance": "resident"}), money(points_policy(), 12345.67))
    assert rows(done)["fund"].tolist() == [12345.67]


def test_equal_points_share_equally_to_the_fen():
    frame = cases_of(*({"total_cost": 9000.0} for _ in range(7)))
    funds = rows(settled(frame, money(points_policy(), 100.0)))["fund"]
    assert sorted(funds) == [14.28] * 2 + [14.29] * 5 or funds.sum() == pytest.approx(100.0)
    assert np.ptp(funds) <= 0.0100001


@pytest.mark.parametrize(
    ("bounds", "bound", "value"),
    [({"floor": 150.0}, "floor", 150.0), ({"ceiling": 50.0}, "ceiling", 50.0),
     ({"floor": 1.0, "ceiling": 1e5}, "pool", None), ({"given": 92.0}, "given", 92.0)],
)  # fmt: skip
def test_bounds_of_the_point_value(bounds, bound, value):
    frame = many(80, seed=2)
    held = money(points_policy(), 400_000.0)
    free = pool_rows(settled(frame, held))["point_value"]
    assert ((free > 50) & (free < 150)).all()
    done = settled(frame, held.replace("standard.point_values", {"all": bounds}))
    table = pool_rows(done)
    assert set(table["decided_by"]) == {bound}
    if value is None:
        assert table["point_value"].tolist() == free.tolist()
        return
    assert table["point_value"].tolist() == [value, value]
    held_rows = rows(done)
    worth = np.maximum(held_rows["points"] * value, held_rows["patient"] + held_rows["other"])
    assert held_rows["payment"].tolist() == pytest.approx(worth.tolist(), abs=0.0051)
    if bound == "floor":
        assert (table["payable"] > table["amount"]).all()
    if bound == "ceiling":
        assert (table["payable"] < table["amount"]).all()


def test_bounds_that_differ_inside_a_pool_are_refused_whatever_the_order_of_rows():
    held = money(points_policy(), 400_000.0).replace(
        "standard.point_values", {"t3": {"tier": 3, "floor": 150.0}, "all": {"floor": 10.0}}
    )
    frame = many(80, seed=2)
    for part in (frame, frame.iloc[::-1].reset_index(drop=True)):
        with pytest.raises(DrgError, match=r"standard.point_values.*bounds.*one floor"):
            settled(part, held)
    # by pool they may differ
    own = {"e": {"insurance": "employee", "floor": 150.0}, "r": {"insurance": "resident"}}
    held = held.replace("standard.point_values", own)
    assert pool_rows(settled(frame, held))["decided_by"].tolist() == ["floor", "pool"]


def test_where_some_hospitals_have_a_given_value_the_others_share_the_rest():
    held = money(points_policy(), 900_000.0).replace(
        "standard.point_values", {"given": {"hospital": "A", "given": 92.0}}
    )
    done = settled(many(120, seed=4), held)
    table = rows(done)
    for name in ("employee", "resident"):
        assert round(table[table["pool"] == name]["fund"].sum() * 100) == 90_000_000
    a = table[(table["hospital_id"] == "A") & (table["branch"] == "normal")]
    worth = np.maximum(a["points"] * 92, a["patient"] + a["other"])
    assert a["payment"].tolist() == pytest.approx(worth.tolist(), abs=0.0051)


@pytest.mark.parametrize("branch", ["ungrouped", "unstable"])
def test_kinds_of_cases_outside_the_pool_are_paid_beside_it(branch):
    frame = pd.concat([many(60, seed=6), many(5, seed=7).assign(drg="0000")], ignore_index=True)
    held = money(points_policy(), 500_000.0).replace(
        "groups.unstable.x", {"groups": "UU19", "pay": "by_item"}
    )
    for name in ("employee", "resident"):
        held = held.replace(f"pools.{name}.outside", [branch])
    done = settled(frame, held)
    table = rows(done)
    beside = table[table["branch"] == branch]
    assert len(beside) >= 3
    assert (beside["points"] == 0).all()
    share = 0.7 if branch == "ungrouped" else 1.0
    worth = np.maximum(beside["cost"] * share, beside["patient"] + beside["other"])
    assert beside["payment"].tolist() == pytest.approx(worth.tolist(), abs=0.0051)
    others = table[table["branch"] != branch]
    assert round(others["fund"].sum() * 100) == 100_000_000
    assert pool_rows(done)["outside_pool"].sum() == pytest.approx(beside["fund"].sum())


@given(
    st.lists(st.lists(st.integers(0, 10**8), min_size=2, max_size=2), min_size=1, max_size=6),
    st.lists(st.integers(1, 10**8), min_size=2, max_size=2),
)
def test_a_pool_that_falls_short_cuts_all_pro_rata(final, amounts):
    final, limit = np.array(final, np.int64), np.array(amounts, np.int64)
    zero = np.zeros_like(final)
    cut = hold(final, zero, limit, load_policy())
    assert (cut >= 0).all()
    assert (cut <= final).all()
    assert ((final - cut).sum(axis=0) == np.minimum(final.sum(axis=0), limit)).all()
    # each is cut in proportion, to the fen
    sums = final.sum(axis=0)
    over = np.maximum(sums - limit, 0)
    share = np.divide(final * over, sums, out=np.zeros(final.shape), where=sums > 0)
    assert (np.abs(cut - share) < 1 + 1e-6).all()
    report = load_policy()
    for name in ("employee", "resident"):
        report = report.replace(f"pools.{name}.shortage", "report")
    assert not hold(final, zero, limit, report).any()


@pytest.mark.parametrize("budget", [0.0, 1e-9])
def test_a_pool_without_money_is_one_line(budget):
    with pytest.raises(DrgError, match=r"pools\.employee.*no money") as caught:
        settled(many(20), money(points_policy(), budget))
    assert "\n" not in str(caught.value)


def test_carve_outs_above_the_pool_are_one_line():
    held = money(points_policy(), 1000.0).replace(
        "pools.employee.carve_outs.x", {"kind": "other", "amount": 1000.01}
    )
    with pytest.raises(DrgError, match="carve-outs are more than the pool"):
        settled(many(20), held)


def test_an_unused_pool_is_there_with_its_money():
    done = settled(cases_of({"insurance": "employee"}), money(points_policy(), 5000.0))
    row = pool_rows(done).loc["resident"]
    assert (row["cases"], row["amount"], row["balance"]) == (0, 5000.0, 5000.0)
    assert np.isnan(row["point_value"])


def test_pools_by_tier_and_county():
    """A pool is chosen by selectors; a hospital that none wants is reported, not paid."""
    held = load_policy().replace("pools", {
        "big": {"tier": 3, "basis": "given", "budget": 1e6, "reserve": 0.0, "outside": []},
        "east": {"county": "东县", "basis": "given", "budget": 1e6, "reserve": 0.0, "outside": []},
    })  # fmt: skip
    table = rows(settled(cases_of(*({"hospital_id": h} for h in HOSPITALS["hospital_id"])), held))
    assert table["pool"].astype(object).where(table["pool"].notna(), "").tolist() == [
        "big", "big", "", "east", "east"]  # fmt: skip
    assert table["branch"].tolist()[2] == "no_pool"


def test_the_pool_of_the_default_policy_does_not_fall():
    for pool in load_policy().pools:
        assert pool_money(pool, 100.0e6).amount >= 100_000_000_00
