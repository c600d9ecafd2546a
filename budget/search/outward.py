"""Enumeration outward (由近及远枚举): allowed values in the order of their change, from today's.

The first that meets all targets is the least change, with proof: whatever changes less was tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from budget.search.space import Space

Floats = npt.NDArray[np.float64]
FIGURES = 3  # more have too many values to try


def countable(held: Space) -> bool:
    """Whether the figures are few, and each has only so many values."""
    return len(held.axes) <= FIGURES and all(axis is not None for axis in held.axes)


def outward(held: Space) -> Iterator[Floats]:
    """All allowed points, the least change first; those alike in the order of the figures."""
    axes = []
    for axis, weight in zip(held.axes, held.weights, strict=True):
        assert axis is not None
        order = np.lexsort((axis, weight * axis**2))
        axes.append((axis[order], weight * axis[order] ** 2))
    first = (0,) * len(axes)
    waiting, seen = [(0.0, first)], {first}
    while waiting:
        _, at = heappop(waiting)
        yield np.array([values[i] for (values, _), i in zip(axes, at, strict=True)])
        for which, (values, _) in enumerate(axes):
            following = (*at[:which], at[which] + 1, *at[which + 1 :])
            if following[which] < len(values) and following not in seen:
                seen.add(following)
                cost = sum(float(costs[i]) for (_, costs), i in zip(axes, following, strict=True))
                heappush(waiting, (cost, following))
