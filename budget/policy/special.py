"""Special cases (特殊病例): what is paid otherwise than by the standard of a group."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import model_validator

from budget.policy.fields import (
    Many,
    Part,
    PolicyError,
    Row,
    Rows,
    figure,
    pay_has,
    rows,
    section,
    share,
    words,
)
from budget.policy.fields import yuan as yuan_field
from budget.policy.ladder import Band, Ladder
from budget.policy.outliers import Quota
from budget.policy.select import check_rows
from drg.errors import one_of
from drg.language import say

Basis = Literal["share_of_cost", "weight", "own_weight", "by_item"]


class WithoutGroup(Part):
    """Cases without a group or a weight of their own."""

    pay: Basis = figure(
        "支付方式",
        "share_of_cost, a fixed weight, own_weight (the weight table's), or by_item 按项目",
    )
    share: float | None = share("费用比例", "share of the cost (share_of_cost)", optional=True)
    weight: float | None = figure(
        "权重", "weight in place of a group's (weight)", "weight", above=0, high=100, optional=True
    )
    low: float | None = figure(
        "低倍率界限", "L of such cases in place of the policy's (own_weight)", "times", above=0,
        high=50, optional=True,
    )  # fmt: skip
    high: float | None = figure(
        "高倍率界限", "T of such cases in place of the policy's (own_weight)", "times", above=0,
        high=50, optional=True,
    )  # fmt: skip

    @model_validator(mode="after")
    def _parameters(self) -> WithoutGroup:
        pay_has(self, share="share_of_cost", weight="weight")
        for key in ("low", "high"):
            if self.pay != "own_weight" and getattr(self, key) is not None:
                raise PolicyError(say(f"pay = '{self.pay}' 没有此参数",
                                      f"pay = '{self.pay}' has no such parameter"), key,
                                  found=getattr(self, key))  # fmt: skip
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise PolicyError(say("不高于低倍率界限", "not above the low threshold"), "high",
                              found=self.high,
                              expected=say(f"大于 {self.low:g}",
                                           f"above {self.low:g}"))  # fmt: skip
        return self


class Stay(Part):
    """Stays outside DRG by their length (住院天数)."""

    days: int = figure(
        "天数界限",
        "stays of at most (short) or at least (long) so many days",
        "days",
        low=0,
        high=3650,
    )
    pay: Literal["by_item", "bed_day"] = figure("支付方式", "by_item 按项目 or bed_day 按床日")


class DayRate(Band):
    """Price of a day (床日标准) in a band of days."""

    value: float = figure(
        "床日标准",
        "price of a day in this band of the stay",
        "yuan or points per day",
        above=0,
        high=1e5,
    )


class BedDay(Part):
    """Bed-day payment (床日付费): each day at the price of its band."""

    unit: Literal["yuan", "points"] = figure("计价单位", "whether the prices are yuan or points")
    rates: Ladder[DayRate] = section("床日标准", "price of a day by band of days", optional=False)


class DaySurgery(Part):
    """Day surgery (日间手术)."""

    factor: float = figure(
        "日间手术系数", "multiplier of the standard", "factor", above=0, high=1.5
    )


class DayBedDisease(Row):
    """A disease of the day-bed quota (日间病床病种)."""

    title: str = figure("病种", "name of the disease")
    kind: Literal["tcm", "western"] = figure("类别", "tcm 中医 or western 西医")
    diagnoses: Many[str] = words("诊断", "beginnings of principal diagnosis codes")
    quota: float = yuan_field("定额", "quota of a course of treatment", positive=True)


class DayBed(Part):
    """Day-bed quota by disease (日间病床按病种付费).

    Overrun is borne by the hospital, surplus is kept.
    """

    diseases: Rows[DayBedDisease] = rows("病种", "diseases with their quotas")
    deductible: bool = figure("起付线", "whether the patient pays a deductible")
    bed_and_nursing: float = share("床位护理比例", "share at which bed and nursing fees are billed")
    reimbursed: float = share("报销比例", "share of the quota that the fund pays")


class Transfer(Part):
    """Transfer or discharge against advice (转院、非医嘱离院)."""

    modes: Many[int] = words("离院方式", "discharge modes: 2 transfer, 4 against advice")
    pay: Literal["proportional", "share_of_standard", "by_item"] = figure(
        "支付方式", "proportional: S * c / group mean, capped; share_of_standard; by_item"
    )
    cap: float | None = figure(
        "封顶倍数",
        "most, in multiples of the standard (proportional)",
        "times",
        above=0,
        high=10,
        optional=True,
    )
    share: float | None = share(
        "标准比例", "share of the standard (share_of_standard)", optional=True
    )
    within_days: int | None = figure(
        "天数", "only stays of at most so many days", "days", low=0, high=3650, optional=True
    )

    @model_validator(mode="after")
    def _parameters(self) -> Transfer:
        if not self.modes:
            raise PolicyError(say("缺失", "is missing"), "modes",
                              expected=say("离院方式，例如 [2, 4]",
                                           "discharge modes such as [2, 4]"))  # fmt: skip
        for i, mode in enumerate(self.modes):
            if mode not in (1, 2, 3, 4, 5, 9):
                raise PolicyError(say("不是离院方式", "no discharge mode"), "modes", i, found=mode,
                                  expected=one_of("123459"))  # fmt: skip
        pay_has(self, cap="proportional", share="share_of_standard")
        return self


class Readmission(Part):
    """Readmission for the same group without reason (无理由再入院): the previous stay is cut."""

    days: int = figure(
        "间隔天数", "at most so many days after the previous discharge", "days", low=1, high=365
    )
    factor: float = share("前次折算系数", "multiplier of the previous stay's standard")
    same: Literal["drg", "adrg"] = figure("同组口径", "same DRG or same ADRG")
    exempt_adrgs: Many[str] = words("豁免病组", "beginnings of exempt group codes: chemotherapy...")


class Review(Part):
    """Special review (特病单议): approved cases are paid by item net of unreasonable cost."""

    quotas: Rows[Quota] = rows("申报比例", "quota by tier", optional=False)
    eligible: Literal["high_outliers", "all"] = figure("申报范围", "which cases may be put forward")
    unreasonable: float = share("不合理费用比例", "share of the cost that the panel strikes out")

    @model_validator(mode="after")
    def _decided(self) -> Review:
        check_rows(self.quotas, "quotas")
        return self


class Taper(Part):
    """One year of tapering extra points."""

    year: int = figure("第几年", "year since the technology came in", "year", low=1, high=20)
    share: float = share("递减比例", "share of the extra points paid in that year")


class Technology(Row):
    """A new technology (新技术)."""

    procedures: Many[str] = words("手术操作", "beginnings of procedure codes")
    valid_from: datetime.date = figure("起始日期", "first day of separate payment")
    extra_points: float | None = figure(
        "追加点数", "extra points (extra_points)", "points", above=0, high=1e6, optional=True
    )


class NewTechnology(Part):
    """New technology (新技术除外支付)."""

    pay: Literal["by_item", "extra_points"] = figure(
        "支付方式", "by_item 按项目 for some years, or tapering extra_points 追加点数"
    )
    years: int = figure("年限", "years of separate payment", "years", low=1, high=20)
    taper: tuple[Taper, ...] = rows("递减", "shares by year (extra_points)")
    technologies: Rows[Technology] = rows("新技术目录", "technologies with their procedures")

    @model_validator(mode="after")
    def _parameters(self) -> NewTechnology:
        if self.pay == "extra_points" and not self.taper:
            raise PolicyError(say("缺失", "is missing"), "taper",
                              expected=say("取值，pay = 'extra_points' 时必填",
                                           "a value, needed by pay = 'extra_points'"))  # fmt: skip
        if self.pay == "by_item" and self.taper:
            raise PolicyError(say("pay = 'by_item' 没有此参数",
                                  "pay = 'by_item' has no such parameter"), "taper")  # fmt: skip
        for i, step in enumerate(self.taper):
            if step.year != i + 1:
                raise PolicyError(say("次序错误", "out of order"), "taper", i, "year",
                                  found=step.year, expected=str(i + 1))  # fmt: skip
        for one in self.technologies:
            if (one.extra_points is None) == (self.pay == "extra_points"):
                raise PolicyError(say("仅用于 pay = 'extra_points'",
                                      "goes with pay = 'extra_points'"), "technologies", one.name,
                                  "extra_points", found=one.extra_points)  # fmt: skip
        return self


class Cap(Row):
    """Yearly cases (年度病例数上限) of a group; the row's name is the DRG code."""

    cases: int = figure(
        "年度例数", "cases a year that are paid in full", "cases", low=0, high=10**8
    )


