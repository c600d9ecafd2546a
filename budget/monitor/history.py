"""Monthly spend of earlier years (历年月度支出) by pool, in fen: a small table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike

import numpy as np
import numpy.typing as npt

from budget.fund.tables import read_spend
from budget.monitor.forecast import MONTHS
from drg.errors import problem
from drg.language import say
from drg.money import Fen, allocate

Floats = npt.NDArray[np.float64]
_MOST = 30  # years before the year watched


@dataclass(frozen=True)
class History:
    """Spend of earlier years.

    Attributes:
        year: the year that is watched.
        spent: pool -> year -> spend of its twelve months in fen, -1 where it is not known.
    """

    year: int
    spent: Mapping[str, Mapping[int, Fen]]

    def earlier(self, pool: str) -> Floats:
        """Months before January in yuan, NaN where they are not known. Shape (12 x years,)."""
        held = self.spent.get(pool, {})
        if not held:
            return np.zeros(0)
        none = np.full(MONTHS, -1, np.int64)
        fen = np.concatenate([held.get(one, none) for one in range(min(held), self.year)])
        return np.where(fen >= 0, fen / 100.0, np.nan)

    def years(self, pool: str) -> list[tuple[int, Floats]]:
        """All years from the first, each with its months in yuan, NaN where they are not known."""
        months = self.earlier(pool).reshape(-1, MONTHS)
        return [(self.year - len(months) + place, one) for place, one in enumerate(months)]

    def whole(self, pool: str, year: int) -> int | None:
        """Spend of a year in fen, None where a month is not known."""
        held = self.spent.get(pool, {}).get(year)
        return None if held is None or (held < 0).any() else int(held.sum())

    def season(self, pool: str) -> Floats | None:
        """Shares of the months, the mean of the whole years; None without one. Shape (12,)."""
        shares = [months / months.sum() for _, months in self.years(pool)
                  if np.isfinite(months).all() and months.sum() > 0]  # fmt: skip
        return np.mean(shares, axis=0) if shares else None


def budget_by_month(amount: int, season: Floats | None, year: int) -> Fen:
    """A year's budget by month in fen: by the season of earlier years or by days. (12,)."""
    first = np.array([np.datetime64(f"{year}-{m:02d}-01") for m in range(1, 13)]
                     + [np.datetime64(f"{year + 1}-01-01")])  # fmt: skip
    days = np.diff(first.astype("datetime64[D]")).astype(np.int64)
    return allocate(amount, days if season is None else np.round(season, 9))


def read_history(
    source: str | PathLike[str], pools: tuple[str, ...], year: int, sheet: str | None = None
) -> History:
    """Read ``month, pool, spend`` (月份、基金池、支出), months such as 2024-03, yuan.

    Raises:
        DrgError: a cell cannot be read, a pool is not the policy's, a month is not before the year
            or stands twice; the message has the row.
    """
    found: dict[str, dict[int, Fen]] = {}
    for row, (month, place, fen) in enumerate(read_spend(source, pools, sheet)):
        own = month // MONTHS
        if own >= year:
            raise problem(say("不是监测年度之前的月份", "is no month before the year watched"),
                          file=source, row=row + 2, key="month",
                          found=f"{own}-{month % MONTHS + 1:02d}",
                          expected=say(f"{year} 年以前", f"before {year}"))  # fmt: skip
        held = found.setdefault(pools[place], {})
        held.setdefault(own, np.full(MONTHS, -1, np.int64))[month % MONTHS] = fen
    for name, held in found.items():
        if year - min(held) > _MOST:
            raise problem(say("年份过早", "a year too far back"), file=source, key=name,
                          found=min(held), expected=say(f"{_MOST} 年以内",
                                                        f"at most {_MOST} years"))  # fmt: skip
    return History(year, found)
