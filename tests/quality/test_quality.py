from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drg.cases.amounts import read_amounts
from drg.cases.dates import months_of, read_dates
from drg.cases.keys import repeated, text_keys
from drg.cli.check import summary
from drg.errors import DrgError
from drg.page.blocks import Table
from drg.page.cells import grid
from drg.page.html import pages
from drg.page.write import write_report
from drg.report.quality.sections import quality_report
from drg.report.quality.words import QualityWords, score_of
from grouper.quality import RULES, by_key, check_file
from grouper.quality.rules import GROUPS, PLACE, SEVERITY_TEXT
from tests import chromium

REGION = Path(__file__).parents[2] / "data_samples" / "region-small"
GOOD = {
    "case_id": "C1", "patient_id": "P1", "hospital_id": "H1", "insurance": "employee",
    "admission_date": "2025-03-01", "discharge_date": "2025-03-05", "sex": "1", "age": "50",
    "age_days": "", "birth_weight": "", "length_of_stay": "4", "discharge_mode": "1",
    "department": "内科", "diagnoses": "I10.x00x002", "procedures": "", "total_cost": "5000.00",
    "cost_medical": "1000.00", "cost_nursing": "500.00", "cost_technology": "1500.00",
    "cost_drug_material": "1999.99", "cost_management": "0.01", "fund_paid": "3000",
    "birth_date": "", "admission_weight": "", "icu_hours": "", "手术操作日期1": "",
    "patient_copay": "2000",
}  # fmt: skip
MALE, INFANT = {"diagnoses": "N40.x00", "sex": "2"}, {"age": "0", "diagnoses": "P22.000"}
NEWBORN = {**INFANT, "age_days": "3", "birth_weight": "3000", "admission_weight": "3000"}
MOTHER = {"sex": "2", "age": "28", "diagnoses": "O80.000|Z37.000", "birth_weight": "3100"}
GREY = ["I10.x99x999", "I10.x00x002", "54.2500"]  # made up: the official list is not at hand


def found(tmp_path, *changes, **options):
    """The findings of cases that differ from a good one, without the late rules' side effects."""
    cases = [
        {**GOOD, "case_id": f"C{i}", "patient_id": f"P{i}", **change}
        for i, change in enumerate(changes)
    ]
    source = tmp_path / "in.csv"
    pd.DataFrame(cases).to_csv(source, index=False)
    listed = tmp_path / "grey.csv"
    listed.write_text("\n".join(["灰码", *options.pop("listed", ["Q99.999"])]))
    report = check_file(source, grey=listed, **options)
    return {rule.code: n for rule, _, n in report.rules() if n}, report


