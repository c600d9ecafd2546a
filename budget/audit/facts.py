"""Facts of cases (审核事实) as compact arrays, read batch by batch.

Persons are 64-bit keys here and leave this room as places only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from budget.audit.columns import Columns, Texts
from budget.audit.expression import Coded, Rows
from budget.cases.faults import Entry, entries, with_broken
from drg.cases import CaseColumns
from drg.cases.cells import AMOUNTS, Cells, can_read, columns_for
from drg.cases.dates import months_of
from drg.cases.keys import text_keys
from drg.cases.opening import open_cases
from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.cases.texts import as_text, on_text
from drg.cases.unread import Counted, UnreadCount, counted
from drg.errors import problem
from drg.language import say
from drg.tables import Batch, Block, RejectFile
from drg.tables.arrays import integers, numbers, strings, text_scalar, values

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
_NUMBERS = {"los": "length_of_stay", "age": "age", "sex": "sex", "mode": "discharge_mode",
            "icu_hours": "icu_hours"}  # fmt: skip
_COMPONENTS = ("cost_medical", "cost_nursing", "cost_technology", "cost_drug_material",
               "cost_management")  # fmt: skip
_PATIENT = ("patient_out_of_scope", "patient_deductible", "patient_copay")
_PAYERS = ("fund_paid", "other_paid", *_PATIENT)
_PARTS = ("case_id", "patient_id", "hospital_id", "insurance", "department", "drg", "diagnoses",
          "procedures", "admission_date", "discharge_date", *AMOUNTS,
          *_NUMBERS.values())  # fmt: skip
_NEGATIVE = "expected an amount of 0 or more; unknown to the rules 费用为负，按未知处理"
_SEPARATED = r"[|,;，；、]"
UNKNOWN = ""
_BATCH_ROWS = 32_768  # few, as what hangs on one code takes much room while it is looked for


class Grouped(Protocol):
    """What the grouper says of a batch.

    Attributes:
        drg: groups, as a dictionary array. Length N.
        contradiction: rule of the quality check that a case breaks, "" for none. Length N.
        rows: rows whose group hangs on one code, one entry a pair. Shape (P,).
        codes: that code, as a dictionary array. Length P.
        without: the group that the case has without it, likewise.
    """

    @property
    def drg(self) -> pa.DictionaryArray: ...  # noqa: D102
    @property
    def contradiction(self) -> pa.DictionaryArray: ...  # noqa: D102
    @property
    def rows(self) -> npt.NDArray[np.int64]: ...  # noqa: D102
    @property
    def codes(self) -> pa.DictionaryArray: ...  # noqa: D102
    @property
    def without(self) -> pa.DictionaryArray: ...  # noqa: D102


GroupBatch = Callable[[Batch, CaseColumns], Grouped]


class Facts:
    """Facts of the cases of a file, in ascending order of their ids, on disk.

    Attributes:
        held: their columns; of pairs and cases.
        ids: case ids as the input writes them.
        pairs: how many pairs of a case and a code on which its group hangs come together.
        missing: facts that the file cannot tell.
        malformed: rows that could not be read, which are in no finding.
        unread: cells that could not be read, and are unknown to every rule.
    """

    ids: Texts

    def __init__(self, folder: Path, columns: CaseColumns, *, grouped: bool) -> None:
        """Keep facts in a private folder, which is the caller's."""
        self.held = Columns(folder)
        self.pairs: list[int] = []
        self.missing = _missing(columns, grouped=grouped)
        self.malformed = self._rows = 0
        self.unread = UnreadCount()
        self._folder = folder
        self._ids: list[pa.Array] = []
        self._cut: dict[str, tuple[str, Coded]] = {}

    def __len__(self) -> int:
        return self._rows

    def number(self, name: str, rows: Rows = slice(None)) -> npt.NDArray[Any]:
        """Numbers of some cases, NaN where unknown; amounts in yuan.

        Of the same kind are ``fen``, the total cost, 0 where it is missing or wrong; ``person``,
        the key of the person, 0 unknown; ``month`` of discharge as ``months_of`` counts, -1
        unknown.
        """
        return self.held.read(name, rows)

    def text(self, name: str, rows: Rows = slice(None)) -> Coded:
        """Texts of some cases."""
        if name in self._cut:
            whole, shorter = self._cut[name]
            return shorter.take(self.held.read(whole, rows))
        return self.held.text(name, rows)

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts that there are."""
        return self._cut[name][1].texts if name in self._cut else self.held.texts[name]

    def pair_blocks(self) -> Iterator[tuple[npt.NDArray[np.int64], Coded, Coded]]:
        """Rows, the code that each group hangs on, and the group without it; a case's together."""
        start = 0
        for count in self.pairs:
            part = slice(start, start + count)
            start += count
            rows = self.held.read("pair_rows", part).astype(np.int64)
            yield rows, self.held.text("pair_codes", part), self.held.text("pair_without", part)

    def add(self, part: _Part) -> None:
        """Take over the next cases of the file."""
        for name, column in part.numbers.items():
            self.held.add(name, column)
        for name, texts in part.texts.items():
            self.held.add_texts(name, texts)
        self.held.add("pair_rows", (part.pair_rows + self._rows).astype(np.int32))
        self.pairs.append(len(part.pair_rows))
        self._ids.append(part.case_id)
        self._rows += part.rows
        self.malformed += part.malformed
        self.unread.add(part.lost, part.rows + part.malformed)

    def settle(self) -> None:
        """All cases are there: put them in the order of their ids."""
        self.held.settle()
        ids = pa.chunked_array(self._ids, pa.string()).combine_chunks()
        self._ids.clear()
        order = self._in_order(ids)
        self.ids = Texts(self._folder / "case_id", ids.take(numbers(order)))
        del ids
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        self.held.put("pair_rows", place[self.held.read("pair_rows")])
        del place
        for name in self.held.names:
            if not name.startswith("pair_"):
                self.held.put(name, self.held.read(name)[order])
        for name, whole, length in (("adrg", "drg", 3), ("mdc", "drg", 1),
                                    ("principal3", "principal", 3)):  # fmt: skip
            self._cut[name] = whole, cut(self.held.texts[whole], length, known=whole == "drg")

    def _in_order(self, ids: pa.Array) -> npt.NDArray[np.int64]:
        """The cases in the order of their ids, and where these are the same of other facts."""
        keys = {"id": ids, **{name: numbers(self.held.read(name))
                              for name in ("hospital", "fen", "discharge", "drg")}}  # fmt: skip
        keys["discharge"] = numbers(np.nan_to_num(self.held.read("discharge"), nan=-1.0))
        found = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
        return values(found).view(np.int64)


