"""Dependence on one code: the quick way finds what dropping each code by hand finds."""

from __future__ import annotations

import json
import re
from functools import cache

import pandas as pd
import pyarrow as pa
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from drg.cases.codes import plain_code
from drg.cli.explain.case import explain
from drg.errors import DrgError
from drg.tables import read_table
from grouper import Grouper, load_scheme
from grouper.explain.dependence_files import dependence_file, single_code_dependence
from tests.amount import tries
from tests.conftest import DATA
from tests.random_records import records
from tests.schemes import labelled_schemes

app = typer.Typer(pretty_exceptions_enable=False)
app.command("explain")(explain)
LABELLED = DATA / "labelled.csv"


@cache
def spellings(scheme_id):
    scheme = load_scheme(scheme_id)
    return [{plain_code(code): code for code in names}
            for names in (scheme.diagnosis_names, scheme.procedure_names)]  # fmt: skip


@cache
def machine(scheme_id):
    return Grouper(scheme_id)


def variants(scheme_id, record):
    """Each secondary code dropped in turn, and the principal procedure: kind, code, record."""
    for column, kind, known in zip(("diagnoses", "procedures"), ("diagnosis", "procedure"),
                                   spellings(scheme_id), strict=True):  # fmt: skip
        codes = [plain_code(code) for code in record[column].split("|")]
        for code in dict.fromkeys(codes[1:]):
            if code in known:
                left = [codes[0], *(c for c in codes[1:] if c != code)]
                yield kind, known[code], {**record, column: "|".join(left)}
        if kind == "procedure" and codes[0] in known:
            left = [code for code in codes[1:] if code]
            yield "principal_procedure", known[codes[0]], {**record, column: "|".join(left)}


@pytest.mark.parametrize("scheme_id", labelled_schemes())
@settings(max_examples=tries(15, least=5))
@given(data=st.data())
def test_it_finds_what_dropping_by_hand_finds(scheme_id, data):
    rows = data.draw(st.lists(records(scheme_id), min_size=5, max_size=30))
    grouper = machine(scheme_id)
    grouped = grouper.group(pd.DataFrame(rows))
    by_hand = [
        (i, *variant) for i, row in enumerate(rows) if grouped["drg"][i] != "0000"
        for variant in variants(scheme_id, row)
    ]  # fmt: skip
    expected = set()
    if by_hand:
        without = grouper.group(pd.DataFrame([row for *_, row in by_hand]))["drg"]
        expected = {
            (i, grouped["drg"][i], kind, code, drg)
            for (i, kind, code, _), drg in zip(by_hand, without, strict=True)
            if drg != grouped["drg"][i]
        }
    found = single_code_dependence(pd.DataFrame(rows), scheme_id, principal_procedure=True)
    pairs = found[["row", "drg", "kind", "code", "drg_without"]].itertuples(index=False, name=None)
    assert sorted(pairs) == sorted(expected)
    secondary = single_code_dependence(pd.DataFrame(rows), scheme_id)
    assert set(secondary["kind"]) <= {"diagnosis", "procedure"}
    assert len(secondary) == sum(kind != "principal_procedure" for _, _, kind, *_ in expected)


def test_a_code_written_twice_is_one_code():
    other = min(load_scheme().mcc)
    lists = ["J96.000|j96.000", f"J96.000|{other}", "J96.000"]
    twice = pd.DataFrame({"diagnoses": [f"I10.x00x002|{codes}" for codes in lists]})
    found = single_code_dependence(twice)
    assert list(found["row"]) == [0, 2]
    assert list(found["drg_without"]) == ["FV25", "FV25"]


def test_blanks_before_the_next_procedure_do_not_matter():
    rows = pa.table({"diagnoses": ["K80.101"], "procedures": [["54.1900", "", "51.2300"]]})
    found = single_code_dependence(rows, principal_procedure=True)
    assert isinstance(found, pa.Table)
    assert found["kind"].to_pylist() == ["principal_procedure"]
    assert found["drg_without"].to_pylist() == ["HC25"]


