"""Readmission (再入院): what the stay before is worth when the person is back too soon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.policy.special import Readmission
from drg.cases.keys import Keys, mixed

Floats = npt.NDArray[np.float64]


def readmission_factor(
    claims: Claims,
    rule: Readmission,
    groups: Sequence[str],
    adrgs: Sequence[str] | None = None,
) -> Floats:
    """Multipliers of the standard for readmission (再入院): the *previous* stay is cut.

    A stay is cut when the person is back in the same hospital, with the same group, at most
    ``rule.days`` days after its discharge, whether or not the later stay ends in the settlement
    year. Stays with other groups in between change nothing, a stay is cut once, and a stay that
    begins before the other ends is not a readmission.

    Args:
        claims: the cases, with persons.
        rule: the policy's rule.
        groups: group codes by place.
        adrgs: their ADRGs; without them the first three characters of the code.

    Returns:
        ``rule.factor`` for stays that are cut, else 1. Shape (N,).
    """
    factor = np.ones(len(claims))
    if claims.person is None or claims.day is None or claims.admission is None:
        return factor
    key, what = _kinds(claims, rule, groups, adrgs)
    rows = np.flatnonzero(key)
    _, at, often = np.unique(key[rows], return_inverse=True, return_counts=True)
    rows = rows[often[at] > 1]
    what, person = what[rows], claims.person[rows]
    day = np.where(claims.day[rows] < 0, np.iinfo(np.int32).max, claims.day[rows])  # still there
    order = claims.in_order(rows, claims.admission[rows], day, what, person)
    rows, what, person = rows[order], what[order], person[order]
    left, back = rows[:-1], rows[1:]
    gap = claims.admission[back] - claims.day[left]
    hit = (person[:-1] == person[1:]) & (what[:-1] == what[1:])
    hit &= (claims.admission[back] >= 0) & (gap >= 0) & (gap <= rule.days)
    factor[left[hit]] = rule.factor
    return factor


def stays_alike(claims: Claims, rule: Readmission, groups: Sequence[str]) -> Keys:
    """Keys of the stays of a person with one hospital and group; 0 where the rule is not for it."""
    return _kinds(claims, rule, groups, None)[0]


def _kinds(
    claims: Claims, rule: Readmission, groups: Sequence[str], adrgs: Sequence[str] | None
) -> tuple[Keys, npt.NDArray[np.int64]]:
    """Keys of :func:`stays_alike`, and hospital and group as one number. Shapes (N,)."""
    assert claims.person is not None
    known = list(adrgs) if adrgs is not None else [code[:3] for code in groups]
    same = known if rule.same == "adrg" else list(groups)
    unit = np.unique(np.array(same, str), return_inverse=True)[1] if same else np.zeros(0, np.intp)
    counts = np.array([not code.startswith(rule.exempt_adrgs) for code in groups], np.bool_)
    fit = (claims.person > 0) & (claims.group >= 0) & (claims.hospital >= 0)
    fit[fit] = counts[claims.group[fit]]
    what = claims.hospital.astype(np.int64) * (len(groups) + 1) + np.append(unit, 0)[claims.group]
    return np.where(fit, mixed(claims.person, what), np.uint64(0)), what
