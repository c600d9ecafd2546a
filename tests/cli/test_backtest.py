"""``drg backtest``: another year of the same region, projected from the year before it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from budget.forecast.backtest import backtest_file
from budget.policy import load_policy
from budget.projection.scenario import BASELINE, load_scenario
from budget.settlement.files import settle_file
from drg.cli import app
from drg.errors import DrgError
from drg.page.words import Words
from drg.report.backtest.sections import backtest_report
from tests.budget.region import HOSPITALS, WEIGHTS, many, weight_table

SPENT = {"employee": 1.2e7, "resident": 1.2e7}


def later(frame: pd.DataFrame) -> pd.DataFrame:
    """The same days a year later."""
    moved = {name: frame[name].str.replace("2025-", "2026-").str.replace("2024-", "2025-")
             for name in ("admission_date", "discharge_date")}  # fmt: skip
    return frame.assign(**moved)


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    many(1200, seed=1).to_csv(folder / "before.csv", index=False)
    later(many(1200, seed=2)).to_csv(folder / "came.csv", index=False)
    later(many(1200, seed=1)).to_csv(folder / "same.csv", index=False)
    HOSPITALS.to_csv(folder / "hospitals.csv", index=False)
    WEIGHTS.to_csv(folder / "weights.csv", index=False)
    return folder


def run(region, out, came="came.csv", policy="national-default", scenario=BASELINE, **more):
    rules = load_policy(policy) if isinstance(policy, str) else policy
    return backtest_file(
        region / "before.csv", region / came, out, weight_table(), rules,
        region / "hospitals.csv", 2025, scenario, last_year=SPENT, draws=200, **more,
    )  # fmt: skip


def test_what_came_is_the_settlement_of_the_year_that_came(region, tmp_path):
    found = run(region, tmp_path / "out")
    spent = json.loads((tmp_path / "out" / "backtest.json").read_text("utf-8"))
    assert spent["kind"] == "backtest"
    first = settle_file(region / "before.csv", tmp_path / "one", weight_table(), load_policy(),
                        region / "hospitals.csv", 2025, last_year=SPENT)  # fmt: skip
    paid = dict(zip(SPENT, (first.cash.final.sum(axis=0) / 100).tolist(), strict=True))
    second = settle_file(region / "came.csv", tmp_path / "two", weight_table(), load_policy(),
                         region / "hospitals.csv", 2026, last_year=paid)  # fmt: skip
    hospitals = found.tables["hospitals"].set_index("hospital_id")
    for year, name in ((first, "last_year"), (second, "came")):
        final = year.cash.final.sum(axis=1) / 100
        assert np.allclose(hospitals[f"final_{name}"], final, atol=0.01)
        cost = year.sums.yearly().cost.sum(axis=1) / year.sums.yearly().cases.sum(axis=1) / 100
        assert np.allclose(hospitals[f"average_cost_{name}"], cost, atol=0.01)
    inside = hospitals["final_came"].between(hospitals["final_low"], hospitals["final_high"])
    row = found.scores.iloc[0]
    assert (row["level"], row["measure"], row["count"]) == ("hospitals", "final", 5)
    assert row["inside"] == pytest.approx(inside.mean())
    off = (hospitals["final_projected"] - hospitals["final_came"]).abs().sum()
    assert row["error"] == pytest.approx(off / hospitals["final_came"].sum(), abs=1e-6)


def test_the_same_cases_again_are_projected_to_the_fen(region, tmp_path):
    """Nothing assumed and nothing new: only the pools' money moves, and both know it."""
    found = run(region, tmp_path, came="same.csv")
    hospitals = found.tables["hospitals"]
    assert np.allclose(hospitals["final_projected"], hospitals["final_came"], atol=0.02)
    assert np.allclose(found.scores.set_index("measure")["error"].dropna(), 0, atol=1e-6)
    groups = found.tables["groups"]
    inside = groups["average_cost_came"].between(groups["average_cost_low"],
                                                 groups["average_cost_high"])  # fmt: skip
    assert inside.mean() > 0.9


def test_point_values_are_held_against_what_came(region, tmp_path):
    from tests.budget.test_project import POINTS

    found = run(region, tmp_path, policy=POINTS)
    pools = found.tables["pools"]
    assert pools["point_value_came"].notna().all()
    assert (pools["point_value_low"] < pools["point_value_high"]).all()
    row = found.scores.set_index(["level", "measure"]).loc[("pools", "point_value")]
    off = (pools["point_value_projected"] / pools["point_value_came"] - 1).abs().mean()
    assert row["error"] == pytest.approx(off, abs=1e-5)
    text = "\n".join(str(one) for one in backtest_report(found, Words("zh")).sections)
    assert "点值" in text


def test_what_was_assumed_counts(region, tmp_path):
    dear = load_scenario({"id": "dear", "title": "费用上涨", "source": "a test", "years": 2,
                          "drivers": {"input_cost": 0.1}})  # fmt: skip
    found = run(region, tmp_path, came="same.csv", scenario=dear)
    assert np.allclose(found.tables["tiers"]["average_cost_projected"]
                       / found.tables["tiers"]["average_cost_came"], 1.1, rtol=1e-6)  # fmt: skip
    joins = load_scenario({"id": "j", "title": "j", "source": "a test", "years": 1, "change": {
        "1": {"hospitals": str(region / "hospitals.csv")}}})  # fmt: skip
    with pytest.raises(DrgError, match=r"change\.hospitals"):
        run(region, tmp_path, scenario=joins)


def test_the_command_writes_tables_and_a_page(region, tmp_path):
    out = tmp_path / "out"
    done = CliRunner().invoke(app, [
        "backtest", str(region / "before.csv"), str(region / "came.csv"), "--weights",
        str(region / "weights.csv"), "--hospitals", str(region / "hospitals.csv"), "--out",
        str(out), "--draws", "100", "--lang", "en",
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "payment of hospitals" in done.output
    page = (out / "backtest.html").read_text(encoding="utf-8")
    assert "off by" in page
    assert "secret-" not in page
    names = {path.name for path in out.iterdir()}
    assert names == {"backtest.html", "backtest.json", "backtest_scores.csv", "backtest_tiers.csv",
                     "backtest_hospitals.csv", "backtest_groups.csv",
                     "backtest_pools.csv"}  # fmt: skip


def test_what_was_not_settled_is_told_and_other_years_are_refused(region, tmp_path):
    came = pd.read_csv(region / "came.csv", dtype=str)
    came.loc[came["hospital_id"] == "A", "hospital_id"] = "Z"  # not in the table of hospitals
    came.to_csv(region / "joined.csv", index=False)
    whole, found = (run(region, tmp_path, came=name) for name in ("came.csv", "joined.csv"))
    moved = int((came["hospital_id"] == "Z").sum())
    assert found.unsettled[0] == whole.unsettled[0]
    assert found.unsettled[1][0] >= whole.unsettled[1][0] + 0.9 * moved
    text = str(backtest_report(found, Words("en")).sections[0])
    assert f"{found.unsettled[1][0]} cases" in text
    assert found.moved == ("it is the intervals that are tested" not in text)
    done = CliRunner().invoke(app, [
        "backtest", str(region / "came.csv"), str(region / "before.csv"), "--weights",
        str(region / "weights.csv"), "--hospitals", str(region / "hospitals.csv"), "--out",
        str(tmp_path / "turned"),
    ])  # fmt: skip
    assert done.exit_code == 1
    assert "before.csv" in str(done.exception or done.output)
