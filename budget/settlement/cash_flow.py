"""Monthly advance (月度预拨), quality money (质量保证金), and what remains for the year's end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from budget.policy.pools import Cash
from budget.settlement.warned import warned
from drg.errors import problem
from drg.language import say
from drg.money import Fen, allocate, blend, times, whole

if TYPE_CHECKING:
    import pandas as pd

MONTHS = 12


@dataclass(frozen=True)
class Advances:
    """A year's advances in fen; ``advance + held + remainder = payable`` in every month.

    Attributes:
        payable: what the month's cases are worth to the hospital. Shape (H, P, 12).
        advance: paid for the month (预拨).
        held: quality money held back (质量保证金).
        remainder: neither paid nor held; negative where the advance is above the payable.
    """

    payable: Fen
    advance: Fen
    held: Fen
    remainder: Fen

    @property
    def prepaid(self) -> Fen:
        """Sum of the year's advances. Shape (H, P)."""
        return np.asarray(self.advance.sum(axis=-1))


@dataclass(frozen=True)
class Through:
    """What was paid through a year that its book kept month by month (年内拨付).

    Attributes:
        advances: of its months; deductions that were taken are taken off what was advanced.
        lent: advance money (预付金) by month, recovered at the clearing, fen. Shape (H, P, 12).
        opening: the pools' balance before January (期初余额), fen; None for unknown. Shape (P,).
        months: makes the book's months a table, of the settlement; it is written in place of
            that of the months of discharge.
    """

    advances: Advances
    lent: Fen
    opening: Fen | None
    months: Callable[[Any], pd.DataFrame]


@dataclass(frozen=True)
class YearCash:
    """The year in cash, in fen; ``prepaid + year_end = final``. Shapes (H, P).

    Attributes:
        final: what the fund pays for the year.
        prepaid: sum of the advances.
        year_end: paid at the clearing; negative where the hospital returns money.
        quality_held: quality money held through the year.
        quality_released: the part of ``year_end`` that is quality money.
        balance: the rest of ``year_end``.
        warnings: ``name.hospital`` -> what a reader must know.
    """

    final: Fen
    prepaid: Fen
    year_end: Fen
    quality_held: Fen
    quality_released: Fen
    balance: Fen
    warnings: dict[str, str]


def monthly(
    payable: npt.ArrayLike,
    cash: Cash,
    last_year: npt.ArrayLike | None = None,
    *,
    amounts: npt.ArrayLike | None = None,
    elapsed: int = MONTHS,
    by_money: npt.ArrayLike = False,
) -> Advances:
    """The advances of a year.

    A month whose payable is negative brings no advance and no quality money. Advance and
    quality money are rounded together, so with shares that sum to 1 nothing remains. Of a year
    that is not over only the months elapsed are advanced; a pool that shares its whole money out
    over few months brings the part of them that these months are of the year.

    Args:
        payable: by month, fen. Shape (H, P, 12).
        cash: the policy's cash flow.
        last_year: last year's fund spend, fen, for ``basis = "last_year_mean"``. Shape (H, P).
        amounts: money of the pools, fen, for ``basis = "elapsed"``. Shape (P,).
        elapsed: months elapsed, 12 for a whole year.
        by_money: whether a pool's money decides what its points are worth. Shape (P,).

    Raises:
        DrgError: wrong shapes, or last year's spend is needed and missing.
    """
    due = whole(payable, "payable")
    if due.ndim != 3 or due.shape[-1] != MONTHS:
        raise problem(say("形状不符", "wrong shape"), key="payable", found=due.shape,
                      expected="(H, P, 12)")  # fmt: skip
    base = np.maximum(due, 0)
    if elapsed < MONTHS:
        early = np.broadcast_to(np.asarray(by_money, np.bool_), due.shape[1:2])
        base = np.where(early[None, :, None], times(base, elapsed, per=MONTHS), base)
    if cash.basis != "payable":
        owed = np.cumsum(base, axis=2)
        so_far = [advanced(owed[:, :, m], min(m + 1, elapsed), cash, last_year=last_year,
                           amounts=amounts) for m in range(MONTHS)]  # fmt: skip
        reached = np.maximum.accumulate(np.stack(so_far, axis=2), axis=2)
        advance = np.diff(reached, axis=2, prepend=0)
    else:
        advance = times(base, cash.advance)
    if cash.basis == "last_year_mean":
        held = times(base, cash.quality_money)
    elif cash.basis == "payable":
        held = blend((base, cash.advance), (base, cash.quality_money)) - advance
    else:
        held = np.minimum(times(base, cash.quality_money), np.maximum(base - advance, 0))
    return Advances(due, advance, held, due - advance - held)


