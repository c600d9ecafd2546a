"""Documents of every kind with every value spoilt: read, or refused in one line; never a crash."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from budget.policy import load_policy
from budget.projection.scenario import load_scenario
from budget.search.document import check, load_search
from budget.settlement.officer_cases import compare
from drg.cases.columns import read_mapping, told_tiers
from drg.cases.settlement_list import read_lists
from drg.documents import DEEPEST, fit, inside, named_file, read_document
from drg.errors import DrgError
from drg.negotiate.round.state import replay
from drg.provenance import read_beside, to_json
from drg.record.entry import Entry, seal
from drg.record.receipt import read as read_receipt
from drg.tables.atomic import write_record
from grouper.importer.mapping import read_mapping as read_import
from grouper.scheme.pack import read_header
from tests.fuzz.documents import DEEP, ENDLESS, places, put, spoilt
from weights.fit.adjust import read_classes
from weights.fit.calibrator import calibrator
from weights.fit.recipe import read_recipe
from weights.negotiation.rules import read_rules
from weights.table import WeightTable

ROOT = Path(__file__).parents[2]
SAMPLES, EXAMPLES = ROOT / "data_samples", ROOT / "docs" / "examples"
MOST = 250  # texts of a kind; `python -m tests.fuzz` goes on
RECIPE = """
shrink = true
low_volume = { action = "carry", minimum = 5, years = 1 }
trim = { method = "ratio", low = 0.3, high = 3, rounds = 2, minimum = 5 }
estimate = { method = "regression", smearing = "group", tolerance = 1e-12 }
costs = { basis = "components", ratios = [1.0, 1.0, 1.0, 1.0, 1.0], prices = { 2024 = 1.0 },
          hospital_factors = { H1 = 1.0 } }
