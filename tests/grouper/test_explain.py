"""The explanation and the engine never disagree, and it says what mattered."""

from __future__ import annotations

import json
import math
import shutil
import xml.etree.ElementTree as ET
from functools import cache

import pandas as pd
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from drg.cli.explain.case import explain as command
from drg.errors import DrgError
from grouper import Grouper
from grouper.explain.case import Explainer, case_of, explain_case
from grouper.explain.codes import find_case
from grouper.scheme import rules
from tests.amount import tries
from tests.conftest import DATA
from tests.random_records import records
from tests.schemes import labelled_of, labelled_schemes
from tests.test_docs import EXAMPLES

RESULTS = ["mdc", "adrg", "drg", "severity"]
app = typer.Typer(pretty_exceptions_enable=False)
app.command("explain")(command)


@cache
def machines(scheme_id):
    return Explainer(scheme_id), Grouper(scheme_id)


def agrees(explainer, grouper, rows):
    """Compare the trace, before the explanation's own check, with the engine."""
    grouped = grouper.group(pd.DataFrame(rows))
    for row, found in zip(rows, grouped.to_dict("records"), strict=True):
        case = case_of(row)
        if found["status"] != "invalid":
            trace = explainer.tracer.trace(case)
            path = [step.code for step in trace.path] or ["", "", "0000"]
            assert [*path, trace.severity] == [found[name] for name in RESULTS], row
        explanation = explainer.explain(case)
        for name in (*RESULTS, "status", "reason"):
            assert getattr(explanation, name) == found[name], (name, row)
        yield explanation


@pytest.mark.parametrize("scheme_id", labelled_schemes())
@settings(max_examples=tries(40, least=10))
@given(data=st.data())
def test_explanation_and_engine_agree(scheme_id, data):
    rows = data.draw(st.lists(records(scheme_id), min_size=1, max_size=12))
    for found in agrees(*machines(scheme_id), rows):
        for lang in ("zh", "en"):
            assert found.drg in found.text(lang)
            ET.fromstring(found.svg(lang))
        assert json.loads(found.json())["drg"] == found.drg


@pytest.mark.parametrize(
    ("scheme_id", "step", "groups"),
    [("chs-drg-2.0", 2, 634), ("chs-drg-2.0+qy", 1, 655), ("chs-drg-1.1", 2, 628)],
)
def test_every_labelled_group_is_explained(scheme_id, step, groups):
    rows = pd.read_csv(labelled_of(scheme_id), dtype=str, keep_default_na=False)
    explainer, grouper = machines(scheme_id)
    found = list(agrees(explainer, grouper, rows.to_dict("records")[::step]))
    assert len({explanation.drg for explanation in found}) == groups


def atom():
    number = st.sampled_from(["age", "age_days", "birth_weight", "sex", "length_of_stay",
                              "discharge_mode", "icu_hours", "trauma_sites"])  # fmt: skip
    value = st.sampled_from(["0", "1", "2", "28", "70", "1500"])
    compare = st.builds("{} {} {}".format, number, st.sampled_from(rules.COMPARISONS), value)
    among = st.builds("{} in [{}, {}]".format, number, value, value)
    text = st.sampled_from(["department == '儿科'", "department != '儿科'"])
    dx = st.builds("{} in {}".format, st.sampled_from(rules.CODE_SUBJECTS[:3]),
                   st.sampled_from(["ER1:D1", "GD1:D1", "MDCE:MDC"]))  # fmt: skip
    px = st.builds("{} in {}".format, st.sampled_from(rules.CODE_SUBJECTS[3:]),
                   st.sampled_from(["EB1:P1", "GD1:P1"]))  # fmt: skip
    flag = st.sampled_from([*rules.FLAGS, "true", "false"])
    return compare | among | text | dx | px | flag


def rule():
    return st.recursive(
        atom(),
        lambda inner: (
            st.builds("({} and {})".format, inner, inner)
            | st.builds("({} or {})".format, inner, inner)
            | st.builds("not {}".format, inner)
        ),
        max_leaves=6,
    )


TINY_DX = ["J18.900", "J90.x00", "J96.000", "K35.300", "zzz", ""]
TINY_PX = ["32.4902", "45.1300", "47.0100", "zzz", ""]


