from __future__ import annotations

import datetime as dt
import json
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from budget.fund.cash import FLOWS, fund_cash
from budget.fund.due_dates import clock
from budget.fund.files import PREPAYMENT, RETENTION, prepay_file
from budget.fund.out_of_area import prepayment
from budget.fund.retention import retention
from budget.fund.tables import read_income, read_out_of_area, read_procurement
from budget.policy import load_policy
from budget.policy.pools import OutOfArea, Pool, Procurement
from budget.pools.money import pool_money
from budget.settlement.cash_flow import close_year, monthly
from drg.cli import app
from drg.errors import DrgError
from drg.money import to_fen

POLICY = load_policy("national-default")
CARVED = POLICY.replace(
    "pools.employee.carve_outs",
    {
        "away": {"kind": "out_of_area", "share": 0.1},
        "dear": {"kind": "major_illness", "amount": 600.0},
        "bulk": {"kind": "procurement", "amount": 120.0},
    },
)
RULE = OutOfArea(cross_province=4.0, in_province=2.0, working_days=7)


# Build-up


def build_up(pools, spent):
    """The money of all pools."""
    return [pool_money(pool, spent[pool.name]) for pool in pools]


@given(
    st.integers(1, 10**14), st.integers(-50, 100), st.integers(0, 100),
    st.lists(st.integers(0, 30), max_size=3),
)  # fmt: skip
def test_the_money_adds_up_and_agrees_with_the_policy(spent, growth, reserve, shares):
    pool = Pool(
        name="all", basis="growth", growth=growth / 100, reserve=reserve / 100,
        carve_outs={f"c{i}": {"kind": "other", "share": s / 100} for i, s in enumerate(shares)},
    )  # fmt: skip
    if int(Decimal(spent) * (100 + growth) / 100 + Decimal("0.5")) == 0:
        return
    done = pool_money(pool, spent / 100)
    assert done.whole - sum(done.carve_outs.values()) - done.reserve == done.amount
    assert abs(done.amount / 100 - pool.amount(spent / 100)) <= 0.05 + spent * 1e-15


def test_a_pool_by_hand():
    done = build_up(CARVED.pools, {"employee": 10_000.0, "resident": 2_000.0})
    assert (done[0].whole, done[0].reserve, done[0].amount) == (1_060_000, 44_100, 837_900)
    assert done[0].carve_outs == {
        "out_of_area": 106_000,
        "major_illness": 60_000,
        "procurement": 12_000,
    }
    assert done[1].amount == 201_400


def test_pools_without_money():
    employee = CARVED.pools[0]
    with pytest.raises(DrgError, match=r"pools.employee.last_year: last year's spend is not known"):
        pool_money(employee)
    with pytest.raises(DrgError, match=r"the pool has no money: found '0.00 yuan'"):
        pool_money(employee, 0.0)
    with pytest.raises(DrgError) as caught:
        pool_money(employee, 500.0)
    assert str(caught.value) == (
        "pools.employee.carve_outs: carve-outs are more than the pool: found '773.00 yuan', "
        "expected at most 530.00"
    )


# Out of area


def spend(**columns):
    held = {
        "month": ["2024-10", "2024-11", "2024-12"] * 2 + ["2024-09"],
        "area": ["cross_province"] * 3 + ["省内"] * 3 + ["省内"],
        "amount": [100.0, 100.0, 100.01, 10.0, 20.0, 30.0, 999.0],
    }
    return pd.DataFrame({**held, **columns})


def test_prepayment_by_hand():
    done = prepayment(read_out_of_area(spend()), RULE, 2025, dt.date(2025, 1, 10))
    assert done.quarter.tolist() == [300_01, 60_00]
    assert done.amount.tolist() == [400_01, 40_00]  # 4 x 300.01 / 3 = 400.0133...
    assert (done.total, done.due) == (440_01, dt.date(2025, 1, 21))
    with pytest.raises(DrgError, match=r"in_province: a month .* is missing, expected 2024-11"):
        prepayment(read_out_of_area(spend().drop(index=4)), RULE, 2025, dt.date(2025, 1, 10))
    one = prepayment(read_out_of_area(spend().head(3)), RULE, 2025, dt.date(2025, 1, 10))
    assert one.amount.tolist() == [400_01, 0]
    assert list(one.warnings) == ["no_spend.in_province"]


# Procurement


