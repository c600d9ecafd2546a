"""Findings are followed to their end: who may do what and when, and what is deducted of it."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.audit.credit import read_credit
from budget.fund.due_dates import WorkingDays
from drg.cli.commands import app
from drg.cli.common.outputs import look_first
from drg.documents import parse
from drg.errors import DrgError
from drg.page.words import Words
from drg.page.write import write_report
from drg.provenance import hash_file
from drg.record import clock
from drg.report.year.findings import Funnel, findings_page
from drg.year.book import Book
from drg.year.clear import clear
from drg.year.decisions import rows_of
from drg.year.findings import docket, worth
from drg.year.forms import judge_list
from drg.year.funnel import counted, credit_table, funnel_report
from drg.year.hearing import act, add, form_of, write_step_form
from drg.year.lists import LISTS, choices_of
from drg.year.procedure import DECISIONS, procedure_of, shipped, shipped_procedure
from drg.year.verify import verify
from tests.amount import FULL
from tests.year.small import book_of, form, month_file

START = "2026-01-05T09:00:00+08:00"  # a Monday
RULES = ("split", "overlap", "upcoding", "low_standard")


def at(day: int) -> str:
    """A time some days after the start."""
    return (dt.datetime.fromisoformat(START) + dt.timedelta(days=day)).isoformat()


def audit_of(folder: Path, rows: list[dict], **more) -> Path:
    """What an audit would write of some findings."""
    folder.mkdir()
    columns = [
        "finding",
        "rule",
        "family",
        "hospital_id",
        "case_id",
        "drg",
        "amount",
        "strength",
        *(["other_case_id"] if any("other_case_id" in row for row in rows) else []),
    ]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "findings.csv", index=False)
    pd.DataFrame({"hospital_id": list("ABCDE"), "cases": 40}).to_csv(folder / "hospitals.csv",
                                                                    index=False)  # fmt: skip
    hashes = {name: hash_file(folder / name) for name in ("findings.csv", "hospitals.csv")}
    (folder / "audit.json").write_text(json.dumps({"hashes": hashes, **more}), encoding="utf-8")
    return folder


def alerts(count: int, hospital: str = "A") -> list[dict]:
    return [{"finding": f"F{i:03d}", "rule": RULES[i % 4], "family": RULES[i % 4],
             "hospital_id": hospital, "case_id": f"01-{i}", "drg": "BB19",
             "amount": f"{1000 + i / 100:.2f}", "strength": "0.9"}
            for i in range(count)]  # fmt: skip


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setenv("DRG_LANG", "zh")
    with clock.given(START) as held:
        yield held


@pytest.fixture
def book(tmp_path, now):
    held = book_of(tmp_path)
    held.add_month(month_file(tmp_path, 1, 40, hospital_id="A", insurance="employee",
                              discharge_mode="1", drg="BB19"), actor="甲")  # fmt: skip
    add(held, audit_of(tmp_path / "audit", alerts(20)), actor="稽核一")
    return held


def decide(book, folder, step, ids, decision, actor, **more):
    cells = {one: more.pop(one) for one in ("amount", "times", "reason", "evidence", "case_id")
             if one in more}  # fmt: skip
    rows = [{"疑点编号": one, "决定": DECISIONS[decision][0] if decision else "",
             "核定金额": cells.get("amount", ""), "扣款倍数": cells.get("times", ""),
             "理由": cells.get("reason", "依据病历"), "证据文件": cells.get("evidence", ""),
             "病例号": cells.get("case_id", "")} for one in ids]  # fmt: skip
    return act(book, step, form(folder, "step", rows), actor=actor, **more)


def test_a_finding_goes_through_five_stages_to_the_clearing(book, tmp_path, now):
    (tmp_path / "病历.pdf").write_bytes(b"%PDF evidence")
    one, two = "F000", "F001"
    found = decide(book, tmp_path, "first_review", [one, two, "F002"], "upheld", "稽核一",
                   amount="900.05")  # fmt: skip
    assert found.decided == {"upheld": 3}
    now[0] = at(3)
    decide(book, tmp_path, "appeal", [one], "appealed", "A", reason="有医嘱")
    decide(book, tmp_path, "appeal", [two], "accepted", "A", reason="")
    now[0] = at(5)
    rows = [{"疑点编号": one, "决定": "提交合议", "理由": "意见不一", "证据文件": "病历.pdf"}]
    act(book, "second_review", form(tmp_path, "r", rows), evidence=tmp_path, actor="审理一")
    decide(book, tmp_path, "panel", [one], "upheld", "秘书", amount="800.01",
           members=("专家一", "专家二", "专家三"))  # fmt: skip
    now[0] = at(8)
    final = decide(book, tmp_path, "final", [one, two], "upheld", "局长", times="2.5")
    assert final.fen == 200_003 + 225_013  # 800.01 and 900.05, times 2.5, rounded half up
    held = docket(book.files, book.state)
    assert [done.step for done in held.findings[one].history] == [
        "alert", "first_review", "appeal", "second_review", "panel", "final"]  # fmt: skip
    (kept,) = held.findings[one].history[3].evidence
    assert (book.folder / kept).read_bytes() == b"%PDF evidence"
    book.close_month(actor="甲")
    assert Book(book.folder).state.digest == book.state.digest
    done = clear(book, tmp_path / "out", early=True, actor="甲", kinds=("html",))
    assert done.settled.closing.penalty.sum() == final.fen
    statement = (tmp_path / "out/statements/A.html").read_text(encoding="utf-8")
    assert "2,000.03" in statement
    assert "2,250.13" in statement
    assert "4,250.16" in (tmp_path / "out/clearing.html").read_text(encoding="utf-8")
    assert verify(book.folder).ok
    (book.folder / kept).write_bytes(b"other")
    assert not verify(book.folder).ok


def test_steps_out_of_turn_or_of_the_wrong_people_are_refused(book, tmp_path, now):
    def refused(step, ids, decision, actor, **more):
        before = book.state.digest
        found = decide(book, tmp_path, step, ids, decision, actor, **more)
        assert not found.rows
        assert book.state.digest == before
        (reason,) = found.rejects["reason"].unique()
        assert "\n" not in reason
        return reason

    first = ["F000"]
    assert "目前为“疑点”" in refused("final", first, "upheld", "局长")
    assert "A 不能办理" in refused("first_review", first, "upheld", "A")
    assert "须填理由" in refused("first_review", first, "upheld", "稽核一", reason="")
    assert "没有此疑点" in refused("first_review", ["F999"], "upheld", "稽核一")
    assert "该疑点为 01-0" in refused("first_review", first, "upheld", "稽核一", case_id="01-1")
    assert "evidence" in refused("first_review", first, "upheld", "稽核一", evidence="x.pdf"
                                 ).replace("--evidence", "evidence")  # fmt: skip
    decide(book, tmp_path, "first_review", first, "upheld", "稽核二", amount="500")
    assert "初审成立" in refused("first_review", first, "upheld", "稽核一")
    assert "B 不能办理" in refused("appeal", first, "appealed", "B")
    assert "不能终审" in refused("final", first, "upheld", "局长")  # an appeal may still come
    decide(book, tmp_path, "appeal", first, "appealed", "受理员")
    for who in ("稽核一", " 稽核二", "稽 核 二"):
        assert "不得办理复审" in refused("second_review", first, "upheld", who)
    assert "不得高于" in refused("second_review", first, "upheld", "审理一", amount="500.01")
    decide(book, tmp_path, "second_review", first, "referred", "审理一", amount="400")
    for members in ((), ("甲", "乙"), ("甲", "乙", "丙", "丁"), ("甲", "甲", "乙")):
        with pytest.raises(DrgError, match="--members"):
            decide(book, tmp_path, "panel", first, "upheld", "秘书", members=members)
    with pytest.raises(DrgError, match="--members"):
        decide(book, tmp_path, "final", first, "upheld", "局长", members=("甲",))
    who = ("甲", "乙", "审理一")
    assert "审理一" in refused("panel", first, "upheld", "秘书", members=who)
    decide(book, tmp_path, "panel", first, "dismissed", "秘书", members=("甲", "乙", "丙"))
    assert "目前为“合议不成立”" in refused("final", first, "upheld", "局长")
    with pytest.raises(DrgError, match="STEP"):
        decide(book, tmp_path, "verdict", first, "upheld", "局长")


def test_days_are_working_days(book, tmp_path, now):
    decide(book, tmp_path, "first_review", ["F000", "F001"], "upheld", "稽核一")
    last = WorkingDays().after(dt.date(2026, 1, 5), 10)
    assert last == dt.date(2026, 1, 19)
    now[0] = f"{last}T18:00:00+08:00"
    decide(book, tmp_path, "appeal", ["F000"], "appealed", "A")
    assert not decide(book, tmp_path, "final", ["F001"], "upheld", "局长").rows
    now[0] = f"{last + dt.timedelta(days=1)}T08:00:00+08:00"
    late = decide(book, tmp_path, "appeal", ["F001"], "appealed", "A")
    assert "已过" in late.rejects["reason"].item()
    held = docket(book.files, book.state)
    final = held.procedure.steps["final"]
    assert held.due(held.findings["F001"], final) == WorkingDays().after(last, 20)
    assert decide(book, tmp_path, "final", ["F001"], "upheld", "局长").fen == 100_001
    now[0] = at(90)
    assert decide(book, tmp_path, "second_review", ["F000"], "upheld", "审理一").late == 1


def test_a_form_brings_what_waits_and_undecided_rows_wait(book, tmp_path, now):
    path = tmp_path / "form.xlsx"
    assert write_step_form(book, "first_review", path) == 20
    frame = pd.read_excel(path, header=2, dtype=str, engine="openpyxl").dropna(subset="疑点编号")
    assert frame["决定"].isna().all()
    frame.loc[:11, "决定"], frame.loc[:11, "理由"] = "不成立", "病历支持"
    frame.loc[12:14, "决定"] = "大概"
    book_file = tmp_path / "filled.xlsx"
    frame.to_excel(book_file, index=False)
    found = act(book, "first_review", book_file, actor="稽核一")
    assert (len(found.rows), found.waiting, len(found.rejects)) == (12, 5, 3)
    assert write_step_form(book, "first_review", path) == 8
    assert write_step_form(book, "appeal", path, hospital="A") == 0
    again = add(book, tmp_path / "audit", actor="稽核一")
    assert (len(again.rows), again.waiting) == (0, 20)


def test_a_form_names_the_rule_and_the_other_stay(book, tmp_path, now):
    rows = [one | {"finding": f"P{i}", "family": "split_admission", "other_case_id": f"01-{1 - i}"}
            for i, one in enumerate(alerts(2))]  # fmt: skip
    told = [{"id": "split", "title": "分解住院（15日）", "title_en": "Split", "severity": "high"},
            {"id": "none", "title": "无", "title_en": "None"}, {"id": "upcoding"}]  # fmt: skip
    add(book, audit_of(tmp_path / "pairs", rows, rules=told), actor="稽核一")
    write_step_form(book, "first_review", tmp_path / "f.xlsx")
    frame = pd.read_excel(tmp_path / "f.xlsx", header=2, dtype=str, engine="openpyxl")
    frame = frame.set_index("疑点编号")
    assert frame.loc["P0", ["违规规则", "规则名称", "类型", "另一次住院"]].tolist() == [
        "split", "分解住院（15日）", "分解住院", "01-1"]  # fmt: skip
    assert frame.loc["P1", "另一次住院"] == "01-0"
    assert pd.isna(frame.loc["P1", "规则名称"])  # of overlap, which the record does not tell
    assert pd.isna(frame.loc["F001", "另一次住院"])
    assert "分解住院（15日）" in run_ok("findings", "status", book.folder, "--finding", "P0")
    filled = frame.assign(决定="成立", 理由="x").reset_index()
    filled.to_excel(tmp_path / "g.xlsx", index=False)
    assert len(act(book, "first_review", tmp_path / "g.xlsx", actor="稽核一").rows) == 22
    with pytest.raises(DrgError, match=r"audit\.json.*rules\[1\]\.title"):
        add(book, audit_of(tmp_path / "n", [alerts(1)[0] | {"finding": "N"}],
                           rules=[{"title": 1}]), actor="稽核一")  # fmt: skip


def test_a_finding_without_money_is_upheld_and_counts(book, tmp_path, now):
    rows = [{**one, "finding": f"Z{i}", "amount": "0", "rule": "empty", "family": "low_standard"}
            for i, one in enumerate(alerts(3))]  # fmt: skip
    add(book, audit_of(tmp_path / "zero", rows), actor="稽核一")
    decide(book, tmp_path, "first_review", ["Z0", "Z1", "F002"], "upheld", "稽核一")
    decide(book, tmp_path, "first_review", ["F003"], "upheld", "稽核一", amount="0")
    now[0] = at(40)
    done = decide(book, tmp_path, "final", ["Z0", "Z1", "F002", "F003"], "upheld", "局长")
    assert (len(done.rows), done.fen) == (4, 100_002)
    assert done.told == ["认定的 3 条不涉及金额，不扣款"]
    assert [row["finding"] for row in rows_of(book.folder, book.state)["deduction"].values()] == [
        "F002"]  # fmt: skip
    held = docket(book.files, book.state)
    confirmed = counted(book, held).query("outcome == 'confirmed'")
    assert (confirmed["cases"].sum(), confirmed["amount"].sum()) == (4, 100_002)
    score = credit_table(held, read_credit()).set_index("hospital_id")["score"]["A"]
    assert score == 100 - 3 * 6 - 10  # three of low_standard, one of upcoding
    assert verify(book.folder).ok


def test_no_output_replaces_what_a_book_has_on_record(book):
    home = book.folder
    for outputs, folder in (
        ([home / "hospitals.csv"], None), ([home / "cases" / "new.csv"], None),
        ([], home), ([], home / "cases"),
    ):  # fmt: skip
        with pytest.raises(DrgError):
            look_first((), *((one, ()) for one in outputs), folder=folder,
                       results=("hospitals.csv", "pools.csv"))  # fmt: skip
    look_first((), (home / "sheet.xlsx", ()), folder=home / "settled", results=("hospitals.csv",))


@pytest.mark.parametrize(("old", "new", "told"), [
    ('grade = "A"', 'grade = "13812345678"', r"grades\[1\]\.grade: .*(手机号|mobile number)"),
    ("start = 100", "start = -5", r"start: .*-5"),
    ("most_off = 30", "most_off = -30", r"most_off: .*-30"),
    ("assessment = 1.0", "assessment = 55.0", r"grades\[1\]\.assessment: .*55"),
    ("inspections = 12", "inspections = -1", r"grades\[4\]\.inspections: .*-1"),
    ("upcoding = 10", "upcoding = -10", r"families\.upcoding: .*-10"),
])  # fmt: skip
def test_a_credit_document_of_persons_or_beyond_reason_is_refused(tmp_path, old, new, told):
    text = (files("budget.audit") / "credit.toml").read_text("utf-8")
    (tmp_path / "credit.toml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(DrgError, match=told):
        read_credit(tmp_path / "credit.toml")


def test_credit_goes_by_what_was_confirmed(book, tmp_path, now):
    rows = [{"finding": f"C{i}", "rule": "overlap", "family": "overlapping_stay", "drg": "BB19",
             "hospital_id": "A", "case_id": f"01-{i}", "amount": "10", "strength": "1"}
            for i in range(6)]  # fmt: skip
    add(book, audit_of(tmp_path / "c", rows), actor="稽核一")
    ids = [row["finding"] for row in rows]

    def credit():
        frame = credit_table(docket(book.files, book.state), read_credit())
        return frame.set_index("hospital_id").loc["A", ["score", "grade", "inspections",
                                                        "assessment"]].tolist()  # fmt: skip

    assert credit() == [100.0, "A", 1, 1.0]  # 26 alerts, and nothing confirmed
    decide(book, tmp_path, "first_review", ids[4:], "dismissed", "稽核一")
    decide(book, tmp_path, "first_review", ids[:4], "upheld", "稽核一")
    assert credit() == [100.0, "A", 1, 1.0]
    now[0] = at(40)
    decide(book, tmp_path, "final", ids[:2], "upheld", "局长")
    decide(book, tmp_path, "final", ids[2:4], "dismissed", "局长")
    assert credit() == [80.0, "B", 2, 0.9]  # two, of a hospital that counts as one of a hundred
    decide(book, tmp_path, "first_review", ["F000"], "upheld", "稽核一")
    now[0] = at(80)
    decide(book, tmp_path, "final", ["F000"], "upheld", "局长")
    assert credit() == [76.0, "C", 4, 0.7]  # "split" is no family of the document: other
    out = tmp_path / "credit.xlsx"
    told = run_ok("findings", "credit", book.folder, "--out", out)
    assert "76.00" in told
    assert "19 条疑点尚未办结" in told
    found = book.hand_in("assessment", out, actor="甲")
    assert {(row["hospital_id"], row["score"]) for row in found.rows} == {
        ("A", "76"), *((one, "100") for one in "BCDE")}  # fmt: skip
    mild = tmp_path / "mild.toml"
    text = (files("budget.audit") / "credit.toml").read_text("utf-8")
    mild.write_text(text.replace("overlapping_stay = 10", "overlapping_stay = 0"), "utf-8")
    assert "96.00" in run_ok("findings", "credit", book.folder, "--credit", mild)


def test_amounts_of_a_form(book, tmp_path, now):
    """Beyond belief refused in a line; above what the case cost told, with file, row and limit."""
    ids, wrong = ["F000"], ("1e12", "100000000000", "-1", "1.005", "很多", "inf")
    for amount in wrong:
        found = decide(book, tmp_path, "first_review", ids, "upheld", "稽核一", amount=amount)
        (reason,) = found.rejects["reason"]
        assert not found.rows
        assert reason == "应为不小于 0、小于 100,000,000,000 元的金额，至分"
    costs = pd.read_csv(tmp_path / "m1.csv", dtype=str).set_index("case_id")["total_cost"]
    cost = Decimal(costs["01-1"])
    assert not decide(book, tmp_path, "first_review", ["F001"], "upheld", "稽核一",
                      amount=str(cost)).told  # fmt: skip
    dear = decide(book, tmp_path, "first_review", ["F002", "F003"], "upheld", "稽核一",
                  amount="99999999.99")  # fmt: skip
    assert len(dear.rows) == 2
    assert len(dear.told) == 2
    assert "step.csv: 第 3 行: amount: 高于病例总费用" in dear.told[1]
    assert "99999999.99" in dear.told[1]
    assert f"{Decimal(costs['01-3']):,.2f}" in dear.told[1]


IDENTITY, MOBILE = "110101199003077715", "13812345678"
STEP = form_of(shipped_procedure(), shipped_procedure().step("first_review"))
TEXTS = [(kind, column) for kind in (*LISTS.values(), STEP) for column in kind.columns
         if not column.name.endswith("case_id")]  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A book whose record the test never changes."""
    folder = tmp_path_factory.mktemp("shared")
    with clock.given(START):
        held = book_of(folder)
        held.add_month(month_file(folder, 1, 40, hospital_id="A", discharge_mode="1"), actor="甲")
        add(held, audit_of(folder / "audit", alerts(2)), actor="稽核一")
    return held


