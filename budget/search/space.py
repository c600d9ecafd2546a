"""What a search moves in (搜索空间): parameters with ranges and steps, targets, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drg.errors import one_of, problem
from drg.language import say

Floats = npt.NDArray[np.float64]
Evaluate = Callable[[dict[str, float]], Mapping[str, "float | Floats"]]
_WORST = 1e6


@dataclass(frozen=True)
class Parameter:
    """What may change.

    Attributes:
        name: its name, such as ``rate.3`` or ``pools.employee.growth``.
        now: value in force.
        low: least value allowed.
        high: greatest value allowed.
        scale: a change that counts as 1; by default a tenth of the range.
        weight: how much its change counts.
        zh: Chinese name.
        en: English name.
        grid: only multiples of it, and ``now``, are values it may have; 0 for any value.
    """

    name: str
    now: float
    low: float
    high: float
    scale: float = 0.0
    weight: float = 1.0
    zh: str = ""
    en: str = ""
    grid: float = 0.0

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            DrgError: the value in force is not inside it, or a number does not make sense.
        """
        if not self.low < self.high or not self.low <= self.now <= self.high:
            raise problem(say("不在其范围内", "not inside its range"), key=self.name,
                          found=self.now,
                          expected=say(f"{self.low:g} 至 {self.high:g}",
                                       f"{self.low:g} to {self.high:g}"))  # fmt: skip
        if self.weight <= 0 or self.scale < 0 or self.grid < 0:
            raise problem(say("weight 和 scale 须大于 0", "weight and scale are above 0"),
                          key=self.name)  # fmt: skip

    @property
    def step(self) -> float:
        """A change that counts as 1."""
        return self.scale or (self.high - self.low) / 10.0


@dataclass(frozen=True)
class Target:
    """What an outcome must meet. An outcome of many numbers, such as gains, must in each.

    Attributes:
        outcome: name of the outcome.
        low: least value, or None.
        high: greatest value, or None.
        scale: a miss that counts as 1; by default the size of the bound, or 1 for 0.
        zh: Chinese name.
        en: English name.
        effort: how much work its outcome is; of several the least is asked first.
    """

    outcome: str
    low: float | None = None
    high: float | None = None
    scale: float = 0.0
    zh: str = ""
    en: str = ""
    effort: int = 0

    def room(self, value: float | Floats) -> Floats:
        """What is left to each bound in units of the scale, negative where it is missed. (N,)."""
        held = np.ravel(np.asarray(value, np.float64))
        bounds = [(bound, sign) for bound, sign in ((self.low, 1.0), (self.high, -1.0))
                  if bound is not None]  # fmt: skip
        parts = [(held - bound) * sign / (self.scale or abs(bound) or 1.0)
                 for bound, sign in bounds]  # fmt: skip
        room = np.concatenate(parts) if parts else np.zeros(0)
        return np.asarray(np.where(np.isfinite(room), np.clip(room, -_WORST, _WORST), -_WORST))


