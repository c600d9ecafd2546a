"""Migration between schemes (方案切换): which cases and how much cost move to which group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases.cells import Cells
from drg.cases.opening import open_cases
from drg.cases.outcomes import UNGROUPED_DRG
from drg.tables import Batch
from drg.tables import run as run_batches
from grouper.codes.editions import INSURANCE
from grouper.engine.grouper import Grouper, workers


@dataclass
class Migration:
    """What moves when a region changes from one scheme to another.

    Attributes:
        old: id of the scheme before.
        new: id of the scheme after.
        cases: (group before, group after) -> cases.
        cost: (group before, group after) -> total cost in fen; empty when the file has none.
        has_cost: the file has a column of total cost.
    """

    old: str
    new: str
    cases: dict[tuple[str, str], int] = field(default_factory=dict)
    cost: dict[tuple[str, str], int] = field(default_factory=dict)
    has_cost: bool = False

    def table(self) -> pa.Table:
        """The migration table: one row a pair of groups, the largest first.

        Columns: ``drg_old, drg_new, moved, cases, share_of_old, total_cost`` (yuan).
        """
        pairs = sorted(self.cases, key=lambda pair: (-self.cases[pair], pair))
        whole: dict[str, int] = {}
        for (old, _), count in self.cases.items():
            whole[old] = whole.get(old, 0) + count
        return pa.table(
            {
                "drg_old": [old for old, _ in pairs],
                "drg_new": [new for _, new in pairs],
                "moved": ["yes" if old != new else "" for old, new in pairs],
                "cases": [self.cases[pair] for pair in pairs],
                "share_of_old": [round(self.cases[p] / whole[p[0]], 4) for p in pairs],
                "total_cost": [
                    self.cost.get(pair, 0) / 100 if self.has_cost else None for pair in pairs
                ],
            }
        )

    @property
    def total(self) -> int:
        """All cases."""
        return sum(self.cases.values())

    @property
    def moved(self) -> int:
        """Cases whose group has another code."""
        return sum(count for (old, new), count in self.cases.items() if old != new)


def migrate_file(
    source: str | PathLike[str],
    old: str | PathLike[str],
    new: str | PathLike[str],
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    codes: str = INSURANCE,
    progress: Callable[[int, int | None], None] | None = None,
) -> Migration:
    """Group a discharge file by two schemes and count what moves.

    Args:
        source: CSV, Excel or Parquet file.
        old: scheme before.
        new: scheme after.
        mapping: mapping file for headers that are not known.
        sheet: sheet of a workbook.
        codes: edition of the file's codes, ``insurance`` or ``clinical``.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: the file or a scheme cannot be used.
    """
    before, after = Grouper(old, codes), Grouper(new, codes)
    found = Migration(before.compiled.header.id, after.compiled.header.id)
    with open_cases(source, mapping=mapping, sheet=sheet, needed=("diagnoses",)) as table:
        columns = table.columns
        cost_column = columns.column("total_cost")
        found.has_cost = cost_column is not None
        names = tuple(
            [*(drg.code for drg in g.compiled.drgs), UNGROUPED_DRG] for g in (before, after)
        )

        def work(batch: Batch) -> tuple[pa.RecordBatch, tuple[npt.NDArray[np.int64], ...]]:
            places = [
                np.where(part < 0, len(codes) - 1, part)
                for part, codes in zip(
                    (g.group_batch(batch.table, columns).drg for g in (before, after)),
                    names, strict=True,
                )
            ]  # fmt: skip
            pair = places[0].astype(np.int64) * len(names[1]) + places[1]
            fen = np.zeros(len(pair), np.int64)
            if cost_column is not None:
                fen, _, _ = Cells(batch.table, columns).amount("total_cost")
            distinct, inverse = np.unique(pair, return_inverse=True)
            sums = np.zeros(len(distinct), np.int64)
            np.add.at(sums, inverse, fen)
            return batch.table, (distinct, np.bincount(inverse, minlength=len(distinct)), sums)

        def add(result: tuple[npt.NDArray[np.int64], ...], _: int) -> None:
            for place, count, cost in zip(*(part.tolist() for part in result), strict=True):
                pair = (names[0][place // len(names[1])], names[1][place % len(names[1])])
                found.cases[pair] = found.cases.get(pair, 0) + count
                found.cost[pair] = found.cost.get(pair, 0) + cost

        advance = None if progress is None else lambda units: progress(units, table.total)
        run_batches(table, work, None, workers=workers(), progress=advance, on_result=add)
    return found
