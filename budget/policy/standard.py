"""Payment standard (支付标准): what a case is worth, and coefficients of hospitals (机构系数)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from budget.policy.fields import (
    Part,
    PolicyError,
    Rows,
    figure,
    in_order,
    rows,
    section,
    share,
    yuan,
)
from budget.policy.groups import GroupSet
from budget.policy.select import Choice, check_rows
from drg.language import say
from drg.money import printed

Kind = Literal["rate", "points", "own_mean"]


class Rate(Choice):
    """Rate (费率) of some hospitals and insurances."""

    yuan: float = yuan("费率", "price of weight 1", positive=True)


class PointValue(Choice):
    """Point value (点值) of a pool."""

    given: float | None = figure(
        "点值",
        "fixed value of a point; otherwise the pool decides",
        "yuan per point",
        above=0,
        high=1e6,
        optional=True,
    )
    floor: float | None = figure(
        "点值下限", "lowest value of a point", "yuan per point", low=0, high=1e6, optional=True
    )
    ceiling: float | None = figure(
        "点值上限", "highest value of a point", "yuan per point", above=0, high=1e6, optional=True
    )

    @model_validator(mode="after")
    def _ordered(self) -> PointValue:
        in_order(self)
        if self.given is not None and (self.floor is not None or self.ceiling is not None):
            name = "floor" if self.floor is not None else "ceiling"
            raise PolicyError(say("给定点值不设上下限", "a given point value has no bounds"), name,
                              found=getattr(self, name),
                              expected=say("given，或 floor 与 ceiling",
                                           "given, or floor and ceiling"))  # fmt: skip
        return self


class Points(Part):
    """Point method (点数法): ``points = per_weight * RW * k``, priced by the pool."""

    per_weight: float = figure("基准点数", "points of weight 1", "points", above=0, high=1e5)


class PublishedMean(GroupSet):
    """Published mean (公布的次均费用) of some groups in some hospitals: a sum, or a column."""

    yuan: float | None = yuan("次均费用", "mean cost of these groups", optional=True, positive=True)
    figures: str | None = figure(
        "数值列", "column of the weight table that holds each group's mean cost", optional=True
    )

    @model_validator(mode="after")
    def _one(self) -> PublishedMean:
        _one_of(self, "yuan", "figures")
        return self


class OwnMean(Part):
    """Own mean (医疗机构次均费用): each hospital's mean cost of the group, in yuan-points.

    A published mean first, else the mean of the cases.
    """

    least_cases: int = figure(
        "最少病例数", "cases below which the own mean is not used", "cases", low=1, high=1000
    )
    otherwise: Literal["regional_mean", "by_item"] = figure(
        "无均值时", "what takes the place of a missing own mean"
    )
    published: Rows[PublishedMean] = rows("公布均值", "published means by hospital and group")


class Standard(Part):
    """Payment standard (支付标准) of a case.

    ``rate``: ``S = RW * rate * k``. ``points``: ``points = per_weight * RW * k`` and ``S = points
    * point value``. ``own_mean``: the hospital's mean cost of the group times the point value.
    """

    kind: Kind = figure("支付方法", "method: rate 费率法, points 点数法, own_mean 本院均值")
    decimals: int = figure(
        "保留小数", "decimals to which the standard in yuan is rounded", "digits", low=0, high=10
    )
    mean_cost: float | None = yuan(
        "地区次均费用", "regional mean cost M; computed when left out", optional=True, positive=True
    )
    rates: Rows[Rate] = rows("费率", "rates by tier, class, county, insurance")
    points: Points | None = section("点数法", "points of a case")
    own_mean: OwnMean | None = section("本院均值", "the hospital's own mean as standard")
    point_values: Rows[PointValue] = rows("点值", "point values by pool: points and own_mean only")

    @model_validator(mode="after")
    def _one_method(self) -> Standard:
        there = {
            "rates": (bool(self.rates), ("rate",)),
            "points": (self.points is not None, ("points",)),
            "own_mean": (self.own_mean is not None, ("own_mean",)),
        }
        for key, (present, kinds) in there.items():
            if present and self.kind not in kinds:
                raise PolicyError(say(f"属于 {self.kind} 以外的付费方式",
                                      f"belongs to another method than '{self.kind}'"), key,
                                  expected=say(f'remove = ["standard.{key}"]，或 kind = '
                                               f'"{kinds[0]}"',
                                               f'remove = ["standard.{key}"], or kind = '
                                               f'"{kinds[0]}"'))  # fmt: skip
            if not present and self.kind in kinds:
                raise PolicyError(say("缺失", "is missing"), key,
                                  expected=say(f"取值，kind = '{self.kind}' 时必填",
                                               "a value, needed by kind = "
                                               f"'{self.kind}'"))  # fmt: skip
        if self.point_values and self.kind == "rate":
            raise PolicyError(say("属于 rate 以外的付费方式",
                                  "belongs to another method than 'rate'"), "point_values",
                              expected=say("kind 为 points 或 own_mean",
                                           "points or own_mean as kind"))  # fmt: skip
        check_rows(self.rates, "rates")
        check_rows(self.point_values, "point_values")
        return self


class Coefficient(Choice):
    """Coefficient (系数) of some hospitals."""

    k: float = figure("机构系数", "multiplier of the standard", "factor", above=0, high=10)


class GroupCoefficient(GroupSet):
    """Coefficient (病组系数) of some groups in some hospitals: a number, or a column."""

    k: float | None = figure(
        "机构系数", "multiplier of the standard", "factor", above=0, high=10, optional=True
    )
    figures: str | None = figure(
        "数值列", "column of the weight table that holds each group's k", optional=True
    )

    @model_validator(mode="after")
    def _one(self) -> GroupCoefficient:
        _one_of(self, "k", "figures")
        return self


def _one_of(row: GroupSet, *keys: str) -> None:
    if sum(getattr(row, key) is not None for key in keys) != 1:
        raise PolicyError(say("须有一种数值", "needs one figure"), keys[0],
                          expected=say(f"{keys[0]} 或 {keys[1]} 之一",
                                       f"either {keys[0]} or {keys[1]}"))  # fmt: skip


class Computed(Part):
    """Computed coefficients (测算系数).

    The hospital's (or tier's) mean cost over the regional mean of the same groups, weighted by
    its case mix: ``k = sum_g n_g mu_hg / sum_g n_g mu_g``.
    """

    by: Literal["hospital", "hospital_class", "tier"] = figure(
        "测算单位", "whose means are compared with the region's"
    )
    new_group: float = figure(
        "新病组系数", "coefficient of a group without own history", "factor", above=0, high=10
    )
    least_cases: int = figure(
        "最少病例数", "cases of a group below which it counts as new", "cases", low=1, high=1000
    )
    floor: float | None = figure(
        "系数下限", "lowest coefficient", "factor", above=0, high=10, optional=True
    )
    ceiling: float | None = figure(
        "系数上限", "highest coefficient", "factor", above=0, high=10, optional=True
    )

    @model_validator(mode="after")
    def _ordered(self) -> Computed:
        in_order(self)
        return self


class Convergence(Part):
    """One year of the convergence (系数趋同) of coefficients towards 1."""

    year: int = figure("年度", "year from which the share holds", "year", low=2000, high=2100)
    share: float = share("趋同比例", "share of the way from the coefficient to 1")


class Coefficients(Part):
    """Coefficients (机构系数) k: by group first, then a row of the table, computed, else 1."""

    by_group: Rows[GroupCoefficient] = rows("病组系数", "coefficients by hospital and group")
    table: Rows[Coefficient] = rows("系数表", "given coefficients by tier, class or hospital")
    computed: Computed | None = section("测算系数", "coefficients computed from costs")
    convergence: tuple[Convergence, ...] = rows("系数趋同", "convergence towards 1 by year")

    @model_validator(mode="after")
    def _ordered(self) -> Coefficients:
        check_rows(self.table, "table")
        for i in range(1, len(self.convergence)):
            before, here = self.convergence[i - 1 : i + 1]
            for key in ("year", "share"):
                if getattr(here, key) < getattr(before, key) or here.year == before.year:
                    raise PolicyError(say("次序错误", "out of order"), "convergence", i, key,
                                      found=getattr(here, key),
                                      expected=say(f"大于 {getattr(before, key):g}",
                                                   "more than "
                                                   f"{getattr(before, key):g}"))  # fmt: skip
        return self

    def step(self, year: int) -> int | None:
        """Which step of the convergence holds in a year: its place, None before the first."""
        reached = [i for i, held in enumerate(self.convergence) if held.year <= year]
        return reached[-1] if reached else None

    def toward_one(self, k: npt.ArrayLike, year: int) -> npt.NDArray[np.float64]:
        """Coefficients after the year's convergence: ``k + share * (1 - k)``."""
        step = self.step(year)
        part = printed(0.0 if step is None else self.convergence[step].share)
        distinct, at = np.unique(np.asarray(k, np.float64), return_inverse=True)
        moved = [float(printed(one) + part * (1 - printed(one))) if np.isfinite(one) else np.nan
                 for one in distinct]  # fmt: skip
        return np.array(moved)[at].reshape(np.shape(k))
