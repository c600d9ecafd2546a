"""Selectors: to which hospitals, insurances and people a row of the policy applies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field

from budget.policy.fields import Many, Part, PolicyError, Row, words
from drg.language import say

Insurance: TypeAlias = Literal["employee", "resident"]
Tier: TypeAlias = Annotated[int, Field(ge=0, le=3)]
Level: TypeAlias = Literal["town", "county", "city", "province"]
# From the most particular to the least: between two rows that apply, the first selector in this
# list that only one of them names decides.
SELECTORS = (
    "hospital",
    "population",
    "hospital_class",
    "county",
    "level",
    "tier",
    "insurance",
)


class Selector(Part):
    """What a row applies to. A selector that is left out means any."""

    hospital: Many[str] = words("医疗机构", "hospital ids")
    population: Many[str] = words("人员类别", "categories of people, such as poor (困难人员)")
    hospital_class: Many[str] = words("机构等次", "classes of hospital, such as 甲等")
    county: Many[str] = words("县区", "counties by the hospital table's names")
    level: Many[Level] = words("隶属层级", "where the hospital belongs: town to province")
    tier: Many[Tier] = words("医院级别", "tiers: 3, 2, 1, or 0 for none")
    insurance: Many[Insurance] = words("险种", "employee (职工) or resident (居民)")

    @property
    def selectors(self) -> dict[str, tuple[str | int, ...]]:
        """The selectors that are named, from the most particular on."""
        return {name: held for name in SELECTORS if (held := getattr(self, name))}

    @property
    def rank(self) -> int:
        """How particular the row is: of the rows that apply, the highest rank is taken."""
        return sum(1 << i for i, name in enumerate(reversed(SELECTORS)) if getattr(self, name))

    def applies(self, **attributes: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Where the row applies.

        Args:
            **attributes: arrays (or single values) under the names of :data:`SELECTORS`. An
                attribute that is not given matches no row that asks for it.
        """
        shape = np.broadcast_shapes(*(np.shape(held) for held in attributes.values()))
        found = np.ones(shape, np.bool_)
        for name, wanted in self.selectors.items():
            if name not in attributes:
                return np.zeros(shape, np.bool_)
            held = np.asarray(attributes[name])
            here = np.zeros(held.shape, np.bool_)
            for value in wanted:
                here |= held == value
            found &= here
        return found


class Choice(Selector, Row):
    """A named row with selectors."""


def compatible(one: Selector, other: Selector) -> bool:
    """Whether both rows can apply to the same case."""
    mine, theirs = one.selectors, other.selectors
    return all(set(mine[name]) & set(theirs[name]) for name in mine.keys() & theirs.keys())


def ambiguous(held: Sequence[Selector]) -> tuple[int, int] | None:
    """The first two rows between which nothing decides."""
    for (i, one), (j, other) in combinations(enumerate(held), 2):
        if one.rank == other.rank and compatible(one, other):
            return i, j
    return None


def check_rows(held: Sequence[Choice], *path: str) -> None:
    """Refuse two rows of which nothing says which one applies."""
    pair = ambiguous(held)
    if pair is not None:
        one, other = (held[i].name for i in pair)
        raise PolicyError(say(f"与 {one} 适用于相同病例", f"applies to the same cases as '{one}'"),
                          *path, other,
                          expected=say("各行的选择条件互不相同",
                                       "rows that differ in a selector's values"))  # fmt: skip


def choose(held: Sequence[Selector], **attributes: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Which row applies: its index, -1 where none does.

    Meant for the distinct combinations of attributes, not for every case.

    Args:
        held: the rows.
        **attributes: arrays of one shape, or single values, under the names of :data:`SELECTORS`.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in attributes.values()))
    found = np.full(shape, -1, np.intp)
    for i in sorted(range(len(held)), key=lambda i: held[i].rank):
        found[held[i].applies(**attributes)] = i
    return found


def pick(held: Sequence[Selector], of: str, **attributes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A figure of the row that applies, NaN where none does or the row leaves it out.

    Args:
        held: the rows.
        of: the key of the figure.
        **attributes: as in :func:`choose`.
    """
    figures = [getattr(row, of) for row in held]
    values = np.array([np.nan if v is None else v for v in figures] + [np.nan], np.float64)
    return np.asarray(values[choose(held, **attributes)])
