"""Stays of persons in time order (同一参保人的住院), and what depends on other cases of the year.

People's ids never leave this room: it holds 64-bit keys and gives back places and numbers.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import GROUPED, Claims
from budget.policy.select import pick
from budget.policy.special import Caseload, NewTechnology, Readmission, Review, Technology

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Fen = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int32]
Rows = npt.NDArray[np.intp]
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_MOST_YEARS = np.iinfo(np.int8).max


@dataclass(frozen=True)
class Stays:
    """The year's stays of each person, ordered by discharge, then admission, then row.

    A case of an unknown person, or not discharged in the settlement year, stands alone.

    Attributes:
        order: rows, person by person and in time order. Shape (N,).
        start: for each place of ``order`` the place at which its person begins. Shape (N,).
        number: 1 for a person's first stay of the year, 2.. for further ones, 0 for a case outside
            of the year. By row, shape (N,).
        previous: row of the person's stay before, -1 for none. By row, shape (N,).
        next: row of the person's stay after, -1 for none. By row, shape (N,).
        unknown: cases of the year whose person is unknown.
    """

    order: Rows
    start: Rows
    number: Places
    previous: Places
    next: Places
    unknown: int

    @classmethod
    def of(cls, claims: Claims) -> Stays:
        """Stays of cases read with ``persons=True``; without persons each case stands alone."""
        if claims.person is None or claims.day is None or claims.admission is None:
            return cls.alone(claims)
        inside = claims.month >= 0
        key = np.where(inside, claims.person, np.uint64(0))
        # Two days in one number: days are at least -1 and fit into 32 bits.
        moment = (claims.day.astype(np.int64) + 1 << 32) | (claims.admission.astype(np.int64) + 1)
        return cls._ordered(key, inside, np.lexsort((moment, key)))

    @classmethod
    def alone(cls, claims: Claims) -> Stays:
        """Every case a person of its own."""
        size = len(claims)
        return cls._ordered(np.zeros(size, np.uint64), claims.month >= 0, np.arange(size))

    @classmethod
    def _ordered(cls, key: npt.NDArray[np.uint64], inside: Bools, order: Rows) -> Stays:
        size = len(key)
        ordered = key[order]
        first = np.ones(size, np.bool_)
        first[1:] = (ordered[1:] != ordered[:-1]) | (ordered[1:] == 0)
        places = np.arange(size)
        start = np.maximum.accumulate(np.where(first, places, 0))
        number, previous, following = (np.full(size, -1, np.int32) for _ in range(3))
        number[order] = places - start + 1
        number[~inside] = 0
        again = ~first[1:]
        previous[order[1:][again]] = order[:-1][again]
        following[order[:-1][again]] = order[1:][again]
        unknown = int(np.count_nonzero(inside & (key == 0)))
        return cls(order, start, number, previous, following, unknown)

    def __len__(self) -> int:
        return len(self.order)

    def cumulated(self, amount: Fen) -> Fen:
        """Sum over the person's stays up to and with each one. Shape (N,), by row."""
        ordered = amount[self.order]
        running = np.cumsum(ordered)
        before = running[self.start] - ordered[self.start]
        found = np.empty_like(running)
        found[self.order] = running - before
        return found


def readmission_factor(
    claims: Claims,
    stays: Stays,
    rule: Readmission,
    groups: Sequence[str],
    adrgs: Sequence[str] | None = None,
) -> Floats:
    """Multipliers of the standard for readmission (再入院): the *previous* stay is cut.

    A stay is cut when the person is back in the same hospital, with the same group, at most
    ``rule.days`` days after its discharge. Stays with other groups in between change nothing, a
    stay is cut once, and a stay that begins before the other ends is not a readmission.

    Args:
        claims: the cases, with persons.
        stays: their order.
        rule: the policy's rule.
        groups: group codes by place.
        adrgs: their ADRGs; without them the first three characters of the code.

    Returns:
        ``rule.factor`` for stays that are cut, else 1. Shape (N,).
    """
    factor = np.ones(len(claims))
    if claims.day is None or claims.admission is None:
        return factor
    known = list(adrgs) if adrgs is not None else [code[:3] for code in groups]
    same = known if rule.same == "adrg" else list(groups)
    unit = np.unique(np.array(same, str), return_inverse=True)[1] if same else np.zeros(0, np.intp)
    counts = np.array([not code.startswith(rule.exempt_adrgs) for code in groups], np.bool_)
    place = np.flatnonzero(
        (stays.next[stays.order] >= 0) | (stays.previous[stays.order] >= 0)
    )  # of persons with several stays, in the order of time
    rows = stays.order[place]
    fit = (claims.group[rows] >= 0) & (claims.hospital[rows] >= 0)
    fit[fit] = counts[claims.group[rows[fit]]]
    place, rows = place[fit], rows[fit]
    what = claims.hospital[rows].astype(np.int64) * (len(groups) + 1) + unit[claims.group[rows]]
    by_kind = np.lexsort((what, stays.start[place]))  # stable: time decides what is left
    rows, what, person = rows[by_kind], what[by_kind], stays.start[place][by_kind]
    left, back = rows[:-1], rows[1:]
    gap = claims.admission[back] - claims.day[left]
    hit = (person[:-1] == person[1:]) & (what[:-1] == what[1:])
    hit &= (claims.admission[back] >= 0) & (gap >= 0) & (gap <= rule.days)
    factor[left[hit]] = rule.factor
    return factor


