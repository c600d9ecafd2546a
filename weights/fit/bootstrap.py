"""Uncertainty of weights (不确定性): the cluster bootstrap by hospital.

Cases of one hospital are alike, so hospitals are drawn, not cases (Davison and Hinkley 1997,
section 3.8). A replicate is a vector of how often each hospital is drawn; all replicates are
fitted at once from the sums by hospital and group. Trim bounds are those of the whole sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from drg.errors import one_of, problem
from drg.language import say
from weights.cases.observations import Floats

METHODS = ("t", "percentile", "bca")
Refit = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Bootstrap:
    """How replicates are drawn and read.

    Attributes:
        replicates: number of replicates.
        seed: seed of the draws; the same seed draws the same hospitals.
        method: ``t``, from the standard error of each weight and Student's distribution;
            ``percentile``, or ``bca`` bias-corrected and accelerated (Efron 1987), which refits
            once more without each hospital.
        level: coverage of the intervals.

    Raises:
        DrgError: a parameter is out of its range.
    """

    replicates: int = 200
    seed: int = 0
    method: str = "t"
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise problem(say("不是可用的取值", "not known"), key="interval", found=self.method,
                          expected=one_of(METHODS))  # fmt: skip
        for key, value, low, high in (
            ("replicates", self.replicates, 20, 100_000),
            ("seed", self.seed, 0, 2**63 - 1),
            ("level", self.level, 0.5, 0.999),
        ):
            if not low <= value <= high:
                raise problem(say("超出范围", "out of range"), key=key, found=value,
                              expected=say(f"{low:g} 至 {high:g}",
                                           f"{low:g} to {high:g}"))  # fmt: skip

    def draw(self, hospitals: int) -> Floats:
        """How often each hospital is drawn in each replicate. Shape (R, H).

        Raises:
            DrgError: there are fewer than two hospitals.
        """
        if hospitals < 2:
            raise problem(say("至少需要两家医疗机构才能抽样",
                              "needs at least two hospitals to draw from"), key="bootstrap",
                          found=hospitals)  # fmt: skip
        rng = np.random.default_rng(self.seed)
        share = np.full(hospitals, 1.0 / hospitals)
        return rng.multinomial(hospitals, share, self.replicates).astype(np.float64)

    def run(self, refit: Refit, hospitals: int, point: Floats) -> Interval:
        """Refit the replicates.

        Args:
            refit: weights (R, G) from multiplicities (R, H).
            hospitals: number of hospitals H.
            point: weights of the whole sample. Shape (G,).
        """
        drawn = refit(self.draw(hospitals))
        left_out = refit(1.0 - np.eye(hospitals)) if self.method == "bca" else None
        return Interval(self, point, drawn, left_out, hospitals)


@dataclass(frozen=True)
class Interval:
    """Replicates of weights, and intervals of whatever follows from weights.

    Attributes:
        how: how they were drawn.
        point: weights of the whole sample. Shape (G,).
        replicates: weights of each replicate, NaN where a group had no case. Shape (R, G).
        left_out: weights without each hospital, for BCa; else None. Shape (H, G).
        hospitals: number of hospitals drawn from.
        error: standard error of the log of each weight, NaN where only its replicates tell; None
            where there are only replicates. Shape (G,).
        freedom: its degrees of freedom. Shape (G,).
        limits: least and largest weight of each group. Shapes (G,).
    """

    how: Bootstrap
    point: Floats
    replicates: Floats
    left_out: Floats | None
    hospitals: int = 2
    error: Floats | None = None
    freedom: Floats | float = np.inf
    limits: tuple[Floats | float, Floats | float] = (0.0, np.inf)

    def of(self, function: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
        """Interval of what follows from weights, such as a hospital's case-mix index.

        Args:
            function: takes weights of shape (R, G), NaN where there is none, to values of shape
                (R,) or (R, K).

        Returns:
            Lower and upper limit, each of shape () or (K,).
        """
        values = function(self.replicates)
        point = function(self.point[None, :])[0]
        left_out = None if self.left_out is None else function(self.left_out)
        flat = values.reshape(len(values), -1)
        low, high = self._limits(
            flat, np.ravel(point),
            None if left_out is None else left_out.reshape(len(left_out), -1),
        )  # fmt: skip
        return low.reshape(np.shape(point)), high.reshape(np.shape(point))

    def weights(self) -> tuple[Floats, Floats]:
        """Intervals of the weights themselves, NaN for a group without. Shapes (G,).

        With ``t`` the weight times and over ``exp(t * error)``; a weight without an error of its
        own (carried on) has that of its replicates. Both are cut at the limits that hold for it.
        """
        low, high = self._limits(self.replicates, self.point, self.left_out)
        if self.how.method != "t" or self.error is None:
            return low, high
        reach = np.exp(np.minimum(self.quantile(self.freedom) * self.error, 50.0))
        own = np.isfinite(reach)
        return (np.clip(np.where(own, self.point / reach, low), *self.limits),
                np.clip(np.where(own, self.point * reach, high), *self.limits))  # fmt: skip

    def quantile(self, freedom: Floats | float) -> Floats:
        """Student's quantile of the level, by degrees of freedom."""
        return np.asarray(stdtrit(freedom, 0.5 + self.how.level / 2))

    def present(self) -> Floats:
        """Share of replicates in which each group has a weight. Shape (G,)."""
        return np.asarray(np.isfinite(self.replicates).mean(axis=0))

    def _limits(
        self, values: Floats, point: Floats, left_out: Floats | None
    ) -> tuple[Floats, Floats]:
        if self.how.method == "t":
            return self._by_spread(values, point)
        tail = (1.0 - self.how.level) / 2.0
        low = np.full(len(point), tail)
        high = np.full(len(point), 1.0 - tail)
        if left_out is not None:
            low, high = _corrected(values, point, left_out, tail)
        return _quantile(values, low, point), _quantile(values, high, point)

    def _by_spread(self, values: Floats, point: Floats) -> tuple[Floats, Floats]:
        """Point -+ t times the spread of the replicates; of logs where all are above 0."""
        known = np.isfinite(values)
        logs = np.all((values > 0) | ~known, axis=0) & (point > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = np.where(logs, np.log(np.where(known & logs, values, 1.0)), values)
            at = np.where(logs, np.log(np.where(logs, point, 1.0)), point)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, drawn, 0.0).sum(axis=0) / count
        squares = np.where(known, (drawn - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count - 1, 1)
        reach = self.quantile(self.hospitals - 1.0) * np.sqrt(
            squares * self.hospitals / (self.hospitals - 1.0)
        )
        low, high = at - reach, at + reach
        return np.where(logs, np.exp(low), low), np.where(logs, np.exp(high), high)


def _corrected(
    values: Floats, point: Floats, left_out: Floats, tail: float
) -> tuple[Floats, Floats]:
    """BCa levels of the quantiles to take. Shapes (K,)."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    with np.errstate(invalid="ignore"):
        share = ((values < point) & known).sum(axis=0) + 0.5 * ((values == point) & known).sum(
            axis=0
        )
        bias = ndtri(np.clip(share / count, 0.5 / count, 1.0 - 0.5 / count))
        present = np.isfinite(left_out)
        centre = np.where(present, left_out, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
        apart = np.where(present, centre - left_out, 0.0)
        spread = (apart**2).sum(axis=0)
        skew = (apart**3).sum(axis=0)
        pull = np.divide(skew, 6.0 * spread**1.5, out=np.zeros_like(skew), where=spread > 0)

        def level(z: float) -> Floats:
            return np.asarray(ndtr(bias + (bias + z) / (1.0 - pull * (bias + z))))

        return level(float(ndtri(tail))), level(float(ndtri(1.0 - tail)))


def _quantile(values: Floats, level: Floats, point: Floats) -> Floats:
    """Quantile ``level[k]`` of the finite values of column k, linear; NaN without a point."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.isfinite(values).sum(axis=0)
    place = np.clip(level, 0.0, 1.0) * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    columns = np.arange(values.shape[1])
    low, high = ordered[below, columns], ordered[above, columns]
    found = low + (high - low) * (place - below)
    return np.where((count > 0) & np.isfinite(point), found, np.nan)
