"""Loss probabilities (亏损概率), with the luck of the year that was seen taken out.

A hospital that lost much in the year seen did so partly by chance, the more so the fewer cases it
has; next year chance begins anew. Around its own result alone, probabilities near 0 and 1 would be
said too often. So a hospital's result counts by what chance leaves of it, beside the mean of its
tier (empirical Bayes, 经验贝叶斯收缩): how far hospitals truly differ follows from how far they
do, less what chance alone would make of it (DerSimonian and Laird 1986).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.uncertainty.draws import Draws
from budget.uncertainty.linear import Linear
from budget.uncertainty.priors import Priors
from budget.uncertainty.simulate import simulate

Floats = npt.NDArray[np.float64]
_DRAWS = 400  # of chance alone


def loss_probability(model: Linear, priors: Priors, drawn: Draws, share: float) -> Floats:
    """Probability of a loss of more than a share of the cost. Shape (Y, H).

    Args:
        model: the projected path.
        priors: what is uncertain.
        drawn: draws of it.
        share: of the cost.
    """
    if not priors.sampling or model.sampling is None:
        return drawn.loss(share)
    gain = drawn.of("gain_share")
    years = gain.shape[1]
    alone = simulate(model, Priors(sampling=True), _DRAWS, years, drawn.seed).of("gain_share")
    found = np.zeros(gain.shape[1:])
    for year in range(years):
        mean, total = gain[:, year].mean(axis=0), gain[:, year].var(axis=0)
        chance = np.minimum(alone[:, year].var(axis=0) / 2.0, total / 2.0)
        middle, kept = _true(mean, chance, model.tier)
        spread = total - (1.0 - kept) * chance  # that of the year seen is kept in part
        scale = np.sqrt(np.divide(spread, total, out=np.ones_like(total), where=total > 0))
        found[year] = (middle + (gain[:, year] - mean) * scale < -share).mean(axis=0)
    return found


def _true(gain: Floats, chance: Floats, tier: npt.NDArray[np.integer[npt.NBitBase]]
          ) -> tuple[Floats, Floats]:  # fmt: skip
    """What hospitals are expected to gain but for chance, and the part of their own in it. (H,)."""
    known = np.isfinite(gain) & (chance > 0)
    weight = np.where(known, 1.0 / np.where(known, chance, 1.0), 0.0)
    held = np.where(known, gain, 0.0)
    middle = _of_tiers(held, weight, tier)
    free = float(known.sum()) - len(np.unique(tier[known]))
    own = 0.0
    for one in np.unique(tier):
        mine = weight[tier == one]
        own += float(mine.sum() - (mine**2).sum() / max(float(mine.sum()), 1e-300))
    apart = float((weight * (held - middle) ** 2).sum()) - free
    between = max(apart / own, 0.0) if own > 0 else 0.0
    kept = np.where(known, between / (between + np.where(known, chance, 1.0)), 1.0)
    middle = _of_tiers(held, np.where(known, 1.0 / (between + chance), 0.0), tier)
    return np.where(known, middle + kept * (held - middle), gain), kept


def _of_tiers(
    values: Floats, weight: Floats, tier: npt.NDArray[np.integer[npt.NBitBase]]
) -> Floats:
    """Weighted mean of its tier for each hospital. (H,)."""
    found = np.zeros(len(values))
    for one in np.unique(tier):
        here = tier == one
        found[here] = weight[here] @ values[here] / max(float(weight[here].sum()), 1e-300)
    return found
