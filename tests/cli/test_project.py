"""``drg project`` from the command line."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from drg.cli import app
from tests.budget.region import HOSPITALS, WEIGHTS, many
from tests.notebooks.refresh import ROOT

SAMPLES = ROOT / "data_samples"
SCENARIOS = [str(SAMPLES / f"scenario-{name}.toml") for name in ("tighter-cap", "lower-rate")]


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    many(1000).to_csv(folder / "cases.csv", index=False)
    HOSPITALS.to_csv(folder / "hospitals.csv", index=False)
    WEIGHTS.to_csv(folder / "weights.csv", index=False)
    return folder


def project(region, out, *more):
    words = ["project", str(region / "cases.csv"), "--weights", str(region / "weights.csv"),
             "--out", str(out), *more]  # fmt: skip
    return CliRunner().invoke(app, words)


def test_two_scenarios_with_draws(region, tmp_path):
    with_two = [word for path in SCENARIOS for word in ("--scenario", path)]
    done = project(region, tmp_path, *with_two, "--draws", "100", "--seed", "1")
    assert done.exit_code == 0, done.output
    for words in ("baseline As it is", "tighter-cap", "lower-rate", "average cost", "final",
                  str(tmp_path)):  # fmt: skip
        assert words in done.output, words
    rows = pd.read_csv(tmp_path / "projection_hospitals.csv", encoding="utf-8-sig")
    assert set(rows["scenario"]) == {"baseline", "tighter-cap", "lower-rate"}
    assert sorted(rows["year"].unique()) == [2025, 2026, 2027, 2028]
    drawn = rows.dropna(subset=["low"])
    assert ((drawn["low"] <= drawn["final"]) & (drawn["final"] <= drawn["high"])).mean() > 0.9
    tables = ("projection_pools", "projection_tiers", "projection_groups", "decomposition",
              "sensitivity")  # fmt: skip
    for name in ("projection.json", "settlement.json", *(f"{one}.csv" for one in tables)):
        assert (tmp_path / name).is_file(), name


def test_the_baseline_alone(region, tmp_path):
    done = project(region, tmp_path, "--years", "1")
    assert done.exit_code == 0, done.output
    rows = pd.read_csv(tmp_path / "projection_pools.csv", encoding="utf-8-sig")
    assert sorted(rows["year"].unique()) == [2025, 2026]
    first, ahead = (rows[rows["year"] == year] for year in (2025, 2026))
    assert list(first["payable"]) == list(ahead["payable"])


def test_a_driver_that_chooses_no_case_is_told(region, tmp_path):
    path = tmp_path / "my.toml"
    path.write_text('id = "mine"\ntitle = "t"\nsource = "s"\nyears = 1\n'
                    '[drivers.groups.x]\ngroups = ["ZZ99"]\nvolume = 0.1\n',
                    encoding="utf-8")  # fmt: skip
    done = project(region, tmp_path / "out", "--scenario", str(path), "--years", "1")
    assert done.exit_code == 0, done.output
    assert f"warning {path}: drivers.groups.x: chooses no case" in done.stderr
    groups = pd.read_csv(tmp_path / "out" / "projection_groups.csv", encoding="utf-8-sig")
    assert groups.set_index("drg").loc["RE19", "name"].iloc[0]  # of the national scheme


def wrong(region, out, *more) -> str:
    done = project(region, out, *more)
    assert done.exit_code != 0
    return str(done.exception or "") + done.output


def test_what_is_wrong_is_one_line(region, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text('id = "b"\ntitle = "b"\nsource = "s"\nyears = 2\n[driver]\nvolume = 1\n')
    found = wrong(region, tmp_path / "out", "--scenario", str(bad))
    assert "bad.toml: driver: unknown key" in found
    twice = [word for _ in range(2) for word in ("--scenario", SCENARIOS[0])]
    found = wrong(region, tmp_path / "out", *twice)
    assert "two scenarios have this id" in found
    assert "cannot be read" in wrong(region, tmp_path / "out", "--scenario", "gone.toml")
