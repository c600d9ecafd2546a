"""Estimates of what a case of each group costs relative to others (相对费用), from sums alone.

All methods are one scheme: costs are cleared of a factor of each hospital, the group
means of what is left are taken, the factors are found again from them, until nothing moves. They
differ in how the factor is found:

==========  =====================================================  ===============================
method      factor of hospital h                                   source
==========  =====================================================  ===============================
mean        1                                                      NHSA, CHS-DRG technical standard
geometric   1, means of logs                                       robust to dear cases
hsrv        mean cost of h over its case-mix index                 RAND; proposed by CMS for FY2007
regression  least squares of log cost on group and hospital        two-way analysis of variance
mixed       the same, shrunk to 1 where a hospital is small        linear mixed model, REML
gamma       Gamma GLM with log link on group and hospital          McCullagh and Nelder (1989)
judged      that of mean or hsrv which foretells others better     :mod:`weights.estimate.judged`
==========  =====================================================  ===============================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from drg.errors import one_of, problem
from drg.language import say
from weights.cases.observations import Floats
from weights.cases.statistics import Statistics, ratio
from weights.estimate import gamma, hsrv, judged, mixed, regression

METHODS = ("mean", "geometric", "hsrv", "regression", "gamma", "mixed", "judged")
SMEARINGS = ("group", "overall")
_NEEDS_LOGS = ("geometric", "regression", "mixed")
_FACTORS = {"hsrv": hsrv.factors, "regression": regression.factors, "gamma": gamma.factors}
# After so many rounds HSRV's equations are solved, of so many samples at most.
_SLOW, _SOLVED = 25, 50
_CLEARING = (*_FACTORS, "mixed")


@dataclass(frozen=True)
class Fit:
    """What an estimator found. ``R`` is one more axis in front when several samples are fitted.

    Attributes:
        level: relative cost of a case in yuan, on the scale of the mean; NaN without cases.
            Shape (R, G) or (G,).
        factor: cost level of each hospital, case-weighted geometric mean 1. Shape (R, H) or (H,).
        iterations: rounds until the fixed point.
        change: largest relative change of a level in the last round.
    """

    level: Floats
    factor: Floats
    iterations: int
    change: float


@dataclass(frozen=True)
class Estimator:
    """Relative cost by group (权重测算方法).

    Attributes:
        method: ``mean`` arithmetic mean (算术均数), ``geometric`` geometric mean (几何均数),
            ``hsrv`` hospital-specific relative values (医院特异性相对值法), ``regression``
            log-linear with hospital effects (对数线性回归), ``gamma`` Gamma GLM (伽马回归),
            ``mixed`` log-linear with random hospital effects (混合效应模型), ``judged`` mean or
            hsrv, whichever foretells hospitals that it has not seen better (择优).
        smearing: how ``regression`` and ``mixed`` come back from logs (Duan 1983): the mean
            residual factor of each ``group``, or one ``overall``.
        tolerance: relative change of a level at which the rounds end.
        most: most rounds.

    Raises:
        DrgError: a parameter is not one of its values.
    """

    method: str = "mean"
    smearing: str = "group"
    tolerance: float = 1e-12
    most: int = 10_000

    def __post_init__(self) -> None:
        for key, value, known in (("method", self.method, METHODS),
                                  ("smearing", self.smearing, SMEARINGS)):  # fmt: skip
            if value not in known:
                raise problem(say("不是可用的取值", "not known"), key=key, found=value,
                              expected=one_of(known))  # fmt: skip
        if not 0 < self.tolerance < 0.1:
            raise problem(say("超出范围", "out of range"), key="tolerance", found=self.tolerance,
                          expected=say("大于 0、小于 0.1", "above 0 and below 0.1"))  # fmt: skip
        if self.most < 1:
            raise problem(say("超出范围", "out of range"), key="most rounds", found=self.most,
                          expected=say("不小于 1", "1 or more"))  # fmt: skip

    @property
    def needs_logs(self) -> bool:
        """The method works on logs of single costs."""
        return self.method in _NEEDS_LOGS

    @property
    def with_hospitals(self) -> bool:
        """The method clears costs of the hospitals' levels."""
        return self.method in _CLEARING

    def settled(self, sums: Statistics) -> tuple[Estimator, dict[str, float]]:
        """The method itself, and the errors by which ``judged`` has chosen it."""
        if self.method != "judged":
            return self, {}
        quick = replace(self, tolerance=max(self.tolerance, 1e-7))

        def levels(name: str, times: Floats) -> Floats:
            return replace(quick, method=name).fit(sums, times).level

        found = judged.errors(sums, {name: partial(levels, name) for name in ("mean", "hsrv")})
        clears = bool(found) and found["hsrv"] < judged.CLEARLY * found["mean"]
        return replace(self, method="hsrv" if clears else "mean"), found

    def fit(
        self, sums: Statistics, multiplicity: Floats | None = None, start: Fit | None = None
    ) -> Fit:
        """Fit the levels, of one sample or of many resampled ones at once.

        Args:
            sums: sums by hospital and group.
            multiplicity: how often each hospital stands in each sample. Shape (R, H).
            start: a fit of the whole sample to start from.

        Raises:
            DrgError: the method needs single cases and has aggregates.
        """
        if self.method == "judged":
            return self.settled(sums)[0].fit(sums, multiplicity, start)
        if self.needs_logs and sums.log_cost is None:
            raise problem(say("需要单病例费用，不能用带例数列的汇总数据",
                              "needs the cost of single cases, not totals with the column cases"),
                          key=f"method {self.method}")  # fmt: skip
        times = np.ones((1, len(sums.hospitals))) if multiplicity is None else multiplicity
        fit = _Rounds(self, sums, times).run(start)
        return fit if multiplicity is not None else Fit(
            fit.level[0], fit.factor[0], fit.iterations, fit.change
        )  # fmt: skip