def good(column, policy) -> str:
    """What a column that must be filled in may say."""
    if choices := choices_of(column, policy):
        return next(code for code in choices if code)
    return {"money": "1", "number": "1", "whole": "1", "day": "2025-01-01"}.get(column.kind, "x")


@pytest.mark.parametrize(("said", "what"), [(f"王某 {IDENTITY}", "身份证号"), (MOBILE, "手机号")])
@pytest.mark.parametrize(("kind", "column"), TEXTS, ids=[f"{a.code}-{b.name}" for a, b in TEXTS])
def test_no_text_brings_a_person_into_the_book(shared, tmp_path, monkeypatch, kind, column, said,
                                               what):  # fmt: skip
    monkeypatch.setenv("DRG_LANG", "zh")
    before = shared.state.digest
    row = {one.zh: good(one, shared.files.policy) for one in kind.columns if one.needed}
    file = form(tmp_path, "rows", [row | {column.zh: said}])
    if kind is STEP:
        rejects = act(shared, "first_review", file, actor="稽核一").rejects
    else:
        rejects = judge_list(shared.files, shared.state, kind.code, file).rejects
    (one,) = rejects.to_dict("records")
    assert (one["column"], one["reason"]) == (column.name, f"含{what}，请删除")
    assert said not in str(one)
    assert shared.state.digest == before


