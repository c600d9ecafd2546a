"""Cases while they are priced (计价中的病例): what all rules look at and write into."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.record import Record
from budget.price.branches import PLACE
from budget.price.grid import Grid
from drg.money import Exact, approximate, decimal, ratio, rounded, to_decimals

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
_BY_STANDARD = np.array([code in ("transfer", "low", "high", "normal") for code in PLACE])
_NOBODY: Rows = np.zeros(0, np.intp)


class State:
    """Cases while they are priced: what is known of them, and what was decided so far.

    A rule asks :meth:`look` for the cases that it may take and gives them to :meth:`pay`; both
    tell a record, where there is one, and then the case is a single one.

    Attributes:
        cost: cost in yuan.
        standard: standard in reference yuan, with what the case's own multipliers make of it.
        base: denominator of the ratio.
        r: the ratio as it is shown; no threshold is decided by it.
        amount: what a case is worth in reference yuan, as it is shown.
        fen: the same to the fen.
        points: the same in points, in units of 0.0001.
    """

    base: Exact
    r: Floats

    def __init__(
        self,
        claims: Claims,
        grid: Grid,
        approved: Bools | None,
        beyond: Bools | None,
        factor: Floats | None,
        technology_year: npt.NDArray[np.int8] | None,
        record: Record | None,
    ) -> None:
        self.claims, self.grid, self.record = claims, grid, record
        self.special = grid.policy.special
        self.approved, self.beyond = approved, beyond
        self.given, self.technology_year = factor, technology_year
        size = len(claims)
        self.cost = ratio(claims.cost, 100)
        self.known = (claims.group >= 0) & (claims.hospital >= 0) & (claims.insurance >= 0)
        self.at = (
            np.maximum(claims.hospital, 0), np.maximum(claims.group, 0),
            np.maximum(claims.insurance, 0),
        )  # fmt: skip
        self.weight = np.where(claims.group >= 0, grid.weight[self.at[1]], np.nan)
        self.standard = self.of_group(self.at[1])
        if not self.known.all():
            self.standard = self.standard.where(self.known)
        self.branch = np.full(size, -1, np.int8)
        self.amount = np.zeros(size)
        self.fen, self.points = np.zeros(size, np.int64), np.zeros(size, np.int64)

    def of_group(self, group: npt.NDArray[np.int32] | int) -> Exact:
        """Standards of a group, of each case its own or one for all. Shape (N,)."""
        _, groups, insurances = self.grid.standard.shape
        return self.grid.standards(
            (self.at[0].astype(np.intp) * groups + group) * insurances + self.at[2]
        )

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
        self, rows: Rows, branch: str, worth: tuple[Exact, ...], formula: str, *keys: str,
        **figures: Any,
    ) -> None:  # fmt: skip
        """Give rows their branch and what they are worth.

        What other stays or a caseload cap take off comes last: the ratio is that of the whole
        standard, or half of it would make a high case, which some rules pay at cost, out of an
        ordinary one.

        Args:
            rows: the cases. Shape (R,).
            branch: code of the branch.
            worth: what they are worth: terms in reference yuan, which are added. Shapes (R,).
            formula: name of what is paid, for a record.
            keys: what the policy says of it, for a record.
            figures: the formula's figures, for a record.
        """
        self.branch[rows] = PLACE[branch]
        self._worth(rows, worth)
        if (record := self.recording(rows)) is not None:
            record.pays(formula, *keys, **figures)
            record.amount = float(self.amount[0])
        cut = self.cut(rows)
        if cut.size:
            factor = decimal(self.given[rows[cut]])  # type: ignore[index]
            self._worth(rows[cut], self.rounded(*(term[cut] * factor for term in worth)))

    def cut(self, rows: Rows) -> Rows:
        """Places of the rows that are priced by their standard and that a factor cuts."""
        if self.given is None or not rows.size:
            return _NOBODY
        some = np.flatnonzero(self.given[rows] != 1.0)
        found: Rows = some[_BY_STANDARD[self.branch[rows[some]]]]
        return found

    def _worth(self, rows: Rows, terms: tuple[Exact, ...]) -> None:
        if not rows.size or not terms:
            return
        self.amount[rows] = approximate(*terms)
        self.fen[rows] = rounded(*terms, unit=100)
        if self.grid.policy.standard.kind != "rate":
            self.points[rows] = self.grid.points(*terms)

    def recording(self, rows: Rows) -> Record | None:
        """The record, where there is one and its case is among the rows."""
        return self.record if len(rows) else None

    def multiply(self, which: Bools, factor: float, name: str, key: str) -> None:
        """Multiply standards by what hangs on the case itself."""
        if self.record is not None and which[0]:
            self.record.term("x", name, factor, key)
        self.standard = self.standard * decimal(np.where(which, factor, 1.0))

    def rounded(self, *terms: Exact) -> tuple[Exact, ...]:
        """A standard to the policy's decimals; points are not yuan yet and stay what they are."""
        how = self.grid.policy.standard
        return terms if how.kind == "points" else (decimal(to_decimals(how.decimals, *terms)),)
