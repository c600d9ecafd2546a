"""Trimming by cost (按费用修剪): logarithms, quartiles, percentiles, multiples of the mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Bools, Floats, Ints
from weights.trim.base import Cases, Trim, Trimmed
from weights.trim.groups import Bounds, Ordered, Rows, moments, opened, outside

RULES = ("both", "either", "cost")
CENTRES = ("median", "mean")
# Of normal values the median distance from the median is this share of the standard deviation.
_MAD = 0.6744897501960817
_TELLS = 5  # cases of a group whose spread tells of the usual one
_ANY = 20.0  # times the median of all costs within which a case of any group lies
_PRIOR_CASES = 20.0  # for so many cases the usual spread of all groups counts beside a group's own


def _usual(number: Floats, spread: Floats, minimum: float) -> float:
    """Case-weighted median spread of the groups of so many cases or more."""
    known = number >= minimum
    return _half(spread[known], number[known])


def _half(values: Floats, weights: Floats) -> float:
    """The value below which half of the weights lie; 0 without any."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order])
    if not len(share) or share[-1] <= 0:
        return 0.0
    return float(values[order][np.searchsorted(share, share[-1] / 2)])


@dataclass(frozen=True, kw_only=True)
class NoTrim(Trim):
    """No trimming (不修剪): every case stays."""

    name: ClassVar[str] = "none"

    def _trim(self, cases: Cases) -> Trimmed:
        wide = np.full(cases.groups, np.inf)
        return cases.without(np.empty(0, np.int64), (-wide, wide), wide, "")


@dataclass(frozen=True, kw_only=True)
class LogSd(Trim):
    """Middle of the logarithms +- 3 standard deviations (对数中位数±3倍标准差).

    Source: CMS, IPPS final rules (e.g. FY 2024, 88 FR 58640), recalibration of the MS-DRG relative
    weights: a case is left out when it is beyond 3.0 SD of the mean log on both the cost per case
    and the cost per day: ``centre="mean"``, with the sample's SD (ddof = 1), as the rule does not
    say which. A wrong cost widens the SD behind which it hides, so by default the middle is the
    median and the SD 1.4826 times the median distance from it (Hampel, Journal of the American
    Statistical Association 69:383, 1974).

    Attributes:
        sd: how many standard deviations.
        rule: ``both`` (outside on cost and on cost per day), ``either`` or ``cost``; without stays
            always ``cost``, and the record says so. A case whose stay is 0 or unknown, or whose
            group has fewer than ``minimum`` known stays, is judged on its cost alone.
    """

    name: ClassVar[str] = "log3sd"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"sd": (0.5, 10)}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"rule": RULES, "centre": CENTRES}
    sd: float = 3.0
    rule: str = "both"
    centre: str = "median"

    def _trim(self, cases: Cases) -> Trimmed:
        drg, cost, stay = cases.drg, cases.cost, cases.stay
        number, bounds = self._bounds(cases, None)
        rows = outside(drg, cost, bounds)
        if stay is None or self.rule == "cost":
            return cases.without(rows, bounds, number, "cost")
        per_day = _per_day(cost, stay)
        by_day, daily = self._bounds(cases, per_day)
        if self.rule == "both":
            rows = rows[_also_by_day(drg[rows], per_day[rows], daily)]
        else:
            rows = np.union1d(rows, outside(drg, per_day, daily))
        unknown = len(stay) - int(by_day.sum())
        return cases.without(rows, bounds, number, "cost and cost per day", unknown=unknown)

    def _bounds(self, cases: Cases, per_day: Floats | None) -> tuple[Floats, Bounds]:
        """Known cases, and bounds in yuan, or yuan a day. Shape (G,)."""
        if self.centre == "mean":
            logs = np.log(cases.cost if per_day is None else per_day)
            number, middle, sd = moments(cases.drg, logs, cases.groups)
        else:
            held = cases.ordered() if per_day is None else Ordered.of(
                cases.drg, per_day, cases.groups
            )  # fmt: skip
            number, (middle,) = held.cases.astype(np.float64), held.quantiles((0.5,), np.log)
            sd = held.apart(middle, np.log) / _MAD
            usual = _usual(number, sd, self.minimum)  # where more than half of the costs are alike
            sd = np.where(sd > 0, sd, usual if usual > 0 else np.nan)
        reach = self.sd * sd
        bounds = np.exp(middle - reach), np.exp(middle + reach)
        return number, opened(*bounds, number, self.minimum)


def _also_by_day(drg: Ints, per_day: Floats, daily: Bounds) -> Bools:
    """Which cases are outside on cost per day, or cannot be judged by it. Shape (N,)."""
    goes = np.isnan(per_day) | np.isinf(daily[1])[drg]
    goes[outside(drg, per_day, daily)] = True
    return goes


