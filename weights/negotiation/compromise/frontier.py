"""What a looser limit of losses would buy (有效前沿)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse

from drg.errors import problem as error
from drg.language import say
from weights.negotiation.compromise.alternatives import aims, least_level
from weights.negotiation.compromise.demands import demands
from weights.negotiation.compromise.linear import Linear
from weights.negotiation.compromise.offer import SHARE, Offer, reach, solve
from weights.negotiation.compromise.problem import Problem
from weights.negotiation.compromise.region import region


def _figures(problem: Problem, offer: Offer) -> dict[str, object]:
    """What an offer comes to, along straight lines."""
    shares = offer.loss_share(problem)
    worst = int(shares.argmax()) if len(shares) else -1
    loses = worst >= 0 and shares[worst] > 0
    return {
        "total_satisfaction": offer.total_satisfaction,
        "weighted_satisfaction": float(problem.importance @ offer.satisfaction),
        "least_satisfaction": offer.least_satisfaction,
        "disagreement_yuan": offer.disagreement_yuan, "moved_yuan": offer.moved_yuan,
        "largest_loss": float(shares[worst]) if loses else 0.0,
        "loss_hospital": problem.hospitals[worst] if loses else "",
    }  # fmt: skip


def frontier(problem: Problem, points: int = 9) -> pd.DataFrame:
    """The largest total satisfaction by the largest loss that a hospital may have.

    From the smallest limit that leaves weights to the one from which on nothing more is gained,
    in even steps; the problem's own limit is left aside.

    Args:
        problem: the draft, the asks and the demands.
        points: number of limits, two or more.

    Returns:
        A row a limit: ``limit`` (share of revenue), the figures of the offer with the largest total
        satisfaction, and ``fairest_least``, the largest least satisfaction under that limit.

    Raises:
        DrgError: there are no asks or no hospitals, or no weights satisfy the other demands.
    """
    if points < 2:
        raise error(say("过少", "too few"), key="points", found=points,
                    expected=say("不小于 2", "2 or more"))  # fmt: skip
    if not problem.asks or not problem.hospitals:
        raise error(say("可行前沿需要诉求和医疗机构", "a frontier needs asks and hospitals"),
                    key="frontier")  # fmt: skip
    free = replace(problem, largest_loss=None)
    most = float(solve(free, "satisfaction").loss_share(problem).max())
    if not np.isfinite(most):
        raise error(say("没有收入的医疗机构受损", "a hospital without revenue loses"),
                    key="frontier")  # fmt: skip
    least = _least_limit(problem)
    limits = np.linspace(least, max(most, least), points)
    return pd.DataFrame([_point(problem, float(limit)) for limit in limits])


def _point(problem: Problem, limit: float) -> dict[str, object]:
    """Largest total and largest least satisfaction under one limit."""
    # the smallest limit leaves a single point, which rounding must not take away
    under = replace(problem, largest_loss=min(1.0, limit * (1 + 1e-9) + 1e-12))
    rules = demands(under)
    area = region(rules)
    offer = reach(under, rules, area, "satisfaction", SHARE)
    return {
        "limit": limit, **_figures(problem, offer),
        "fairest_least": least_level(aims(under, rules.places), area),
    }  # fmt: skip


def _least_limit(problem: Problem) -> float:
    """The smallest share of revenue to which losses can be limited at all."""
    rules = demands(replace(problem, largest_loss=0.0))
    area = region(rules)
    revenue = dict(zip(problem.hospitals, problem.revenue, strict=True))
    share = np.array([
        float(revenue[item.key]) if item.kind == "loss" else 0.0
        for item in (rules.items[owner] for owner in area.row_owner)
    ])  # fmt: skip
    column = sparse.csr_array((share / area.unit)[:, None])
    n = len(area.low)
    found = Linear(
        np.concatenate([np.zeros(n), [1.0]]),
        sparse.csr_array(sparse.hstack([area.matrix, column])), area.row_low, area.row_high,
        np.concatenate([area.low, [0.0]]), np.concatenate([area.high, [np.inf]]),
    ).solve()  # fmt: skip
    if found is None:
        raise error(say("没有收入的医疗机构受损", "a hospital without revenue loses"),
                    key="frontier")  # fmt: skip
    return float(found.x[-1])
