"""Monthly cash of the fund (基金现金流): what comes in, what goes out, and the balance.

Money stands in the calendar month in which it is due, so a year's table reaches from January to
the month of its clearing in the next year. The next year's own flows are not in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from budget.fund.due_dates import Clock
from budget.pools.money import PoolMoney
from drg.errors import problem
from drg.language import say
from drg.money import Fen, allocate, to_yuan, whole, yuan

if TYPE_CHECKING:
    import pyarrow as pa

# Flows with their Chinese term and sign.
FLOWS: dict[str, tuple[str, int]] = {
    "income": ("收入", 1),
    "advances": ("月度预拨", -1),
    "out_of_area": ("异地就医预付", -1),
    "carve_outs": ("其他预留支出", -1),
    "retention": ("集采结余留用", -1),
    "year_end": ("年终清算", -1),
}


@dataclass(frozen=True)
class FundCash:
    """Cash of the fund in fen; ``closing = opening + income - outflows`` in every month.

    Attributes:
        pools: names. Length P.
        months: calendar months as ``(year, month)``. Length T.
        opening: balance at the start of each month (期初余额). Shape (P, T).
        income: comes in (收入). Shape (P, T).
        advances: monthly advances (月度预拨). Shape (P, T).
        out_of_area: out-of-area prepayment, or its carve-out (异地就医预付). Shape (P, T).
        carve_outs: all other carve-outs (其他预留支出). Shape (P, T).
        retention: procurement retention, or its carve-out (集采结余留用). Shape (P, T).
        year_end: clearing; negative where hospitals return money (年终清算). Shape (P, T).
        closing: balance at the end of each month (期末余额). Shape (P, T).
        warnings: ``negative_balance.pool.month`` -> what a reader must know.
    """

    pools: tuple[str, ...]
    months: tuple[tuple[int, int], ...]
    opening: Fen
    income: Fen
    advances: Fen
    out_of_area: Fen
    carve_outs: Fen
    retention: Fen
    year_end: Fen
    closing: Fen
    warnings: dict[str, str]

    def table(self) -> pa.Table:
        """One row a pool and month, in yuan."""
        import pyarrow as pa

        months = [f"{year}-{month:02d}" for year, month in self.months]
        columns: dict[str, Any] = {
            "pool": np.repeat(np.array(self.pools, object), len(months)),
            "month": np.tile(np.array(months, object), len(self.pools)),
        }
        for name in ("opening", *FLOWS, "closing"):
            columns[name] = to_yuan(getattr(self, name)).ravel()
        return pa.table(columns)


def fund_cash(
    money: Sequence[PoolMoney],
    clock: Clock,
    advances: npt.ArrayLike,
    year_end: npt.ArrayLike,
    *,
    opening: npt.ArrayLike | None = None,
    income: npt.ArrayLike | None = None,
    out_of_area: tuple[npt.ArrayLike, dt.date] | None = None,
    retention: npt.ArrayLike | None = None,
) -> FundCash:
    """The fund's cash through a year and its clearing.

    Args:
        money: the pools.
        clock: due dates of the year.
        advances: by hospital, pool and month of service, fen. Shape (H, P, 12).
        year_end: paid at the clearing, fen. Shape (H, P).
        opening: balance before January, fen; 0 when left out. Shape (P,).
        income: by month, fen; a twelfth of the budget before carve-outs when left out.
            Shape (P, 12).
        out_of_area: what is prepaid, in all or (P,), and its day; without it the carve-out of
            that kind in twelve parts.
        retention: procurement retention, in all or (P,), paid at the clearing; without it the
            carve-out of that kind in twelve parts.

    Raises:
        DrgError: wrong shapes, or a day outside the table.
    """
    names = tuple(one.name for one in money)
    count = len(names)
    months = _months(clock)
    size = (count, len(months))
    budget = np.array([one.whole for one in money], np.int64)
    paid = whole(advances, "advances")
    at_end = whole(year_end, "year_end")
    if paid.shape[1:] != (count, 12) or at_end.shape[1:] != (count,):
        raise problem(say("形状不符", "wrong shape"), key="advances, year_end",
                      found=f"{paid.shape}, {at_end.shape}",
                      expected=f"(H, {count}, 12), (H, {count})")  # fmt: skip
    flows = {name: np.zeros(size, np.int64) for name in FLOWS}
    flows["income"][:, :12] = (
        allocate(budget, np.ones((count, 12)))
        if income is None
        else whole(income, "income", (count, 12))
    )
    sums = paid.sum(axis=0)
    for month, day in enumerate(clock.advances):
        flows["advances"][:, _place(day, months)] += sums[:, month]
    last = _place(clock.clearing, months)
    flows["year_end"][:, last] = at_end.sum(axis=0)
    spread = _carve_outs(money)
    flows["carve_outs"][:, :12] = spread["other"]
    if out_of_area is None:
        flows["out_of_area"][:, :12] = spread["out_of_area"]
    else:
        amount, day = out_of_area
        flows["out_of_area"][:, _place(day, months)] = _by_pool(amount, budget, "out_of_area")
    if retention is None:
        flows["retention"][:, :12] = spread["procurement"]
    else:
        flows["retention"][:, last] = _by_pool(retention, budget, "retention")
    first = np.zeros(count, np.int64) if opening is None else whole(opening, "opening", (count,))
    net = sum(sign * flows[name] for name, (_, sign) in FLOWS.items())
    closing = first[:, None] + np.cumsum(net, axis=1)
    start = np.concatenate([first[:, None], closing[:, :-1]], axis=1)
    return FundCash(names, months, start, **flows, closing=closing,
                    warnings=_negative(names, months, closing))  # fmt: skip


def _months(clock: Clock) -> tuple[tuple[int, int], ...]:
    """From January to the last day on which anything is due."""
    last = max(*clock.advances, clock.clearing)
    count = (last.year - clock.year) * 12 + last.month
    return tuple((clock.year + i // 12, i % 12 + 1) for i in range(count))


def _place(day: dt.date, months: tuple[tuple[int, int], ...]) -> int:
    where = (day.year, day.month)
    if where not in months:
        (first, one), (last, other) = months[0], months[-1]
        raise problem(say("该日期不在资金表范围内", "the day is outside the table of cash"),
                      found=day,
                      expected=say(f"{first}-{one:02d} 至 {last}-{other:02d}",
                                   f"{first}-{one:02d} to {last}-{other:02d}"))  # fmt: skip
    return months.index(where)


def _carve_outs(money: Sequence[PoolMoney]) -> dict[str, Fen]:
    """Carve-outs in twelve parts: out of area, procurement, and all others. Shapes (P, 12)."""
    own = ("out_of_area", "procurement")
    sums = {kind: [one.carve_outs.get(kind, 0) for one in money] for kind in own}
    sums["other"] = [
        sum(fen for kind, fen in one.carve_outs.items() if kind not in own) for one in money
    ]
    return {kind: allocate(held, np.ones((len(money), 12))) for kind, held in sums.items()}


def _by_pool(amount: npt.ArrayLike, budget: Fen, key: str) -> Fen:
    """An amount by pool; one sum is shared by the pools' budgets."""
    held = whole(amount, key)
    return allocate(held, budget) if held.ndim == 0 else whole(held, key, budget.shape)


def _negative(
    pools: tuple[str, ...], months: tuple[tuple[int, int], ...], closing: Fen
) -> dict[str, str]:
    found = {}
    for p, t in np.argwhere(closing < 0):
        month = "{}-{:02d}".format(*months[t])
        found[f"negative_balance.{pools[p]}.{month}"] = (
            f"pool {pools[p]}: the balance at the end of {month} is {yuan(closing[p, t])} yuan"
        )
    return found
