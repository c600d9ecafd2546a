"""The minutes: everything told, nothing of a person, nothing alive, the same each time."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.impact.tables import hospital_table
from drg.errors import DrgError
from drg.report.minutes.data import Minutes, collect
from drg.report.minutes.sentences import sentences
from drg.report.minutes.small_cells import hidden_hospitals
from drg.report.minutes.words import MinutesWords, conditions
from drg.report.minutes.write import Written, write, write_minutes
from tests.fonts import without_font
from tests.report import minutes_round
from tests.report.minutes_round import CASE, FEW, HOSTILE, IDENTITY, MOBILE, played
from tests.report.test_panel import Page
from weights.negotiation.rules import Rules

KINDS = {
    "decided": {}, "offered": {"offer": True}, "open": {"close": False},
    "weighted": {"rules": Rules(voting="weighted", neutral="none", frozen=("GG19",),
                                equal=(("BB19", "CC19"),), largest_loss=None)},
}  # fmt: skip


@pytest.fixture(scope="module")
def rounds() -> dict[str, Minutes]:
    return {name: played(**parts) for name, parts in KINDS.items()}


@pytest.fixture(scope="module")
def minutes(rounds, tmp_path_factory) -> Callable[[str, str], Written]:
    """The minutes by kind and language, each written when they are first asked for."""

    def made(kind: str, lang: str) -> Written:
        out = tmp_path_factory.mktemp(kind) / "minutes.html"
        with nullcontext() if kind == "offered" else without_font():
            return write(rounds[kind], out, lang)

    return cache(made)


@pytest.fixture(params=[(k, lang) for k in KINDS for lang in ("zh", "en")], ids="-".join)
def written(request, minutes, rounds):
    kind, lang = request.param
    return kind, lang, minutes(kind, lang), rounds[kind]


def shown(path: Path) -> str:
    return "".join(Page(path.read_text(encoding="utf-8")).shown)


def sheet(path: Path, caption: str) -> list[tuple]:
    book = openpyxl.load_workbook(path)
    found = [one for one in book.worksheets[1:] if one["A1"].value == caption]
    assert len(found) == 1, caption
    return list(found[0].iter_rows(min_row=3, values_only=True))


def test_the_page_needs_nothing_else_and_is_in_order(written):
    _, lang, made, _ = written
    text = made.page.read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in ("src", "action"), (tag, name)
        assert name != "href" or value.startswith("#")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert page.tags.count("h1") == 1
    assert ("html", "lang", "zh-CN" if lang == "zh" else "en") in page.attributes
    assert len(openpyxl.load_workbook(made.book).sheetnames) >= 14


def test_everything_is_told(written):
    kind, lang, made, data = written
    text = shown(made.page)
    zh = {
        "时间", "谈判规则及出处", "逐项说明", "撤回的申请", "应回避的专家", "表决结果",
        "决定的权重", "谁受益，谁承担", "按险种", "按基金池", "与模拟测算的比较", "签字",
        "示范市谈判办法第十条", "基础病组", "四分位距法", "全部弃权", "与申请人有亲属关系",
        "未达法定人数（2/5）",
    }  # fmt: skip
    en = {"Time", "Rules and their sources", "One by one", "Withdrawn proposals", "Recused:",
          "Weights decided", "Who gains and who pays", "By insurance", "Against the simulation",
          "Signatures", "no quorum (2 of 5)", "all abstained"}  # fmt: skip
    if kind == "weighted":
        zh -= {"示范市谈判办法第十条"}
        assert ("按表决权重计票" if lang == "zh" else "by vote weights") in text
    for one in zh if lang == "zh" else en:
        assert one in text, one
    state = data.state
    for one in (state.digest, state.init["weights"]["sha256"], state.panels["Z01"].roster_sha256,
                "drg negotiate verify round-2026", "2026-03-01 00:00:00+08:00"):  # fmt: skip
        assert one in text
    for expert in state.panels["Z01"].members:
        assert data.expert_name(expert) in text
    if kind == "offered":
        assert "0.31" in text, "the shadow price"
        assert ("县医院 损失不超过" if lang == "zh" else "县医院 loses no more") in text
    if kind == "open":
        assert ("草稿" if lang == "zh" else "draft: not closed") in text


def test_the_first_page_says_it_in_five_to_eight_sentences(rounds):
    for data in rounds.values():
        for lang in ("zh", "en"):
            said = sentences(data, MinutesWords(lang))
            assert 5 <= len(said) <= 8
            assert all(any(c.isdigit() for c in one) for one in said[:3])
    said = sentences(rounds["decided"], MinutesWords("zh"))
    assert (
        "收到调整申请 8 项（医疗机构 6 项、专家组 1 项、医保局 1 项），涉及 7 个病组，其中撤回 1 项"
        in said[1]
    )
    assert "表决通过 2 项，未通过 2 项，未作决定 3 项" in said[2]
    assert "调整 2 个（上调 2 个、下调 0 个）" in said[4]
    assert "1.0000 → 1.2000" in said[4], "cut by the corridor"


def test_the_workbook_has_every_vote_entry_and_weight(written):
    _, lang, made, data = written
    zh = lang == "zh"
    votes = sheet(made.book, "逐票记录" if zh else "Single votes")
    assert len(votes) == len(data.state.votes)
    assert (
        sum(row[7] == ("已由后一票取代" if zh else "replaced by a later vote") for row in votes)
        == 1
    )
    entries = sheet(made.book, "谈判记录" if zh else "The record")
    assert [row[5] for row in entries] == [entry.digest for entry in data.state.entries]
    weights = sheet(
        made.book, "全部病组的权重与支付" if zh else "Weights and payment of all groups"
    )
    after = dict(zip(data.impact.cells.groups, data.impact.after.weight, strict=False))
    assert {row[0]: row[5] for row in weights} == pytest.approx(
        {g: float(w) for g, w in after.items() if np.isfinite(w)}
    )


def test_the_money_is_the_impact_s(written):
    _, lang, made, data = written
    caption = "各医疗机构清算支付的变化，按变化比重排列" if lang == "zh" else (
        "What each hospital is paid, ranked by the share of its change"
    )  # fmt: skip
    rows = [row for row in sheet(made.book, caption) if isinstance(row[7], float | int)]
    wanted = hospital_table(data.impact)
    assert rows[-1][7] == pytest.approx(wanted["final_change"].sum(), abs=0.005)
    assert sum(row[7] for row in rows[:-1]) == pytest.approx(rows[-1][7], abs=0.01)
    assert sum(row[2] for row in rows[:-1]) == rows[-1][2] == wanted["cases"].sum()
    paid = sheet(made.book, "谁受益，谁承担" if lang == "zh" else "Who gains and who pays")
    assert sum(row[2] for row in paid if isinstance(row[2], float | int)) == pytest.approx(
        0, abs=0.01
    )


def test_nothing_of_a_person_or_of_few_cases_is_told(written):
    _, lang, made, _ = written
    book = openpyxl.load_workbook(made.book)
    cells = [str(c.value) for s in book.worksheets for row in s.iter_rows() for c in row]
    whole = made.page.read_text(encoding="utf-8")
    for secret in (IDENTITY, MOBILE, CASE, "31,313", "31313", "41,414", "41414", "257 → 180"):
        assert secret not in whole, secret
        assert not any(secret in cell for cell in cells), secret
    caption = "全部病组的权重与支付" if lang == "zh" else "Weights and payment of all groups"
    rows = {row[0]: row for row in sheet(made.book, caption)}
    assert rows[FEW][7:11] == ("<5", "*", "*", "*")
    assert sum(row[8] == "*" for row in rows.values()) == 2, "one other hides it in the total"
    assert "240 → 231" in whole


def test_hostile_texts_are_texts(written):
    _, _, made, _ = written
    text = made.page.read_text(encoding="utf-8")
    assert "<script>alert(1)</script>" in "".join(Page(text).shown)
    for mark in "\u202e\u202c":
        assert mark not in text
    for one in openpyxl.load_workbook(made.book).worksheets:
        for row in one.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.value
                assert not str(cell.value).startswith(("=", "@"))


def test_the_same_bytes_each_time(rounds, minutes, tmp_path):
    made = [minutes("offered", "zh"), write(rounds["offered"], tmp_path / "minutes.html")]
    assert made[0].page.read_bytes() == made[1].page.read_bytes()
    assert made[0].book.read_bytes() == made[1].book.read_bytes()


@pytest.mark.usefixtures("plain")
def test_a_hostile_title_hospital_and_group_are_texts(rounds, tmp_path):
    data = rounds["decided"]
    held = data.impact.cells
    hospitals = replace(held.hospitals, names=(HOSTILE[0], HOSTILE[1], *held.hospitals.names[2:]))
    cells = replace(held, hospitals=hospitals, names=(HOSTILE[0],) * len(held.names))
    init = {**data.state.init, "title": HOSTILE[1], "round": "</title><script>x</script>"}
    hostile = Minutes(replace(data.state, init=init), replace(data.impact, cells=cells), None)
    made = write(hostile, tmp_path / "m.html")
    assert not {"script", "img"} & set(Page(made.page.read_text(encoding="utf-8")).tags)
    for one in openpyxl.load_workbook(made.book).worksheets:
        assert all(cell.data_type != "f" for row in one.iter_rows() for cell in row)


@pytest.mark.usefixtures("plain")
def test_a_round_with_nothing_in_it(tmp_path):
    book = minutes_round.begin(Rules(), title="")
    impact = minutes_round.impacts().at({})
    for lang, said in (("zh", "未收到调整申请"), ("en", "There were no proposals")):
        made = write(Minutes(book.state, impact), tmp_path / f"{lang}.html", lang)
        assert said in shown(made.page)


def fake_round(data: Minutes, folder: Path) -> SimpleNamespace:
    held = minutes_round.impacts()
    return SimpleNamespace(
        state=data.state, folder=folder, files=SimpleNamespace(roster=minutes_round.ROSTER),
        impact=lambda changes, neutral="yuan": held.at(changes, neutral=neutral),
        changes=lambda which: {"decided": {"BB19": 1.2}}[which],
    )  # fmt: skip


@pytest.mark.usefixtures("plain")
def test_minutes_of_a_round(rounds, tmp_path):
    closed = rounds["decided"]
    made = write_minutes(fake_round(closed, tmp_path), tmp_path / "m.html")
    assert closed.state.digest in shown(made.page)
    found = collect(fake_round(closed, tmp_path))
    assert np.array_equal(found.impact.after.weight, closed.impact.after.weight, equal_nan=True)
    assert collect(fake_round(rounds["open"], tmp_path)).impact.after.weight[1] == 1.2
    wrong = replace(closed.state, closed={**closed.state.closed, "weights_sha256": "00" * 32})
    with pytest.raises(DrgError, match="not those on record") as caught:
        collect(fake_round(replace(closed, state=wrong), tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("plain")
def test_mistakes_are_one_line(rounds, tmp_path):
    data = rounds["decided"]
    with pytest.raises(DrgError, match=r"\.html"):
        write(data, tmp_path / "m.pdf")
    with pytest.raises(DrgError, match="zh or en"):
        write(data, tmp_path / "m.html", "fr")
    (tmp_path / "votes.xlsx").write_bytes(b"votes")
    with pytest.raises(DrgError, match="would replace an input"):
        write_minutes(fake_round(data, tmp_path), tmp_path / "votes.html")
    assert (tmp_path / "votes.xlsx").read_bytes() == b"votes"


def test_conditions_name_no_case():
    words = MinutesWords("zh")

    def said(text: str) -> str:
        return conditions(text, words, lambda key: f"医院{key}")

    assert said("cost>200000 and case_id in A1|A2") == "费用 > 200000，且所列病例"
    assert said("hospital_id in A|B") == "医疗机构 为 医院A、医院B"
    assert said("insurance=resident and length_of_stay>=60") == "险种 为 居民医保，且住院天数 >= 60"
    assert said("病案号 A1") == "…"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), min_size=2, max_size=9))
def test_no_hidden_hospital_can_be_found_from_totals(rows):
    """No small hospital follows from the totals that are told, unless there is no other."""
    cases = np.array([row[0] for row in rows], float)
    tier = np.array([row[1] for row in rows])
    hidden, shut = hidden_hospitals(cases, tier)
    small = (cases > 0) & (cases < 5)
    assert hidden[small].all()
    for one in np.unique(tier):
        total = cases[tier == one].sum()
        assert shut[int(one)] or not 0 < total < 5
    unknown = np.flatnonzero(hidden)
    if len(np.flatnonzero(cases > 0)) < 2 or not len(unknown):
        return
    told = [np.ones(len(cases))] + [(tier == t).astype(float) for t in shut if not shut[t]]
    known = np.array(told)[:, unknown]
    for place in np.flatnonzero(small):
        target = (unknown == place).astype(float)
        rank = np.linalg.matrix_rank(known)
        assert np.linalg.matrix_rank(np.vstack([known, target])) > rank
