"""Making one block of cases: from the drawn group to the finished rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drg.sample.arrays import Ints, Texts, join_codes
from drg.sample.batch import Batch
from drg.sample.comorbidity import (
    draw_secondary,
    harmless_procedures,
    load_catalogue,
    stage_of_life,
)
from drg.sample.cost import Prices, draw_noise, expected_cost, make_prices
from drg.sample.flaws import plant_flaws
from drg.sample.groups import Groups, load_groups
from drg.sample.hospitals import Hospitals, make_hospitals
from drg.sample.mix import Mix, make_mix
from drg.sample.options import Options
from drg.sample.people import draw_people, link_stays
from drg.sample.plant import (
    medical_alone,
    plant_bunching,
    plant_low_standard,
    plant_overlaps,
    plant_splits,
)
from drg.sample.profiles import Profiles, load_profiles
from drg.sample.recipes import Recipes, load_recipes
from drg.sample.stays import Calendar, draw_length, make_calendar, place_stays
from drg.sample.upcoding import plant_upcoding

_FIRST_YEAR = 2025
# How often a medical case, and another, has an examination recorded as a procedure.
_EXAMINED = np.array([0.45, 0.25, 0.25])
# Age moves the odds of a complication: child, adult, elder (assumption).
_CODES_FALL = 0.7
_ELDER_STAY = 1.08


@dataclass(frozen=True)
class World:
    """Everything about a region that is the same for all its blocks."""

    options: Options
    groups: Groups
    profiles: Profiles
    recipes: Recipes
    hospitals: Hospitals
    mix: Mix
    prices: Prices
    calendar: Calendar


def make_world(options: Options) -> World:
    """Draw the hospitals and fix all laws of a region."""
    groups, profiles, recipes = load_groups(), load_profiles(), load_recipes()
    rng = np.random.default_rng(np.random.SeedSequence([options.seed, 0]))
    hospitals = make_hospitals(options.hospitals, rng)
    mix = make_mix(groups, hospitals)
    prices = make_prices(groups, profiles, hospitals, mix, options)
    calendar = make_calendar(options.year)
    return World(options, groups, profiles, recipes, hospitals, mix, prices, calendar)


def make_block(world: World, number: int, count: int) -> Batch:
    """Make one block of cases, costs in yuan, in the order of discharge.

    Args:
        world: the region.
        number: position of the block; with the region's seed and year it fixes every draw.
        count: number of cases.
    """
    options = world.options  # another year of a region has other cases; 2025 is the first
    year = (options.year - _FIRST_YEAR) % 2**32
    rng = np.random.default_rng(np.random.SeedSequence([options.seed, 1, number, year]))
    splits = _number(rng, options.split_share * count / 2)
    overlaps = _number(rng, options.overlap_share * count / 2)
    # Second stays of planted pairs are added later, so that the block comes out at its size.
    batch = _honest_cases(world, rng, max(1, count - splits - overlaps))
    days = world.calendar.days
    room = count - len(batch)
    free = medical_alone(batch, world.groups, world.profiles)
    batch = plant_splits(rng, batch, min(splits, room), days, free)
    free = medical_alone(batch, world.groups, world.profiles)
    noise = draw_noise(rng, batch.group[: overlaps + 1], world.groups, world.prices)
    room = count - len(batch)
    batch = plant_overlaps(rng, batch, min(overlaps, room), free, world.mix, noise, days)
    if len(batch) < count:
        # Too few cases lent themselves to a pair: fill up with more honest ones.
        more = _honest_cases(world, rng, count - len(batch))
        more.person += int(batch.person.max()) + 1
        batch = batch.extended(more)
    free = medical_alone(batch, world.groups, world.profiles)
    plant_low_standard(
        rng, batch, _number(rng, options.low_standard_share * count), free, world.groups
    )
    _price(world, batch)
    _bend(world, rng, batch, count)
    return batch.reordered(np.lexsort((rng.random(len(batch)), batch.discharge)))


def _number(rng: np.random.Generator, expected: float) -> int:
    """A whole number with the given expectation, so that shares hold over many small blocks."""
    return int(expected) + int(rng.random() < expected - int(expected))


def _honest_cases(world: World, rng: np.random.Generator, count: int) -> Batch:
    groups, profiles = world.groups, world.profiles
    group, hospital = world.mix.draw(rng, count)
    recipe = world.recipes.draw(rng, group)
    people = draw_people(rng, group, recipe, profiles, world.recipes)
    stage = stage_of_life(people.age, profiles.newborn[group], profiles.mother[group])
    level = _levels(rng, groups, group, stage)
    noise = draw_noise(rng, group, groups, world.prices)
    score = np.log(noise) / groups.sigma[group]
    length = draw_length(rng, groups.stay[group] * np.where(stage == 3, _ELDER_STAY, 1.0), score)
    person = link_stays(rng, group, hospital, people, groups, profiles)
    person, admission, discharge = place_stays(
        rng, person, length, profiles.winter[group], profiles.course[group], world.calendar
    )
    empty = np.full(count, "", dtype=object)
    return Batch(
        group=group,
        hospital=hospital,
        recipe=recipe,
        level=level,
        **vars(people),
        person=person,
        admission=admission,
        discharge=discharge,
        length=np.maximum(1, discharge - admission),
        noise=noise,
        diagnoses=_diagnoses(rng, world.recipes, recipe, level, stage),
        procedures=_procedures(rng, world, group, recipe),
        mark=np.zeros(count, dtype=np.int64),
        partner=np.full(count, -1),
        detail=empty.copy(),
        flaw=empty.copy(),
        cost=np.zeros(count),
        expected=np.zeros(count),
        cost_group=group.copy(),
    )


def _levels(rng: np.random.Generator, groups: Groups, group: Ints, stage: Ints) -> Ints:
    """Level of complication of every case; where a group leaves it open, age decides with it."""
    chance = rng.random(len(group))
    # The elder have more complications, children and mothers fewer.
    lean = np.array([1.0, 1.8, 1.25, 0.80, 1.8])[stage]
    cumulative = np.cumsum(groups.levels, axis=1)[group]
    bent = 1 - (1 - cumulative) / np.where(cumulative < 1, lean[:, None], 1.0)
    bent = np.where((cumulative > 0) & (cumulative < 1), np.clip(bent, 0, 1), cumulative)
    level: Ints = (chance[:, None] >= bent[:, :2]).sum(axis=1)
    return level


def _diagnoses(
    rng: np.random.Generator, recipes: Recipes, recipe: Ints, level: Ints, stage: Ints
) -> Texts:
    catalogue = load_catalogue()
    columns = draw_secondary(rng, recipe, level, stage)
    codes, place = np.unique(
        np.concatenate([recipes.diagnosis, recipes.extra]), return_inverse=True
    )
    principal, extra = place[: len(recipes.diagnosis)], place[len(recipes.diagnosis) :]
    extra = np.where(recipes.extra == "", -1, extra)
    shifted = [np.where(column >= 0, column + len(codes), -1) for column in columns]
    return join_codes(
        [principal[recipe], extra[recipe], *shifted], [*codes.tolist(), *catalogue.codes]
    )


def _procedures(rng: np.random.Generator, world: World, group: Ints, recipe: Ints) -> Texts:
    """The recipe's operations, and now and then an examination that does not group."""
    examinations = harmless_procedures()
    names, place = np.unique(world.recipes.procedures, return_inverse=True)
    place = np.where(world.recipes.procedures == "", -1, place)
    shares = (np.arange(len(examinations)) + 1.0) ** -_CODES_FALL
    drawn = rng.choice(len(examinations), len(group), p=shares / shares.sum())
    done = rng.random(len(group)) < _EXAMINED[world.groups.kind[group]]
    examined = np.where(done, drawn + len(names), -1)
    return join_codes([place[recipe], examined], [*names.tolist(), *examinations])


def _price(world: World, batch: Batch) -> None:
    batch.expected = expected_cost(batch, world.groups, world.hospitals, world.prices)
    batch.cost = batch.expected * batch.noise
    batch.cost_group = batch.group.copy()


def _bend(world: World, rng: np.random.Generator, batch: Batch, count: int) -> None:
    """Plant what needs the costs, and last the defects."""
    options = world.options
    wanted = _number(rng, options.bunching_share * count)
    plant_bunching(rng, batch, wanted, world.hospitals, world.prices.mean)
    wanted = _number(rng, options.upcoding_share * count)
    plant_upcoding(rng, batch, wanted, world.groups, world.hospitals, world.prices.mean)
    male, female = world.recipes.male[batch.recipe], world.recipes.female[batch.recipe]
    one_sex = (male != female) & (batch.age > 0)
    plant_flaws(rng, batch, _number(rng, options.flawed_share * count), one_sex)
