"""Spend of the months so far (月度支出): priced as the year end prices it, in whole fen.

Where a pool's money decides what a point is worth, what is spent cannot be above the pool; there
points are valued at a fixed price, that of last year or the policy's reference, and it is the
point value that is forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals
from budget.monitor.forecast import MONTHS
from budget.policy.document import Policy
from budget.pools.money import LastYear
from budget.pools.point_value import bounds_of
from budget.pools.sharing import UNIT, Bounds, point_value, worth_of
from budget.settlement.settled import Settlement, settle
from drg.errors import problem
from drg.language import say
from drg.money import Fen, to_fen
from weights.table import WeightTable

Bools = npt.NDArray[np.bool_]
KEYS = ("hospital", "pool", "group", "month")
SUMS = ("cases", "weight", "cost", "patient", "other", "spend", "outside", "squares")
WEIGHT_UNIT = 10_000


@dataclass(frozen=True)
class Shared:
    """Cases of a pool whose points its money values (点数法), so far.

    Attributes:
        points: of each case in units of 0.0001. Shape (S,).
        beside: what patients and others bear of each, in fen. Shape (S,).
        fixed: fund money in fen of the pool's other cases.
        value: yuan per point at which they are reckoned.
        floor: least fund part of a case in fen.
        bounds: floor and ceiling of the pool's point value in yuan.
    """

    points: Fen
    beside: Fen
    fixed: int
    value: float
    floor: int
    bounds: Bounds


@dataclass(frozen=True)
class Spend:
    """Spend of some months.

    Attributes:
        done: the cases so far, settled as if the year were over.
        months: how many months are known, from January.
        cells: a row a hospital, pool, group and month with cases: :data:`KEYS` as places (months
            from 0) and :data:`SUMS`, money in fen, weight in units of 0.0001. ``spend`` is fund
            money from the pool, ``outside`` fund money beside it, ``squares`` the sum of squares
            of whole yuan of the cases' spend, which says how far chance moves it.
        shared: pool -> its points, where its money values them.
    """

    done: Settlement
    months: int
    cells: pd.DataFrame
    shared: Mapping[str, Shared]

    @property
    def pools(self) -> tuple[str, ...]:
        """Names of the pools."""
        return tuple(pool.name for pool in self.done.policy.pools)

    @property
    def groups(self) -> tuple[str, ...]:
        """Codes of the groups; the last, empty one holds cases without a group that is known."""
        return (*(str(one) for one in self.done.weights.frame["drg"]), "")

    def by_month(self, pool: int) -> Fen:
        """Spend of a pool in fen. Shape (months,)."""
        own = self.cells[self.cells["pool"] == pool]
        found = np.zeros(self.months, np.int64)
        np.add.at(found, own["month"].to_numpy(), own["spend"].to_numpy())
        return found


def spend_of(
    claims: Claims,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    *,
    months: int | None = None,
    last_year: LastYear | None = None,
    values: Mapping[str, float] | None = None,
) -> Spend:
    """Price the cases so far.

    Args:
        claims: cases of the year.
        weights: relative weights.
        policy: the policy.
        hospitals: the hospitals.
        year: the year.
        months: how many months count; by default to the last one with a case.
        last_year: last year's fund spend in yuan by pool.
        values: yuan per point by pool at which shared points are reckoned; else the reference.

    Raises:
        DrgError: no case is in these months, or none of them can be settled.
    """
    known = claims.month >= 0
    last = int(claims.month[known].max()) + 1 if known.any() else 0
    count = last if months is None else months
    claims = claims.take(claims.month < count)
    if not (claims.month >= 0).any():
        raise problem(say("这些月份没有病例", "no case was discharged in these months"),
                      key="month", found=count)  # fmt: skip
    done = settle(claims, weights, policy, hospitals, year, last_year=last_year)
    if not (done.paid.pool >= 0).any():
        raise problem(say("没有一例可以结算", "not one case can be settled"), key="cases",
                      found=", ".join(f"{code} {cases:,}"
                                      for code, (cases, _) in done.unsettled.items()))  # fmt: skip
    fund, shared = _at_fixed_value(done, values or {})
    return Spend(done, count, _cells(done, fund), shared)


def _at_fixed_value(done: Settlement, values: Mapping[str, float]) -> tuple[Fen, dict[str, Shared]]:
    """Fund money of each case, shared points at a fixed value; and what these come to."""
    fund = done.paid.fund.copy()
    found: dict[str, Shared] = {}
    claims, grid, paid = done.claims, done.grid, done.paid
    floor = int(to_fen(done.policy.benefit.fund_floor))
    beside = done.patient + done.other
    for place, (pool, free) in enumerate(zip(done.policy.pools, done.shared, strict=True)):
        mine = paid.inside & (paid.pool == place)
        if not free.any():
            continue
        value = values.get(pool.name)
        if value is None:
            value = round(1 / float(grid.per_yuan), 6)
        fund[free] = np.maximum(worth_of(paid.points[free], value) - beside[free], floor)
        found[pool.name] = Shared(
            paid.points[free], beside[free], int(fund[mine & ~free].sum()), value, floor,
            bounds_of(grid, claims, free, pool.name),
        )  # fmt: skip
    return fund, found


def _cells(done: Settlement, fund: Fen) -> pd.DataFrame:
    claims, paid = done.claims, done.paid
    rows = np.flatnonzero(paid.pool >= 0)
    groups, pools = len(done.weights.frame), len(done.policy.pools)
    group = np.where(claims.group[rows] >= 0, claims.group[rows], groups).astype(np.int64)
    key = (claims.hospital[rows].astype(np.int64) * pools + paid.pool[rows]) * (groups + 1) + group
    keys, cell = np.unique(key * MONTHS + claims.month[rows], return_inverse=True)
    weight = np.rint(np.nan_to_num(done.priced.weight[rows]) * WEIGHT_UNIT).astype(np.int64)
    inside = paid.inside[rows]
    own = fund[rows]
    parts = {
        "cases": np.ones(len(rows), np.int64), "weight": weight, "cost": claims.cost[rows],
        "patient": done.patient[rows], "other": done.other[rows],
        "spend": np.where(inside, own, 0), "outside": np.where(inside, 0, own),
        "squares": np.where(inside, own // 100, 0) ** 2,
    }  # fmt: skip
    places = np.unravel_index(keys, (len(done.hospitals), pools, groups + 1, MONTHS))
    sums = {}
    for name, values in parts.items():
        sums[name] = np.zeros(len(keys), np.int64)
        np.add.at(sums[name], cell, values)
    return pd.DataFrame(dict(zip(KEYS, places, strict=True)) | sums)


def projected_value(shared: Shared, amount: int, expected: float, so_far: int) -> float:
    """Point value at the year's end (预计点值) in yuan per point; NaN where no money is left.

    The year is taken to go on as it began: if it comes to ``g`` times the spend so far, its cases
    share the pool as those so far would share ``1 / g`` of it.

    Args:
        shared: the cases so far.
        amount: the pool's money in fen.
        expected: spend of the year in yuan at the fixed value.
        so_far: spend so far in fen at the fixed value.
    """
    if so_far <= 0 or expected <= 0:
        return float("nan")
    money = round(amount * so_far / (100 * expected)) - shared.fixed
    if money <= shared.floor * len(shared.points) or not shared.points.any():
        return float("nan")
    value = float(point_value(shared.points, shared.beside, money, shared.floor) * UNIT / 100)
    low, high = shared.bounds
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)


def within_months(spend: Spend, months: int) -> Spend:
    """The same with the first months only."""
    return replace(spend, months=months, cells=spend.cells[spend.cells["month"] < months])
