"""What one code does: every variant is what grouping the changed record gives."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouper import Grouper, load_scheme
from grouper.explain.case import explain_case
from tests.amount import tries
from tests.test_docs import EXAMPLES

SCHEME = load_scheme()
WEIGHTS = {"HC23": 1.2, "HC25": 0.9, "HZ29": 1.0, "KT19": 2.5}
GALLSTONES = {"diagnoses": "K80.101|E87.600", "procedures": "51.2300", "sex": 1, "age": 40}


def variants(found, **wanted):
    return [v for v in found.variants if all(getattr(v, k) == w for k, w in wanted.items())]


def test_a_code_dropped_or_made_principal():
    found = explain_case(GALLSTONES).what_if()
    (dropped,) = variants(found, change="dropped", code="E87.600")
    assert (dropped.drg, dropped.severity, dropped.changes) == ("HC25", "none", True)
    (principal,) = variants(found, change="made_principal", code="E87.600")
    assert principal.mdc == "MDCK"
    (operation,) = variants(found, change="dropped", kind="procedure")
    assert operation.adrg == "HZ2"
    (moved_up,) = variants(found, change="dropped", code="K80.101")
    assert moved_up.mdc == "MDCK"


def test_repeated_and_from_elsewhere():
    found = explain_case({**GALLSTONES, "diagnoses": "K80.101", "入院诊断": "J96.000"}).what_if()
    (added,) = variants(found, change="added")
    assert (added.code, added.column, added.severity) == ("J96.000", "入院诊断", "mcc")
    (repeated,) = variants(found, change="repeated", kind="diagnosis")
    assert not repeated.changes
    assert "[入院诊断]" in found.text()


def test_a_code_written_twice_is_dropped_whole():
    found = explain_case({**GALLSTONES, "diagnoses": "K80.101|E87.600|e87.600 "}).what_if()
    (dropped,) = variants(found, change="dropped", code="E87.600")
    assert dropped.drg == "HC25"


def test_ordered_by_effect_without_weights():
    found = explain_case(GALLSTONES).what_if()
    depth = [
        (v.mdc != "MDCH") * 4 + (v.adrg != "HC2") * 2 + (v.drg != "HC23") for v in found.variants
    ]
    assert depth == sorted(depth, reverse=True)


def test_weights_and_money():
    found = explain_case(GALLSTONES).what_if(WEIGHTS, 8123.45)
    assert found.weight == 1.2
    (dropped,) = variants(found, change="dropped", code="E87.600")
    assert dropped.weight_change == pytest.approx(-0.3)
    assert dropped.yuan_change == -2437.03  # 7,311.11 - 9,748.14, each a whole amount
    known = [abs(v.weight_change) for v in found.variants if v.weight_change is not None]
    assert known == sorted(known, reverse=True)
    assert "-2,437.0" in found.text()
    unknown = [v for v in found.variants if v.weight is None]
    assert all(v.weight_change is None and v.yuan_change is None for v in unknown)


def test_texts_and_json():
    found = explain_case(GALLSTONES).what_if(WEIGHTS)
    assert "如果一个编码不同" in str(found)
    assert "用于审核和如实编码" in found.text()
    assert "audit and honest coding" in found.text("en")
    assert len(found.text(everything=True).splitlines()) > len(found.text().splitlines())
    document = json.loads(found.json("en"))
    assert len(document["variants"]) == len(found.variants)
    assert document["variants"][0]["drg_name"]


def test_an_invalid_case_has_no_variants():
    found = explain_case(diagnoses="I10.x00x002|J96.000", age="abc").what_if()
    assert found.variants == ()
    assert "无效病例" in found.text()


def test_losing_the_group_is_the_greatest_effect():
    found = explain_case({"diagnoses": "A00.000|J96.000", "procedures": "37.5100|47.0100"})
    assert found.drg == "AA29"
    first = found.what_if({"AA29": 30.0}).variants[0]
    assert (first.drg, first.reason) == ("0000", "principal_diagnosis_in_no_mdc")


@settings(max_examples=tries(40))
@given(
    st.lists(st.sampled_from(["J18.900", "J90.x00", "J96.000", "K35.300", "zzz"]), min_size=1,
             max_size=5),
    st.lists(st.sampled_from(["32.4902", "45.1300", "47.0100"]), max_size=3),
)  # fmt: skip
def test_variants_are_the_changed_records_grouped(diagnoses, procedures):
    pack = EXAMPLES / "tiny-pack"
    case = {"diagnoses": diagnoses, "procedures": procedures, "age": 70}
    found = explain_case(case, scheme=pack).what_if()
    grouper = Grouper(pack)

    def drg(dx, px):
        row = {"diagnoses": ["|".join(dx)], "procedures": ["|".join(px)], "age": [70]}
        return grouper.group(pd.DataFrame(row))["drg"][0]

    def only(change, kind, code):
        hits = variants(found, change=change, kind=kind, code=code)
        return {v.drg for v in hits}

    for code in {c for c in diagnoses[1:] if c != "zzz" and c != diagnoses[0]}:
        left = [c for c in diagnoses[1:] if c != code]
        assert drg([diagnoses[0], *left], procedures) in only("dropped", "diagnosis", code)
        moved = [code, diagnoses[0], *left]
        assert only("made_principal", "diagnosis", code) <= {drg(moved, procedures)}
    for code in {c for c in procedures[1:] if c != procedures[0]}:
        left = [procedures[0], *(c for c in procedures[1:] if c != code)]
        assert drg(diagnoses, left) in only("dropped", "procedure", code)