@given(st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]), st.integers(0, 10**8), st.decimals(0, 10**4, places=4),
        st.decimals(0, 10**4, places=4), st.decimals(0, 1, places=2),
    ),
    min_size=1, max_size=8,
))  # fmt: skip
def test_retention_is_exact(rows):
    frame = pd.DataFrame({
        "hospital": [r[0] for r in rows], "item": [f"i{n}" for n in range(len(rows))],
        "volume": [r[1] for r in rows], "before": [str(r[2]) for r in rows],
        "after": [str(r[3]) for r in rows], "assessment": [str(r[4]) for r in rows],
    })  # fmt: skip
    done = retention(read_procurement(frame), Procurement(share=0.5, assessed=True))
    expected = [
        int((r[1] * max(r[2] - r[3], Decimal(0)) * 100 * r[4] / 2).quantize(Decimal(1),
                                                                            ROUND_HALF_UP))
        for r in rows
    ]  # fmt: skip
    assert done.retained.tolist() == expected
    assert done.total == sum(expected)
    assert done.hospitals == tuple(dict.fromkeys(r[0] for r in rows))
    assert sum(r[3] > r[2] for r in rows) == len(done.warnings)


def items(**columns):
    held = {"医疗机构代码": ["H1", "H1", "H2"], "品种": ["a", "b", "a"],
            "约定采购量": [10_000, 500, 3], "集采前价格": [1.2345, 20, 0.335],
            "集采后价格": [0.2345, 25, 0.0]}  # fmt: skip
    return pd.DataFrame({**held, **columns})


def test_retention_by_hand():
    rule = Procurement(share=0.5, assessed=True)
    done = retention(read_procurement(items()), rule, {"H1": 0.9, "H2": 1.0})
    assert done.saving.tolist() == [10_000_00, 0, 1_01]
    assert done.retained.tolist() == [4_500_00, 0, 50]  # 3 x 0.335 x 0.5 = 0.5025
    assert dict(zip(done.hospitals, done.by_hospital.tolist(), strict=True)) == {
        "H1": 4_500_00, "H2": 50,
    }  # fmt: skip
    assert list(done.warnings) == ["price_rose.H1.b"]
    whole = retention(read_procurement(items()), Procurement(share=1.0, assessed=False))
    assert whole.retained.tolist() == whole.saving.tolist()
    with pytest.raises(DrgError, match=r"no assessment coefficient: found 'hospital H2, item a'"):
        retention(read_procurement(items()), rule, {"H1": 0.9})


# Tables


@pytest.mark.parametrize(
    ("reader", "text", "message"),
    [
        (read_out_of_area, "month,area,amount\n2024-13,省内,1\n", "row 2: month: not a month"),
        (read_out_of_area, "month,area,amount\n2024-1,县,1\n", "row 2: area: not a known area"),
        (read_out_of_area, "month,area,amount\n2024-1,省内,x\n", "row 2: amount: cannot be read"),
        (read_out_of_area, "month,area,amount\n2024-1,省内,-1\n", "row 2: amount: cannot be read"),
        (read_out_of_area, "month,area,amount\n2024-1,省内,1\n202401,in_province,2\n",
         "row 3: month and area: stands twice"),
        (read_out_of_area, "month,amount\n2024-1,1\n", "area: no such column: found 'month, amoun"),
        (read_out_of_area, "month,area,amount\n", "has no row"),
        (read_procurement, "hospital,item,volume,before,after\nH,a,1,2,\n",
         "row 2: after: cannot be read"),
        (read_procurement, "hospital,item,volume,before,after\nH,a,-1,2,1\n",
         "row 2: volume: cannot be read: found '-1'"),
        (read_procurement, "hospital,item,volume,before,after\n,a,1,2,1\n",
         "row 2: hospital: is empty"),
        (read_procurement, "hospital,item,volume,before,after\nH,110101199003077715,1,2,1\n",
         "row 2: item: holds an identity number; take it out, no person may be named: found '***"),
        (read_procurement, "hospital,item,volume,before,after,assessment\nH,a,1,2,1,95\n",
         "row 2: assessment: cannot be read: found '95', expected a number from 0 to 1.5"),
    ],
)  # fmt: skip
def test_faults_of_small_tables_have_a_row(tmp_path, reader, text, message):
    path = tmp_path / "small.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DrgError) as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_tables_come_from_excel_too(tmp_path):
    path = tmp_path / "spend.xlsx"
    frame = spend(month=pd.to_datetime(spend()["month"]))
    frame.to_excel(path, index=False)
    read, direct = read_out_of_area(path), read_out_of_area(spend())
    assert (read.month, read.area) == (direct.month, direct.area)
    assert read.amount.tolist() == direct.amount.tolist()


