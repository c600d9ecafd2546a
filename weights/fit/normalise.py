"""Normalisation (权重标化): the scale on which weights are paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drg.errors import one_of, problem
from drg.language import say
from weights.cases.observations import Bools, Floats

METHODS = ("cmi", "neutral", "reference", "total", "none")


@dataclass(frozen=True)
class Normalise:
    """How levels in yuan become weights.

    Attributes:
        method: ``cmi`` case-mix index 1 over all cases (CMI = 1); ``neutral`` the same sum of
            weights as last year's table gives for these cases (预算中性); ``reference`` the level
            over a reference amount in yuan (InEK Bezugsgroesse); ``total`` a given sum of weights;
            ``none`` the level over the mean cost of the cases used.
        amount: yuan of weight 1 for ``reference``, or the sum of weights for ``total``.

    Raises:
        DrgError: the method is not known, or its amount is missing or not above 0.
    """

    method: str = "cmi"
    amount: float | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise problem(say("不是可用的取值", "not known"), key="normalise", found=self.method,
                          expected=one_of(METHODS))  # fmt: skip
        needed = self.method in ("reference", "total")
        if needed and not (self.amount is not None and 0 < self.amount < np.inf):
            raise problem(say("须给出大于 0 的数额", "needs an amount above 0"),
                          key=f"normalise {self.method}", found=self.amount)  # fmt: skip
        if not needed and self.amount is not None:
            raise problem(say("不需要数额", "takes no amount"), key=f"normalise {self.method}",
                          found=self.amount)  # fmt: skip

    def scale(self, level: Floats, cases: Floats, previous: Floats, mean_cost: float) -> float:
        """What levels are multiplied by when no limit binds.

        Args:
            level: levels in yuan, NaN without a weight. Shape (G,).
            cases: number of cases to be paid. Shape (G,).
            previous: last year's weights, NaN where there is none. Shape (G,).
            mean_cost: mean cost of the cases used in yuan.

        Raises:
            DrgError: there is no case with a weight, or none with a weight in last year's table.
        """
        if self.method == "none":
            return 1.0 / mean_cost
        if self.method == "reference":
            assert self.amount is not None
            return 1.0 / self.amount
        target, part = self.target(level, cases, previous)
        return target / float((cases * level)[part].sum())

    def target(self, level: Floats, cases: Floats, previous: Floats) -> tuple[float, Bools]:
        """Sum of weights to reach, and the groups over which it is taken."""
        part = np.isfinite(level) & (cases > 0)
        if self.method == "neutral":
            part &= np.isfinite(previous)
        if not part.any():
            neutral = self.method == "neutral"
            raise problem(say(f"没有病组既有病例又有{'上期' if neutral else ''}权重",
                              "no group has cases and a weight"
                              + (" in the previous table" if neutral else "")),
                          key=f"normalise {self.method}")  # fmt: skip
        n = cases[part]
        if self.method == "neutral":
            return float((n * previous[part]).sum()), part
        return (float(n.sum()) if self.method == "cmi" else float(self.amount or 0.0)), part

    def factor(
        self, weight: Floats, cases: Floats, previous: Floats, low: Floats, high: Floats
    ) -> float:
        """What weights are multiplied by so that, cut at their limits, they reach the target.

        With ``w(s) = clip(s * weight, low, high)`` the sum over cases grows with ``s``, piece by
        piece a line; the piece that holds the target gives ``s`` exactly. ``none`` and
        ``reference`` have no target: their scale is that of :meth:`scale` and stays.

        Args:
            weight: levels times :meth:`scale`, after the steps between; NaN for none. Shape (G,).
            cases: number of cases to be paid. Shape (G,).
            previous: last year's weights, NaN where there is none. Shape (G,).
            low: least weight. Shape (G,).
            high: largest weight. Shape (G,).

        Raises:
            DrgError: no scale reaches the target inside the limits.
        """
        if self.method in ("none", "reference"):
            return 1.0
        target, part = self.target(weight, cases, previous)
        x, n, floor, ceiling = weight[part], cases[part], low[part], high[part]
        least, most = float((n * floor).sum()), float((n * ceiling).sum())
        if not least * (1 - 1e-12) <= target <= most * (1 + 1e-12):
            raise problem(say("各病组的限制使权重总和无法达到要求",
                              "the limits of the groups leave no room for the sum of weights"),
                          found=f"{target:,.4f}", key=f"normalise {self.method}",
                          expected=say(f"{least:,.4f} 至 {most:,.4f}",
                                       f"{least:,.4f} to {most:,.4f}"))  # fmt: skip
        return _scale(x, n, floor, ceiling, target)


def _scale(x: Floats, n: Floats, low: Floats, high: Floats, target: float) -> float:
    """The ``s`` with ``sum(n * clip(s * x, low, high)) = target``."""
    knots = np.unique(np.concatenate([low / x, high / x]))
    knots = knots[np.isfinite(knots)]
    first, last = 0, len(knots)
    while first < last:  # the first knot at which the sum has reached the target
        middle = (first + last) // 2
        if float((n * np.clip(knots[middle] * x, low, high)).sum()) < target:
            first = middle + 1
        else:
            last = middle
    left = knots[first - 1] if first else 0.0
    right = knots[first] if first < len(knots) else np.inf
    inside = (low / x <= left) & (high / x >= right)
    at_floor = (low / x >= right) & ~inside
    at_ceiling = ~inside & ~at_floor
    free = float((n * x)[inside].sum())
    held = float((n * low)[at_floor].sum() + (n * high)[at_ceiling].sum())
    return (target - held) / free if free > 0 else float(right if np.isfinite(right) else left)
