"""Searching for years ahead and draws of them: held against trying everything by other means."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budget.cases.hospitals import hospitals_of
from budget.forecast.files import project_file
from budget.policy import load_policy
from budget.projection.cells import Cells
from budget.projection.policy import changed_policy
from budget.projection.scenario import BASELINE, load_scenario
from budget.projection.years import project
from budget.search.ahead import World, check_ahead
from budget.search.document import check, load_search
from budget.search.files import search_file
from budget.settlement.settled import settle
from budget.uncertainty.intervals import linear, priors_of
from budget.uncertainty.priors import Priors
from budget.uncertainty.simulate import simulate
from drg.errors import DrgError
from tests.budget.region import HOSPITALS, YEAR, claims_of, many, weight_table

SPENT = {"employee": 2.3e6, "resident": 2.6e6}
HEAD = """
id = "ahead"
title = "三年"
source = "test"
draws = 200
seed = 3
[figures.growth]
keys = "pools.employee.growth"
low = 0.0
high = 0.4
step = 0.1
[figures.rate]
keys = "standard.rates.base.yuan"
low = 7400.0
high = 9000.0
step = 400.0
scale = 400.0
"""
RISK = """
[targets.risk]
outcome = "balance_before_cut"
pool = "employee"
low = 0.0
years = 3
at_most_share = 0.3
"""
DEAR = """
id = "dear"
title = "费用上涨"
source = "test"
years = 3
[drivers]
input_cost = 0.02
[drivers.groups.some]
adrgs = ["BB1"]
volume = 0.1
[change.2.policy.pools.resident]
growth = 0.08
"""


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    many(500).to_csv(folder / "cases.csv", index=False)
    HOSPITALS.to_csv(folder / "hospitals.csv", index=False)
    (folder / "dear.toml").write_text(DEAR, encoding="utf-8")
    return folder


def run(region, out, text, **more):
    asked = region / "search.toml"
    asked.write_text(text, encoding="utf-8")
    found = search_file(
        region / "cases.csv", out, weight_table(), load_policy(), region / "hospitals.csv", YEAR,
        load_search(asked), extends="national-default", last_year=SPENT, **more,
    )  # fmt: skip
    return found, json.loads((out / "policy_search.json").read_text(encoding="utf-8"))


def paths(scenario=None):
    """All candidates by their figures, each projected with nothing of the search."""
    policy, hospitals = load_policy(), hospitals_of(HOSPITALS)
    claims = claims_of(many(500), policy, hospitals)
    base = Cells.of(settle(claims, weight_table(), policy, hospitals, YEAR, last_year=SPENT))
    growths = sorted({0.0, 0.1, 0.2, 0.3, 0.4, policy.pools[0].growth})
    rates = sorted({7600.0, 8000.0, 8400.0, 8800.0, policy.standard.rates[0].yuan})
    for growth, rate in product(growths, rates):
        over = {"pools": {"employee": {"growth": growth}},
                "standard": {"rates": {"base": {"yuan": rate}}}}  # fmt: skip
        what = load_scenario({"id": "one", "title": "t", "source": "s", "years": 3,
                              "change": {"1": {"policy": over}}})  # fmt: skip

        def reprice(number, spent, prices, what=what):
            rules = changed_policy(policy, what, number)
            return Cells.of(settle(claims, weight_table(), rules, hospitals, YEAR,
                                   last_year={**SPENT, **spent}))  # fmt: skip

        yield growth, rate, project(base, what, reprice=reprice)


def test_the_optimum_over_draws_is_that_of_trying_everything(region, tmp_path):
    mixed = (
        RISK
        + """
