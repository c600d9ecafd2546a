"""Limits on how far weights move: corridors against last year, and groups too small to say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Bools, Floats
from weights.table.families import Families


@dataclass(frozen=True)
class Corridor:
    """How far a weight may move from last year's (权重浮动区间).

    Attributes:
        fall: largest relative fall, e.g. 0.1; None for no floor. CMS caps yearly falls at 10% from
            FY2023 on (87 FR 48780).
        rise: largest relative rise; None for no ceiling.

    Raises:
        DrgError: a share is out of its range.
    """

    fall: float | None = 0.1
    rise: float | None = None

    def __post_init__(self) -> None:
        for key, value, most in (("fall", self.fall, 1.0), ("rise", self.rise, 10.0)):
            if value is not None and not 0 <= value <= most:
                raise problem(say("超出范围", "out of range"), key=f"corridor {key}", found=value,
                              expected=say(f"0 至 {most:g}", f"0 to {most:g}"))  # fmt: skip

    def bounds(self, previous: Floats) -> tuple[Floats, Floats]:
        """Lowest and highest weight of each group; 0 and inf without a previous one. (G,)."""
        known = np.isfinite(previous)
        low, high = np.zeros(len(previous)), np.full(len(previous), np.inf)
        if self.fall is not None:
            low = np.where(known, previous * (1.0 - self.fall), low)
        if self.rise is not None:
            high = np.where(known, previous * (1.0 + self.rise), high)
        return low, high


def in_order(
    low: Floats, high: Floats, families: Families, weighed: Bools
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Bounds that allow an order of severity: a graver group's floor is at least a lighter one's.

    Last year's table may itself be out of order. The bounds are tightened until weights in order
    that are cut at them stay in order; where that leaves nothing, the ADRG gets no bounds.

    Args:
        low: least weight. Shape (G,).
        high: largest weight. Shape (G,).
        families: ADRG and severity of the groups.
        weighed: groups that have a weight; the others bind nobody. Shape (G,).

    Returns:
        Floors, ceilings and the ADRGs whose corridor gave way.
    """
    low, high = low.copy(), high.copy()
    gave_way = []
    for steps in families.ladders:
        ladder = steps[weighed[steps]]
        floor = np.maximum.accumulate(low[ladder][::-1])[::-1]
        ceiling = np.minimum.accumulate(high[ladder])
        if (floor > ceiling).any():
            gave_way.append(families.names[families.family[ladder[0]]])
            floor, ceiling = np.zeros(len(ladder)), np.full(len(ladder), np.inf)
        low[ladder], high[ladder] = floor, ceiling
    return low, high, tuple(gave_way)


@dataclass(frozen=True)
class LowVolume:
    """What becomes of groups with too few cases to tell (低例数病组).

    Attributes:
        minimum: fewest cases a year, 5 by common practice in China.
        years: years of data in the window; 15 cases in three years.
        action: ``carry`` last year's weight times the mean change of the other groups, and to
            special review (特病单议) where there is none; ``review`` all to special review;
            ``keep`` their own weight, marked.

    Raises:
        DrgError: a parameter is out of its range.
    """

    minimum: float = 5
    years: float = 1
    action: str = "carry"

    def __post_init__(self) -> None:
        if self.action not in ("carry", "review", "keep"):
            raise problem(say("不是可用的取值", "not known"), key="low_volume action",
                          found=self.action,
                          expected=say("carry、review 或 keep",
                                       "carry, review or keep"))  # fmt: skip
        for key, value in (("minimum", self.minimum), ("years", self.years)):
            if not 0 < value <= 1000:
                raise problem(say("超出范围", "out of range"), key=f"low_volume {key}", found=value,
                              expected=say("大于 0，不大于 1,000",
                                           "above 0 and at most 1,000"))  # fmt: skip

    def few(self, cases: Floats) -> Bools:
        """Groups below the minimum. Shape (G,)."""
        return np.asarray(cases < self.minimum * self.years)

    def apply(self, level: Floats, cases: Floats, previous: Floats) -> Floats:
        """Levels with those of small groups replaced; NaN goes to special review. (G,)."""
        few = self.few(cases)
        if self.action == "keep" or not few.any():
            return level
        if self.action == "review":
            return np.where(few, np.nan, level)
        stable = ~few & np.isfinite(level) & np.isfinite(previous)
        old = float((cases * previous)[stable].sum())
        change = float((cases * level)[stable].sum()) / old if old > 0 else np.nan
        return np.where(few, previous * change, level)
