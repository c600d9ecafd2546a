"""The cases of a year, part by part (分批病例), as often as they are asked for.

A year in memory is looked at in slices; a large one is kept in scratch files, so that only a part
of it is ever in memory. What asks for all stays of a person gets the people in portions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from budget.cases.claims import Claims, joined
from budget.cases.tally import Tally
from drg.tables import in_order
from drg.tables.arrays import numbers, values
from drg.tables.held import scratch_told

Rows = npt.NDArray[np.intp]
Result = TypeVar("Result")
_PART_ROWS = 131_072
_FEW = 65_536  # cases for which threads cost more than they bring
_PORTION = 524_288  # cases of the people that are looked at together


@dataclass(frozen=True)
class Part:
    """Some consecutive cases of a year.

    Attributes:
        start: place of the first one in the year.
        claims: the cases.
        texts: what the case table repeats of the input as it stands there: case id, group and
            hospital; None for a column that it has not. Empty where nobody kept them.
    """

    start: int
    claims: Claims
    texts: tuple[pa.Array | None, ...] = ()


class YearCases(ABC):
    """The cases of a year.

    Attributes:
        tally: their sums by hospital, group and insurance.
    """

    tally: Tally

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def parts(self) -> Iterator[Part]:
        """All cases, in the order of the file."""

    @abstractmethod
    def people(self) -> Iterator[tuple[Rows, Claims]]:
        """All cases with their places, a person's all together; for cases read with persons."""

    def each(self, work: Callable[[Part], Result]) -> Generator[Result, None, None]:
        """What a function gives of each part, in order; on threads where there is enough for them.

        What the function holds may travel to other machines, so it must hold nothing that cannot.
        """
        yield from (map(work, self.parts()) if len(self) <= _FEW else in_order(self.parts(), work))

    def each_portion(self, work: Callable[[Rows, Claims], Result]) -> Iterator[Result]:
        """What a function gives of each portion of the people, as :meth:`people` brings them."""
        for rows, claims in self.people():
            yield work(rows, claims)

    def paid(
        self, work: Callable[[Part], tuple[Result, Any]]
    ) -> Generator[tuple[Result, Any], None, None]:
        """As :meth:`each`, for the last pass: sums, and what becomes of the rows of a part."""
        yield from self.each(work)

    @abstractmethod
    def take(self, rows: Rows) -> Claims:
        """Some cases, by their places in ascending order."""

    def in_order(self, rows: Rows) -> Rows:
        """Places of some cases, given in ascending order, in the order of their ids."""
        some = self.take(rows)
        return some.in_order(np.arange(len(some)))


class InMemory(YearCases):
    """A year in memory."""

    def __init__(self, claims: Claims, hospitals: int, groups: int) -> None:
        """Count the cases of so many hospitals and groups."""
        self._claims = claims
        self.tally = Tally(hospitals, groups)
        for part in self.parts():
            self.tally.add(part.claims)

    def __len__(self) -> int:
        return len(self._claims)

    def parts(self) -> Iterator[Part]:
        """Slices of the whole."""
        for start in range(0, len(self), _PART_ROWS):
            yield Part(start, self._claims.slice(start, start + _PART_ROWS))

    def people(self) -> Iterator[tuple[Rows, Claims]]:
        """All of them at once."""
        yield np.arange(len(self)), self._claims

    def take(self, rows: Rows) -> Claims:
        """Some cases, by their places."""
        return self._claims.take(rows)


