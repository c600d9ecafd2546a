"""What the panel report needs of the cases: means, indices and spread, and no case by itself.

Only group, hospital, insurance, branch, weight and money are read; ids of cases and of persons are
not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from budget.price.branches import BRANCHES
from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.tables.results import read_frame

_TEXTS = ("hospital_id", "insurance", "drg", "branch")
_NUMBERS = ("weight", "cost", "patient", "other", "fund")
_FRONT_PAGE = ("length_of_stay", "discharge_mode")  # blank where the input does not say them
_DIED = 5
_FEWEST = 5  # cases of a group whose spread is judged


@dataclass(frozen=True)
class Spread:
    """How well groups explain cost, over all grouped cases of the region.

    Attributes:
        riv: share of the variance of cost that lies between groups (RIV).
        groups: groups with cases.
        judged: groups with at least 5 cases.
        groups_below: share of the judged groups whose CV is below 1.
        cases_below: share of the cases of judged groups that are in such a group.
    """

    riv: float
    groups: int
    judged: int
    groups_below: float
    cases_below: float


@dataclass(frozen=True, eq=False)
class CaseSums:
    """Sums over the cases of a settled year.

    Attributes:
        hospitals: by hospital: cases, grouped (cases), groups, case_mix_index, cost_index,
            time_index, low_risk_cases, low_risk_deaths, average_cost, average_patient.
        region: the same for all hospitals together.
        tiers: by tier and insurance (``all`` too): cases, case_mix_index, cost, patient, other,
            fund.
        spread: how well groups explain cost.
        branches: cases by hospital, branch and whether they have a group.
    """

    hospitals: pd.DataFrame
    region: dict[str, float]
    tiers: pd.DataFrame
    spread: Spread
    branches: pd.DataFrame


def read_cases(path: Path, tiers: dict[str, int | None]) -> CaseSums:
    """Read the case table of a settlement.

    Args:
        path: ``cases.csv`` or ``cases.parquet``.
        tiers: tier of each hospital.

    Raises:
        DrgError: the file cannot be used.
    """
    cases = read_frame(path, _TEXTS, (*_NUMBERS, *_FRONT_PAGE), _FRONT_PAGE)
    cases = cases.reindex(columns=[*_TEXTS, *_NUMBERS, *_FRONT_PAGE])
    unsettled = {branch.code for branch in BRANCHES if not branch.settled}
    cases = cases[~cases["branch"].isin(unsettled)].reset_index(drop=True)
    drg = cases["drg"].str.strip()
    without = [code for code in drg.unique() if is_ungrouped(code) or is_ambiguous(code)]
    cases["grouped"] = ~(drg.isin(without) | cases["branch"].isin(["ambiguous", "ungrouped"]))
    cases["tier"] = cases["hospital_id"].map(lambda i: tiers.get(i))
    grouped = cases[cases["grouped"]]
    by = grouped.groupby("drg")
    for name, of in (("expected", "cost"), ("expected_stay", "length_of_stay")):
        cases[name] = cases["drg"].map(by[of].mean()).where(cases["grouped"])
    cases["low_risk_death"] = _low_risk(grouped, cases)
    hospitals = _measures(cases, cases.groupby("hospital_id", sort=True))
    branches = cases.groupby(["hospital_id", "branch", "grouped"]).size()
    return CaseSums(hospitals, _whole(cases), _tiers(cases), _spread(grouped),
                    branches.rename("cases").reset_index())  # fmt: skip


def _measures(cases: pd.DataFrame, by: Any) -> pd.DataFrame:
    sums: dict[str, Any] = {name: (name, "sum") for name in ("grouped", "cost", "patient", "other")}
    sums |= {"cases": ("cost", "size"), "fund": ("fund", "sum")}
    sums |= {"case_mix_index": ("weight", "mean"), "weighed": ("weight", "count")}
    frame: pd.DataFrame = by.agg(**sums)
    grouped = cases[cases["grouped"]]
    key = by.keys
    frame["groups"] = grouped.groupby(key)["drg"].nunique()
    frame["groups"] = frame["groups"].fillna(0)
    frame["cost_index"] = _index(grouped, key, "cost", "expected")
    frame["time_index"] = _index(grouped, key, "length_of_stay", "expected_stay")
    deaths = cases["low_risk_death"].groupby([cases[key]] if isinstance(key, str) else [
        cases[name] for name in key])  # fmt: skip
    frame["low_risk_cases"], frame["low_risk_deaths"] = deaths.count(), deaths.sum()
    frame["average_cost"] = frame["cost"] / frame["cases"]
    frame["average_patient"] = frame["patient"] / frame["cases"]
    return frame


def _low_risk(grouped: pd.DataFrame, cases: pd.DataFrame) -> pd.Series[Any]:
    """Whether a case of a low-risk group died (低风险组死亡); NaN for cases of other groups.

    Low-risk groups are those of which the log of mortality, among groups with deaths, lies a
    standard deviation or more below their mean. Without ways of discharge there are none.
    """
    died = grouped["discharge_mode"].eq(_DIED).where(grouped["discharge_mode"].notna())
    rate = died.astype(float).groupby(grouped["drg"]).mean()
    logs = rate[rate > 0].map(math.log)
    low = set(logs.index[logs <= logs.mean() - logs.std(ddof=0)]) if len(logs) > 1 else set()
    return died.astype(float).reindex(cases.index).where(cases["drg"].isin(low))


def _index(grouped: pd.DataFrame, key: Any, what: str, expected: str) -> pd.Series[Any]:
    """Cost or time index (费用、时间消耗指数): sum of n_g c_hg / mu_g over the number of cases."""
    able = grouped[(grouped[expected] > 0) & grouped[what].notna()]
    relative = able[what] / able[expected]
    keys = [able[name] for name in ([key] if isinstance(key, str) else key)]
    return relative.groupby(keys).mean()


def _whole(cases: pd.DataFrame) -> dict[str, float]:
    everywhere = cases.assign(all=0)
    frame = _measures(everywhere, everywhere.groupby("all"))
    return {} if frame.empty else {str(k): float(v) for k, v in frame.iloc[0].items()}


def _tiers(cases: pd.DataFrame) -> pd.DataFrame:
    known = cases.assign(tier=cases["tier"].fillna(-1).astype(int))
    sums = {"cases": ("cost", "size"), "cost": ("cost", "sum"), "patient": ("patient", "sum"),
            "other": ("other", "sum"), "fund": ("fund", "sum"),
            "case_mix_index": ("weight", "mean")}  # fmt: skip
    parts = [
        known.groupby(["tier", "insurance"], sort=True).agg(**sums).reset_index(),
        known.assign(insurance="all").groupby(["tier", "insurance"]).agg(**sums).reset_index(),
        known.assign(tier=0).groupby(["tier", "insurance"]).agg(**sums).reset_index(),
        known.assign(tier=0, insurance="all").groupby(["tier", "insurance"]).agg(**sums)
        .reset_index(),
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _spread(grouped: pd.DataFrame) -> Spread:
    by = grouped.groupby("drg")["cost"]
    size, mean, sd = (by.agg(how).to_numpy(float) for how in ("size", "mean", "std"))
    total = float(((grouped["cost"] - grouped["cost"].mean()) ** 2).sum())
    within = float(np.nansum(sd**2 * (size - 1)))
    judged = (size >= _FEWEST) & (mean > 0)
    below = judged & (sd < mean)
    return Spread(
        1 - within / total if total else float("nan"), len(size), int(judged.sum()),
        float(below.sum() / judged.sum()) if judged.any() else float("nan"),
        float(size[below].sum() / size[judged].sum()) if judged.any() else float("nan"),
    )  # fmt: skip
