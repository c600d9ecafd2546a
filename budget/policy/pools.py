"""Pools (基金池, 总额预算), cash flow (拨付), out-of-area prepayment, procurement retention."""

from __future__ import annotations

import datetime
import re
from typing import Literal

from pydantic import model_validator

from budget.policy.fields import (
    Many,
    Part,
    PolicyError,
    Row,
    Rows,
    figure,
    in_order,
    rows,
    section,
    share,
    words,
)
from budget.policy.fields import yuan as yuan_field
from budget.policy.select import Choice
from drg.errors import problem
from drg.language import say

_SATURDAY = 5  # of weekday()
Branch = Literal[
    "ungrouped",
    "ambiguous",
    "unpriced",
    "unstable",
    "short_stay",
    "long_stay",
    "fixed_price",
    "day_bed",
    "review",
    "new_technology",
]


class CarveOut(Row):
    """Money set aside before the pool (预留, 剔除)."""

    kind: Literal["out_of_area", "major_illness", "procurement", "special_review", "other"] = (
        figure("用途", "what it is for")
    )
    amount: float | None = yuan_field("金额", "a fixed sum", optional=True)
    share: float | None = share("比例", "a share of the budget before carve-outs", optional=True)

    @model_validator(mode="after")
    def _one(self) -> CarveOut:
        if (self.amount is None) == (self.share is None):
            raise PolicyError(say("须有一种规模", "needs one size"), "share",
                              expected=say("amount 或 share 之一",
                                           "either amount or share"))  # fmt: skip
        return self


class Pool(Choice):
    """A pool (基金池): the cases of its selectors share one budget and one point value.

    ``budget before carve-outs``: given, or last year's spend x (1 + growth). The reserve is a
    share of what is left after carve-outs.
    """

    basis: Literal["given", "growth"] = figure("预算方式", "a given sum, or growth on last year")
    budget: float | None = yuan_field("预算总额", "budget before carve-outs (given)", optional=True)
    last_year: float | None = yuan_field(
        "上年支出",
        "last year's DRG fund spend (growth); from the data when left out",
        optional=True,
    )
    growth: float | None = figure(
        "增长率", "growth on last year's spend (growth)", "share", low=-1, high=1, optional=True
    )
    reserve: float = share("调剂金比例", "reserve (调剂金, 风险金) as a share of the pool")
    shortage: Literal["report", "pro_rata"] | None = figure(
        "超支处理", "when payments exceed the pool: report the overrun, or cut all pro_rata",
        optional=True)  # fmt: skip
    outside: Many[Branch] = words("池外病例", "kinds of cases that are paid outside the pool")
    carve_outs: Rows[CarveOut] = rows("预留", "sums set aside first")

    @model_validator(mode="after")
    def _parameters(self) -> Pool:
        for key, kind in (("budget", "given"), ("growth", "growth"), ("last_year", "growth")):
            held = getattr(self, key)
            if held is None and self.basis == kind and key != "last_year":
                raise PolicyError(say("缺失", "is missing"), key,
                                  expected=say(f"取值，basis = '{kind}' 时必填",
                                               f"a value, needed by basis = '{kind}'"))  # fmt: skip
            if held is not None and self.basis != kind:
                raise PolicyError(say(f"basis = '{self.basis}' 没有此参数",
                                      f"basis = '{self.basis}' has no such parameter"), key,
                                  found=held)  # fmt: skip
        shares = sum(one.share or 0 for one in self.carve_outs)
        if shares > 1:
            raise PolicyError(say("预留超过全部预算", "carve-outs above the whole budget"),
                              "carve_outs", found=round(shares, 9),
                              expected=say("合计不大于 1 的比例",
                                           "shares that sum to at most 1"))  # fmt: skip
        return self

    def amount(self, last_year: float | None = None) -> float:
        """What is shared out, in yuan: budget less carve-outs less reserve.

        Args:
            last_year: last year's spend in yuan, where the document leaves it to the data.
        """
        if self.basis == "given":
            whole = self.budget or 0.0
        else:
            spent = self.last_year if self.last_year is not None else last_year
            if spent is None:
                raise problem(say("上年支出未知", "last year's spend is not known"),
                              key=f"pools.{self.name}.last_year")  # fmt: skip
            whole = spent * (1 + (self.growth or 0.0))
        left = whole - sum(
            one.amount if one.amount is not None else whole * (one.share or 0.0)
            for one in self.carve_outs
        )
        return left * (1 - self.reserve)


