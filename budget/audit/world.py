"""What rules are asked of (审核对象): cases, stays of one person, items, hospitals beside peers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from budget.audit.expected import Expected
from budget.audit.expression import Array, Coded, known
from budget.audit.facts import Facts
from budget.audit.peers import Peers
from drg.cases.outcomes import is_ambiguous, is_ungrouped

_BASIC, _MCC, _CC = ("5", "9"), ("1",), ("3",)
_MEDICAL = "RSTUVWXYZ"
TRANSFERRED, DIED = 2, 5


@dataclass(frozen=True)
class Items:
    """Billed items of the cases (费用明细), one entry an item.

    Attributes:
        rows: its case. Shape (I,).
        numbers: ``item.day``, ``item.quantity``, ``item.amount``.
        texts: ``item.name``, ``item.category``.
        lost: items whose case is not in the file.
        missing: facts that the table cannot tell.
    """

    rows: npt.NDArray[np.int64]
    numbers: dict[str, npt.NDArray[np.float64]]
    texts: dict[str, Coded]
    lost: int = 0
    missing: frozenset[str] = frozenset()


@dataclass
class Cases:
    """The cases of a file with all that is derived of them; a scope of expressions.

    Attributes:
        facts: as they were read.
        expected: what groups cost.
        ids: hospitals in the order of ``facts.texts["hospital"]``.
        tier: tier of each hospital, NaN unknown. Shape (H,).
        items: billed items, where they are given.
    """

    facts: Facts
    expected: Expected
    tier: npt.NDArray[np.float64]
    items: Items | None = None
    _held: dict[str, Array | Coded] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many cases there are."""
        return len(self.facts)

    @property
    def hospital(self) -> Coded:
        """The hospital of each case."""
        return self.facts.texts["hospital"]

    @cached_property
    def peers(self) -> Peers:
        """Who is compared with whom."""
        mdc = self.facts.texts["mdc"]
        size = len(self.hospital.texts), len(mdc.texts)
        place = self.hospital.codes.astype(np.int64) * size[1] + mdc.codes
        mix = np.bincount(place, minlength=size[0] * size[1]).reshape(size).astype(np.float64)
        return Peers.by(self.hospital.texts, self.tier, mix)

    def fact(self, name: str) -> Array | Coded:
        """A fact by its name; what many rules ask is held."""
        if name in self.facts.texts:
            return self.facts.texts[name]
        if name in ("hangs_on", "hanging", "expected_without"):
            return self._hanging[name]
        if name == "idle_days":
            return self._idle
        drg = self.facts.texts["drg"]
        if name == "cost":
            return np.where(self.facts.cost > 0, self.facts.cost / 100, np.nan)
        if name in ("expected", "ratio_error", "group_cases"):
            of = {"expected": self.expected.yuan, "ratio_error": self.expected.error,
                  "group_cases": self.expected.cases}[name]  # fmt: skip
            return np.where(self.grouped, of[drg.codes], np.nan)
        if name == "ratio":
            if name not in self._held:
                cost = np.asarray(self.fact("cost"))
                self._held[name] = known(cost / np.asarray(self.fact("expected")))
            return self._held[name]
        if name == "grouped":
            return self.grouped
        if name in ("basic", "mcc", "cc"):
            ends = {"basic": _BASIC, "mcc": _MCC, "cc": _CC}[name]
            return self.grouped & drg.told(lambda text: text[3:4] in ends and text[3:4] != "")
        if name == "medical":
            return self.grouped & drg.told(lambda text: text[1:2] != "" and text[1] in _MEDICAL)
        if name in ("transfer", "died"):
            wanted = TRANSFERRED if name == "transfer" else DIED
            return np.asarray(self.facts.numbers["mode"] == wanted)
        if name == "tier":
            return self.tier[self.hospital.codes]
        return self.facts.numbers[name]

    @cached_property
    def grouped(self) -> npt.NDArray[np.bool_]:
        """Cases with a group. Shape (N,)."""
        drg = self.facts.texts["drg"]
        return drg.told(lambda text: not is_ungrouped(text) and not is_ambiguous(text))

    def group(self, name: str) -> tuple[Array, int]:
        """The group of each case, and how many there are."""
        if name == "case":
            return np.arange(self.rows), self.rows
        if name == "person":
            person = self.facts.person
            alone = np.where(person == 0, np.arange(self.rows, dtype=np.uint64), person)
            found = np.unique(np.column_stack([person == 0, alone]), axis=0, return_inverse=True)[1]
            return found.ravel(), int(found.max()) + 1
        if name == "month":
            seen, found = np.unique(self.facts.month, return_inverse=True)
            return found, len(seen)
        if name == "tier":
            found = np.nan_to_num(self.tier, nan=-1.0).astype(np.int64) + 1
            return found[self.hospital.codes], int(found.max(initial=0)) + 1
        column = self.facts.texts[name]
        return column.codes, len(column.texts)

    def peer_quantile(self, values: Array, q: float) -> Array:
        """The quantile over peers of a number that is the same for all cases of a hospital."""
        code, size = self.group("hospital")
        there = ~np.isnan(values)
        with np.errstate(all="ignore"):
            of = np.bincount(code, np.where(there, values, 0.0), size) / np.bincount(
                code, there, size
            )
        return self.peers.quantile(of, q)[code]

    @cached_property
    def _hanging(self) -> dict[str, Array | Coded]:
        """Of each case the rarest code without which its group would be a lower one."""
        facts, drg = self.facts, self.facts.texts["drg"]
        rows, code, without = facts.pair_rows, facts.pair_codes, facts.pair_without
        price = self.expected.of(without.texts)
        here = drg.codes[rows]
        severity = [np.array([text[3:4] for text in one.texts] or [""]) for one in (drg, without)]
        family = [np.array([text[:3] for text in one.texts] or [""]) for one in (drg, without)]
        if len(rows):
            same = family[0][here] == family[1][without.codes]
            lower = np.where(same, severity[1][without.codes] > severity[0][here],
                             price[without.codes] < self.expected.yuan[here])  # fmt: skip
        else:
            lower = np.zeros(0, np.bool_)
        rows, codes, left = rows[lower], code.codes[lower], without.codes[lower]
        often = np.bincount(codes, minlength=len(code.texts) + 1)
        order = np.lexsort((left, codes, often[codes], rows))
        first = order[np.flatnonzero(np.diff(rows[order], prepend=-1))]
        names = ("", *code.texts)
        found = np.zeros(self.rows, np.int32)
        found[rows[first]] = codes[first] + 1
        yuan = np.full(self.rows, np.nan)
        yuan[rows[first]] = price[left[first]] if len(first) else np.zeros(0)
        return {"hangs_on": Coded(found, names), "hanging": found > 0, "expected_without": yuan}

    @cached_property
    def _idle(self) -> Array:
        """Days of each stay on which nothing was billed; NaN for cases without any item."""
        if self.items is None:
            return np.full(self.rows, np.nan)
        start = np.asarray(self.facts.numbers["admission"], np.float64)
        end = np.asarray(self.facts.numbers["discharge"], np.float64)
        rows, day = self.items.rows, self.items.numbers["item.day"]
        inside = (day >= start[rows]) & (day < np.maximum(end[rows], start[rows] + 1))
        pairs = np.unique(np.column_stack([rows[inside], day[inside].astype(np.int64)]), axis=0)
        active = np.bincount(pairs[:, 0], minlength=self.rows)
        any_item = np.bincount(rows, minlength=self.rows) > 0
        days = np.maximum(end - start, 1)
        return np.where(any_item, days - active, np.nan)


