"""--strict and --accept-unreadable on the commands that list what they could not read."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from drg.cli import app


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def folder(tmp_path):
    frame = pd.DataFrame({
        "case_id": [f"c{i}" for i in range(60)], "hospital_id": ["H1", "H2"] * 30,
        "insurance": "职工", "drg": ["G1", "G2", "G3"] * 20, "discharge_date": "2025-03-08",
        "diagnoses": "I10.x00x002", "sex": "1", "age": "50", "discharge_mode": "1",
        "total_cost": "4000", "fund_paid": "3000",
    })  # fmt: skip
    frame.to_csv(tmp_path / "good.csv", index=False)
    frame.assign(total_cost=["?"] + ["4000"] * 59).to_csv(tmp_path / "bad.csv", index=False)
    (tmp_path / "hospitals.csv").write_text("hospital_id,tier\nH1,2\nH2,3\n", encoding="utf-8")
    (tmp_path / "w.csv").write_text("drg,weight\nG1,0.5\nG2,1\nG3,2\n", encoding="utf-8")
    return tmp_path


def commands(folder, file, out):
    case, weights = folder / file, folder / "w.csv"
    return {
        "settle": ("settle", case, "--weights", weights, "--out", out),
        "project": ("project", case, "--weights", weights, "--out", out, "--years", 1),
        "fit": ("weights", "fit", case, "--out", folder / "fitted.csv"),
        "quality": ("weights", "quality", case, "--weights", weights),
        "init": ("negotiate", "init", out, "--cases", case, "--weights", weights),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["settle", "project", "fit", "quality", "init"])
def test_refused_accepted_and_strict(folder, name):
    refused = run(*commands(folder, "bad.csv", folder / "a")[name])
    assert refused.exit_code == 1
    text = str(refused.exception)
    assert "--accept-unreadable" in text
    assert "total_cost" in text
    assert "\n" not in text
    accepted = commands(folder, "bad.csv", folder / "b")[name]
    done = run(*accepted, "--accept-unreadable")
    assert done.exit_code == 0, done.output
    strict = commands(folder, "bad.csv", folder / "c")[name]
    assert run(*strict, "--accept-unreadable", "--strict").exit_code == 1
    good = commands(folder, "good.csv", folder / "d")[name]
    assert run(*good, "--strict").exit_code == 0


def test_check_and_group(folder):
    assert run("check", folder / "good.csv", "--strict").exit_code == 0
    assert run("check", folder / "bad.csv", "--strict").exit_code == 1
    assert run("check", folder / "bad.csv").exit_code == 0
    assert run("group", folder / "good.csv", "--out", folder / "g.csv", "--strict").exit_code == 0
