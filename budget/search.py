"""Policy search (政策寻优): the least change of rates, caps or bands that meets all targets.

Parameters move from what is in force to ``x`` so that ``sum(weight x ((x - now) / scale)^2)`` is
least and every outcome lies within its target. Outcomes come from any function, such as a
projection: nothing is known of its shape, so a convex solver has no place here. SLSQP of scipy
solves a sequence of quadratic programs: exact at once where outcomes are linear, as payments are
in rates, and quick where they are smooth. Kinks, such as bands and caps, are met by several fixed
starts, each first brought to where targets hold by bounded least squares. No random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drg.errors import problem

if TYPE_CHECKING:
    import pandas as pd

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
    """

    name: str
    now: float
    low: float
    high: float
    scale: float = 0.0
    weight: float = 1.0
    zh: str = ""
    en: str = ""

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            DrgError: the value in force is not inside it, or a number does not make sense.
        """
        if not self.low < self.high or not self.low <= self.now <= self.high:
            raise problem("not inside its range", key=self.name, found=self.now,
                          expected=f"{self.low:g} to {self.high:g}")  # fmt: skip
        if self.weight <= 0 or self.scale < 0:
            raise problem("weight and scale are above 0", key=self.name)

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
    """

    outcome: str
    low: float | None = None
    high: float | None = None
    scale: float = 0.0
    zh: str = ""
    en: str = ""

    def room(self, value: float | Floats) -> Floats:
        """What is left to each bound in units of the scale, negative where it is missed. (N,)."""
        held = np.ravel(np.asarray(value, np.float64))
        bounds = [(bound, sign) for bound, sign in ((self.low, 1.0), (self.high, -1.0))
                  if bound is not None]  # fmt: skip
        parts = [(held - bound) * sign / (self.scale or abs(bound) or 1.0)
                 for bound, sign in bounds]  # fmt: skip
        room = np.concatenate(parts) if parts else np.zeros(0)
        return np.asarray(np.where(np.isfinite(room), np.clip(room, -_WORST, _WORST), -_WORST))