class Caseload(Part):
    """Caseload caps (病例数控制): what is paid beyond the yearly cases of a group."""

    per: Literal["region", "hospital"] = figure(
        "统计口径", "whether a cap holds for the region or each hospital"
    )
    beyond: float = share("超额支付比例", "share of the standard paid beyond the cap")
    caps: Rows[Cap] = rows("病例数上限", "caps by group", optional=False)


class Special(Part):
    """Special cases (特殊病例)."""

    ungrouped: WithoutGroup = section("未入组", "group 0000", optional=False)
    ambiguous: WithoutGroup = section("歧义组", "groups ending in QY", optional=False)
    unpriced: WithoutGroup = section(
        "无权重病组", "a group without weight, or a hospital without rate", optional=False
    )
    short_stay: Stay | None = section("短期住院", "short stays outside DRG")
    long_stay: Stay | None = section("长期住院", "long stays outside DRG")
    bed_day: BedDay | None = section("床日付费", "payment by day")
    day_surgery: DaySurgery | None = section("日间手术", "operations within a day")
    day_bed: DayBed | None = section("日间病床", "day-bed quotas by disease")
    transfer: Transfer | None = section("转院与非医嘱离院", "transfer or against advice")
    readmission: Readmission | None = section("再入院", "readmission for the same group")
    review: Review | None = section("特病单议", "special review")
    new_technology: NewTechnology | None = section("新技术", "separate payment of new technology")
    caseload: Caseload | None = section("病例数控制", "caseload caps")

    @model_validator(mode="after")
    def _bed_days(self) -> Special:
        short, long = self.short_stay, self.long_stay
        for key, stay in (("short_stay", short), ("long_stay", long)):
            if stay is not None and stay.pay == "bed_day" and self.bed_day is None:
                raise PolicyError(say("需要 special.bed_day", "needs special.bed_day"), key, "pay",
                                  found=stay.pay)  # fmt: skip
        if short is not None and long is not None and short.days >= long.days:
            raise PolicyError(say("不大于短期住院天数", "not above the short stay"), "long_stay",
                              "days", found=long.days,
                              expected=say(f"大于 {short.days}",
                                           f"above {short.days}"))  # fmt: skip
        for key in ("ambiguous", "ungrouped", "unpriced"):
            if key == "unpriced" and getattr(self, key).pay == "own_weight":
                raise PolicyError(say("无权重的病组没有自身权重",
                                      "a group without weight has none of its own"), key, "pay",
                                  found="own_weight")  # fmt: skip
        return self
