"""Shrinkage (经验贝叶斯收缩) of weak groups towards what their ADRG says.

The mean cost of a group with few cases is mostly noise. Credibility theory and empirical Bayes
give the same answer: a mean between the group's own and what its relatives suggest, by the ratio
of how uncertain the one is to how far relatives usually stray from the other (Buehlmann and
Straub 1970; Efron and Morris 1975; for unequal variances Morris and Lysy, Statistical Science
27:115, 2012).

Relatives are the groups of one ADRG after the usual steps between severities, which all ADRGs
together determine, are taken out. So a weak MCC group goes to what an MCC group of its ADRG would
cost, not to the ADRG's mean. What an ADRG says is in turn drawn to its MDC and kind (surgical,
procedural, medical), so that a group that stands alone in its ADRG has somewhere to go too.

No group may decide for others: residuals count up to a bound (Huber, Annals of Mathematical
Statistics 35:73, 1964), so that one wrong cost moves neither spread nor steps nor relatives much.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import brentq

from weights.cases.observations import Bools, Floats, Ints
from weights.table.families import Families

_ROUNDS = 2_000
_HALVINGS, _STEPS = 60, 4
_SETTLED = 1e-12
_LEAST = 1e-8
_MOST = 25.0
# Residuals count up to so many standard deviations; of normal ones the squares then come to
# ``_KEPT`` of their sum.
_BOUND = 2.0
_KEPT = 0.9205
_USUAL = 0.03
# Below so many cases nobody can see inside a group which case is wrong, so the group as a whole
# counts only as far from what is expected of it as takes so many standard errors for chance.
FEW = 5
_REACH = 1.5
_NODES = np.array([-np.sqrt(3.0), 0.0, np.sqrt(3.0)])
_SHARES = np.array([1.0, 4.0, 1.0]) / 6.0


@dataclass(frozen=True)
class Prior:
    """What all groups together say about one.

    Attributes:
        steps: log cost of each severity rank over the lightest, by rank.
        spread: standard deviation of a group's log cost about what its ADRG suggests (结构参数).
        kinds: log cost of the lightest group of each kind, by the kind of :meth:`Families.kinds`;
            empty where families stand for themselves.
        apart: standard deviation of an ADRG's log cost about its kind's.
        unsure: standard error of ``spread`` squared.
    """

    steps: dict[float, float]
    spread: float
    kinds: dict[str, float] = field(default_factory=dict)
    apart: float = np.inf
    unsure: float = 0.0

    def step(self, families: Families) -> Floats:
        """Usual step of each group over the lightest of its ADRG, in logs. Shape (G,)."""
        return np.array([self.steps.get(rank, 0.0) for rank in families.rank])

    def centres(self, level: Floats, variance: Floats, families: Families) -> Floats:
        """Log cost that its family suggests for each group; NaN where nothing suggests any.

        Args:
            level: relative cost in yuan. Shape (..., G).
            variance: its relative variance. Shape (..., G).
            families: the groups' families.
        """
        return self.suggested(level, variance, families)[0]

    def suggested(
        self, level: Floats, variance: Floats, families: Families
    ) -> tuple[Floats, Floats]:
        """As :meth:`centres`, with the variance of what is suggested. Shapes (..., G)."""
        if level.ndim > 1:
            each = [self.suggested(*of, families) for of in zip(level, variance, strict=True)]
            return np.stack([one[0] for one in each]), np.stack([one[1] for one in each])
        step = self.step(families)
        logs, known = unbiased_logs(level, variance)
        noise = np.where(known, variance + self.spread**2, np.inf)
        kind = np.array([self.kinds.get(name, np.nan) for name in families.kinds()])
        hold = np.where(np.isfinite(kind), 1.0 / self.apart**2, 0.0)
        mean, total = _bounded_mean(
            logs - step, noise, families.family, np.where(np.isfinite(kind), kind, 0.0), hold
        )
        with np.errstate(divide="ignore"):
            centre, unsure = mean[families.family], 1.0 / total[families.family]
        return np.asarray(centre + step), np.asarray(unsure)


def unbiased_logs(level: Floats, variance: Floats) -> tuple[Floats, Bools]:
    """Logs of levels whose expectation is the log of what is expected, and where there are any.

    The log of a noisy mean lies by half its relative variance below the log of its expectation.
    """
    known = np.isfinite(level) & (level > 0) & np.isfinite(variance)
    logs = np.log(np.where(known, level, 1.0)) + np.where(known, np.minimum(variance, 1.0) / 2, 0.0)
    return np.asarray(logs), np.asarray(known)


def _bounded_mean(
    values: Floats, noise: Floats, family: Ints, at: Floats, hold: Floats
) -> tuple[Floats, Floats]:
    """Mean of each family, drawn to ``at`` by the trust ``hold``, residuals bounded.

    Where pulls of values and of ``at`` balance: between the least and the largest of them the sum
    of pulls falls, so it is halved until the place is known, and then met by Newton's steps.

    Args:
        values: shape (N,).
        noise: variance of each value, inf where there is none. Shape (N,).
        family: family of each value. Shape (N,).
        at: what families are drawn to, F of them. Shape (F,).
        hold: with which trust. Shape (F,).

    Returns:
        Means, NaN of a family with nothing to go by, and their trust. Shapes (F,).
    """
    size, trust = len(at), 1.0 / noise
    some, held = trust > 0, hold > 0
    bound = _BOUND * np.sqrt(np.where(some, noise, 0.0))
    total = np.bincount(family, trust, size) + hold
    low, high = np.where(held, at, np.inf), np.where(held, at, -np.inf)
    np.minimum.at(low, family[some], values[some])
    np.maximum.at(high, family[some], values[some])

    def pulls(mean: Floats) -> tuple[Floats, Floats]:
        rest = values - mean[family]
        inside = np.where(np.abs(rest) <= bound, trust, 0.0)
        pull = np.bincount(family, trust * np.clip(rest, -bound, bound), size)
        return pull + hold * (at - mean), np.bincount(family, inside, size) + hold

    known = total > 0
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    for turn in range(_HALVINGS + _STEPS):
        middle = (low + high) / 2
        if turn >= _HALVINGS:
            pull, slope = pulls(middle)
            step = np.divide(pull, slope, out=np.zeros(size), where=slope > 0)
            middle = np.clip(middle + step, low, high)
        pull, _ = pulls(middle)
        low, high = np.where(pull >= 0, middle, low), np.where(pull <= 0, middle, high)
    return np.where(known, (low + high) / 2, np.nan), total


def prior(level: Floats, variance: Floats, families: Families) -> Prior:
    """Steps between severities, and how far groups and ADRGs stray from what is expected of them.

    Both spreads are roots of the estimating equation of Paule and Mandel (Journal of Research of
    the National Bureau of Standards 87:377, 1982), with bounded residuals.

    Args:
        level: relative cost in yuan. Shape (G,).
        variance: its relative variance. Shape (G,).
        families: the groups' families.
    """
    logs, known = unbiased_logs(level, variance)
    logs, noise, family = logs[known], variance[known], families.family[known]
    ranks = np.where(np.isfinite(families.rank[known]), families.rank[known], -1.0)
    levels = sorted(set(ranks) - {-1.0})[1:]
    design = np.stack([(ranks == r) for r in levels], axis=1).astype(float) if levels \
        else np.zeros((len(logs), 0))  # fmt: skip
    spread, steps = _spread(logs, noise, family, design)
    spread = _USUAL if np.isnan(spread) else spread
    found = Prior(dict(zip(levels, map(float, steps), strict=True)), float(np.sqrt(spread)))
    trust = 1.0 / (noise + spread)
    found = replace(found, unsure=float(np.sqrt(2.0 / max((trust**2).sum(), _LEAST))))
    kinds = families.kinds()
    if not any(kinds):
        return found
    nothing = np.zeros(len(kinds))
    own, total = _bounded_mean(logs - design @ steps, noise + spread, family, nothing, nothing)
    at = np.array([bool(kind) for kind in kinds]) & np.isfinite(own)
    names = sorted({kind for kind, some in zip(kinds, at, strict=True) if some})
    place = {name: i for i, name in enumerate(names)}
    kind = np.array([place[k] for k, some in zip(kinds, at, strict=True) if some], np.int32)
    apart, _ = _spread(own[at], 1.0 / total[at], kind, np.zeros((int(at.sum()), 0)))
    if np.isnan(apart):
        return found
    nothing = np.zeros(len(names))
    means, _ = _bounded_mean(own[at], 1.0 / total[at] + apart, kind, nothing, nothing)
    return replace(found, kinds=dict(zip(names, map(float, means), strict=True)),
                   apart=float(np.sqrt(apart)))  # fmt: skip


def _spread(values: Floats, noise: Floats, family: Ints, design: Floats) -> tuple[float, Floats]:
    """Variance about the means of families beyond the noise, and coefficients of the design.

    The variance is NaN where no family has two values to tell it by.
    """
    fitted: list[Floats] = [np.zeros(design.shape[1])]

    def excess(spread: float) -> float:
        trust = 1.0 / (noise + spread)
        sd = np.sqrt(noise + spread)
        x = _centred(design, trust, family)
        weighted = (x * trust[:, None]).T
        bounded = values
        for _ in range(_ROUNDS):
            y = _centred(bounded[:, None], trust, family)[:, 0]
            steps = np.asarray(np.linalg.lstsq(weighted @ x, weighted @ y, None)[0], np.float64)
            mean = bounded - (y - x @ steps)
            new = mean + np.clip(values - mean, -_BOUND * sd, _BOUND * sd)
            moved = float(np.abs(new - bounded).max(initial=0.0))
            bounded = new
            if moved < _SETTLED:
                break
        fitted[0] = steps
        total = np.bincount(family, trust)
        rank = np.linalg.matrix_rank(x) if x.size else 0
        freedom = float((1.0 - trust / total[family]).sum()) - rank
        if freedom <= 0:
            return np.nan
        rest = np.clip(values - mean, -_BOUND * sd, _BOUND * sd)
        return float((trust * rest**2).sum()) / (_KEPT * freedom) - 1.0

    least = excess(_LEAST) if len(values) else np.nan
    if not least > 0:
        return (np.nan if np.isnan(least) else _LEAST), fitted[0]
    if excess(_MOST) >= 0:
        return _MOST, fitted[0]
    root = float(np.exp(brentq(lambda at: excess(np.exp(at)), np.log(_LEAST), np.log(_MOST),
                               xtol=1e-10)))  # fmt: skip
    excess(root)
    return root, fitted[0]


def _centred(values: Floats, trust: Floats, family: Ints) -> Floats:
    """Values less their trusted mean by family. Shape (N, K)."""
    total = np.bincount(family, trust)
    means = [np.bincount(family, trust * column)[family] / total[family] for column in values.T]
    return values - np.stack(means, axis=1) if means else values


def shrink(
    level: Floats,
    variance: Floats,
    families: Families,
    prior: Prior,
    cases: Floats | None = None,
) -> Floats:
    """Credible levels (收缩后的水平): ``centre * (1 - z) + own * z``, ``z = t2 / (t2 + variance)``.

    Args:
        level: relative cost in yuan, NaN without cases. Shape (..., G).
        variance: its relative variance. Shape (..., G).
        families: the groups' families.
        prior: what all groups say.
        cases: number of cases; a group of fewer than five counts only as far from its centre that
            no more than 1.5 standard errors are put down to chance. Shape (..., G).

    Returns:
        Levels in yuan; a group without cases stays NaN: it is never given a number here.
    """
    centre, own = _own(level, variance, families, prior, cases)
    between = prior.spread**2
    credibility = np.where(np.isfinite(variance), between / (between + variance), 0.0)
    return np.asarray(credibility * own + (1.0 - credibility) * centre)


def _own(
    level: Floats, variance: Floats, families: Families, prior: Prior, cases: Floats | None
) -> tuple[Floats, Floats]:
    """What the family suggests, and the group's own level as far as it counts, both in yuan."""
    centre = np.exp(prior.centres(level, variance, families))
    if cases is None:
        return centre, level
    noise = np.where(np.isfinite(variance) & (variance > 0), variance, _LEAST)
    reach = np.exp(np.minimum(_REACH * (noise + prior.spread**2) / np.sqrt(noise), 50.0))
    with np.errstate(invalid="ignore"):
        own = np.where(cases < FEW, np.clip(level, centre / reach, centre * reach), level)
    return centre, np.asarray(own)


