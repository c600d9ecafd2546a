"""Patients: sex, age, insurance, and which stays belong to one person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drg.sample.arrays import Bools, Floats, Ints
from drg.sample.groups import Groups
from drg.sample.profiles import Profiles
from drg.sample.recipes import FEMALE, MALE, Recipes

ADULT_FROM = 15
OLDEST = 99
NEWBORN_DAYS, YEAR_DAYS = 28, 365
# Share of adults insured as employees, below and from the age of 60 (assumption).
_EMPLOYEES, _RETIRED = 0.42, 0.36
_RETIRED_FROM = 60
EMPLOYEE, RESIDENT = 0, 1
_MEAN_WEIGHT, _WEIGHT_SPREAD = 3250.0, 420.0
_LEAST_WEIGHT, _MOST_WEIGHT = 700, 4900


@dataclass(frozen=True)
class People:
    """Who the patient of every case is.

    Attributes:
        sex: 1 male, 2 female.
        age: years.
        age_days: days when age is 0, else -1.
        birth_weight: grams for newborns, else -1.
        insurance: 0 employee, 1 resident.
    """

    sex: Ints
    age: Ints
    age_days: Ints
    birth_weight: Ints
    insurance: Ints


def employee_share(child_share: Floats) -> Floats:
    """Expected share of employees among the cases of a group."""
    return (1 - child_share) * (_EMPLOYEES + _RETIRED) / 2


def draw_people(
    rng: np.random.Generator, group: Ints, recipe: Ints, profiles: Profiles, recipes: Recipes
) -> People:
    """Draw the patient of every case as its group and recipe allow."""
    n = len(group)
    child = rng.random(n) < profiles.child_share[group]
    adult_age = profiles.age_mean[group] + profiles.age_sd[group] * rng.standard_normal(n)
    # Mothers are never old: the same draw is cut to the years of childbearing.
    oldest = np.where(profiles.mother[group], 47, OLDEST)
    age = np.clip(adult_age, np.where(profiles.mother[group], 17, ADULT_FROM), oldest)
    child_age = np.floor(ADULT_FROM * rng.beta(0.9, 1.7, n))
    child_age = np.where(recipes.infant_safe[recipe], child_age, np.maximum(child_age, 1))
    young = recipes.newborn[recipe] | recipes.infant[recipe]
    age = np.where(young, 0, np.where(child, child_age, age))
    years: Ints = age.astype(np.int64)
    employee = rng.random(n) < np.where(age >= _RETIRED_FROM, _RETIRED, _EMPLOYEES)
    return People(
        sex=_sexes(rng, group, recipe, profiles, recipes),
        age=years,
        age_days=_days(rng, years, recipes.newborn[recipe]),
        birth_weight=_weights(rng, recipe, recipes),
        insurance=np.where((age >= ADULT_FROM + 3) & employee, EMPLOYEE, RESIDENT),
    )


def _sexes(
    rng: np.random.Generator, group: Ints, recipe: Ints, profiles: Profiles, recipes: Recipes
) -> Ints:
    male = rng.random(len(group)) < profiles.male_share[group]
    male = np.where(recipes.male[recipe], male, False)
    male = np.where(recipes.female[recipe], male, True)
    return np.where(male, MALE, FEMALE)


def _days(rng: np.random.Generator, age: Ints, newborn: Bools) -> Ints:
    """Days of life: most sick newborns come in their first week."""
    early = np.minimum(rng.exponential(6.0, len(age)), NEWBORN_DAYS).astype(np.int64)
    later = rng.integers(NEWBORN_DAYS + 1, YEAR_DAYS, len(age))
    return np.where(age > 0, -1, np.where(newborn, early, later))


def _weights(rng: np.random.Generator, recipe: Ints, recipes: Recipes) -> Ints:
    """Birth weight of newborns, inside the band of the group where there is one."""
    low, high = recipes.weight_low[recipe], recipes.weight_high[recipe]
    drawn = _MEAN_WEIGHT + _WEIGHT_SPREAD * rng.standard_normal(len(recipe))
    bottom = np.maximum(low, np.where(high > 0, np.maximum(_LEAST_WEIGHT, high - 500), 0))
    inside = bottom + (high - bottom) * rng.beta(2.2, 1.2, len(recipe))
    premature = low + 900 * rng.beta(1.2, 3.0, len(recipe))
    grams = np.where(high > 0, inside, np.where(low > 0, premature, drawn))
    grams = np.clip(np.floor(grams / 10) * 10, np.maximum(low, _LEAST_WEIGHT), _MOST_WEIGHT)
    return np.where(recipes.newborn[recipe], grams.astype(np.int64), -1)


def link_stays(
    rng: np.random.Generator,
    group: Ints,
    hospital: Ints,
    people: People,
    groups: Groups,
    profiles: Profiles,
) -> Ints:
    """Number the patients, some of them with several stays.

    Cases of the same sex, age and insurance are put in a row, a course of treatment apart from
    the rest and patients of one hospital side by side; each case is followed by another of the
    same patient with its group's probability. So the stays of a patient always agree, and the
    number of stays is geometric. Children under one year and mothers come once.
    """
    n = len(group)
    _, adrg = np.unique(groups.adrgs, return_inverse=True)
    course = np.where(profiles.course[group], adrg[group] + 1, 0)
    key = ((course * 2 + people.sex - 1) * 128 + people.age) * 2 + people.insurance
    order = np.lexsort((rng.random(n), hospital, key))
    same = np.r_[False, key[order][1:] == key[order][:-1]]
    follows = rng.random(n) < np.r_[0.0, profiles.repeat[group[order]][:-1]]
    alone = (people.age[order] == 0) | profiles.mother[group[order]]
    alone |= np.r_[False, alone[:-1]]
    starts = ~(same & follows) | alone
    person = np.empty(n, dtype=np.int64)
    person[order] = np.cumsum(starts) - 1
    return rng.permutation(n)[person]
