"""Kinds of cases (病例分类) by what a weight can do to their price: what each is paid at weights.

What an ordinary case is paid follows from its cell (hospital, group, insurance) and its cost alone:
low, normal or high. So the cases of a cell are put in the order of their cost, with running sums
beside them; where the weights put the two thresholds, the sums of the three parts can be read off.
A transfer is paid its standard in proportion to its cost, or a part of it; that share is its own.
Cases that anything else decides are priced one by one when a weight can move their price, and are
fixed when it cannot.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from budget.cases.claims import DECIDED, Claims
from budget.impact.book import FALL, Book, Money, total
from budget.policy.document import Policy
from budget.policy.groups import Tcm
from budget.policy.ladder import Ladder
from budget.pools.point_value import within
from budget.pools.sharing import Alike, NotBySumsError
from budget.price.branches import PLACE
from budget.price.grid import Grid, build_grid, divided
from budget.price.outliers import band_payment, high_payment, low_payment
from budget.price.rank import discharged
from budget.price.transfer import share_of
from budget.price.year import other_stays, price_year
from budget.projection.cells import cell_of
from budget.settlement.settled import Settlement, history_of
from drg.money import Exact, Fen, decimal, ratio, rounded

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
_PLAIN = "low", "normal", "high"
_BY_RULE = "ungrouped", "ambiguous", "unpriced"
_COST_BITS = 43
# An ordinary case whose patient bears more than this share of what it is paid is looked at itself,
# as the fund's floor may hold there.
_LOOSE = 0.75


def kinds_of(claims: Claims, money: Money) -> tuple[Book, tuple[Ordinary, Transfers, Singles]]:
    """What cases are paid that no weight moves, and the others by their kind.

    Args:
        claims: the year's claims as they were read.
        money: how worth becomes money.

    Raises:
        NotBySumsError: the policy lets something decide that sums do not hold.
    """
    settled, policy = money.settled, money.settled.policy
    _supported(policy)
    extra = other_stays(claims, money.grid, money.grid.groups, settled.year)
    known, branch = settled.paid.pool >= 0, settled.priced.branch
    alone = known & _by_more(claims, settled, extra)
    rule = policy.special.transfer
    transfers = known & (branch == PLACE["transfer"])
    by_share = transfers & ~alone
    if rule is None or rule.pay == "by_item" or not _inside(policy, "transfer").all():
        by_share[:] = False
    alone |= transfers & ~by_share
    for code in _BY_RULE:
        if getattr(policy.special, code).pay not in ("share_of_cost", "by_item"):
            alone |= known & (branch == PLACE[code])
    ordinary = known & np.isin(branch, [PLACE[code] for code in _PLAIN]) & ~alone
    fixed = np.flatnonzero(known & ~ordinary & ~by_share & ~alone)
    book = Book(money)
    book.pay_priced(
        claims.take(fixed).priced(), branch[fixed], settled.priced.fen[fixed],
        settled.priced.points[fixed], fixed,
    )  # fmt: skip
    return book, (
        Ordinary(money, np.flatnonzero(ordinary)),
        Transfers(money, np.flatnonzero(by_share)),
        Singles(money, claims, extra, np.flatnonzero(alone)),
    )


def _supported(policy: Policy) -> None:
    """Refuse policies whose rules look at the weights themselves, or at more than sums."""
    groups, low, high = policy.groups, policy.outliers.low, policy.outliers.high
    if (low is not None and low.times_k) or (high is not None and high.quotas):
        raise NotBySumsError
    if policy.benefit.fund_formula == "by_ratio":
        raise NotBySumsError
    if groups is not None and any(one.column == "weight" for _, one in groups.sets()):
        raise NotBySumsError
    if policy.standard.kind != "rate" and not all(_inside(policy, code).all() for code in _PLAIN):
        raise NotBySumsError


def _inside(policy: Policy, code: str) -> Bools:
    """Pools that pay a branch themselves, not beside them. Shape (P,)."""
    pools = np.arange(len(policy.pools), dtype=np.int8)
    return within(policy, pools, np.full(len(pools), PLACE[code], np.int8))


def _by_more(claims: Claims, settled: Settlement, extra: dict[str, Any]) -> Bools:
    """Cases whose price more decides than branch, cell and cost. Shape (N,)."""
    grid, special = settled.grid, settled.policy.special
    found = claims.cost >= 1 << _COST_BITS
    for rule, flag in ((special.day_surgery, "day_surgery"), (special.review, "special_review")):
        if rule is not None and flag in claims.flags:
            found |= claims.flags[flag]
    for decided in DECIDED:
        if decided in claims.amounts:
            found |= claims.amounts[decided] > 0
    if "factor" in extra:
        found |= extra["factor"] != 1.0
    technology = special.new_technology
    if technology is not None and technology.pay == "extra_points" and "technology_year" in extra:
        found |= extra["technology_year"] > 0
    group = np.maximum(claims.group, 0)
    place = np.maximum(claims.hospital, 0), np.maximum(claims.insurance, 0)
    for one in grid.personal:
        found |= one.members[group] & one.here[place] & (claims.group >= 0)
    return np.asarray(found)


@dataclass(frozen=True)
class Steps:
    """Thresholds by weight, for cells: the ladders, and which of them holds for each cell."""

    ladder: Ladder[Any]
    which: Places

    def at(self, weight: Floats, group: Places) -> Floats:
        """Thresholds of the cells at the weights of all groups. Shape (C,)."""
        values = np.array([*(band.value for band in self.ladder), np.nan])
        return np.asarray(values[self.ladder.each(divided(weight))][self.which, group])


def steps_of(grid: Grid, unit: Places) -> dict[str, Steps]:
    """Thresholds of low and high cases at cells, by hospital and insurance (``2 h + i``)."""
    found = {}
    for side in ("low", "high"):
        if (rule := getattr(grid.policy.outliers, side)) is not None:
            which = np.broadcast_to(rule.thresholds.which(**grid.attributes), grid.pool.shape)
            found[side] = Steps(rule.thresholds, which.reshape(-1)[unit])
    return found


class Ordinary:
    """Ordinary cases (普通病例), by cell and in the order of their cost.

    Args:
        money: how worth becomes money.
        rows: places of the cases among the claims. Shape (N,).
    """

    # Of the cells, shape (C,): hospital and insurance, group, place in ``key`` (0 to C - 1 unless
    # only some cells are looked at), where the cases begin and end, place in the book, whether the
    # pool decides, and what a case was paid its standard in fen.
    _BY_CELL = "unit", "group", "place", "start", "stop", "cell", "open", "draft_pay"

    def __init__(self, money: Money, rows: Places) -> None:
        claims, grid, policy = money.settled.claims, money.grid, money.settled.policy
        self.money, self.regional_mean = money, grid.regional_mean
        self.outliers = policy.outliers
        groups = len(grid.groups)
        at = (claims.hospital[rows].astype(np.int64) * groups + claims.group[rows]) * 2
        at += claims.insurance[rows]
        order = np.lexsort((claims.cost[rows], at))
        rows, at = rows[order], at[order]
        cells, self.start = np.unique(at, return_index=True)
        self.stop = np.append(self.start[1:], len(rows)).astype(np.intp)
        self.place = np.arange(len(cells))
        number = np.repeat(self.place, self.stop - self.start)
        self.unit, self.group = cells // (2 * groups) * 2 + cells % 2, cells // 2 % groups
        self.cell = cell_of(self.unit // 2, self.group, self.unit % 2, groups + 1)
        self.open = money.by_points & np.isnan(money.given[self.unit])
        pool = money.pool[self.unit]
        self.inside = {code: _inside(policy, code)[pool] for code in _PLAIN}
        self.terms, self.steps = grid.terms.at(cells), steps_of(grid, self.unit)
        self.row, self.cost, self.beside = rows, claims.cost[rows], money.beside[rows]
        self.key = (number << _COST_BITS) | self.cost  # ascending
        self.sum_beside = _running(self.beside)
        self._by_cost_sums(number)
        standard = self.terms.standard(grid.weight[self.group])
        self.draft_pay = money.worth(money.value[self.unit], standard)
        self.cut = self.start, self.start, self.start
        self.cut = self._cut(grid.weight, standard)
        part = (self.beside + money.floor) / np.maximum(self.draft_pay[number], 1)
        part[self.beside < 0] = np.inf
        loose = np.flatnonzero(part > _LOOSE)
        self.loose = loose[np.argsort(-part[loose], kind="stable")]
        self.part, self.loose_cell = part[self.loose], number[self.loose]

    def _by_cost_sums(self, number: Places) -> None:
        """Running sums of low cases, and of high ones that are paid their cost."""
        money, low, yuan = self.money, self.outliers.low, ratio(self.cost, 100)
        amounts = {"low": yuan if low is None else low_payment(low, yuan), "high": yuan}
        value, shut = money.value[self.unit][number], ~self.open[number]
        self.points, self.sums = {}, {}
        for code, amount in amounts.items():
            self.points[code] = money.grid.points(amount)
            fen = np.maximum(money.worth(value, amount) - self.beside, money.floor)
            self.sums[code] = _running(np.where(shut, fen, 0))

    def of_groups(self, groups: Bools) -> Self:
        """Only the cells of some groups. Shape of ``groups``: (G,)."""
        part = copy.copy(self)
        own = np.flatnonzero(groups[self.group])
        for name in self._BY_CELL:
            setattr(part, name, getattr(self, name)[own])
        part.terms = self.terms.at(own)
        part.steps = {s: replace(held, which=held.which[own]) for s, held in self.steps.items()}
        part.inside = {code: inside[own] for code, inside in self.inside.items()}
        low, normal, high = self.cut
        part.cut = low[own], normal[own], high[own]
        number = np.full(len(self.place), -1, np.intp)
        number[own] = np.arange(len(own))
        loose = number[self.loose_cell] >= 0
        part.loose, part.part = self.loose[loose], self.part[loose]
        part.loose_cell = number[self.loose_cell[loose]]
        return part

    def put(self, book: Book, weight: Floats) -> None:
        """Pay them at weights, or let them wait for their pool. Shape (G,)."""
        standard = self.terms.standard(weight[self.group])
        low, normal, high = self._cut(weight, standard)
        rule = self.outliers.high
        self._by_cost(book, self.start, low, "low")
        if self.outliers.low is not None and self.outliers.low.band is not None:
            at, cell = ranges(low, normal)
            amount = band_payment(self.outliers.low, ratio(self.cost[at], 100), standard[cell])
            self._each(book, at, cell, amount, "normal")
        if rule is not None and rule.rule != "standard":
            self._alike(book, normal, high, standard, "normal")
            if rule.rule == "cost":
                self._by_cost(book, high, self.stop, "high")
                return
            at, cell = ranges(high, self.stop)
            ends = self.steps["high"].at(weight, self.group)[cell]
            own, base = standard[cell], self._base(weight, standard)
            over = own if base is standard else base[cell]
            amount = high_payment(rule, ratio(self.cost[at], 100), own, over, decimal(ends))
            self._each(book, at, cell, amount, "high")
        elif np.array_equal(self.inside["normal"], self.inside["high"]):
            self._alike(book, normal, self.stop, standard, "normal")
        else:
            self._alike(book, normal, high, standard, "normal")
            self._alike(book, high, self.stop, standard, "high")

    def _base(self, weight: Floats, standard: Exact) -> Exact:
        """Denominator of the ratio of cells. Shape (C,)."""
        if self.outliers.ratio == "regional":
            return self.regional_mean * decimal(weight[self.group])
        return standard

    def _cut(self, weight: Floats, standard: Exact) -> tuple[Places, Places, Places]:
        """Where each cell's low cases end, those paid in part end, and high ones begin."""
        base, rule = self._base(weight, standard), self.outliers.low
        first, last = self.start, self.stop
        if "low" in self.steps:
            ends = self.steps["low"].at(weight, self.group)
            own = rule is not None and bool(rule.included)
            first = self._below(first_fen(base, ends, reached=not own), self.cut[0])
        part = first
        if rule is not None and rule.band is not None:
            ends = np.full(len(self.start), rule.band.upto)
            part = np.maximum(first, self._below(first_fen(base, ends, reached=True), self.cut[1]))
        if "high" in self.steps:
            ends = self.steps["high"].at(weight, self.group)
            high = self.outliers.high
            own = high is not None and bool(high.included)
            last = self._below(first_fen(base, ends, reached=own), self.cut[2])
        return first, part, np.maximum(last, part)

    def _below(self, fen: Fen, known: Places) -> Places:
        """Places of the first case of each cell that costs at least so much; most are known."""
        if not len(self.cost):
            return known
        before = self.cost[np.maximum(known - 1, 0)]
        after = self.cost[np.minimum(known, len(self.cost) - 1)]
        right = ((known == self.start) | (before < fen)) & ((known == self.stop) | (after >= fen))
        wrong = np.flatnonzero(~right)
        found = known.copy()
        key = (self.place[wrong] << _COST_BITS) | np.minimum(fen[wrong], (1 << _COST_BITS) - 1)
        found[wrong] = np.searchsorted(self.key, key)
        return found

    def _by_cost(self, book: Book, first: Places, last: Places, code: str) -> None:
        """Cases whose worth no weight moves: by running sums, or waiting for an open pool."""
        sums = self.sums[code]
        book.add(self.cell, sums[last] - sums[first], self.inside[code])
        if self.open.any():
            at, cell = ranges(np.where(self.open, first, last), last)
            book.wait(self.cell[cell], self.unit[cell], self.points[code][at], self.row[at])

    def _each(
        self, book: Book, at: Places, cell: Places, amount: tuple[Exact, ...], code: str
    ) -> None:
        """Cases that are worth what both their cost and their standard say."""
        book.pay(self.cell[cell], self.unit[cell], amount, self.beside[at], self.row[at],
                 self.inside[code][cell])  # fmt: skip

    def _alike(
        self, book: Book, first: Places, last: Places, standard: Exact, code: str
    ) -> None:  # fmt: skip
        """Cases that are paid their standard: a cell at once, but for those near the floor."""
        money, size, shut, inside = self.money, len(first), ~self.open, self.inside[code]
        pay = money.worth(money.value[self.unit], standard)
        loose, near = self._near_floor(pay)
        here = (loose >= first[near]) & (loose < last[near])
        loose, near = loose[here], near[here]
        count = last - first - np.bincount(near, minlength=size)
        borne = self.sum_beside[last] - self.sum_beside[first]
        borne -= total(near, self.beside[loose], size)
        book.add(self.cell[shut], (pay * count - borne)[shut], inside[shut])
        mine = shut[near]
        fen = np.maximum(pay[near[mine]] - self.beside[loose[mine]], money.floor)
        book.add(self.cell[near[mine]], fen, inside[near[mine]])
        if shut.all():
            return
        points, at, rest = money.grid.points(standard), np.flatnonzero(self.open), near[~mine]
        book.wait(self.cell[rest], self.unit[rest], points[rest], self.row[loose[~mine]])

        def rows(which: Places) -> tuple[Places, Places]:
            place, part = ranges(first[at[which]], last[at[which]])
            own = ~np.isin(place, loose)
            return which[part[own]], self.row[place[own]]

        book.wait_alike(self.cell[at], self.unit[at], Alike(
            count[at], points[at], borne[at], rows,
        ))  # fmt: skip

    def _near_floor(self, pay: Fen) -> tuple[Places, Places]:
        """Cases whose patients bear so much that the fund's floor may hold, and their cells."""
        fall = np.where(self.open, FALL, 1.0) * pay / np.maximum(self.draft_pay, 1)
        least = float(fall.min(initial=1.0)) * (1.0 - 1e-9)
        if least >= _LOOSE:  # nobody below it bears the whole of what is paid
            count = int(np.searchsorted(-self.part, -least, side="right"))
            return self.loose[:count], self.loose_cell[:count]
        less = fall < _LOOSE * (1.0 + 1e-9)
        at, cell = ranges(np.where(less, self.start, self.stop), self.stop)
        other = ~less[self.loose_cell]
        return np.append(self.loose[other], at), np.append(self.loose_cell[other], cell)


