"""Small numbers (小样本抑制): which cells of a table with totals are not told.

A count from 1 to 4 could point to a person and is not told. Where a total is told beside its
parts, one part alone that is left out could be found by subtraction; then the next smallest part
is left out too, until at least two parts, together at least 5 cases, are missing from every line.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drg.page.blocks import Cell, Kept

FEWEST = 5
Counts = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def few(count: float) -> bool:
    """Whether a number of cases could point to a person."""
    return 0 < count < FEWEST


def held_back(counts: npt.ArrayLike, *, also: Mask | None = None) -> Mask:
    """Which cells are not told, in a table whose rows and columns have their totals beside them.

    Args:
        counts: cases, shape (R,) with one total or (R, C) with totals of rows and columns.
        also: cells that are not told for another reason.

    Returns:
        True for each cell that is not told, in the shape of ``counts``.
    """
    table = np.asarray(counts, np.float64)
    grid = table.reshape(-1, 1) if table.ndim == 1 else table
    hidden: Mask = (grid > 0) & (grid < FEWEST)
    if also is not None:
        hidden |= also.reshape(grid.shape) & (grid > 0)
    changed = True
    while changed:
        changed = False
        lines = [(slice(None), c) for c in range(grid.shape[1])]
        if table.ndim == 2:
            lines += [(r, slice(None)) for r in range(grid.shape[0])]  # type: ignore[misc]
        for line in lines:
            place = _next(grid[line], hidden[line])
            if place is not None:
                hidden[line][place] = True
                changed = True
    return hidden.reshape(table.shape)


def _next(counts: Counts, hidden: Mask) -> int | None:
    """The smallest cell that has to go too, when those that went could be found."""
    if not hidden.any() or (hidden.sum() >= 2 and counts[hidden].sum() >= FEWEST):
        return None
    left = np.flatnonzero(~hidden & (counts > 0))
    return int(left[counts[left].argmin()]) if len(left) else None


def told(value: float, hidden: bool) -> Cell:
    """A count as it may be told."""
    if few(value):
        return Kept.FEW
    return Kept.BACK if hidden else value


def beside(value: Cell, hidden: bool) -> Cell:
    """What goes with a count, as it may be told."""
    return Kept.BACK if hidden else value