@settings(max_examples=tries(40, least=10))
@given(data=st.data())
def test_they_agree_whatever_the_rules(tmp_path_factory, data):
    pack = tmp_path_factory.mktemp("packs") / "pack"
    shutil.copytree(EXAMPLES / "tiny-pack", pack)
    drawn = [data.draw(rule()) for _ in range(7)]
    groups = [
        *zip(("EB19", "ER11", "ER13", "GD13"), ("EB1", "ER1", "ER1", "GD1"), drawn[:4], strict=True)
    ]
    write(pack / "drg.csv", "drg,adrg,name,rule", groups)
    groups = [*zip(("EB1", "ER1", "GD1"), ("MDCE", "MDCE", "MDCG"), drawn[4:], strict=True)]
    write(pack / "adrg.csv", "adrg,mdc,name,rule", groups)
    some_dx = st.lists(st.sampled_from(TINY_DX), min_size=1, max_size=4).map("|".join)
    some_px = st.lists(st.sampled_from(TINY_PX), max_size=3).map("|".join)
    rows = [
        {
            **data.draw(records("chs-drg-1.1")),
            "diagnoses": data.draw(some_dx),
            "procedures": data.draw(some_px),
        }
        for _ in range(6)
    ]
    for found in agrees(Explainer(pack), Grouper(pack), rows):
        assert found.text("zh") != found.text("en")
        assert found.text(everything=True)


def write(path, header, groups):
    lines = [f'{code},{parent},n,"{text}"' for code, parent, text in groups]
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")


# What is said


def test_the_path_and_the_codes_that_matched():
    found = explain_case(diagnoses=["I10.x00x002", "J96.000"], sex="男", age=70)
    assert [step.code for step in found.path] == ["MDCF", "FV2", "FV23"]
    text = found.text()
    assert "为什么进入 FV23" in text
    assert "主要诊断 I10.x00x002（高血压）在 FV2:D1 中" in text
    assert "MCC J96.000（急性呼吸衰竭）计入" in text
    english = found.text("en")
    assert "principal diagnosis I10.x00x002 (高血压) is in FV2:D1" in english
    assert "MCC J96.000 (急性呼吸衰竭) counts" in english
    assert str(found) == text
    assert found._repr_svg_().startswith("<svg")


def test_an_excluded_complication_names_its_table():
    found = explain_case(scheme=EXAMPLES / "tiny-pack", diagnoses="J18.900|J90.x00|J96.000")
    by_code = {c.code: c for c in found.trace.complications}
    assert (by_code["J90.x00"].counts, by_code["J90.x00"].table) == (False, "1")
    assert by_code["J96.000"].counts
    assert "不计入：被主要诊断 J18.900 的排除表 1 排除" in found.text()
    assert "the principal diagnosis J18.900 excludes table 1" in found.text("en")
    document = found.document()
    assert [c["counts"] for c in document["complications"]] == [True, False]


def test_what_was_tried_and_why_not():
    found = explain_case(diagnoses="I10.x00x002|E11.900", sex=1, age=70)
    assert found.drg == "FV25"
    assert "FV23  高血压，伴合并症或并发症：没有 MCC；没有 CC" in found.text()
    assert len(found.text(everything=True)) > 2 * len(found.text())
    woman = explain_case(diagnoses="N40.x00", sex=2, age=70)
    assert (woman.status, woman.reason) == ("ungrouped", "sex_conflict")
    assert "MDCM  男性生殖系统疾病及功能障碍：性别 女，不满足 = 男" in woman.text()
    assert "sex female, not = male" in woman.text("en")


def test_invalid_and_unknown_are_said():
    found = explain_case(diagnoses="|I10.x00x002")
    assert (found.status, found.path, found.tried) == ("invalid", (), ())
    assert "缺少主要诊断" in found.text()
    assert "zzz" in explain_case(diagnoses="I10.x00x002|zzz").text()
    assert "age = 'abc'" in explain_case(diagnoses="I10.x00x002", age="abc").text()
    with pytest.raises(DrgError, match="lang: no such language"):
        explain_case(diagnoses="I10.x00x002").text("fr")