@pytest.mark.parametrize("number", [IDENTITY, MOBILE])
def test_no_name_brings_a_person_into_the_book(book, tmp_path, now, number):
    rows = [{"疑点编号": "F000", "决定": "成立", "理由": "x"}]
    for words in ({"actor": number}, {"actor": "稽核一", "name": number}):
        file = form(tmp_path, words.pop("name", "s"), rows)
        with pytest.raises(DrgError, match="不得出现个人信息"):
            act(book, "first_review", file, **words)
    decide(book, tmp_path, "first_review", ["F000"], "upheld", "稽核一")
    decide(book, tmp_path, "appeal", ["F000"], "appealed", "A")
    decide(book, tmp_path, "second_review", ["F000"], "referred", "审理一")
    with pytest.raises(DrgError, match="不得出现个人信息"):
        decide(book, tmp_path, "panel", ["F000"], "upheld", "秘书", members=("甲", "乙", number))
    with pytest.raises(DrgError, match="不得出现个人信息"):
        book.hand_in("assessment", form(tmp_path, number, [
            {"医疗机构代码": "A", "考核指标": "信用评分", "得分": "9"}]), actor="甲")  # fmt: skip
    rows = [alerts(1)[0] | {"finding": "N1", name: f"{number} x"}
            for name in ("rule", "family", "drg", "strength")]  # fmt: skip
    assert not add(book, audit_of(tmp_path / "b", rows), actor="稽核一").rows
    told = [{"id": "split", "title": number, "title_en": "x"}]
    with pytest.raises(DrgError, match="不得出现个人信息"):
        add(book, audit_of(tmp_path / "t", [alerts(1)[0] | {"finding": "N1"}], rules=told),
            actor="稽核一")  # fmt: skip
    assert not [one for one in book.folder.rglob("*")
                if one.is_file() and number.encode() in one.read_bytes()]  # fmt: skip


