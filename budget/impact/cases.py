"""Cases in the order of their prices (病例排序汇总), which makes the effect of weights quick.

What an ordinary case is paid follows from its cell (hospital, group, insurance) and its cost alone:
low, normal or high. So the cases of a cell are put in the order of their cost, with running sums
beside them; where the weights put the two thresholds, the sums of the three parts can be read off.
Cases that anything else decides are priced one by one when a weight can move their price, and are
fixed when it cannot.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.impact.book import UNIT, Book, Waiting
from budget.policy.ladder import Ladder
from budget.pools.point_value import within
from budget.price.branches import PLACE
from budget.price.grid import Grid
from budget.price.outliers import high_payment, low_payment, ratio
from budget.settlement.settled import Settlement
from drg.money import to_fen

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

COST_BITS = 43
_PLAIN = [PLACE[code] for code in ("low", "normal", "high")]
_SURE = 0.4999  # of a fen from a whole one; rounding to 8 decimals moves less than the rest
_BY_RULE = ("ungrouped", "ambiguous", "unpriced")


@dataclass(frozen=True)
class Singles:
    """Cases whose price is worked out one by one.

    Attributes:
        row: places among the claims. Shape (S,).
        claims: the cases.
        extra: what the rest of the year says of their prices.
        beside: what patients and other payers bear in fen. Shape (S,).
    """

    row: Places
    claims: Claims
    extra: dict[str, Any]
    beside: Fen


@dataclass(frozen=True)
class Steps:
    """Thresholds by weight, for cells: the ladder of each cell, its ends and values."""

    which: Places
    ends: tuple[Floats, ...]
    values: tuple[Floats, ...]

    @classmethod
    def of(cls, ladder: Ladder[Any], grid: Grid, unit: Places) -> Steps:
        """The steps of a policy's ladder at cells, by hospital and insurance (``2 h + i``)."""
        shape = grid.pool.shape
        which = np.full(shape, -1, np.intp)
        ends, values = [], []
        for place, held in enumerate(ladder.ladders):
            bands = [ladder[i] for i in held]
            which[np.broadcast_to(bands[0].applies(**grid.attributes), shape)] = place
            ends.append(np.array([band.upto for band in bands[:-1]], np.float64))
            values.append(np.array([band.value for band in bands], np.float64))
        return cls(which.reshape(-1)[unit], tuple(ends), tuple(values))

    def at(self, weight: Floats, group: Places) -> Floats:
        """Thresholds of the cells at the weights of all groups. Shape (C,)."""
        known = np.where(np.isnan(weight), 1.0, weight)
        table = [
            values[np.searchsorted(ends, known, side="left")]
            for ends, values in zip(self.ends, self.values, strict=True)
        ]
        return np.asarray(np.array([*table, np.full(len(weight), np.nan)])[self.which, group])


@dataclass(frozen=True)
class Plain:
    """Ordinary cases by cell and cost.

    Attributes:
        cell: places of the cells in the flattened grid. Shape (C,).
        unit: their hospital and insurance, ``2 h + i``. Shape (C,).
        group: their group. Shape (C,).
        place: their numbers in ``key``; 0 to C - 1 unless only some cells are looked at. (C,).
        start: where each begins among the cases. Shape (C,).
        stop: where each ends. Shape (C,).
        cost: cost in fen. Shape (N,).
        key: cell's number and cost in one, ascending. Shape (N,).
        beside: what patients and other payers bear in fen. Shape (N,).
        row: place among the claims. Shape (N,).
        sum_beside: running sums of it, from 0. Shape (N + 1,).
        low_amount: what the case is worth when it is low, in reference yuan. Shape (N,).
    """

    cell: Places
    unit: Places
    group: Places
    place: Places
    start: Places
    stop: Places
    cost: Fen
    key: Fen
    beside: Fen
    row: Places
    sum_beside: Fen
    low_amount: Floats

    @property
    def number(self) -> Places:
        """The cell of each case. Shape (N,)."""
        return self.key >> COST_BITS


def plain(settled: Settlement, rows: Places, beside: Fen) -> Plain:
    """Put ordinary cases in order.

    Args:
        settled: the settled year.
        rows: the cases. Shape (N,).
        beside: what patients and other payers bear of all claims, in fen.
    """
    claims, grid = settled.claims, settled.grid
    groups = len(grid.groups)
    at = (claims.hospital[rows].astype(np.int64) * groups + claims.group[rows]) * 2
    at += claims.insurance[rows]
    order = np.lexsort((claims.cost[rows], at))
    rows, at = rows[order], at[order]
    cell, start = np.unique(at, return_index=True)
    stop = np.append(start[1:], len(rows)).astype(np.intp)
    number = np.repeat(np.arange(len(cell)), stop - start)
    cost, borne = claims.cost[rows], beside[rows]
    low = settled.policy.outliers.low
    amount = cost / 100.0 if low is None else low_payment(low, cost / 100.0)
    return Plain(
        cell, cell // (2 * groups) * 2 + cell % 2, cell // 2 % groups,
        np.arange(len(cell)), start, stop, cost, (number << COST_BITS) | cost, borne, rows,
        running(borne), amount,
    )  # fmt: skip


