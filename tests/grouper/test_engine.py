from __future__ import annotations

import csv
import math
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.errors import DrgError
from grouper import Grouper, group, load_scheme
from grouper.engine.reasons import REASONS, STATUSES
from grouper.engine.results import RESULT_COLUMNS
from tests.amount import tries
from tests.conftest import DATA
from tests.reference import Case
from tests.schemes import labelled_of, labelled_schemes

SCHEME = load_scheme()
GROUPERS = {name: Grouper(name) for name in labelled_schemes()}


def code_lists(scheme):
    """Codes that matter together: those of one ADRG and its MDC, and complications."""
    complications = sorted(scheme.mcc) + sorted(scheme.cc)

    def around(adrg):
        held = [
            code
            for (owner, _), codes in scheme.lists.items()
            if owner in (adrg.code, adrg.mdc)
            for code in codes
        ]
        dx = [c for c in held if c in scheme.diagnosis_names]
        px = [c for c in held if c in scheme.procedure_names]
        some_dx = st.sampled_from(dx or complications)
        some_px = st.sampled_from(px or sorted(scheme.grouping_procedures))
        return st.tuples(
            st.lists(some_dx | st.sampled_from(complications), min_size=1, max_size=6),
            st.lists(some_px, max_size=4),
        )

    return st.sampled_from(scheme.adrgs).flatmap(around)


@st.composite
def cases(draw, scheme):
    diagnoses, procedures = draw(code_lists(scheme))
    return Case(
        diagnoses,
        procedures,
        draw(st.sampled_from([1.0, 2.0, math.nan])),
        draw(st.sampled_from([0.0, 0.0, 1.0, 13.0, 14.0, 70.0, math.nan])),
        draw(st.sampled_from([0.0, 28.0, 29.0, 300.0, math.nan])),
        draw(st.sampled_from([900.0, 1499.0, 1500.0, 1999.5, 2000.0, 2499.0, 2500.0, math.nan])),
    )


def frame(rows):
    return pd.DataFrame(
        {
            "sex": [c.sex for c in rows],
            "age": [c.age for c in rows],
            "age_days": [c.age_days for c in rows],
            "birth_weight": [c.birth_weight for c in rows],
            "diagnoses": ["|".join(c.diagnoses) for c in rows],
            "procedures": ["|".join(c.procedures) for c in rows],
        }
    )


def as_read(case):
    """The case as the reader takes it: days under a year stand for a missing age of 0."""
    if math.isnan(case.age) and case.age_days < 365:
        case.age = 0.0
    return case


@pytest.mark.parametrize("name", labelled_schemes())
@settings(max_examples=tries(100))
@given(st.data())
def test_engine_agrees_with_the_reference(references, name, data):
    rows = data.draw(st.lists(cases(load_scheme(name)), min_size=1, max_size=25))
    found = GROUPERS[name].group(frame(rows))
    expected = [references[name].group(as_read(case)) for case in rows]
    got = list(found[["mdc", "adrg", "drg", "severity"]].itertuples(index=False, name=None))
    assert got == expected
    assert set(found["status"]) <= set(STATUSES)
    assert (
        (found["drg"] == "0000")
        == (found["reason"].str.contains("principal|no_group|conflict|sex_missing|age_missing"))
    ).all()


@pytest.mark.parametrize("name", labelled_schemes())
def test_labelled_cases_reach_every_drg(references, name):
    rows = pd.read_csv(labelled_of(name), dtype=str, keep_default_na=False)
    found = GROUPERS[name].group(rows)
    assert list(found["drg"]) == list(found["drg_input"])
    # In Linfen WJ1 and WQY ask the same question, so WQY is never reached.
    unreached = {"WQY"} if name == "linfen-2022" else set()
    assert set(found["drg"]) == {drg.code for drg in load_scheme(name).drgs} - unreached
    ambiguous = found["drg"].str.endswith("QY")
    assert (found["status"] == np.where(ambiguous, "ambiguous", "grouped")).all()
    assert (found["reason"].str.contains("ambiguous_procedure") == ambiguous).all()
    for row, drg in zip(rows.to_dict("records"), found["drg"], strict=True):
        numbers = (float(row[part] or "nan") for part in ("sex", "age", "age_days", "birth_weight"))
        lists = (list(filter(None, row[part].split("|"))) for part in ("diagnoses", "procedures"))
        assert references[name].group(Case(*lists, *numbers))[2] == drg, row


