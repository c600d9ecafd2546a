"""What hospitals are paid at other weights (权重变动测算), from sums: the fen of a full settlement.

Nothing is estimated: the standards, thresholds and roundings are those of the settlement, applied
to the cells of the grid instead of the cases. Where sums cannot decide, the caller is told, and
settles anew.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.impact.book import Book, Money
from budget.impact.cases import Ordinary, Transfers, kinds_of
from budget.settlement.settled import Settlement

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_FEW = 0.3  # share of the groups up to which only those that change are looked at


class Sums:
    """A settled year as sums that answer for any weights.

    Args:
        settled: the settled year.
        claims: its claims as they were read.

    Raises:
        NotBySumsError: the policy lets something decide that sums do not hold.
    """

    def __init__(self, settled: Settlement, claims: Claims) -> None:
        self._money = Money(settled)
        self._fixed, self._kinds = kinds_of(claims, self._money)
        self._draft = self._book(settled.grid.weight)[0]
        self._last: tuple[bytes, tuple[Ordinary, Transfers], Book] | None = None

    def at(self, weight: Floats) -> tuple[Fen, Fen, dict[int, float]]:
        """Fund money by hospital, group and insurance, and the part beside the pools, in fen.

        Args:
            weight: relative weights of the grid's groups. Shape (G,).

        Returns:
            Two arrays (H, G + 1, 2), the last group for cases without one, and yuan per point of
            the pools whose value their money decides.

        Raises:
            DrgError: a pool has no money or no points.
            NotBySumsError: the sums do not decide.
        """
        draft = self._money.grid.weight
        changed = ~((weight == draft) | (np.isnan(weight) & np.isnan(draft)))
        if self._money.bounds or len(self._kinds[2].row) or changed.mean() > _FEW:
            book, values = self._book(weight)
        else:
            book, values = self._of_few(weight, changed), {}
        shape = self._money.shape
        return book.fund.reshape(shape), book.outside.reshape(shape), values

    def _book(self, weight: Floats) -> tuple[Book, dict[int, float]]:
        """What all cases are paid, and yuan per point of pools whose money decides."""
        book = self._fixed.copy()
        for kind in self._kinds:
            kind.put(book, weight)
        return book, book.share_out()

    def _of_few(self, weight: Floats, changed: Bools) -> Book:
        """The same where only the groups that change matter; the last are kept, as a slider's."""
        key = changed.tobytes()
        if self._last is None or self._last[0] != key:
            ordinary, transfers, _ = self._kinds
            some = ordinary.of_groups(changed), transfers.of_groups(changed)
            self._last = key, some, self._put(some, self._money.grid.weight)
        _, some, before = self._last
        after, found = self._put(some, weight), self._draft.copy()
        found.fund += after.fund - before.fund
        found.outside += after.outside - before.outside
        return found

    def _put(self, kinds: tuple[Ordinary, Transfers], weight: Floats) -> Book:
        book = Book(self._money)
        for kind in kinds:
            kind.put(book, weight)
        return book
