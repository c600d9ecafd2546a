"""A workbook with more than fifty planted errors: each is reported with its sheet and row."""

from __future__ import annotations

import csv

import openpyxl
import pytest

from grouper.importer import import_tables
from grouper.importer.kinds import KINDS
from tests.importer.book import Cell, small_book, write_book

# sheet, kind, a row to add at the end of the sheet
PLANTED: list[tuple[str, str, list[Cell]]] = [
    ("MDC列表", "group_code_malformed", ["8", "MDC8X", "坏编码"]),
    ("MDC列表", "group_twice", ["9", "MDCB", "重复"]),
    ("MDC列表", "group_code_missing", ["10", "", "没有编码"]),
    ("MDC列表", "name_missing", ["11", "MDCF", ""]),
    ("MDC列表", "mdc_empty", ["12", "MDCH", "肝、胆、胰疾病"]),
    ("MDC主诊表", "unknown_code", ["MDCB", "G99.777", "不存在的病"]),
    ("MDC主诊表", "code_malformed", ["MDCB", "肺炎", ""]),
    ("MDC主诊表", "group_code_malformed", ["MDCQQ", "K25.900", ""]),
    ("MDC主诊表", "unknown_mdc", ["MDCK", "E11.900", ""]),
    ("MDC主诊表", "group_code_missing", ["", "E11.900", ""]),
    ("MDC主诊表", "code_missing", ["MDCB", "", "没有编码的病"]),
    ("MDC主诊表", "two_mdcs", ["MDCE", "G00.000", ""]),
    ("MDC主诊表", "code_twice", ["MDCE", "J18.900", ""]),
    ("MDC主诊表", "wrong_code_kind", ["MDCB", "47.0100", ""]),
    ("MDC主诊表", "cell_error", ["MDCE", "#N/A", ""]),
    ("MDC主诊表", "name_of_another", ["MDCG", "K25.900", "慢性胃炎"]),
    ("ADRG列表", "group_code_malformed", ["B1", "MDCB", "坏编码"]),
    ("ADRG列表", "group_twice", ["BB1", "MDCB", "重复"]),
    ("ADRG列表", "unknown_mdc", ["CB1", "MDCC", "眼手术"]),
    ("ADRG列表", "adrg_letter", ["EB9", "MDCG", "放错大类"]),
    ("ADRG列表", "adrg_without_drg", ["EC1", "MDCE", "没有细分组"]),
    ("ADRG列表", "name_missing", ["EJ1", "MDCE", ""]),
    ("ADRG列表", "rule_syntax", ["EK1", "MDCE", "规则写错", "", "principal_diagnosis im D1"]),
    ("ADRG列表", "list_empty", ["EL1", "MDCE", "没有列表", "", "principal_diagnosis in D7"]),
    ("ADRG列表", "name_twice", ["EZ1", "MDCE", "呼吸系统感染"]),
    ("ADRG列表", "adrg_shadowed", ["EF1", "MDCE", "胸部手术二"]),
    ("ADRG列表", "outside_mdc", ["GF1", "MDCG", "消化道肺炎"]),
    ("ADRG列表", "no_lists", ["GH1", "MDCG", "某手术"]),
    ("ADRG列表", "wording_unread", ["EM1", "MDCE", "看情况", "视病情而定"]),
    ("ADRG主要诊断", "unknown_adrg", ["ES9", "D1", "J18.900"]),
    ("ADRG主要诊断", "list_unreadable", ["ES3", "甲表", "J20.900"]),
    ("ADRG主要诊断", "list_unreadable", ["ES3", "手术操作列表1", "J20.900"]),
    ("ADRG主要诊断", "code_twice", ["ES3", "D1", "J18.900"]),
    ("ADRG主要诊断", "list_unused", ["GW1", "D2", "K35.300"]),
    ("ADRG手术操作", "zeros_lost", ["GD1", "P1", 47.09]),
    ("ADRG手术操作", "unknown_code", ["GD1", "P1", "47.0199"]),
    ("ADRG手术操作", "wrong_code_kind", ["GD1", "P1", "K35.300"]),
    ("ADRG手术操作", "code_missing", ["GD1", "P1", "", "没有编码的手术"]),
    ("MCC列表", "complication_tables", ["J96.000", "", "108"]),
    ("MCC列表", "table_missing", ["K29.500", "", ""]),
    ("MCC列表", "code_malformed", ["J96.O00", "急性呼吸衰竭", "109"]),
    ("CC列表", "complication_twice", ["J96.000", "", "109"]),
    ("CC列表", "table_without_members", ["I63.900", "", "777"]),
    ("CC列表", "code_twice", ["G00.000", "", "64"]),
    ("排除表", "exclusion_twice", ["101", "G03.900"]),
    ("排除表", "table_unused", ["888", "I63.900"]),
    ("排除表", "table_missing", ["", "K29.500"]),
    ("排除表", "code_missing", ["108", ""]),
    ("DRG列表", "group_code_malformed", ["BB111", "BB1", "坏编码"]),
    ("DRG列表", "group_twice", ["BB11", "BB1", "重复"]),
    ("DRG列表", "drg_without_adrg", ["ZZ19", "ZZ1", "没有 ADRG"]),
    ("DRG列表", "drg_prefix", ["GW15", "GD1", "前缀不同"]),
    ("DRG列表", "never_reached", ["ET29", "ET2", "慢性气道阻塞病二"]),
    ("DRG列表", "severity_mismatch", ["MZ11", "MZ1", "前列腺疾患，不伴并发症或合并症"]),
    ("DRG列表", "ending_unreadable", ["NZ18", "NZ1", "子宫疾患八"]),
    ("DRG列表", "letter_rule", ["EX23", "EX2", "支气管炎二", "mcc"]),
    ("DRG列表", "rule_syntax", ["EX21", "EX2", "支气管炎三", "mcc or"]),
    ("DRG列表", "name_missing", ["MB15", "MB1", ""]),
    ("DRG列表", "rest_uncovered", ["EJ11", "EJ1", "只有重症组"]),
    ("DRG列表", "group_code_missing", ["", "MB1", "没有编码"]),
]
# What the planted groups need to be wrong in one way only.
HELP: list[tuple[str, list[Cell]]] = [
    ("ADRG主要诊断", ["GF1", "D1", "J18.900"]),
    ("ADRG手术操作", ["EF1", "P1", "32.4902"]),
    ("DRG列表", ["EF19", "EF1", "胸部手术二"]),
    ("DRG列表", ["GF19", "GF1", "消化道肺炎"]),
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    book = small_book()
    expected = []
    for sheet, kind, row in PLANTED:
        book[sheet].append(row)
        expected.append((kind, sheet, len(book[sheet])))
    for sheet, row in HELP:
        book[sheet].append(row)
    source = write_book(book, folder / "planted.xlsx")
    return import_tables(source, folder / "out"), expected, folder / "out"


def test_the_workbook_without_them_is_faultless(tmp_path):
    done = import_tables(write_book(small_book(), tmp_path / "b.xlsx"), tmp_path / "out")
    assert done.written, done.text
    assert not done.of("error")
    assert not done.of("warning"), done.text


def test_every_planted_error_is_reported_with_sheet_and_row(planted):
    done, expected, _ = planted
    assert len(expected) >= 50
    assert all(KINDS[kind].level in ("error", "warning") for kind, _, _ in expected)
    found = {(f.kind, f.place.sheet, f.place.row) for f in done.findings}
    missing = [place for place in expected if place not in found]
    assert not missing


def test_nothing_is_reported_without_place(planted):
    done, expected, _ = planted
    first_planted = {}
    for _, sheet, row in expected:
        first_planted[sheet] = min(row, first_planted.get(sheet, row))
    for finding in done.of("error"):
        assert finding.place.row is not None, finding
        assert finding.place.row >= first_planted[finding.place.sheet], finding


def test_a_report_and_no_pack(planted):
    done, expected, out = planted
    assert not done.written
    assert {path.name for path in out.iterdir()} == {"import-report.xlsx", "import-report.csv"}
    with (out / "import-report.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(done.findings)
    told = {(row["类型 kind"], row["工作表 sheet"], int(row["行 row"] or 0)) for row in rows}
    assert set(expected) <= told
    for row in rows:
        assert all(row[c] for c in ("级别 level", "问题", "problem", "建议", "what to do"))
    sheet = openpyxl.load_workbook(out / "import-report.xlsx")["问题 findings"]
    assert sheet.max_row == len(rows) + 1
    assert not any(cell.data_type == "f" for row in sheet for cell in row)


def test_suggestions(planted):
    done, _, _ = planted
    by_code = {f.code: f for f in done.findings if f.kind in ("unknown_code", "code_malformed")}
    assert by_code["J96.O00"].expected.startswith("J96.000 急性呼吸衰竭")
    assert "47.0100" in by_code["47.0199"].expected
    syntax = next(f for f in done.findings if f.code == "EK1" and f.kind == "rule_syntax")
    assert "character 21" in syntax.expected
