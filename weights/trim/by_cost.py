"""Trimming by cost (按费用修剪): logarithms, quartiles, percentiles, multiples of the mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from drg.errors import one_of, problem
from drg.language import say
from weights.trim.base import Cases, Trim, Trimmed
from weights.trim.groups import (
    Bounds,
    Codes,
    Floats,
    Mask,
    Moments,
    Rows,
    moments,
    opened,
    outside,
    quantiles,
)

RULES = ("both", "either", "cost")


@dataclass(frozen=True, kw_only=True)
class NoTrim(Trim):
    """No trimming (不修剪): every case stays."""

    name: ClassVar[str] = "none"

    def _trim(self, cases: Cases) -> Trimmed:
        wide = np.full(cases.groups, np.inf)
        return cases.without(np.empty(0, np.int64), (-wide, wide), wide, "")


@dataclass(frozen=True, kw_only=True)
class LogSd(Trim):
    """Mean of the logarithms +- 3 standard deviations (对数均值±3倍标准差).

    Source: CMS, IPPS final rules (e.g. FY 2024, 88 FR 58640), recalibration of the MS-DRG relative
    weights: a case is left out when it is beyond 3.0 SD of the mean log on both the cost per case
    and the cost per day. The rule does not say which SD; here it is the sample's (ddof = 1).

    Attributes:
        sd: how many standard deviations.
        rule: ``both`` (outside on cost and on cost per day), ``either`` or ``cost``; without stays
            always ``cost``. A case whose stay is 0 or unknown, or whose group has fewer than
            ``minimum`` known stays, is judged on its cost alone.
    """

    name: ClassVar[str] = "log3sd"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"sd": (0.5, 10)}
    sd: float = 3.0
    rule: str = "both"

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.rule not in RULES:
            raise problem(say("不是此方法的规则", "not a rule"), key="log3sd: rule",
                          found=self.rule, expected=one_of(RULES))  # fmt: skip

    def _trim(self, cases: Cases) -> Trimmed:
        drg, cost, stay = cases.drg, cases.cost, cases.stay
        found = moments(drg, cases.groups, lambda at: np.log(cost[at]), sd=True)
        bounds = self._bounds(found)
        rows = outside(drg, cost, bounds)
        if stay is None or self.rule == "cost":
            return cases.without(rows, bounds, found.cases, "cost")
        by_day = moments(drg, cases.groups, lambda at: _log_per_day(cost[at], stay[at]), sd=True)
        daily = self._bounds(by_day)
        if self.rule == "both":
            rows = rows[_also_by_day(drg[rows], cost[rows], stay[rows], daily)]
        else:
            rows = np.union1d(rows, outside(drg, _per_day(cost, stay), daily))
        unknown = len(stay) - int(by_day.cases.sum())
        return cases.without(rows, bounds, found.cases, "cost and cost per day",
                             unknown=unknown, per_day=daily)  # fmt: skip

    def _bounds(self, of_logs: Moments) -> Bounds:
        """Bounds in yuan, or yuan a day. Shape (G,)."""
        mean, reach = of_logs.mean, self.sd * of_logs.sd
        return opened(np.exp(mean - reach), np.exp(mean + reach), of_logs.cases, self.minimum)


def _also_by_day(drg: Codes, cost: Floats, stay: Floats, daily: Bounds) -> Mask:
    """Which cases are outside on cost per day, or cannot be judged by it. Shape (N,)."""
    goes = ~(stay > 0) | np.isinf(daily[1])[drg]
    goes[outside(drg, _per_day(cost, stay), daily)] = True
    return goes


def _per_day(cost: Floats, stay: Floats) -> Floats:
    """Cost per day (日均费用), NaN where the stay is 0 or unknown."""
    days = np.where(stay > 0, stay, np.nan)
    return np.divide(cost, days, out=days)


def _log_per_day(cost: Floats, stay: Floats) -> Floats:
    per_day = _per_day(cost, stay)
    return np.log(per_day, out=per_day)


@dataclass(frozen=True, kw_only=True)
class Iqr(Trim):
    """Quartiles +- 1.5 interquartile ranges (四分位距法). Source: Tukey, 1977.

    Attributes:
        k: how many interquartile ranges beyond the quartiles.
        log: whether quartiles and range are those of the logarithms.
    """

    name: ClassVar[str] = "iqr"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"k": (0, 10)}
    k: float = 1.5
    log: bool = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if not isinstance(self.log, bool):
            raise problem(say("不是“是”或“否”", "not a yes or no"), key="iqr: log", found=self.log,
                          expected=say("true 或 false", "true or false"))  # fmt: skip

    def _trim(self, cases: Cases) -> Trimmed:
        values = np.log(cases.cost) if self.log else cases.cost
        number, (first, third) = quantiles(cases.drg, values, cases.groups, (0.25, 0.75))
        reach = self.k * (third - first)
        lower, upper = first - reach, third + reach
        if self.log:
            lower, upper = np.exp(lower), np.exp(upper)
        bounds = opened(lower, upper, number, self.minimum)
        return cases.without(outside(cases.drg, cases.cost, bounds), bounds, number, "cost")


@dataclass(frozen=True, kw_only=True)
class Percentile(Trim):
    """Between two percentiles of the group's cost (百分位数法).

    Attributes:
        low: lower percentile, 0 to 100.
        high: upper percentile, 0 to 100.
    """

    name: ClassVar[str] = "percentile"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"low": (0, 100), "high": (0, 100)}
    low: float = 1.0
    high: float = 97.0

    def _trim(self, cases: Cases) -> Trimmed:
        bounds, number = self._bounds(cases)
        return cases.without(outside(cases.drg, cases.cost, bounds), bounds, number, "cost")

    def _bounds(self, cases: Cases) -> tuple[Bounds, Floats]:
        """Bounds in yuan and cases by group. Shape (G,)."""
        shares = self.low / 100, self.high / 100
        number, (lower, upper) = quantiles(cases.drg, cases.cost, cases.groups, shares)
        return opened(lower, upper, number, self.minimum), number


@dataclass(frozen=True, kw_only=True)
class Winsor(Percentile):
    """Costs beyond two percentiles are set to them (缩尾处理); no case goes."""

    name: ClassVar[str] = "winsor"
    high: float = 99.0

    def _trim(self, cases: Cases) -> Trimmed:
        (lower, upper), _ = self._bounds(cases)
        rows = outside(cases.drg, cases.cost, (lower, upper))
        drawn, codes = cases.cost.copy(), cases.drg[rows]
        drawn[rows] = np.clip(drawn[rows], lower[codes], upper[codes])
        keep = np.ones(len(drawn), np.bool_)
        return Trimmed(keep, drawn, lower, upper, "cost", len(rows), 0, np.empty(0, np.int64))


@dataclass(frozen=True, kw_only=True)
class Ratio(Trim):
    """Between 0.3 and 3 times the group's mean cost, the mean taken anew once (均值倍率法).

    Round 1 takes the mean of all cases and its bounds; each further round takes the mean of the
    cases inside the bounds before it. The last bounds are held against all cases: one that fell out
    on the way may be in again. Customary in China; the figures are defaults, without a source.

    Attributes:
        low: lower bound as a multiple of the mean.
        high: upper bound as a multiple of the mean.
        rounds: how often a mean is taken.
    """

    name: ClassVar[str] = "ratio"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "low": (0, 1), "high": (1, 100), "rounds": (1, 20),
    }  # fmt: skip
    low: float = 0.3
    high: float = 3.0
    rounds: int = 2

    def _trim(self, cases: Cases) -> Trimmed:
        everyone = moments(cases.drg, cases.groups, lambda at: cases.cost[at])
        rows = np.empty(0, np.int64)
        for _ in range(self.rounds):
            bounds = self._bounds(cases, everyone, rows)
            rows = outside(cases.drg, cases.cost, bounds)
        return cases.without(rows, bounds, everyone.cases, "cost")

    def _bounds(self, cases: Cases, everyone: Moments, rows: Rows) -> Bounds:
        """Bounds from the means without ``rows``. Shape (G,).

        A group without any case left gets bounds of 0, outside of which all its cases are.
        """
        codes, groups = cases.drg[rows], cases.groups
        number = everyone.cases - np.bincount(codes, minlength=groups)
        total = everyone.total - np.bincount(codes, cases.cost[rows], groups)
        mean = np.where(number > 0, total / np.maximum(number, 1), 0.0)
        return opened(self.low * mean, self.high * mean, everyone.cases, self.minimum)
