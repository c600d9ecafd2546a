"""One block of cases on its way through the generator: columns side by side."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from drg.sample.arrays import Bools, Floats, Ints, Texts

NO_MARK = 0
MARKS = ("", "split_admission", "overlapping_stay", "upcoding", "low_standard", "bunching")
SPLIT, OVERLAP, UPCODING, LOW_STANDARD, BUNCHING = range(1, 6)


@dataclass
class Batch:
    """Cases as columns; one entry a case in each.

    Attributes:
        group: group that the case is, as a position in the group table.
        hospital: position in the hospital table.
        recipe: position in the recipe table.
        level: 0 no complication, 1 CC, 2 MCC.
        sex, age, age_days, birth_weight, insurance: as in :class:`drg.sample.people.People`.
        person: patient number inside the block.
        admission, discharge: days of the year from 0.
        length: length of stay in days, at least 1.
        noise: cost over expected cost.
        diagnoses, procedures: codes joined by ``|``.
        mark: planted irregularity, a position in ``MARKS``, 0 for none.
        partner: row of the linked case, or -1.
        detail: what the planted irregularity consists of.
        flaw: planted defect, or empty.
        cost: total cost in yuan (before rounding to fen), filled in late.
        expected: expected cost in yuan.
        cost_group: group whose cost the case has; differs from ``group`` after up-coding.
    """

    group: Ints
    hospital: Ints
    recipe: Ints
    level: Ints
    sex: Ints
    age: Ints
    age_days: Ints
    birth_weight: Ints
    insurance: Ints
    person: Ints
    admission: Ints
    discharge: Ints
    length: Ints
    noise: Floats
    diagnoses: Texts
    procedures: Texts
    mark: Ints
    partner: Ints
    detail: Texts
    flaw: Texts
    cost: Floats
    expected: Floats
    cost_group: Ints

    def __len__(self) -> int:
        return len(self.group)

    def take(self, rows: Ints) -> Batch:
        """The cases of some rows, in their order; partners keep their old row numbers."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def extended(self, other: Batch) -> Batch:
        """This block followed by the cases of another."""
        return replace(
            self,
            **{
                f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
                for f in fields(self)
            },
        )

    def reordered(self, order: Ints) -> Batch:
        """The same cases in another order, partners renumbered."""
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        moved = self.take(order)
        moved.partner = np.where(moved.partner >= 0, place[moved.partner], -1)
        return moved

    def honest(self) -> Bools:
        """Cases with nothing planted in them."""
        result: Bools = (self.mark == NO_MARK) & (self.flaw == "")
        return result
