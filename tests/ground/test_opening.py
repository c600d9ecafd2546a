"""Files of cases as they come: titles, headers of two rows, sums below, long tables, JSON."""

from __future__ import annotations

import gzip
import json

import openpyxl
import pytest

from drg.cases import recognise
from drg.cases.dialects import numbered
from drg.cases.opening import open_cases
from drg.errors import DrgError
from drg.tables import batches


def read(path, **more):
    with open_cases(path, **more) as table:
        held = list(batches(table))
        rows = [row for batch in held for row in batch.table.to_pylist()]
        lost, first = [], 0
        for batch in held:
            lost += [first + m.row for m in batch.malformed]
            first += batch.table.num_rows
        return table, rows, lost


@pytest.mark.parametrize(
    ("header", "base", "number"),
    [
        ("其他诊断1编码", "其他诊断编码", 1),
        ("其他诊断编码(2)", "其他诊断编码", 2),
        ("其他诊断编码（2）", "其他诊断编码", 2),
        ("其他诊断编码一", "其他诊断编码", 1),
        ("其他诊断编码十二", "其他诊断编码", 12),
        ("出院诊断2编码", "出院诊断编码", 2),
        ("手术2编码", "手术编码", 2),
        ("其他诊断第3编码", "其他诊断编码", 3),
        ("主要诊断编码", "主要诊断编码", None),
        ("ICD-10诊断1", "ICD-10诊断1", None),
        ("一般手术编码", "一般手术编码", None),
    ],
)
def test_a_number_wherever_it_stands(header, base, number):
    assert numbered(header) == (base, number)


def test_columns_go_by_their_number_not_their_place():
    names = [
        "主要诊断编码",
        "其他诊断2",
        "其他诊断2编码",
        "其他诊断1编码",
        "手术2编码",
        "手术1编码",
    ]
    found = recognise(names)
    assert found.columns("diagnoses") == ("主要诊断编码", "其他诊断1编码", "其他诊断2编码")
    assert found.columns("procedures") == ("手术1编码", "手术2编码")


def test_what_looks_like_ours_is_named_once():
    found = recognise(
        ["主要诊断编码", "并发诊断编码1", "主要诊断名称", "门诊诊断编码", "住院总费用合计", "备注"]
    )
    assert dict(found.resembling) == {"并发诊断编码1": "diagnoses", "住院总费用合计": "total_cost"}
    assert "并发诊断编码1" in found.told()


BODY = [
    ["病案号", "性别", "主要诊断编码", "住院总费用（元）"],
    ["A", "男", "I50.900", "12,345.67"],
    ["B", "女", "J18.900", "￥5000"],
    ["合计", "", "", "17345.67"],
    ["注：数据来自病案系统", "", "", ""],
]
TITLES = [["", "", "", ""], ["2025年出院病例明细表", "", "", ""], ["单位：元", "", "", ""]]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "xlsx"])
def test_titles_above_and_sums_below(tmp_path, kind):
    path = tmp_path / f"cases.{kind}"
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in [*TITLES, *BODY]:
            book.active.append([cell or None for cell in row])
        book.active.merge_cells("A2:D2")
        book.save(path)
    else:
        quoted = [[f'"{c}"' if "," in c else c for c in row] for row in [*TITLES, *BODY]]
        text = "\n" + "\n".join(",".join(row) for row in quoted) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if kind == "csv.gz" else text.encode())
    table, rows, lost = read(path)
    assert len(rows) == 4
    assert lost == [2, 3]
    assert table.columns.column("case_id") == "病案号"
    assert rows[0]["住院总费用（元）"] == "12,345.67"
    if kind == "xlsx":
        assert table.header_rows == 4  # Excel's own row


