"""How far a hospital's few cases are believed (可信度), and the cases that stand in for them.

What sets a small hospital apart from others of its tier was luck in part, and what its few cases do
not show may come. So a number of other cases stands beside its own n, and each of its own counts n
over n plus that number: a Dirichlet process around those others (Ferguson 1973), whose mean is that
of credibility theory. The number is the constant of Bühlmann and Straub (1970): the variance among
the cases of a hospital over that among hospitals, as the region's own cases show both. Where
hospitals truly differ it is small, and each hospital stands by itself; so does a hospital that lies
far from all others, such as one of maternity care.

Two steps, as hospitals differ less in what they do for a group than in the groups that they have:
cases of the same tier and group stand in for single cases, and cases of the tier stand beside all.
Weighted by what is left to others, those expected of all hospitals of a tier are those seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
_MOST = 100  # a region of few hospitals says little of how they differ
_CHANCE = 2.0  # standard deviations that chance explains
_POOLED = 10.0  # cases of the usual spread that stand beside those of a hospital


def stand_by(held: Sequence[Floats], hospital: Ints, tier: Ints) -> Floats:
    """How many other cases stand beside those of each hospital. (H,).

    The constant of Bühlmann and Straub (1970); less where a hospital lies further from its tier
    than chance explains, so that no special hospital is taken for an unlucky one (as the limited
    translation of Efron and Morris 1972).

    Args:
        held: figures of cases, of which that counts in which hospitals differ most. (N,) each.
        hospital: place of the hospital of each case. Shape (N,).
        tier: place of the tier of each hospital. Shape (H,).
    """
    cases = np.bincount(hospital, minlength=len(tier)).astype(np.float64)
    whole = np.bincount(tier, cases).astype(np.float64)
    hospitals, tiers = int((cases > 0).sum()), int((whole > 0).sum())
    inside = cases.sum() - hospitals
    if hospitals == tiers or not inside:
        return np.full(len(tier), float(_MOST))

    def mean(values: Floats, place: Ints, count: Floats) -> Floats:
        return np.asarray(np.bincount(place, values, len(count)) / np.maximum(count, 1.0))

    size = cases.sum() - (np.bincount(tier, cases**2) / np.maximum(whole, 1.0)).sum()
    least, far = float(_MOST), np.zeros(len(tier))
    for values in held:
        own, middle = mean(values, hospital, cases), mean(values, tier[hospital], whole)
        square = np.bincount(hospital, (values - own[hospital]) ** 2, len(tier))
        within = float(square.sum()) / inside
        off = (own - middle[tier]) ** 2
        apart = float((cases * off).sum()) - (hospitals - tiers) * within
        if apart * least > within * size:
            least = within * size / apart
        spread = (square + _POOLED * within) / (np.maximum(cases - 1.0, 0.0) + _POOLED)
        far = np.maximum(far, np.divide(cases * off, spread, out=np.zeros_like(off),
                                        where=spread > 0))  # fmt: skip
    return np.asarray(max(least, 1.0) / np.maximum(far / _CHANCE**2, 1.0))


@dataclass(frozen=True)
class Likely:
    """Cases that stand for those of a place, all as likely. P places, M cases.

    Attributes:
        cases: place by place. Shape (M, S).
        first: row of the first of each place. Shape (P,).
        many: number of each. Shape (P,).
    """

    cases: Singles
    first: Ints
    many: Ints

    @classmethod
    def of(cls, cases: Singles, place: Ints, weight: Floats, most: int) -> Likely:
        """Cases taken evenly from all, by weight.

        Args:
            cases: in an order in which neighbours are alike. Shape (N, S).
            place: of each. Shape (N,).
            weight: how much each counts. Shape (N,).
            most: cases of a place.
        """
        order = np.argsort(place, kind="stable")
        upto = np.cumsum(weight[order])
        ends = np.cumsum(np.bincount(place))
        starts = np.concatenate([[0], ends[:-1]]).astype(np.intp)
        below = np.concatenate([[0.0], upto])
        low, high = below[starts], below[ends]
        many = np.where(high > low, np.minimum(4 * (ends - starts), most), 0).astype(np.intp)
        first = np.cumsum(many) - many
        which = np.repeat(np.arange(len(many)), many)
        part = (np.arange(len(which)) - first[which] + 0.5) / many[which]
        rows = np.searchsorted(upto, low[which] + part * (high - low)[which])
        rows = np.clip(rows, starts[which], ends[which] - 1)
        return cls(cases[order[rows]], first, many)

    def draw(self, rng: np.random.Generator, place: Ints) -> npt.NDArray[np.int32]:
        """One of the cases of each place. The shape of ``place``."""
        number = rng.random(place.shape, np.float32) * self.many[place]
        return np.asarray(self.first[place] + number.astype(np.int32), np.int32)

    def total(self, drawn: npt.NDArray[np.int32], counted: npt.NDArray[Any]) -> Singles:
        """Sums of drawn cases (D, n), each so often. Shape (D, S)."""
        ends = np.arange(len(drawn) + 1, dtype=np.int64) * drawn.shape[1]
        held = counted.astype(np.float32).ravel(), drawn.ravel(), ends
        return np.asarray(csr_array(held, (len(drawn), len(self.cases))) @ self.cases)
