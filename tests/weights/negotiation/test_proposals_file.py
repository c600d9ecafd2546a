"""Forms as people leave them: what is read, what is passed over, and why a row is turned back."""

from __future__ import annotations

import csv
import gzip
import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proposals_city import DRAFT, HOSPITALS, city

from drg.errors import DrgError
from tests.amount import tries
from weights.negotiation.proposals.file import read_proposals, reject_lines, write_rejects
from weights.negotiation.proposals.judge import propose
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.proposals.template import HEADER, write_template
from weights.negotiation.proposals.words import COLUMNS, heading
from weights.table.text import guarded

HEADS = [heading(name) for name in COLUMNS]
GOOD = ["医疗机构", "H01", "ES23", "权重", "+10%", "", "1.4", "新技术", "附件1"]
OTHER = ["医保局", "", "GD13", "裁剪", "iqr", "", "", "离散度高", ""]


def book(path, rows, *, sheet="Sheet1", formats=()):
    made = openpyxl.load_workbook(path) if path.exists() else openpyxl.Workbook()
    page = made.create_sheet(sheet) if path.exists() else made.active
    page.title = sheet
    for row in rows:
        page.append(row)
    for cell, form in formats:
        page[cell].number_format = form
    made.save(path)
    return path


def text(path, rows, encoding="utf-8-sig", delimiter=","):
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def read(path, **others):
    return read_proposals(path, city(), **others)


def reasons(rejects):
    return [(one.row, one.column, one.value) for one in rejects.itertuples()]


def test_a_form(tmp_path):
    found, rejects = read(book(tmp_path / "a.xlsx", [HEADS, GOOD, OTHER]))
    assert rejects.empty
    assert [one.id for one in found] == ["P001", "P002"]
    first = found[0]
    assert (first.proposer, first.drg, first.what, first.value) == (
        ("hospital", "H01"), "ES23", "weight", "+10%")  # fmt: skip
    assert (first.asked, first.least, first.most) == (1.32, None, 1.4)
    assert (first.reason, first.evidence) == ("新技术", "附件1")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.csv.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_text_files(tmp_path, name, encoding):
    path = tmp_path / name.removesuffix(".gz")
    text(path, [["2026年申请表"], HEADS, GOOD, OTHER], encoding, "\t" if ".tsv" in name else ",")
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress(path.read_bytes()))
    found, rejects = read(tmp_path / name)
    assert rejects.empty
    assert found == read(book(tmp_path / "a.xlsx", [HEADS, GOOD, OTHER]))[0]


def test_what_people_do(tmp_path):
    path = tmp_path / "a.xlsx"
    rows = [
        ["2026年病组权重调整申请表（市第一人民医院）"], [], ["填表日期：3月1日"],
        ["序号", "提 出 方", "医疗机构代码*", "病组编码（必填）", "调整事项", "调整值",
         "可接受最低（权重）",
         "可接受最高", "申请理由", "电话"],
        [1, "医院", "h01", "es23", "权重", "＋１０％", "", "", "耗材\n上升", "x"],
        [], [None, "医院", "H01", None, None, None, None, None, None],
        [2, "医院", "H01", "GD13", "类别", "疑难重症 1.05", None, None, "重", ""],
        ["序号", "提出方", "医疗机构代码", "病组编码", "调整事项", "调整值", "", "", "理由", ""],
        [3, "医院", "H02", "ES25", "权重", 0.9, None, None, "数据", ""],
        ["合计", None, None, 3], ["备注：以上经院务会讨论"], [None, None, "填表人：张三"],
        ["以上申请经院长办公会通过"],
    ]  # fmt: skip
    found, rejects = read(book(path, rows))
    assert rejects.empty
    assert [one.drg for one in found] == ["ES23", "GD13", "ES25"]
    assert found[0].reason == "耗材 上升"
    assert found[2].asked == 0.9


def test_several_sheets(tmp_path):
    path = book(tmp_path / "a.xlsx", [["目录"], ["一院", "二院"]], sheet="目录")
    book(path, [HEADS, GOOD], sheet="一院")
    book(path, [["标题"], HEADS, ["医疗机构", "H02", *GOOD[2:]], GOOD], sheet="二院")
    found, rejects = read(path)
    assert [one.hospital_id for one in found] == ["H01", "H02"]
    assert reasons(rejects) == [(4, "病组编码", "ES23")]
    assert "row 2 of '一院'" in rejects["reason"][0]
    assert rejects["sheet"][0] == "二院"
    line = reject_lines(path, rejects)[0]
    assert line.startswith(f"{path}: 二院: row 4: 病组编码: this proposer asks")
    assert [one.hospital_id for one in read(path, sheet="二院")[0]] == ["H02", "H01"]
    with pytest.raises(DrgError, match="no such sheet"):
        read(path, sheet="三院")


