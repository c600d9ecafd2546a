"""A switch of the small region: money, rows, page, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest

from drg.cli import main
from grouper import Grouper
from tests.once import once

REGION = Path(__file__).parents[2] / "data_samples" / "region-small"


def run(*words: object) -> int:
    """Exit status of a command; errors stand on stderr as the program writes them."""
    with patch.object(sys, "argv", ["drg", *map(str, words)]):
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


@pytest.fixture(scope="session")
def switched() -> Path:
    """The folder of a switch from 1.1 to 2.0, under the national policy."""
    return once("switch-region-small", _switch)


def _switch(folder: Path) -> None:
    cases = REGION / "cases.csv"
    assert run("group", cases, "--scheme", "chs-drg-1.1", "--out", folder / "old.csv") == 0
    assert run("weights", "fit", folder / "old.csv", "--out", folder / "w.csv", "--shrink",
               "--order") == 0  # fmt: skip
    assert run("scheme", "switch", "chs-drg-1.1", "chs-drg-2.0", "--cases", cases, "--weights",
               folder / "w.csv", "--policy", "national-default", "--out", folder / "out",
               "--lang", "zh") == 0  # fmt: skip


def fen(series: pd.Series) -> int:
    return int((series * 100).round().astype("int64").sum())


def test_the_money_adds_up_with_both_settlements(switched):
    out = switched / "out"
    hospitals = pd.read_csv(out / "hospitals.csv")
    moves = pd.read_csv(out / "moves-by-hospital.csv")
    for name in ("old", "new"):
        settled = pd.read_csv(out / f"settlement-{name}" / "hospitals.csv")
        assert fen(hospitals[f"final_{name}"]) == fen(settled["final"])
        assert fen(moves[f"fund_{name}"]) == fen(settled["payable"])
        own = settled.groupby("hospital_id")["final"].sum().mul(100).round().astype(int)
        mine = hospitals.set_index("hospital_id")[f"final_{name}"].mul(100).round().astype(int)
        assert own.to_dict() == mine[own.index].to_dict()
    cents = {name: hospitals[name].mul(100).round().astype(int) for name in (
        "final_old", "final_new", "change", "by_groups", "by_year_end")}  # fmt: skip
    assert (cents["change"] == cents["final_new"] - cents["final_old"]).all()
    assert (cents["change"] == cents["by_groups"] + cents["by_year_end"]).all()
    by_hospital = (moves["fund_new"] - moves["fund_old"]).groupby(moves["hospital_id"]).sum()
    assert by_hospital.mul(100).round().astype(int).tolist() == cents["by_groups"].tolist()


def test_every_case_is_in_the_matrix_once(switched):
    out = switched / "out"
    cases = pd.read_csv(REGION / "cases.csv", dtype=str, keep_default_na=False)
    moves, by_hospital = (pd.read_csv(out / f"{n}.csv", dtype={"drg_old": str, "drg_new": str})
                          for n in ("moves", "moves-by-hospital"))  # fmt: skip
    assert moves["cases"].sum() == by_hospital["cases"].sum() == len(cases)
    assert fen(moves["cost"]) == fen(by_hospital["cost"]) == fen(cases["total_cost"].astype(float))
    pairs = pd.DataFrame({name: Grouper(name).group(cases)["drg"]
                          for name in ("chs-drg-1.1", "chs-drg-2.0")})  # fmt: skip
    counted = pairs.value_counts().to_dict()
    told = {(o, n): c for o, n, c in moves[["drg_old", "drg_new", "cases"]].itertuples(index=False)}
    assert told == counted


def test_the_new_weights_are_a_table_of_the_new_scheme(switched):
    from weights.table import open_weights

    table = open_weights(switched / "out" / "weights.csv")
    assert table.scheme == "chs-drg-2.0"
    assert len(table) == 634
    record = json.loads((switched / "out" / "switch.json").read_text(encoding="utf-8"))
    assert record["weights"]["after"] == table.digest
    assert record["cases"] == 5000
    was, now = table.record["old_sum"], table.record["new_sum"]
    assert was == pytest.approx(now)


def test_the_page_tells_no_case_and_no_small_cell(switched):
    page = (switched / "out" / "switch.html").read_text(encoding="utf-8")
    assert "同一政策下清算支付由" in page
    cases = pd.read_csv(REGION / "cases.csv", dtype=str)
    assert not any(one in page for one in cases["case_id"][:200])
    assert not any(one in page for one in cases["patient_id"][:200])
    book = pd.read_excel(switched / "out" / "switch.xlsx", sheet_name=None, header=None)
    told = "\n".join(sheet.to_csv(index=False) for sheet in book.values())
    assert "<5" in told
    assert not any(one in told for one in cases["case_id"][:200])


def test_twice_is_the_same_bytes(switched, tmp_path):
    assert run("scheme", "switch", "chs-drg-1.1", "chs-drg-2.0", "--cases", REGION / "cases.csv",
               "--weights", switched / "w.csv", "--policy", "national-default", "--out",
               tmp_path / "again", "--lang", "zh") == 0  # fmt: skip
    first = switched / "out"
    for path in sorted(first.rglob("*")):
        if path.is_file():
            other = tmp_path / "again" / path.relative_to(first)
            assert path.read_bytes() == other.read_bytes(), path.name


def test_without_a_policy_it_tells_groups_and_weights(switched, tmp_path, capsys):
    assert run("scheme", "switch", "chs-drg-1.1", "chs-drg-2.0", "--cases", REGION / "cases.csv",
               "--weights", switched / "w.csv", "--out", tmp_path / "o",
               "--lang", "en") == 0  # fmt: skip
    assert "the sum of weights stays" in capsys.readouterr().out
    assert not (tmp_path / "o" / "settlement-old").exists()


def test_weights_of_another_scheme_are_refused_unless_told(switched, tmp_path, capsys):
    """Every command that joins a weight table by code across schemes says so and refuses."""
    new = switched / "out" / "cases-new.csv"
    old = switched / "w.csv"
    hospitals = REGION / "hospitals.csv"
    commands = [
        ("settle", new, "--weights", old, "--hospitals", hospitals, "--out", tmp_path / "s"),
        ("project", new, "--weights", old, "--hospitals", hospitals, "--out", tmp_path / "p"),
        ("weights", "quality", new, "--weights", old),
        ("weights", "quality", new, "--previous", old),
        ("weights", "compare", switched / "out" / "weights.csv", old),
        ("weights", "fit", new, "--previous", old, "--out", tmp_path / "f.csv"),
        ("negotiate", "init", tmp_path / "r", "--cases", new, "--weights", old, "--hospitals",
         hospitals),
        ("explain", new, "--row", 2, "--weights", old),
        ("scheme", "switch", "chs-drg-2.0", "chs-drg-1.1", "--cases", REGION / "cases.csv",
         "--weights", old, "--out", tmp_path / "x"),
    ]  # fmt: skip
    for words in commands:
        assert run(*words) == 1, words
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1, said
        assert "chs-drg-1.1" in said[0]
        assert "chs-drg-2.0" in said[0]
        assert "--across-schemes" in said[0]
    assert not any(tmp_path.iterdir())
    assert run(*commands[0], "--across-schemes") == 0
    assert "chs-drg-1.1" in capsys.readouterr().err


def test_codes_tell_the_scheme_where_no_record_does(switched, tmp_path, capsys):
    bare = tmp_path / "bare.csv"
    bare.write_bytes((switched / "out" / "cases-new.csv").read_bytes())
    table = tmp_path / "table.csv"
    table.write_bytes((switched / "w.csv").read_bytes())
    assert run("settle", bare, "--weights", table, "--hospitals", REGION / "hospitals.csv",
               "--out", tmp_path / "s") == 1  # fmt: skip
    assert "chs-drg-2.0" in capsys.readouterr().err


def test_published_tables_know_their_scheme():
    """Lu'an 2025 lists all 634 groups of CHS-DRG 2.0 and 21 codes for cases without a group."""
    from drg.switch.origin import scheme_of_weights
    from weights.table import open_weights

    found = {name: scheme_of_weights(open_weights(name)).scheme for name in (
        "tongchuan", "qingdao", "linfen", "lanzhou", "luan")}  # fmt: skip
    assert found == {
        "tongchuan": "chs-drg-1.1", "qingdao": "qingdao-2023", "linfen": "linfen-2022",
        "lanzhou": "lanzhou-2023", "luan": "chs-drg-2.0",
    }  # fmt: skip


