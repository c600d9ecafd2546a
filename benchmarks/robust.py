"""How far one cost a hundred times too large moves weights, by cases of its group.

Under the recommended chain with plain means and with HSRV: the weight of its own group, and those
of others but for groups to which the order gives the same weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from benchmarks.intervals import region
from drg.sample import make_region
from grouper import Grouper
from weights import Calibrator
from weights.fit.recipe import RECOMMENDED

_TIMES, _OWN, _OTHERS = 100, 0.3, 0.01


def regions() -> Iterator[tuple[str, pd.DataFrame]]:
    """The synthetic region, and regions drawn by a formula, the last of them thin."""
    made = make_region(cases=30_000, hospitals=40, seed=7)
    found = Grouper().group(made.cases)
    kept = (found["status"] == "grouped").to_numpy()
    cases = made.cases.loc[kept, ["hospital_id", "total_cost"]]
    yield "synthetic", cases.assign(drg=found.loc[kept, "drg"].astype(str))
    for seed, number, heavy in ((4, 20_000, False), (5, 20_000, True), (3, 6_000, True)):
        yield f"{number:,}{', heavy tails' if heavy else ''}", region(
            seed, heavy=heavy, cases=number)[0]  # fmt: skip
    yield "thin", region(4, heavy=False, cases=1_500)[0]


def moved(cases: pd.DataFrame, draws: int) -> Iterator[tuple[str, float, float]]:
    """Of each draw the class of the group, its own weight over before, the others' largest move."""
    cases = cases.reset_index(drop=True)
    adrg = cases["drg"].str[:3]
    size = cases.groupby("drg")["drg"].transform("size")
    lone = cases.groupby(adrg)["drg"].transform("size") - size < 10
    classes = {
        "1 case, fewer than ten others in the ADRG": (size == 1) & lone,
        "2 cases, fewer than ten others in the ADRG": (size == 2) & lone,
        "1 case, with others": (size == 1) & ~lone, "2 cases, with others": (size == 2) & ~lone,
        "3 to 9 cases": size.between(3, 9), "10 to 24 cases": size.between(10, 24),
        "25 cases and more": size >= 25,
    }  # fmt: skip
    for method in ("mean", "hsrv"):
        chain = Calibrator(**{**RECOMMENDED, "estimate": method})
        before, rng = chain.fit(cases).weights_, np.random.default_rng(7)
        for name, which in classes.items():
            places = np.flatnonzero(which)
            for place in rng.choice(places, min(draws, len(places)), replace=False):
                times = np.where(cases.index == place, _TIMES, 1)
                after = chain.fit(cases.assign(total_cost=cases["total_cost"] * times)).weights_
                ratio, own = after / before, cases["drg"][place]
                one = (np.isclose(before, before[own], rtol=1e-9)
                       | np.isclose(after, after[own], rtol=1e-9))  # fmt: skip
                yield name, ratio[own], float((ratio[~one] - 1).abs().max())


def show(draws: int, line: Callable[[str, float, str], None]) -> None:
    """Print, by class, shares of draws in which weights move by more than they should, and most."""
    rows = [(of == "thin", *row) for of, cases in regions() for row in moved(cases, draws)]
    found = pd.DataFrame(rows, columns=["thin", "class", "own", "others"])
    for thin, of_kind in found.groupby("thin"):
        print(f"one cost x{_TIMES}, {'1,500 cases, 30 a hospital' if thin else 'other regions'}")
        for name, some in of_kind.groupby("class", sort=False):
            own = (some["own"] - 1).abs()
            line(f"  {name} ({len(some):,}): own weight by more than 30%",
                 float((own > _OWN).mean()), "0")  # fmt: skip
            print(f"    own {some['own'].min():.2f} to {some['own'].max():.2f} times; others by "
                  f"more than 1% in {(some['others'] > _OTHERS).mean():.1%}, "
                  f"{some['others'].max():.1%} at most")  # fmt: skip
