"""The files of a projection: columns, the same bytes each time, and intervals that hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from budget.forecast.files import project_file
from budget.policy import load_policy
from budget.projection.cells import Cells
from budget.projection.difference import KINDS
from budget.projection.scenario import BASELINE, load_scenario
from budget.uncertainty.intervals import linear, priors_of, weight_doubt
from budget.uncertainty.priors import Priors, fixed, normal
from budget.uncertainty.simulate import simulate
from budget.uncertainty.sobol import tornado
from drg.errors import DrgError
from tests.budget.path_oracle import static
from tests.budget.region import HOSPITALS, WEIGHTS, YEAR, many, settled, weight_table
from tests.budget.test_project import NAMES, OTHERS

MEASURES = ["cases", "cost", "average_cost", "payable", "budget_cut", "final", "patient", "gain"]
COLUMNS = {
    "projection_hospitals": "scenario year hospital_id hospital_name tier cases case_mix_index "
    "cost average_cost patient average_patient payable budget_cut final gain gain_share "
    "change_final low high loss_probability",
    "projection_tiers": "scenario year tier insurance cases average_cost average_patient "
    "average_fund final case_mix_index change_average_cost average_cost_low average_cost_high "
    "final_low final_high",
    "projection_pools": "scenario year pool amount payable outside final_before_cut budget_cut "
    "final balance_before_cut balance point_value balance_before_cut_low balance_before_cut_high "
    "overrun_probability",
    "projection_groups": "scenario year drg name cases average_cost weight change_average_cost "
    "average_cost_low average_cost_high",
    "projection_difference": "scenario year level key name " + " ".join(
        f"{name}_{kind}" for name in MEASURES for kind in KINDS),
    "decomposition": "scenario year level key measure from to price case_mix intensity volume "
    "total appeared vanished",
    "sensitivity": "scenario outcome parameter zh en unit first_order total total_low total_high "
    "first_low first_high centre low high",
}  # fmt: skip
DRAWN = ("low", "high", "loss_probability", "overrun_probability", "balance_before_cut_low",
         "balance_before_cut_high", "average_cost_low", "average_cost_high", "final_low",
         "final_high")  # fmt: skip
TIGHT = {
    "id": "tight", "title": "收紧", "source": "a test", "years": 2,
    "drivers": {"volume": 0.02, "input_cost": 0.03, "case_mix": 0.01},
    "behaviour": {"intensity": {"loss": 0.1}},
    "change": {"2": {"policy": {"standard": {"rates": {"base": {"yuan": 8000.0}}}}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    many(1200).to_csv(folder / "cases.csv", index=False)
    HOSPITALS.to_csv(folder / "hospitals.csv", index=False)
    return folder


def run(region, out, policy="national-default", seed: int = 3, draws: int = 100, scenarios=None):
    rules = load_policy(policy) if isinstance(policy, str) else policy
    held = scenarios or [BASELINE.model_copy(update={"years": 2}), load_scenario(TIGHT)]
    return project_file(
        region / "cases.csv", out, weight_table(), rules, region / "hospitals.csv", YEAR, held,
        last_year={"employee": 1.2e7, "resident": 1.2e7}, draws=draws, seed=seed,
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(region, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return out, run(region, out)


def hashes(folder, only=""):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name.startswith(only)
    }


def table(folder, name):
    return pd.read_csv(folder / f"{name}.csv", encoding="utf-8-sig")


@pytest.mark.parametrize("name", COLUMNS)
def test_columns(done, name):
    assert list(table(done[0], name).columns) == COLUMNS[name].split()


def test_the_same_inputs_write_the_same_bytes(region, done, tmp_path):
    run(region, tmp_path)
    assert hashes(tmp_path) == hashes(done[0])


def test_another_seed_moves_the_draws_and_nothing_else(region, done, tmp_path):
    run(region, tmp_path, seed=4)
    for name in COLUMNS:
        one, other = table(done[0], name), table(tmp_path, name)
        drawn = [c for c in one if c in DRAWN]
        if name == "sensitivity":
            assert not one.equals(other)
            continue
        assert one.drop(columns=drawn).equals(other.drop(columns=drawn)), name
        assert not drawn or not one[drawn].equals(other[drawn])


def test_no_draws_no_columns_of_draws(region, tmp_path):
    run(region, tmp_path, draws=0)
    assert "low" not in table(tmp_path, "projection_hospitals")
    assert not (tmp_path / "sensitivity.csv").exists()


def test_tables_of_an_earlier_run_go(region, tmp_path):
    run(region, tmp_path)
    run(region, tmp_path, draws=0, scenarios=[BASELINE.model_copy(update={"years": 1})])
    for name in ("sensitivity", "projection_difference"):
        assert not (tmp_path / f"{name}.csv").exists()


@pytest.mark.parametrize("policy", ["national-default", "huaibei-2025", "points"])
def test_finals_lie_in_their_interval(region, tmp_path, policy):
    plain = load_scenario({k: v for k, v in TIGHT.items() if k != "change"})
    run(region, tmp_path, OTHERS.get(policy, policy),
        scenarios=[BASELINE.model_copy(update={"years": 2}), plain])  # fmt: skip
    rows = table(tmp_path, "projection_hospitals").dropna(subset=["low"])
    assert len(rows) == 2 * 2 * len(HOSPITALS)
    assert np.all(rows["low"] < rows["high"])
    inside = (rows["low"] <= rows["final"]) & (rows["final"] <= rows["high"])
    assert inside.mean() > 0.9
    assert rows["loss_probability"].between(0, 1).all()


@pytest.mark.parametrize("policy", ["national-default", "huaibei-2025", "points", "points-floor",
                                    "points-outside"])  # fmt: skip
def test_without_doubt_the_sums_are_the_projection(policy):
    """The linear sums that are drawn from pass through the projected path."""
    from budget.projection.years import project
    from tests.budget.test_project import MOVED, base, scenario

    held = project(base(policy), scenario(2, drivers=MOVED))
    model = linear(held)
    for number, year in enumerate(held.years[1:], 1):
        path = static(model, number).of("fund", "hospital")[0, 0]
        exact = year.final.sum(axis=1) / 100
        assert path.sum() == pytest.approx(exact.sum(), rel=1e-6)
        assert np.allclose(path, exact, rtol=1e-6), policy


@pytest.mark.parametrize("policy", NAMES)
@pytest.mark.parametrize("drivers", [{"volume": 0.03, "input_cost": 0.02}, {"input_cost": 0.15},
                                     {"volume": -0.05}])  # fmt: skip
def test_a_draw_is_what_the_projection_would_be(policy, drivers):
    """Pools' money, point values, sharing, assessment and cut of a draw are settled by the rules.

    Drawn around the path as it is, and projected with the same drivers.
    """
    from budget.projection.years import project
    from tests.budget.test_project import base, scenario

    cells = base(policy)
    priors = Priors({name: fixed(value) for name, value in drivers.items()})
    drawn = simulate(linear(project(cells, scenario(3))), priors, 2)
    for number, year in enumerate(project(cells, scenario(3, drivers=drivers)).years[1:]):
        amount = np.array([one.amount for one in year.money]) / 100
        due = (year.closing.final - year.by_pool("outside")).sum(axis=0) / 100
        size = amount.max()
        assert np.allclose(drawn.amount[1, number], amount, rtol=0, atol=1e-6 * size)
        assert np.allclose(drawn.due[1, number], due, rtol=0, atol=1e-6 * size)
        final = drawn.of("fund", "hospital")[1, number]
        assert np.allclose(final, year.final.sum(axis=1) / 100, rtol=0, atol=1e-6 * size)


def test_a_pool_that_decides_its_value_has_a_doubtful_balance(region, tmp_path):
    """Its payable is its money in every draw; what the fund bears of overruns is not."""
    plain = load_scenario({k: v for k, v in TIGHT.items() if k != "change"})
    run(region, tmp_path, OTHERS["points"],
        scenarios=[BASELINE.model_copy(update={"years": 2}), plain])  # fmt: skip
    rows = table(tmp_path, "projection_pools").dropna(subset=["balance_before_cut_low"])
    low, middle, high = (rows[f"balance_before_cut{end}"] for end in ("_low", "", "_high"))
    assert ((low < middle) & (middle < high)).all()
    told = table(tmp_path, "sensitivity").query("outcome == 'balance'")
    moved = told.set_index(["scenario", "parameter"])
    for scenario in ("baseline", "tight"):
        assert moved["low"][scenario, "input_cost"] > moved["high"][scenario, "input_cost"]
    assert (told.groupby("scenario")["total"].sum() > 0.9).all()


def test_what_is_decided_is_drawn_only_for_who_asks():
    """Growth of the pools and weights are figures of the policy; more drivers move no other."""
    from budget.projection.years import project
    from tests.budget.test_project import SPENT, scenario

    sure = WEIGHTS.assign(ci_low=0.9 * WEIGHTS["weight"], ci_high=1.1 * WEIGHTS["weight"])
    year = settled(many(600), "national-default", weights=weight_table(sure), last_year=SPENT)
    held = project(Cells.of(year), scenario(2))
    usual, model = priors_of(held), linear(held)
    assert not {"pool_growth", "weights", "rate"} & set(usual.uncertain)
    asked = replace(usual, drivers={**usual.drivers, "pool_growth": normal(0.0, 0.01, "asked")},
                    weights=weight_doubt(held.years[0].cells))  # fmt: skip
    assert {"pool_growth", "weights"} < set(asked.uncertain)
    one, more = (simulate(model, priors, 2000, seed=3) for priors in (usual, asked))
    for name in usual.drivers:
        assert (one.drawn[name] == more.drawn[name]).all()
    assert one.cost.tobytes() == more.cost.tobytes()
    assert one.cases.tobytes() == more.cases.tobytes()
    assert (one.amount[:, 0] == model.amount[0]).all()  # what the policy says, in every draw
    assert (more.amount[:, 0] != model.amount[0]).any()
    low, high = (draws.of("balance", "region")[:, -1, 0].std() for draws in (one, more))
    assert low < high
    rows = tornado(model, asked, {"balance": lambda d: d.of("balance", "region")[:, -1, 0]})
    ends = rows.set_index("parameter").loc["pool_growth"]
    assert ends["low"] < ends["high"]  # more money, more left


def test_draws_know_that_the_rules_change_on_the_path():
    """From a rate to points, and from two pools to one: each year's draws have its own rules."""
    from budget.projection.years import project
    from tests.budget.test_project import again, base, scenario

    cells = base()
    one = {"basis": "given", "budget": 1.2e7, "reserve": 0.0, "shortage": "pro_rata", "outside": ()}
    what = scenario(3, change={
        "2": {"policy": {"remove": ("standard.rates",), "standard": {
            "kind": "points", "points": {"per_weight": 100.0}}}},
        "3": {"policy": {"remove": ("pools",), "pools": {"all": one}}},
    })  # fmt: skip
    held = project(cells, what, reprice=again(cells, what))
    model = linear(held)
    assert model.pools == ("employee", "resident", "all")
    for number, year in enumerate(held.years[1:], 1):
        path = static(model, number)
        exact = year.final.sum(axis=1) / 100
        assert np.allclose(path.of("fund", "hospital")[0, 0], exact, rtol=1e-6), number
        by_pool = dict(zip(model.pools, path.of("fund", "pool")[0, 0], strict=True))
        for place, money in enumerate(year.money):
            final = year.final[:, place].sum() / 100
            assert by_pool.pop(money.name) == pytest.approx(final, rel=1e-6)
        assert not any(by_pool.values())
    more = static(model, 2, volume=1.1)  # a pool that shares itself out pays no more
    assert more.of("fund", "region").sum() == pytest.approx(held.years[2].final.sum() / 100)