class OnDisk(YearCases):
    """A year in scratch files of a private folder, filled part by part."""

    def __init__(self, folder: Path, hospitals: int, groups: int) -> None:
        """Prepare for cases of so many hospitals and groups; the folder is the caller's."""
        self._folder = folder
        self._file = _Batches(folder / "cases")
        self._starts: list[int] = []
        self._size = 0
        self._populations: tuple[str, ...] = ()
        self.tally = Tally(hospitals, groups)

    def __len__(self) -> int:
        return self._size

    def add(self, claims: Claims, texts: Sequence[pa.Array | None]) -> None:
        """Keep the next cases, with what the case table repeats of them."""
        columns = _columns(claims)
        if texts and texts[0] is not None:  # the ids are kept once
            columns.pop("case_id", None)
        columns |= {f"text.{i}": text for i, text in enumerate(texts) if text is not None}
        self._file.add(columns)
        self._starts.append(self._size)
        self._size += len(claims)
        self._populations, self._texts = claims.populations, len(texts)
        self.tally.add(claims)

    def parts(self) -> Iterator[Part]:
        """The parts as they were added."""
        for place, start in enumerate(self._starts):
            columns = self._file.read(place)
            texts = tuple(columns.get(f"text.{i}") for i in range(self._texts))
            yield Part(start, self._claims(columns), texts)

    def people(self) -> Iterator[tuple[Rows, Claims]]:
        """Portions of the people; each person by its key in one of them."""
        count = -(-self._size // _PORTION)
        files = [_Batches(self._folder / f"people-{i}") for i in range(count)]
        for part in self.parts():
            rows, person = np.arange(len(part.claims)), part.claims.person
            assert person is not None
            key = np.where(person > 0, person % np.uint64(count), rows % count).astype(np.intp)
            order = np.argsort(key, kind="stable")
            ends = np.searchsorted(key[order], np.arange(count + 1))
            sorted_claims = part.claims.take(order)
            for i in range(count):
                if ends[i] < ends[i + 1]:
                    own = slice(int(ends[i]), int(ends[i + 1]))
                    places = numbers(part.start + order[own])
                    some = sorted_claims.slice(own.start, own.stop)
                    files[i].add(_columns(some) | {"row": places})
        for file in files:
            found = [file.read(place) for place in range(len(file))]
            if found:
                where = np.concatenate([values(columns.pop("row")) for columns in found])
                yield where.astype(np.intp), joined([self._claims(one) for one in found])
            file.remove()

    def take(self, rows: Rows) -> Claims:
        """Some cases, by their places in ascending order."""
        found = []
        ends = np.append(self._starts, self._size)
        for place in np.unique(np.searchsorted(ends, rows, side="right") - 1):
            first, last = np.searchsorted(rows, ends[place : place + 2])
            columns = self._file.read(int(place))
            found.append(self._claims(columns).take(rows[first:last] - self._starts[place]))
        return joined(found)

    def _claims(self, columns: dict[str, pa.Array]) -> Claims:
        held: dict[str, Any] = {"amounts": {}, "flags": {}, "populations": self._populations}
        for name, column in columns.items():
            if name in ("case_id", "text.0"):
                held["case_id"] = pa.chunked_array([column])
            elif "." in name and not name.startswith("text."):
                kind, of = name.split(".", 1)
                held[kind][of] = values(column).view(np.bool_) if kind == "flags" else values(
                    column)  # fmt: skip
            elif not name.startswith("text."):
                held[name] = values(column).view(np.bool_) if name == "unread" else values(column)
        return Claims(**held)


def _columns(claims: Claims) -> dict[str, pa.Array]:
    """Claims as Arrow columns, without copying; flags are bytes."""
    found: dict[str, pa.Array] = {}
    for one in fields(Claims):
        held = getattr(claims, one.name)
        if isinstance(held, dict):
            found |= {f"{one.name}.{name}": _bytes(part) for name, part in held.items()}
        elif isinstance(held, np.ndarray):
            found[one.name] = _bytes(held)
        elif isinstance(held, pa.ChunkedArray):
            found[one.name] = held.combine_chunks()
    return found


def _bytes(held: npt.NDArray[Any]) -> pa.Array:
    held = np.ascontiguousarray(held)
    return numbers(held.view(np.uint8) if held.dtype == np.bool_ else held)


class _Batches:
    """Batches of columns in one scratch file, read again by their place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends = [0]
        self._lock = Lock()
        path.touch()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, columns: dict[str, pa.Array]) -> None:
        batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        held = sink.getvalue()
        self._do("ab", lambda file: file.write(held))
        self._ends.append(self._ends[-1] + held.size)

    def read(self, place: int) -> dict[str, pa.Array]:
        start, stop = self._ends[place], self._ends[place + 1]

        def part(file: Any) -> Any:
            file.seek(start)
            return file.read(stop - start)

        batch = pa.ipc.open_stream(pa.py_buffer(self._do("rb", part))).read_next_batch()
        return dict(zip(batch.schema.names, batch.columns, strict=True))

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def _do(self, mode: str, work: Any) -> Any:
        with scratch_told(), self._lock, self._path.open(mode) as file:
            return work(file)
