"""Year end (年终清算): assessment (考核), penalties, sharing of surplus and overrun."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from budget.policy.fields import Part, PolicyError, Row, Rows, figure, rows, section, share
from budget.policy.ladder import Ladder, Share
from drg.language import say


class Score(Part):
    """A band of scores (考核得分段)."""

    at_least: float = figure(
        "最低得分", "lowest score of the band, itself inside", "points", low=0, high=1000
    )
    coefficient: float = figure(
        "考核系数", "multiplier of the year's payable", "factor", low=0, high=1.5
    )


class Indicator(Row):
    """An indicator (考核指标) of the assessment."""

    weight: float = share("指标权重", "share of the score")


class Penalty(Row):
    """Penalty (违规扣款) for a confirmed violation."""

    times: float = figure("扣款倍数", "times the fund money concerned", "times", low=0, high=10)


def _falling(scores: tuple[Score, ...], key: str) -> None:
    for i, (one, after) in enumerate(pairwise(scores)):
        if after.at_least >= one.at_least:
            raise PolicyError(say("各档重叠", "bands overlap"), key, i + 1, "at_least",
                              found=after.at_least,
                              expected=say(f"小于 {one.at_least:g}",
                                           f"below {one.at_least:g}"))  # fmt: skip
    if scores and scores[-1].at_least != 0:
        raise PolicyError(say("最后一档以下有空档", "gap below the last band"), key,
                          len(scores) - 1, "at_least", found=scores[-1].at_least,
                          expected="0")  # fmt: skip


def _coefficient(scores: tuple[Score, ...], score: npt.ArrayLike) -> npt.NDArray[np.float64]:
    ends = np.array([band.at_least for band in reversed(scores)], np.float64)
    values = np.array([band.coefficient for band in reversed(scores)], np.float64)
    numbers = np.asarray(score, np.float64)
    index = np.clip(np.searchsorted(ends, numbers, side="right") - 1, 0, len(ends) - 1)
    return np.asarray(np.where(np.isnan(numbers), np.nan, values[index]))


class Assessment(Part):
    """Assessment (年度考核) of hospitals, and the credit score of the institution (信用评分)."""

    unscored: float = figure(
        "未考核得分", "score of a hospital that has none", "points", low=0, high=1000
    )
    scores: tuple[Score, ...] = rows(
        "得分段", "coefficients by score, highest first", optional=False
    )
    credit: tuple[Score, ...] = rows("信用得分段", "coefficients by credit score, highest first")
    indicators: Rows[Indicator] = rows("考核指标", "indicators and their weights")
    penalties: Rows[Penalty] = rows("违规扣款", "by audit rule")

    @model_validator(mode="after")
    def _in_order(self) -> Assessment:
        if not self.scores:
            raise PolicyError(say("没有任何档", "has no band"), "scores",
                              expected=say("至少一个", "at least one"))  # fmt: skip
        _falling(self.scores, "scores")
        _falling(self.credit, "credit")
        total = sum(one.weight for one in self.indicators)
        if self.indicators and abs(total - 1) > 1e-6:
            raise PolicyError(say("权重合计不为 1", "weights do not sum to 1"), "indicators",
                              found=round(total, 9), expected="1")  # fmt: skip
        return self

    def coefficient(self, score: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The coefficients of assessment scores; a missing score (NaN) counts as ``unscored``."""
        numbers = np.asarray(score, np.float64)
        return _coefficient(self.scores, np.where(np.isnan(numbers), self.unscored, numbers))

    def credit_coefficient(self, score: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The coefficients of credit scores; 1 without a score or without credit bands."""
        numbers = np.asarray(score, np.float64)
        if not self.credit:
            return np.ones(numbers.shape)
        found = _coefficient(self.credit, numbers)
        return np.asarray(np.where(np.isnan(found), 1.0, found))


class Sharing(Part):
    """Sharing (结余留用、超支分担) between fund and hospital, as shares of the year's payable.

    Surplus and overrun are cut into the bands of their share of the payable; each slice is
    kept or shared at its band's share.
    """

    surplus: Ladder[Share] = section(
        "结余留用", "share that the hospital keeps, by surplus over payable", optional=False
    )
    overrun: Ladder[Share] = section(
        "超支分担", "share that the fund bears, by overrun over payable", optional=False
    )
    cap: float | None = figure(
        "支付上限",
        "most that is paid, in multiples of the item cost",
        "times",
        above=0,
        high=10,
        optional=True,
    )
