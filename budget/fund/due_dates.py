"""Payment clock (拨付时限): when advances and the year's clearing are due.

Working days know China's public holidays: those that the policy gives for a year
(``cash.holidays``), else those of the calendar that is installed with the program, which has the
State Council's notices of the years that were announced when it was made. In a year that neither
knows, working days are Monday to Friday, and a warning says so.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import chinese_calendar

from budget.policy.pools import Cash, Holidays

_SATURDAY = 5
_DAY = dt.timedelta(days=1)


@cache
def _announced(day: dt.date) -> bool | None:
    """Whether the installed calendar has people work on a day; None in a year not known to it."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None


class WorkingDays:
    """Working days (工作日) of China.

    Attributes:
        warnings: ``holidays_unknown.year`` -> what a reader must know, of the years asked for.
    """

    def __init__(self, holidays: Sequence[Holidays] = ()) -> None:
        """Take what a policy says of the public holidays of some years."""
        self._given = {int(one.name): (set(one.rest), set(one.work)) for one in holidays}
        self.warnings: dict[str, str] = {}

    def works(self, day: dt.date) -> bool:
        """Whether people work on a day."""
        if day.year in self._given:
            rest, work = self._given[day.year]
            return day in work or (day.weekday() < _SATURDAY and day not in rest)
        announced = _announced(day)
        if announced is not None:
            return announced
        self.warnings[f"holidays_unknown.{day.year}"] = (
            f"the public holidays of {day.year} are not known, so working days are Monday to "
            f"Friday: give them as cash.holidays.{day.year} of the policy"
        )
        return day.weekday() < _SATURDAY

    def after(self, day: dt.date, days: int) -> dt.date:
        """The working day that is some working days after a day.

        Args:
            day: the day itself does not count.
            days: how many; 0 is the day itself, or the next working day where it is none.
        """
        while days > 0:
            day += _DAY
            days -= self.works(day)
        while not self.works(day):
            day += _DAY
        return day


@dataclass(frozen=True)
class Clock:
    """Due dates of a settlement year.

    Attributes:
        year: the year.
        advances: latest day on which each month's advance is paid. Length 12.
        clearing: day by which the year is cleared (清算).
        warnings: name -> what a reader must know.
    """

    year: int
    advances: tuple[dt.date, ...]
    clearing: dt.date
    warnings: dict[str, str] = field(default_factory=dict)


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
    calendar = WorkingDays(cash.holidays)
    due = tuple(calendar.after(end, cash.working_days) for end in ends)
    clearing = last.replace(day=min(cash.clearing_day, last.day))
    return Clock(year, due, clearing, calendar.warnings)
