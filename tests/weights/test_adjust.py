"""Cost structure and classes of groups: what they change, and how wrong documents are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from weights.fit.adjust import KINDS, Classes, CostStructure, read_classes

GROUPS = ("AA19", "AH11", "AH13", "ES21", "FV25")
LEVEL = np.array([12.0, 4.0, 3.0, 1.0, 0.5])
DOCUMENT = """
title = "Classes of a city"
source = "city bureau, 2025"

[[class]]
kind = "疑难重症"
factor = 1.05
groups = ["AA19", "XX11"]
adrgs = ["AH1", "ZZ9"]
reason = "raised by the panel"

[[class]]
kind = "basic"
name = "同病同价"
groups = ["FV25"]
weight = 0.45
reason = "one price for all hospitals"

[[class]]
kind = "tcm"
factor = 1.1
tags = ["中医", "民族医"]
reason = "TCM treatment"
source = "TCM bureau"
"""


@pytest.fixture
def document(tmp_path):
    def write(text, name="classes.toml", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write


# Cost structure


def test_cost_structure_by_hand():
    components = np.array(
        [[100.0, 50, 200, 500, 150], [np.nan] * 5, [0] * 5, [0, 0, 0, 80, 20], [7, 0, 0, 0, 0]]
    )  # fmt: skip
    found = CostStructure().factor(GROUPS, components)
    # (110 + 55 + 190 + 450 + 150) / 1000
    assert found == pytest.approx([0.955, 1, 1, 0.92, 1.1])


@given(
    st.lists(st.lists(st.floats(0, 1e6), min_size=5, max_size=5), min_size=1, max_size=5),
    st.lists(st.floats(0.5, 2), min_size=5, max_size=5),
)
def test_cost_structure_is_a_mean_of_factors(components, factors):
    costs = np.array(components)
    found = CostStructure(tuple(factors)).factor(GROUPS[: len(costs)], costs)
    np.testing.assert_allclose(costs.sum(axis=1) * found, costs @ factors, rtol=1e-9, atol=1e-9)
    assert (found >= min(1, *factors) - 1e-9).all()
    assert (found <= max(1, *factors) + 1e-9).all()


def test_equal_factors_of_one_change_nothing():
    costs = np.arange(25.0).reshape(5, 5)
    assert CostStructure((1.0,) * 5).factor(GROUPS, costs) == pytest.approx(np.ones(5))


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ((1.0,) * 4, "cost structure: needs a factor for each component"),
        ((1, 1, 1, 0.4, 1), "cost structure: drug_material: out of range: found '0.4'"),
        ((1, float("nan"), 1, 1, 1), "cost structure: nursing: out of range"),
    ],
)
def test_wrong_factors(factors, message):
    with pytest.raises(DrgError, match=message):
        CostStructure(factors)


def test_wrong_components():
    costs = np.ones((5, 5))
    costs[2, 1] = -1
    with pytest.raises(DrgError, match="nursing: negative mean cost of AH13"):
        CostStructure().factor(GROUPS, costs)
    with pytest.raises(DrgError, match="do not fit the groups"):
        CostStructure().factor(GROUPS, costs[:, :4])


# Classes


def test_a_document_of_classes(document):
    classes = read_classes(document(DOCUMENT))
    given_level = LEVEL.copy()
    found = classes.apply(GROUPS, LEVEL, {"ES21": "儿科|中医", "QQ11": "民族医"})
    assert found.level == pytest.approx([12.6, 4.2, 3.15, 1.1, 0.45])
    assert found.level[4] == 0.45
    assert found.factor == pytest.approx([1.05, 1.05, 1.05, 1.1, 0.9])
    assert found.frozen.tolist() == [False, False, False, False, True]
    assert found.unknown == ("XX11", "adrg ZZ9", "tag 民族医")
    assert (given_level == LEVEL).all()
    assert [one.source for one in classes.classes] == ["city bureau, 2025"] * 2 + ["TCM bureau"]


def test_a_document_as_a_table(document):
    lines = (
        "kind,by,code,factor,weight,freeze,reason,source\n"
        "severe,group,AA19,1.05,,,panel,s\n"
        "severe,adrg,AH1,1.05,,,panel,s\n"
        "重点监控,,FV25,,,是,price kept,s\n"
        "tcm,tag,中医,1.02,,,TCM,s\n"
        ",,,,,,,\n"
    )
    for encoding in ("utf-8-sig", "gb18030"):
        classes = read_classes(document(lines, "classes.csv", encoding))
        found = classes.apply(GROUPS, LEVEL, {"ES21": "中医"})
        assert found.level == pytest.approx([12.6, 4.2, 3.15, 1.02, 0.5])
        assert found.frozen.tolist() == [False] * 4 + [True]
        assert found.unknown == ()
    assert [one.place for one in classes.classes] == ["row 2", "row 3", "row 4", "row 5"]


def entry(**keys):
    held = {"kind": "severe", "factor": 1.05, "groups": ["AA19"], "reason": "r", "source": "s"}
    held |= keys
    lines = []
    for key, value in held.items():
        if value is None:
            continue
        said = str(value).lower() if isinstance(value, bool) else str(value).replace("'", '"')
        lines.append(f"{key} = {said}" if not isinstance(value, str) else f'{key} = "{value}"')
    return "[[class]]\n" + "\n".join(lines) + "\n"


def test_classes_that_agree_may_overlap(document):
    text = entry() + entry(groups=None, adrgs=["AA"], name="器官移植")
    mark = entry(kind="basic", factor=None)
    found = read_classes(document(text + mark)).apply(GROUPS, LEVEL)
    assert found.level[0] == pytest.approx(12.6)
    assert not found.frozen.any()


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "watched", "factor": 0.9, "name": "监控"},
        {"kind": "watched", "factor": None, "freeze": True, "name": "监控"},
        {"kind": "basic", "factor": None, "weight": 2.0, "name": "监控"},
        {"kind": "severe", "factor": 1.06, "name": "监控"},
    ],
)
def test_classes_that_contradict(document, other):
    path = document(entry() + entry(**{"groups": None, "adrgs": ["AA1"], **other}))
    with pytest.raises(DrgError) as error:
        read_classes(path).apply(GROUPS, LEVEL)
    message = str(error.value)
    assert message.startswith(f"{path}: class 1 and class 2: group AA19 is in two classes that")
    assert "疑难重症 (factor 1.05), 监控 (" in message
    assert read_classes(path).apply(("AH11",), np.ones(1)).level[0] == 1


def test_groups_without_weight_stay_so(document):
    text = entry(groups=["AA19", "AH11"]) + entry(
        kind="watched", factor=None, freeze=True, groups=["AH13"]
    )
    text += entry(kind="basic", factor=None, weight=0.7, groups=["ES21"])
    level = np.full(5, np.nan)
    found = read_classes(document(text)).apply(GROUPS, level)
    assert found.level[3] == 0.7
    assert np.isnan(found.level[[0, 1, 2, 4]]).all()
    assert found.factor[4] == 1
    assert np.isnan(found.factor[3])
    assert found.frozen.tolist() == [False, False, False, True, False]


def test_no_classes_change_nothing():
    found = Classes(()).apply(GROUPS, LEVEL)
    assert (found.level == LEVEL).all()
    assert not found.frozen.any()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_range(document, kind):
    low, high = KINDS[kind][1]
    for factor, fine in ((low, True), (high, True), (low - 0.01, False), (high + 0.01, False)):
        path = document(entry(kind=kind, factor=factor))
        if fine:
            assert read_classes(path).classes[0].factor == factor
        else:
            with pytest.raises(DrgError, match=f"class 1: factor of {kind}: out of range"):
                read_classes(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "x: no such key"),
        ("class = 3", "class: wrong type: found '3', expected an array"),
        ("title = 'nothing'", "holds no class"),
        ("[[class]\n", "is not TOML (Expected ']]' at the end of an array declaration"),
        (entry(kind="hard"), "class 1: kind: not a kind of class: found 'hard', expected one of"),
        (entry(kind=None), "class 1: kind: not a kind of class: found '', expected"),
        (entry(colour=1), "class 1: colour: no such key: found"),
        (entry(factor=None), "class 1: factor: is missing"),
        (entry(factor="1.05"), "class 1: factor of severe: out of range: found '1.05'"),
        (entry(factor=True), "class 1: factor of severe: out of range: found 'True'"),
        (entry(freeze=True), "class 1: factor: a frozen or fixed weight takes no factor"),
        (entry(weight=1.0), "class 1: factor: a frozen or fixed weight takes no factor"),
        (entry(factor=None, weight=0), "class 1: weight: out of range: found '0'"),
        (entry(factor=None, freeze=1), "class 1: freeze: not a yes or no: found '1'"),
        (entry(groups=None), "class 1: names no group, expected groups, adrgs or tags"),
        (entry(groups="AA19"), "class 1: groups: not a list of texts: found 'AA19'"),
        (entry(adrgs=[" "]), "class 1: adrgs: not a list of texts"),
        (entry(reason=None), "class 1: reason: is missing"),
        (entry() + entry(source=""), "class 2: source: is missing"),
        (entry(source=7), "class 1: source: not a text: found '7'"),
    ],
)
def test_wrong_documents(document, text, message):
    path = document(text)
    with pytest.raises(DrgError) as error:
        read_classes(path)
    assert str(error.value).startswith(f"{path}: ")
    found = str(error.value)[len(f"{path}: ") :]
    assert found.startswith(message.split(": found")[0]), found
    assert message in found or message.endswith(": found")
    assert "\n" not in found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("severe,mdc,A,1.1,r,s", "row 2: by: not a way to name groups: found 'mdc'"),
        ("severe,group,AA19,more,r,s", "row 2: factor: not a number: found 'more'"),
        ("severe,group,AA19,nan,r,s", "row 2: factor of severe: out of range: found 'nan'"),
        ("severe,group,AA19,1.1,,s", "row 2: reason: is missing"),
        ("severe,group,,1.1,r,s", "row 2: names no group"),
    ],
)
def test_wrong_lines(document, line, message):
    path = document(f"kind,by,code,factor,reason,source\n{line}\n", "classes.csv")
    with pytest.raises(DrgError) as error:
        read_classes(path)
    assert f"{path}: {message}" in str(error.value)


def test_wrong_tables(document, tmp_path):
    with pytest.raises(DrgError, match="code2: no such column"):
        read_classes(document("kind,code2\nsevere,A\n", "classes.csv"))
    for name in ("none.toml", "none.csv"):
        with pytest.raises(DrgError, match=name):
            read_classes(tmp_path / name)


def test_codes_are_read_as_those_of_cases(tmp_path, monkeypatch) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("kind,by,code,factor,reason,source\nsevere,adrg,ah1,1.05,r,s\n"
                    "severe,group,ＦＶ25,1.05,r,s\n", encoding="utf-8")  # fmt: skip
    found = read_classes(path).apply(("AH11", "FV25"), np.array([1.0, 1.0]))
    assert found.level.tolist() == [1.05, 1.05]
    monkeypatch.setenv("DRG_LANG", "zh")
    path.write_text("kind,by,code,factor,reason,source\nsevere,adrg,AH1,9,r,s\n", encoding="utf-8")
    with pytest.raises(DrgError, match="第 2 行"):
        read_classes(path)
