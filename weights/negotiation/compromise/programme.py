"""The convex programme (凸规划): nearest weights by Clarabel through CVXPY, then made exact."""

from __future__ import annotations

import contextlib
import warnings
from importlib.metadata import version
from typing import Any

import cvxpy as cp
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import nnls

from weights.cases.observations import Floats
from weights.negotiation.compromise.active_set import (
    Active,
    Nearest,
    certified,
    polished,
)
from weights.negotiation.compromise.region import Region

_CVXPY: Any = cp  # its types are incomplete
_TOLERANCE = 1e-11
_EXACT, _ROUGH = 1e-8, 1e-7  # weights of four digits need no more than the second
_NEAR = 1e-6  # share of the interval or of the typical move within which an end may hold
_SETTINGS = {
    "tol_gap_abs": _TOLERANCE, "tol_gap_rel": _TOLERANCE, "tol_feas": _TOLERANCE,
    "max_iter": 200, "max_threads": 1,
}  # fmt: skip


def nearest(centre: Floats, stiff: Floats, region: Region, *, flat: bool = False) -> Nearest:
    """The weights of a region that minimise ``sum(stiff * (w - centre)^2) / 2``.

    Args:
        centre: where each weight is pulled to. Shape (n,).
        stiff: how strongly, above 0, in yuan per squared unit of weight. Shape (n,).
        region: a region that is not empty.
        flat: whether to look, where no answer is found, for limits that leave no room at all.

    Raises:
        RuntimeError: no exact answer was found.
    """
    found = _found(centre, stiff, region)
    if found is None and flat:
        found = _found(centre, stiff, region.tightened())
        found = found and _priced(centre, stiff, region, found.weight)
    if found is None:
        raise RuntimeError("the active constraints of the compromise were not found")
    return found


def _priced(centre: Floats, stiff: Floats, region: Region, weight: Floats) -> Nearest:
    """Weights that are known to be the nearest, with multipliers that push from their limits."""
    value, m = region.matrix @ weight, len(region.row_low)
    ends = sparse.vstack([region.matrix, sparse.eye_array(len(weight))]).tocsr()
    at = np.concatenate([value, weight])
    low = np.flatnonzero(at - np.concatenate([region.row_low, region.low]) < _EXACT)
    high = np.flatnonzero(np.concatenate([region.row_high, region.high]) - at < _EXACT)
    root = 1.0 / np.sqrt(stiff)
    push = sparse.vstack([ends[low], -ends[high]]).toarray().T * root[:, None]
    pull = np.sqrt(stiff) * (weight - centre)
    unit = np.linalg.norm(push, axis=0)
    price, _ = nnls(push / unit, pull)
    every = np.zeros(len(at))
    np.add.at(every, low, (price / unit)[: len(low)])
    np.subtract.at(every, high, (price / unit)[len(low) :])
    return certified(centre, stiff, region, weight, every[:m], every[m:])


def _found(centre: Floats, stiff: Floats, region: Region) -> Nearest | None:
    """The nearest weights, or None where neither the exact answer nor the solver's will do."""
    guess = _clarabel(centre, stiff, region)
    if guess is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # such an answer is refused
        first = _active(region, *guess)
        found = _accepted(polished(centre, stiff, region, first), region)
        if found is None:  # as the solver found it
            found = _accepted(certified(centre, stiff, region, *guess), region, _ROUGH)
    return found


def _accepted(
    found: Nearest | None, region: Region, within: float = _EXACT
) -> Nearest | None:  # fmt: skip
    good = found is not None and found.gap < within and region.excess(found.weight) < within
    return found if good else None


def _clarabel(
    centre: Floats, stiff: Floats, region: Region
) -> tuple[Floats, Floats, Floats] | None:
    """The solver's weights and multipliers; groups with one weight only are left out."""
    free = ~region.fixed
    weight = np.where(free, centre, region.low)
    row_price, price = np.zeros(len(region.row_low)), np.zeros(len(centre))
    if not free.any():
        return weight, row_price, price
    root = 1.0 / np.sqrt(stiff[free])
    away = np.maximum(region.low - centre, centre - region.high)[free] / root
    rest = region.matrix @ weight
    size = max(float(away.max(initial=0.0)), float(np.median((region.high - region.low)[free] / root
                                                             )))  # fmt: skip
    column = root * size
    move = cp.Variable(int(free.sum()))
    part = sparse.csr_array(region.matrix[:, free] @ sparse.diags_array(column))
    unit = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
    used = np.flatnonzero(unit > 0)
    low, high = region.row_low - rest, region.row_high - rest
    always = region.equations[used]
    same = used[always]
    lower = used[np.isfinite(low[used]) & ~always]
    upper = used[np.isfinite(high[used]) & ~always]

    def rows(places: npt.NDArray[np.signedinteger[Any]]) -> sparse.csr_array:
        return sparse.csr_array(sparse.diags_array(1.0 / unit[places]) @ part[places])

    limits = {
        "low": move >= ((region.low - centre)[free] / column),
        "high": move <= ((region.high - centre)[free] / column),
    }
    for name, places, end in (("same", same, low), ("lower", lower, low), ("upper", upper, high)):
        if len(places):
            left, right = rows(places) @ move, end[places] / unit[places]
            limits[name] = left == right if name == "same" else (
                left >= right if name == "lower" else left <= right
            )  # fmt: skip
    task = _CVXPY.Problem(cp.Minimize(_CVXPY.sum_squares(move) / 2), list(limits.values()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an inaccurate answer is made exact or refused below
        for settings in (_SETTINGS, {"max_threads": 1}):  # once more as sharp as it usually is
            with contextlib.suppress(cp.SolverError):
                task.solve(solver=cp.CLARABEL, **settings)
            if move.value is not None:
                break
    if move.value is None:
        return None
    weight[free] = centre[free] + column * move.value
    scale = size * size
    price[free] = (limits["low"].dual_value - limits["high"].dual_value) * scale / column
    for name, places, sign in (("same", same, -1.0), ("lower", lower, 1.0), ("upper", upper, -1.0)):
        if len(places):
            row_price[places] += sign * limits[name].dual_value * scale / unit[places]
    slope = stiff * (weight - centre) - region.matrix.T @ row_price
    return weight, row_price, np.where(free, price, slope)


def _active(region: Region, weight: Floats, row_price: Floats, price: Floats) -> Active:
    """Ends at which the solver's answer stands and pushes."""
    value = region.matrix @ weight

    def ends(value: Floats, low: Floats, high: Floats, push: Floats) -> Floats:
        near = _NEAR * np.maximum(1.0, np.abs(value))
        most = _NEAR * float(np.abs(push).max(initial=0.0))
        held = np.where((value - low < near) & (push > most), 1, 0)
        return np.where((high - value < near) & (push < -most), -1, held)

    return Active.of(region, ends(weight, region.low, region.high, price),
                     ends(value, region.row_low, region.row_high, row_price))  # fmt: skip


def versions() -> tuple[str, str]:
    """Names and versions of the modelling library and of the solver."""
    return f"cvxpy {version('cvxpy')}", f"Clarabel {version('clarabel')}"
