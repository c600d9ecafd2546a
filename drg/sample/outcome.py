"""How a stay ends: way of discharge and hours in intensive care."""

from __future__ import annotations

import numpy as np

from drg.sample.arrays import Floats, Ints
from drg.sample.batch import Batch
from drg.sample.groups import Groups

HOME, TRANSFER, COMMUNITY, AGAINST_ADVICE, DIED, OTHER = 1, 2, 3, 4, 5, 9
_MODES = np.array([HOME, TRANSFER, COMMUNITY, AGAINST_ADVICE, DIED, OTHER])
# Ways of discharge other than home and death, and transfer by tier 3, 2, 1 (assumptions).
_COMMUNITY, _AGAINST, _OTHER = 0.008, 0.025, 0.004
_TRANSFER = np.array([0.006, 0.014, 0.022])
_MOST_DEATHS = 0.25
_ICU_HEAVY, _ICU_SHARE, _ICU_MEAN_HOURS = 4.0, 0.45, 40.0
_ICU_MCC = 0.12


def discharge_modes(rng: np.random.Generator, batch: Batch, tier: Ints) -> Ints:
    """Way of discharge of every case; death rises with age and complication."""
    died = _death_risk(batch)
    shares = np.stack(
        [
            np.full(len(batch), 0.0),
            _TRANSFER[tier],
            np.full(len(batch), _COMMUNITY),
            np.full(len(batch), _AGAINST),
            died,
            np.full(len(batch), _OTHER),
        ],
        axis=1,
    )
    shares[:, 0] = 1 - shares.sum(axis=1)
    place = (rng.random(len(batch))[:, None] >= np.cumsum(shares, axis=1)).sum(axis=1)
    result: Ints = _MODES[np.minimum(place, len(_MODES) - 1)]
    return result


def _death_risk(batch: Batch) -> Floats:
    level = np.array([0.001, 0.004, 0.035])[batch.level]
    age = np.where(batch.age >= 80, 2.2, np.where(batch.age >= 60, 1.3, 0.5))
    result: Floats = np.minimum(level * age, _MOST_DEATHS)
    return result


def icu_hours(rng: np.random.Generator, batch: Batch, groups: Groups) -> Ints:
    """Hours in intensive care: after heavy operations and with major complications, else 0."""
    heavy = (groups.weight[batch.group] >= _ICU_HEAVY) & (groups.kind[batch.group] > 0)
    risk = np.where(heavy, _ICU_SHARE, np.where(batch.level == 2, _ICU_MCC, 0.0))
    drawn = np.ceil(rng.gamma(1.6, _ICU_MEAN_HOURS / 1.6, len(batch))).astype(np.int64)
    hours = np.minimum(drawn, batch.length * 24)
    return np.where(rng.random(len(batch)) < risk, hours, 0)
