"""An offer that is settled anew keeps its limits, or says by how much it does not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from drg.negotiate.round.offers import settled_offer
from weights.negotiation.compromise.problem import Ask, Problem, spread_of
from weights.table.families import families

DRAFT = np.array([2.0, 1.0])
VALUE = np.array([[1_000_000.0, 0.0], [0.0, 1_000_000.0]])


def problem(**parts) -> Problem:
    codes = ("FR11", "GB11")
    given = {
        "groups": codes, "draft": DRAFT, "spread": 0.05 * DRAFT, "volume": np.full(2, 100.0),
        "value": VALUE.sum(axis=0), "asks": (Ask("P001", "H1", 0, 2.2, spread_of(2.2)),),
        "low": 0.8 * DRAFT, "high": 1.2 * DRAFT, "frozen": np.zeros(2, bool),
        "families": families(codes), "effect": VALUE, "revenue": VALUE @ DRAFT,
        "hospitals": ("H1", "H2"), "largest_loss": 0.05,
    }  # fmt: skip
    return Problem(**(given | parts))


def impacts(beyond: float, total: float = 0.0):
    """A year whose second hospital always loses so many yuan more than straight lines say."""
    before = np.array([[2e8], [1e8]])

    def outcome(weight):
        yuan = VALUE @ (weight - DRAFT) + np.array([total + beyond, -beyond])
        return SimpleNamespace(payable=np.rint(before + 100.0 * yuan[:, None]).astype(np.int64))

    draft = SimpleNamespace(payable=before.astype(np.int64), point_value={})
    return SimpleNamespace(draft=draft, outcome=outcome)


def test_what_thresholds_bend_is_found_and_the_limit_holds():
    held = settled_offer(problem(), impacts(beyond=20_000.0), "satisfaction")
    assert held.turns > 1
    assert held.offer.remarks == ()
    lost = -(held.outcome.payable - np.array([[2e8], [1e8]])).sum(axis=1) / 100.0
    assert lost[1] <= 50_000 + 3
    assert abs(lost.sum()) <= 3


def test_a_limit_that_cannot_hold_is_told_with_its_yuan():
    """The weights cannot move far enough: what is beyond the limit stands in the offer."""
    close = problem(low=0.99 * DRAFT, high=1.01 * DRAFT)
    held = settled_offer(close, impacts(beyond=200_000.0), "closest")
    zh, en = held.offer.remarks[-1]  # the first says that the ask is outside the corridor
    gained = (held.outcome.payable - np.array([[2e8], [1e8]])).sum(axis=1) / 100.0
    yuan = -gained[1] - 50_000
    assert zh == f"按病例重新清算后，H2 的损失超过限额 {yuan:,.2f} 元"
    assert en == f"settled anew, H2 loses {yuan:,.2f} yuan more than its limit"


def test_a_budget_that_does_not_hold_is_told():
    close = problem(low=0.999 * DRAFT, high=1.001 * DRAFT, largest_loss=None)
    held = settled_offer(close, impacts(beyond=0.0, total=100_000.0), "closest")
    total = (held.outcome.payable - np.array([[2e8], [1e8]])).sum() / 100.0
    assert total == pytest.approx(100_000.0, abs=5_000)
    assert held.offer.remarks[-1] == (
        f"按病例重新清算后，支付总额偏离 {total:+,.2f} 元",
        f"settled anew, what is paid in all is off by {total:+,.2f} yuan",
    )


def test_a_small_hospitals_limit_is_held_by_its_own_revenue():
    """What is little of the region may be much of the hospital."""
    before = np.array([[2e13], [1e8]])
    year = impacts(beyond=200_000.0)
    moves = year.outcome

    def outcome(weight):
        return SimpleNamespace(payable=moves(weight).payable - np.array([[2e8], [1e8]]) + before)

    year.draft.payable, year.outcome = before, outcome
    close = problem(low=0.99 * DRAFT, high=1.01 * DRAFT)
    held = settled_offer(close, year, "closest")
    assert "H2 loses" in held.offer.remarks[-1][1]
