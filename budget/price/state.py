"""Cases while they are priced (计价中的病例): what all rules look at and write into."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.price.branches import PLACE
from budget.price.grid import Grid
from drg.money import Exact, approximate, decimal, ratio, rounded, to_decimals

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
BY_STANDARD = ("transfer", "low", "high", "normal")


class State:
    """Cases while they are priced: what is known of them, and what was decided so far.

    Attributes:
        cost: cost in yuan.
        standard: standard in reference yuan, NaN where there is none, with what the case's own
            multipliers make of it.
        base: denominator of the ratio.
        r: the ratio as it is shown; no threshold is decided by it.
        weight: weight, as :class:`~budget.price.case.Priced` has it; so the four that follow.
        branch: -1 where nothing is decided.
        amount: in reference yuan, for what is shown.
        fen: the same to the fen.
        points: the same in points.
    """

    base: Exact
    r: Floats

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
        self.cost = ratio(claims.cost, 100)
        known = (claims.group >= 0) & (claims.hospital >= 0) & (claims.insurance >= 0)
        self.at = (
            np.maximum(claims.hospital, 0), np.maximum(claims.group, 0),
            np.maximum(claims.insurance, 0),
        )  # fmt: skip
        self.weight = np.where(claims.group >= 0, grid.weight[self.at[1]], np.nan)
        self.standard = self.of_group(self.at[1])
        if not known.all():
            self.standard = self.standard.where(known)
        self.branch = np.full(size, -1, np.int8)
        self.amount = np.zeros(size)
        self.fen, self.points = np.zeros(size, np.int64), np.zeros(size, np.int64)

    def of_group(self, group: npt.NDArray[np.int32] | int) -> Exact:
        """Standards of a group, of each case its own or one for all. Shape (N,)."""
        _, groups, insurances = self.grid.standard.shape
        return self.grid.standards(
            (self.at[0].astype(np.intp) * groups + group) * insurances + self.at[2]
        )

    def free(self, which: Bools) -> Rows:
        """Rows of ``which`` that have no branch yet."""
        return np.flatnonzero(which & (self.branch < 0))

    def set(self, rows: Rows, branch: str, *worth: Exact) -> None:
        """Give rows their branch and what they are worth: terms in reference yuan, which are added.

        What other stays or a caseload cap take off comes last: the ratio is that of the whole
        standard, or half of it would make a high case, which some rules pay at cost, out of an
        ordinary one.
        """
        self.branch[rows] = PLACE[branch]
        self._worth(rows, worth)
        if self.given is None or branch not in BY_STANDARD:
            return
        cut = np.flatnonzero(self.given[rows] != 1.0)
        if cut.size:
            factor = decimal(self.given[rows[cut]])
            self._worth(rows[cut], self.to_decimals(*(term[cut] * factor for term in worth)))

    def _worth(self, rows: Rows, terms: tuple[Exact, ...]) -> None:
        if not rows.size:
            return
        self.amount[rows] = approximate(*terms)
        self.fen[rows] = rounded(*terms, unit=100)
        if self.grid.policy.standard.kind != "rate":
            self.points[rows] = self.grid.points(*terms)

    def to_decimals(self, *terms: Exact) -> tuple[Exact, ...]:
        """Standards to the policy's decimals; points are not yuan yet and stay what they are."""
        how = self.grid.policy.standard
        return terms if how.kind == "points" else (decimal(to_decimals(how.decimals, *terms)),)
