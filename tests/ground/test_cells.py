"""Cells as people write them: one meaning whatever the spelling, and never 0 for what is none."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.cases import recognise
from drg.cases.amounts import read_amounts
from drg.cases.cells import Cells, columns_for
from drg.cases.choices import insurance_of, mark_of, mode_of, tier_of
from drg.cases.dates import read_dates
from drg.cases.unread import UnreadCount, counted
from drg.errors import DrgError

WIDE = str.maketrans("0123456789.,-", "０１２３４５６７８９．，－")
EPOCH = dt.date(1970, 1, 1)


def cells(mapping=None, **columns) -> Cells:
    table = pa.table({name: pa.array(held) for name, held in columns.items()})
    return Cells(table, recognise(table.column_names, mapping))


@given(
    st.integers(-(10**9), 10**11),
    st.sampled_from(
        ["{}", "￥{}", "¥{}", "{}元", "{} 元", " {} ", "{}\u3000", '="{}"', "人民币{}元", "RMB{}"]
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_an_amount_is_one_however_it_is_written(fen, form, grouped, wide, coded):
    number = f"{fen / 100:,.2f}" if grouped else f"{fen / 100:.2f}"
    text = form.format(number.translate(WIDE) if wide else number)
    column = pa.array([text, "", "x", text])
    read, blank, bad = read_amounts(column.dictionary_encode() if coded else column)
    assert read.tolist() == [fen, 0, 0, fen]
    assert blank.tolist() == [False, True, False, False]
    assert bad.tolist() == [False, False, True, False]


def test_a_long_column_of_grouped_amounts_is_read_at_once():
    fen = np.arange(100_000, 5_000_000, 997)
    texts = [f"￥{one / 100:,.2f}" for one in fen]
    read, blank, bad = read_amounts(pa.array([*texts, "12,34.50", "1,234.5.6"]))
    assert read[:-2].tolist() == fen.tolist()
    assert bad.tolist() == [False] * len(texts) + [True, True]
    assert not blank.any()


@given(
    st.dates(dt.date(1930, 1, 1), dt.date(2099, 12, 31)),
    st.sampled_from(
        [
            "{0:%Y-%m-%d}",
            "{0:%Y/%m/%d}",
            "{0.year}/{0.month}/{0.day}",
            "{0:%Y%m%d}",
            "{1}",
            "{1}.0",
            "{1}.375",
            "{0:%Y-%m-%d} 08:30:00",
            "{0:%Y-%m-%d}T08:30",
            "{0.year}年{0.month}月{0.day}日",
            "{0.year}.{0.month}.{0.day}",
            '="{0:%Y-%m-%d}"',
        ]
    ),
)
def test_a_date_is_one_however_it_is_written(day, form):
    serial = (day - dt.date(1899, 12, 30)).days
    days, bad = read_dates(pa.array([form.format(day, serial), "", "soon"]))
    assert days[0] == (day - EPOCH).days
    assert bad.tolist() == [False, False, True]
    assert read_dates(pa.array([serial]))[0][0] == days[0]


@pytest.mark.parametrize("text", ["2025-02-29", "13/2025", "99999", "123", "二月", "2025-13-01"])
def test_what_is_no_date_is_unreadable(text):
    days, bad = read_dates(pa.array([text]))
    assert math.isnan(days[0])
    assert bad[0]


@given(
    st.integers(0, 11),
    st.integers(0, 29),
    st.sampled_from(
        ["{0} {1}/30", "{0}+{1}/30", "{0}月{1}天", "{0}个月{1}日", "{2}天", "{0}月 {1}/30"]
    ),
)
def test_the_age_of_a_child_below_one_year_in_days(months, rest, form):
    days = months * 30 + rest
    text = form.format(months, rest, days)
    for name in ("年龄不足1周岁的年龄（月）", "年龄不足1周岁天数"):
        held = cells(年龄=["0"], **{name: [text]})
        assert held.number("age_days")[0][0] == days
    held = cells(年龄=[text])
    assert (held.number("age")[0][0], held.number("age_days")[0][0]) == (0, days)


def test_ages_by_the_rule_of_the_front_page():
    months = ["15/30", "0 15/30", "2 15/30", "11", "11月", "", "20", "x"]
    held = cells(年龄=["0"] * 8, **{"年龄不足1周岁的年龄（月）": months})
    days, bad = held.number("age_days")
    assert days[:5].tolist() == [15, 15, 75, 330, 330]
    assert math.isnan(days[5])
    assert bad.tolist() == [False] * 6 + [True, True]  # 20 months are no age below one year
    years = cells(age=["71岁", "1岁3月", "0.5", "１２", "11月", "forty", "-1", ""]).number("age")
    assert years[0][:5].tolist() == [71, 1, 0, 12, 0]
    assert years[1].tolist() == [False] * 5 + [True, True, False]


@given(st.dates(dt.date(1930, 1, 1), dt.date(2025, 12, 31)), st.integers(0, 40_000))
def test_the_age_from_birth_and_admission(born, later):
    admitted = born + dt.timedelta(later)
    years = admitted.year - born.year - ((admitted.month, admitted.day) < (born.month, born.day))
    held = cells(出生日期=[str(born)], 入院日期=[str(admitted)])
    assert held.number("age")[0][0] == years
    days = held.number("age_days")[0][0]
    assert math.isnan(days) if years else days == later
    # an age that is given stands, and a birth after admission says nothing
    assert (
        cells(年龄=["33"], 出生日期=[str(born)], 入院日期=[str(admitted)]).number("age")[0][0] == 33
    )
    assert math.isnan(cells(出生日期=["2025-02-02"], 入院日期=["2025-02-01"]).number("age")[0][0])


def test_a_blank_stay_by_its_dates_and_an_unreadable_one_stays_so():
    held = cells(
        length_of_stay=["", None, "7", "x", ""],
        admission_date=["2025-01-01", "2025-03-08 09:00", "2025-01-01", "2025-01-01", "2025-01-09"],
        discharge_date=["2025-03-02", "2025-03-08 18:00", "2025-03-02", "2025-03-02", "2025-01-01"],
    )
    stay, bad = held.number("length_of_stay")
    assert stay[:3].tolist() == [60, 1, 7]
    assert np.isnan(stay[3:]).all()
    assert bad.tolist() == [False, False, False, True, False]


NAMES = {
    0: [
        "employee",
        "职工",
        "城镇职工",
        "职工医保",
        "城镇职工医保",
        "职工基本医疗保险",
        "城镇职工基本医疗保险",
        "310",
        "310.0",
        "职工基本医疗保险(310)",
        "310-职工基本医疗保险",
    ],
    1: [
        "resident",
        "居民",
        "城乡居民",
        "城镇居民",
        "居民医保",
        "城乡居民基本医疗保险",
        "城镇居民基本医疗保险",
        "新农合",
        "新型农村合作医疗",
        "390",
        "391",
        "380",
        "城乡居民基本医疗保险 390",
    ],
    2: ["自费", "商业医疗保险", "340", "工伤保险"],
}


@given(
    st.sampled_from([(value, name) for value, held in NAMES.items() for name in held]),
    st.sampled_from(["{}", " {} ", "{}\u3000", '="{}"']),
)
def test_insurance_by_national_name_and_code(named, form):
    value, name = named
    held = cells(险种=[form.format(name), "居保甲", "01", ""])
    read, bad = held.number("insurance")
    assert read[0] == value
    assert np.isnan(read[1:]).all()
    assert bad.tolist() == [False, True, True, False]


def test_codes_and_names_must_agree():
    assert insurance_of("390-职工基本医疗保险") is None
    assert mode_of("1-死亡") is None
    assert [
        mode_of(t)
        for t in (
            "2",
            "02",
            "2-医嘱转院",
            "2 医嘱转院",
            "医嘱转院",
            "医嘱转院(2)",
            "4",
            "非医嘱离院",
            "死亡",
            "9",
        )
    ] == [2] * 6 + [4, 4, 5, 9]
    assert [mode_of(t) for t in ("自动出院", "6", "0", "12")] == [None] * 4
    assert [
        tier_of(t)
        for t in ("三级甲等", "三甲", "3", "二级", "二甲", "1", "未定级", "0", "三级未定等")
    ] == [3, 3, 3, 2, 2, 1, 0, 0, 3]
    assert tier_of("县级") is None


def test_marks():
    read = mark_of("day_surgery")
    assert [read(t) for t in ("1", "1.0", "√", "是", "通过", "y", "日间手术")] == [1.0] * 7
    assert [read(t) for t in ("0", "否", "×", "非日间手术")] == [0.0] * 4
    assert read("2") is None
    assert mark_of("special_review")("日间手术") is None


def test_a_share_is_one_whether_it_is_a_percentage_or_not():
    held = cells(中医治疗占比=["0.81", "81%", "81.0", "0.5%", "", "120", "-1", "x"])
    share, bad = held.number("tcm_share")
    np.testing.assert_allclose(share[:4], [0.81, 0.81, 0.81, 0.005])
    assert np.isnan(share[4:]).all()
    assert bad.tolist() == [False] * 5 + [True] * 3
    assert held.percent == 2  # 81.0 and 120 are told


def test_words_of_a_bureau_by_its_mapping_file():
    words = {
        "insurance": {"01": "employee", "02": "resident", "自费": ""},
        "sex": {"0": "2"},
        "discharge_mode": {"自动出院": "4"},
        "special_review": {"过审": "1"},
    }
    held = cells(
        {"values": words},
        险种=["01", "02", "自费", "03"],
        性别=[0, 1, 2, 9],
        离院方式=["自动出院", "1", "2", "逃院"],
        特病单议=["过审", "", "1", "待定"],
    )
    read, bad = held.number("insurance")
    assert read[:2].tolist() == [0, 1]
    assert bad.tolist() == [False, False, False, True]
    assert held.number("sex")[0][:3].tolist() == [2, 1, 2]
    assert held.number("discharge_mode")[0][:3].tolist() == [4, 1, 2]
    assert held.flag("special_review")[0].tolist() == [True, False, True, False]
    listed = [(one.row, one.column, one.value) for one in held.faults()]
    assert listed == [(3, "险种", "03"), (3, "离院方式", "逃院"), (3, "特病单议", "待定")]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"insurance": {"01": "worker"}}, "values.insurance.01: not a value of that column"),
        ({"discharge_mode": {"走": "7"}}, "values.discharge_mode.走"),
        ({"total_cost": {"x": "1"}}, "values.total_cost: not a column whose values can be told"),
        ({"insurance": "01"}, "must be a table value = meaning"),
    ],
)
def test_a_meaning_that_is_none_is_refused(said, message):
    with pytest.raises(DrgError, match=message):
        recognise(["险种", "离院方式", "total_cost"], {"values": said})


def test_the_pooled_fund_and_the_payers_beside_it():
    held = cells(
        fund_pay_sumamt=["8,000", "", "x"], hifp_pay=["6000", "100", "5"], maf_pay=["1", "2", "3"]
    )
    assert held.amount("fund_paid")[0].tolist() == [600_000, 10_000, 500]
    fen, blank, bad = held.amount("other_paid")
    assert (fen[0], blank.tolist(), bad.tolist()) == (
        200_000,
        [False, True, False],
        [False, False, True],
    )
    parts = cells(hifp_pay=["6000"], hifmi_pay=["1500"], maf_pay=["500.5"])
    assert parts.amount("other_paid")[0].tolist() == [200_050]
    assert cells(fund_pay_sumamt=["8000"]).amount("fund_paid")[0].tolist() == [800_000]
    own = cells(fund_paid=["1"], other_paid=["2"], fund_pay_sumamt=["9"])
    assert [own.amount(n)[0][0] for n in ("fund_paid", "other_paid")] == [100, 200]


def test_what_is_out_of_scope_is_added_up_once():
    held = cells(
        fulamt_ownpay_amt=["100", "1", ""], overlmt_selfpay=["20", "", ""],
        preselfpay_amt=["3.5", "x", ""], act_pay_dedc=["500", "500", "500"],
        psn_part_am=["700", "", "0"],
    )  # fmt: skip
    fen, blank, bad = held.amount("patient_out_of_scope")
    assert fen[0] == 12_350
    assert (blank.tolist(), bad.tolist()) == ([False, False, True], [False, True, False])
    assert held.amount("patient_deductible")[0].tolist() == [50_000] * 3
    assert held.amount("patient_total")[0].tolist() == [70_000, 0, 0]
    own = cells(patient_out_of_scope=["9"], preselfpay_amt=["1"])
    assert own.amount("patient_out_of_scope")[0].tolist() == [900]
    alone = cells(先行自付金额=["7"], 全自费金额=["2"])
    assert alone.amount("patient_out_of_scope")[0].tolist() == [900]


def test_too_many_unreadable_cells_are_refused_with_one_line():
    held = cells(total_cost=["1"] * 98 + ["abc", "?"])
    held.amount("total_cost")
    count = UnreadCount()
    count.add(counted(held), 100)
    with pytest.raises(DrgError) as caught:
        count.refuse(["total_cost"], "cases.csv", 2)
    text = str(caught.value)
    assert "\n" not in text
    assert "cases.csv" in text
    assert "100" in text
    assert "'abc'" in text
    assert "--accept-unreadable" in text
    count.add({}, 100)
    count.refuse(["total_cost"], "cases.csv", 2)  # 2 of 200 are 1%, not more
    count.refuse(["fund_paid"], "cases.csv", 2)


def test_columns_that_stand_in_for_others_are_read_too():
    columns = recognise(["年龄", "出生日期", "入院日期", "出院日期", "住院天数", "x"])
    assert set(columns_for(columns, ["age"])) == {"年龄", "出生日期", "入院日期"}
    assert set(columns_for(columns, ["length_of_stay"])) == {"住院天数", "入院日期", "出院日期"}
