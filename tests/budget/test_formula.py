"""The fund's part of a payment: what is left, or a ratio of what is in scope."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from budget import load_policy
from budget.cases.hospitals import hospitals_of
from budget.explain.case import of_settlement
from budget.explain.document import document
from budget.explain.text import render
from budget.patient.ladder import ratio_of
from budget.settlement.settled import settle
from drg.errors import DrgError
from tests.budget.region import HOSPITALS, YEAR, claims_of, many, weight_table

HELD = hospitals_of(HOSPITALS)


def by_ratio(name: str = "luan-2025", **changes):
    policy = load_policy(name).replace("benefit.fund_formula", "by_ratio")
    for key, value in changes.items():
        policy = policy.replace(key, value)
    return policy


def cases(size: int, seed: int):
    frame = many(size, seed)
    cost = frame["total_cost"]
    return frame.assign(
        fund_paid=(cost * 0.6).round(2), patient_out_of_scope=(cost * 0.07).round(2),
        patient_deductible=np.minimum(300.0, (cost * 0.1).round(2)),
    )  # fmt: skip


@pytest.mark.parametrize("floor", [0.0, 500.0])
def test_every_case_by_hand(floor):
    policy = by_ratio(**{"benefit.fund_floor": floor})
    frame = cases(300, 5)
    claims = claims_of(frame, policy, HELD)
    done = settle(claims, weight_table(), policy, HELD, YEAR, last_year={"employee": 1e7,
                  "resident": 1e7})  # fmt: skip
    ratio = ratio_of(claims, HELD, policy.benefit, policy.special.day_bed)
    aside = claims.amounts["patient_out_of_scope"] + claims.amounts["patient_deductible"]
    assert (ratio > 0).all()
    for row in range(len(claims)):
        left = max(int(done.priced.fen[row]) - int(aside[row]), 0)
        exact = Fraction(left * int(ratio[row]), 10**9) + Fraction(1, 2)
        wanted = max(exact.numerator // exact.denominator, int(floor * 100))
        assert int(done.paid.fund[row]) == wanted
        assert int(done.paid.payment[row]) == wanted + int(done.patient[row] + done.other[row])
    assert (done.paid.payment != done.priced.fen).any()


def test_an_explanation_says_the_formula():
    policy, frame = by_ratio(), cases(40, 6)
    claims = claims_of(frame, policy, HELD)
    done = settle(claims, weight_table(), policy, HELD, YEAR, last_year={"employee": 1e7,
                  "resident": 1e7})  # fmt: skip
    for row in range(len(claims)):
        case = of_settlement(done, claims, row)
        assert case.money["fund"] == int(done.paid.fund[row])
        again = case.in_groups([(case.group, "grouped")])
        if case.branch.code == "normal":
            assert again[0]["payment"] == pytest.approx(case.money["payment"] / 100)
    normal = int(np.flatnonzero(done.priced.branch == done.priced.branch.max())[0])
    text = render(document(of_settlement(done, claims, normal), "en"), "en")
    assert "out of scope and deductible" in text
    assert "benefit.fund_formula" in text


def test_a_pool_that_decides_the_value_of_a_point_refuses_it():
    policy = by_ratio("hangzhou-type").replace("standard.point_values", None)
    frame = cases(30, 7)
    with pytest.raises(DrgError, match=r"benefit\.fund_formula"):
        settle(claims_of(frame, policy, HELD), weight_table(), policy, HELD, YEAR,
               last_year={"employee": 1e6, "resident": 1e6})  # fmt: skip
