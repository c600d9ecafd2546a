"""Indicators of hospitals, tiers and months (评价指标), adjusted for case mix, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.audit.world import Cases, Pairs
from drg.cases.privacy import FEWEST

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[Any]
READMITTED_DAYS = 15
_FEWEST_OF_GROUP, _PRIOR = 20, 20.0
_Z = 1.959963984540054
SHARES = ("mcc_share", "transfer_share", "grouping_rate", "readmission_15", "low_risk_mortality")
MEANS = ("cmi", "cost_index", "time_index", "mean_cost", "self_pay_share", "drugs_tests_share")
NAMES: dict[str, tuple[str, str]] = {
    "cmi": ("CMI", "CMI"), "cost_index": ("费用消耗指数", "cost index"),
    "time_index": ("时间消耗指数", "time index"),
    "mean_cost": ("次均费用（元）", "mean cost (yuan)"),
    "self_pay_share": ("个人负担占比", "borne by patients"),
    "drugs_tests_share": ("药耗医技占比", "drugs, material and tests"),
    "mcc_share": ("MCC 组占比", "MCC groups"), "transfer_share": ("转院占比", "transferred"),
    "grouping_rate": ("入组率", "grouping rate"),
    "readmission_15": ("15 日内再入院率", "readmitted within 15 days"),
    "low_risk_mortality": ("低风险组死亡率", "low-risk mortality"),
    "groups": ("DRG 组数", "number of groups"), "riv": ("RIV", "RIV"),
    "cv_below_1_groups": ("CV<1 的组占比", "groups with CV < 1"),
    "cv_below_1_cases": ("CV<1 的病例占比", "cases with CV < 1"),
}  # fmt: skip


def measured(cases: Cases) -> dict[str, Floats]:
    """Of every case what an indicator is the mean of, NaN where it does not count. Shapes (N,)."""
    facts, drg = cases.facts, cases.facts.texts["drg"]
    grouped = cases.grouped
    los = np.asarray(cases.fact("los"), np.float64)
    usual = _usual(los, drg.codes, grouped, len(drg.texts))
    with np.errstate(all="ignore"):
        found = {
            "cmi": np.where(grouped, cases.expected.weight[drg.codes], np.nan),
            "cost_index": np.asarray(cases.fact("ratio"), np.float64),
            "time_index": np.where(grouped, los / usual[drg.codes], np.nan),
            "mean_cost": np.asarray(cases.fact("cost"), np.float64),
            "self_pay_share": np.asarray(cases.fact("self_pay"), np.float64),
            "drugs_tests_share": np.asarray(cases.fact("drugs_tests"), np.float64),
            "mcc_share": np.where(grouped, np.asarray(cases.fact("mcc")), np.nan),
            "grouping_rate": grouped.astype(np.float64),
        }
    if "transfer" not in facts.missing:
        mode = facts.numbers["mode"]
        died = np.where(np.isnan(mode), np.nan, np.asarray(cases.fact("died")))
        found["transfer_share"] = np.where(
            np.isnan(mode), np.nan, np.asarray(cases.fact("transfer"))
        )
        low = _low_risk(died, drg.codes, grouped, len(drg.texts))
        found["low_risk_mortality"] = np.where(low[drg.codes] & grouped, died, np.nan)
    if not {"person", "admission"} & facts.missing:
        pairs = Pairs.of(cases, 1)
        gap = np.asarray(pairs.fact("gap_days"))
        back = np.where(facts.person != 0, 0.0, np.nan)
        again = (gap >= 0) & (gap <= READMITTED_DAYS)
        back[pairs.earlier[again]] = 1.0
        found["readmission_15"] = back
    return found


def _usual(los: Floats, group: Ints, grouped: npt.NDArray[np.bool_], size: int) -> Floats:
    there = grouped & ~np.isnan(los)
    with np.errstate(all="ignore"):
        sums: Floats = np.bincount(group[there], los[there], size) / np.bincount(
            group[there], minlength=size
        )
    return sums


def _low_risk(
    died: Floats, group: Ints, grouped: npt.NDArray[np.bool_], size: int
) -> npt.NDArray[np.bool_]:
    """Groups of low risk: log mortality below its mean less a standard deviation.

    The mortality of a group is drawn towards that of all by 20 cases, so that a small group
    without a death is not called safe.
    """
    there = grouped & ~np.isnan(died)
    count = np.bincount(group[there], minlength=size)
    deaths = np.bincount(group[there], died[there], size)
    overall = max(float(deaths.sum() / max(count.sum(), 1)), 1e-6)
    logs = np.log((deaths + overall * _PRIOR) / (count + _PRIOR))
    known = count >= _FEWEST_OF_GROUP
    if not known.any():
        return np.zeros(size, np.bool_)
    limit = float(np.average(logs[known], weights=count[known]))
    spread = float(np.sqrt(np.average((logs[known] - limit) ** 2, weights=count[known])))
    return known & (logs <= limit - spread / 2)


def by_hospital(cases: Cases, values: Mapping[str, Floats]) -> dict[str, Floats]:
    """Indicators of every hospital over the whole file, NaN where unknown. Shapes (H,)."""
    code, size = cases.hospital.codes, len(cases.hospital.texts)
    found = {"cases": np.bincount(code, minlength=size).astype(np.float64), "tier": cases.tier}
    for name in (*MEANS, *SHARES):
        column = values.get(name)
        if column is None:
            found[name] = np.full(size, np.nan)
            continue
        there = ~np.isnan(column)
        with np.errstate(all="ignore"):
            found[name] = np.bincount(code[there], column[there], size) / np.bincount(
                code[there], minlength=size
            )
    return found


def indicator_table(cases: Cases, values: Mapping[str, Floats]) -> pd.DataFrame:
    """Indicators by hospital, tier and region, for the whole file and by month.

    Returns:
        ``level, id, month, indicator, cases, value, low, high, shrunk``: one row each. Value and
        interval are blank below 5 cases. Shares have Wilson's intervals, means those of the normal
        distribution; ``shrunk`` draws a hospital's year towards its tier by how sure it is.
    """
    hospital, size = cases.hospital.codes.astype(np.int64), len(cases.hospital.texts)
    seen, month = np.unique(cases.facts.month, return_inverse=True)
    months = len(seen)
    cell = hospital * months + month
    tier = np.nan_to_num(cases.tier, nan=-1.0).astype(np.int64)
    tiers = np.unique(tier)
    parts = []
    for name, column in values.items():
        there = ~np.isnan(column)
        sums = [
            np.bincount(cell[there], weights, size * months).reshape(size, months)
            for weights in (np.ones(int(there.sum())), column[there], column[there] ** 2)
        ]
        tables = [("hospital", np.array(cases.hospital.texts, object), sums)]
        by_tier = [np.stack([one[tier == t].sum(axis=0) for t in tiers]) for one in sums]
        names = np.array([str(one) if one >= 0 else "" for one in tiers], object)
        tables.append(("tier", names, by_tier))
        tables.append(("region", np.array(["all"], object),
                       [one.sum(axis=0, keepdims=True) for one in sums]))  # fmt: skip
        for level, ids, held in tables:
            whole = [np.concatenate([one.sum(axis=1, keepdims=True), one], axis=1) for one in held]
            frame = _frame(level, ids, name, whole, seen)
            if level == "hospital":
                frame = _shrunk(frame, name, whole, tier)
            parts.append(frame)
    parts.append(_groups(cases))
    found = pd.concat(parts, ignore_index=True)
    few = (found["cases"] < FEWEST) & (found["cases"] > 0)
    found.loc[few, ["value", "low", "high", "shrunk"]] = np.nan
    found["cases"] = found["cases"].astype(object)
    found.loc[few, "cases"] = None  # a count from 1 to 4 is not told
    for name in ("value", "low", "high", "shrunk"):
        found[name] = found[name].astype(np.float64).round(6)
    return found


def _frame(
    level: str, ids: npt.NDArray[np.object_], name: str, sums: list[Floats], seen: Ints
) -> pd.DataFrame:
    count, total, square = (one.ravel() for one in sums)
    months = ["", *(_month(int(one)) for one in seen)]
    with np.errstate(all="ignore"):
        value = total / count
        if name in SHARES:
            low, high = _wilson(total, count)
        else:
            spread = np.sqrt(np.maximum(square / count - value**2, 0) / np.maximum(count - 1, 1))
            low, high = value - _Z * spread, value + _Z * spread
    frame = pd.DataFrame({
        "level": level, "id": np.repeat(ids, len(months)), "month": np.tile(months, len(ids)),
        "indicator": name, "cases": count.astype(np.int64), "value": value, "low": low,
        "high": high, "shrunk": np.nan,
    })  # fmt: skip
    return frame[frame["cases"] > 0]


def _wilson(count: Floats, size: Floats) -> tuple[Floats, Floats]:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, np.maximum(size, 1), method="wilson")
    return np.asarray(low), np.asarray(high)


def _shrunk(frame: pd.DataFrame, name: str, sums: list[Floats], tier: Ints) -> pd.DataFrame:
    """The year of each hospital drawn towards the mean of its tier (empirical Bayes)."""
    count, total, square = (one[:, 0] for one in sums)
    with np.errstate(all="ignore"):
        value = total / count
        noise = np.maximum(square / count - value**2, 0) / np.maximum(count, 1)
        if name in SHARES:
            noise = np.maximum(noise, 0.25 / np.maximum(count, 1) ** 2)
    drawn = np.full(len(count), np.nan)
    for one in np.unique(tier):
        here = np.flatnonzero((tier == one) & (count > 1))
        if not len(here):
            continue
        mean = float(total[here].sum() / count[here].sum())
        between = float(np.average((value[here] - mean) ** 2 - noise[here], weights=count[here]))
        between = max(between, 0.0)
        keep = between / np.maximum(between + noise[here], 1e-300)
        drawn[here] = mean + keep * (value[here] - mean)
    of = dict(zip(frame.loc[frame["month"] == "", "id"], drawn[sums[0][:, 0] > 0], strict=True))
    year = frame["month"] == ""
    frame = frame.copy()
    frame.loc[year, "shrunk"] = [of[one] for one in frame.loc[year, "id"]]
    return frame


def _groups(cases: Cases) -> pd.DataFrame:
    """Number of groups by hospital; how well groups tell costs apart, for the region."""
    drg = cases.facts.texts["drg"]
    code, size, kinds = (
        cases.hospital.codes.astype(np.int64),
        len(cases.hospital.texts),
        len(drg.texts),
    )
    there = cases.grouped & (cases.facts.cost > 0)
    seen = np.unique(code[there] * kinds + drg.codes[there]) // kinds
    number = np.bincount(seen, minlength=size)
    count = np.bincount(code, minlength=size)
    yuan, group = cases.facts.cost[there] / 100, drg.codes[there]
    sums, cells = np.bincount(group, yuan, kinds), np.bincount(group, minlength=kinds)
    squares = np.bincount(group, yuan**2, kinds)
    with np.errstate(all="ignore"):
        mean = sums / cells
        inside = squares - cells * mean**2
        cv = np.sqrt(np.maximum(inside, 0) / np.maximum(cells - 1, 1)) / mean
    total = float(((yuan - yuan.mean()) ** 2).sum()) if len(yuan) else 0.0
    riv = 1 - float(np.nansum(inside)) / total if total > 0 else np.nan
    known = cells > 1
    well = known & (cv < 1)
    rows = [("hospital", name, "groups", int(n), float(k))
            for name, n, k in zip(cases.hospital.texts, count, number, strict=True)]  # fmt: skip
    whole = int(there.sum())
    rows += [("region", "all", "riv", whole, riv),
             ("region", "all", "cv_below_1_groups", whole, well.sum() / max(known.sum(), 1)),
             ("region", "all", "cv_below_1_cases", whole,
              cells[well].sum() / max(cells[known].sum(), 1))]  # fmt: skip
    found = pd.DataFrame(rows, columns=["level", "id", "indicator", "cases", "value"])
    found.insert(2, "month", "")
    return found.assign(low=np.nan, high=np.nan, shrunk=np.nan)


def _month(number: int) -> str:
    if number < 0:
        return "unknown"
    return f"{number // 12:04d}-{number % 12 + 1:02d}"
