"""Groups that hang on one code (单一编码依赖): for many cases at once, nothing per case in Python.

A case hangs on a secondary code when it would be in another DRG without it. The rules see facts
of a case that any of its codes may have made true, so a code matters only for the facts that it
alone makes true. Those are found by sorting the facts of a batch; only the variants that lose one
are grouped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from drg.cases.codes import CodeLists
from grouper.engine.complications import counting
from grouper.engine.numbering import Remembered
from grouper.engine.reasons import INVALID_BITS
from grouper.scheme.program import BITS_PER_WORD, Column, cell_of

if TYPE_CHECKING:
    import pyarrow as pa

    from drg.cases.columns import CaseColumns
    from grouper.engine.grouper import Grouper

Ints: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

DIAGNOSIS, PROCEDURE, PRINCIPAL_PROCEDURE = 0, 1, 2
KINDS = ("diagnosis", "procedure", "principal_procedure")
_COMPLICATION_FACTS = 2  # facts 0 and 1 of a layout are mcc and cc


@dataclass(frozen=True)
class Dependences:
    """Cases of a batch and the single codes on which their DRG hangs, one entry a pair.

    Attributes:
        rows: row in the batch, ascending. Shape (N,).
        kinds: position in :data:`KINDS`. Shape (N,).
        codes: integer of the code, as :class:`~drg.cases.codes.CodeIndex` counts. Shape (N,).
        without: the scheme's DRG that the case has without the code, -1 for none. Shape (N,).
        drg: DRG of every case of the batch, -1 for none. Shape (rows of the batch,).
    """

    rows: Ints
    kinds: Ints
    codes: Ints
    without: Ints
    drg: Ints


class DependenceFinder:
    """Finds what hangs on one code; safe to use from several threads.

    Args:
        grouper: groups by the scheme and reads codes of the right edition.
        principal_procedure: also ask what the case would be without its principal procedure.
    """

    def __init__(self, grouper: Grouper, *, principal_procedure: bool = False) -> None:
        self._profiler = grouper._profiler
        self._principal_procedure = principal_procedure
        self._arrays = arrays = grouper.compiled.arrays
        self._layout = layout = grouper.compiled.layout
        self._dx = _FactTable(
            arrays.diagnosis_bits, arrays.diagnosis_later_bits, len(layout.bits),
            arrays.complication_bits, arrays.trauma_bit if "trauma_sites" in layout.cuts else None,
        )  # fmt: skip
        self._px = _FactTable(arrays.procedure_bits, arrays.procedure_later_bits, len(layout.bits))
        program = grouper._program
        self._answers = Remembered(
            grouper._radices(), 1, lambda columns: program.run(columns).drg[None].astype(np.int32)
        )

    def find(
        self,
        batch: pa.RecordBatch,
        columns: CaseColumns,
        malformed: Sequence[int] = (),
        unreadable: Sequence[int] = (),
    ) -> Dependences:
        """Find the dependences of one batch; arguments as for ``Grouper.group_batch``."""
        profiles = self._profiler.read(batch, columns, malformed, unreadable)
        drg = self._drg(profiles.columns)
        drg[(profiles.notes & INVALID_BITS) != 0] = -1
        dx, px = profiles.lists
        found = [
            self._secondary(DIAGNOSIS, dx, profiles.columns, drg),
            self._secondary(PROCEDURE, px, profiles.columns, drg),
        ]
        if self._principal_procedure:
            found.append(self._principal(px, profiles.columns, drg))
        rows, kinds, codes, without = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.argsort(rows, kind="stable")
        return Dependences(rows[order], kinds[order], codes[order], without[order], drg)

    def _drg(self, columns: Sequence[Column]) -> Ints:
        """The DRG of each profile, -1 for none; most variants have been met before. (N,)."""
        found: Ints = self._answers.of(columns)[0].astype(np.int64)
        return found

    def _secondary(
        self, kind: int, lists: CodeLists, columns: Sequence[Column], drg: Ints
    ) -> tuple[Ints, ...]:
        """Secondary codes of one list that alone make a fact true, and on which the DRG hangs."""
        table = self._dx if kind == DIAGNOSIS else self._px
        said = table.said(lists, drg >= 0)
        if kind == DIAGNOSIS:
            said = self._counting(said, lists)
        once, sites = _once(said, table, len(lists))
        if not once.size:
            return _NOTHING
        uses, starts = np.unique(said.uses[once], return_index=True)
        rows, codes, facts = said.rows[uses], said.codes[uses], said.facts[once]
        changed = [column[rows] for column in columns]
        for word in range(self._layout.words):
            lost = np.bitwise_or.reduceat(_bits(facts, word, table.bits), starts)
            changed[2 + word] = changed[2 + word] & ~lost
        if sites is not None:
            left = sites[rows] - np.add.reduceat((facts >= table.bits).astype(np.int64), starts)
            cells = cell_of(left.astype(np.float64), self._layout.cuts["trauma_sites"])
            changed[self._layout.column("trauma_sites")] = cells
        return self._moved(kind, rows, codes, changed, drg)

    def _counting(self, said: _Said, lists: CodeLists) -> _Said:
        """What is said, without the complications that the principal diagnosis excludes."""
        counts = counting(self._arrays, said.codes, lists.principal()[said.rows])[said.uses]
        kept = counts | (said.facts >= _COMPLICATION_FACTS)
        return _Said(said.rows, said.codes, said.later, said.uses[kept], said.facts[kept])

    def _principal(
        self, lists: CodeLists, columns: Sequence[Column], drg: Ints
    ) -> tuple[Ints, ...]:
        """Principal procedures without which the case would be elsewhere; the next moves up."""
        lists = _without_blanks(lists)
        principal = lists.principal()
        asked = (drg >= 0) & (principal > 0) & (principal < self._profiler.procedures.unknown)
        rows = np.flatnonzero(asked)
        if not rows.size:
            return _NOTHING
        left = _without(lists, lists.offsets[:-1][rows])
        said = self._px.said(left, asked)
        changed = [column[rows] for column in columns]
        changed[1] = self._arrays.procedure_signature[left.principal()[rows]]
        owner = said.rows[said.uses]
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        for word in range(self._layout.words):
            fresh = np.zeros(len(lists), np.int64)
            if starts.size:
                bits = _bits(said.facts, word, self._px.bits)
                fresh[owner[starts]] = np.bitwise_or.reduceat(bits, starts)
            others = changed[2 + word] & ~self._px.mask(word)
            changed[2 + word] = others | fresh[rows]
        return self._moved(PRINCIPAL_PROCEDURE, rows, principal[rows], changed, drg)

    def _moved(
        self, kind: int, rows: Ints, codes: npt.NDArray[np.integer], changed: list[Column],
        drg: Ints,
    ) -> tuple[Ints, ...]:  # fmt: skip
        """Those variants whose DRG is another: rows, kinds, codes, DRGs."""
        without = self._drg(changed)
        moved = np.flatnonzero(without != drg[rows])
        kinds = np.full(len(moved), kind, np.int64)
        return rows[moved].astype(np.int64), kinds, codes[moved].astype(np.int64), without[moved]


_NOTHING: tuple[Ints, ...] = tuple(np.empty(0, np.int64) for _ in range(4))


@dataclass(frozen=True)
class _Said:
    """Uses of codes, and the facts that they make true.

    Attributes:
        rows: row of each use, ascending. Shape (U,).
        codes: its code. Shape (U,).
        later: it is a secondary one. Shape (U,).
        uses: position of the use, of each fact said. Shape (S,).
        facts: the fact. Shape (S,).
    """

    rows: Ints
    codes: Ints
    later: Mask
    uses: Ints
    facts: Ints


class _FactTable:
    """Which facts a code makes true in the first place of a list and in the others.

    Facts are the bits of a layout, then one for each body site.
    """

    def __init__(
        self,
        anywhere: npt.NDArray[np.int64],
        later: npt.NDArray[np.int64],
        bits: int,
        complications: npt.NDArray[np.int64] | None = None,
        sites: npt.NDArray[np.int32] | None = None,
    ) -> None:
        self.bits = bits
        self.sites = 0 if sites is None else int(sites.max()).bit_length()
        self._codes = anywhere.shape[1]
        secondary = anywhere | later
        if complications is not None:
            secondary[0] |= complications
        pairs = []
        for place, words in enumerate((secondary, anywhere)):
            for fact in range(bits):
                word, bit = divmod(fact, BITS_PER_WORD)
                pairs.append((place, fact, np.flatnonzero(words[word] >> bit & 1)))
            for site in range(self.sites):
                assert sites is not None
                pairs.append((place, bits + site, np.flatnonzero(sites >> site & 1)))
        keys = np.concatenate([place * self._codes + codes for place, _, codes in pairs])
        facts = np.concatenate([np.full(len(codes), fact) for _, fact, codes in pairs])
        self._facts = facts[np.argsort(keys, kind="stable")].astype(np.int64)
        self._told = np.unique(self._facts)
        self._counts = np.bincount(keys, minlength=2 * self._codes)
        self._starts = np.cumsum(self._counts) - self._counts
        self._speaks = (self._counts[: self._codes] > 0) | (self._counts[self._codes :] > 0)

    @property
    def size(self) -> int:
        """How many facts there are."""
        return self.bits + self.sites

    def mask(self, word: int) -> int:
        """The bits of a word that these codes can make true."""
        return int(np.bitwise_or.reduce(_bits(self._told, word, self.bits), initial=0))

    def said(self, lists: CodeLists, asked: Mask) -> _Said:
        """What the codes of the rows asked for say; a secondary code said twice is one use."""
        places = np.flatnonzero(self._speaks[lists.ids])
        rows = np.repeat(np.arange(len(lists)), lists.counts)[places]
        kept = asked[rows]
        places, rows = places[kept], rows[kept]
        codes = lists.ids[places].astype(np.int64)
        later = lists.offsets[rows] != places
        distinct = self._distinct(rows, codes, later)
        if distinct is not None:
            rows, codes, later = rows[distinct], codes[distinct], later[distinct]
        keys = np.where(later, codes, codes + self._codes)
        counts = self._counts[keys]
        ends = np.cumsum(counts)
        uses = np.repeat(np.arange(len(keys)), counts)
        inside = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - counts, counts)
        return _Said(rows, codes, later, uses, self._facts[self._starts[keys][uses] + inside])

    def _distinct(self, rows: Ints, codes: Ints, later: Mask) -> Ints | None:
        """Uses without repeated secondary codes; None when there are none to leave out."""
        keys = (rows * self._codes + codes) * 2 + later
        ordered = np.sort(keys)
        if not (ordered[1:] == ordered[:-1]).any():
            return None
        return np.sort(np.unique(keys, return_index=True)[1])


def _once(said: _Said, table: _FactTable, rows: int) -> tuple[Ints, Ints | None]:
    """What only one use of a row says, if that use is secondary; and body sites of each row.

    The row, the fact and the place of the saying are packed into one integer, since sorting
    integers is many times faster than sorting by them.
    """
    width = max(1, len(said.facts)).bit_length()
    packed = (said.rows[said.uses] * table.size + said.facts) << width
    packed |= np.arange(len(said.facts))
    packed.sort()
    keys = packed >> width
    new = np.diff(keys, prepend=-1) != 0
    alone = new & np.append(new[1:], True)
    places = packed[alone] & ((1 << width) - 1)
    once = np.sort(places[said.later[said.uses[places]]])
    if not table.sites:
        return once, None
    owners, facts = np.divmod(keys[new], table.size)
    return once, np.bincount(owners[facts >= table.bits], minlength=rows)


def _bits(facts: Ints, word: int, bits: int) -> Ints:
    """The bit of each fact in a word, 0 for facts that are not in it."""
    here = (facts // BITS_PER_WORD == word) & (facts < bits)
    return np.where(here, np.left_shift(1, np.where(here, facts % BITS_PER_WORD, 0)), 0)


def _without_blanks(lists: CodeLists) -> CodeLists:
    """Lists without blanks behind the first place."""
    blank = lists.ids == 0
    blank[lists.offsets[:-1][lists.counts > 0]] = False
    return _without(lists, np.flatnonzero(blank)) if blank.any() else lists


def _without(lists: CodeLists, places: Ints) -> CodeLists:
    before = np.searchsorted(places, lists.offsets)
    return CodeLists(np.delete(lists.ids, places), lists.offsets - before)
