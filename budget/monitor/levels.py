"""Levels of warnings, facts about pools and the indicators of performance, as a document.

The shipped ``levels.toml`` holds defaults; a bureau's own document replaces the levels that it
names, and all indicators where it has any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from drg.documents import fit, read_document
from drg.errors import one_of, problem
from drg.language import say
from drg.provenance import hash_file

SHIPPED = Path(__file__).with_name("levels.toml")
LEVELS = ("year_end", "to_date", "point_value", "reserve", "months_left", "hospital", "group",
          "day_bed")  # fmt: skip
STAGES = {"before": ("年前", "before"), "during": ("年中", "during"), "after": ("年后", "after")}
KINDS = {"decision": ("决策", "decision"), "process": ("过程", "process"),
         "output": ("产出", "output"), "benefit": ("效益", "benefit")}  # fmt: skip
MEASURES = ("budget_known", "history_years", "reserve_share", "settled_share", "to_date",
            "forecast_error", "case_mix_change", "cost_change", "patient_share", "cost_per_case",
            "fund_per_case", "case_mix", "year_end", "months_left")  # fmt: skip
_LEVEL: dict[str, Any] = {"amber": float, "red": float, "source": str}
_INDICATOR: dict[str, Any] = {
    "stage": str, "kind": str, "zh": str, "en": str, "measure": str, "at_least": float,
    "at_most": float, "weight": float, "source": str,
}  # fmt: skip
_MODEL: dict[str, Any] = {
    "id": str, "title": str, "title_en": str, "levels": dict.fromkeys(LEVELS, _LEVEL),
    "least": {"cases": int, "deviations": float, "source": str}, "indicators": {"*": _INDICATOR},
    "pools": {"*": {"balance": float, "point_value": float, "source": str}},
}  # fmt: skip


@dataclass(frozen=True)
class Level:
    """From where on a figure is amber and red; below where red is the smaller one."""

    amber: float
    red: float
    source: str

    @property
    def falls(self) -> bool:
        """Whether low figures are the bad ones."""
        return self.red < self.amber

    def of(self, value: float) -> str:
        """``red``, ``amber`` or nothing."""
        sign = -1 if self.falls else 1
        for name in ("red", "amber"):
            limit = getattr(self, name)
            if sign * value > sign * limit:
                return name
        return ""


@dataclass(frozen=True)
class Indicator:
    """An indicator of performance (绩效指标): a measure with its target."""

    name: str
    stage: str
    kind: str
    zh: str
    en: str
    measure: str
    target: float
    most: bool
    weight: float
    source: str


@dataclass(frozen=True)
class Levels:
    """The monitor's document.

    Attributes:
        id: of the document.
        levels: by name of :data:`LEVELS`.
        least: cases below which no hospital and no group is warned of.
        deviations: by how many standard deviations of chance its spend must be above its budget.
        indicators: of the performance summary.
        balances: pool -> accumulated balance at the start of the year (累计结余) in yuan.
        values: pool -> yuan per point at which shared points are reckoned.
        digest: SHA-256 of the file.
    """

    id: str
    levels: Mapping[str, Level]
    least: int
    deviations: float
    indicators: tuple[Indicator, ...]
    balances: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    digest: str = ""


def read_levels(path: str | PathLike[str] | None, pools: tuple[str, ...]) -> Levels:
    """Read a bureau's document over the shipped one, or that alone.

    Raises:
        DrgError: a key is not known, a figure is out of its range, or has no source.
    """
    base = read_document(SHIPPED)
    own: dict[str, Any] = {} if path is None else read_document(path)
    file = SHIPPED if path is None else Path(path)
    fit(own, _MODEL, file)
    levels = dict(base["levels"])
    for name, one in own.get("levels", {}).items():
        fit(one, _LEVEL, file, ("levels", name), *_LEVEL)
        levels[name] = one
        if one["amber"] == one["red"] or min(one["amber"], one["red"]) < 0:
            raise problem(say("黄色与红色界限须不同且不小于 0",
                              "amber and red must differ and be 0 or more"), file=file,
                          key=f"levels.{name}", found=f"{one['amber']}, {one['red']}")  # fmt: skip
        if (one["red"] < one["amber"]) != (levels_fall := name in ("point_value", "months_left")):
            raise problem(say("黄色与红色界限颠倒", "amber and red are the wrong way round"),
                          file=file, key=f"levels.{name}", found=f"{one['amber']}, {one['red']}",
                          expected=say("红色较低", "red below amber") if levels_fall else
                          say("红色较高", "red above amber"))  # fmt: skip
    least = own.get("least", base["least"])
    fit(least, _MODEL["least"], file, ("least",), "cases", "deviations", "source")
    indicators = own.get("indicators", base["indicators"])
    facts = own.get("pools", {})
    for name, fact in facts.items():
        if name not in pools:
            raise problem(say("不是政策的基金池", "not a pool of the policy"), file=file,
                          key=f"pools.{name}", expected=one_of(pools))  # fmt: skip
        fit(fact, _MODEL["pools"]["*"], file, ("pools", name), "source")
        if fact.get("point_value", 1.0) <= 0:
            raise problem(say("点值须大于 0", "a point value must be above 0"), file=file,
                          key=f"pools.{name}.point_value", found=fact["point_value"])  # fmt: skip
    return Levels(
        str(own.get("id", base["id"])),
        {name: Level(float(one["amber"]), float(one["red"]), one["source"])
         for name, one in levels.items()},
        int(least["cases"]),
        float(least["deviations"]),
        tuple(_indicator(name, one, file) for name, one in indicators.items()),
        {name: float(one["balance"]) for name, one in facts.items() if "balance" in one},
        {name: float(one["point_value"]) for name, one in facts.items() if "point_value" in one},
        hash_file(file),
    )  # fmt: skip


def _indicator(name: str, one: Mapping[str, Any], file: Path) -> Indicator:
    key = ("indicators", name)
    fit(one, _INDICATOR, file, key, "stage", "kind", "zh", "en", "measure", "weight", "source")
    for part, known in (("stage", STAGES), ("kind", KINDS), ("measure", MEASURES)):
        if one[part] not in known:
            raise problem(say("没有这一项", "not known"), file=file,
                          key=f"indicators.{name}.{part}", found=one[part],
                          expected=one_of(known))  # fmt: skip
    if ("at_least" in one) == ("at_most" in one) or not one["weight"] > 0:
        raise problem(say("须有 at_least 或 at_most 之一，且权重大于 0",
                          "needs either at_least or at_most, and a weight above 0"), file=file,
                      key=f"indicators.{name}")  # fmt: skip
    most = "at_most" in one
    return Indicator(name, one["stage"], one["kind"], one["zh"], one["en"], one["measure"],
                     float(one["at_most" if most else "at_least"]), most, float(one["weight"]),
                     one["source"])  # fmt: skip
