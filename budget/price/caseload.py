"""Caseload caps (病例数控制): what is paid beyond the yearly cases of a group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.tally import Tally
from budget.policy.special import Caseload
from budget.price.rank import rank_in_runs

Floats = npt.NDArray[np.float64]


class Caps:
    """Caps by place of their group.

    Attributes:
        cap: yearly cases of each group, -1 for no cap, and one more -1 for cases without a group.
            Shape (G + 1,).
    """

    def __init__(self, rule: Caseload, groups: Sequence[str]) -> None:
        caps = {cap.name: cap.cases for cap in rule.caps}
        self._by_hospital = rule.per == "hospital"
        self.cap = np.array([caps.get(code, -1) for code in groups] + [-1], np.int64)

    def reached(self, tally: Tally) -> npt.NDArray[np.int64]:
        """Cases of each group whose cap some cases are beyond, 0 for other groups. Shape (G,)."""
        cases = tally.cases[:, :-1, :-1, :-1].sum(axis=(0, 3))
        most = cases.max(axis=0, initial=0) if self._by_hospital else cases.sum(axis=0)
        cap = self.cap[:-1]
        return np.where((cap >= 0) & (most > cap), cases.sum(axis=0), 0)


def caseload_factor(claims: Claims, groups: Sequence[str], rule: Caseload) -> Floats:
    """Multipliers of the standard for caseload caps (病例数控制).

    Cases that can be settled count, by day of discharge, then by case id; by month where days
    were not read. A cap of a group that is not in ``groups`` has no case.

    Returns:
        ``rule.beyond`` for cases beyond the yearly number, else 1. Shape (N,).
    """
    cap = Caps(rule, groups).cap
    counted = (claims.month >= 0) & (claims.cost > 0) & (claims.hospital >= 0)
    counted &= (claims.insurance >= 0) & (cap[claims.group] >= 0)
    rows = np.flatnonzero(counted)
    unit = claims.group[rows].astype(np.int64)
    if rule.per == "hospital":
        unit += claims.hospital[rows].astype(np.int64) * len(groups)
    when = claims.month if claims.day is None else claims.day
    order = claims.in_order(rows, when[rows], unit)
    rows = rows[order]
    factor = np.ones(len(claims))
    beyond = rank_in_runs(unit[order]) >= cap[claims.group[rows]]
    factor[rows[beyond]] = rule.beyond
    return factor
