"""Length of stay, and the days of the year on which patients come and go."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from drg.sample.arrays import Bools, Floats, Ints

LONGEST = 180
_SPREAD = 0.42
_COST_LINK = 0.6
_SAME_DAY = 0.25
# Admissions by weekday, Monday first (assumption: few planned admissions at weekends).
_WEEKDAY = np.array([1.25, 1.12, 1.08, 1.05, 0.98, 0.80, 0.72])
_FESTIVAL_DIP, _FESTIVAL_BEFORE, _FESTIVAL_AFTER = 0.55, 4, 7
_WAVES = np.array([-0.15, -0.08, 0.0, 0.1, 0.2, 0.3, 0.4])
_PEAK_DAY = 15
# A patient's stays may fill this many days of the year; more belong to different patients.
_FULLEST = 300

# First day of the lunar year (month, day), which moves; other years take 5 February.
_SPRING_FESTIVAL = {
    2018: (2, 16),
    2019: (2, 5),
    2020: (1, 25),
    2021: (2, 12),
    2022: (2, 1),
    2023: (1, 22),
    2024: (2, 10),
    2025: (1, 29),
    2026: (2, 17),
    2027: (2, 6),
    2028: (1, 26),
    2029: (2, 13),
    2030: (2, 3),
}


@dataclass(frozen=True)
class Calendar:
    """A year's law of admissions.

    Attributes:
        start: 1 January.
        days: 365 or 366.
        cumulative: running shares of the days, one row for each wave.
    """

    start: dt.date
    days: int
    cumulative: Floats

    def day(self, chance: Floats, winter: Floats) -> Floats:
        """The day of the year at a quantile of the law with the nearest yearly wave."""
        row = np.abs(winter[:, None] - _WAVES[None, :]).argmin(axis=1)
        flat = (self.cumulative + np.arange(len(_WAVES))[:, None]).ravel()
        found = np.searchsorted(flat, row + chance * (1 - 1e-12), side="right")
        result: Floats = (found - row * self.days).astype(np.float64)
        return result


def make_calendar(year: int) -> Calendar:
    """The law of admissions of a year: weekly, yearly, and the Spring Festival."""
    start = dt.date(year, 1, 1)
    days = (dt.date(year + 1, 1, 1) - start).days
    day = np.arange(days)
    weekly = _WEEKDAY[(day + start.weekday()) % 7]
    festival = (dt.date(year, *_SPRING_FESTIVAL.get(year, (2, 5))) - start).days
    away = (day >= festival - _FESTIVAL_BEFORE) & (day < festival + _FESTIVAL_AFTER)
    usual = weekly * np.where(away, _FESTIVAL_DIP, 1.0)
    wave = 1 + _WAVES[:, None] * np.cos(2 * np.pi * (day - _PEAK_DAY) / days)[None, :]
    shares = usual * wave
    return Calendar(start, days, np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1))


def draw_length(rng: np.random.Generator, mean: Floats, cost: Floats) -> Ints:
    """Length of stay in days: log-normal about its mean, moving with cost.

    Args:
        rng: source of chance.
        mean: expected stay of each case in days.
        cost: standard score of the log of cost.
    """
    own = rng.standard_normal(len(mean))
    score = _COST_LINK * np.clip(cost, -3, 3) + np.sqrt(1 - _COST_LINK**2) * own
    days = mean * np.exp(_SPREAD * score - _SPREAD**2 / 2)
    result: Ints = np.clip(np.round(days), 1, LONGEST).astype(np.int64)
    return result


def place_stays(
    rng: np.random.Generator,
    person: Ints,
    length: Ints,
    winter: Floats,
    course: Bools,
    calendar: Calendar,
) -> tuple[Ints, Ints, Ints]:
    """Put every stay on the calendar so that the stays of a patient never touch.

    The stays of a patient take turns: the free days of the year are shared out before, between and
    after them by sorted draws, for a course of treatment at even distances.

    Returns:
        Patient numbers (some patients divided because their stays would not fit into the year),
        admission and discharge as days of the year from 0.
    """
    n = len(person)
    person = _divide_overfull(person, length)
    chance = rng.random(n)
    order = np.lexsort((chance, person))
    first, place, size = _runs(person[order])
    even = (place + chance[order]) / size
    quantile = np.where(course[order] & (size > 1), even, chance[order])
    days = calendar.day(quantile, winter[order])
    total = np.add.reduceat(length[order] + 1, first) if n else np.zeros(0, dtype=np.int64)
    room = calendar.days - np.repeat(total, _counts(first, n))
    before = np.cumsum(length[order] + 1) - (length[order] + 1)
    before -= np.repeat(before[first], _counts(first, n)) if n else 0
    single = size == 1
    offset = np.where(single, days % np.maximum(room, 1), np.floor(days / calendar.days * room))
    # Waves differ between the stays of a patient, so the order is restored after the draw.
    offset = _rising(offset, first, n)
    admission = np.empty(n, dtype=np.int64)
    admission[order] = (offset + before).astype(np.int64)
    same_day = (length == 1) & (rng.random(n) < _SAME_DAY)
    return person, admission, admission + np.where(same_day, 0, length)


def stays_of_person(person: Ints) -> Ints:
    """How many stays the patient of every case has."""
    _, inverse, counts = np.unique(person, return_inverse=True, return_counts=True)
    result: Ints = counts[inverse]
    return result


def _divide_overfull(person: Ints, length: Ints) -> Ints:
    """Give every stay its own patient where a patient's stays would fill the year."""
    filled = np.bincount(person, weights=length + 1)
    over = filled[person] > _FULLEST
    fresh = len(filled) + np.arange(len(person))
    return np.unique(np.where(over, fresh, person), return_inverse=True)[1]


def _runs(values: Ints) -> tuple[Ints, Ints, Ints]:
    """Of sorted values: where each run starts, the place in its run, the length of its run."""
    first = np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if len(values) else values
    counts = _counts(first, len(values))
    return first, np.arange(len(values)) - np.repeat(first, counts), np.repeat(counts, counts)


def _counts(first: Ints, n: int) -> Ints:
    result: Ints = np.diff(np.r_[first, n])
    return result


def _rising(offset: Floats, first: Ints, n: int) -> Floats:
    """Sort the offsets within each run."""
    run = np.repeat(np.arange(len(first)), _counts(first, n))
    return offset[np.lexsort((offset, run))]
