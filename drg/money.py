"""Exact money: yuan come in and go out, all sums are whole fen (分)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drg.errors import DrgError

Fen = npt.NDArray[np.int64]
_MOST_YUAN = 9e13  # beyond it a float no longer tells one fen from the next


def to_fen(yuan: npt.ArrayLike) -> Fen:
    """Amounts in yuan as whole fen, halves away from zero.

    A float that stands for a decimal such as 1.005 is taken for the decimal that it prints.

    Raises:
        DrgError: an amount is missing, infinite or too large to be exact.
    """
    amounts = np.asarray(yuan, np.float64)
    if not np.isfinite(amounts).all() or (np.abs(amounts) > _MOST_YUAN).any():
        raise DrgError("an amount of money is missing, infinite or above 90 trillion yuan")
    scaled = amounts * 100
    # The product of 1.005 and 100 is 100.49999999999999: step over the float's own error.
    nudged = np.nextafter(np.nextafter(scaled, np.copysign(np.inf, scaled)),
                          np.copysign(np.inf, scaled))  # fmt: skip
    return np.asarray(np.trunc(nudged + np.copysign(0.5, scaled)), np.int64)


def to_yuan(fen: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Fen as yuan; the float nearest to the two-decimal amount."""
    return np.asarray(np.asarray(fen, np.int64) / 100)


def allocate(total: npt.ArrayLike, shares: npt.ArrayLike) -> Fen:
    """Split totals by shares so that the parts add up to the fen (largest remainder, 最大余额法).

    Ties go to the earlier part, so the same input always gives the same parts.

    Args:
        total: amounts in fen, shape (...).
        shares: non-negative weights of the parts, shape (..., parts).

    Returns:
        The parts in fen, shape (..., parts).

    Raises:
        DrgError: a share is negative or not finite, or there is money but no share to take it.
    """
    amounts = np.asarray(total, np.int64)
    weights = np.asarray(shares, np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise DrgError("a share is negative or not a finite number")
    sums = weights.sum(axis=-1, keepdims=True)
    if ((sums[..., 0] <= 0) & (amounts != 0)).any():
        raise DrgError("there is money to share out but every share is 0")
    fractions = weights / np.where(sums > 0, sums, 1)
    size = np.abs(amounts)[..., None]
    exact = fractions * size
    parts = np.minimum(np.floor(exact), size).astype(np.int64)
    left = size[..., 0] - parts.sum(axis=-1)
    order = np.argsort(-(exact - parts), axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1, kind="stable")
    count = parts.shape[-1]
    parts += (left // count)[..., None] + (rank < (left % count)[..., None])
    return np.asarray(np.where(amounts[..., None] < 0, -parts, parts), np.int64)