def test_the_record(done):
    held = json.loads((done[0] / "projection.json").read_text(encoding="utf-8"))
    assert held["kind"] == "projection"
    assert (held["seed"], held["draws"]) == (3, 100)
    assert [one["id"] for one in held["scenarios"]] == ["baseline", "tight"]
    keys = {row["key"] for row in held["assumptions"]}
    assert {"drivers.volume", "standard.rates.base.yuan", "behaviour.intensity.loss"} <= keys
    assert {"key", "zh", "en", "value", "unit", "source"} <= set(held["assumptions"][0])
    text = (done[0] / "projection.json").read_text(encoding="utf-8")
    assert "secret" not in text
    assert str(done[0]) not in text


def test_the_settlement_is_written_beside(done):
    out, found = done
    first = found[0].years[0]
    hospitals = table(out, "hospitals")
    assert round(hospitals["final"].sum(), 2) == first.final.sum() / 100
    rows = table(out, "projection_hospitals")
    assert sorted(rows["scenario"].unique()) == ["baseline", "tight"]
    assert sorted(rows["year"].unique()) == [YEAR, YEAR + 1, YEAR + 2]


def test_the_settled_year_is_told_as_the_settlement_tells_it(done):
    pools, ahead = table(done[0], "pools"), table(done[0], "projection_pools")
    first = ahead.query("scenario == 'baseline' and year == @YEAR").reset_index(drop=True)
    same = ["pool", "amount", "payable", "budget_cut", "final", "balance", "point_value"]
    pd.testing.assert_frame_equal(first[same], pools[same], check_dtype=False)
    assert list(first["outside"]) == list(pools["outside_pool"])


