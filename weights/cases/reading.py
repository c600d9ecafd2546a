"""Reading cases for weights: batches of a table as arrays, each row used or accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases import CaseColumns
from drg.cases.blanks import BLANKS
from drg.cases.cells import Cells, Unread, can_read, columns_for
from drg.cases.codes import plain_group
from drg.cases.columns import plain_header
from drg.cases.dates import months_of
from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.cases.texts import as_text, text_list
from drg.cases.unread import Counted, counted
from drg.errors import problem
from drg.language import say
from drg.tables.arrays import blocks, integers, values
from weights.cases.observations import (
    COMPONENTS,
    FAULTS,
    GROUPED,
    UNGROUPED,
    Bools,
    Floats,
    Intake,
    Ints,
    Observations,
)

_LISTED = ("total_cost", *COMPONENTS, "cases")  # whose rows are told by a reason of their own
_TOTALS = frozenset(["合计", "总计", "小计", "total", "sum", "subtotal"])
# Headers that say whether a row of several cases has their sum or their mean; a Chinese total is
# read either way, so that a file of totals must say which.
_MEANS = frozenset(["total_cost", "次均费用", "例均费用", "mean_cost"])
TOTALS = ("mean", "sum")


@dataclass(frozen=True)
class Fault:
    """Rows of a batch that cannot be used for one reason."""

    reason: str
    rows: npt.NDArray[np.int64]
    column: str
    values: list[str]


@dataclass(frozen=True)
class Part:
    """One batch as arrays: codes are places in the batch's own lists of texts."""

    drg: Ints
    groups: list[str]
    hospital: Ints
    hospitals: list[str]
    numbers: dict[str, npt.NDArray[Any]]
    adrgs: dict[str, str]
    intake: Intake
    faults: tuple[Fault, ...]
    lost: Counted


