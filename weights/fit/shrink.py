"""Shrinkage (经验贝叶斯收缩) of weak groups towards what their ADRG says.

The mean cost of a group with few cases is mostly noise. Credibility theory and empirical Bayes
give the same answer: a mean between the group's own and what its relatives suggest, by the ratio
of how uncertain the one is to how far groups usually stray from the other (Buehlmann and Straub
1970; Efron and Morris 1975; for unequal variances Morris and Lysy, Statistical Science 27:115,
2012).

Relatives are the other groups of the ADRG after the usual steps between severities, which all
ADRGs together determine, are taken out. So a weak MCC group goes to what an MCC group of its ADRG
would cost, not to the ADRG's mean. What relatives say is in turn drawn to the ADRG's MDC and kind
(surgical, procedural, medical), and kinds to all, so that a group alone in its ADRG has somewhere
to go too.

No case may decide for other groups: a relative counts by its cases, so that a whole group may be
said for by relatives of some hundred cases only; and spreads and steps are those of
:mod:`weights.fit.spread`, which no single value decides.
Nor for its own where that is small: see :mod:`weights.fit.hold`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Bools, Floats
from weights.fit.hold import Singles, held, without_relatives
from weights.fit.spread import LEAST, USUAL, spread_of, sum_of
from weights.table.families import Families

# A wrong cost that is drawn in to the median moves the mean of a group of n cases by 2.5 / n at
# most. A relative with the share n / 250 of what is suggested then moves that by a hundredth.
_WHOLE = 250.0
_SOME = 10.0  # cases of what counts in full for spreads, steps, kinds and relatives
_FAR = 4.0  # standard deviations from what others suggest beyond which a group counts as there
_AT_ONCE = 10_000_000
_NODES = np.array([-np.sqrt(3.0), 0.0, np.sqrt(3.0)])
_SHARES = np.array([1.0, 4.0, 1.0]) / 6.0


@dataclass(frozen=True)
class Prior:
    """What all groups together say about one.

    Attributes:
        steps: log cost of each severity rank over the lightest, by rank.
        spread: standard deviation of a group's log cost about what its ADRG suggests (结构参数).
        kinds: of each kind of :attr:`Families.kinds` the log cost of a lightest group, and the
            variance of an ADRG's about it; empty where nothing is known of them.
        unsure: standard error of ``spread`` squared.
        before: log cost of each group by last year's table, NaN where that has none; it goes before
            what relatives suggest. Shape (G,) or None.
        moved: variance of a group's log cost about ``before``.
    """

    steps: dict[float, float]
    spread: float
    kinds: dict[str, tuple[float, float]] = field(default_factory=dict)
    unsure: float = 0.0
    before: Floats | None = None
    moved: float = np.inf

    def suggested(
        self, level: Floats, variance: Floats, families: Families, cases: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Log cost that is suggested for each group, and the variance of the group about it.

        Args:
            level: relative cost in yuan. Shape (..., G).
            variance: its relative variance. Shape (..., G).
            families: the groups' families.
            cases: number of cases, by which relatives count. Shape (..., G).

        Returns:
            Log cost, NaN where nothing suggests any, and the variance, which is ``spread`` squared
            and the doubt in what others suggest. Shapes (..., G).
        """
        group, other, first = families.relatives
        if level.ndim > 1 and level.shape[0] * len(group) > _AT_ONCE:
            each = [self.suggested(*of, families, None if cases is None else cases[i])
                    for i, of in enumerate(zip(level, variance, strict=True))]  # fmt: skip
            return np.stack([one[0] for one in each]), np.stack([one[1] for one in each])
        step = np.array([self.steps.get(rank, 0.0) for rank in families.rank])
        about = [self.kinds.get(name, (0.0, np.inf)) for name in families.kinds]
        at, apart = np.array(about).T[:, families.family]
        hold = 1.0 / apart
        between = self.spread**2
        logs, known = unbiased_logs(level, variance)
        noise = np.where(known, variance + between, 1.0)
        sd = np.sqrt(np.where(hold > 0, apart, 0.0) + noise)
        said = np.where(hold > 0, at + _counted(logs - step - at, sd), logs - step)
        said = np.where(known, said, 0.0)
        trust = np.where(known, 1.0 / noise, 0.0)

        def by_group(of_pairs: Floats) -> Floats:
            found = np.zeros(level.shape)
            found[..., group[first]] = np.add.reduceat(of_pairs, first, axis=-1)
            return found

        if not len(group):
            counts, total, mean, square = (np.zeros(level.shape) for _ in range(4))
        else:
            full = trust[..., other]
            counted = full
            if cases is not None:
                near = 1.0 + np.where(known, between / np.maximum(variance, LEAST), 0.0)
                near = near * (by_group(full) + hold + trust)
                most = _share(cases)[..., other] * near[..., group]
                counted = np.where(hold[group] > 0, np.minimum(full, most), full)
            total = by_group(full)
            counts, mean = by_group(counted), by_group(counted * said[..., other])
            square = by_group(counted**2 * noise[..., other])
        total = total + hold
        rest = np.maximum(total - counts, 0.0)
        some = total > 0
        whole = np.where(some, total, 1.0)
        centre = np.where(some, (mean + rest * at) / whole + step, np.nan)
        doubt = np.where(hold > 0, rest**2 * np.where(hold > 0, apart, 0.0), 0.0)
        about_it = np.where(some, between + (square + doubt) / whole**2, np.inf)
        if self.before is not None:
            known = np.isfinite(self.before)
            centre = np.where(known, self.before, centre)
            about_it = np.where(known, self.moved, about_it)
        return centre, about_it