@pytest.mark.parametrize(("name", "cases"), [("chs-drg-1.1", 20_000), ("chs-drg-2.0", 10_000)])
def test_all_shared_labels_agree(shared, name, cases):
    rows = pd.read_csv(shared / f"cases/{name}.csv.gz", dtype=str, keep_default_na=False)
    found = GROUPERS[name].group(rows)
    wrong = found[found["drg"] != found["drg_input"]]
    assert wrong.empty, wrong.head().to_string()
    assert len(found) == cases


def one(grouper, **parts):
    row = {"sex": "1", "age": "40", "diagnoses": "", "procedures": "", **parts}
    return grouper.group(pd.DataFrame([row])).iloc[0]


@pytest.mark.parametrize(
    ("parts", "status", "reason", "drg"),
    [
        ({}, "invalid", "missing_principal_diagnosis", "0000"),
        ({"diagnoses": "|I10.x00x002"}, "invalid", "missing_principal_diagnosis", "0000"),
        ({"diagnoses": "I10.x00x002", "age": "abc"}, "invalid", "bad_value", "0000"),
        ({"diagnoses": "I10.x00x002", "sex": "7"}, "invalid", "bad_value", "0000"),
        ({"diagnoses": "I10.x00x002", "age": "-3"}, "invalid", "bad_value", "0000"),
        ({"diagnoses": "I10.x00x002"}, "grouped", "", "FV25"),
        ({"diagnoses": "Ｉ１0．x00x002"}, "grouped", "", "FV25"),
        ({"diagnoses": " i10.X00X002 "}, "grouped", "", "FV25"),
        ({"diagnoses": "I10.x00x002|nonsense"}, "grouped", "unknown_secondary_diagnosis", "FV25"),
        ({"diagnoses": "I10.x00x002", "procedures": "X99"}, "grouped", "unknown_procedure", "FV25"),
        ({"diagnoses": "nonsense"}, "ungrouped", "unknown_principal_diagnosis", "0000"),
        ({"diagnoses": "N40.x00", "sex": "2"}, "ungrouped", "sex_conflict", "0000"),
        ({"diagnoses": "N40.x00", "sex": ""}, "ungrouped", "sex_missing", "0000"),
        ({"diagnoses": "P22.000"}, "ungrouped", "age_conflict", "0000"),
        ({"diagnoses": "P22.000", "age": ""}, "ungrouped", "age_missing", "0000"),
        ({"diagnoses": "V01.000"}, "ungrouped", "unknown_principal_diagnosis", "0000"),
        ({"diagnoses": "A00.000"}, "ungrouped", "principal_diagnosis_in_no_mdc", "0000"),
        ({"diagnoses": "P22.000", "age": "0", "age_days": "3"}, "grouped",
         "birth_weight_missing", "PR1"),
        ({"diagnoses": "P22.000", "age": "", "age_days": "3", "birth_weight": "3000"}, "grouped",
         "", "PR1"),
    ],
)  # fmt: skip
def test_status_and_reason(grouper, parts, status, reason, drg):
    found = one(grouper, **parts)
    assert (found["status"], found["reason"]) == (status, reason)
    assert found["drg"].startswith(drg)


@pytest.mark.parametrize(
    ("name", "status", "drg"),
    [("chs-drg-1.1", "grouped", "PV1"), ("chs-drg-2.0", "ungrouped", "0000")],
)
def test_a_newborn_without_days(name, status, drg):
    """In 2.0 blank days make no case one of 29 days and over."""
    found = one(GROUPERS[name], diagnoses="P22.000", age="0")
    assert found["status"] == status
    assert found["reason"].split("|")[-1] == "age_days_missing"
    assert found["drg"].startswith(drg)


def test_every_reason_has_two_texts():
    assert all(r.zh and r.en and r.code.isidentifier() for r in REASONS)
    assert len({r.code for r in REASONS}) == len(REASONS)


def test_duplicate_of_the_principal_code_counts_as_secondary(reference, grouper):
    code = min(SCHEME.mcc)
    rows = [Case([code, code], [], 1.0, 40.0)]
    assert grouper.group(frame(rows))["severity"][0] == reference.group(rows[0])[3]


