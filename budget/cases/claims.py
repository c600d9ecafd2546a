"""Claims (结算清单): the cases of a year as arrays, read batch by batch, a few bytes a case."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from budget.cases.hospitals import Hospitals
from budget.policy.document import Policy
from drg.cases import CaseColumns
from drg.cases.cells import Cells, columns_for
from drg.cases.choices import EMPLOYEE, FLAGS, RESIDENT
from drg.cases.choices import INSURANCES as INSURANCES
from drg.cases.dates import months_of
from drg.cases.keys import Keys, text_keys
from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.cases.texts import as_text, on_text, text_list
from drg.cases.values import Floats
from drg.errors import problem
from drg.language import say
from drg.tables.arrays import integers, values
from weights.table import WeightTable

Ints = npt.NDArray[np.int32]
Fen = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

GROUPED, UNGROUPED, AMBIGUOUS = 0, 1, 2
PATIENT_PARTS = ("patient_out_of_scope", "patient_deductible", "patient_copay")
DECIDED = ("review_amount", "fixed_price")  # what people decided that a case is worth
AMOUNTS = ("fund_paid", "other_paid", *PATIENT_PARTS, *DECIDED)
CHECKS = ("patient_total",)  # held against the others, no money hangs on it
# part -> how keys of the policy begin or end that go by it
_YEARS = 1900, 2200
_ASKED = {
    "discharge_mode": ("special.transfer.",), "age": (".age_below",),
    "tcm_share": (".least_share",),
    "length_of_stay": ("special.short_stay.", "special.long_stay.", ".within_days"),
    "special_review": ("special.review.",), "day_surgery": ("special.day_surgery.",),
    "day_bed": ("special.day_bed.",), "new_technology": ("special.new_technology.",),
}  # fmt: skip


@dataclass(frozen=True)
class Claims:
    """Cases, one entry a row of the input.

    Attributes:
        group: place in the weight table, -1 for a group that it does not list. Shape (N,).
        kind: ``GROUPED``, ``UNGROUPED`` or ``AMBIGUOUS``.
        hospital: place in the table of hospitals, -1 when it is not there.
        insurance: ``EMPLOYEE``, ``RESIDENT``, or -1.
        month: month of discharge in the settlement year, 0 to 11, -1 outside of it or unknown.
        cost: total billed cost in fen, 0 where it is missing or wrong.
        stay: length of stay in days, NaN unknown.
        age: years, NaN unknown.
        mode: discharge mode, 0 unknown.
        tcm_share: share of TCM treatment in the cost, NaN unknown.
        disease: place of the day-bed disease by the principal diagnosis, -1 for none.
        technology: place of the new technology by the procedures, -1 for none.
        amounts: what the input says of fund and patient, and what people decided that a case is
            worth (0 for nothing decided), in fen, by column name.
        flags: what the input marks, by column name.
        population: place in ``populations``; zeros without the column.
        populations: categories of people.
        unread: cells that its money hangs on could not be read; it is not settled. None for none.
        person: key of the person, 0 unknown; None unless persons were asked for.
        day: day of discharge since 1970-01-01, -1 unknown; None likewise.
        admission: day of admission since 1970-01-01, -1 unknown; None likewise.
        case_id: ids as the input writes them; None without the column.
    """

    group: Ints
    kind: npt.NDArray[np.int8]
    hospital: Ints
    insurance: npt.NDArray[np.int8]
    month: npt.NDArray[np.int8]
    cost: Fen
    stay: npt.NDArray[np.float32]
    age: npt.NDArray[np.float32]
    mode: npt.NDArray[np.int8]
    tcm_share: npt.NDArray[np.float32]
    disease: npt.NDArray[np.int8]
    technology: npt.NDArray[np.int8]
    amounts: dict[str, Fen]
    flags: dict[str, Bools]
    population: npt.NDArray[np.int16]
    populations: tuple[str, ...]
    unread: Bools | None = None
    person: Keys | None = None
    day: Ints | None = None
    admission: Ints | None = None
    case_id: pa.ChunkedArray | None = None

    def __len__(self) -> int:
        return len(self.group)

    def whole(self) -> Bools:
        """Rows that have all that a price hangs on. Shape (N,)."""
        found = (self.group >= 0) & (self.hospital >= 0) & (self.insurance >= 0) & (self.cost > 0)
        found &= self.month >= 0
        return np.asarray(found if self.unread is None else found & ~self.unread)

    def slice(self, start: int, stop: int) -> Claims:
        """Rows ``start`` to ``stop``, without copying."""
        ids = None if self.case_id is None else self.case_id.slice(start, stop - start)
        return self._each(lambda held: held[start:stop], ids)

    def take(self, rows: npt.NDArray[Any]) -> Claims:
        """Some rows, by place or mask."""
        at = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        ids = None if self.case_id is None else self.case_id.take(pa.array(at))
        return self._each(lambda held: held[rows], ids)

    def in_order(
        self, rows: npt.NDArray[np.intp], *first: npt.NDArray[Any]
    ) -> npt.NDArray[np.intp]:
        """Places of some rows in order: by keys, then by case id, whatever the order of the file.

        Where ids are missing or the same, by what the cases are; then it does not matter which is
        which.

        Args:
            rows: the rows. Shape (R,).
            first: keys that come before the ids, the last one first of all. Shapes (R,).
        """
        if not first:
            return self._by_id(rows)
        order = np.lexsort(first)
        same = np.ones(max(len(rows) - 1, 0), np.bool_)
        for key in first:
            same &= key[order[1:]] == key[order[:-1]]
        if not same.any():
            return order
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        run = np.cumsum(np.append(True, ~same))[tied]
        some = order[tied]
        by_id = self._by_id(rows[some])
        order[tied] = some[by_id[np.argsort(run[by_id], kind="stable")]]
        return order

    def _by_id(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        ids = np.zeros(len(rows), np.intp)
        if self.case_id is not None:
            ids = np.unique(_texts_of(self.case_id, rows), return_inverse=True)[1]
        optional = (self.person, self.day, self.admission, *self.amounts.values(),
                    *self.flags.values())  # fmt: skip
        alike: list[npt.NDArray[Any]] = [held[rows] for held in optional if held is not None]
        alike += [np.nan_to_num(held[rows], nan=-1) for held in (
            self.stay, self.age, self.tcm_share)]  # fmt: skip
        return np.lexsort((
            rows, *alike, self.population[rows], self.technology[rows], self.disease[rows],
            self.mode[rows], self.kind[rows], self.month[rows], self.cost[rows], self.group[rows],
            self.insurance[rows], self.hospital[rows], ids,
        ))  # fmt: skip

    def priced(self) -> Claims:
        """What is still needed when prices and the parts of patients are known."""
        return replace(self, amounts={}, flags={}, person=None, day=None, admission=None)

    def _each(self, part: Any, ids: pa.ChunkedArray | None) -> Claims:
        taken: dict[str, Any] = {}
        for field in fields(self):
            held = getattr(self, field.name)
            if isinstance(held, dict):
                taken[field.name] = {name: part(column) for name, column in held.items()}
            else:
                taken[field.name] = part(held) if isinstance(held, np.ndarray) else held
        return Claims(**taken | {"case_id": ids})


def _texts_of(column: pa.ChunkedArray, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.str_]:
    """The texts of some rows."""
    ends = np.cumsum([len(chunk) for chunk in column.chunks])
    home = np.searchsorted(ends, rows, side="right")
    found = np.empty(len(rows), object)
    for place in np.unique(home):
        chunk, mine = column.chunk(int(place)), home == place
        at = rows[mine] - (int(ends[place]) - len(chunk))
        found[mine] = [text or "" for text in text_list(as_text(chunk.take(pa.array(at))))]
    return found.astype(str)


class ClaimReader:
    """Reads batches of a grouped file as claims."""

    def __init__(
        self,
        columns: CaseColumns,
        hospitals: Sequence[str],
        groups: Sequence[str],
        year: int,
        populations: Sequence[str] = (),
        diseases: Sequence[Sequence[str]] = (),
        technologies: Sequence[Sequence[str]] = (),
        *,
        persons: bool = False,
        asked: Sequence[str] = (),
    ) -> None:
        """Prepare.

        Args:
            columns: where the parts of a case stand.
            hospitals: ids of the table of hospitals.
            groups: groups of the weight table.
            year: settlement year; a case belongs to it by its discharge.
            populations: categories of people that the policy knows.
            diseases: beginnings of principal diagnoses of each day-bed disease.
            technologies: beginnings of procedure codes of each new technology.
            persons: whether persons and the days of their stays are read.
            asked: parts that the policy goes by: a case is not settled where one is unreadable.

        Raises:
            DrgError: a column that is needed was not found.
        """
        columns.need("drg", "hospital_id", "insurance", "discharge_date", "total_cost")
        self._columns = columns
        self._hospitals = {name: place for place, name in enumerate(hospitals)}
        self._groups = {name: place for place, name in enumerate(groups)}
        self._populations = ("", *populations)
        self._year = year
        self._persons = persons
        self._asked = tuple(asked)
        self._diseases = [_beginning(codes, principal=True) for codes in diseases]
        self._technologies = [_beginning(codes, principal=False) for codes in technologies]

    @classmethod
    def of(
        cls,
        policy: Policy,
        columns: CaseColumns,
        hospitals: Hospitals,
        weights: WeightTable,
        year: int,
    ) -> Self:
        """The reader of what a policy needs; persons where readmission, caps or benefits ask.

        Raises:
            DrgError: a column that is needed was not found, or the year is none.
        """
        if not _YEARS[0] <= year <= _YEARS[1]:
            raise problem(say("不是年份", "not a year"), key="year", found=year,
                          expected=say(f"{_YEARS[0]} 至 {_YEARS[1]}",
                                       f"{_YEARS[0]} to {_YEARS[1]}"))  # fmt: skip
        special = policy.special
        found: dict[str, None] = {}  # categories of people that the policy names anywhere
        for leaf in policy.leaves():
            if leaf.key.endswith(".population"):
                names = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
                found |= dict.fromkeys(map(str, names))
        return cls(
            columns, hospitals.ids, [str(group) for group in weights.frame["drg"]], year,
            list(found),
            [one.diagnoses for one in special.day_bed.diseases] if special.day_bed else (),
            [one.procedures for one in special.new_technology.technologies]
            if special.new_technology else (),
            persons=special.caseload is not None or special.new_technology is not None
            or ("patient_id" in columns
                and (special.readmission is not None or "fund_paid" not in columns.sources)),
            asked=asked_by(policy),
        )  # fmt: skip

    @property
    def money(self) -> tuple[str, ...]:
        """Parts that money hangs on: what is unreadable in them is no small thing."""
        return ("total_cost", *AMOUNTS, "discharge_date", "insurance", "hospital_id",
                *self._asked)  # fmt: skip

    @property
    def names(self) -> list[str]:
        """The input's columns that are read."""
        wanted = (
            "drg", "hospital_id", "insurance", "discharge_date", "total_cost", "status",
            "length_of_stay", "age", "discharge_mode", "population", "tcm_share", "case_id",
            *AMOUNTS, *CHECKS, *FLAGS,
        )  # fmt: skip
        extra = ("patient_id",) if self._persons else ()
        names = columns_for(self._columns, (*wanted, "admission_date", *extra))
        if self._diseases:
            names += self._columns.columns("diagnoses")[:1]
        if self._technologies:
            names += self._columns.columns("procedures")
        return list(dict.fromkeys(names))

    def read(self, table: pa.RecordBatch, cells: Cells | None = None) -> Claims:
        """One batch as claims.

        Args:
            table: the rows.
            cells: their cells, where the caller wants to know what could not be read.
        """
        rows = table.num_rows
        cells = Cells(table, self._columns) if cells is None else cells
        kind = self._mapped_by(cells, "drg", _kind)
        if self._has("status"):
            states = {"ambiguous": AMBIGUOUS, "ungrouped": UNGROUPED, "invalid": UNGROUPED}
            kind = np.maximum(kind, self._mapped(cells, "status", states, GROUPED))
        insurance = cells.number("insurance")[0]
        cost, blank, unreadable = cells.amount("total_cost")
        bad = blank | unreadable | (cost <= 0)
        discharge = cells.day("discharge_date")[0]
        if self._has("admission_date"):
            cells.day("admission_date")
        held = {
            name: cells.number(name)[0].astype(np.float32)
            for name in ("length_of_stay", "age", "discharge_mode", "tcm_share")
        }
        amounts = {name: cells.amount(name)[0] for name in AMOUNTS if self._has(name)}
        flags = {name: cells.flag(name)[0] for name in FLAGS if self._has(name)}
        unread = np.zeros(rows, np.bool_)
        for name in (*amounts, *self._asked):
            unread |= cells.unread(name)
        for fen in amounts.values():
            unread |= fen < 0
        amounts |= {name: cells.amount(name)[0] for name in CHECKS if self._has(name)}
        hospital = self._mapped(cells, "hospital_id", {**self._hospitals, "": -1}, -2)
        cells.missed("hospital_id", hospital < -1)
        hospital = np.maximum(hospital, -1)
        return Claims(
            group=self._mapped(cells, "drg", self._groups, -1),
            kind=kind.astype(np.int8),
            hospital=hospital,
            insurance=np.where(np.isin(insurance, (EMPLOYEE, RESIDENT)), insurance, -1).astype(
                np.int8
            ),
            month=self._month(discharge),
            cost=np.where(bad, 0, cost),
            stay=held["length_of_stay"],
            age=held["age"],
            mode=np.nan_to_num(held["discharge_mode"]).astype(np.int8),
            tcm_share=held["tcm_share"],
            disease=self._marked(cells, "diagnoses", self._diseases, rows),
            technology=self._marked(cells, "procedures", self._technologies, rows),
            amounts={name: np.maximum(fen, 0) for name, fen in amounts.items()},
            flags=flags,
            population=self._mapped(
                cells, "population", {n: i for i, n in enumerate(self._populations)}, 0
            ).astype(np.int16) if self._has("population") else np.zeros(rows, np.int16),
            populations=self._populations,
            unread=unread,
            person=self._person(cells) if self._persons else None,
            day=_whole_days(discharge) if self._persons else None,
            admission=_whole_days(cells.day("admission_date")[0]) if self._persons else None,
            case_id=pa.chunked_array([as_texts(self._column(cells, "case_id"))])
            if self._has("case_id") else None,
        )  # fmt: skip

    def _has(self, name: str) -> bool:
        return self._columns.column(name) is not None

    @staticmethod
    def _column(cells: Cells, name: str) -> pa.Array:
        found = cells.column(name)
        assert found is not None
        return found

    def _distinct(self, cells: Cells, name: str) -> tuple[Ints, list[str]]:
        encoded = self._column(cells, name)
        if not pa.types.is_dictionary(encoded.type):
            encoded = as_text(encoded).dictionary_encode()
        texts = [(text or "").strip() for text in text_list(as_text(encoded.dictionary))]
        if encoded.indices.null_count:
            return integers(encoded.indices, len(texts)).astype(np.int32), [*texts, ""]
        return values(encoded.indices), [*texts, ""]

    def _mapped(self, cells: Cells, name: str, places: Mapping[str, int], missing: int) -> Ints:
        codes, texts = self._distinct(cells, name)
        return np.array([places.get(text, missing) for text in texts], np.int32)[codes]

    def _mapped_by(self, cells: Cells, name: str, place: Callable[[str], int]) -> Ints:
        codes, texts = self._distinct(cells, name)
        return np.array([place(text) for text in texts], np.int32)[codes]

    def _marked(
        self, cells: Cells, part: str, patterns: Sequence[str], rows: int
    ) -> npt.NDArray[np.int8]:
        """Place of the first pattern that the codes of a part match, -1 for none."""
        found = np.full(rows, -1, np.int8)
        columns = self._columns.columns(part)[: 1 if part == "diagnoses" else None]
        for place, pattern in reversed(list(enumerate(patterns))):
            for column in columns:
                texts = as_text(cells.table.column(column))
                hit = on_text(pc.match_substring_regex, texts, pattern).fill_null(False)
                found[values(hit.cast(pa.uint8())) > 0] = place
        return found

    def _month(self, discharge: Floats) -> npt.NDArray[np.int8]:
        months = months_of(discharge)
        place = months - self._year * 12
        return np.where((place >= 0) & (place < 12), place, -1).astype(np.int8)

    def _person(self, cells: Cells) -> Keys:
        if not self._has("patient_id"):
            return np.zeros(cells.rows, np.uint64)
        return text_keys(self._column(cells, "patient_id"))


