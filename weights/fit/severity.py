"""Severity order (严重程度倒挂): a graver group is never paid less than a lighter one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weights.cases.observations import Floats
from weights.table.families import Families

_LEAST_CASES = 1e-30  # of a group without cases that has a weight all the same: it gives way


@dataclass(frozen=True)
class Inversion:
    """A graver group that weighs less than a lighter one of its ADRG (权重倒挂)."""

    adrg: str
    graver: str
    lighter: str
    graver_weight: float
    lighter_weight: float


def inversions(weight: Floats, families: Families) -> tuple[list[Inversion], int]:
    """Pairs in the wrong order, and how many pairs were compared.

    Args:
        weight: weights, NaN where there is none. Shape (G,).
        families: ADRG and severity of the groups.

    Returns:
        The inversions in the order of the groups, and the number of pairs of one ADRG whose groups
        both have a weight.
    """
    above, below = families.pairs
    both = np.isfinite(weight[above]) & np.isfinite(weight[below])
    above, below = above[both], below[both]
    wrong = weight[above] < weight[below]
    found = [
        Inversion(families.names[families.family[a]], families.groups[a], families.groups[b],
                  float(weight[a]), float(weight[b]))
        for a, b in zip(above[wrong], below[wrong], strict=True)
    ]  # fmt: skip
    return sorted(found, key=lambda pair: (pair.adrg, pair.graver, pair.lighter)), len(above)


def ordered(level: Floats, cases: Floats, families: Families) -> Floats:
    """Levels in order of severity, nearest to those given (保序回归, pooling adjacent violators).

    Inside an ADRG the case-weighted isotonic regression: neighbours in the wrong order get their
    common case-weighted mean, so the cost of the ADRG stays the same (Ayer et al. 1955; Barlow et
    al. 1972).

    Args:
        level: levels or weights, NaN where there is none. Shape (G,).
        cases: number of cases. Shape (G,).
        families: ADRG and severity of the groups.
    """
    from scipy.optimize import isotonic_regression

    result = np.array(level)
    for ladder in families.ladders:
        places = ladder[np.isfinite(level[ladder])]
        value = level[places]
        if (np.diff(value) > 0).any():  # the others keep their bits
            count = np.maximum(cases[places], _LEAST_CASES)
            result[places] = isotonic_regression(value, weights=count, increasing=False).x
    return result
