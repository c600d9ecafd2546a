"""Every command looks before it acts: no input is replaced, and nothing is begun in vain."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz.kills import decided, hidden, many
from tests.fuzz.run import call
from tests.fuzz.world import make
from tests.once import once

POLICY = 'extends = "{}"\n[policy]\nid = "own"\ntitle = "x"\nsource = "x"\n'


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A copy of good files, as what is refused could be spoilt."""
    return Path(shutil.copytree(once("fuzz-world", make), tmp_path / "world"))


def test_every_command_that_writes_looks_first() -> None:
    files = [path for path in (Path(__file__).parents[2] / "drg" / "cli").rglob("*.py")
             if path.parent.name != "common"]  # fmt: skip
    texts = {path: path.read_text("utf-8") for path in files}
    writing = [path for path, text in texts.items() if '"--out"' in text or "TablesFolder" in text]
    assert len(writing) >= 15
    assert [path for path in writing if "look_first(" not in texts[path]] == []


def digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip


REFUSED = {
    "round's own draft": "negotiate close round-voted --out round-voted/weights.csv --despite x",
    "no folder for the final table": "negotiate close round-voted --out none/f.csv --despite x",
    "final table of a strange kind": "negotiate close round-voted --out f.docx --despite x",
    "impact over the cases": "negotiate impact round-voted --out round-voted/votes.xlsx",
    "receipt over the record": "negotiate receipt round-voted --out round-voted/ledger.jsonl",
    "minutes in no folder": "negotiate minutes round-voted --out none/m.html",
    "tables of the import": "scheme import city-tables --out city-tables",
    "inside the tables of the import": "scheme import city-tables --out city-tables/pack",
    "a table of a pack": "scheme diff tiny-pack chs-drg-1.1 --out tiny-pack/drg.csv",
    "a recipe's table": "weights fit grouped.csv --recipe own.toml --out families.csv",
    "a policy's base": "policy standards --policy own-policy.toml --weights weights.csv"
    " --out base.csv",
    "a table beside the record": "weights fit grouped.csv --out grouped.csv.run.json",
    "a settlement over its hospitals": "settle grouped.csv --weights weights.csv --out .",
    "a report over its tables": "report settled --out settled/r.html --annex settled/pools.csv",
    "a report over a workbook": "report settled --out settled/settlement.html",
    "another ending": "weights quality grouped.csv --out q.html",
    "this program": f"group cases.csv --out {Path(__file__).parents[2] / 'drg' / 'o.csv'}",
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_it_is_refused_and_nothing_is_changed(
    world: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    (world / "own.toml").write_text('families = "families.csv"\n', "utf-8")
    (world / "base.csv").write_text("x", "utf-8")
    (world / "own-policy.toml").write_text(POLICY.format("base.csv"), "utf-8")
    monkeypatch.chdir(world)
    before = digests(world)
    status, _, err = call(words.split())
    assert status == 1, err
    assert err.startswith("drg: "), err
    assert len(err.splitlines()) == 1, err
    assert digests(world) == before


def test_a_closed_round_writes_its_table_and_minutes_again(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    decided(world / "round-voted", world / "round-decided")
    close = ["negotiate", "close", "round-decided", "--despite", "x"]
    status, _, err = call(close)
    assert status == 0, err
    made = ("weights-final.csv", "weights-final.csv.run.json", "minutes.html", "minutes.xlsx")
    before = digests(world / "round-decided")
    for name in made:
        (world / "round-decided" / name).unlink()
    status, _, err = call(close)
    assert status == 0, err
    assert {n: d for n, d in digests(world / "round-decided").items() if n in made} == {
        n: before[n] for n in made
    }
    status, _, err = call([*close, "--out", "elsewhere.csv"])
    assert status == 0, err
    assert digests(world)["elsewhere.csv"] == before["weights-final.csv"]
    assert call(["negotiate", "verify", "round-decided", "--weights", "elsewhere.csv"])[0] == 0


@pytest.mark.parametrize("name", ["pools.csv", "cases.csv", "months.csv"])
def test_tables_of_two_runs_are_refused(
    world: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(world)
    settle = ["settle", "grouped.csv", "--weights", "weights.csv", "--policy", "luan-2025"]
    status, _, err = call([*settle, "--out", "other"])
    assert status == 0, err
    shutil.copy(world / "other" / name, world / "settled" / name)
    status, _, err = call(["report", "settled", "--out", "r.html"])
    assert status == 1
    assert f"{name}: is not the table on record in settlement.json" in err
    (world / "settled" / name).unlink()
    if name != "cases.csv":  # which may be kept from those who report
        assert call(["report", "settled", "--out", "r.html"])[0] == 1
    (world / "settled" / "settlement.json").unlink()
    assert call(["report", "settled", "--out", "r.html"])[0] == 1


def test_an_interrupt_at_the_start_is_quiet(tmp_path: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
    command = [sys.executable, "-c", "from drg.cli import main; main()", "sample", "--out", "r"]
    for wait in (0.15, 0.4, 0.8):
        run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
        time.sleep(wait)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
        if wait > 0.15:  # before, Python itself may not have come to its first line
            assert run.returncode == 130, err
            assert b"Traceback" not in err
    assert not hidden(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_what_stands_after_a_kill_is_the_old_result_or_the_new(world: Path, tmp_path: Path) -> None:
    found = many(world, tmp_path, 18, range(2, 6))
    assert not [fault for one in found for fault in one.faults]
