"""The panel report: everything told, nothing of a person, nothing alive, the same each time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import docx
import openpyxl
import pytest
from docx.oxml.ns import qn

from drg.cases.privacy import FEWEST
from drg.errors import DrgError
from drg.page.blocks import Kept
from drg.page.fonts import carried, open_font
from drg.page.words import Words, clean, fixed, without_few
from drg.report.panel.data import read_panel
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
    return cache(lambda lang: whole(folder, tmp_path_factory.mktemp(lang), lang))


def whole(folder: Path, out: Path, lang: str = "zh") -> Written:
    """The report with all that it can come with."""
    return write_report(folder, out / "r.html", lang, annex=out / "annex.html",
                        pictures=out / "pictures")  # fmt: skip


def pages(made: Written) -> list[Path]:
    """The report and its annex."""
    assert made.annex is not None
    return [made.page, made.annex]


def sheet_rows(book: Path, caption: str) -> list[list[object]]:
    """The rows of a table in the workbook, headings first."""
    for sheet in openpyxl.load_workbook(book).worksheets[1:]:
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        at = next((i for i, row in enumerate(rows) if row[0] == caption), None)
        if at is not None:
            end = next((i for i in range(at + 1, len(rows)) if not any(rows[i][1:])), len(rows))
            return rows[at + 1 : end]
    raise AssertionError(caption)


@pytest.fixture(params=["zh", "en"])
def written(request, reports) -> tuple[str, Written]:
    return request.param, reports(request.param)


def test_the_page_needs_nothing_else(written):
    for path in pages(written[1]):
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
        for tag, name, value in page.attributes:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "action"), (tag, name)
            if name == "href":
                assert value.startswith("#"), value
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
        assert "/tmp" not in text


def test_the_page_is_in_order_and_named(written):
    lang, made = written
    for path in pages(made):
        page = Page(path.read_text(encoding="utf-8"))
        levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))
        ids = [value for _, name, value in page.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        for tag, name, value in page.attributes:
            if name == "href" and tag == "a":
                assert value[1:] in ids
            if name == "aria-labelledby":
                assert set(value.split()) <= set(ids)
        assert page.tags.count("table") == page.tags.count("caption") == page.tags.count("thead")
        assert ("html", "lang", "zh-CN" if lang == "zh" else "en") in page.attributes
        assert page.tags.count("th") == sum(n == "scope" for _, n, _ in page.attributes)


def test_every_chart_is_a_picture_too(written):
    _, made = written
    drawn = sum(path.read_text(encoding="utf-8").count("<svg ") for path in pages(made))
    assert drawn == len(made.pictures) >= 10
    for path in made.pictures:
        root = ElementTree.parse(path).getroot()
        assert root.tag.endswith("svg")
        assert root.find("{http://www.w3.org/2000/svg}title").text


def test_page_annex_and_workbook_hold_what_they_should(written):
    lang, made = written
    page, annex = (shown_on(path) for path in pages(made))
    own = {
        "zh": ("摘要", "结果取决于什么", "假设与来源", "有多大把握"),
        "en": ("Summary", "What the result hangs on", "Assumptions", "How sure"),
    }[lang]
    more = {
        "zh": ("医疗机构分表", "敏感性明细", "版本与校验值", "术语"),
        "en": ("Hospital by hospital", "Sensitivity in detail", "Versions", "Terms"),
    }[lang]
    assert all(title in page for title in own)
    assert all(title in annex for title in more)
    assert "efefefef" not in page, "no digest in the report itself"
    book = openpyxl.load_workbook(made.book)
    assert 8 <= len(book.sheetnames) <= 26
    for sheet in book.worksheets[1:]:
        assert sheet.page_setup.paperSize == 9 or str(sheet.page_setup.paperSize) == "9"
        assert sheet.print_title_rows
    assert made.tables > len(book.sheetnames)


def test_without_an_annex_the_workbook_has_its_tables_all_the_same(folder, tmp_path, reports):
    made = write_report(folder, tmp_path / "r.html")
    assert made.annex is None
    assert made.tables == reports("zh").tables
    assert "附件" not in shown_on(made.page)


def shown_on(path: Path) -> str:
    return "".join(Page(path.read_text(encoding="utf-8")).shown)


def test_the_money_is_the_settlement_s(written):
    lang, made = written
    caption = "2025 年各医疗机构清算与盈亏" if lang == "zh" else "Hospitals settled, 2025"
    head, *rows = sheet_rows(made.book, caption)
    final = 5200 * sum(20 + 3 * h + p for h in range(8) for p in range(2))
    paid, gain = (
        next(i for i, h in enumerate(head) if str(h).startswith(name))
        for name in (("清算支付", "盈亏") if lang == "zh" else ("Paid", "Gain or"))
    )
    assert rows[-1][paid] == pytest.approx(final)
    assert sum(r[paid] for r in rows[:-1]) == pytest.approx(final)
    gains = [r[gain + 1] for r in rows[:-1]]
    assert gains == sorted(gains, reverse=True)


def test_page_word_and_workbook_say_the_same(folder, tmp_path):
    """The table of hospitals: what the page and Word write is what the workbook holds."""
    words, page = Words("zh"), tmp_path / "r.html"
    made = write_report(folder, page)
    write_report(folder, tmp_path / "r.docx")
    caption = "各医疗机构清算支付与盈亏"
    head, *rows = sheet_rows(made.book, caption)
    text = page.read_text(encoding="utf-8")
    table = text[text.index(f"<span>{caption}</span>") :].partition("</table>")[0]
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)[1:]
    on_page = [[unescape(re.sub("<[^>]*>", "", c)) for c in re.findall(
        r"<t[dh][^>]*>(.*?)</t[dh]>", line, re.DOTALL)] for line in lines]  # fmt: skip
    document = docx.Document(str(tmp_path / "r.docx"))
    in_word = next(t for t in document.tables if t.cell(0, 0).text.startswith("医疗机构")
                   and "清算·基准" in t.cell(0, 2).text)  # fmt: skip
    assert len(on_page) == len(rows) == len(in_word.rows) - 1
    for number, (line, row) in enumerate(zip(on_page, rows, strict=True), 1):
        assert line == [cell.text for cell in in_word.rows[number].cells]
        for said, value, title in zip(line, row, head, strict=True):
            if isinstance(value, float | int):
                kind = "money" if "元" in str(title) else "share"
                digits = 0 if "概率" in str(title) else None
                want = words.number(float(value), kind, digits).removesuffix("%")
                assert said.lstrip("+") == want


def test_a_word_file_has_styles_pictures_and_heads_that_repeat(folder, tmp_path):
    for lang in ("zh", "en"):
        made = write_report(folder, tmp_path / f"{lang}.docx", lang)
        document = docx.Document(str(made.page))
        styles = [p.style.name for p in document.paragraphs]
        assert styles[0] == "Title"
        assert styles.count("Heading 1") >= 6
        assert document.inline_shapes or open_font() is None
        for table in document.tables[1:]:
            assert table._tbl.tr_lst[0].find(f".//{qn('w:tblHeader')}") is not None
        section = document.sections[0]
        assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
        fonts = document.styles["Normal"].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) == "宋体"
        assert PLANTED not in "".join(p.text for p in document.paragraphs)
    again = write_report(folder, tmp_path / "again.docx", "en")
    assert again.page.read_bytes() == (tmp_path / "en.docx").read_bytes()


def test_the_same_bytes_each_time(folder, reports, tmp_path):
    made = [reports("zh"), whole(folder, tmp_path)]
    for one, other in zip(*map(pages, made), strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert made[0].book.read_bytes() == made[1].book.read_bytes()
    for one, other in zip(made[0].pictures, made[1].pictures, strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.usefixtures("plain")
def test_hostile_names_are_text_and_no_identifier_comes_through(tmp_path):
    folder = panel_folder.make(tmp_path / "d", names=HOSTILE)
    made = whole(folder, tmp_path)
    for path in pages(made):
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        assert not {"script", "img"} & set(page.tags)
        shown = "".join(page.shown)
        assert "<script>alert('x')</script>" in shown
        assert "=cmd|' /C calc'!A0" in shown
        assert "院医民人第一医院" in shown
        for mark in "\u202e\u202c\u200f":
            assert mark not in text
    for path in [*pages(made), *made.pictures]:
        assert PLANTED not in path.read_text(encoding="utf-8")
    for path in made.pictures:
        ElementTree.parse(path)
        assert "<script" not in path.read_text(encoding="utf-8")
    write_report(folder, tmp_path / "r.docx", annex=tmp_path / "a.docx")
    for name in ("r.docx", "a.docx"):
        document = docx.Document(str(tmp_path / name))
        texts = [c.text for t in document.tables for row in t.rows for c in row.cells]
        assert "<script>alert('x')</script>" in texts or name == "a.docx"
        assert not any(PLANTED in text for text in texts)
    for sheet in openpyxl.load_workbook(made.book).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.value
                assert PLANTED not in str(cell.value)
                assert not str(cell.value).startswith(("=", "@"))


@pytest.mark.usefixtures("plain")
def test_small_numbers_are_not_told(tmp_path):
    folder = panel_folder.make(tmp_path / "d", few={(2, 0): 3, (2, 1): 0, (5, 1): 2})
    made = whole(folder, tmp_path, "en")
    rows = {r[0]: r for r in sheet_rows(made.book, "Hospitals settled, 2025")[1:]}
    small = rows["测试市第3医院"]
    assert set(small[2:]) == {"*"}
    assert 2 <= sum(r[2] == "*" for r in rows.values()) <= 4, "others hide it, and its pools"
    head, *pools = sheet_rows(made.book, "Hospitals by pool")
    place = head.index("Cases (cases)")
    hidden = [r for r in pools if r[place] == "*"]
    assert len(hidden) >= 4
    assert all(set(r[place + 1 :]) == {"*"} for r in hidden)
    for path in pages(made):
        text = shown_on(path)
        assert "91,919" not in text, "a group with 3 cases"
        assert "3 cases, 1,234.00 yuan" not in text
    assert "fewer than 5 cases" in shown_on(made.page)


@pytest.mark.usefixtures("plain")
def test_a_pool_of_few_cases_is_told_nowhere(tmp_path):
    """Not in the next table, the bridge, a chart or a warning, nor by the tiers' totals."""
    folder = panel_folder.make(tmp_path / "d", few={(h, 0): 0 for h in range(8)} | {(1, 0): 3})
    path = folder / "settlement.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["warnings"]["returns.H001"] = ("hospital H001: was advanced more than the year is worth "
                                          "and returns: employee 5.09 yuan")  # fmt: skip
    path.write_text(json.dumps(record), encoding="utf-8")
    made = whole(folder, tmp_path, "en")
    paid, texts = 5200 * 3, "".join(map(shown_on, pages(made)))
    assert "5.09" not in texts
    assert f"{paid / 1000:,.1f}" not in texts
    for sheet in openpyxl.load_workbook(made.book).worksheets[1:]:
        for row in sheet.iter_rows(values_only=True):
            assert paid not in row, (sheet.title, row)
    head, *rows = sheet_rows(made.book, "From payable to paid")
    assert {row[1 + list(head[1:]).index("employees (yuan)")] for row in rows} == {"*"}


