"""The rules of a policy: all sections together, and what must hold between them."""

from __future__ import annotations

from pydantic import model_validator

from budget.policy.benefit import Benefit
from budget.policy.fields import Part, PolicyError, Rows, rows, section
from budget.policy.groups import Groups
from budget.policy.outliers import Outliers
from budget.policy.pools import AdvanceMoney, Cash, OutOfArea, Pool, Procurement
from budget.policy.select import check_rows
from budget.policy.special import Special
from budget.policy.standard import Coefficients, Standard
from budget.policy.year_end import Assessment, Sharing
from drg.errors import one_of
from drg.language import say


class Rules(Part):
    """The sections of a policy (支付政策), in the order of a case and a year."""

    standard: Standard = section("支付标准", "what a case is worth", optional=False)
    coefficients: Coefficients | None = section("机构系数", "coefficients of hospitals")
    groups: Groups | None = section("病组集合", "sets of groups and their multipliers")
    outliers: Outliers = section("极端病例", "low and high outliers", optional=False)
    special: Special = section("特殊病例", "cases paid otherwise", optional=False)
    pools: Rows[Pool] = rows("基金池", "pools by insurance, tier or county", optional=False)
    cash: Cash = section("拨付", "advance, quality money, clock", optional=False)
    assessment: Assessment = section("年度考核", "scores and coefficients", optional=False)
    sharing: Sharing = section("结余与超支", "surplus and overrun", optional=False)
    benefit: Benefit = section("个人负担", "the patient's share", optional=False)
    out_of_area: OutOfArea | None = section("异地就医预付", "prepayment for out-of-area care")
    advance_money: AdvanceMoney | None = section("预付金", "lent to hospitals for the year")
    procurement: Procurement | None = section("集采结余留用", "retention of procurement savings")

    @model_validator(mode="after")
    def _together(self) -> Rules:
        check_rows(self.pools, "pools")
        if not self.pools:
            raise PolicyError(say("没有基金池", "has no pool"), "pools",
                              expected=say("至少一个", "at least one"))  # fmt: skip
        names = [rate.name for rate in self.standard.rates]
        for basic in self.groups.basic if self.groups else ():
            if basic.rate_of is not None and basic.rate_of not in names:
                raise PolicyError(say("没有此费率", "no such rate"), "groups", "basic", basic.name,
                                  "rate_of", found=basic.rate_of,
                                  expected=_one_of(names))  # fmt: skip
        for key in ("ungrouped", "ambiguous"):
            for side in ("low", "high"):
                own = getattr(getattr(self.special, key), side)
                if own is not None and getattr(self.outliers, side) is None:
                    raise PolicyError(say(f"政策没有 outliers.{side}",
                                          f"the policy has no outliers.{side}"), "special", key,
                                      side, found=own)  # fmt: skip
        bed_day = self.special.bed_day
        if bed_day is not None and bed_day.unit == "points" and self.standard.kind == "rate":
            raise PolicyError(say("须为有点数的付费方式", "needs a method with points"), "special",
                              "bed_day", "unit", found="points",
                              expected=say("yuan，或其他 standard.kind",
                                           "yuan, or another standard.kind"))  # fmt: skip
        return self


def _one_of(names: list[str]) -> str:
    return one_of(names) if names else say("不填：没有费率", "nothing: there are no rates")