[targets.fund]
outcome = "fund"
low = 12000000.0
years = 3
over = "sum"
[targets.middle]
outcome = "average_payment"
low = 11400.0
year = 2
quantile = 0.4
"""
    )
    found, record = run(region, tmp_path, HEAD + mixed.replace("0.3\n", "0.14\n", 1))
    best, met = None, 0
    now = load_policy().pools[0].growth, load_policy().standard.rates[0].yuan
    for growth, rate, held in paths():
        drawn = simulate(linear(held), priors_of(held), 200, seed=3)
        left = (drawn.amount - drawn.due)[..., drawn.pools.index("employee")]
        share = (left.round(2) < 0).any(axis=1).mean()
        fund = sum(int(year.final.sum()) for year in held.years[1:]) / 100
        middle = np.quantile((drawn.payment.sum(axis=(2, 3)) / drawn.cases.sum(axis=(2, 3)))
                             .round(2)[:, 1], 0.4)  # fmt: skip
        if share <= 0.14 and fund >= 12e6 and middle.round(2) >= 11400:
            met += 1
            change = ((growth - now[0]) / 0.04) ** 2 + ((rate - now[1]) / 400) ** 2
            if best is None or change < best[0]:
                best = change, growth, rate, share, fund, middle
    assert best is not None
    assert 1 < met < 20, met  # the targets part the candidates
    assert found.found.feasible
    assert found.found.proven
    assert found.found.change == pytest.approx(best[0])
    assert found.found.parameters == pytest.approx({"growth": best[1], "rate": best[2]})
    risk, fund, middle = record["targets"]
    assert risk["missed_found"] == pytest.approx(best[3])
    assert risk["error_found"] == pytest.approx(np.sqrt(best[3] * (1 - best[3]) / 200), abs=1e-6)
    assert (fund["found"], middle["found"]) == pytest.approx((best[4], round(best[5], 2)))
    assert max(row["missed_found"] for row in risk["years"]) <= risk["missed_found"]
    assert record["solver"]["seed"] == 3
    assert record["solver"]["draws"] == 200
    assert risk["fresh"]["seed"] == 4


YEARS = HEAD.replace("draws = 200\nseed = 3\n", "")


def test_today_does_for_one_year_and_not_for_three(region, tmp_path):
    tight = {"employee": {"growth": -0.2, "shortage": "pro_rata"}, "resident": {"growth": -0.2}}
    policy = load_policy().laid_over({"pools": tight}, "test")
    asked = tmp_path / "search.toml"
    text = YEARS.replace("low = 0.0", "low = -0.2")

    def searched(low, more):
        goal = f'[targets.one]\noutcome = "fund"\nlow = {low}\n{more}'
        asked.write_text(text + goal, encoding="utf-8")
        return search_file(
            region / "cases.csv", tmp_path / "out", weight_table(), policy,
            region / "hospitals.csv", YEAR, load_search(asked), extends="national-default",
            last_year=SPENT,
        )  # fmt: skip

    any_way = searched(1, "years = 3\n")
    paid = any_way.before.stand(any_way.document.targets[0]).by_year
    assert paid[0] > paid[1] > paid[2]
    held = {name: searched(paid[0], more) for name, more in {
        "settled": "", "one": "years = 1\n", "three": "years = 3\n", "third": "year = 3\n",
    }.items()}  # fmt: skip
    assert held["settled"].found.change == held["one"].found.change == 0
    assert held["three"].found.feasible
    assert held["three"].found.change > 0
    assert held["third"].found.parameters == held["three"].found.parameters
    goal = held["three"].document.targets[0]
    now = held["three"].before.stand(goal)
    assert (now.value, now.year) == (paid[2], 3)


def test_it_is_the_same_each_time_and_goes_on_with_its_scenario(region, tmp_path):
    text = HEAD.replace('source = "test"', 'source = "test"\nscenario = "dear.toml"') + RISK
    text = (
        text.replace("0.3\n", "0.45\n")
        + """