def income(pools=("employee", "resident")):
    rows = [("opening", pools[0], -5.5)]
    rows += [(f"2025-{m:02d}", pool, m * 1.5) for pool in pools for m in range(1, 13)]
    return pd.DataFrame(rows, columns=["month", "pool", "income"])


def test_income():
    pools = ("employee", "resident")
    done = read_income(income(), pools, 2025)
    assert done.opening.tolist() == [-5_50, 0]
    assert done.income[1].tolist() == [m * 150 for m in range(1, 13)]
    with pytest.raises(DrgError, match="resident: income is missing, expected a row for 2025-12"):
        read_income(income().head(24), pools, 2025)
    with pytest.raises(DrgError, match="row 2: month: month of another year: found '2025-01'"):
        read_income(income(), pools, 2024)
    with pytest.raises(DrgError, match="pool: not a known pool: found 'resident', expected emplo"):
        read_income(income(), ("employee",), 2025)


# Cash


@st.composite
def flows(draw):
    h, p = draw(st.integers(1, 3)), 2
    size = h * p * 12
    payable = draw(st.lists(st.integers(0, 10**9), min_size=size, max_size=size))
    final = draw(st.lists(st.integers(0, 10**10), min_size=h * p, max_size=h * p))
    return np.array(payable).reshape(h, p, 12), np.array(final).reshape(h, p)


@given(flows(), st.booleans())
def test_balances_go_on_from_month_to_month(held, given_sums):
    payable, final = held
    money = build_up(CARVED.pools, {"employee": 1e6, "resident": 1e6})
    advances = monthly(payable, CARVED.cash)
    names = tuple(one.name for one in money)
    closed = close_year(advances, final, np.ones(len(final)), ("a", "b", "c"), names)
    when = clock(2025, CARVED.cash)
    extra = {"out_of_area": (123_45, dt.date(2025, 2, 3)), "retention": np.array([7, 8]),
             "opening": np.array([100, -200])} if given_sums else {}  # fmt: skip
    done = fund_cash(money, when, advances.advance, closed.year_end, **extra)
    assert (done.months[0], done.months[-1]) == ((2025, 1), (2026, 6))
    assert np.array_equal(done.opening[:, 1:], done.closing[:, :-1])
    net = sum(sign * getattr(done, name) for name, (_, sign) in FLOWS.items())
    assert np.array_equal(done.opening + net, done.closing)
    assert done.income.sum(axis=1).tolist() == [one.whole for one in money]
    assert np.array_equal(done.advances.sum(axis=1), advances.prepaid.sum(axis=0))
    paid = final.sum(axis=0) if not given_sums else final.sum(axis=0) + np.array([7, 8])
    assert np.array_equal((done.advances + done.year_end + done.retention).sum(axis=1)
                          - (0 if given_sums else [12_000, 0]), paid)  # fmt: skip
    assert len(done.warnings) == (done.closing < 0).sum()
    assert done.table().num_rows == done.closing.size


def test_money_stands_in_the_month_in_which_it_is_due():
    money = build_up(CARVED.pools, {"employee": 10_000.0, "resident": 2_000.0})
    payable = np.zeros((1, 2, 12), np.int64)
    payable[0, 1] = 200_00
    advances = monthly(payable, CARVED.cash)
    done = fund_cash(money, clock(2025, CARVED.cash), advances.advance, [[0, 120_00]],
                     opening=np.array([0, 50_00]))  # fmt: skip
    assert done.advances[1].tolist()[:5] == [0, 0, 190_00, 190_00, 190_00]
    assert done.advances[1].sum() == 12 * 190_00
    assert done.year_end[1].tolist() == [0] * 17 + [120_00]
    assert set(done.income[1, :12].tolist()) == {176_66, 176_67}  # 2,120 in twelve parts
    assert done.income[1, :13].sum() == 2_120_00
    assert done.carve_outs[0, :12].tolist() == [50_00] * 12
    assert set(done.out_of_area[0, :12].tolist()) == {88_33, 88_34}  # 1,060 in twelve parts
    assert done.out_of_area[0].sum() == 1_060_00
    assert done.retention[0, :12].tolist() == [10_00] * 12
    # 50 + 2,120 - 12 x 190 = -110 after the last advance, -230 after the clearing
    assert done.closing[1, -1] == -230_00
    assert done.warnings["negative_balance.resident.2026-06"] == (
        "pool resident: the balance at the end of 2026-06 is -230.00 yuan"
    )
    with pytest.raises(
        DrgError, match="outside the table of cash: found '2027-01-04', expected 20"
    ):
        fund_cash(money, clock(2025, CARVED.cash), advances.advance, [[0, 0]],
                  out_of_area=(1, dt.date(2027, 1, 4)))  # fmt: skip
    with pytest.raises(DrgError, match="advances, year_end: wrong shape"):
        fund_cash(money[:1], clock(2025, CARVED.cash), advances.advance, [[0, 0]])