def test_cells_of_hospital_and_pool_hold_against_the_tiers_totals(tmp_path):
    folder = panel_folder.make(tmp_path / "d", hospitals=6, few={(0, 0): 4, (3, 0): 40, (1, 0): 3})
    data = read_panel(folder)
    from drg.report.panel.hospitals import _by_pool

    frame = _by_pool(data)
    tiers = data.by_hospital.set_index("hospital_id")["tier"]
    for (_, _), own in frame.groupby([frame["hospital_id"].map(tiers), "pool"]):
        hidden = own[own["hidden"]]
        assert hidden.empty or not (~own["hidden"]).any() or (
            len(hidden) > 1 and hidden["cases"].sum() >= FEWEST)  # fmt: skip


@pytest.mark.usefixtures("plain")
def test_a_report_replaces_nothing_of_the_settlement(tmp_path):
    folder = panel_folder.make(tmp_path / "d", projected=False)
    path = folder / "settlement.json"
    record = json.loads(path.read_text(encoding="utf-8")) | {"tables": ["settlement.xlsx"]}
    path.write_text(json.dumps(record), encoding="utf-8")
    (folder / "settlement.xlsx").write_bytes(b"as it was")
    with pytest.raises(DrgError, match=r"settlement\.xlsx"):
        write_report(folder, folder / "settlement.html")
    assert (folder / "settlement.xlsx").read_bytes() == b"as it was"
    with pytest.raises(DrgError, match="is not a folder"):
        write_report(folder, tmp_path / "p.docx", pictures=tmp_path / "p.docx")
    assert not (tmp_path / "p.xlsx").exists()


