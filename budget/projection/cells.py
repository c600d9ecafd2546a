"""Cells (医院-病组单元): a settled year by hospital, group and insurance, for looking ahead.

What a case is worth is its standard times something plus its cost times something, by the branch
that priced it: a normal case its standard, a low one its cost, a high one a mixture. So the sums of
both parts by cell are all that is needed to say what the year would pay if standards, costs and
numbers of cases moved, as long as cases stay in their branches; a change of thresholds is settled
anew from the cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.hospitals import Hospitals
from budget.policy.document import Policy
from budget.policy.special import WithoutGroup
from budget.price.branches import CODES, PLACE
from budget.price.case import Priced
from budget.price.grid import Grid
from budget.settlement.settled import Settlement

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
# Sums of a cell, in the order of the fields: what moves when cases move.
SUMS = ("cases", "cost", "patient", "other", "fund", "by_standard", "by_cost", "outside",
        "outside_beside", "lift", "stay")  # fmt: skip
_BY_COST = {"cost": 1.0, "excess_points": 1.0, "cost_minus": 1.0, "cost_minus_standard": 1.0,
            "cost_minus_part": 1.0}  # fmt: skip


@dataclass(frozen=True)
class Cells:
    """Sums of a settled year by hospital, group and insurance; money in yuan.

    The last group stands for cases without a group of the weight table.

    Attributes:
        policy: the policy.
        hospitals: the hospitals.
        groups: group codes, with ``""`` at the end. Length G.
        names: names of the groups. Length G.
        weight: relative weights, NaN where there is none. Shape (G,).
        year: the settled year.
        cases: cases settled. Shape (H, G, 2), as all that follow.
        cost: billed cost.
        patient: what patients bear.
        other: what other payers bear.
        fund: fund money by the DRG rules.
        by_standard: part of the cases' worth that moves with their standards, in reference yuan.
        by_cost: part that moves with their cost.
        outside: part of ``fund`` that is paid beside the pool.
        outside_beside: what patients and other payers bear of the cases paid beside the pool.
        lift: what the fund's floor of single cases, and rounding, add to worth less ``beside``.
        stay: days of stay.
        pool: pool of each hospital and insurance, -1 for none. Shape (H, 2).
        point_value: given yuan per reference yuan, NaN where the pool decides. Shape (H, 2).
        settlement: exact sums and tables of the year.
    """

    policy: Policy
    hospitals: Hospitals
    groups: tuple[str, ...]
    names: tuple[str, ...]
    weight: Floats
    year: int
    cases: Floats
    cost: Floats
    patient: Floats
    other: Floats
    fund: Floats
    by_standard: Floats
    by_cost: Floats
    outside: Floats
    outside_beside: Floats
    lift: Floats
    stay: Floats
    pool: npt.NDArray[np.intp]
    point_value: Floats
    settlement: Settlement

    @classmethod
    def of(cls, settled: Settlement) -> Cells:
        """Sum up a settlement."""
        claims, grid = settled.claims, settled.grid
        rows, brought = by_case(settled)
        count = len(grid.groups) + 1
        shape = len(settled.hospitals), count, 2
        cell = cell_of(claims.hospital[rows], claims.group[rows], claims.insurance[rows], count)

        def total(values: npt.NDArray[Any] | None) -> Floats:
            return np.bincount(cell, values, int(np.prod(shape))).astype(np.float64).reshape(shape)

        frame = settled.weights.frame
        names = frame["name"].fillna("").astype(str) if "name" in frame else [""] * (count - 1)
        return cls(
            settled.policy, settled.hospitals, (*grid.groups, ""), (*names, "未入组"),
            np.append(grid.weight, np.nan), settled.year, pool=grid.pool,
            point_value=grid.point_value * grid.per_yuan, settlement=settled,
            **{name: total(brought.get(name)) for name in SUMS},
        )  # fmt: skip

    @property
    def tier(self) -> npt.NDArray[np.int8]:
        """Tier of each hospital. Shape (H,)."""
        return self.hospitals.tier

    @property
    def beside(self) -> Floats:
        """What patients and other payers bear. Shape (H, G, 2)."""
        return self.patient + self.other

    @property
    def worth(self) -> Floats:
        """What the cases paid from the pools are worth, in reference yuan. Shape (H, G, 2)."""
        return self.by_standard + self.by_cost - (self.outside + self.outside_beside)

    @property
    def borne(self) -> Floats:
        """What the pools need not pay of the worth of their cases, in yuan. Shape (H, G, 2)."""
        return self.beside - self.outside_beside - self.lift

    def own_pools(self, insurance: int) -> list[int] | None:
        """Pools that pay for one insurance alone; None where it shares a pool with the other."""
        mine, other = (set(self.pool[:, one].tolist()) - {-1} for one in (insurance, 1 - insurance))
        return None if mine & other else sorted(mine)

    def named(self, names: Mapping[str, str] | None) -> Cells:
        """The cells with names for groups that have none."""
        known = names or {}
        found = [name or known.get(code, "") for code, name in
                 zip(self.groups, self.names, strict=True)]  # fmt: skip
        return replace(self, names=tuple(found))

    def over(self, groups: Sequence[str]) -> Cells:
        """The cells over a longer list of groups, ``""`` at its end; the new ones are empty."""
        if tuple(groups) == self.groups:
            return self
        place = {code: i for i, code in enumerate(groups)}
        at = np.array([place[code] for code in self.groups], np.intp)

        def wide(held: Floats) -> Floats:
            found = np.zeros((held.shape[0], len(groups), held.shape[2]))
            found[:, at] = held
            return found

        weight = np.full(len(groups), np.nan)
        weight[at] = self.weight
        known = dict(zip(self.groups, self.names, strict=True))
        names = tuple(known.get(code, "") for code in groups)
        sums: dict[str, Any] = {name: wide(getattr(self, name)) for name in SUMS}
        return replace(self, groups=tuple(groups), names=names, weight=weight, **sums)

    def scaled(self, **factors: Floats) -> Cells:
        """The cells with some sums multiplied."""
        return replace(self, **{name: getattr(self, name) * held for name, held in factors.items()})


def by_case(settled: Settlement) -> tuple[npt.NDArray[np.intp], dict[str, Floats]]:
    """Rows of the cases that are settled, and what each adds to the sums of its cell; yuan."""
    claims, grid, priced = settled.claims, settled.grid, settled.priced
    rows = np.flatnonzero(settled.paid.pool >= 0)
    patient, other, fund = (held[rows] / 100.0 for held in
                            (settled.patient, settled.other, settled.paid.fund))  # fmt: skip
    yuan, inside = claims.cost[rows] / 100.0, settled.paid.inside[rows]
    values = np.array([one.point_value for one in settled.paid.pools])
    value = np.where(np.isfinite(grid.point_value), grid.point_value, values[grid.pool])
    rate = np.nan_to_num(value * grid.per_yuan)[claims.hospital[rows], claims.insurance[rows]]
    by_cost = cost_share(priced, grid)[rows] * yuan * priced.cut[rows]
    beside, amount = patient + other, priced.amount[rows]
    outside, outside_beside = (np.where(inside, 0.0, held) for held in (fund, beside))
    paid = np.where(inside, fund + beside, 0.0)
    return rows, {
        "cost": yuan, "patient": patient, "other": other, "fund": fund,
        "by_standard": amount - by_cost, "by_cost": by_cost, "outside": outside,
        "outside_beside": outside_beside,
        "lift": paid - (amount - outside - outside_beside) * rate,
        "stay": np.nan_to_num(claims.stay[rows]).astype(np.float64),
    }  # fmt: skip


def cell_of(
    hospital: npt.NDArray[Any], group: npt.NDArray[Any], insurance: npt.NDArray[Any], groups: int
) -> npt.NDArray[np.intp]:
    """Places of cells in sums of shape (H, ``groups``, 2); without a group it is the last one."""
    held = np.where(group >= 0, group, groups - 1).astype(np.int64)
    return np.asarray((hospital * np.int64(groups) + held) * 2 + insurance)


def cost_share(priced: Priced, grid: Grid) -> Floats:
    """How much of a yuan of its cost a case is paid, by its branch. Shape (N,)."""
    policy = grid.policy
    special, outliers = policy.special, policy.outliers
    share = np.zeros(len(CODES))
    if outliers.low is not None:
        share[PLACE["low"]] = outliers.low.share
    if special.review is not None:
        share[PLACE["review"]] = 1.0 - special.review.unreasonable
    share[PLACE["new_technology"]] = share[PLACE["unstable"]] = 1.0
    for code in ("ungrouped", "ambiguous", "unpriced"):
        share[PLACE[code]] = _share(getattr(special, code))
    for code in ("short_stay", "long_stay"):
        rule = getattr(special, code)
        share[PLACE[code]] = 1.0 if rule is not None and rule.pay == "by_item" else 0.0
    if special.transfer is not None and special.transfer.pay == "by_item":
        share[PLACE["transfer"]] = 1.0
    high = outliers.high
    if high is not None:
        share[PLACE["high"]] = _BY_COST.get(high.rule, high.share or 0.0)
    found: Floats = share[priced.branch]
    if high is not None and high.bands is not None:
        rows = np.flatnonzero(priced.branch == PLACE["high"])
        found[rows] = high.bands.at(priced.ratio[rows].astype(np.float64), "cost")
    if outliers.low is not None and outliers.low.band is not None:
        band = outliers.low.band
        inside = (priced.branch == PLACE["normal"]) & (priced.ratio < band.upto)
        found[inside] = band.cost
    return found


def _share(rule: WithoutGroup) -> float:
    if rule.pay == "share_of_cost":
        return rule.share or 0.0
    return 1.0 if rule.pay == "by_item" else 0.0
