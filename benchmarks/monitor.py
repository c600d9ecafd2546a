"""The fund monitor's forecast over simulated years: errors beside simple ways, and coverage.

``python -m benchmarks --only monitor`` (200 years), or ``python -m benchmarks.monitor [--years 50]
[--seed 1]``: every year is a region of its own with two
pools. Its months are made of cases: a season (the spring festival's weeks move between January and
February), growth that differs by year, shocks that last some months, and cases whose cost is
log-normal. The model knows nothing of how they are made. At the end of June the year's spend is
forecast, with three years before it, with one, and with none.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from budget.monitor.forecast import METHODS, forecast, simple

Floats = npt.NDArray[np.float64]
MONTH = 6
POOLS = {"employee": (4_000, 7_500.0), "resident": (9_000, 4_200.0)}  # cases a month, yuan a case
# Kind -> how much of a month's shock is left a month later, its size, how far growth differs.
KINDS = {"steady": (0.0, 0.0, 0.0), "noisy": (0.0, 0.04, 0.01), "lasting": (0.6, 0.025, 0.02),
         "drifting": (1.0, 0.015, 0.02), "shaken": (0.6, 0.05, 0.05)}  # fmt: skip
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def months(rng: np.random.Generator, years: int, pool: str, kind: str) -> Floats:
    """Spend of a pool by month in yuan. Shape (years, 12)."""
    cases, cost = POOLS[pool]
    left, shock, growth = KINDS[kind]
    wave = rng.uniform(0.03, 0.10) * np.cos(2 * np.pi * (np.arange(12) - rng.uniform(-1, 1)) / 12)
    small = rng.normal(0, 0.015, 12)
    found, level, lasting = np.zeros((years, 12)), 0.0, 0.0
    for year in range(years):
        level += rng.normal(0.03, growth)
        early = rng.random()  # of the festival's loss, what falls into January
        festival = np.zeros(12)
        festival[:2] = -0.14 * early, -0.14 * (1 - early)
        for month in range(12):
            lasting = left * lasting + rng.normal(0, shock)
            drift = level + month / 12 * 0.03
            mean = cases * _DAYS[month] / 30.4 * np.exp(
                wave[month] + small[month] + festival[month] + drift + lasting)  # fmt: skip
            many = rng.poisson(mean)
            found[year, month] = cost * rng.lognormal(-0.32, 0.8, many).sum()
    return found


def measure(years: int, seed: int, kind: str, before: int) -> dict[str, float]:
    """Errors and coverage over simulated years, both pools together."""
    off: dict[str, list[float]] = {name: [] for name in METHODS}
    inside: list[tuple[bool, bool]] = []
    wide = []
    for number in range(years):
        rng = np.random.default_rng([seed, number, list(KINDS).index(kind)])
        for pool in POOLS:
            held = months(rng, 4, pool, kind)
            earlier = held[3 - before : 3].ravel()
            spent = held[3, :MONTH]
            own = forecast(spent, earlier)
            came = held[3].sum()
            said = {"model": own.year, **simple(spent, earlier)}
            for name in METHODS:
                off[name].append(abs(said[name] - came) / came)
            low80, high80, low95, high95 = own.ends[-1]
            inside.append((low80 <= came <= high80, low95 <= came <= high95))
            wide.append((high95 - low95) / came)
    held80, held95 = np.mean(inside, axis=0)
    found = {name: float(np.mean(values)) for name, values in off.items()}
    return found | {"inside80": float(held80), "inside95": float(held95),
                    "wide": float(np.mean(wide))}  # fmt: skip


def main() -> None:
    """Print the table of the docs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--years", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    show(given.years, given.seed)


def show(years: int, seed: int = 1) -> None:
    """Print the table of the docs over some years."""
    print(f"{years} simulated years, 2 pools each, forecast at month {MONTH}, seed {seed}")
    print("| years | before | forecast | as last month | as the mean | as last year | in 80% | "
          "in 95% | width of 95% |")  # fmt: skip
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    rows = {(kind, before): measure(years, seed, kind, before)
            for kind in KINDS for before in (3, 1, 0)}  # fmt: skip
    for before in (3, 1, 0):
        held = [rows[kind, before] for kind in KINDS]
        rows["all", before] = {name: float(np.mean([one[name] for one in held]))
                               for name in held[0]}  # fmt: skip
    for (kind, before), found in rows.items():
        errors = " | ".join("" if np.isnan(found[one]) else f"{found[one]:.2%}" for one in METHODS)
        print(f"| {kind} | {before} | {errors} | {found['inside80']:.0%} | "
              f"{found['inside95']:.0%} | {found['wide']:.1%} |")  # fmt: skip


if __name__ == "__main__":
    main()
