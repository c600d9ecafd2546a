"""Problems to compromise on: small random ones, and one of the size of a province."""

from __future__ import annotations

from typing import Any

import numpy as np

from weights.negotiation.compromise.problem import Ask, Problem, spread_of
from weights.table.families import families

SUFFIX = ("1", "3", "5")


def make(seed: int, groups: int = 12, hospitals: int = 3, asks: int = 5, **given: Any) -> Problem:
    """A random problem whose draft satisfies all demands, unless given otherwise."""
    rng = np.random.default_rng(seed)
    codes, draft = [], []
    while len(codes) < groups:
        number = len(codes)
        adrg = f"{chr(65 + number // 90 % 26)}{chr(65 + number // 9 % 26)}{1 + number % 9}"
        base = float(rng.lognormal(0, 0.7))
        for i, suffix in enumerate(SUFFIX[: int(rng.integers(1, 4))]):
            codes.append(f"{adrg}{suffix}")
            draft.append(base * (1.6 - 0.3 * i) * float(rng.uniform(0.95, 1.05)))
    codes, level = codes[:groups], np.array(draft[:groups])
    volume = np.ceil(rng.lognormal(4, 1.5, groups))
    value = volume * 10_000.0
    part = rng.dirichlet(np.full(hospitals, 0.7), groups).T if hospitals else np.zeros((0, groups))
    effect = part * value
    frozen = rng.random(groups) < 0.08
    wanted = []
    for k in range(asks):
        group = int(rng.integers(groups))
        weight = float(level[group] * rng.choice([0.8, 0.9, 1.1, 1.2, 1.3, 1.0]))
        half = float(rng.uniform(0.02, 0.2)) * weight
        spread = spread_of(weight, weight - half, weight + half) if k % 2 else spread_of(weight)
        wanted.append(Ask(f"P{k:03d}", f"H{k % max(1, hospitals)}", group, weight, spread,
                          float(rng.choice([1.0, 2.0, 0.5]))))  # fmt: skip
    parts: dict[str, Any] = {
        "groups": tuple(codes), "draft": level, "spread": level * rng.uniform(0.005, 0.2, groups),
        "volume": volume, "value": value, "asks": tuple(wanted), "low": 0.8 * level,
        "high": 1.2 * level, "frozen": frozen, "families": families(codes), "effect": effect,
        "revenue": effect @ level, "hospitals": tuple(f"H{h:02d}" for h in range(hospitals)),
        "largest_loss": float(rng.choice([0.005, 0.02, 0.05])),
        "neutral": str(rng.choice(["yuan", "weights", "none"])),
    }  # fmt: skip
    return Problem(**(parts | given))
