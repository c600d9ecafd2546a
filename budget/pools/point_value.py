"""Pools and point values (基金池与点值): what cases are paid once the pool's money is known.

Under the point method the pool pays out exactly its money: the value of a point is found so that
the fund's parts add up to it, and the fen that rounding leaves go to the largest remainders, among
equal ones in the order of case ids.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.policy.document import Policy
from budget.pools.sharing import UNIT, Bounds, share_out, worth_of
from budget.price.branches import CODES, SETTLED
from budget.price.case import Priced
from budget.price.grid import Grid
from drg.errors import problem
from drg.language import say
from drg.money import Fen, allocate, to_fen

Bools = npt.NDArray[np.bool_]
_SLICE = 262_144
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
        pools: what each pool came to.
    """

    pool: npt.NDArray[np.int8]
    inside: Bools
    points: Fen
    fund: Fen
    payment: Fen
    pools: tuple[PoolResult, ...]


def pay(claims: Claims, priced: Priced, grid: Grid, amounts: Fen, patient: Fen, other: Fen) -> Paid:
    """Turn prices into money.

    Args:
        claims: the cases.
        priced: their prices in reference yuan.
        grid: the price grid.
        amounts: money of each pool in fen. Shape (P,).
        patient: what the patient bears in fen. Shape (N,).
        other: what other payers bear in fen. Shape (N,).

    Raises:
        DrgError: a pool has no money, or the fund floor alone is more than its money.
    """
    policy = grid.policy
    size = len(claims)
    floor = int(to_fen(policy.benefit.fund_floor))
    beside = patient + other
    pool, inside = np.empty(size, np.int8), np.empty(size, np.bool_)
    fund = np.zeros(size, np.int64)
    fixed = np.empty(size, np.bool_)
    for start in range(0, size, _SLICE):  # so that no array of the whole year is made in between
        rows = slice(start, start + _SLICE)
        part = first_parts(
            claims.slice(start, start + _SLICE), priced.branch[rows], priced.fen[rows],
            priced.points[rows], grid, beside[rows], floor,
        )  # fmt: skip
        pool[rows], inside[rows], fund[rows], fixed[rows] = part
    points = np.where(inside, priced.points, 0)
    results = []
    for place, held in enumerate(policy.pools):
        mine = pool == place
        shared = mine & ~fixed
        decided = np.nan
        bound = "rate" if policy.standard.kind == "rate" else "given"
        if shared.any():
            own = np.flatnonzero(shared)
            left = int(amounts[place]) - int(fund[mine & inside & fixed].sum())
            fund[own], _, decided, bound = share_out(
                points[own], beside[own], left, floor,
                pool_bounds(policy, grid, claims, own, held.name), held.name, own,
                claims.in_order,
            )  # fmt: skip
        in_pool = mine & inside
        results.append(PoolResult(
            held.name, int(amounts[place]), float(points[in_pool].sum()) / UNIT,
            _value_of(grid, claims, in_pool, decided), bound, int(fund[in_pool].sum()),
            int(fund[mine & ~inside].sum()),
        ))  # fmt: skip
    beside += fund
    beside[pool < 0] = 0
    return Paid(pool, inside, points, fund, beside, tuple(results))


def first_parts(
    claims: Claims,
    branch: npt.NDArray[np.int8],
    fen: Fen,
    points: Fen,
    grid: Grid,
    beside: Fen,
    floor: int,
) -> tuple[npt.NDArray[np.int8], Bools, Fen, Bools]:
    """What is known of cases before their pool is shared out.

    Args:
        claims: the cases.
        branch: their branches. Shape (N,).
        fen: what they are worth in reference yuan, to the fen. Shape (N,).
        points: their points, in units of 0.0001. Shape (N,).
        grid: the price grid.
        beside: what patients and other payers bear in fen. Shape (N,).
        floor: least fund part of a case in fen.

    Returns:
        Pool, inside the pool, fund money in fen, and whether that is fixed already; the fund money
        of the others is 0. Shapes (N,).
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
    return pool, inside, np.where(known, np.maximum(fen - beside, floor), 0), known


def within(policy: Policy, pool: npt.NDArray[np.int8], branch: npt.NDArray[np.int8]) -> Bools:
    """Cases that are paid from their pool."""
    outside = np.zeros((len(policy.pools) + 1, len(CODES)), np.bool_)
    for place, held in enumerate(policy.pools):
        outside[place] = [code in held.outside for code in CODES]
    found: Bools = (pool >= 0) & ~outside[pool, branch]
    return found


def pool_bounds(
    policy: Policy, grid: Grid, claims: Claims, shared: npt.NDArray[np.intp], name: str
) -> Bounds:
    """Floor and ceiling of a pool's point value in yuan per point; a pool has one value.

    Args:
        policy: the policy.
        grid: the price grid.
        claims: the cases.
        shared: places of those that share the pool. Shape (S,).
        name: of the pool.

    Raises:
        DrgError: the rows of the policy give some of its cases other bounds than the rest.
    """
    rows = policy.standard.point_values
    if not rows:
        return None, None
    at = np.unique(grid.value_from[claims.hospital[shared], claims.insurance[shared]])
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


def _value_of(grid: Grid, claims: Claims, rows: Bools, decided: float) -> float:
    """The pool's value of a point: as decided, or the given one when all cases share it."""
    if np.isfinite(decided) or not rows.any():
        return decided
    given = np.unique(grid.point_value[claims.hospital[rows], claims.insurance[rows]])
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