def test_what_a_hostile_form_brings(book, tmp_path, now):
    """Formulas are text wherever they are written, long texts refused, a pipe is no evidence."""
    rows = [{"疑点编号": f"F00{i}", "决定": "成立", "理由": said} for i, said in enumerate(
        ("=cmd|'/c calc'!A1", "+1", "长" * 5000, "长" * 5001))]  # fmt: skip
    found = act(book, "first_review", form(tmp_path, "s", [*rows, rows[0]]), actor="稽核一")
    assert [row["finding"] for row in found.rows] == ["F000", "F001", "F002"]
    assert found.rejects["reason"].tolist() == [
        "有 5,001 字，不得超过 5,000 字", "与第 2 行是同一项"]  # fmt: skip
    (file,) = (book.folder / "findings").glob("*first_review*")
    assert "'=cmd" in file.read_text("utf-8")
    write_step_form(book, "appeal", tmp_path / "f.xlsx")
    frame = pd.read_excel(tmp_path / "f.xlsx", header=2, dtype=str, engine="openpyxl")
    before = frame.set_index("疑点编号")["前序意见"]
    assert before["F000"] == "初审成立：=cmd|'/c calc'!A1"
    assert before["F002"] == "初审成立：" + "长" * 5000
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "folder.pdf").mkdir()
    for name in ("pipe.pdf", "folder.pdf", "../book/hospitals.csv", "none.pdf"):
        row = {"疑点编号": "F004", "决定": "成立", "理由": "x", "证据文件": name}
        lost = act(book, "first_review", form(tmp_path, "s", [row]), evidence=tmp_path,
                   actor="稽核一")  # fmt: skip
        assert not lost.rows
        assert "没有可用的此文件" in lost.rejects["reason"].item()