def running(values: Fen) -> Fen:
    """Running sums, beginning with 0. Shape (N + 1,)."""
    return np.concatenate([[0], np.cumsum(values)])


def singles(claims: Claims, extra: dict[str, Any], rows: Places, beside: Fen) -> Singles:
    """Cases to be worked out one by one."""
    own = {name: held[rows] for name, held in extra.items()}
    return Singles(rows, claims.take(rows), own, beside[rows])


def split(settled: Settlement, claims: Claims, extra: dict[str, Any]) -> tuple[Bools, Bools, Bools]:
    """Which cases are ordinary, and which are worked out one by one; the rest is fixed.

    The third tells of the latter those that nothing but their branch brings there.

    Args:
        settled: the settled year.
        claims: its claims as they were read.
        extra: what the rest of the year says of their prices.
    """
    grid, special = settled.grid, settled.policy.special
    branch = settled.priced.branch
    known = settled.paid.pool >= 0
    moved = np.zeros(len(branch), np.bool_)
    if special.day_surgery is not None and "day_surgery" in claims.flags:
        moved |= claims.flags["day_surgery"]
    if special.review is not None and "special_review" in claims.flags:
        moved |= claims.flags["special_review"]
    if "factor" in extra:
        moved |= extra["factor"] != 1.0
    technology = special.new_technology
    if technology is not None and technology.pay == "extra_points" and "technology_year" in extra:
        moved |= extra["technology_year"] > 0
    group = np.maximum(claims.group, 0)
    place = np.maximum(claims.hospital, 0), np.maximum(claims.insurance, 0)
    for one in grid.personal:
        moved |= one.members[group] & one.here[place] & (claims.group >= 0)
    moved |= claims.cost >= 1 << COST_BITS
    only = ~moved
    moved |= branch == PLACE["transfer"]
    for code in _BY_RULE:
        if getattr(special, code).pay not in ("share_of_cost", "by_item"):
            moved |= branch == PLACE[code]
    moved &= known
    return known & np.isin(branch, _PLAIN) & ~moved, moved, only


def high_amounts(grid: Grid, cost: Fen, standard: Floats, base: Floats, high: Floats) -> Floats:
    """What high cases are worth in reference yuan, by the policy's rule. Shape (N,)."""
    rule = grid.policy.outliers.high
    assert rule is not None
    yuan = cost / 100.0
    return high_payment(rule, yuan, standard, base, ratio(yuan, base), high)


def fund_of(amount: Floats, beside: Fen, floor: int) -> Fen:
    """Fund money in fen of cases worth ``amount`` yuan. Shape (N,)."""
    return np.asarray(np.maximum(whole_fen(amount) - beside, floor))


def whole_fen(amount: Floats) -> Fen:
    """``to_fen(round(amount, 8))``, the long way only where half a fen is near. Shape (N,)."""
    scaled = amount * 100.0
    near = np.rint(scaled)
    fen = near.astype(np.int64)
    half = np.flatnonzero(np.abs(scaled - near) > _SURE)
    fen[half] = to_fen(np.round(amount[half], 8))
    return fen


def branch_of(code: str, count: int) -> npt.NDArray[np.int8]:
    """A branch as so many places. Shape (count,)."""
    return np.full(count, PLACE[code], np.int8)


def first_fen(base: Floats, threshold: Floats, *, reached: bool) -> Fen:
    """The least cost in fen whose ratio is at least the threshold, or above it. Shape (C,).

    Args:
        base: denominator of the ratio in yuan. Shape (C,).
        threshold: NaN for none. Shape (C,).
        reached: at least the threshold, else above it.
    """
    none = np.isnan(threshold)
    exact = np.where(none, 0.0, threshold * base * 100.0)
    fen = np.floor(exact).astype(np.int64) + 1
    near = np.flatnonzero(np.abs(exact - np.round(exact)) < 1e-3)
    whole = np.round(exact[near]).astype(np.int64)
    found = whole + 2
    for step in (1, 0, -1):
        r = ratio((whole + step) / 100.0, base[near])
        passes = r >= threshold[near] if reached else r > threshold[near]
        found = np.where(passes, whole + step, found)
    fen[near] = found
    fen[none] = 0 if reached else (1 << COST_BITS) - 1
    return fen


def steps_of(grid: Grid, unit: Places) -> dict[str, Steps | None]:
    """Thresholds of low and high cases at cells, by hospital and insurance (``2 h + i``)."""
    outliers = grid.policy.outliers
    return {
        side: None if rule is None else Steps.of(rule.thresholds, grid, unit)
        for side, rule in (("low", outliers.low), ("high", outliers.high))
    }


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
