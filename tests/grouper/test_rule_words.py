"""Counts, lists of no group, the other trauma site and the weight at admission, in a tiny pack."""

from __future__ import annotations

import math
from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.errors import DrgError
from grouper import Grouper, find_scheme, load_scheme
from grouper.explain.case import Explainer
from grouper.scheme.changes import Change, difference, write_changes
from grouper.scheme.overlay import apply_changes
from grouper.scheme.rules import And, Compare, Count, Flag, Member, RuleError, parse, to_text
from tests.amount import tries
from tests.grouper.test_explain import agrees
from tests.grouper.test_packs import write_pack
from tests.reference import Case, Reference

TABLES = {
    "mdc.csv": [
        ("mdc", "name", "rule"),
        ("MDCA", "先期", "count(any_procedure in OP_ARB) >= 2"),
        ("MDCP", "新生儿", "age == 0"),
        ("MDCZ", "多发创伤", "other_trauma_site"),
        ("MDCO", "妊娠", "principal_diagnosis in DI_OBD"),
        ("MDCX", "其他", "true"),
    ],
    "adrg.csv": [
        ("adrg", "mdc", "name", "rule"),
        ("AA1", "MDCA", "两处操作", "true"),
        ("PS1", "MDCP", "低体重", "admission_weight < 1500"),
        ("PS2", "MDCP", "体重已知", "admission_weight >= 1500"),
        ("ZZ1", "MDCZ", "多发创伤", "count(any_diagnosis in D1) != 3"),
        ("OB1", "MDCO", "两个结局", "count(secondary_diagnosis in DI_OUT) == 2"),
        ("OR1", "MDCO", "分娩", "secondary_diagnosis in DI_OUT"),
        ("XJ1", "MDCX", "操作", "principal_procedure in P1 and not any_procedure in OP_ARB"),
    ],
    "drg.csv": [
        ("drg", "adrg", "name", "rule"),
        *((f"{adrg}9", adrg, "组", "true")
          for adrg in ("AA1", "PS1", "PS2", "ZZ1", "OB1", "OR1", "XJ1")),
    ],
    "diagnoses.csv": [
        ("code", "name", "mdc", "trauma_site", "lists", "complication", "complication_table",
         "exclusion_table"),
        ("O80.000", "分娩", "", "", "DI_OBD", "", "", ""),
        ("Z37.000", "单胎", "", "", "DI_OUT", "", "", ""),
        ("Z37.200", "双胎", "", "", "DI_OUT|DI_OBD", "", "", ""),
        ("S06.000", "脑震荡", "", "head", "ZZ1:D1", "", "", ""),
        ("S02.000", "颅骨骨折", "", "head", "ZZ1:D1", "", "", ""),
        ("S22.000", "胸椎骨折", "", "chest", "ZZ1:D1", "MCC", "1", "1"),
    ],
    "procedures.csv": [
        ("code", "name", "valid", "lists"),
        ("01.0100", "甲", "yes", "OP_ARB"),
        ("02.0200", "乙", "", "OP_ARB|XJ1:P1"),
        ("03.0300", "丙", "yes", "XJ1:P1"),
    ],
}  # fmt: skip
DIAGNOSES = [row[0] for row in TABLES["diagnoses.csv"][1:]]
PROCEDURES = [row[0] for row in TABLES["procedures.csv"][1:]]


def row(diagnoses, procedures="", age="40", weight=""):
    return {"diagnoses": diagnoses, "procedures": procedures, "sex": "2", "age": age,
            "admission_weight": weight}  # fmt: skip


def by_reference(reference, given):
    number = float(given["admission_weight"] or "nan")
    codes = (list(filter(None, given[part].split("|"))) for part in ("diagnoses", "procedures"))
    case = Case(*codes, sex=2.0, age=float(given["age"]), admission_weight=number)
    return reference.group(case)


def all_agree(pack, rows):
    """Engine, reference and explanation say the same of every row; what they say."""
    grouper = Grouper(pack)
    found = grouper.group(pd.DataFrame(rows))
    said = list(found[["mdc", "adrg", "drg", "severity"]].itertuples(index=False, name=None))
    for reference in (Reference(pack), Reference.of_scheme(load_scheme(pack))):
        assert said == [by_reference(reference, given) for given in rows]
    assert [one.drg for one in agrees(Explainer(pack), grouper, rows)] == list(found["drg"])
    return list(found["drg"])


