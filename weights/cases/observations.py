"""What weights are fitted from: group, hospital and cost of each case, all accounted for.

A row of the input may stand for one case, or, with the column ``cases``, for several of the same
mean cost (totals by hospital and group).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

COMPONENTS = (
    "cost_medical", "cost_nursing", "cost_technology", "cost_drug_material", "cost_management",
)  # fmt: skip
GROUPED = "grouped"

# Reasons for which a row is not used, in the order in which they are looked for. The first kind
# is the data's fault and goes to the reject file; the second is how the grouper left the case.
FAULTS: dict[str, str] = {
    "malformed_row": "a row with as many fields as the header 行格式错误",
    "missing_group": "a group 缺少病组",
    "total_row": "a group, not a total 合计行",
    "missing_hospital": "a hospital 缺少医疗机构",
    "unreadable_cost": "a cost in yuan 费用无法识别",
    "missing_cost": "a cost in yuan 缺少费用",
    "negative_cost": "a cost above 0 费用为负",
    "zero_cost": "a cost above 0 费用为零",
    "bad_cases": "a number of cases above 0 例数无效",
    "missing_date": "a date of discharge 缺少出院日期或无法识别",
}
UNGROUPED = "ungrouped"
REASONS = {name: why.rpartition(" ")[2] for name, why in FAULTS.items()} | {UNGROUPED: "未入组"}


@dataclass
class Intake:
    """What came in and what was not used (入口核对): rows, cases and yuan by reason.

    ``first`` is the number by which a user knows the first row.
    """

    rows: int = 0
    cases: float = 0.0
    cost: float = 0.0
    excluded_rows: dict[str, int] = field(default_factory=dict)
    assumed: str = ""
    excluded_cost: dict[str, float] = field(default_factory=dict)
    first: int = 1

    @property
    def faulty(self) -> int:
        """Rows that are not used for a fault of the data; the others were not grouped."""
        return sum(self.excluded_rows.get(reason, 0) for reason in FAULTS)

    def exclude(self, reason: str, rows: int, cost: float) -> None:
        """Count rows that are not used."""
        self.excluded_rows[reason] = self.excluded_rows.get(reason, 0) + rows
        self.excluded_cost[reason] = self.excluded_cost.get(reason, 0.0) + cost


@dataclass(frozen=True)
class Observations:
    """Cases with a group and a cost, one entry a row used.

    Attributes:
        drg: place of the group in ``groups``. Shape (N,).
        hospital: place of the hospital in ``hospitals``; zeros where none is known. Shape (N,).
        cost: mean cost of the row's cases in yuan, above 0. Shape (N,).
        cases: how many cases a row stands for; None when each is one.
        stay: length of stay in days, NaN where unknown; None without the column.
        year: year of discharge, -1 where unknown; None when it was not asked for.
        components: cost by component in yuan, (N, 5) in the order of ``COMPONENTS``, or None.
        row: place of the row in the input, from 0; None unless it was asked for.
        groups: group codes, any text, sorted.
        adrgs: ADRG of each group, "" where the input does not say.
        hospitals: hospital ids, sorted; empty without the column.
        intake: what came in and what was not used.
    """

    drg: Ints
    hospital: Ints
    cost: Floats
    cases: Floats | None
    stay: Floats | None
    year: Ints | None
    components: Floats | None
    row: npt.NDArray[np.int64] | None
    groups: tuple[str, ...]
    adrgs: tuple[str, ...]
    hospitals: tuple[str, ...]
    intake: Intake

    def __len__(self) -> int:
        return len(self.drg)

    @property
    def aggregated(self) -> bool:
        """Rows stand for several cases, so the spread inside a group is not known."""
        return self.cases is not None

    @property
    def total_cases(self) -> float:
        """Cases used (病例数)."""
        return float(len(self)) if self.cases is None else float(self.cases.sum())

    @property
    def total_cost(self) -> float:
        """Cost of the cases used in yuan (总费用)."""
        if self.cases is None:
            return float(self.cost.sum())
        return float(np.dot(self.cost, self.cases))

    def with_groups(self, wanted: Iterable[str]) -> Observations:
        """The same, with groups at the end that have no case but must be accounted for."""
        more = sorted(set(wanted) - set(self.groups))
        return replace(self, groups=(*self.groups, *more), adrgs=(*self.adrgs, *[""] * len(more)))

    def select(self, keep: Bools) -> Observations:
        """The observations where ``keep`` holds; groups and hospitals stay the same."""
        if keep.all():
            return self
        parts = ("drg", "hospital", "cost", "cases", "stay", "year", "components", "row")
        rows = np.flatnonzero(keep)
        taken: dict[str, Any] = {
            name: None if (held := getattr(self, name)) is None else held.take(rows, axis=0)
            for name in parts
        }
        return replace(self, **taken)
