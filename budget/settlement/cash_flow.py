"""Monthly advance (月度预拨), quality money (质量保证金), and what remains for the year's end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.policy.pools import Cash
from budget.settlement.warned import warned
from drg.errors import problem
from drg.language import say
from drg.money import Fen, allocate, blend, times, whole

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


def monthly(payable: npt.ArrayLike, cash: Cash, last_year: npt.ArrayLike | None = None) -> Advances:
    """The advances of a year.

    A month whose payable is negative brings no advance and no quality money. Advance and
    quality money are rounded together, so with shares that sum to 1 nothing remains.

    Args:
        payable: by month, fen. Shape (H, P, 12).
        cash: the policy's cash flow.
        last_year: last year's fund spend, fen, for ``basis = "last_year_mean"``. Shape (H, P).

    Raises:
        DrgError: wrong shapes, or last year's spend is needed and missing.
    """
    due = whole(payable, "payable")
    if due.ndim != 3 or due.shape[-1] != MONTHS:
        raise problem(say("形状不符", "wrong shape"), key="payable", found=due.shape,
                      expected="(H, P, 12)")  # fmt: skip
    base = np.maximum(due, 0)
    if cash.basis == "payable":
        both = blend((base, cash.advance), (base, cash.quality_money))
        advance = times(base, cash.advance)
        held = both - advance
    else:
        if last_year is None:
            raise problem(say("上年支出未知", "last year's spend is not known"), key="cash.basis",
                          found=cash.basis,
                          expected=say("分医疗机构、基金池的上年支出，或 basis = 'payable'",
                                       "last year's spend by hospital and pool, or basis = "
                                       "'payable'"))  # fmt: skip
        spent = np.maximum(whole(last_year, "last_year", due.shape[:2]), 0)
        advance = allocate(times(spent, cash.advance), np.ones((*spent.shape, MONTHS)))
        held = times(base, cash.quality_money)
    return Advances(due, advance, held, due - advance - held)


def close_year(
    advances: Advances,
    final: npt.ArrayLike,
    coefficient: npt.ArrayLike,
    hospitals: tuple[str, ...],
    pools: tuple[str, ...],
) -> YearCash:
    """What is paid at the clearing.

    Args:
        advances: of the year.
        final: what the fund pays for the year, fen. Shape (H, P).
        coefficient: assessment coefficients. Shape (H,).
        hospitals: ids, for warnings.
        pools: names, for warnings.
    """
    prepaid = advances.prepaid
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
