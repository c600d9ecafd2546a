"""What minutes may tell of small hospitals, tiers and groups (小样本抑制)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drg.page.small_cells import FEWEST, Counts, Mask, held_back


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
