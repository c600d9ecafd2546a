"""Readmission (再入院): what the stay before is worth when the person is back too soon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.stays import Stays
from budget.policy.special import Readmission

Floats = npt.NDArray[np.float64]


def readmission_factor(
    claims: Claims,
    stays: Stays,
    rule: Readmission,
    groups: Sequence[str],
    adrgs: Sequence[str] | None = None,
) -> Floats:
    """Multipliers of the standard for readmission (再入院): the *previous* stay is cut.

    A stay is cut when the person is back in the same hospital, with the same group, at most
    ``rule.days`` days after its discharge. Stays with other groups in between change nothing, a
    stay is cut once, and a stay that begins before the other ends is not a readmission.

    Args:
        claims: the cases, with persons.
        stays: their order.
        rule: the policy's rule.
        groups: group codes by place.
        adrgs: their ADRGs; without them the first three characters of the code.

    Returns:
        ``rule.factor`` for stays that are cut, else 1. Shape (N,).
    """
    factor = np.ones(len(claims))
    if claims.day is None or claims.admission is None:
        return factor
    known = list(adrgs) if adrgs is not None else [code[:3] for code in groups]
    same = known if rule.same == "adrg" else list(groups)
    unit = np.unique(np.array(same, str), return_inverse=True)[1] if same else np.zeros(0, np.intp)
    counts = np.array([not code.startswith(rule.exempt_adrgs) for code in groups], np.bool_)
    place = np.flatnonzero(
        (stays.next[stays.order] >= 0) | (stays.previous[stays.order] >= 0)
    )  # of persons with several stays, in the order of time
    rows = stays.order[place]
    fit = (claims.group[rows] >= 0) & (claims.hospital[rows] >= 0)
    fit[fit] = counts[claims.group[rows[fit]]]
    place, rows = place[fit], rows[fit]
    what = claims.hospital[rows].astype(np.int64) * (len(groups) + 1) + unit[claims.group[rows]]
    by_kind = np.lexsort((what, stays.start[place]))  # stable: time decides what is left
    rows, what, person = rows[by_kind], what[by_kind], stays.start[place][by_kind]
    left, back = rows[:-1], rows[1:]
    gap = claims.admission[back] - claims.day[left]
    hit = (person[:-1] == person[1:]) & (what[:-1] == what[1:])
    hit &= (claims.admission[back] >= 0) & (gap >= 0) & (gap <= rule.days)
    factor[left[hit]] = rule.factor
    return factor