def test_a_header_of_two_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "病案号,性别,诊断,,费用\n,,主要诊断编码,其他诊断1编码,总费用\nA,男,I50.900,J96.000,1\n",
        encoding="utf-8",
    )
    table, rows, _ = read(path)
    assert table.columns.columns("diagnoses") == ("主要诊断编码", "其他诊断1编码")
    assert rows[0]["总费用"] == "1"
    path.write_text(
        "病案号,主要诊断,,其他诊断1,\n,编码,名称,编码,名称\nA,I50.900,心衰,J96.000,呼衰\n",
        encoding="utf-8",
    )
    table, rows, _ = read(path)
    assert table.columns.columns("diagnoses") == ("主要诊断编码", "其他诊断1编码")
    assert len(rows) == 1


def test_a_plain_header_stays_the_first_row(tmp_path):
    path = tmp_path / "a.csv"
    for text in ("流水,岁数\n1,2\n", "病案号,主要诊断编码\n性别,年龄\n", "diagnoses\nI10\n"):
        path.write_text(text, encoding="utf-8")
        assert read(path)[0].header_rows == 1


def test_a_long_table_becomes_cases(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text(
        "SETL_ID,PSN_NO,DIAG_TYPE,MAINDIAG_FLAG,DIAG_CODE,DIAG_NAME\n"
        "S2,P2,1,0,E11.900,a\nS1,P1,1,1,I50.900,b\nS1,P1,1,0,J96.000,c\nS2,P2,1,1,J18.900,d\n"
        "S3,P3,1,0,I50.900,e\nS4,P4,1,1,I50.900,f\nS4,P4,1,1,J18.900,g\nS1,P1,2,0,BNW010,h\n",
        encoding="utf-8",
    )
    _, rows, _ = read(path)
    assert rows == [
        {"SETL_ID": "S2", "PSN_NO": "P2", "diagnoses": "J18.900|E11.900"},
        {"SETL_ID": "S1", "PSN_NO": "P1", "diagnoses": "I50.900|J96.000"},
        {"SETL_ID": "S3", "PSN_NO": "P3", "diagnoses": "|I50.900"},  # none is marked
        {"SETL_ID": "S4", "PSN_NO": "P4", "diagnoses": "|I50.900|J18.900"},  # two are
    ]


def test_a_long_table_without_a_mark_is_refused(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text(
        "setl_id,diag_code\nS1,I50.900\nS1,J96.000\nS2,E11.900\nS2,J18.900\n", encoding="utf-8"
    )
    with pytest.raises(DrgError, match="maindiag_flag"):
        read(path)
    # the same case twice is no long table, nor are a person's stays
    path.write_text(
        "setl_id,diag_code\nS1,I50.900\nS1,I50.900\nS2,E11.900\nS3,J18.900\n", encoding="utf-8"
    )
    assert len(read(path)[1]) == 4
    path.write_text(
        "病案号,入院时间,诊断编码\n1,2025-01-01,I50.900\n1,2025-02-01,J96.000\n"
        "2,2025-01-01,E11.900\n2,2025-03-01,J18.900\n",
        encoding="utf-8",
    )
    assert len(read(path)[1]) == 4


def settlement(number, **more):
    return {
        "setlinfo": {
            "setl_id": f"S{number}",
            "fixmedins_code": "H1",
            "hi_type": "310",
            "gend": "1",
            "age": 70,
            "dscg_time": "2025-03-08",
        }
        | more,
        "diseinfo": [
            {"diag_type": "1", "diag_code": "J96.000", "maindiag_flag": "0"},
            {"diag_type": "1", "diag_code": "I50.900", "maindiag_flag": "1"},
            {"diag_type": "2", "diag_code": "BNW010", "maindiag_flag": "1"},
        ],
        "oprninfo": [
            {"oprn_oprt_type": "2", "oprn_oprt_code": "99.15"},
            {"oprn_oprt_type": "1", "oprn_oprt_code": "38.93"},
        ],
        "iteminfo": [{"med_chrgitm": "01", "amt": 1000.1}, {"med_chrgitm": "02", "amt": "7000.20"}],
        "payinfo": [
            {"fund_pay_type": "310100", "fund_payamt": 5000},
            {"fund_pay_type": "330100", "fund_payamt": "500.5"},
        ],
    }


@pytest.mark.parametrize("form", ["one", "list", "lines", "wrapped", "gz"])
def test_settlement_lists_as_json(tmp_path, form):
    held = [settlement(1), settlement(2)]
    path = tmp_path / ("a.jsonl" if form == "lines" else "a.json.gz" if form == "gz" else "a.json")
    text = {
        "one": json.dumps(held[0]),
        "list": json.dumps(held),
        "gz": json.dumps(held),
        "lines": "\n".join(map(json.dumps, held)),
        "wrapped": json.dumps({"infno": "4101", "input": held[0]}),
    }[form]
    path.write_bytes(gzip.compress(text.encode()) if form == "gz" else text.encode())
    table, rows, _ = read(path)
    assert len(rows) == (1 if form in ("one", "wrapped") else 2)
    row = rows[0]
    assert row["diagnoses"] == "I50.900|J96.000"
    assert row["procedures"] == "38.93|99.15"
    assert (row["medfee_sumamt"], row["hifp_pay"], row["fund_pay_sumamt"]) == (
        "8000.30",
        "5000",
        "5500.5",
    )
    assert table.columns.columns("other_paid") == ("fund_pay_sumamt", "hifp_pay")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"setlinfo": 1}', '[{"x": 1}]', "12"])
def test_json_that_is_no_settlement_list_is_refused(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DrgError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


LAYOUTS = {
    "HQMS": "A48,A12C,A14,A16,A46C,B12,B15,B20,B34C,C03C,C06x02C,C06x01C,C14x01C,C35x01C,D01",
    "HQMS-P": "P3,P5,P7,P22,P25,P27,P321,P324,P327,P3291,P490,P4911,P4922,P782",
    "N041": "BAH,XB,NL,BZYZSNL,RYSJ,CYSJ,SJZYTS,LYFS,JBDM,JBDM8,JBDM1,SSJCZBM2,SSJCZBM1,ZFY",
    "grouper": "index,gender,age,ageDay,weight,dept,inHospitalTime,leavingType,zdList,ssList",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_without_a_mapping(layout):
    found = recognise(LAYOUTS[layout].split(","))
    assert found.dialect == layout
    assert not found.resembling
    wanted = {
        "HQMS": (("C03C", "C06x01C", "C06x02C"), ("C14x01C", "C35x01C")),
        "HQMS-P": (("P321", "P324", "P327", "P3291"), ("P490", "P4911", "P4922")),
        "N041": (("JBDM", "JBDM1", "JBDM8"), ("SSJCZBM1", "SSJCZBM2")),
        "grouper": (("zdList",), ("ssList",)),
    }[layout]
    assert (found.columns("diagnoses"), found.columns("procedures")) == wanted
    assert {"case_id", "sex", "age", "length_of_stay"} <= set(found.sources)
    # alone such headers mean nothing
    assert "age" not in recognise(["A14", "P7", "NL", "weight"])


def test_a_mapping_file_in_both_forms(tmp_path):
    toml, table = tmp_path / "m.toml", tmp_path / "m.csv"
    toml.write_text(
        'insurance = "保险"\n[values.insurance]\n"01" = "employee"\n[values."性别"]\n0 = 2\n',
        encoding="utf-8",
    )
    table.write_text(
        "canonical,header,value,meaning\ninsurance,保险,01,employee\nsex,,0,2\n", encoding="utf-8"
    )
    path = tmp_path / "a.csv"
    path.write_text("保险,性别,diagnoses\n01,0,I10\n", encoding="utf-8")
    for mapping in (toml, table):
        with open_cases(path, mapping=mapping) as opened:
            assert {k: dict(v) for k, v in opened.columns.values.items()} == {
                "insurance": {"01": "employee"},
                "sex": {"0": "2"},
            }
            assert opened.columns.column("insurance") == "保险"
