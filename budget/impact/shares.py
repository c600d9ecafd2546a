"""Cases paid a share of their standard (转院等按比例支付), at other weights.

Transfers are paid their standard in proportion to their cost, or a part of it. The share is the
case's own and no weight moves it, so standards of cells times shares give what they are worth.
"""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.impact.book import Book, Waiting
from budget.impact.cases import UNIT, branch_of, fund_of
from budget.pools.point_value import within
from budget.price.branches import PLACE
from budget.price.grid import Grid
from budget.price.outliers import ratio

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


def by_share(grid: Grid, branch: npt.NDArray[np.int8], moved: Bools, only: Bools) -> Bools:
    """Which of the cases that weights move are transfers and nothing else. Shape (N,).

    Args:
        grid: the price grid.
        branch: branches of the cases. Shape (N,).
        moved: cases that are worked out one by one. Shape (N,).
        only: those that nothing but their branch brings there. Shape (N,).
    """
    rule = grid.policy.special.transfer
    pools = np.arange(len(grid.policy.pools), dtype=np.int8)
    inside = within(grid.policy, pools, branch_of("transfer", len(pools)))
    if rule is None or rule.pay == "by_item" or not inside.all():
        return np.zeros(len(branch), np.bool_)
    return np.asarray(moved & only & (branch == PLACE["transfer"]))


class Shares:
    """Transfers with their shares.

    Args:
        claims: the cases.
        rows: places of transfers among them. Shape (S,).
        grid: the price grid.
        beside: what patients and other payers bear of all cases, in fen.
        floor: least fund part of a case in fen.
    """

    def __init__(self, claims: Claims, rows: Places, grid: Grid, beside: Fen, floor: int) -> None:
        self.row, self.beside, self.floor = rows, beside[rows], floor
        self.per_yuan = grid.per_yuan * UNIT
        groups = len(grid.groups)
        hospital = claims.hospital[rows].astype(np.int64)
        group, insurance = claims.group[rows], claims.insurance[rows]
        cell = (hospital * groups + group) * 2 + insurance
        cells, self.cell = np.unique(cell, return_inverse=True)
        self.terms, self.group = grid.terms.at(cells), cells // 2 % groups
        self.flat = (hospital * (groups + 1) + group) * 2 + insurance
        self.pool = grid.pool[hospital, insurance].astype(np.int8)
        self.inside = np.ones(len(rows), np.bool_)
        self.by_points = grid.policy.standard.kind != "rate"
        self.given = grid.point_value[hospital, insurance]
        self.open = np.full(len(rows), self.by_points) & ~np.isfinite(self.given)
        rule = grid.policy.special.transfer
        self.share = np.full(len(rows), 1.0)
        if rule is not None and rule.pay == "proportional":
            mean = grid.group_mean[group]
            found = ratio(claims.cost[rows] / 100.0, np.where(np.isfinite(mean), mean, 0.0))
            known = np.isfinite(found)
            self.share = np.where(known, np.minimum(found, rule.cap or np.inf), 1.0)
        elif rule is not None:
            self.share = np.full(len(rows), rule.share or 0.0)

    def of_groups(self, groups: Bools) -> Shares:
        """Only the transfers of some groups. Shape of ``groups``: (G,)."""
        part = copy.copy(self)
        own = groups[self.group][self.cell]
        for name in ("row", "beside", "cell", "flat", "pool", "inside", "given", "open", "share"):
            setattr(part, name, getattr(self, name)[own])
        return part

    def put(self, book: Book, waiting: list[Waiting], weight: Floats) -> None:
        """Put them into the book at weights, or let them wait for their pool."""
        if not len(self.row):
            return
        amount = self.terms.standard(weight[self.group])[self.cell] * self.share
        shut, points = ~self.open, None
        worth = amount
        if self.by_points:
            points = np.round(amount * self.per_yuan).astype(np.int64)
            worth = points / UNIT * np.nan_to_num(self.given)
        fen = fund_of(worth[shut], self.beside[shut], self.floor)
        book.add(self.flat[shut], fen, self.inside[shut])
        if points is not None and self.open.any():
            left = self.open
            waiting.append(Waiting(self.flat[left], self.pool[left], points[left],
                                   self.beside[left], self.row[left]))  # fmt: skip