class _Rounds:
    """One estimation over R samples; arrays are (R, G) by group and (R, H) by hospital."""

    def __init__(self, estimator: Estimator, sums: Statistics, times: Floats) -> None:
        self._how = estimator
        self._sums = sums
        self._telling = sums.telling
        self._times = times
        self._n = times @ sums.cases
        self._hospital_cases = sums.cases.sum(axis=1)
        self._logs = estimator.needs_logs
        self._ratio = mixed.variance_ratio(self._telling) if estimator.method == "mixed" else 0.0
        self._total = sums.log_cost if self._logs else sums.cost

    def run(self, start: Fit | None) -> Fit:
        factor = np.ones_like(self._times)
        if start is not None and self._how.with_hospitals:
            factor = np.broadcast_to(start.factor, self._times.shape).copy()
        level = self._levels(factor)
        iterations, change = 0, 0.0
        if self._how.with_hospitals:
            while iterations < self._how.most:
                if iterations == _SLOW and self._how.method == "hsrv":
                    factor = self._solved(factor)
                    level = self._levels(factor)
                seen = np.where(np.isfinite(level), level, 0.0)
                factor = self._scaled(self._factors(seen))
                new = self._levels(factor)
                with np.errstate(invalid="ignore"):
                    moved = np.abs(new / level - 1.0)
                change = float(np.nanmax(moved)) if np.isfinite(moved).any() else 0.0
                level, iterations = new, iterations + 1
                if change <= self._how.tolerance:
                    break
        return Fit(self._back(level, factor), factor, iterations, change)

    def _solved(self, factor: Floats) -> Floats:
        """Factors at the fixed point itself, of few samples whose rounds come to it slowly."""
        if len(self._times) > _SOLVED:
            return factor
        found = [hsrv.solved(self._telling, times) for times in self._times]
        return self._scaled(np.stack([
            own if one is None else one for own, one in zip(factor, found, strict=True)
        ]))  # fmt: skip

    def _factors(self, level: Floats) -> Floats:
        if self._how.method == "mixed":
            return mixed.factors(self._telling, level, self._ratio)
        return _FACTORS[self._how.method](self._telling, level)

    def _levels(self, factor: Floats) -> Floats:
        """Group means of costs cleared of the hospitals' factors."""
        assert self._total is not None
        if not self._logs:
            return ratio((self._times / factor) @ self._total, self._n)
        cleared = self._times @ self._total - (self._times * np.log(factor)) @ self._sums.cases
        return np.asarray(np.exp(ratio(cleared, self._n)))

    def _scaled(self, factor: Floats) -> Floats:
        """Factors with case-weighted geometric mean 1, which fixes the free scale of the two."""
        weight = self._times * self._hospital_cases
        usable = np.isfinite(factor) & (factor > 0)
        factor = np.where(usable, factor, 1.0)
        middle = (weight * np.log(factor)).sum(axis=1) / weight.sum(axis=1)
        return np.asarray(factor / np.exp(middle)[:, None])

    def _back(self, level: Floats, factor: Floats) -> Floats:
        """Levels in yuan of the arithmetic mean, whose case-weighted sum is the cost."""
        if self._how.method in ("regression", "mixed") and self._how.smearing == "group":
            level = ratio((self._times / factor) @ self._sums.cost, self._n)
        cost = (self._times @ self._sums.cost).sum(axis=1)
        implied = np.nansum(level * self._n, axis=1)
        return np.asarray(level * (cost / implied)[:, None])
