"""Indicators of hospitals, tiers and months (评价指标), adjusted for case mix, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.audit.world import Cases, Pairs
from drg.cases.privacy import FEWEST
from drg.tables.arrays import blocks

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


@dataclass(frozen=True)
class Sums:
    """Of each indicator that is a mean over cases its sums by hospital and month.

    Attributes:
        cells: by indicator how many cases count, their sum, and that of their squares. Shapes
            (H, M).
        own: by indicator the sum of each hospital. Shapes (H,).
        cases: all cases of each hospital. Shape (H,).
        tier: of each hospital, NaN unknown. Shape (H,).
    """

    cells: dict[str, tuple[Floats, Floats, Floats]]
    own: dict[str, Floats]
    cases: Ints
    tier: Floats

    @classmethod
    def of(cls, cases: Cases) -> Sums:
        """Add up all cases."""
        size, months = len(cases.hospitals), len(cases.months)
        cells: dict[str, tuple[Floats, Floats, Floats]] = {}
        own: dict[str, Floats] = {}
        measured = _Measured(cases)
        for rows in blocks(cases.rows):
            home = cases.group("hospital", rows).astype(np.int64)
            cell = home * months + cases.group("month", rows)
            for name, column in measured.of(rows).items():
                there = ~np.isnan(column)
                place, some = cell[there], column[there]
                if name not in cells:
                    count, total, square = np.zeros((3, size * months))
                    cells[name], own[name] = (count, total, square), np.zeros(size)
                for sums, power in zip(cells[name], range(3), strict=True):
                    np.add.at(sums, place, some**power)
                np.add.at(own[name], home[there], some)
        by_cell = {name: tuple(one.reshape(size, months) for one in sums)
                   for name, sums in cells.items()}  # fmt: skip
        return cls(by_cell, own, cases.by_hospital, cases.tier)  # type: ignore[arg-type]

    def by_hospital(self) -> dict[str, Floats]:
        """Indicators of every hospital over the whole file, NaN where unknown. Shapes (H,)."""
        found = {"cases": self.cases.astype(np.float64), "tier": self.tier}
        for name in (*MEANS, *SHARES):
            found[name] = np.full(len(self.cases), np.nan)
            if name in self.own:
                with np.errstate(all="ignore"):
                    found[name] = self.own[name] / self.cells[name][0].sum(axis=1)
        return found


class _Measured:
    """Of every case what an indicator is the mean of."""

    def __init__(self, cases: Cases) -> None:
        facts, size = cases.facts, len(cases.facts.texts("drg"))
        self._cases = cases
        self._has_mode = "transfer" not in facts.missing
        self._again: npt.NDArray[np.bool_] | None = None
        los, stays, known, deaths = np.zeros((4, size))
        for rows in blocks(cases.rows):
            group, there = cases.group("drg", rows), cases.grouped(rows)
            days = np.asarray(cases.fact("los", rows), np.float64)
            some = there & ~np.isnan(days)
            np.add.at(los, group[some], days[some])
            stays += np.bincount(group[some], minlength=size)
            if self._has_mode:
                some = there & ~np.isnan(facts.number("mode", rows))
                known += np.bincount(group[some], minlength=size)
                deaths += np.bincount(group[some], np.asarray(cases.fact("died", rows))[some], size)
        with np.errstate(all="ignore"):
            self._usual = los / stays
        self._low_risk = _low_risk(known, deaths)
        if not {"person", "admission"} & facts.missing:
            self._again = np.zeros(cases.rows, np.bool_)
            pairs = Pairs.of(cases, 1)
            for part in blocks(pairs.rows):
                gap = np.asarray(pairs.fact("gap_days", part))
                self._again[pairs.earlier[part][(gap >= 0) & (gap <= READMITTED_DAYS)]] = True

    def of(self, rows: slice) -> dict[str, Floats]:
        """By indicator, of some cases, NaN where they do not count."""
        cases, facts = self._cases, self._cases.facts
        group, grouped = cases.group("drg", rows), cases.grouped(rows)

        def fact(name: str) -> Floats:
            return np.asarray(cases.fact(name, rows), np.float64)

        with np.errstate(all="ignore"):
            found = {
                "cmi": np.where(grouped, cases.expected.weight[group], np.nan),
                "cost_index": fact("ratio"),
                "time_index": np.where(grouped, fact("los") / self._usual[group], np.nan),
                "mean_cost": fact("cost"),
                "self_pay_share": fact("self_pay"),
                "drugs_tests_share": fact("drugs_tests"),
                "mcc_share": np.where(grouped, fact("mcc"), np.nan),
                "grouping_rate": grouped.astype(np.float64),
            }
        if self._has_mode:
            known = ~np.isnan(facts.number("mode", rows))
            found["transfer_share"] = np.where(known, fact("transfer"), np.nan)
            low = self._low_risk[group] & grouped & known
            found["low_risk_mortality"] = np.where(low, fact("died"), np.nan)
        if self._again is not None:
            person = facts.number("person", rows)
            again = self._again[rows]
            found["readmission_15"] = np.where(again | (person != 0), again, np.nan)
        return found


def _low_risk(count: Floats, deaths: Floats) -> npt.NDArray[np.bool_]:
    """Groups of low risk: log mortality below its mean less half a standard deviation.

    The mortality of a group is drawn towards that of all by 20 cases, so that a small group
    without a death is not called safe.

    Args:
        count: cases of each group whose outcome is known. Shape (G,).
        deaths: those who died. Shape (G,).
    """
    overall = max(float(deaths.sum() / max(count.sum(), 1)), 1e-6)
    logs = np.log((deaths + overall * _PRIOR) / (count + _PRIOR))
    known = count >= _FEWEST_OF_GROUP
    if not known.any():
        return np.zeros(len(count), np.bool_)
    limit = float(np.average(logs[known], weights=count[known]))
    spread = float(np.sqrt(np.average((logs[known] - limit) ** 2, weights=count[known])))
    return known & (logs <= limit - spread / 2)


def indicator_table(cases: Cases, sums: Sums) -> pd.DataFrame:
    """Indicators by hospital, tier and region, for the whole file and by month.

    Returns:
        ``level, id, month, indicator, cases, value, low, high, shrunk``: one row each. Value and
        interval are blank below 5 cases. Shares have Wilson's intervals, means those of the normal
        distribution; ``shrunk`` draws a hospital's year towards its tier by how sure it is.
    """
    tier = np.nan_to_num(cases.tier, nan=-1.0).astype(np.int64)
    tiers = np.unique(tier)
    parts = []
    for name, cells in sums.cells.items():
        tables = [("hospital", np.array(cases.hospitals, object), list(cells))]
        by_tier = [np.stack([one[tier == t].sum(axis=0) for t in tiers]) for one in cells]
        names = np.array([str(one) if one >= 0 else "" for one in tiers], object)
        tables.append(("tier", names, by_tier))
        tables.append(("region", np.array(["all"], object),
                       [one.sum(axis=0, keepdims=True) for one in cells]))  # fmt: skip
        for level, ids, held in tables:
            whole = [np.concatenate([one.sum(axis=1, keepdims=True), one], axis=1) for one in held]
            frame = _frame(level, ids, name, whole, cases.months)
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
    kinds, seen = len(cases.facts.texts("drg")), np.zeros(0, np.int64)
    sums, squares = np.zeros((2, kinds))
    cells = np.zeros(kinds, np.int64)
    whole = fen = 0

    def paid() -> Iterator[tuple[slice, npt.NDArray[np.bool_], Ints]]:
        for rows in blocks(cases.rows):
            cost = cases.facts.number("fen", rows)
            there = cases.grouped(rows) & (cost > 0)
            yield rows, there, cost[there]

    for rows, there, cost in paid():
        group = cases.group("drg", rows)[there]
        home = cases.group("hospital", rows)[there].astype(np.int64)
        seen = np.union1d(seen, home * kinds + group)
        np.add.at(sums, group, cost / 100)
        np.add.at(squares, group, (cost / 100) ** 2)
        cells += np.bincount(group, minlength=kinds)
        whole, fen = whole + len(cost), fen + int(cost.sum())
    middle = fen / 100 / max(whole, 1)
    total = sum(float(((cost / 100 - middle) ** 2).sum()) for *_, cost in paid())
    number = np.bincount(seen // kinds, minlength=len(cases.hospitals))
    with np.errstate(all="ignore"):
        mean = sums / cells
        inside = squares - cells * mean**2
        cv = np.sqrt(np.maximum(inside, 0) / np.maximum(cells - 1, 1)) / mean
    riv = 1 - float(np.nansum(inside)) / total if total > 0 else np.nan
    known = cells > 1
    well = known & (cv < 1)
    lines = [("hospital", name, "groups", int(n), float(k))
            for name, n, k in zip(cases.hospitals, cases.by_hospital, number,
                                  strict=True)]  # fmt: skip
    lines += [("region", "all", "riv", whole, riv),
             ("region", "all", "cv_below_1_groups", whole, well.sum() / max(known.sum(), 1)),
             ("region", "all", "cv_below_1_cases", whole,
              cells[well].sum() / max(cells[known].sum(), 1))]  # fmt: skip
    found = pd.DataFrame(lines, columns=["level", "id", "indicator", "cases", "value"])
    found.insert(2, "month", "")
    return found.assign(low=np.nan, high=np.nan, shrunk=np.nan)


def _month(number: int) -> str:
    if number < 0:
        return "unknown"
    return f"{number // 12:04d}-{number % 12 + 1:02d}"