def error_of_shrunk(
    level: Floats, variance: Floats, own: Floats, families: Families, prior: Prior
) -> Floats:
    """Variance of the log of a shrunk level about the truth (后验方差). Shape (G,).

    ``z2 own + (1 - z)2 (t2 + variance of what the family suggests)``, and besides what the doubt
    about the spread ``t2`` itself adds: it is drawn anew at three points (Gauss and Hermite).

    Args:
        level: relative cost in yuan, NaN without cases. Shape (G,).
        variance: its relative variance, pooled, by which it was shrunk. Shape (G,).
        own: its relative variance as it looks in the group itself. Shape (G,).
        families: the groups' families.
        prior: what all groups say.
    """
    logs, known = unbiased_logs(level, variance)
    between = prior.spread**2
    z = np.where(known, between / (between + variance), 0.0)
    means, found = [], []
    for node in _NODES:
        drawn = max(between + node * prior.unsure, _LEAST)
        anew = replace(prior, spread=float(np.sqrt(drawn)))
        centre, unsure = anew.suggested(level, variance, families)
        means.append(z * logs + (1.0 - z) * centre)
        found.append(z**2 * own + (1.0 - z) ** 2 * (drawn + unsure))
    middle = _SHARES @ np.stack(means)
    total = _SHARES @ (np.stack(found) + (np.stack(means) - middle) ** 2)
    return np.where(known, total, np.nan)