[targets.loss]
outcome = "largest_loss"
high = 0.9
year = 3
[targets.third]
outcome = "balance_before_cut"
pool = "employee"
low = -1e9
years = 3
"""
    )
    _, record = run(region, tmp_path / "one", text)
    run(region, tmp_path / "other", text)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name
    assert record["scenario"]["id"] == "dear"
    assert any(name.startswith("scenario dear") for name in record["files"])
    assert record["feasible"], record["message"]
    base = BASELINE.model_copy(update={"years": 3})
    stack = [load_scenario(region / "dear.toml"),
             load_scenario(tmp_path / "one/scenario-found.toml")]  # fmt: skip
    project_file(region / "cases.csv", tmp_path / "ahead", weight_table(), load_policy(),
                 region / "hospitals.csv", YEAR, [base, *stack], last_year=SPENT,
                 stack=True)  # fmt: skip
    pools = pd.read_csv(tmp_path / "ahead/projection_pools.csv", encoding="utf-8-sig")
    both = pools.query("scenario == 'dear+ahead' and pool == 'employee' and year > @YEAR")
    third = record["targets"][2]
    assert [row["found"] for row in third["years"]] == both["balance_before_cut"].to_list()
    assert third["found"] == both["balance_before_cut"].min()
    alone = pools.query("scenario == 'dear' and pool == 'employee' and year > @YEAR")
    assert [row["now"] for row in third["years"]] == alone["balance_before_cut"].to_list()


def test_what_is_drawn_agrees_with_the_path_where_nothing_is_uncertain(region, monkeypatch):
    """Every outcome of draws, and of the path, is the same figure."""
    monkeypatch.setattr("budget.search.ahead.priors_of", lambda _: Priors())
    goals = "".join(
        f'\n[targets.t{i}]\noutcome = "{name}"\nlow = -1e12\nyears = 3\nquantile = 0.5\n'
        + (f'pool = "{pool}"\n' if pool else "")
        for i, (name, pool) in enumerate([
            ("fund", ""), ("balance", ""), ("balance", "employee"), ("balance_before_cut", ""),
            ("budget_cut", ""), ("largest_loss", ""), ("patient_share", ""),
            ("average_payment", ""),
        ])
    )  # fmt: skip
    asked = region / "all.toml"
    asked.write_text(HEAD + goals, encoding="utf-8")
    document, policy, hospitals = load_search(asked), load_policy(), hospitals_of(HOSPITALS)
    claims = claims_of(many(500), policy, hospitals)
    world = World(Path("none"), claims, weight_table(), policy, hospitals, YEAR, document,
                  last_year=SPENT)  # fmt: skip
    trial = world.trial({"growth": policy.pools[0].growth, "rate": 8400.0})
    for goal in document.targets:
        path = [float(np.max(year[goal.key])) for year in trial.path]
        drawn = world.drawn(trial, 3)[goal.name]
        assert np.allclose(drawn, path, rtol=0, atol=0.06 if abs(path[0]) > 2 else 2e-6), goal.key
        assert trial.stand(goal).error == 0


def held_against(path, scenario):
    document = load_search(path)
    check(document, load_policy())
    check_ahead(document, load_policy(), document.assumed() or load_scenario(scenario))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("years = 3", "year = 2\nyears = 3", "targets.risk.years: does not go with year"),
        ("years = 3", "", "targets.risk.at_most_share: the settled year is not drawn"),
        ("years = 3", "years = 0", "targets.risk.years: not allowed"),
        ("years = 3", "years = 2.5", "targets.risk.years: wrong type"),
        ("years = 3", 'year = 1\nover = "sum"', "targets.risk.over: goes with years"),
        ("years = 3", 'years = 3\nover = "mean"', "targets.risk.over: not allowed"),
        ('"balance_before_cut"\npool = "employee"\nlow = 0.0',
         '"largest_loss"\nover = "sum"\nhigh = 0.2', "targets.risk.over: does not add up"),
        ("at_most_share = 0.3", "at_most_share = 1.0", "at_most_share: not allowed"),
        ("at_most_share = 0.3", "at_most_share = 0.3\nquantile = 0.5",
         "quantile: does not go with at_most_share"),
        ("low = 0.0\nyears", "low = 0.0\nhigh = 1.0\nyears", "does not go with two bounds"),
        ("at_most_share = 0.3", "", "draws: no target is set for draws"),
        ("draws = 200", "draws = 10", "draws: not allowed"),
        ("draws = 200", 'scenario = "none.toml"', "scenario: .*none.toml: cannot be read"),
        ("years = 3", "years = 4", "targets.risk.years: beyond the years of the scenario"),
        ("pools.employee.growth", "pools.resident.growth",
         "figures.growth.keys: the scenario decides pools.resident.growth"),
        ('id = "ahead"', 'id = "dear"', "id: is the id of the scenario"),
    ],
)  # fmt: skip
def test_wrong_documents_are_told_in_one_line(region, tmp_path, old, new, message):
    text = HEAD + RISK
    assert old in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DrgError, match=message) as told:
        held_against(path, region / "dear.toml")
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
