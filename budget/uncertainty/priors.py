"""Uncertain drivers (不确定因素): what is not known of the next years, each with its distribution.

Every number stands for a deviation from the path that is projected, so 0 means "as projected". A
driver has its own stream of random numbers: adding one does not move the draws of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from drg.errors import one_of, problem
from drg.language import both, say

Floats = npt.NDArray[np.float64]

# Numbers that may be uncertain: Chinese, English. Growth is a share a year, 0.01 for 1%.
DRIVERS: dict[str, tuple[str, str]] = {
    "volume": ("病例数增长", "growth of cases"),
    "case_mix": ("病例组合变动", "growth of the case-mix index by more cases of heavy groups"),
    "input_cost": ("投入价格增长", "growth of the cost of a case"),
    "rate": ("支付标准增长", "growth of payment standards"),
    "pool_growth": ("基金池增长", "growth of the pools' money"),
    "volume_response": ("病例数对价格的反应", "elasticity of cases to the price of their group"),
    "coding": ("编码上调", "growth of standards by coding alone, without true change"),
    "cost_response": ("次均费用的反应", "change of the cost of a case in response to the payment"),
}
# What is uncertain for every group by itself.
BY_GROUP: dict[str, tuple[str, str]] = {
    "weights": ("权重", "relative weights"),
    "group_volume": ("各病组例数", "cases of each group"),
    "group_cost": ("各病组费用", "cost of a case of each group"),
}
_NUMBERS = {"fixed": 1, "uniform": 2, "triangular": 3, "normal": 2, "lognormal": 2}
_KINDS_ZH = {"fixed": "定值", "uniform": "均匀分布", "triangular": "三角分布", "normal": "正态分布",
             "lognormal": "对数正态分布"}  # fmt: skip
# append only: places are part of the seed
_STREAMS = (*DRIVERS, *BY_GROUP, "volume_tier", "sampling", "sampling_groups")


@dataclass(frozen=True)
class Uncertain:
    """A number that is not known.

    Attributes:
        kind: ``fixed`` (value), ``uniform`` (low, high), ``triangular`` (low, mode, high),
            ``normal`` (mean, standard deviation) or ``lognormal`` (mean, coefficient of variation).
        values: its parameters in that order.
        source: where they come from.
    """

    kind: str
    values: tuple[float, ...]
    source: str = ""

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            DrgError: the kind is not known or the parameters do not make sense.
        """
        if self.kind not in _NUMBERS:
            raise problem(say("不是可用的取值", "not known"), key="kind", found=self.kind,
                          expected=one_of(_NUMBERS))  # fmt: skip
        v = self.values
        good = len(v) == _NUMBERS[self.kind] and bool(np.isfinite(v).all())
        if good and self.kind in ("uniform", "triangular"):
            good = all(a <= b for a, b in pairwise(v))
        elif good and self.kind in ("normal", "lognormal"):
            good = v[1] >= 0 and (self.kind == "normal" or v[0] > 0)
        if not good:
            raise problem(say("参数不合理", "parameters do not fit"), key=self.kind, found=v)

    def __str__(self) -> str:
        """Kind and parameters, in both languages."""
        numbers = [f"{v:.4g}" for v in self.values]
        return both(f"{_KINDS_ZH[self.kind]} {'，'.join(numbers)}",
                    f"{self.kind} {', '.join(numbers)}")  # fmt: skip

    def at(self, unit: Floats) -> Floats:
        """Quantiles: ``unit`` between 0 and 1, the same shape comes back."""
        v = self.values
        if self.kind == "fixed" or (v[0] == v[-1] and self.kind in ("uniform", "triangular")):
            return np.full(unit.shape, v[0])
        if self.kind == "uniform":
            return np.asarray(v[0] + unit * (v[1] - v[0]))
        if self.kind == "triangular":
            low, mode, high = v
            left = low + np.sqrt(unit * (high - low) * (mode - low))
            right = high - np.sqrt((1.0 - unit) * (high - low) * (high - mode))
            return np.where(unit * (high - low) < mode - low, left, right)
        score = ndtri(np.clip(unit, 1e-12, 1.0 - 1e-12))
        if self.kind == "normal":
            return np.asarray(v[0] + v[1] * score)
        spread = np.sqrt(np.log1p(v[1] ** 2))
        return np.asarray(v[0] * np.exp(spread * score - spread**2 / 2.0))