corridor = { fall = 0.1, rise = 0.1 }
structure = { factors = [1.1, 1.1, 0.95, 0.9, 1.0] }
normalise = { method = "reference", amount = 9500 }
bootstrap = { replicates = 200, seed = 0, method = "percentile", level = 0.95 }
""".replace(",\n         ", ",")
CLASSES = """
title = "t"
[[class]]
kind = "severe"
groups = ["AA19"]
adrgs = ["BB1"]
factor = 1.05
reason = "r"
source = "s"
"""
MAPPING = """
total_cost = "费用"
diagnoses = ["d1", "d2"]
values = { insurance = { "01" = "employee" }, tier = { "三甲" = "3" } }
"""
PACK = 'id = "a"\ntitle = "t"\nversion = "1"\nsource = "s"\nextends = "chs-drg-1.1"\n'
RECEIPT = f'round = "r"\nentries = 3\nat = "2026-01-01T00:00:00Z"\ndigest = "{"a" * 64}"\n'
RULES = 'frozen = ["AA19"]\nequal = [["A", "B"]]\nquorum = "2/3"\n[sources]\nquorum = "x"\n'
LIST = {
    "setlinfo": {"setl_id": "S1", "gend": "1", "age": 50, "psn_no": "P1", "begntime": "2025-03-01"},
    "diseinfo": [{"diag_code": "I50.900", "maindiag_flag": "1"}],
    "oprninfo": [{"oprn_oprt_code": "99.1500", "oprn_oprt_type": "1"}],
    "iteminfo": [{"med_chrgitm": "01", "amt": 5000.5}],
    "payinfo": [{"fund_pay_type": "310100", "fund_payamt": 4000}],
}


def _pack(path: Path) -> None:
    shutil.copy(path, path.parent / "scheme.toml")
    read_header(path.parent)


def _mapping(path: Path) -> None:
    read_mapping(path, ["费用", "d1", "d2"])
    told_tiers(path)


KINDS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "policy": ((ROOT / "budget/policies/qingdao-2023.toml").read_text("utf-8"), load_policy),
    "scenario": ((SAMPLES / "scenario-tighter-cap.toml").read_text("utf-8"), load_scenario),
    "search": ((SAMPLES / "search-balance.toml").read_text("utf-8"),
               lambda path: check(load_search(path), load_policy())),
    "officer": ((EXAMPLES / "officer.toml").read_text("utf-8"), compare),
    "recipe": (RECIPE, lambda path: calibrator(read_recipe(path), path)),
    "classes": (CLASSES, read_classes),
    "rules": (RULES, read_rules),
    "receipt": (RECEIPT, read_receipt),
    "pack": (PACK, _pack),
    "import": ((EXAMPLES / "city-tables.toml").read_text("utf-8"), read_import),
    "mapping": (MAPPING, _mapping),
}  # fmt: skip


def held(load: Callable[[Path], Any], path: Path, what: str) -> None:
    """A document is taken, or refused in one line."""
    try:
        load(path)
    except DrgError as error:
        assert len(str(error).splitlines()) == 1, what
    except Exception as error:  # noqa: BLE001 - whatever comes is a finding
        pytest.fail(f"{what}: {type(error).__name__}: {error}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_spoilt_document_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    text, load = KINDS[kind]
    path = tmp_path / f"{kind}.toml"
    path.write_text(text, "utf-8")
    load(path)
    found = list(spoilt(tomllib.loads(text), "TOML"))
    for what, spoilt_text in found[:: len(found) // MOST + 1]:
        path.write_text(spoilt_text, "utf-8")
        held(load, path, what)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("value", "told"), [
    (ENDLESS, "is not TOML (a number too long)"), (DEEP, "is nested too deep"),
    ("99999999999999999999", "a whole number too large: found '99999999999999999999'"),
    ("1e400", "is not a finite number: found 'inf'"), ('"\\u0000"', "is no text: found '\\x00'"),
])  # fmt: skip
def test_what_no_document_may_hold(kind: str, value: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text(f"{KINDS[kind][0].split('[', 1)[0] if kind == 'pack' else ''}zz = {value}\n")
    with pytest.raises(DrgError) as error:
        KINDS[kind][1](path)
    assert told in str(error.value)


def test_a_spoilt_settlement_list_is_cells_or_one_line(tmp_path: Path) -> None:
    path = tmp_path / "lists.json"
    for what, text in spoilt(LIST, "JSON"):
        path.write_text(text, "utf-8")
        held(read_lists, path, what)
    whole = {**LIST, "setlinfo": {**LIST["setlinfo"], "medfee_sumamt": int("9" * 4_000)}}
    path.write_text(json.dumps(whole).replace("5000.5", "5000.50"))
    assert read_lists(path)["medfee_sumamt"].to_pylist() == ["9" * 4_000]


def test_a_spoilt_record_beside_a_table_is_none(tmp_path: Path) -> None:
    for text in (ENDLESS, DEEP, "", "[]", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}'):
        (tmp_path / "t.csv.run.json").write_text(text)
        assert read_beside(tmp_path / "t.csv") == {}, text


def test_a_spoilt_entry_of_a_record_is_one_line() -> None:
    init = {
        "round": "r", "title": "t", "year": 2025, "weights": {"id": "w", "sha256": "0"},
        "policy": {"id": "p", "sha256": "0", "file": ""}, "cases": {"rows": 1, "sha256": "0"},
        "files": {"weights.csv": "0"}, "last_year": {}, "rules": {}, "procedure": 1,
    }  # fmt: skip
    bodies = [
        ("proposal", {"id": "P1", "party": "bureau", "hospital_id": "", "drg": "AA19",
                      "what": "weight", "value": "+1%", "asked": 1.0, "least": None, "most": None,
                      "reason": "r", "evidence": "", "basis": {"draft": 1.0}}),
        ("lot", {"panels": {"Z1": ["P1"]}, "seals": {"a": "0"}, "size": 5}),
        ("reveal", {"party": "a", "number": "1"}),
        ("panel", {"id": "Z1", "proposals": ["P1"], "mdcs": ["A"], "seed": 1, "size": 5,
                   "roster_sha256": "0", "members": ["E1"]}),
        ("vote", {"panel": "Z1", "proposal": "P1", "expert": "E1", "choice": "for", "weight": 1.0}),
        ("decision", {"panel": "Z1", "proposal": "P1", "drg": "AA19", "accepted": True,
                      "weight": 1.0, "asked": 1.0, "for": 1.0, "against": 0.0, "abstain": 0.0,
                      "present": 1, "members": 5, "rule": "r"}),
        ("offer", {"id": "O01", "changes": {"AA19": 1.0}, "weights_sha256": "0"}),
        ("accept", {"offer": "O01", "reason": "r"}),
    ]  # fmt: skip
    whole = [seal(n, "2026-01-01T00:00:00Z", "a", kind, body, "")
             for n, (kind, body) in enumerate([("init", init), *bodies])]  # fmt: skip
    assert replay(whole).accepted == "O01"
    for seq, entry in enumerate(whole):
        for path in places(entry.body):
            for value in (None, {}, [], [1], "x", "", -1, 1e308, True, [{}]):
                body = put(entry.body, path, value)
                other = Entry(**{**entry.__dict__, "body": body})
                try:
                    replay([*whole[:seq], other, *whole[seq + 1 :]])
                except DrgError as error:
                    assert len(str(error).splitlines()) == 1


def test_all_editors_are_read_alike(tmp_path: Path) -> None:
    text, path = 'title = "权重"\nnote = """a\nb"""\n', tmp_path / "d.toml"
    for ends in ("\n", "\r\n", "\r"):
        for encoding in ("utf-8", "utf-8-sig"):
            path.write_bytes(text.replace("\n", ends).encode(encoding))
            assert read_document(path) == {"title": "权重", "note": "a\nb"}
    for encoding, name in (("gb18030", "GB18030"), ("utf-16", "UTF-16")):
        path.write_bytes(text.encode(encoding))
        with pytest.raises(DrgError, match=f"d.toml: is not UTF-8 but {name}; save it as UTF-8$"):
            read_document(path)


def test_limits(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text("# " + "x" * (1 << 20))
    with pytest.raises(DrgError, match="is too large, expected at most 1 MiB"):
        read_document(path)
    for key in (".".join("a" * 50_000), "[" + ".".join(["'a'"] * 9_000) + "]\nx"):
        path.write_text(f"z = 1\n{key} = 1")
        with pytest.raises(DrgError, match="a key of too many parts, line 2"):
            read_document(path)
    path.write_text("a = " + "[" * DEEPEST + "1" + "]" * DEEPEST)
    with pytest.raises(DrgError, match="is nested too deep, expected at most 32 levels"):
        read_document(path)
    path.write_text("a = 1\nb =\n")
    with pytest.raises(DrgError, match=r"d.toml: is not TOML \(Invalid value, line 2, character 4"):
        read_document(path)


def test_types_are_told_with_their_place() -> None:
    model = {"case": [{"cost": float, "on": bool}], "*": (str, [str])}
    fit({"case": [{"cost": 1, "on": True}], "x": ["a"]}, model)
    with pytest.raises(DrgError, match=r"^f: case\[2\].cost: wrong type: found 'true', expected a "
                                       "number$"):  # fmt: skip
        fit({"case": [{}, {"cost": True}]}, model, "f")
    with pytest.raises(DrgError, match="wrong type: found 'a table', expected a text or an array"):
        fit({"x": {}}, model)


def test_names_of_files_lead_to_no_network_and_out_of_no_folder(tmp_path: Path) -> None:
    for name in ("//host/share/w.csv", r"\\host\share\w.csv", "http://host/w.csv", "file:///w.csv"):
        with pytest.raises(DrgError, match="weights: is on a network, which is never read"):
            named_file(name, tmp_path / "s.toml", "weights")
    (tmp_path / "in").mkdir()
    (tmp_path / "out.csv").write_text("x")
    os.symlink(tmp_path / "out.csv", tmp_path / "in" / "link.csv")
    for name in ("../out.csv", str(tmp_path / "out.csv"), "link.csv", "x/../../out.csv"):
        with pytest.raises(DrgError, match="leads out of the folder"):
            inside(tmp_path / "in", name, "ledger.jsonl")
    assert inside(tmp_path / "in", "a.csv", "ledger.jsonl").name == "a.csv"


def test_records_are_json_whatever_they_hold(tmp_path: Path) -> None:
    write_record(tmp_path / "r.json", {"name": "病例\udcff.csv", "x": float("nan")})
    assert read_document(tmp_path / "r.json", "JSON") == {"name": "病例\ufffd.csv", "x": None}
    assert to_json({"a": 1.5}) == '{\n  "a": 1.5\n}\n'


@pytest.mark.skipif(os.name != "posix", reason="names of files are Unicode elsewhere")
@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_a_table_from_a_file_whose_name_is_not_utf_8(ending: str, tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"w\xff.csv")
    source.write_text("drg,weight\nAA19,1.5\n")
    table = WeightTable.read(source)
    assert table.id == "w\ufffd"
    table.write(tmp_path / f"again{ending}")
    assert WeightTable.read(tmp_path / f"again{ending}").digest == table.digest
