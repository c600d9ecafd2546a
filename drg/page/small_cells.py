"""Small numbers (小样本抑制): which cells of a table with totals are not told.

A count from 1 to 4 could point to a person and is not told. Where a total is told beside its
parts, one part alone that is left out could be found by subtraction; then the next smallest part
is left out too, until at least two parts, together at least 5 cases, are missing from every line.

Subtraction is not all that can be done: a cut is the same share of every amount of a pool, so that
two hospitals of two pools follow from their sums of amounts and of cuts. So what all tables tell of
hospitals is held together as one linear system (:class:`Layer`), and more hospitals are left out
until linear programming bounds no hidden figure within 1% (:func:`beyond_reach`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drg.cases.privacy import FEWEST

Counts = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
NEAR = 0.01  # of a hidden figure: nearer than this nobody may come


@dataclass(frozen=True, eq=False)
class Layer:
    """Money of hospitals in one settlement, as its tables tell it in sums.

    Attributes:
        amount: owed to each hospital from each pool before the cut, at least 0. Shape (H, P).
        rate: share that the cut takes of every amount of a pool. Shape (P,).
    """

    amount: Counts
    rate: Counts


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


def hidden_hospitals(
    cases: Counts, tier: npt.NDArray[np.int64], layers: Sequence[Layer] = (), *,
    also: Mask | None = None, counts: Counts | None = None,
) -> tuple[Mask, dict[int, bool]]:  # fmt: skip
    """Which hospitals and tiers are not told, where totals by tier and of all stand beside them.

    Args:
        cases: of each hospital. Shape (H,).
        tier: of each hospital. Shape (H,).
        layers: settlements of which the tables tell.
        also: hospitals that are not told for another reason. Shape (H,).
        counts: cases of each hospital by pool, where tables have them. Shape (H, P).

    Returns:
        True for each hospital that is not told, shape (H,), and the same by tier.
    """
    tiers, everybody = np.unique(tier), np.ones(len(cases), np.bool_)
    inside = [tier == one for one in tiers]
    sums = np.array([cases[here].sum() for here in inside])
    shut: Mask = np.zeros(len(tiers), np.bool_)
    hidden: Mask = np.zeros(len(cases), np.bool_) if also is None else also & (cases > 0)
    hidden |= (cases > 0) & (cases < FEWEST)
    while True:
        before = int(hidden.sum())
        for here in (*inside, everybody):
            hidden[here] = held_back(cases[here], also=hidden[here])
        loose = shut | [_could_be_found(cases[here], hidden[here]) for here in inside]
        closed = held_back(sums, also=loose)
        for here, off in zip(inside, closed, strict=True):
            own = np.flatnonzero(here & (cases > 0))
            if off and len(own) and not hidden[own].any():
                hidden[own[cases[own].argmin()]] = True
        if int(hidden.sum()) == before and layers:
            told = [here for here, off in zip(inside, closed, strict=True) if not off]
            told.append(everybody)
            parts = np.zeros((len(cases), layers[0].amount.shape[1]), np.bool_)
            if counts is not None:
                parts = hidden_parts(counts, hidden, told)
            hidden, bare = beyond_reach(hidden, parts, cases, told, layers)
            if bare is not None and not shut[(new := tiers == tier[bare])].all():
                shut |= new
                continue
        if int(hidden.sum()) == before:
            return hidden, {int(t): bool(off) for t, off in zip(tiers, closed, strict=True)}


def hidden_parts(counts: Counts, hidden: Mask, lines: Sequence[Mask]) -> Mask:
    """Parts of hospitals by pool that are not told, where both have their totals.

    Args:
        counts: cases by hospital and pool. Shape (H, P).
        hidden: hospitals that are not told. Shape (H,).
        lines: hospitals of which totals are told by pool, the smallest first. Each (H,).

    Returns:
        Shape (H, P).
    """
    found: Mask = (counts > 0) & (hidden[:, None] | (counts < FEWEST))
    before = -1
    while int(found.sum()) != before:
        before = int(found.sum())
        for one in lines:
            found[one] = held_back(counts[one], also=found[one])
    return found


def _could_be_found(cases: Counts, hidden: Mask) -> bool:
    """Whether a tier's total would give away what is hidden in it."""
    return bool(hidden.any()) and (hidden.sum() < 2 or cases[hidden].sum() < FEWEST)