def test_income_as_given_and_to_fen():
    money = build_up(CARVED.pools, {"employee": 10_000.0, "resident": 2_000.0})
    held = read_income(income(), ("employee", "resident"), 2025)
    nothing = np.zeros((1, 2, 12), np.int64)
    done = fund_cash(money, clock(2025, CARVED.cash), nothing, nothing[..., 0],
                     opening=held.opening, income=held.income)  # fmt: skip
    assert done.income[0, 11] == to_fen(18.0)
    assert done.opening[0, 0] == -5_50


ITEMS = """医疗机构编码,集采批次,品种,约定采购量,集采前价格,中选价,考核系数
H1,第一批,stent,100,13000,700,
H1,第二批,tablet,200000,1.2345,0.2345,1
H2,第一批,stent,10,13000,13700,0.9
"""


def fund(*words):
    return CliRunner().invoke(app, ["fund", *map(str, words)])


def test_the_prepayment_of_a_table(tmp_path):
    rows = [f"2024-{month},{area},{yuan}" for area, yuan in (("跨省", 1_000_000), ("省内", 300_000))
            for month in (10, 11, 12)]  # fmt: skip
    source = tmp_path / "spend.csv"
    source.write_text("month,area,amount\n" + "\n".join(rows), encoding="utf-8")
    done = fund("prepayment", source, "--policy", "lanzhou-2023", "--received", "2025-01-21",
                "--out", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.output
    # 22 to 24 January, Sunday the 26th and the 27th are worked, then Spring Festival
    found = pd.read_csv(tmp_path / "out" / "prepayment.csv", encoding="utf-8-sig")
    assert found["amount"].tolist() == [4_000_000, 600_000]
    assert found["due"].unique().tolist() == ["2025-02-06"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(PREPAYMENT)
    assert "2025-02-06" in done.output
    held = json.loads((tmp_path / "out" / "prepayment.json").read_text("utf-8"))
    assert held["total_fen"] == 4_600_000_00
    source.write_text("month,area,amount\n" + "\n".join(rows[:2]), encoding="utf-8")
    short = fund("prepayment", source, "--policy", "lanzhou-2023", "--received", "2025-01-21",
                 "--out", tmp_path / "short")  # fmt: skip
    assert short.exit_code == 1
    assert str(short.exception) == (
        f"{source}: cross_province: a month of the previous fourth quarter is missing, "
        "expected 2024-12"
    )
    with pytest.raises(DrgError, match="out_of_area"):
        prepay_file(source, tmp_path / "two", load_policy("national-default"), 2025,
                    dt.date(2025, 1, 10))  # fmt: skip
    assert not (tmp_path / "two").exists()


def test_the_retention_of_a_table_by_hospital_and_batch(tmp_path):
    source, hospitals = tmp_path / "items.csv", tmp_path / "h.csv"
    source.write_text(ITEMS, encoding="utf-8")
    hospitals.write_text("hospital_id,tier,score\nH1,3,85\nH2,2,95\n", encoding="utf-8")
    done = fund("retention", source, "--hospitals", hospitals, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    found = pd.read_csv(tmp_path / "out" / "retention.csv", encoding="utf-8-sig")
    assert found.to_numpy().tolist() == [
        ["H1", "第一批", 1, 1_230_000, 602_700],  # half of it, times .98 of a score of 85
        ["H1", "第二批", 1, 200_000, 100_000],
        ["H2", "第一批", 1, 0, 0],
    ]
    items = pd.read_csv(tmp_path / "out" / "retention-items.csv", encoding="utf-8-sig")
    assert items["retained"].sum() == found["retained"].sum()
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(RETENTION)
    source.write_text(ITEMS + "H1,第一批,stent,1,2,1,1\n", encoding="utf-8")
    again = fund("retention", source, "--hospitals", hospitals, "--out", tmp_path / "three")
    assert again.exit_code == 1
    assert "row 5" in str(again.exception)
    source.write_text(ITEMS, encoding="utf-8")
    none = fund("retention", source, "--out", tmp_path / "three")
    assert none.exit_code == 1
    assert str(none.exception).startswith(
        f"{source}: row 2: assessment: no assessment coefficient: "
        "found 'hospital H1, item stent', expected "
    )
    assert not (tmp_path / "three").exists()
