"""The same cases under two schemes (两方案分组): what moves from which group to which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from drg.cases.cells import Cells
from drg.cases.opening import open_cases
from drg.errors import problem
from drg.language import say
from drg.persons import masked
from drg.tables import batches
from drg.tables.arrays import values

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Both:
    """Cases grouped under two schemes, in the order of the file.

    Attributes:
        old: group of each case under the old scheme, as a place in ``old_groups``. Shape (N,).
        new: group under the new scheme, as a place in ``new_groups``. Shape (N,).
        hospital: place in ``hospitals``. Shape (N,).
        cost: total cost in fen, 0 where it cannot be read. Shape (N,).
        old_groups: codes of the old scheme that occur.
        new_groups: codes of the new scheme that occur.
        hospitals: ids of hospitals; one ``""`` when the file has none.
        unread: cases whose cost is blank or cannot be read.
    """

    old: Ints
    new: Ints
    hospital: Ints
    cost: Ints
    old_groups: tuple[str, ...]
    new_groups: tuple[str, ...]
    hospitals: tuple[str, ...]
    unread: int

    def __len__(self) -> int:
        return len(self.old)

    @cached_property
    def place(self) -> Ints:
        """Cell of each case: hospital, old group, new group packed into one number. Shape (N,)."""
        wide = self.hospital * len(self.old_groups) + self.old
        return wide * len(self.new_groups) + self.new

    def sums(self, **amounts: Ints) -> pd.DataFrame:
        """Sums by hospital, old and new group: ``hospital_id, drg_old, drg_new, cases`` and more.

        Args:
            **amounts: amounts of each case in fen, by the name of their column. Shapes (N,).

        Returns:
            One row a cell with cases, by hospital, old and new group; amounts in whole fen.
        """
        cells, inverse, cases = np.unique(self.place, return_inverse=True, return_counts=True)
        wide, new = np.divmod(cells, len(self.new_groups))
        hospital, old = np.divmod(wide, len(self.old_groups))
        columns: dict[str, Any] = {
            "hospital_id": np.array(self.hospitals, object)[hospital],
            "drg_old": np.array(self.old_groups, object)[old],
            "drg_new": np.array(self.new_groups, object)[new],
            "cases": cases,
        }
        for name, amount in amounts.items():
            columns[name] = np.zeros(len(cells), np.int64)
            np.add.at(columns[name], inverse.reshape(-1), amount)
        frame = pd.DataFrame(columns)
        return frame.sort_values(["hospital_id", "drg_old", "drg_new"], ignore_index=True)


def pairs_of(moves: pd.DataFrame) -> pd.DataFrame:
    """Sums by hospital, old and new group without the hospitals."""
    numbers = [name for name in moves if name not in ("hospital_id", "drg_old", "drg_new")]
    return moves.groupby(["drg_old", "drg_new"], sort=True, as_index=False)[numbers].sum()


def read_both(old: Path, new: Path, mapping: Path | None = None) -> Both:
    """Read two grouped files of the same cases.

    Raises:
        DrgError: they cannot be read, or do not have the same rows.
    """
    drg, hospitals, cost, unread = _read(old, mapping, True)
    other, _, _, _ = _read(new, mapping, False)
    if len(drg[0]) != len(other[0]):
        raise problem(say("行数与另一文件不同", "has not as many rows as the other"), file=new,
                      found=len(other[0]), expected=str(len(drg[0])))  # fmt: skip
    shown = tuple(map(masked, hospitals[1]))
    return Both(drg[0], other[0], hospitals[0], cost, drg[1], other[1], shown, unread)


Coded = tuple[Ints, tuple[str, ...]]


def _read(path: Path, mapping: Path | None, whole: bool) -> tuple[Coded, Coded, Ints, int]:
    texts: dict[str, list[pa.Array]] = {"drg": [], "hospital_id": []}
    costs: list[Ints] = []
    unread = 0
    with open_cases(path, mapping=mapping, needed=("drg",)) as table:
        columns = table.columns
        wanted = ("drg", "hospital_id", "total_cost") if whole else ("drg",)
        named = {name: columns.column(name) for name in wanted}
        table.only([name for name in named.values() if name is not None])
        for batch in batches(table):
            cells = Cells(batch.table, columns)
            for name, held in texts.items():
                if named.get(name) is not None:
                    held.append(cells.text(name).cast(pa.string()))
            if named.get("total_cost") is not None:
                fen, blank, bad = cells.amount("total_cost")
                unread += int((blank | bad).sum())
                costs.append(np.maximum(fen, 0))
    drg = _coded(texts["drg"], 0)
    rows = len(drg[0])
    return (
        drg, _coded(texts["hospital_id"], rows),
        np.concatenate(costs) if costs else np.zeros(rows, np.int64), unread,
    )  # fmt: skip


def _coded(parts: list[pa.Array], rows: int) -> Coded:
    if not parts:
        return np.zeros(rows, np.int64), ("",)
    column = pa.chunked_array(parts, pa.string()).combine_chunks()
    coded = column.fill_null("").dictionary_encode()
    return values(coded.indices).astype(np.int64), tuple(coded.dictionary.to_pylist())