class Space:
    """Parameters in units of their steps from now; outcomes worked out once for each point."""

    def __init__(
        self, evaluate: Evaluate, parameters: Sequence[Parameter], targets: Sequence[Target]
    ) -> None:
        """Prepare; nothing is worked out yet."""
        self.evaluate, self.parameters, self.targets = evaluate, parameters, tuple(targets)
        steps = np.array([one.step for one in parameters])
        now = np.array([one.now for one in parameters])
        self.steps, self.now = steps, now
        self.low = (np.array([one.low for one in parameters]) - now) / steps
        self.high = (np.array([one.high for one in parameters]) - now) / steps
        self.weights = np.array([one.weight for one in parameters])
        self.axes = [_allowed(one.now, one.low, one.high, one.grid, one.step) for one in parameters]
        rough = any(one.grid for one in parameters)  # multiples of steps need no more
        self.most = 7 if rough else 100
        self.precision = 1e-5 if rough else 1e-12
        self.known: dict[bytes, Mapping[str, float | Floats]] = {}

    def values(self, z: Floats) -> dict[str, float]:
        """The parameters at a point."""
        held = np.clip(z, self.low, self.high) * self.steps + self.now
        return {one.name: one.now if not move else min(max(_plain(value), one.low), one.high)
                for one, value, move in zip(self.parameters, held, z, strict=True)}  # fmt: skip

    def outcomes(self, z: Floats) -> Mapping[str, float | Floats]:
        """What a point leads to, worked out once."""
        key = np.asarray(z + 0.0).tobytes()
        if key not in self.known:
            found = self.evaluate(self.values(z))
            for target in self.targets:
                if target.outcome not in found:
                    raise problem(say("没有此结果", "no such outcome"), key=target.outcome,
                                  expected=one_of(found))  # fmt: skip
            self.known[key] = found
        return self.known[key]

    def room(self, z: Floats) -> Floats:
        """What is left to each bound of each target. Shape (N,)."""
        held = self.outcomes(z)
        parts = [target.room(held[target.outcome]) for target in self.targets]
        return np.concatenate([np.zeros(0), *parts])

    def meets(self, z: Floats, tolerance: float) -> bool:
        """Whether all targets are met; after one that is not, no other outcome is worked out."""
        held = self.outcomes(z)
        return all(
            target.room(held[target.outcome]).min(initial=0.0) >= -tolerance
            for target in sorted(self.targets, key=lambda one: one.effort)
        )

    def missed(self, z: Floats) -> Floats:
        """How far each target is missed, by the worst of its numbers. Shape (targets,)."""
        held = self.outcomes(z)
        return np.array([
            max(-float(target.room(held[target.outcome]).min(initial=0.0)), 0.0)
            for target in self.targets
        ])  # fmt: skip

    def slope(self, z: Floats, step: float) -> Floats:
        """Derivatives of the room, one-sided and away from a bound. Shape (N, parameters)."""
        here, columns = self.room(z), []
        for i, one in enumerate(self.parameters):
            move = max(step, one.grid / one.step)
            move = move if z[i] + move <= self.high[i] else -move
            there = z.copy()
            there[i] += move
            columns.append((self.room(there) - here) / move)
        return np.stack(columns, 1)

    def change(self, z: Floats) -> float:
        """Weighted squared change, which is to be least."""
        return float(self.weights @ z**2)

    def starts(self, count: int) -> list[Floats]:
        """Now, the middle of the range, then points spread evenly over it (Halton)."""
        from scipy.stats import qmc

        spread = qmc.Halton(len(self.now), scramble=False).random(max(count - 1, 1) + 1)[1:]
        points = self.low + (self.high - self.low) * spread
        return [np.zeros(len(self.now)), *points][:count]

    def nearest(self, start: Floats, step: float) -> Floats:
        """Where targets are missed least, from a start."""
        from scipy.optimize import least_squares

        if not len(self.room(start)) or self.room(start).min() >= 0:
            return start
        inside = np.clip(start, self.low + 1e-9, self.high - 1e-9)

        def slopes(z: Floats) -> Floats:
            return np.asarray(np.where((self.room(z) < 0)[:, None], self.slope(z, step), 0.0))

        done = least_squares(lambda z: np.minimum(self.room(z), 0.0), inside, jac=slopes,
                             bounds=(self.low, self.high), xtol=self.precision,
                             ftol=self.precision / 100, gtol=self.precision / 100,
                             max_nfev=self.most)  # fmt: skip
        return np.asarray(done.x)

    def least(self, start: Floats, step: float) -> Floats:
        """The least change that keeps the targets, from a start."""
        from scipy.optimize import minimize

        limits = {"type": "ineq", "fun": self.room, "jac": lambda z: self.slope(z, step)}
        done = minimize(
            self.change, start, jac=lambda z: 2.0 * self.weights * z, method="SLSQP",
            bounds=list(zip(self.low, self.high, strict=True)),
            constraints=[limits] if len(self.room(start)) else [],
            options={"ftol": self.precision, "maxiter": 2 * self.most},
        )  # fmt: skip
        return np.clip(done.x, self.low, self.high) if np.isfinite(done.x).all() else start

    def closest(self, start: Floats, step: float) -> Floats:
        """Where the worst miss of each target, squared and summed, is least, from a start."""
        from scipy.optimize import minimize

        room, size, missed = self.room(start), len(start), self.missed(start)
        if not len(room) or room.min() >= 0:
            return start
        counts = [len(target.room(self.outcomes(start)[target.outcome])) for target in self.targets]
        of = np.repeat(np.eye(len(counts)), counts, axis=0)
        done = minimize(
            lambda x: float((x[size:] ** 2).sum()), np.concatenate([start, missed]),
            jac=lambda x: np.concatenate([np.zeros(size), 2.0 * x[size:]]), method="SLSQP",
            bounds=[*zip(self.low, self.high, strict=True), *((0.0, None) for _ in missed)],
            constraints=[{
                "type": "ineq", "fun": lambda x: self.room(x[:size]) + of @ x[size:],
                "jac": lambda x: np.hstack([self.slope(x[:size], step), of]),
            }], options={"ftol": self.precision, "maxiter": self.most},
        )  # fmt: skip
        found = np.clip(done.x[:size], self.low, self.high)
        return found if np.isfinite(found).all() else start


def _allowed(now: float, low: float, high: float, grid: float, step: float) -> Floats | None:
    """Values that a parameter may have, in units of ``step`` from ``now``; None for any.

    They are the multiples of ``grid`` between ``low`` and ``high``, and ``now``.
    """
    if not grid:
        return None
    first, last = np.ceil(low / grid - 1e-9), np.floor(high / grid + 1e-9)
    values = np.arange(first, last + 1) * grid
    near = np.isclose(values, now, rtol=0, atol=grid * 1e-9)
    return np.asarray((np.unique(np.append(values[~near], now)) - now) / step)


def _plain(value: float) -> float:
    """The number without the last digits that adding and multiplying leaves."""
    return float(f"{value:.14g}")
