from __future__ import annotations

import re

import pytest

from drg.cases import read_mapping, recognise
from drg.errors import DrgError


@pytest.mark.parametrize(
    ("names", "part", "found"),
    [
        (["diagnoses", "diagnosis_1"], "diagnoses", ["diagnoses"]),
        (["diagnosis_2", "diagnosis_10", "diagnosis_1"], "diagnoses",
         ["diagnosis_1", "diagnosis_2", "diagnosis_10"]),
        (["principal_diagnosis", "secondary_diagnosis_1"], "diagnoses",
         ["principal_diagnosis", "secondary_diagnosis_1"]),
        (["principal_procedure", "procedure_2", "procedure_1"], "procedures",
         ["principal_procedure", "procedure_1", "procedure_2"]),
        (["主要诊断编码", "其他诊断编码2", "其他诊断编码1"], "diagnoses",
         ["主要诊断编码", "其他诊断编码1", "其他诊断编码2"]),
        (["主要诊断编码", "诊断编码1"], "diagnoses", ["主要诊断编码", "诊断编码1"]),
        (["主要诊断", "主要诊断编码", "其他诊断1", "其他诊断编码1"], "diagnoses",
         ["主要诊断编码", "其他诊断编码1"]),
        (["主要诊断", "其他诊断编码1"], "diagnoses", ["主要诊断", "其他诊断编码1"]),
        (["出院主要诊断编码", "出院其他诊断编码1"], "diagnoses",
         ["出院主要诊断编码", "出院其他诊断编码1"]),
        (["主要诊断名称", "其他诊断编码1"], "diagnoses", []),
        (["其他诊断1", "其他诊断2"], "diagnoses", []),
        (["diag_code", "diag_code2", "diag_code1"], "diagnoses",
         ["diag_code", "diag_code1", "diag_code2"]),
        (["ICD-10"], "diagnoses", ["ICD-10"]),
        (["手术编码1", "手术编码2"], "procedures", ["手术编码1", "手术编码2"]),
        (["主要手术操作编码", "其他手术操作编码1"], "procedures",
         ["主要手术操作编码", "其他手术操作编码1"]),
        (["主要手术编码", "其他手术编码1"], "procedures", ["主要手术编码", "其他手术编码1"]),
        (["手术及操作编码1", "手术及操作编码2"], "procedures",
         ["手术及操作编码1", "手术及操作编码2"]),
        (["oprn_oprt_code", "oprn_oprt_code1"], "procedures",
         ["oprn_oprt_code", "oprn_oprt_code1"]),
        (["手术日期", "手术级别"], "procedures", []),
        (["年龄(岁)"], "age", ["年龄(岁)"]),
        (["年龄（不足1周岁）天数"], "age", []),
        (["（年龄不足1周岁的）年龄（天）"], "age_days", ["（年龄不足1周岁的）年龄（天）"]),
        (["年龄（天）"], "age", []),
        (["年龄（天）", "年龄（岁）"], "age_days", ["年龄（天）"]),
        (["实际住院（天）"], "length_of_stay", ["实际住院（天）"]),
        (["年龄不足1周岁的年龄（月）", "（年龄不足1周岁的）年龄（月）"], "age_days", []),
        (["性别（1男2女）"], "sex", ["性别（1男2女）"]),
        (["年龄不足１周岁天数"], "age_days", ["年龄不足１周岁天数"]),
        (["新生儿出生体重（克）"], "birth_weight", ["新生儿出生体重（克）"]),
        ([" Sex ", "性别"], "sex", [" Sex "]),
        (["GEND"], "sex", ["GEND"]),
        (["住院总费用：元"], "total_cost", []),
        (["住院总费用（元）"], "total_cost", ["住院总费用（元）"]),
    ],
)  # fmt: skip
def test_headers_are_recognised(names, part, found):
    assert list(recognise(names).columns(part)) == found


def test_a_mapping_wins_and_is_checked():
    names = ["dx", "sex", "diagnoses"]
    assert recognise(names, {"diagnoses": "dx"}).columns("diagnoses") == ("dx",)
    for mapping, message in (
        ({"diagnosis": "dx"}, "diagnosis: not a column of the case table"),
        ({"sex": "nope"}, "sex: no such column in the table: found 'nope'"),
        ({"sex": ["sex", "dx"]}, "sex: takes one column"),
    ):
        with pytest.raises(DrgError, match=message):
            recognise(names, mapping)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foo", "holds no mapping: found 'foo', expected a canonical name and a header"),
        ("", "holds no mapping"),
        ("canonical,header\n", "holds no mapping"),
        ("canonical,header\ntotal_cost,费用\nsex\n", "row 3: maps nothing: found 'sex'"),
        ("canonical,header\n,费用\n", "row 2: maps nothing"),
    ],
)
def test_a_line_that_maps_nothing_is_told(tmp_path, text, said):
    path = tmp_path / "mapping.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(DrgError, match=re.escape(said)):
        read_mapping(path, ["费用", "性别"])
    path.write_text("canonical,header\ntotal_cost,费用\nsex,\n\n", "utf-8")  # a form half filled in
    assert read_mapping(path, ["费用", "性别"]) == {"total_cost": ("费用",)}