@pytest.mark.parametrize(
    ("given", "drg"),
    [
        (row("O80.000", "01.0100|02.0200"), "AA19"),
        (row("O80.000", "01.0100|01.0100"), "0000"),  # one code, written twice
        (row("Z37.200|Z37.000|Z37.000"), "OR19"),
        (row("Z37.200|Z37.000|Z37.200"), "OB19"),  # the second of two equal codes is secondary
        (row("O80.000|Z37.000|Z37.200"), "OB19"),
        (row("O80.000"), "0000"),
        (row("S06.000|S22.000"), "ZZ19"),
        (row("S06.000|S02.000", "03.0300"), "XJ19"),  # the same site twice
        (row("S06.000|S02.000|S22.000", "03.0300"), "XJ19"),  # three codes of the list
        (row("O80.000|S06.000|S22.000", "02.0200"), "0000"),  # the principal one has no site
        (row("S06.000", "03.0300|01.0100"), "0000"),
        (row("S06.000", "", "0", "1499.5"), "PS19"),
        (row("S06.000", "", "0", "1500"), "PS29"),
        (row("S06.000", "03.0300", "0"), "XJ19"),  # a blank weight meets no comparison
        (row("S06.000", "03.0300", "1", "900"), "XJ19"),
    ],
)
def test_what_the_words_mean(tmp_path, given, drg):
    assert all_agree(write_pack(tmp_path / "pack", **TABLES), [given]) == [drg]


def test_every_small_case(tmp_path):
    pack = write_pack(tmp_path / "pack", **TABLES)
    some = [codes for n in (1, 2, 3) for codes in product(DIAGNOSES, repeat=n)]
    done = ["|".join(codes) for n in (0, 1, 2) for codes in product(PROCEDURES, repeat=n)]
    rows = [row("|".join(codes), done[i % len(done)], "0" if i % 7 == 0 else "40",
                ("", "900", "1500")[i % 3]) for i, codes in enumerate(some)]  # fmt: skip
    assert set(all_agree(pack, rows)) == {drg[0] for drg in TABLES["drg.csv"][1:]} | {"0000"}


def atom():
    operator, value = st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.integers(0, 3)
    dx = st.builds("{} in {}".format, st.sampled_from(
        ["principal_diagnosis", "any_diagnosis", "secondary_diagnosis"]),
        st.sampled_from(["DI_OBD", "DI_OUT", "ZZ1:D1"]))  # fmt: skip
    px = st.builds("{} in {}".format, st.sampled_from(
        ["principal_procedure", "any_procedure", "secondary_procedure"]),
        st.sampled_from(["OP_ARB", "XJ1:P1"]))  # fmt: skip
    counted = st.builds("count({}) {} {}".format, dx | px, operator, value)
    weight = st.builds("admission_weight {} {}".format, operator, st.sampled_from([900, 1500]))
    flag = st.sampled_from(["other_trauma_site", "trauma_sites >= 2", "mcc", "any_procedure_valid"])
    return counted | counted | weight | dx | px | flag


def rule():
    return st.recursive(atom(), lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner), st.builds("({} or {})".format, inner, inner),
        st.builds("not {}".format, inner)), max_leaves=5)  # fmt: skip


@settings(max_examples=tries(60, least=20))
@given(data=st.data())
def test_they_agree_whatever_the_rules(tmp_path_factory, data):
    drawn = [data.draw(rule()) for _ in range(8)]
    changes = dict(TABLES)
    changes["mdc.csv"] = [TABLES["mdc.csv"][0], ("MDCA", "甲", drawn[0]), ("MDCX", "乙", "true")]
    changes["adrg.csv"] = [
        TABLES["adrg.csv"][0],
        *((f"A{i}1", "MDCA", "组", text) for i, text in enumerate(drawn[1:4])),
        *((f"X{i}1", "MDCX", "组", text) for i, text in enumerate(drawn[4:])),
        ("ZZ1", "MDCX", "组", "any_diagnosis in D1"), ("XJ1", "MDCX", "组", "mcc"),
    ]  # fmt: skip
    changes["drg.csv"] = [TABLES["drg.csv"][0], *((f"{a[0]}9", a[0], "组", "true")
                                                 for a in changes["adrg.csv"][1:])]  # fmt: skip
    pack = write_pack(tmp_path_factory.mktemp("packs") / "pack", **changes)
    some = st.lists(st.sampled_from(DIAGNOSES), min_size=1, max_size=5).map("|".join)
    done = st.lists(st.sampled_from(PROCEDURES), max_size=4).map("|".join)
    weight = st.sampled_from(["", "899", "900", "1500"])
    rows = [row(data.draw(some), data.draw(done), "40", data.draw(weight)) for _ in range(8)]
    all_agree(pack, rows)


