from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pandas as pd
import pytest

import drg
from drg.cli import main
from tests.conftest import DATA

LABELLED = DATA / "labelled.csv"
COMMAND = [sys.executable, "-c", "from drg.cli import main; main()"]


def run_apart(*arguments: object) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(drg.__file__).parents[1])},
    )  # fmt: skip


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """In this process, which has imported everything; the rest is the same."""
    out, err = io.StringIO(), io.StringIO()
    words, handler = ["drg", *map(str, arguments)], signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
    signal.signal(signal.SIGTERM, handler)
    return subprocess.CompletedProcess(words, ended.value.code or 0, out.getvalue(), err.getvalue())


def test_version_and_help():
    assert run_apart("--version").stdout == f"drg-toolkit {drg.__version__}\n"
    told = run_apart("--help").stdout
    assert all(command in told for command in ("group", "sample", "scheme", "demo"))
    assert run_apart("group").returncode == 2
    assert run_apart("nonsense").returncode == 2


def test_group_summarises(tmp_path):
    done = run_apart("group", LABELLED, "--out", tmp_path / "out.csv")
    assert done.returncode == 0
    assert done.stdout == ""
    for part in ("  cases  ", "1,268", "  grouped  ", "  ungrouped  ", "634 of 634",
                 "1,268 of 1,268", "cases/s"):  # fmt: skip
        assert part in done.stderr, part


def test_reasons_of_ungrouped_cases_are_counted(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("sex,age,diagnoses\n2,40,N40.x00\n1,40,\n1,40,I10.x00x002|zzz\nq,40,I10\n")
    done = run("group", source, "--out", tmp_path / "out.csv")
    assert done.returncode == 0
    for part in ("sex_conflict the principal diagnosis does not fit the sex: 1",
                 "missing_principal_diagnosis there is no principal diagnosis: 1",
                 "unknown_secondary_diagnosis", "rejected 1, listed in"):  # fmt: skip
        assert part in done.stderr, part
    strict = run("group", source, "--out", tmp_path / "out.csv", "--strict")
    assert strict.returncode == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.csv", None, "gone.csv"),
        ("empty.csv", b"", "is empty, expected a header line"),
        ("nothing.csv", b"a,b\n1,2\n", "no column for 'diagnoses'"),
        ("twice.csv", b"diagnoses,age,age\nI10,1,2\n", "stands twice in the header"),
        ("utf16.csv", "diagnoses\nI10\n".encode("utf-16"), "UTF-16"),
        ("parquet.csv", b"PAR1xxxx", "Parquet"),
        ("broken.parquet", b"PAR1 not really", "broken.parquet"),
        ("broken.xlsx", b"PK\x03\x04 not really", "broken.xlsx"),
        ("broken.xls", b"hello", "broken.xls"),
        ("broken.csv.gz", b"\x1f\x8b not really", "broken.csv.gz"),
        ("letter.docx", b"hello", "the ending is not that of a table"),
    ],
)
def test_a_bad_file_gets_one_line_and_leaves_nothing(tmp_path, name, content, message):
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    done = (run_apart if name == "gone.csv" else run)("group", source, "--out",
                                                      tmp_path / "out.csv")  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("drg: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert name in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == [name] * (content is not None)


def test_a_directory_as_input_or_output(tmp_path):
    for arguments in ((tmp_path, "--out", tmp_path / "o.csv"), (LABELLED, "--out", tmp_path)):
        done = run("group", *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    done = run("group", LABELLED, "--out", tmp_path / "no" / "such" / "out.csv")
    assert done.returncode == 1
    assert "out.csv" in done.stderr


def test_header_only_gives_an_empty_output(tmp_path):
    (tmp_path / "in.csv").write_text("case_id,diagnoses\n")
    assert run("group", tmp_path / "in.csv", "--out", tmp_path / "out.csv").returncode == 0
    assert (tmp_path / "out.csv").read_text() == (
        "case_id,diagnoses,mdc,adrg,drg,severity,status,reason\n"
    )


def test_scheme_commands(tmp_path):
    assert "chs-drg-1.1" in run("scheme", "list").stdout
    shown = run("scheme", "show", "chs-drg-1.1").stdout
    assert "26 MDC, 376 ADRG, 628 DRG" in shown
    assert "医疗保障" in shown
    assert "脑缺血性疾患" in run("scheme", "show", "chs-drg-1.1", "br23").stdout
    assert "MCC" in run("scheme", "show", "chs-drg-1.1", "j96.000").stdout
    assert run("scheme", "show", "chs-drg-1.1", "nothing").returncode == 1
    done = run("scheme", "validate", "chs-drg-1.1")
    assert (done.returncode, "0 errors" in done.stderr) == (0, True)
    assert run("scheme", "show", "no-such").returncode == 1
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "scheme.toml").write_text('id = "x"')
    assert run("scheme", "validate", tmp_path / "pack").returncode == 1


@pytest.mark.usefixtures("plain")
def test_sample_and_demo(tmp_path):
    done = run("sample", "--out", tmp_path / "region", "--cases", 300, "--hospitals", 5,
               "--seed", 7)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "region" / "cases.csv")) == 300
    done = run("demo", "--out", tmp_path / "demo", "--cases", 1000, "--hospitals", 6)
    assert done.returncode == 0, done.stderr
    assert "mean cost (yuan)" in done.stdout
    last = [Path(line).name for line in done.stdout.splitlines()[-4:]]
    assert last == ["grouped.csv", "weights.csv", "results", "report.html"]
    assert all(Path(line).exists() for line in done.stdout.splitlines()[-4:])
    assert len(pd.read_csv(tmp_path / "demo" / "grouped.csv")) == 1000
    assert run("sample", "--out", tmp_path / "r2", "--cases", 0).returncode == 2


