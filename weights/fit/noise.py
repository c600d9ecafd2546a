"""Noise (噪声): how uncertain the mean cost of a group is, pooled over groups and for each alone.

Cases of one hospital are alike, so a mean rests on hospitals and not on cases. The spread of
hospitals in a group of few of them is itself hardly known: it is drawn to what all groups show,
as in Smyth, Statistical Applications in Genetics and Molecular Biology 3:3 (2004), and counts by
its degrees of freedom after Bell and McCaffrey, Survey Methodology 28:169 (2002).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, ratio
from weights.estimate.rounds import Fit

_LEAST = 1e-8
_CAP = 5.0  # no group's spread counts for more than so many times the usual one
_WIDE = 4.0  # nor do hospitals further apart than by so many standard deviations
_ROUNDS = 20
_LITTLE, _ENOUGH = 0.45, 3.7  # no whole numbers, which rounding could put on either side
_GROUPS = 10
_FREEDOM = 4.0, 60.0


@dataclass(frozen=True)
class Noise:
    """How uncertain group means are, in relative terms.

    Attributes:
        within: squared coefficient of variation of a case inside group and hospital.
        between: the same of a hospital's mean inside a group, beyond what cases explain.
    """

    within: float
    between: float

    def variance(self, sums: Statistics, multiplicity: Floats | None = None) -> Floats:
        """Relative variance of each group's mean; inf without cases. Shape (G,) or (R, G)."""
        weights = sums.cases if sums.squares is None else sums.squares
        parts = sums.cases, weights, sums.cases**2
        n, own, squares = (part.sum(axis=0) if multiplicity is None else multiplicity @ part
                           for part in parts)  # fmt: skip
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (self.within * own + self.between * squares) / n**2
        return np.where(n > 0, found, np.inf)


def noise(sums: Statistics, fit: Fit) -> Noise:
    """Spread inside hospitals and between them, pooled over groups (two-way analysis of variance).

    It is pooled because the spread of a weak group is as uncertain as its mean, and goes with it:
    groups that are low by chance would count as certain. No group counts for more than a share:
    one wrong cost in one group must not switch shrinkage off for all.

    Raises:
        DrgError: there are only aggregates, or no group with two cases in a hospital.
    """
    if sums.cost_squared is None:
        raise problem(say("需要单病例费用：带例数列的汇总数据无法得出组内离散程度",
                          "needs the cost of single cases: with the column cases the spread inside "
                          "a group cannot be had"), key="shrinkage")  # fmt: skip
    n = sums.cases
    cells = n > 0
    free = np.where(cells, n - 1, 0.0).sum(axis=0)
    if free.sum() <= 0:
        raise problem(say("没有病组在同一医疗机构有两例", "no group has two cases in one hospital"),
                      key="shrinkage")  # fmt: skip
    scale = _scale(sums, fit)
    mean = np.nan_to_num(ratio(sums.cost, n) / scale)
    inside = np.where(cells, sums.cost_squared / np.where(cells, scale, 1) ** 2 - n * mean**2, 0.0)
    within = max(_capped(ratio(inside.sum(axis=0), free), free), _LEAST)
    return Noise(within, _between(n, mean, within, _cleared(fit)))


def _scale(sums: Statistics, fit: Fit) -> Floats:
    """Expected cost of a case by hospital and group in yuan. Shape (H, G)."""
    scale = fit.factor[:, None] * fit.level[None, :]  # factors have a scale of their own
    return np.asarray(scale * (sums.cost.sum() / np.nansum(sums.cases * scale)))


def _cleared(fit: Fit) -> bool:
    return bool((fit.factor != 1.0).any())


def _capped(values: Floats, weight: Floats) -> float:
    """Weighted mean of the values, each at most ``_CAP`` times their weighted median."""
    some = (weight > 0) & np.isfinite(values)
    values, weight = np.maximum(values[some], 0.0), weight[some]
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order])
    middle = float(values[order][np.searchsorted(share, share[-1] / 2)])
    held = np.minimum(values, _CAP * middle) if middle > 0 else values
    return float((weight * held).sum() / weight.sum())


