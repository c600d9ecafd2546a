"""What a synthetic region is asked to be: its size, its year, and how much of what is planted."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from drg.errors import problem
from drg.language import say
from grouper.scheme.name import DEFAULT

SCHEME = DEFAULT
MOST_PLANTED = 0.05


@dataclass(frozen=True)
class Options:
    """Size, year and shares of a synthetic region.

    Attributes:
        cases: discharges in the year.
        hospitals: number of hospitals, at least 3 (one a tier).
        seed: every random draw follows from it.
        year: the year of all admissions and discharges.
        base_cost: expected mean cost per case in yuan.
        high_share: share of cases that cost more than 3 times what is expected of them.
        low_share: share of cases that cost less than 0.4 times what is expected of them.
        flawed_share: share of cases with a defect that keeps them from being grouped well.
        split_share: share of cases that are a part of a split admission (分解住院).
        overlap_share: share of cases in overlapping stays (叠床).
        upcoding_share: share of cases with a planted complication (高套分组).
        low_standard_share: share of cases admitted without need (低标准入院).
        bunching_share: share of cases moved just past a payment threshold (倍率卡线).
    """

    cases: int = 5000
    hospitals: int = 24
    seed: int = 0
    year: int = 2025
    base_cost: float = 9500.0
    high_share: float = 0.015
    low_share: float = 0.02
    flawed_share: float = 0.01
    split_share: float = 0.006
    overlap_share: float = 0.004
    upcoding_share: float = 0.005
    low_standard_share: float = 0.005
    bunching_share: float = 0.005

    def __post_init__(self) -> None:
        """Refuse what no region can be made of.

        Raises:
            DrgError: an argument is out of its range.
        """
        _at_least("cases", self.cases, 1)
        _at_least("hospitals", self.hospitals, 3)
        _at_least("seed", self.seed, 0)
        if not 1990 <= self.year <= 2100:
            raise problem(say("年份超出范围", "year out of range"), key="year", found=self.year,
                          expected=say("1990 至 2100", "1990 to 2100"))  # fmt: skip
        if not 100 <= self.base_cost <= 10_000_000:
            raise problem(
                say("次均费用超出范围", "mean cost out of range"), key="base_cost",
                found=self.base_cost,
                expected=say("100 至 10,000,000 元", "100 to 10,000,000 yuan"),
            )  # fmt: skip
        for name, value in asdict(self).items():
            if name.endswith("_share") and not 0 <= value <= MOST_PLANTED:
                raise problem(
                    say("占比超出范围", "share out of range"), key=name, found=value,
                    expected=say(f"0 至 {MOST_PLANTED}", f"0 to {MOST_PLANTED}"),
                )  # fmt: skip


def _at_least(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise problem(
            say("参数超出范围", "argument out of range"), key=name, found=value,
            expected=say(f"不小于 {least} 的整数", f"a whole number of at least {least}"),
        )  # fmt: skip
