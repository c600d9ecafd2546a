"""Prices of what cases use (投入价格): the year's cases at the cost of a year ahead.

Where the cost of cases moves, some pass a threshold: a low case becomes a normal one, a normal one
a high one. So cases are settled anew at their new cost, with the standards that there are: what is
computed from costs, such as a regional mean, is that of the year settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.projection.cells import cell_of

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Prices:
    """Factors on the cost of a case.

    Attributes:
        groups: group codes, ``""`` for cases without one. Length G.
        factor: by hospital, group and insurance. Shape (H, G, 2).
    """

    groups: tuple[str, ...]
    factor: Floats

    def on(self, claims: Claims, groups: Sequence[str]) -> Claims:
        """Claims at these prices: cost and every amount of a case, rounded to the fen.

        Args:
            claims: the cases.
            groups: what their groups are numbered by.
        """
        place = {code: i for i, code in enumerate(self.groups)}
        at = np.array([place[code] for code in (*groups, "")], np.intp)
        factor = self.factor[:, at]
        known = (claims.hospital >= 0) & (claims.insurance >= 0)
        hospital, insurance = np.maximum(claims.hospital, 0), np.maximum(claims.insurance, 0)
        cell = cell_of(hospital, claims.group, insurance, factor.shape[1])
        each = np.where(known, factor.reshape(-1)[cell], 1.0)

        def scaled(fen: Fen) -> Fen:
            return np.rint(fen * each).astype(np.int64)

        amounts = {name: scaled(held) for name, held in claims.amounts.items()}
        return replace(claims, cost=scaled(claims.cost), amounts=amounts)
