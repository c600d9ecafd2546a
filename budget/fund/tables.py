"""Small tables of the fund side: out-of-area spend, procurement items, the fund's income."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases.amounts import read_amounts, read_yuan
from drg.cases.choices import pool_of, pools_said
from drg.cases.columns import plain_header
from drg.cases.texts import as_text, text_list
from drg.cases.values import Number, read_number
from drg.errors import problem
from drg.language import say
from drg.money import Fen
from drg.persons import refuse_persons
from drg.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
# A file, or a table in memory.
Source: TypeAlias = "str | PathLike[str] | pa.Table | pd.DataFrame"

CROSS_PROVINCE, IN_PROVINCE = 0, 1
AREAS = ("cross_province", "in_province")
_AREAS = {
    "cross_province": CROSS_PROVINCE, "跨省": CROSS_PROVINCE, "省外": CROSS_PROVINCE,
    "跨省异地": CROSS_PROVINCE, "in_province": IN_PROVINCE, "省内": IN_PROVINCE,
    "省内异地": IN_PROVINCE,
}  # fmt: skip
_HEADERS: dict[str, tuple[str, ...]] = {
    "month": ("month", "月份", "月", "年月", "清算月份"),
    "area": ("area", "地域", "异地类型", "就医地"),
    "amount": ("amount", "金额", "支出", "基金支出"),
    "hospital": ("hospital", "hospital_id", "医疗机构代码", "医疗机构编码", "医院编码"),
    "item": ("item", "品种", "药品", "产品名称", "集采品种"),
    "batch": ("batch", "批次", "集采批次", "采购批次"),
    "volume": ("volume", "agreed_volume", "约定采购量", "协议量", "约定量"),
    "before": ("before", "price_before", "集采前价格", "原价", "中选前价格"),
    "after": ("after", "price_after", "集采后价格", "中选价", "中选价格"),
    "assessment": ("assessment", "考核系数", "考核"),
    "pool": ("pool", "基金池", "基金"),
    "spend": ("spend", "amount", "支出", "基金支出", "统筹基金支出", "金额"),
    "income": ("income", "amount", "收入", "基金收入", "金额"),
}
_MONTH = re.compile(r"(\d{4})[-/.年]?(\d{1,2})([-/.月].*|\d{2})?")
_OPENING = ("opening", "期初", "期初余额", "上年结余")


@dataclass(frozen=True)
class OutOfAreaSpend:
    """Fund spend on care elsewhere (异地就医支出) by month and area.

    Attributes:
        month: year x 12 + month from 0. Length N.
        area: ``CROSS_PROVINCE`` or ``IN_PROVINCE``. Length N.
        amount: fen. Shape (N,).
        file: from which it was read; None for a table in memory.
    """

    month: tuple[int, ...]
    area: tuple[int, ...]
    amount: Fen
    file: str | None = None


@dataclass(frozen=True)
class ProcurementItems:
    """Items of centralised procurement (集采品种) by hospital, one entry a row.

    Attributes:
        hospital: ids. Length N.
        item: names. Length N.
        batch: batch of the procurement (集采批次), empty where the table has none. Length N.
        volume: agreed volume (约定采购量). Shape (N,).
        before: price before in yuan a unit, not rounded to fen. Shape (N,).
        after: price after in yuan a unit. Shape (N,).
        assessment: coefficient of the assessment, NaN where the table has none. Shape (N,).
        file: from which they were read; None for a table in memory.
        first: row of the first item in it, as faults name it.
    """

    hospital: tuple[str, ...]
    item: tuple[str, ...]
    batch: tuple[str, ...]
    volume: Floats
    before: Floats
    after: Floats
    assessment: Floats
    file: str | None = None
    first: int = 1


@dataclass(frozen=True)
class Income:
    """The fund's income (基金收入).

    Attributes:
        opening: opening balance (期初余额), fen. Shape (P,).
        income: by month, fen. Shape (P, 12).
    """

    opening: Fen
    income: Fen


def read_out_of_area(source: Source, sheet: str | None = None) -> OutOfAreaSpend:
    """Read ``month, area, amount``; areas ``cross_province`` (跨省) and ``in_province`` (省内).

    Raises:
        DrgError: a cell cannot be read, or a month and area stand twice; the message has the row.
    """
    table = _Table(source, sheet)
    months = table.months()
    areas = table.words("area", _AREAS,
                        say("cross_province（跨省）或 in_province（省内）",
                            "cross_province (跨省) or in_province (省内)"))  # fmt: skip
    table.once(say("月份与地区", "month and area"), months, areas)
    return OutOfAreaSpend(tuple(months), tuple(areas), table.amounts("amount"), table.file)


def read_procurement(source: Source, sheet: str | None = None) -> ProcurementItems:
    """Read ``hospital, item, volume, before, after`` and, where there are, ``batch, assessment``.

    Raises:
        DrgError: a cell cannot be read, or a hospital's item stands twice in a batch; the message
            has the row.
    """
    table = _Table(source, sheet)
    hospitals, items = table.texts("hospital"), table.texts("item")
    batches = table.texts("batch") if table.has("batch") else [""] * len(items)
    table.once(say("医疗机构、批次与品种", "hospital, batch and item"), hospitals, batches, items)
    none = np.full(len(hospitals), np.nan)
    return ProcurementItems(
        tuple(hospitals),
        tuple(items),
        tuple(batches),
        table.numbers("volume", Number(high=1e12)),
        table.prices("before"),
        table.prices("after"),
        table.numbers("assessment", Number(high=1.5), blank=True)
        if table.has("assessment")
        else none,
        table.file,
        table.first,
    )


def read_income(
    source: Source,
    pools: tuple[str, ...],
    year: int,
    sheet: str | None = None,
) -> Income:
    """Read ``month, pool, income``; a row whose month is ``opening`` (期初) is the opening balance.

    Raises:
        DrgError: a cell cannot be read, a pool or month is not the policy's or the year's, a month
            and pool stand twice or are missing; the message has the row.
    """
    table = _Table(source, sheet)
    months = table.months(_OPENING)
    places = table.pools(pools)
    amounts = table.amounts("income", negative=True)
    table.once(say("月份与基金池", "month and pool"), months, places)
    opening = np.zeros(len(pools), np.int64)
    income = np.zeros((len(pools), 12), np.int64)
    given = np.zeros((len(pools), 12), np.bool_)
    for row, (month, place) in enumerate(zip(months, places, strict=True)):
        if month < 0:
            opening[place] = amounts[row]
            continue
        if not 0 <= month - year * 12 < 12:
            raise table.wrong(say("月份属于其他年度", "month of another year"), row, "month",
                              expected=say(f"{year} 年的月份", f"a month of {year}"))  # fmt: skip
        income[place, month - year * 12] = amounts[row]
        given[place, month - year * 12] = True
    if not given.all():
        p, m = np.argwhere(~given)[0]
        raise problem(say("缺少收入", "income is missing"), file=table.file, key=pools[p],
                      expected=say(f"{year}-{m + 1:02d} 一行",
                                   f"a row for {year}-{m + 1:02d}"))  # fmt: skip
    return Income(opening, income)


def read_spend(
    source: Source, pools: tuple[str, ...], sheet: str | None = None
) -> list[tuple[int, int, int]]:
    """Read ``month, pool, spend``: month as year x 12 + month from 0, place of the pool, fen.

    Raises:
        DrgError: a cell cannot be read, a pool is not the policy's, or a month and pool stand
            twice; the message has the row.
    """
    table = _Table(source, sheet)
    months = table.months()
    places = table.pools(pools)
    table.once(say("月份与基金池", "month and pool"), months, places)
    return list(zip(months, places, table.amounts("spend").tolist(), strict=True))


class _Table:
    """Columns of a small table by their meaning, every fault with its row."""

    def __init__(self, source: Source, sheet: str | None) -> None:
        self.file: str | None = None
        self.first = 1
        if isinstance(source, pa.Table):
            self._table = source
        elif isinstance(source, str | PathLike):
            self.file, self.first = str(source), 2
            self._table, malformed = read_table(source, sheet=sheet)
            for one in malformed:
                raise problem(
                    say(one.zh, one.reason), file=self.file, row=one.row + 2, key=one.column or None
                )
        else:
            self._table = pa.Table.from_pandas(source, preserve_index=False)
        self._names: dict[str, str] = {}
        for name in self._table.column_names:
            self._names.setdefault(plain_header(name), name)
        if not self._table.num_rows:
            raise problem(say("没有任何行", "has no row"), file=self.file)
        self._read: dict[str, list[str]] = {}

    def has(self, key: str) -> bool:
        return any(header in self._names for header in _HEADERS[key])

    def wrong(self, what: str, row: int, key: str, expected: str | None = None) -> Exception:
        """A fault of a cell or row, row from 0."""
        found = self._read.get(key)
        return problem(
            what, file=self.file, row=row + self.first, key=key,
            found=found[row] if found else None, expected=expected,
        )  # fmt: skip

    def _column(self, key: str) -> pa.Array:
        header = next((h for h in _HEADERS[key] if h in self._names), None)
        if header is None:
            raise problem(say("没有此列", "no such column"), file=self.file, key=key,
                          found=", ".join(self._table.column_names),
                          expected=say(" 或 ", " or ").join(_HEADERS[key][:3]))  # fmt: skip
        column = self._table.column(self._names[header]).combine_chunks()
        self._read[key] = [(text or "").strip() for text in text_list(as_text(column))]
        return column

    def texts(self, key: str) -> list[str]:
        self._column(key)
        for row, text in enumerate(self._read[key]):
            if not text:
                raise self.wrong(say("为空", "is empty"), row, key)
        refuse_persons(self._read[key], file=self.file, key=key, row=self.first,
                       mobiles=key != "hospital")  # fmt: skip
        return self._read[key]

    def words(self, key: str, known: Mapping[str, int], expected: str) -> list[int]:
        texts = self.texts(key)
        for row, text in enumerate(texts):
            if text.lower() not in known and text not in known:
                raise self.wrong(say(f"不是可用的 {key}", f"not a known {key}"), row, key, expected)
        return [known.get(text, known.get(text.lower(), 0)) for text in texts]

    def pools(self, pools: tuple[str, ...]) -> list[int]:
        """Place of each row's pool."""
        known = {text: pools.index(name) for text in self.texts("pool")
                 if (name := pool_of(text, pools)) is not None}  # fmt: skip
        return self.words("pool", known, pools_said(pools))

    def months(self, opening: tuple[str, ...] = ()) -> list[int]:
        """Year x 12 + month from 0, -1 for the opening."""
        found = []
        for row, text in enumerate(self.texts("month")):
            parts = _MONTH.fullmatch(text.removesuffix(".0"))
            if text.lower() in opening:
                found.append(-1)
            elif parts and 1 <= int(parts[2]) <= 12:
                found.append(int(parts[1]) * 12 + int(parts[2]) - 1)
            else:
                raise self.wrong(say("不是月份", "not a month"), row, "month",
                                 say("例如 2025-03", "such as 2025-03"))  # fmt: skip
        return found

    def amounts(self, key: str, *, negative: bool = False) -> Fen:
        fen, blank, unreadable = read_amounts(self._column(key))
        self._whole(key, blank | unreadable | ((fen < 0) & (not negative)),
                    say("金额（元）", "an amount in yuan")
                    + ("" if negative else say("，不小于 0", ", 0 or more")))  # fmt: skip
        return fen

    def prices(self, key: str) -> Floats:
        yuan, unreadable = read_yuan(self._column(key))
        self._whole(key, unreadable | ~(yuan >= 0),
                    say("价格（元），不小于 0", "a price in yuan, 0 or more"))  # fmt: skip
        return yuan

    def numbers(self, key: str, rule: Number, *, blank: bool = False) -> Floats:
        found, unreadable = read_number(self._column(key), rule)
        self._whole(key, unreadable | (np.isnan(found) & (not blank)), rule.expected)
        return found

    def _whole(self, key: str, bad: npt.NDArray[np.bool_], expected: str) -> None:
        if bad.any():
            raise self.wrong(say("无法读取", "cannot be read"), int(np.flatnonzero(bad)[0]), key,
                             expected)  # fmt: skip

    def once(self, what: str, *columns: Sequence[object]) -> None:
        """Refuse two rows with the same values."""
        seen: set[tuple[object, ...]] = set()
        for row, entry in enumerate(zip(*columns, strict=True)):
            if entry in seen:
                raise self.wrong(say("重复出现", "stands twice"), row, what)
            seen.add(entry)