def test_a_record_changed_by_hand_is_found(book, tmp_path, now):
    decide(book, tmp_path, "first_review", ["F000"], "upheld", "稽核一", amount="500")
    record = book.folder / "ledger.jsonl"
    (file,) = (book.folder / "findings").glob("*first_review*")
    for path, old, new in ((file, b"500", b"100"), (record, "稽核一".encode(), "稽核二".encode())):
        held = path.read_bytes()
        assert old in held
        path.write_bytes(held.replace(old, new, 1))
        assert not verify(book.folder).ok
        path.write_bytes(held)
    assert verify(book.folder).ok


def test_an_audit_that_does_not_fit_is_refused(book, tmp_path, now):
    rows = [*alerts(1, "B"), alerts(3)[2] | {"finding": "N1", "case_id": "none"},
            alerts(4)[3] | {"finding": "N2", "hospital_id": "Z"},
            alerts(5)[4] | {"finding": "N3", "amount": "?"},
            alerts(6)[5] | {"finding": "N4"}, alerts(6)[5] | {"finding": "N4"}]  # fmt: skip
    rows[0]["finding"] = "N0"
    found = add(book, audit_of(tmp_path / "b", rows), actor="稽核一")
    assert [row["finding"] for row in found.rows] == ["N4"]
    assert found.rejects["row"].tolist() == [2, 3, 4, 5, 7]
    audit = audit_of(tmp_path / "c", alerts(2))
    with (audit / "findings.csv").open("a") as file:
        file.write("F9,split,split,A,01-9,BB19,1.00,1\n")
    with pytest.raises(DrgError, match=r"findings\.csv"):
        add(book, audit, actor="稽核一")


