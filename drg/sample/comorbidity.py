"""Secondary diagnoses: common diseases that give a case its severity and leave its ADRG alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from drg.sample.arrays import Bools, Floats, Ints, Texts, draw_rows, running_shares
from drg.sample.groups import read_data
from drg.sample.options import SCHEME
from drg.sample.recipes import load_recipes

STAGES = ("newborn", "child", "adult", "elder", "mother")
NEWBORN, CHILD, ADULT, ELDER, MOTHER = range(5)
ELDER_FROM = 65
CHILD_BELOW = 15

# Mean number of secondary diagnoses without weight, by stage of life (assumptions).
_PLAIN_MEAN = np.array([0.5, 0.8, 1.5, 3.0, 1.4])
_PLAIN_SLOTS, _CC_SLOTS, _MCC_SLOTS = 6, 3, 2
_SECOND_CC, _THIRD_CC, _SECOND_MCC = 0.35, 0.12, 0.12
_EXCLUDED_SHARE = 0.04
_TRIES = 8


@dataclass(frozen=True)
class Catalogue:
    """The secondary diagnoses that a case may have.

    Attributes:
        codes: diagnosis codes.
        category: three-character category of each, as a number.
        table: exclusion table of each complication as a number, -1 for none.
        plain, cc, mcc: running shares by stage of life, one row a stage.
        principal_table: exclusion table of each recipe's principal diagnosis, -2 for none.
        principal_category: category of each recipe's principal diagnosis, as a number.
    """

    codes: list[str]
    category: Ints
    table: Ints
    plain: Floats
    cc: Floats
    mcc: Floats
    principal_table: Ints
    principal_category: Ints


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Read the comorbidity table and take from the scheme what each code counts for."""
    from grouper import load_scheme

    scheme = load_scheme(SCHEME)
    # A code that stands in a list for any diagnosis, or marks a trauma site, could move a case.
    moving = {
        code
        for adrg in scheme.adrgs
        if "any_diagnosis in D1" in adrg.rule
        for code in scheme.lists[adrg.code, "D1"]
    } | set(scheme.trauma_sites)
    rows = [
        row
        for row in read_data("comorbidities.csv")
        if row["code"] in scheme.diagnosis_names and row["code"] not in moving
    ]
    codes = [row["code"] for row in rows]
    numbers = table_numbers(scheme.exclusion)
    level = np.array([2 if c in scheme.mcc else 1 if c in scheme.cc else 0 for c in codes])
    weights = np.array([[float(row[stage]) for row in rows] for stage in STAGES])
    complications = {**scheme.cc, **scheme.mcc}
    diagnoses = load_recipes().diagnosis
    return Catalogue(
        codes=codes,
        category=_categories(codes),
        table=np.array([_number(numbers, complications.get(code)) for code in codes]),
        plain=running_shares(weights * (level == 0)),
        cc=running_shares(weights * (level == 1)),
        mcc=running_shares(weights * (level == 2)),
        principal_table=np.array(
            [_number(numbers, scheme.exclusion.get(d), -2) for d in diagnoses]
        ),
        principal_category=_categories(diagnoses),
    )


def table_numbers(exclusion: Mapping[str, str]) -> dict[str, int]:
    """Exclusion tables as whole numbers, whatever the scheme calls them."""
    return {name: i for i, name in enumerate(sorted({str(v) for v in exclusion.values()}))}


def _number(numbers: dict[str, int], table: str | None, absent: int = -1) -> int:
    """The number of a table; one that no principal diagnosis names never excludes."""
    return absent if table is None else numbers.get(str(table), -1)


def _categories(codes: list[str] | Texts) -> Ints:
    """The three-character category of each code as a number (letter and two digits)."""
    return np.array([ord(c[0]) * 10000 + ord(c[1]) * 100 + ord(c[2]) for c in codes])


def stage_of_life(age: Ints, newborn: Bools, mother: Bools) -> Ints:
    """The stage of life of every case: which diseases go with it, and how many."""
    stage = np.where(age < CHILD_BELOW, CHILD, np.where(age >= ELDER_FROM, ELDER, ADULT))
    return np.where(newborn, NEWBORN, np.where(mother, MOTHER, stage))


