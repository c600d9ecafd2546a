"""The audit trail (计算过程记录): what each step took in, gave out and changed, in order."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from drg.language import say
from weights.cases.observations import Floats, Observations
from weights.table.moved import moved


@dataclass(frozen=True)
class Step:
    """One step of a calibration.

    Attributes:
        step: ``input, cost, trim, estimate, shrink, low_volume, order, corridor, structure,
            classes, normalise``.
        method: what was done, with its parameters.
        cases_in: cases before.
        cases_out: cases after.
        cost_in: cost in yuan before; for steps on groups, cases times level.
        cost_out: cost in yuan after.
        changed: cases (before the estimate) or groups (after it) that were changed.
        note: anything else, in words.
    """

    step: str
    method: str
    cases_in: float
    cases_out: float
    cost_in: float
    cost_out: float
    changed: int
    note: str = ""

    def document(self) -> dict[str, Any]:
        """As it stands in a record: whole numbers of cases, yuan with two decimals."""
        found = asdict(self)
        for key in ("cases_in", "cases_out"):
            found[key] = int(found[key]) if float(found[key]).is_integer() else found[key]
        for key in ("cost_in", "cost_out"):
            found[key] = round(found[key], 2)
        return found


@dataclass
class Trail:
    """Steps and warnings, as they come.

    Attributes:
        steps: what was done.
        warnings: name -> what a reader must know, as a record keeps it;
            ``groups_without_cases`` and the like.
        in_chinese: the same in Chinese.
        groups: all groups of a warning, which names twelve, and of the corridor.
    """

    steps: list[Step] = field(default_factory=list)
    warnings: dict[str, str] = field(default_factory=dict)
    in_chinese: dict[str, str] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)

    def warn(self, name: str, zh: str, en: str) -> None:
        """Note what a reader must know."""
        self.warnings[name], self.in_chinese[name] = en, zh

    def warn_of(self, name: str, groups: tuple[str, ...], which: Any, zh: str, en: str) -> None:
        """Note what a reader must know of the groups marked, if there are any. Shape (G,)."""
        if np.any(which):
            self.groups[name] = [groups[i] for i in np.flatnonzero(which)]
            self.warn(name, f"{zh}：{named(groups, which, zh=True)}",
                      f"{en}: {named(groups, which)}")  # fmt: skip

    def said(self) -> dict[str, str]:
        """The warnings in the reader's language."""
        return {name: say(self.in_chinese[name], text) for name, text in self.warnings.items()}

    def of_input(self, observed: Observations) -> None:
        """What came in and what was not used."""
        intake = observed.intake
        left_out = [f"{reason} {rows:,}" for reason, rows in intake.excluded_rows.items()]
        self.steps.append(Step(
            "input", "totals with cases" if observed.aggregated else "single cases",
            intake.cases, observed.total_cases, intake.cost, observed.total_cost,
            sum(intake.excluded_rows.values()), "; ".join(left_out),
        ))  # fmt: skip

    def of_cases(
        self, step: str, method: str, before: Observations, after: Observations, changed: int,
        note: str = "",
    ) -> None:  # fmt: skip
        """A step that worked on cases."""
        self.steps.append(Step(step, method, before.total_cases, after.total_cases,
                               before.total_cost, after.total_cost, changed, note))  # fmt: skip

    def of_groups(
        self, step: str, method: str, before: Floats, after: Floats, cases: Floats, scale: float,
        note: str = "",
    ) -> None:  # fmt: skip
        """A step that worked on groups; ``scale`` is the yuan of one unit of level."""
        had, has = np.isfinite(before), np.isfinite(after)
        self.steps.append(Step(
            step, method, float(cases[had].sum()), float(cases[has].sum()),
            float((cases * before)[had].sum()) * scale, float((cases * after)[has].sum()) * scale,
            int(((had != has) | moved(after, before)).sum()), note,
        ))  # fmt: skip


def named(groups: tuple[str, ...], which: Any, most: int = 12, *, zh: bool = False) -> str:
    """Codes of the groups marked, cut to ``most``."""
    codes = [groups[i] for i in np.flatnonzero(which)]
    left = len(codes) - most
    more = "" if left <= 0 else f" 等，另有 {left:,} 个" if zh else f" and {left:,} more"
    return ", ".join(codes[:most]) + more
