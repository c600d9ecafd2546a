"""The panel report: everything told, nothing of a person, nothing alive, the same each time."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from drg.page.blocks import Kept
from drg.page.fonts import Carried, open_font
from drg.page.small_cells import FEWEST, held_back
from drg.page.words import Words, clean, fixed, without_few
from drg.report.panel.write import Written, write_report
from tests.report import panel_folder
from tests.report.panel_folder import HOSTILE, PLANTED


class Page(HTMLParser):
    """Tags, attributes and shown text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.shown: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return panel_folder.make(tmp_path_factory.mktemp("panel") / "made")


@pytest.fixture(scope="module")
def reports(folder, tmp_path_factory) -> Callable[[str], Written]:
    """The report by language, each written when it is first asked for."""
    return cache(lambda lang: write_report(folder, tmp_path_factory.mktemp(lang) / "r.html", lang))


@pytest.fixture(params=["zh", "en"])
def written(request, reports) -> tuple[str, Written]:
    return request.param, reports(request.param)


def test_the_page_needs_nothing_else(written):
    page = Page(written[1].page.read_text(encoding="utf-8"))
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in ("src", "action"), (tag, name)
        if name == "href":
            assert value.startswith("#"), value
    text = written[1].page.read_text(encoding="utf-8")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "/tmp" not in text


def test_the_page_is_in_order_and_named(written):
    lang, made = written
    page = Page(made.page.read_text(encoding="utf-8"))
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for _, name, value in page.attributes:
        if name == "href":
            assert value[1:] in ids
        if name == "aria-labelledby":
            assert set(value.split()) <= set(ids)
    assert page.tags.count("table") == page.tags.count("caption") == page.tags.count("thead")
    assert ("html", "lang", "zh-CN" if lang == "zh" else "en") in page.attributes
    assert page.tags.count("th") == sum(n == "scope" for _, n, _ in page.attributes)


def test_every_chart_is_a_picture_too(written):
    _, made = written
    text = made.page.read_text(encoding="utf-8")
    assert text.count("<svg ") == len(made.pictures) >= 12
    for path in made.pictures:
        root = ElementTree.parse(path).getroot()
        assert root.tag.endswith("svg")
        assert root.find("{http://www.w3.org/2000/svg}title").text


def test_sections_and_workbook_hold_the_same_tables(written):
    lang, made = written
    page = "".join(Page(made.page.read_text(encoding="utf-8")).shown)
    titles = {
        "zh": ("摘要", "敏感性分析", "医疗机构分表", "假设与来源", "术语", "默认值"),
        "en": ("Summary", "Sensitivity", "Hospital by hospital", "Glossary", "default"),
    }
    for title in titles[lang]:
        assert title in page
    book = openpyxl.load_workbook(made.book)
    assert len(book.sheetnames) == made.tables + 1
    captions = {sheet["A1"].value for sheet in book.worksheets[1:]}
    assert len(captions) >= made.tables - 2
    totals = book.worksheets[1]
    assert totals.max_row > 3


def test_the_money_is_the_settlement_s(folder, written):
    lang, made = written
    book = openpyxl.load_workbook(made.book)
    title = "2025 年各医疗机构清算与盈亏，按盈亏占费用的比重排列" if lang == "zh" else (
        "Payment and gain of each hospital in 2025, ranked by gain in relation to cost"
    )  # fmt: skip
    sheet = next(s for s in book.worksheets[1:] if s["A1"].value == title)
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    rows = rows[: next(i for i, r in enumerate(rows) if r[0] in ("合计", "Total")) + 1]
    final = 5200 * sum(20 + 3 * h + p for h in range(8) for p in range(2))
    assert rows[-1][7] == pytest.approx(final)
    assert sum(r[7] for r in rows[:-1]) == pytest.approx(final)
    gains = [r[9] for r in rows[:-1]]
    assert gains == sorted(gains, reverse=True)


def test_the_same_bytes_each_time(folder, reports, tmp_path):
    made = [reports("zh"), write_report(folder, tmp_path / "r.html")]
    assert made[0].page.read_bytes() == made[1].page.read_bytes()
    assert made[0].book.read_bytes() == made[1].book.read_bytes()
    for one, other in zip(made[0].pictures, made[1].pictures, strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.usefixtures("plain")
def test_hostile_names_are_text_and_no_identifier_comes_through(tmp_path):
    folder = panel_folder.make(tmp_path / "d", names=HOSTILE)
    made = write_report(folder, tmp_path / "r.html")
    text = made.page.read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "img"} & set(page.tags)
    shown = "".join(page.shown)
    assert "<script>alert('x')</script>" in shown
    assert "=cmd|' /C calc'!A0" in shown
    assert "院医民人第一医院" in shown
    for mark in "\u202e\u202c\u200f":
        assert mark not in text
    files = [made.page, *made.pictures]
    for path in files:
        assert PLANTED not in path.read_text(encoding="utf-8")
    for path in made.pictures:
        ElementTree.parse(path)
        assert "<script" not in path.read_text(encoding="utf-8")
    for sheet in openpyxl.load_workbook(made.book).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.value
                assert PLANTED not in str(cell.value)
                assert not str(cell.value).startswith(("=", "@"))


