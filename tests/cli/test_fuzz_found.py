"""What the fuzz harness found, each as its own small case."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drg.cases import settlement_list
from tests.fuzz.run import call
from tests.fuzz.world import make
from tests.once import once

DEEP = "x = " + "[" * 5000 + "]" * 5000 + "\n"
BEFORE_THE_CALENDAR = pa.array([-800_000, None] * 150, pa.date32())


@pytest.fixture(scope="module")
def world():
    return once("fuzz-world", make)


def fails(*words):
    """The line of a command that does not do well."""
    status, _, err = call(map(str, words))
    assert status == 1, (status, err[-500:])
    lines = [line for line in err.splitlines() if line.startswith("drg: ")]
    assert len(lines) == 1, err
    return lines[0]


def works(*words):
    status, out, err = call(map(str, words))
    assert status == 0, (status, err[-500:])
    return out


def grouped_with(world, tmp_path, **columns):
    """Grouped cases as Parquet, some columns replaced."""
    table = pa.Table.from_pandas(pd.read_csv(world / "grouped.csv", dtype=str))
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    path = tmp_path / "grouped.parquet"
    pq.write_table(table, path)
    return path


def test_dates_before_the_calendar_are_listed(world, tmp_path):
    path = grouped_with(world, tmp_path, total_cost=BEFORE_THE_CALENDAR)
    fails("settle", path, "--weights", world / "weights.csv", "--out", tmp_path / "out",
          "--hospitals", world / "hospitals.csv", "--year", 2025)  # fmt: skip
    fails("weights", "fit", path, "--out", tmp_path / "w.csv")
    assert not (tmp_path / "w.csv").exists()
    works("check", path)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("toml", ("policy", "test", "{}")),
        ("toml", ("policy", "validate", "{}")),
        ("toml", ("weights", "fit", "grouped.csv", "--out", "OUT", "--recipe", "{}")),
        ("json", ("weights", "fit", "grouped.csv", "--out", "OUT", "--recipe", "{}")),
        ("toml", ("group", "cases.csv", "--out", "OUT", "--mapping", "{}")),
        ("toml", ("scheme", "import", "city-tables", "--out", "OUT", "--mapping", "{}")),
        ("toml", ("project", "grouped.csv", "--weights", "weights.csv", "--out", "OUT",
                  "--scenario", "{}")),
        ("toml", ("policy", "search", "grouped.csv", "--weights", "weights.csv", "--out", "OUT",
                  "--search", "{}")),
        ("toml", ("negotiate", "init", "OUT", "--cases", "grouped.csv", "--weights",
                  "weights.csv", "--rules", "{}")),
    ],
)  # fmt: skip
def test_documents_nested_too_deeply_are_told(world, tmp_path, ending, words):
    path, out = tmp_path / f"deep.{ending}", tmp_path / "out.csv"
    path.write_text(DEEP if ending == "toml" else DEEP.removeprefix("x = "))
    put = {"{}": path, "OUT": out} | {name: world / name for name in (
        "grouped.csv", "cases.csv", "weights.csv", "city-tables")}  # fmt: skip
    assert "deep" in fails(*(put.get(word, word) for word in words))
    assert not out.exists()


def test_a_pack_and_records_nested_too_deeply(world, tmp_path):
    pack = shutil.copytree(world / "tiny-pack", tmp_path / "pack")
    (pack / "scheme.toml").write_text(DEEP)
    assert "scheme.toml" in fails("scheme", "validate", pack)
    settled = shutil.copytree(world / "settled", tmp_path / "settled")
    for record in settled.glob("*.json"):
        record.write_text("[" * 50_000)
    assert "settlement.json" in fails("report", settled, "--out", tmp_path / "r.html")
    weights = shutil.copy(world / "weights.csv", tmp_path)
    (tmp_path / "weights.csv.run.json").write_text("[" * 50_000)
    works("weights", "compare", weights, world / "weights.csv")


def test_lists_where_texts_belong_are_read_as_texts(world, tmp_path):
    lists = pa.array([["H0001"], None] * 150, pa.list_(pa.dictionary(pa.int32(), pa.string())))
    path = grouped_with(world, tmp_path, hospital_id=lists)
    works("weights", "fit", path, "--out", tmp_path / "w.csv")
    fails("settle", path, "--weights", world / "weights.csv", "--out", tmp_path / "out",
          "--hospitals", tmp_path / "none.csv")  # fmt: skip
    works("settle", path, "--weights", world / "weights.csv", "--out", tmp_path / "out",
          "--hospitals", world / "hospitals.csv", "--accept-unreadable")  # fmt: skip


def test_a_switch_that_fails_leaves_nothing(world, tmp_path):
    cases = pd.read_csv(world / "cases.csv", dtype=str)
    cases["diagnoses"] = "zz"  # nothing is grouped, so no weight can be carried
    cases.to_csv(tmp_path / "cases.csv", index=False)
    out = tmp_path / "switch"
    words = ("scheme", "switch", "chs-drg-1.1", "linfen-2022", "--cases", tmp_path / "cases.csv",
             "--weights", world / "weights.csv", "--out", out, "--across-schemes",
             "--hospitals", world / "hospitals.csv")  # fmt: skip
    fails(*words)
    assert not out.exists()
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    fails(*words)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_a_case_is_found_by_an_id_of_any_type(world, tmp_path):
    lists = pa.array([["C0000001"], ["C2"]] * 150, pa.list_(pa.string()))
    path = grouped_with(world, tmp_path, case_id=lists)
    works("explain", path, "--case", "C0000001")
    fails("explain", path, "--case", "['C0000001']")
    works("explain", path, "--dependence", "--out", tmp_path / "hang.csv")


def test_columns_that_parquet_keeps_as_dictionaries(world, tmp_path):
    rows = 2_000
    long = pa.table({
        "case_id": [f"C{i // 2}" for i in range(rows)], "sex": ["1"] * rows,
        "diag_code": ["I50.900", "J18.900"] * (rows // 2),
        "maindiag_flag": ["1", "0"] * (rows // 2),
    })  # fmt: skip
    pq.write_table(long, tmp_path / "long.parquet")
    works("group", tmp_path / "long.parquet", "--out", tmp_path / "out.csv")
    assert len(pd.read_csv(tmp_path / "out.csv")) == rows // 2
    whole = pa.Table.from_pandas(pd.read_csv(world / "whole.csv", dtype=str))
    pq.write_table(whole, tmp_path / "whole.parquet")
    works("negotiate", "init", tmp_path / "round", "--cases", tmp_path / "whole.parquet",
          "--weights", world / "weights.csv", "--hospitals", world / "hospitals.csv")  # fmt: skip


def ended(words, script="from drg.cli import main; main()", **streams):
    """A command in a process of its own: status and errors."""
    done = subprocess.run([sys.executable, "-c", script, *map(str, words)], check=False,
                          stderr=subprocess.PIPE, text=True, timeout=120, **streams)  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_an_output_that_is_full_is_told_in_a_line():
    with open("/dev/full", "w") as full:
        status, err = ended(["weights", "list"], stdout=full)
    assert (status, len(err.splitlines())) == (1, 1)
    assert "drg: cannot be written (No space left on device)" in err


@pytest.mark.skipif(os.name != "posix", reason="closed streams")
def test_streams_that_are_closed_are_no_files(world, tmp_path):
    out = tmp_path / "out.csv"
    works("group", world / "cases.csv", "--out", tmp_path / "other.csv")
    closed = ('import os, sys\n[os.close(n) for n in (0, 1, 2)]\n'
              'os.execv(sys.executable, [sys.executable, "-c", '
              '"from drg.cli import main; main()", *sys.argv[1:]])')  # fmt: skip
    assert ended(["group", world / "cases.csv", "--out", out], closed) == (0, "")
    assert out.read_bytes() == (tmp_path / "other.csv").read_bytes()


def test_an_age_that_no_number_holds_is_listed(tmp_path):
    (tmp_path / "in.csv").write_text("diagnoses,age\nI50.900,-1e400\nI50.900,1e400岁\n", "utf-8")
    works("group", tmp_path / "in.csv", "--out", tmp_path / "out.csv")
    listed = pd.read_csv(tmp_path / "out.csv.rejects.csv", dtype=str)
    assert list(listed["value"]) == ["'-1e400", "1e400岁"]
    works("explain", "--diagnoses", "I50.900", "--age", "-1e400")


@pytest.mark.parametrize("words", [("policy", "test", "{}.toml"), ("check", "{}.csv"),
                                   ("weights", "compare", "{}.csv", "{}.csv"),
                                   ("scheme", "show", "{}"), ("negotiate", "status", "{}"),
                                   ("report", "{}", "--out", "r.html")])  # fmt: skip
def test_a_name_that_no_folder_takes_is_told(words):
    assert "File name too long" in fails(*(word.format("x" * 300) for word in words))


@pytest.mark.parametrize("words", ["group {grouped.csv}", "weights fit {grouped.csv}",
                                   "explain {grouped.csv} --dependence", "report {settled}",
                                   "negotiate minutes {round-voted}"])  # fmt: skip
@pytest.mark.parametrize("out", ["", "/"])
def test_an_output_without_a_name_is_told(world, words, out):
    line = re.sub(r"\{(.*?)\}", lambda found: str(world / found[1]), words).split()
    assert "unknown kind of file" in fails(*line, "--out", out)


def test_days_beyond_the_calendar_in_small_tables_are_texts(world, tmp_path):
    days = pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32())
    pq.write_table(pa.table({"drg": ["A", "B"], "adrg": days, "severity": [1, 2]}),
                   tmp_path / "families.parquet")  # fmt: skip
    pq.write_table(pa.table({"pool": days, "amount": [1, 2]}), tmp_path / "year.parquet")
    year = ("settle", world / "grouped.csv", "--weights", world / "weights.csv", "--hospitals",
            world / "hospitals.csv", "--out", tmp_path / "out", "--last-year")  # fmt: skip
    works("weights", "fit", world / "grouped.csv", "--out", tmp_path / "w.csv", "--families",
          tmp_path / "families.parquet")  # fmt: skip
    assert "not a pool of the policy" in fails(*year, tmp_path / "year.parquet")


def test_codes_beyond_the_calendar_are_explained_as_they_stand(world, tmp_path):
    days = pa.array([2**31 - 1], pa.int32()).cast(pa.date32())
    lists = pa.array([["I50.900", None]], pa.list_(pa.string()))
    table = {"case_id": ["C1"], "diagnoses": lists, "procedures": days, "drg": days, "dept": days}
    pq.write_table(pa.table(table), tmp_path / "odd.parquet")
    told = works("explain", tmp_path / "odd.parquet", "--row", "1", "--what-if", "--all",
                 "--weights", world / "weights.csv")  # fmt: skip
    assert "I50.900" in told


def test_a_dataset_that_is_refused_leaves_nothing(world, tmp_path):
    shutil.copytree(world / "dataset", tmp_path / "in")
    part = tmp_path / "in/part=1/0.parquet"
    part.write_bytes(part.read_bytes()[:100])
    assert "part=1/0.parquet" in fails("group", tmp_path / "in", "--out", tmp_path / "out")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize("ending", [".json.gz", ".csv.gz"])
def test_an_archive_that_is_damaged_or_unpacks_without_end_is_told(tmp_path, monkeypatch, ending):
    path = tmp_path / f"lists{ending}"
    path.write_bytes(bytes.fromhex("1f8b08060606ffffffff" + "00" * 16 + "8a"))
    assert "damaged" in fails("check", path)
    monkeypatch.setattr(settlement_list, "_MOST_UNPACKED", 1000)
    path.write_bytes(gzip.compress(b" " * 1001))
    assert ("too large unpacked" if "json" in ending else "drg: ") in fails("check", path)
