"""What rules are asked of (审核对象): cases, stays of one person, items, hospitals beside peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from budget.audit.columns import Columns
from budget.audit.expected import Expected
from budget.audit.expression import TEXT, Array, Coded, Rows, known
from budget.audit.facts import Facts
from budget.audit.peers import Peers
from budget.audit.vocabulary import CASE
from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.tables.arrays import blocks

_BASIC, _MCC, _CC = ("5", "9"), ("1",), ("3",)
_MEDICAL = "RSTUVWXYZ"
TRANSFERRED, DIED = 2, 5
TEXTS = frozenset(name for name, (kind, *_) in CASE.items() if kind == TEXT)


@dataclass(frozen=True)
class Items:
    """Billed items of the cases (费用明细), one entry an item, on disk.

    Attributes:
        held: ``row`` of its case, ``item.day``, ``item.quantity``, ``item.amount``, ``item.name``,
            ``item.category``.
        rows: how many items there are.
        lost: items whose case is not in the file.
        missing: facts that the table cannot tell.
    """

    held: Columns
    rows: int
    lost: int = 0
    missing: frozenset[str] = frozenset()


def is_grouped(drg: Coded) -> npt.NDArray[np.bool_]:
    """Which cases have a group. Shape (N,)."""
    return drg.told(lambda text: not is_ungrouped(text) and not is_ambiguous(text))


@dataclass
class Cases:
    """The cases of a file with all that is derived of them; a scope of expressions.

    Attributes:
        facts: as they were read.
        expected: what groups cost.
        tier: tier of each hospital, NaN unknown. Shape (H,).
        items: billed items, where they are given.
    """

    facts: Facts
    expected: Expected
    tier: npt.NDArray[np.float64]
    items: Items | None = None

    @property
    def rows(self) -> int:
        """How many cases there are."""
        return len(self.facts)

    @property
    def hospitals(self) -> tuple[str, ...]:
        """All hospitals."""
        return self.facts.texts("hospital")

    @cached_property
    def by_hospital(self) -> npt.NDArray[np.int64]:
        """Cases of each hospital. Shape (H,)."""
        return np.asarray(self._mix.sum(axis=1))

    @cached_property
    def _mix(self) -> npt.NDArray[np.int64]:
        """Cases of each hospital by category. Shape (H, M)."""
        size = len(self.hospitals), len(self.facts.texts("mdc"))
        found = np.zeros(size[0] * size[1], np.int64)
        for rows in blocks(self.rows):
            place = self.group("hospital", rows).astype(np.int64) * size[1]
            found += np.bincount(place + self.group("mdc", rows), minlength=len(found))
        return found.reshape(size)

    @cached_property
    def peers(self) -> Peers:
        """Who is compared with whom."""
        return Peers.by(self.hospitals, self.tier, self._mix.astype(np.float64))

    def fact(self, name: str, rows: Rows) -> Array | Coded:
        """A fact of some cases by its name."""
        facts = self.facts
        if name == "hangs_on":
            codes = facts.number(self._hanging, rows)
            return Coded(codes, ("", *facts.held.texts["pair_codes"]))
        if name == "hanging":
            return np.asarray(facts.number(self._hanging, rows) > 0)
        if name == "expected_without":
            price = np.append(self.expected.of(facts.held.texts["pair_without"]), np.nan)
            self._hanging  # noqa: B018
            return np.asarray(price[facts.number("without", rows)])
        if name == "idle_days":
            return self._idle(rows)
        if name == "cost":
            fen = facts.number("fen", rows)
            return np.where(fen > 0, fen / 100, np.nan)
        if name in ("expected", "ratio_error", "group_cases"):
            of = {"expected": self.expected.yuan, "ratio_error": self.expected.error,
                  "group_cases": self.expected.cases}[name]  # fmt: skip
            return np.where(self.grouped(rows), of[self.group("drg", rows)], np.nan)
        if name == "ratio":
            cost = np.asarray(self.fact("cost", rows))
            return np.asarray(known(cost / np.asarray(self.fact("expected", rows))))
        if name == "grouped":
            return self.grouped(rows)
        if name in ("basic", "mcc", "cc"):
            ends = {"basic": _BASIC, "mcc": _MCC, "cc": _CC}[name]
            return self.grouped(rows) & facts.text("drg", rows).told(
                lambda text: text[3:4] in ends and text[3:4] != ""
            )
        if name == "medical":
            return self.grouped(rows) & facts.text("drg", rows).told(
                lambda text: text[1:2] != "" and text[1] in _MEDICAL
            )
        if name in ("transfer", "died"):
            wanted = TRANSFERRED if name == "transfer" else DIED
            return np.asarray(facts.number("mode", rows) == wanted)
        if name == "tier":
            return self.tier[self.group("hospital", rows)]
        return facts.text(name, rows) if name in TEXTS else facts.number(name, rows)

    def grouped(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which cases have a group."""
        return is_grouped(self.facts.text("drg", rows))

    def group(self, name: str, rows: Rows) -> Array:
        """The group of some cases."""
        if name == "case":
            return np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        if name == "person":
            return self.facts.number(self._persons[0], rows)
        if name == "month":
            return np.searchsorted(self.months, self.facts.number("month", rows))
        if name == "tier":
            return self._tiers[self.group("hospital", rows)]
        return self.facts.text(name, rows).codes

    def groups(self, name: str) -> int:
        """How many groups there are."""
        if name == "case":
            return self.rows
        if name == "person":
            return self._persons[1]
        if name == "month":
            return len(self.months)
        if name == "tier":
            return int(self._tiers.max(initial=0)) + 1
        return len(self.facts.texts(name))

    def peer_quantile(self, means: Array, q: float) -> Array:
        """The quantile of a number of hospitals over each one's peers. Shape (H,)."""
        return self.peers.quantile(means, q)

    @cached_property
    def months(self) -> Array:
        """The months that there are, ascending."""
        return np.unique(
            [
                one
                for part in blocks(self.rows)
                for one in np.unique(self.facts.number("month", part))
            ]
        )

    @cached_property
    def _tiers(self) -> Array:
        return np.nan_to_num(self.tier, nan=-1.0).astype(np.int64) + 1

    @cached_property
    def _persons(self) -> tuple[str, int]:
        """The column of persons as places, each unknown one for himself, and how many there are."""
        persons, place = np.unique(self.facts.number("person"), return_inverse=True)
        if not persons[0]:
            alone = np.flatnonzero(place == 0)
            place[alone] = len(persons) + np.arange(len(alone))
        self.facts.held.put("place_of_person", place.astype(np.int32))
        return "place_of_person", int(place.max()) + 1

    @cached_property
    def _hanging(self) -> str:
        """The column of the rarest code without which each case's group would be a lower one.

        It counts from 1, 0 for none. Beside it stands ``without``, the group without the code.
        """
        held, drgs = self.facts.held, self.facts.texts("drg")
        names, without = held.texts["pair_codes"], held.texts["pair_without"]
        price = self.expected.of(without)
        severity = [np.array([text[3:4] for text in one] or [""]) for one in (drgs, without)]
        family = [np.array([text[:3] for text in one] or [""]) for one in (drgs, without)]

        def lower() -> Iterator[tuple[Array, Array, Array]]:
            for rows, code, left in self.facts.pair_blocks():
                here, there = self.group("drg", rows), left.codes
                is_lower = np.where(family[0][here] == family[1][there],
                                    severity[1][there] > severity[0][here],
                                    price[there] < self.expected.yuan[here])  # fmt: skip
                yield rows[is_lower], code.codes[is_lower], there[is_lower]

        often = np.zeros(len(names) + 1, np.int64)
        for _, codes, _ in lower():
            often += np.bincount(codes, minlength=len(often))
        found, gone = np.zeros(self.rows, np.int32), np.full(self.rows, -1, np.int32)
        for rows, codes, left in lower():
            order = np.lexsort((left, codes, often[codes], rows))
            first = order[np.flatnonzero(np.diff(rows[order], prepend=-1))]
            found[rows[first]], gone[rows[first]] = codes[first] + 1, left[first]
        held.put("hangs_on", found)
        held.put("without", gone)
        return "hangs_on"

    def _idle(self, rows: Rows) -> Array:
        """Days of each stay on which nothing was billed; NaN for cases without any item."""
        if self.items is None:
            return np.full(len(self.group("case", rows)), np.nan)
        active, billed = self._active
        start, end = (np.asarray(self.facts.number(name, rows), np.float64)
                      for name in ("admission", "discharge"))  # fmt: skip
        return np.where(billed[rows], np.maximum(end - start, 1) - active[rows], np.nan)

    @cached_property
    def _active(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Of each case the days with an item, and whether it has any. Shapes (N,)."""
        assert self.items is not None
        parts, billed = [], np.zeros(self.rows, np.bool_)
        for some in blocks(self.items.rows):
            rows, day = (self.items.held.read(name, some) for name in ("row", "item.day"))
            billed[rows] = True
            start, end = (self.facts.number(name, rows).astype(np.float64)
                          for name in ("admission", "discharge"))  # fmt: skip
            inside = (day >= start) & (day < np.maximum(end, start + 1))
            pairs = rows[inside].astype(np.int64) << 32 | day[inside].astype(np.int64)
            parts.append(np.unique(pairs))
        days = np.unique(np.concatenate([np.zeros(0, np.int64), *parts])) >> 32
        return np.bincount(days, minlength=self.rows).astype(np.int32), billed


@dataclass
class Pairs:
    """Two stays of one person, the later one and one before it; a scope of expressions.

    Attributes:
        cases: all cases.
        later: rows of the later stays. Shape (P,).
        earlier: rows of those before. Shape (P,).
    """

    cases: Cases
    later: npt.NDArray[np.int32]
    earlier: npt.NDArray[np.int32]

    @classmethod
    def of(cls, cases: Cases, lags: int) -> Pairs:
        """Each stay with as many stays before it as ``lags`` says."""
        person = cases.facts.number("person")
        rows = np.argsort(person, kind="stable").astype(np.int32)
        person = person[rows]
        same = np.append(person[1:] == person[:-1], False)
        several = (same | np.append(False, same[:-1])) & (person != 0)
        rows, person = rows[several], person[several]
        start, end = (cases.facts.number(name, rows) for name in ("admission", "discharge"))
        some = ~np.isnan(start) & ~np.isnan(end)
        rows, person, start, end = rows[some], person[some], start[some], end[some]
        order = np.lexsort((rows, end, start, person))  # ties as the cases stand: by id
        rows, person = rows[order], person[order]
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

    def fact(self, name: str, rows: Rows) -> Array | Coded:
        """A fact of the later stay, of the ``other``, or of both."""
        cases, later, earlier = self.cases, self.later[rows], self.earlier[rows]
        if name in ("gap_days", "shared_days"):
            start = cases.facts.number("admission", later).astype(np.float64)
            end = cases.facts.number("discharge", earlier)
            if name == "gap_days":
                return np.asarray(start - end)
            first = np.minimum(cases.facts.number("discharge", later), end)
            return np.asarray(np.maximum(first - start, 0))
        if name == "same_hospital":
            home = (cases.group("hospital", some) for some in (later, earlier))
            return np.asarray(next(home) == next(home))
        if name.startswith("other."):
            return cases.fact(name.removeprefix("other."), earlier)
        return cases.fact(name, later)

    def group(self, name: str, rows: Rows) -> Array:
        """The group of each later stay."""
        return self.cases.group(name, self.later[rows])

    def groups(self, name: str) -> int:
        """How many groups there are."""
        return self.cases.groups(name)

    def peer_quantile(self, means: Array, q: float) -> Array:
        """As of cases."""
        return self.cases.peer_quantile(means, q)


@dataclass
class OfItems:
    """Billed items with the facts of their cases; a scope of expressions."""

    cases: Cases
    items: Items

    @property
    def rows(self) -> int:
        """How many items there are."""
        return self.items.rows

    def fact(self, name: str, rows: Rows) -> Array | Coded:
        """A fact of the item or of its case."""
        if name in ("item.name", "item.category"):
            return self.items.held.text(name, rows)
        if name.startswith("item."):
            return self.items.held.read(name, rows)
        return self.cases.fact(name, self.items.held.read("row", rows))

    def group(self, name: str, rows: Rows) -> Array:
        """The group of each item's case."""
        return self.cases.group(name, self.items.held.read("row", rows))

    def groups(self, name: str) -> int:
        """How many groups there are."""
        return self.cases.groups(name)

    def peer_quantile(self, means: Array, q: float) -> Array:
        """As of cases."""
        return self.cases.peer_quantile(means, q)


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

    def fact(self, name: str, rows: Rows) -> Array | Coded:
        """A fact of the hospital, of the year ``before`` or of its ``peers``."""
        if name == "hospital":
            return Coded(np.arange(self.rows, dtype=np.int32)[rows], self.peers.ids)
        if name.startswith("before."):
            held = self.before or {}
            earlier = held.get(name.removeprefix("before."), np.full(self.rows, np.nan))
            return np.asarray(earlier[rows])
        if name.startswith("peers."):
            values = self.sums[name.removeprefix("peers.")]
            there = ~np.isnan(values)
            with np.errstate(all="ignore"):
                sums = self.peers.total(np.where(there, values, 0))
                return np.asarray((sums / self.peers.total(there.astype(np.float64)))[rows])
        return self.sums[name][rows]

    def group(self, name: str, rows: Rows) -> Array:
        """Every hospital for itself, or by tier."""
        return (self._tiers if name == "tier" else np.arange(self.rows))[rows]

    def groups(self, name: str) -> int:
        """How many groups there are."""
        return int(self._tiers.max(initial=0)) + 1 if name == "tier" else self.rows

    @property
    def _tiers(self) -> Array:
        return np.nan_to_num(self.sums["tier"], nan=-1.0).astype(np.int64) + 1

    def peer_quantile(self, means: Array, q: float) -> Array:
        """The quantile over each hospital's peers."""
        return self.peers.quantile(means, q)
