"""Cases while they are priced (计价中的病例): what all rules look at and write into."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.price.branches import PLACE
from budget.price.grid import Grid
from budget.price.terms import half_up

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


class State:
    """Cases while they are priced: what is known of them, and what was decided so far."""

    def __init__(
        self,
        claims: Claims,
        grid: Grid,
        approved: Bools | None,
        factor: Floats | None,
        technology_year: npt.NDArray[np.int8] | None,
    ) -> None:
        self.claims, self.grid = claims, grid
        self.special = grid.policy.special
        self.approved, self.given, self.technology_year = approved, factor, technology_year
        size = len(claims)
        self.cost = claims.cost / 100.0
        known = (claims.group >= 0) & (claims.hospital >= 0) & (claims.insurance >= 0)
        self.at = (
            np.maximum(claims.hospital, 0), np.maximum(claims.group, 0),
            np.maximum(claims.insurance, 0),
        )  # fmt: skip
        self.weight = np.where(claims.group >= 0, grid.weight[self.at[1]], np.nan)
        self.standard = np.where(known, grid.standard[self.at], np.nan)
        self.branch = np.full(size, -1, np.int8)
        self.amount = np.zeros(size)

    def free(self, which: Bools) -> Rows:
        """Rows of ``which`` that have no branch yet."""
        return np.flatnonzero(which & (self.branch < 0))

    def set(self, rows: Rows, branch: str, amount: Floats | float) -> None:
        """Give rows their branch and what they are worth in reference yuan."""
        self.branch[rows] = PLACE[branch]
        self.amount[rows] = amount

    def rounded(self, yuan: Floats) -> Floats:
        """A standard to the policy's decimals; points are not yuan yet."""
        how = self.grid.policy.standard
        return yuan if how.kind == "points" else half_up(yuan, how.decimals)
