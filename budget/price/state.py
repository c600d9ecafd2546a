"""Cases while they are priced (计价中的病例): what all rules look at and write into."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.record import Record
from budget.price.branches import PLACE
from budget.price.grid import Grid
from budget.price.terms import half_up

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
_NOBODY: Rows = np.zeros(0, np.intp)


class State:
    """Cases while they are priced: what is known of them, and what was decided so far.

    A rule asks :meth:`look` for the cases that it may take and gives them to :meth:`pay`; both
    tell a record, where there is one, and then the case is a single one.
    """

    def __init__(
        self,
        claims: Claims,
        grid: Grid,
        approved: Bools | None,
        factor: Floats | None,
        technology_year: npt.NDArray[np.int8] | None,
        record: Record | None,
    ) -> None:
        self.claims, self.grid, self.record = claims, grid, record
        self.special = grid.policy.special
        self.approved, self.given, self.technology_year = approved, factor, technology_year
        size = len(claims)
        self.cost = claims.cost / 100.0
        self.known = (claims.group >= 0) & (claims.hospital >= 0) & (claims.insurance >= 0)
        self.at = (
            np.maximum(claims.hospital, 0), np.maximum(claims.group, 0),
            np.maximum(claims.insurance, 0),
        )  # fmt: skip
        self.weight = np.where(claims.group >= 0, grid.weight[self.at[1]], np.nan)
        self.standard = np.where(self.known, grid.standard[self.at], np.nan)
        self.base: Floats  # denominator of the ratio r
        self.r: Floats
        self.branch = np.full(size, -1, np.int8)
        self.amount = np.zeros(size)

    def look(self, branch: str, which: Bools | None, *keys: str, **figures: Any) -> Rows:
        """Rows that a branch may take: those of ``which`` that have no branch yet.

        Args:
            branch: its code.
            which: where it applies, None for nowhere. Shape (N,).
            keys: what the policy says of when it applies, for a record.
            figures: what was compared, arrays (N,) or values of the policy, for a record.
        """
        rows = _NOBODY if which is None else np.flatnonzero(which & (self.branch < 0))
        if self.record is not None and self.branch[0] < 0:
            self.record.look(branch, bool(len(rows)), keys, figures)
        return rows

    def pay(
        self, rows: Rows, branch: str, amount: Floats | float, formula: str, *keys: str,
        **figures: Any,
    ) -> None:  # fmt: skip
        """Give rows their branch and what they are worth.

        Args:
            rows: the cases. Shape (R,).
            branch: code of the branch.
            amount: what they are worth in reference yuan. Shape (R,).
            formula: name of what is paid, for a record.
            keys: what the policy says of it, for a record.
            figures: the formula's figures, for a record.
        """
        self.branch[rows] = PLACE[branch]
        self.amount[rows] = amount
        if (record := self.recording(rows)) is not None:
            record.pays(formula, *keys, **figures)

    def recording(self, rows: Rows) -> Record | None:
        """The record, where there is one and its case is among the rows."""
        return self.record if len(rows) else None

    def multiply(self, which: Bools, factor: float, name: str, key: str) -> None:
        """Multiply standards by what hangs on the case itself."""
        if self.record is not None and which[0]:
            self.record.term("x", name, factor, key)
        self.standard = np.where(which, self.standard * factor, self.standard)

    def rounded(self, yuan: Floats) -> Floats:
        """A standard to the policy's decimals; points are not yuan yet."""
        how = self.grid.policy.standard
        return yuan if how.kind == "points" else half_up(yuan, how.decimals)