def asked_by(policy: Policy) -> list[str]:
    """Parts of a case that rules of a policy ask for besides those that every policy needs."""
    keys = [leaf.key for leaf in policy.leaves()]
    return [part for part, signs in _ASKED.items() if any(
        key.startswith(sign) or key.endswith(sign) for sign in signs for key in keys
    )]  # fmt: skip


def _whole_days(days: Floats) -> Ints:
    return np.where(np.isnan(days), -1, np.maximum(days, -1)).astype(np.int32)


def _kind(group: str) -> int:
    if is_ungrouped(group):
        return UNGROUPED
    return AMBIGUOUS if is_ambiguous(group) else GROUPED


def _beginning(codes: Sequence[str], *, principal: bool) -> str:
    """A pattern that finds a code with one of these beginnings in a cell of codes."""
    wanted = "|".join(re.escape(code) for code in codes)
    return rf"^\s*({wanted})" if principal else rf"(^|[|,;、，；\s])({wanted})"


def as_texts(column: pa.Array) -> pa.Array:
    """A column as texts, or as codes of them where it comes so: no type that cannot be taken."""
    return column if pa.types.is_dictionary(column.type) else as_text(column)


class Gathering:
    """Parts of a year put into whole arrays as they come, so that it is in memory only once."""

    def __init__(self, expected: int = 0) -> None:
        """Prepare for so many cases; more may come."""
        self._size, self._room = 0, expected
        self._whole: dict[str, Any] = {}

    def add(self, part: Claims) -> None:
        """Copy a part to the end."""
        end = self._size + len(part)
        if end > self._room:
            self._room = max(end, 2 * self._room)
        for field in fields(Claims):
            self._whole[field.name] = self._put(self._whole.get(field.name),
                                                getattr(part, field.name))  # fmt: skip
        self._size = end

    def _put(self, whole: Any, part: Any) -> Any:
        if isinstance(part, dict):
            return {name: self._put((whole or {}).get(name), part[name]) for name in part}
        if isinstance(part, pa.ChunkedArray):
            return pa.chunked_array([*(whole.chunks if whole is not None else ()), *part.chunks])
        if not isinstance(part, np.ndarray):
            return part
        if whole is None or len(whole) < self._room:
            longer = np.empty(self._room, part.dtype)
            if whole is not None:
                longer[: self._size] = whole[: self._size]
            whole = longer
        whole[self._size : self._size + len(part)] = part
        return whole

    def claims(self) -> Claims:
        """What came."""
        found = Claims(**self._whole)
        return found if self._size == self._room else found.slice(0, self._size)


def joined(parts: Sequence[Claims]) -> Claims:
    """Several parts as one."""
    gathering = Gathering(sum(map(len, parts)))
    for part in parts:
        gathering.add(part)
    return gathering.claims()
