"""Verified recipes: looks of a case that the grouper itself puts into the wanted ADRG."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from drg.errors import DrgError
from drg.language import say
from drg.sample.arrays import Bools, Floats, Ints, Texts, draw_rows, running_shares
from drg.sample.candidates import Candidate, diagnoses_of, make_candidates
from drg.sample.groups import load_groups
from drg.sample.options import SCHEME

if TYPE_CHECKING:
    from grouper import Grouper

RECIPES_EACH = 24
# How steeply the later recipes of an ADRG fall behind the first (Zipf).
RECIPE_FALL = 1.1
_POOL_SEED = 11
# An ADRG that the usual number of candidates does not reach is tried with more.
_WIDTHS = (1, 8, 40)
MALE, FEMALE = 1, 2


@dataclass(frozen=True)
class Recipes:
    """Looks of cases, the ADRGs one after another.

    Attributes:
        diagnosis: principal diagnosis.
        extra: a further diagnosis that the group needs, or empty.
        procedures: operations joined by ``|``.
        male, female: whether a man or a woman with it lands in the ADRG.
        newborn: the patient is at most 28 days old.
        infant: the patient is 29 days to a year old.
        weight_low, weight_high: birth weight in grams, both 0 where it does not matter.
        first: by group, the place of its ADRG's first recipe.
        cumulative: by group, running shares of its ADRG's recipes.
        infant_safe: an infant with it is not taken for a newborn's disease.
    """

    diagnosis: Texts
    extra: Texts
    procedures: Texts
    male: Bools
    female: Bools
    newborn: Bools
    infant: Bools
    weight_low: Ints
    weight_high: Ints
    first: Ints
    cumulative: Floats
    infant_safe: Bools

    def draw(self, rng: np.random.Generator, group: Ints) -> Ints:
        """A recipe for each case of the groups."""
        return self.first[group] + draw_rows(rng, self.cumulative, group)


@lru_cache(maxsize=1)
def load_recipes() -> Recipes:
    """Make candidates for all ADRGs, group them, keep those that land where they should.

    The pool has its own seed, so that every region draws from the same one.

    Raises:
        DrgError: an ADRG cannot be reached.
    """
    from grouper import Grouper, load_scheme

    scheme = load_scheme(SCHEME)
    rng = np.random.default_rng(_POOL_SEED)
    grouper = Grouper(SCHEME)
    chosen: list[Candidate] = []
    sexes: list[tuple[bool, bool]] = []
    wanted: set[str] | None = None
    for width in _WIDTHS:
        candidates = make_candidates(scheme, rng, wanted, width)
        male, female = _lands(grouper, candidates, MALE), _lands(grouper, candidates, FEMALE)
        kept = _first_of_each(candidates, male | female)
        chosen += [candidates[i] for i in kept]
        sexes += [(bool(male[i]), bool(female[i])) for i in kept]
        found = Counter(candidate.adrg for candidate in chosen)
        wanted = {adrg.code for adrg in scheme.adrgs if not found[adrg.code]}
        if not wanted:
            break
    order = np.argsort([c.adrg for c in chosen], kind="stable")
    chosen = [chosen[i] for i in order]
    male, female = np.array(sexes)[order].T
    newborn_diseases = diagnoses_of(scheme, "MDCP")
    first, cumulative = _shares_by_group(chosen)
    return Recipes(
        diagnosis=np.array([c.diagnosis for c in chosen], dtype=object),
        extra=np.array([c.extra for c in chosen], dtype=object),
        procedures=np.array([c.procedures for c in chosen], dtype=object),
        male=male,
        female=female,
        newborn=np.array([c.newborn for c in chosen]),
        infant=np.array([c.infant for c in chosen]),
        weight_low=np.array([c.weight_low for c in chosen]),
        weight_high=np.array([c.weight_high for c in chosen]),
        first=first,
        cumulative=cumulative,
        infant_safe=np.array([c.diagnosis not in newborn_diseases for c in chosen]),
    )


def _lands(grouper: Grouper, candidates: list[Candidate], sex: int) -> Bools:
    """Whether each candidate, as a patient of that sex, lands in its ADRG."""
    young = np.array([c.newborn or c.infant for c in candidates])
    table = pd.DataFrame(
        {
            "diagnoses": ["|".join(filter(None, (c.diagnosis, c.extra))) for c in candidates],
            "procedures": [c.procedures for c in candidates],
            "sex": np.int8(sex),
            "age": np.where(young, 0, 50),
            "age_days": pd.array(
                [9 if c.newborn else 60 if c.infant else None for c in candidates], "Int64"
            ),
            "birth_weight": pd.array(
                [_middle_weight(c) if c.newborn else None for c in candidates], "Int64"
            ),
        }
    )
    grouped = grouper.group(table)
    wanted = np.array([c.adrg for c in candidates], dtype=object)
    result: Bools = grouped["adrg"].to_numpy(dtype=object) == wanted
    return result


def _middle_weight(candidate: Candidate) -> int:
    low, high = candidate.weight_low, candidate.weight_high
    if high:
        return (max(low, high - 500) + high) // 2
    return low + 200 if low else 3200


def _first_of_each(candidates: list[Candidate], good: Bools) -> Ints:
    """Positions of the first good candidates of every ADRG, most usual first."""
    counts: dict[str, int] = {}
    kept = []
    for i in np.flatnonzero(good):
        adrg = candidates[i].adrg
        counts[adrg] = counts.get(adrg, 0) + 1
        if counts[adrg] <= RECIPES_EACH:
            kept.append(i)
    return np.array(kept, dtype=np.int64)


def _shares_by_group(chosen: list[Candidate]) -> tuple[Ints, Floats]:
    """Where each group's recipes start, and their running shares."""
    places: dict[str, list[int]] = {}
    for i, candidate in enumerate(chosen):
        places.setdefault(candidate.adrg, []).append(i)
    groups = load_groups()
    missing = sorted(set(groups.adrgs) - set(places))
    if missing:
        raise DrgError(say(
            f"sample：没有能进入这些 ADRG 的病例：{', '.join(missing)}",
            f"sample: no case found that reaches the ADRGs {', '.join(missing)}",
        ))  # fmt: skip
    weights = np.zeros((len(groups), RECIPES_EACH))
    for row, adrg in enumerate(groups.adrgs):
        count = len(places[adrg])
        weights[row, :count] = (np.arange(count) + 1.0) ** -RECIPE_FALL
    first = np.array([places[adrg][0] for adrg in groups.adrgs])
    return first, running_shares(weights)
