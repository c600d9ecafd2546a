"""Which hospital treats which group: one table of probabilities for the whole region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drg.sample.arrays import Floats, Ints
from drg.sample.groups import Groups
from drg.sample.hospitals import SPECIALTIES, Hospitals

# How a tier's pull grows with the weight of the group (tier 3, 2, 1; assumptions).
_PULL = np.array([0.55, -0.15, -1.0])
# Tier 1 does few operations and none of the heavy ones.
_TIER1_OPERATION, _TIER1_HEAVY, _HEAVY_FROM = 0.12, 0.02, 2.0
_COURSE_TIER1 = 0.15

_FAVOUR: dict[str, dict[str, float]] = {
    "maternity_child": {"O": 14, "P": 18, "N": 8, "E": 0.25, "D": 0.2, "G": 0.15, "S": 0.5},
    "tcm": {"X": 4, "I": 1.8, "B": 1.6, "G": 1.0, "F": 0.9, "E": 0.9, "K": 1.2, "J": 1.2},
    "orthopaedic": {"I": 14, "Z": 3, "V": 3, "X": 1.5, "B": 0.1, "J": 0.4},
    "psychiatric": {"T": 60, "U": 60, "B": 0.05},
}
_ELSE = {"maternity_child": 0.03, "tcm": 0.5, "orthopaedic": 0.02, "psychiatric": 0.003}


@dataclass(frozen=True)
class Mix:
    """Joint probabilities of hospital and group.

    Attributes:
        cumulative: running sum of the joint probability, hospitals within groups.
        hospitals: number of hospitals.
        by_group: probability of each hospital given the group, shape (groups, hospitals).
    """

    cumulative: Floats
    hospitals: int
    by_group: Floats

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
        """Group and hospital of ``count`` cases."""
        found = np.searchsorted(self.cumulative, rng.random(count), side="right")
        found = np.minimum(found, len(self.cumulative) - 1)
        return found // self.hospitals, found % self.hospitals


def make_mix(groups: Groups, hospitals: Hospitals) -> Mix:
    """Spread every group's share over the hospitals."""
    pull = groups.weight[:, None] ** _PULL[hospitals.tier][None, :]
    affinity = hospitals.size[None, :] * pull * _specialty_factors(groups, hospitals)
    affinity *= _tier1_factors(groups, hospitals)
    transplant = np.array([adrg.startswith("A") for adrg in groups.adrgs])
    affinity[np.ix_(transplant, hospitals.tier != 0)] = 0.0
    by_group = affinity / affinity.sum(axis=1, keepdims=True)
    joint = (groups.share[:, None] * by_group).ravel()
    cumulative = np.cumsum(joint)
    return Mix(cumulative / cumulative[-1], len(hospitals), by_group)


def _specialty_factors(groups: Groups, hospitals: Hospitals) -> Floats:
    factors = np.ones((len(groups), len(hospitals)))
    letters = [adrg[0] for adrg in groups.adrgs]
    for place, kind in enumerate(hospitals.specialty):
        name = SPECIALTIES[kind]
        if name != "general":
            favour = _FAVOUR[name]
            factors[:, place] = [favour.get(letter, _ELSE[name]) for letter in letters]
    return factors


def _tier1_factors(groups: Groups, hospitals: Hospitals) -> Floats:
    surgical = groups.kind > 0
    heavy = groups.weight >= _HEAVY_FROM
    cancer = np.array([adrg.startswith("R") for adrg in groups.adrgs])
    factor = np.where(surgical, _TIER1_OPERATION, 1.0)
    factor = np.where(heavy, _TIER1_HEAVY, factor)
    factor = np.where(cancer, np.minimum(factor, _COURSE_TIER1), factor)
    return np.where((hospitals.tier == 2)[None, :], factor[:, None], 1.0)