def unbiased_logs(level: Floats, variance: Floats) -> tuple[Floats, Bools]:
    """Logs of levels whose expectation is the log of what is expected, and where there are any.

    The log of a noisy mean lies by half its relative variance below the log of its expectation.
    """
    known = np.isfinite(level) & (level > 0) & np.isfinite(variance)
    logs = np.log(np.where(known, level, 1.0)) + np.where(known, np.minimum(variance, 1.0) / 2, 0.0)
    return np.asarray(logs), np.asarray(known)


def prior(
    level: Floats, variance: Floats, families: Families, cases: Floats | None = None
) -> Prior:
    """Steps between severities, and how far groups and ADRGs stray from what is expected of them.

    All spreads are those of :func:`weights.fit.spread.spread_of`.

    Args:
        level: relative cost in yuan. Shape (G,).
        variance: its relative variance. Shape (G,).
        families: the groups' families.
        cases: number of cases. Shape (G,).
    """
    logs, known = unbiased_logs(level, variance)
    logs, noise, family = logs[known], variance[known], families.family[known]
    ranks = np.where(np.isfinite(families.rank[known]), families.rank[known], -1.0)
    levels = sorted(set(ranks) - {-1.0})[1:]
    design = np.stack([(ranks == r) for r in levels], axis=1).astype(float) if levels \
        else np.zeros((len(logs), 0))  # fmt: skip
    number = np.full(len(logs), _WHOLE) if cases is None else cases[known]
    counts = np.minimum(number / _SOME, 1.0) ** 2
    spread, means, steps = spread_of(logs, noise, family, design, counts)
    spread = USUAL if np.isnan(spread) else spread
    trust = 1.0 / (noise + spread)
    found = Prior(dict(zip(levels, map(float, steps), strict=True)), float(np.sqrt(spread)),
                  unsure=float(np.sqrt(2.0 / max((trust**2).sum(), LEAST))))  # fmt: skip
    own, variances = means[np.unique(family)], 1.0 / sum_of(family, trust)[np.unique(family)]
    return replace(found, kinds=_kinds(
        own, variances, sum_of(family, number)[np.unique(family)],
        [families.kinds[i] for i in np.unique(family)],
    ))  # fmt: skip


def _counted(apart: Floats, sd: Floats) -> Floats:
    """How far a group counts as apart from what others suggest."""
    return np.clip(apart, -_FAR * sd, _FAR * sd)


def _share(cases: Floats) -> Floats:
    """Largest share of what is suggested that so many cases have."""
    return np.asarray(cases / _WHOLE * np.minimum(cases / _SOME, 1.0))


def towards(prior: Prior, level: Floats, variance: Floats, previous: Floats) -> Prior:
    """The prior by which groups of last year's table are drawn to it, and others to their ADRG.

    Last year's weights are put on this year's scale, the trusted mean of the moves; how far groups
    move from it beyond the noise is the root of Paule and Mandel's equation.

    Args:
        prior: what all groups say.
        level: relative cost in yuan. Shape (G,).
        variance: its relative variance. Shape (G,).
        previous: last year's weights, NaN where there is none. Shape (G,).

    Raises:
        DrgError: fewer than two groups have cases and a weight of last year.
    """
    logs, known = unbiased_logs(level, variance)
    both = known & np.isfinite(previous)
    if both.sum() < 2:
        raise problem(say("至少需要两个病组既有病例又有上期权重",
                          "needs two groups with cases and a weight of last year"),
                      key="shrink", found=int(both.sum()))  # fmt: skip
    old = np.log(np.where(np.isfinite(previous), previous, 1.0))
    one = np.zeros(int(both.sum()), np.int32)
    moved, shift, _ = spread_of((logs - old)[both], variance[both], one,
                                np.zeros((len(one), 0)), np.ones(len(one)))  # fmt: skip
    before = np.where(np.isfinite(previous), old + shift[0], np.nan)
    return replace(prior, before=before, moved=moved)


