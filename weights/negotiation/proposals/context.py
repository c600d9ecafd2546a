"""What proposals are judged against (申请核对依据): draft, hospitals, cases, corridor."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.amounts import read_yuan
from drg.cases.texts import as_text
from drg.errors import problem
from drg.language import say
from weights.cases.observations import Floats
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.proposals.words import plain
from weights.table import WeightTable
from weights.trim import NoTrim, Trim

if TYPE_CHECKING:
    import pandas as pd

TEXTS = ("hospital_id", "insurance", "case_id")


def code_of(text: str, codes: Collection[str]) -> str | None:
    """The code that a text means, whatever its letters' case and its zeros in front."""
    if not text or text in codes:
        return text or None
    wanted = plain(text).casefold().replace(" ", "")
    folded = [(code, plain(code).casefold()) for code in codes]
    for zeros in ("", "0"):
        same = [code for code, one in folded if one.lstrip(zeros) == wanted.lstrip(zeros)]
        if len(same) == 1:
            return same[0]
    return None


def hospital_of(text: str, names: Mapping[str, str]) -> str | None:
    """The id that a text means: an id, also without the zeros Excel drops, or a name.

    Args:
        text: what somebody wrote.
        names: hospital id -> name.
    """
    found = code_of(text, names)
    if found is None and plain(text):
        named = [key for key, name in names.items() if name and plain(name) == plain(text)]
        found = named[0] if len(named) == 1 else None
    return found


@dataclass(frozen=True)
class GroupCases:
    """The cases of one group that have a cost above 0.

    Attributes:
        cost: total cost (住院总费用) in yuan. Shape (N,).
        stay: length of stay (住院天数) in days, NaN where unknown; None without the column.
        texts: ``hospital_id``, ``insurance`` and ``case_id`` as far as there are such columns,
            each of shape (N,).
    """

    cost: Floats
    stay: Floats | None
    texts: Mapping[str, npt.NDArray[np.object_]]

    def __len__(self) -> int:
        return len(self.cost)


@dataclass(frozen=True, eq=False)
class Context:
    """What a proposal is judged against.

    Attributes:
        weights: the draft table (权重草案).
        hospitals: hospital id -> name; ids alone will do.
        cases: one row a case, with ``drg``, ``total_cost`` and, where a proposal asks for them,
            ``hospital_id``, ``insurance``, ``length_of_stay`` and ``case_id``. Only proposals of
            kind trim and exclude need it.
        corridor_fall: largest fall of a weight against the draft, as a share.
        corridor_rise: largest rise, likewise.
        least_cases: fewest cases on which a group's mean cost may stand.
        trim: the trimming with which the draft was fitted; what a re-estimate is held against.
        earlier: proposals that stand; nobody may ask twice for one group.
        taken: ``(group,)`` or ``(party, hospital, group)`` -> the proposal that a panel has for it.
        frozen: groups whose weight may not change (冻结病组).
        first: number of the next proposal; by default the one after the highest of ``earlier``.
    """

    weights: WeightTable
    hospitals: Mapping[str, str] | Collection[str]
    cases: pa.Table | pd.DataFrame | None = None
    corridor_fall: float = 0.2
    corridor_rise: float = 0.2
    least_cases: int = 5
    trim: Trim = field(default_factory=NoTrim)
    earlier: tuple[Proposal, ...] = ()
    taken: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    first: int | None = None

    @cached_property
    def draft(self) -> dict[str, float]:
        """Draft weights by group."""
        return self.weights.by_group()

    @cached_property
    def hospital_names(self) -> dict[str, str]:
        """Names of hospitals by id, "" where none is known."""
        if isinstance(self.hospitals, Mapping):
            return {str(key): str(name) for key, name in self.hospitals.items()}
        return {str(key): "" for key in self.hospitals}

    @cached_property
    def number(self) -> int:
        """The number of the next proposal."""
        if self.first is not None:
            return self.first
        numbers = [int(one.id[1:]) for one in self.earlier if one.id[1:].isdecimal()]
        return max(numbers, default=0) + 1

    @cached_property
    def _table(self) -> pa.Table | None:
        if self.cases is None or isinstance(self.cases, pa.Table):
            table = self.cases
        else:
            table = pa.Table.from_pandas(self.cases, preserve_index=False)
        for name in ("drg", "total_cost"):
            if table is not None and name not in table.column_names:
                raise problem(say("病例数据没有此列", "no such column in the cases"), key=name,
                              found=", ".join(table.column_names))  # fmt: skip
        return table

    def group_cases(self, drg: str) -> GroupCases | None:
        """The cases of a group; None when there are no cases at all to look at.

        Raises:
            DrgError: the cases have no column of groups or of costs.
        """
        if self._table is None:
            return None
        groups = self._table.column("drg")
        if not pa.types.is_dictionary(groups.type):
            groups = pa.chunked_array([as_text(chunk) for chunk in groups.chunks], pa.string())
        mine = self._table.filter(pc.fill_null(pc.equal(groups, drg), False))
        cost = _floats(mine, "total_cost")
        known = np.isfinite(cost) & (cost > 0)
        stay = _floats(mine, "length_of_stay")[known] if _has(mine, "length_of_stay") else None
        texts = {name: _texts(mine, name)[known] for name in TEXTS if _has(mine, name)}
        return GroupCases(cost[known], stay, texts)

    def figures(self) -> dict[str, dict[str, float | None]]:
        """Cases, mean cost in yuan and CV (``cases, mean_cost, cv``) by group, from the cases."""
        if self._table is None:
            return {}
        cost = pa.array(_floats(self._table, "total_cost"))
        table = pa.table({"drg": self._table.column("drg").cast(pa.string()), "cost": cost})
        table = table.filter(pc.and_(pc.is_finite(cost), pc.greater(cost, 0)))
        spread = pc.VarianceOptions(ddof=1)
        sums = table.group_by("drg").aggregate(
            [("cost", "count"), ("cost", "mean"), ("cost", "stddev", spread)]
        )
        return {
            one["drg"]: {
                "cases": float(one["cost_count"]), "mean_cost": one["cost_mean"],
                "cv": one["cost_stddev"] / one["cost_mean"] if one["cost_count"] > 1 else None,
            }
            for one in sums.to_pylist()
        }  # fmt: skip


def _has(table: pa.Table, name: str) -> bool:
    return name in table.column_names


def _floats(table: pa.Table, name: str) -> Floats:
    """A column as numbers, NaN where a cell says none that can be read. Shape (N,)."""
    found = [read_yuan(chunk)[0] for chunk in table.column(name).chunks]
    return np.concatenate([np.zeros(0), *found])


def _texts(table: pa.Table, name: str) -> npt.NDArray[np.object_]:
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    cells: list[Any] = [cell for chunk in column.chunks for cell in as_text(chunk).to_pylist()]
    return np.array([(cell or "").strip() for cell in cells], object)
