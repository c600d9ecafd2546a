"""The cases of a year, part by part (分批病例), as often as they are asked for.

A year in memory is looked at in slices; a large one is kept in scratch files, so that only a part
of it is ever in memory. What asks for all stays of a person gets the people in portions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from budget.cases.claims import Claims, joined
from budget.cases.tally import Tally
from drg.cases.keys import Keys
from drg.tables import in_order
from drg.tables.arrays import numbers, values
from drg.tables.held import scratch_told

Rows = npt.NDArray[np.intp]
KeysOf: TypeAlias = Callable[[Claims], Keys]
Result = TypeVar("Result")
_PART_ROWS = 131_072
_FEW = 65_536  # cases for which threads cost more than they bring
_PORTION = 262_144  # cases of the people that are looked at together
_MOST_BITS = 27  # of a table of keys that were met


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
    def people(self, keys: KeysOf | None = None) -> Iterator[tuple[Rows, Claims]]:
        """All cases with their places, a person's all together; for cases read with persons.

        With ``keys``, which gives 0 for a case that does not matter, only cases whose key others
        have too must come, all of a key together; some more may.
        """

    def each(self, work: Callable[[Part], Result]) -> Generator[Result, None, None]:
        """What a function gives of each part, in order; on threads where there is enough for them.

        What the function holds may travel to other machines, so it must hold nothing that cannot.
        """
        yield from (map(work, self.parts()) if len(self) <= _FEW else in_order(self.parts(), work))

    def each_portion(
        self, work: Callable[[Rows, Claims], Result], keys: KeysOf | None = None
    ) -> Generator[Result, None, None]:
        """What a function gives of each portion of the people, as :meth:`people` brings them."""
        yield from in_order(self.people(keys), lambda portion: work(*portion), workers=1)

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

    def people(self, keys: KeysOf | None = None) -> Iterator[tuple[Rows, Claims]]:  # noqa: ARG002
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

    def people(self, keys: KeysOf | None = None) -> Iterator[tuple[Rows, Claims]]:
        """Portions of the people; each person, or each key, in one of them."""
        count = -(-self._size // _PORTION)
        files = [_Batches(self._folder / f"people-{i}") for i in range(count)]
        met = None if keys is None else self._met(keys)

        def parted(part: Part) -> list[dict[str, pa.Array] | None]:
            claims = part.claims
            key = claims.person if keys is None else keys(claims)
            assert key is not None
            rows = np.arange(len(key)) if met is None else np.flatnonzero(met(key))
            own = key[rows]
            home = np.where(own > 0, own % np.uint64(count), rows % count).astype(np.uint16)
            order = np.argsort(home, kind="stable")
            ends = np.searchsorted(home[order], np.arange(count + 1))
            places = numbers(part.start + rows[order])
            some = claims.take(rows[order])
            return [_columns(some.slice(a, b)) | {"row": places.slice(a, b - a)} if a < b else None
                    for a, b in pairwise(ends.tolist())]  # fmt: skip

        with closing(self.each(parted)) as parts:
            for some in parts:
                for file, columns in zip(files, some, strict=True):
                    if columns is not None:
                        file.add(columns)
        for file in files:
            found = [file.read(place) for place in range(len(file))]
            if found:
                where = np.concatenate([values(columns.pop("row")) for columns in found])
                yield where.astype(np.intp), joined([self._claims(one) for one in found])
            file.remove()

    def _met(self, keys: KeysOf) -> Callable[[Keys], npt.NDArray[np.bool_]]:
        """Tells which keys other cases may have too; a few that none has are among them."""
        bits = min((4 * self._size).bit_length(), _MOST_BITS)
        seen, shift = np.zeros(1 << bits, np.uint8), np.uint64(64 - bits)

        def places(key: Keys) -> Rows:
            return (key >> shift).astype(np.intp)

        with closing(self.each(lambda part: np.sort(places(keys(part.claims))))) as parts:
            for found in parts:
                again = np.append(False, found[1:] == found[:-1])
                seen[found[~again]] += seen[found[~again]] < 2
                seen[found[again]] = 2
        return lambda key: (key > 0) & (seen[places(key)] > 1)

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
        path.touch()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, columns: dict[str, pa.Array]) -> None:
        batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
        with scratch_told(), pa.OSFile(str(self._path), "ab") as file:
            with pa.ipc.new_stream(file, batch.schema) as stream:
                stream.write_batch(batch)
            self._ends.append(file.tell())

    def read(self, place: int) -> dict[str, pa.Array]:
        """A batch; what is not looked at of it is not read from the file."""
        with scratch_told(), pa.memory_map(str(self._path)) as file:
            file.seek(self._ends[place])
            batch = pa.ipc.open_stream(file).read_next_batch()
        return dict(zip(batch.schema.names, batch.columns, strict=True))

    def remove(self) -> None:
        with suppress(OSError):  # some systems keep what is still looked at; the folder goes later
            self._path.unlink()