@dataclass(frozen=True)
class Reached:
    """How a target stands.

    Attributes:
        target: the target.
        value: the outcome; of many numbers the one that is nearest to or furthest beyond a bound.
        met: it is met.
        binding: it is met just so.
        gap: how much is missing, in the outcome's unit; 0 when it is met.
        alone: when not all targets can be met: whether this one could be by itself.
    """

    target: Target
    value: float
    met: bool
    binding: bool
    gap: float
    alone: bool | None = None


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        feasible: all targets are met; else the parameters are the nearest attainable.
        parameters: what they should be, by name.
        change: weighted squared change.
        outcomes: what they lead to.
        reached: how each target stands.
        evaluations: how often the outcomes were worked out.
        message: in one line, what came out; English.
        message_zh: the same in Chinese.
    """

    feasible: bool
    parameters: dict[str, float]
    change: float
    outcomes: Mapping[str, float | Floats]
    reached: tuple[Reached, ...]
    evaluations: int
    message: str
    message_zh: str


class _Search:
    """Parameters in units of their steps from now; outcomes worked out once for each point."""

    def __init__(
        self, evaluate: Evaluate, parameters: Sequence[Parameter], targets: Sequence[Target]
    ) -> None:
        self.evaluate, self.parameters, self.targets = evaluate, parameters, tuple(targets)
        steps = np.array([one.step for one in parameters])
        now = np.array([one.now for one in parameters])
        self.steps, self.now = steps, now
        self.low = (np.array([one.low for one in parameters]) - now) / steps
        self.high = (np.array([one.high for one in parameters]) - now) / steps
        self.weights = np.array([one.weight for one in parameters])
        self.known: dict[bytes, Mapping[str, float | Floats]] = {}

    def values(self, z: Floats) -> dict[str, float]:
        held = np.clip(z, self.low, self.high) * self.steps + self.now
        return {one.name: float(np.clip(value, one.low, one.high))
                for one, value in zip(self.parameters, held, strict=True)}  # fmt: skip

    def outcomes(self, z: Floats) -> Mapping[str, float | Floats]:
        key = np.asarray(z + 0.0).tobytes()
        if key not in self.known:
            found = self.evaluate(self.values(z))
            for target in self.targets:
                if target.outcome not in found:
                    raise problem("no such outcome", key=target.outcome,
                                  expected="one of " + ", ".join(found))  # fmt: skip
            self.known[key] = found
        return self.known[key]

    def room(self, z: Floats) -> Floats:
        held = self.outcomes(z)
        parts = [target.room(held[target.outcome]) for target in self.targets]
        return np.concatenate([np.zeros(0), *parts])

    def slope(self, z: Floats, step: float) -> Floats:
        """Derivatives of the room, one-sided and away from a bound. Shape (N, parameters)."""
        here, columns = self.room(z), []
        for i in range(len(z)):
            move = step if z[i] + step <= self.high[i] else -step
            there = z.copy()
            there[i] += move
            columns.append((self.room(there) - here) / move)
        return np.stack(columns, 1)

    def change(self, z: Floats) -> float:
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
                             bounds=(self.low, self.high), xtol=1e-12, ftol=1e-14, gtol=1e-14,
                             max_nfev=100)  # fmt: skip
        return np.asarray(done.x)

    def least(self, start: Floats, step: float) -> Floats:
        """The least change that keeps the targets, from a start."""
        from scipy.optimize import minimize

        limits = {"type": "ineq", "fun": self.room, "jac": lambda z: self.slope(z, step)}
        done = minimize(
            self.change, start, jac=lambda z: 2.0 * self.weights * z, method="SLSQP",
            bounds=list(zip(self.low, self.high, strict=True)),
            constraints=[limits] if len(self.room(start)) else [],
            options={"ftol": 1e-12, "maxiter": 200},
        )  # fmt: skip
        return np.clip(done.x, self.low, self.high) if np.isfinite(done.x).all() else start


def search(
    evaluate: Evaluate,
    parameters: Sequence[Parameter],
    targets: Sequence[Target],
    *,
    starts: int = 6,
    step: float = 1e-4,
    tolerance: float = 1e-6,
    first: Mapping[str, float] | None = None,
) -> Found:
    """Search for the least change that meets the targets.

    Args:
        evaluate: from parameters by name to outcomes by name, numbers or arrays; the same
            parameters always give the same outcomes.
        parameters: what may change.
        targets: what must hold.
        starts: number of starts; more find more where outcomes have kinks.
        step: of differences, in units of a parameter's scale; outcomes rounded to the fen ask for
            1e-3 or more.
        tolerance: a miss, in units of a target's scale, that counts as none.
        first: values to start from as well, such as a neighbour's.

    Raises:
        DrgError: there is nothing to change, or no such outcome.
    """
    if not parameters:
        raise problem("nothing may change", key="parameters")
    held = _Search(evaluate, parameters, targets)
    points = held.starts(starts)
    if first is not None:
        at = np.array([first[one.name] for one in parameters])
        points.insert(0, np.clip((at - held.now) / held.steps, held.low, held.high))
    near = [held.nearest(point, step) for point in points]
    tried = [*near, *(held.least(point, step) for point in near)]
    good = [z for z in tried if _miss(held, z) <= tolerance]
    if good:
        return _found(held, min(good, key=held.change), tolerance, None)
    best = min(tried, key=lambda z: (_squared(held, z), held.change(z)))
    alone = []
    for target in targets:
        one = _Search(lambda values: held.evaluate(values), parameters, [target])
        one.known = held.known
        alone.append(any(_miss(one, one.nearest(z, step)) <= tolerance for z in (best, *points)))
    return _found(held, best, tolerance, alone)


def _miss(held: _Search, z: Floats) -> float:
    return float(max(-held.room(z).min(initial=0.0), 0.0))


def _squared(held: _Search, z: Floats) -> float:
    return float((np.minimum(held.room(z), 0.0) ** 2).sum())


def _found(held: _Search, z: Floats, tolerance: float, alone: list[bool] | None) -> Found:
    outcomes = held.outcomes(z)
    reached = []
    for place, target in enumerate(held.targets):
        value = np.ravel(np.asarray(outcomes[target.outcome], np.float64))
        room = target.room(value)
        worst = int(room.argmin()) if len(room) else 0
        miss = -float(room[worst]) if len(room) else 0.0
        bound = target.low if worst < len(value) and target.low is not None else target.high
        shown = float(value[worst % len(value)])
        gap = abs(shown - (bound or 0.0)) if miss > tolerance else 0.0
        reached.append(Reached(target, shown, miss <= tolerance, abs(miss) <= max(tolerance, 1e-5),
                               gap, None if alone is None else alone[place]))  # fmt: skip
    en, zh = _message(reached)
    return Found(alone is None, held.values(z), held.change(z), outcomes, tuple(reached),
                 len(held.known), en, zh)  # fmt: skip


def _message(reached: list[Reached]) -> tuple[str, str]:
    missed = [one for one in reached if not one.met]
    if not missed:
        return "all targets are met", "全部目标可达"
    never = [one for one in missed if one.alone is False]
    told = never or missed
    en = "; ".join(f"{o.target.en or o.target.outcome}: nearest {o.value:,.6g}, {o.gap:,.6g} short"
                   for o in told)  # fmt: skip
    zh = "；".join(f"{o.target.zh or o.target.outcome}：最近可达 {o.value:,.6g}，差 {o.gap:,.6g}"
                  for o in told)  # fmt: skip
    if never:
        return f"cannot be met within the ranges: {en}", f"在允许范围内无法达到：{zh}"
    return (
        f"each target can be met alone, not all together: {en}",
        f"各目标可单独达到，不能同时达到：{zh}",
    )


def trade_off(
    evaluate: Evaluate,
    parameters: Sequence[Parameter],
    targets: Sequence[Target],
    vary: str,
    bounds: Sequence[float],
    **options: float,
) -> pd.DataFrame:
    """The trade-off curve (权衡曲线): the least change for each bound of one target.

    Args:
        evaluate: as for :func:`search`.
        parameters: what may change.
        targets: what must hold; the one of outcome ``vary`` gets each bound in turn, in place of
            its low one if it has one, else of its high one.
        vary: outcome of that target.
        bounds: its bounds, in the order of the curve.
        **options: starts, step and tolerance of :func:`search`.

    Returns:
        A row a bound: target, bound, feasible, change, parameters, outcomes of targets, message.

    Raises:
        DrgError: no target has that outcome.
    """
    import pandas as pd

    if vary not in {one.outcome for one in targets}:
        raise problem("no such target", key="vary", found=vary)
    rows, last = [], None
    for bound in bounds:
        held = [
            one if one.outcome != vary
            else replace(one, low=bound) if one.low is not None else replace(one, high=bound)
            for one in targets
        ]  # fmt: skip
        found = search(evaluate, parameters, held, first=last, **options)  # type: ignore[arg-type]
        last = found.parameters
        rows.append({"target": vary, "bound": bound, "feasible": found.feasible,
                     "change": found.change, **found.parameters,
                     **{one.target.outcome: one.value for one in found.reached},
                     "message": found.message, "message_zh": found.message_zh})  # fmt: skip
    return pd.DataFrame(rows)
