"""Facts of cases (审核事实) as compact arrays, read batch by batch.

Persons are 64-bit keys here and leave this room as places only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from budget.audit.expression import Coded
from budget.cases.claims import text_keys
from drg.cases import CaseColumns
from drg.cases.cells import AMOUNTS, Cells, can_read, columns_for
from drg.cases.dates import months_of
from drg.cases.opening import open_cases
from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.cases.texts import as_text, on_text
from drg.errors import problem
from drg.language import say
from drg.tables import Batch, Block
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
_SEPARATED = r"[|,;，；、]"
UNKNOWN = ""


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


@dataclass(frozen=True)
class Facts:
    """Facts of the cases of a file, one entry a row.

    Attributes:
        numbers: by name, NaN where unknown; amounts in yuan.
        texts: by name.
        person: key of the person, 0 unknown. Shape (N,).
        cost: total cost in fen, 0 where it is missing or wrong. Shape (N,).
        month: month of discharge as ``months_of`` counts, -1 unknown. Shape (N,).
        case_id: as the input writes it, in ascending order, as all else.
        pair_rows: row of each pair of a case and a code on which its group hangs. Shape (P,).
        pair_codes: the code of each pair.
        pair_without: the group without it.
        missing: facts that the file cannot tell.
        malformed: rows that could not be read, which are in no finding.
    """

    numbers: dict[str, npt.NDArray[Any]]
    texts: dict[str, Coded]
    person: npt.NDArray[np.uint64]
    cost: npt.NDArray[np.int64]
    month: Ints
    case_id: pa.Array
    pair_rows: npt.NDArray[np.int64]
    pair_codes: Coded
    pair_without: Coded
    missing: frozenset[str] = frozenset()
    malformed: int = 0

    def __len__(self) -> int:
        return len(self.cost)

    def ids(self, rows: npt.NDArray[Any]) -> pa.Array:
        """Ids of some cases, in their order."""
        return self.case_id.take(numbers(rows.astype(np.int64)))


@dataclass
class _Part:
    numbers: dict[str, npt.NDArray[Any]]
    texts: dict[str, pa.DictionaryArray]
    person: npt.NDArray[np.uint64]
    cost: npt.NDArray[np.int64]
    month: Ints
    case_id: pa.Array
    pair_rows: npt.NDArray[np.int64]
    pair_codes: pa.DictionaryArray
    pair_without: pa.DictionaryArray
    malformed: int
    progress: int = 0
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        self.rows = len(self.cost)


def read_facts(
    source: str | PathLike[str],
    group: GroupBatch | None,
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    workers: int | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Facts:
    """Read the facts of a file of cases.

    Args:
        source: discharge file, grouped or not.
        group: groups a batch; None where the file's own groups are all that is known.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        workers: threads.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: the file cannot be used, or has neither groups nor diagnoses.
    """
    source = Path(source)
    parts: list[_Part] = []
    needed = ("case_id", "hospital_id", "total_cost", "discharge_date")
    with open_cases(source, mapping=mapping, sheet=sheet, needed=needed) as table:
        columns = table.columns
        if "drg" not in columns and (group is None or "diagnoses" not in columns):
            raise problem(say("既没有分组也没有诊断", "has neither groups nor diagnoses"),
                          file=source, expected=say("drg 列或诊断列",
                                                    "a column drg, or diagnoses"))  # fmt: skip
        grouping = group if "diagnoses" in columns else None
        if grouping is None:
            table.only(columns_for(columns, _PARTS))
        read = _Reader(columns, grouping)
        for part in table.each(read, workers=workers):
            parts.append(part)
            if progress is not None:
                progress(part.progress, table.total)
    if not sum(part.rows for part in parts):
        raise problem(say("没有病例", "has no case"), file=source)
    return _joined(parts, _missing(columns, grouped=grouping is not None))


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

    def __init__(self, columns: CaseColumns, group: GroupBatch | None) -> None:
        self._columns, self._group = columns, group

    def __call__(self, block: Block) -> _Part:
        part = self.read(block.load())
        part.progress = block.progress
        return part

    def read(self, batch: Batch) -> _Part:
        """One batch, without its rows that could not be read."""
        table, columns = batch.table, self._columns
        cells = Cells(table, columns)
        cost, _, bad = cells.amount("total_cost")
        cost = np.where(bad | (cost < 0), 0, cost)
        kept = np.ones(table.num_rows, np.bool_)
        kept[[one.row for one in batch.malformed if not one.column]] = False
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
        months = months_of(discharge)
        return _Part(
            {name: column[kept] for name, column in held.items()},
            {name: column.take(some) for name, column in texts.items()},
            _person(cells, columns)[kept], cost[kept], months[kept].astype(np.int32),
            as_text(cells.text("case_id")).take(some), place[rows[stay]],
            codes.filter(pa.array(stay)), without.filter(pa.array(stay)), int((~kept).sum()),
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
    encoded = cells.column("patient_id")
    assert encoded is not None
    if not pa.types.is_dictionary(encoded.type):
        encoded = as_text(encoded).dictionary_encode()
    keys = np.append(text_keys(as_text(encoded.dictionary)), np.uint64(0))
    return np.asarray(keys[integers(encoded.indices, len(keys) - 1)])


def _joined(parts: list[_Part], missing: frozenset[str]) -> Facts:
    """All batches as one; each batch is let go of as it is taken over."""
    starts = np.cumsum([0, *(part.rows for part in parts)])
    texts = {name: coded([part.texts[name] for part in parts]) for name in parts[0].texts}
    drg, principal = texts["drg"], texts["principal"]
    texts["adrg"], texts["mdc"] = cut(drg, 3), cut(drg, 1)
    texts["principal3"] = cut(principal, 3, known=False)
    names = list(parts[0].numbers)
    ids = pa.chunked_array([part.case_id for part in parts], pa.string()).combine_chunks()
    cost = np.concatenate([part.cost for part in parts])
    discharge = np.concatenate([part.numbers["discharge"] for part in parts])
    order = _in_order(ids, cost, discharge, texts)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    held = {}
    for name in names:
        held[name] = np.concatenate([part.numbers.pop(name) for part in parts])[order]
    rows = [part.pair_rows + start for part, start in zip(parts, starts, strict=False)]
    return Facts(
        held, {name: column.take(order) for name, column in texts.items()},
        np.concatenate([part.person for part in parts])[order], cost[order],
        np.concatenate([part.month for part in parts])[order], ids.take(numbers(order)),
        place[np.concatenate(rows)],
        coded([part.pair_codes for part in parts]), coded([part.pair_without for part in parts]),
        missing, sum(part.malformed for part in parts),
    )  # fmt: skip


def _in_order(
    ids: pa.Array, cost: npt.NDArray[np.int64], discharge: npt.NDArray[Any],
    texts: dict[str, Coded],
) -> npt.NDArray[np.int64]:  # fmt: skip
    """The cases in the order of their ids, so that the order of the file decides nothing."""
    keys = {"id": ids, "hospital": numbers(texts["hospital"].codes), "cost": numbers(cost),
            "discharge": numbers(np.nan_to_num(discharge, nan=-1.0)),
            "drg": numbers(texts["drg"].codes)}  # fmt: skip
    found = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return values(found).astype(np.int64)


def coded(columns: Sequence[pa.DictionaryArray]) -> Coded:
    """Dictionary arrays as one column of texts, its texts in order so that rows decide nothing."""
    places: dict[str, int] = {}
    held = []
    for column in columns:
        texts = [text or "" for text in column.dictionary.to_pylist()]
        used = np.unique(values(column.indices)) if len(column) else np.zeros(0, np.int64)
        map_ = np.zeros(max(len(texts), 1), np.int32)
        for place in used.tolist():
            map_[place] = places.setdefault(texts[place], len(places))
        held.append(map_[values(column.indices)])
    names = sorted(places)
    rank = np.zeros(max(len(places), 1), np.int32)
    for new, name in enumerate(names):
        rank[places[name]] = new
    codes = np.concatenate(held) if held else np.zeros(0, np.int32)
    return Coded(rank[codes].astype(np.int32), tuple(names))


def cut(column: Coded, length: int, *, known: bool = True) -> Coded:
    """The beginnings of texts; "" for groups that are none."""
    shorter = [
        "" if known and (is_ungrouped(text) or is_ambiguous(text)) else text[:length]
        for text in column.texts
    ]
    names = sorted(set(shorter))
    place = {name: i for i, name in enumerate(names)}
    return Coded(np.array([place[one] for one in shorter], np.int32)[column.codes], tuple(names))
