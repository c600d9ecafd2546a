"""Weights of small groups, held near what they would be without any one of their cases.

In a group of fewer than 25 cases one wrong bill would be most of the weight. No case may move it
by more than 30%: a cost that comes to ten times what the others of its group cost, as one does
that is a hundred times too large, counts for nothing, and with every other cost the weight is at
most so far from what it would be without it that losing it moves it by no more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weights.cases.observations import Bools, Floats, Ints
from weights.table.families import Families

FEW = 25  # cases below which a group is held
TELLS = 3  # the fewest cases of which one can be told wrong by the others
_RELATIVES = 10.0  # cases of others of an ADRG below which they do not say what a group costs
# Logs by which a level may lie below and above what it is without a case: 1 / 0.7 and 1.3, and
# a little room for what a case moves besides.
_BELOW, _ABOVE = 0.24, 0.32
# Logs from the others up to which a case counts in full, and from which it counts for nothing.
_NEAR, _GONE = 1.6, 2.3
# So many standard errors from its MDC and kind one case without relatives is believed no more; how
# far ADRGs usually stray from these. A constant, as one that is estimated would carry each move of
# another group's cost.
_SURE, _STRAY = 6.5, 0.55


@dataclass(frozen=True)
class Singles:
    """Costs of the groups of fewer than ``FEW`` cases, one by one, before any trimming.

    Attributes:
        group: place of each case's group. Shape (K,).
        logs: log of its cost in yuan, cleared of its hospital's level, less what the log of a case
            lies below that of the mean on average. Shape (K,).
    """

    group: Ints
    logs: Floats


def without_relatives(cases: Floats, families: Families, before: Floats | None) -> Bools:
    """Groups whose ADRG has fewer than ten cases of others, and no level of last year. Shape (G,).

    Args:
        cases: number of cases. Shape (G,).
        families: the groups' families.
        before: log cost by last year's table, NaN for none, where groups are drawn to it; or None.
    """
    others = np.bincount(families.family, cases)[families.family] - cases
    known = np.zeros(len(cases), np.bool_) if before is None else np.isfinite(before)
    return np.asarray((others < _RELATIVES - 1e-6) & ~known)


def held(level: Floats, centre: Floats, z: Floats, singles: Singles, lone: Bools) -> Floats:
    """Levels of small groups, held near what they would be without any one of their cases.

    Without case i a group of n cases is at ``centre * exp(z_i m_i)``, where ``m_i`` is the mean of
    the other cases' logs over the centre, and ``z_i = z (n - 1) / (n - z)`` the share that fewer
    cases have. A case counts in full up to 1.6 logs from the group's median and for nothing from
    2.3 on (ten times). The level is held between 0.24 below and 0.32 above each of these, and
    beside a case that counts for nothing close to it: within 0.0096 a case of the group, 0.12 at
    most; the other two bounds are narrower by that. Where bounds contradict it is taken midway.

    Of two cases the one nearer to the centre counts in full, the other by what it is apart from the
    nearer of both; each is cut so that there is no contradiction. Of one case ``m_i`` is 0: it
    moves the group by these bounds at most. But where the ADRG has fewer than ten cases of other
    groups, so that nothing near says what the group costs, two are not cut, and one counts in full,
    up to half of 6.5 standard errors from the centre, 0.55 / sqrt(z) each, then less, and for
    nothing at 6.5.

    Args:
        level: shrunk levels in yuan. Shape (G,).
        centre: log cost that is suggested for each group, NaN for none. Shape (G,).
        z: share of the group's own level. Shape (G,).
        singles: the cases.
        lone: groups that :func:`without_relatives` finds. Shape (G,).
    """
    usable = (np.isfinite(centre) & (level > 0))[singles.group]
    logs = (singles.logs - centre[singles.group])[usable]
    order = np.lexsort((logs, singles.group[usable]))
    logs, places = logs[order], singles.group[usable][order]
    if not len(places):
        return level
    groups, first, group, number = np.unique(
        places, return_index=True, return_inverse=True, return_counts=True
    )
    n, lone, z = number[group], lone[places], z[places]
    twice = (logs[first + (number - 1) // 2] + logs[first + number // 2])[group]
    away, other = np.abs(logs), twice - logs
    apart = np.abs(logs - twice / 2)
    further = np.where(away > np.abs(other), np.minimum(away, np.abs(logs - other)), 0.0)
    apart = np.where(n == 1, away, np.where(n == 2, further, apart))
    counts = np.clip((_GONE - apart) / (_GONE - _NEAR), 0.0, 1.0)
    share, close = z * (n - 1) / np.maximum(n - z, 1e-9), np.minimum(_BELOW / FEW * n, _BELOW / 2)
    most = ((_BELOW + _ABOVE) / 2 - close) / np.maximum(share, 1e-9)
    cut = np.where((n == 2) & ~lone, most, np.inf)
    drawn = counts * np.clip(logs, -cut, cut)
    rest = np.bincount(group, counts)[group] - counts
    others = np.bincount(group, drawn)[group] - drawn
    says = rest > 1e-9
    without = share * np.divide(others, rest, out=np.zeros_like(rest), where=says)
    low = without - close - counts * (_BELOW - 2 * close)
    high = without + close + counts * (_ABOVE - 2 * close)
    believed, one = z * np.maximum(_SURE * _STRAY / np.sqrt(z) - away, 0.0), (n == 1) & lone
    low = np.where(one, np.minimum(low, -believed), low)
    high = np.where(one, np.maximum(high, believed), high)
    says |= n == 1
    low = np.maximum.reduceat(np.where(says, low, -np.inf), first)
    high = np.minimum.reduceat(np.where(says, high, np.inf), first)
    own = np.log(level[groups]) - centre[groups]
    new = np.clip(own, low, high)
    against = low > high
    new[against] = (low[against] + high[against]) / 2
    found = level.copy()
    moved = new != own
    found[groups[moved]] = np.exp(centre[groups] + new)[moved]
    return found
