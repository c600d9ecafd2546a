"""The story of a report: one scenario in its last year, beside the baseline of the same year."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from drg.page.small_cells import few, told_first
from drg.page.words import Words, clean
from drg.report.panel.columns import LEVELS, PARTS
from drg.report.panel.data import MEASURES, PanelData

_LONGEST = 36  # half ems of a title that stands in headings and tables
MOST_OTHERS = 4  # scenarios in a chart beside the one told and the baseline
_SUMMED = ("cases", "cost", "payable", "final", "patient", "gain")


class Compared(NamedTuple):
    """A measure in the baseline, in the scenario, and the difference; NaN where not known.

    The difference is made of what the drivers (and how hospitals react) do and of what the changes
    of the policy and its weights do.
    """

    baseline: float
    scenario: float
    difference: float
    by_drivers: float = math.nan
    by_policy: float = math.nan

    @property
    def parted(self) -> bool:
        """Whether it is known what the drivers do and what the policy does."""
        return math.isfinite(self.by_drivers) and math.isfinite(self.by_policy)


@dataclass(frozen=True, eq=False)
class Story:
    """What a report tells of a projection.

    Attributes:
        data: the tables.
        code: id of the scenario told.
        baseline: id of the scenario it is held against; the same when only that was projected.
        year: the projected year told, the last.
    """

    data: PanelData
    code: str
    baseline: str
    year: int

    @property
    def alone(self) -> bool:
        """Whether only the baseline was projected."""
        return self.code == self.baseline

    @property
    def others(self) -> list[str]:
        """Scenarios that are neither told nor the baseline."""
        codes = [str(s.get("id")) for s in self.data.scenarios]
        return [code for code in codes if code not in (self.code, self.baseline)]

    @cached_property
    def region(self) -> dict[str, Compared]:
        """Every measure of the region."""
        rows = self.level("region")
        if len(rows):
            r = rows.iloc[0]
            return {name: Compared(*(float(r[f"{name}_{part}"]) for part in Compared._fields))
                    for name in MEASURES}  # fmt: skip
        was, now = (whole(self.data, code, self.year) for code in (self.baseline, self.code))
        if self.alone:
            was = dict.fromkeys(was, math.nan)
        return {name: Compared(was[name], now[name], now[name] - was[name]) for name in MEASURES}

    def level(self, level: str) -> pd.DataFrame:
        """Differences of a level in the year told, with ``hidden`` where they are not told."""
        frame = self.data.at("projection_difference", self.code, self.year)
        return with_hidden(self.data, frame[frame["level"] == level]) if len(frame) else frame

    @cached_property
    def pools(self) -> pd.DataFrame:
        """Pools of the scenario in the year told."""
        return self.data.at("projection_pools", self.code, self.year)

    @cached_property
    def hospitals(self) -> pd.DataFrame:
        """Hospitals in the year told, those that lose most by cost first.

        Columns of ``projection_hospitals``, hospital (name), hidden, gain_share, and for final,
        gain and average_cost each part of the comparison, such as ``final_difference``.
        """
        data = self.data
        own = data.at("projection_hospitals", self.code, self.year)
        base = data.at("projection_hospitals", self.baseline, self.year).set_index("hospital_id")
        found = own.assign(hidden=own["hospital_id"].isin(data.hidden))
        level = self.level("hospital")
        rows = level.set_index("key") if len(level) else None
        for name in ("final", "gain", "average_cost"):
            for part in PARTS:
                values = math.nan if rows is None else own["hospital_id"].map(
                    rows[f"{name}_{part}"])  # fmt: skip
                found[f"{name}_{part}"] = values
            if rows is None and not self.alone:
                found[f"{name}_baseline"] = own["hospital_id"].map(base[name])
                found[f"{name}_difference"] = found[name] - found[f"{name}_baseline"]
        found["change_share"] = found["final_difference"] / found["final_baseline"].where(
            found["final_baseline"] > 0)  # fmt: skip
        found["gain_share"] = found["gain"] / found["cost"].where(found["cost"] > 0)
        names = [hospital_name(n, i) for n, i in zip(found["hospital_name"], found["hospital_id"],
                                                     strict=True)]  # fmt: skip
        return told_first(found.assign(hospital=names), "gain_share", "hospital_id")

    def losing(self, code: str) -> int:
        """Hospitals that get less than their cases cost, among those that are told."""
        own = self.data.at("projection_hospitals", code, self.year)
        own = own[~own["hospital_id"].isin(self.data.hidden)]
        return int((own["gain"] < 0).sum())

    @property
    def before(self) -> float:
        """Average cost of a case in the settled year, in yuan."""
        return average(self.data, self.code, self.data.year)

    @property
    def average(self) -> float:
        """Average cost of a case in the year told, in yuan."""
        return average(self.data, self.code, self.year)


def story(data: PanelData) -> Story | None:
    """The story of a report; None without a projection."""
    if data.projection is None or data.projected.get("projection_hospitals") is None:
        return None
    codes = [str(s.get("id")) for s in data.scenarios]
    return Story(data, data.told, codes[0], data.last) if codes else None


def whole(data: PanelData, code: str, year: int) -> dict[str, float]:
    """Measures of the region for a scenario and year, out of exact tables."""
    hospitals = data.at("projection_hospitals", code, year)
    found = {name: float(hospitals[name].sum()) for name in _SUMMED}
    pools = data.at("projection_pools", code, year)
    found["budget_cut"] = float(pools["budget_cut"].sum()) if len(pools) else math.nan
    return found | {"average_cost": average(data, code, year)}


def average(data: PanelData, code: str, year: int, name: str = "average_cost") -> float:
    """A mean of the whole region as the projection's own table has it, in yuan."""
    tiers = data.at("projection_tiers", code, year)
    if tiers.empty:
        return math.nan
    own = tiers[(tiers["tier"] == "all") & (tiers["insurance"] == "all")]
    return float(own[name].iloc[0]) if len(own) else math.nan


