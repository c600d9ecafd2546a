"""What trimming needs to know of groups: order, sums, and which cases lie outside bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from drg.tables.arrays import blocks
from weights.cases.observations import Bools, Floats, Ints

Rows = npt.NDArray[np.int64]
Bounds = tuple[Floats, Floats]

# A value that differs from a bound by less than this share of it lies on the bound: far less
# than a fen (分) of any cost, far more than the rounding of a sum.
TOLERANCE = 1e-9


def opened(lower: Floats, upper: Floats, cases: Floats | Rows, minimum: float) -> Bounds:
    """Bounds without those of groups of too few cases, which are infinitely wide. Shape (G,)."""
    few = (cases < minimum) | np.isnan(lower) | np.isnan(upper)
    return np.where(few, -np.inf, lower), np.where(few, np.inf, upper)


def outside(drg: Ints, values: Floats, bounds: Bounds) -> Rows:
    """Rows whose value lies outside the bounds of their group; unknown values never do.

    Args:
        drg: group of each case, shape (N,).
        values: the trimmed quantity, shape (N,).
        bounds: lower and upper bounds, inclusive, each of shape (G,).
    """
    lower, upper = widened(bounds)
    found = [np.empty(0, np.int64)]
    for block in blocks(len(drg)):
        codes, part = drg[block], values[block]
        out = part < lower.take(codes)
        out |= part > upper.take(codes)
        rows = np.flatnonzero(out)
        rows += block.start
        found.append(rows)
    return np.concatenate(found)


def widened(bounds: Bounds) -> Bounds:
    """Bounds moved outwards by the tolerance, so that what lies on a bound is inside."""
    lower, upper = bounds
    with np.errstate(invalid="ignore"):
        low, high = lower - TOLERANCE * np.abs(lower), upper + TOLERANCE * np.abs(upper)
    return np.where(np.isinf(lower), lower, low), np.where(np.isinf(upper), upper, high)


def _same(values: Floats) -> Floats:
    return values


def _about(share: float, cases: Rows) -> tuple[Rows, Rows]:
    """The places between which a quantile lies. Shapes (G,)."""
    last = np.maximum(cases - 1, 0)
    below = (share * last).astype(np.int64)
    return below, np.minimum(below + 1, last)


@dataclass(frozen=True)
class Ordered:
    """A quantity of the cases by group, in order inside each, of those where it is known.

    Everything that trimming asks of it is found by halving, without going through the cases again.

    Attributes:
        values: the quantity. Shape (N,).
        cases: cases by group. Shape (G,).
    """

    values: Floats
    cases: Rows

    @classmethod
    def of(
        cls, drg: Ints, values: Floats, groups: int, shares: Sequence[float] = ()
    ) -> Ordered:  # fmt: skip
        """The cases in order.

        Args:
            drg: group of each case, shape (N,).
            values: the quantity, NaN where it is unknown, shape (N,).
            groups: number of groups G.
            shares: what :meth:`quantiles` will be asked for, where nothing else will be: then only
                those stand in their places, for half the time.
        """
        if np.isnan(values).any():
            known = ~np.isnan(values)
            drg, values = drg[known], values[known]
        size = len(values)
        # as rows of a sparse matrix, in which no place stands twice
        matrix = coo_array((values, (drg, np.arange(size, dtype=np.int32))),
                           shape=(groups, max(size, 1)))  # fmt: skip
        matrix.has_canonical_format = True
        rows = matrix.tocsr()
        cases = np.diff(rows.indptr).astype(np.int64)
        places = [place for share in shares for place in _about(share, cases)]
        asked = np.stack(places, axis=1).tolist() if places else [()] * groups
        ends = zip(rows.indptr[:-1].tolist(), rows.indptr[1:].tolist(), asked, strict=True)
        for start, end, kept in ends:
            if kept and end > start:
                rows.data[start:end].partition(kept)
            else:
                rows.data[start:end].sort()
        return cls(np.asarray(rows.data), cases)

    @cached_property
    def starts(self) -> Rows:
        """Where each group begins. Shape (G,)."""
        return np.asarray(np.cumsum(self.cases) - self.cases)

    def at(self, place: Rows, of: Callable[[Floats], Floats] = _same) -> Floats:
        """The value at a place of each group, NaN where it has no such place. Shape (G,)."""
        there = (place >= 0) & (place < self.cases)
        found = np.full(len(self.cases), np.nan)
        found[there] = of(self.values[self.starts[there] + place[there]])
        return found

    def first(self, enough: Callable[[Rows], Bools]) -> Rows:
        """The first place of each group that is enough, where all after it are. Shape (G,)."""
        low, high = np.zeros_like(self.cases), self.cases.copy()
        while (open_ := low < high).any():
            middle = (low + high) // 2
            yes = enough(middle)
            high = np.where(open_ & yes, middle, high)
            low = np.where(open_ & ~yes, middle + 1, low)
        return low

    def quantiles(
        self, shares: Sequence[float], of: Callable[[Floats], Floats] = _same
    ) -> list[Floats]:
        """Quantiles, interpolated linearly between neighbours, NaN without cases. Shapes (G,).

        Args:
            shares: quantiles as shares 0 to 1.
            of: a rising function of the quantity, whose quantiles they are.
        """
        return [self._between(share, lambda place: self.at(place, of)) for share in shares]

    def _between(self, share: float, at: Callable[[Rows], Floats]) -> Floats:
        below, above = _about(share, self.cases)
        low, high = at(below), at(above)
        return np.asarray(low + (high - low) * (share * np.maximum(self.cases - 1, 0) - below))

    def apart(self, middle: Floats, of: Callable[[Floats], Floats] = _same) -> Floats:
        """Median distance from the middle, NaN without cases. Shape (G,)."""

        def nearest(count: Rows) -> Floats:
            """The distance of the last of so many besides the nearest: they stand together."""

            def enough(start: Rows) -> Bools:
                ahead = self.at(start + count, of)
                return np.isnan(ahead) | (ahead - middle >= middle - self.at(start, of))

            start = self.first(enough)
            return np.fmin(self.at(start + count, of) - middle, middle - self.at(start - 1, of))

        return self._between(0.5, nearest)

    def mean(self, bounds: Bounds) -> Floats:
        """Mean of the values inside the bounds, 0 where none is. Shape (G,)."""
        low, high = widened(bounds)
        start = self.first(lambda place: self.at(place) >= low)
        count = self.first(lambda place: self.at(place) > high) - start
        ends = zip((self.starts + start).tolist(), count.tolist(), strict=True)
        total = np.array([self.values[at : at + number].sum() for at, number in ends])
        return np.asarray(np.divide(total, count, out=np.zeros(len(count)), where=count > 0))


def moments(drg: Ints, values: Floats, groups: int) -> tuple[Floats, Floats, Floats]:
    """Number, mean and sample standard deviation of what is known, NaN without. Shapes (G,).

    Args:
        drg: group of each case, shape (N,).
        values: the quantity, NaN where it is unknown, shape (N,).
        groups: number of groups G.
    """
    if np.isnan(values).any():
        known = ~np.isnan(values)
        drg, values = drg[known], values[known]
    cases = np.bincount(drg, minlength=groups).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(drg, values, groups) / cases
        squares = np.bincount(drg, (values - mean[drg]) ** 2, groups)
        return cases, mean, np.where(cases > 1, np.sqrt(squares / (cases - 1)), np.nan)
