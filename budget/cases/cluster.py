"""The cases of a year on a cluster (分布式病例): what was read of them stays with the executors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from budget.cases.claims import Claims, joined
from budget.cases.parts import KeysOf, Part, Result, Rows, YearCases
from budget.cases.tally import Tally
from drg.spark.dataset import Kept

_PORTION = 262_144  # cases of the people that are looked at together
Held = tuple[Claims, list[pa.Array | None]]


class OnCluster(YearCases):
    """A year of which every part lies with an executor.

    Args:
        kept: claims of each batch, with what the case table repeats of them.
        tally: sums of all of them.
        schema: columns of the case table.
        table: where the case table is written.
    """

    def __init__(self, kept: Kept[Any], tally: Tally, schema: pa.Schema, table: str) -> None:
        self._kept, self.tally = kept, tally
        self._schema, self._table = schema, table

    def __len__(self) -> int:
        return self._kept.rows

    def parts(self) -> Iterator[Part]:
        """All cases, brought here."""
        yield from self.each(_itself)

    def people(self, keys: KeysOf | None = None) -> Iterator[tuple[Rows, Claims]]:
        """Portions of the people, brought here."""
        yield from self.each_portion(lambda rows, claims: (rows, claims), keys)

    def each(self, work: Callable[[Part], Result]) -> Generator[Result, None, None]:
        """What a function gives of each part, where it lies."""
        yield from self._kept.each(lambda start, held: work(_part(start, held)))

    def each_portion(
        self,
        work: Callable[[Rows, Claims], Result],
        keys: KeysOf | None = None,  # noqa: ARG002
    ) -> Generator[Result, None, None]:
        """What a function gives of each portion of the people, brought together by person."""

        def portion(parts: list[tuple[Rows, Claims]]) -> Result:
            rows = np.concatenate([one for one, _ in parts])
            return work(rows, joined([claims for _, claims in parts]))

        count = -(-len(self) // _PORTION)
        yield from self._kept.portions(count, _by_person, portion)

    def paid(
        self, work: Callable[[Part], tuple[Result, Any]]
    ) -> Generator[tuple[Result, Any], None, None]:
        """The last pass: rows of the case table are written where they lie."""

        def row(start: int, held: Held) -> tuple[pa.RecordBatch, Result]:
            told, table = work(_part(start, held))
            return table, told

        for _, told in self._kept.write(row, self._schema, self._table):
            yield told, None

    def take(self, rows: Rows) -> Claims:
        """Some cases, by their places in ascending order."""

        def some(part: Part) -> Claims:
            first, last = np.searchsorted(rows, (part.start, part.start + len(part.claims)))
            return part.claims.take(rows[first:last] - part.start)

        return joined(list(self.each(some)))


def _itself(part: Part) -> Part:
    return part


def _part(start: int, held: Held) -> Part:
    claims, texts = held
    return Part(start, claims, tuple(texts))


def _by_person(start: int, held: Held, count: int) -> dict[int, tuple[Rows, Claims]]:
    """The cases of each portion; each person by its key in one of them."""
    claims, rows = held[0], np.arange(len(held[0]))
    assert claims.person is not None
    key = np.where(claims.person > 0, claims.person % np.uint64(count),
                   (start + rows) % count).astype(np.intp)  # fmt: skip
    return {int(one): (start + own, claims.take(own))
            for one in np.unique(key) for own in [np.flatnonzero(key == one)]}  # fmt: skip
