"""Findings added up by hospital and month, and those that only the whole file can show.

Of each row its cell (hospital and month) and its penalty are kept, 5 bytes together, and in scratch
files three keys and its dates.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.cases.keys import Keys, repeated
from drg.tables.arrays import blocks
from grouper.quality.by_key import ByKey, Records
from grouper.quality.checks import Checked
from grouper.quality.rules import MAIN_YEAR_SHARE, PLACE, RULES

Counts = npt.NDArray[np.int64]
_MONTHS = 12 * 10_000
_PENALTIES = np.array([rule.penalty for rule in RULES], np.uint8)


@dataclass(frozen=True)
class Cells:
    """Counts by cell, a cell being a hospital in a month.

    Attributes:
        hospital: position of the hospital. Shape (C,).
        month: month of discharge, -1 when unknown. Shape (C,).
        cases: cases. Shape (C,).
        flagged: cases with any finding. Shape (C,).
        penalty: sum of the penalties of the cases, in hundredths of a case. Shape (C,).
        counts: cases with each finding. Shape (C, rules).
    """

    hospital: Counts
    month: Counts
    cases: Counts
    flagged: Counts
    penalty: Counts
    counts: Counts


@dataclass(frozen=True)
class BatchTally:
    """One batch, added up: the worker's share of the work."""

    hospitals: list[str]
    months: list[int]
    counts: Counts
    cell: npt.NDArray[np.int32]
    penalty: npt.NDArray[np.uint8]
    case_key: Keys
    record_key: Keys
    person_key: Keys
    stay: npt.NDArray[np.int32]
    no_mdc: dict[int, int]
    grey: dict[tuple[int, str], int]


