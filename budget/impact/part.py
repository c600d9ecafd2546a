"""The sums of some groups (部分病组的汇总), where only a few weights change."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from budget.impact.book import Book

if TYPE_CHECKING:
    from budget.impact.sums import Sums

_BY_CELL = "pool", "given", "open", "value", "flat", "draft", "draft_pay"


class Parts:
    """Answers from the groups that change; the last ones are kept, as a slider comes back."""

    def __init__(self) -> None:
        self._last: tuple[bytes, Sums, Book] | None = None

    def book(
        self, held: Sums, weight: npt.NDArray[np.float64], changed: npt.NDArray[np.bool_]
    ) -> Book:
        """What all cases are paid at weights of which only some changed.

        Args:
            held: the sums of the year.
            weight: all weights. Shape (G,).
            changed: which are not the draft's. Shape (G,).
        """
        key = changed.tobytes()
        if self._last is None or self._last[0] != key:
            part = part_of(held, changed)
            self._last = key, part, part.paid(held.grid.weight)[0]
        _, part, before = self._last
        found, after = held.book.copy(), part.paid(weight)[0]
        found.fund += after.fund - before.fund
        found.outside += after.outside - before.outside
        return found


def part_of(held: Sums, groups: npt.NDArray[np.bool_]) -> Sums:
    """The sums with the cells of some groups only, and nothing that no weight moves.

    Args:
        held: the sums of the year.
        groups: which groups. Shape (G,).
    """
    part = copy.copy(held)
    plain = held.plain
    own = np.flatnonzero(groups[plain.group])
    part.plain = replace(
        plain, cell=plain.cell[own], unit=plain.unit[own], group=plain.group[own],
        place=plain.place[own], start=plain.start[own], stop=plain.stop[own],
    )  # fmt: skip
    part.terms = held.terms.at(own)
    part.steps = {
        side: None if steps is None else replace(steps, which=steps.which[own])
        for side, steps in held.steps.items()
    }
    for name in _BY_CELL:
        setattr(part, name, getattr(held, name)[own])
    part.inside = {code: inside[own] for code, inside in held.inside.items()}
    low, normal, high = held.cut
    part.cut = low[own], normal[own], high[own]
    number = np.full(len(plain.cell), -1, np.intp)
    number[own] = np.arange(len(own))
    loose = number[held.loose_cell] >= 0
    part.loose, part.part = held.loose[loose], held.part[loose]
    part.loose_cell = number[held.loose_cell[loose]]
    part.shares = held.shares.of_groups(groups)
    part.fixed, part.fixed_waiting = Book(held.fixed.cells), []
    return part
