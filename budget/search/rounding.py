"""Rounding a search (取整): the best multiples of steps around what a solver found.

A rate is set in whole yuan and a share in whole percent. What a solver finds lies in between, and
the nearest multiples need not meet the targets. So those around it are tried, the ones first that
a straight line through the point says will do, and the best is then moved step by step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from budget.search.space import Space

Floats = npt.NDArray[np.float64]
_TRIALS = 30
_MOVES = 12
_WIDTHS = ((2, 24), (3, 9), (5, 3), (12, 2))  # so many parameters at most -> neighbours of each


def on_grid(space: Space, z: Floats, step: float, tolerance: float) -> Floats:
    """The best allowed point around one: least change where targets hold, else the least miss."""
    here, slope = space.room(z), space.slope(z, step)
    points = np.array(list(product(*_around(space.axes, z))))
    guess = here + (points - z) @ slope.T if len(here) else np.zeros((len(points), 0))
    short = np.maximum(-guess.min(axis=1, initial=0.0), 0.0)
    change = np.array([space.change(point) for point in points])
    order = np.lexsort((change, np.where(short <= tolerance, 0.0, short)))
    best: Floats | None = None
    for point in points[order[:_TRIALS]]:
        if best is None or _key(space, point, tolerance) < _key(space, best, tolerance):
            best = point
        if _key(space, best, tolerance)[0] == 0:
            break
    assert best is not None
    return _moved(space, best, tolerance)


def _key(space: Space, z: Floats, tolerance: float) -> tuple[float, float]:
    missed = space.missed(z)
    miss = float((missed**2).sum()) if missed.max(initial=0.0) > tolerance else 0.0
    return miss, space.change(z)


def _around(axes: Sequence[Floats | None], z: Floats) -> Iterator[Floats]:
    """Allowed values next to each coordinate, as many as can be tried together."""
    many = next((count for most, count in _WIDTHS if len(z) <= most), 1)
    for axis, value in zip(axes, z, strict=True):
        if axis is None:
            yield np.array([value])
        else:
            yield axis[np.sort(np.argsort(np.abs(axis - value), kind="stable")[:many])]


def _moved(space: Space, z: Floats, tolerance: float) -> Floats:
    """Moved to the next allowed value of one coordinate at a time, as long as that is better."""
    best, key = z, _key(space, z, tolerance)
    for _ in range(_MOVES):
        better = None
        for i, axis in enumerate(space.axes):
            if axis is None:
                continue
            at = int(np.argmin(np.abs(axis - best[i])))
            for place in (at - 1, at + 1):
                if not 0 <= place < len(axis):
                    continue
                other = best.copy()
                other[i] = axis[place]
                if key[0] == 0 and space.change(other) >= key[1]:
                    continue  # farther from what is in force
                if (found := _key(space, other, tolerance)) < key:
                    better, key = other, found
        if better is None:
            return best
        best = better
    return best
