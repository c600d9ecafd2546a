"""Pools and point values (基金池与点值): what cases are paid once the pool's money is known.

Under the point method the pool pays out exactly its money: the value of a point is found so that
the fund's parts add up to it, and the fen that rounding leaves go to the largest remainders, among
equal ones in the order of case ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.policy.document import Policy
from budget.pools.formula import Terms
from budget.pools.sharing import UNIT, Bounds, Places, share_out, worth_of
from budget.price.branches import CODES, SETTLED
from budget.price.grid import Grid
from drg.errors import problem
from drg.language import say
from drg.money import Fen, allocate, to_fen

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_SETTLED = np.array(SETTLED)


@dataclass(frozen=True)
class PoolResult:
    """What a pool came to.

    Attributes:
        name: name of the pool in the policy.
        amount: money to share out in fen.
        points: points of the cases inside the pool.
        point_value: yuan per point; 1 for the rate method, NaN without points.
        bound: ``floor`` or ``ceiling`` when the policy's bound decided, ``given``, ``pool`` or, for
            the rate method, ``rate``.
        paid: fund money of the cases inside the pool in fen.
        outside: fund money of the cases paid outside the pool in fen.
    """

    name: str
    amount: int
    points: float
    point_value: float
    bound: str
    paid: int
    outside: int

    @property
    def by_money(self) -> bool:
        """Whether its money decides what a point is worth, bounds included."""
        return self.bound not in ("given", "rate")

    @property
    def balance(self) -> int:
        """Money of the pool that cases inside did not use, in fen; negative when it fell short."""
        return self.amount - self.paid


@dataclass(frozen=True)
class Paid:
    """What each case is paid.

    Attributes:
        pool: place of the pool, -1 where the case is not settled. Shape (N,).
        inside: the case is paid from the pool, not beside it. Shape (N,).
        points: points in units of 0.0001; 0 for the rate method. Shape (N,).
        fund: fund money in fen. Shape (N,).
        payment: what the hospital gets for the case from fund, patient and others, in fen.
            Shape (N,).
        pools: what each pool came to; empty while the year is being paid part by part.
    """

    pool: npt.NDArray[np.int8]
    inside: Bools
    points: Fen
    fund: Fen
    payment: Fen
    pools: tuple[PoolResult, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """What some cases say of the pools that are shared out by points.

    Attributes:
        fixed: fund money in fen that the pools pay before anything is shared. Shape (P,).
        inside: hospitals and insurances that have cases in each pool. Shape (P, H, 2).
        seen: those that have cases which share in what is left. Shape (P, H, 2).
        held: of each pool the places, points and what is borne beside of the latter.
    """

    fixed: Fen
    inside: Bools
    seen: Bools
    held: tuple[tuple[Places, Fen, Fen], ...]

    @classmethod
    def of(cls, grid: Grid, start: int, claims: Claims, first: First, beside: Fen) -> Self:
        """What the cases from a place on say.

        Raises:
            DrgError: the policy pays by ratio what the pool decides.
        """
        count = len(grid.policy.pools)
        fixed, held = np.zeros(count, np.int64), []
        there, seen = np.zeros((2, count, *grid.pool.shape), np.bool_)
        for place in range(count):
            mine = first.pool == place
            inside = np.flatnonzero(mine & first.inside)
            there[place][claims.hospital[inside], claims.insurance[inside]] = True
            fixed[place] = first.fund[inside[first.known[inside]]].sum()
            own = np.flatnonzero(mine & ~first.known)
            if len(own) and grid.policy.benefit.fund_formula == "by_ratio":
                raise problem(
                    say("点值由基金池决定时不能按比例计算基金支付",
                        "cannot hold where the pool decides the value of a point"),
                    key="benefit.fund_formula", found="by_ratio", file=grid.policy.id,
                    expected=say("remainder，或费率法，或给定点值",
                                 "remainder, or rates, or given point values"),
                )  # fmt: skip
            held.append((start + own, first.points[own], beside[own]))
            seen[place][claims.hospital[own], claims.insurance[own]] = True
        return cls(fixed, there, seen, tuple(held))


class Sharing:
    """Pools that are shared out by points, gathered part by part (基金池分配).

    Attributes:
        fixed: fund money in fen that the pools pay before anything is shared. Shape (P,).
        decided: yuan per point of the pools that were shared out, else NaN. Shape (P,).
        bound: what decided them.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid, self.pools = grid, grid.policy.pools
        self.floor = int(to_fen(grid.policy.benefit.fund_floor))
        count = len(self.pools)
        kind = "rate" if grid.policy.standard.kind == "rate" else "given"
        self.fixed, self.decided = np.zeros(count, np.int64), np.full(count, np.nan)
        self.bound = [kind] * count
        self._held: list[list[tuple[Places, Fen, Fen]]] = [[] for _ in self.pools]
        self._seen, self._inside = np.zeros((2, count, *grid.pool.shape), np.bool_)
        self._shared: dict[int, tuple[Places, Fen]] = {}

    def gather(self, waiting: Waiting) -> None:
        """Take in what some cases say, in the order of the cases; what they share in waits."""
        self.fixed += waiting.fixed
        self._inside |= waiting.inside
        self._seen |= waiting.seen
        for place, held in enumerate(waiting.held):
            if len(held[0]):
                self._held[place].append(held)

    def share_out(self, amounts: Fen, order: Callable[[Places], Places]) -> None:
        """Share out what waits.

        Args:
            amounts: money of each pool in fen. Shape (P,).
            order: places among cases, given in ascending order, in the order of their ids.

        Raises:
            DrgError: a pool has no money, or the fund floor alone is more than its money.
        """
        for place, held in enumerate(self._held):
            if not held:
                continue
            rows, points, beside = (np.concatenate(part) for part in zip(*held, strict=True))
            held.clear()
            left = int(amounts[place]) - int(self.fixed[place])
            name = self.pools[place].name
            bounds = pool_bounds(self.grid, self._seen[place], name)
            fen, _, self.decided[place], self.bound[place] = share_out(
                points, beside, left, self.floor, bounds, name, rows, order
            )
            self._shared[place] = rows, fen

    @property
    def worth(self) -> Floats:
        """What a reference yuan came to in yuan by pool, and 1 for no pool. Shape (P + 1,)."""
        return _worth(self.grid, self.values(self._inside))

    def values(self, inside: Bools) -> list[float]:
        """Yuan per point of each pool: as decided, or as given where all its cases have one value.

        Args:
            inside: hospitals and insurances that have cases in each pool. Shape (P, H, 2).
        """
        return [_value_of(self.grid, seen, float(decided))
                for seen, decided in zip(inside, self.decided, strict=True)]  # fmt: skip

    def fund(self, start: int, first: First) -> Fen:
        """Fund money in fen of the cases from a place on. Shape (N,)."""
        found = first.fund
        for rows, fen in self._shared.values():
            a, b = np.searchsorted(rows, (start, start + len(found)))
            found[rows[a:b] - start] = fen[a:b]
        return found