def test_cells_merged_downwards_are_filled(tmp_path):
    rows = [HEADS, GOOD, [None, None, "GD13", *GOOD[3:6], "", *GOOD[7:]]]
    path = book(tmp_path / "a.xlsx", rows)
    made = openpyxl.load_workbook(path)
    made.active.merge_cells("A2:A3")
    made.active.merge_cells("B2:B3")
    made.save(path)
    found, rejects = read(path)
    assert rejects.empty
    assert [one.proposer for one in found] == [("hospital", "H01")] * 2


@pytest.mark.parametrize(
    ("cell", "form", "asked"),
    [(0.1, "0%", 1.32), (-0.05, "0.00%", 1.14), (0.07, "0.0%;-0.0%", 1.284), (0.1, "0.00", None),
     (1.1, "0%", None), (0.5, "0%", None), (1.1, '0.0"%"', 1.1), (1.1, "General", 1.1),
     (1.1, "[Red]0.00", 1.1)],
)  # fmt: skip
def test_percentages_that_excel_stored_as_numbers(tmp_path, cell, form, asked):
    row = ["医保局", "", "ES23", "权重", cell, "", "", "因", ""]
    path = book(tmp_path / "a.xlsx", [["标题"], HEADS, row], formats=[("E3", form)])
    found, rejects = read(path)
    if asked is None:
        assert reasons(rejects)[0][:2] == (3, "调整值")
        assert ("×1.1" in rejects["reason"][0]) is (cell == 1.1)
    else:
        assert [one.asked for one in found] == [asked]


def test_small_numbers_of_old_workbooks_are_not_guessed(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsm", [HEADS, ["医保局", "", "ES23", "权重", 0.3, "", "", "因", ""]])
    from weights.negotiation.forms import sheets as proposals_sheets
    from weights.negotiation.proposals import file as proposals_file

    def as_if_old(path):
        cells = [list(sheet.rows) for sheet in proposals_sheets.read_sheets(path)]
        return [proposals_sheets.Sheet("s", cells[0], {(1, 4)})]

    assert [one.asked for one in read(path)[0]] == [0.3]
    monkeypatch.setattr(proposals_file, "read_sheets", as_if_old)
    found, rejects = read(path)
    assert not found
    assert reasons(rejects) == [(2, "调整值", "0.3")]
    assert "percentage" in rejects["reason"][0]


def test_one_bad_row_does_not_stop_the_rest(tmp_path):
    bad = ["医疗机构", "H77", "XX1", "价格", "much", "", "", "", "电话13812345678"]
    path = book(tmp_path / "a.xlsx", [HEADS, GOOD, bad, OTHER, ["医院", "", *GOOD[2:]]])
    found, rejects = read(path)
    assert [one.drg for one in found] == ["ES23", "GD13"]
    assert reasons(rejects) == [
        (3, "医疗机构代码", "H77"), (3, "病组编码", "XX1"), (3, "调整事项", "价格"),
        (3, "理由", ""),
        (3, "依据", "电话***********"), (5, "医疗机构代码", ""),
    ]  # fmt: skip
    out = tmp_path / "rejects.csv"
    assert write_rejects(out, rejects) == 6
    lines = list(csv.reader(out.open(encoding="utf-8-sig", newline="")))
    assert lines[0] == ["row", "column", "value", "reason"]
    assert lines[1][:3] == ["3", "医疗机构代码", "H77"]
    assert "5678" not in out.read_text(encoding="utf-8")
    assert write_rejects(out, rejects[:0]) == 0
    assert not out.exists()


def test_texts_that_excel_would_run(tmp_path):
    row = ["医保局", "", "ES23", "权重", "'+10%", "", "", "'=1+1", "@x"]
    (found,), rejects = read(text(tmp_path / "a.csv", [HEADS, row]))
    assert rejects.empty
    assert (found.value, found.reason, found.evidence) == ("+10%", "=1+1", "@x")
    row[2] = '=HYPERLINK("x")'
    path = tmp_path / "r.csv"
    write_rejects(path, read(text(tmp_path / "a.csv", [HEADS, row]))[1])
    assert next(csv.DictReader(path.open(encoding="utf-8-sig")))["value"] == '\'=HYPERLINK("x")'


def test_error_cells(tmp_path):
    path = book(tmp_path / "a.xlsx", [HEADS, [*GOOD[:4], "#REF!", *GOOD[5:]]])
    found, rejects = read(path)
    assert not found
    assert reasons(rejects) == [(2, "调整值", "#REF!")]
    assert "Excel error" in rejects["reason"][0]


def test_an_unclosed_quote_swallows_no_row(tmp_path):
    path = tmp_path / "a.csv"
    lines = [",".join(HEADS), ",".join(GOOD).replace("新技术", '"新技术'), ",".join(OTHER)]
    path.write_text("\n".join(lines), encoding="utf-8")
    found, _ = read(path)
    assert "GD13" in [one.drg for one in found]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["甲", "乙"], ["1", "2"]], "no headings of a form"), ([], "no headings"),
        ([[*HEADS[:7], HEADS[8]], GOOD], "no column '理由'"), ([HEADS[2:], GOOD], "who asks"),
    ],
)  # fmt: skip
def test_files_that_are_no_forms(tmp_path, rows, said):
    for path in (book(tmp_path / "a.xlsx", rows), text(tmp_path / "a.csv", rows)):
        with pytest.raises(DrgError, match=said) as caught:
            read(path)
        assert str(caught.value).startswith(str(path))


