"""A small model of payment by a rate (费率法), to fit responses without a settled year.

A tier is one group: a mean cost, a case-mix index and a rate. Gains and losses of its groups
cancel out, so the model sees a smaller pull on costs than a settlement by group does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drg.errors import problem
from drg.language import say

_KNOWN = (
    "case_mix.change", "price.change", "coding.creep", "coding.true_share", "intensity.loss",
    "intensity.gain", "intensity.level",
)  # fmt: skip


@dataclass(frozen=True)
class Tier:
    """A tier of hospitals before the reform.

    Attributes:
        cost: mean cost per case in yuan (次均费用).
        index: case-mix index (CMI).
        rate: yuan of one unit of weight (费率).
    """

    cost: float
    index: float
    rate: float


@dataclass(frozen=True)
class RateModel:
    """Mean cost per case of each tier under payment ``rate * weight``.

    The rule alone leaves the billed cost as it is: patients are billed by item, and the rate only
    says what the hospital gets for it. With ``P`` the payment and ``c`` the cost::

        c  = cost * (1 + case mix) * (1 + price) * (1 + creep * true share)
        P  = cap * rate * index * (1 + case mix) * (1 + creep)
        c' = (c + loss * min(P - c, 0) + gain * max(P - c, 0)) * (1 + level)

    Attributes:
        tiers: tiers by name, which are the names of the outcomes.
        cap: share of the priced amount that the global budget lets through (总额控制).
    """

    tiers: Mapping[str, Tier]
    cap: float = 1.0

    def __call__(self, parameters: Mapping[str, float]) -> dict[str, float]:
        """Mean cost per case by tier in yuan.

        Args:
            parameters: keys such as ``intensity.loss``, or ``intensity.loss@tier3`` for one tier.

        Raises:
            DrgError: the model has no such parameter.
        """
        self._check(parameters)
        return {name: self._cost(name, parameters) for name in self.tiers}

    def payment(self, name: str, parameters: Mapping[str, float] | None = None) -> float:
        """Mean payment per case of a tier in yuan."""
        held, of = self.tiers[name], _Of(name, parameters or {})
        index = held.index * (1.0 + of("case_mix.change")) * (1.0 + of("coding.creep"))
        return self.cap * held.rate * index

    def _cost(self, name: str, parameters: Mapping[str, float]) -> float:
        of = _Of(name, parameters)
        cost = self.tiers[name].cost * (1.0 + of("case_mix.change")) * (1.0 + of("price.change"))
        cost *= 1.0 + of("coding.creep") * of("coding.true_share")
        gain = self.payment(name, parameters) - cost
        share = of("intensity.loss") if gain < 0 else of("intensity.gain")
        return (cost + share * gain) * (1.0 + of("intensity.level"))

    def _check(self, parameters: Mapping[str, float]) -> None:
        for key in parameters:
            name, _, tier = key.partition("@")
            if name not in _KNOWN or (tier and tier not in self.tiers):
                raise problem(
                    say("模型没有此参数", "the model has no such parameter"), key="parameters",
                    found=key,
                    expected=", ".join(_KNOWN) + say("，或其中之一 @ 级别",
                                                     ", or one of them @ a tier"),
                )  # fmt: skip


@dataclass(frozen=True)
class _Of:
    """Parameters as one tier sees them: its own, else the common one, else zero."""

    tier: str
    parameters: Mapping[str, float]

    def __call__(self, key: str) -> float:
        return self.parameters.get(f"{key}@{self.tier}", self.parameters.get(key, 0.0))