class PoolSums:
    """What the pools come to, added up part by part."""

    def __init__(self, grid: Grid) -> None:
        count = len(grid.policy.pools)
        self._points, self._paid, self._outside = (np.zeros(count, np.int64) for _ in range(3))
        self._seen = np.zeros((count, *grid.pool.shape), np.bool_)

    def add(self, claims: Claims, paid: Paid) -> None:
        """Add some cases."""
        for place in range(len(self._points)):
            mine = paid.pool == place
            own = np.flatnonzero(mine & paid.inside)
            self._points[place] += paid.points[own].sum()
            self._paid[place] += paid.fund[own].sum()
            self._outside[place] += paid.fund[mine & ~paid.inside].sum()
            self._seen[place][claims.hospital[own], claims.insurance[own]] = True

    def merge(self, other: PoolSums) -> None:
        """Add what other cases come to."""
        self._points += other._points
        self._paid += other._paid
        self._outside += other._outside
        self._seen |= other._seen

    def results(self, sharing: Sharing, amounts: Fen) -> tuple[PoolResult, ...]:
        """What each pool came to, as it was shared out."""
        values = sharing.values(self._seen)
        return tuple(
            PoolResult(
                one.name, int(amounts[place]), float(self._points[place]) / UNIT, values[place],
                sharing.bound[place], int(self._paid[place]), int(self._outside[place]),
            )
            for place, one in enumerate(sharing.pools)
        )  # fmt: skip


class First(NamedTuple):
    """What is known of cases before their pool is shared out. Shapes (N,).

    Attributes:
        pool: place of the pool, -1 where the case is not settled.
        inside: the case is paid from the pool.
        points: points in units of 0.0001, 0 beside the pool.
        fund: fund money in fen, 0 where it is not known yet.
        known: it is.
    """

    pool: npt.NDArray[np.int8]
    inside: Bools
    points: Fen
    fund: Fen
    known: Bools


def paid_of(first: First, fund: Fen, beside: Fen) -> Paid:
    """What cases are paid, of their fund money and what others bear in fen. Shapes (N,)."""
    payment = np.where(first.pool >= 0, beside + fund, 0)
    return Paid(first.pool, first.inside, first.points, fund, payment)


