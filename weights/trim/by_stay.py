"""Trimming by length of stay (按住院天数修剪): the Australian and the German bounds.

Stays are taken as they are given, a stay of 0 too. Cases with an unknown stay are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Floats
from weights.trim.base import Cases, Trim, Trimmed
from weights.trim.groups import Bounds, moments, opened, outside


@dataclass(frozen=True, kw_only=True)
class StayTrim(Trim):
    """A method that looks at the length of stay (住院天数) alone."""

    def _trim(self, cases: Cases) -> Trimmed:
        stay = cases.stay
        if stay is None:
            raise problem(say(
                f"裁剪方法 {self.name} 需要 length_of_stay（住院天数）",
                f"trimming by '{self.name}' needs length_of_stay (住院天数)",
            ))  # fmt: skip
        known, mean, sd = moments(cases.drg, stay, cases.groups)
        bounds = opened(*self._bounds(mean, sd), known, self.minimum)
        unknown = len(stay) - int(known.sum())
        rows = outside(cases.drg, stay, bounds)
        return cases.without(rows, bounds, known, "length of stay", unknown=unknown)

    def _bounds(self, mean: Floats, sd: Floats) -> Bounds:
        """Bounds in days from mean and spread of the known stays. Shape (G,)."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class L3H3(StayTrim):
    """Stays from a third of to three times the group's mean stay (住院日三分之一至三倍).

    Source: IHACPA, national pricing model, inlier bounds. The bounds are not rounded.
    """

    name: ClassVar[str] = "l3h3"
    factor: ClassVar[float] = 3.0

    def _bounds(self, mean: Floats, _: Floats) -> Bounds:
        return mean / self.factor, mean * self.factor


@dataclass(frozen=True, kw_only=True)
class L15H15(L3H3):
    """Stays from two thirds of to one and a half times the group's mean stay. Source: IHACPA."""

    name: ClassVar[str] = "l15h15"
    factor: ClassVar[float] = 1.5


@dataclass(frozen=True, kw_only=True)
class Inek(StayTrim):
    """Stays within the bounds of the German G-DRG system (德国 InEK 住院日界值).

    Lower bound max(2, mean / 3) days, upper bound min(mean + 2 SD, mean + cap) days, not rounded;
    the SD is the sample's (ddof = 1).

    Attributes:
        cap: largest distance of the upper bound from the mean in days. The 14 is a default, no
            published source.
    """

    name: ClassVar[str] = "inek"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"cap": (0, 365)}
    cap: float = 14.0

    def _bounds(self, mean: Floats, sd: Floats) -> Bounds:
        return np.maximum(2.0, mean / 3), mean + np.minimum(2 * sd, self.cap)
