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


def _parts(quotas: Sequence[Quota]) -> int:
    """2 where quotas go by insurance, else 1."""
    return 2 if any(row.insurance for row in quotas) else 1


def _discharges(claims: Claims, parts: int) -> tuple[Bools, Ints]:
    """DRG discharges, and of every case the place of its hospital (and insurance). Shapes (N,)."""
    drg = (claims.month >= 0) & (claims.cost > 0) & (claims.hospital >= 0)
    drg &= (claims.insurance >= 0) & (claims.kind == GROUPED)
    unit = claims.hospital.astype(np.int64) * parts
    return drg, unit + claims.insurance if parts == 2 else unit


def discharged(claims: Claims, quotas: Sequence[Quota], hospitals: int) -> Ints:
    """DRG discharges of each hospital, or hospital and insurance, as quotas count them."""
    parts = _parts(quotas)
    drg, unit = _discharges(claims, parts)
    return np.bincount(unit[drg], minlength=hospitals * parts)


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

    Returns:
        Cases inside, and cases that are wanted and beyond; a case that is no DRG discharge is in
        neither. Shapes (N,).
    """
    share = np.broadcast_to(pick(quotas, "share", **attributes), (hospitals, 2))
    share = np.where(np.isnan(share), otherwise, share)
    parts = _parts(quotas)
    drg, unit = _discharges(claims, parts)
    if discharges is None:
        discharges = np.bincount(unit[drg], minlength=hospitals * parts)
    quota = times(discharges, share[:, :parts].ravel(), down=True)
    rows = np.flatnonzero(wanted & drg)
    rows = rows[claims.in_order(rows, -overrun[rows], unit[rows])]
    fits = rank_in_runs(unit[rows]) < quota[unit[rows]]
    inside, beyond = np.zeros(len(claims), np.bool_), np.zeros(len(claims), np.bool_)
    inside[rows[fits]], beyond[rows[~fits]] = True, True
    return inside, beyond
