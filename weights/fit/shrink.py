"""Shrinkage (经验贝叶斯收缩) of weak groups towards what their ADRG says.

The mean cost of a group with few cases is mostly noise. Credibility theory and empirical Bayes
give the same answer: a mean between the group's own and what its relatives suggest, by the ratio
of how uncertain the one is to how far relatives usually stray from the other (Buehlmann and
Straub 1970; Efron and Morris 1975; for unequal variances Morris and Lysy, Statistical Science
27:115, 2012).

Relatives are the groups of one ADRG after the usual steps between severities, which all ADRGs
together determine, are taken out. So a weak MCC group goes to what an MCC group of its ADRG would
cost, not to the ADRG's mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, ratio
from weights.estimate.rounds import Fit
from weights.table.families import Families

_ROUNDS = 200
_LEAST = 1e-8


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
        n, squares = sums.cases.sum(axis=0), (sums.cases**2).sum(axis=0)
        if multiplicity is not None:
            n, squares = multiplicity @ sums.cases, multiplicity @ sums.cases**2
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.within / n + self.between * squares / n**2
        return np.where(n > 0, found, np.inf)


def noise(sums: Statistics, fit: Fit) -> Noise:
    """Spread inside hospitals and between them, pooled over groups (one-way analysis of variance).

    It is pooled because the spread of a weak group is as uncertain as its mean, and goes with it:
    groups that are low by chance would count as certain.

    Raises:
        DrgError: there are only aggregates, or no group with two cases in a hospital.
    """
    if sums.cost_squared is None:
        raise problem(say("需要单病例费用：带例数列的汇总数据无法得出组内离散程度",
                          "needs the cost of single cases: with the column cases the spread inside "
                          "a group cannot be had"), key="shrinkage")  # fmt: skip
    n = sums.cases
    scale = fit.factor[:, None] * fit.level[None, :]
    scale = scale * (sums.cost.sum() / np.nansum(n * scale))  # factors have a scale of their own
    mean = ratio(sums.cost, n) / scale
    inside = np.nansum(sums.cost_squared / scale**2 - n * mean**2)
    cells = n > 0
    freedom = float((n[cells] - 1).sum())
    if freedom <= 0:
        raise problem(say("没有病组在同一医疗机构有两例", "no group has two cases in one hospital"),
                      key="shrinkage")  # fmt: skip
    within = max(float(inside) / freedom, _LEAST)
    groups = n.sum(axis=0)
    centre = np.nansum(n * mean, axis=0) / np.where(groups > 0, groups, 1)
    apart = np.nansum(np.where(cells, n * (mean - centre) ** 2, 0.0))
    counted = cells.sum(axis=0)
    expected = within * float((counted - 1)[counted > 0].sum())
    spread = float((groups - ratio((n**2).sum(axis=0), groups))[groups > 0].sum())
    between = max((float(apart) - expected) / spread, 0.0) if spread > 0 else 0.0
    return Noise(within, between)


@dataclass(frozen=True)
class Prior:
    """What all groups together say about one.

    Attributes:
        steps: log cost of each severity rank over the lightest, by rank.
        spread: standard deviation of a group's log cost about what its ADRG suggests (结构参数).
    """

    steps: dict[float, float]
    spread: float

    def centres(self, level: Floats, variance: Floats, families: Families) -> Floats:
        """Log cost that its family suggests for each group; NaN without any case in the family.

        Args:
            level: relative cost in yuan. Shape (..., G).
            variance: its relative variance. Shape (..., G).
            families: the groups' families.
        """
        step = np.array([self.steps.get(rank, 0.0) for rank in families.rank])
        known = np.isfinite(level) & (level > 0)
        trust = np.where(known, 1.0 / (variance + self.spread**2), 0.0)
        logs = np.log(np.where(known, level, 1.0)) - step
        by_family = _indicator(families)
        mean = ratio((trust * logs) @ by_family, trust @ by_family)
        return np.asarray(mean[..., families.family] + step)


def prior(level: Floats, variance: Floats, families: Families) -> Prior:
    """Steps between severities and how far groups stray from them (Paule and Mandel 1982).

    Args:
        level: relative cost in yuan. Shape (G,).
        variance: its relative variance. Shape (G,).
        families: the groups' families.
    """
    known = np.isfinite(level) & (level > 0) & np.isfinite(variance)
    logs = np.log(level[known])
    noise_, family = variance[known], families.family[known]
    ranks = np.where(np.isfinite(families.rank[known]), families.rank[known], -1.0)
    levels = sorted(set(ranks) - {-1.0})
    design = np.stack([(ranks == r) for r in levels[1:]], axis=1).astype(float) if levels[1:] \
        else np.zeros((len(logs), 0))  # fmt: skip
    spread = 0.03
    steps: Floats = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        trust = 1.0 / (noise_ + spread)
        x, y = _centred(design, trust, family), _centred(logs[:, None], trust, family)[:, 0]
        weighted = (x * trust[:, None]).T
        steps = np.asarray(np.linalg.lstsq(weighted @ x, weighted @ y, None)[0], np.float64)
        rest = y - x @ steps
        total = np.bincount(family, trust)
        rank = np.linalg.matrix_rank(x) if x.size else 0
        freedom = float((1.0 - trust / total[family]).sum()) - rank
        if freedom <= 0:
            break
        excess = float((trust * rest**2).sum()) / freedom
        spread = max(spread * excess, _LEAST)
        if abs(excess - 1.0) < 1e-10 or spread == _LEAST:
            break
    return Prior(dict(zip(levels[1:], map(float, steps), strict=True)), float(np.sqrt(spread)))


def _centred(values: Floats, trust: Floats, family: np.ndarray) -> Floats:
    """Values less their trusted mean by family. Shape (N, K)."""
    total = np.bincount(family, trust)
    means = [np.bincount(family, trust * column)[family] / total[family] for column in values.T]
    return values - np.stack(means, axis=1) if means else values


def _indicator(families: Families) -> Floats:
    """Membership of groups in families. Shape (G, F)."""
    member = np.zeros((len(families.groups), len(families.names)))
    member[np.arange(len(families.groups)), families.family] = 1.0
    return member


def shrink(level: Floats, variance: Floats, families: Families, prior: Prior) -> Floats:
    """Credible levels (收缩后的水平): ``centre * (1 - z) + own * z``, ``z = t2 / (t2 + variance)``.

    Args:
        level: relative cost in yuan, NaN without cases. Shape (..., G).
        variance: its relative variance. Shape (..., G).
        families: the groups' families.
        prior: what all groups say.

    Returns:
        Levels in yuan; a group without cases stays NaN: it is never given a number here.
    """
    centre = np.exp(prior.centres(level, variance, families))
    between = prior.spread**2
    credibility = np.where(np.isfinite(variance), between / (between + variance), 0.0)
    return np.asarray(credibility * level + (1.0 - credibility) * centre)