def _between(n: Floats, mean: Floats, within: float, cleared: bool) -> float:
    """Squared coefficient of variation between hospitals of one group. ``mean`` is relative."""
    cells, groups = n > 0, n.sum(axis=0)
    centre = (n * mean).sum(axis=0) / np.where(groups > 0, groups, 1)
    apart = np.where(cells, n * (mean - centre) ** 2, 0.0).sum(axis=0)
    free = np.maximum(cells.sum(axis=0) - 1.0, 0.0)
    spread = np.nan_to_num(groups - ratio((n**2).sum(axis=0), groups))
    if cleared and free.sum() > 0 and spread.sum() > 0:  # what the hospitals' factors took away
        hospitals = n.sum(axis=1)
        taken = float(np.nansum(ratio((n**2).sum(axis=1), hospitals))) - (n**2).sum() / n.sum()
        free = free * max(1.0 - ((hospitals > 0).sum() - 1) / free.sum(), 0.0)
        spread = spread * max(1.0 - taken / spread.sum(), 0.0)
    if spread.sum() <= 0:
        return 0.0
    found = 0.0
    for _ in range(_ROUNDS):
        expected = within * free + found * spread
        wide = _WIDE * np.sqrt(2.0 / np.maximum(free, 1.0)) * expected
        held = float(np.minimum(apart, expected + wide).sum())
        found = max((held - within * float(free.sum())) / float(spread.sum()), 0.0)
    return found


def _between_logs(sums: Statistics, fit: Fit) -> float:
    """As :func:`_between`, of logs: where costs have heavy tails hospitals hide behind them."""
    assert sums.log_cost is not None
    assert sums.log_squared is not None
    n = sums.cases
    cells = n > 0
    middle = np.where(cells, sums.log_cost / np.where(cells, n, 1.0), 0.0)
    free = np.where(cells, n - 1, 0.0).sum(axis=0)
    inside = np.where(cells, sums.log_squared - n * middle**2, 0.0).sum(axis=0)
    if free.sum() <= 0:
        return 0.0
    apart = np.where(cells, middle - np.log(fit.factor)[:, None], 0.0)
    within = max(_capped(ratio(inside, free), free), _LEAST)
    return _between(n, apart, within, _cleared(fit))


@dataclass(frozen=True)
class Doubt:
    """How uncertain the level of each group is.

    Attributes:
        variance: relative variance of its level, NaN without cases. Shape (G,).
        freedom: degrees of freedom of that variance (自由度). Shape (G,).
        hospitals: number of hospitals that treat the group. Shape (G,).
    """

    variance: Floats
    freedom: Floats
    hospitals: Floats


def doubt(
    sums: Statistics, fit: Fit, noise: Noise | None, replicates: Floats | None = None
) -> Doubt:
    """Variance of each level from its hospitals, drawn to what all groups show.

    A group's own estimate is the sum over hospitals of the squared distance from the group's mean
    by their squared share of its cases; its expectation and degrees of freedom are those under
    ``noise``. Groups of one hospital have none, and go by ``noise`` alone.

    Args:
        sums: sums by hospital and group.
        fit: levels and factors.
        noise: pooled spreads; None for aggregates, where all spread is taken to be of cases.
        replicates: levels of resampled hospitals over their mean. Where costs are cleared of
            hospital factors, the doubt in a group of many hospitals is at least the spread of
            these, which also know what the factors hang on. Shape (R, G).
    """
    n, total = sums.cases, sums.group_cases
    some = np.where(total > 0, total, 1.0)
    expected = np.nan_to_num(_scale(sums, fit)) * n
    seen = np.where(n > 0, sums.cost, 0.0)
    held = seen.sum(axis=0) / np.where(total > 0, np.maximum(expected.sum(axis=0), 1e-300), 1.0)
    apart = np.divide(seen, np.where(n > 0, expected / np.where(n > 0, n, 1), 1)) / np.where(
        held > 0, held, 1.0
    ) - n  # fmt: skip
    own = (apart**2).sum(axis=0) / some**2
    if noise is None:
        free = np.maximum((n > 0).sum(axis=0) - 1.0, 0.0)
        rest = ratio((np.where(n > 0, apart**2 / np.where(n > 0, n, 1), 0.0)).sum(axis=0), free)
        noise = Noise(max(_capped(rest, free), _LEAST) if free.any() else _LEAST, 0.0)
    if sums.log_squared is not None:
        noise = replace(noise, between=_between_logs(sums, fit))
    true, seen_, freedom = _expected(sums, noise, _cleared(fit))
    use = freedom >= _LITTLE
    own = np.where(use, own * true / np.where(use, seen_, 1.0), 0.0)
    freedom = np.where(use, freedom, 0.0)
    prior = _prior_freedom(ratio(own, true), freedom)
    usual = true * (prior - 2.0) / prior  # ``true`` is the mean of variances that differ
    variance = (prior * usual + freedom * own) / (prior + freedom)
    if replicates is not None and _cleared(fit):
        drawn = np.log(np.where(replicates > 0, replicates, np.nan)[:, total > 0])
        known = np.maximum(np.isfinite(drawn).sum(axis=0), 2)
        middle = np.nansum(drawn, axis=0) / known
        least = np.zeros(len(total))
        least[total > 0] = np.nansum((drawn - middle) ** 2, axis=0) / (known - 1)
        variance = np.where(freedom >= _ENOUGH, np.maximum(variance, least), variance)
    return Doubt(np.where(total > 0, variance, np.nan), prior + freedom, (n > 0).sum(axis=0))


