"""Out-of-area prepayment (异地就医预付金): multiples of the previous fourth quarter's mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from budget.fund.due_dates import WorkingDays
from budget.fund.tables import AREAS, OutOfAreaSpend
from budget.policy.pools import Holidays, OutOfArea
from drg.errors import problem
from drg.language import say
from drg.money import Fen, times

_QUARTER = (9, 10, 11)


@dataclass(frozen=True)
class Prepayment:
    """Money prepaid for care elsewhere.

    Attributes:
        quarter: spend of the previous fourth quarter by area, fen. Shape (2,).
        amount: prepaid by area, in the order of ``AREAS``, fen. Shape (2,).
        due: latest day on which it reaches the hospitals.
        warnings: name -> what a reader must know.
    """

    quarter: Fen
    amount: Fen
    due: dt.date
    warnings: dict[str, str]

    @property
    def total(self) -> int:
        """All areas together, in fen."""
        return int(self.amount.sum())


def prepayment(
    spend: OutOfAreaSpend,
    rule: OutOfArea,
    year: int,
    received: dt.date,
    holidays: Sequence[Holidays] = (),
) -> Prepayment:
    """``multiple x (October + November + December of the year before) / 3``, rounded once.

    Args:
        spend: by month and area.
        rule: the policy's multiples and clock.
        year: year for which is prepaid.
        received: day on which the money is received.
        holidays: public holidays that the policy gives (``cash.holidays``).

    Raises:
        DrgError: a month of the quarter is missing for an area that has others.
    """
    quarter = np.zeros(len(AREAS), np.int64)
    warnings = {}
    for area, name in enumerate(AREAS):
        found = {
            month: amount
            for month, where, amount in zip(spend.month, spend.area, spend.amount, strict=True)
            if where == area
        }
        wanted = [(year - 1) * 12 + month for month in _QUARTER]
        missing = [month for month in wanted if month not in found]
        if not found:
            warnings[f"no_spend.{name}"] = f"{name}: no spend is given, nothing is prepaid"
        elif missing:
            raise problem(say("缺少上年第四季度的月份",
                              "a month of the previous fourth quarter is missing"),
                          file=spend.file, key=name,
                          expected=f"{missing[0] // 12}-{missing[0] % 12 + 1:02d}")  # fmt: skip
        else:
            quarter[area] = sum(int(found[month]) for month in wanted)
    multiples = [rule.cross_province, rule.in_province]
    calendar = WorkingDays(holidays)
    due = calendar.after(received, rule.working_days)
    return Prepayment(
        quarter, times(quarter, multiples, per=3), due, warnings | calendar.warnings
    )  # fmt: skip
