"""Mixed model (混合效应模型): hospitals' levels as random effects of the log of cost.

Log cost is the level of the group plus the level of the hospital plus chance; groups are fixed,
hospitals random with a variance of their own, found by restricted maximum likelihood (Patterson
and Thompson, Biometrika 58:545, 1971). A hospital of few cases is thus hardly cleared of its level,
one of many nearly in full. All of it follows from sums by hospital and group.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, ratio
from weights.estimate import regression

_WIDEST = 25.0  # logs of variance ratios beyond this are 0 and infinity


def variance_ratio(sums: Statistics) -> float:
    """Variance of a case over that of a hospital's level (方差比), inf where hospitals are alike.

    With group effects projected out, the likelihood needs the hospitals only: with
    ``A = diag(N_h) - sum_g n_hg n_kg / N_g`` and ``b`` the cleared sums of logs by hospital,
    ``(N - G) log(yy - b'(A + k)^-1 b) + log det(A / k + 1)`` is least at the ratio ``k``.

    Raises:
        AssertionError: the sums hold no logs.
    """
    assert sums.log_cost is not None
    assert sums.log_squared is not None
    n, logs, squares = sums.cases, sums.log_cost, sums.log_squared
    groups = n.sum(axis=0)
    share = np.divide(n, groups, out=np.zeros_like(n), where=groups > 0)
    a = np.diag(n.sum(axis=1)) - share @ n.T
    b = logs.sum(axis=1) - share @ logs.sum(axis=0)
    yy = float(squares.sum() - np.nansum(ratio(logs.sum(axis=0) ** 2, groups)))
    freedom = float(groups.sum() - (groups > 0).sum())
    roots, axes = np.linalg.eigh(a)
    roots, along = np.maximum(roots, 0.0), (axes.T @ b) ** 2
    if freedom <= 0 or yy <= 0:
        return np.inf

    def slope(log_ratio: float) -> float:
        """Of the deviance along the log of the ratio."""
        k = np.exp(log_ratio)
        rest = max(yy - float((along / (roots + k)).sum()), 1e-300)
        grows = float((along / (roots + k) ** 2).sum())
        return float(k * freedom * grows / rest - (roots / (roots + k)).sum())

    if slope(_WIDEST) <= 0:
        return np.inf
    if slope(-_WIDEST) >= 0:
        return float(np.exp(-_WIDEST))
    return float(np.exp(brentq(slope, -_WIDEST, _WIDEST, xtol=1e-13)))


def factors(sums: Statistics, level: Floats, ratio_: float) -> Floats:
    """Hospitals' factors given the groups' levels: those of least squares, shrunk to 1.

    The mean of logs cleared of the groups' levels counts ``N / (N + k)`` in a hospital of ``N``
    cases. (R, G) -> (R, H).
    """
    cases = sums.cases.sum(axis=1)
    own = regression.factors(sums, level)
    counts = cases / (cases + ratio_) if np.isfinite(ratio_) else np.zeros_like(cases)
    return np.asarray(np.where(own > 0, own, 1.0) ** counts)
