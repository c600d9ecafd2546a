"""A projected path as sums (线性模型): payment by hospital, group and insurance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.uncertainty.sampling import Sampling
from drg.errors import problem
from drg.language import say

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]
Close = Callable[[int, Floats, Floats, Floats], Floats]
SUMS = ("by_standard", "by_cost", "cost", "beside", "cases")
MORE = ("borne", "outside")  # sums that there need not be
# What the rules of a year say, and its axes when it holds in all years.
RULES = {"pool": 2, "value": 2, "pro_rata": 1, "bounds": 2}


@dataclass(frozen=True)
class Linear:
    """The projected path as sums. Y years, H hospitals, G groups, I insurances, P pools.

    Where the rules change on the path, ``pool``, ``value``, ``pro_rata`` and ``bounds`` have the
    years in front, shapes (Y, ...).

    Attributes:
        hospitals: ids. Length H.
        tier: tier of each hospital. Shape (H,).
        insurances: names. Length I.
        pools: names. Length P.
        pool: place of the pool, -1 for none. Shape (H, I).
        weight: relative weights, NaN for none. Shape (G,).
        cases: cases on the path. Shape (Y, H, G, I), as the next four.
        cost: their cost.
        beside: what patients and other payers bear.
        by_standard: worth that moves with standards, in reference yuan.
        by_cost: worth that moves with cost, in reference yuan.
        value: yuan of a reference yuan, NaN where the pool decides. Shape (H, I).
        amount: money of the pools. Shape (Y, P).
        pro_rata: finals above the pool's money are cut. Shape (P,).
        offset: fund money beside the sums, so that the path is exact. Shape (Y, H, I).
        bounds: least and greatest value where the pool decides. Shape (P, 2).
        borne: what the fund need not pay of the worth; ``beside`` when left out. Shape
            (Y, H, G, I), as the next one; both move with cost.
        outside: fund money that is paid beside the pool; none when left out.
        follows: what a yuan more that was paid from a pool the year before brings to its money.
            Shape (Y, P); nothing when left out.
        sampling: the chance in each year's cases; none when left out. Length Y.
        close: the year end: year from 1, fund money, cost and what others bear (D, H, I) -> fund
            money (D, H, I).
    """

    hospitals: tuple[str, ...]
    tier: npt.NDArray[np.integer[npt.NBitBase]]
    insurances: tuple[str, ...]
    pools: tuple[str, ...]
    pool: Ints
    weight: Floats
    cases: Floats
    cost: Floats
    beside: Floats
    by_standard: Floats
    by_cost: Floats
    value: Floats
    amount: Floats
    pro_rata: Bools
    offset: Floats | float = 0.0
    bounds: Floats | None = None
    borne: Floats | None = None
    outside: Floats | None = None
    follows: Floats | None = None
    sampling: tuple[Sampling, ...] | None = None
    close: Close | None = None

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            DrgError: an array has another shape.
        """
        years, hospitals, pools = len(self.cases), len(self.hospitals), len(self.pools)
        cells = (years, hospitals, len(self.weight), len(self.insurances))
        shapes = dict.fromkeys(SUMS, cells) | {
            "tier": (hospitals,), "pool": (hospitals, cells[3]), "value": (hospitals, cells[3]),
            "amount": (years, pools), "pro_rata": (pools,),
        }  # fmt: skip
        shapes |= {name: cells for name in self.sums if name in MORE}
        if self.follows is not None:
            shapes["follows"] = years, pools
        for name, shape in shapes.items():
            found = np.shape(getattr(self, name))
            if found != shape and not (name in RULES and found == (years, *shape)):
                raise problem(say("形状不符", "wrong shape"), key=name,
                              found=np.shape(getattr(self, name)), expected=str(shape))  # fmt: skip

    @property
    def sums(self) -> tuple[str, ...]:
        """Names of the sums that there are."""
        return (*SUMS, *(name for name in MORE if getattr(self, name) is not None))

    def rule(self, name: str, number: int) -> Any:
        """Pool, value, pro_rata or bounds of a year, counted from 1."""
        held = getattr(self, name)
        return held if held is None or np.ndim(held) == RULES[name] else held[number - 1]


def joined(pool: Ints) -> Bools | None:
    """Which insurances of a hospital share a pool (H, I, I); None where each has its own."""
    found = pool[:, :, None] == pool[:, None, :]
    return found if (found != np.eye(pool.shape[1], dtype=np.bool_)).any() else None


def together(values: Floats, joint: Bools | None) -> Floats:
    """Values (D, H, I), those of insurances that share a pool added up at each of them."""
    if joint is None:
        return values
    return np.asarray((values[..., None] * joint).sum(axis=-2))


def pay(
    model: Linear, number: int, sums: dict[str, Floats], amount: Floats
) -> tuple[dict[str, Floats], Floats]:
    """What hospitals get (D, H, I) and pools come to (D, P), from sums and money of pools.

    And what is paid from the pools in the end (D, P).
    """
    worth, beside = sums["by_standard"] + sums["by_cost"], sums["beside"]
    borne, outside = sums.get("borne", beside), sums.get("outside")
    offset = model.offset[number - 1] if isinstance(model.offset, np.ndarray) else model.offset
    pool, given, pro_rata, bounds = (model.rule(name, number) for name in RULES)
    shape = worth.shape
    members = [np.flatnonzero(pool.ravel() == place) for place in range(len(model.pools))]

    def by_pool(values: Floats) -> Floats:
        flat = np.broadcast_to(values, shape).reshape(shape[0], -1)
        return np.stack([np.ascontiguousarray(flat[:, one]).sum(axis=1) for one in members], 1)

    def by_hospital(values: Floats) -> Floats:
        return values[:, pool]  # whatever stands where there is no pool is not used

    decides = np.isnan(given) & (pool >= 0)
    points = by_pool(np.where(decides, worth, 0.0))
    needed = amount + by_pool(np.where(decides, borne - offset, 0.0))
    fixed = np.where(decides, 0.0, worth * np.nan_to_num(given) - borne + offset)
    needed = needed - by_pool(fixed) * (points > 0)
    value = np.divide(needed, points, out=np.full(points.shape, np.nan), where=points > 0)
    if bounds is not None:
        value = np.clip(value, bounds[:, 0], bounds[:, 1])
    shared = by_hospital(np.nan_to_num(value)) * worth - borne + offset
    fund = np.where(decides, shared, fixed)
    if outside is not None:
        fund = fund + outside
    fund = np.where(pool >= 0, fund, 0.0)
    if model.close is not None:
        fund = model.close(number, fund, sums["cost"], beside)
    inside = fund if outside is None else fund - outside
    due = by_pool(inside)
    positive = _positive(inside, pool)
    total = by_pool(positive)
    over = np.where(pro_rata, np.maximum(total - amount, 0.0), 0.0)
    cut = np.divide(over, total, out=np.zeros_like(over), where=total > 0)
    fund = fund - positive * by_hospital(cut)
    paid = {"payment": fund + beside, "fund": fund, "cost": sums["cost"], "beside": beside,
            "cases": sums["cases"], "amount": amount, "due": due, "cut": over,
            "value": value}  # fmt: skip
    return paid, total - over


def _positive(inside: Floats, pool: Ints) -> Floats:
    """What each hospital gets from each pool, 0 where it owes money. (D, H, I)."""
    found, joint = np.maximum(inside, 0.0), joined(pool)
    if joint is None:
        return found
    whole, parts = np.maximum(together(inside, joint), 0.0), together(found, joint)
    return found * np.divide(whole, parts, out=np.zeros_like(parts), where=parts > 0)