def within_reach(
    layer: Layer, hidden: Mask, lines: Sequence[Mask], targets: Sequence[Mask]
) -> list[bool]:
    """Which sums of hidden cells follow within 1% from all that is told.

    Told are all cells that are not hidden, and of every line the amount owed, the cut, and what is
    paid. A sum follows when linear programming bounds one of these three within 1%.

    Args:
        layer: the settlement.
        hidden: cells of hospitals and pools that are not told. Shape (H, P).
        lines: cells of which the sums are told. Each of shape (H, P).
        targets: cells whose sums nobody may know. Each of shape (H, P).
    """
    place = hidden & (layer.amount > 0)
    held = layer.amount[place] / max(float(layer.amount.max()), 1.0)
    rate = np.broadcast_to(layer.rate, layer.amount.shape)[place]
    kinds = np.stack([np.ones_like(rate), rate, 1 - rate])
    told = [kind * line[place] for line in lines for kind in kinds if line[place].any()]
    known = np.unique(np.stack(told), axis=0) if told else np.zeros((0, len(held)))
    free = _free(known)
    room = _room(held, free)
    found = []
    for target in targets:
        near = False
        for kind in kinds:
            wanted = kind * target[place]
            true = float(wanted @ held)
            loose = (np.abs(wanted @ free) * room).max(initial=0.0)
            near |= true > 0 and loose <= 2 * NEAR * true and _is_near(wanted, known, held, true)
        found.append(bool(near))
    return found


def _free(known: Counts) -> Counts:
    """Directions in which figures may move while all that is told stays. Shape (N, K)."""
    if not len(known):
        return np.eye(known.shape[1])
    _, sizes, turned = np.linalg.svd(known)
    return np.asarray(turned[int((sizes > 1e-9 * sizes.max(initial=1.0)).sum()) :].T)


def _room(held: Counts, free: Counts) -> Counts:
    """How far figures may move along each direction, both ways, until one is below 0."""
    with np.errstate(divide="ignore"):
        steps = held[:, None] / np.abs(free)
    steps = np.where(np.abs(free) > 1e-12, steps, np.inf)
    ends = [np.where(side, steps, np.inf).min(axis=0, initial=np.inf)
            for side in (free > 0, free < 0)]  # fmt: skip
    return np.asarray(ends[0] + ends[1])


def _is_near(wanted: Counts, known: Counts, held: Counts, true: float) -> bool:
    from scipy.optimize import linprog

    ends = [linprog(sign * wanted, A_eq=known if len(known) else None,
                    b_eq=known @ held if len(known) else None) for sign in (1.0, -1.0)]  # fmt: skip
    if not all(end.success for end in ends):  # without an upper end nobody knows it
        return not any(end.status == 3 for end in ends)
    low, high = float(ends[0].fun), -float(ends[1].fun)
    return low >= true * (1 - NEAR) and high <= true * (1 + NEAR)


def beyond_reach(
    hidden: Mask, cells: Mask, cases: Counts, lines: Sequence[Mask], layers: Sequence[Layer]
) -> tuple[Mask, int | None]:
    """Hide more hospitals, so that fewer figures follow from what is told; again until none does.

    A hospital of which a part follows is hidden itself. Beside a hidden hospital that follows, the
    next is one of the same line, of the same pools where there is one, with fewest cases.

    Args:
        hidden: hospitals that are not told. Shape (H,).
        cells: parts of hospitals by pool that are not told. Shape (H, P).
        cases: of each hospital. Shape (H,).
        lines: hospitals of which totals are told, also by pool; the last is all. Each (H,).
        layers: settlements that are told.

    Returns:
        Hospitals that are hidden, shape (H,), and one that follows although all of its line are.
    """
    hidden = hidden.copy()
    if not layers or not len(hidden):
        return hidden, None
    cells = cells | hidden[:, None]
    pools = np.eye(cells.shape[1], dtype=bool)
    own = np.eye(len(hidden), dtype=bool)
    told = [line[:, None] & pool for line in lines for pool in (*pools, np.ones_like(pools[0]))]
    told += [np.repeat(row[:, None], len(pools), axis=1)
             for row in own[~hidden & cells.any(axis=1)]]  # fmt: skip
    parts = [(int(h), own[h][:, None] & pools[p]) for h, p in np.argwhere(cells & ~hidden[:, None])]
    whole = [(int(h), np.repeat(own[h][:, None], len(pools), axis=1))
             for h in np.flatnonzero(hidden)]  # fmt: skip
    for layer in layers:
        for (one, _), near in zip(parts, within_reach(layer, cells, told, [m for _, m in parts]),
                                  strict=True):  # fmt: skip
            hidden[one] |= near
        for (one, _), near in zip(whole, within_reach(layer, cells, told, [m for _, m in whole]),
                                  strict=True):  # fmt: skip
            if not near:
                continue
            line = next(each for each in lines if each[one])
            free = ~hidden & (cases > 0) & line
            if not free.any():
                return hidden, one
            alike = free & (layer.amount[:, layer.amount[one] > 0] > 0).any(axis=1)
            left = np.flatnonzero(alike if alike.any() else free)
            hidden[left[cases[left].argmin()]] = True
            return hidden, None
    return hidden, None