def _expected(sums: Statistics, noise: Noise, cleared: bool) -> tuple[Floats, Floats, Floats]:
    """Variance of the mean under the noise, expectation of its estimate, degrees of freedom.

    With shares ``w`` and variances ``v`` of hospitals the estimate is a quadratic form of the
    matrix ``w_i w_j (v_i [i = j] - w_i v_i - w_j v_j + sum w2 v)``; the degrees of freedom are
    twice its squared trace over its variance. Shapes (G,).
    """
    n, total = sums.cases, sums.group_cases
    cells = n > 0
    w = n / np.where(total > 0, total, 1.0)
    weights = n if sums.squares is None else sums.squares
    v = np.where(cells, noise.within * weights / np.where(cells, n, 1.0) ** 2 + noise.between, 0.0)
    whole = v
    if cleared:  # the doubt about a hospital's factor is in the level, and not in what is left
        hospitals = n.sum(axis=1, keepdims=True)
        hospitals = np.where(hospitals > 0, hospitals, 1.0)
        factor = (noise.within * weights.sum(axis=1, keepdims=True)
                  + noise.between * (n**2).sum(axis=1, keepdims=True)) / hospitals**2  # fmt: skip
        whole = np.where(cells, v + factor, 0.0)
        v = np.where(cells, np.maximum(v - factor, 0.02 * v), 0.0)
    a, p = w * v, w**2
    s = (w * a).sum(axis=0)
    trace = np.where(cells, p * (v - 2 * a + s), 0.0).sum(axis=0)
    p0, p1, p2 = p.sum(axis=0), (p * a).sum(axis=0), (p * a * a).sum(axis=0)
    square = (s**2 * p0**2 + 2 * p0 * p2 - 4 * s * p0 * p1 + 2 * p1**2
              + (p**2 * (2 * v * (s - 2 * a) + v**2)).sum(axis=0))  # fmt: skip
    true = (p * whole).sum(axis=0)
    some = trace > 1e-9 * true
    freedom = np.divide(trace**2, square, out=np.zeros_like(trace), where=some & (square > 0))
    return true, trace, freedom


def _prior_freedom(ratios: Floats, freedom: Floats) -> float:
    """Degrees of freedom that the pooled variance counts for: 2 / (1 - mean of logs), bounded.

    Of variances with the common mean 1 and a scaled inverse chi-squared spread the typical one is
    ``(d - 2) / d``; it is read from the logs, in which no single group counts for much.
    """
    from scipy.special import digamma

    use = (freedom >= _ENOUGH) & (ratios > 0) & np.isfinite(ratios)
    if use.sum() < _GROUPS:
        return 8.0
    half = freedom[use] / 2
    typical = float(np.exp(np.mean(np.log(ratios[use]) - digamma(half) + np.log(half))))
    return float(np.clip(2.0 / max(1.0 - typical, 1e-9), *_FREEDOM))