def test_the_columns_of_a_pool_add_up(done):
    rows = table(done[0], "projection_pools")
    assert (rows["budget_cut"] > 0).any()
    cut = rows["final_before_cut"] - rows["budget_cut"]
    assert np.allclose(cut, rows["final"], atol=0.001)
    left = rows["amount"] - (rows["final_before_cut"] - rows["outside"])
    assert np.allclose(left, rows["balance_before_cut"], atol=0.001)
    assert np.allclose(left + rows["budget_cut"], rows["balance"], atol=0.001)
    drawn = rows.dropna(subset=["balance_before_cut_low"])
    middle = drawn["balance_before_cut"]
    assert (drawn["balance_before_cut_low"] < middle).all()
    assert (middle < drawn["balance_before_cut_high"]).all()


@pytest.mark.parametrize("level", ["pool", "tier", "insurance", "hospital"])
def test_differences_add_up_to_the_region(done, level):
    rows = table(done[0], "projection_difference")
    assert set(rows["scenario"]) == {"tight"}
    assert sorted(rows["year"].unique()) == [YEAR + 1, YEAR + 2]
    sums = [f"{name}_{kind}" for name in MEASURES if name != "average_cost"
            for kind in KINDS]  # fmt: skip
    region = rows[rows["level"] == "region"].set_index("year")[sums]
    parts = rows[rows["level"] == level].groupby("year")[sums].sum()
    money = [name for name in sums if not name.startswith("cases")]
    assert (parts[money].round(2) == region[money]).all().all()
    assert np.allclose(parts, region, rtol=0, atol=1e-4)