def test_a_good_case_has_no_finding(tmp_path):
    said, report = found(tmp_path, {}, NEWBORN)
    assert said == {}
    assert report.total.score == 100
    assert all(report.checked)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        *(({part: ""}, f"missing_{part}") for part in (
            "case_id", "patient_id", "hospital_id", "insurance", "admission_date",
            "discharge_date", "sex", "age", "length_of_stay", "discharge_mode", "department",
            "total_cost")),
        ({"sex": "9"}, "missing_sex"),
        ({"diagnoses": ""}, "missing_principal_diagnosis"),
        ({"diagnoses": "-|I10.x00x002"}, "missing_principal_diagnosis"),
        ({"diagnoses": "Q1"}, "unknown_principal_diagnosis"),
        ({"diagnoses": "U82.100"}, "principal_in_no_mdc"),
        ({"diagnoses": "I10.x00x002|J18.900|J18.900"}, "repeated_diagnosis"),
        ({**NEWBORN, "admission_weight": ""}, "admission_weight_missing"),
        ({**MOTHER, "birth_weight": ""}, "mother_without_birth_weight"),
        ({**MOTHER, "diagnoses": "O80.000"}, "delivery_without_outcome"),
        ({**MOTHER, "age": "62"}, "obstetric_age"),
        ({"birth_date": "1985-03-01"}, "birth_disagrees"),
        ({"birth_date": "2025-03-02"}, "birth_disagrees"),
        ({**NEWBORN, "birth_date": "2025-02-24"}, "birth_disagrees"),
        ({"icu_hours": "121"}, "icu_exceeds_stay"),
        ({"手术操作日期1": "2025-02-28"}, "operation_outside_stay"),
        ({"手术操作日期1": "2025-03-06 08:00"}, "operation_outside_stay"),
        ({"patient_copay": "2000.02"}, "payers_exceed_total"),
        ({"length_of_stay": "3"}, "stay_disagrees"),
        ({"length_of_stay": "6"}, "stay_disagrees"),
        ({"diagnoses": "I10.x00x002|Q1"}, "unknown_secondary_diagnosis"),
        ({"procedures": "37.519"}, "unknown_procedure"),
        (MALE, "sex_conflict"),
        ({"procedures": "68.4901"}, "sex_conflict"),
        ({"diagnoses": "I10.x00x002|N92.000"}, "sex_conflict"),
        ({"diagnoses": "P22.000"}, "age_conflict"),
        ({"age": "151"}, "unreadable_patient_value"),
        ({"sex": "x"}, "unreadable_patient_value"),
        ({**NEWBORN, "birth_weight": "3.2kg"}, "unreadable_patient_value"),
        ({"age": "121"}, "age_over_120"),
        (INFANT, "age_days_missing"),
        ({**INFANT, "age_days": "366"}, "age_days_conflict"),
        ({**NEWBORN, "birth_weight": "0"}, "birth_weight_missing"),
        ({**NEWBORN, "birth_weight": "299"}, "birth_weight_range"),
        ({**NEWBORN, "birth_weight": "8001"}, "birth_weight_range"),
        ({"admission_date": "2025-02-30"}, "unreadable_date"),
        ({"admission_date": "2025-03-06", "length_of_stay": "1"}, "discharge_before_admission"),
        ({"length_of_stay": "x"}, "unreadable_stay"),
        ({"length_of_stay": "2"}, "stay_disagrees"),
        ({"length_of_stay": "0", "admission_date": "2025-03-05"}, "stay_zero"),
        ({"length_of_stay": "369", "admission_date": "2024-03-01"}, "stay_over_year"),
        ({"discharge_mode": "7"}, "discharge_mode_unknown"),
        ({"fund_paid": "1,00"}, "unreadable_amount"),
        ({"fund_paid": "5000.01"}, "fund_out_of_range"),
        ({"cost_management": "0.03"}, "components_differ"),
        ({"cost_management": "-0.01", "cost_nursing": "500.02"}, "negative_component"),
    ],
)  # fmt: skip
def test_one_defect_gives_one_finding(tmp_path, change, rule):
    said, report = found(tmp_path, {}, change)
    assert said == {rule: 1}
    assert report.total.flagged == 1


@pytest.mark.parametrize(
    "change",
    [
        {"length_of_stay": "5"},  # both ends counted
        {"length_of_stay": "1", "admission_date": "2025-03-05"},  # a stay of the same day is one
        {"length_of_stay": "3", "admission_date": "2025-06-12", "discharge_date": "2025-06-15"},
        MOTHER,
        {**MOTHER, "diagnoses": "O80.000|Z37.100", "birth_weight": ""},  # stillborn
        {"birth_date": "1974-03-02"},
        {**NEWBORN, "birth_date": "2025-02-25"},
        {"birth_date": "1975-03-01"},
        {"icu_hours": "120"},
        {"手术操作日期1": "2025-03-01"},
        {"手术操作日期1": "2025-03-05 23:59"},
        {"patient_copay": "2000.01"},
    ],
)
def test_what_is_right_is_no_finding(tmp_path, change):
    assert found(tmp_path, {}, change)[0] == {}


