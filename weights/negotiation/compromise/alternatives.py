"""Other aims than the closest weights (备选方案): most satisfaction, the fairest, least change.

Each aim is a linear programme. Its answer is seldom the only one, so a second step takes, of all
answers, the weights nearest to the draft. All answers of a linear programme are the points that
keep tight whatever has a price, so the second step works on a narrower :class:`Region`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from weights.cases.observations import Bools, Floats, Ints
from weights.negotiation.compromise.active_set import FEASIBLE
from weights.negotiation.compromise.linear import Linear, Vertex
from weights.negotiation.compromise.problem import Problem
from weights.negotiation.compromise.programme import nearest
from weights.negotiation.compromise.region import Region

_SAME = 1e-8  # share of an aim's value by which weights are as good
_LEVEL = 1e-9  # satisfaction that differs by less is the same
# Room that rounding may need: of rows in weight units, and of intervals in weight units or
# satisfaction, whichever is less.
_ROOMS = ((0.0, 0.0), (0.0, 1e-9), (0.0, 1e-8), (1e-9, 1e-8), (1e-8, 1e-8))
_HELD = 1e-9  # the same of groups that were held back by others
_CUTS = 50


@dataclass(frozen=True)
class Aims:
    """A problem's asks as the programmes need them, over the groups that have a weight.

    Attributes:
        column: column of each ask's group. Shape (K,).
        asked: weight asked for. Shape (K,).
        distance: over which its satisfaction falls from 1 to 0. Shape (K,).
        importance: of each ask. Shape (K,).
        draft: draft weights. Shape (n,).
        worth: yuan per unit of weight. Shape (n,).
        stiff: by which a move from the draft counts in the second step. Shape (n,).
    """

    column: Ints
    asked: Floats
    distance: Floats
    importance: Floats
    draft: Floats
    worth: Floats
    stiff: Floats

    @cached_property
    def span(self) -> Floats:
        """Weight that changes satisfaction by no more than 1, and no more than 1. Shape (n,)."""
        found = np.ones(len(self.draft))
        np.minimum.at(found, self.column, self.distance)
        return found

    def satisfaction(self, weight: Floats) -> Floats:
        """Satisfaction of each ask. Shape (K,)."""
        return 1.0 - np.abs(weight[self.column] - self.asked) / self.distance

    def total(self, weight: Floats) -> float:
        """Sum of satisfaction times importance."""
        return float(self.importance @ self.satisfaction(weight))


def aims(problem: Problem, places: Ints) -> Aims:
    """The asks of a problem over some of its groups."""
    column = np.full(len(problem.groups), -1, np.int32)
    column[places] = np.arange(len(places))
    return Aims(
        column[problem.place], problem.asked, problem.distance, problem.importance,
        problem.draft[places], problem.worth[places],
        (problem.worth / problem.doubt)[places],
    )  # fmt: skip


@dataclass(frozen=True)
class Reached:
    """What an aim comes to.

    Attributes:
        weight: the weights. Shape (n,).
        row_price: what the aim would gain by each row, in its own unit. Shape (m,).
        price: the same of intervals. Shape (n,).
        primal: the aim's value; what is to be small.
        dual: a lower bound of it by the duals.
        gap: their difference over the larger of 1 and the value; of the first level for
            ``fairest``.
    """

    weight: Floats
    row_price: Floats
    price: Floats
    primal: float
    dual: float
    gap: float


@dataclass
class _Face:
    """The part of a region where an aim is met: intervals and tight rows."""

    low: Floats
    high: Floats
    tight: Floats
    extra: list[tuple[Floats, float, float]] = field(default_factory=list)

    @classmethod
    def of(cls, region: Region) -> _Face:
        return cls(region.low.copy(), region.high.copy(), np.zeros(len(region.row_low)))

    def hold(self, vertex: Vertex, linear: Linear) -> None:
        """Keep tight what has a price: weights at a bound, and rows."""
        n, m = len(self.low), len(self.tight)
        reduced, price = vertex.reduced[:n], vertex.price[:m]
        self.low = np.where(reduced < 0, np.maximum(self.low, linear.high[:n]), self.low)
        self.high = np.where(reduced > 0, np.minimum(self.high, linear.low[:n]), self.high)
        self.tight = np.where(price != 0, np.sign(price), self.tight)

    def side(self, column: int, at: float, above: bool, below: bool) -> None:
        """Keep a weight at or above (``above``), at or below a point, or at it (both)."""
        if above:
            self.low[column] = max(self.low[column], at)
        if below:
            self.high[column] = min(self.high[column], at)

    def region(self, whole: Region, rows: float, room: Floats) -> Region:
        """The narrower region, with some room in its rows and in its intervals."""
        part = whole.narrowed(self.low - room, self.high + room, self.tight)
        part = replace(part, row_low=part.row_low - rows, row_high=part.row_high + rows)
        if not self.extra:
            return part
        further = sparse.csr_array(np.vstack([row for row, _, _ in self.extra]))
        ends = np.array([(low - rows, high + rows) for _, low, high in self.extra])
        return part.with_rows(further, ends[:, 0], ends[:, 1])


def _second(
    aims: Aims, whole: Region, face: _Face, at: Floats, keeps: Callable[[Floats], bool]
) -> Floats:
    """Of all weights on a face those nearest to the draft, then made to satisfy the region.

    A face has no inside, and rounding in its ends can leave nothing of it; then its rows get a
    little room, and then its intervals too. Where that too leaves nothing, it is the point of it
    that is known. What is over is taken from weights by which satisfaction changes least.

    Args:
        aims: the draft and what a move counts.
        whole: the region.
        face: the face.
        at: a point of the face, within what rounding allows. Shape (n,).
        keeps: whether weights are as good by the aim as that point, and no better, which only
            weights that break a rule could be.
    """
    for rows, room in _ROOMS:
        with contextlib.suppress(RuntimeError):
            part = face.region(whole, rows, room * aims.span)
            weight = _inside(aims, whole, nearest(aims.draft, aims.stiff, part).weight)
            if keeps(weight):
                return weight
    with contextlib.suppress(RuntimeError):
        return _inside(aims, whole, at)
    return at


def _inside(aims: Aims, whole: Region, weight: Floats) -> Floats:
    """The weights of a region nearest to some, in the measure of satisfaction."""
    if whole.excess(weight) <= FEASIBLE:
        return weight
    return nearest(weight, aims.span**-2, whole).weight


def satisfaction_programme(aims: Aims, region: Region) -> Linear:
    """Largest total satisfaction: variables are weights, then the satisfaction of each ask."""
    k, n = len(aims.asked), len(aims.draft)
    matrix, low, high = _with_asks(aims, region, sparse.eye_array(k))
    return Linear(
        np.concatenate([np.zeros(n), -aims.importance]), matrix, low, high,
        np.concatenate([region.low, np.full(k, -np.inf)]),
        np.concatenate([region.high, np.full(k, np.inf)]),
    )  # fmt: skip


def _with_asks(
    aims: Aims, region: Region, level: sparse.sparray
) -> tuple[sparse.csr_array, Floats, Floats]:
    """Rows of the region, then two a ask: satisfaction falls on both sides of what is asked.

    Args:
        aims: the asks.
        region: the region.
        level: which further variables an ask's satisfaction is. Shape (K, further).
    """
    k, n = len(aims.asked), len(aims.draft)
    pick = sparse.csr_array((1.0 / aims.distance, (np.arange(k), aims.column)), shape=(k, n))
    matrix = sparse.vstack([
        sparse.hstack([region.matrix, sparse.csr_array((len(region.row_low), level.shape[1]))]),
        sparse.hstack([pick, level]),
        sparse.hstack([-pick, level]),
    ])  # fmt: skip
    at = aims.asked / aims.distance
    nothing = np.full(k, -np.inf)
    return (
        sparse.csr_array(matrix),
        np.concatenate([region.row_low, nothing, nothing]),
        np.concatenate([region.row_high, 1.0 + at, 1.0 - at]),
    )


def _sides(aims: Aims, face: _Face, price: Floats, first: int) -> None:
    """On which side of what is asked each weight stays, by the prices of the rows of the asks."""
    k = len(aims.asked)
    for i in range(k):
        over, under = price[first + i] != 0, price[first + k + i] != 0
        face.side(int(aims.column[i]), float(aims.asked[i]), bool(over), bool(under))


def most_satisfaction(aims: Aims, region: Region) -> Reached:
    """Largest total satisfaction (总满意度最大), then nearest to the draft."""
    n, m = len(aims.draft), len(region.row_low)
    linear = satisfaction_programme(aims, region)
    vertex = _solved(linear)
    face = _Face.of(region)
    face.hold(vertex, linear)
    _sides(aims, face, vertex.price, m)
    off = _SAME * max(1.0, abs(vertex.value))
    weight = _second(aims, region, face, vertex.x[:n],
                     lambda found: abs(aims.total(found) + vertex.value) <= off)  # fmt: skip
    return _reached(weight, vertex, n, m, -aims.total(weight))


def least_change(aims: Aims, region: Region, share: float) -> Reached:
    """Fewest yuan moved with a share of the largest satisfaction (变动最小), then nearest."""
    n, m, k = len(aims.draft), len(region.row_low), len(aims.asked)
    best = -_solved(satisfaction_programme(aims, region)).value if k else 0.0
    needed = best - (1.0 - share) * abs(best)
    asks, low, high = _with_asks(aims, region, sparse.eye_array(k))
    eye = sparse.eye_array(n)
    blank = sparse.csr_array((n, k))
    total = sparse.csr_array(np.concatenate([np.zeros(n), aims.importance, np.zeros(n)])[None, :])
    matrix = sparse.vstack([
        sparse.hstack([asks, sparse.csr_array((asks.shape[0], n))]),
        sparse.hstack([-eye, blank, eye]),  # u - w >= -d
        sparse.hstack([eye, blank, eye]),  # u + w >= d
        total,
    ])  # fmt: skip
    unit = float(aims.worth.max())
    endless = np.full(n, np.inf)
    linear = Linear(
        np.concatenate([np.zeros(n + k), aims.worth / unit]), sparse.csr_array(matrix),
        np.concatenate([low, -aims.draft, aims.draft, [needed]]),
        np.concatenate([high, endless, endless, [np.inf]]),
        np.concatenate([region.low, np.full(k, -np.inf), -endless]),
        np.concatenate([region.high, np.full(k, np.inf), endless]),
    )  # fmt: skip
    vertex = _solved(linear)
    face = _Face.of(region)
    face.hold(vertex, linear)
    _sides(aims, face, vertex.price, m)
    for j in range(n):
        over, under = vertex.price[m + 2 * k + j] != 0, vertex.price[m + 2 * k + n + j] != 0
        face.side(j, float(aims.draft[j]), bool(over), bool(under))
    weight = _with_total(aims, region, face, needed, vertex)
    moved = float(aims.worth @ np.abs(weight - aims.draft))
    return _reached(weight, vertex, n, m, moved, unit)


def _with_total(
    aims: Aims, region: Region, face: _Face, needed: float, vertex: Vertex
) -> Floats:  # fmt: skip
    """The second step under a least total satisfaction.

    Where that total has a price it is an equation, linear on the face. Elsewhere it is a concave
    function, and cuts from above are added until the answer has enough.
    """
    tight, at = vertex.price[-1] != 0, vertex.x[: len(aims.draft)]
    moved = float(aims.worth @ np.abs(at - aims.draft))

    def keeps(weight: Floats) -> bool:
        return abs(float(aims.worth @ np.abs(weight - aims.draft)) - moved) <= _SAME * moved

    if tight:
        middle = np.clip((face.low + face.high) / 2, region.low, region.high)
        face.extra.append(_cut(aims, middle, needed, tight=True))
    for _ in range(_CUTS):
        weight = _second(aims, region, face, at, keeps)
        if aims.total(weight) >= needed - 1e-9 * max(1.0, abs(needed)) or tight:
            return weight
        face.extra.append(_cut(aims, weight, needed, tight=False))
    return weight


def _cut(aims: Aims, weight: Floats, needed: float, *, tight: bool
         ) -> tuple[Floats, float, float]:  # fmt: skip
    """Total satisfaction as a line through the side on which each weight is."""
    side = np.where(weight[aims.column] >= aims.asked, 1.0, -1.0) * aims.importance / aims.distance
    row = np.zeros(len(aims.draft))
    np.subtract.at(row, aims.column, side)
    end = needed - float(aims.importance.sum()) - float(side @ aims.asked)
    return row, end, end if tight else np.inf


def fairest(aims: Aims, region: Region) -> Reached:
    """The least satisfied as satisfied as can be, then the next, and so on (最公平), then nearest.

    Each round raises the level of all asks that are still open; those that hold it down have a
    price and come no farther from then on. Most groups are held down by nothing but their own asks
    and interval, at a level that is known beforehand: many of these get their weight at once.
    """
    n, m, k = len(aims.draft), len(region.row_low), len(aims.asked)
    levels = _Levels(aims, region)
    first: Vertex | None = None
    while levels.open.any():
        vertex = levels.solve()
        if vertex is None:  # what is still open keeps the weights of the last level
            levels.hold(np.unique(aims.column[levels.open]))
            break
        first = first or vertex
        weight, level = levels.weight, float(vertex.x[n])
        held = (vertex.price[m : m + k] != 0) | (vertex.price[m + k :] != 0)
        held |= levels.own[aims.column] <= level + _LEVEL
        blocked = levels.open & held
        if not blocked.any():
            blocked = levels.open & (aims.satisfaction(weight) <= level + _LEVEL)
        columns = np.unique(aims.column[blocked])
        by_itself = levels.own[columns] <= level + _LEVEL
        levels.settle(columns[by_itself], levels.at[columns[by_itself]])
        levels.hold(columns[~by_itself])
        if by_itself.any():
            levels.leap()
    weight = _second(aims, region, levels.face, levels.weight, lambda _: True)
    if not k:
        return Reached(weight, np.zeros(m), np.zeros(n), 0.0, 0.0, 0.0)
    least = float(aims.satisfaction(weight).min())
    dual = first.bound if first else -1.0  # nobody is met more than in full
    gap = abs(-least - dual) / max(1.0, abs(least))
    row_price = first.price[:m] if first else np.zeros(m)
    price = first.reduced[:n] if first else np.zeros(n)
    return Reached(weight, row_price, price, -least, dual, gap)


class _Levels:
    """Asks whose common level is still to be raised, and the groups whose weight is settled."""

    def __init__(self, aims: Aims, region: Region) -> None:
        self.aims, self.region = aims, region
        self.linear, self.face = _level_programme(aims, region), _Face.of(region)
        self.open, self.weight = np.ones(len(aims.asked), bool), aims.draft
        self.own, self.at = _own_levels(aims, region)
        self._kept = self.open.copy()
        self._end = self.linear.row_high[len(region.row_low) :].reshape(2, -1).copy()

    def solve(self) -> Vertex | None:
        """The largest level of the open asks, or None when rounding of what is settled leaves none.

        Before that the rows get some room, and then the weights that are settled.
        """
        columns = np.unique(self.aims.column[~self.open])
        every = np.arange(len(self.region.row_low), dtype=np.int32)
        found = self._vertex()
        for rows, room in _ROOMS[1:]:
            if found is None:
                more = room * self.aims.span[columns]
                low, high = self.region.row_low - rows, self.region.row_high + rows
                self.linear.rows(every, low, high)
                self._put(columns, self.face.low[columns] - more, self.face.high[columns] + more)
                found = self._vertex()
        if found is not None:
            self.weight = found.x[:-1]
        return found

    def settle(self, columns: Ints, weight: Floats) -> None:
        """Give groups their weight for good, and let go of their asks."""
        weight = np.clip(weight, self.region.low[columns], self.region.high[columns])
        self.face.low[columns], self.face.high[columns] = weight, weight
        self._put(columns, weight, weight)
        self._let_go(columns)

    def hold(self, columns: Ints) -> None:
        """Let groups come no farther from their asks than they are, and let go of these.

        They could not come nearer either, but for rounding: a group of few cases can gain much by
        what no other notices, and may.
        """
        at, room = self.weight, _HELD * self.aims.span
        low, high = at - room, at + room
        above = self.aims.asked > high[self.aims.column]
        below = self.aims.asked < low[self.aims.column]
        most, least = (np.full(len(at), end) for end in (np.inf, -np.inf))
        np.minimum.at(most, self.aims.column, np.where(above, self.aims.asked, -np.inf))
        np.maximum.at(least, self.aims.column, np.where(below, self.aims.asked, np.inf))
        low = np.minimum(low, np.where(np.isposinf(least), low, least))
        high = np.maximum(high, np.where(np.isneginf(most), high, most))
        low, high = np.maximum(low, self.region.low), np.minimum(high, self.region.high)
        self.face.low[columns], self.face.high[columns] = low[columns], high[columns]
        self._put(columns, low[columns], high[columns])
        self._let_go(columns)

    def leap(self) -> None:
        """Settle groups that reach their own level, more and more at once.

        What a level leaves to a group holds what any higher level leaves to it. So where a level
        can be had with groups at the weight of their own level, none of those whose own level is
        no higher is held down by anything else.
        """
        step = 2
        while self.open.any():
            left = np.unique(self.aims.column[self.open])
            taken = left[np.argsort(self.own[left], kind="stable")][:step]
            self._put(taken, self.at[taken], self.at[taken])
            self._release(self.open & ~np.isin(self.aims.column, taken))
            vertex = self._vertex()
            if vertex is None:
                reached = np.zeros(len(taken), bool)
            else:
                reached = self.own[taken] <= vertex.x[-1] + _LEVEL
                if reached.any():
                    self.weight = vertex.x[:-1]
            others = taken[~reached]
            self._put(others, self.region.low[others], self.region.high[others])
            self.settle(taken[reached], self.at[taken[reached]])
            if len(others):
                return
            step *= 2

    def _vertex(self) -> Vertex | None:
        """The programme's answer; what the solver cannot do counts as nothing left."""
        try:
            return self.linear.solve()
        except RuntimeError:
            return None

    def _put(self, columns: Ints, low: Floats, high: Floats) -> None:
        self.linear.columns(columns, low, high)

    def _let_go(self, columns: Ints) -> None:
        self.open &= ~np.isin(self.aims.column, columns)
        self._release(self.open)

    def _release(self, kept: Bools) -> None:
        """Keep the rows of some asks only."""
        changed = np.flatnonzero(kept != self._kept)
        end = np.where(kept[changed], self._end[:, changed], np.inf)
        first = len(self.region.row_low) + changed
        rows = np.concatenate([first, len(kept) + first]).astype(np.int32)
        self.linear.rows(rows, np.full(len(rows), -np.inf), end.ravel())
        self._kept = kept.copy()