def caseload_factor(claims: Claims, groups: Sequence[str], rule: Caseload) -> Floats:
    """Multipliers of the standard for caseload caps (病例数控制).

    Cases that can be settled count, by day of discharge, then by row; by month where days were
    not read. A cap of a group that is not in ``groups`` has no case.

    Returns:
        ``rule.beyond`` for cases beyond the yearly number, else 1. Shape (N,).
    """
    caps = {cap.name: cap.cases for cap in rule.caps}
    cap = np.array([caps.get(code, -1) for code in groups] + [-1], np.int64)
    counted = (claims.month >= 0) & (claims.cost > 0) & (claims.hospital >= 0)
    counted &= (claims.insurance >= 0) & (cap[claims.group] >= 0)
    rows = np.flatnonzero(counted)
    unit = claims.group[rows].astype(np.int64)
    if rule.per == "hospital":
        unit += claims.hospital[rows].astype(np.int64) * len(groups)
    when = claims.month if claims.day is None else claims.day
    order = np.lexsort((when[rows], unit))
    rows = rows[order]
    factor = np.ones(len(claims))
    beyond = _rank(unit[order]) >= cap[claims.group[rows]]
    factor[rows[beyond]] = rule.beyond
    return factor


def _rank(unit: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Place of each entry inside its run of equal units, from 0."""
    places = np.arange(len(unit))
    first = np.ones(len(unit), np.bool_)
    first[1:] = unit[1:] != unit[:-1]
    return places - np.maximum.accumulate(np.where(first, places, 0))


def review_parts(rule: Review) -> int:
    """2 where the quota of special reviews goes by insurance, else 1."""
    return 2 if any(row.insurance for row in rule.quotas) else 1


def _discharges(claims: Claims, parts: int) -> tuple[Bools, Ints]:
    """DRG discharges, and of every case the place of its hospital (and insurance). Shapes (N,)."""
    drg = (claims.month >= 0) & (claims.cost > 0) & (claims.hospital >= 0)
    drg &= (claims.insurance >= 0) & (claims.kind == GROUPED)
    unit = claims.hospital.astype(np.int64) * parts
    return drg, unit + claims.insurance if parts == 2 else unit


def discharged(claims: Claims, rule: Review, hospitals: int) -> Ints:
    """DRG discharges of each hospital, or hospital and insurance, as the quota counts them."""
    parts = review_parts(rule)
    drg, unit = _discharges(claims, parts)
    return np.bincount(unit[drg], minlength=hospitals * parts)


def approved_reviews(
    claims: Claims,
    high: Bools,
    overrun: Floats,
    rule: Review,
    attributes: Mapping[str, npt.ArrayLike],
    hospitals: int,
    discharges: Ints | None = None,
) -> tuple[Bools, dict[str, int]]:
    """Special reviews (特病单议) inside the quota: those with the largest overrun, then by row.

    The quota is a share of the hospital's DRG discharges, rounded down; where a quota's row
    names an insurance, of those of each insurance.

    Args:
        claims: the cases, with the column ``special_review``.
        high: high outliers. Shape (N,).
        overrun: cost less standard in yuan. Shape (N,).
        rule: the policy's rule.
        attributes: selectors of hospital and insurance, each broadcasting to (H, 2).
        hospitals: number of hospitals, H.
        discharges: what :func:`discharged` finds of the whole year, where ``claims`` is a part.

    Returns:
        Approved cases, shape (N,), and hospital -> cases put forward beyond its quota, which are
        priced by the ordinary rules. Cases that may not be put forward are in neither.
    """
    approved = np.zeros(len(claims), np.bool_)
    marked = claims.flags.get("special_review")
    if marked is None:
        return approved, {}
    share = np.nan_to_num(np.broadcast_to(pick(rule.quotas, "share", **attributes), (hospitals, 2)))
    parts = review_parts(rule)
    drg, unit = _discharges(claims, parts)
    if discharges is None:
        discharges = np.bincount(unit[drg], minlength=hospitals * parts)
    # 0.29 * 100 is a hair below 29
    quota = np.floor(share[:, :parts].ravel() * discharges + 1e-9).astype(np.int64)
    rows = np.flatnonzero(marked & drg & (high if rule.eligible == "high_outliers" else True))
    rows = rows[np.lexsort((-overrun[rows], unit[rows]))]
    inside = _rank(unit[rows]) < quota[unit[rows]]
    approved[rows[inside]] = True
    beyond = np.bincount(claims.hospital[rows[~inside]], minlength=hospitals)
    ids = np.broadcast_to(attributes["hospital"], (hospitals, 2))[:, 0]
    return approved, {str(ids[i]): int(beyond[i]) for i in np.flatnonzero(beyond)}


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
