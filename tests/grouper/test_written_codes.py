"""Codes as people write them: mended where one code alone can be meant, on record, else unknown."""

from __future__ import annotations

import csv
import gzip

import openpyxl
import pyarrow as pa
import pytest

from drg.cases.codes import CodeIndex, read_codes
from grouper.engine.files import group_file
from grouper.explain.case import explain_case
from grouper.scheme.pack import load_scheme

SCHEME = "chs-drg-1.1"


@pytest.fixture(scope="module")
def indices():
    scheme = load_scheme(SCHEME)
    return [CodeIndex(list(names), record=True)
            for names in (scheme.diagnosis_names, scheme.procedure_names)]  # fmt: skip


def read(index, cell):
    lists = read_codes([pa.array([cell])], index, 1)
    means = index.meaning(lists.ids)
    return [index.codes[i - 1].as_py() if 0 < i < index.unknown else "?" if i else ""
            for i in means.tolist()]  # fmt: skip


@pytest.mark.parametrize(("cell", "codes"), [
    ("I50900", ["I50.900"]), ("i50900", ["I50.900"]), ("I10.", ["I10.x00"]),
    ("I10 x00x002", ["I10.x00x002"]), ("I10X00X002", ["I10.x00x002"]), ("I50.9", ["I50.900"]),
    ("I50.900+", ["I50.900"]), ("A17.000†G01*", ["A17.000+G01*"]),
    ("A17000+G01*", ["A17.000+G01*"]), ("A17.000+|G01*", ["A17.000+G01*"]),
    ("A17.000†|G01*|I10.x00", ["A17.000+G01*", "I10.x00"]), ('="I50.900"', ["I50.900"]),
    ("I50.900 心力衰竭", ["I50.900"]), ("E11.900 2型糖尿病", ["E11.900"]),
    ("I10 x00x002 高血压", ["I10.x00x002"]), ("I50.900(心力衰竭)", ["I50.900"]),
    ('["I50.900", "J96.000"]', ["I50.900", "J96.000"]),
    ("['I50.900','J96.000']", ["I50.900", "J96.000"]),
    ("I50.900x999", ["?"]), ("心力衰竭", ["?"]), ("I50.9000", ["?"]), ("G01*", ["?"]),
    ("I50.900|G01*", ["I50.900", "?"]),
])  # fmt: skip
def test_diagnoses(indices, cell, codes):
    assert read(indices[0], cell) == codes


@pytest.mark.parametrize(("cell", "codes"), [
    ("47.01", ["47.0100"]), ("3.9202", ["03.9202"]), ("99.99", ["99.9900"]),
    ("4701", ["47.0100"]), ("470100", ["47.0100"]), ("31.1", ["31.1x00"]),
    ("96.08x005", ["96.0800x005"]), ("47.0100 腹腔镜下阑尾切除术", ["47.0100"]),
    ("47", ["?"]), ("1", ["?"]), ("阑尾切除术", ["?"]),
])  # fmt: skip
def test_procedures(indices, cell, codes):
    assert read(indices[1], cell) == codes


def test_every_procedure_without_its_last_zeros_and_every_diagnosis_without_its_dot(indices):
    scheme = load_scheme(SCHEME)
    for index, names, short in (
        (indices[1], [c for c in scheme.procedure_names if "x" not in c],
         lambda code: code.rstrip("0").rstrip(".")),
        (indices[0], list(scheme.diagnosis_names), lambda code: code.replace(".", "")),
    ):  # fmt: skip
        codes = [code for code in names if "." in code and short(code) != code]
        found = index.meaning(index.ids(pa.array([short(code) for code in codes]))).tolist()
        known = [index.codes[i - 1].as_py() if 0 < i < index.unknown else "" for i in found]
        wrong = [(c, k) for c, k in zip(codes, known, strict=True) if k not in (c, "")]
        assert not wrong  # never another code
        lost = sum(not k for k in known)
        assert lost <= 0.01 * len(codes)


def test_what_two_codes_can_mean_is_not_guessed():
    index = CodeIndex(["39.202", "03.9202", "47.0100"], record=True)
    assert read(index, "39202") == ["?"]  # 39.202 or 03.9202 without its first zero
    assert read(index, "4701") == ["47.0100"]


@pytest.mark.parametrize("edition", ["insurance", "clinical"])
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "xlsx"])
def test_restored_codes_are_on_record(tmp_path, edition, ending):
    rows = [["case_id", "sex", "age", "diagnoses", "procedures"], ["A", 1, 59, "K35.300", 47.01],
            ["B", 1, 59, "I63.900", 3.9202], ["C", 1, 70, "I50900", "99.99"],
            ["D", 1, 70, "I50.900", ""]]  # fmt: skip
    source, out = tmp_path / f"in.{ending}", tmp_path / "out.csv"
    if ending == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(source)
    else:
        text = "\n".join(",".join(map(str, row)) for row in rows) + "\n"
        source.write_bytes(gzip.compress(text.encode()) if ending == "csv.gz" else text.encode())
    account = group_file(source, out, scheme=SCHEME, codes=edition)
    assert account.cases == 4
    assert account.statuses["grouped"] == 4
    with (tmp_path / "out.csv.codes.csv").open(encoding="utf-8-sig", newline="") as stream:
        listed = {row["code"]: row["converted_to"] for row in csv.DictReader(stream)}
    assert listed.items() >= {"47.01": "47.0100", "3.9202": "03.9202", "99.99": "99.9900",
                              "I50900": "I50.900"}.items()  # fmt: skip
    with out.open(encoding="utf-8-sig", newline="") as stream:
        groups = [row["drg"] for row in csv.DictReader(stream)]
    if edition == "insurance":
        assert groups[0] == "GD15"


def test_the_explanation_mends_as_the_grouper_does():
    for cell in ("A17.000†|G01*", "I50900|J96.000", "I50.900 心力衰竭"):
        found = explain_case({"diagnoses": cell, "sex": "1", "age": "70"}, scheme=SCHEME)
        assert found.status == "grouped"
        assert all(code.code for code in found.trace.diagnoses)