def test_grey_is_the_list_and_in_no_mdc_is_another_matter(tmp_path):
    cases = [
        {"diagnoses": "I50.900|I10.x00x002", "procedures": "54.2500"},
        {"diagnoses": "I10.x00x002|I50.900"},
        {"diagnoses": "U82.100"},
        {"diagnoses": "I10.x99x999"},  # on the list, and the edition does not know it
        {"diagnoses": "Ｉ50.900|i10.X00x002"},
    ]
    said, report = found(tmp_path, *cases, listed=GREY)
    assert said["grey_principal_diagnosis"] == 2
    assert said["grey_secondary_diagnosis"] == 2
    assert said["grey_procedure"] == 1
    assert said["principal_in_no_mdc"] == 1
    assert [(kind, code, cases) for kind, code, _, cases in report.grey] == [
        (0, "I10.x00x002", 3), (0, "I10.X99X999", 1), (1, "54.2500", 1)
    ]  # fmt: skip
    assert [one[0] for one in report.no_mdc] == ["U82.100"]
    page = page_of(report)
    assert "灰码" in page
    assert "不属于任何 MDC 的主要诊断" in page


def test_without_a_list_nothing_is_called_grey(tmp_path):
    source = tmp_path / "in.csv"
    pd.DataFrame([{**GOOD, "diagnoses": "U82.100"}]).to_csv(source, index=False)
    report = check_file(source)
    said = {rule.code: n for rule, _, n in report.rules() if n}
    assert said == {"principal_in_no_mdc": 1}
    not_checked = report.document()["not_checked"]
    assert {"grey_principal_diagnosis", "grey_secondary_diagnosis", "grey_procedure"} <= {
        *not_checked
    }
    assert "没有官方灰码清单" in page_of(report)
    (tmp_path / "empty.csv").write_text("灰码,名称\n,\n")
    for name, text in (("empty.csv", "no code"), ("in.csv", "no column of codes")):
        with pytest.raises(DrgError, match=text):
            check_file(source, grey=tmp_path / name)


def test_stays_of_one_person(tmp_path):
    def stay(person, begin, end, mode="1"):
        return {"patient_id": person, "admission_date": f"2025-03-{begin:02d}",
                "discharge_date": f"2025-03-{end:02d}", "length_of_stay": str(end - begin),
                "discharge_mode": mode}  # fmt: skip

    said, _ = found(
        tmp_path, stay("A", 1, 9), stay("A", 3, 5), stay("A", 6, 8), stay("A", 9, 12),
        stay("B", 5, 9), stay("B", 1, 5), stay("B", 9, 10), stay("C", 1, 4, "5"),
        stay("C", 4, 6), stay("C", 7, 8), stay("", 1, 9), stay("", 2, 9),
    )  # fmt: skip
    assert said["overlapping_stays"] == 2, "inside a longer one; the same day is none"
    assert said["stay_after_death"] == 1


def test_costs_out_of_range(tmp_path):
    alone = dict.fromkeys(("patient_copay", "cost_medical", "cost_nursing", "cost_technology",
                           "cost_drug_material", "cost_management", "fund_paid"), "")  # fmt: skip
    for cost, rule in (("0", "cost_not_positive"), ("-5", "cost_not_positive"),
                       ("99.99", "cost_extreme"), ("2000000.01", "cost_extreme"),
                       ("abc", "unreadable_amount")):  # fmt: skip
        assert found(tmp_path, {}, {**alone, "total_cost": cost})[0] == {rule: 1}, cost
    assert found(tmp_path, {**alone, "cost_management": "1"})[0] == {"components_differ": 1}
    assert found(tmp_path, {"cost_management": "0.02"})[0] == {}, "a fen is within the tolerance"


def test_duplicates_and_years(tmp_path):
    same = {"case_id": "X", "patient_id": "Y"}
    said, report = found(tmp_path, same, {}, same, same)
    assert said == {"duplicate_case_id": 2, "duplicate_record": 2}
    assert (report.total.flagged, report.total.score) == (2, 50)
    old = {"admission_date": "2019-03-01", "discharge_date": "2019-03-05"}
    said, report = found(tmp_path, *[{}] * 30, old)
    assert said == {"outside_main_years": 1}
    assert report.main_years == (2025,)
    assert [line.cases for line in report.months] == [30, 1]