def _own_levels(aims: Aims, region: Region) -> tuple[Floats, Floats]:
    """The level that each group's asks can have by themselves, and its weight there. (n,), (n,).

    Two asks are met alike between them, in the measure of their distances; one outside the
    interval is met best at its end.
    """
    level, at = np.full(len(aims.draft), np.inf), np.array(aims.draft)
    order = np.argsort(aims.column, kind="stable")
    columns, first = np.unique(aims.column[order], return_index=True)
    for column, ends in zip(columns, pairwise([*first, len(order)]), strict=True):
        asks = order[slice(*ends)]
        distance = np.append(aims.distance[asks], 0.0)  # the interval's ends have none
        over = np.append(aims.asked[asks], region.low[column])
        under = np.append(aims.asked[asks], region.high[column])
        both = distance[:, None] + distance
        both[-1, -1] = 1.0
        room = max(0.0, float(((over[:, None] - under) / both).max()))
        level[column] = 1.0 - room
        at[column] = ((over - room * distance).max() + (under + room * distance).min()) / 2
    return level, at


def least_level(aims: Aims, region: Region) -> float:
    """The largest satisfaction that all asks can have at once."""
    return 0.0 - _solved(_level_programme(aims, region)).value


def _level_programme(aims: Aims, region: Region) -> Linear:
    """Largest common level ``t``: each weight within ``(1 - t) * distance`` of what is asked."""
    matrix, low, high = _with_asks(aims, region, sparse.csr_array(np.ones((len(aims.asked), 1))))
    return Linear(
        np.concatenate([np.zeros(len(aims.draft)), [-1.0]]), matrix, low, high,
        np.concatenate([region.low, [-np.inf]]), np.concatenate([region.high, [1.0]]),
    )  # fmt: skip


def _solved(linear: Linear) -> Vertex:
    """An optimal corner of a programme that is known to have one."""
    vertex = linear.solve()
    if vertex is None:
        raise RuntimeError("no weights are left by rounding")
    return vertex


def _reached(weight: Floats, vertex: Vertex, n: int, m: int, primal: float, unit: float = 1.0
             ) -> Reached:  # fmt: skip
    """The answer of an aim with the duals of its linear programme."""
    dual = unit * vertex.bound
    gap = abs(primal - dual) / max(1.0, abs(primal))
    return Reached(weight, unit * vertex.price[:m], unit * vertex.reduced[:n], primal, dual, gap)