def test_lists_numbered_columns_and_arrow_agree():
    joined = pd.DataFrame({"sex": ["1", "2"], "age": ["60", "30"],
                           "diagnoses": ["I50.900|J96.000", "O80.000"],
                           "procedures": ["", "73.5900"]})  # fmt: skip
    numbered = pd.DataFrame({
        "性别": ["男", "女"], "年龄": ["60岁", "30"],
        "主要诊断编码": ["I50.900", "O80.000"], "其他诊断编码2": ["-", ""],
        "其他诊断编码1": ["J96.000", ""], "手术操作编码1": ["-", "73.5900"],
    })  # fmt: skip
    arrow = pa.table({
        "gend": pa.array([1, 2]), "age": pa.array([60.0, 30.0]),
        "diag_code": pa.array([["I50.900", "J96.000"], ["O80.000"]]),
        "oprn_oprt_code": pa.array([None, ["73.5900"]]),
    })  # fmt: skip
    expected = group(joined)[list(RESULT_COLUMNS)]
    assert expected["status"].eq("grouped").all()
    pd.testing.assert_frame_equal(group(numbered)[list(RESULT_COLUMNS)], expected)
    found = group(arrow)
    assert isinstance(found, pa.Table)
    pd.testing.assert_frame_equal(
        found.select(RESULT_COLUMNS).to_pandas(), expected, check_dtype=False
    )


def test_mixed_objects_and_python_lists_are_read():
    rows = pd.DataFrame({"diagnoses": [["I10.x00x002", "E11.900"], "I10.x00x002", None, 3.5],
                         "age": [40, "x", None, 1.5], "sex": [1, "女", 2.0, None]})  # fmt: skip
    found = group(rows)
    assert list(found["status"]) == ["grouped", "invalid", "invalid", "ungrouped"]


def test_rows_keep_order_and_index():
    with (DATA / "labelled.csv").open(encoding="utf-8") as stream:
        rows = pd.DataFrame(list(csv.DictReader(stream)))
    rows.index = [f"row{i}" for i in range(len(rows))]
    found = group(rows.sample(frac=1, random_state=1))
    assert list(found.index) == list(rows.sample(frac=1, random_state=1).index)
    assert list(found["drg"]) == list(found["drg_input"])


def test_existing_result_columns_are_renamed_and_kept():
    rows = pd.DataFrame({"diagnoses": ["I10.x00x002"], "drg": ["FV25"], "drg_input": ["old"],
                         "status": ["mine"]})  # fmt: skip
    found = group(rows)
    assert list(found.columns) == ["diagnoses", "drg_input_2", "drg_input", "status_input",
                                   *RESULT_COLUMNS]  # fmt: skip
    assert (found["drg_input_2"][0], found["drg_input"][0]) == ("FV25", "old")


def test_empty_table():
    found = group(pd.DataFrame({"diagnoses": pd.Series([], dtype=str)}))
    assert len(found) == 0
    assert list(found.columns)[-6:] == list(RESULT_COLUMNS)


def test_no_diagnosis_column_is_said_plainly():
    with pytest.raises(DrgError, match="no column for 'diagnoses'"):
        group(pd.DataFrame({"age": [1]}))


def test_unknown_scheme_is_said_plainly():
    with pytest.raises(DrgError, match=r"no such grouping scheme: found 'chs-9', expected one of"):
        Grouper("chs-9")


def test_stream_of_batches_as_spark_hands_them_out(grouper):
    table = pa.Table.from_pandas(pd.read_csv(DATA / "labelled.csv", dtype=str))
    streamed = pa.Table.from_batches(grouper.map_batches(table.to_batches(max_chunksize=100)))
    assert streamed["drg"].to_pylist() == table["drg"].to_pylist()


def test_profiles_are_forgotten_when_there_are_too_many(monkeypatch, grouper):
    monkeypatch.setattr("grouper.engine.numbering._MOST", 64)
    own = Grouper()
    rows = pd.read_csv(DATA / "labelled.csv", dtype=str, keep_default_na=False)
    for start in range(0, len(rows), 50):
        part = own.group(rows.iloc[start : start + 50])
        assert list(part["drg"]) == list(part["drg_input"])


def test_counts_of_statuses(grouper):
    rows = pd.read_csv(DATA / "labelled.csv", dtype=str, keep_default_na=False)
    assert Counter(grouper.group(rows)["status"]) == {"grouped": len(rows)}
