"""Rules derived from lists, last digits and wording."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from grouper import Grouper
from grouper.importer import import_tables
from grouper.importer.cells import list_cell
from grouper.importer.wording import condition, conditions, outcome, severity
from grouper.scheme.rules import parse, to_text
from tests.importer.book import Book, small_book, write_book


def rules(folder: Path) -> dict[str, str]:
    found = {}
    for name in ("mdc", "adrg", "drg"):
        with (folder / f"{name}.csv").open(encoding="utf-8") as stream:
            found |= {row[name]: row["rule"] for row in csv.DictReader(stream)}
    return found


def bring(book: Book, folder: Path, mapping: str = ""):
    source = write_book(book, folder / "b.xlsx")
    given = None
    if mapping:
        given = folder / "m.toml"
        given.write_text(mapping, encoding="utf-8")
    done = import_tables(source, folder / "out", given)
    assert done.written, done.text
    return done, rules(folder / "out")


def test_from_lists(tmp_path):
    done, found = bring(small_book(), tmp_path)
    assert found["BB1"] == "principal_procedure in P1"
    assert found["EB2"] == "any_procedure in P1 and any_procedure in P2"
    assert found["BT2"] == "principal_diagnosis in D1"
    assert found["GD1"] == "principal_diagnosis in D1 and principal_procedure in P1"
    assert found["EX2"] == "principal_diagnosis in D1 and age >= 1"
    assert found["PS1"] == "principal_diagnosis in D1 and birth_weight < 1500"
    assert found["PS4"] == "principal_diagnosis in D1 and birth_weight >= 2500"
    assert {f.code for f in done.findings if f.kind == "rule_derived"} == {"EX2", "PS1", "PS4"}
    assert found["MDCM"] == "principal_diagnosis in MDC and sex == male"
    assert found["MDCP"] == "principal_diagnosis in MDC and age == 0"
    assert list(found)[:3] == ["MDCP", "MDCY", "MDCM"]
    for group, rule in (("ES31", "mcc"), ("ES33", "mcc or cc"), ("ES35", "true"),
                        ("ET23", "mcc or cc"), ("BT21", "mcc"), ("MB19", "true")):  # fmt: skip
        assert found[group] == rule


def test_groups(tmp_path):
    bring(small_book(), tmp_path)
    cases = pd.DataFrame(
        [
            ("1", "40", "J18.900|J96.000", "", "ES31"),
            ("1", "40", "J18.900|J44.900", "", "ES33"),
            ("1", "40", "J18.900|J18.900", "", "ES35"),
            ("1", "40", "J18.900", "33.2400x001|40.3x00x001", "EB29"),
            ("1", "40", "J18.900", "32.4902", "EB19"),
            ("1", "40", "K35.300", "47.0100", "GD15"),
            ("2", "40", "N40.x00", "", "0000"),
            ("1", "40", "N40.x00", "", "MZ19"),
            ("2", "40", "B20.000", "", "YR19"),
        ],
        columns=["sex", "age", "diagnoses", "procedures", "want"],
    )
    assert list(Grouper(tmp_path / "out").group(cases)["drg"]) == list(cases["want"])


def test_options(tmp_path):
    _, found = bring(
        small_book(), tmp_path, '[options]\nhiv = "any"\nprocedure_test = "any"\n[scheme]\nid = "x"'
    )
    assert found["MDCY"] == "any_diagnosis in MDC"
    assert found["BB1"] == "any_procedure in P1"
    assert 'id = "x"' in (tmp_path / "out/scheme.toml").read_text(encoding="utf-8")


def test_a_principal_operation_wins_over_a_secondary_one(tmp_path):
    book = small_book()
    book["ADRG列表"].insert(6, ["EC1", "MDCE", "肺部其他手术"])
    book["ADRG手术操作"].append(["EC1", "P1", "33.2400x002"])
    book["DRG列表"].append(["EC19", "EC1", "肺部其他手术"])
    _, found = bring(book, tmp_path, '[options]\nprocedure_test = "principal-then-any"')
    assert found["EC1"] == "any_procedure in P1"
    assert found["EB1"] == (
        "principal_procedure in P1 or any_procedure in P1 and not (principal_procedure in EC1:P1)"
    )
    grouper = Grouper(tmp_path / "out")
    cases = pd.DataFrame(
        [
            ("J18.900", "32.4902|33.2400x002", "EB19"),
            ("J18.900", "33.2400x002|32.4902", "EC19"),
            ("J18.900", "45.1300|32.4902|33.2400x002", "EB19"),
            ("J18.900", "45.1300|33.2400x002", "EC19"),
            ("J18.900", "45.1300", "ES35"),
        ],
        columns=["diagnoses", "procedures", "want"],
    )
    assert list(grouper.group(cases)["drg"]) == list(cases["want"])


def test_alternatives_and_sublists(tmp_path):
    book = small_book()
    book["ADRG手术操作"] += [
        ["EB2", "或手术操作列表3", "33.2400x002"],
        ["EB2", "同时包含手术操作列表4", "32.4902"],
    ]
    _, found = bring(book, tmp_path)
    assert found["EB2"] == (
        "((any_procedure in P1 and any_procedure in P2) or "
        "(any_procedure in P3 and any_procedure in P4))"
    )
    book["ADRG列表"][5][3:] = ["列表1或（列表3且列表4）且列表2"]
    (tmp_path / "second").mkdir()
    _, found = bring(book, tmp_path / "second")
    parsed = parse("any_procedure in P1 or (any_procedure in P3 and any_procedure in P4) "
                   "and any_procedure in P2")  # fmt: skip
    assert to_text(parse(found["EB2"])) == to_text(parsed)


def test_deaths_and_ages(tmp_path):
    book = small_book()
    book["DRG列表"] += [
        ["BR27", "BR2", "脑缺血性疾患，死亡或转院（住院≤5天）"],
        ["MZ11", "MZ1", "前列腺疾患，年龄<17岁，伴严重并发症或合并症"],
        ["NZ15", "NZ1", "子宫疾患，年龄≥60岁"],
    ]
    _, found = bring(book, tmp_path)
    assert found["BR27"] == "discharge_mode in [2, 5] and length_of_stay <= 5"
    assert found["MZ11"] == "age < 17 and mcc"
    assert found["NZ15"] == "age >= 60"
    order = list(found)
    assert order.index("BR27") < order.index("BR29")
    assert order.index("NZ15") < order.index("NZ19")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("新生儿（出生年龄＜29天）腹部手术", ["age_days < 29"]),
        ("早产儿（出生体重1500-1999g）", ["birth_weight >= 1500", "birth_weight < 2000"]),
        ("早产儿（出生体重>2499g）", ["birth_weight >= 2500"]),
        ("婴儿（29天≤出生年龄<1周岁）", ["age_days >= 29", "age < 1"]),
        ("哮喘，年龄<17岁", ["age < 17"]),
        ("哮喘，17岁以下", ["age < 17"]),
        ("骨折，60岁及以上", ["age >= 60"]),
        ("儿童（1-13岁）", ["age >= 1", "age <= 13"]),
        ("有创呼吸机支持≥96小时", []),
        ("肺炎", []),
    ],
)
def test_wording_of_ages_and_weights(text, want):
    said = conditions(text)
    assert list(said.rules) == want
    assert not said.unread
    for rule in said.rules:
        parse(rule)


def test_unread_wording_is_told():
    assert conditions("哮喘，年龄约五岁").unread


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("肺炎，伴严重并发症或合并症", "mcc"),
        ("肺炎，伴并发症或合并症", "cc"),
        ("肺炎，不伴并发症或合并症", "none"),
        ("肺炎，无并发症与合并症", "none"),
        ("肺炎 伴MCC", "mcc"),
        ("肺炎 伴CC", "cc"),
        ("肺炎", ""),
        ("ECMO", ""),
    ],
)
def test_severity_words(name, want):
    assert severity(name) == want


def test_outcome_words():
    assert outcome("心衰，死亡（住院5天内）") == "discharge_mode == 5 and length_of_stay <= 5"
    assert outcome("心衰，转院") == "discharge_mode == 2"
    assert outcome("心衰") == ""


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("主要诊断且手术操作列表1", "principal_diagnosis in D1 and any_procedure in P1"),
        ("主要诊断，主要手术操作", "principal_diagnosis in D1 and principal_procedure in P1"),
        ("列表1同时包含列表2", "any_procedure in P1 and any_procedure in P2"),
        ("手术操作列表1-2 或 P3#1", "any_procedure in P1#2 or any_procedure in P3#1"),
        ("主要诊断列表2且出生体重<1500g", "principal_diagnosis in D2 and birth_weight < 1500"),
        ("由专家认定", ""),
    ],
)
def test_conditions_in_words(text, want):
    found = condition(text)
    assert found == want
    assert not found or to_text(parse(found)) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("P1", ("P", 1, 0, "")),
        ("d2", ("D", 2, 0, "")),
        ("P1#2", ("P", 1, 2, "")),
        ("手术操作列表1-2", ("P", 1, 2, "")),
        ("手术或操作列表３", ("P", 3, 0, "")),
        ("诊断列表1", ("D", 1, 0, "")),
        ("同时包含以下手术操作", ("P", 0, 0, "and")),
        ("或包含列表2", ("", 2, 0, "or")),
        ("二级列表", ("", 2, 0, "")),
        ("甲表", None),
        ("P0", None),
        ("D1手术操作", None),
    ],
)
def test_list_numbers(text, want):
    found = list_cell(text)
    assert (None if found is None else (found.kind, found.number, found.part, found.join)) == want
