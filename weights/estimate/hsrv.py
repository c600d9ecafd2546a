"""Hospital-specific relative values (医院特异性相对值法): a hospital's mean cost over its case mix.

Source: RAND (Carter and Rogowski), proposed by CMS for FY2007.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, connected_sets, ratio

_MOST = 2_000  # hospitals


def solved(sums: Statistics, times: Floats) -> Floats | None:
    """Hospitals' factors at the fixed point, of one sample; None where it is not one.

    With ``u`` for one over a factor the two equations are linear: levels ``C'u / n``, and
    ``u = (N level) / c``. The sum of ``c u`` stays the same in them, which fixes the scale; where
    hospitals hang together there is one solution, which rounds would come to slowly when the links
    are weak.

    Args:
        sums: sums by hospital and group.
        times: how often each hospital stands in the sample. Shape (H,).
    """
    used = np.flatnonzero((times > 0) & (sums.cost.sum(axis=1) > 0))
    n, cost, times = sums.cases[used], sums.cost[used], times[used]
    if not 0 < len(used) <= _MOST or connected_sets(replace(sums, cases=n)) != 1:
        return None
    groups = times @ n
    held = groups > 0
    spread = (n[:, held] / groups[held]) @ (times[:, None] * cost[:, held]).T
    weight = times * cost.sum(axis=1)
    whole = np.eye(len(used)) - spread / cost.sum(axis=1)[:, None] + weight / weight.sum()
    inverse = np.linalg.solve(whole, np.ones(len(used)))
    if not (np.isfinite(inverse) & (inverse > 0)).all():
        return None
    found = np.ones(len(sums.hospitals))
    found[used] = 1.0 / inverse
    return found


def factors(sums: Statistics, level: Floats) -> Floats:
    """Hospitals' factors given the groups' levels, 0 where a group has none. (R, G) -> (R, H)."""
    expected = level @ sums.cases.T
    return ratio(np.broadcast_to(sums.cost.sum(axis=1), expected.shape), expected)
