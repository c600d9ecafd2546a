"""Pricing a case (病例计价): its branch, its standard and what it is worth, before the pool.

Whole arrays of cases go through in one pass; nothing is done case by case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.cases.claims import AMBIGUOUS, GROUPED, UNGROUPED, Claims
from budget.policy.groups import Multiplier, Tcm
from budget.policy.special import WithoutGroup
from budget.price.branches import PLACE
from budget.price.grid import BY_ITEM, COST_POINTS, Grid, Personal
from budget.price.outliers import band_payment, high_payment, low_payment, ratio
from budget.price.terms import half_up

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


_BY_STANDARD = [PLACE[code] for code in ("transfer", "low", "high", "normal")]


@dataclass(frozen=True)
class Priced:
    """Cases with their price.

    Attributes:
        branch: place in :data:`~budget.price.branches.BRANCHES`. Shape (N,).
        weight: relative weight of the case's group, NaN where there is none. Shape (N,).
        standard: payment standard S in reference yuan, NaN where there is none. Shape (N,).
        ratio: cost over standard, NaN where there is none. Shape (N,).
        amount: what the case is worth in reference yuan, 0 where it is not settled. Shape (N,).
    """

    branch: npt.NDArray[np.int8]
    weight: Floats
    standard: Floats
    ratio: Floats
    amount: Floats


def price(
    claims: Claims,
    grid: Grid,
    *,
    approved: Bools | None = None,
    factor: Floats | None = None,
    technology_year: npt.NDArray[np.int8] | None = None,
) -> Priced:
    """Price cases.

    Args:
        claims: the cases.
        grid: standards and thresholds.
        approved: cases whose special review was approved and is inside the quota. Shape (N,).
        factor: multiplier of what a case is worth that is priced by its standard, from other
            stays of the person or from a caseload cap. Shape (N,).
        technology_year: year since the case's new technology came in, 0 for none. Shape (N,).
    """
    return _Pricing(claims, grid, approved, factor, technology_year).run()


class _Pricing:
    def __init__(
        self,
        claims: Claims,
        grid: Grid,
        approved: Bools | None,
        factor: Floats | None,
        technology_year: npt.NDArray[np.int8] | None,
    ) -> None:
        self.claims, self.grid = claims, grid
        self.special = grid.policy.special
        self.approved, self.given, self.technology_year = approved, factor, technology_year
        size = len(claims)
        self.cost = claims.cost / 100.0
        known = (claims.group >= 0) & (claims.hospital >= 0) & (claims.insurance >= 0)
        self.at = (
            np.maximum(claims.hospital, 0), np.maximum(claims.group, 0),
            np.maximum(claims.insurance, 0),
        )  # fmt: skip
        self.weight = np.where(claims.group >= 0, grid.weight[self.at[1]], np.nan)
        self.standard = np.where(known, grid.standard[self.at], np.nan)
        self.branch = np.full(size, -1, np.int8)
        self.amount = np.zeros(size)

    def run(self) -> Priced:
        self._not_settled()
        self._standards()
        self._excepted()
        self._without_weight()
        self._unstable()
        self._stays()
        self._transfers()
        self._outliers()
        self._cut()
        return Priced(self.branch, self.weight, self.standard, self.r, self.amount)

    def _free(self, which: Bools) -> Rows:
        """Rows of ``which`` that have no branch yet."""
        return np.flatnonzero(which & (self.branch < 0))

    def _set(self, rows: Rows, branch: str, amount: Floats | float) -> None:
        self.branch[rows] = PLACE[branch]
        self.amount[rows] = amount

    def _not_settled(self) -> None:
        c = self.claims
        for branch, which in (
            ("bad_cost", c.cost <= 0),
            ("outside_year", c.month < 0),
            ("no_hospital", c.hospital < 0),
            ("no_insurance", c.insurance < 0),
            ("no_pool", self.grid.pool[self.at[0], self.at[2]] < 0),
        ):
            self._set(self._free(which), branch, 0.0)

    def _standards(self) -> None:
        """The case's own multipliers on the standard of the grid."""
        standard = self.standard
        for one in self.grid.personal:
            standard = self._personal(standard, one)
        surgery = self.special.day_surgery
        if surgery is not None and "day_surgery" in self.claims.flags:
            marked = self.claims.flags["day_surgery"]
            standard = np.where(marked, standard * surgery.factor, standard)
        self.standard = standard = self._rounded(standard)
        base = standard
        if self.grid.policy.outliers.ratio == "regional":
            base = self.grid.mean_cost * self.weight
        self.base = base
        self.r = ratio(self.cost, np.where(np.isfinite(base), base, 0.0))

    def _rounded(self, yuan: Floats) -> Floats:
        """A standard to the policy's decimals; points are not yuan yet."""
        how = self.grid.policy.standard
        return yuan if how.kind == "points" else half_up(yuan, how.decimals)

    def _cut(self) -> None:
        """What other stays or a caseload cap take off a case that is priced by its standard.

        It comes last: the ratio is that of the whole standard, or half of it would make a high
        case, which some rules pay at cost, out of an ordinary one.
        """
        if self.given is None:
            return
        rows = np.flatnonzero((self.given != 1.0) & np.isin(self.branch, _BY_STANDARD))
        for held in (self.standard, self.amount):
            held[rows] = self._rounded(held[rows] * self.given[rows])

    def _personal(self, standard: Floats, one: Personal) -> Floats:
        c, row = self.claims, one.row
        hit = one.members[self.at[1]] & one.here[self.at[0], self.at[2]] & (c.group >= 0)
        if row.population:
            wanted = [i for i, name in enumerate(c.populations) if name in row.population]
            hit &= np.isin(c.population, wanted)
        if isinstance(row, Multiplier) and row.age_below is not None:
            hit &= c.age < row.age_below
        if isinstance(row, Tcm) and row.least_share is not None:
            return self._by_tcm_share(standard, row, hit)
        return np.where(hit, standard * row.factor, standard)  # type: ignore[attr-defined]

    def _by_tcm_share(self, standard: Floats, row: Tcm, hit: Bools) -> Floats:
        enough = self.claims.tcm_share >= (row.least_share or 0.0)
        found = np.where(hit & enough, standard * row.factor, standard)
        if row.otherwise == "medical_group" and row.medical_group in self.grid.groups:
            place = self.grid.groups.index(row.medical_group)
            other = self.grid.standard[self.at[0], place, self.at[2]]
            found = np.where(hit & ~enough, other, found)
        return found

    def _excepted(self) -> None:
        """Day-bed quotas, approved reviews and new technology, before anything else."""
        c = self.claims
        day_bed = self.special.day_bed
        if day_bed is not None and day_bed.diseases and "day_bed" in c.flags:
            rows = self._free(c.flags["day_bed"] & (c.disease >= 0))
            quota = np.array([disease.quota for disease in day_bed.diseases])
            self._set(rows, "day_bed", quota[c.disease[rows]])
        review = self.special.review
        if review is not None and self.approved is not None:
            rows = self._free(self.approved)
            self._set(rows, "review", self.cost[rows] * (1.0 - review.unreasonable))
        technology = self.special.new_technology
        since = self.technology_year
        if technology is not None and technology.pay == "by_item" and since is not None:
            rows = self._free((since > 0) & (since <= technology.years))
            self._set(rows, "new_technology", self.cost[rows])

    def _without_weight(self) -> None:
        """Cases without a group, or whose group has no weight or hospital no rate."""
        c = self.claims
        priced = np.isfinite(self.standard)
        for branch, which, rule in (
            ("ungrouped", c.kind == UNGROUPED, self.special.ungrouped),
            ("ambiguous", c.kind == AMBIGUOUS, self.special.ambiguous),
            ("unpriced", (c.kind == GROUPED) & ~priced, self.special.unpriced),
        ):
            rows = self._free(which)
            self._set(rows, branch, self._basis(rule, rows))

    def _basis(self, rule: WithoutGroup, rows: Rows) -> Floats:
        """What a case is worth that has no standard of its own."""
        if rule.pay == "share_of_cost":
            return self.cost[rows] * (rule.share or 0.0)
        if rule.pay == "by_item":
            return self.cost[rows]
        own = self.standard[rows]
        if rule.pay == "weight":
            own = self._of_weight(rule.weight or 0.0, rows)
            self.standard[rows] = own
            self.weight[rows] = rule.weight
        return np.where(np.isfinite(own), own, self.cost[rows])

    def _of_weight(self, weight: float, rows: Rows) -> Floats:
        """The standard of a weight that is no group's, by the hospital's own price of weight 1."""
        own = self.grid.unit[self.at[0][rows], self.at[2][rows]] * weight
        return self._rounded(own)

    def _unstable(self) -> None:
        if not self.grid.unstable.any():
            return
        how = np.where(self.claims.group >= 0, self.grid.unstable[self.at], 0)
        for kind in (BY_ITEM, COST_POINTS):
            rows = self._free(how == kind)
            self._set(rows, "unstable", self.cost[rows])

    def _stays(self) -> None:
        """Stays outside DRG by their length: by item or by bed-day."""
        days = self.claims.stay
        short, long = self.special.short_stay, self.special.long_stay
        for branch, rule, which in (
            ("short_stay", short, days <= (short.days if short else -1)),
            ("long_stay", long, days >= (long.days if long else np.inf)),
        ):
            if rule is None:
                continue
            rows = self._free(which)
            if rule.pay == "by_item":
                self._set(rows, branch, self.cost[rows])
                continue
            bed_day = self.special.bed_day
            assert bed_day is not None
            worth = bed_day.rates.slices(days[rows].astype(np.float64))
            in_yuan = worth / self.grid.per_yuan if bed_day.unit == "points" else worth
            self._set(rows, branch, in_yuan)

    def _transfers(self) -> None:
        rule = self.special.transfer
        if rule is None:
            return
        which = np.isin(self.claims.mode, rule.modes) & np.isfinite(self.standard)
        if rule.within_days is not None:
            which &= self.claims.stay <= rule.within_days
        rows = self._free(which)
        standard, cost = self.standard[rows], self.cost[rows]
        if rule.pay == "proportional":
            mean = self.grid.group_mean[self.at[1][rows]]
            share = ratio(cost, np.where(np.isfinite(mean), mean, 0.0))
            share = np.where(np.isfinite(share), np.minimum(share, rule.cap or np.inf), 1.0)
            self._set(rows, "transfer", standard * share)
        elif rule.pay == "share_of_standard":
            self._set(rows, "transfer", standard * (rule.share or 0.0))
        else:
            self._set(rows, "transfer", cost)

    def _outliers(self) -> None:
        outliers = self.grid.policy.outliers
        r, extra = self.r, self._extra()
        low, high = self.grid.low[self.at], self.grid.high[self.at]
        if outliers.low is not None:
            rows = self._free(r < low)
            self._set(rows, "low", low_payment(outliers.low, self.cost[rows]))
            rows = self._free(np.ones(len(r), np.bool_))
            inside, amount = band_payment(
                outliers.low, self.cost[rows], self.standard[rows], r[rows]
            )
            self._set(rows[inside], "normal", amount[inside] + extra[rows[inside]])
        if outliers.high is not None:
            rows = self._free(r > high)
            self._set(rows, "high", extra[rows] + high_payment(
                outliers.high, self.cost[rows], self.standard[rows], self.base[rows], r[rows],
                high[rows],
            ))  # fmt: skip
        rows = self._free(np.ones(len(r), np.bool_))
        self._set(rows, "normal", self.standard[rows] + extra[rows])

    def _extra(self) -> Floats:
        """Extra points of a new technology, in reference yuan."""
        extra = np.zeros(len(self.cost))
        rule = self.special.new_technology
        if rule is None or rule.pay != "extra_points" or self.technology_year is None:
            return extra
        points = np.array([one.extra_points or 0.0 for one in rule.technologies] + [0.0])
        shares = np.zeros(128)
        for step in rule.taper:
            shares[step.year] = step.share
        worth = points[self.claims.technology] * shares[self.technology_year]
        return np.asarray(worth / self.grid.per_yuan)
