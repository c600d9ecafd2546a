"""Group sets (病组集合): basic, TCM, incentive, watched and unstable groups, and multipliers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from budget.policy.fields import Many, Part, PolicyError, Rows, figure, rows, share, words
from budget.policy.select import Choice
from drg.language import say


class GroupSet(Choice):
    """Groups by code, by the beginning of their code, or by a column of the weight table.

    The ways add up. Selectors limit the effect to some hospitals, insurances or people.
    """

    groups: Many[str] = words("病组", "DRG codes")
    adrgs: Many[str] = words("核心病组", "beginnings of DRG codes, such as an ADRG")
    column: str | None = figure("标识列", "column of the weight table", optional=True)
    values: Many[str] = words("标识值", "values of that column that put a group into the set")
    all_groups: bool | None = figure("全部病组", "true for every group", optional=True)

    @model_validator(mode="after")
    def _named(self) -> GroupSet:
        if (self.column is None) != (not self.values):
            key = "values" if self.column is not None else "column"
            raise PolicyError(say("缺失", "is missing"), key,
                              expected=say("column 与 values 同时给出",
                                           "column and values together"))  # fmt: skip
        if not (self.groups or self.adrgs or self.column or self.all_groups):
            raise PolicyError(
                say("没有指明病组", "names no groups"),
                expected=say("groups、adrgs、column 与 values，或 all_groups = true",
                             "groups, adrgs, column and values, or all_groups = true"),
            )  # fmt: skip
        return self

    def members(
        self, drg: npt.ArrayLike, columns: Mapping[str, npt.ArrayLike] | None = None
    ) -> npt.NDArray[np.bool_]:
        """Which groups are in the set. Meant for the rows of a weight table, not for cases.

        Args:
            drg: group codes. Shape (groups,).
            columns: further columns of the weight table; one that is not there names no group.
        """
        codes = np.asarray(drg).astype(str)
        found = np.full(codes.shape, bool(self.all_groups))
        if self.groups:
            found |= np.isin(codes, self.groups)
        for beginning in self.adrgs:
            found |= np.char.startswith(codes, beginning)
        if self.column is not None and columns is not None and self.column in columns:
            found |= np.isin(np.asarray(columns[self.column]).astype(str), self.values)
        return found


class Basic(GroupSet):
    """Basic groups (基础病组, 同病同价): one price for all tiers."""

    k: float | None = figure(
        "固定系数",
        "coefficient in place of the hospital's",
        "factor",
        above=0,
        high=10,
        optional=True,
    )
    rate_of: str | None = figure(
        "同价费率", "name of the rate that all hospitals get", optional=True
    )

    @model_validator(mode="after")
    def _one_price(self) -> Basic:
        if (self.k is None) == (self.rate_of is None):
            raise PolicyError(say("须有一种价格", "needs one price"), "k",
                              expected=say("k 或 rate_of 之一", "either k or rate_of"))  # fmt: skip
        return self


class Tcm(GroupSet):
    """TCM-advantage groups (中医优势病种)."""

    factor: float = figure("倾斜系数", "multiplier of the standard", "factor", low=1, high=1.5)
    least_share: float | None = share(
        "中医治疗占比", "least share of TCM treatment in the cost", optional=True
    )
    otherwise: Literal["no_factor", "medical_group"] | None = figure(
        "不足时",
        "below that share: without the factor, or priced as the medical group",
        optional=True,
    )
    medical_group: str | None = figure("对照内科组", "the medical group's code", optional=True)

    @model_validator(mode="after")
    def _together(self) -> Tcm:
        if (self.least_share is None) != (self.otherwise is None):
            key = "otherwise" if self.otherwise is None else "least_share"
            raise PolicyError(say("缺失", "is missing"), key,
                              expected=say("least_share 与 otherwise 同时给出",
                                           "least_share and otherwise together"))  # fmt: skip
        if (self.medical_group is not None) != (self.otherwise == "medical_group"):
            raise PolicyError(say("仅用于 otherwise = 'medical_group'",
                                  "goes with otherwise = 'medical_group' only"), "medical_group",
                              found=self.medical_group)  # fmt: skip
        return self


class Incentive(GroupSet):
    """Incentive groups (激励病组)."""

    factor: float = figure("激励系数", "multiplier of the standard", "factor", low=1, high=3)


class Watched(GroupSet):
    """Watched groups (重点监控病组): priced as others, looked at by the audit."""

    factor: float = figure("监控系数", "multiplier of the standard", "factor", above=0, high=1)


class Unstable(GroupSet):
    """Unstable groups (不稳定病组): not priced by weight."""

    pay: Literal["by_item", "cost_points"] = figure(
        "支付方式", "by_item 按项目, or cost_points: per_weight * c / M points"
    )


class Multiplier(GroupSet):
    """Policy multiplier (政策系数), such as that of children (儿童) or of an insurance."""

    factor: float = figure("系数", "multiplier of the standard", "factor", above=0, high=5)
    age_below: int | None = figure(
        "年龄界限", "for patients younger than this", "years", low=1, high=150, optional=True
    )


class Groups(Part):
    """Group sets (病组集合). Multipliers of all sets that a case is in are multiplied."""

    basic: Rows[Basic] = rows("基础病组", "one price for all tiers")
    tcm: Rows[Tcm] = rows("中医优势病组", "tilt towards Chinese medicine")
    incentive: Rows[Incentive] = rows("激励病组", "worth more, to be done more")
    watched: Rows[Watched] = rows("重点监控病组", "looked at by the audit")
    unstable: Rows[Unstable] = rows("不稳定病组", "not priced by weight")
    multiplier: Rows[Multiplier] = rows("政策系数", "multipliers by age, insurance, group")

    def sets(self) -> tuple[tuple[str, GroupSet], ...]:
        """All sets with their kind."""
        kinds: tuple[tuple[str, tuple[GroupSet, ...]], ...] = (
            ("basic", self.basic),
            ("tcm", self.tcm),
            ("incentive", self.incentive),
            ("watched", self.watched),
            ("unstable", self.unstable),
            ("multiplier", self.multiplier),
        )
        return tuple((kind, one) for kind, held in kinds for one in held)

    def missing_columns(self, columns: Mapping[str, object] | list[str]) -> tuple[str, ...]:
        """Columns that sets ask for and a weight table has not: their sets stay empty."""
        asked = dict.fromkeys(one.column for _, one in self.sets() if one.column is not None)
        return tuple(name for name in asked if name not in columns)
