"""From a batch of cases to profiles: all that the rules of a scheme can see of each case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.cells import Cells, Unread
from drg.cases.codes import CodeIndex, CodeLists, read_codes
from drg.cases.columns import CaseColumns
from drg.tables.arrays import integers, strings, values
from grouper.engine.complications import counting
from grouper.engine.reasons import BIT
from grouper.scheme.compile import Compiled
from grouper.scheme.program import BITS_PER_WORD, Column, Key, Mask, cell_of

Floats = npt.NDArray[np.float64]
NEWBORN_DAYS = 28  # 新生儿: age under 29 days
WEIGHTS = ("birth_weight", "admission_weight")
INFANT_COLUMNS = ("age_days", "age_months", "birth_date", "admission_date", *WEIGHTS)
OTHER_SITE_BIT: Key = ("other_trauma_site", "", "")
SPEAKS, COMPLICATION, INJURY, UNKNOWN = 1, 2, 4, 8
_POPCOUNT = np.array([i.bit_count() for i in range(1 << 10)], np.uint8)


@dataclass(frozen=True)
class Spelled:
    """Codes of a batch that are not the edition's own: converted ones and unknown ones.

    Attributes:
        rows: the row of each use. Shape (N,).
        ids: integer of the spelling, as :meth:`~drg.cases.codes.CodeIndex.spelling` takes it.
        first: whether it is the principal code.
    """

    rows: npt.NDArray[np.int32]
    ids: npt.NDArray[np.int32]
    first: npt.NDArray[np.bool_]


NOTHING_SPELLED = Spelled(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.bool_))


@dataclass(frozen=True)
class Profiles:
    """The profiles of a batch.

    Attributes:
        columns: what the rules see, as its ``Layout`` says; each of shape (N,).
        notes: reason bits that are known before any rule is tried. Shape (N,).
        bad_cells: cells of the columns that the rules use which cannot be read.
        principal: integer of each principal diagnosis. Shape (N,).
        spelled: diagnoses and procedures that are not codes of the edition as they stand.
        lists: diagnoses and procedures as integers of the edition's codes.
    """

    columns: list[Column]
    notes: npt.NDArray[np.int32]
    bad_cells: list[Unread]
    principal: npt.NDArray[np.int32]
    spelled: tuple[Spelled, Spelled]
    lists: tuple[CodeLists, CodeLists]


class Profiler:
    """Reads batches of cases as profiles of one scheme.

    Args:
        compiled: the scheme.
        aliases: diagnosis and procedure codes of another edition -> code of the scheme's.
    """

    def __init__(
        self,
        compiled: Compiled,
        aliases: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
    ) -> None:
        self.arrays = compiled.arrays
        self.layout = compiled.layout
        self.diagnoses = CodeIndex(compiled.diagnoses, aliases[0], record=True)
        self.procedures = CodeIndex(compiled.procedures, aliases[1], record=True)
        a = self.arrays
        self._dx_marks = _marks(
            _any_word(a.diagnosis_bits, a.diagnosis_later_bits),
            self.diagnoses.unknown,
            complication=a.complication_table > 0,
            injury=a.trauma_bit > 0,
        )
        self._px_marks = _marks(
            _any_word(a.procedure_bits, a.procedure_later_bits), self.procedures.unknown
        )

    def read(
        self,
        table: pa.RecordBatch,
        columns: CaseColumns,
        malformed: Sequence[int] = (),
        unreadable: Sequence[int] = (),
    ) -> Profiles:
        """Read a batch whose columns were recognised; arguments as for ``Grouper.group_batch``."""
        rows = table.num_rows
        dx = self._marked(table, columns.columns("diagnoses"), self.diagnoses, self._dx_marks)
        px = self._marked(table, columns.columns("procedures"), self.procedures, self._px_marks)
        numbers = _Numbers(table, columns)
        words = [np.zeros(rows, np.int64) for _ in range(self.layout.words)]
        a = self.arrays
        _speak(words, dx, a.diagnosis_bits, a.diagnosis_later_bits)
        _speak(words, px, a.procedure_bits, a.procedure_later_bits)
        self._complications(words[0], dx)
        self._other_site(words, dx)
        notes = self._notes(dx, px, numbers)
        cells = [self._cells(name, dx, px, numbers) for name in self.layout.features]
        signatures: list[Column] = [
            a.diagnosis_signature[dx.principal],
            a.procedure_signature[px.principal],
        ]
        notes[list(malformed)] |= BIT["malformed_row"]
        notes[[*unreadable, *numbers.spoilt_rows()]] |= BIT["bad_value"]
        return Profiles(
            [*signatures, *words, *cells], notes, numbers.bad, dx.principal,
            (dx.spelled, px.spelled), (dx.lists, px.lists),
        )  # fmt: skip

    @staticmethod
    def _marked(
        table: pa.RecordBatch,
        columns: Sequence[str],
        index: CodeIndex,
        marks: npt.NDArray[np.uint8],
    ) -> _MarkedLists:
        lists = read_codes([table.column(c) for c in columns], index, table.num_rows)
        rows, spelled = lists.rows(), NOTHING_SPELLED
        if lists.ids.size and lists.ids.max() > index.unknown:
            places = np.flatnonzero(lists.ids > index.unknown)
            at = rows[places]
            spelled = Spelled(at, lists.ids[places], lists.offsets[at] == places)
            lists = CodeLists(index.meaning(lists.ids), lists.offsets)
        return _MarkedLists(lists, lists.principal(), rows, marks[lists.ids], spelled)

    def _complications(self, word: Column, dx: _MarkedLists) -> None:
        """Set the mcc and cc bits of complications that the principal does not exclude."""
        rows, codes, _ = dx.hits(COMPLICATION, secondary=True)
        counts = counting(self.arrays, codes, dx.principal[rows])
        rows, bits = rows[counts], self.arrays.complication_bits[codes[counts]]
        for bit in (1, 2):
            word[rows[bits == bit]] |= bit

    def _other_site(self, words: Sequence[Column], dx: _MarkedLists) -> None:
        """Set the bit of cases with a secondary injury on another site than the principal's."""
        if OTHER_SITE_BIT not in self.layout.bits:
            return
        word, bit = divmod(self.layout.bits.index(OTHER_SITE_BIT), BITS_PER_WORD)
        rows, codes, _ = dx.hits(INJURY, secondary=True)
        site = self.arrays.trauma_bit
        first = site[dx.principal[rows]]
        words[word][rows[(first != 0) & (first != site[codes])]] |= 1 << bit

    def _cells(self, name: str, dx: _MarkedLists, px: _MarkedLists, numbers: _Numbers) -> Column:
        if name in self.layout.texts:
            return numbers.text_cells(name, self.layout.texts[name])
        if name in self.layout.counts:
            values = self._count(name, dx, px)
        else:
            values = self._sites(dx) if name == "trauma_sites" else numbers[name]
        return cell_of(values, self.layout.cuts[name])

    def _count(self, name: str, dx: _MarkedLists, px: _MarkedLists) -> Floats:
        """How many different codes of a list each case has where the count looks."""
        place, kind = self.layout.counts[name][0].split("_")
        lists = px if kind == "procedure" else dx
        held = self.arrays.counted[list(self.layout.counts).index(name)]
        places = np.flatnonzero(held[lists.lists.ids])
        rows = lists.rows[places]
        if place != "any":
            first = lists.lists.offsets[rows] == places
            places = places[first if place == "principal" else ~first]
            rows = lists.rows[places]
        pairs = np.unique(rows.astype(np.int64) * len(held) + lists.lists.ids[places])
        return np.bincount(pairs // len(held), minlength=len(lists.lists)).astype(np.float64)

    def _sites(self, dx: _MarkedLists) -> Floats:
        """How many body sites the injuries of each case are on."""
        sites = np.zeros(len(dx.lists), np.float64)
        rows, codes, _ = dx.hits(INJURY)
        if rows.size:
            starts = np.flatnonzero(np.diff(rows, prepend=-1))
            union = np.bitwise_or.reduceat(self.arrays.trauma_bit[codes], starts)
            sites[rows[starts]] = sum(_POPCOUNT[union >> shift & 1023] for shift in (0, 10, 20))
        return sites

    def _notes(
        self, dx: _MarkedLists, px: _MarkedLists, numbers: _Numbers
    ) -> npt.NDArray[np.int32]:
        notes = np.zeros(len(dx.lists), np.int32)
        notes[dx.principal == 0] |= BIT["missing_principal_diagnosis"]
        notes[dx.principal == self.diagnoses.unknown] |= BIT["unknown_principal_diagnosis"]
        notes[dx.hits(UNKNOWN, secondary=True)[0]] |= BIT["unknown_secondary_diagnosis"]
        notes[px.hits(UNKNOWN)[0]] |= BIT["unknown_procedure"]
        if "age_days" in self.layout.cuts:
            infant = np.flatnonzero(numbers["age"] == 0)
            days = numbers["age_days"][infant]
            notes[infant[np.isnan(days)]] |= BIT["age_days_missing"]
            newborn = infant[days <= NEWBORN_DAYS]
            for weight in WEIGHTS:
                if weight in self.layout.cuts:
                    weightless = np.isnan(numbers[weight][newborn])
                    notes[newborn[weightless]] |= BIT[f"{weight}_missing"]
        return notes


def _any_word(*bits: npt.NDArray[np.int64]) -> Mask:
    return np.asarray(np.any([word != 0 for words in bits for word in words], axis=0))


def _marks(
    speaks: npt.NDArray[np.bool_], unknown: int, **others: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """One byte a code: what there is to look at. Most codes of most cases have nothing."""
    marks = np.where(speaks, SPEAKS, 0).astype(np.uint8)
    marks[unknown] |= UNKNOWN
    for name, held in others.items():
        marks[held] |= {"complication": COMPLICATION, "injury": INJURY}[name]
    return marks


@dataclass(frozen=True)
class _MarkedLists:
    """Code lists with the mark of each code, so that only codes that matter are looked at."""

    lists: CodeLists
    principal: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int32]
    marks: npt.NDArray[np.uint8]
    spelled: Spelled

    def hits(
        self, mark: int, *, secondary: bool = False
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Row, code and whether it is the principal one, of the codes that bear a mark."""
        places = np.flatnonzero((self.marks & mark) != 0)
        rows = self.rows[places]
        first = self.lists.offsets[rows] == places
        if secondary:
            places, rows, first = places[~first], rows[~first], first[~first]
        return rows, self.lists.ids[places], first


def _speak(
    words: Sequence[Column],
    lists: _MarkedLists,
    anywhere: npt.NDArray[np.int64],
    later: npt.NDArray[np.int64],
) -> None:
    """Set the bits that the codes of each case make true."""
    rows, codes, first = lists.hits(SPEAKS)
    if not rows.size:
        return
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    for word, bits, later_bits in zip(words, anywhere, later, strict=True):
        said = bits[codes] | np.where(first, 0, later_bits[codes])
        word[rows[starts]] |= np.bitwise_or.reduceat(said, starts)


class _Numbers:
    """The cells of a batch that are no codes, with those that cannot be read."""

    def __init__(self, table: pa.RecordBatch, columns: CaseColumns) -> None:
        self._cells = Cells(table, columns)

    def __getitem__(self, name: str) -> Floats:
        return self._cells.number(name)[0]

    @cached_property
    def bad(self) -> list[Unread]:
        """The cells that cannot be read, of the parts asked for so far."""
        return list(self._cells.faults())

    def spoilt_rows(self) -> list[int]:
        """Rows that a bad cell keeps from being grouped; an adult's days and weight do not."""
        if not self.bad:
            return []
        beyond_first_year = self["age"] > 0
        return [
            cell.row
            for cell in self.bad
            if cell.part not in INFANT_COLUMNS or not beyond_first_year[cell.row]
        ]

    def text_cells(self, name: str, wanted: list[str]) -> Column:
        texts = self._cells.text(name)
        cells = integers(pc.index_in(texts.dictionary, strings(wanted)), -1) + 1
        found: Column = cells.astype(np.int16)[values(texts.indices)]
        return found
