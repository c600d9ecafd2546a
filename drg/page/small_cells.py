"""Small numbers (小样本抑制): which cells of a table with totals are not told.

A count from 1 to 4 could point to a person and is not told. Where a total is told beside its
parts, one part alone that is left out could be found by subtraction; then the next smallest part
is left out too, until at least two parts, together at least 5 cases, are missing from every line.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drg.cases.privacy import FEWEST

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


def hidden_hospitals(cases: Counts, tier: npt.NDArray[np.int64]) -> tuple[Mask, dict[int, bool]]:
    """Which hospitals and tiers are not told, where totals by tier and of all stand beside them.

    Args:
        cases: of each hospital. Shape (H,).
        tier: of each hospital. Shape (H,).

    Returns:
        True for each hospital that is not told, shape (H,), and the same by tier.
    """
    tiers = np.unique(tier)
    inside = [tier == one for one in tiers]
    sums = np.array([cases[here].sum() for here in inside])
    hidden: Mask = held_back(cases)
    while True:
        before = int(hidden.sum())
        for here in (*inside, np.ones(len(cases), np.bool_)):
            hidden[here] = held_back(cases[here], also=hidden[here])
        loose = np.array([_could_be_found(cases[here], hidden[here]) for here in inside])
        closed = held_back(sums, also=loose)
        for here, shut in zip(inside, closed, strict=True):
            own = np.flatnonzero(here & (cases > 0))
            if shut and len(own) and not hidden[own].any():
                hidden[own[cases[own].argmin()]] = True
        if int(hidden.sum()) == before:
            return hidden, {int(t): bool(shut) for t, shut in zip(tiers, closed, strict=True)}


def _could_be_found(cases: Counts, hidden: Mask) -> bool:
    """Whether a tier's total would give away what is hidden in it."""
    return bool(hidden.any()) and (hidden.sum() < 2 or cases[hidden].sum() < FEWEST)