def test_differences_are_those_of_the_other_tables(done):
    rows = table(done[0], "projection_difference").query("level == 'hospital'")
    hospitals = table(done[0], "projection_hospitals").set_index(["scenario", "year",
                                                                  "hospital_id"])  # fmt: skip
    for name in MEASURES:
        for kind, scenario in (("baseline", "baseline"), ("scenario", "tight")):
            held = [hospitals[name][scenario, year, key] for year, key in
                    zip(rows["year"], rows["key"], strict=True)]  # fmt: skip
            assert list(rows[f"{name}_{kind}"]) == held
        left = rows[f"{name}_scenario"] - rows[f"{name}_baseline"]
        assert np.allclose(left, rows[f"{name}_difference"], rtol=0, atol=1e-4)


def test_drivers_and_policy_make_the_difference(done):
    """Two parts that add up; the policy changes in the second year only."""
    rows = table(done[0], "projection_difference")
    for name in MEASURES:
        parts = (rows[f"{name}_by_drivers"] + rows[f"{name}_by_policy"]).round(6)
        digits = 6 if name == "cases" else 2
        assert (parts.round(digits) == rows[f"{name}_difference"]).all(), name
    first, second = (rows.query("level == 'region' and year == @YEAR + @n").iloc[0]
                     for n in (1, 2))  # fmt: skip
    policy = [f"{name}_by_policy" for name in MEASURES]
    assert not first[policy].any()
    assert second["payable_by_policy"] < 0 < second["cost_by_drivers"]  # a lower rate, dearer cases


