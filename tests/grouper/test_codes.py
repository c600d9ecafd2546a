from __future__ import annotations

import csv
import pickle

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drg.cases.codes import CodeIndex
from drg.errors import DrgError
from grouper import Grouper, load_scheme
from grouper.codes.candidates import Candidates
from grouper.codes.editions import conversions
from grouper.engine.code_uses import name_column
from grouper.engine.files import group_file


@pytest.fixture(scope="module")
def scheme():
    return load_scheme("chs-drg-1.1")


@pytest.fixture(scope="module")
def clinical():
    return Grouper(codes="clinical")


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_tables_lead_to_codes_of_the_edition(scheme):
    for kind, names, count in (("diagnosis", scheme.diagnosis_names, 4388),
                               ("procedure", scheme.procedure_names, 560)):  # fmt: skip
        table = conversions(kind)
        assert len(table) == count
        assert all(new in names for new in table.values())
        assert all(old != new and old == old.strip() for old, new in table.items())


def test_every_conversion_is_grouped_as_its_target(clinical, grouper):
    for column, kind in (("diagnoses", "diagnosis"), ("procedures", "procedure")):
        table = conversions(kind)
        given = {"diagnoses": "I10.x00x002" if column == "procedures" else "", "sex": "2",
                 "age": "40"}  # fmt: skip
        old = pd.DataFrame([{**given, column: code} for code in table])
        new = pd.DataFrame([{**given, column: code} for code in table.values()])
        found = clinical.group(old)[["drg", "severity", "status", "reason"]]
        assert found.equals(grouper.group(new)[["drg", "severity", "status", "reason"]])


def test_a_spelling_of_both_editions_is_read_as_the_file_s(clinical, grouper, scheme):
    both = {old: new for old, new in conversions("diagnosis").items()
            if old in scheme.diagnosis_names}  # fmt: skip
    assert len(both) > 200
    frame = pd.DataFrame({"diagnoses": list(both), "sex": 2, "age": 40})
    targets = grouper.group(frame.assign(diagnoses=list(both.values())))
    assert list(clinical.group(frame)["drg"]) == list(targets["drg"])
    assert list(grouper.group(frame)["drg"]) != list(targets["drg"])


def test_spellings_combined_codes_and_processes(clinical):
    frame = pd.DataFrame(
        {"diagnoses": ["e11.600X016+m14.2*", "Ｉ25.101", "I10.x00x002|I25.101", "nix"]}
    )
    for one in (clinical, pickle.loads(pickle.dumps(clinical))):
        found = one.group(frame)
        assert list(found["status"]) == ["grouped"] * 3 + ["ungrouped"]
        assert found["reason"][3] == "unknown_principal_diagnosis"


def test_an_edition_that_is_not_known():
    with pytest.raises(DrgError, match="codes: no such edition of codes: found 'klinisch'"):
        Grouper(codes="klinisch")


def test_unknown_spellings_have_integers_of_their_own():
    index = CodeIndex(["A", "B"], {"C": "A", "D": "missing", "B": "A"}, record=True)
    ids = index.ids(pa.array(["A", "B", "C", "D", "?x", "?X", None, "b"]))
    assert index.meaning(ids).tolist() == [1, 1, 1, 3, 3, 3, 0, 1]
    assert index.spelling(ids[4]) == index.spelling(ids[5]) == "?X"
    assert index.spelling(ids[2]) == "C"
    plain = CodeIndex(["A", "B"], {"C": "A"})
    assert plain.ids(pa.array(["A", "C", "?x"])).tolist() == [1, 1, 3]


def test_candidates(scheme):
    near = Candidates(scheme.diagnosis_names)
    assert near.by_code("I25.101")[0].code.startswith("I25.1")
    assert all(c.code.startswith("H25") for c in near.by_code("H25.003"))
    assert near.by_code("??") == near.by_code("") == near.by_name("") == []
    assert near.by_name("老年性白内障")[0].code == "H25.900"
    assert "糖尿病" in near.by_name("2型糖尿病性足病")[0].name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("主要诊断编码", "主要诊断名称"),
        ("主要诊断编码", "主要诊断"),
        ("其他诊断编码3", "其他诊断名称3"),
        ("其他诊断3", "其他诊断名称3"),
        ("手术操作编码1", "手术操作名称1"),
        ("diag_code", "diag_name"),
        ("principal_diagnosis", "principal_diagnosis_name"),
    ],
)
def test_the_column_of_names_beside_a_column_of_codes(code, name):
    assert name_column(code, ["性别", code, name]) == name
    assert name_column(code, ["性别", code]) is None


def test_conversions_and_unknown_codes_are_listed(tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(
        "医疗机构代码,主要诊断编码,主要诊断名称,其他诊断编码1,其他诊断名称1,手术操作编码1,手术操作名称1\n"
        "H2,I25.101,冠状动脉狭窄,Q9,=1+1,99.9,阑尾切除术\n"
        "H1,I25.101,冠状动脉狭窄,,,,\n"
        "H1,H25.003,老年性白内障,I25.101,冠状动脉狭窄,,\n"
        "H1,Q9,=1+1,,,,\n"
        "H1,broken\n",
        encoding="utf-8",
    )
    account = group_file(source, out, codes="clinical")
    assert (account.converted, account.unmapped, account.unmapped_codes) == (4, 3, 2)
    converted = rows(account.converted_path)
    assert [(r["code"], r["converted_to"], r["uses"], r["as_principal"]) for r in converted] == [
        ("I25.101", "I25.100x003", "3", "2"), ("H25.003", "H25.900", "1", "1"),
    ]  # fmt: skip
    unmapped = rows(account.unmapped_path)
    assert [(r["hospital_id"], r["kind"], r["code"], r["uses"]) for r in unmapped] == [
        ("H1", "diagnosis", "Q9", "1"), ("H2", "diagnosis", "Q9", "1"),
        ("H2", "procedure", "99.9", "1"),
    ]  # fmt: skip
    assert unmapped[0]["name_in_file"] == "'=1+1"
    assert "阑尾切除术" in unmapped[2]["candidates_by_name"]
    account = group_file(source, out)
    assert not account.converted_path.exists()
    first = next(r for r in rows(account.unmapped_path) if r["code"] == "H25.003")
    assert first["clinical_edition_of"] == "H25.900 老年性白内障"
    source.write_text("diagnoses\nI10.x00x002\n")
    group_file(source, out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv", "out.csv.run.json"]


def test_codes_that_excel_made_numbers_are_listed_as_what_they_were(tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(
        "主要诊断编码,手术操作编码1\nK35.300,47.01\nK35.300,47.0100\n", encoding="utf-8"
    )
    account = group_file(source, out)
    assert len({row["drg"] for row in rows(out)}) == 1
    assert [(r["kind"], r["code"], r["converted_to"], r["uses"]) for r in
            rows(account.converted_path)] == [("procedure", "47.01", "47.0100", "1")]  # fmt: skip


def test_lists_are_the_same_in_every_run(tmp_path):
    codes = [f"Q{i % 977:03d}.zz" for i in range(300_000)]
    table = pa.table({"diagnoses": codes, "hospital_id": [f"H{i % 7}" for i in range(300_000)]})
    pq.write_table(table, tmp_path / "in.parquet")
    found = []
    for name in ("a", "b"):
        account = group_file(tmp_path / "in.parquet", tmp_path / f"{name}.parquet")
        found.append(account.unmapped_path.read_bytes())
        assert (account.unmapped, account.unmapped_codes) == (300_000, 977)
    assert found[0] == found[1]