class Reader:
    """Turns batches of a table into parts, and parts into observations."""

    def __init__(
        self,
        columns: CaseColumns,
        *,
        components: bool = False,
        years: bool = False,
        totals: str | None = None,
        rows: bool = False,
        hospitals: bool = True,
    ) -> None:
        """Prepare.

        Args:
            columns: where the parts of a case stand.
            components: read the component costs instead of the total.
            years: read the year of discharge.
            totals: of rows that stand for several cases, whether the cost is their ``mean`` or
                their ``sum``; None leaves it to the header.
            rows: keep the places of the rows in the input.
            hospitals: hospitals matter, so that a row with a blank one cannot be used.

        Raises:
            DrgError: a column that is needed was not found.
        """
        if totals not in (None, *TOTALS):
            raise problem(say("不是可用的取值", "not known"), key="totals", found=totals,
                          expected=say("mean 或 sum", "mean or sum"))  # fmt: skip
        self.totals = totals
        self._rows = rows
        self._hospitals = hospitals
        columns.need("drg", *(COMPONENTS if components else ("total_cost",)))
        if years and "discharge_date" not in columns:
            columns.need("discharge_date")
        self._columns = columns
        self._components = components
        self._years = years

    @property
    def names(self) -> list[str]:
        """The input's columns that are read."""
        wanted = ["drg", "hospital_id", "cases", "length_of_stay", "status", "adrg"]
        wanted += COMPONENTS if self._components else ["total_cost"]
        wanted += ["discharge_date"] if self._years else []
        return columns_for(self._columns, wanted)

    @property
    def money(self) -> tuple[str, ...]:
        """Parts that a weight hangs on: what is unreadable in them is no small thing."""
        costs = COMPONENTS if self._components else ("total_cost",)
        return (*costs, "cases", *(("discharge_date",) if self._years else ()))

    def part(self, table: pa.RecordBatch, malformed: Sequence[int] = ()) -> Part:
        """Read one batch.

        Args:
            table: the rows.
            malformed: places of rows whose shape could not be read.
        """
        rows = table.num_rows
        cells = Cells(table, self._columns)
        with ThreadPoolExecutor(1) as other:
            by_hospital = other.submit(self.codes, cells, "hospital_id")
            drg, groups = self.codes(cells, "drg")
            costs, unreadable = self._costs(cells)
            hospital, hospitals = by_hospital.result()
        cases, bad_cases = self._number(cells, "cases")
        if cases is not None:
            bad_cases |= ~(cases > 0)
            if self.totals == "sum":
                count = np.where(bad_cases, 1.0, cases)
                costs = costs / (count[:, None] if costs.ndim == 2 else count)
        cost = costs.sum(axis=1) if costs.ndim == 2 else costs
        shape = None
        if malformed:
            shape = np.zeros(rows, np.bool_)
            shape[list(malformed)] = True
        fine = rows and float(cost.min()) > 0  # false when there is a NaN
        found = {
            "malformed_row": shape,
            "missing_group": _where(_blank(groups), drg),
            "total_row": _where([g.lower() in _TOTALS for g in groups], drg),
            "missing_hospital": (
                _where(_blank(hospitals), hospital) if hospitals and self._hospitals else None
            ),
            "unreadable_cost": unreadable if unreadable.any() else None,
            "missing_cost": None if fine else np.isnan(cost),
            "negative_cost": None if fine else cost < 0,
            "zero_cost": None if fine else cost == 0,
            "bad_cases": bad_cases if bad_cases.any() else None,
            UNGROUPED: self._ungrouped(cells, drg, groups),
        }
        money = cost if fine else np.where(np.isfinite(cost), cost, 0.0)
        known = None if cases is None else np.where(bad_cases, 0.0, cases)
        if known is not None:
            money = money * known
        intake = Intake(rows, rows if known is None else float(known.sum()), float(money.sum()))
        hits = {reason: hit for reason, hit in found.items() if hit is not None}
        keep, faults = np.ones(rows if hits else 0, np.bool_), []
        for reason, rows_hit in hits.items():
            if not (hit := rows_hit & keep).any():
                continue
            keep &= ~hit
            intake.exclude(reason, int(hit.sum()), float(money[hit].sum()))
            if reason == "unreadable_cost" and self._components:
                spoilt = set(np.flatnonzero(hit).tolist())
                faults += _cells((one for one in cells.faults() if one.part in COMPONENTS
                                  and one.row in spoilt), reason)  # fmt: skip
            elif reason in FAULTS:
                faults.append(self._fault(table, reason, np.flatnonzero(hit)))
        numbers: dict[str, npt.NDArray[Any]] = {"cost": cost}
        if costs.ndim == 2:
            numbers["components"] = costs
        if cases is not None:
            numbers["cases"] = cases
        stay, _ = self._number(cells, "length_of_stay")
        if stay is not None:
            numbers["stay"] = stay
        if self._years:
            numbers["year"] = self._year(cells)
        if self._rows:
            numbers["row"] = np.arange(rows)
        adrgs = self._adrgs(cells, drg, groups)
        if not keep.all():
            drg, hospital = drg[keep], hospital[keep]
            numbers = {name: column[keep] for name, column in numbers.items()}
        faults += _others(cells)
        return Part(drg, groups, hospital, hospitals, numbers, adrgs, intake, tuple(faults),
                    counted(cells))  # fmt: skip

    def said(self, found: Observations) -> Observations:
        """The observations, if it is known whether their costs are sums or means.

        Raises:
            DrgError: rows stand for several cases, and the header of the cost may mean either.
        """
        header = "" if self._components else plain_header(self._columns.column("total_cost") or "")
        if not found.aggregated or self.totals is not None or header in _MEANS - {"total_cost"}:
            return found
        if header in _MEANS or self._components:
            found.intake.assumed = "costs of rows with several cases are taken for means per case"
            return found
        raise problem(say("一行代表多例：费用是合计还是例均？",
                          "rows stand for several cases: is this their sum or their mean cost?"),
                      key=header,
                      expected=say("totals = sum 或 mean（--totals）",
                                   "totals = sum or mean (--totals)"))  # fmt: skip

    @staticmethod
    def codes(cells: Cells, name: str) -> tuple[Ints, list[str]]:
        """A column of codes as places in a list of texts, and that list. Shape (N,)."""
        encoded = cells.column(name)
        if encoded is None:
            return np.zeros(cells.rows, np.int32), []
        if not pa.types.is_dictionary(encoded.type):
            plain_text = pa.types.is_large_string(encoded.type)
            encoded = (encoded if plain_text else as_text(encoded)).dictionary_encode()
        plain = str.strip if name == "hospital_id" else plain_group
        texts = [plain(text or "") for text in text_list(as_text(encoded.dictionary))]
        places = encoded.indices
        if places.null_count:
            return integers(places, len(texts)).astype(np.int32), [*texts, ""]
        return values(places).astype(np.int32, copy=False), texts

    def _costs(self, cells: Cells) -> tuple[Floats, Bools]:
        if not self._components:
            return cells.yuan("total_cost")
        read = [cells.yuan(name) for name in COMPONENTS]
        costs = np.stack([yuan for yuan, _ in read], axis=1)
        bad = np.any([unreadable for _, unreadable in read], axis=0)
        # a component that is blank beside others that are not is one that was not billed
        blank = np.isnan(costs)
        empty = blank.all(axis=1, keepdims=True)
        return np.where(blank & ~empty, 0.0, costs), np.asarray(bad)

    def _number(self, cells: Cells, name: str) -> tuple[Floats | None, Bools]:
        if not can_read(self._columns, name):
            return None, np.zeros(cells.rows, np.bool_)
        return cells.number(name)

    @staticmethod
    def _year(cells: Cells) -> Ints:
        months = months_of(cells.day("discharge_date")[0])
        return np.where(months < 0, -1, months // 12).astype(np.int32)

    def _ungrouped(self, cells: Cells, drg: Ints, groups: list[str]) -> Bools | None:
        found = _where([is_ungrouped(g) or is_ambiguous(g) for g in groups], drg)
        if "status" in self._columns:
            status = cells.text("status")
            texts = status.dictionary.to_pylist()
            other = _where([text not in ("", GROUPED) for text in texts],
                           integers(status.indices, 0))  # fmt: skip
            if other is not None:
                found = other if found is None else found | other
        return found

    def _adrgs(self, cells: Cells, drg: Ints, groups: list[str]) -> dict[str, str]:
        if "adrg" not in self._columns:
            return {}
        codes, adrgs = self.codes(cells, "adrg")
        first = np.unique(drg, return_index=True)
        return {groups[g]: adrgs[codes[row]] for g, row in zip(*first, strict=True)}

    def _fault(self, table: pa.RecordBatch, reason: str, rows: npt.NDArray[np.int64]) -> Fault:
        part = {
            "malformed_row": None, "missing_group": "drg", "total_row": "drg",
            "missing_hospital": "hospital_id", "bad_cases": "cases",
        }.get(reason, None if self._components else "total_cost")  # fmt: skip
        column = None if part is None else self._columns.column(part)
        if column is None:
            return Fault(reason, rows, "", [""] * len(rows))
        cells = as_text(table.column(column)).take(pa.array(rows))  # else no text view
        return Fault(reason, rows, column, [c or "" for c in text_list(cells)])


def _others(cells: Cells) -> list[Fault]:
    """Cells that cannot be read and for which no row is left out: stays, dates."""
    return _cells(one for one in cells.faults() if one.part not in _LISTED)


def _cells(unread: Iterable[Unread], reason: str = "") -> list[Fault]:
    """Cells that cannot be read, column by column."""
    found: dict[str, tuple[list[int], list[str], str]] = {}
    for one in unread:
        told = reason or one.reason.removeprefix("expected ")
        rows, texts, _ = found.setdefault(one.column, ([], [], told))
        rows.append(one.row)
        texts.append(one.value)
    return [Fault(told, np.array(rows), column, texts)
            for column, (rows, texts, told) in found.items()]  # fmt: skip


def join(parts: Iterator[Part]) -> Observations:
    """Put parts together; groups and hospitals are numbered in the order of their names."""
    held = list(parts)
    intake = Intake()
    for part in held:
        intake.rows += part.intake.rows
        intake.cases += part.intake.cases
        intake.cost += part.intake.cost
        for reason, rows in part.intake.excluded_rows.items():
            intake.exclude(reason, rows, part.intake.excluded_cost[reason])
    drg, groups = _numbered([(part.drg, part.groups) for part in held])
    hospital, hospitals = _numbered([(part.hospital, part.hospitals) for part in held])
    adrgs = {g: a for part in reversed(held) for g, a in part.adrgs.items()}
    names = list(held[0].numbers) if held else []
    numbers = {name: _joined([part.numbers.pop(name) for part in held]) for name in names}
    if "row" in numbers:
        starts = np.cumsum([0, *(part.intake.rows for part in held)])[:-1]
        numbers["row"] += np.repeat(starts, [len(part.drg) for part in held])
    cases = numbers.get("cases")
    return Observations(
        drg=drg,
        hospital=hospital,
        cost=numbers.get("cost", np.empty(0)),
        cases=None if cases is None or bool((cases == 1).all()) else cases,
        stay=numbers.get("stay"),
        year=numbers.get("year"),
        components=numbers.get("components"),
        row=numbers.get("row"),
        groups=groups,
        adrgs=tuple(adrgs.get(group, "") for group in groups),
        hospitals=hospitals,
        intake=intake,
    )


def _numbered(parts: Sequence[tuple[Ints, list[str]]]) -> tuple[Ints, tuple[str, ...]]:
    """Codes of several lists of texts as places in one sorted list of those that occur."""
    used = [(codes, texts, _seen(codes, len(texts))) for codes, texts in parts]
    names = sorted({t for _, texts, seen in used for t, s in zip(texts, seen, strict=False) if s})
    place = {name: i for i, name in enumerate(names)}
    maps = [np.array([place.get(t, 0) for t in texts] or [0], np.int32) for _, texts, _ in used]
    out = [m[codes] for m, (codes, _, _) in zip(maps, used, strict=True)]
    return (_joined(out) if out else np.empty(0, np.int32)), tuple(names)


def _seen(codes: Ints, count: int) -> Bools:
    seen = np.zeros(max(count, 1), np.bool_)
    for block in blocks(len(codes)):
        seen[codes[block]] = True
        if seen.all():
            break
    return seen


def _joined(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _blank(texts: Sequence[str]) -> list[bool]:
    return [text.lower() in BLANKS for text in texts]


def _where(marked: Sequence[bool], codes: npt.NDArray[Any]) -> Bools | None:
    """Rows whose code is marked; None when no code is."""
    if not any(marked):
        return None
    found: Bools = np.array(marked)[codes]
    return found
