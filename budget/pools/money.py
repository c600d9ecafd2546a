"""Money of the pools (基金池测算): from last year's spend to what is shared out, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drg.errors import problem
from drg.money import blend, times, to_fen, to_yuan, yuan

if TYPE_CHECKING:
    import pyarrow as pa

    from budget.policy.pools import Pool

CARVE_OUTS: dict[str, str] = {
    "out_of_area": "异地就医",
    "major_illness": "大病保险",
    "procurement": "集采结余留用",
    "special_review": "特病单议",
    "other": "其他预留",
}


@dataclass(frozen=True)
class Line:
    """A line of a pool's build-up.

    Attributes:
        step: ``last_year, growth, budget, carve_out, before_reserve, reserve, amount``.
        kind: of a carve-out, "" otherwise.
        about: in Chinese; of a carve-out with its name.
        fen: the money; what is set aside is negative, so that lines add up.
    """

    step: str
    kind: str
    about: str
    fen: int


@dataclass(frozen=True)
class PoolMoney:
    """The money of a pool (基金池), in fen.

    Attributes:
        name: the pool.
        lines: the build-up, in order.
        whole: budget before carve-outs (预算总额).
        carve_outs: kind -> what is set aside (预留).
        reserve: reserve (调剂金, 风险金).
        amount: what is shared out (可分配总额).
    """

    name: str
    lines: tuple[Line, ...]
    whole: int
    carve_outs: Mapping[str, int]
    reserve: int
    amount: int


def pool_money(pool: Pool, last_year: float | None = None) -> PoolMoney:
    """Work out the money of a pool.

    ``whole = last year's spend x (1 + growth)``, or as given; ``amount = whole - carve-outs -
    reserve``, the reserve a share of what carve-outs leave. Every line is rounded to the fen.

    Args:
        pool: the policy's pool.
        last_year: last year's spend in yuan, where the policy leaves it to the data.

    Raises:
        DrgError: the money is missing, or carve-outs are more than there is; one line with the
            pool and the figures.
    """
    lines, budget = _budget(pool, last_year)
    carve_outs: dict[str, int] = {}
    for one in pool.carve_outs:
        size = int(to_fen(one.amount)) if one.amount is not None else _part(budget, one.share)
        carve_outs[one.kind] = carve_outs.get(one.kind, 0) + size
        lines.append(Line("carve_out", one.kind, f"{CARVE_OUTS[one.kind]}: {one.name}", -size))
    aside = sum(carve_outs.values())
    left = budget - aside
    if left < 0:
        raise problem(
            "carve-outs are more than the pool", key=f"pools.{pool.name}.carve_outs",
            found=f"{yuan(aside)} yuan", expected=f"at most {yuan(budget)}",
        )  # fmt: skip
    reserve = _part(left, pool.reserve)
    lines += [
        Line("before_reserve", "", "预留后", left),
        Line("reserve", "", "调剂金", -reserve),
        Line("amount", "", "可分配总额", left - reserve),
    ]
    return PoolMoney(pool.name, tuple(lines), budget, carve_outs, reserve, left - reserve)


def _budget(pool: Pool, last_year: float | None) -> tuple[list[Line], int]:
    """The first lines, and the budget before carve-outs."""
    key = f"pools.{pool.name}"
    if pool.basis == "given":
        lines, budget = [], int(to_fen(pool.budget or 0.0))
        source = f"{key}.budget"
    else:
        yuan_spent = pool.last_year if pool.last_year is not None else last_year
        source = f"{key}.last_year"
        if yuan_spent is None:
            raise problem("last year's spend is not known", key=source,
                          expected="an amount in yuan in the policy or the data")  # fmt: skip
        spent = int(to_fen(yuan_spent))
        budget = int(blend((spent, 1.0), (spent, pool.growth or 0.0)))
        lines = [
            Line("last_year", "", "上年支出", spent),
            Line("growth", "", f"增长 {pool.growth or 0:+.2%}", budget - spent),
        ]
    if budget <= 0:
        raise problem("the pool has no money", key=source, found=f"{yuan(budget)} yuan",
                      expected="more than 0")  # fmt: skip
    return [*lines, Line("budget", "", "预算总额", budget)], budget


def _part(fen: int, share: float | None) -> int:
    return int(times(fen, share or 0.0))


def build_up(pools: Sequence[Pool], last_year: Mapping[str, float] | None = None) -> tuple[
    PoolMoney, ...
]:  # fmt: skip
    """The money of all pools.

    Args:
        pools: the policy's pools.
        last_year: last year's spend in yuan by name of the pool.
    """
    return tuple(pool_money(pool, (last_year or {}).get(pool.name)) for pool in pools)


def build_up_table(money: Sequence[PoolMoney]) -> pa.Table:
    """The build-up as a table: pool, step, kind, about, yuan."""
    import pyarrow as pa

    lines = [(one.name, line) for one in money for line in one.lines]
    return pa.table({
        "pool": pa.array([name for name, _ in lines], pa.string()),
        "step": pa.array([line.step for _, line in lines], pa.string()),
        "kind": pa.array([line.kind for _, line in lines], pa.string()),
        "about": pa.array([line.about for _, line in lines], pa.string()),
        "yuan": pa.array(to_yuan([line.fen for _, line in lines])),
    })  # fmt: skip