@dataclass
class Pairs:
    """Two stays of one person, the later one and one before it; a scope of expressions.

    Attributes:
        cases: all cases.
        later: rows of the later stays. Shape (P,).
        earlier: rows of those before. Shape (P,).
    """

    cases: Cases
    later: npt.NDArray[np.int64]
    earlier: npt.NDArray[np.int64]

    @classmethod
    def of(cls, cases: Cases, lags: int) -> Pairs:
        """Each stay with as many stays before it as ``lags`` says."""
        facts = cases.facts
        start, end = facts.numbers["admission"], facts.numbers["discharge"]
        some = np.flatnonzero((facts.person != 0) & ~np.isnan(start) & ~np.isnan(end))
        _, place, count = np.unique(facts.person[some], return_inverse=True, return_counts=True)
        some = some[count[place] > 1]
        person = facts.person[some]
        order = np.lexsort((end[some], start[some], person))  # ties as the cases stand: by id
        rows, person = some[order], person[order]
        later, earlier = [], []
        for lag in range(1, lags + 1):
            same = person[lag:] == person[:-lag]
            later.append(rows[lag:][same])
            earlier.append(rows[:-lag][same])
        return cls(cases, np.concatenate(later), np.concatenate(earlier))

    @property
    def rows(self) -> int:
        """How many pairs there are."""
        return len(self.later)

    def fact(self, name: str) -> Array | Coded:
        """A fact of the later stay, of the ``other``, or of both."""
        start, end = self.cases.facts.numbers["admission"], self.cases.facts.numbers["discharge"]
        if name == "gap_days":
            return np.asarray(start[self.later].astype(np.float64) - end[self.earlier])
        if name == "shared_days":
            first = np.minimum(end[self.later], end[self.earlier])
            return np.asarray(np.maximum(first.astype(np.float64) - start[self.later], 0))
        if name == "same_hospital":
            code = self.cases.hospital.codes
            return np.asarray(code[self.later] == code[self.earlier])
        rows = self.later
        if name.startswith("other."):
            name, rows = name.removeprefix("other."), self.earlier
        return _taken(self.cases.fact(name), rows)

    def group(self, name: str) -> tuple[Array, int]:
        """The group of each later stay."""
        codes, size = self.cases.group(name)
        return codes[self.later], size

    def peer_quantile(self, values: Array, q: float) -> Array:
        """As of cases."""
        return _by_hospital(self, self.cases, values, q)