def test_a_scheme_that_is_not_at_hand_is_known_by_its_hash_or_refused(
    switched, tmp_path, monkeypatch, capsys
):
    """A pack in another folder: its record has only an id and a hash."""
    pack = tmp_path / "there" / "yunhe-2026"
    pack.mkdir(parents=True)
    (pack / "scheme.toml").write_text(
        'id = "yunhe-2026"\ntitle = "试点"\nversion = "1"\nsource = "试验"\n'
        'extends = "chs-drg-2.0"\n', encoding="utf-8")  # fmt: skip
    header = "change,table,code,name,place,rule,after,was\n"
    (pack / "changes.csv").write_text(f"{header}change,drg,FV25,另一名称,,,,\n", encoding="utf-8")
    grouped = tmp_path / "g.csv"
    assert run("group", REGION / "cases.csv", "--scheme", pack, "--out", grouped) == 0
    words = ("settle", grouped, "--weights", switched / "w.csv", "--hospitals",
             REGION / "hospitals.csv", "--out", tmp_path / "s")  # fmt: skip
    assert run(*words) == 1
    assert "codes mean different groups" in capsys.readouterr().err
    monkeypatch.setenv("DRG_CACHE_DIR", str(tmp_path / "empty"))
    assert run(*words) == 1
    assert "not at hand" in capsys.readouterr().err


def test_names_tell_where_a_table_says_no_scheme():
    """Changzhi and Huaibei publish names: those of 2.0, not those of 1.1 or 3.0."""
    from drg.switch.origin import Origin, clash, scheme_of_weights
    from weights.table import open_weights

    for name in ("changzhi", "huaibei"):
        table = open_weights(name)
        frame = table.frame[table.frame["weight"].notna()]
        named = dict(zip(frame["drg"], frame["name"], strict=True))
        origin = scheme_of_weights(table)
        assert not origin
        assert clash(Origin("chs-drg-2.0"), origin, named) is None
        for other in ("chs-drg-1.1", "chs-drg-3.0"):
            assert clash(Origin(other), origin, named) is not None, (name, other)
