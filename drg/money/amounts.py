"""Amounts (金额): yuan come in and go out, all sums are whole fen (分)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drg.errors import DrgError, problem
from drg.language import say
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
        raise DrgError(say(
            "金额缺失、为无穷大或超过 90 万亿元",
            "an amount of money is missing, infinite or above 90 trillion yuan",
        ))  # fmt: skip
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
        raise problem(say("不是整数分", "not whole fen"), key=key, found=held.dtype,
                      expected=say("整数（int64）", "integers (int64)"))  # fmt: skip
    if shape is not None and held.shape != shape:
        raise problem(say("数组形状不符", "wrong shape"), key=key, found=held.shape,
                      expected=str(shape))  # fmt: skip
    return whole_numbers(held)
