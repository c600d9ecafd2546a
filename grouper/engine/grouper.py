"""The grouper: batches of cases in, their groups out, nothing per case in Python.

Cases that look the same to the rules share a profile. A batch is reduced to its distinct
profiles, the rules run on those not met before, and every case takes its profile's answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases.cells import Unread
from drg.cases.codes import CodeIndex
from drg.cases.columns import CaseColumns, recognise
from drg.cases.outcomes import UNGROUPED_DRG, is_ambiguous, is_ungrouped
from drg.tables import Malformed
from drg.tables.arrays import numbers, strings
from drg.tables.frames import as_arrow
from grouper.codes.editions import INSURANCE, aliases_to
from grouper.engine.numbering import Remembered
from grouper.engine.profile import NOTHING_SPELLED, Profiler, Profiles, Spelled
from grouper.engine.reasons import (
    AMBIGUOUS,
    BIT,
    GROUPED,
    INVALID,
    INVALID_BITS,
    STATUSES,
    UNGROUPED,
    encode,
)
from grouper.engine.results import RESULT_COLUMNS, Table, joiner
from grouper.scheme.compile import Compiled, compiled_scheme
from grouper.scheme.name import DEFAULT, Named, with_ambiguous
from grouper.scheme.program import BITS_PER_WORD, Answer, Binder, Column, Program, cell_of

BATCH_ROWS = 131_072
Headers: TypeAlias = Mapping[str, str | Sequence[str]] | None
# What would lead an ungrouped case somewhere: the age of a newborn or an infant, another sex.
_OTHERWISE: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("age", {"age": 0.0, "age_days": 0.0}), ("age", {"age": 0.0, "age_days": 100.0}),
    ("sex", {"sex": 1.0}), ("sex", {"sex": 2.0}),
)  # fmt: skip
SEVERITIES = ("none", "cc", "mcc", "")


@dataclass(frozen=True)
class BatchResult:
    """The groups of one batch.

    Attributes:
        columns: mdc, adrg, drg, severity, status, reason as dictionary arrays, in this order.
        status: position in :data:`~grouper.engine.reasons.STATUSES` of each case. Shape (N,).
        drg: position in the scheme's DRGs, -1 for none. Shape (N,).
        notes: reason bits of each case. Shape (N,).
        bad_cells: cells that could not be read.
        principal: integer of each principal diagnosis in the scheme's codes. Shape (N,).
        spelled: diagnoses and procedures that were converted or are unknown.
    """

    columns: tuple[pa.DictionaryArray, ...]
    status: npt.NDArray[np.int8]
    drg: npt.NDArray[np.int16]
    notes: npt.NDArray[np.int32]
    bad_cells: list[Unread]
    principal: npt.NDArray[np.int32]
    spelled: tuple[Spelled, Spelled] = (NOTHING_SPELLED, NOTHING_SPELLED)


class Grouper:
    """Groups cases by one scheme; safe to use from several threads.

    Args:
        scheme: id of a shipped scheme or folder of a pack, or what came of it.
        codes: edition of the codes in the cases: ``insurance`` (医保版), or ``clinical`` (国临版),
            which are converted.
        ambiguous: with the scheme's optional ambiguous groups (歧义组); ``chs-drg-2.0+qy`` as the
            scheme's name means the same.

    Raises:
        DrgError: there is no such scheme or it has errors, or no such edition.
    """

    def __init__(
        self, scheme: Named | Compiled = DEFAULT, codes: str = INSURANCE, *,
        ambiguous: bool = False,
    ) -> None:  # fmt: skip
        self.codes = codes
        if isinstance(scheme, Compiled):
            self.compiled, self.source = scheme, scheme.header.id
        else:
            self.source = str(with_ambiguous(scheme) if ambiguous else scheme)
            self.compiled = compiled_scheme(self.source)
        codes_of_groups = [*(drg.code for drg in self.compiled.drgs), UNGROUPED_DRG]
        self._ambiguous = np.array([is_ambiguous(code) for code in codes_of_groups])
        self._ungrouped = np.array([is_ungrouped(code) for code in codes_of_groups])
        compiled, arrays = self.compiled, self.compiled.arrays
        binder = Binder(compiled.layout, (arrays.diagnosis_truth, arrays.procedure_truth))
        self._program = Program(compiled.mdcs, compiled.adrgs, compiled.drgs, binder)
        self._profiler = Profiler(compiled, aliases_to(codes, compiled.header.codes))
        self._answers = Remembered(self._radices(), 4, self._learn)
        self._names = tuple(
            strings([*(g.code for g in groups), none])
            for groups, none in (
                (compiled.mdcs, ""), (compiled.adrgs, ""), (compiled.drgs, UNGROUPED_DRG),
            )
        )  # fmt: skip

    def parts_used(self) -> tuple[str, ...]:
        """The parts of a case (canonical columns) that the scheme's rules look at."""
        layout = self.compiled.layout
        made = {"trauma_sites", *layout.counts}  # from the codes
        return ("diagnoses", "procedures", *(f for f in layout.features if f not in made))

    def __reduce__(self) -> tuple[type[Grouper], tuple[Compiled, str]]:
        """A grouper travels to another process as its compiled scheme and its edition."""
        return Grouper, (self.compiled, self.codes)

    @property
    def code_indices(self) -> tuple[CodeIndex, CodeIndex]:
        """Diagnoses and procedures: what the integers of :class:`BatchResult` stand for."""
        return self._profiler.diagnoses, self._profiler.procedures

    def group(self, cases: Table, columns: Headers = None) -> Table:
        """Append ``mdc, adrg, drg, severity, status, reason`` to a table of cases.

        Args:
            cases: one row a discharge, in any of the known dialects; rows and order are kept.
            columns: canonical name -> columns, for headers that are not known.

        Returns:
            A table of the same kind. Columns of the input that bear a result's name are renamed
            (``drg`` becomes ``drg_input``).

        Raises:
            DrgError: no column holds the diagnoses.
        """
        table, join = as_arrow(cases), joiner(cases)
        found = recognise(table.column_names, columns)
        found.need("diagnoses")
        joined: Table = join(self._results(table, found))
        return joined

    def _results(self, table: pa.Table, columns: CaseColumns) -> pa.Table:
        """The result columns of a table."""
        used = list(dict.fromkeys(c for source in columns.sources.values() for c in source))
        batches = table.select(used).to_batches(max_chunksize=BATCH_ROWS)
        with ThreadPoolExecutor(workers()) as pool:
            results = list(pool.map(lambda batch: self.group_batch(batch, columns), batches))
        schema = pa.schema([(name, pa.string()) for name in RESULT_COLUMNS])
        return pa.Table.from_batches(
            [pa.record_batch([c.cast(pa.string()) for c in r.columns], schema=schema)
             for r in results], schema,
        )  # fmt: skip

    def map_batches(
        self,
        batches: Iterable[pa.RecordBatch],
        columns: Headers = None,
    ) -> Iterator[pa.RecordBatch]:
        """Group a stream of Arrow batches, as Spark's ``mapInArrow`` hands them out."""
        for batch in batches:
            grouped = self.group(pa.Table.from_batches([batch]), columns)
            yield from grouped.combine_chunks().to_batches()

    def group_batch(
        self,
        batch: pa.RecordBatch,
        columns: CaseColumns,
        malformed: Sequence[int] = (),
        unreadable: Sequence[int] = (),
    ) -> BatchResult:
        """Group one batch.

        Args:
            batch: the cases.
            columns: which columns hold what.
            malformed: rows that the reader could not make sense of.
            unreadable: rows of which the reader could not read a cell that grouping needs.
        """
        profiles = self._profiler.read(batch, columns, malformed, unreadable)
        notes = profiles.notes
        mdc, adrg, drg, said = self._answers.of(profiles.columns)
        severity = np.where(profiles.columns[2] & 1, 2, profiles.columns[2] >> 1 & 1)
        unknown = (notes & BIT["unknown_principal_diagnosis"]) != 0
        notes |= np.where(unknown, said & ~BIT["principal_diagnosis_in_no_mdc"], said)
        invalid = (notes & INVALID_BITS) != 0
        status = np.where(self._ungrouped[drg], STATUSES.index(UNGROUPED), STATUSES.index(GROUPED))
        notes[self._ungrouped[drg] & (drg >= 0)] |= BIT["no_group_in_mdc"]
        ambiguous = self._ambiguous[drg]
        status[ambiguous] = STATUSES.index(AMBIGUOUS)
        notes[ambiguous] |= BIT["ambiguous_procedure"]
        if invalid.any():
            notes[invalid] &= INVALID_BITS
            status[invalid] = STATUSES.index(INVALID)
            severity[invalid] = SEVERITIES.index("")
            mdc, adrg, drg = (np.where(invalid, -1, part) for part in (mdc, adrg, drg))
        return self._result(mdc, adrg, drg, severity, status, notes, profiles)

    def _result(
        self,
        mdc: npt.NDArray[np.int32],
        adrg: npt.NDArray[np.int32],
        drg: npt.NDArray[np.int32],
        severity: Column,
        status: npt.NDArray[np.int64],
        notes: npt.NDArray[np.int32],
        profiles: Profiles,
    ) -> BatchResult:
        places, texts = encode(notes)
        coded = [
            _dictionary(np.where(part < 0, len(names) - 1, part), names)
            for part, names in zip((mdc, adrg, drg), self._names, strict=True)
        ]
        coded += [
            _dictionary(severity, strings(SEVERITIES)),
            _dictionary(status, strings(STATUSES)),
            _dictionary(places, strings(texts)),
        ]
        return BatchResult(
            tuple(coded), status.astype(np.int8), drg.astype(np.int16), notes, profiles.bad_cells,
            profiles.principal, profiles.spelled,
        )  # fmt: skip

    def _learn(self, columns: list[Column]) -> npt.NDArray[np.int32]:
        """Run the rules on profiles: MDC, ADRG, DRG and reason bits of each. Shape (4, M)."""
        answer = self._program.run(columns)
        said = self._reasons(columns, answer)
        return np.stack([answer.mdc, answer.adrg, answer.drg, said]).astype(np.int32)

    def _reasons(self, columns: list[Column], answer: Answer) -> npt.NDArray[np.int32]:
        """Why ungrouped profiles have no group: what if the sex or the age were another?"""
        said = np.zeros(len(answer.drg), np.int32)
        nowhere = ~self.compiled.arrays.in_mdc[columns[0]]
        lost = answer.drg < 0
        said[lost & nowhere] = BIT["principal_diagnosis_in_no_mdc"]
        rows = np.flatnonzero(lost & ~nowhere)
        said[rows] = BIT["no_group_in_mdc"]
        for feature, changes in _OTHERWISE:
            if feature in self.compiled.layout.cuts:
                self._what_if(columns, rows, feature, changes, said)
        return said

    def _what_if(
        self, columns: list[Column], rows: npt.NDArray[np.int64], feature: str,
        changes: Mapping[str, float], said: npt.NDArray[np.int32],
    ) -> None:  # fmt: skip
        layout = self.compiled.layout
        place = layout.column(feature)
        was = columns[place][rows]
        missing = was == 2 * len(layout.cuts[feature]) + 1
        other = [column[rows] for column in columns]
        for name, value in changes.items():
            if name in layout.cuts:
                cell = cell_of(np.array([value]), layout.cuts[name])[0]
                other[layout.column(name)] = np.full(len(rows), cell)
        grouped = (self._program.run(other).drg >= 0) & (was != other[place])
        said[rows[grouped & missing]] = BIT[f"{feature}_missing"]
        said[rows[grouped & ~missing]] = BIT[f"{feature}_conflict"]

    def _radices(self) -> list[int]:
        layout, arrays = self.compiled.layout, self.compiled.arrays
        full, last = divmod(len(layout.bits), BITS_PER_WORD)
        return [
            arrays.diagnosis_truth.shape[1],
            arrays.procedure_truth.shape[1],
            *([1 << BITS_PER_WORD] * full), *([1 << last] if last else []),
            *(layout.radix(feature) for feature in layout.features),
        ]  # fmt: skip


def _dictionary(places: npt.NDArray[np.generic], names: pa.Array) -> pa.DictionaryArray:
    width = np.int8 if len(names) < 128 else np.int16 if len(names) < 32_768 else np.int32
    return pa.DictionaryArray.from_arrays(numbers(places.astype(width)), names)


def faulty(
    malformed: Sequence[Malformed], grouper: Grouper, columns: CaseColumns
) -> tuple[list[int], list[int]]:
    """Rows that a reader could not make sense of, and rows without a cell that the rules need."""
    needed = {c for part in grouper.parts_used() for c in columns.columns(part)}
    rows = [m.row for m in malformed if not m.column]
    return rows, [m.row for m in malformed if m.column in needed]


def workers() -> int:
    """How many threads group at once: the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def group(
    cases: Table,
    scheme: Named = DEFAULT,
    columns: Headers = None,
    codes: str = INSURANCE,
    *,
    ambiguous: bool = False,
) -> Table:
    """Group cases by a scheme; see :class:`Grouper` and :meth:`Grouper.group`."""
    grouped: Table = Grouper(scheme, codes, ambiguous=ambiguous).group(cases, columns)
    return grouped