class Holidays(Row):
    """Public holidays (节假日安排) of the year that is the row's name, as announced.

    What it says takes the place of the calendar that comes with the program.
    """

    rest: Many[datetime.date] = words("放假", "weekdays on which nobody works")
    work: Many[datetime.date] = words("调休上班", "days of a weekend on which people work")

    @model_validator(mode="after")
    def _of_the_year(self) -> Holidays:
        if not re.fullmatch(r"\d{4}", self.name):
            raise PolicyError(say("不是年份", "is no year"), found=self.name,
                              expected=say("年份，如 2027", "a year, such as 2027"))  # fmt: skip
        for key, days in (("rest", self.rest), ("work", self.work)):
            for i, day in enumerate(days):
                if day.year != int(self.name):
                    raise PolicyError(say("不在该年", "is not in the year"), key, i, found=day,
                                      expected=self.name)  # fmt: skip
                if (day.weekday() < _SATURDAY) != (key == "rest"):
                    zh, en = ("周一至周五", "Monday to Friday") if key == "rest" else (
                        "周六或周日", "a Saturday or Sunday")  # fmt: skip
                    raise PolicyError(say("星期不符", "is on another day of the week"), key, i,
                                      found=day, expected=say(zh, en))  # fmt: skip
        return self


class Provisional(Part):
    """Provisional point value (月度点值): what a point is worth until the year is cleared."""

    basis: Literal["last_year", "month", "rolling"] = figure(
        "月度点值依据",
        "last_year: last year's value; month: the month's part of the pool's money over the "
        "month's points; rolling: the same of all months so far",
    )
    floor: float | None = figure(
        "月度点值下限", "lowest provisional value", "yuan per point", low=0, high=1e6, optional=True
    )
    ceiling: float | None = figure(
        "月度点值上限", "highest provisional value", "yuan per point", above=0, high=1e6,
        optional=True,
    )  # fmt: skip

    @model_validator(mode="after")
    def _ordered(self) -> Provisional:
        in_order(self)
        return self


class Cash(Part):
    """Cash flow (拨付) through the year."""

    basis: Literal["payable", "last_year_mean", "elapsed"] = figure(
        "预拨依据",
        "the month's payable, last year's monthly mean, or the payable up to what the months "
        "elapsed bring of the pool's money",
    )
    advance: float = share("预拨比例", "monthly advance as a share of the basis")
    quality_money: float = share("质量保证金比例", "quality money held back until the assessment")
    working_days: int = figure(
        "拨付时限", "working days from claim to payment", "working days", low=0, high=366
    )
    clearing_month: int = figure(
        "清算月", "month of the next year by which the year is cleared", "month", low=1, high=12
    )
    clearing_day: int = figure("清算日", "day of that month", "day", low=1, high=31)
    holidays: Rows[Holidays] = rows(
        "节假日安排", "public holidays of years that the program's calendar does not know"
    )
    provisional: Provisional | None = section(
        "月度点值", "value of a point until the clearing, where the pool decides it"
    )

    @model_validator(mode="after")
    def _within(self) -> Cash:
        if round(self.advance + self.quality_money, 9) > 1:
            raise PolicyError(say("预拨与质量保证金合计超过全部",
                                  "advance and quality money exceed the whole"), "quality_money",
                              found=self.quality_money,
                              expected=say(f"不大于 {1 - self.advance:g}",
                                           f"at most {1 - self.advance:g}"))  # fmt: skip
        return self


class AdvanceMoney(Part):
    """Advance money (医保基金预付金): lent to hospitals for the year, recovered at the clearing.

    Paid only out of a fund whose accumulated surplus covers so many months of its spend.
    """

    months: float = figure(
        "预付月数", "months of a hospital's mean spend", "months", above=0, high=12
    )
    years: int = figure(
        "测算年数", "the mean is that of at most so many years before", "years", low=1, high=3
    )
    employee_cover: float = figure(
        "职工医保可支付月数", "months that the employees' surplus must cover", "months", low=0,
        high=120,
    )  # fmt: skip
    resident_cover: float = figure(
        "居民医保可支付月数", "months that the residents' surplus must cover", "months", low=0,
        high=120,
    )  # fmt: skip
    apply_by: int = figure(
        "申请月份", "month of the year by whose end a hospital applies", "month", low=1, high=12
    )


class OutOfArea(Part):
    """Out-of-area prepayment (异地就医预付金): multiples of the previous Q4's monthly mean."""

    cross_province: float = figure(
        "跨省倍数", "months' means prepaid across provinces", "times", low=0, high=24
    )
    in_province: float = figure(
        "省内倍数", "months' means prepaid inside the province", "times", low=0, high=24
    )
    working_days: int = figure(
        "拨付时限", "working days from receipt to the hospitals", "working days", low=0, high=366
    )


class Procurement(Part):
    """Retention of procurement savings (集采结余留用): volume x price drop x share x assessment."""

    share: float = share("留用比例", "share of the savings that hospitals keep")
    assessed: bool = figure("考核挂钩", "whether the assessment coefficient applies")
