"""The price grid (支付标准表): what a case of each hospital, group and insurance is worth.

A region has far fewer combinations of hospital, group and insurance than cases, so everything
that a policy says of them is worked out once, as arrays (H, G, 2); pricing a case is then a look
up. Amounts are in *reference yuan*: yuan of the rate method, and under the point method yuan at
the reference point value ``M / per_weight``, at which a point of a mean case is worth its cost.
What the pool later makes of a point only scales them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.hospitals import Hospitals
from budget.policy.document import Policy
from budget.policy.groups import Basic, GroupSet, Multiplier, Tcm
from budget.policy.select import choose, pick
from budget.price.terms import Terms
from drg.errors import problem
from drg.money import Exact, Fen, decimal, printed, ratio, rounded, to_decimals

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
INSURANCES = np.array(["employee", "resident"], object)
STABLE, BY_ITEM, COST_POINTS = 0, 1, 2
POINT_DECIMALS = 4
_UNIT_DECIMALS = 9  # of the standard of weight 1


@dataclass(frozen=True)
class History:
    """What cases cost, for standards and coefficients that are computed from costs.

    Attributes:
        cases: number of cases, whole. Shape (H, G).
        cost: sum of cost in yuan, whole fen. Shape (H, G).
    """

    cases: Floats
    cost: Floats

    @property
    def own_mean(self) -> Floats:
        """Mean cost of each hospital and group in yuan, NaN without cases. Shape (H, G)."""
        return _mean(self.cost, self.cases).value

    @property
    def group_mean(self) -> Exact:
        """Regional mean cost of each group in yuan, NaN without cases. Shape (G,)."""
        return _mean(self.cost.sum(axis=0), self.cases.sum(axis=0))

    @property
    def mean(self) -> float:
        """Regional mean cost per case in yuan (地区次均费用)."""
        return float(_mean(self.cost.sum(), self.cases.sum()).value)


@dataclass(frozen=True)
class Personal:
    """A multiplier that depends on the person: age, category of people, or share of TCM.

    Attributes:
        row: the row of the policy.
        members: groups in its set. Shape (G,).
        here: where its selectors of hospital and insurance hold. Shape (H, 2).
    """

    row: GroupSet
    members: Bools
    here: Bools


@dataclass(frozen=True)
class Grid:
    """Standards, thresholds and marks by hospital, group and insurance.

    Attributes:
        policy: the policy.
        groups: group codes. Length G.
        weight: relative weights, NaN where there is none. Shape (G,).
        mean_cost: regional mean cost M in yuan; NaN where nothing needs it.
        means: regional mean cost of each group in yuan, NaN without cases. Shape (G,).
        coefficient: k of each hospital and group. Shape (H, G, 2).
        standard: standard in reference yuan, NaN where a case cannot be priced. Shape (H, G, 2).
        unit: standard of weight 1 before multipliers, the median of groups that are not basic, for
            cases that are paid by a weight that is no group's; NaN without any. Shape (H, 2).
        low: threshold L, NaN without low outliers. Shape (H, G, 2).
        high: threshold T, NaN without high outliers. Shape (H, G, 2).
        unstable: how unstable groups are paid. Shape (H, G, 2).
        pool: place of the pool that pays, -1 for none. Shape (H, 2).
        point_value: given value of a point in yuan, NaN where the pool decides. Shape (H, 2).
        attributes: selectors of hospital and insurance, for rows of the policy. Each (H, 2) by
            broadcasting.
        per_yuan: points of one reference yuan; 1 for the rate method.
        personal: multipliers that depend on the person.
        terms: what the standards are made of besides the weights.
        warnings: name -> what a reader must know.
    """

    policy: Policy
    groups: tuple[str, ...]
    weight: Floats
    mean_cost: float
    means: Exact
    coefficient: Floats
    standard: Floats
    unit: Floats
    low: Floats
    high: Floats
    unstable: npt.NDArray[np.int8]
    pool: npt.NDArray[np.intp]
    point_value: Floats
    attributes: Mapping[str, npt.NDArray[Any]]
    per_yuan: float
    personal: tuple[Personal, ...]
    terms: Terms
    warnings: dict[str, str] = field(default_factory=dict)

    @property
    def group_mean(self) -> Floats:
        """Regional mean cost of each group in yuan, NaN without cases. Shape (G,)."""
        return self.means.value

    def standards(self, cells: npt.NDArray[np.intp]) -> Exact:
        """Standards in reference yuan of some cells, by their place in the flattened grid. (C,)."""
        held = self.standard.reshape(-1)[cells]
        if self.terms.decimals is not None:
            return decimal(held)

        def of(rows: npt.NDArray[np.intp]) -> tuple[Any, Any]:
            some = cells[rows]
            weight = self.weight[some // len(INSURANCES) % len(self.groups)]
            return self.terms.at(some).standard(weight).ratio(np.arange(len(some)))

        return Exact(held, of, 2 * (len(self.terms.factors) + 3))

    @property
    def points_per_yuan(self) -> Fraction:
        """Points of one reference yuan, exactly; 1 for the rate method."""
        points = self.policy.standard.points
        return Fraction(1) if points is None else printed(points.per_weight) / printed(
            self.mean_cost
        )  # fmt: skip

    def points(self, *terms: Exact) -> Fen:
        """Points of a sum of reference yuan, in units of 0.0001, rounded once. Shape (N,)."""
        return rounded(*terms, unit=self.points_per_yuan * 10**POINT_DECIMALS)


def build_grid(
    policy: Policy,
    groups: tuple[str, ...],
    weight: Floats,
    hospitals: Hospitals,
    year: int,
    history: History | None = None,
    columns: Mapping[str, npt.ArrayLike] | None = None,
) -> Grid:
    """Work out the grid of a policy.

    Args:
        policy: the policy.
        groups: group codes.
        weight: their relative weights, NaN where there is none. Shape (G,).
        hospitals: the hospitals.
        year: settlement year, for convergence.
        history: costs by hospital and group, for what is computed from costs.
        columns: further columns of the weight table, by which group sets choose.

    Raises:
        DrgError: the policy needs costs and there are none, or a rate that a basic group names is
            not there.
    """
    return _Builder(policy, groups, weight, hospitals, year, history, columns or {}).grid()


class _Builder:
    def __init__(
        self,
        policy: Policy,
        groups: tuple[str, ...],
        weight: Floats,
        hospitals: Hospitals,
        year: int,
        history: History | None,
        columns: Mapping[str, npt.ArrayLike],
    ) -> None:
        self.policy, self.groups, self.weight = policy, groups, weight
        self.hospitals, self.year, self.history, self.columns = hospitals, year, history, columns
        self.flat = {name: held[:, None] for name, held in hospitals.attributes.items()}
        self.flat["insurance"] = INSURANCES[None, :]
        self.shape = len(hospitals), len(groups), len(INSURANCES)
        self.warnings: dict[str, str] = {}

    def grid(self) -> Grid:
        standard = self.policy.standard
        mean_cost = self._mean_cost()
        per_yuan = 1.0
        if standard.kind == "points":
            assert standard.points is not None
            per_yuan = standard.points.per_weight / mean_cost
        factors, personal = self._multipliers()
        k = self._coefficients()
        terms = self._terms(k, mean_cost, factors)
        unit = self._unit(terms)
        priced = terms.standard(self.weight[None, :, None]).value
        self._thresholds_warn()
        return Grid(
            self.policy, self.groups, self.weight, mean_cost,
            self._means(),
            k, priced, unit, self._threshold("low"), self._threshold("high"), self._unstable(),
            choose(self.policy.pools, **self.flat), self._point_values(),
            self.flat, per_yuan, personal, terms, self.warnings,
        )  # fmt: skip

    def _mean_cost(self) -> float:
        given = self.policy.standard.mean_cost
        if given is not None:
            return given
        if self.history is not None:
            return self.history.mean
        kind, outliers = self.policy.standard.kind, self.policy.outliers
        if kind == "points" or outliers.ratio == "regional":
            raise problem("needs the regional mean cost, given or from cases",
                          key="standard.mean_cost", file=self.policy.id)  # fmt: skip
        return np.nan

    def _coefficients(self) -> Floats:
        """K by hospital, group and insurance: from the table, else computed, else 1."""
        held = self.policy.coefficients
        k = np.full(self.shape, np.nan)
        if held is not None:
            if held.table:
                k[:] = pick(held.table, "k", **self.flat)[:, None, :]
            if held.computed is not None:
                k = np.where(np.isnan(k), self._computed()[:, :, None], k)
            k = held.toward_one(k, self.year)
        k = np.where(np.isnan(k), 1.0, k)
        for row in self._sets(Basic):
            if row.k is not None:
                k = np.where(self._where(row), row.k, k)
        return k

    def _computed(self) -> Floats:
        """Case-mix weighted mean of a hospital's (or tier's) costs over the region's. (H, G)."""
        assert self.policy.coefficients is not None
        how = self.policy.coefficients.computed
        assert how is not None
        history = self._history("coefficients.computed")
        unit = self._units(how.by)
        cases = np.zeros((int(unit.max()) + 1, len(self.groups)))
        cost = np.zeros_like(cases)
        np.add.at(cases, unit, history.cases)
        np.add.at(cost, unit, history.cost)
        known = history.group_mean.value
        expected = np.nansum(cases * known, axis=1)
        overall = _ratio(cost.sum(axis=1), expected)
        limits = (how.floor or 0.0, how.ceiling or np.inf)
        found = np.clip(np.where(np.isnan(overall), how.new_group, overall), *limits)
        by_group = np.where(cases >= how.least_cases, found[:, None], how.new_group)
        return np.asarray(by_group[unit])

    def _units(self, by: str) -> npt.NDArray[np.intp]:
        if by == "hospital":
            return np.arange(len(self.hospitals))
        held = self.hospitals.attributes[by]
        return np.unique(held.astype(str), return_inverse=True)[1]

    def _history(self, key: str) -> History:
        if self.history is None:
            raise problem("is computed from costs; cases are needed", key=key, file=self.policy.id)
        return self.history

    def _terms(
        self, k: Floats, mean_cost: float, factors: tuple[tuple[Bools, float], ...]
    ) -> Terms:
        """What standards are made of besides the weights."""
        standard = self.policy.standard
        decimals = None if standard.kind == "points" else standard.decimals
        if standard.kind == "points":
            return Terms(np.broadcast_to(mean_cost, self.shape), k, None, factors, decimals)
        if standard.kind == "own_mean":
            own = np.repeat(self._own_means()[:, :, None], 2, axis=2)
            return Terms(np.broadcast_to(np.nan, self.shape), k, own, factors, decimals)
        rate = pick(standard.rates, "yuan", **self.flat)[:, None, :]
        rate = np.broadcast_to(rate, self.shape).copy()
        own_k = k
        for row in self._sets(Basic):
            if row.rate_of is not None:
                named = [one for one in standard.rates if one.name == row.rate_of]
                if not named:
                    raise problem("names a rate that is not there", file=self.policy.id,
                                  key=f"groups.basic.{row.name}.rate_of", found=row.rate_of,
                                  expected=", ".join(r.name for r in standard.rates))  # fmt: skip
                rate = np.where(self._where(row), named[0].yuan, rate)
                own_k = np.where(self._where(row), 1.0, own_k)  # one price for all hospitals
        return Terms(rate, own_k, None, factors, decimals)

    def _means(self) -> Exact:
        if self.history is None:
            return decimal(np.full(len(self.groups), np.nan))
        return self.history.group_mean

    def _unit(self, terms: Terms) -> Floats:
        """Standard of weight 1 at each hospital, the middle one of its groups. (H, 2)."""
        if terms.own is not None:
            per_weight = np.asarray(terms.own / self.weight[None, :, None])
        else:
            per_weight = to_decimals(_UNIT_DECIMALS, decimal(terms.rate) * decimal(terms.k))
        per_weight = np.where(np.isnan(self.weight)[None, :, None], np.nan, per_weight)
        for row in self._sets(Basic):  # whose price is not the hospital's
            per_weight = np.where(self._where(row), np.nan, per_weight)
        known = np.asarray(np.isfinite(per_weight).any(axis=1))
        held = np.where(known[:, None, :], per_weight, 0.0)  # no median of nothing
        return np.where(known, np.nanmedian(held, axis=1) if held.size else np.nan, np.nan)

    def _own_means(self) -> Floats:
        """Each hospital's own mean cost of each group in yuan. (H, G)."""
        how = self.policy.standard.own_mean
        assert how is not None
        history = self._history("standard.own_mean")
        own = history.own_mean
        enough = history.cases >= how.least_cases
        regional = how.otherwise == "regional_mean"
        other = history.group_mean.value[None, :] if regional else np.nan
        return np.where(enough, own, other)

    def _multipliers(self) -> tuple[tuple[tuple[Bools, float], ...], tuple[Personal, ...]]:
        """Multipliers of group sets, and apart those that need the person of the case."""
        personal, factors = [], []
        held = self.policy.groups
        rows: tuple[Any, ...] = ()
        if held is not None:
            rows = (*held.tcm, *held.incentive, *held.watched, *held.multiplier)
        for row in rows:
            if _is_personal(row):
                personal.append(Personal(row, self._members(row), self._here(row)))
            else:
                factors.append((self._where(row), float(row.factor)))
        return tuple(factors), tuple(personal)

    def _threshold(self, side: str) -> Floats:
        rule = getattr(self.policy.outliers, side)
        if rule is None:
            return np.full(self.shape, np.nan)
        deep = {name: np.expand_dims(held, 1) for name, held in self.flat.items()}
        weight = np.where(np.isnan(self.weight), 1.0, self.weight)[None, :, None]
        found: Floats = rule.thresholds.at(weight, **deep)
        return np.broadcast_to(found, self.shape)

    def _thresholds_warn(self) -> None:
        missing = () if self.policy.groups is None else self.policy.groups.missing_columns(
            list(self.columns)
        )  # fmt: skip
        if missing:
            self.warnings["columns_missing"] = (
                "group sets choose by columns that the weight table has not, so they are empty: "
                + ", ".join(missing)
            )

    def _unstable(self) -> npt.NDArray[np.int8]:
        found = np.zeros(self.shape, np.int8)
        for row in () if self.policy.groups is None else self.policy.groups.unstable:
            found[self._where(row)] = BY_ITEM if row.pay == "by_item" else COST_POINTS
        return found

    def _point_values(self) -> Floats:
        """Given value of a point; without points, a yuan is a yuan."""
        standard = self.policy.standard
        shape = len(self.hospitals), len(INSURANCES)
        if standard.kind == "rate":
            return np.ones(shape)
        if not standard.point_values:
            return np.full(shape, np.nan)
        return np.broadcast_to(pick(standard.point_values, "given", **self.flat), shape)

    def _sets(self, kind: type[Basic]) -> tuple[Basic, ...]:
        held = self.policy.groups
        return () if held is None else tuple(row for row in held.basic if isinstance(row, kind))

    def _members(self, row: GroupSet) -> Bools:
        return row.members(self.groups, self.columns)

    def _here(self, row: GroupSet) -> Bools:
        """Where selectors other than the person's hold. Shape (H, 2)."""
        attributes = dict(self.flat)
        if row.population:
            attributes["population"] = np.array(row.population[0], object)
        found = row.applies(**attributes)
        return np.broadcast_to(found, (len(self.hospitals), len(INSURANCES)))

    def _where(self, row: GroupSet) -> Bools:
        return np.asarray(self._members(row)[None, :, None] & self._here(row)[:, None, :])


def _is_personal(row: GroupSet) -> bool:
    by_age = isinstance(row, Multiplier) and row.age_below is not None
    by_share = isinstance(row, Tcm) and row.least_share is not None
    return bool(row.population) or by_age or by_share


def _mean(cost: npt.ArrayLike, cases: npt.ArrayLike) -> Exact:
    """Sums of cost in yuan over numbers of cases; exact, as both are sums of whole numbers."""
    fen = np.rint(np.asarray(cost, np.float64) * 100.0).astype(np.int64)
    return ratio(fen, 100 * np.rint(np.asarray(cases, np.float64)).astype(np.int64))


def _ratio(above: Floats, below: Floats) -> Floats:
    empty = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=empty, where=below > 0))
