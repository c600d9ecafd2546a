"""Draws (模拟结果): what possible years come to, as fans and probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.errors import one_of, problem
from drg.language import say

Floats = npt.NDArray[np.float64]
LEVELS = ("region", "tier", "hospital", "insurance", "pool")
# Outcomes: Chinese, English, unit.
OUTCOMES: dict[str, tuple[str, str, str]] = {
    "payment": ("医院总收入", "what hospitals get", "yuan"),
    "fund": ("基金支付", "fund money", "yuan"),
    "cost": ("总费用", "cost", "yuan"),
    "beside": ("个人及其他负担", "what patients and other payers bear", "yuan"),
    "cases": ("病例数", "cases", "cases"),
    "gain": ("盈亏", "payment less cost", "yuan"),
    "gain_share": ("盈亏率", "payment less cost, of cost", "share"),
    "average_cost": ("次均费用", "cost of a case", "yuan"),
    "average_payment": ("次均支付", "payment of a case", "yuan"),
    "average_beside": ("次均个人及其他负担", "what patients and others bear of a case", "yuan"),
    "patient_share": ("个人及其他负担率", "what patients and others bear, of cost", "share"),
    "balance": ("基金池结余", "money of the pool less what is due from it", "yuan"),
    "point_value": ("点值", "yuan of a reference yuan", "yuan"),
}
_RATIOS = {
    "average_cost": ("cost", "cases"), "average_payment": ("payment", "cases"),
    "average_beside": ("beside", "cases"), "patient_share": ("beside", "cost"),
    "gain_share": ("gain", "cost"),
}  # fmt: skip
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)


def quantiles(values: npt.NDArray[Any], q: tuple[float, ...]) -> Floats:
    """Quantiles over draws, the first axis. Shape (quantiles, ...).

    Another draw lies between two of them with just that probability, however few draws there are
    (Hyndman and Fan 1996, definition 6).
    """
    return np.asarray(np.quantile(values, q, axis=0, method="weibull"))


@dataclass(frozen=True)
class Draws:
    """Possible years: D draws, Y years, H hospitals, I insurances, P pools; yuan.

    Attributes:
        hospitals: ids. Length H.
        tier: tier of each hospital. Shape (H,).
        insurances: names. Length I.
        pools: names. Length P.
        pool: place of the pool, -1 for none. Shape (H, I), or (Y, H, I) where it changes.
        seed: seed of the draws.
        drawn: the drawn drivers by name. Shape (D,) each.
        payment: fund, patient and other money. Shape (D, Y, H, I), as the next four.
        fund: fund money, after the year end and what the global budget cuts.
        cost: cost.
        beside: what patients and other payers bear.
        cases: cases.
        amount: money of the pools. Shape (D, Y, P), as the next three.
        due: what the rules give before the global budget cuts.
        cut: what the global budget takes off.
        value: yuan of a reference yuan where the pool decides, else NaN.
        group_cost: cost of a case of each group in the region, NaN without cases; kept where it
            was asked for. Shape (D, Y, G).
    """

    hospitals: tuple[str, ...]
    tier: npt.NDArray[np.integer[npt.NBitBase]]
    insurances: tuple[str, ...]
    pools: tuple[str, ...]
    pool: npt.NDArray[np.intp]
    seed: int
    drawn: dict[str, Floats]
    payment: Floats
    fund: Floats
    cost: Floats
    beside: Floats
    cases: Floats
    amount: Floats
    due: Floats
    cut: Floats
    value: Floats
    group_cost: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.payment)

    def keys(self, level: str) -> tuple[str, ...]:
        """Names of the columns of an outcome at a level."""
        known = {
            "region": ("all",), "hospital": self.hospitals, "insurance": self.insurances,
            "pool": self.pools, "tier": tuple(str(one) for one in np.unique(self.tier)),
        }  # fmt: skip
        if level not in known:
            raise problem(say("不是可用的取值", "not known"), key="level", found=level,
                          expected=one_of(LEVELS))  # fmt: skip
        return known[level]

    def of(self, outcome: str, level: str = "hospital") -> Floats:
        """Draws of an outcome. Shape (D, Y, keys).

        Raises:
            DrgError: there is no such outcome or level; balance and point_value are of pools.
        """
        self.keys(level)
        if outcome not in OUTCOMES:
            raise problem(say("不是可用的取值", "not known"), key="outcome", found=outcome,
                          expected=one_of(OUTCOMES))  # fmt: skip
        if outcome == "point_value":
            if level != "pool":
                raise problem(say("只有分基金池的结果", "is of pools"), key=outcome, found=level,
                              expected="level pool")  # fmt: skip
            return self.value
        if outcome == "balance":
            if level not in ("pool", "region"):
                raise problem(say("只有分基金池的结果", "is of pools"), key=outcome, found=level,
                              expected=say("pool 或 region", "pool or region"))  # fmt: skip
            left = self.amount - self.due
            return left if level == "pool" else left.sum(axis=2, keepdims=True)
        if outcome == "gain":
            return self.of("payment", level) - self.of("cost", level)
        if outcome in _RATIOS:
            over, under = (self.of(name, level) for name in _RATIOS[outcome])
            none = np.full(over.shape, np.nan)
            return np.asarray(np.divide(over, under, out=none, where=under != 0))
        return self._summed(getattr(self, outcome), level)

    def _summed(self, held: Floats, level: str) -> Floats:
        if level == "hospital":
            return np.asarray(held.sum(axis=3))
        if level == "insurance":
            return np.asarray(held.sum(axis=2))
        if level == "region":
            return np.asarray(held.sum(axis=(2, 3)))[..., None]
        if level == "tier":
            by_hospital, tiers = held.sum(axis=3), np.unique(self.tier)
            return np.stack([by_hospital[..., self.tier == one].sum(axis=2) for one in tiers], 2)
        pool = np.broadcast_to(self.pool, held.shape[1:])
        flat, place = held.reshape(*held.shape[:2], -1), pool.reshape(len(pool), -1)
        paid = [np.where(place == one, flat, 0.0).sum(axis=2) for one in range(len(self.pools))]
        return np.stack(paid, 2)

    def fan(
        self, outcome: str, q: tuple[float, ...] = QUANTILES, level: str = "hospital"
    ) -> Floats:
        """Quantiles for a fan chart (扇形图). Shape (quantiles, Y, keys)."""
        return quantiles(self.of(outcome, level), q)

    def probability(
        self,
        outcome: str,
        *,
        below: float | None = None,
        above: float | None = None,
        level: str = "hospital",
    ) -> Floats:
        """Share of draws in which an outcome is below or above a number. Shape (Y, keys).

        Its own standard error is ``sqrt(p (1 - p) / D)``, at most 0.016 for 1,000 draws.
        """
        held = self.of(outcome, level)
        hit = np.zeros(held.shape, np.bool_)
        if below is not None:
            hit |= held < below
        if above is not None:
            hit |= held > above
        return np.asarray(hit.mean(axis=0))

    def loss(self, share: float = 0.0, level: str = "hospital") -> Floats:
        """Probability of a loss of more than a share of the cost (亏损概率). Shape (Y, keys)."""
        return self.probability("gain_share", below=-share, level=level)

    def overrun(self, share: float = 0.0) -> Floats:
        """Probability that a pool overruns (超支概率) by more than a share of it. Shape (Y, P).

        A pool that shares itself out overruns only where its value is at the lower bound.
        """
        return np.asarray((self.due > self.amount * (1.0 + max(share, 1e-9))).mean(axis=0))