def test_files_that_cannot_be_read(tmp_path):
    for name, data, said in (
        ("a.xlsx", b"PK\x03\x04 not", "damaged|readable"), ("a.csv", b"PK\x03\x04", "workbook"),
        ("a.pdf", b"%PDF", "ending"), ("a", b"x", "ending"), ("a.xls", b"\xd0\xcf\x11\xe0", "read"),
        ("b.csv", "提出方".encode("utf-16"), "UTF-16"), ("a.xlsb", b"", "read"),
    ):  # fmt: skip
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(DrgError, match=said) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(DrgError, match="no such file"):
        read(tmp_path / "none.xlsx")


def test_ids_go_on_and_earlier_proposals_count(tmp_path):
    path = book(tmp_path / "a.xlsx", [HEADS, GOOD, OTHER])
    earlier = propose(city(first=12), party="医院", hospital_id="H01", drg="ES23", what="weight",
                      value="1.3", reason="因")  # fmt: skip
    found, rejects = read_proposals(path, city(earlier=(earlier,)))
    assert [one.id for one in found] == ["P013"]
    assert "already in P012" in rejects["reason"][0]


WORDS = st.text("因为耗材上升=+-@'#无合计 ab1\n\t，。", min_size=1, max_size=20)
VALUES = {
    "weight": st.one_of(
        st.integers(-60, 200).map(lambda n: f"{n:+}%"),
        st.floats(0.5, 3).map(lambda x: f"×{x:.3f}"),
        st.sampled_from(["1", "0.95", "1.123456789", "上调7%", "５%"]),
    ),
    "class": st.sampled_from(["severe 1.05", "基础病组", "重点监控 0.9",
                              "tcm 1.1", "incentive +3%"]),
    "trim": st.sampled_from(["ratio", "iqr", "iqr k=1", "winsor", "percentile high=90", "l3h3"]),
    "exclude": st.sampled_from(["cost>15000", "费用>2万元", "los>80 and cost>1", "医院=H02"]),
}  # fmt: skip
ASKED = st.tuples(
    st.sampled_from([("hospital", "H01"), ("hospital", "007"), ("panel", ""), ("bureau", "")]),
    st.sampled_from(["ES23", "ES25", "GD13", "039"]),
    st.sampled_from(list(VALUES)).flatmap(lambda what: st.tuples(st.just(what), VALUES[what])),
    WORDS, st.one_of(st.just(""), WORDS), st.booleans(), st.booleans(),
)  # fmt: skip


def proposals(asked) -> list[Proposal]:
    """The proposals among random ones that can be made; nobody asks twice."""
    made: list[Proposal] = []
    for (party, hospital), drg, (what, value), reason, evidence, low, high in asked:
        parts = {"party": party, "hospital_id": hospital, "drg": drg, "what": what,
                 "value": value, "reason": reason, "evidence": evidence}  # fmt: skip
        try:
            one = propose(city(earlier=tuple(made)), **parts)
            parts |= {"least": one.asked * 0.99} if low else {}
            parts |= {"most": one.asked} if high else {}
            made.append(propose(city(earlier=tuple(made)), **parts))
        except DrgError:
            continue
    return made


@settings(max_examples=tries(15), deadline=None)
@given(st.lists(ASKED, max_size=12), st.sampled_from(["zh", "en"]))
def test_a_filled_in_template_reads_back(asked, lang):
    made = proposals(asked)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "form.xlsx"
        write_template(path, city(), title="第一轮", lang=lang, proposals=made)
        found, rejects = read(path)
        assert rejects.empty
        assert list(found) == made
        write_template(path, city(), lang=lang)
        form = openpyxl.load_workbook(path)
        page = form.worksheets[0]
        for row, one in enumerate(made, HEADER + 2):  # typed by hand into the empty form
            cells = [one.party, one.hospital_id, one.drg, one.what, one.value, one.least, one.most]
            for column, cell in enumerate([*cells, guarded(one.reason), guarded(one.evidence)], 1):
                if cell not in (None, ""):
                    page.cell(row, column).value = str(cell)
                    page.cell(row, column).data_type = "s"
        form.save(path)
        found, rejects = read(path)
        assert rejects.empty
        assert list(found) == made


@settings(max_examples=tries(40), deadline=None)
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=9)))
def test_any_text_is_read_or_turned_back(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = text(Path(folder) / "a.csv", [HEADS, *rows])
        found, rejects = read(path)
        assert all(one.drg in DRAFT and one.hospital_id in {"", *HOSPITALS} for one in found)
        assert all("\n" not in line for line in reject_lines(path, rejects))
