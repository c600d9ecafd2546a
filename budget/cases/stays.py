"""Stays of persons in time order (同一参保人的住院).

People's ids never leave this room: it holds 64-bit keys and gives back places and numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims

Bools = npt.NDArray[np.bool_]
Fen = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Stays:
    """The year's stays of each person, ordered by discharge, then admission, then case id.

    A case of an unknown person, or not discharged in the settlement year, stands alone.

    Attributes:
        order: rows, person by person and in time order. Shape (N,).
        start: for each place of ``order`` the place at which its person begins. Shape (N,).
        number: 1 for a person's first stay of the year, 2.. for further ones, 0 for a case outside
            of the year. By row, shape (N,).
        previous: row of the person's stay before, -1 for none. By row, shape (N,).
        next: row of the person's stay after, -1 for none. By row, shape (N,).
        unknown: cases of the year whose person is unknown.
    """

    order: Rows
    start: Rows
    number: Places
    previous: Places
    next: Places
    unknown: int

    @classmethod
    def of(cls, claims: Claims) -> Stays:
        """Stays of cases read with ``persons=True``; without persons each case stands alone."""
        if claims.person is None or claims.day is None or claims.admission is None:
            return cls.alone(claims)
        inside = claims.month >= 0
        key = np.where(inside, claims.person, np.uint64(0))
        # Two days in one number: days are at least -1 and fit into 32 bits.
        moment = (claims.day.astype(np.int64) + 1 << 32) | (claims.admission.astype(np.int64) + 1)
        return cls._ordered(key, inside, _in_time(claims, key, moment))

    @classmethod
    def alone(cls, claims: Claims) -> Stays:
        """Every case a person of its own."""
        size = len(claims)
        return cls._ordered(np.zeros(size, np.uint64), claims.month >= 0, np.arange(size))

    @classmethod
    def _ordered(cls, key: npt.NDArray[np.uint64], inside: Bools, order: Rows) -> Stays:
        size = len(key)
        ordered = key[order]
        first = np.ones(size, np.bool_)
        first[1:] = (ordered[1:] != ordered[:-1]) | (ordered[1:] == 0)
        places = np.arange(size)
        start = np.maximum.accumulate(np.where(first, places, 0))
        number, previous, following = (np.full(size, -1, np.int32) for _ in range(3))
        number[order] = places - start + 1
        number[~inside] = 0
        again = ~first[1:]
        previous[order[1:][again]] = order[:-1][again]
        following[order[:-1][again]] = order[1:][again]
        unknown = int(np.count_nonzero(inside & (key == 0)))
        return cls(order, start, number, previous, following, unknown)

    def __len__(self) -> int:
        return len(self.order)

    def cumulated(self, amount: Fen) -> Fen:
        """Sum over the person's stays up to and with each one. Shape (N,), by row."""
        ordered = amount[self.order]
        running = np.cumsum(ordered)
        before = running[self.start] - ordered[self.start]
        found = np.empty_like(running)
        found[self.order] = running - before
        return found


def _in_time(claims: Claims, key: npt.NDArray[np.uint64], moment: npt.NDArray[np.int64]) -> Rows:
    """Rows by person and time; stays of unknown persons as they come, as each stands alone."""
    order = np.lexsort((moment, key))
    known = order[int(np.count_nonzero(key == 0)) :]
    return np.concatenate([
        order[: len(order) - len(known)],
        known[claims.in_order(known, moment[known], key[known])],
    ])  # fmt: skip