def draw_secondary(rng: np.random.Generator, recipe: Ints, level: Ints, stage: Ints) -> list[Ints]:
    """Secondary diagnoses of every case as columns of catalogue positions, -1 for none.

    A case of level 2 gets an MCC that counts, of level 1 a CC that counts and no MCC, of level 0
    none; a few of level 0 get a complication that their principal diagnosis excludes.
    """
    catalogue = load_catalogue()
    table = catalogue.principal_table[recipe]
    category = catalogue.principal_category[recipe]
    n = len(recipe)
    columns = []
    for slot, chance in zip(range(_MCC_SLOTS), (1.0, _SECOND_MCC), strict=True):
        wanted = (level == 2) & (rng.random(n) < chance)
        columns.append(_counting(rng, catalogue.mcc, wanted, stage, table, slot == 0))
    for slot, chance in zip(range(_CC_SLOTS), (1.0, _SECOND_CC, _THIRD_CC), strict=True):
        wanted = (level >= 1) & (rng.random(n) < np.where(level == 2, 0.5, 1.0) * chance)
        columns.append(_counting(rng, catalogue.cc, wanted, stage, table, slot == 0))
    columns.append(_excluded(rng, catalogue, level, stage, table))
    number = np.minimum(rng.poisson(_PLAIN_MEAN[stage]), _PLAIN_SLOTS)
    for slot in range(_PLAIN_SLOTS):
        drawn = np.full(n, -1)
        rows = np.flatnonzero(number > slot)
        drawn[rows] = draw_rows(rng, catalogue.plain, stage[rows])
        drawn[(drawn >= 0) & (catalogue.category[drawn] == category)] = -1
        columns.append(drawn)
    return _without_repeats(columns)


def _counting(
    rng: np.random.Generator,
    shares: Floats,
    wanted: Bools,
    stage: Ints,
    table: Ints,
    needed: bool,
) -> Ints:
    """A complication that the principal diagnosis does not exclude, where one is wanted."""
    catalogue = load_catalogue()
    result = np.full(len(stage), -1)
    rows = np.flatnonzero(wanted)
    for _ in range(_TRIES):
        result[rows] = draw_rows(rng, shares, stage[rows])
        rows = rows[catalogue.table[result[rows]] == table[rows]]
    result[rows] = -1
    if needed and len(rows):
        result[rows] = _any_counting(shares, stage[rows], table[rows])
    return result


def _any_counting(shares: Floats, stage: Ints, table: Ints) -> Ints:
    """The first complication of the stage, or of the elder, with another exclusion table."""
    catalogue = load_catalogue()
    result = np.full(len(stage), -1)
    for row in (ELDER, *range(len(STAGES))):
        possible = np.flatnonzero(np.diff(shares[row], prepend=0.0) > 0)
        for code in possible[::-1]:
            fits = ((stage == row) | (row == ELDER)) & (catalogue.table[code] != table)
            result[fits] = code
    return result


def _excluded(
    rng: np.random.Generator, catalogue: Catalogue, level: Ints, stage: Ints, table: Ints
) -> Ints:
    """For a few cases without complication, a CC that does not count, if one comes up."""
    result = np.full(len(stage), -1)
    rows = np.flatnonzero((level == 0) & (rng.random(len(stage)) < _EXCLUDED_SHARE))
    for _ in range(_TRIES):
        drawn = draw_rows(rng, catalogue.cc, stage[rows])
        hit = catalogue.table[drawn] == table[rows]
        result[rows[hit]] = drawn[hit]
        rows = rows[~hit]
    return result


def _without_repeats(columns: list[Ints]) -> list[Ints]:
    """Blank a diagnosis that an earlier column of the same case already has."""
    for later in range(1, len(columns)):
        for earlier in range(later):
            columns[later][columns[later] == columns[earlier]] = -1
    return columns


@lru_cache(maxsize=1)
def harmless_procedures() -> list[str]:
    """Common examinations and treatments that play no part in grouping."""
    from grouper import load_scheme

    scheme = load_scheme(SCHEME)
    listed = {c for (_, name), codes in scheme.lists.items() if name[0] == "P" for c in codes}
    grouping = listed | set(scheme.grouping_procedures)
    return [c for c in _EXAMINATIONS if c in scheme.procedure_names and c not in grouping]


_EXAMINATIONS = (
    "87.4101",  # chest CT
    "89.5200",  # electrocardiogram
    "87.0301",  # brain CT
    "88.0101",  # liver CT
    "88.9101",  # head MRI
    "89.5001",  # 24-hour electrocardiogram
    "87.4401",  # chest film
    "88.7100x001",  # neck ultrasound
    "93.3900x001",  # physical therapy
    "99.2100",  # injected antibiotic
    "57.9400",  # urinary catheter
    "88.3800x004",  # lumbar spine CT
    "96.0400",  # intubation
)
