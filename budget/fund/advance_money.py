"""Advance money (医保基金预付金): what a fund may lend its hospitals for a year.

A hospital may have some months of its mean spend of the last years; a pool lends only where its
accumulated surplus (历年累计结余) covers enough months of its spend. What is lent comes back with
the year's clearing. Source: 医保办函〔2024〕101号.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike

import numpy as np

from budget.policy.pools import AdvanceMoney, Pool
from drg.cases.amounts import read_amounts
from drg.cases.choices import pool_of
from drg.cases.columns import plain_header
from drg.cases.texts import as_text, text_list
from drg.errors import problem
from drg.language import say
from drg.money import Fen, times, to_fen
from drg.tables import read_table

_HEADERS = {
    "pool": ("pool", "基金池", "基金"), "hospital_id": ("hospital_id", "医疗机构代码", "医院代码"),
    "year": ("year", "年度", "年份"), "amount": ("amount", "金额", "支出", "基金支出"),
}  # fmt: skip


@dataclass(frozen=True)
class Spend:
    """Fund spend of years before, in fen.

    Attributes:
        years: the years, oldest first. Length Y.
        amount: by hospital, pool and year; -1 where a year is not known. Shape (H, P, Y).
    """

    years: tuple[int, ...]
    amount: Fen


@dataclass(frozen=True)
class Most:
    """What may be lent.

    Attributes:
        amount: at most, by hospital and pool, fen. Shape (H, P).
        cover: months of its spend that each pool's surplus covers; None unknown. Length P.
        needed: months that it must cover. Length P.
    """

    amount: Fen
    cover: tuple[Fraction | None, ...]
    needed: tuple[float, ...]

    def lends(self, place: int) -> bool:
        """Whether a pool may lend at all."""
        cover = self.cover[place]
        return cover is not None and cover >= Fraction(str(self.needed[place]))


def read_spend(
    path: str | PathLike[str], hospitals: Sequence[str], pools: Sequence[str], year: int
) -> Spend:
    """Read spend by pool, hospital and year: columns ``pool, hospital_id, year, amount``.

    Args:
        path: the table; amounts in yuan.
        hospitals: ids.
        pools: names.
        year: only years before it are read.

    Raises:
        DrgError: a column is missing, or a row names what is not known, or stands twice.
    """
    table, _ = read_table(path)
    headers = {plain_header(name): name for name in table.column_names}
    held = {}
    for name, words in _HEADERS.items():
        header = next((headers[word] for word in map(plain_header, words) if word in headers), None)
        if header is None:
            raise problem(say(f"缺少列“{words[1]}”", f"no column '{name}'"), file=path,
                          found=", ".join(table.column_names),
                          expected=", ".join(_HEADERS))  # fmt: skip
        held[name] = table.column(header).combine_chunks()
    amounts, blank, bad = read_amounts(held["amount"])
    texts = {name: text_list(as_text(held[name])) for name in ("pool", "hospital_id", "year")}
    found: dict[tuple[int, int, int], int] = {}
    places = {name: i for i, name in enumerate(hospitals)}, {n: i for i, n in enumerate(pools)}
    for row in range(table.num_rows):
        name, pool, when = ((texts[key][row] or "").strip()
                            for key in ("hospital_id", "pool", "year"))  # fmt: skip
        when = when.removesuffix(".0").removesuffix("年")
        pool = pool_of(pool, pools) or pool
        if name not in places[0] or pool not in places[1] or not when.isdecimal():
            raise problem(say("不是本账册的医疗机构、基金池或年度",
                              "not a hospital, pool or year of the book"), file=path, row=row + 2,
                          found=f"{name} {pool} {when}")  # fmt: skip
        if blank[row] or bad[row] or amounts[row] < 0:
            raise problem(say("应为以元计的金额", "not an amount in yuan"), file=path, row=row + 2,
                          key="amount")  # fmt: skip
        key = (places[0][name], places[1][pool], int(when))
        if key in found:
            raise problem(say("重复", "stands twice"), file=path, row=row + 2,
                          found=f"{name} {pool} {when}")  # fmt: skip
        if key[2] < year:
            found[key] = int(amounts[row])
    years = tuple(sorted({key[2] for key in found}))
    amount = np.full((len(hospitals), len(pools), len(years)), -1, np.int64)
    for (h, p, when_), fen in found.items():
        amount[h, p, years.index(when_)] = fen
    return Spend(years, amount)


def most_lent(
    spend: Spend, rule: AdvanceMoney, pools: Sequence[Pool],
    fund: Mapping[str, Mapping[str, float]], year: int,
) -> Most:  # fmt: skip
    """What may be lent: ``months x spend of the last years / (12 x years)``, rounded once.

    A pool's cover is its surplus over its mean month of last year: as the fund's table says
    (``spend``), else as the hospitals' spend adds up.

    Args:
        spend: of years before.
        rule: the policy's rule.
        pools: the policy's pools.
        fund: of each pool ``surplus`` and ``spend`` in yuan, as far as they are known.
        year: the year that is lent for.
    """
    recent = [place for place, one in enumerate(spend.years) if year - rule.years <= one < year]
    held = spend.amount[:, :, recent]
    known = (held >= 0).sum(axis=2)
    total = np.where(held >= 0, held, 0).sum(axis=2)
    amount = np.zeros_like(total)
    for count in range(1, rule.years + 1):
        part = times(total, rule.months, per=12 * count)
        amount = np.where(known == count, part, amount)
    cover: list[Fraction | None] = []
    needed = []
    for place, pool in enumerate(pools):
        told = fund.get(pool.name, {})
        last = [i for i, one in enumerate(spend.years) if one == year - 1]
        own = int(np.maximum(spend.amount[:, place, last], 0).sum())
        spent = int(to_fen(told["spend"])) if "spend" in told else own
        surplus = told.get("surplus")
        cover.append(None if surplus is None or spent <= 0
                     else Fraction(int(to_fen(surplus)) * 12, spent))  # fmt: skip
        resident = tuple(pool.insurance) == ("resident",)
        needed.append(rule.resident_cover if resident else rule.employee_cover)
    return Most(amount, tuple(cover), tuple(needed))