@pytest.mark.parametrize("count", ["", "nan", "-5", "1.5", "1e400"])
def test_an_audit_whose_screened_cases_are_no_count_is_refused(book, tmp_path, now, count):
    audit = audit_of(tmp_path / "screened", [alerts(6)[5] | {"finding": "N4"}])
    (audit / "hospitals.csv").write_text(f"hospital_id,cases\nA,{count}\n", "utf-8")
    hashes = {name: hash_file(audit / name) for name in ("findings.csv", "hospitals.csv")}
    (audit / "audit.json").write_text(json.dumps({"hashes": hashes}), "utf-8")
    with pytest.raises(DrgError, match=r"hospitals\.csv: 第 2 行: cases: 不是病例数|row 2: cases"):
        add(book, audit, actor="稽核一")


def test_an_audit_that_lacks_a_table_is_refused(book, tmp_path, now):
    for name in ("findings.csv", "hospitals.csv"):
        audit = audit_of(tmp_path / f"no-{name}", alerts(2))
        (audit / name).unlink()
        with pytest.raises(DrgError, match=rf"{name}: (没有这个文件|no such file)"):
            add(book, audit, actor="稽核一")


def test_what_was_confirmed_is_not_changed_by_hand(book, tmp_path, now):
    by_hand = {"医疗机构代码": "A", "病例号": "01-1", "违规规则": "overlap", "涉及基金金额": "1"}
    book.hand_in("deduction", form(tmp_path, "d", [by_hand]), actor="甲")
    decide(book, tmp_path, "first_review", ["F000", "F001"], "upheld", "稽核一")
    now[0] = at(40)
    found = decide(book, tmp_path, "final", ["F000", "F001"], "upheld", "局长")
    assert [row["finding"] for row in found.rows] == ["F000"]
    row = by_hand | {"病例号": "01-0", "违规规则": "split", "申诉结果": "撤销"}
    found = book.hand_in("deduction", form(tmp_path, "d", [row]), actor="甲")
    assert "F000" in found.rejects["reason"].item()
    assert verify(book.folder).ok


def test_a_finding_falls_with_its_case(book, tmp_path, now):
    """What was paid for a case that is withdrawn, or another hospital's, is not taken twice."""
    ids = ["F000", "F001", "F002", "F003", "F004"]
    decide(book, tmp_path, "first_review", ids, "upheld", "稽核一", amount="100")
    now[0] = at(40)
    final = decide(book, tmp_path, "final", ids[:3], "upheld", "局长", times="2")
    assert final.fen == 60_000
    by_hand = {"医疗机构代码": "A", "病例号": "01-25", "违规规则": "split", "涉及基金金额": "7"}
    book.hand_in("deduction", form(tmp_path, "d", [by_hand]), actor="甲")
    book.close_month(actor="甲")
    assert "600.00" in (deductions := run_ok("findings", "status", book.folder)), deductions
    frame = pd.DataFrame({"case_id": ["01-0", "01-3", "01-25"]})
    frame.to_csv(tmp_path / "w.csv", index=False)
    told = run_ok("correct", book.folder, tmp_path / "w.csv", "--withdraw")
    assert "2 条疑点" in told
    assert "200.00 元不再扣款" in told
    assert "1 项" in told
    moved = pd.read_csv(tmp_path / "m1.csv", dtype=str).iloc[[1, 4]].assign(hospital_id="B")
    moved.to_csv(tmp_path / "c.csv", index=False)
    assert "4 条疑点" in run_ok("correct", book.folder, tmp_path / "c.csv")

    held = docket(book.files, book.state)
    assert [held.standing(held.findings[one]) for one in ids] == [
        "withdrawn", "withdrawn", "final:upheld", "withdrawn", "withdrawn"]  # fmt: skip
    assert counted(book, held)["amount"].sum() == 20_000
    assert "病例已撤销" in run_ok("findings", "status", book.folder)
    found = decide(book, tmp_path, "final", ids[3:], "upheld", "局长")
    assert not found.rows
    assert "01-3" in found.rejects["reason"].iloc[0]
    assert write_step_form(book, "final", tmp_path / "f.xlsx") == 0
    assert funnel_report(book, "zh", dt.date(2027, 1, 1)).sections
    done = clear(book, tmp_path / "out", early=True, sheets=False, actor="甲")
    assert done.settled.closing.penalty.sum() == 20_000 + 700

    row = by_hand | {"申诉结果": "病例已撤销"}
    assert len(book.hand_in("deduction", form(tmp_path, "d", [row]), actor="甲").rows) == 1
    new = by_hand | {"违规规则": "overlap", "申诉结果": "病例已撤销"}
    assert not book.hand_in("deduction", form(tmp_path, "d", [new]), actor="甲").rows
    back = pd.read_csv(tmp_path / "m1.csv", dtype=str).iloc[[0]]
    back.to_csv(tmp_path / "b.csv", index=False)
    book.correct(tmp_path / "b.csv", actor="甲")  # the case comes again, and its finding with it
    done = clear(book, tmp_path / "out2", early=True, sheets=False, actor="甲")
    assert done.settled.closing.penalty.sum() == 40_000
    assert verify(book.folder).ok


