"""Who has which disease, and when: department, age, sex, season and return by group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from drg.sample.arrays import Bools, Floats, Texts
from drg.sample.groups import load_groups, read_data


@dataclass(frozen=True)
class Profiles:
    """One entry a group, in the order of :func:`drg.sample.groups.load_groups`.

    Attributes:
        department: discharging department in Chinese.
        child_share: share of patients under 15.
        age_mean: mean age of the adults in years.
        age_sd: its standard deviation.
        male_share: share of men where the group takes both sexes.
        winter: amplitude of the yearly wave, positive with its peak in January.
        repeat: probability that a case is followed by another of the same patient.
        course: whether the treatment is a course of planned stays (chemotherapy and the like).
        newborn: whether the category is that of newborns.
        mother: whether the category is that of childbirth.
    """

    department: Texts
    child_share: Floats
    age_mean: Floats
    age_sd: Floats
    male_share: Floats
    winter: Floats
    repeat: Floats
    course: Bools
    newborn: Bools
    mother: Bools


COURSE_FROM = 0.6


@lru_cache(maxsize=1)
def load_profiles() -> Profiles:
    """Read the profile table; a group takes its ADRG's row, else its category's."""
    table = {row["key"]: row for row in read_data("profiles.csv")}
    adrgs = load_groups().adrgs
    rows = [table.get(adrg, table[adrg[0]]) for adrg in adrgs]

    def numbers(name: str) -> Floats:
        return np.array([float(row[name]) for row in rows])

    letters = np.array([adrg[0] for adrg in adrgs])
    repeat = numbers("repeat")
    return Profiles(
        department=np.array([row["department"] for row in rows], dtype=object),
        child_share=numbers("child_share"),
        age_mean=numbers("age_mean"),
        age_sd=numbers("age_sd"),
        male_share=numbers("male_share"),
        winter=numbers("winter"),
        repeat=repeat,
        course=repeat >= COURSE_FROM,
        newborn=letters == "P",
        mother=letters == "O",
    )
