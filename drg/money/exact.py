"""Exact numbers (精确数) for millions of cases: floats that know the ratio they stand for.

A float says almost everywhere to which fen an amount rounds; only where it comes within its own
error of half a fen are the whole numbers behind it asked for, and those decide. So no float ever
decides half a fen, and a year is priced at the speed of floats. Whole numbers are int64 where
they fit, and of any length where they do not.

A float of a policy, a weight table or a file stands for the decimal that it prints: 0.95 is
95/100, and not the binary fraction a hair below it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from drg.errors import DrgError
from drg.language import say

Fen = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
# A whole number, or one for each row: int64, or Python's own of any length.
Whole: TypeAlias = Any
Ratio: TypeAlias = tuple[Whole, Whole]

_ROOM = 1 << 62
_ULP = 2.0**-53
_PRINTED = 10**15  # so many digits tell a decimal from every other one that a float holds
_PLACES = (2, 4, 9)


class Exact:
    """Numbers twice: as floats, and as ratios of whole numbers where these are asked for.

    Products and quotients are again exact numbers; a sum is a list of terms, which
    :func:`rounded` and :func:`sign` take.

    Attributes:
        value: the floats. Shape (...); of no dimension for one number that holds everywhere.
        steps: how many roundings the floats have gone through.
    """

    __slots__ = ("_of", "steps", "value")

    def __init__(self, value: npt.ArrayLike, of: Callable[[Places], Ratio], steps: int = 1) -> None:
        """Floats, and what gives the whole numbers of some places of the flattened array."""
        self.value, self._of, self.steps = np.asarray(value, np.float64), of, steps

    def __len__(self) -> int:
        return len(self.value)

    def ratio(self, rows: Places) -> Ratio:
        """Numerators and denominators above 0 at places of the flattened array."""
        return self._of(rows)

    def __getitem__(self, rows: Any) -> Exact:
        """The numbers of some rows; one number that holds everywhere stays what it is."""
        if not self.value.ndim:
            return self
        flat = self.value.ndim == 1 and getattr(rows, "dtype", None) == np.intp
        at = rows if flat else np.arange(self.value.size).reshape(self.value.shape)[rows]
        return Exact(self.value[rows], lambda some: self._of(at.reshape(-1)[some]), self.steps)

    def where(self, known: npt.NDArray[np.bool_]) -> Exact:
        """The numbers where a condition holds; elsewhere they are none."""
        return Exact(np.where(known, self.value, np.nan), self._of, self.steps)

    def __neg__(self) -> Exact:
        def of(rows: Places) -> Ratio:
            above, below = self._of(rows)
            return -above, below

        return Exact(-self.value, of, self.steps)

    def __mul__(self, other: Exact) -> Exact:
        one, two = _alike(self, other)

        def of(rows: Places) -> Ratio:
            (above, below), (up, down) = one.ratio(rows), two.ratio(rows)
            return _product(above, up), _product(below, down)

        return Exact(one.value * two.value, of, self.steps + other.steps + 1)

    def __truediv__(self, other: Exact) -> Exact:
        """A quotient; the divisor is above 0 wherever the quotient is asked for."""
        one, two = _alike(self, other)

        def of(rows: Places) -> Ratio:
            (above, below), (up, down) = one.ratio(rows), two.ratio(rows)
            return _product(above, down), _product(below, up)

        empty = np.full(np.broadcast_shapes(one.value.shape, two.value.shape), np.nan)
        value = np.divide(one.value, two.value, out=empty, where=two.value > 0)
        return Exact(value, of, self.steps + other.steps + 1)


def either(where: npt.NDArray[np.bool_], one: Exact, other: Exact) -> Exact:
    """One number where a condition holds, the other where it does not. Shape of the condition."""

    def of(rows: Places) -> Ratio:
        chosen = where.reshape(-1)[rows]
        parts = (one, rows[chosen], chosen), (other, rows[~chosen], ~chosen)
        found = np.empty(len(rows), object), np.empty(len(rows), object)
        for held, some, here in parts:
            for to, whole in zip(found, _spread(held, where.shape).ratio(some), strict=True):
                to[here] = whole
        return found

    steps = max(one.steps, other.steps)
    return Exact(np.where(where, one.value, other.value), of, steps)


def approximate(*terms: Exact) -> Floats:
    """A sum as floats, for what is shown and weighed but not paid."""
    return np.asarray(sum(term.value for term in terms))


def _alike(one: Exact, two: Exact) -> tuple[Exact, Exact]:
    """Both of one shape, unless one of them holds everywhere."""
    if not one.value.ndim or not two.value.ndim or one.value.shape == two.value.shape:
        return one, two
    shape = np.broadcast_shapes(one.value.shape, two.value.shape)
    return _spread(one, shape), _spread(two, shape)


def _spread(one: Exact, shape: tuple[int, ...]) -> Exact:
    if one.value.shape == shape or not one.value.ndim:
        return one
    at = np.broadcast_to(np.arange(one.value.size).reshape(one.value.shape), shape)

    def of(rows: Places) -> Ratio:
        return one.ratio(at[np.unravel_index(rows, shape)])

    return Exact(np.broadcast_to(one.value, shape), of, one.steps)


def ratio(above: npt.ArrayLike, below: npt.ArrayLike | int = 1) -> Exact:
    """Whole numbers over whole numbers above 0, such as fen over 100 for yuan.

    Args:
        above: int64. Shape (...).
        below: one for all, or of the same shape; places where it is 0 must not be asked for.
    """
    up, down = whole_numbers(above), whole_numbers(below)
    empty = np.full(np.broadcast_shapes(up.shape, down.shape), np.nan)
    value = np.divide(up, down, out=empty, where=down > 0)

    def part(held: npt.NDArray[Any], rows: Places) -> Whole:
        return held.reshape(-1)[rows] if held.ndim else int(held)

    return Exact(value, lambda rows: (part(up, rows), part(down, rows)), 3)


def whole_numbers(numbers: npt.ArrayLike) -> npt.NDArray[Any]:
    """Whole numbers of any kind as int64, or as they are where Python holds them.

    Raises:
        DrgError: they are not whole, or beyond 64 bits.
    """
    held = np.asarray(numbers)
    if held.dtype == np.int64 or held.dtype == object:
        return held
    if held.dtype.kind in "bi" or (
        held.dtype.kind == "u" and int(held.max(initial=0)) <= np.iinfo(np.int64).max
    ):
        return held.astype(np.int64)
    if held.dtype.kind == "f" and np.isfinite(held).all() and (np.rint(held) == held).all():
        return held.astype(np.int64)
    raise DrgError(say(
        f"金额不是整数分：实际为 {held.dtype.name}",
        f"an amount of money is not in whole fen: found {held.dtype.name}",
    ))  # fmt: skip


def doubles(values: npt.ArrayLike) -> Floats:
    """Floats of 64 bits that print what floats of fewer bits do."""
    held = np.asarray(values)
    if held.dtype.kind == "f" and held.dtype.itemsize < np.dtype(np.float64).itemsize:
        return held.astype(str).astype(np.float64)
    return np.asarray(held, np.float64)


def decimal(values: npt.ArrayLike | Fraction) -> Exact:
    """Floats as the decimals that they print; a fraction as itself."""
    if isinstance(values, Fraction):
        given = values
        return Exact(float(given), lambda _: (given.numerator, given.denominator))
    held = doubles(values)
    if not held.ndim:
        one = printed(float(held)) if np.isfinite(held) else Fraction(0)
        return Exact(held, lambda _: (one.numerator, one.denominator))
    return Exact(held, lambda rows: _decimals(held.reshape(-1)[rows]))


def printed(value: float) -> Fraction:
    """The decimal that a float prints."""
    return Fraction(repr(float(value)))


def _decimals(values: Floats) -> Ratio:
    """The decimals that floats print, over one denominator."""
    for places in _PLACES:
        unit = 10**places
        near = np.rint(values * unit)
        # A decimal of at most 15 digits is the one that its nearest float prints.
        if (np.abs(near) < _PRINTED).all() and np.array_equal(near / unit, values):
            return near.astype(np.int64), unit
    distinct, at = np.unique(values, return_inverse=True)
    parts = [printed(float(value)) for value in distinct]
    common = math.lcm(*(part.denominator for part in parts))
    above = np.array([part.numerator * (common // part.denominator) for part in parts], object)
    return above[at.reshape(-1)], common


def _largest(number: Whole) -> int:
    if isinstance(number, int):
        return abs(number)
    if number.dtype == object or not number.size:
        return _ROOM
    return max(int(number.max()), -int(number.min()))


def _product(one: Whole, two: Whole) -> Whole:
    if isinstance(one, int) and isinstance(two, int):
        return one * two
    if max(_largest(one), 1) * max(_largest(two), 1) < _ROOM:
        return one * two
    return _long(one) * _long(two)


def _long(number: Whole) -> Whole:
    return number if isinstance(number, int) else number.astype(object)


def _sum(one: Ratio, two: Ratio) -> Ratio:
    (above, below), (up, down) = one, two
    if isinstance(below, int) and isinstance(down, int):
        common = math.lcm(below, down)
        left, right = _product(above, common // below), _product(up, common // down)
    else:
        common = _product(below, down)
        left, right = _product(above, down), _product(up, below)
    if max(_largest(left), 1) + max(_largest(right), 1) < _ROOM:
        return left + right, common
    return _long(left) + _long(right), common


def _size(values: Floats) -> float:
    return max(float(values.max()), -float(values.min())) if values.size else 0.0


def _size_known(values: Floats) -> float:
    """As :func:`_size`, of those that are numbers; NaN where none is."""
    found = _size(values)
    return found if not np.isnan(found) else float(np.fmax.reduce(np.abs(values), axis=None))


def _total(
    terms: tuple[Exact, ...], size_of: Callable[[Floats], float] = _size
) -> tuple[Floats, float, Callable[[Places], Ratio]]:
    """The sum as floats, their largest error, and the exact sum at some places.

    The error is NaN where one of the floats is, unless ``size_of`` passes over it.
    """
    if len(terms) == 1:
        held, value = list(terms), terms[0].value
    else:
        shape = np.broadcast_shapes(*(term.value.shape for term in terms))
        held = [_spread(term, shape) for term in terms]
        value = np.asarray(sum((term.value for term in held[1:]), held[0].value))
    steps = max(term.steps for term in terms) + len(terms) + 3
    size = sum(size_of(term.value) for term in terms)

    def exact(rows: Places) -> Ratio:
        found = held[0].ratio(rows)
        for term in held[1:]:
            found = _sum(found, term.ratio(rows))
        above, below = found
        return np.broadcast_to(np.asarray(above), rows.shape), below

    return value, 2.0 * steps * _ULP * size + 1e-300, exact


def rounded(*terms: Exact, unit: int | Fraction = 1, down: bool = False) -> Fen:
    """A sum in whole units, halves away from zero (四舍五入); all terms are exact until then.

    Args:
        *terms: of one shape, or numbers that hold everywhere.
        unit: units of 1, such as the 100 fen of a yuan; above 0.
        down: to the unit below, for a limit that may not be exceeded.

    Raises:
        DrgError: an amount is missing, infinite or too large.
    """
    value, error, exact = _total(terms)
    if not np.isfinite(error):
        raise DrgError(say(
            "金额或其系数缺失或为无穷大",
            "an amount of money or a factor of it is missing or infinite",
        ))  # fmt: skip
    size = float(unit)
    scaled, error = value * size, error * size
    if error < 0.25:
        near = np.rint(scaled)
        off = np.abs(scaled - near)
        doubt = off <= error if down else off >= 0.5 - error
        fen = np.asarray(np.floor(scaled) if down else near).astype(np.int64)
        rows = np.flatnonzero(doubt)
    else:  # no float of this size tells one unit from the next
        fen, rows = np.zeros(value.shape, np.int64), np.arange(value.size)
    if rows.size:
        above, below = exact(rows)
        above = _product(above, unit.numerator * (1 if down else 2))
        below = _product(below, unit.denominator)
        try:
            np.put(fen, rows, _whole(above, below, down=down))
        except OverflowError:
            raise DrgError(say(
                "金额过大，无法精确计算", "an amount of money is too large to be exact",
            )) from None  # fmt: skip
    return fen


def _whole(above: Whole, below: Whole, *, down: bool) -> Fen:
    """Ratios as whole numbers: of twice the amount, halves away from zero; or the one below."""
    if _largest(above) + 2 * _largest(below) >= _ROOM:
        above, below = _long(above), _long(below)
    if down:
        return np.asarray(above // below).astype(np.int64)
    found = (abs(above) + below) // (2 * below)
    return np.asarray(np.where(above < 0, -found, found)).astype(np.int64)


def sign(*terms: Exact) -> npt.NDArray[np.int8]:
    """Whether a sum is below 0, 0 or above it: -1, 0, 1; 0 where it is not a number."""
    value, error, exact = _total(terms, _size_known)
    found = (value > 0).astype(np.int8) - (value < 0)
    rows = np.flatnonzero(np.abs(value) <= error)
    if rows.size:
        np.put(found, rows, np.sign(exact(rows)[0]).astype(np.int8))
    return found


def to_decimals(decimals: int, *terms: Exact) -> Floats:
    """A sum rounded to decimals, halves away from zero; NaN where it is not a number.

    The floats are those nearest to the decimals; one that is too large to have so many is left.
    """
    value, _, _ = _total(terms)
    known = np.abs(value) * 10.0**decimals < _PRINTED
    if known.all():
        return np.asarray(rounded(*terms, unit=10**decimals) / 10**decimals)
    parts = (_spread(term, value.shape)[known] for term in terms)
    found = np.array(value)
    found[known] = rounded(*parts, unit=10**decimals) / 10**decimals
    return found


def times(fen: npt.ArrayLike, *factors: npt.ArrayLike, per: int = 1, down: bool = False) -> Fen:
    """``fen x factor x factor ... / per``, rounded once.

    Args:
        fen: amounts, shape (...).
        *factors: decimals of the same shape, or broadcast against it.
        per: whole divisor, such as the 3 months of a mean.
        down: round to the fen below.

    Raises:
        DrgError: a factor is missing or infinite, or an amount is too large.
    """
    found = ratio(fen, per)
    for factor in factors:
        found = found * decimal(factor)
    return rounded(found, down=down)


def blend(*terms: tuple[npt.ArrayLike, npt.ArrayLike]) -> Fen:
    """The sum of ``fen x factor`` over some pairs, rounded once."""
    return rounded(*(ratio(fen) * decimal(factor) for fen, factor in terms))