def _per_day(cost: Floats, stay: Floats) -> Floats:
    """Cost per day (日均费用), NaN where the stay is 0 or unknown."""
    days = np.where(stay > 0, stay, np.nan)
    return np.divide(cost, days, out=days)


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
        super().__post_init__()
        if not isinstance(self.log, bool):
            raise problem(say("不是“是”或“否”", "not a yes or no"), key="iqr: log", found=self.log,
                          expected=say("true 或 false", "true or false"))  # fmt: skip

    def _trim(self, cases: Cases) -> Trimmed:
        held = cases.ordered(0.25, 0.75)
        first, third = held.quantiles((0.25, 0.75), *([np.log] if self.log else []))
        reach = self.k * (third - first)
        lower, upper = first - reach, third + reach
        if self.log:
            lower, upper = np.exp(lower), np.exp(upper)
        bounds = opened(lower, upper, held.cases, self.minimum)
        return cases.without(outside(cases.drg, cases.cost, bounds), bounds, held.cases, "cost")


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

    def _bounds(self, cases: Cases) -> tuple[Bounds, Rows]:
        """Bounds in yuan, and cases. Shapes (G,)."""
        shares = self.low / 100, self.high / 100
        held = cases.ordered(*shares)
        lower, upper = held.quantiles(shares)
        return opened(lower, upper, held.cases, self.minimum), held.cases


@dataclass(frozen=True, kw_only=True)
class Winsor(Percentile):
    """Costs beyond two percentiles are set to them (缩尾处理); no case goes."""

    name: ClassVar[str] = "winsor"
    high: float = 99.0

    def _trim(self, cases: Cases) -> Trimmed:
        return cases.at_most(self._bounds(cases)[0])[0]


@dataclass(frozen=True, kw_only=True)
class WinsorMedian(Trim):
    """Costs far from the group's median are drawn in to it (中位数缩尾); no case goes.

    Hampel's three parts (Journal of the American Statistical Association 69:383, 1974): up to
    ``sd`` spreads from the median of the logarithms a cost stays; up to ``gross`` of them it is
    set to the bound; beyond, it cannot be one of such a case and is drawn in further, to the
    median itself at half as much again. The spread is 1.4826 times the median distance from the
    median; that of a group of few cases is hardly known, so the case-weighted median spread of all
    groups counts beside it for 20 cases. One wrong cost moves the median by a place at most, so it
    cannot hide; and in a group of n cases a cost is at most 1 + n / 4 times the median, so that it
    moves the mean by a quarter of that. The median of three is the least that one wrong cost does
    not decide: in smaller groups it counts as 20 times the median of all groups at most, or a
    twentieth, and of two costs neither says that the other's hospital is cheap.

    Attributes:
        sd: how many spreads a cost may be away.
        gross: from how many on it counts less than one at the bound.
    """

    name: ClassVar[str] = "winsor_median"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"sd": (0.5, 10), "gross": (1, 100)}
    minimum: int = 1
    sd: float = 2.0
    gross: float = 4.0

    def _trim(self, cases: Cases) -> Trimmed:
        held = cases.ordered()
        number, (middle,) = held.cases.astype(np.float64), held.quantiles((0.5,), np.log)
        spread = held.apart(middle, np.log) / _MAD
        usual = _usual(number, spread, _TELLS)
        spread = np.sqrt((number * spread**2 + _PRIOR_CASES * usual**2) / (number + _PRIOR_CASES))
        spread = np.where(spread > 0, spread, np.nan)
        of_all = _half(middle[number > 0], number[number > 0])
        within = np.clip(middle, of_all - np.log(_ANY), of_all + np.log(_ANY))
        middle = np.where(number < 3, within, middle)
        reach = np.minimum(self.sd * spread, np.log1p(number / 4.0))
        bounds = opened(np.exp(middle - reach), np.exp(middle + reach), number, self.minimum)
        found, rows = cases.at_most(bounds)
        far = np.maximum(self.gross * spread, reach)
        group = cases.drg[rows]
        away = np.log(cases.cost[rows]) - middle[group]
        part = 1.0 - (np.abs(away) - far[group]) / (far[group] / 2.0)
        left = np.sign(away) * reach[group] * np.clip(part, 0.0, 1.0)
        found.cost[rows] = np.exp(middle[group] + left)
        return found


@dataclass(frozen=True, kw_only=True)
class Ratio(Trim):
    """Between 0.3 and 3 times the group's mean cost, outliers taken out of the mean (均值倍率法).

    Round 1 takes the median (``centre="mean"``: the mean of all cases) and its bounds; each further
    round takes the mean of the cases inside the bounds before it. The last bounds are held against
    all cases: one that fell out on the way may be in again. A mean to start from is moved by the
    very cases that it is to find. Customary in China; the figures are defaults, without a source.

    Attributes:
        low: lower bound as a multiple of the mean.
        high: upper bound as a multiple of the mean.
        rounds: how often bounds are taken.
        centre: what round 1 takes, ``median`` or ``mean``.
    """

    name: ClassVar[str] = "ratio"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "low": (0, 1), "high": (1, 100), "rounds": (1, 20),
    }  # fmt: skip
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"centre": CENTRES}
    low: float = 0.3
    high: float = 3.0
    rounds: int = 2
    centre: str = "median"

    def _trim(self, cases: Cases) -> Trimmed:
        held = cases.ordered()
        bounds = np.zeros(cases.groups), np.full(cases.groups, np.inf)
        for turn in range(self.rounds):
            if turn == 0 and self.centre == "median":
                (middle,) = held.quantiles((0.5,))
            else:
                middle = held.mean(bounds)  # 0, outside of which all are, where none is left
            bounds = opened(self.low * middle, self.high * middle, held.cases, self.minimum)
        return cases.without(outside(cases.drg, cases.cost, bounds), bounds, held.cases, "cost")
