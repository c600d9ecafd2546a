"""Policy search (政策寻优): the least change of rates, caps or bands that meets all targets.

Parameters move from what is in force to ``x`` so that ``sum(weight x ((x - now) / scale)^2)`` is
least and every outcome lies within its target. Outcomes come from any function, such as a
projection: nothing is known of its shape, so a convex solver has no place here. SLSQP of scipy
solves a sequence of quadratic programs: exact at once where outcomes are linear, as payments are
in rates, and quick where they are smooth. Kinks, such as bands and caps, are met by several fixed
starts, each first brought to where targets hold by bounded least squares. Values that may only be
multiples of a step are looked for around what the solver found. Of up to three figures with steps
all changes are tried outward from today's values, so that the least is found with proof. No random
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from budget.search.outward import countable, outward
from budget.search.rounding import on_grid
from budget.search.space import Evaluate, Parameter, Space, Target
from drg.errors import problem
from drg.language import say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluate", "Found", "Parameter", "Reached", "Target", "search", "trade_off"]

Floats = npt.NDArray[np.float64]


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
        proven: every smaller change was tried, so none of them meets the targets; where these are
            not met, all changes were.
    """

    feasible: bool
    parameters: dict[str, float]
    change: float
    outcomes: Mapping[str, float | Floats]
    reached: tuple[Reached, ...]
    evaluations: int
    message: str
    message_zh: str
    proven: bool = False


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
        evaluate: from parameters by name to outcomes by name, numbers or arrays, which may be
            worked out when they are asked for; the same parameters always give the same outcomes.
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
        raise problem(say("没有可以调整的内容", "nothing may change"), key="parameters")
    held = Space(evaluate, parameters, targets)
    few = countable(held)
    sought = _tried(held, tolerance, _FIRST) if few else _Sought(None, whole=False)
    if sought.met is not None:
        return _found(held, sought.met, tolerance, None, proven=True)
    points = held.starts(starts)
    if first is not None:
        at = np.array([first[one.name] for one in parameters])
        points.insert(0, np.clip((at - held.now) / held.steps, held.low, held.high))
    near = [held.nearest(point, step) for point in points]
    tried = [*near, *(held.least(point, step) for point in near)]
    if any(one.grid for one in parameters):
        tried = _rounded(held, tried, step, tolerance)
    good = [z for z in tried if _miss(held, z) <= tolerance]
    if good:
        best = min(good, key=held.change)
        again = _Sought(None, whole=False)
        if few:
            again = _tried(held, tolerance, _MOST, held.change(best))
        return _found(held, best if again.met is None else again.met, tolerance, None,
                      proven=again.whole or again.met is not None)  # fmt: skip
    if few:
        sought = _tried(held, tolerance, _MOST)
        if sought.met is not None:
            return _found(held, sought.met, tolerance, None, proven=True)
    best = _best(held, tried, step, tolerance)
    alone = []
    for target in targets:
        one = Space(lambda values: held.evaluate(values), parameters, [target])
        one.known = held.known
        apart = [one.nearest(z, step) for z in (best, *points)]
        if any(part.grid for part in parameters):
            apart = _rounded(one, apart, step, tolerance)
        alone.append(any(_miss(one, z) <= tolerance for z in apart))
    return _found(held, best, tolerance, alone, proven=sought.whole)


@dataclass(frozen=True)
class _Sought:
    """What trying outward came to: the least change that meets all, and whether all were tried."""

    met: Floats | None
    whole: bool


def _tried(held: Space, tolerance: float, most: int, below: float = np.inf) -> _Sought:
    """Try changes below one outward, at most so many."""
    for number, z in enumerate(outward(held)):
        if held.change(z) >= below - 1e-12:
            return _Sought(None, whole=True)
        if number == most:
            return _Sought(None, whole=False)
        if held.meets(z, tolerance):
            return _Sought(z, whole=False)
    return _Sought(None, whole=True)


def _best(held: Space, tried: list[Floats], step: float, tolerance: float) -> Floats:
    """Of points that miss targets the nearest to them, and closer where there is one closer."""

    def key(z: Floats) -> tuple[float, float]:
        return float((held.missed(z) ** 2).sum()), held.change(z)

    closer = [held.closest(min(tried, key=key), step)]
    if any(one.grid for one in held.parameters):
        closer = _rounded(held, closer, step, tolerance)
    return min([*tried, *closer], key=key)


_FIRST, _MOST = 300, 2000  # points tried outward before a solver is asked, and after it
_SEEDS = 2  # points whose surroundings are searched for multiples of the steps
_NEARLY = 1e-2  # a miss, in units of a target's scale, that multiples nearby may make good


def _rounded(held: Space, tried: list[Floats], step: float, tolerance: float) -> list[Floats]:
    """Points all of whose values are allowed, around the best of those that were found."""
    order = sorted(tried, key=lambda z: (max(_miss(held, z), _NEARLY), held.change(z)))
    seeds: list[Floats] = []
    for z in order:
        if not any(np.allclose(z, seed, atol=1e-3) for seed in seeds):
            seeds.append(z)
    return [on_grid(held, seed, step, tolerance) for seed in seeds[:_SEEDS]]


def _miss(held: Space, z: Floats) -> float:
    return float(max(-held.room(z).min(initial=0.0), 0.0))


def _found(
    held: Space, z: Floats, tolerance: float, alone: list[bool] | None, *, proven: bool
) -> Found:
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
                 len(held.known), en, zh, proven)  # fmt: skip


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
        raise problem(say("没有此目标", "no such target"), key="vary", found=vary)
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
