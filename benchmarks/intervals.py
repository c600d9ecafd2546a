"""How often 95% intervals of weights hold the truth, by how many hospitals treat the group.

Regions are drawn by a formula with known weights: hospitals of unequal size with cost levels of
their own, each with its own mix of groups; costs log-normal with a spread of each group's own.
Every other region has heavy tails besides: 3% of its cases cost about four times the group's mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from weights import Bootstrap, Calibrator

_HOSPITALS, _CASES, _FAMILIES = 50, 20_000, 110
_LADDERS = ("135", "15", "9", "35")
_STEPS = {"1": 0.5, "3": 0.2, "5": 0.0, "9": 0.0}
_LEVEL, _MIX = 0.2, 0.12  # spread of hospitals' cost levels, and of a hospital's within a group
_HEAVY, _TIMES = 0.03, (1.4, 0.4)
CLASSES = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 15), (16, _HOSPITALS))
CHAINS: dict[str, dict[str, Any]] = {
    "mean": {},
    "hsrv": {"estimate": "hsrv"},
    "mean, shrink": {"shrink": True},
    "winsor_median, hsrv, shrink, order": {
        "trim": "winsor_median", "estimate": "hsrv", "shrink": True, "order": True,
    },
}  # fmt: skip


def region(seed: int, *, heavy: bool) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Cases (``hospital_id``, ``drg``, ``total_cost``) and true weights by group."""
    rng = np.random.default_rng(seed)
    names, family = [], []
    for place in range(_FAMILIES):
        ladder = _LADDERS[rng.choice(4, p=[0.35, 0.2, 0.25, 0.2])]
        stem = f"{'BCDEFGHIJK'[place % 10]}{'BRSTU'[place // 10 % 5]}{1 + place // 50}"
        names += [stem + severity for severity in ladder]
        family += [place] * len(ladder)
    groups = len(names)
    base = np.exp(rng.normal(0, 0.6, _FAMILIES))[family]
    level = base * np.exp([_STEPS[name[3]] for name in names] + rng.normal(0, 0.15, groups))
    spread = rng.uniform(0.35, 0.8, groups)
    usual = 1 / rng.permutation(np.arange(1.0, groups + 1))
    size = np.exp(rng.normal(0, 1.2, _HOSPITALS))
    share = usual * rng.gamma(0.4, 1, (_HOSPITALS, groups)) * size[:, None] + 1e-12
    number = rng.multinomial(_CASES, (share / share.sum()).ravel()).reshape(share.shape)
    of_cell = (np.exp(rng.normal(0, _LEVEL, _HOSPITALS))[:, None]
               * np.exp(rng.normal(-_MIX**2 / 2, _MIX, share.shape)))  # fmt: skip
    hospital, group = (np.repeat(at, number[number > 0]) for at in np.nonzero(number))
    chance = np.exp(rng.normal(0, 1, len(group)) * spread[group] - spread[group] ** 2 / 2)
    if heavy:
        tail = rng.random(len(group)) < _HEAVY
        chance = np.where(tail, np.exp(rng.normal(*_TIMES, len(group))), chance)
    cases = pd.DataFrame({
        "hospital_id": np.array([f"H{i:03d}" for i in range(_HOSPITALS)])[hospital],
        "drg": np.array(names)[group],
        "total_cost": (8000 * level[group] * of_cell[hospital, group] * chance).round(2),
    })  # fmt: skip
    return cases, pd.Series(level, names)


def held(regions: int) -> pd.DataFrame:
    """Share of intervals that hold the truth, by chain, tail and number of hospitals."""
    rows = []
    for seed in range(regions):
        cases, truth = region(seed, heavy=seed % 2 == 1)
        treat = cases.groupby("drg")["hospital_id"].nunique()
        for name, chain in CHAINS.items():
            frame = Calibrator(**chain, bootstrap=Bootstrap(200, seed)).fit(cases).table_.frame
            true = truth.reindex(frame["drg"]).to_numpy()
            count = frame["cases"].to_numpy()
            true = true * count.sum() / (true * count).sum()
            rows.append(pd.DataFrame({
                "chain": name, "heavy": seed % 2 == 1,
                "hospitals": treat.reindex(frame["drg"]).to_numpy(),
                "held": (frame["ci_low"] <= true) & (true <= frame["ci_high"]),
            }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def show(regions: int, line: Callable[[str, float, str], None]) -> None:
    """Print the coverage of each chain by number of hospitals."""
    found = held(regions)
    print(f"coverage of 95% intervals of weights, {regions} regions of {_CASES:,} cases")
    for name, heavy in ((n, h) for n in CHAINS for h in (False, True)):
        part = found[(found["chain"] == name) & (found["heavy"] == heavy)]
        for first, last in CLASSES:
            some = part[part["hospitals"].between(first, last)]
            tails = "heavy tails" if heavy else "log-normal"
            line(f"  {name}, {tails}, {first} to {last} hospitals ({len(some):,})",
                 float(some["held"].mean()), "0.93 to 0.97")  # fmt: skip
