"""Texts of the quality report in Chinese and English, and what it may tell of small numbers."""

from __future__ import annotations

from collections.abc import Iterable

from drg.cases.privacy import FEWEST
from drg.page.blocks import Cell, Kept
from drg.page.small_cells import few
from drg.page.words import Words
from grouper.quality.report import OTHER_YEARS, Line
from grouper.quality.rules import RULES, SEVERITY_TEXT

PARTS = {  # of the case table: what the rule on it misses
    (rule.needs or ("diagnoses",))[0]: (rule.zh.removeprefix("缺少").partition("（")[0],
                                        rule.en.removeprefix("no ").partition(",")[0])
    for rule in RULES if rule.code.startswith("missing_")
}  # fmt: skip
TEXTS = {
    "title": ("病案数据质量报告", "Quality of the discharge data"),
    "score": ("质量得分", "Score"), "cases": ("病例数", "Cases"),
    "flagged": ("有问题病例", "Cases with findings"), "share": ("占比", "Share"),
    "group": ("类别", "Group"), "rule": ("检查项目", "Check"), "severity": ("级别", "Severity"),
    "not_checked": ("未检查的项目（没有所需的列或清单）", "Not checked: no such columns or list"),
    "hospital": ("医疗机构", "Hospital"), "month": ("月份", "Month"),
    "worst": ("主要问题（病例数）", "Main findings (cases)"),
    "try_clinical": ("未对照编码中有 {n} 个是国临版编码：请按国临版编码重新检查{how}。",
                     "{n} of the unknown codes are of the clinical edition: check them so{how}."),
}  # fmt: skip


class QualityWords(Words):
    """The language of a report on quality."""

    def __getitem__(self, key: str) -> str:
        return self.of(TEXTS[key])

    def severity(self, severity: str) -> str:
        """The name of a severity."""
        return self.of(SEVERITY_TEXT[severity])

    def month(self, line: Line) -> str:
        """The name of a month's line."""
        key = int(line.key)
        if key >= 0:
            return f"{key // 12:04d}-{key % 12 + 1:02d}"
        other = "其他年度", "other years"
        return self.of(other if key == OTHER_YEARS else ("无出院时间", "no date"))

    def id(self, line: Line) -> str:
        """The id of a hospital."""
        return str(line.key) or self("（无代码）", "(no id)")

    def hospital(self, line: Line) -> str:
        """The name of a hospital, or its id."""
        return line.name or self.id(line)

    def measures(self, line: Line, rules: Iterable[int]) -> list[Cell]:
        """Cases, with findings, share, score, worst, and cases by rule, as they may be told."""
        counts: list[Cell] = [line.flagged, *(int(line.counts[i]) for i in rules)]
        flagged, *others = [Kept.BACK] * len(counts) if few(line.cases) else counts
        found = [] if few(line.cases) else line.worst()
        worst = self("；", "; ").join(f"{r.text(self.lang)} {self.few(n)}" for r, n in found)
        share = share_of(line.flagged, line.cases)
        return [line.cases, flagged, share, score_of(line), worst, *others]


def share_of(count: int, cases: int) -> Cell:
    """A share of cases as a report may tell it."""
    return Kept.BACK if few(cases) or few(count) else count / cases if cases else None


def score_of(line: Line) -> Cell:
    """A score that does not tell how many cases are behind it when they are few."""
    if few(line.cases) or not line.cases:
        return Kept.BACK if line.cases else None
    return f"≥{least_score(line):.1f}" if few(line.flagged) else round(line.score, 1)


def least_score(line: Line) -> float:
    """The score, or the lowest that a few cases with findings allow."""
    return max(0, 100 - 100 * (FEWEST - 1) / line.cases) if few(line.flagged) else line.score


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Lowest score first where at least 5 cases have findings, then by id, which tells nothing."""
    return sorted(lines, key=lambda line: (
        (3, 0, str(line.key)) if few(line.cases) else (1, 0, str(line.key)) if few(line.flagged)
        else (0, line.score, str(line.key)) if line.flagged else (2, 0, str(line.key))
    ))  # fmt: skip
