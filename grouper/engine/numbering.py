"""Numbers for the distinct rows of integer columns, the same from batch to batch; and answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from drg.tables.arrays import integers, nulls, numbers, values

_KEY_LIMIT = 1 << 62
_MOST = 1 << 22


class _Known:
    """Keys met so far; a key's number is its place."""

    def __init__(self) -> None:
        self.keys = np.empty(0, np.int64)

    def number(
        self, keys: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The number of each key, and the rows where new keys are first met, in their order."""
        found = pc.index_in(numbers(keys), value_set=numbers(self.keys))
        missed = np.flatnonzero(nulls(found))
        places = integers(found, 0)
        if not missed.size:
            return places, missed
        new = numbers(keys[missed]).dictionary_encode()
        among_new = values(new.indices)
        places[missed] = among_new + len(self.keys)
        first = np.empty(len(new.dictionary), np.int64)
        first[among_new[::-1]] = missed[::-1]
        self.keys = np.concatenate([self.keys, values(new.dictionary)])
        return places, first


class Numbering:
    """Numbers the distinct rows of columns whose values lie in known ranges.

    Columns are packed into 62-bit keys; where they do not fit, a packed part is numbered first
    and its number packed on. Not safe for several threads at once.

    Args:
        radices: how many values each column can take, each below 2 ** 40.
    """

    def __init__(self, radices: Sequence[int]) -> None:
        self._stages: list[list[int]] = [[]]
        size = 1
        for radix in radices:
            if size * radix >= _KEY_LIMIT and self._stages[-1]:
                self._stages.append([])
                size = _MOST
            self._stages[-1].append(radix)
            size *= radix
            if size >= _KEY_LIMIT:
                raise ValueError(f"a column of {radix} values does not fit beside a number")
        self._known = [_Known() for _ in self._stages]

    def __len__(self) -> int:
        return len(self._known[-1].keys)

    @property
    def full(self) -> bool:
        """So many rows are known that the numbering should be begun anew."""
        return any(len(known.keys) > _MOST // 2 for known in self._known)

    def number(
        self, columns: Sequence[npt.NDArray[np.integer]]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Number rows.

        Returns:
            The number of each row, shape (N,), and a row for each number given for the first
            time, in the order of the numbers.
        """
        left = iter(columns)
        numbers = np.zeros(len(columns[0]), np.int64)
        for known, radices in zip(self._known, self._stages, strict=True):
            key = numbers.astype(np.int64)
            for radix in radices:
                key *= radix
                key += next(left)
            numbers, first = known.number(key)
        return numbers, first


class Remembered:
    """Answers to distinct rows, each worked out once; safe to use from several threads.

    Args:
        radices: as for :class:`Numbering`.
        size: how many numbers an answer is made of, K.
        answer: columns of M rows not met before -> their answers, shape (K, M).
    """

    def __init__(
        self,
        radices: Sequence[int],
        size: int,
        answer: Callable[[list[npt.NDArray[np.integer]]], npt.NDArray[np.int32]],
    ) -> None:
        self._radices, self._size, self._answer = radices, size, answer
        self._lock = threading.Lock()
        self._forget()

    def __len__(self) -> int:
        return len(self._numbering)

    def _forget(self) -> None:
        self._numbering = Numbering(self._radices)
        self._answers = np.empty((self._size, 0), np.int32)

    def of(self, columns: Sequence[npt.NDArray[np.integer]]) -> npt.NDArray[np.int32]:
        """The answer to each row. Shape (K, N)."""
        with self._lock:
            if self._numbering.full:
                self._forget()
            try:
                number, first = self._numbering.number(columns)
                if len(first):
                    new = self._answer([column[first] for column in columns])
                    self._answers = np.concatenate([self._answers, new], axis=1)
            except BaseException:
                self._forget()  # numbers without answers would shift all later ones
                raise
            answers = self._answers
        return answers[:, number]
