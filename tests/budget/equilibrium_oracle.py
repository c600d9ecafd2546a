"""Equilibrium of a point pool (点数法均衡): reactions meet through the value of a point.

Hospitals react to the value of a point, and the value is what their points make of the pool's
money: ``v = F(v)``, such as ``F(v) = B / Q(v)``. Closed forms are beside the solvers. Projections,
which settle the year again and again, are held against them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from drg.errors import DrgError, problem

Floats = npt.NDArray[np.float64]
Map = Callable[[float], float]
_EXACT = 1e-15
_DOUBLINGS = 60
_ROUNDS = 200
_STEP = 1e-4
_WIDEST = 50.0  # logs that a value may lie from the static one


@dataclass(frozen=True)
class Equilibrium:
    """Where reactions and the value of a point agree.

    Attributes:
        value: value of a point.
        points: points of the pool at this value.
        static: value of a point if nobody reacted.
        elasticity: of the new value to the value that hospitals expect, at the equilibrium; 0
            without response, below 1 where the equilibrium is stable.
        calls: how often the reaction was worked out.
    """

    value: float
    points: float
    static: float
    elasticity: float
    calls: int


def equilibrium(amount: float, points: float, react: Map) -> Equilibrium:
    """Solve ``v = B / Q(v)``.

    Args:
        amount: money B of the pool in yuan, with what patients and others bear of its cases.
        points: points Q0 if nobody reacts.
        react: points Q(v) that hospitals bring at the value v they expect.

    Raises:
        DrgError: money or points are not above 0, or there is no stable equilibrium.
    """
    for name, held in (("amount", amount), ("points", points)):
        if not (np.isfinite(held) and held > 0):
            raise problem("must be above 0", key=name, found=held)
    static = amount / points

    def value_of(value: float) -> float:
        found = react(value)
        if not (np.isfinite(found) and found > 0):
            raise problem("the reaction brings no points", key="points", found=found,
                          expected=f"above 0 at the value {value:.6g}")  # fmt: skip
        return amount / found

    value, elasticity, calls = fixed_point(value_of, static)
    return Equilibrium(value, amount / value_of(value), static, elasticity, calls)


def fixed_point(value_of: Map, start: float) -> tuple[float, float, int]:
    """Solve ``v = F(v)`` by a bracket in log v and Brent's method.

    Args:
        value_of: F, the value of a point that follows when hospitals expect v.
        start: the static value; it is given back bit for bit when nobody reacts.

    Returns:
        The value, the elasticity of F there, and the number of calls of F.

    Raises:
        DrgError: F is not finite and above 0, or there is no stable fixed point.
    """
    calls = 0

    def excess(log_value: float) -> float:
        nonlocal calls
        calls += 1
        found = value_of(float(np.exp(log_value)))
        if not (np.isfinite(found) and found > 0):
            raise problem("the point value that follows is not above 0", key="point_value",
                          found=found)  # fmt: skip
        return float(np.log(found)) - log_value

    if not (np.isfinite(start) and start > 0):
        raise problem("must be above 0", key="point_value", found=start)
    calls += 1
    value = start
    if value_of(start) != start:
        origin = float(np.log(start))
        first = excess(origin)
        low, high = _bracket(excess, origin, first)
        if low < high:
            root = brentq(excess, low, high, xtol=_EXACT, rtol=4 * np.finfo(float).eps,
                          maxiter=_ROUNDS)  # fmt: skip
            value = float(np.exp(root))
    at = float(np.log(value))
    slope = (excess(at + _STEP) - excess(at - _STEP)) / (2 * _STEP)
    if slope >= 0.0:
        raise _unstable(value)
    return value, slope + 1.0, calls


def _bracket(excess: Callable[[float], float], origin: float, first: float) -> tuple[float, float]:
    """Two logs between which the excess changes its sign from above to below."""
    if first == 0.0:
        return origin, origin
    toward = 1.0 if first > 0 else -1.0
    near, step = origin, max(abs(first), 1e-12)
    for _ in range(_DOUBLINGS):
        far = near + toward * min(step, 20.0)
        if abs(far - origin) > _WIDEST:
            break
        if excess(far) * toward <= 0:
            return min(near, far), max(near, far)
        near, step = far, step * 2
    raise _unstable(float(np.exp(origin)))


def _unstable(value: float) -> DrgError:
    return problem(
        "no stable equilibrium: points fall as fast as the value rises, or faster (elasticity at "
        "or below -1)", key="point_value", found=f"{value:.6g}",
    )  # fmt: skip


def fixed_points(
    value_of: Callable[[Floats], Floats], start: Floats, *, accuracy: float = 1e-13
) -> Floats:
    """The same for many pools or draws at once, each with a value of its own.

    Bracketed false position (Illinois) in log v, which is exact after two steps where elasticities
    are constant.

    Args:
        value_of: F, element by element. Shape (...).
        start: static values, given back bit for bit where nobody reacts. Shape (...).
        accuracy: relative accuracy.

    Raises:
        DrgError: one of them has no stable fixed point, or F is not above 0.
    """
    start = np.asarray(start, np.float64)

    def checked(values: Floats) -> Floats:
        found = np.asarray(value_of(values), np.float64)
        bad = ~(np.isfinite(found) & (found > 0))
        if bad.any():
            raise problem("the point value that follows is not above 0", key="point_value",
                          found=found[bad].ravel()[0])  # fmt: skip
        return found

    followed = checked(start)
    quiet = followed == start
    if quiet.all():
        return start
    near = np.log(start)
    at_near = np.where(quiet, 0.0, np.log(followed) - near)
    toward = np.sign(at_near)
    far, at_far = near, at_near
    step = np.maximum(np.abs(at_near), 1e-12)
    for _ in range(_DOUBLINGS):
        open_ = at_far * toward > 0
        if not open_.any():
            break
        near, at_near = np.where(open_, far, near), np.where(open_, at_far, at_near)
        far = np.where(open_, far + toward * np.minimum(step, 20.0), far)
        if np.abs(far - np.log(start)).max() > _WIDEST:
            raise _unstable(float(start[np.asarray(open_)].ravel()[0]))
        at_far = np.where(quiet, 0.0, np.log(checked(np.exp(far))) - far)
        step = step * 2
    else:
        raise _unstable(float(start.ravel()[0]))
    found = _illinois(checked, near, at_near, far, at_far, accuracy)
    return np.asarray(np.where(quiet, start, np.exp(found)))


def _illinois(
    value_of: Callable[[Floats], Floats], a: Floats, at_a: Floats, b: Floats, at_b: Floats,
    accuracy: float,
) -> Floats:  # fmt: skip
    """Roots between a and b in logs; the function has opposite signs there, or is zero at b."""
    for turn in range(_ROUNDS):
        done = (np.abs(at_b) <= accuracy) | (np.abs(b - a) <= accuracy)
        if done.all():
            return b
        gap = at_b - at_a
        between = b - at_b * np.divide(b - a, gap, out=np.zeros(gap.shape), where=gap != 0)
        between = (a + b) / 2 if turn % 8 == 7 else between  # however the curve bends
        between = np.where(done, b, between)
        found = np.where(done, at_b, np.log(value_of(np.exp(between))) - between)
        crossed = found * at_b < 0
        a = np.where(crossed, b, a)
        at_a = np.where(crossed, at_b, np.where(done, at_a, at_a / 2))
        b, at_b = between, found
    raise problem("the point value did not settle", key="point_value",
                  found=f"{float(np.abs(at_b).max()):.2g} off in relative terms")  # fmt: skip


def elastic_value(amount: float, points: float, value: float, elasticity: float) -> float:
    """Point value when points react with ``Q = Q0 * (v / v0)^e``.

    Args:
        amount: money B of the pool.
        points: points Q0 at the value v0.
        value: v0.
        elasticity: e, above -1.

    Returns:
        ``v0 * (B / (v0 * Q0))^(1 / (1 + e))``.

    Raises:
        DrgError: e is at or below -1: each fall of the value brings more points, without end.
    """
    if not elasticity > -1.0:
        raise problem("no stable equilibrium", key="elasticity", found=elasticity,
                      expected="above -1")  # fmt: skip
    return float(value * (amount / (value * points)) ** (1.0 / (1.0 + elasticity)))


@dataclass(frozen=True)
class Race:
    """Outcome of a race for points (冲点).

    Attributes:
        points: points of each hospital, 0 for those whose cost of a point is above the value.
            Shape (N,).
        value: value of a point.
    """

    points: Floats
    value: float


def race(amount: float, cost: npt.ArrayLike) -> Race:
    """Each hospital chooses its points, given the others', where a point is worth ``B / Q``.

    Hospital i earns ``q_i * B / Q - c_i * q_i``. With n hospitals in the race ``v = sum(c) / (n -
    1)`` and ``q_i = (B / v) * (1 - c_i / v)``; those with ``c_i >= v`` stay out. For N identical
    ones ``Q = B (N - 1) / (N c)`` and ``v = c N / (N - 1)``: the value falls to a hair above cost.

    Args:
        amount: money B of the pool.
        cost: cost of a point of each hospital. Shape (N,).

    Raises:
        DrgError: there are fewer than two hospitals, or a cost or the money is not above 0.
    """
    costs = np.asarray(cost, np.float64)
    if costs.ndim != 1 or len(costs) < 2:
        raise problem(
            "a race needs hospitals", key="cost", found=costs.size, expected="two or more"
        )
    if not (np.isfinite(costs) & (costs > 0)).all():
        raise problem("must be above 0", key="cost", found=costs.min())
    if not (np.isfinite(amount) and amount > 0):
        raise problem("must be above 0", key="amount", found=amount)
    ordered = np.sort(costs)
    count = np.arange(1, len(costs) + 1)
    values = np.cumsum(ordered)[1:] / (count[1:] - 1)  # with the 2, 3, ... cheapest
    inside = int(np.flatnonzero(ordered[1:] < values).max(initial=0)) + 2
    value = float(values[inside - 2])
    return Race(amount / value * np.maximum(1.0 - costs / value, 0.0), value)


def best_reply(amount: float, others: float, cost: float) -> float:
    """Points that earn a hospital most, given those of the others: ``sqrt(B * others / c)`` less
    ``others``, not below 0.
    """
    return max(float(np.sqrt(amount * others / cost)) - others, 0.0)
