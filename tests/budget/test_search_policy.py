"""Searching figures of a policy: every step settles the year anew."""

from __future__ import annotations

import pytest

from budget.cases.hospitals import hospitals_of
from budget.policy import load_policy
from budget.search.policy import changed, evaluator, outcomes, parameter
from budget.search.solve import Target, search, trade_off
from budget.settlement.settled import settle
from drg.errors import DrgError
from tests.budget.region import HOSPITALS as TABLE
from tests.budget.region import YEAR, claims_of, many, weight_table

HOSPITALS = hospitals_of(TABLE)
SPENT = {"employee": 2e6, "resident": 2e6}
RATE = "standard.rates.base.yuan"


@pytest.fixture(scope="module")
def year():
    report = {"shortage": "report"}
    policy = load_policy("national-default").laid_over(
        {"pools": {"employee": report, "resident": report}}, "test"
    )
    return policy, claims_of(many(400), policy, HOSPITALS)


def test_the_rate_at_which_the_pools_balance(year):
    policy, claims = year
    evaluate = evaluator(claims, weight_table(), policy, HOSPITALS, YEAR, last_year=SPENT)
    now = parameter(policy, RATE, 2000, 20000)
    assert now.now == 8600
    assert now.zh == "费率"
    before = outcomes(settle(claims, weight_table(), policy, HOSPITALS, YEAR, last_year=SPENT))
    assert {name: str(held) for name, held in evaluate({}).items()} == {
        name: str(held) for name, held in before.items()
    }
    wanted = before["fund"] * 0.95
    found = search(evaluate, [now], [Target("fund", high=wanted)], starts=2, step=1e-2,
                   tolerance=1e-4)  # fmt: skip
    assert found.feasible
    assert found.parameters[RATE] < 8600
    assert evaluate(found.parameters)["fund"] <= wanted * (1 + 1e-4)


def test_the_curve_and_a_figure_that_is_not_there(year):
    policy, claims = year
    evaluate = evaluator(claims, weight_table(), policy, HOSPITALS, YEAR, last_year=SPENT)
    fund = evaluate({})["fund"]
    table = trade_off(evaluate, [parameter(policy, RATE, 4000, 12000)], [Target("fund", high=fund)],
                      "fund", [fund, 0.97 * fund], starts=1, step=1e-2, tolerance=1e-4)  # fmt: skip
    assert table["change"][0] < table["change"][1]
    with pytest.raises(DrgError, match="no such figure"):
        parameter(policy, "standard.rates.nowhere.yuan", 0, 1)
    with pytest.raises(DrgError, match="not a figure that can change bit by bit"):
        parameter(policy, "procurement.assessed", 0, 1)


def test_balances_by_pool_add_up_and_the_cut_lies_between_them(year):
    policy, claims = year
    held = outcomes(settle(claims, weight_table(), policy, HOSPITALS, YEAR, last_year=SPENT))
    assert held["balance"] == pytest.approx(held["balance_before_cut"] + held["budget_cut"])
    for name in ("balance", "balance_before_cut"):
        parts = held[f"{name}.employee"] + held[f"{name}.resident"]
        assert held[name] == pytest.approx(parts)


def test_bands_move_together(year):
    policy, _ = year
    ends = {"sharing.overrun[0].upto": 0.2, "sharing.overrun[1].above": 0.2}
    assert changed(policy, ends).sharing.overrun.root[1].above == 0.2
    with pytest.raises(DrgError, match="gap before the band"):
        changed(policy, {"sharing.overrun[1].above": 0.2})
