"""What the cases of a year come to before any is priced (病例汇总): counts and cost by cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import GROUPED, INSURANCES, Claims

Ints = npt.NDArray[np.int64]
PARTS = "mode", "stay", "tcm_share", "age", "technology", "month", "special_review"


class Tally:
    """Counts of cases, added up part by part; the order of cases changes nothing.

    Attributes:
        cases: cases of the year with a cost, by whether they are grouped (0 no, 1 yes), hospital,
            group and insurance; the last place of each is for those that are not known.
            Shape (2, H + 1, G + 1, 3).
        cost: their cost in fen, likewise.
        known: how many cases say each of :data:`PARTS` at all.
        unknown_persons: cases of the year whose person is not known.
        amounts: columns of amounts that the input has.
        persons: whether persons were read.
    """

    def __init__(self, hospitals: int, groups: int) -> None:
        """Prepare for so many hospitals and groups."""
        self._shape = 2, hospitals + 1, groups + 1, len(INSURANCES) + 1
        size = int(np.prod(self._shape))
        self._cases, self._cost = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self.known = dict.fromkeys(PARTS, 0)
        self.unknown_persons = 0
        self.amounts: tuple[str, ...] = ()
        self.persons = False

    @property
    def cases(self) -> Ints:
        """Cases by cell."""
        return self._cases.reshape(self._shape)

    @property
    def cost(self) -> Ints:
        """Cost in fen by cell."""
        return self._cost.reshape(self._shape)

    def add(self, claims: Claims) -> None:
        """Count some cases."""
        inside = np.flatnonzero((claims.month >= 0) & (claims.cost > 0))
        cell = (claims.kind[inside] == GROUPED).astype(np.int64)
        places = claims.hospital, claims.group, claims.insurance
        for place, size in zip(places, self._shape[1:], strict=True):
            own = np.asarray(place)[inside].astype(np.int64)
            cell = cell * size + np.where(own < 0, size - 1, own)
        np.add.at(self._cases, cell, 1)
        np.add.at(self._cost, cell, claims.cost[inside])
        marked = claims.flags.get("special_review")
        for name, which in (
            ("mode", claims.mode > 0), ("stay", ~np.isnan(claims.stay)),
            ("tcm_share", ~np.isnan(claims.tcm_share)), ("age", ~np.isnan(claims.age)),
            ("technology", claims.technology >= 0), ("month", claims.month >= 0),
            ("special_review", np.zeros(0, np.bool_) if marked is None else marked),
        ):  # fmt: skip
            self.known[name] += int(np.count_nonzero(which))
        self.amounts, self.persons = tuple(claims.amounts), claims.person is not None
        if claims.person is not None:
            self.unknown_persons += int(
                np.count_nonzero((claims.month >= 0) & (claims.person == 0))
            )

    def merge(self, other: Tally) -> None:
        """Count the cases of another tally too."""
        self._cases += other._cases
        self._cost += other._cost
        for name, count in other.known.items():
            self.known[name] += count
        self.unknown_persons += other.unknown_persons
        self.amounts, self.persons = other.amounts, other.persons

    def __getstate__(self) -> dict[str, Any]:
        """Cells without a case do not travel."""
        cells = np.flatnonzero(self._cases)
        return vars(self) | {
            "_cases": self._cases[cells], "_cost": self._cost[cells], "_cells": cells,
        }  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As it was before it travelled."""
        vars(self).update(state)
        cells = vars(self).pop("_cells")
        for name in ("_cases", "_cost"):
            whole = np.zeros(int(np.prod(self._shape)), np.int64)
            whole[cells] = state[name]
            vars(self)[name] = whole

    def discharges(self) -> Ints:
        """DRG discharges by hospital and insurance, as quotas count them. Shape (H, 2)."""
        return np.asarray(self.cases[1, :-1, :, :-1].sum(axis=1))