def run_ok(*words: object) -> str:
    from typer.testing import CliRunner

    done = CliRunner().invoke(app, ["year", *map(str, words)])
    assert not done.exception, done.output
    return done.output


def test_people_are_those_of_the_document(book, tmp_path, now):
    text = shipped().decode().replace('en = "inspection"\n', 'en = "inspection"\n'
                                      'people = ["张三", "李 四"]\n')  # fmt: skip
    path = tmp_path / "p.toml"
    path.write_text(text, encoding="utf-8")
    add(book, tmp_path / "audit", procedure=path, actor="稽核一")
    assert not decide(book, tmp_path, "first_review", ["F000"], "upheld", "王五").rows
    assert decide(book, tmp_path, "first_review", ["F000"], "upheld", "李四").rows


@pytest.mark.parametrize(("old", "new", "key"), [
    ('after = ["alert"]', 'after = ["alarm"]', "steps[0].after[0]"),
    ('role = "panel"', 'role = "jury"', "steps[3].role"),
    ("members = 3", "members = 4", "steps[3].members"),
    ("days = 30", "days = 0", "steps[0].days"),
    ("confirms = true", "", "steps.confirms"),
    ('after = ["second_review:referred"]', 'after = ["appeal:appealed"]', "steps.second_review"),
    ('decisions = ["upheld", "dismissed"]\nends = ["dismissed"]\ndays = 30',
     'decisions = ["upheld", "dismissed"]\ndays = 30', "steps.first_review"),
    ('[roles.adjudication]', '[roles.inspection2]\nzh=""\nen=""\npeople=["甲"]\n'
     'apart=["inspection3"]\n[roles.adjudication]', "roles.inspection2.apart[0]"),
    ("hospitals = true", 'hospitals = true\npeople = ["甲"]\napart = ["hospital"]',
     "roles.hospital.people"),
    ("strict = true", "strict = 1", "strict"),
])  # fmt: skip
def test_a_wrong_procedure_names_key_and_place(old, new, key):
    text = shipped().decode()
    assert old in text
    with pytest.raises(DrgError, match=key.replace("[", r"\[").replace(".", r"\.")) as error:
        procedure_of(parse(text.replace(old, new, 1).encode(), "p.toml"), "p.toml")
    assert "p.toml" in str(error.value)


