"""How often 95% intervals of weights hold the truth, by how many hospitals treat the group.

Regions are drawn by a formula with known weights: hospitals of unequal size with cost levels of
their own, each with its own mix of groups; costs log-normal with a spread of each group's own.
Every other region has heavy tails besides: 3% of its cases cost about four times the group's mean.

The plasmode has no formula: one region of ten times the cases, whose tails are Pareto's, is the
population. Hospitals and their cases are drawn from it with replacement, and the truth is what the
same trimming and estimator say of the population, without shrinkage. It was what raw means say:
for chains that trim this is another truth, at which they do not aim.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from weights import Bootstrap, Calibrator
from weights.fit.recipe import RECOMMENDED

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
    "recommended": RECOMMENDED,
}


def region(seed: int, *, heavy: bool, cases: int = _CASES) -> tuple[pd.DataFrame, pd.Series[float]]:
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
    number = rng.multinomial(cases, (share / share.sum()).ravel()).reshape(share.shape)
    of_cell = (np.exp(rng.normal(0, _LEVEL, _HOSPITALS))[:, None]
               * np.exp(rng.normal(-_MIX**2 / 2, _MIX, share.shape)))  # fmt: skip
    hospital, group = (np.repeat(at, number[number > 0]) for at in np.nonzero(number))
    chance = np.exp(rng.normal(0, 1, len(group)) * spread[group] - spread[group] ** 2 / 2)
    if heavy:
        tail = rng.random(len(group)) < _HEAVY
        chance = np.where(tail, np.exp(rng.normal(*_TIMES, len(group))), chance)
    frame = pd.DataFrame({
        "hospital_id": np.array([f"H{i:03d}" for i in range(_HOSPITALS)])[hospital],
        "drg": np.array(names)[group],
        "total_cost": (8000 * level[group] * of_cell[hospital, group] * chance).round(2),
    })  # fmt: skip
    return frame, pd.Series(level, names)


def population(seed: int = 7) -> pd.DataFrame:
    """Cases of one large region, every twentieth with a tail that falls with the power 2.5."""
    cases, _ = region(seed, heavy=False, cases=10 * _CASES)
    rng = np.random.default_rng(seed)
    far = rng.random(len(cases)) < 0.05
    times = np.where(far, 2.0 * (1.0 + rng.pareto(2.5, len(cases))), 1.0)
    return cases.assign(total_cost=(cases["total_cost"] * times).round(2))


def plasmode(draws: int) -> pd.DataFrame:
    """As :func:`held`, of draws from the population."""
    whole = population()
    hospitals = [part for _, part in whole.groupby("hospital_id")]
    truths = {(trim, name): Calibrator(trim=trim, estimate=name).fit(whole).weights_
              for trim in ("none", RECOMMENDED["trim"]) for name in ("mean", "hsrv")}  # fmt: skip
    rows = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        parts = []
        for place, of in enumerate(rng.integers(0, len(hospitals), len(hospitals))):
            some = hospitals[of].sample(frac=0.1, replace=True, random_state=rng)
            parts.append(some.assign(hospital_id=f"H{place:03d}"))
        rows += _judged(pd.concat(parts), truths, seed, "plasmode")
    return pd.concat(rows, ignore_index=True)


def held(regions: int) -> pd.DataFrame:
    """Which intervals hold the truth: ``chain, tail, hospitals, held``, a row an interval."""
    rows = []
    for seed in range(regions):
        cases, truth = region(seed, heavy=seed % 2 == 1)
        tail = "heavy tails" if seed % 2 else "log-normal"
        rows += _judged(cases, truth, seed, tail)
    return pd.concat(rows, ignore_index=True)


def _judged(
    cases: pd.DataFrame,
    truths: dict[tuple[str, str], pd.Series[float]] | pd.Series[float],
    seed: int,
    tail: str,
) -> list[pd.DataFrame]:
    """Of each chain, which intervals hold the truth, or that of its trimming and estimator."""
    treat = cases.groupby("drg")["hospital_id"].nunique()
    rows = []
    for name, chain in CHAINS.items():
        fitted = Calibrator(**chain, bootstrap=Bootstrap(200, seed)).fit(cases)
        frame = fitted.table_.frame
        how = str(chain.get("trim", "none")), fitted.estimator_.method
        of = truths[how] if isinstance(truths, dict) else truths
        true = of.reindex(frame["drg"]).to_numpy()
        count = frame["cases"].to_numpy()
        true = true * count.sum() / (true * count).sum()
        rows.append(pd.DataFrame({
            "chain": name, "tail": tail, "hospitals": treat.reindex(frame["drg"]).to_numpy(),
            "held": (frame["ci_low"] <= true) & (true <= frame["ci_high"]),
        }))  # fmt: skip
    return rows


def show(regions: int, line: Callable[[str, float, str], None]) -> None:
    """Print the coverage of each chain by number of hospitals."""
    found = pd.concat([held(regions), plasmode(max(regions // 2, 1))])
    print(f"coverage of 95% intervals of weights, {regions} regions of {_CASES:,} cases")
    for name in CHAINS:
        for tail in found["tail"].unique():
            part = found[(found["chain"] == name) & (found["tail"] == tail)]
            for first, last in CLASSES:
                some = part[part["hospitals"].between(first, last)]
                line(f"  {name}, {tail}, {first} to {last} hospitals ({len(some):,})",
                     float(some["held"].mean()), "0.93 to 0.97")  # fmt: skip
