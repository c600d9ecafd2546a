"""Worth of cases before the year is cleared (月度应付): points at a provisional point value.

Under points a case keeps the value of the month in which it was settled; a case that is corrected
later is settled anew in that later month. Rates and given point values need no provisional one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from budget.pools.point_value import bounds_of
from budget.pools.sharing import UNIT, point_value, worth_of
from budget.settlement.settled import Settlement, Sums, add_up
from drg.errors import problem
from drg.language import say
from drg.money import Fen, times, to_fen

Bools = npt.NDArray[np.bool_]
_DECIMALS = 4  # of a provisional point value, rounded down


@dataclass(frozen=True)
class Month:
    """A year's cases so far, as one of its months is closed.

    Attributes:
        number: the month, 1 to 12.
        settled: the cases so far, settled as if the year were over.
        settles: the month in which each case is settled as it stands, 1 to 12. Shape (N,).
    """

    number: int
    settled: Settlement
    settles: npt.NDArray[np.int8]


def provisional_value(
    month: Month, place: int, shared: Bools, last_value: float | None
) -> float | None:
    """The point value of a month in one pool, in yuan per point; None where nothing asks for it.

    ``rolling``: (pool's money x months elapsed / 12 + patients + other payers) / points, of all
    cases so far; ``month``: the same of the month's cases and a twelfth of the money;
    ``last_year``: the value given. Floor and ceiling hold it; it is rounded down to four decimals.

    Args:
        month: the month.
        place: of the pool.
        shared: the pool's cases whose points its money values. Shape (N,).
        last_value: last year's value.

    Raises:
        DrgError: last year's value is asked for and not known.
    """
    done = month.settled
    rule, pool = done.policy.cash.provisional, done.policy.pools[place]
    basis = "rolling" if rule is None else rule.basis
    mine = shared & (month.settles == month.number) if basis == "month" else shared
    if not shared.any() or not done.paid.points[mine].any():
        return None
    if basis == "last_year":
        if last_value is None:
            raise problem(say("上年点值未知", "last year's point value is not known"),
                          key=f"last_year.{pool.name}.point_value",
                          expected=say("上年支出表中的 point_value 列",
                                       "a column point_value in the table of last year's "
                                       "spend"))  # fmt: skip
        value = Fraction(str(last_value))
    else:
        months = 1 if basis == "month" else month.number
        money = int(times(np.int64(done.money[place].amount), months, per=12))
        fixed = done.paid.inside & (done.paid.pool == place) & ~shared
        if basis == "month":
            fixed &= month.settles == month.number
        money -= int(done.paid.fund[fixed].sum())
        beside = (done.patient + done.other)[mine]
        floor = int(to_fen(done.policy.benefit.fund_floor))
        fen = point_value(done.paid.points[mine], beside, money, floor)
        value = max(fen, Fraction(0)) * UNIT / 100
    low, high = bounds_of(done.grid, done.claims, shared, pool.name)
    if rule is not None:
        low = rule.floor if rule.floor is not None else low
        high = rule.ceiling if rule.ceiling is not None else high
    if low is not None:
        value = max(value, Fraction(str(low)))
    if high is not None:
        value = min(value, Fraction(str(high)))
    return float(Fraction(int(value * 10**_DECIMALS), 10**_DECIMALS))


def worth(month: Month, values: npt.NDArray[np.float64]) -> Fen:
    """Fund money of each case so far, in fen. Shape (N,).

    Args:
        month: the month.
        values: point values in yuan by month and pool, NaN where none was needed. Shape (12, P).
    """
    done = month.settled
    fund = done.paid.fund.copy()
    floor = int(to_fen(done.policy.benefit.fund_floor))
    for place, shared in enumerate(month.settled.shared):
        own = values[month.settles[shared] - 1, place]
        beside = (done.patient + done.other)[shared]
        fund[shared] = np.maximum(worth_of(done.paid.points[shared], own) - beside, floor)
    return fund


def so_far(month: Month, fund: Fen) -> Sums:
    """Sums by hospital and pool of all cases so far, at this fund money; in fen. Shapes (H, P)."""
    done = month.settled
    rows = np.flatnonzero(done.paid.pool >= 0)
    pools = len(done.policy.pools)
    shape = len(done.hospitals), pools
    cell = done.claims.hospital[rows].astype(np.int64) * pools + done.paid.pool[rows]
    sums = np.zeros((len(fields(Sums)), shape[0] * shape[1]), np.int64)
    parts = done.claims.cost, done.patient, done.other, fund
    each = [part[rows] for part in (*parts, done.claims.cost - done.patient - done.other)]
    add_up(sums, cell, (None, *each))
    return Sums(*(part.reshape(shape) for part in sums))
