"""Patient share (个人负担): deductible, ratio, caps, major illness, medical aid, catch-alls."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from budget.policy.fields import Part, PolicyError, Rows, figure, rows, section, share
from budget.policy.fields import yuan as yuan_field
from budget.policy.ladder import Ladder, Share
from budget.policy.select import Choice, check_rows
from drg.language import say


class Deductible(Choice):
    """Deductible (起付线) of a stay."""

    first: float = yuan_field("首次起付线", "deductible of the year's first stay")
    second: float = yuan_field("再次起付线", "deductible of each further stay of the year")


class Ratio(Choice):
    """Ratio (报销比例) at which costs in scope are reimbursed."""

    ratio: float = share("报销比例", "share of the cost in scope above the deductible")


class YearlyCap(Choice):
    """Yearly cap (年度封顶线) of the basic insurance."""

    amount: float = yuan_field("封顶线", "most that the fund pays a person in a year")


class MajorIllness(Choice):
    """Major illness insurance (大病保险)."""

    line: float = yuan_field("大病起付线", "yearly self-paid cost in scope above which it pays")
    ratios: Ladder[Share] = section(
        "大病分段比例", "share by band of the yuan above the line", optional=False
    )
    cap: float | None = yuan_field(
        "大病封顶线", "most that it pays a person in a year", optional=True
    )


class MedicalAid(Choice):
    """Medical aid (医疗救助) for the people of the row's population."""

    line: float = yuan_field("救助起付线", "yearly self-paid cost in scope above which it pays")
    ratio: float = share("救助比例", "share of what is above the line")
    cap: float = yuan_field("救助封顶线", "most that it pays a person in a year")


class SelfPayCap(Choice):
    """Local catch-all: yearly self-pay cap (年度自付封顶), such as Huoqiu's "351"."""

    amount: float = yuan_field("自付封顶", "most that a person pays in a year in scope")


class Remainder(Choice):
    """Local catch-all: a share of what remains (剩余费用再补偿), such as Huoqiu's "180"."""

    share: float = share("再补偿比例", "share of what remains that is paid")


class Benefit(Part):
    """Patient share (个人负担). Patients are billed by item; the parts follow in this order."""

    fund_floor: float = yuan_field("基金支付下限", "least that the fund pays for a case")
    fund_formula: Literal["remainder", "by_ratio"] | None = figure(
        "基金支付公式",
        "what of a payment is the fund's: the remainder after patient and other payers (default), "
        "or (payment - out of scope - deductible) by_ratio of the benefits",
        optional=True,
    )
    deductibles: Rows[Deductible] = rows("起付线", "by tier and insurance", optional=False)
    ratios: Rows[Ratio] = rows("报销比例", "by tier, insurance and people", optional=False)
    caps: Rows[YearlyCap] = rows("封顶线", "by insurance", optional=False)
    major_illness: Rows[MajorIllness] = rows("大病保险", "by insurance")
    medical_aid: Rows[MedicalAid] = rows("医疗救助", "by category of people")
    self_pay_caps: Rows[SelfPayCap] = rows("自付封顶", "yearly self-pay caps by level of care")
    remainders: Rows[Remainder] = rows("再补偿", "shares of what remains")

    @model_validator(mode="after")
    def _decided(self) -> Benefit:
        for key in (
            "deductibles",
            "ratios",
            "caps",
            "major_illness",
            "medical_aid",
            "self_pay_caps",
            "remainders",
        ):
            check_rows(getattr(self, key), key)
        for one in self.major_illness:
            values = [band.value for band in one.ratios]
            for i in range(1, len(values)):
                if values[i] < values[i - 1]:
                    raise PolicyError(say("支付比例下降", "ratio falls"), "major_illness", one.name,
                                      "ratios", i, "value", found=values[i],
                                      expected=say(f"不小于 {values[i - 1]:g}",
                                                   f"at least {values[i - 1]:g}"))  # fmt: skip
        return self
