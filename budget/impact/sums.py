"""What hospitals are paid at other weights (权重变动测算), from sums: the fen of a full settlement.

Nothing is estimated: the standards, thresholds and roundings are those of the settlement, applied
to the cells of the grid instead of the cases. Where sums cannot decide, the caller is told, and
settles anew.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.stays import Stays
from budget.impact.book import (
    UNIT,
    Book,
    Classed,
    NotBySumsError,
    Waiting,
    ranges,
    share_pools,
    total,
)
from budget.impact.cases import (
    COST_BITS,
    Shares,
    branch_of,
    by_share,
    first_fen,
    fund_of,
    high_amounts,
    plain,
    running,
    singles,
    split,
    steps_of,
    whole_fen,
)
from budget.policy.groups import Tcm
from budget.pools.point_value import first_parts, pool_bounds, within
from budget.price.grid import Grid, build_grid
from budget.price.outliers import band_amount
from budget.price.review import discharged
from budget.price.year import other_stays, price_year
from budget.settlement.settled import Settlement, history_of
from drg.money import to_fen

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
_PLAIN = "low", "normal", "high"
# An ordinary case whose patient bears more than this share of what it is paid is looked at itself,
# as the fund's floor may hold there; and how far a point may lose value before that is not enough.
_LOOSE, _FALL = 0.75, 0.96
_BY_CELL = "pool", "given", "open", "value", "flat", "draft", "draft_pay"
_FEW = 0.3  # share of the groups up to which only those that change are looked at


class Sums:
    """A settled year as sums that answer for any weights.

    Args:
        settled: the settled year.
        claims: its claims as they were read.

    Raises:
        NotBySumsError: the policy lets something decide that sums do not hold.
    """

    def __init__(self, settled: Settlement, claims: Claims) -> None:
        self.settled, self.grid, self.policy = settled, settled.grid, settled.policy
        self.floor = int(to_fen(self.policy.benefit.fund_floor))
        self.by_points = self.policy.standard.kind != "rate"
        self.shape = len(settled.hospitals), len(self.grid.groups) + 1, 2
        self.beside = settled.patient + settled.other
        self._supported()
        stays = None if claims.person is None else Stays.of(claims)
        extra = other_stays(claims, self.grid, stays, self.grid.groups, settled.year)
        ordinary, moved, only = split(settled, claims, extra)
        shared = by_share(self.grid, settled.priced.branch, moved, only)
        fixed = (settled.paid.pool >= 0) & ~ordinary & ~moved
        review = self.policy.special.review
        hospitals = len(settled.hospitals)
        self.discharges = None if review is None else discharged(claims, review, hospitals)
        self.history = history_of(claims, hospitals, len(self.grid.groups))
        self.plain = plain(settled, np.flatnonzero(ordinary), self.beside)
        self.shares = Shares(claims, np.flatnonzero(shared), self.grid, self.beside, self.floor)
        rows = np.flatnonzero(moved & ~shared)
        self.moved = singles(claims, extra, rows, self.beside)
        self._moved_cells()
        self._cells()
        self._pools(np.flatnonzero(settled.paid.pool >= 0))
        self._fixed(claims, np.flatnonzero(fixed))
        self._unmoved()
        self.book, self.parts = self.paid(self.grid.weight)[0], Parts()

    def _supported(self) -> None:
        """Refuse policies whose rules look at the weights themselves, or at more than sums."""
        groups = self.policy.groups
        names = [] if groups is None else [one.column for _, one in groups.sets()]
        if "weight" in names:
            raise NotBySumsError
        pools = np.arange(len(self.policy.pools), dtype=np.int8)
        inside = [within(self.policy, pools, branch_of(code, len(pools))) for code in _PLAIN]
        if self.by_points and not np.all(inside):
            raise NotBySumsError

    def _moved_cells(self) -> None:
        """Terms and thresholds of the cells of single cases, unless those look at other cells."""
        claims, special = self.moved.claims, self.policy.special
        rules = (special.ungrouped, special.ambiguous, special.unpriced)
        self.whole_grid = any(one.pay == "weight" for one in rules) or any(
            isinstance(one.row, Tcm) for one in self.grid.personal
        )
        groups = len(self.grid.groups)
        known = claims.group >= 0
        at = (claims.hospital[known].astype(np.int64) * groups + claims.group[known]) * 2
        cells = np.unique(at + claims.insurance[known])
        self.moved_cells, self.moved_terms = cells, self.grid.terms.at(cells)
        self.moved_steps = steps_of(self.grid, cells // (2 * groups) * 2 + cells % 2)

    def _cells(self) -> None:
        """Terms, thresholds and pools of the cells that hold ordinary cases."""
        held, grid, outliers = self.plain, self.grid, self.policy.outliers
        self.terms = grid.terms.at(held.cell)
        self.steps = steps_of(self.grid, held.unit)
        self.pool = grid.pool.reshape(-1)[held.unit].astype(np.int8)
        self.given = grid.point_value.reshape(-1)[held.unit]
        self.open = np.full(len(held.cell), self.by_points) & ~np.isfinite(self.given)
        size = len(self.pool)
        self.inside = {c: within(self.policy, self.pool, branch_of(c, size)) for c in _PLAIN}
        groups = self.shape[1]
        hospital, rest = np.divmod(held.cell, 2 * (groups - 1))
        self.flat = (hospital * groups + rest // 2) * 2 + rest % 2
        self.rule = None if outliers.high is None else outliers.high.rule
        self.part_paid = outliers.low is not None and outliers.low.band is not None
        self.draft = self.terms.standard(grid.weight[held.group])
        self.cut = self._cut(grid.weight, self.draft, None)

    def _pools(self, rows: Places) -> None:
        """Bounds and the settled value of the pools whose money decides what a point is worth."""
        claims, paid = self.settled.claims, self.settled.paid
        self.bounds: dict[int, tuple[float | None, float | None]] = {}
        if self.by_points:
            value = self.grid.point_value[claims.hospital[rows], claims.insurance[rows]]
            shared = rows[paid.inside[rows] & ~np.isfinite(value)]
            for place, one in enumerate(self.policy.pools):
                mine = shared[paid.pool[shared] == place]
                if len(mine):
                    self.bounds[place] = pool_bounds(self.policy, self.grid, claims, mine, one.name)
        value = np.array([one.point_value for one in paid.pools] or [1.0])
        self.value = np.where(self.open, value[self.pool], np.nan_to_num(self.given))
        pay = self._pay(self.draft)
        held, number = self.plain, self.plain.number
        part = (held.beside + self.floor) / np.maximum(pay[number], 1)
        part[held.beside < 0] = np.inf
        loose = np.flatnonzero(part > _LOOSE)
        self.loose = loose[np.argsort(-part[loose], kind="stable")]
        self.part, self.loose_cell, self.draft_pay = part[self.loose], number[self.loose], pay

    def _fixed(self, claims: Claims, rows: Places) -> None:
        """What cases are paid whose price no weight moves; those of open pools wait for it."""
        priced, held = self.settled.priced, claims.take(rows).priced()
        branch, amount = priced.branch[rows], priced.amount[rows]
        self.fixed = Book(int(np.prod(self.shape)))
        self.fixed_waiting: list[Waiting] = []
        self._first(self.fixed, self.fixed_waiting, held, branch, amount, self.grid, rows)

    def _unmoved(self) -> None:
        """Running sums of low cases, and of high ones that are paid their cost."""
        held, number = self.plain, self.plain.number
        per_yuan = self.grid.per_yuan * UNIT
        yuan = held.cost / 100.0
        self.points = {}
        self.sums = {}
        for code, amount in (("low", held.low_amount), ("high", yuan)):
            self.points[code] = np.round(amount * per_yuan).astype(np.int64)
            fen = fund_of(self._worth(number, amount), held.beside, self.floor)
            self.sums[code] = running(np.where(self.open[number], 0, fen))

    def _worth(self, cell: Places, amount: Floats) -> Floats:
        """Yuan of what cases are worth in reference yuan, at given or settled values. (N,)."""
        if not self.by_points:
            return amount
        points = np.round(amount * self.grid.per_yuan * UNIT)
        return np.asarray(points / UNIT * self.value[cell])

    def _pay(self, standard: Floats) -> Fen:
        """What an ordinary case of each cell is paid in fen, at given or settled values. (C,)."""
        return whole_fen(self._worth(np.arange(len(standard)), standard))

    def at(self, weight: Floats) -> tuple[Fen, Fen, dict[int, float]]:
        """Fund money by hospital, group and insurance, and the part beside the pools, in fen.

        Args:
            weight: relative weights of the grid's groups. Shape (G,).

        Returns:
            Two arrays (H, G + 1, 2), the last group for cases without one, and yuan per point of
            the pools whose value their money decides.

        Raises:
            NotBySumsError: the sums do not decide.
        """
        changed = ~np.isclose(weight, self.grid.weight, rtol=0, atol=0, equal_nan=True)
        if self.bounds or len(self.moved.row) or changed.mean() > _FEW:
            book, values = self.paid(weight)
        else:
            book, values = self.parts.book(self, weight, changed), {}
        return book.fund.reshape(self.shape), book.outside.reshape(self.shape), values

    def paid(self, weight: Floats) -> tuple[Book, dict[int, float]]:
        """What all cases are paid at weights, and yuan per point of open pools."""
        book = self.fixed.copy()
        waiting = list(self.fixed_waiting)
        classed: list[Classed] = []
        standard = self.terms.standard(weight[self.plain.group])
        low, normal, high = self._cut(weight, standard, self.cut)
        start, stop = self.plain.start, self.plain.stop
        self._by_cost(book, waiting, start, low, "low")
        if self.part_paid:
            self._each(book, waiting, (low, normal), weight, standard, "normal")
        alike = self.rule in (None, "standard")  # high cases are paid like normal ones
        if alike and np.array_equal(self.inside["normal"], self.inside["high"]):
            self._ordinary(book, waiting, classed, (normal, stop), standard, "normal")
        else:
            self._ordinary(book, waiting, classed, (normal, high), standard, "normal")
            if alike:
                self._ordinary(book, waiting, classed, (high, stop), standard, "high")
            elif self.rule == "cost":
                self._by_cost(book, waiting, high, stop, "high")
            else:
                self._each(book, waiting, (high, stop), weight, standard, "high")
        self.shares.put(book, waiting, weight)
        self._singles(book, waiting, weight)
        return book, share_pools(
            book, waiting, classed, self.settled, self.bounds, self.floor, _FALL, self.shape
        )

    def _base(self, weight: Floats, standard: Floats) -> Floats:
        """Denominator of the ratio of cells. Shape (C,)."""
        if self.policy.outliers.ratio == "regional":
            return np.asarray(self.grid.mean_cost * weight[self.plain.group])
        return standard

    def _cut(
        self, weight: Floats, standard: Floats, known: tuple[Places, Places, Places] | None
    ) -> tuple[Places, Places, Places]:
        """Where each cell's low cases end, those paid in part end, and high ones begin."""
        start, stop = self.plain.start, self.plain.stop
        before = known or (start, start, start)
        base = self._base(weight, standard)
        low, high = self.steps["low"], self.steps["high"]
        first, last = start, stop
        if low is not None:
            ends = low.at(weight, self.plain.group)
            first = self._below(first_fen(base, ends, reached=True), before[0])
        part = first
        rule = self.policy.outliers.low
        if rule is not None and rule.band is not None:
            ends = np.full(len(base), rule.band.upto)
            part = np.maximum(first, self._below(first_fen(base, ends, reached=True), before[1]))
        if high is not None:
            ends = high.at(weight, self.plain.group)
            last = self._below(first_fen(base, ends, reached=False), before[2])
        return first, part, np.maximum(last, part)

    def _below(self, fen: Fen, known: Places) -> Places:
        """Places of the first case of each cell that costs at least so much; most are known."""
        held = self.plain
        if not len(held.cost):
            return known
        start, stop = held.start, held.stop
        before = held.cost[np.maximum(known - 1, 0)]
        after = held.cost[np.minimum(known, len(held.cost) - 1)]
        right = ((known == start) | (before < fen)) & ((known == stop) | (after >= fen))
        wrong = np.flatnonzero(~right)
        found = known.copy()
        key = (held.place[wrong] << COST_BITS) | np.minimum(fen[wrong], (1 << COST_BITS) - 1)
        found[wrong] = np.searchsorted(held.key, key)
        return found

    def _by_cost(
        self, book: Book, waiting: list[Waiting], first: Places, last: Places, code: str
    ) -> None:
        """Cases whose worth no weight moves: by running sums, or waiting for an open pool."""
        sums = self.sums[code]
        book.add(self.flat, sums[last] - sums[first], self.inside[code])
        if self.open.any():
            at, cell = ranges(np.where(self.open, first, last), last)
            waiting.append(self._wait(at, cell, self.points[code][at]))

    def _wait(self, at: Places, cell: Places, points: Fen) -> Waiting:
        held = self.plain
        return Waiting(self.flat[cell], self.pool[cell], points, held.beside[at], held.row[at])

    def _each(
        self, book: Book, waiting: list[Waiting], part: tuple[Places, Places], weight: Floats,
        standard: Floats, code: str,
    ) -> None:  # fmt: skip
        """Cases that are worth what both their cost and their standard say."""
        held = self.plain
        at, cell = ranges(*part)
        cost, steps, low = held.cost[at], self.steps["high"], self.policy.outliers.low
        if code == "high" and steps is not None:
            base = self._base(weight, standard)[cell]
            ends = steps.at(weight, held.group)[cell]
            amount = high_amounts(self.grid, cost, standard[cell], base, ends)
        else:
            assert low is not None
            amount = band_amount(low, cost / 100.0, standard[cell])
        shut = ~self.open[cell]
        fen = fund_of(self._worth(cell, amount)[shut], held.beside[at][shut], self.floor)
        book.add(self.flat[cell[shut]], fen, self.inside[code][cell[shut]])
        if not shut.all():
            points = np.round(amount * self.grid.per_yuan * UNIT).astype(np.int64)
            waiting.append(self._wait(at[~shut], cell[~shut], points[~shut]))

    def _ordinary(
        self, book: Book, waiting: list[Waiting], classed: list[Classed],
        part: tuple[Places, Places], standard: Floats, code: str,
    ) -> None:  # fmt: skip
        """Cases that are paid their standard: a cell at once, but for those near the floor."""
        held, (first, last) = self.plain, part
        pay = self._pay(standard)
        loose, cell = self._near_floor(pay)
        here = (loose >= first[cell]) & (loose < last[cell])
        loose, cell = loose[here], cell[here]
        size = len(first)
        count = last - first - np.bincount(cell, minlength=size)
        borne = held.sum_beside[last] - held.sum_beside[first]
        borne -= total(cell, held.beside[loose], size)
        shut = ~self.open
        inside = self.inside[code]
        book.add(self.flat[shut], (pay * count - borne)[shut], inside[shut])
        mine = shut[cell]
        fen = np.maximum(pay[cell[mine]] - held.beside[loose[mine]], self.floor)
        book.add(self.flat[cell[mine]], fen, inside[cell[mine]])
        if shut.all():
            return
        points = np.round(standard * self.grid.per_yuan * UNIT).astype(np.int64)
        waiting.append(self._wait(loose[~mine], cell[~mine], points[cell[~mine]]))
        at = np.flatnonzero(self.open)
        classed.append(Classed(
            self.flat[at], self.pool[at], count[at], points[at], borne[at], first[at], last[at],
            loose, held.row,
        ))  # fmt: skip

    def _near_floor(self, pay: Fen) -> tuple[Places, Places]:
        """Cases whose patients bear so much that the fund's floor may hold, and their cells."""
        fall = np.where(self.open, _FALL, 1.0) * pay / np.maximum(self.draft_pay, 1)
        least = float(fall.min(initial=1.0)) * (1.0 - 1e-9)
        if least >= _LOOSE:  # nobody below it bears the whole of what is paid
            count = int(np.searchsorted(-self.part, -least, side="right"))
            return self.loose[:count], self.loose_cell[:count]
        held, less = self.plain, fall < _LOOSE * (1.0 + 1e-9)
        start, stop = held.start, held.stop
        at, cell = ranges(np.where(less, start, stop), stop)
        other = ~less[self.loose_cell]
        return np.append(self.loose[other], at), np.append(self.loose_cell[other], cell)

    def _singles(self, book: Book, waiting: list[Waiting], weight: Floats) -> None:
        """Cases that more than cell and cost decide: priced one by one."""
        one = self.moved
        if not len(one.row):
            return
        grid = self._grid(weight)
        priced, _ = price_year(one.claims, grid, one.extra, self.discharges)
        self._first(book, waiting, one.claims, priced.branch, priced.amount, grid, one.row)

    def _grid(self, weight: Floats) -> Grid:
        """The price grid at other weights, right where single cases look at it."""
        if self.whole_grid:
            frame, settled = self.settled.weights.frame, self.settled
            return build_grid(
                self.policy, self.grid.groups, weight, settled.hospitals, settled.year,
                self.history, {name: frame[name].to_numpy() for name in frame.columns},
            )  # fmt: skip
        grid, group = self.grid, self.moved_cells // 2 % len(self.grid.groups)
        parts = {"standard": self.moved_terms.standard(weight[group])}
        for side, steps in self.moved_steps.items():
            if steps is not None:
                parts[side] = steps.at(weight, group)
        dense = {}
        for name, held in parts.items():
            dense[name] = getattr(grid, name).copy()
            dense[name].reshape(-1)[self.moved_cells] = held
        return replace(grid, weight=weight, **dense)

    def _first(
        self, book: Book, waiting: list[Waiting], claims: Claims, branch: npt.NDArray[np.int8],
        amount: Floats, grid: Grid, row: Places,
    ) -> None:  # fmt: skip
        """Put priced cases into the book, or let them wait for their pool."""
        beside = self.beside[row]
        pool, inside, points, fund, known = first_parts(
            claims, branch, amount, grid, beside, self.floor
        )
        group = np.where(claims.group >= 0, claims.group, self.shape[1] - 1).astype(np.int64)
        flat = (claims.hospital * np.int64(self.shape[1]) + group) * 2 + claims.insurance
        book.add(flat[known], fund[known], inside[known])
        rest = ~known & (pool >= 0)
        if rest.any():
            waiting.append(Waiting(flat[rest], pool[rest], points[rest], beside[rest], row[rest]))