# Reading and writing


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("count(any_procedure in P1) >= 2", Count(Member("any_procedure", "P1"), ">=", 2.0)),
        ("count(any_diagnosis in BB1:D1#2) != 0",
         Count(Member("any_diagnosis", "D1#2", "BB1"), "!=", 0.0)),
        ("secondary_diagnosis in DI_OBD", Member("secondary_diagnosis", "DI_OBD")),
        ("any_procedure in OP2_ARB_1", Member("any_procedure", "OP2_ARB_1")),
        ("other_trauma_site and admission_weight < 2500",
         And((Flag("other_trauma_site"), Compare("admission_weight", "<", 2500.0)))),
    ],
)  # fmt: skip
def test_texts_and_trees(text, tree):
    assert parse(text) == tree
    assert to_text(tree) == text


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("count any_procedure in P1 > 1", 7, r"expected '\('"),
        ("count(age) > 1", 7, "a subject such as any_procedure"),
        ("count(any_procedure) > 1", 20, "'in'"),
        ("count(any_procedure in D1) > 1", 24, "a procedure list"),
        ("count(any_procedure in DI_OBD) > 1", 24, "a procedure list"),
        ("count(any_diagnosis in OP_ARB) > 1", 24, "a diagnosis list"),
        ("count(any_procedure in P1 > 1", 27, r"'\)'"),
        ("count(any_procedure in P1)", 27, "a comparison"),
        ("count(any_procedure in P1) in [1]", 28, "a comparison"),
        ("count(any_procedure in P1) > x", 30, "a number"),
        ("any_procedure in XX_ARB", 18, "unexpected 'X'"),
        ("any_diagnosis in BB1:DI_OBD", 24, "unexpected '_'"),
        ("other_trauma_site == 1", 19, "'and', 'or' or the end"),
        ("admission_weight", 17, "a comparison"),
    ],
)
def test_errors_say_where_and_what(text, position, expected):
    with pytest.raises(RuleError, match=expected) as caught:
        parse(text)
    assert caught.value.position == position


def test_a_list_of_no_group_needs_codes(tmp_path):
    adrgs = [*TABLES["adrg.csv"], ("XR1", "MDCX", "空", "any_procedure in OP_NONE")]
    pack = write_pack(tmp_path / "pack", **{**TABLES, "adrg.csv": adrgs})
    with pytest.raises(DrgError, match="OP_NONE"):
        load_scheme(pack)


# Overlays


def overlay(folder, base, changes):
    folder.mkdir()
    (folder / "scheme.toml").write_text(
        f'id = "local"\ntitle = "t"\nversion = "1"\nsource = "s"\nextends = "{base}"\n',
        encoding="utf-8",
    )
    write_changes(folder / "changes.csv", changes)
    return folder


