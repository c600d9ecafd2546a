"""Rank inside a run (组内次序): who comes first where only so many cases are let in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import GROUPED, Claims
from budget.policy.outliers import Quota
from budget.policy.select import pick
from drg.money import times

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def rank_in_runs(unit: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Place of each entry inside its run of equal units, from 0."""
    places = np.arange(len(unit))
    first = np.ones(len(unit), np.bool_)
    first[1:] = unit[1:] != unit[:-1]
    return places - np.maximum.accumulate(np.where(first, places, 0))


def _discharges(claims: Claims) -> Bools:
    """DRG discharges. Shape (N,)."""
    drg = (claims.month >= 0) & (claims.cost > 0) & (claims.hospital >= 0)
    return np.asarray(drg & (claims.insurance >= 0) & (claims.kind == GROUPED))


def discharged(claims: Claims, hospitals: int) -> Ints:
    """DRG discharges of each hospital and insurance, as quotas count them. Shape (H, 2)."""
    drg = _discharges(claims)
    unit = claims.hospital[drg].astype(np.int64) * 2 + claims.insurance[drg]
    return np.bincount(unit, minlength=hospitals * 2).reshape(hospitals, 2)


def inside_quota(
    claims: Claims,
    wanted: Bools,
    overrun: Floats,
    quotas: Sequence[Quota],
    attributes: Mapping[str, npt.ArrayLike],
    hospitals: int,
    *,
    otherwise: float,
    discharges: Ints | None = None,
) -> tuple[Bools, Bools]:
    """Cases that a quota lets in and those beyond it: the largest overruns first, then by case id.

    A quota is a share of the hospital's DRG discharges, rounded down; where a row of the quotas
    names an insurance, of those of each insurance.

    Args:
        claims: the cases.
        wanted: cases that are to be let in. Shape (N,).
        overrun: cost less standard in yuan. Shape (N,).
        quotas: rows of the policy.
        attributes: selectors of hospital and insurance, each broadcasting to (H, 2).
        hospitals: number of hospitals, H.
        otherwise: share where no row applies.
        discharges: what :func:`discharged` finds of the whole year, where ``claims`` is a part.
            Shape (H, 2).

    Returns:
        Cases inside, and cases that are wanted and beyond; a case that is no DRG discharge is in
        neither. Shapes (N,).
    """
    share = np.broadcast_to(pick(quotas, "share", **attributes), (hospitals, 2))
    share = np.where(np.isnan(share), otherwise, share)
    if discharges is None:
        discharges = discharged(claims, hospitals)
    parts = 2 if any(row.insurance for row in quotas) else 1
    counted = discharges if parts == 2 else discharges.sum(axis=1)
    quota = times(counted.ravel(), share[:, :parts].ravel(), down=True)
    unit = claims.hospital.astype(np.int64) * parts + (claims.insurance if parts == 2 else 0)
    rows = np.flatnonzero(wanted & _discharges(claims))
    rows = rows[claims.in_order(rows, -overrun[rows], unit[rows])]
    fits = rank_in_runs(unit[rows]) < quota[unit[rows]]
    inside, beyond = np.zeros(len(claims), np.bool_), np.zeros(len(claims), np.bool_)
    inside[rows[fits]], beyond[rows[~fits]] = True, True
    return inside, beyond
