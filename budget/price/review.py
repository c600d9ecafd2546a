"""Special review (特病单议): inside a quota, the amount approved, else cost less a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.policy.special import Review
from budget.price.rank import inside_quota
from budget.price.state import State
from drg.money import decimal, ratio

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def approved_reviews(
    claims: Claims,
    high: Bools,
    overrun: Floats,
    rule: Review,
    attributes: Mapping[str, npt.ArrayLike],
    hospitals: int,
    discharges: Ints | None = None,
) -> tuple[Bools, dict[str, int]]:
    """Special reviews (特病单议) inside the quota of :func:`budget.price.rank.inside_quota`.

    Args:
        claims: the cases, with the column ``special_review``.
        high: high outliers. Shape (N,).
        overrun: cost less standard in yuan. Shape (N,).
        rule: the policy's rule.
        attributes: selectors of hospital and insurance, each broadcasting to (H, 2).
        hospitals: number of hospitals, H.
        discharges: what :func:`budget.price.rank.discharged` finds of the whole year, where
            ``claims`` is a part of it. Shape (H, 2).

    Returns:
        Approved cases, shape (N,), and hospital -> cases put forward beyond its quota, which are
        priced by the ordinary rules. Cases that may not be put forward are in neither.
    """
    marked = claims.flags.get("special_review")
    if marked is None:
        return np.zeros(len(claims), np.bool_), {}
    wanted = marked & (high if rule.eligible == "high_outliers" else True)
    approved, out = inside_quota(claims, wanted, overrun, rule.quotas, attributes, hospitals,
                                 otherwise=0.0, discharges=discharges)  # fmt: skip
    beyond = np.bincount(claims.hospital[out], minlength=hospitals)
    ids = np.broadcast_to(attributes["hospital"], (hospitals, 2))[:, 0]
    return approved, {str(ids[i]): int(beyond[i]) for i in np.flatnonzero(beyond)}


def decide(state: State) -> None:
    """Approved cases inside the quota: the ``review_amount`` of those that have one.

    Of the others the cost counts, net of the share that the policy strikes out.
    """
    review = state.special.review
    if review is None:
        return
    rows = state.look("review", state.approved)
    given = state.claims.amounts.get("review_amount", np.zeros(len(state.claims), np.int64))[rows]
    amount = ratio(np.where(given > 0, given, state.claims.cost[rows]), 100)
    struck = amount * decimal(np.where(given > 0, 0.0, review.unreasonable))
    if len(rows) and given[0] > 0:  # only a record of a single case takes what is told here
        told: dict[str, Any] = {"quota": float(given[0]) / 100}
        state.pay(rows, "review", (amount, -struck), "quota", **told)
    else:
        state.pay(rows, "review", (amount, -struck), "review",
                  "special.review.unreasonable", unreasonable=review.unreasonable)  # fmt: skip
