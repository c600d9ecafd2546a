"""How far values of families stray from their means beyond their noise, which no value decides.

The variance is the root of the estimating equation of Paule and Mandel (Journal of Research of the
National Bureau of Standards 87:377, 1982), with residuals that count less the further out they lie
(Huber, Annals of Mathematical Statistics 35:73, 1964).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from weights.cases.observations import Floats, Ints

LEAST, _MOST = 1e-8, 25.0
USUAL = 0.03  # the variance where nothing tells of it
# Residuals count in full up to so many standard deviations, beyond by their logarithm, a tenth:
# ever more, so that the least sum is at one place only. Of normal ones ``_KEPT`` of the squares.
_BOUND, _BEYOND, _KEPT = 2.0, 0.1, 0.92651255
_STEPS = 60


def _pull(rest: Floats) -> tuple[Floats, Floats, Floats]:
    """What standardised residuals count for: the loss, its slope and its curvature."""
    size = np.abs(rest)
    beyond = np.flatnonzero(size > _BOUND)
    loss, slope, curve = rest**2 / 2, rest.copy(), np.ones(len(rest))
    far = size[beyond]
    grown = np.log(far / _BOUND)
    loss[beyond] = _BOUND**2 / 2 + _BOUND * (
        (far - _BOUND) * (1 - _BEYOND) + _BEYOND * far * grown)  # fmt: skip
    slope[beyond] = np.sign(rest[beyond]) * _BOUND * (1 + _BEYOND * grown)
    curve[beyond] = _BOUND * _BEYOND / far
    return loss, slope, curve


def _located(
    values: Floats, sd: Floats, family: Ints, design: Floats, counts: Floats,
    start: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Means of families and coefficients of the design of least loss, and residuals over ``sd``.

    The loss is strictly convex, so Newton's steps, halved while they do not help, find its one
    least point.
    """
    size = int(family.max(initial=-1)) + 1
    trust = counts / sd**2
    means, steps = start or (
        _over(sum_of(family, values * trust, size), sum_of(family, trust, size)),
        np.zeros(design.shape[1]),
    )

    def rests(means: Floats, steps: Floats) -> Floats:
        return np.asarray((values - means[family] - design @ steps) / sd)

    rest = rests(means, steps)
    loss, slope, curve = _pull(rest)
    for _ in range(_STEPS):
        weight, pull = curve * trust, slope * counts / sd
        sums = sum_of(family, weight, size)
        push = sum_of(family, pull, size)
        x = [sum_of(family, weight * column, size) for column in design.T]
        change, shift = steps, push
        if x:
            centred = design - np.stack([_over(one, sums)[family] for one in x], axis=1)
            right = centred.T @ (pull - weight * _over(push, sums)[family])
            left = (centred * weight[:, None]).T @ centred
            change = np.asarray(np.linalg.lstsq(left, right, None)[0], np.float64)
            shift = push - change @ np.stack(x)
        shift = _over(shift, sums)
        part = 1.0
        while True:
            new = rests(means + part * shift, steps + part * change)
            then = _pull(new)
            if part < 1e-6 or (counts * (then[0] - loss)).sum() <= 1e-13 * (counts * loss).sum():
                break
            part /= 2
        means, steps, rest = means + part * shift, steps + part * change, new
        loss, slope, curve = then
        if max(np.abs(shift).max(initial=0.0), np.abs(change).max(initial=0.0)) < 1e-13:
            break
    return means, steps, rest


def sum_of(family: Ints, values: Floats | None = None, size: int = 0) -> Floats:
    """Sum of the values of each family, or their number. Shape (F,)."""
    return np.asarray(np.bincount(family, values, size), np.float64)


def _over(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def spread_of(
    values: Floats, noise: Floats, family: Ints, design: Floats, counts: Floats
) -> tuple[float, Floats, Floats]:
    """Variance about the means of families beyond the noise, those means, and coefficients.

    The variance is NaN where no family has two values to tell it by.
    """
    size = int(family.max(initial=-1)) + 1
    rank = 0
    if design.size:
        number = np.maximum(sum_of(family, None, size), 1)
        means = [(sum_of(family, x, size) / number)[family] for x in design.T]
        rank = int(np.linalg.matrix_rank(design - np.stack(means, axis=1)))
    free = len(values) - len(np.unique(family))
    if free - rank <= 0:
        sd = np.sqrt(noise + USUAL)
        return (np.nan, *_located(values, sd, family, design, counts)[:2])

    near: list[tuple[Floats, Floats]] = []

    def excess(spread: float) -> float:
        trust = counts / (noise + spread)
        means, steps, rest = _located(values, np.sqrt(noise + spread), family, design, counts,
                                      near[-1] if near else None)  # fmt: skip
        near.append((means, steps))
        left = 1.0 - trust / sum_of(family, trust, size)[family]
        expected = _KEPT * float((counts * left).sum()) * (free - rank) / free
        return float((counts * _pull(rest)[1] ** 2).sum()) / expected - 1.0

    found = _root(excess)
    return (found, *_located(values, np.sqrt(noise + found), family, design, counts)[:2])


def _root(excess: Callable[[float], float]) -> float:
    """Where a falling function of a variance is 0, within the bounds for variances."""
    if excess(LEAST) <= 0:
        return LEAST
    if excess(_MOST) >= 0:
        return _MOST
    return float(np.exp(brentq(lambda at: excess(float(np.exp(at))), np.log(LEAST),
                               np.log(_MOST), xtol=1e-10)))  # fmt: skip
