"""The look at a file before a stage runs on it: what it finds, what it cannot read, what it loses.

Cells are read by the reader of the stages (:class:`~drg.cases.cells.Cells`), so a cell that is
unreadable here is unreadable there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from budget.cases.claims import asked_by
from budget.policy.document import Policy
from drg.cases import CaseColumns
from drg.cases.blanks import BLANKS
from drg.cases.cells import AMOUNTS, DATES, Cells, can_read
from drg.cases.choices import FLAGS
from drg.cases.columns import LIST_COLUMNS
from drg.cases.dates import months_of
from drg.cases.keys import Keys, repeated, text_keys
from drg.cases.opening import open_cases
from drg.cases.outcomes import is_ungrouped
from drg.cases.texts import text_list
from drg.cases.unread import MOST
from drg.cases.values import NUMBERS, Mask, read_text
from drg.errors import one_of, problem
from drg.language import say
from drg.tables import Batch
from drg.tables import run as run_batches
from drg.tables.arrays import integers
from grouper.codes.editions import INSURANCE
from grouper.engine.grouper import Grouper, faulty, workers
from grouper.engine.reasons import STATUSES, UNGROUPED
from grouper.scheme.name import DEFAULT, Named

STAGES = ("settle", "weights", "group")
NEEDED, USED, BESIDE = "needed", "used", "beside"
# without a value the case is lost; a value is used; it is of use where it is there
_PARTS: Mapping[str, Mapping[str, str]] = {
    "group": {
        "diagnoses": NEEDED, "procedures": USED, "sex": USED, "age": USED, "age_days": BESIDE,
        "birth_weight": BESIDE, "admission_weight": BESIDE, "case_id": BESIDE,
    },
    "weights": {
        "drg": NEEDED, "total_cost": NEEDED, "hospital_id": USED, "length_of_stay": BESIDE,
        "discharge_date": BESIDE, "cases": BESIDE, "case_id": BESIDE,
    },
    "settle": {
        "drg": NEEDED, "hospital_id": NEEDED, "insurance": NEEDED, "discharge_date": NEEDED,
        "total_cost": NEEDED, "fund_paid": BESIDE, "other_paid": BESIDE,
        "patient_out_of_scope": BESIDE, "patient_deductible": BESIDE, "patient_copay": BESIDE,
        "patient_total": BESIDE,
        "length_of_stay": BESIDE, "discharge_mode": BESIDE, "age": BESIDE, "tcm_share": BESIDE,
        "population": BESIDE, "special_review": BESIDE, "day_surgery": BESIDE, "day_bed": BESIDE,
        "patient_id": BESIDE, "admission_date": BESIDE, "case_id": BESIDE,
    },
}  # fmt: skip


@dataclass
class Part:
    """One part of the case as the file has it.

    Attributes:
        part: its canonical name.
        need: ``needed``, ``used`` or ``beside``.
        columns: the file's columns, none when there is none.
        found: whether it can be read, from its own columns or from others that say the same.
        filled: cases with a value that can be read.
        blank: cases without one.
        unreadable: cases whose value cannot be read.
        lost: cases that the stage loses by it, each counted at the first part that loses it.
        lost_fen: their total cost in fen.
    """

    part: str
    need: str
    columns: tuple[str, ...] = ()
    found: bool = False
    filled: int = 0
    blank: int = 0
    unreadable: int = 0
    lost: int = 0
    lost_fen: int = 0


@dataclass
class Look:
    """What a look at a file found.

    Attributes:
        stage: ``settle``, ``weights`` or ``group``.
        file: name of the file.
        parts: part by part.
        cases: cases.
        fen: their total cost.
        lost: cases that the stage loses.
        lost_fen: their total cost.
        twice: cases whose id stood before.
        resembling: columns that are not read but look like a part.
        policy: id of the policy, "" without one.
        states: of ``group``: cases by status.
        year: of ``settle``: the year of most discharges, to which the others do not belong.
    """

    stage: str
    file: str
    parts: list[Part]
    cases: int = 0
    fen: int = 0
    lost: int = 0
    lost_fen: int = 0
    twice: int = 0
    resembling: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""
    states: dict[str, int] = field(default_factory=dict)
    year: int | None = None

    @property
    def missing(self) -> list[str]:
        """Parts without which the stage does not run or does not do what the policy asks."""
        return [one.part for one in self.parts if one.need in (NEEDED, USED) and not one.found]

    @property
    def refused(self) -> list[str]:
        """Parts of which more is unreadable than the stage takes without being told."""
        return [
            one.part
            for one in self.parts
            if _counts(self.stage, one.part, one.need) and one.unreadable > MOST * self.cases
        ]

    @property
    def ready(self) -> bool:
        """Whether the stage can run on it and loses no more than a hundredth of the cases."""
        stopped = [one.part for one in self.parts if one.need == NEEDED and not one.found]
        return bool(self.cases) and not stopped and not self.refused and (
            self.lost <= MOST * self.cases
        )  # fmt: skip


def _counts(stage: str, part: str, need: str) -> bool:
    """Whether a case is lost whose value cannot be read."""
    return need in (NEEDED, USED) or (stage == "settle" and part in AMOUNTS)


def look(
    source: str | PathLike[str],
    stage: str,
    *,
    policy: Policy | None = None,
    hospitals: Collection[str] | None = None,
    scheme: Named = DEFAULT,
    codes: str = INSURANCE,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Look:
    """Look at a file before a stage runs on it.

    Args:
        source: CSV, Excel or Parquet file.
        stage: ``settle``, ``weights`` or ``group``.
        policy: of ``settle``: what its rules ask for is used, not only beside.
        hospitals: of ``settle``: ids of the table of hospitals; others cannot be settled.
        scheme: of ``group``.
        codes: edition of the file's codes.
        mapping: mapping file for headers and values that are not known.
        sheet: sheet of a workbook.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: there is no such stage, or the file cannot be read.
    """
    if stage not in STAGES:
        raise problem(say("没有这个环节", "no such stage"), key="--for", found=stage,
                      expected=one_of(STAGES))  # fmt: skip
    source = Path(source)
    with open_cases(source, mapping=mapping, sheet=sheet) as table:
        columns = table.columns
        needs = dict(_PARTS[stage])
        if policy is not None and stage == "settle":
            needs |= dict.fromkeys(_asked(policy), USED)
        parts = [
            Part(one, need, columns.columns(one), one in columns or can_read(columns, one))
            for one, need in needs.items()
        ]
        found = Look(stage, source.name, parts, resembling=dict(columns.resembling),
                     policy=policy.id if policy is not None else "")  # fmt: skip
        grouped = stage == "group" and "diagnoses" in columns
        work = _Work(columns, parts, stage, hospitals,
                     Grouper(scheme, codes) if grouped else None)  # fmt: skip
        keys: list[Keys] = []
        years: dict[int, list[int]] = {}

        def note(counts: _Counts, _first_row: int) -> None:
            counts.into(found)
            keys.append(counts.keys)
            for year, cases, fen in counts.years:
                held = years.setdefault(year, [0, 0])
                held[0] += cases
                held[1] += fen

        run_batches(table, work, None, workers=workers(), on_result=note,
                    progress=None if progress is None else lambda n: progress(n, table.total),
                    )  # fmt: skip
    if keys:
        found.twice = len(repeated(np.concatenate(keys)))
    if years and stage == "settle":
        found.year = max(years, key=lambda year: (years[year][0], year))
        dated = next(one for one in parts if one.part == "discharge_date")
        for year, (cases, fen) in years.items():
            if year != found.year:
                dated.lost += cases
                dated.lost_fen += fen
                found.lost += cases
                found.lost_fen += fen
    return found


def _asked(policy: Policy) -> list[str]:
    """Parts that rules of the policy ask for."""
    special, keys = policy.special, [leaf.key for leaf in policy.leaves()]
    found = list(asked_by(policy))
    if special.readmission or special.caseload or special.new_technology:
        found += ["patient_id", "admission_date"]
    if any(key.endswith(".population") for key in keys):
        found.append("population")
    return found


@dataclass
class _Counts:
    """One batch, counted."""

    cases: int
    fen: int
    parts: npt.NDArray[np.int64]
    lost: int
    lost_fen: int
    states: npt.NDArray[np.int64]
    keys: Keys
    years: list[tuple[int, int, int]]

    def into(self, found: Look) -> None:
        found.cases += self.cases
        found.fen += self.fen
        found.lost += self.lost
        found.lost_fen += self.lost_fen
        for one, row in zip(found.parts, self.parts.tolist(), strict=True):
            one.filled += row[0]
            one.blank += row[1]
            one.unreadable += row[2]
            one.lost += row[3]
            one.lost_fen += row[4]
        for name, count in zip(STATUSES, self.states.tolist(), strict=True):
            if count:
                found.states[name] = found.states.get(name, 0) + count


class _Work:
    """Counts one batch; safe to use from several threads."""

    def __init__(
        self, columns: CaseColumns, parts: Sequence[Part], stage: str,
        hospitals: Collection[str] | None, grouper: Grouper | None,
    ) -> None:  # fmt: skip
        self._hospitals = None if hospitals is None else frozenset(hospitals)
        self._columns, self._grouper, self._stage = columns, grouper, stage
        self._parts = [(one.part, one.need, one.found) for one in parts]

    def __call__(self, batch: Batch) -> tuple[pa.RecordBatch, _Counts]:
        table, rows = batch.table, batch.table.num_rows
        cells = Cells(table, self._columns)
        broken = np.zeros(rows, np.bool_)
        broken[sorted({one.row for one in batch.malformed if not one.column})] = True
        fen = cells.amount("total_cost")[0] if "total_cost" in self._columns else (
            np.zeros(rows, np.int64)
        )  # fmt: skip
        money = np.where(broken, 0, fen)
        lost = broken.copy()
        counts = np.zeros((len(self._parts), 5), np.int64)
        for place, (part, need, found) in enumerate(self._parts):
            if not found:
                continue
            blank, bad = (mask & ~broken for mask in self._read(cells, part))
            gone = np.zeros(rows, np.bool_)
            if need == NEEDED and not (part == "drg" and self._stage == "settle"):
                gone = blank | bad  # a case of no group is paid as the policy says
            elif _counts(self._stage, part, need):
                gone = bad
            if part == "total_cost":
                gone = gone | (money <= 0)
            gone = gone & ~lost
            lost |= gone
            counts[place] = (rows - broken.sum() - blank.sum() - bad.sum(), blank.sum(), bad.sum(),
                             gone.sum(), money[gone].sum())  # fmt: skip
        states = np.zeros(len(STATUSES), np.int64)
        if self._grouper is not None:
            away = faulty(batch.malformed, self._grouper, self._columns)
            status = self._grouper.group_batch(table, self._columns, *away).status
            states = np.bincount(status, minlength=len(STATUSES)).astype(np.int64)
            invalid = status > STATUSES.index(UNGROUPED)
            lost = lost | invalid
        ids = self._columns.column("case_id")
        keys = text_keys(table.column(ids)) if ids is not None else np.empty(0, np.uint64)
        return table, _Counts(rows, int(money.sum()), counts, int(lost.sum()),
                              int(money[lost].sum()), states, keys,
                              self._years(cells, ~lost, money))  # fmt: skip

    def _years(
        self, cells: Cells, kept: Mask, money: npt.NDArray[np.int64]
    ) -> list[tuple[int, int, int]]:
        """Years of discharge of the cases that are kept: year, cases, fen."""
        if self._stage != "settle" or "discharge_date" not in self._columns:
            return []
        months = months_of(cells.day("discharge_date")[0])
        known = kept & (months >= 0)
        years, place = np.unique(months[known] // 12, return_inverse=True)
        cases = np.bincount(place, minlength=len(years))
        fen = np.zeros(len(years), np.int64)
        np.add.at(fen, place, money[known])
        return list(zip(years.tolist(), cases.tolist(), fen.tolist(), strict=True))

    def _read(self, cells: Cells, part: str) -> tuple[Mask, Mask]:
        """Which rows are blank and which unreadable."""
        if part in AMOUNTS:
            _, blank, bad = cells.amount(part)
            return blank, bad
        if part in DATES:
            found, bad = cells.day(part)
            return np.isnan(found) & ~bad, bad
        if part in NUMBERS or part in ("sex", "insurance", "tcm_share", *FLAGS):
            found, bad = cells.number(part)
            return np.isnan(found) & ~bad, bad
        first = self._columns.columns(part)[:1] if part in LIST_COLUMNS else ()
        texts = read_text(cells.table.column(first[0])) if first else cells.text(part)
        without = part == "drg" and self._stage == "weights"  # no weight comes of such a case
        none = [text.lower() in BLANKS or (without and is_ungrouped(text))
                for text in (one or "" for one in text_list(texts.dictionary))]  # fmt: skip
        places = integers(texts.indices, len(none))
        blank = np.array([*none, True])[places]
        if part != "hospital_id" or self._hospitals is None:
            return blank, np.zeros(cells.rows, np.bool_)
        known = [text in self._hospitals for text in text_list(texts.dictionary)]
        return blank, ~blank & ~np.array([*known, True])[places]