def fixed(value: float, source: str = "") -> Uncertain:
    """A number that is known."""
    return Uncertain("fixed", (value,), source)


def uniform(low: float, high: float, source: str = "") -> Uncertain:
    """Anything between two numbers alike."""
    return Uncertain("uniform", (low, high), source)


def triangular(low: float, mode: float, high: float, source: str = "") -> Uncertain:
    """Between two numbers, most likely at a third."""
    return Uncertain("triangular", (low, mode, high), source)


def normal(mean: float, sd: float, source: str = "") -> Uncertain:
    """A normal distribution."""
    return Uncertain("normal", (mean, sd), source)


@dataclass(frozen=True)
class Priors:
    """What is uncertain; left out is certain.

    Attributes:
        drivers: names of :data:`DRIVERS` -> their distribution.
        volume_tier: growth of cases of each tier on top of ``volume``, drawn independently; its
            distribution.
        weights: bootstrap replicates of the weights, NaN for none. Shape (R, G). Each draw takes
            one of them. Or a coefficient of variation, a number or (G,), of log-normal weights.
        group_volume: standard deviation of the logarithm of cases, a year, by group: a number or
            shape (G,). Each year has its own; a group's deviation is what they add up to.
        group_cost: the same of the cost of a case.
        persistence: correlation of what a group has in one year with what it has in the next; 1
            where the same comes again every year.
        sampling: who falls ill is drawn, where the path knows its cases (病例抽样波动).
        responds: which groups react to their price (1) or not (0); a number or shape (G,).
        cost_years: years until the cost response is complete.
    """

    drivers: Mapping[str, Uncertain] = field(default_factory=dict)
    volume_tier: Uncertain | None = None
    weights: Floats | float | None = None
    group_volume: Floats | float | None = None
    group_cost: Floats | float | None = None
    persistence: float = 0.0
    sampling: bool = False
    responds: Floats | float = 1.0
    cost_years: int = 1

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            DrgError: a driver is not known.
        """
        for name in self.drivers:
            if name not in DRIVERS:
                raise problem(say("不是可用的取值", "not known"), key="drivers", found=name,
                              expected=one_of(DRIVERS))  # fmt: skip
        if self.cost_years < 1:
            raise problem(say("超出范围", "out of range"), key="cost_years", found=self.cost_years,
                          expected=say("不小于 1", "1 or more"))  # fmt: skip
        if not 0.0 <= self.persistence <= 1.0:
            raise problem(say("超出范围", "out of range"), key="persistence",
                          found=self.persistence, expected=say("0 至 1", "0 to 1"))  # fmt: skip

    @property
    def uncertain(self) -> tuple[str, ...]:
        """Names of all that is uncertain, for a sensitivity analysis."""
        named = [name for name, one in self.drivers.items() if one.kind != "fixed"]
        named += ["volume_tier"] * (self.volume_tier is not None)
        named += [name for name in BY_GROUP if getattr(self, name) is not None]
        return (*named, *["sampling"] * self.sampling)


def title(name: str) -> tuple[str, str]:
    """Chinese and English name of what is uncertain."""
    if name == "volume_tier":
        return "各级别病例数增长", "growth of cases of each tier"
    if name == "sampling":
        return "病例抽样波动", "chance of who falls ill"
    return (DRIVERS | BY_GROUP)[name]


def stream(seed: int, name: str, chunk: int = 0, *parts: int) -> np.random.Generator:
    """Random numbers of one driver, chunk of draws and part of it, whatever else is drawn."""
    key = (_STREAMS.index(name), chunk, *parts)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


class Numbers:
    """Random numbers that several simulations of one seed have in common, each made once.

    They are kept up to so many bytes; what is more is made anew each time, and is the same.
    """

    def __init__(self, most: int = 1 << 28) -> None:
        """Keep at most so many bytes."""
        self.left = most
        self.kept: dict[tuple[object, ...], npt.NDArray[Any]] = {}

    def __call__(
        self, key: tuple[object, ...], made: Callable[[], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        """The numbers of a key, read only where they are kept."""
        held = self.kept.get(key)
        if held is None:
            held = made()
            if held.nbytes <= self.left:
                self.left -= held.nbytes
                held.flags.writeable = False
                self.kept[key] = held
        return held