class Parts:
    """Answers from the groups that change; the last ones are kept, as a slider comes back."""

    def __init__(self) -> None:
        self._last: tuple[bytes, Sums, Book] | None = None

    def book(
        self, held: Sums, weight: npt.NDArray[np.float64], changed: npt.NDArray[np.bool_]
    ) -> Book:
        """What all cases are paid at weights of which only some changed.

        Args:
            held: the sums of the year.
            weight: all weights. Shape (G,).
            changed: which are not the draft's. Shape (G,).
        """
        key = changed.tobytes()
        if self._last is None or self._last[0] != key:
            part = part_of(held, changed)
            self._last = key, part, part.paid(held.grid.weight)[0]
        _, part, before = self._last
        found, after = held.book.copy(), part.paid(weight)[0]
        found.fund += after.fund - before.fund
        found.outside += after.outside - before.outside
        return found


def part_of(held: Sums, groups: npt.NDArray[np.bool_]) -> Sums:
    """The sums with the cells of some groups only, and nothing that no weight moves.

    Args:
        held: the sums of the year.
        groups: which groups. Shape (G,).
    """
    part = copy.copy(held)
    plain = held.plain
    own = np.flatnonzero(groups[plain.group])
    part.plain = replace(
        plain, cell=plain.cell[own], unit=plain.unit[own], group=plain.group[own],
        place=plain.place[own], start=plain.start[own], stop=plain.stop[own],
    )  # fmt: skip
    part.terms = held.terms.at(own)
    part.steps = {
        side: None if steps is None else replace(steps, which=steps.which[own])
        for side, steps in held.steps.items()
    }
    for name in _BY_CELL:
        setattr(part, name, getattr(held, name)[own])
    part.inside = {code: inside[own] for code, inside in held.inside.items()}
    low, normal, high = held.cut
    part.cut = low[own], normal[own], high[own]
    number = np.full(len(plain.cell), -1, np.intp)
    number[own] = np.arange(len(own))
    loose = number[held.loose_cell] >= 0
    part.loose, part.part = held.loose[loose], held.part[loose]
    part.loose_cell = number[held.loose_cell[loose]]
    part.shares = held.shares.of_groups(groups)
    part.fixed, part.fixed_waiting = Book(held.fixed.cells), []
    return part
