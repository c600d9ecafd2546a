"""The quality report (数据质量报告) as a model: what pages, workbooks and terminals show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.provenance import record
from grouper.engine.code_uses import Unmapped
from grouper.quality.rules import PLACE, RULES, Rule
from grouper.quality.tally import Cells, Counts

OTHER_YEARS, UNDATED = -2, -1


@dataclass(frozen=True)
class Line:
    """The cases of one hospital, one month, or the whole file.

    Attributes:
        key: hospital id, or month as year times 12 plus month from 0; negative for other years
            and for unknown dates.
        cases: cases.
        flagged: cases with any finding.
        penalty: sum over the cases of the penalty of each one's gravest finding, in hundredths.
        counts: cases by rule, in the order of the rules. Shape (rules,).
        name: name of the hospital, if known.
    """

    key: str | int
    cases: int
    flagged: int
    penalty: int
    counts: Counts
    name: str = ""

    @property
    def score(self) -> float:
        """100 less the mean penalty: 100 when no case has a finding, 0 when all are lost.

        Without cases there is none: NaN.
        """
        return 100 - self.penalty / self.cases if self.cases else math.nan

    def count(self, rule: Rule) -> int:
        """Cases that break a rule."""
        return int(self.counts[PLACE[rule.code]])

    def worst(self, most: int = 3) -> list[tuple[Rule, int]]:
        """The rules that cost the most points, with their cases."""
        weighed = sorted(
            (-self.count(rule) * rule.penalty, i) for i, rule in enumerate(RULES)
            if self.count(rule)
        )  # fmt: skip
        return [(RULES[i], self.count(RULES[i])) for _, i in weighed[:most]]


@dataclass(frozen=True)
class Filled:
    """Completeness of one part of the case table: its columns in the file and its blanks."""

    part: str
    columns: tuple[str, ...]
    filled: int
    missing: int

    @property
    def share(self) -> float:
        """Share of the cases that have a value."""
        return self.filled / (self.filled + self.missing) if self.filled + self.missing else 1.0


@dataclass(frozen=True)
class QualityReport:
    """What a check found.

    Attributes:
        input_name: file name without its folder.
        input_hash: SHA-256 of the file.
        scheme: id of the scheme whose codes and rules were used.
        scheme_hash: SHA-256 of its pack.
        codes: edition of the file's codes.
        checked: which rules apply to the file; the others lack their columns.
        total: all cases.
        hospitals: by hospital, lowest score first.
        months: by month of discharge.
        main_years: years that hold at least 5% of the dated discharges.
        completeness: how complete the columns are.
        no_mdc: principal diagnoses that are in no MDC: code, name, cases; the most frequent ones.
        grey: codes of the grey list, the most frequent ones: kind (0 diagnosis, 1 procedure),
            code, name, cases.
        unmapped: unknown codes with candidates; the most frequent ones.
        unmapped_codes: how many unknown codes there are.
        converted: uses of codes that were converted.
        seconds: wall time; not part of :meth:`document`.
    """

    input_name: str
    input_hash: str
    scheme: str
    scheme_hash: str
    codes: str
    checked: tuple[bool, ...]
    total: Line
    hospitals: tuple[Line, ...]
    months: tuple[Line, ...]
    main_years: tuple[int, ...]
    completeness: tuple[Filled, ...]
    no_mdc: tuple[tuple[str, str, int], ...] = ()
    grey: tuple[tuple[int, str, str, int], ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    unmapped_codes: int = 0
    converted: int = 0
    seconds: float = field(default=0.0, compare=False)

    def rules(self) -> list[tuple[Rule, bool, int]]:
        """Every rule, whether it was checked, and how many cases break it."""
        return [(rule, self.checked[i], self.total.count(rule)) for i, rule in enumerate(RULES)]

    def document(self) -> dict[str, Any]:
        """The totals as a provenance record; the same for the same input."""
        return record(
            input={"name": self.input_name, "sha256": self.input_hash},
            scheme={"id": self.scheme, "sha256": self.scheme_hash},
            codes=self.codes, cases=self.total.cases,
            score=round(self.total.score, 2) if self.total.cases else None,
            findings={rule.code: n for rule, checked, n in self.rules() if checked},
            not_checked=[rule.code for rule, checked, _ in self.rules() if not checked],
        )  # fmt: skip


def total_line(cells: Cells) -> Line:
    """All cells as one line."""
    return _line("", cells, np.ones(len(cells.cases), np.bool_))


def hospital_lines(
    cells: Cells, hospitals: Iterable[str], names: Mapping[str, str]
) -> tuple[Line, ...]:
    """One line a hospital, lowest score first."""
    lines = [
        _line(hospital, cells, cells.hospital == i, names.get(hospital, ""))
        for i, hospital in enumerate(hospitals)
    ]
    return tuple(sorted(lines, key=lambda line: (line.score, str(line.key))))


def month_lines(cells: Cells, main_years: Iterable[int]) -> tuple[Line, ...]:
    """One line a month of the main years, then other years and unknown dates."""
    main = np.isin(cells.month // 12, list(main_years)) & (cells.month >= 0)
    shown = [*np.unique(cells.month[main]).tolist()]
    lines = [_line(int(month), cells, cells.month == month) for month in shown]
    rest = {OTHER_YEARS: ~main & (cells.month >= 0), UNDATED: cells.month < 0}
    lines += [_line(key, cells, where) for key, where in rest.items() if where.any()]
    return tuple(lines)


def _line(key: str | int, cells: Cells, where: npt.NDArray[np.bool_], name: str = "") -> Line:
    return Line(
        key, int(cells.cases[where].sum()), int(cells.flagged[where].sum()),
        int(cells.penalty[where].sum()), cells.counts[where].sum(axis=0), name,
    )  # fmt: skip