def with_hidden(data: PanelData, frame: pd.DataFrame) -> pd.DataFrame:
    """Differences with ``hidden``: few cases on one side, or parts that cover such a part."""
    hidden = frame["cases_baseline"].map(few) | frame["cases_scenario"].map(few)
    for level, own in frame.groupby("level", sort=False):
        hidden[own.index] |= data.hides(str(level), own["key"])
    return frame.assign(hidden=hidden.astype(bool))


def others_note(held: Story, words: Words) -> str:
    """Says below a chart how many scenarios are not in it."""
    left = len(held.others) - MOST_OTHERS
    return words(f"另有 {left} 个方案见工作簿。", f"{left} more scenarios are in the workbook."
                 ) if left > 0 else ""  # fmt: skip


def hospital_name(name: object, code: object) -> str:
    """Name of a hospital as it is shown; its id when it has none."""
    return clean(name) or clean(code) or "—"


def part_name(level: str, key: str, name: object, words: Words) -> str:
    """What a line of a comparison is about."""
    if level == "hospital":
        return hospital_name(name, key)
    if level == "region":
        return words.of(LEVELS["region"])
    return words.tier(key) if level == "tier" else words.insurance(clean(key, 40))


def scenario_name(data: PanelData, code: str, words: Words) -> str:
    """Title of a scenario, or its id where the title is long.

    In English the id, and the Chinese title in brackets, where there is no English title.
    """
    title = scenario_title(data, code, words)
    return title if len(title.encode("gb18030", "replace")) <= _LONGEST else clean(code, 40)


def scenario_title(data: PanelData, code: str, words: Words) -> str:
    """Title of a scenario, whole."""
    for scenario in data.scenarios:
        if str(scenario.get("id")) == code:
            titled, english = clean(scenario.get("title")), clean(scenario.get("title_en"))
            return named(code, titled, english, words)
    return clean(code, 60)


def named(code: str, title: str, title_en: str, words: Words) -> str:
    """A document's title in the report's language; its id when it has none."""
    if words.zh:
        return title or code
    return title_en or (f"{code} ({title})" if title and title != code else code)