def _kinds(
    own: Floats, variance: Floats, cases: Floats, kinds: list[str]
) -> dict[str, tuple[float, float]]:
    """Log cost of each kind of ADRG, and the variance of an ADRG about it.

    The kinds of an MDC are drawn to those of all MDCs, in which every ADRG counts alike: rare ones
    are dearer than common ones.
    """
    names = sorted(set(kinds))
    kind = np.array([names.index(name) for name in kinds], np.int32)
    wide = sorted({name[1:] for name in names})
    of_all = np.array([wide.index(name[1:]) for name in names], np.int32)
    nothing, each = np.zeros((len(own), 0)), np.minimum(cases / _SOME, 1.0)
    over, middles, _ = spread_of(own, variance, of_all[kind], nothing, each)
    if np.isnan(over):
        return {}
    apart, means, _ = spread_of(own, variance, kind, nothing, each)
    beyond = np.nan
    if not np.isnan(apart):
        total = sum_of(kind, 1.0 / (variance + apart))
        each = np.minimum(sum_of(kind, cases, len(names)) / _SOME, 1.0)
        beyond, _, _ = spread_of(means, 1.0 / total, of_all, nothing[: len(names)], each)
    if np.isnan(beyond):
        return {name: (float(middles[of_all[i]]), over) for i, name in enumerate(names)}
    total = total + 1.0 / beyond
    middle = middles[of_all[kind]]
    own = middle + _counted(own - middle, np.sqrt(variance + over))
    trust = np.minimum(1.0 / (variance + apart), _share(cases) * total[kind])
    rest = total - sum_of(kind, trust, len(names))
    at = (sum_of(kind, trust * own, len(names)) + rest * middles[of_all]) / total
    unsure = (sum_of(kind, trust**2 * (variance + apart), len(names))
              + rest**2 * beyond) / total**2  # fmt: skip
    return {name: (float(at[i]), float(apart + unsure[i])) for i, name in enumerate(names)}


def shrink(
    level: Floats,
    variance: Floats,
    families: Families,
    prior: Prior,
    cases: Floats | None = None,
    singles: Singles | None = None,
) -> Floats:
    """Credible levels (收缩后的水平): ``centre * (1 - z) + own * z``.

    ``z = b / (b + variance)``, where ``b`` is the variance of a group about the centre: the spread
    of groups about their ADRG, and the doubt in what others suggest.

    Args:
        level: relative cost in yuan, NaN without cases. Shape (..., G).
        variance: its relative variance. Shape (..., G).
        families: the groups' families.
        prior: what all groups say.
        cases: number of cases, by which relatives count. Shape (..., G).
        singles: the costs of groups of few cases, none of which may decide; not for resamples.

    Returns:
        Levels in yuan; a group without cases stays NaN: it is never given a number here.
    """
    logs, between = prior.suggested(level, variance, families, cases)
    z = _credibility(variance, between)
    alone = ~np.isfinite(logs)
    centre = np.exp(np.where(alone, 0.0, logs))
    found = np.asarray(np.where(alone, level, z * level + (1.0 - z) * centre))
    if singles is None or cases is None:
        return found
    return held(found, logs, z, singles, without_relatives(cases, families, prior.before))


def _credibility(variance: Floats, between: Floats) -> Floats:
    known = np.isfinite(between) & np.isfinite(variance)
    ratio = np.where(known, between, 1.0) / np.where(known, between + variance, 1.0)
    return np.asarray(np.where(known, ratio, np.where(np.isfinite(between), 0.0, 1.0)))


def error_of_shrunk(
    level: Floats,
    variance: Floats,
    own: Floats,
    families: Families,
    prior: Prior,
    cases: Floats | None = None,
) -> Floats:
    """Variance of the log of a shrunk level about the truth (后验方差). Shape (G,).

    ``z2 own + (1 - z)2 b`` with ``b`` as in :func:`shrink`, and besides what the doubt about the
    spread of groups itself adds: it is drawn anew at three points (Gauss and Hermite).

    Args:
        level: relative cost in yuan, NaN without cases. Shape (G,).
        variance: its relative variance, pooled, by which it was shrunk. Shape (G,).
        own: its relative variance as it looks in the group itself. Shape (G,).
        families: the groups' families.
        prior: what all groups say.
        cases: number of cases. Shape (G,).
    """
    logs, known = unbiased_logs(level, variance)
    z = _credibility(variance, prior.suggested(level, variance, families, cases)[1])
    means, found = [], []
    for node in _NODES:
        drawn = max(prior.spread**2 + node * prior.unsure, LEAST)
        anew = replace(prior, spread=float(np.sqrt(drawn)))
        centre, about = anew.suggested(level, variance, families, cases)
        alone = ~np.isfinite(about)
        means.append(np.where(alone, logs, z * logs + (1.0 - z) * np.where(alone, 0.0, centre)))
        found.append(np.where(alone, own, z**2 * own + (1 - z) ** 2 * np.where(alone, 0.0, about)))
    middle = _SHARES @ np.stack(means)
    total = _SHARES @ (np.stack(found) + (np.stack(means) - middle) ** 2)
    return np.where(known, total, np.nan)