def test_malformed_rows_say_nothing_else(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("case_id,diagnoses,sex,age\n1,I10.x00x002,1,50\n2,x\n")
    report = check_file(source)
    assert {r.code: n for r, _, n in report.rules() if n} == {"malformed_row": 1}
    assert "missing_total_cost" in report.document()["not_checked"]
    assert report.months == ()


def mended(cases):
    """The region without what its honest records lack: mothers, stays of one person, doubles."""
    cases = cases.copy()
    cases["patient_id"] = [f"P{i}" for i in range(len(cases))]
    codes = cases["diagnoses"].str.split("|").map(dict.fromkeys).map(list)
    born = codes.map(lambda held: any(code[:3] in ("O80", "O81", "O82", "O83", "O84", "Z37")
                                      for code in held))  # fmt: skip
    outcome = codes.map(lambda held: any(code.startswith("Z37") for code in held))
    cases["diagnoses"] = codes.map("|".join) + np.where(born & ~outcome, "|Z37.000", "")
    cases.loc[born & (cases["age"] != "0"), "birth_weight"] = "3200"
    return cases


def test_the_defects_of_the_sample_region_are_all_found(tmp_path):
    truth = pd.read_csv(REGION / "truth/cases.csv", dtype=str, keep_default_na=False)["flaw"]
    cases = pd.read_csv(REGION / "cases.csv", dtype=str, keep_default_na=False)
    region = tmp_path / "region.csv"
    mended(cases).to_csv(region, index=False)
    raw = {r.code: n for r, _, n in check_file(REGION / "cases.csv").rules() if n}
    kinds = {
        "unknown_code": "unknown_principal_diagnosis", "sex_conflict": "sex_conflict",
        "no_principal_diagnosis": "missing_principal_diagnosis",
        "infant_without_days": "age_days_missing",
        "newborn_without_weight": "birth_weight_missing",
    }  # fmt: skip
    for flaw, rule in kinds.items():
        cases[truth == flaw].to_csv(tmp_path / "flawed.csv", index=False)
        some = check_file(tmp_path / "flawed.csv")
        assert some.total.count(RULES[PLACE[rule]]) == some.total.cases == sum(truth == flaw) > 0
    report = check_file(region, hospitals=REGION / "hospitals.csv")
    said = {rule.code: n for rule, _, n in report.rules() if n}
    assert set(raw) - set(said) == {
        "mother_without_birth_weight",
        "delivery_without_outcome",
        "repeated_diagnosis",
        "overlapping_stays",
        "stay_after_death",
    }
    assert all(raw[rule] == count for rule, count in said.items())
    # some honest records of the region have an operation of the other sex: findings, not planted
    extra = said["sex_conflict"] - sum(truth == "sex_conflict")
    assert 0 <= extra <= 10
    said["sex_conflict"] -= extra
    assert said == {rule: sum(truth == flaw) for flaw, rule in kinds.items()}
    assert report.total.score == pytest.approx(100 - (sum(truth != "") + extra) / 50)
    for lines in (report.hospitals, report.months):
        assert sum(line.cases for line in lines) == 5000
        assert sum(line.penalty for line in lines) == report.total.penalty
    assert all(line.name for line in report.hospitals)
    clinical = check_file(REGION / "cases.csv", codes="clinical")
    assert not clinical.total.count(next(r for r in RULES if r.code == kinds["unknown_code"]))
    assert clinical.converted > 0


def test_many_batches_agree_with_one_table(tmp_path):
    rows = 300_000
    table = pa.table({
        "case_id": [f"C{i % 299_990}" for i in range(rows)],
        "hospital_id": [f"H{i % 5}" for i in range(rows)],
        "diagnoses": ["Q1" if i % 1000 == 0 else "I10.x00x002" for i in range(rows)],
        "discharge_date": pa.array(np.arange(rows) % 365 + 20_089, pa.int32()).cast(pa.date32()),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "in.parquet")
    report = check_file(tmp_path / "in.parquet")
    assert {r.code: n for r, _, n in report.rules() if n} == {
        "unknown_principal_diagnosis": 300, "duplicate_case_id": 10,
    }  # fmt: skip
    assert len(report.months) == 12
    assert sum(line.flagged for line in report.hospitals) == report.total.flagged


def test_the_list_of_rules_is_sound():
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert {rule.group for rule in RULES} == set(GROUPS)
    assert {rule.severity for rule in RULES} == set(SEVERITY_TEXT)


def test_dates():
    texts = ["2025-01-03", "2025/1/3 08:30", "20250103", "20250103083000", "2025年1月3日",
             "2025-1-13", "2025-01-03T08:00:00", "2025.01.03", "", None, "无", "2025-13-01", "x",
             "45660"]  # fmt: skip
    days, bad = read_dates(pa.array(texts))
    assert bad.tolist() == [False] * 11 + [True, True, False]
    assert days[13] == 20091  # as Excel counts days
    assert days[[0, 1, 2, 3, 4, 6, 7]].tolist() == [20091] * 7
    assert days[5] == 20101
    assert np.isnan(days[8:13]).all()
    for kind in (pa.date32(), pa.timestamp("ms")):
        typed = pa.array([20091, None], pa.int32()).cast(pa.date32()).cast(kind)
        assert read_dates(typed)[0][0] == 20091
    assert read_dates(pa.array(texts).dictionary_encode())[0][5] == 20101
    assert months_of(days)[0] == 2025 * 12
    assert months_of(days)[8] == -1


def test_amounts():
    texts = ["12.34", " 5 ", "", None, "7元", "1,000", "x", "-0.01", "１２", "1e3", "-"]
    fen, blank, bad = read_amounts(pa.array(texts))
    assert fen.tolist() == [1234, 500, 0, 0, 700, 100_000, 0, -1, 1200, 100_000, 0]
    assert np.flatnonzero(blank).tolist() == [2, 3, 10]
    assert np.flatnonzero(bad).tolist() == [6]
    assert read_amounts(pa.array([1.005, None]))[0].tolist() == [101, 0]


def test_keys():
    texts = [f"{a}{b}" for a in ("", "x", "y" * 70) for b in range(1000)]
    texts += ["y" * size + end for size in range(1, 20) for end in ("", "\0", "\0\0", "二")]
    keys = text_keys(pa.array(texts))
    assert len(set(keys.tolist())) == len(texts)
    assert (text_keys(pa.array(texts).dictionary_encode()) == keys).all()
    assert (text_keys(pa.array(["a", *texts]).slice(1)) == keys).all()
    assert text_keys(pa.array(["", None, " ", "-", " NULL", "无", "——"])).tolist() == [0] * 7
    assert repeated(text_keys(pa.array(["a", "b", "a ", None, None, "a"]))).tolist() == [2, 5]


HOSTILE = '=cmd|"/c calc"</td><script>alert(1)</script><img src=x onerror=1>&"\'\x1b[31m'


def page_of(found, lang="zh"):
    words = QualityWords(lang)
    return pages([quality_report(found, words)], words, None)[0]


def write(path, found, lang="zh"):
    words = QualityWords(lang)
    write_report(path, quality_report(found, words), words)
    return path


def cells_of(path):
    return {sheet.title: list(sheet.iter_rows(values_only=True))
            for sheet in openpyxl.load_workbook(path)}  # fmt: skip


def test_hostile_strings_do_nothing(tmp_path):
    change = {"hospital_id": HOSTILE, "diagnoses": HOSTILE.replace("|", ""), "department": HOSTILE}
    _, report = found(tmp_path, *[change] * 6)
    page = page_of(report)
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert "***" in page  # nothing unlike a code is repeated
    links = re.findall(r"(?:src|href)=\"([^\"]*)|url\(([^)]*)", page)
    assert all(one.startswith("#") for pair in links for one in pair if one)
    book = openpyxl.load_workbook(write(tmp_path / "out.xlsx", report))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert any(str(cell.value).startswith("'=cmd") for cell in cells)
    write(tmp_path / "out.docx", report)


def test_small_numbers_are_not_shown(tmp_path):
    _, report = found(tmp_path, *[{}] * 40, *[{"sex": ""}] * 3, {"hospital_id": "H2"})
    page = page_of(report)
    assert "&lt;5" in page
    assert "6.82" not in page
    assert score_of(report.total).startswith("≥")
    assert "不足 5 例有问题" in page
    rows = cells_of(write(tmp_path / "out.xlsx", report))["按医疗机构"]
    heads = rows[1]
    assert heads[:5] == ("代码", "病例数（例）", "有问题病例（例）", "占比", "质量得分")
    assert rows[2][1:5] == (43, "<5", "*", "≥90.7")
    assert rows[3][1:5] == ("<5", "*", "*", "*")
    assert set(rows[3][6:]) == {"*"}


def test_a_hospital_of_few_cases_does_not_tell_whether_they_have_findings(tmp_path):
    _, report = found(tmp_path, *[{}] * 40, *[{"hospital_id": "H2"}] * 3,
                      *[{"hospital_id": "H3", "sex": ""}] * 3)  # fmt: skip
    rows = cells_of(write(tmp_path / "out.xlsx", report))["按医疗机构"]
    assert rows[3][1:] == rows[4][1:]
    assert "2025-03" in page_of(report)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_page_word_and_workbook_tell_the_same(tmp_path, lang):
    from docx import Document

    report = check_file(REGION / "cases.csv", hospitals=REGION / "hospitals.csv")
    words = QualityWords(lang)
    made = quality_report(report, words)
    shown = [one for one in made.blocks() if isinstance(one, Table) and one.on_page]
    page = page_of(report, lang)
    inside = [
        re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", page)
    ]
    word = Document(str(write(tmp_path / "out.docx", report, lang)))
    typed = [[cell.text for cell in row.cells] for one in word.tables for row in one.rows]
    book = cells_of(write(tmp_path / "out.xlsx", report, lang))
    for table in shown:
        for line in grid(table, words).lines:
            texts = [cell.text for cell in line.cells]
            assert texts in typed
            assert all(text.replace("<", "&lt;") in inside for text in texts)
    held = book[words("按医疗机构", "By hospital")][2:]
    by_id = {row[1]: row for row in held}
    for line in report.hospitals:
        row = by_id[line.key]
        assert row[0] == line.name
        assert row[2] == line.cases
        assert row[3] == (line.flagged if not 0 < line.flagged < 5 else "<5")
        if not 0 < line.flagged < 5:
            assert row[4] == pytest.approx(line.flagged / line.cases, abs=1e-9)
            assert row[5] == round(line.score, 1)
    often = f"{100 * report.total.flagged / 5000:.1f}"
    assert words(f"每 100 例中 {often} 例有问题", f"{often} of 100 cases have findings") in page
    assert words("可以用于分组和结算", "fit for grouping and settlement") in page


def test_what_is_not_there_cannot_be_settled(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("case_id,diagnoses,sex,age\n" + "1,I10.x00x002,1,50\n" * 9)
    page = page_of(check_file(source))
    assert "缺少医疗机构代码、险种、住院总费用，不能用于结算" in page
    assert "改正前不宜用于分组" in page  # a case id stands again and again
    assert "未检查的项目" in page


def test_a_chinese_page_is_in_chinese(tmp_path):
    report = check_file(REGION / "cases.csv", hospitals=REGION / "hospitals.csv")
    body = page_of(report).partition("</style>")[2]
    text = re.sub(r"<(title|desc)[ >].*?</\1>|<[^>]+>", " ", body)
    headers = (REGION / "cases.csv").open(encoding="utf-8").readline().strip().split(",")
    known = {*headers, "MDC", "DRG", "ICD", "Excel", "csv", "chs", "drg", "toolkit"}
    left = set(re.findall(r"(?<![\w.])[A-Za-z_]{3,}(?![\w.])", text))
    assert left <= known, left - known


def test_the_workbook_is_set_up_for_print(tmp_path):
    report = check_file(REGION / "cases.csv", hospitals=REGION / "hospitals.csv")
    book = openpyxl.load_workbook(write(tmp_path / "out.xlsx", report))
    assert book.sheetnames == ["目录", "概况", "检查结果", "按医疗机构", "按出院月份",
                               "字段完整性", "编码问题", "说明"]  # fmt: skip
    assert book["目录"]["A1"].value == "病案数据质量报告"
    for sheet in book.worksheets[1:]:
        assert sheet.page_setup.paperSize == 9
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == "$2:$2"
        assert sheet.freeze_panes


def test_same_input_same_bytes(tmp_path):
    for name in "ab":
        report = check_file(REGION / "cases.csv")
        for ending in ("html", "docx", "xlsx"):
            write(tmp_path / f"{name}.{ending}", report, "en")
    for ending in ("html", "docx", "xlsx"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_header_without_cases(tmp_path):
    (tmp_path / "in.csv").write_text("case_id,discharge_date,hospital_id,diagnoses\n")
    report = check_file(tmp_path / "in.csv")
    assert report.total.cases == 0
    assert np.isnan(report.total.score)
    assert report.document()["score"] is None
    said = summary(report, QualityWords("en"))
    assert "no score" in said
    assert "100.0" not in said
    assert "100.0" not in page_of(report)
    assert "文件中没有病例" in page_of(report)
    for ending in ("docx", "xlsx"):
        write(tmp_path / f"out.{ending}", report)


def test_what_may_be_a_person_is_not_repeated(tmp_path):
    change = {"diagnoses": "370202196001011203", "hospital_id": "370202196001011203"}
    _, report = found(tmp_path, change)
    assert "370202196001011203" not in page_of(report)
    assert "370202196001011203" not in str(cells_of(write(tmp_path / "out.xlsx", report)))


def test_it_can_be_read_on_a_telephone(tmp_path):
    chromium.needed()
    flaws = [{"sex": ""}, {"department": ""}, {"total_cost": ""}, {"diagnoses": "Q1"},
             {"diagnoses": "I10.x00x002|Q1"}, {"discharge_mode": "7"}]  # fmt: skip
    places = [{"hospital_id": f"H{i}"} for i in range(12)]
    _, report = found(tmp_path, *[{**place, **flaw} for place in places for flaw in flaws * 6])
    names = {f"H{i}": "一个名字很长需要换行的市第二人民医院" + "分院" * i for i in range(12)}
    lines = tuple(replace(line, name=names[line.key]) for line in report.hospitals)
    page = write(tmp_path / "out.html", replace(report, hospitals=lines))
    with chromium.browser() as driver:
        for width in (390, 1280):
            chromium.resize(driver, width, 900, mobile=width < 600)
            driver.get(page.as_uri())
            heights = driver.execute_script(
                "return [...document.querySelectorAll('tr')].map(r => r.offsetHeight)"
            )
            assert len(heights) > 40
            assert max(heights) <= 320, width
            across = driver.execute_script("return document.documentElement.scrollWidth")
            assert across <= width, "only boxes scroll sideways"


def test_keys_in_scratch_files_find_the_same(tmp_path, monkeypatch):
    cases = pd.read_csv(REGION / "cases.csv", dtype=str, keep_default_na=False)
    cases = pd.concat([cases, cases[:40], cases[:25].assign(case_id="X1")])
    cases.to_csv(tmp_path / "cases.csv", index=False)
    held = check_file(tmp_path / "cases.csv")
    monkeypatch.setattr(by_key, "MOST", 100)
    spilt = check_file(tmp_path / "cases.csv")
    found = {rule.code: n for rule, _, n in held.rules() if n}
    assert {"duplicate_case_id", "duplicate_record"} <= found.keys()
    assert found == {rule.code: n for rule, _, n in spilt.rules() if n}
    one, other = ([(line.key, line.flagged, line.penalty) for line in report.hospitals]
                  for report in (held, spilt))  # fmt: skip
    assert one == other


def test_rows_by_key_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(by_key, "MOST", 70)
    keys = np.random.default_rng(1).integers(0, 90, 1000).astype(np.uint64) * np.uint64(1 << 57)
    rows = by_key.ByKey(tmp_path / "k", more="<i4")
    for first in range(0, 1000, 30):
        part = keys[first : first + 30]
        rows.add(part, first, more=np.arange(first, first + len(part)))
    parts = list(rows.parts())
    assert len(parts) > 9
    assert not list(tmp_path.iterdir())
    again = np.sort(np.concatenate([part["row"][repeated(part["key"])] for part in parts]))
    assert again.tolist() == repeated(keys).tolist()
    assert all((part["row"] == part["more"]).all() for part in parts)
