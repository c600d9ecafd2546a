"""The price grid (支付标准表): what a case of each hospital, group and insurance is worth.

A region has far fewer combinations of hospital, group and insurance than cases, so everything
that a policy says of them is worked out once, as arrays (H, G, 2); pricing a case is then a look
up. Amounts are in *reference yuan*: yuan of the rate method, and under the point method yuan at
the reference point value ``M / per_weight``, at which a point of a mean case is worth its cost.
What the pool later makes of a point only scales them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.hospitals import Hospitals
from budget.cases.record import Record
from budget.policy.document import Policy
from budget.policy.groups import Basic, GroupSet, Unstable
from budget.policy.outliers import High, Low
from budget.policy.select import Selector, choose, pick
from budget.price.coefficients import coefficients, given_by_group
from budget.price.history import History, mean, needed
from budget.price.sets import Set
from budget.price.terms import Factor, Origin, Terms
from drg.errors import problem
from drg.language import say
from drg.money import Exact, Fen, decimal, either, printed, rounded, to_decimals

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
INSURANCES = np.array(["employee", "resident"], object)
STABLE, BY_ITEM, COST_POINTS = 0, 1, 2
POINT_DECIMALS = 4
_UNIT_DECIMALS = 9  # of the standard of weight 1
_LIMIT_DECIMALS = 12  # of a threshold times a coefficient
_MULTIPLIERS = ("tcm", "incentive", "watched", "multiplier")


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
        sets: the sets of groups.
        personal: those of them that multiply standards by what depends on the person.
        terms: what the standards are made of besides the weights.
        base_from: what gives the rate or, by own means, the mean; None under points.
        k_from: what gives the coefficients.
        value_from: place of the row of ``standard.point_values``, -1 for none. Shape (H, 2).
        year: settlement year.
        history: costs that standards were worked out from, if any.
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
    sets: tuple[Set, ...]
    personal: tuple[Set, ...]
    terms: Terms
    base_from: Origin | None
    k_from: Origin
    value_from: npt.NDArray[np.intp]
    year: int
    history: History | None
    warnings: dict[str, str] = field(default_factory=dict)

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
    def regional_mean(self) -> Exact:
        """Regional mean cost M in yuan, exactly: as given, or whole fen over cases."""
        if self.policy.standard.mean_cost is None and self.history is not None:
            return self.history.regional_mean
        return decimal(self.mean_cost)

    @property
    def points_per_yuan(self) -> Fraction:
        """Points of one reference yuan, exactly; 1 for the rate method."""
        points = self.policy.standard.points
        if points is None:
            return Fraction(1)
        return printed(points.per_weight) / printed(self.mean_cost)

    def points(self, *terms: Exact) -> Fen:
        """Points of a sum of reference yuan, in units of 0.0001, rounded once. Shape (N,)."""
        return rounded(*terms, unit=self.points_per_yuan * 10**POINT_DECIMALS)

    def tell(self, record: Record, cell: tuple[int, int, int]) -> None:
        """Leave in a record the factors of a cell's standard."""
        terms, held = self.terms, self.policy.coefficients
        h, g, _ = cell
        if terms.own is not None:
            assert self.base_from is not None
            assert self.history is not None
            key = self.base_from.key(*cell)
            record.term(
                "mean", key, float(terms.own.value[cell]), key, int(self.history.cases[h, g])
            )
        else:
            self.tell_points(record)
            record.term("RW", "weight", self.weight[g], "")
            if self.base_from is not None:
                record.term("rate", "rate", terms.rate[cell], self.base_from.key(*cell))
            key, k = self.k_from.key(*cell), float(terms.k[cell])
            if key or k != 1.0:
                step = None if held is None else held.step(self.year)
                also = [] if step is None else [f"coefficients.convergence[{step}].share"]
                if held is not None and held.computed is not None:
                    also += ["coefficients.computed.by", "coefficients.computed.least_cases"]
                record.term("k", "k", k, key, also=tuple(also))
        for one in terms.factors:
            if one.where[cell]:
                record.term(one.kind, one.kind, one.value, one.key)

    def tell_points(self, record: Record) -> float:
        """Leave in a record the points of weight 1, and give them; 1 for other methods."""
        points = self.policy.standard.points
        if points is None:
            return 1.0
        record.term("100", "points", points.per_weight, "standard.points.per_weight")
        return points.per_weight

    def band(self, rule: Low | High, cell: tuple[int, int, int]) -> int:
        """Which band of a rule's thresholds holds for a cell: its place."""
        h, g, i = cell
        here = {name: np.broadcast_to(held, self.pool.shape)[h, i]
                for name, held in self.attributes.items()}  # fmt: skip
        return int(rule.thresholds.place(divided(self.weight[g]), **here))


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
        self.missing: list[str] = []
        held = policy.groups
        self.sets = tuple(
            Set(kind, row, row.members(groups, columns), self._here(row))
            for kind, row in (held.sets() if held is not None else ())
        )
        self.multipliers = [one for one in self.sets if one.kind in _MULTIPLIERS]
        self.base_from: Origin | None = None

    def grid(self) -> Grid:
        standard = self.policy.standard
        mean_cost = self._mean_cost()
        per_yuan = 1.0
        if standard.kind == "points":
            assert standard.points is not None
            per_yuan = standard.points.per_weight / mean_cost
        held = self.policy.coefficients
        table = () if held is None else held.table
        k, self.k_from = coefficients(self.policy, self.hospitals, self._rows(table), self.sets,
                                      len(self.groups), self.year, self.history,
                                      self._given)  # fmt: skip
        factors = tuple(
            Factor(one.where, float(one.row.factor), one.kind, f"{one.key}.factor")  # type: ignore[attr-defined]
            for one in self.multipliers if not one.personal
        )  # fmt: skip
        terms = self._terms(k, mean_cost, factors)
        unit = self._unit(terms)
        priced = terms.standard(self.weight[None, :, None]).value
        self._thresholds_warn()
        return Grid(
            self.policy, self.groups, self.weight, mean_cost,
            decimal(np.full(len(self.groups), np.nan)) if self.history is None
            else self.history.group_mean,
            k, priced, unit, self._threshold("low", k),
            self._threshold("high", k), self._unstable(),
            choose(self.policy.pools, **self.flat), self._point_values(),
            self.flat, per_yuan, self.sets, tuple(one for one in self.multipliers if one.personal),
            terms, self.base_from, self.k_from, self._rows(standard.point_values), self.year,
            self.history, self.warnings,
        )  # fmt: skip

    def _given(
        self, rows: Sequence[GroupSet], of: str, key: str
    ) -> tuple[Floats, list[tuple[Bools, str]]]:
        """Figures of rows by hospital and group; a column that is not there is told."""
        for row in rows:
            for name in (row.column, row.figures):  # type: ignore[attr-defined]
                if name is not None and name not in self.columns:
                    self.missing.append(name)
        return given_by_group(rows, of, key, self.groups, self.columns, self._here, self.shape)

    def _mean_cost(self) -> float:
        given = self.policy.standard.mean_cost
        if given is not None:
            return given
        if self.history is not None:
            return float(self.history.regional_mean.value)
        kind, outliers = self.policy.standard.kind, self.policy.outliers
        if kind == "points" or outliers.ratio == "regional":
            raise problem(say("需要给定的或由病例计算的区域平均费用",
                              "needs the regional mean cost, given or from cases"),
                          key="standard.mean_cost", file=self.policy.id)  # fmt: skip
        return np.nan

    def _terms(self, k: Floats, mean_cost: float, factors: tuple[Factor, ...]) -> Terms:
        """What standards are made of besides the weights."""
        standard = self.policy.standard
        decimals = None if standard.kind == "points" else standard.decimals
        if standard.kind == "points":
            return Terms(np.broadcast_to(mean_cost, self.shape), k, None, factors, decimals)
        if standard.kind == "own_mean":
            own = self._own_means()
            return Terms(np.broadcast_to(np.nan, self.shape), k, own, factors, decimals)
        rows = self._rows(standard.rates)
        rate = np.empty(self.shape)
        rate[:] = np.array([*(row.yuan for row in standard.rates), np.nan])[rows][:, None, :]
        own_k, covers = k, []
        for one, row in self._basic():
            if row.rate_of is not None:
                named = [rate for rate in standard.rates if rate.name == row.rate_of]
                if not named:
                    raise problem(say("指名的费率不存在", "names a rate that is not there"),
                                  file=self.policy.id, key=f"groups.basic.{row.name}.rate_of",
                                  found=row.rate_of,
                                  expected=", ".join(r.name for r in standard.rates))  # fmt: skip
                where = one.where
                covers.append((where, f"standard.rates.{named[0].name}.yuan"))
                rate = np.where(where, named[0].yuan, rate)
                self.k_from.covers.append((where, ""))
                own_k = np.where(where, 1.0, own_k)  # one price for all hospitals
        keys = (*(f"standard.rates.{row.name}.yuan" for row in standard.rates), "")
        self.base_from = Origin(rows, keys, covers)
        return Terms(rate, own_k, None, factors, decimals)

    def _unit(self, terms: Terms) -> Floats:
        """Standard of weight 1 at each hospital, the middle one of its groups. (H, 2)."""
        if terms.own is not None:
            per_weight = np.asarray(terms.own.value / self.weight[None, :, None])
        else:
            per_weight = to_decimals(_UNIT_DECIMALS, decimal(terms.rate) * decimal(terms.k))
        per_weight = np.where(np.isnan(self.weight)[None, :, None], np.nan, per_weight)
        for one, _ in self._basic():  # whose price is not the hospital's
            per_weight = np.where(one.where, np.nan, per_weight)
        known = np.asarray(np.isfinite(per_weight).any(axis=1))
        held = np.where(known[:, None, :], per_weight, 0.0)  # no median of nothing
        found = np.where(known, np.nanmedian(held, axis=1) if held.size else np.nan, np.nan)
        return to_decimals(_UNIT_DECIMALS + 1, decimal(found))  # the middle of two has one more

    def _own_means(self) -> Exact:
        """Each hospital's own mean cost of each group in yuan, exactly. Shape (H, G, 2)."""
        how = self.policy.standard.own_mean
        assert how is not None
        given, covers = self._given(how.published, "yuan", "standard.own_mean.published")
        published = np.isfinite(given)
        history = needed(self.history, "standard.own_mean", self.policy.id)
        enough = history.cases >= how.least_cases
        cost, cases = (
            np.where(enough, own, own.sum(axis=0) if how.otherwise == "regional_mean" else 0.0)
            for own in (history.cost, history.cases)
        )
        known = np.broadcast_to(enough[:, :, None], self.shape)
        self.base_from = Origin(
            np.full((len(self.hospitals), len(INSURANCES)), -1, np.intp),
            ("standard.own_mean.otherwise",),
            [(known, "standard.own_mean.least_cases"), *covers],
        )  # fmt: skip
        own = mean(*(np.repeat(part[:, :, None], 2, axis=2) for part in (cost, cases)))
        return either(published, decimal(given), own) if published.any() else own

    def _threshold(self, side: str, k: Floats) -> Floats:
        rule = getattr(self.policy.outliers, side)
        if rule is None:
            return np.full(self.shape, np.nan)
        deep = {name: np.expand_dims(held, 1) for name, held in self.flat.items()}
        found: Floats = rule.thresholds.at(divided(self.weight)[None, :, None], **deep)
        found = np.broadcast_to(found, self.shape)
        if side == "low" and rule.times_k:
            limit = decimal(found) * decimal(np.minimum(k, 1.0))
            found = to_decimals(_LIMIT_DECIMALS, limit.where(np.isfinite(found)))
        return found

    def _thresholds_warn(self) -> None:
        groups = self.policy.groups
        missing = list(() if groups is None else groups.missing_columns(list(self.columns)))
        missing = list(dict.fromkeys(missing + self.missing))
        if missing:
            self.warnings["columns_missing"] = (
                "the policy goes by columns that the weight table has not, so they are empty: "
                + ", ".join(missing)
            )

    def _unstable(self) -> npt.NDArray[np.int8]:
        found = np.zeros(self.shape, np.int8)
        for one in self.sets:
            if isinstance(one.row, Unstable):
                found[one.where] = BY_ITEM if one.row.pay == "by_item" else COST_POINTS
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

    def _basic(self) -> list[tuple[Set, Basic]]:
        return [(one, one.row) for one in self.sets if isinstance(one.row, Basic)]

    def _rows(self, rows: Sequence[Selector]) -> npt.NDArray[np.intp]:
        """Which row holds for each hospital and insurance, -1 for none. Shape (H, 2)."""
        return np.broadcast_to(choose(rows, **self.flat), (len(self.hospitals), len(INSURANCES)))

    def _here(self, row: GroupSet) -> Bools:
        """Where selectors other than the person's hold. Shape (H, 2)."""
        attributes = dict(self.flat)
        if row.population:
            attributes["population"] = np.array(row.population[0], object)
        found = row.applies(**attributes)
        return np.broadcast_to(found, (len(self.hospitals), len(INSURANCES)))


def divided(weight: Floats) -> Floats:
    """Weights by which thresholds are divided into bands: 1 where there is none."""
    return np.where(np.isnan(weight), 1.0, weight)
