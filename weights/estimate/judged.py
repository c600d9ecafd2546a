"""Which estimator serves (择优): that whose levels of some hospitals foretell the others' better.

Where hospitals differ in cost level whatever they treat, clearing costs of it helps; where dear
hospitals are dear because of what they treat, clearing takes away what the groups cost. Which it
is shows in hospitals that the levels have not seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, ratio

_HALVES = 20
CLEARLY = 0.99  # so much of the plain means' error makes another estimator the better one
_FEWEST = 4
_CHANCE = 30.0  # cases of a group below which its means tell more of chance than of hospitals
Levels = Callable[[Floats], Floats]


def errors(sums: Statistics, ways: dict[str, Levels]) -> dict[str, float]:
    """Error of each way on the halves of the hospitals that it has not seen.

    The mean squared relative distance of its levels from the plain means of the other half, over
    twenty random halves, by cases, those of small groups for less. Halves are drawn by what
    hospitals have, not by name.

    Args:
        sums: sums by hospital and group.
        ways: levels (R, G) from multiplicities of hospitals (R, H), by name.

    Returns:
        Error by name; empty where fewer than four hospitals have cases, or no two share a group.
    """
    treating = np.flatnonzero(sums.cases.sum(axis=1) > 0)
    if len(treating) < _FEWEST:
        return {}
    totals = sums.cost.sum(axis=1), sums.cases.sum(axis=1)
    treating = treating[np.lexsort([total[treating] for total in totals])]
    rng = np.random.default_rng(0)
    half = np.zeros((_HALVES, len(sums.hospitals)))
    for row in half:
        row[rng.permutation(treating)[: len(treating) // 2]] = 1.0
    seen = np.concatenate([half, 1.0 - half])
    unseen = 1.0 - seen
    n, cost = unseen @ sums.cases, unseen @ sums.cost
    mean, unit = ratio(cost, n), sums.mean_cost
    trust = np.minimum(n, seen @ sums.cases)
    trust = trust**2 / (trust + _CHANCE)
    if not trust.any():
        return {}
    found = {}
    for name, way in ways.items():
        level = way(seen)
        both = (trust > 0) & np.isfinite(level) & np.isfinite(mean)
        weight, level = np.where(both, trust, 0.0), np.where(both, level, 0.0)
        actual = np.where(both, mean, 0.0)
        scale = ratio((weight * actual).sum(axis=1), (weight * level).sum(axis=1))
        apart = np.where(both, (level * scale[:, None] - actual) / unit, 0.0)
        found[name] = float(np.sqrt((weight * apart**2).sum() / weight.sum()))
    return found
