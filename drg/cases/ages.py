"""Ages (年龄) as files write them: years, months by the front page's rule, days, birth dates.

The front page writes the age of a child below one year in months with a fraction: ``15/30`` is 15
days and ``2 15/30`` two months and 15 days (住院病案首页填写说明). A month counts 30 days here.
"""

from __future__ import annotations

import math
import re

import numpy as np

from drg.cases.values import Floats, number_of

MONTH = 30  # days, as in the fraction of the front page
_MOST_MONTHS = 12
_FRACTION = re.compile(r"(?:([0-9]{1,2})(?:[\s+]+|个?月\s*|又))?([0-9]{1,2})/(30|31)(?:个?月)?")
_PARTS = re.compile(
    r"(?:([0-9]{1,3})(?:周岁|岁|y)(?:零|又)?)?(?:([0-9]{1,2})个?月(?:零|又)?)?"
    r"(?:([0-9]{1,3})(?:天|日|d))?"
)


def days_of(text: str, unit: str = "days") -> float | None:
    """Days of an age below one year.

    Args:
        text: the cell in plain form.
        unit: of a number alone: ``days`` or ``months``.
    """
    if found := _FRACTION.fullmatch(text):
        months, part = int(found[1] or 0), int(found[2])
        return float(months * MONTH + part) if months < _MOST_MONTHS and part <= 31 else None
    plain = re.sub(r"\s+", "", text)
    if (found := _PARTS.fullmatch(plain)) and any(found.groups()):
        years, months, days = (int(part or 0) for part in found.groups())
        return None if years else float(months * MONTH + days)
    value = number_of(plain)
    if value is None or value < 0:
        return None
    if unit == "months":
        return math.floor(value * MONTH + 1e-9) if value <= _MOST_MONTHS else None
    return value


def age_of(text: str) -> tuple[float, float] | None:
    """Completed years and, below one year, days (NaN where the cell does not say them)."""
    plain = re.sub(r"\s+", "", text)
    if (found := _PARTS.fullmatch(plain)) and any(found.groups()):
        years, months, days = (int(part or 0) for part in found.groups())
        if years or (found[2] is None and found[3] is None):
            return float(years), math.nan
        held = float(months * MONTH + days)
        return (float(held // 365), math.nan) if held >= 365 else (0.0, held)
    if found := _FRACTION.fullmatch(text):
        held_days = days_of(text)
        return None if held_days is None else (0.0, held_days)
    value = number_of(plain.removesuffix("周岁").removesuffix("岁").removesuffix("y"))
    return None if value is None else (float(math.floor(value)), math.nan)


def between(born: Floats, admitted: Floats) -> tuple[Floats, Floats]:
    """Completed years and, below one year, days from birth to admission. Shapes (N,).

    Days since 1970-01-01 go in; NaN where either is unknown or birth comes later.
    """
    days = admitted - born
    known = days >= 0
    birth = np.where(known, born, 0).astype("datetime64[D]")
    day = np.where(known, admitted, 0).astype("datetime64[D]")
    years = day.astype("datetime64[Y]").astype(int) - birth.astype("datetime64[Y]").astype(int)
    in_year = (day.astype("datetime64[M]").astype(int) % 12) * 32 + (
        day - day.astype("datetime64[M]")
    ).astype(int)
    born_in_year = (birth.astype("datetime64[M]").astype(int) % 12) * 32 + (
        birth - birth.astype("datetime64[M]")
    ).astype(int)
    whole = np.where(known, (years - (in_year < born_in_year)).astype(np.float64), np.nan)
    return whole, np.where(whole == 0, days, np.nan)