def test_an_empty_table():
    found = single_code_dependence(pd.DataFrame({"diagnoses": pd.Series([], dtype=str)}))
    assert len(found) == 0
    assert "drg_without" in found.columns


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text(
        "case_id,hospital_id,sex,age,diagnoses\n"
        "A,H1,1,70,I10.x00x002|J96.000\n"
        "B,H2,1,70,I10.x00x002|E11.900\n"
        "C,H1,1,x,I10.x00x002|J96.000\n"
        "D,,1,70,I10.x00x002|J96.000\n",
        encoding="utf-8",
    )
    return path


def test_a_file(source, tmp_path):
    out = tmp_path / "dependent.csv"
    weights = {"FV23": 1.5, "FV25": 0.5}
    account = dependence_file(source, out, weights=weights)
    assert (account.cases, account.grouped, account.dependent, account.pairs) == (4, 3, 2, 2)
    rows = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert list(rows["row"]) == ["2", "5"]
    assert list(rows["case_id"]) == ["A", "D"]
    assert list(rows.columns) == ["row", "case_id", "hospital_id", "drg", "kind", "code", "name",
                                  "drg_without", "weight", "weight_without",
                                  "weight_change"]  # fmt: skip
    assert set(rows["weight_change"].astype(float)) == {-1.0}
    hospitals = pd.read_csv(account.hospital_path, dtype=str, keep_default_na=False)
    found = hospitals.set_index("hospital_id")
    assert list(found.loc["H1", ["cases", "grouped", "dependent"]]) == ["2", "1", "1"]
    assert float(found.loc["H1", "weight"]) == 1.0
    assert float(found.loc["H2", "share"]) == 0.0
    record = json.loads((tmp_path / "dependent.csv.run.json").read_text(encoding="utf-8"))
    assert record["dependent"] == 2


def test_batches_keep_their_rows(tmp_path):
    frame = pd.read_csv(LABELLED, dtype=str, keep_default_na=False)
    many = pd.concat([frame] * 150, ignore_index=True).drop(columns="drg")
    source, out = tmp_path / "many.parquet", tmp_path / "out.parquet"
    many.to_parquet(source)
    account = dependence_file(source, out)
    found, once = read_table(out)[0].to_pandas(), single_code_dependence(frame)
    assert account.cases == len(many) > 131_072
    assert len(found) == 150 * len(once)
    assert set(found["row"] % len(frame)) == set((once["row"] + 1) % len(frame))
    assert found["row"].is_monotonic_increasing


def test_a_missing_weight_is_empty_and_not_zero(source, tmp_path):
    out = tmp_path / "dependent.csv"
    dependence_file(source, out, weights={"FV23": 1.5})
    rows = pd.read_csv(out)
    assert rows["weight_without"].isna().all()
    assert rows["weight_change"].isna().all()


def test_the_input_is_not_overwritten(source):
    with pytest.raises(DrgError, match="replace its own input"):
        dependence_file(source, source)


def test_no_input_is_taken_for_a_companion(source, tmp_path):
    beside = tmp_path / "p.csv.hospitals.csv"
    beside.write_bytes(source.read_bytes())
    with pytest.raises(DrgError, match=r"p\.csv\.hospitals\.csv: would replace an input"):
        dependence_file(beside, tmp_path / "p.csv")
    assert beside.read_bytes() == source.read_bytes()


@pytest.mark.parametrize(("lang", "said"), [("zh", "取决于单一编码"), ("en", "hangs on one code")])
def test_the_command(source, tmp_path, lang, said):
    out = tmp_path / "dependent.csv"
    weights = tmp_path / "weights.csv"
    weights.write_text("drg,weight\nFV23,1.5\nFV25,0.5\n", encoding="utf-8")
    done = CliRunner().invoke(
        app, [str(source), "--dependence", "--out", str(out), "--lang", lang,
              "--weights", str(weights), "--principal-procedure"],
    )  # fmt: skip
    assert done.exit_code == 0
    assert said in done.output
    assert "66.67%" in done.output
    assert re.search(r"^H1 .* 1\.00$", done.output, re.MULTILINE)
    assert out.exists()