def add_up(checked: Checked) -> BatchTally:
    """Add up the findings of a batch by hospital and month."""
    rows = len(checked.month)
    keys = checked.hospital * _MONTHS + (checked.month + 1)
    cells, cell = np.unique(keys, return_inverse=True)
    cell = cell.reshape(-1)
    counts = np.zeros((len(cells), len(RULES)), np.int64)
    penalty = np.zeros(rows, np.uint8)
    for place, found in checked.found.items():
        counts[:, place] = np.bincount(cell[found], minlength=len(cells))
        penalty[found] = np.maximum(penalty[found], _PENALTIES[place])
    return BatchTally(
        [checked.hospitals[key // _MONTHS] for key in cells.tolist()],
        [key % _MONTHS - 1 for key in cells.tolist()],
        counts, cell.astype(np.int32), penalty, checked.case_key, checked.record_key,
        checked.person_key, checked.stay, checked.no_mdc, checked.grey,
    )  # fmt: skip


class Tally:
    """The whole file; batches are added in order.

    Args:
        scratch: a folder for what does not fit into memory.
    """

    def __init__(self, scratch: Path) -> None:
        self.hospitals: dict[str, int] = {}
        self.no_mdc: Counter[int] = Counter()
        self.grey: Counter[tuple[int, str]] = Counter()
        self.main_years: tuple[int, ...] = ()
        self._cells: dict[tuple[int, int], int] = {}
        self._counts: list[Counts] = []
        self._cell: list[npt.NDArray[np.int32]] = []
        self._penalty: list[npt.NDArray[np.uint8]] = []
        self._rows = 0
        self._cases, self._records = ByKey(scratch / "case"), ByKey(scratch / "record")
        self._persons = ByKey(scratch / "person", began="<i4", ended="<i4", died="<i4")

    def add(self, batch: BatchTally) -> None:
        """Add a batch."""
        places = np.empty(len(batch.months), np.int32)
        for i, (hospital, month) in enumerate(zip(batch.hospitals, batch.months, strict=True)):
            key = self.hospitals.setdefault(hospital, len(self.hospitals)), month
            place = self._cells.setdefault(key, len(self._cells))
            if place == len(self._counts):
                self._counts.append(np.zeros(len(RULES), np.int64))
            self._counts[place] += batch.counts[i]
            places[i] = place
        self._cell.append(places[batch.cell] if batch.cell.size else batch.cell)
        self._penalty.append(batch.penalty)
        self._cases.add(batch.case_key, self._rows)
        self._records.add(batch.record_key, self._rows)
        began, ended, died = batch.stay.T
        self._persons.add(batch.person_key, self._rows, began=began, ended=ended, died=died)
        self._rows += len(batch.penalty)
        self.no_mdc.update(batch.no_mdc)
        self.grey.update(batch.grey)

    def finish(self, checked: list[bool]) -> Cells:
        """Find what only all rows together show, and give the sums.

        Args:
            checked: which rules apply to the file.
        """
        cell = np.concatenate([*self._cell, np.empty(0, np.int32)])
        penalty = np.concatenate([*self._penalty, np.empty(0, np.uint8)])
        self._cell.clear()
        self._penalty.clear()
        size = len(self._cells)
        keys = np.array(list(self._cells), np.int64).reshape(-1, 2)
        counts = np.array(self._counts, np.int64).reshape(-1, len(RULES))
        cases = _counted(cell, size)
        strange = self._strange_months(keys[:, 1], cases)
        again = _repeated(self._records)
        stays = [_of_persons(part) for part in self._persons.parts()]
        overlapping, after_death = (
            np.sort(np.concatenate(found)) for found in zip(*stays, strict=True)
        )
        late = (
            ("outside_main_years", _rows_of(strange, cell)),
            ("duplicate_case_id", _repeated(self._cases)),
            ("duplicate_record", again),
            ("overlapping_stays", np.setdiff1d(overlapping, again)),
            ("stay_after_death", after_death),
        )
        for code, rows in late:
            place = PLACE[code]
            if checked[place] and rows.size:
                counts[:, place] = _counted(cell[rows], size)
                penalty[rows] = np.maximum(penalty[rows], _PENALTIES[place])
        return Cells(
            keys[:, 0], keys[:, 1], cases,
            _counted(cell, size, penalty > 0), _counted(cell, size, penalty), counts,
        )  # fmt: skip

    def _strange_months(self, month: Counts, cases: Counts) -> npt.NDArray[np.bool_]:
        """Cells whose year has few of the file's discharges; notes the main years."""
        dated = month >= 0
        year = month // 12
        by_year: Counter[int] = Counter()
        for one, count in zip(year[dated].tolist(), cases[dated].tolist(), strict=True):
            by_year[one] += count
        least = MAIN_YEAR_SHARE * sum(by_year.values())
        self.main_years = tuple(sorted(y for y, count in by_year.items() if count >= least))
        return dated & ~np.isin(year, self.main_years)


def _of_persons(stays: Records) -> tuple[Counts, Counts]:
    """Rows admitted before an earlier stay of the person ended, and after the person's death.

    A day on which one stay ends and the next begins is no overlap.
    """
    stays = stays[np.lexsort((stays["ended"], stays["began"], stays["key"]))]
    keys, rows = stays["key"], stays["row"]
    began, ended = stays["began"].astype(np.int64), stays["ended"].astype(np.int64)
    if not len(stays):
        return rows, rows
    new = np.append(True, keys[1:] != keys[:-1])
    person = np.cumsum(new, dtype=np.int64) << 33
    never = (1 << 32) - 1
    last = np.maximum.accumulate(person + ended + (1 << 31))
    death = person + np.where(stays["died"] == 1, never - (ended + (1 << 31)), 0)
    first = never - (np.maximum.accumulate(death) - person)  # day of the earliest death
    at = began + (1 << 31)
    overlaps = ~new & (np.append(0, last[:-1]) - person > at)
    dead = ~new & (np.append(never, first[:-1]) < at)
    return rows[overlaps], rows[dead]


def _counted(
    cell: npt.NDArray[np.int32], size: int, weights: npt.NDArray[Any] | None = None
) -> Counts:
    """Rows, or the sum of whole weights, by cell; some rows at a time, so that little is held."""
    total = np.zeros(size, np.int64)
    for part in blocks(len(cell)):
        own = None if weights is None else weights[part]
        total += np.bincount(cell[part], own, size).astype(np.int64)
    return total


def _rows_of(wanted: npt.NDArray[np.bool_], cell: npt.NDArray[np.int32]) -> Counts:
    """Rows in the cells that are wanted."""
    found = [np.flatnonzero(wanted[cell[part]]) + part.start for part in blocks(len(cell))]
    return np.concatenate([*found, np.empty(0, np.int64)])


def _repeated(keys: ByKey) -> Counts:
    found = [part["row"][repeated(part["key"])] for part in keys.parts()]
    return np.sort(np.concatenate(found))