@pytest.mark.usefixtures("plain")
def test_what_is_not_there_is_not_shown(tmp_path):
    folder = panel_folder.make(tmp_path / "d", projected=False)
    for name in ("cases.csv", "months.csv", "branches.csv"):
        (folder / name).unlink()
    made = whole(folder, tmp_path)
    shown = "".join(map(shown_on, pages(made)))
    assert "结果取决于什么" not in shown
    assert "各月应付与预拨" not in shown
    assert "各医疗机构清算与盈亏" in shown


@pytest.mark.usefixtures("plain")
def test_unsettled_cases_and_missing_data_come_first(tmp_path):
    folder = panel_folder.make(tmp_path / "d")
    path = folder / "settlement.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["unsettled"] = {"no_hospital": {"cases": 40, "cost_fen": 12_345_678}}
    record["warnings"]["last_year_unknown_employee"] = (
        "pool employee: last year's spend is not known"
    )
    path.write_text(json.dumps(record), encoding="utf-8")
    text = shown_on(write_report(folder, tmp_path / "r.html").page)
    first = text[text.index("摘要") :]
    assert first.index("有 40 例病例没有结算") < first.index("“低增长”下")
    assert "12.35 万元" in first
    assert first.index("数据有缺") < first.index("“低增长”下")


def words_in(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z][A-Za-z-]{2,}", text)) - ALLOWED