def first_parts(
    claims: Claims,
    branch: npt.NDArray[np.int8],
    fen: Fen,
    points: Fen,
    grid: Grid,
    terms: Terms,
    floor: int,
) -> First:
    """What is known of cases before their pool is shared out.

    Args:
        claims: the cases.
        branch: their branches. Shape (N,).
        fen: what they are worth in reference yuan, to the fen. Shape (N,).
        points: their points, in units of 0.0001. Shape (N,).
        grid: the price grid.
        terms: what makes it the fund's money. Shapes (N,).
        floor: least fund part of a case in fen.
    """
    policy = grid.policy
    at = np.maximum(claims.hospital, 0), np.maximum(claims.insurance, 0)
    pool = np.where(_SETTLED[branch], grid.pool[at], -1).astype(np.int8)
    inside = within(policy, pool, branch)
    known = pool >= 0
    if policy.standard.kind != "rate":
        value = np.where(inside, grid.point_value[at], 1.0)
        known &= np.isfinite(value)
        given = known & inside
        if given.any():
            fen = np.where(given, worth_of(points, np.where(given, value, 0.0)), fen)
    fund = np.where(known, terms.fund(fen, floor), 0)
    return First(pool, inside, np.where(inside, points, 0), fund, known)


def within(policy: Policy, pool: npt.NDArray[np.int8], branch: npt.NDArray[np.int8]) -> Bools:
    """Cases that are paid from their pool."""
    outside = np.zeros((len(policy.pools) + 1, len(CODES)), np.bool_)
    for place, held in enumerate(policy.pools):
        outside[place] = [code in held.outside for code in CODES]
    found: Bools = (pool >= 0) & ~outside[pool, branch]
    return found


def pool_bounds(grid: Grid, shared: Bools, name: str) -> Bounds:
    """Floor and ceiling of a pool's point value in yuan per point; a pool has one value.

    Args:
        grid: the price grid.
        shared: hospitals and insurances whose cases share the pool. Shape (H, 2).
        name: of the pool.

    Raises:
        DrgError: the rows of the policy give some of its cases other bounds than the rest.
    """
    rows = grid.policy.standard.point_values
    if not rows:
        return None, None
    at = np.unique(grid.value_from[shared])
    found = {(None, None) if i < 0 else (rows[i].floor, rows[i].ceiling): int(i) for i in at}
    if len(found) > 1:
        none = say("无对应行", "no row")
        raise problem(say(f"基金池 {name} 的病例上下限不一致",
                          f"cases of the pool {name} have different bounds"),
                      key="standard.point_values",
                      found=", ".join(none if i < 0 else rows[i].name for i in found.values()),
                      expected=say("同一基金池的全部病例用同一上下限",
                                   "one floor and ceiling for all cases of a pool"))  # fmt: skip
    low, high = next(iter(found))
    return low, high


def bounds_of(
    grid: Grid, claims: Claims, rows: npt.NDArray[np.intp] | Bools, name: str
) -> Bounds:  # fmt: skip
    """Floor and ceiling of the point value that some cases of a pool share: :func:`pool_bounds`."""
    shared = np.zeros(grid.value_from.shape, np.bool_)
    shared[claims.hospital[rows], claims.insurance[rows]] = True
    return pool_bounds(grid, shared, name)


def worth_of_yuan(grid: Grid, pools: Sequence[PoolResult]) -> Floats:
    """What a reference yuan came to in yuan by pool, and 1 for no pool. Shape (P + 1,)."""
    return _worth(grid, [one.point_value for one in pools])


def _worth(grid: Grid, values: Sequence[float]) -> Floats:
    found = np.array([*values, np.nan]) * grid.per_yuan
    return np.where(np.isfinite(found), found, 1.0)


def _value_of(grid: Grid, seen: Bools, decided: float) -> float:
    """The pool's value of a point: as decided, or the given one when all its cases share it."""
    if np.isfinite(decided) or not seen.any():
        return decided
    given = np.unique(grid.point_value[seen])
    return float(given[0]) if len(given) == 1 else float("nan")


def hold(final: Fen, outside: Fen, amounts: Fen, policy: Policy) -> Fen:
    """What the global budget takes off (总额控制): finals beyond the pool's money, pro rata.

    Args:
        final: what hospitals would get, in fen. Shape (H, P).
        outside: the part of it that is not paid from the pool. Shape (H, P).
        amounts: money of the pools in fen. Shape (P,).
        policy: says of each pool what happens when it falls short.

    Returns:
        The cuts in fen. Shape (H, P).
    """
    cut = np.zeros_like(final)
    inside = np.maximum(final - outside, 0)
    for place, held in enumerate(policy.pools):
        over = int(inside[:, place].sum()) - int(amounts[place])
        if held.shortage == "pro_rata" and over > 0:
            cut[:, place] = allocate(over, inside[:, place])
    return cut