def test_codes_of_the_clinical_edition_are_converted():
    found = explain_case(diagnoses="A01.000x002", codes="clinical")
    assert found.trace.diagnoses[0].code == "A01.003"
    assert "编码换算：A01.000x002 -> A01.003" in found.text()


def test_a_case_from_any_dialect():
    front_page = {"主要诊断编码": "I10.x00x002", "其他诊断编码1": "", "其他诊断编码2": "J96.000",
                  "性别": "男", "年龄": 71.0, "入院诊断": "I50.900"}  # fmt: skip
    found = explain_case(pd.Series(front_page))
    assert found.drg == "FV23"
    assert found.case.elsewhere == (("入院诊断", "I50.900"),)
    assert found.case.numbers["age"] == 71.0
    assert math.isnan(found.case.numbers["birth_weight"])
    own = explain_case({"主诊": "I10.x00x002", "年龄": pd.NA}, columns={"diagnoses": "主诊"})
    assert own.drg == "FV25"
    with pytest.raises(DrgError, match="not a part of a case"):
        explain_case(diagnoses="I10.x00x002", weight=3)


def test_a_case_from_a_file(tmp_path):
    source = tmp_path / "cases.csv"
    source.write_text("case_id,sex,age,diagnoses\nA,1,40,I10.x00x002\nB,1,40,N40.x00\n"
                      "A,2,40,N40.x00\n", encoding="utf-8")  # fmt: skip
    first = find_case(source, case_id="A")
    assert (first.row, first.times, first.case.diagnoses) == (2, 2, ("I10.x00x002",))
    third = find_case(source, row=4)
    assert (third.case.case_id, third.case.diagnoses) == ("A", ("N40.x00",))
    with pytest.raises(DrgError, match="there is no such case: found 'C'"):
        find_case(source, case_id="C")
    with pytest.raises(DrgError, match="there is no such case: found '9'"):
        find_case(source, row=9)


# The command


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_the_command_explains(tmp_path):
    done = run("--diagnoses", "I10.x00x002,J96.000", "--sex", "1", "--lang", "en", "--what-if")
    assert done.exit_code == 0
    assert done.output.startswith("FV23")
    assert any(line.split()[:3] == ["without", "diagnosis", "J96.000"] and "-> FV25" in line
               for line in done.output.splitlines())  # fmt: skip
    picture = tmp_path / "case.svg"
    assert run("--diagnoses", "I10.x00x002", "--format", "svg", "--out", picture).exit_code == 0
    assert ET.parse(picture).getroot().tag.endswith("svg")
    document = json.loads(run("--diagnoses", "I10.x00x002", "--format", "json").output)
    assert document["path"][-1]["code"] == "FV25"


def test_the_command_finds_a_case(tmp_path):
    source = DATA / "labelled.csv"
    rows = pd.read_csv(source, dtype=str, keep_default_na=False)
    done = run(source, "--row", 2)
    assert done.exit_code == 0
    assert rows["drg"][0] in done.output.splitlines()[0]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--case", "1"),
        (DATA / "labelled.csv",),
        (DATA / "labelled.csv", "--case", "1", "--age", "3"),
        (DATA / "labelled.csv", "--case", "1", "--row", "3"),
        (DATA / "labelled.csv", "--dependence"),
        ("--diagnoses", "I10.x00x002", "--what-if", "--rate", "8000"),
        ("--diagnoses", "I10.x00x002", "--lang", "fr"),
    ],
)
def test_wrong_usage_is_2(arguments):
    assert run(*arguments).exit_code == 2


def test_a_code_typed_as_a_number_is_explained_as_it_is_grouped():
    found = explain_case(diagnoses=["I21.101"], procedures=["36.07"], sex=1, age=60)
    exact = explain_case(diagnoses=["I21.101"], procedures=["36.0700"], sex=1, age=60)
    assert found.drg == exact.drg


def test_what_a_notebook_keeps_names_no_person():
    record = {
        "diagnoses": "I50.900",
        "patient_id": "P7654321",
        "hospital_id": "H42",
        "case_id": "K9",
    }
    found = explain_case(record)
    for text in (repr(found), repr(found.case), found.text("zh"), found.svg()):
        assert "P7654321" not in text
    assert "K9" not in repr(found.case)
