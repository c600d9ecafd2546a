"""Outliers (极端病例): where low and high begin (倍率界限), and what is paid there."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from budget.policy.fields import Part, PolicyError, Rows, figure, rows, section, share
from budget.policy.ladder import Band, Ladder
from budget.policy.select import Choice, check_rows, compatible
from drg.language import say

HighRule = Literal[
    "standard",
    "cost",
    "excess_points",
    "cost_minus",
    "cost_minus_standard",
    "excess_share",
    "step_share",
    "cost_minus_part",
    "banded",
    "cap",
]
# name -> letter in the rules, payment, the parameters it has
HIGH_RULES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "standard": ("A", "S", ()),
    "cost": ("B", "c", ()),
    "excess_points": ("C", "100*RW*[k + (r - T)] points", ()),
    "cost_minus": ("D", "c - (T - 1)*S", ()),
    "cost_minus_standard": ("E", "c - S", ()),
    "excess_share": ("F", "S*[1 + share*(r - T)]", ("share",)),
    "step_share": ("G", "S*[step + share*(r - T)]", ("share", "step")),
    "cost_minus_part": ("H", "c - part*S", ("part",)),
    "banded": ("I", "cost*c + standard*S by band of r", ("bands",)),
    "cap": ("J", "T*S", ()),
}


class Threshold(Band):
    """A threshold (倍率界限) for a band of weights."""

    value: float = figure(
        "倍率界限", "threshold of the ratio cost over standard", "times", above=0, high=50
    )


class Payment(Band):
    """What is paid in a band of the ratio r: ``cost * c + standard * S``."""

    cost: float = figure("费用比例", "multiple of the case's cost", "times", low=-10, high=10)
    standard: float = figure("标准倍数", "multiple of the standard", "times", low=-50, high=50)


class LowBand(Part):
    """A band above L that is not yet paid in full (Hangzhou: 0.4 to 0.8, ``c + 0.2*S``)."""

    upto: float = figure(
        "区间上限", "end of the band, in multiples of the standard", "times", above=0, high=10
    )
    cost: float = figure("费用比例", "multiple of the case's cost", "times", low=0, high=10)
    standard: float = figure("标准倍数", "multiple of the standard", "times", low=0, high=10)


class Quota(Choice):
    """Quota (申报比例、例数限额): cases of a hospital that a rule takes at most."""

    share: float = share(
        "比例", "most cases that the rule takes, as a share of the hospital's DRG discharges"
    )


class Low(Part):
    """Low outliers (低倍率病例): ``r < L`` is paid its cost; of the cost, this share."""

    share: float = share("费用支付比例", "share of its cost that a low case is paid")
    thresholds: Ladder[Threshold] = section(
        "低倍率界限", "L by weight, tier, insurance", optional=False
    )
    band: LowBand | None = section("低倍率过渡段", "band above L that is not yet paid in full")
    included: bool | None = figure(
        "界限计入", "whether a case at L itself is low; otherwise it is not", optional=True
    )
    times_k: bool | None = figure(
        "界限乘系数", "whether L is multiplied by min(1, k), k of the hospital", optional=True
    )


class High(Part):
    """High outliers (高倍率病例): ``r > T`` is paid by one of ten rules."""

    rule: HighRule = figure("高倍率规则", "what is paid above T")
    thresholds: Ladder[Threshold] = section(
        "高倍率界限", "T by weight, tier, insurance", optional=False
    )
    share: float | None = share(
        "超界比例", "share of the excess (excess_share, step_share)", optional=True
    )
    step: float | None = figure(
        "起步倍数",
        "multiple of the standard at T (step_share)",
        "times",
        low=0,
        high=50,
        optional=True,
    )
    part: float | None = figure(
        "扣除倍数",
        "multiple of the standard taken off (cost_minus_part)",
        "times",
        low=0,
        high=50,
        optional=True,
    )
    bands: Ladder[Payment] | None = section(
        "分段支付", "payment by band of r (banded); the first band begins at T"
    )
    included: bool | None = figure(
        "界限计入", "whether a case at T itself is high; otherwise it is not", optional=True
    )
    quotas: Rows[Quota] = rows(
        "例数限额", "high cases that the rule pays, the largest overruns first; others are paid S"
    )

    @model_validator(mode="after")
    def _parameters(self) -> High:
        wanted = HIGH_RULES[self.rule][2]
        for key in ("share", "step", "part", "bands"):
            held = getattr(self, key)
            if held is None and key in wanted:
                raise PolicyError(say("缺失", "is missing"), key,
                                  expected=say(f"取值，rule = '{self.rule}' 时必填",
                                               "a value, needed by rule = "
                                               f"'{self.rule}'"))  # fmt: skip
            if held is not None and key not in wanted:
                raise PolicyError(say(f"rule = '{self.rule}' 没有此参数",
                                      f"rule '{self.rule}' has no such parameter"), key,
                                  found=None if key == "bands" else held,
                                  expected=say(f'{key} = "none"，或其他规则',
                                               f'{key} = "none", or another rule'))  # fmt: skip
        if self.bands is not None:
            highest = max(band.value for band in self.thresholds)
            first = self.bands[0].end
            if first is not None and first <= highest:
                raise PolicyError(say("上端低于倍率界限", "ends below the threshold"), "bands", 0,
                                  "upto" if self.bands[0].below is None else "below", found=first,
                                  expected=say(f"大于 {highest:g}",
                                               f"above {highest:g}"))  # fmt: skip
        check_rows(self.quotas, "quotas")
        return self


class Outliers(Part):
    """Outliers (极端病例).

    A case is low when ``r < L``, high when ``r > T``, normal otherwise; L and T themselves are
    normal unless ``included`` says otherwise.
    """

    ratio: Literal["standard", "regional"] = figure(
        "倍率分母", "denominator of r: the standard S, or regional M*RW without k"
    )
    low: Low | None = section("低倍率", "low outliers")
    high: High | None = section("高倍率", "high outliers")

    @model_validator(mode="after")
    def _in_order(self) -> Outliers:
        if self.low is None:
            return self
        low, band = self.low.thresholds, self.low.band
        if band is not None:
            for one in low:
                if one.value >= band.upto:
                    raise PolicyError(say("上端低于 L", "ends below L"), "low", "band", "upto",
                                      found=band.upto,
                                      expected=say(f"大于 {one.value:g}",
                                                   f"above {one.value:g}"))  # fmt: skip
        for i, high in enumerate(self.high.thresholds if self.high else ()):
            if band is not None and band.upto > high.value:
                raise PolicyError(say("上端高于 T", "ends above T"), "low", "band", "upto",
                                  found=band.upto,
                                  expected=say(f"不大于 {high.value:g}",
                                               f"at most {high.value:g}"))  # fmt: skip
            for one in low:
                if one.value >= high.value and compatible(one, high) and _meet(one, high):
                    raise PolicyError(say("不高于低倍率界限", "not above the low threshold"),
                                      "high", "thresholds", i, "value", found=high.value,
                                      expected=say(f"大于 {one.value:g}",
                                                   f"above {one.value:g}"))  # fmt: skip
        return self


def _meet(one: Band, other: Band) -> bool:
    """Whether two bands have a weight in common."""
    start = max(one.start, other.start)
    ends = [band.end for band in (one, other) if band.end is not None]
    return not ends or start < min(ends)
