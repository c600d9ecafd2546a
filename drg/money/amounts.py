"""Amounts (金额): yuan come in and go out, all sums are whole fen (分)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drg.errors import DrgError, problem
from drg.money.exact import Fen, decimal, doubles, rounded, whole_numbers

_MOST_YUAN = 9e13  # beyond it a float no longer tells one fen from the next


def to_fen(yuan: npt.ArrayLike) -> Fen:
    """Amounts in yuan as whole fen, halves away from zero.

    A float that stands for a decimal such as 1.005 is taken for the decimal that it prints.

    Raises:
        DrgError: an amount is missing, infinite or too large to be exact.
    """
    amounts = doubles(yuan)
    if not np.isfinite(amounts).all() or (np.abs(amounts) > _MOST_YUAN).any():
        raise DrgError("an amount of money is missing, infinite or above 90 trillion yuan")
    return rounded(decimal(amounts), unit=100)


def to_yuan(fen: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Fen as yuan; the float nearest to the two-decimal amount."""
    return np.asarray(np.asarray(fen, np.int64) / 100)


def yuan(fen: int) -> str:
    """One amount for a message, such as ``-1,234.50``."""
    number = int(fen)
    return f"{'-' if number < 0 else ''}{abs(number) // 100:,}.{abs(number) % 100:02d}"


def whole(amounts: npt.ArrayLike, key: str, shape: tuple[int, ...] | None = None) -> Fen:
    """Amounts of an argument, refused unless they are integers of the right shape.

    Raises:
        DrgError: they are not.
    """
    held = np.asarray(amounts)
    if held.dtype.kind not in "iu":
        raise problem("not whole fen", key=key, found=held.dtype, expected="integers (int64)")
    if shape is not None and held.shape != shape:
        raise problem("wrong shape", key=key, found=held.shape, expected=str(shape))
    return whole_numbers(held)
