"""New technology (新技术除外支付): its years, by item or with extra points."""

from __future__ import annotations

import calendar
import datetime

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.record import Record
from budget.policy.special import NewTechnology, Technology
from budget.price.state import State
from drg.money import Exact, decimal

_EPOCH = datetime.date(1970, 1, 1).toordinal()
_MOST_YEARS = np.iinfo(np.int8).max


def technology_year(claims: Claims, rule: NewTechnology, year: int) -> npt.NDArray[np.int8]:
    """Year of separate payment of each case's new technology (新技术): 1, 2.., 0 for none.

    A year runs from the day of the month on which payment began to the day before it; a case
    belongs to the one in which it is discharged. Where days were not read, the last day of the
    month of discharge stands in.

    Args:
        claims: the cases.
        rule: the policy's rule, its technologies in the order in which claims number them.
        year: settlement year.
    """
    found = np.zeros(len(claims), np.int8)
    ends = [_number(datetime.date(year, m, calendar.monthrange(year, m)[1])) for m in range(1, 13)]
    for place, one in enumerate(rule.technologies):
        rows = np.flatnonzero((claims.technology == place) & (claims.month >= 0))
        day = np.array(ends)[claims.month[rows]] if claims.day is None else claims.day[rows]
        found[rows] = np.searchsorted(_anniversaries(one), day, side="right")
    return found


def _anniversaries(one: Technology) -> list[int]:
    """First days of the years of separate payment; a year from 29 February begins on 1 March."""
    begin = one.valid_from
    leap = (begin.month, begin.day) == (2, 29)
    days = []
    for since in range(min(_MOST_YEARS, datetime.MAXYEAR - begin.year + 1)):
        year = begin.year + since
        moved = leap and not calendar.isleap(year)
        days.append(_number(datetime.date(year, 3, 1) if moved else begin.replace(year=year)))
    return days


def _number(day: datetime.date) -> int:
    return day.toordinal() - _EPOCH


def decide(state: State) -> None:
    """Cases with a listed technology within its years, or marked, are paid by item."""
    rule, since = state.special.new_technology, state.technology_year
    marked = state.claims.flags.get("new_technology")
    listed = rule is not None and rule.pay == "by_item"
    if marked is None and not listed:
        return
    which, years = marked, 0
    if rule is not None and listed and since is not None:
        years = rule.years
        within = (since > 0) & (since <= years)
        which = within if marked is None else within | marked
    rows = state.look("new_technology", which, since=since, years=years, marked=marked)
    state.pay(rows, "new_technology", (state.cost[rows],), "cost")


def extra_points(state: State) -> tuple[Exact, ...]:
    """Extra points of a new technology, in reference yuan: one term, or none."""
    rule = state.special.new_technology
    if rule is None or rule.pay != "extra_points" or state.technology_year is None:
        return ()
    points = np.array([one.extra_points or 0.0 for one in rule.technologies] + [0.0])
    shares = np.zeros(128)
    for step in rule.taper:
        shares[step.year] = step.share
    worth = decimal(points[state.claims.technology]) * decimal(shares[state.technology_year])
    return (worth / decimal(state.grid.points_per_yuan),)


def tell_extra(state: State, record: Record) -> None:
    """Leave in a record the extra points of its case's year, if it has any."""
    rule, since = state.special.new_technology, state.technology_year
    if rule is None or rule.pay != "extra_points" or since is None:
        return
    if 0 < since[0] <= len(rule.taper):
        one, place = rule.technologies[state.claims.technology[0]], int(since[0]) - 1
        key = "special.new_technology"
        record.pays(record.formula, f"{key}.technologies.{one.name}.extra_points",
                    f"{key}.taper[{place}].share",
                    extra=(one.extra_points, rule.taper[place].share))  # fmt: skip
