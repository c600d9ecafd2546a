"""Peers (同类医院): with which hospitals a hospital is compared: of its tier, of like case mix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
MOST_PEERS, FEWEST_PEERS = 20, 10
FEWEST_CASES = 30  # of a hospital that may be a peer
_TIER = 10.0  # a tier apart counts more than any case mix


@dataclass(frozen=True)
class Peers:
    """Who is compared with whom.

    Attributes:
        ids: hospitals, in the order of their ids. Length H.
        of: whether the column's hospital is a peer of the row's. Shape (H, H).
    """

    ids: tuple[str, ...]
    of: npt.NDArray[np.bool_]

    @classmethod
    def by(cls, ids: tuple[str, ...], tier: Floats, mix: Floats) -> Peers:
        """The hospitals of its tier whose case mix is nearest, 20 at most.

        Where there are fewer than 10 of its tier, the nearest of the next tier join them.

        Args:
            ids: hospitals.
            tier: of each, NaN unknown. Shape (H,).
            mix: cases of each hospital by category. Shape (H, C).
        """
        size = len(ids)
        cases = mix.sum(axis=1)
        share = np.sqrt(mix / np.maximum(cases, 1)[:, None])
        # Hellinger's distance between the shares of categories, from 0 to 1
        near = np.sqrt(np.maximum(1 - share @ share.T, 0))
        level = np.nan_to_num(tier, nan=0.0)
        near = np.round(near + _TIER * np.abs(level[:, None] - level[None, :]), 9)
        near[:, cases < FEWEST_CASES] += 100.0
        np.fill_diagonal(near, np.inf)
        order = np.argsort(near, axis=1, kind="stable")[:, : min(MOST_PEERS, size - 1)]
        of = np.zeros((size, size), np.bool_)
        wanted = np.take_along_axis(near, order, axis=1) < _TIER
        wanted[:, :FEWEST_PEERS] = True
        np.put_along_axis(of, order, wanted, axis=1)
        return cls(ids, of)

    def named(self) -> list[str]:
        """The ids of each hospital's peers, joined by ``|``."""
        return ["|".join(self.ids[i] for i in np.flatnonzero(row)) for row in self.of]

    def total(self, values: Floats) -> Floats:
        """The sum over each hospital's peers. Shape of ``values``, whose first axis is H."""
        found: Floats = self.of.astype(np.float64) @ values
        return found

    def quantile(self, values: Floats, q: float) -> Floats:
        """The quantile over each hospital's peers, NaN without any. Shape (H,)."""
        with np.errstate(all="ignore"):
            held = np.where(self.of, values[None, :], np.nan)
            some = ~np.isnan(held).all(axis=1)
            found = np.full(len(values), np.nan)
            if some.any():
                found[some] = np.nanquantile(held[some], q, axis=1)
        return found
