"""What trimming needs to know of groups: sums, quantiles, and which cases lie outside bounds.

Everything goes through the cases in blocks that fit a processor's cache, so that millions of
cases need no further memory than the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from weights.cases.observations import Floats, Ints

Rows = npt.NDArray[np.int64]
Bounds = tuple[Floats, Floats]

# A value that differs from a bound by less than this share of it lies on the bound: far less
# than a fen (分) of any cost, far more than the rounding of a sum.
TOLERANCE = 1e-9
_BLOCK = 1 << 16


def blocks(size: int) -> Iterator[slice]:
    """Slices that cover ``size`` rows in order."""
    return (slice(at, min(at + _BLOCK, size)) for at in range(0, size, _BLOCK))


@dataclass(frozen=True)
class Moments:
    """Number, mean and spread of a quantity in each group, of the cases where it is known.

    Attributes:
        cases: number of cases (例数), shape (G,).
        total: sum, in the unit of the quantity, shape (G,).
        sd: sample standard deviation (ddof = 1), NaN below two cases, shape (G,); empty when
            it was not asked for.
    """

    cases: Floats
    total: Floats
    sd: Floats

    @property
    def mean(self) -> Floats:
        """Mean, NaN in a group without cases. Shape (G,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.total / self.cases


def moments(
    drg: Ints, groups: int, read: Callable[[slice], Floats], *, sd: bool = False
) -> Moments:
    """Sums of a quantity by group, in one pass.

    Args:
        drg: group of each case, shape (N,).
        groups: number of groups G.
        read: the quantity for a slice of the cases, NaN where it is unknown. It may be overwritten.
        sd: whether the standard deviation is wanted.
    """
    cases, total, squares = np.zeros(groups), np.zeros(groups), np.zeros(groups)
    centre = math.nan  # near the data, so that squares lose nothing against the sums
    for block in blocks(len(drg)):
        codes, values = drg[block], read(block)
        if np.isnan(values.sum()):
            known = ~np.isnan(values)
            codes, values = codes[known], values[known]
        if sd:
            if math.isnan(centre) and len(values):
                centre = float(values.mean())
            values = values - centre
        codes = codes.astype(np.intp)
        cases += np.bincount(codes, minlength=groups)
        total += np.bincount(codes, values, groups)
        if sd:
            squares += np.bincount(codes, np.multiply(values, values, out=values), groups)
    if not sd:
        return Moments(cases, total, np.empty(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.maximum(squares - total * total / cases, 0.0)
        spread = np.where(cases > 1, np.sqrt(left / (cases - 1)), np.nan)
    return Moments(cases, total + (0.0 if math.isnan(centre) else centre) * cases, spread)


def opened(lower: Floats, upper: Floats, cases: Floats, minimum: float) -> Bounds:
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


@dataclass(frozen=True)
class Together:
    """Cases by group, for quantiles.

    Attributes:
        drg: group of each case. Shape (N,).
        cases: cases by group. Shape (G,).
    """

    drg: Ints
    cases: Rows

    @classmethod
    def of(cls, drg: Ints, groups: int) -> Together:
        """The cases of each group."""
        return cls(drg, np.bincount(drg, minlength=groups))

    def placed(self, values: Floats) -> Floats:
        """Values with those of a group next to each other, as in a sparse matrix. Shape (N,)."""
        size = len(values)
        matrix = coo_array((values, (self.drg, np.arange(size, dtype=np.int32))),
                           shape=(len(self.cases), max(size, 1)))  # fmt: skip
        matrix.has_canonical_format = True  # no place stands twice
        return np.asarray(matrix.tocsr().data)

    def repeated(self, of_groups: Floats) -> Floats:
        """A value of each group, as often as it has cases, beside those that are placed. (N,)."""
        return np.repeat(of_groups, self.cases)

    def quantiles(self, placed: Floats, shares: Sequence[float]) -> Floats:
        """Quantiles of each group, interpolated linearly between neighbours.

        Args:
            placed: a known quantity of each case, as :meth:`placed` puts them; each group is sorted
                in place. Shape (N,).
            shares: quantiles as shares 0 to 1, ascending, length K.

        Returns:
            Shape (K, G), NaN in a group without cases.
        """
        ends = np.cumsum(self.cases)
        last = np.maximum(self.cases - 1, 0)
        places = np.asarray(shares)[:, None] * last
        below = places.astype(np.intp)
        above = np.minimum(below + 1, last)
        starts = ends - self.cases
        for group in np.flatnonzero(self.cases > 1).tolist():
            placed[starts[group] : ends[group]].sort()
        some = self.cases > 0
        found = np.full(places.shape, np.nan)
        start = starts[some]
        low, high = placed[start + below[:, some]], placed[start + above[:, some]]
        found[:, some] = low + (high - low) * (places - below)[:, some]
        return found
