"""Measures one after another: each effect apart, in any order, and together the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from budget.forecast.files import project_file
from budget.policy import load_policy
from budget.projection.policy import changed_policy
from budget.projection.scenario import BASELINE, load_scenario
from budget.projection.stack import stacked
from drg.errors import DrgError
from tests.budget.region import HOSPITALS, YEAR, many, weight_table

SPENT = {"employee": 3e6, "resident": 3e6}


def measure(name: str, **parts):
    return load_scenario({"id": name, "title": name, "source": "a test", "years": 2, **parts})


RATES = {"standard": {"rates": {"base": {"yuan": 7900.0}}}}
RATE = measure("rate", change={"1": {"policy": RATES}})
CAP = measure("cap", change={"1": {"policy": {"pools": {"employee": {"growth": -0.05}}}}})
DEAR = measure("dear", drivers={"input_cost": 0.03})


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    many(800).to_csv(folder / "cases.csv", index=False)
    HOSPITALS.to_csv(folder / "hospitals.csv", index=False)
    return folder


def run(region, out, *measures, **more):
    base = BASELINE.model_copy(update={"years": 2})
    project_file(region / "cases.csv", out, weight_table(), load_policy(),
                 region / "hospitals.csv", YEAR, [base, *measures], last_year=SPENT,
                 **more)  # fmt: skip
    return pd.read_csv(out / "projection_stack.csv"), pd.read_csv(out / "projection_difference.csv")


@pytest.mark.parametrize("order", [(RATE, CAP, DEAR), (DEAR, CAP, RATE)])
def test_effects_add_up_to_that_of_all_together(region, tmp_path, order):
    stack, difference = run(region, tmp_path, *order, stack=True)
    assert list(dict.fromkeys(stack["measure"])) == [one.id for one in order]
    last = difference[difference["scenario"] == "+".join(one.id for one in order)]
    for name in ("final", "payable", "cost", "budget_cut", "gain"):
        total = stack.groupby(["year", "level", "key"])[name].sum()
        all_together = last.set_index(["year", "level", "key"])[f"{name}_difference"]
        known = all_together.notna()
        assert np.allclose(
            total[all_together.index][known], all_together[known], rtol=0, atol=1e-6
        ), name
    whole = stack.query("level == 'region' and year == 2026").set_index("measure")
    assert whole["payable"]["cap"] == 0  # the pool's money moves no standard
    assert whole["payable"]["rate"] < 0 < whole["cost"]["dear"]


def test_the_order_is_chosen_and_the_end_is_the_same(region, tmp_path):
    one, _ = run(region, tmp_path / "one", RATE, CAP, stack=True)
    other, _ = run(region, tmp_path / "other", CAP, RATE, stack=True)
    sums = [held.query("level == 'hospital'").groupby(["year", "key"])["final"].sum()
            for held in (one, other)]  # fmt: skip
    assert np.allclose(*sums, rtol=0, atol=1e-6)
    first = [held.query("step == 1 and level == 'region'")["measure"].iloc[0]
             for held in (one, other)]  # fmt: skip
    assert first == ["rate", "cap"]


def test_a_stack_is_one_policy():
    both = stacked([RATE, CAP])[1]
    assert both.id == "rate+cap"
    assert both.years == 2
    rules = changed_policy(load_policy(), both, 1)
    assert rules.standard.rates[0].yuan == 7900.0
    assert rules.pools[0].growth == -0.05
    again = measure("again", change={"1": {"policy": {
        "standard": {"rates": {"base": {"yuan": 8000.0}}}}}})  # fmt: skip
    assert changed_policy(load_policy(), stacked([RATE, again])[1], 1
                          ).standard.rates[0].yuan == 8000.0  # fmt: skip


def test_two_assumptions_of_one_kind_are_refused():
    with pytest.raises(DrgError, match=r"scenario more: drivers: only one of a stack") as error:
        stacked([DEAR, measure("more", drivers={"volume": 0.01})])
    assert "\n" not in str(error.value)