@dataclass
class _Part:
    numbers: dict[str, npt.NDArray[Any]]
    texts: dict[str, pa.DictionaryArray]
    case_id: pa.Array
    pair_rows: npt.NDArray[np.int64]
    malformed: int
    lost: Counted
    faults: list[Entry]
    progress: int = 0

    @property
    def rows(self) -> int:
        return len(self.case_id)


def read_facts(
    source: str | PathLike[str],
    group: GroupBatch | None,
    folder: Path,
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    workers: int | None = None,
    rejects: RejectFile | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Facts:
    """Read the facts of a file of cases.

    Args:
        source: discharge file, grouped or not.
        folder: to be made for them; the caller removes it, when they are needed no more.
        group: groups a batch; None where the file's own groups are all that is known.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        workers: threads.
        rejects: where cells and rows that cannot be read are listed.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: the file cannot be used, or has neither groups nor diagnoses.
    """
    source = Path(source)
    needed = ("case_id", "hospital_id", "total_cost", "discharge_date")
    with open_cases(source, mapping=mapping, sheet=sheet, needed=needed,
                    batch_rows=_BATCH_ROWS) as table:  # fmt: skip
        columns = table.columns
        if "drg" not in columns and (group is None or "diagnoses" not in columns):
            raise problem(say("既没有分组也没有诊断", "has neither groups nor diagnoses"),
                          file=source, expected=say("drg 列或诊断列",
                                                    "a column drg, or diagnoses"))  # fmt: skip
        grouping = group if "diagnoses" in columns else None
        if grouping is None:
            table.only(columns_for(columns, _PARTS))
        read = _Reader(columns, grouping, listed=rejects is not None)
        facts = Facts(folder, columns, grouped=grouping is not None)
        for part in table.each(read, workers=workers):
            if rejects is not None and part.faults:
                first = table.header_rows + 1 + facts.unread.rows
                places, *texts = zip(*part.faults, strict=True)
                rejects.add_many([first + one for one in places], *texts)
            facts.add(part)
            if progress is not None:
                progress(part.progress, table.total)
    if not len(facts):
        raise problem(say("没有病例", "has no case"), file=source)
    facts.settle()
    return facts


def _missing(columns: CaseColumns, *, grouped: bool) -> frozenset[str]:
    """Facts that a file's columns cannot tell."""
    needs: dict[str, Sequence[str]] = {
        "admission": ("admission_date",), "insurance": ("insurance",),
        "department": ("department",), "procedures": ("procedures",),
        "diagnoses": ("diagnoses",), "principal": ("diagnoses",), "principal3": ("diagnoses",),
        "fund": ("fund_paid",), "drugs_tests": ("cost_technology", "cost_drug_material"),
        "components": _COMPONENTS, "transfer": ("discharge_mode",), "died": ("discharge_mode",),
        "self_pay": _PATIENT, "parts": ("fund_paid", *_PATIENT),
    }  # fmt: skip
    found = {fact for fact, parts in needs.items() if not all(one in columns for one in parts)}
    found |= {name for name, part in _NUMBERS.items() if not can_read(columns, part)}
    if "patient_id" not in columns:
        found |= {"person"}
    if not grouped:
        found |= {"hangs_on", "hanging", "expected_without", "contradiction"}
    return frozenset(found)


class _Reader:
    """Reads one batch; safe to use from several threads."""

    def __init__(self, columns: CaseColumns, group: GroupBatch | None, *, listed: bool) -> None:
        self._columns, self._group, self._listed = columns, group, listed

    def __call__(self, block: Block) -> _Part:
        part = self.read(block.load())
        part.progress = block.progress
        return part

    def read(self, batch: Batch) -> _Part:
        """One batch, without its rows that could not be read."""
        table, columns = batch.table, self._columns
        cells = Cells(table, columns)
        cost, _, bad = cells.amount("total_cost")
        negative = ~bad & (cost < 0)
        cost = np.where(bad | negative, 0, cost)
        kept = np.ones(table.num_rows, np.bool_)
        broken = {one.row: one for one in batch.malformed if not one.column}
        kept[list(broken)] = False
        drg, contradiction, pairs = self._groups(batch, cells)
        discharge = cells.day("discharge_date")[0]
        held: dict[str, npt.NDArray[Any]] = {
            name: cells.number(part)[0].astype(np.float32) for name, part in _NUMBERS.items()
        }
        held["discharge"] = discharge.astype(np.float32)
        held["admission"] = cells.day("admission_date")[0].astype(np.float32)
        held |= self._amounts(cells, cost)
        held |= {part: _count(table, columns, part) for part in ("diagnoses", "procedures")}
        texts = {"drg": drg, "hospital": _plain(cells.text("hospital_id")),
                 "insurance": _plain(cells.text("insurance")),
                 "department": _plain(cells.text("department")),
                 "contradiction": contradiction,
                 "principal": _principal(table, columns)}  # fmt: skip
        rows, codes, without = pairs
        stay = kept[rows]
        place = np.cumsum(kept) - 1
        some = numbers(np.flatnonzero(kept))
        held |= {"person": _person(cells, columns), "fen": cost,
                 "month": months_of(discharge).astype(np.int32)}  # fmt: skip
        named = {name: column.take(some) for name, column in texts.items()}
        faults: list[Entry] = []
        if self._listed:
            found = [(one.row, one.column, one.value, one.reason) for one in cells.faults()]
            found += entries(cells, columns.column("total_cost"), negative, _NEGATIVE)
            faults = with_broken(found, broken)
        only = pa.array(stay)
        named |= {"pair_codes": codes.filter(only), "pair_without": without.filter(only)}
        return _Part(
            {name: column[kept] for name, column in held.items()}, named,
            as_text(cells.text("case_id")).take(some), place[rows[stay]], len(broken),
            counted(cells), faults,
        )  # fmt: skip

    def _groups(self, batch: Batch, cells: Cells) -> tuple[pa.DictionaryArray, Any, Any]:
        own = _plain(cells.text("drg")) if "drg" in self._columns else None
        nothing = _encoded(strings([""] * 0))
        if self._group is None:
            assert own is not None
            blank = pa.DictionaryArray.from_arrays(
                numbers(np.zeros(cells.rows, np.int32)), strings([""])
            )
            return own, blank, (np.zeros(0, np.int64), nothing, nothing)
        found = self._group(batch, self._columns)
        if own is None:
            return found.drg, found.contradiction, (found.rows, found.codes, found.without)
        # what hangs on a code says nothing where the file has another group
        same = values(pc.equal(as_text(own), as_text(found.drg)).fill_null(False).cast(pa.uint8()))
        kept = same[found.rows] > 0
        only = pa.array(kept)
        pairs = found.rows[kept], found.codes.filter(only), found.without.filter(only)
        return own, found.contradiction, pairs

    @staticmethod
    def _amounts(cells: Cells, cost: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        """Parts of the cost: shares, and sums in yuan."""

        def total(parts: Sequence[str], *, whole: bool) -> Floats:
            found, there = np.zeros(cells.rows), np.zeros(cells.rows, np.bool_)
            lost = np.zeros(cells.rows, np.bool_)
            for part in parts:
                fen, blank, bad = cells.amount(part)
                found += fen
                there |= ~blank
                lost |= bad | (blank if whole else False)
            return np.where(there & ~lost, found, np.nan)

        with np.errstate(all="ignore"):
            whole = np.where(cost > 0, cost, np.nan)
            return {
                "drugs_tests": (total(("cost_technology", "cost_drug_material"), whole=True)
                                / whole).astype(np.float32),
                "self_pay": (total(_PATIENT, whole=True) / whole).astype(np.float32),
                "fund": total(("fund_paid",), whole=True) / 100,
                "parts": total(_PAYERS, whole=False) / 100,
                "components": total(_COMPONENTS, whole=True) / 100,
            }  # fmt: skip


def _plain(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """A dictionary of texts, without nulls."""
    if not pa.types.is_dictionary(column.type):
        return _encoded(as_text(column))
    indices = integers(column.indices, len(column.dictionary)).astype(np.int32)
    held = pa.concat_arrays([as_text(column.dictionary).fill_null(text_scalar("")), strings([""])])
    return pa.DictionaryArray.from_arrays(numbers(indices), held)


def _encoded(texts: pa.Array) -> pa.DictionaryArray:
    return texts.fill_null(text_scalar("")).dictionary_encode()


def _count(table: pa.RecordBatch, columns: CaseColumns, part: str) -> npt.NDArray[np.float32]:
    """How many codes a case has."""
    found = np.zeros(table.num_rows, np.float32)
    for name in columns.columns(part):
        column = table.column(name)
        if not pa.types.is_dictionary(column.type):
            column = as_text(column).dictionary_encode()
        plain = on_text(pc.utf8_trim, as_text(column.dictionary), characters=" |,;，；、")
        plain = plain.fill_null(text_scalar(""))
        some = values(pc.not_equal(plain, text_scalar("")).cast(pa.uint8()))
        more = values(pc.count_substring_regex(plain, _SEPARATED + "+").cast(pa.int32()))
        counts = np.append(some.astype(np.float32) + more, 0.0)
        found += counts[integers(column.indices, len(column.dictionary))].astype(np.float32)
    return found


def _principal(table: pa.RecordBatch, columns: CaseColumns) -> pa.DictionaryArray:
    """The principal diagnosis as it is written, upper case."""
    names = columns.columns("diagnoses")
    if not names:
        return pa.DictionaryArray.from_arrays(
            numbers(np.zeros(table.num_rows, np.int32)), strings([""])
        )
    column = table.column(names[0])
    if pa.types.is_dictionary(column.type):
        column = as_text(column)
    texts = as_text(column).fill_null(text_scalar(""))
    first = pc.list_element(pc.split_pattern_regex(texts, _SEPARATED, max_splits=1), 0)
    return _encoded(pc.utf8_upper(pc.utf8_trim_whitespace(first)))


def _person(cells: Cells, columns: CaseColumns) -> npt.NDArray[np.uint64]:
    if "patient_id" not in columns:
        return np.zeros(cells.rows, np.uint64)
    column = cells.column("patient_id")
    assert column is not None
    return text_keys(column)


def cut(texts: tuple[str, ...], length: int, *, known: bool) -> Coded:
    """The beginnings of texts; "" for groups that are none."""
    shorter = [
        "" if known and (is_ungrouped(text) or is_ambiguous(text)) else text[:length]
        for text in texts
    ]
    names = sorted(set(shorter))
    place = {name: i for i, name in enumerate(names)}
    return Coded(np.array([place[one] for one in shorter], np.int32), tuple(names))
