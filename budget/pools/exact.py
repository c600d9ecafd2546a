"""Fen times decimal factors (分乘系数): exact, rounded once, halves away from zero.

A factor such as 0.95 is taken for the decimal that it prints, as :func:`drg.money.to_fen` takes
amounts. Products are whole numbers of any length until they are rounded, so neither the size of
a fund nor a chain of coefficients moves a fen. Meant for hospitals, pools and months, not for
millions of cases.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.errors import DrgError, problem
from drg.money import Fen

Whole = npt.NDArray[np.object_]


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
    return held.astype(np.int64)


def decimals(factors: npt.ArrayLike) -> tuple[Whole, int]:
    """Factors as whole numerators over one denominator.

    Raises:
        DrgError: a factor is missing or infinite.
    """
    numbers = np.asarray(factors, np.float64)
    if not np.isfinite(numbers).all():
        raise DrgError("a factor of an amount of money is missing or infinite")
    distinct, places = np.unique(numbers, return_inverse=True)
    parts = [Fraction(repr(float(value))) for value in distinct]
    common = math.lcm(*(part.denominator for part in parts))
    numerators = np.array([int(part * common) for part in parts], object)
    return np.asarray(numerators[places.reshape(numbers.shape)], object), common


def rounded(numerator: Any, denominator: int, *, down: bool = False) -> Fen:
    """Whole numbers over a denominator as fen.

    Args:
        numerator: whole numbers of any length, shape (...).
        denominator: above 0.
        down: to the fen below, for a limit that may not be exceeded.

    Raises:
        DrgError: an amount is too large.
    """
    held = np.asarray(numerator, object)
    exact = held.reshape(-1)  # a single number would leave the array as a bare int
    if down:
        found = exact // denominator
    else:
        found = (2 * np.abs(exact) + denominator) // (2 * denominator)
        found = np.where(exact < 0, -found, found)
    try:
        return found.astype(np.int64).reshape(held.shape)
    except OverflowError:
        raise DrgError("an amount of money is too large to be exact") from None


def times(fen: npt.ArrayLike, *factors: npt.ArrayLike, per: int = 1, down: bool = False) -> Fen:
    """``fen x factor x factor ... / per``, rounded once.

    Args:
        fen: amounts, shape (...).
        *factors: of the same shape, or broadcast against it.
        per: whole divisor, such as the 3 months of a mean.
        down: round to the fen below.
    """
    exact: Any = np.asarray(fen).astype(object)
    denominator = per
    for factor in factors:
        numerators, common = decimals(factor)
        exact, denominator = exact * numerators, denominator * common
    return rounded(exact, denominator, down=down)


def blend(*terms: tuple[npt.ArrayLike, npt.ArrayLike]) -> Fen:
    """The sum of ``fen x factor`` over some pairs, rounded once."""
    exact: Any = 0
    denominator = 1
    for fen, factor in terms:
        numerators, common = decimals(factor)
        exact = exact * common + np.asarray(fen).astype(object) * numerators * denominator
        denominator *= common
    return rounded(exact, denominator)


def yuan(fen: int) -> str:
    """One amount for a message, such as ``-1,234.50``."""
    number = int(fen)
    return f"{'-' if number < 0 else ''}{abs(number) // 100:,}.{abs(number) % 100:02d}"


def warned(
    name: str,
    what: str,
    amounts: Fen,
    where: npt.NDArray[np.bool_],
    hospitals: tuple[str, ...],
    pools: tuple[str, ...],
) -> dict[str, str]:
    """Warnings ``name.hospital``, one line a hospital with its pools and their amounts.

    Args:
        name: of the warning.
        what: what a reader must know.
        amounts: in fen. Shape (H, P).
        where: the amounts meant. Shape (H, P).
        hospitals: ids.
        pools: names.
    """
    found: dict[str, str] = {}
    for h in np.flatnonzero(where.any(axis=1)):
        sums = ", ".join(
            f"{pools[p]} {yuan(amounts[h, p])}".strip() for p in np.flatnonzero(where[h])
        )
        found[f"{name}.{hospitals[h]}"] = f"hospital {hospitals[h]}: {what}: {sums} yuan"
    return found
