"""Inputs from the field that others keep beside the project: each comes out as its README says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drg.cli import app

FIELD = Path(__file__).parents[2] / "shared" / "field"
pytestmark = pytest.mark.skipif(
    not FIELD.is_dir(), reason="the folder shared/field is not beside the project"
)


def run(folder, *arguments, monkeypatch):
    monkeypatch.chdir(FIELD / folder)
    return CliRunner().invoke(app, list(map(str, arguments)))


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(("folder", "file", "more", "groups"), [
    ("zeros", "n2.csv", (), ["GD15"]), ("zeros", "numeric-code.xlsx", (), ["GD15", None]),
    ("headers", "header-mid-number.csv", (), ["FR21"]),
    ("months", "months.csv", ("--mapping", "months.toml"), ["PU15", "PU15", "PV15", None]),
    ("months", "months.csv", (), ["PU15", "PU15", "PV15", None]),
    ("long", "setl-list-diag-long.csv", (), ["FR21", "ES35"]),
])  # fmt: skip
def test_grouping(tmp_path, monkeypatch, folder, file, more, groups):
    out = tmp_path / "o.csv"
    done = run(folder, "group", file, "--out", out, "--scheme", "chs-drg-1.1", *more,
               monkeypatch=monkeypatch)  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = table(out)
    assert len(rows) == len(groups)
    assert all(row["drg"] == group for row, group in zip(rows, groups, strict=True) if group)
    if folder == "zeros":
        assert (tmp_path / "o.csv.codes.csv").is_file()


@pytest.mark.parametrize(("folder", "arguments", "paid"), [
    ("modes", ("modes.csv", "--weights", "w.csv", "--policy", "pol.toml"),
     {**dict.fromkeys("abcd", "3571.43"), "e": "5000"}),
    ("tcm", ("tcm-percent.csv", "--weights", "tcm-w.csv", "--policy", "tcm.toml"),
     dict.fromkeys("abc", "8155.59")),
    ("infant", ("infant.csv", "--weights", "w4.csv", "--policy", "pol4.toml"),
     {"a": "7500", "b": "7500"}),
])  # fmt: skip
def test_payments(tmp_path, monkeypatch, folder, arguments, paid):
    done = run(folder, "settle", *arguments, "--across-schemes", "--out", tmp_path,
               monkeypatch=monkeypatch)  # fmt: skip
    assert done.exit_code == 0, done.output
    found = {row["case_id"]: row["payment"] for row in table(tmp_path / "cases.csv")}
    assert found.items() >= paid.items()


def test_a_mode_that_is_not_there_is_said(tmp_path, monkeypatch):
    done = run("modes", "settle", "modes-without.csv", "--weights", "w.csv", "--policy", "pol.toml",
               "--out", tmp_path, monkeypatch=monkeypatch)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "no_discharge_mode" in done.output


def test_a_stay_by_its_dates(tmp_path, monkeypatch):
    done = run("stay", "settle", "c2b.csv", "--weights", "w.csv", "--policy", "pol2.toml", "--out",
               tmp_path, monkeypatch=monkeypatch)  # fmt: skip
    assert done.exit_code == 0, done.output
    found = {row["case_id"]: row["branch"] for row in table(tmp_path / "cases.csv")}
    assert found["4"] == found["6"] == "long_stay"
    assert found["1"] == "short_stay"
    assert {row["row"] for row in table(tmp_path / "rejects.csv")} == {"8", "9"}


def test_what_was_silent_is_read_or_listed(tmp_path, monkeypatch):
    done = run("silent", "settle", "cases.csv", "--weights", "w.csv", "--out", tmp_path,
               monkeypatch=monkeypatch)  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = {row["case_id"]: row for row in table(tmp_path / "cases.csv")}
    assert {rows[n]["branch"] for n in "1234"} == {"transfer"}
    assert {rows[n]["branch"] for n in "56"} == {"long_stay"}
    assert rows["9"]["payment"] == rows["10"]["payment"] == "8170"
    assert [row["row"] for row in table(tmp_path / "rejects.csv")] == ["11"]


def test_the_pooled_fund_is_its_own_column(tmp_path, monkeypatch):
    done = run("fund", "settle", "cases.csv", "--weights", "w.csv", "--out", tmp_path,
               monkeypatch=monkeypatch)  # fmt: skip
    assert done.exit_code == 0, done.output
    (row,) = table(tmp_path / "cases.csv")
    assert (row["fund"], row["other"], row["patient"]) == ("5600", "2000", "1000")


def test_insurance_by_name_and_code(tmp_path, monkeypatch):
    asked = ("settle", "ins.csv", "--weights", "w.csv", "--hospitals", "h.csv", "--out", tmp_path)
    refused = run("insurance", *asked, monkeypatch=monkeypatch)
    assert refused.exit_code == 1
    assert "2025-02-29" in str(refused.exception)
    done = run("insurance", *asked, "--accept-unreadable", monkeypatch=monkeypatch)
    assert done.exit_code == 0, done.output
    rows = table(tmp_path / "cases.csv")
    assert [row["case_id"] for row in rows if row["branch"] == "no_insurance"] == ["8"]
    first = next(line for line in done.output.splitlines() if "warning" in line or "警告" in line)
    assert "case_ids_twice" in first
