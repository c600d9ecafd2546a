"""The minutes: everything told, nothing of a person, nothing alive, the same each time."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import docx
import numpy as np
import openpyxl
import pytest
from docx.oxml.ns import qn

from budget.impact.tables import hospital_table
from drg.errors import DrgError
from drg.page.words import Words
from drg.report.minutes.data import Minutes, collect
from drg.report.minutes.first_page import lead, sentences
from drg.report.minutes.words import conditions, moment
from drg.report.minutes.write import Written, write, write_minutes
from tests.fonts import without_font
from tests.report import minutes_round
from tests.report.minutes_round import CASE, FEW, HOSTILE, IDENTITY, MOBILE, played
from tests.report.pages import Page
from weights.negotiation.rules import Rules

KINDS = {
    "decided": {}, "offered": {"offer": True}, "open": {"close": False},
    "weighted": {"rules": Rules(voting="weighted", neutral="none", frozen=("GG19",),
                                equal=(("BB19", "CC19"),), largest_loss=None)},
}  # fmt: skip
ALL = ("全部病组的权重与支付", "Weights and payment of all groups")
HOSPITALS = ("各医疗机构清算支付的变化，按变化比重排列",
             "What each hospital is paid, ranked by the share of its change")  # fmt: skip
KNOWN = ("DRG", "CMI", "MDC", "SHA")  # words of other letters that a Chinese page may have


@pytest.fixture(scope="module")
def rounds() -> dict[str, Minutes]:
    return {name: played(**parts) for name, parts in KINDS.items()}


@pytest.fixture(scope="module")
def minutes(rounds, tmp_path_factory) -> Callable[..., Written]:
    """The minutes by kind, language and ending, each written when they are first asked for."""

    def made(kind: str, lang: str, ending: str = ".html") -> Written:
        out = tmp_path_factory.mktemp(kind) / f"minutes{ending}"
        with nullcontext() if kind == "offered" else without_font():
            return write(rounds[kind], out, lang)

    return cache(made)


@pytest.fixture(params=[(k, lang) for k in KINDS for lang in ("zh", "en")], ids="-".join)
def written(request, minutes, rounds):
    kind, lang = request.param
    return kind, lang, minutes(kind, lang), rounds[kind]


def page_of(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def shown(path: Path) -> str:
    return "".join(page_of(path).shown)


def first_page(path: Path) -> str:
    """What the first sheet shows."""
    text = path.read_text(encoding="utf-8")
    return "".join(Page(text[text.index('<div class="alone">') : text.index("<nav")]).shown)


def sheet(path: Path, caption: str) -> list[tuple]:
    """Headings and rows of a table of a workbook."""
    held = [list(one.iter_rows(values_only=True)) for one in openpyxl.load_workbook(path)]
    found = [(rows, at) for rows in held[1:] for at, row in enumerate(rows) if row[0] == caption]
    assert len(found) == 1, caption
    rows, at = found[0]
    wide = sum(cell is not None for cell in rows[at + 1])
    table = [row[:wide] for row in rows[at + 1 :]]
    ends = [n for n, row in enumerate(table) if not any(cell is not None for cell in row[1:])]
    return table[: ends[0] if ends and wide > 1 else None]


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
    assert len(openpyxl.load_workbook(made.book).sheetnames) >= 10


def test_everything_is_told(written):
    kind, lang, made, data = written
    text = shown(made.page)
    zh = {
        "时间、地点", "谈判规则及出处", "逐项说明", "撤回理由", "应回避的专家", "表决结果",
        "决定的权重", "谁受益，谁承担", "按险种", "按基金池", "与模拟测算的比较", "签字",
        "示范市谈判办法第十条", "基础病组", "四分位距法", "全部弃权", "与申请人有亲属关系",
        "未达法定人数（2/5）", "权重为何变动", "申请未通过",
    }  # fmt: skip
    en = {"Time", "Rules and their sources", "One by one", "Why withdrawn", "Recused experts",
          "Weights decided", "Who gains and who pays", "By insurance", "Against the simulation",
          "Signature", "no quorum (2 of 5)", "all abstained", "asked and turned down"}  # fmt: skip
    if kind == "weighted":
        zh -= {"示范市谈判办法第十条", "申请未通过"}
        en -= {"asked and turned down"}
        assert ("按表决权重计" if lang == "zh" else "by vote weights") in text
    for one in zh if lang == "zh" else en:
        assert one in text, one
    state = data.state
    for one in (state.digest, state.init["weights"]["sha256"], state.panels["Z01"].roster_sha256,
                "drg negotiate verify round-2026", "2026-03-01 00:00:00"):  # fmt: skip
        assert one in text
    for expert in state.panels["Z01"].members:
        assert data.expert(expert) in text
    if kind == "offered":
        assert "0.31" in text, "the shadow price"
        assert ("县医院 损失不超过" if lang == "zh" else "县医院 loses no more") in text
    if kind == "open":
        assert ("草稿" if lang == "zh" else "Draft: the round is not closed") in text


def test_the_first_page_says_what_was_decided_first(rounds):
    for data in rounds.values():
        for lang in ("zh", "en"):
            said = sentences(data, Words(lang))
            assert 5 <= len(said) <= 8
            assert all(any(c.isdigit() for c in one) for one in said[:3])
            first = lead(data, Words(lang))
            assert len(first) < 400, "read in half a minute"
            for end in ("max", "min"):
                best = data.told.loc[getattr(data.told["final_change"], f"idx{end}")()]
                assert best["hospital"] in first
    said = sentences(rounds["decided"], Words("zh"))
    assert (
        "收到申请 8 项（医疗机构 6 项、专家组 1 项、医保局 1 项），涉及 7 个病组，其中撤回 1 项"
        in said[1]
    )
    assert "表决通过 2 项，未通过 2 项，未作决定 3 项" in said[2]
    assert "2% 的限值" in lead(rounds["decided"], Words("zh"))


def test_the_first_page_counts_every_weight_that_changes(minutes, rounds):
    for kind, data in rounds.items():
        old, new = data.impact.before.weight, data.impact.after.weight
        count = int((np.isfinite(old) & (np.abs(new / old - 1) > 1e-9)).sum())
        for lang in ("zh", "en"):
            made = minutes(kind, lang)
            text = first_page(made.page)
            assert (f"{count} 个权重变动" if lang == "zh" else f"{count} of ") in text
            rows = sheet(made.book, ALL[lang == "en"])
            why, same = rows[0].index("原因" if lang == "zh" else "Why"), {"未变动", "unchanged"}
            assert sum(row[why] not in same for row in rows[1:]) == count
            by = page_of(made.page).tables["权重为何变动" if lang == "zh" else "Why weights change"]
            assert sum(int(row[1]) for row in by[1:-1]) == int(by[-1][1]) == count
            for secret in (data.state.digest[:12], "ab" * 6, "round-2026", "P00", "national-def"):
                assert secret not in text, "no id on the first page"
    text = first_page(minutes("decided", "zh").page)
    assert f"仅因预算中性统一乘以 {rounds['decided'].scale:.6f}" in text
    assert "BB19" in text
    assert "1.0000" in text
    assert "1.2000" in text, "cut by the corridor"


def test_a_chinese_page_has_no_english_word(minutes, rounds):
    """What others wrote, file names, commands, codes and hashes left aside."""
    aside = [" ".join(re.sub("[\u202a-\u202e]", "", one).split()) for one in HOSTILE]
    aside += ["draft-2026", "round-2026", "national-default", "drg negotiate verify", "drg-toolkit"]
    for kind, data in rounds.items():
        text = " ".join(page_of(minutes(kind, "zh").page).shown)
        text = text[text.index("摘要") :]
        for one in (*aside, *data.impact.cells.groups):
            text = text.replace(one, "")
        text = re.sub(r"[\w-]+\.csv|[0-9a-f]{64}", "", text)
        assert {one for one in re.findall(r"[A-Za-z]{2,}", text) if one not in KNOWN} == set()


def test_times_are_those_of_beijing(minutes, tmp_path):
    assert moment("2026-03-01T18:30:00+00:00") == "2026-03-02 02:30:00"
    assert moment("2026-03-01T18:30:00+00:00", day=True) == "2026-03-02"
    rows = sheet(minutes("decided", "zh").book, "谈判记录")
    assert rows[0][1] == "时间（北京时间）"
    assert rows[1][1] == "2026-03-01 00:00:00"
    assert "Beijing time" in shown(minutes("decided", "en").page)


def test_the_workbook_has_every_vote_entry_and_weight(written):
    _, lang, made, data = written
    zh = lang == "zh"
    votes = sheet(made.book, "逐票记录" if zh else "Single votes")[1:]
    assert len(votes) == len(data.state.votes)
    replaced = "已由后一票取代" if zh else "replaced by a later vote"
    assert sum(row[7] == replaced for row in votes) == 1
    entries = sheet(made.book, "谈判记录" if zh else "The record")[1:]
    assert [row[5] for row in entries] == [entry.digest for entry in data.state.entries]
    weights = sheet(made.book, ALL[not zh])[1:]
    after = dict(zip(data.impact.cells.groups, data.impact.after.weight, strict=False))
    assert {row[0]: row[5] for row in weights} == pytest.approx(
        {g: float(w) for g, w in after.items() if np.isfinite(w)}
    )


def test_the_money_is_the_impact_s(written):
    _, lang, made, data = written
    rows = [row for row in sheet(made.book, HOSPITALS[lang == "en"])[1:]
            if isinstance(row[7], float | int)]  # fmt: skip
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
    rows = {row[0]: row for row in sheet(made.book, ALL[lang == "en"])}
    assert rows[FEW][8:12] == ("*", "*", "*", "*")
    assert isinstance(rows[FEW][5], float | int), "weights are told of every group"
    assert sum(row[9] == "*" for row in rows.values()) == 2, "one other hides it in the total"
    assert "240 → 231" in whole


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.usefixtures("plain")
def test_a_broken_rule_is_told_by_name_and_not_of_a_hidden_hospital(rounds, tmp_path, lang):
    data = rounds["decided"]
    first = data.told.iloc[0]
    broken = [{"zh": f"{first['hospital_name']} 损失 2.50%，限值 2.00%",
               "en": f"{first['hospital_id']} loses 2.50%, limit 2.00%"}]  # fmt: skip
    closed = {**data.state.closed, "breaches": broken, "despite": f"另行处理 {MOBILE}"}
    told = Minutes(replace(data.state, closed=closed), data.impact)
    said = sentences(told, Words(lang))[-1]
    assert f"{first['hospital']} " in said
    assert MOBILE not in said
    told.hidden = frozenset([first["hospital_id"]])
    said = sentences(told, Words(lang))[-1]
    assert "2.50%" not in said
    assert first["hospital"] not in said


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
    made += [minutes("offered", "zh", ".docx"), write(rounds["offered"], tmp_path / "minutes.docx")]
    for one, other in (made[:2], made[2:]):
        assert one.page.read_bytes() == other.page.read_bytes()
        assert one.book.read_bytes() == other.book.read_bytes()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_word_file_is_a_document(minutes, lang):
    held = docx.Document(str(minutes("offered", lang, ".docx").page))
    heads = {one.style.name for one in held.paragraphs if one.style.name.startswith("Heading")}
    assert heads >= {"Heading 1", "Heading 2", "Heading 3"}
    for table in held.tables[1:]:
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None, "repeated on each sheet"
    assert len(held.inline_shapes) == 2
    section = held.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    text = "\n".join(one.text for one in held.paragraphs)
    assert "\u202e" not in text
    assert IDENTITY not in text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_page_word_and_workbook_say_the_same(minutes, lang):
    page = page_of(minutes("offered", lang).page).tables
    made = minutes("offered", lang, ".docx")
    held = [[[cell.text for cell in row.cells] for row in one.rows]
            for one in docx.Document(str(made.page)).tables]  # fmt: skip
    unit = 1e4 if lang == "zh" else 1e3
    for caption in (HOSPITALS[lang == "en"], "决定的权重" if lang == "zh" else "Weights decided"):
        rows = page[caption]
        assert [row for table in held for row in table].count(rows[1]) >= 1
        assert any(table[1:] == rows[1:] for table in held), "Word has the same cells"
        book = sheet(made.book, caption)
        for cells, exact in zip(rows[1:], book[1:], strict=True):
            for head, said, value in zip(rows[0], cells, exact, strict=True):
                if isinstance(value, int | float):
                    number = float(said.replace(",", "").replace("\N{MINUS SIGN}", "-"))
                    value = 100 * value if "%" in head else value
                    value = value / unit if "yuan" in head or "元" in head else value
                    assert number == pytest.approx(value, abs=0.06 if lang == "en" else 0.006)


@pytest.mark.usefixtures("plain")
def test_a_hostile_title_hospital_and_group_are_texts(rounds, tmp_path):
    data = rounds["decided"]
    held = data.impact.cells
    hospitals = replace(held.hospitals, names=(HOSTILE[0], HOSTILE[1], *held.hospitals.names[2:]))
    cells = replace(held, hospitals=hospitals, names=(HOSTILE[0],) * len(held.names))
    init = {**data.state.init, "title": HOSTILE[1], "round": "</title><script>x</script>"}
    hostile = Minutes(replace(data.state, init=init), replace(data.impact, cells=cells), None)
    made = write(hostile, tmp_path / "m.html")
    assert not {"script", "img"} & set(page_of(made.page).tags)
    for one in openpyxl.load_workbook(made.book).worksheets:
        assert all(cell.data_type != "f" for row in one.iter_rows() for cell in row)
    docx.Document(str(write(hostile, tmp_path / "m.docx").page))


@pytest.mark.usefixtures("plain")
def test_a_round_with_nothing_in_it(tmp_path):
    book = minutes_round.begin(Rules(), title="")
    impact = minutes_round.impacts().at({})
    for lang, said in (("zh", "未收到申请"), ("en", "There were none")):
        made = write(Minutes(book.state, impact), tmp_path / f"{lang}.html", lang)
        assert said in shown(made.page)


def fake_round(state, folder: Path) -> SimpleNamespace:
    held = minutes_round.impacts()
    return SimpleNamespace(
        state=state, folder=folder, files=SimpleNamespace(roster=minutes_round.ROSTER),
        impact=lambda changes, neutral="yuan": held.at(changes, neutral=neutral),
        changes=lambda which: {"decided": {"BB19": 1.2}}[which], record_minutes=lambda files: None,
    )  # fmt: skip


@pytest.mark.usefixtures("plain")
def test_minutes_of_a_round(rounds, tmp_path):
    closed = rounds["decided"]
    made = write_minutes(fake_round(closed.state, tmp_path), tmp_path / "m.html")
    assert closed.state.digest in shown(made.page)
    found = collect(fake_round(closed.state, tmp_path))
    assert np.array_equal(found.impact.after.weight, closed.impact.after.weight, equal_nan=True)
    assert collect(fake_round(rounds["open"].state, tmp_path)).impact.after.weight[1] == 1.2
    wrong = replace(closed.state, closed={**closed.state.closed, "weights_sha256": "00" * 32})
    with pytest.raises(DrgError, match="not those on record") as caught:
        collect(fake_round(wrong, tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("plain")
def test_mistakes_are_one_line(rounds, tmp_path):
    data = rounds["decided"]
    with pytest.raises(DrgError, match=r"\.docx"):
        write(data, tmp_path / "m.pdf")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DrgError, match="zh or en"):
        write(data, tmp_path / "m.html", "fr")
    (tmp_path / "votes.xlsx").write_bytes(b"votes")
    with pytest.raises(DrgError, match="would replace an input"):
        write_minutes(fake_round(data.state, tmp_path), tmp_path / "votes.html")
    assert (tmp_path / "votes.xlsx").read_bytes() == b"votes"


def test_conditions_name_no_case():
    words = Words("zh")

    def said(text: str) -> str:
        return conditions(text, words, lambda key: f"医院{key}")

    assert said("cost>200000 and case_id in A1|A2") == "费用 > 200000，且所列病例"
    assert said("hospital_id in A|B") == "医疗机构 为 医院A、医院B"
    assert said("insurance=resident and length_of_stay>=60") == "险种 为 居民医保，且住院天数 >= 60"
    assert said("病案号 A1") == "…"