@dataclass
class OfItems:
    """Billed items with the facts of their cases; a scope of expressions."""

    cases: Cases
    items: Items

    @property
    def rows(self) -> int:
        """How many items there are."""
        return len(self.items.rows)

    def fact(self, name: str) -> Array | Coded:
        """A fact of the item or of its case."""
        if name in self.items.numbers:
            return self.items.numbers[name]
        if name in self.items.texts:
            return self.items.texts[name]
        return _taken(self.cases.fact(name), self.items.rows)

    def group(self, name: str) -> tuple[Array, int]:
        """The group of each item's case."""
        codes, size = self.cases.group(name)
        return codes[self.items.rows], size

    def peer_quantile(self, values: Array, q: float) -> Array:
        """As of cases."""
        return _by_hospital(self, self.cases, values, q)


@dataclass
class OfHospitals:
    """Hospitals, the same in the year before, and the mean of their peers; a scope.

    Attributes:
        sums: by name, one entry a hospital. Shapes (H,).
        before: the same of the year before, NaN where a hospital was not there; None without it.
        peers: who is compared with whom.
        names: the hospitals.
    """

    sums: Mapping[str, npt.NDArray[np.float64]]
    before: Mapping[str, npt.NDArray[np.float64]] | None
    peers: Peers

    @property
    def rows(self) -> int:
        """How many hospitals there are."""
        return len(self.peers.ids)

    def fact(self, name: str) -> Array | Coded:
        """A fact of the hospital, of the year ``before`` or of its ``peers``."""
        if name == "hospital":
            return Coded(np.arange(self.rows, dtype=np.int32), self.peers.ids)
        if name.startswith("before."):
            held = self.before or {}
            earlier = held.get(name.removeprefix("before."), np.full(self.rows, np.nan))
            return np.asarray(earlier)
        if name.startswith("peers."):
            values = self.sums[name.removeprefix("peers.")]
            there = ~np.isnan(values)
            with np.errstate(all="ignore"):
                sums = self.peers.total(np.where(there, values, 0))
                return np.asarray(sums / self.peers.total(there.astype(np.float64)))
        return self.sums[name]

    def group(self, name: str) -> tuple[Array, int]:
        """Every hospital for itself, or by tier."""
        if name == "tier":
            found = np.nan_to_num(self.sums["tier"], nan=-1.0).astype(np.int64) + 1
            return found, int(found.max(initial=0)) + 1
        return np.arange(self.rows), self.rows

    def peer_quantile(self, values: Array, q: float) -> Array:
        """The quantile over each hospital's peers."""
        return self.peers.quantile(values, q)


def _taken(column: Array | Coded, rows: Array) -> Array | Coded:
    return column.take(rows) if isinstance(column, Coded) else column[rows]


def _by_hospital(scope: Pairs | OfItems, cases: Cases, values: Array, q: float) -> Array:
    code, size = scope.group("hospital")
    there = ~np.isnan(values)
    with np.errstate(all="ignore"):
        of = np.bincount(code, np.where(there, values, 0.0), size) / np.bincount(code, there, size)
    return cases.peers.quantile(of, q)[code]