@pytest.mark.usefixtures("plain")
def test_small_numbers_are_not_told(tmp_path):
    folder = panel_folder.make(tmp_path / "d", few={(2, 0): 3, (2, 1): 0, (5, 1): 2})
    made = write_report(folder, tmp_path / "r.html", "en")
    book = openpyxl.load_workbook(made.book)
    sheet = next(s for s in book.worksheets[1:] if "Payment and gain" in str(s["A1"].value))
    rows = {r[0]: r for r in sheet.iter_rows(min_row=3, values_only=True) if r[0]}
    small = rows["测试市第3医院"]
    assert small[2] == "<5"
    assert set(small[3:]) == {"*"}
    assert sum(r[2] == "*" for r in rows.values()) == 1, "one other hides it in the total"
    pools = next(s for s in book.worksheets[1:] if "hospital by pool" in str(s["A1"].value))
    cells = [r for r in pools.iter_rows(min_row=3, values_only=True) if r[0]]
    hidden = [r for r in cells if r[3] in ("<5", "*")]
    assert len(hidden) >= 4
    assert all(set(r[4:]) == {"*"} for r in hidden)
    text = "".join(Page(made.page.read_text(encoding="utf-8")).shown)
    assert "91,919" not in text, "a group with 3 cases"
    assert "3 cases, 1,234.00 yuan" not in text
    assert "fewer than 5 cases" in text


@given(st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), min_size=1, max_size=6))
def test_no_hidden_cell_can_be_found_from_totals(rows):
    counts = np.array(rows, float)
    hidden = held_back(counts)
    assert hidden[(counts > 0) & (counts < FEWEST)].all()
    for axis in (0, 1):
        lines = counts.T if axis == 0 else counts
        masks = hidden.T if axis == 0 else hidden
        for line, mask in zip(lines, masks, strict=True):
            alone = not (~mask & (line > 0)).any()
            assert not mask.any() or alone or (mask.sum() > 1 and line[mask].sum() >= FEWEST)


@pytest.mark.usefixtures("plain")
def test_what_is_not_there_is_not_shown(tmp_path):
    folder = panel_folder.make(tmp_path / "d", projected=False)
    for name in ("cases.csv", "months.csv", "branches.csv"):
        (folder / name).unlink()
    made = write_report(folder, tmp_path / "r.html")
    shown = "".join(Page(made.page.read_text(encoding="utf-8")).shown)
    assert "敏感性分析" not in shown
    assert "月度拨付" not in shown
    assert "各医疗机构清算与盈亏" in shown


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("gone", ["settlement.json", "hospitals.csv", "pools.csv"])
def test_a_missing_file_is_one_line(tmp_path, gone):
    folder = panel_folder.make(tmp_path / "d", projected=False)
    (folder / gone).unlink()
    with pytest.raises(DrgError, match=gone) as caught:
        write_report(folder, tmp_path / "r.html")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.usefixtures("plain")
def test_mistakes_are_one_line(tmp_path):
    with pytest.raises(DrgError, match="no such folder"):
        write_report(tmp_path / "none", tmp_path / "r.html")
    folder = panel_folder.make(tmp_path / "d", projected=False)
    with pytest.raises(DrgError, match=r"\.html"):
        write_report(folder, tmp_path / "r.pdf")
    path = folder / "pools.csv"
    path.write_text(path.read_text(encoding="utf-8-sig").replace("rate", "rate").replace(
        "employee,", "employee,x", 1), encoding="utf-8")  # fmt: skip
    with pytest.raises(DrgError, match=r"pools\.csv: row 2: budget: not a number"):
        write_report(folder, tmp_path / "r.html")
    path.write_text("pool\nemployee\n", encoding="utf-8")
    with pytest.raises(DrgError, match="no column 'decided_by'"):
        write_report(folder, tmp_path / "r.html")


def test_the_font_has_every_character_of_the_page(written):
    font = open_font()
    if font is None:
        pytest.skip("no open font with Chinese is installed: install fonts-noto-cjk")
    text = written[1].page.read_text(encoding="utf-8")
    assert text.count("@font-face") == (1 if font.bold is None else 2)
    assert font.name in text
    assert Carried(None, text).css(text) == ""


def test_numbers_and_texts():
    zh, en = Words("zh"), Words("en")
    assert zh.number(123456.0, "money") == "12.35"
    assert en.number(123456.0, "money") == "123.5"
    assert zh.number(-0.00001, "gain") == "0.00"
    assert zh.number(-123456.0, "gain") == "\N{MINUS SIGN}12.35"
    assert zh.number(None, "money") == zh.number(float("nan"), "share") == "—"
    assert zh.number(Kept.FEW, "count") == "<5"
    assert zh.money(1.2e8) == "1.20 亿元"
    assert en.money(1.2e8) == "120.00 million yuan"
    assert fixed(-1234.5, 1, signed=True) == "\N{MINUS SIGN}1,234.5"
    assert clean("a\u202eb\tc\n" + "x" * 500).startswith("ab c x")
    said = without_few("3 cases, 20.00 yuan: x; 13 cases, 3 yuan")
    assert said == "fewer than 5 cases: x; 13 cases, 3 yuan"
