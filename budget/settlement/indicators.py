"""Indicators of hospitals (医疗机构指标): case mix, cost and time index, shares of outliers.

``CMI = sum(RW) / N``; the cost index is what a hospital's grouped cases cost over what they would
have cost at the region's mean of their groups, the time index the same with lengths of stay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.cases.claims import GROUPED
from budget.price.branches import PLACE
from budget.settlement.settled import Settlement

ALL = "all"


def case_frame(settled: Settlement, rows: npt.NDArray[np.bool_] | None = None) -> pd.DataFrame:
    """The settled cases as the indicators see them: one row a case.

    ``expected`` and ``expected_stay`` are the means of the case's group over all of these cases.

    Args:
        settled: the settlement.
        rows: which cases; all settled ones by default. Shape (N,).
    """
    claims, priced, paid = settled.claims, settled.priced, settled.paid
    some = paid.pool >= 0
    at = np.flatnonzero(some if rows is None else some & rows)
    names = np.array([pool.name for pool in settled.policy.pools], object)
    found = pd.DataFrame({
        "row": at,
        "hospital_id": np.array(settled.hospitals.ids, object)[claims.hospital[at]],
        "tier": settled.hospitals.tier[claims.hospital[at]].astype(int),
        "pool": names[paid.pool[at]],
        "group": np.where(claims.kind[at] == GROUPED, claims.group[at], -1),
        "branch": priced.branch[at],
        "weight": priced.weight[at],
        "cost": claims.cost[at],
        "stay": claims.stay[at].astype(np.float64),
        "fund": paid.fund[at],
    })  # fmt: skip
    grouped = found[found["group"] >= 0]
    return found.assign(
        expected=grouped.groupby("group")["cost"].transform("mean"),
        expected_stay=grouped.groupby("group")["stay"].transform("mean").where(
            grouped["stay"].notna()),
    )  # fmt: skip


def indicators(cases: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Indicators by some keys of :func:`case_frame`, ordered by them.

    Returns:
        ``cases, grouped_share, weight, case_mix_index, cost_index, time_index, high_share,
        low_share`` beside the keys; NaN where nothing can be said.
    """
    held = cases.assign(
        grouped=cases["group"] >= 0, rated=cases["weight"].fillna(0.0),
        with_weight=cases["weight"].notna(), high=cases["branch"] == PLACE["high"],
        low=cases["branch"] == PLACE["low"],
    )  # fmt: skip
    held = held.assign(own=held["cost"].where(held["grouped"]),
                       own_stay=held["stay"].where(held["grouped"]))  # fmt: skip
    if not keys:
        held, keys = held.assign(hospital_id=ALL), ["hospital_id"]
    sums = held.groupby(list(keys), sort=True).agg(
        cases=("row", "size"), grouped=("grouped", "sum"), weight=("rated", "sum"),
        with_weight=("with_weight", "sum"), high=("high", "sum"), low=("low", "sum"),
        own=("own", "sum"), expected=("expected", "sum"), own_stay=("own_stay", "sum"),
        expected_stay=("expected_stay", "sum"),
    ).reset_index()  # fmt: skip

    def over(one: str, other: str) -> pd.Series:
        return sums[one] / sums[other].where(sums[other] > 0)

    return sums[list(keys)].assign(
        cases=sums["cases"], grouped_share=over("grouped", "cases"), weight=sums["weight"],
        case_mix_index=over("weight", "with_weight"), cost_index=over("own", "expected"),
        time_index=over("own_stay", "expected_stay"), high_share=over("high", "cases"),
        low_share=over("low", "cases"),
    )  # fmt: skip
