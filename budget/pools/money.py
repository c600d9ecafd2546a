"""Money of the pools (基金池测算): from last year's spend to what is shared out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from drg.errors import problem
from drg.language import say
from drg.money import blend, times, to_fen, yuan

if TYPE_CHECKING:
    from budget.policy.pools import Pool

# Last year's fund spend in yuan by pool: a sum, or hospital -> sum.
LastYear: TypeAlias = Mapping[str, "float | Mapping[str, float]"]


def spent_in(last_year: LastYear | None, pool: str) -> float | None:
    """Last year's spend of a pool in yuan, None where it is not given."""
    held = (last_year or {}).get(pool)
    return sum(held.values()) if isinstance(held, Mapping) else held


@dataclass(frozen=True)
class PoolMoney:
    """The money of a pool (基金池), in fen.

    Attributes:
        name: the pool.
        whole: budget before carve-outs (预算总额).
        carve_outs: kind -> what is set aside (预留).
        reserve: reserve (调剂金, 风险金).
        amount: what is shared out (可分配总额).
    """

    name: str
    whole: int
    carve_outs: Mapping[str, int]
    reserve: int
    amount: int


def pool_money(pool: Pool, last_year: float | None = None) -> PoolMoney:
    """Work out the money of a pool.

    ``whole = last year's spend x (1 + growth)``, or as given; ``amount = whole - carve-outs -
    reserve``, the reserve a share of what carve-outs leave. Every step is rounded to the fen.

    Args:
        pool: the policy's pool.
        last_year: last year's spend in yuan, where the policy leaves it to the data.

    Raises:
        DrgError: the money is missing, or carve-outs are more than there is; one line with the
            pool and the figures.
    """
    budget = _budget(pool, last_year)
    carve_outs: dict[str, int] = {}
    for one in pool.carve_outs:
        size = int(to_fen(one.amount)) if one.amount is not None else _part(budget, one.share)
        carve_outs[one.kind] = carve_outs.get(one.kind, 0) + size
    aside = sum(carve_outs.values())
    left = budget - aside
    if left < 0:
        raise problem(say("预留超过基金池总额", "carve-outs are more than the pool"),
                      key=f"pools.{pool.name}.carve_outs",
                      found=say(f"{yuan(aside)} 元", f"{yuan(aside)} yuan"),
                      expected=say(f"不大于 {yuan(budget)}",
                                   f"at most {yuan(budget)}"))  # fmt: skip
    reserve = _part(left, pool.reserve)
    return PoolMoney(pool.name, budget, carve_outs, reserve, left - reserve)


def _budget(pool: Pool, last_year: float | None) -> int:
    """The budget before carve-outs."""
    key = f"pools.{pool.name}"
    if pool.basis == "given":
        budget = int(to_fen(pool.budget or 0.0))
        source = f"{key}.budget"
    else:
        yuan_spent = pool.last_year if pool.last_year is not None else last_year
        source = f"{key}.last_year"
        if yuan_spent is None:
            raise problem(say("上年支出未知", "last year's spend is not known"), key=source,
                          expected=say("政策或数据中给出的金额（元）",
                                       "an amount in yuan in the policy or the data"))  # fmt: skip
        spent = int(to_fen(yuan_spent))
        budget = int(blend((spent, 1.0), (spent, pool.growth or 0.0)))
    if budget <= 0:
        raise problem(say("基金池没有资金", "the pool has no money"), key=source,
                      found=say(f"{yuan(budget)} 元", f"{yuan(budget)} yuan"),
                      expected=say("大于 0", "more than 0"))  # fmt: skip
    return budget


def _part(fen: int, share: float | None) -> int:
    return int(times(fen, share or 0.0))