class Transfers:
    """Cases paid a share of their standard (转院等按比例支付): no weight moves the share.

    Args:
        money: how worth becomes money.
        rows: places of the cases among the claims. Shape (N,).
    """

    def __init__(self, money: Money, rows: Places) -> None:
        claims, grid, groups = money.settled.claims, money.grid, len(money.grid.groups)
        hospital = claims.hospital[rows].astype(np.int64)
        group, insurance = claims.group[rows], claims.insurance[rows]
        cells, self.number = np.unique(
            (hospital * groups + group) * 2 + insurance, return_inverse=True
        )
        self.row, self.beside = rows, money.beside[rows]
        self.terms, self.group = grid.terms.at(cells), cells // 2 % groups
        self.cell = cell_of(hospital, group, insurance, groups + 1)
        self.unit = hospital * 2 + insurance
        rule = grid.policy.special.transfer
        mean = grid.means[group.astype(np.intp)]
        self.share = (
            decimal(np.zeros(0))
            if rule is None
            else share_of(rule, ratio(claims.cost[rows], 100), mean)
        )

    def of_groups(self, groups: Bools) -> Self:
        """Only the transfers of some groups. Shape of ``groups``: (G,)."""
        part = copy.copy(self)
        own = groups[self.group][self.number]
        for name in ("row", "beside", "number", "cell", "unit", "share"):
            setattr(part, name, getattr(self, name)[own])
        return part

    def put(self, book: Book, weight: Floats) -> None:
        """Pay them at weights, or let them wait for their pool. Shape (G,)."""
        if len(self.row):
            amount = self.terms.standard(weight[self.group])[self.number] * self.share
            book.pay(self.cell, self.unit, (amount,), self.beside, self.row)