def test_an_overlay_adds_a_list_of_no_group(tmp_path):
    write_pack(tmp_path / "base", **TABLES)
    local = overlay(tmp_path / "local", "../base", [
        Change("add", "adrg", "XC1", "指定操作两项", "MDCX", "count(any_procedure in OP_CITY) >= 2",
               "first"),
        Change("add", "drg", "XC19", "指定操作两项", "XC1", "true", "first"),
        Change("add", "procedure", "03.0300", "丙", "OP_CITY"),
        Change("add", "procedure", "04.0400", "丁", "code"),
        Change("add", "procedure", "04.0400", "丁", "OP_CITY"),
        Change("remove", "procedure", "02.0200", "乙", "OP_ARB"),
        Change("add", "diagnosis", "S06.000", "脑震荡", "DI_OBD"),
    ])  # fmt: skip
    scheme = load_scheme(local)
    assert scheme.lists["", "OP_CITY"] == ("03.0300", "04.0400")
    assert scheme.lists["", "OP_ARB"] == ("01.0100",)
    grouper = Grouper(local)
    rows = [row("S02.000", "03.0300|04.0400"), row("S02.000", "01.0100|02.0200"),
            row("S06.000|Z37.000")]  # fmt: skip
    found = list(grouper.group(pd.DataFrame(rows))["drg"])
    assert found == ["XC19", "0000", "OR19"]
    assert [one.drg for one in agrees(Explainer(local), grouper, rows)] == found
    reference = Reference.of_scheme(scheme)
    assert [by_reference(reference, given)[2] for given in rows] == found
    base = load_scheme(tmp_path / "base")
    made = apply_changes(base, difference(base, scheme), tmp_path / "changes.csv")
    assert difference(made, scheme) == []


def test_a_list_of_no_group_that_loses_its_last_code_is_named(tmp_path):
    write_pack(tmp_path / "base", **TABLES)
    local = overlay(tmp_path / "local", "../base", [
        Change("remove", "procedure", code, "", "OP_ARB") for code in PROCEDURES[:2]])  # fmt: skip
    with pytest.raises(DrgError, match="OP_ARB"):
        load_scheme(local)


def test_a_city_with_groups_of_chinese_medicine_that_ask_for_a_stay(tmp_path):
    """Cities lay groups of 中医优势病种 over 2.0; some ask for a least length of stay."""
    base = load_scheme("chs-drg-2.0")
    listed = [code for code in base.lists["IU2", "D1"] if code in base.diagnosis_names][:20]
    after = next(adrg.code for adrg in base.adrgs if adrg.mdc == "MDCI")
    local = overlay(tmp_path / "city", "chs-drg-2.0", [
        Change("add", "adrg", "IT9", "腰痛病（中医优势病种）", "MDCI",
               "principal_diagnosis in D1 and department in ['中医科', '针灸科'] "
               "and not any_procedure_valid", "first"),
        Change("add", "drg", "IT91", "腰痛病（中医优势病种），住院7天及以上", "IT9",
               "length_of_stay >= 7", "first"),
        Change("add", "drg", "IT95", "腰痛病（中医优势病种），住院3至6天", "IT9",
               "length_of_stay >= 3 and length_of_stay < 7", "IT91"),
        *(Change("add", "diagnosis", code, "", "IT9:D1") for code in listed),
    ])  # fmt: skip
    scheme, grouper = load_scheme(local), Grouper(local)
    assert [adrg.code for adrg in scheme.adrgs if adrg.mdc == "MDCI"][:2] == ["IT9", after]
    assert len(scheme.drgs) == 636
    assert "length_of_stay" in grouper.parts_used()
    assert "department" in grouper.parts_used()
    assert "length_of_stay" not in Grouper("chs-drg-2.0").parts_used()
    rows = [
        {"diagnoses": listed[0], "sex": "1", "age": "60", "length_of_stay": stay, "department": to,
         "procedures": done}
        for stay, to, done in (("7", "中医科", ""), ("6", "针灸科", ""), ("2", "中医科", ""),
                               ("", "中医科", ""), ("9", "骨科", ""), ("9", "中医科", "47.0100"))
    ]  # fmt: skip
    found = list(grouper.group(pd.DataFrame(rows))["drg"])
    plain = Grouper("chs-drg-2.0").group(pd.DataFrame(rows[:1]))["drg"][0]
    assert found == ["IT91", "IT95", plain, plain, plain, plain]
    assert plain.startswith("IU2")
    assert [one.drg for one in agrees(Explainer(local), grouper, rows)] == found
    reference = Reference.of_scheme(scheme)
    for case_row, drg in zip(rows, found, strict=True):
        case = Case([listed[0]], list(filter(None, [case_row["procedures"]])), 1.0, 60.0,
                    length_of_stay=float(case_row["length_of_stay"] or math.nan),
                    department=case_row["department"])  # fmt: skip
        assert reference.group(case)[2] == drg
    assert find_scheme(local) == local
