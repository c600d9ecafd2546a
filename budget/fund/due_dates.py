"""Payment clock (拨付时限): when advances and the year's clearing are due.

Working days are Monday to Friday. There is no calendar of holidays: the State Council moves
holidays and make-up days every year, so a due date around them is to be checked by hand.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from dataclasses import dataclass

import numpy as np

from budget.policy.pools import Cash


@dataclass(frozen=True)
class Clock:
    """Due dates of a settlement year.

    Attributes:
        year: the year.
        advances: latest day on which each month's advance is paid. Length 12.
        clearing: day by which the year is cleared (清算).
    """

    year: int
    advances: tuple[dt.date, ...]
    clearing: dt.date


def working_days_after(day: dt.date, days: int) -> dt.date:
    """The working day that is some working days after a day.

    Args:
        day: the day itself does not count.
        days: how many; 0 is the day itself, or the Monday after a weekend.
    """
    roll = "backward" if days else "forward"
    found = np.busday_offset(np.datetime64(day, "D"), days, roll=roll)  # type: ignore[call-overload]
    return dt.date.fromisoformat(str(found))


def month_end(year: int, month: int) -> dt.date:
    """The last day of a month, 1 to 12."""
    return dt.date(year, month, monthrange(year, month)[1])


def clock(year: int, cash: Cash) -> Clock:
    """The due dates of a year.

    Each month's advance is due ``cash.working_days`` working days after the month's end, the
    clearing on ``cash.clearing_month``/``clearing_day`` of the next year; a day that the month
    does not have is its last.
    """
    ends = [month_end(year, month) for month in range(1, 13)]
    last = month_end(year + 1, cash.clearing_month)
    return Clock(
        year,
        tuple(working_days_after(end, cash.working_days) for end in ends),
        last.replace(day=min(cash.clearing_day, last.day)),
    )
