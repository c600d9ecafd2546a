"""The meaning of a scheme pack, written a second time: slow, plain, one case at a time.

It shares no code with the engine: it reads the pack's CSV files itself and turns each rule into
a Python expression. The engine is right where the two agree.
"""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grouper import Scheme


@dataclass
class Case:
    diagnoses: list[str] = field(default_factory=list)
    procedures: list[str] = field(default_factory=list)
    sex: float = math.nan
    age: float = math.nan
    age_days: float = math.nan
    birth_weight: float = math.nan
    admission_weight: float = math.nan
    length_of_stay: float = math.nan
    discharge_mode: float = math.nan
    icu_hours: float = math.nan
    department: str = ""


class _Missing(float):
    """A blank number: it satisfies no comparison, not even ``!=``."""

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = float.__hash__


def _number(value: float | str) -> float | str:
    return _Missing("nan") if isinstance(value, float) and math.isnan(value) else value


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


class Reference:
    """Groups one case at a time by a pack."""

    def __init__(self, folder: Path) -> None:
        self.lists: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.level: dict[str, tuple[str, str]] = {}
        self.excludes: dict[str, str] = {}
        self.site: dict[str, str] = {}
        for row in _rows(folder / "diagnoses.csv"):
            code = row["code"]
            for mdc in filter(None, row["mdc"].split("|")):
                self.lists[mdc, "MDC"].add(code)
            self._add(row["lists"], code)
            if row["complication"]:
                self.level[code] = (row["complication"], row["complication_table"])
            if row["exclusion_table"]:
                self.excludes[code] = row["exclusion_table"]
            if row["trauma_site"]:
                self.site[code] = row["trauma_site"]
        self.valid = set()
        for row in _rows(folder / "procedures.csv"):
            self._add(row["lists"], row["code"])
            if row["valid"] == "yes":
                self.valid.add(row["code"])
        groups = {
            table: [tuple(row.values()) for row in _rows(folder / f"{table}.csv")]
            for table in ("mdc", "adrg", "drg")
        }
        self.tree = self._tree(groups["mdc"], groups["adrg"], groups["drg"])

    @classmethod
    def of_scheme(cls, scheme: Scheme) -> Reference:
        """From a loaded scheme, for packs that extend another."""
        self = cls.__new__(cls)
        self.lists = defaultdict(set, {key: set(codes) for key, codes in scheme.lists.items()})
        self.level = {code: ("CC", table) for code, table in scheme.cc.items()}
        self.level |= {code: ("MCC", table) for code, table in scheme.mcc.items()}
        self.excludes, self.site = dict(scheme.exclusion), dict(scheme.trauma_sites)
        self.valid = set(scheme.grouping_procedures)
        self.tree = self._tree(
            [(g.code, g.name, g.rule) for g in scheme.mdcs],
            [(g.code, g.mdc, g.name, g.rule) for g in scheme.adrgs],
            [(g.code, g.adrg, g.name, g.rule) for g in scheme.drgs],
        )
        return self

    def _add(self, lists: str, code: str) -> None:
        for place in filter(None, lists.split("|")):
            owner, _, name = place.rpartition(":")
            self.lists[owner, name].add(code)

    def _tree(self, mdc_rows: list, adrg_rows: list, drg_rows: list) -> list:
        drgs, adrgs = defaultdict(list), defaultdict(list)
        for drg, adrg, _, rule in drg_rows:
            drgs[adrg].append((drg, self._expression(rule, adrg, "")))
        for adrg, mdc, _, rule in adrg_rows:
            adrgs[mdc].append((adrg, self._expression(rule, adrg, mdc), drgs[adrg]))
        return [(mdc, self._expression(rule, mdc, mdc), adrgs[mdc]) for mdc, _, rule in mdc_rows]

    def _expression(self, rule: str, owner: str, mdc: str):
        def member(match: re.Match[str]) -> str:
            subject, other, name = match.groups()
            held = other or ("" if "_" in name else mdc if name == "MDC" else owner)
            return f"({subject} & lists[{held!r}, {name!r}])"

        text = re.sub(
            r"\b((?:principal|any|secondary)_(?:diagnosis|procedure)) in "
            r"(?:([A-Z]\w*):)?([A-Z]\w*(?:#\d+)?)",
            member,
            rule,
        )
        text = re.sub(r"\bcount\(", "len(", text)
        text = re.sub(r"\b(principal|any)_procedure_valid\b", r"bool(\1_procedure & valid)", text)
        text = re.sub(r"\btrue\b", "True", text)
        return compile(text, rule, "eval")

    def group(self, case: Case) -> tuple[str, str, str, str]:
        """MDC, ADRG, DRG (``0000`` for none) and severity."""
        dx, px = case.diagnoses, case.procedures
        table = self.excludes.get(dx[0]) if dx else None
        levels = {
            self.level[code][0] for code in dx[1:]
            if code in self.level and self.level[code][1] != table
        }  # fmt: skip
        facts = {
            "lists": self.lists, "valid": self.valid, "male": 1, "female": 2,
            "principal_diagnosis": set(dx[:1]), "any_diagnosis": set(dx),
            "secondary_diagnosis": set(dx[1:]), "principal_procedure": set(px[:1]),
            "any_procedure": set(px), "secondary_procedure": set(px[1:]),
            "mcc": "MCC" in levels, "cc": "CC" in levels,
            "trauma_sites": len({self.site[code] for code in dx if code in self.site}),
            "other_trauma_site": bool(dx) and dx[0] in self.site and any(
                self.site.get(code, self.site[dx[0]]) != self.site[dx[0]] for code in dx[1:]),
            **{name: _number(getattr(case, name)) for name in (
                "sex", "age", "age_days", "birth_weight", "admission_weight", "length_of_stay",
                "discharge_mode", "icu_hours", "department")},
        }  # fmt: skip
        severity = "mcc" if "MCC" in levels else "cc" if "CC" in levels else "none"
        for mdc, enters, adrgs in self.tree:
            if not eval(enters, facts):
                continue
            for adrg, matches, drgs in adrgs:
                if not eval(matches, facts):
                    continue
                for drg, holds in drgs:
                    if eval(holds, facts):
                        return mdc, adrg, drg, severity
        return "", "", "0000", severity
