"""`drg policy search`: the sample search on the sample region, and what goes wrong in words."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from budget.policy import load_policy
from budget.projection.scenario import load_scenario
from budget.search.document import check, load_search
from drg.cli import app
from drg.errors import DrgError
from drg.language import half

ROOT = Path(__file__).parents[2]
REGION = ROOT / "data_samples/region-small"
SAMPLE = ROOT / "data_samples/search-balance.toml"
RUNNER = CliRunner()
CAP = """
id = "cap"
title = "上限"
source = "test"
[figures.growth]
keys = ["pools.employee.growth", "pools.resident.growth"]
low = -0.05
high = 0.1
step = 0.01
[targets.balance]
outcome = "balance_before_cut"
low = 500000.0
"""


def run(*arguments):
    return RUNNER.invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    grouped, weights = folder / "grouped.csv", folder / "weights.csv"
    assert run("group", REGION / "cases.csv", "--out", grouped).exit_code == 0
    assert run("weights", "fit", grouped, "--out", weights).exit_code == 0
    return (grouped, "--weights", weights, "--hospitals", REGION / "hospitals.csv", "--year", 2025)


def pools_of(folder):
    return pd.read_csv(folder / "pools.csv", index_col="pool")


def test_the_sample_search(cases, tmp_path):
    out = tmp_path / "out"
    done = run("policy", "search", *cases, "--search", SAMPLE, "--out", out)
    assert done.exit_code == 0, done.output
    assert "targets hold for the settled year only" in done.output
    record = json.loads((out / "policy_search.json").read_text(encoding="utf-8"))
    assert record["feasible"]
    assert all(one["met"] for one in record["targets"])
    assert record["solver"]["seed"] is None
    table = pd.read_csv(out / "policy_search.csv")
    assert list(table["point"]) == ["asked", "curve", "curve", "curve"]
    assert table["change"][1:].is_monotonic_increasing  # the bounds grow tighter
    assert (table["largest_loss"] <= table["bound"]).all()
    assert table["figure_rate"].mod(10).eq(0).all()
    # the found policy settles to what the record says
    again = tmp_path / "again"
    done = run("settle", *cases, "--policy", out / "policy-found.toml", "--out", again)
    assert done.exit_code == 0, done.output
    settled = json.loads((again / "settlement.json").read_text(encoding="utf-8"))
    assert settled["policy"]["chain"] == ["search-balance", "national-default"]
    pools = pools_of(again)
    assert pools["balance"].sum() == pytest.approx(record["outcomes"]["balance"]["found"])
    found = load_policy(out / "policy-found.toml")
    changes = {one["keys"][0]: one["found"] for one in record["figures"]
               if one["found"] != one["now"]}  # fmt: skip
    held = {leaf.key: leaf for leaf in found.leaves()}
    assert changes
    for key, value in changes.items():
        assert held[key].value == value
        assert half(held[key].source, "en").startswith("found by the search search-balance")
        assert half(held[key].source, "zh").startswith("由政策搜索“少调费率")
        assert "；原为" in half(held[key].source, "zh")
    scenario = load_scenario(out / "scenario-found.toml")
    rules = load_policy().laid_over(scenario.change["1"].policy, "test")
    assert {one.key: one.value for one in rules.leaves()} == {k: v.value for k, v in held.items()}
    # a year later the pools have moved on, as the projection of the found scenario says
    ahead = tmp_path / "ahead"
    done = run("project", *cases, "--scenario", out / "scenario-found.toml", "--years", 1,
               "--out", ahead)  # fmt: skip
    assert done.exit_code == 0, done.output
    pools = pd.read_csv(ahead / "projection_pools.csv", encoding="utf-8-sig").query(
        "scenario == 'search-balance' and year == 2026").set_index("pool")  # fmt: skip
    hospitals = pd.read_csv(ahead / "projection_hospitals.csv", encoding="utf-8-sig").query(
        "scenario == 'search-balance' and year == 2026")  # fmt: skip
    for goal in record["targets"]:
        if goal["name"] == "loss":
            assert goal["next_year"] == pytest.approx(-hospitals["gain_share"].min(), abs=2e-6)
            assert goal["met_next_year"] == (goal["next_year"] <= goal["high"])
        else:
            assert goal["next_year"] == pools["balance_before_cut"][goal["name"]]
            assert goal["met_next_year"] == (goal["next_year"] >= 0)


def test_figures_of_one_value_and_a_policy_in_another_folder(cases, tmp_path):
    asked, own = tmp_path / "cap.toml", tmp_path / "own.toml"
    asked.write_text(CAP, encoding="utf-8")
    own.write_text('id = "own"\ntitle = "t"\nextends = "national-default"\nsource = "s"\n'
                   '[unknown]\nvalid_from = "test"\n', encoding="utf-8")  # fmt: skip
    done = run("policy", "search", *cases, "--policy", own, "--search", asked,
               "--out", tmp_path / "deep/out")  # fmt: skip
    assert done.exit_code == 0, done.output
    text = (tmp_path / "deep/out/policy-found.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    assert document["extends"] == "../../own.toml"
    pools = load_policy(tmp_path / "deep/out/policy-found.toml").pools
    assert pools[0].growth == pools[1].growth > 0.05
    assert round(pools[0].growth * 100, 9).is_integer()


def test_what_cannot_be_met_is_said(cases, tmp_path):
    asked, out = tmp_path / "cap.toml", tmp_path / "out"
    asked.write_text(CAP + '[targets.patient]\noutcome = "patient_share"\nhigh = 0.01\n',
                     encoding="utf-8")  # fmt: skip
    out.mkdir()
    (out / "policy-found.toml").write_text("of an earlier run", encoding="utf-8")
    done = run("policy", "search", *cases, "--search", asked, "--out", out)
    assert done.exit_code == 1
    assert "cannot be met within the ranges: patient_share: nearest" in done.output
    assert "patient: no figure of the search moves this outcome" in done.output
    assert not (out / "policy-found.toml").exists()
    record = json.loads((out / "policy_search.json").read_text(encoding="utf-8"))
    balance, patient = record["targets"]
    assert (balance["met"], balance["alone"]) == (True, True)
    assert (patient["met"], patient["alone"], patient["moved"]) == (False, False, False)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("step = 0.01", "stepp = 0.01", "figures.growth.step: is missing"),
        ("step = 0.01", "step = 1e-9", "figures.growth.step: too small for the range"),
        ("step = 0.01", "step = 0", "figures.growth.step: not allowed"),
        ("high = 0.1\n", "high = -0.1\n", "figures.growth.high: not above low"),
        ("balance_before_cut", "profit", "targets.balance.outcome: not allowed"),
        ("low = 500000.0", "", "targets.balance.low: is missing"),
        ("low = 500000.0", 'low = 1\npool = "x"', "targets.balance.pool: not a pool"),
        ("low = -0.05", "low = -2.0", "figures.growth.low: pools.employee.growth may not be this"),
        ("low = -0.05", "low = 0.07", "figures.growth: pools.employee.growth in force is not"),
        ("pools.resident.growth", "pools.resident.grow", "figures.growth.keys: .*no such figure"),
        ("pools.resident.growth", "cash.working_days", "not a figure that can change"),
        ("pools.resident.growth", "cash.advance", "expected figures that have one value"),
        ("low = 500000.0", 'low = 1\n[curve]\ntarget = "x"\nbounds = [1.0]',
         "curve.target: no such target"),
    ],
)  # fmt: skip
def test_wrong_documents_are_told_in_one_line(tmp_path, old, new, message):
    assert old in CAP
    path = tmp_path / "wrong.toml"
    path.write_text(CAP.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DrgError, match=message) as told:
        check(load_search(path), load_policy())
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
