"""Severity order (严重程度倒挂): a graver group is never paid less than a lighter one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weights.cases.observations import Bools, Floats, Ints
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
    above, below = families.pairs()
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
    al. 1972). Computed by the min-max formula, over all ADRGs at once.

    Args:
        level: levels or weights, NaN where there is none. Shape (G,).
        cases: number of cases. Shape (G,).
        families: ADRG and severity of the groups.
    """
    ladders = families.ladders()
    result = np.array(level)
    if not ladders:
        return result
    places = _padded(ladders)
    valid = (places >= 0) & np.isfinite(level[places])
    value = np.where(valid, level[places], 0.0)
    count = np.where(valid, np.maximum(cases[places], _LEAST_CASES), 0.0)
    fitted = _isotonic(value, count)
    touched = _wrong(value, valid)
    rows, columns = np.nonzero(valid & touched[:, None])
    result[places[rows, columns]] = fitted[rows, columns]
    return result


def _padded(ladders: tuple[Ints, ...]) -> Ints:
    """Ladders as rows of one array, -1 where a row is shorter."""
    places = np.full((len(ladders), max(map(len, ladders))), -1, np.int32)
    for row, ladder in zip(places, ladders, strict=True):
        row[: len(ladder)] = ladder
    return places


def _wrong(value: Floats, valid: Bools) -> Bools:
    """Ladders with any step in the wrong order; the others keep their bits."""
    lowest = np.where(valid, value, np.inf)
    lowest = np.minimum.accumulate(lowest, axis=1)
    return np.asarray((valid[:, 1:] & (value[:, 1:] > lowest[:, :-1])).any(axis=1))


def _blocks(values: Floats) -> list[Floats]:
    """Sums from each first column on; differences of sums would lose a group of few cases."""
    return [values[:, first:].cumsum(axis=1) for first in range(values.shape[1])]


def _isotonic(value: Floats, count: Floats) -> Floats:
    """Non-increasing fit of each row: the max-min of block means. Shapes (A, L)."""
    length = value.shape[1]
    cases, total = _blocks(count), _blocks(value * count)
    fitted = np.full(value.shape, np.nan)
    for i in range(length):
        best = np.full(len(value), np.inf)
        for first in range(i + 1):
            worst = np.full(len(value), -np.inf)
            for last in range(i, length):
                n = cases[first][:, last - first]
                mean = np.divide(total[first][:, last - first], n,
                                 out=np.full(len(value), -np.inf), where=n > 0)  # fmt: skip
                worst = np.maximum(worst, mean)
            best = np.minimum(best, worst)
        fitted[:, i] = best
    return np.asarray(np.minimum.accumulate(fitted, axis=1))
