"""Hospitals that join (新纳入医疗机构): their cases are in the file, and count from a year on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals, read_hospitals
from budget.projection.scenario import Scenario
from drg.errors import DrgError, problem
from drg.language import say


@dataclass(frozen=True)
class Everybody:
    """The hospitals of today and all that join in some scenario.

    Attributes:
        hospitals: today's first.
        today: how many there are today.
        tables: ids of the hospitals that join, by their table.
    """

    hospitals: Hospitals
    today: int
    tables: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, today: Hospitals, scenarios: Sequence[Scenario]) -> Everybody:
        """Read the tables that scenarios name.

        Raises:
            DrgError: a table cannot be read, or names a hospital of today.
        """
        tables: dict[str, tuple[str, ...]] = {}
        found = today
        for one in scenarios:
            for path in one.joining():
                if path in tables:
                    continue
                try:
                    joining = read_hospitals(path)
                    today.and_(joining)
                except DrgError as error:
                    raise DrgError(f"{one.place}: change.hospitals: {path}: {error}") from None
                tables[path] = joining.ids
                known = set(found.ids)
                new = [i for i, name in enumerate(joining.ids) if name not in known]
                if new:
                    found = found.and_(joining.take(new))
        return cls(found, len(today), tables)

    def claims(self, claims: Claims, scenario: Scenario, year: int) -> Claims:
        """The cases of those who have joined by a year of a scenario, 0 for the settled one.

        The cases of the others are those of hospitals that are not known.

        Raises:
            DrgError: a hospital that joins has no case in the file.
        """
        if not self.tables:
            return claims
        joined = {name for path in scenario.joining(year) for name in self.tables[path]}
        here = np.array([i < self.today or name in joined
                         for i, name in enumerate(self.hospitals.ids)])  # fmt: skip
        counted = np.bincount(claims.hospital[claims.hospital >= 0], minlength=len(here))
        empty = [name for i, name in enumerate(self.hospitals.ids)
                 if name in joined and not counted[i]]  # fmt: skip
        if empty:
            raise problem(say("病例文件中没有其病例，不能加入",
                              "has no case in the file of cases, so it cannot join"),
                          file=scenario.place, key=f"change.{year}.hospitals",
                          found=", ".join(empty[:5]))  # fmt: skip
        known = (claims.hospital >= 0) & here[np.maximum(claims.hospital, 0)]
        return replace(claims, hospital=np.where(known, claims.hospital, -1).astype(np.int32))
