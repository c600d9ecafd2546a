"""Special review (特病单议): cost less what the panel strikes out, inside a quota."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from budget.cases.claims import GROUPED, Claims
from budget.policy.select import pick
from budget.policy.special import Review
from budget.price.rank import rank_in_runs
from budget.price.state import State
from drg.money import decimal, times

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def review_parts(rule: Review) -> int:
    """2 where the quota of special reviews goes by insurance, else 1."""
    return 2 if any(row.insurance for row in rule.quotas) else 1


def _discharges(claims: Claims, parts: int) -> tuple[Bools, Ints]:
    """DRG discharges, and of every case the place of its hospital (and insurance). Shapes (N,)."""
    drg = (claims.month >= 0) & (claims.cost > 0) & (claims.hospital >= 0)
    drg &= (claims.insurance >= 0) & (claims.kind == GROUPED)
    unit = claims.hospital.astype(np.int64) * parts
    return drg, unit + claims.insurance if parts == 2 else unit


def discharged(claims: Claims, rule: Review, hospitals: int) -> Ints:
    """DRG discharges of each hospital, or hospital and insurance, as the quota counts them."""
    parts = review_parts(rule)
    drg, unit = _discharges(claims, parts)
    return np.bincount(unit[drg], minlength=hospitals * parts)


def approved_reviews(
    claims: Claims,
    high: Bools,
    overrun: Floats,
    rule: Review,
    attributes: Mapping[str, npt.ArrayLike],
    hospitals: int,
    discharges: Ints | None = None,
) -> tuple[Bools, dict[str, int]]:
    """Special reviews (特病单议) inside the quota: those with the largest overrun, then by row.

    The quota is a share of the hospital's DRG discharges, rounded down; where a quota's row
    names an insurance, of those of each insurance.

    Args:
        claims: the cases, with the column ``special_review``.
        high: high outliers. Shape (N,).
        overrun: cost less standard in yuan. Shape (N,).
        rule: the policy's rule.
        attributes: selectors of hospital and insurance, each broadcasting to (H, 2).
        hospitals: number of hospitals, H.
        discharges: what :func:`discharged` finds of the whole year, where ``claims`` is a part.

    Returns:
        Approved cases, shape (N,), and hospital -> cases put forward beyond its quota, which are
        priced by the ordinary rules. Cases that may not be put forward are in neither.
    """
    approved = np.zeros(len(claims), np.bool_)
    marked = claims.flags.get("special_review")
    if marked is None:
        return approved, {}
    share = np.nan_to_num(np.broadcast_to(pick(rule.quotas, "share", **attributes), (hospitals, 2)))
    parts = review_parts(rule)
    drg, unit = _discharges(claims, parts)
    if discharges is None:
        discharges = np.bincount(unit[drg], minlength=hospitals * parts)
    quota = times(discharges, share[:, :parts].ravel(), down=True)
    rows = np.flatnonzero(marked & drg & (high if rule.eligible == "high_outliers" else True))
    rows = rows[np.lexsort((-overrun[rows], unit[rows]))]
    inside = rank_in_runs(unit[rows]) < quota[unit[rows]]
    approved[rows[inside]] = True
    beyond = np.bincount(claims.hospital[rows[~inside]], minlength=hospitals)
    ids = np.broadcast_to(attributes["hospital"], (hospitals, 2))[:, 0]
    return approved, {str(ids[i]): int(beyond[i]) for i in np.flatnonzero(beyond)}


def decide(state: State) -> None:
    """Approved cases inside the quota."""
    review = state.special.review
    if review is None:
        return
    rows = state.look("review", state.approved)
    cost = state.cost[rows]
    worth = cost, -(cost * decimal(review.unreasonable))
    state.pay(rows, "review", worth, "review",
              "special.review.unreasonable", unreasonable=review.unreasonable)  # fmt: skip