@pytest.mark.parametrize(("left_out", "nothing"), [("change", "policy"), ("drivers", "drivers")])
def test_what_is_not_changed_does_nothing(region, tmp_path, left_out, nothing):
    gone = {left_out, "behaviour"}
    one = load_scenario({k: v for k, v in TIGHT.items() if k not in gone})
    run(region, tmp_path, draws=0, scenarios=[BASELINE.model_copy(update={"years": 2}), one])
    rows = table(tmp_path, "projection_difference")
    other = "drivers" if nothing == "policy" else "policy"
    for name in MEASURES:
        assert not rows[f"{name}_by_{nothing}"].any()
        assert (rows[f"{name}_by_{other}"] == rows[f"{name}_difference"]).all()


def test_average_costs_lie_in_their_interval(done):
    """Of the region, tiers, insurances and groups; larger pieces are known better."""
    tiers = table(done[0], "projection_tiers")
    assert tiers.query("year == @YEAR")["average_cost_low"].isna().all()
    tiers = tiers.query("year > @YEAR")
    for rows in (tiers, table(done[0], "projection_groups").query("year > @YEAR")):
        low, middle, high = (rows[f"average_cost{end}"] for end in ("_low", "", "_high"))
        assert (low < high).all()
        assert ((low < middle) & (middle < high)).mean() > 0.95
    everywhere = tiers.query("tier == 'all' and insurance == 'all'")
    assert ((everywhere["final_low"] <= everywhere["final"])
            & (everywhere["final"] <= everywhere["final_high"])).all()  # fmt: skip
    hospitals = table(done[0], "projection_hospitals").query("year > @YEAR")
    total = hospitals.groupby(["scenario", "year"])["final"].sum()
    assert np.allclose(everywhere.set_index(["scenario", "year"])["final"], total)


def test_cases_of_the_tables_agree(done):
    tiers, hospitals = table(done[0], "projection_tiers"), table(done[0], "projection_hospitals")
    everywhere = tiers.query("tier == 'all' and insurance == 'all'").set_index(["scenario", "year"])
    total = hospitals.groupby(["scenario", "year"])["cases"].sum()
    assert np.allclose(everywhere["cases"], total[everywhere.index], rtol=0, atol=1e-5)


def test_no_amount_is_minus_nothing(done):
    for name in COLUMNS:
        for column in table(done[0], name).select_dtypes("number"):
            values = table(done[0], name)[column].to_numpy(float)
            assert not (np.signbit(values) & (values == 0)).any(), (name, column)


def test_sensitivity_of_every_scenario(done):
    rows = table(done[0], "sensitivity")
    assert set(rows["scenario"]) == {"baseline", "tight"}
    assert set(rows["unit"]) == {"yuan", "share"}
    pools = table(done[0], "projection_pools").query("year == year.max()")
    for scenario, own in rows[rows["outcome"] == "balance"].groupby("scenario"):
        path = pools[pools["scenario"] == scenario]["balance_before_cut"].sum()
        assert np.allclose(own["centre"], path, atol=0.02 * abs(path))
        moved = own.set_index("parameter")
        assert moved.loc["volume", "low"] > moved.loc["volume", "high"]  # more cases, less left
        assert not {"pool_growth", "weights"} & set(moved.index)
        ends = own[["low", "high"]]
        assert ((ends.min(axis=1) <= own["centre"]) & (own["centre"] <= ends.max(axis=1))).all()


def test_no_patient_stands_in_a_table(done):
    for path in done[0].glob("*.csv"):
        if path.name != "cases.csv":
            assert "secret" not in path.read_text(encoding="utf-8-sig"), path.name


def test_wrong_documents_are_told_before_anything_is_settled(region, tmp_path):
    wrong = load_scenario(TIGHT | {"change": {"1": {"policy": {"nonsense": {"x": 1}}}}})
    with pytest.raises(DrgError, match="nonsense"):
        run(region, tmp_path, scenarios=[BASELINE, wrong])
    assert list(tmp_path.iterdir()) == []