class Singles:
    """Cases that more than cell and cost decide: priced one by one.

    Args:
        money: how worth becomes money.
        claims: the year's claims as they were read.
        extra: what the rest of the year says of their prices.
        rows: places of the cases among the claims. Shape (N,).
    """

    def __init__(
        self, money: Money, claims: Claims, extra: dict[str, Any], rows: Places
    ) -> None:  # fmt: skip
        grid, special = money.grid, money.settled.policy.special
        hospitals, groups = len(money.settled.hospitals), len(grid.groups)
        self.money, self.row, self.claims = money, rows, claims.take(rows)
        self.extra = {name: held[rows] for name, held in extra.items()}
        self.discharges = discharged(claims, hospitals)
        # The whole grid is made anew where prices look at other cells than the case's own.
        self.history = None
        rules = (special.ungrouped, special.ambiguous, special.unpriced)
        if any(one.pay == "weight" for one in rules) or any(
            isinstance(one.row, Tcm) for one in grid.personal
        ):
            self.history = history_of(claims, hospitals, groups)
        own = self.claims
        known = own.group >= 0
        at = (own.hospital[known].astype(np.int64) * groups + own.group[known]) * 2
        self.cells = np.unique(at + own.insurance[known])
        self.terms = grid.terms.at(self.cells)
        self.steps = steps_of(grid, self.cells // (2 * groups) * 2 + self.cells % 2)

    def put(self, book: Book, weight: Floats) -> None:
        """Pay them at weights, or let them wait for their pool. Shape (G,)."""
        if len(self.row):
            priced = price_year(self.claims, self._grid(weight), self.extra, self.discharges)
            book.pay_priced(self.claims, priced.branch, priced.fen, priced.points, self.row)

    def _grid(self, weight: Floats) -> Grid:
        """The price grid at other weights, right where these cases look at it."""
        grid, settled = self.money.grid, self.money.settled
        if self.history is not None:
            frame = settled.weights.frame
            return build_grid(
                settled.policy, grid.groups, weight, settled.hospitals, settled.year,
                self.history, {name: frame[name].to_numpy() for name in frame.columns},
            )  # fmt: skip
        group = self.cells // 2 % len(grid.groups)
        parts = {side: steps.at(weight, group) for side, steps in self.steps.items()}
        parts["standard"] = self.terms.standard(weight[group]).value
        dense = {}
        for name, held in parts.items():
            dense[name] = getattr(grid, name).copy()
            dense[name].reshape(-1)[self.cells] = held
        return replace(grid, weight=weight, **dense)


def _running(values: Fen) -> Fen:
    """Running sums, beginning with 0. Shape (N + 1,)."""
    return np.concatenate([[0], np.cumsum(values)])


def ranges(first: Places, last: Places) -> tuple[Places, Places]:
    """All places from ``first`` to before ``last`` of each part, and the part of each."""
    count = np.maximum(last - first, 0)
    part = np.repeat(np.arange(len(count)), count)
    begin = np.cumsum(count) - count
    return np.arange(len(part)) - begin[part] + first[part], part


def first_fen(base: Exact, threshold: Floats, *, reached: bool) -> Fen:
    """The least cost in fen whose ratio is at least the threshold, or above it. Shape (C,).

    Args:
        base: denominator of the ratio in yuan. Shape (C,).
        threshold: NaN for none. Shape (C,).
        reached: at least the threshold, else above it.
    """
    none = np.isnan(threshold)
    line = base * decimal(np.where(none, 0.0, threshold))
    if reached:
        fen = -rounded(-line, unit=100, down=True)
    else:
        fen = rounded(line, unit=100, down=True) + 1
    fen[none] = 0 if reached else (1 << _COST_BITS) - 1
    return fen
