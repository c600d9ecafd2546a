"""Sums of a settled year: they are the settlement's, to the fen."""

from __future__ import annotations

import numpy as np
import pytest

from budget.price.branches import CODES
from budget.projection.cells import SUMS, Cells, cost_share
from tests.budget.region import many, settled


@pytest.fixture(scope="module")
def done():
    return settled(many(1500))


@pytest.mark.parametrize("name", ["cost", "patient", "other", "fund"])
def test_sums_are_the_settlements(done, name):
    cells = Cells.of(done)
    by_insurance = np.rint(getattr(cells, name).sum(axis=1) * 100).astype(np.int64)
    exact = getattr(done.sums.yearly(), name)
    found = np.zeros_like(exact)
    for h, i in np.ndindex(cells.pool.shape):
        if cells.pool[h, i] >= 0:
            found[h, cells.pool[h, i]] += by_insurance[h, i]
    assert np.array_equal(found, exact)
    assert cells.cases.sum() == done.sums.cases.sum()


def test_worth_is_what_cases_are_priced_at(done):
    cells = Cells.of(done)
    paid = done.paid.pool >= 0
    total = (cells.by_standard + cells.by_cost).sum()
    assert total == pytest.approx(done.priced.amount[paid].sum())
    # and moves with cost as the branches say
    share = cost_share(done.priced, done.grid)
    by_cost = share * done.priced.cut * done.claims.cost / 100  # half where a readmission followed
    assert cells.by_cost.sum() == pytest.approx(by_cost[paid].sum())


def test_share_of_cost_by_branch(done):
    share = cost_share(done.priced, done.grid)
    branch = np.array(CODES)[done.priced.branch]
    assert np.all(share[branch == "normal"] == 0)
    assert np.all(share[branch == "low"] == done.policy.outliers.low.share)
    assert np.all(share[branch == "unpriced"] == 1)
    assert {"normal", "low", "high", "unpriced"} <= set(branch)


def test_a_case_that_costs_a_yuan_more_is_paid_what_its_share_says():
    """The sums say how payment moves with cost: settle the same cases a little dearer."""
    frame = many(1500)
    dearer = frame.assign(total_cost=np.round(frame["total_cost"] * 1.0001, 2))
    one, other = (settled(held) for held in (frame, dearer))
    same = (one.priced.branch == other.priced.branch) & (one.paid.pool >= 0)
    more = (other.claims.cost - one.claims.cost) / 100
    paid = other.priced.amount - one.priced.amount
    expected = cost_share(one.priced, one.grid) * more
    assert same.mean() > 0.8
    # a transfer goes by its cost over the group's mean, which moved too
    assert np.abs(paid - expected)[same].max() < 0.1
    assert np.abs(paid[same]).max() > 1


def test_money_beside_the_pool_is_told_apart():
    done = settled(many(1500), "huaibei-2025")
    cells = Cells.of(done)
    outside = sum(one.outside for one in done.paid.pools)
    assert outside > 0
    assert round(cells.outside.sum() * 100) == outside
    assert Cells.of(settled(many(300))).outside.sum() == 0


def test_more_groups(done):
    cells = Cells.of(done)
    assert cells.over(cells.groups) is cells
    groups = ("ZZ19", *cells.groups[:-1], "YY19", "")
    wide = cells.over(groups)
    assert (wide.groups, len(wide.names)) == (groups, len(groups))
    at = [groups.index(code) for code in cells.groups]
    for name in SUMS:
        assert np.array_equal(getattr(wide, name)[:, at], getattr(cells, name)), name
        assert not getattr(wide, name)[:, [0, -2]].any()
    assert np.isnan(wide.weight[[0, -2]]).all()
    assert np.array_equal(wide.weight[at], cells.weight, equal_nan=True)