def test_a_killed_run_leaves_no_file_that_looks_whole(tmp_path):
    frame = pd.read_csv(LABELLED, dtype=str, keep_default_na=False)
    source = tmp_path / "in.parquet"
    pd.concat([frame] * 200, ignore_index=True).to_parquet(source)
    for delay, number in ((0.3, signal.SIGKILL), (0.6, signal.SIGKILL), (0.5, signal.SIGTERM),
                          (0.9, signal.SIGKILL), (0.5, signal.SIGINT)):  # fmt: skip
        out = tmp_path / "out.csv.gz"
        process = subprocess.Popen([*COMMAND, "group", str(source), "--out", str(out)],
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(delay)
        process.send_signal(number)
        process.wait()
        if out.exists():  # it was done before the signal came
            assert len(pd.read_csv(out)) == 200 * len(frame)
            out.unlink()
        left = [p.name for p in tmp_path.iterdir() if p.name.endswith(".partial")]
        if number != signal.SIGKILL:
            assert left == [] or process.returncode < 0
        for place in (tmp_path / name for name in left):  # a folder where tables go together
            shutil.rmtree(place) if place.is_dir() else place.unlink()


def test_no_command_writes_over_what_it_reads(tmp_path):
    cases, other = tmp_path / "cases.csv", tmp_path / "other.csv"
    cases.write_bytes(LABELLED.read_bytes())
    other.write_text("drg,weight\nAA19,1\n")
    wanted = [
        ("explain", cases, "--case", "L0001", "--out", cases),
        ("explain", cases, "--case", "L0001", "--what-if", "--weights", other, "--out", other),
        ("explain", cases, "--dependence", "--weights", other, "--out", other),
        ("check", cases, "--html", cases),
        ("check", cases, "--hospitals", other, "--html", other),
        *(("scheme", "diff", "chs-drg-1.1", "linfen-2022", "--cases", cases, option, cases)
          for option in ("--out", "--moves", "--picture")),
    ]  # fmt: skip
    for command in wanted:
        done = run(*command)
        assert done.returncode == 1, command
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert cases.read_bytes() == LABELLED.read_bytes(), command
        assert other.read_text().startswith("drg,weight"), command
    page = tmp_path / "page.html"
    assert run("check", cases, "--html", page, "--xlsx", page).returncode == 1
