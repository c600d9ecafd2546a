"""Sharing out (分配): parts that add up to the fen, by largest remainder (最大余额法)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.errors import DrgError
from drg.language import say
from drg.money.exact import Fen, Floats, Places, Whole, decimal, doubles, whole_numbers

_ROOM = 1 << 62
_ULP = 2.0**-53
_BINS = 1 << 16


def allocate(total: npt.ArrayLike, shares: npt.ArrayLike) -> Fen:
    """Split totals by shares so that the parts add up to the fen (largest remainder, 最大余额法).

    Shares are whole numbers, or floats that stand for the decimals that they print. Equal
    remainders go to the earlier part: the caller puts the parts into an order that means
    something, such as hospitals by their id, or months.

    Args:
        total: amounts in fen, shape (...).
        shares: non-negative weights of the parts, shape (..., parts).

    Returns:
        The parts in fen, shape (..., parts).

    Raises:
        DrgError: a share is negative or not finite, or there is money but no share to take it.
    """
    amounts = whole_numbers(total)
    held = np.asarray(shares)
    held = whole_numbers(held) if held.dtype.kind in "iu" else doubles(held)
    weights = np.asarray(held, np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise DrgError(say("份额为负数或不是有限数", "a share is negative or not a finite number"))
    sums = weights.sum(axis=-1)
    if ((sums <= 0) & (amounts != 0)).any():
        raise DrgError(say("有金额待分摊，但各份额均为 0",
                           "there is money to share out but every share is 0"))  # fmt: skip
    shape = np.broadcast_shapes(amounts.shape, weights.shape[:-1])
    count = weights.shape[-1]
    size = np.abs(np.broadcast_to(amounts, shape)).reshape(-1)
    held = np.broadcast_to(held, (*shape, count)).reshape(-1, count)
    parts, doubt = _by_floats(size, np.asarray(held, np.float64))
    if doubt.size:
        parts[doubt] = _by_ratios(size[doubt], held[doubt])
    parts = parts.reshape(*shape, count)
    return np.asarray(np.where(amounts[..., None] < 0, -parts, parts), np.int64)


def _by_floats(size: Fen, weights: Floats) -> tuple[Fen, Places]:
    """Parts of rows, and the rows that floats cannot decide. Shapes (R, parts) and (D,)."""
    count = weights.shape[1]
    sums = weights.sum(axis=1, keepdims=True)
    exact = weights / np.where(sums > 0, sums, 1.0) * size[:, None]
    below = np.floor(exact)
    rest = exact - below
    parts = below.astype(np.int64)
    left = size - parts.sum(axis=1)
    error = (count + 8) * _ULP * size[:, None] + 1e-300
    doubt = ((rest <= error) | (rest >= 1.0 - error)) & (weights > 0)
    sure = (left >= 0) & (left <= count) & ~doubt.any(axis=1)
    order = np.argsort(-rest, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(count)[None, :], axis=1)
    taken = rank < left[:, None]
    last = np.where(taken, rest, np.inf).min(axis=1)
    first = np.where(taken, -np.inf, rest).max(axis=1)
    sure &= last - first > 2 * error[:, 0]
    return parts + taken, np.flatnonzero(~sure & (size > 0))


def _by_ratios(size: Fen, shares: npt.NDArray[Any]) -> Fen:
    """The parts in whole numbers. Shape (R, parts)."""
    if shares.dtype.kind in "iu":
        above: Whole = shares.astype(np.int64)
    else:
        numerators, _ = decimal(shares.astype(np.float64)).ratio(np.arange(shares.size))
        above = numerators.reshape(shares.shape)
    most = max(int(size.max(initial=0)), above.shape[1])
    if above.dtype == object or int(above.max(initial=0)) * most >= _ROOM:
        above, size = above.astype(object), size.astype(object)
    whole = above.sum(axis=1)[:, None]
    product = above * size[:, None]
    parts = product // whole
    rest = product - parts * whole
    left = size - parts.sum(axis=1)
    order = np.argsort(-rest, axis=1, kind="stable")
    rank = np.empty(order.shape, np.int64)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :], axis=1)
    return np.asarray(parts + (rank < left[:, None])).astype(np.int64)


def adding_up(exact: Floats, total: Fen) -> Fen:
    """Rows of estimates rounded so that they add up to whole totals. Shape (U, N).

    What rounding leaves goes to the parts whose estimates it fits best, the earlier of equals; a
    part of nothing stays nothing while others can take it.

    Args:
        exact: parts of both signs, floats. Shape (U, N).
        total: what each row adds up to. Shape (U,).
    """
    whole = np.rint(exact)
    left = total - whole.sum(axis=1).astype(np.int64)
    sign = np.sign(left)[:, None]
    gain = np.where(exact != 0, (exact - whole) * sign, -np.inf)  # a part of nothing stays so
    order = np.argsort(-gain, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    count = exact.shape[1]
    size = np.abs(left)[:, None]
    step = size // count + (rank < size % count)
    return np.asarray(whole.astype(np.int64) + sign * step, np.int64)


def divided(factor: Fen, above: int, below: int) -> tuple[Fen, Fen]:
    """``factor x above / below`` as whole numbers below and remainders over ``below``. Shapes (N,).

    Products may be far beyond 64 bits: a float comes within one of the quotient, and the
    remainder, which is small, is right modulo 2^64 whatever was lost above.

    Args:
        factor: whole numbers, not negative. Shape (N,).
        above: not negative, below 2^63.
        below: above 0, below 2^61.

    Raises:
        DrgError: a quotient is too large to be exact.
    """
    if (
        not 0 <= above < 1 << 63 or not 0 < below < 1 << 61
        or (factor.size and int(factor.max()) * above > below << 50)
    ):  # fmt: skip
        raise DrgError(say("金额过大，无法精确计算", "an amount of money is too large to be exact"))
    whole = (factor * (above / below)).astype(np.int64)
    rest = factor * np.int64(above)
    rest -= whole * np.int64(below)
    for off, step in ((rest < 0, -1), (rest >= below, 1)):
        if off.any():
            whole[off] += step
            rest[off] -= step * below
    return whole, rest


def edge(parts: Sequence[tuple[Fen, Fen | None]], left: int) -> tuple[int, int]:
    """Which remainders get a fen, where ``left`` fen go to the largest ones.

    Args:
        parts: remainders over one denominator, not negative, with how many have each of them,
            None for one each; in arrays of any sizes. Shapes (N,).
        left: how many fen; from 1 to the sum of the counts.

    Returns:
        The least remainder that gets one, and how many parts have a larger one; all of those get
        one, and of the parts at the edge so many as are left.
    """
    scale = _BINS / (float(max(int(rest.max(initial=0)) for rest, _ in parts)) + 1.0)

    def bins(rest: Fen) -> Places:
        return np.minimum((rest * scale).astype(np.intp), _BINS - 1)

    held = np.zeros(_BINS, np.int64)
    for rest, count in parts:
        weights = None if count is None else count.astype(np.float64)
        held += np.bincount(bins(rest), weights, _BINS).astype(np.int64)
    from_top = np.cumsum(held[::-1])[::-1]
    at = int(np.flatnonzero(from_top >= left)[-1])
    taken = int(from_top[at] - held[at])
    here, many = [], []
    for rest, count in parts:
        inside = np.flatnonzero(bins(rest) == at)
        here.append(rest[inside])
        many.append(np.ones(len(inside), np.int64) if count is None else count[inside])
    rests, counts = np.concatenate(here), np.concatenate(many)
    some = np.flatnonzero(counts > 0)
    some = some[np.argsort(-rests[some], kind="stable")]
    reach = taken + np.cumsum(counts[some])
    least = int(rests[some[int(np.searchsorted(reach, left))]])
    return least, taken + int(counts[some[rests[some] > least]].sum())