ALLOWED = {"DRG", "CMI", "RIV", "SHA", "Sobol"}


def test_no_english_word_on_a_chinese_page(reports):
    """Names of files stand among the hashes, ids of documents beside them; nothing else."""
    made = reports("zh")
    own = shown_on(made.page)
    own = own[own.index("</style>") if "</style>" in own else own.rindex("}") + 1 :]
    for said in ("annex.html", "weights<b>", "some-other"):
        own = own.replace(said, "")
    assert words_in(own) == set()


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
    assert carried(None, text) == ""


def test_numbers_and_texts():
    zh, en = Words("zh"), Words("en")
    assert zh.number(123456.0, "money") == "12.35"
    assert en.number(123456.0, "money") == "123.5"
    assert zh.number(-0.00001, "gain") == "0.00"
    assert zh.number(-123456.0, "gain") == "\N{MINUS SIGN}12.35"
    assert zh.number(None, "money") == zh.number(float("nan"), "share") == "—"
    assert zh.number(Kept.FEW, "cases") == "<5"
    assert zh.money(1.2e8) == "1.20 亿元"
    assert en.money(1.2e8) == "120.00 million yuan"
    assert fixed(-1234.5, 1, signed=True) == "\N{MINUS SIGN}1,234.5"
    assert clean("a\u202eb\tc\n" + "x" * 500).startswith("ab c x")
    said = without_few("3 cases, 20.00 yuan: x; 13 cases, 3 yuan")
    assert said == "fewer than 5 cases: x; 13 cases, 3 yuan"
