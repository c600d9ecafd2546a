"""Caseload caps (病例数控制): what is paid beyond the yearly cases of a group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.policy.special import Caseload
from budget.price.rank import rank_in_runs

Floats = npt.NDArray[np.float64]


def caseload_factor(claims: Claims, groups: Sequence[str], rule: Caseload) -> Floats:
    """Multipliers of the standard for caseload caps (病例数控制).

    Cases that can be settled count, by day of discharge, then by case id; by month where days
    were not read. A cap of a group that is not in ``groups`` has no case.

    Returns:
        ``rule.beyond`` for cases beyond the yearly number, else 1. Shape (N,).
    """
    caps = {cap.name: cap.cases for cap in rule.caps}
    cap = np.array([caps.get(code, -1) for code in groups] + [-1], np.int64)
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