def advanced(
    owed: Fen, elapsed: int, cash: Cash, *, last_year: npt.ArrayLike | None = None,
    amounts: npt.ArrayLike | None = None,
) -> Fen:  # fmt: skip
    """What is advanced altogether by the end of a month.

    Args:
        owed: payable of all months so far, fen. Shape (H, P).
        elapsed: months elapsed, 1 to 12.
        cash: the policy's cash flow.
        last_year: last year's fund spend, fen, for ``basis = "last_year_mean"``. Shape (H, P).
        amounts: money of the pools, fen, for ``basis = "elapsed"``. Shape (P,).

    Returns:
        Fen. Shape (H, P).

    Raises:
        DrgError: last year's spend is needed and missing.
    """
    base = np.maximum(owed, 0)
    if cash.basis == "last_year_mean":
        if last_year is None:
            raise problem(say("上年支出未知", "last year's spend is not known"), key="cash.basis",
                          found=cash.basis,
                          expected=say("分医疗机构、基金池的上年支出，或 basis = 'payable'",
                                       "last year's spend by hospital and pool, or basis = "
                                       "'payable'"))  # fmt: skip
        spent = np.maximum(whole(last_year, "last_year", owed.shape), 0)
        parts = allocate(times(spent, cash.advance), np.ones((*spent.shape, MONTHS)))
        return np.asarray(parts[:, :, :elapsed].sum(axis=2))
    if cash.basis == "elapsed":
        limit = times(whole(np.asarray(amounts), "amounts", base.shape[1:]), elapsed, per=MONTHS)
        over = np.maximum(base.sum(axis=0) - limit, 0)
        for place in np.flatnonzero(over):
            base[:, place] -= allocate(int(over[place]), base[:, place])
    return times(base, cash.advance)


def close_year(
    advances: Advances,
    final: npt.ArrayLike,
    coefficient: npt.ArrayLike,
    hospitals: tuple[str, ...],
    pools: tuple[str, ...],
    lent: npt.ArrayLike = 0,
) -> YearCash:
    """What is paid at the clearing.

    Args:
        advances: of the year.
        final: what the fund pays for the year, fen. Shape (H, P).
        coefficient: assessment coefficients. Shape (H,).
        hospitals: ids, for warnings.
        pools: names, for warnings.
        lent: advance money, which comes back with the clearing, fen. Shape (H, P).
    """
    prepaid = advances.prepaid + np.asarray(lent, np.int64)
    paid = whole(final, "final", prepaid.shape)
    held = np.asarray(advances.held.sum(axis=-1))
    released = times(held, np.asarray(coefficient, np.float64)[:, None])
    year_end = paid - prepaid
    nothing = (prepaid == 0) & (advances.payable.sum(axis=-1) > 0)
    warnings = {
        **warned("returns", "was advanced more than the year is worth and returns", -year_end,
                 year_end < 0, hospitals, pools),
        **warned("no_advance", "had no advance, all is paid at the clearing", paid, nothing,
                 hospitals, pools),
    }  # fmt: skip
    return YearCash(paid, prepaid, year_end, held, released, year_end - released, warnings)
