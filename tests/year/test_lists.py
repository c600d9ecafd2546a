"""Lists that people decide: every row accounted for, and what each does to money."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from budget.policy import load_policy
from drg.errors import DrgError
from drg.year.book import Book
from drg.year.clear import clear
from drg.year.forms import known_list, standing_rows, write_form
from drg.year.lending import lend
from drg.year.lists import LISTS
from drg.year.month import read_month
from drg.year.verify import verify
from tests.year.small import book_of, form, month_file

ACTOR = {"actor": "医保局"}


def kept(tmp_path, **columns):
    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1, 40, hospital_id="A", insurance="employee",
                              discharge_mode="1", age="50", drg="BB19", length_of_stay="8",
                              day_bed="", **columns), **ACTOR)  # fmt: skip
    return book


def cleared(book, tmp_path, name="out"):
    return clear(book, tmp_path / name, early=True, sheets=True, **ACTOR)


def test_fixed_prices_price_their_cases(tmp_path):
    book = kept(tmp_path)
    rows = [{"病例号": "01-0", "病种": "白内障", "类别": "单病种", "定额标准": "4,000.50元"},
            {"病例号": "01-1", "病种": "腰痛", "类别": "中医", "定额标准": "1200"},
            {"病例号": "01-2", "病种": "腰痛", "类别": "?", "定额标准": "1200"},
            {"病例号": "no", "病种": "腰痛", "类别": "中医", "定额标准": "1200"},
            {"病例号": "01-0", "病种": "腰痛", "类别": "中医", "定额标准": "0"}]  # fmt: skip
    found = book.hand_in("fixed", form(tmp_path, "f", rows), **ACTOR)
    assert [row["case_id"] for row in found.rows] == ["01-0", "01-1"]
    assert set(found.rejects["row"]) == {4, 5, 6}
    done = cleared(book, tmp_path).settled
    cases = pd.read_csv(tmp_path / "out" / "cases.csv").set_index("case_id")
    assert cases.loc["01-0", ["branch", "payment"]].tolist() == ["fixed_price", 4000.50]
    assert cases.loc["01-1", "payment"] == max(1200, cases.loc["01-1", ["patient", "other"]].sum())
    assert done.closing.payable.sum() == np.rint(cases["fund"] * 100).sum()


def test_a_review_is_told_and_paid_what_was_approved(tmp_path):
    book = kept(tmp_path, total_cost="9000")
    book.correct(form(tmp_path, "dear", [
        {"case_id": f"x{i}", "drg": "BB19", "hospital_id": "A", "insurance": "employee",
         "discharge_date": "2025-01-20", "total_cost": "90000", "length_of_stay": "8"}
        for i in range(200)
    ]), **ACTOR)  # fmt: skip
    heads = "病例号", "申请理由", "评审结论", "支付方式", "核定金额"
    rows = [dict(zip(heads, row, strict=True)) for row in (
        ("x1", "复杂危重症", "通过", "调整支付标准", "60000"), ("01-1", "long_stay", "", "", ""),
        ("x2", "mdt", "通过", "调整支付标准", ""),
    )]  # fmt: skip
    found = book.hand_in("review", form(tmp_path, "r", rows), **ACTOR)
    assert [row["case_id"] for row in found.rows] == ["x1", "01-1"]
    assert found.rejects["column"].tolist() == ["amount"]
    assert len(found.told) == 1  # the case of 9,000 yuan needs no review
    assert "01-1" in found.told[0]
    cleared(book, tmp_path)
    cases = pd.read_csv(tmp_path / "out" / "cases.csv").set_index("case_id")
    assert cases.loc["x1", ["branch", "payment"]].tolist() == ["review", 60000]
    # the next decision takes the place of the one before
    rows[0] |= {"评审结论": "不通过"}
    book.hand_in("review", form(tmp_path, "r", rows[:1]), **ACTOR)
    cleared(book, tmp_path, "again")
    cases = pd.read_csv(tmp_path / "again" / "cases.csv").set_index("case_id")
    assert cases.loc["x1", "branch"] == "high"


def test_deductions_are_taken_and_given_back(tmp_path):
    book = kept(tmp_path)
    row = {"医疗机构代码": "A", "病例号": "01-3", "违规规则": "upcoding", "涉及基金金额": "1000",
           "扣款倍数": "2", "申诉结果": ""}  # fmt: skip
    book.hand_in("deduction", form(tmp_path, "d", [row]), **ACTOR)
    book.close_month(**ACTOR)
    first = read_month(book.folder / book.state.closed[0].file)
    assert first["deduction"].sum() == 2000
    assert (first["paid"] == (first["advance"] - first["deduction"]).round(2)).all()
    done = cleared(book, tmp_path).settled
    assert done.closing.penalty.sum() == 200_000
    assert (done.cash.prepaid + done.cash.year_end == done.cash.final).all()
    book.hand_in("deduction", form(tmp_path, "d", [row | {"申诉结果": "撤销"}]), **ACTOR)
    book.close_month(empty=True, **ACTOR)
    assert read_month(book.folder / book.state.closed[1].file)["deduction"].sum() == -2000
    assert cleared(book, tmp_path, "x").settled.closing.penalty.sum() == 0


def test_technology_payers_and_scores(tmp_path):
    book = kept(tmp_path)
    tech = [
        {"病例号": case, "新技术": "机器人", "起始日期": day, "年限": years}
        for case, day, years in (("01-0", "2024-06-01", "1"), ("01-1", "2023-01-09", "2"))
    ]
    found = book.hand_in("technology", form(tmp_path, "t", tech), **ACTOR)
    assert len(found.rows) == 2
    assert len(found.told) == 1
    book.hand_in(
        "payer",
        form(
            tmp_path,
            "p",
            [{"医疗机构代码": "A", "支付方": "离休", "病例数": "3", "金额": "1000.01"}],
        ),
        **ACTOR,
    )
    names = [one.name for one in book.files.policy.assessment.indicators]
    book.hand_in(
        "assessment",
        form(
            tmp_path, "a", [{"医疗机构代码": "A", "考核指标": one, "得分": "85"} for one in names]
        ),
        **ACTOR,
    )
    done = cleared(book, tmp_path).settled
    cases = pd.read_csv(tmp_path / "out" / "cases.csv").set_index("case_id")
    assert cases.loc["01-0", "branch"] == "new_technology"
    assert cases.loc["01-1", "branch"] != "new_technology"
    assert done.hospitals.score[0] == 85
    assert done.closing.coefficient[0] == 0.98


def test_objections_settle_as_corrections(tmp_path):
    book = kept(tmp_path)
    book.close_month(**ACTOR)
    rows = [{"病例号": "01-0", "意见类型": "重新分组", "更正后病组": "DD19", "理由": "编码有误",
             "处理结论": "通过"},
            {"病例号": "01-1", "意见类型": "结算类型有误", "更正字段": "discharge_mode",
             "更正值": "4", "理由": "离院方式", "处理结论": "不通过"},
            {"病例号": "01-2", "意见类型": "结算类型有误", "更正字段": "hospital_id",
             "更正值": "B", "理由": "x", "处理结论": "通过"}]  # fmt: skip
    found = book.hand_in("objection", form(tmp_path, "o", rows), **ACTOR)
    assert [row["case_id"] for row in found.rows] == ["01-0", "01-1"]
    assert found.corrections.num_rows == 1
    book.close_month(empty=True, **ACTOR)
    second = read_month(book.folder / book.state.closed[1].file)
    assert second["corrected"].sum() == 1
    assert second["cases"].sum() == 0
    assert second["payable"].sum() != 0


def test_what_cannot_be_cancelled_or_needs_no_review_is_told_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("DRG_LANG", "zh")
    book = kept(tmp_path)
    rule = {"违规规则": "分解住院"}
    home = dict(zip(*(book.standing(book.state).table.column(name).to_pylist()
                      for name in ("case_id", "hospital_id")), strict=True))  # fmt: skip
    one = {"医疗机构代码": home["01-0"], "病例号": "01-0", "涉及基金金额": "100", **rule}
    book.hand_in("deduction", form(tmp_path, "d", [one]), **ACTOR)
    rows = [{"病例号": case, "意见类型": "扣款有误", "理由": "x", "处理结论": "通过", **rule}
            for case in ("01-0", "01-1")]  # fmt: skip
    found = book.hand_in("objection", form(tmp_path, "o", rows), **ACTOR)
    assert len(found.rows) == 2
    assert [one.partition(" 没有")[0] for one in found.told] == ["第 3 行：01-1"]
    asked = [{"病例号": f"01-{i}", "申请理由": "医疗费用高"} for i in range(6)]
    told = book.hand_in("review", form(tmp_path, "r", asked), **ACTOR).told
    assert told
    assert not any("normal" in one or "low" in one for one in told)


def test_a_hospital_hands_in_its_own_cases_only(tmp_path):
    book = kept(tmp_path)
    table = book.standing(book.state).table
    home = dict(zip(table.column("case_id").to_pylist(), table.column("hospital_id").to_pylist(),
                    strict=True))  # fmt: skip
    rows = [{"病例号": case, "申请理由": "医疗费用高"} for case in home]
    found = book.hand_in("review", form(tmp_path, "r", rows), hospital="A", **ACTOR)
    assert {row["case_id"] for row in found.rows} == {one for one in home if home[one] == "A"}
    assert set(found.rejects["value"]) == {one for one in home if home[one] != "A"}
    paid = [{"医疗机构代码": one, "支付方": "离休", "金额": "1"} for one in ("A", "B")]
    found = book.hand_in("payer", form(tmp_path, "p", paid), hospital="A", **ACTOR)
    assert [row["hospital_id"] for row in found.rows] == ["A"]
    with pytest.raises(DrgError, match="--hospital"):
        book.hand_in("payer", form(tmp_path, "p", paid), hospital="nobody", **ACTOR)


def test_advance_money_goes_by_spend_and_surplus(tmp_path):
    book = kept(tmp_path)
    history = form(tmp_path, "h", [
        {"pool": pool, "hospital_id": "A", "year": year, "amount": amount}
        for pool in ("employee", "resident") for year, amount in ((2023, 90_000), (2024, 150_000))
    ])  # fmt: skip
    asked = form(
        tmp_path,
        "q",
        [
            {"医疗机构代码": "A", "基金池": "employee", "申请金额": ""},
            {"医疗机构代码": "A", "基金池": "resident", "申请金额": "1"},
            {"医疗机构代码": "B", "基金池": "employee", "申请金额": "1"},
        ],
    )
    rows, rejects = lend(book, asked, history, **ACTOR)
    assert [(row["pool"], row["amount"]) for row in rows] == [("employee", "10000.00")]
    assert set(rejects["row"]) == {3, 4}  # residents' surplus covers 4.5 months; B has no spend
    book.close_month(**ACTOR)
    first = read_month(book.folder / book.state.closed[0].file)
    assert first["advance_money"].sum() == 10_000
    done = cleared(book, tmp_path).settled
    assert (done.cash.prepaid + done.cash.year_end == done.cash.final).all()
    assert done.cash.prepaid.sum() == np.rint(first["paid"] * 100).sum()
    assert done.fund.opening[0, 0] == 50_000_000
    with pytest.raises(DrgError, match="apply_by"):
        lend(book, asked, history, **ACTOR)


@pytest.mark.parametrize("name", LISTS)
def test_a_form_comes_back(tmp_path, name):
    book = kept(tmp_path)
    path = tmp_path / "form.xlsx"
    write_form(path, known_list(name), book.files)
    if name != "advance":
        assert not book.hand_in(name, path, **ACTOR).rows
    assert standing_rows(book.files, book.state, known_list(name)) == []


def test_a_form_goes_on_from_what_stands(tmp_path):
    book = kept(tmp_path)
    book.hand_in(
        "fixed",
        form(
            tmp_path,
            "f",
            [{"病例号": "01-0", "病种": "白内障", "类别": "单病种", "定额标准": "4000"}],
        ),
        **ACTOR,
    )
    path = tmp_path / "form.xlsx"
    rows = standing_rows(book.files, book.state, known_list("fixed"), "A")
    write_form(path, known_list("fixed"), book.files, rows=rows)
    again = book.hand_in("fixed", path, **ACTOR)
    assert [row["price"] for row in again.rows] == ["4000.00"]
    assert not standing_rows(book.files, book.state, known_list("fixed"), "B")


def test_an_objection_that_could_not_be_settled_is_refused(tmp_path):
    book = kept(tmp_path)
    fields = [("discharge_date", "2025-12-31"), ("discharge_date", "2026-03-31"),
              ("discharge_date", ""), ("total_cost", "abc"), ("total_cost", "-5000"),
              ("total_cost", ""), ("insurance", "nosuch"), ("hospital_id", "Z")]  # fmt: skip
    base = {"意见类型": "结算类型有误", "理由": "x", "处理结论": "通过"}
    rows = [{"病例号": f"01-{i}", "更正字段": name, "更正值": value, "更正后病组": "", **base}
            for i, (name, value) in enumerate(fields)]  # fmt: skip
    rows += [{"病例号": "01-20", "更正字段": "", "更正值": "", "更正后病组": "ZZ99", **base,
              "意见类型": "重新分组"},
             {"病例号": "01-21", "更正字段": "age", "更正值": "60", "更正后病组": "",
              **base}]  # fmt: skip
    found = book.hand_in("objection", form(tmp_path, "o", rows), **ACTOR)
    assert [row["case_id"] for row in found.rows] == ["01-21"]
    assert found.corrections.column("case_id").to_pylist() == ["01-21"]
    assert found.rejects["row"].nunique() == len(rows) - 1


def test_a_deduction_beyond_all_money_and_scores_beyond_all_points_are_refused(tmp_path):
    book = kept(tmp_path)
    rows = [
        {"医疗机构代码": "A", "违规规则": rule, "涉及基金金额": amount, "扣款倍数": times}
        for rule, amount, times in (("x", "99999999999.99", "100000"), ("y", "1", "0.001"),
                                    ("z", "1", "2"))
    ]  # fmt: skip
    found = book.hand_in("deduction", form(tmp_path, "d", rows), **ACTOR)
    assert [row["rule"] for row in found.rows] == ["z"]
    indicator = book.files.policy.assessment.indicators[0].name
    rows = [{"医疗机构代码": "A", "考核指标": indicator, "得分": "120"},
            {"医疗机构代码": "B", "考核指标": indicator, "得分": "100"}]  # fmt: skip
    found = book.hand_in("assessment", form(tmp_path, "s", rows), **ACTOR)
    assert [row["hospital_id"] for row in found.rows] == ["B"]
    with pytest.raises(DrgError, match="drg year advance"):
        book.hand_in("advance", form(tmp_path, "a", rows), **ACTOR)


def test_what_comes_after_the_clearing_makes_it_stale(tmp_path):
    book = kept(tmp_path)
    for _ in range(12):
        book.close_month(empty=True, **ACTOR)
    clear(book, tmp_path / "out", sheets=False, **ACTOR)
    assert not book.state.is_stale
    rows = [{"医疗机构代码": "A", "违规规则": "z", "涉及基金金额": "1", "扣款倍数": "2"}]
    book.hand_in("deduction", form(tmp_path, "d", rows), **ACTOR)
    assert book.state.is_stale
    clear(book, tmp_path / "out", sheets=False, **ACTOR)
    assert not book.state.is_stale


def test_a_policy_of_another_version_is_told(tmp_path, monkeypatch):
    book = kept(tmp_path)
    other = load_policy().replace("cash.advance", 0.85)
    monkeypatch.setattr("drg.year.folder.load_policy", lambda *_, **__: other)
    found = verify(book.folder)
    assert not found.ok
    assert "policy.sha256" in found.text()
    with pytest.raises(DrgError, match=r"policy\.sha256"):
        Book(book.folder).close_month(**ACTOR)
    with pytest.raises(DrgError, match="not a settlement year"):
        Book.create(tmp_path / "no", weights="x", hospitals="y", year=20255, actor="A")
