"""The 634 groups: what a case of each weighs, stays and costs, and how often it is seen.

Figures and their sources: ``data/groups.csv`` and ``data/sources.toml``.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from drg.sample.arrays import Bools, Floats, Ints, Texts

TIERS = (3, 2, 1)
INSURANCES = ("employee", "resident")
KINDS = ("medical", "procedural", "surgical")

_SPREAD = {"medical": 0.36, "procedural": 0.33, "surgical": 0.30}
_JITTER_SEED = 628


@dataclass(frozen=True)
class Groups:
    """One entry a group, in scheme order.

    Attributes:
        codes: DRG codes.
        adrgs: ADRG code of each.
        kind: index into ``KINDS``.
        weight: relative weight, carried over from published ones.
        stay: mean length of stay in days.
        share: share of all cases.
        relative_cost: mean cost by tier and insurance over the group's mean, shape (groups, 3, 2).
        sigma: standard deviation of the log of cost.
        levels: probability of no complication, a CC, an MCC, shape (groups, 3), for an adult.
        higher: index of the next dearer group of the same ADRG, or -1.
        split: whether the ADRG has several severities.
    """

    codes: Texts
    adrgs: Texts
    kind: Ints
    weight: Floats
    stay: Floats
    share: Floats
    relative_cost: Floats
    sigma: Floats
    levels: Floats
    higher: Ints
    split: Bools

    def __len__(self) -> int:
        return len(self.codes)

    def index(self) -> dict[str, int]:
        """Code to position."""
        return {code: i for i, code in enumerate(self.codes)}


def read_data(name: str) -> list[dict[str, str]]:
    """Rows of a table that comes with the package."""
    text = files("drg.sample").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def load_groups() -> Groups:
    """Read the group table."""
    rows = read_data("groups.csv")
    codes = np.array([row["drg"] for row in rows], dtype=object)
    adrgs = np.array([row["adrg"] for row in rows], dtype=object)
    cases = np.array([float(row["yearly_cases"]) for row in rows])
    siblings: dict[str, str] = {}
    for code, adrg in zip(codes, adrgs, strict=True):
        siblings[adrg] = siblings.get(adrg, "") + code[3]
    return Groups(
        codes=codes,
        adrgs=adrgs,
        kind=np.array([KINDS.index(row["kind"]) for row in rows]),
        weight=np.array([float(row["weight"]) for row in rows]),
        stay=np.array([float(row["stay"]) for row in rows]),
        share=cases / cases.sum(),
        relative_cost=_relative_costs(rows),
        sigma=_spreads(rows),
        levels=np.array(
            [_level_shares(c[3], siblings[a]) for c, a in zip(codes, adrgs, strict=True)]
        ),
        higher=_higher_groups(codes, adrgs),
        split=np.array([len(siblings[adrg]) > 1 for adrg in adrgs]),
    )


def _relative_costs(rows: list[dict[str, str]]) -> Floats:
    return np.array(
        [
            [[float(row[f"cost_tier{tier}_{who}"]) for who in INSURANCES] for tier in TIERS]
            for row in rows
        ]
    )


def _spreads(rows: list[dict[str, str]]) -> Floats:
    """Spread of log cost: wider for severe cases, a little different from group to group."""
    base = np.array([_SPREAD[row["kind"]] for row in rows])
    severe = np.array([row["drg"][3] == "1" for row in rows])
    jitter = np.random.default_rng(_JITTER_SEED).uniform(-0.05, 0.05, len(rows))
    return np.round(base + 0.04 * severe + jitter, 4)


def _level_shares(severity: str, siblings: str) -> tuple[float, float, float]:
    """How often a case of the group has no complication, a CC, an MCC.

    A group's severity digit fixes this where the ADRG has a group for every level; elsewhere the
    shares are assumptions that give a region about 12% MCC and 30% CC.
    """
    if severity == "1":
        return 0.0, 0.0, 1.0
    if severity == "3":
        return (0.0, 1.0, 0.0) if "1" in siblings else (0.0, 0.78, 0.22)
    if severity == "5":
        return (1.0, 0.0, 0.0) if "3" in siblings else (0.70, 0.30, 0.0)
    return 0.66, 0.26, 0.08


def _higher_groups(codes: Texts, adrgs: Texts) -> Ints:
    """The group before, when it belongs to the same ADRG: groups stand in falling severity."""
    same = np.r_[False, adrgs[1:] == adrgs[:-1]]
    return np.where(same, np.arange(len(codes)) - 1, -1)


def normal_tail(limit: Floats) -> Floats:
    """Probability that a standard normal value exceeds each limit."""
    return np.array([0.5 * math.erfc(x / math.sqrt(2)) for x in limit])
