"""Cases drawn from a synthetic region or by a formula, and how far weights are from the truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from drg.sample import make_region
from grouper import Grouper
from weights.fit.calibrator import Calibrator


@dataclass(frozen=True)
class Drawn:
    """The grouped cases of a region and its true weights by group."""

    cases: pd.DataFrame
    truth: pd.Series

    def of_each(self, number: int, seed: int) -> pd.DataFrame:
        """Exactly so many cases of every group that has them."""
        order = np.random.default_rng(seed).permutation(len(self.cases))
        drawn = self.cases.iloc[order].groupby("drg").head(number)
        return drawn[drawn.groupby("drg")["drg"].transform("size") == number]

    def some(self, number: int, seed: int) -> pd.DataFrame:
        """So many cases, as they come."""
        order = np.random.default_rng(seed).permutation(len(self.cases))
        return self.cases.iloc[order[:number]]

    def errors(self, fitted: Calibrator) -> tuple[float, float]:
        """RMSE of log weight and MAPE against the truth, at equal case-weighted mean."""
        table = fitted.table_.frame.set_index("drg")
        weight, cases = table["weight"], table["cases"]
        truth = self.truth.reindex(weight.index)
        truth = truth * (cases * weight).sum() / (cases * truth).sum()
        log_error = np.log(weight / truth)
        return float(np.sqrt((log_error**2).mean())), float((weight / truth - 1).abs().mean())


@cache
def drawn_region(cases: int = 300_000) -> Drawn:
    """The region of this session."""
    region = make_region(cases=cases, hospitals=40, seed=7)
    grouped = Grouper().group(region.cases)
    kept = (grouped["status"] == "grouped").to_numpy()
    columns = ["hospital_id", "total_cost", "length_of_stay"]
    table = region.cases.loc[kept, columns].assign(drg=grouped.loc[kept, "drg"].astype(str))
    return Drawn(table.reset_index(drop=True), region.weights.set_index("drg")["weight"])


def drawn(seed: int, hospitals: int = 4, groups: int = 5, noise: float = 0.5, rows: int = 60):
    """Cases of a connected region: every hospital has the first group, which all have."""
    rng = np.random.default_rng(seed)
    drg = np.concatenate([np.zeros(hospitals, int), rng.integers(0, groups, rows)])
    hospital = np.concatenate([np.arange(hospitals), rng.integers(0, hospitals, rows)])
    level, factor = np.exp(rng.normal(9, 1, groups)), np.exp(rng.normal(0, 0.3, hospitals))
    cost = level[drg] * factor[hospital] * np.exp(rng.normal(0, noise, len(drg)))
    cases = pd.DataFrame({"drg": [f"g{i}" for i in drg], "total_cost": cost,
                          "hospital_id": [f"h{i}" for i in hospital]})  # fmt: skip
    return cases, level, factor
