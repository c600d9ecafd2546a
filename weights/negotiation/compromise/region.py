"""The weights that satisfy all demands (可行域): one interval a group, and rows over several."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from weights.cases.observations import Bools, Floats, Ints
from weights.negotiation.compromise.demands import Demands
from weights.negotiation.compromise.linear import Linear

ROUNDING = 1e-9  # weights that are this near to a bound are at it
_ROOM, _NO_ROOM = 1e-2, 1e-7  # weight units: what a limit is tried to be left, and what is none


@dataclass(frozen=True)
class Region:
    """A polyhedron of weights.

    Attributes:
        low: least weight. Shape (n,).
        high: largest weight. Shape (n,).
        low_owner: place of the demand that sets the least weight. Shape (n,).
        high_owner: place of the demand that sets the largest weight. Shape (n,).
        matrix: rows over several groups, each divided by its largest coefficient. Shape (m, n).
        row_low: least value of a row. Shape (m,).
        row_high: largest value of a row. Shape (m,).
        row_owner: place of the demand of a row. Shape (m,).
        unit: what each row was divided by. Shape (m,).
    """

    low: Floats
    high: Floats
    low_owner: Ints
    high_owner: Ints
    matrix: sparse.csr_array
    row_low: Floats
    row_high: Floats
    row_owner: Ints
    unit: Floats

    @property
    def fixed(self) -> Bools:
        """Groups that have one weight only. Shape (n,)."""
        return np.asarray(self.high - self.low <= 1e-12 * np.maximum(1.0, self.high))

    @property
    def equations(self) -> Bools:
        """Rows whose two ends are one. Shape (m,)."""
        return np.asarray(self.row_low == self.row_high)

    def narrowed(self, low: Floats, high: Floats, tight: Floats) -> Region:
        """The part inside tighter intervals, with some rows at their lower (1) or upper (-1) end.

        An interval that is empty by rounding is one point.
        """
        low, high = np.maximum(low, self.low), np.minimum(high, self.high)
        middle = (low + high) / 2
        crossed = low > high - ROUNDING
        low, high = np.where(crossed, middle, low), np.where(crossed, middle, high)
        low, high = np.clip(low, self.low, self.high), np.clip(high, self.low, self.high)
        row_high = np.where(tight > 0, self.row_low, self.row_high)
        row_low = np.where(tight < 0, self.row_high, self.row_low)
        return replace(self, low=low, high=high, row_low=row_low, row_high=row_high)

    def with_rows(self, rows: sparse.csr_array, low: Floats, high: Floats) -> Region:
        """The region with further rows that belong to no demand."""
        unit = largest(rows)
        return replace(
            self,
            matrix=sparse.csr_array(sparse.vstack([self.matrix, scaled(rows, unit)])),
            row_low=np.concatenate([self.row_low, low / unit]),
            row_high=np.concatenate([self.row_high, high / unit]),
            row_owner=np.concatenate([self.row_owner, np.full(len(low), -1, np.int32)]),
            unit=np.concatenate([self.unit, unit]),
        )

    def excess(self, weight: Floats) -> float:
        """Largest violation, in weight units: a row counts by its largest coefficient."""
        row = self.matrix @ weight
        parts = (self.low - weight, weight - self.high, self.row_low - row, row - self.row_high)
        return max(0.0, *(float(part.max(initial=0.0)) for part in parts))

    def tightened(self) -> Region:
        """The same region, where what can only hold exactly is said to.

        Limits that leave no room, such as losses of nothing under a budget that stays, hold as
        equations. A solver that walks through the inside of a region needs to be told so.
        """
        n = len(self.low)
        eye = sparse.csr_array(sparse.eye_array(n))
        ends = sparse.csr_array(sparse.vstack([self.matrix, eye]))
        low = np.concatenate([self.row_low, self.low])
        high = np.concatenate([self.row_high, self.high])
        over, under = (np.flatnonzero(np.isfinite(end) & (low < high)) for end in (low, high))
        m, k = len(over), len(over) + len(under)
        slack = sparse.csr_array(sparse.eye_array(k))
        rows = sparse.csr_array(sparse.vstack([
            sparse.hstack([self.matrix, sparse.csr_array((len(self.row_low), k))]),
            sparse.hstack([ends[over], -slack[:m]]), sparse.hstack([ends[under], slack[m:]]),
        ]))  # fmt: skip
        linear = Linear(
            np.concatenate([np.zeros(n), -np.ones(k)]), rows,
            np.concatenate([self.row_low, low[over], np.full(k - m, -np.inf)]),
            np.concatenate([self.row_high, np.full(m, np.inf), high[under]]),
            np.concatenate([self.low, np.zeros(k)]), np.concatenate([self.high, np.full(k, _ROOM)]),
        )  # fmt: skip
        tight = np.ones(k, bool)
        while tight.any():  # those that can have room at once, then more of the rest
            found = linear.solve()
            loose = tight & (found.x[n:] > _NO_ROOM) if found else np.zeros(k, bool)
            if not loose.any():
                break
            tight &= ~loose
            places = (n + np.flatnonzero(loose)).astype(np.int32)
            linear.columns(places, np.zeros(len(places)), np.zeros(len(places)))
        at_low, at_high = low.copy(), high.copy()
        at_high[over[tight[:m]]] = low[over[tight[:m]]]
        at_low[under[tight[m:]]] = at_high[under[tight[m:]]] = high[under[tight[m:]]]
        rows_ = len(self.row_low)
        return replace(self, low=at_low[rows_:], high=at_high[rows_:], row_low=at_low[:rows_],
                       row_high=at_high[:rows_])  # fmt: skip

    def empty(self) -> bool:
        """Whether no weights satisfy all demands."""
        if (self.low > self.high).any():
            return True
        nothing = np.zeros(len(self.low))
        return Linear(nothing, self.matrix, self.row_low, self.row_high, self.low,
                      self.high).solve() is None  # fmt: skip


def largest(matrix: sparse.csr_array) -> Floats:
    """Largest coefficient of each row, 1 for a row without any. Shape (m,)."""
    if matrix.shape[0] == 0:
        return np.zeros(0)
    top = abs(matrix).max(axis=1).toarray().ravel()
    return np.where(top > 0, top, 1.0)


def scaled(matrix: sparse.csr_array, unit: Floats) -> sparse.csr_array:
    """Rows divided by their units."""
    return sparse.csr_array(sparse.diags_array(1.0 / unit) @ matrix)


def region(demands: Demands) -> Region:
    """The region of all demands; where two bound a group alike, the first is the owner."""
    n = len(demands.places)
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    low_owner, high_owner = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    for row in np.flatnonzero(demands.single >= 0):
        column = demands.single[row]
        if demands.low[row] > low[column]:
            low[column], low_owner[column] = demands.low[row], demands.demand[row]
        if demands.high[row] < high[column]:
            high[column], high_owner[column] = demands.high[row], demands.demand[row]
    middle = (low + high) / 2
    touching = (low > high) & (low <= high + ROUNDING)  # bounds that meet but for rounding
    low, high = np.where(touching, middle, low), np.where(touching, middle, high)
    several = np.flatnonzero(demands.single < 0)
    matrix = sparse.csr_array(demands.matrix[several])
    unit = largest(matrix)
    return Region(
        low, high, low_owner, high_owner, scaled(matrix, unit), demands.low[several] / unit,
        demands.high[several] / unit, demands.demand[several], unit,
    )  # fmt: skip