# the procedure that is shipped, said a second time: step -> standings, decisions, apart
STEPS = {
    "first_review": ({"alert"}, ("upheld", "dismissed"), ()),
    "appeal": ({"first_review:upheld"}, ("appealed", "accepted"), ()),
    "second_review": ({"appeal:appealed"}, ("upheld", "dismissed", "referred"),
                      ("alert", "first_review")),
    "panel": ({"second_review:referred"}, ("upheld", "dismissed"),
              ("alert", "first_review", "second_review")),
    "final": ({"appeal:accepted", "second_review:upheld", "panel:upheld"},
              ("upheld", "dismissed"), ("alert", "first_review")),
}  # fmt: skip


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40 if FULL else 4, deadline=None)
def test_any_order_of_steps(tmp_path_factory, seed):
    """At random: what the procedure allows is taken, all else refused, and the sums hold."""
    rng, folder = random.Random(seed), tmp_path_factory.mktemp("any")
    days = WorkingDays()
    with clock.given(START) as now:
        book = book_of(folder)
        book.add_month(month_file(folder, 1, 12, hospital_id="A", discharge_mode="1"), actor="甲")
        add(book, audit_of(folder / "audit", alerts(12)), actor="一")
        stand = {f"F{i:03d}": ("alert", START[:10], 100_000 + i, {"alert": {"一"}}, Decimal(1))
                 for i in range(12)}  # fmt: skip
        day = 0
        for _ in range(rng.randrange(10, 40)):
            day += rng.choice((0, 1, 4, 15))
            now[0] = at(day)
            today = dt.date.fromisoformat(now[0][:10])
            step = rng.choice(list(STEPS))
            after, decisions, apart = STEPS[step]
            actor = rng.choice(("一", "二", "三", "A"))
            people = {actor} | ({"四", "五", rng.choice("二六")} if step == "panel" else set())
            if step == "panel" and len(people) < 4:
                people |= {"七"}
            rows, wanted = [], []
            for name in rng.sample(sorted(stand), rng.randrange(1, 8)):
                status, since, fen, by, times = stand[name]
                decision = rng.choice(("upheld", "upheld", *decisions, *DECISIONS))
                asked = rng.choice((None, None, fen, fen // 2, fen + 1))
                multiple = rng.choice((None, None, Decimal("1.5"), Decimal(3)))
                rows.append({"疑点编号": name, "决定": DECISIONS[decision][0], "理由": "x",
                             "核定金额": "" if asked is None else f"{asked / 100:.2f}",
                             "扣款倍数": "" if multiple is None else str(multiple)})  # fmt: skip
                due = days.after(dt.date.fromisoformat(since), 10)
                turn = status in after and not (step == "appeal" and today > due)
                turn |= step == "final" and status == "first_review:upheld" and today > due
                bound = status == "alert" or asked is None or asked <= fen
                if step == "appeal":  # a hospital sets neither amount nor multiple
                    bound = asked in (None, fen) and multiple in (None, times)
                right = not people & set().union(*(by.get(one, set()) for one in apart), set())
                right &= actor != "A" or step == "appeal"
                if turn and bound and right and decision in decisions:
                    wanted.append(name)
                    stand[name] = (f"{step}:{decision}", now[0][:10],
                                   fen if asked is None else asked,
                                   by | {step: people}, multiple or times)  # fmt: skip
            members = sorted(people - {actor})[:3] if step == "panel" else ()
            if step == "panel":
                people = {actor, *members}
            before = book.state.digest
            found = act(book, step, form(folder, "s", rows), members=members, actor=actor)
            assert sorted(row["finding"] for row in found.rows) == sorted(wanted)
            assert len(found.rejects) == len(rows) - len(wanted)
            assert (book.state.digest == before) == (not wanted)
        held = docket(book.files, book.state)
        assert {one.id: one.status for one in held.findings.values()} == {
            name: one[0] for name, one in stand.items()}  # fmt: skip
        fen = sum(
            int((Decimal(amount) * times).quantize(Decimal(1), "ROUND_HALF_UP"))
            for status, _, amount, _, times in stand.values() if status == "final:upheld"
        )  # fmt: skip
        policy = book.files.policy
        assert fen == sum(worth(policy, one) for one in held.findings.values()
                          if held.confirmed(one))  # fmt: skip
        rows = rows_of(book.folder, book.state)["deduction"].values()
        assert {row["finding"] for row in rows} == {
            name for name, one in stand.items() if one[0] == "final:upheld"}  # fmt: skip
        done = clear(book, folder / "out", early=True, sheets=False, actor="甲")
        assert done.settled.closing.penalty.sum() == fen
        assert counted(book, held)["amount"].sum() == fen
        assert docket(Book(book.folder).files, Book(book.folder).state).findings == held.findings
        assert verify(book.folder).ok


def test_the_funnel_is_told_without_persons(book, tmp_path, now):
    ids = [f"F{i:03d}" for i in range(20)]
    decide(book, tmp_path, "first_review", ids[:16], "upheld", "稽核一")
    decide(book, tmp_path, "first_review", ids[16:], "dismissed", "稽核一")
    now[0] = at(40)
    decide(book, tmp_path, "final", ids[:9], "upheld", "局长")
    for lang in ("en", "zh"):
        report = funnel_report(book, lang, dt.date(2027, 1, 1))
        write_report(tmp_path / "f.html", report, Words(lang))
        text = (tmp_path / "f.html").read_text(encoding="utf-8")
        assert "01-1" not in text
        assert "F000" not in text
        assert ("初审" in text, "first review" in text) == (lang == "zh", lang == "en")
        (row,) = [one for one in text.split("<tr>") if "市第一医院" in one]
        assert "&lt;5" in row  # 4 were dismissed: of alerts, confirmed and open one is not told
        assert ">*<" in row


def test_huaibeis_figures_make_its_funnel(tmp_path):
    """345,600 settlements, 82,500 alerts, 28,200 confirmed, 2.8304 million yuan."""
    standing = {"confirmed": "final:upheld", "dismissed": "first_review:dismissed"}
    frame = pd.DataFrame([
        ("provincial", "H", standing["confirmed"], "confirmed", 28_200, 283_040_000),
        ("provincial", "H", standing["dismissed"], "dismissed", 82_500 - 28_200, 0),
    ], columns=["family", "hospital", "standing", "outcome", "cases", "amount"])  # fmt: skip
    found = Funnel(2025, frame, {"H": 345_600}, {"H": "淮北"}, str, 0, "x")
    write_report(tmp_path / "f.html", findings_page(found, Words("zh")), Words("zh"))
    text = (tmp_path / "f.html").read_text(encoding="utf-8")
    for told in ("345,600", "82,500", "28,200", "2,830,400.00", "23.9%", "34.2%"):
        assert told in text
    assert np.isclose(2_830_400 / 28_200, 100.37, atol=0.01)


def test_the_commands(tmp_path, now):
    from typer.testing import CliRunner

    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1, 40, hospital_id="A", discharge_mode="1"), actor="甲")
    audit, out = audit_of(tmp_path / "audit", alerts(8)), tmp_path / "form.xlsx"
    run, place = CliRunner(), str(book.folder)

    def said(*words: object) -> str:
        done = run.invoke(app, ["year", "findings", *map(str, words)])
        assert not done.exception, done.output
        return done.output

    assert "8" in said("add", place, audit, "--actor", "一")
    assert "8" in said("form", place, "first_review", "--out", out)
    rows = [{"疑点编号": f"F{i:03d}", "决定": "成立", "理由": "x"} for i in range(8)]
    said("act", place, "first_review", form(tmp_path, "s", rows), "--actor", "一")
    now[0] = at(40)
    assert "8,000.28" in said("act", place, "final", form(tmp_path, "s", rows), "--actor", "三")
    assert "8,000.28" in said("status", place)
    assert "x" in said("status", place, "--finding", "F000")
    said("report", place, "--out", tmp_path / "funnel.docx")
    said("report", place, "--out", tmp_path / "funnel.xlsx")
