"""What every method of trimming shares: its parameters and their ranges, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from drg.errors import one_of, problem
from drg.language import say
from weights.cases.observations import Floats, Ints
from weights.trim.groups import Bounds, Ordered, Rows, outside


@dataclass(frozen=True)
class Trimmed:
    """What a method did to the cases.

    Attributes:
        keep: which cases stay, shape (N,).
        cost: cost of each case in yuan, changed only by the winsorising methods, shape (N,).
        lower: lower bound of each group in the unit of ``quantity``, shape (G,); minus infinity
            where the group keeps everything.
        upper: upper bound likewise, plus infinity.
        quantity: what the bounds are bounds of: ``cost``, ``cost and cost per day`` (the bounds
            are those of the cost), ``length of stay``, or nothing.
        changed: cases whose cost was set to a bound.
        unknown: cases whose stay is unknown although the method judges it; they are kept. With
            ``cost and cost per day``: cases whose stay is unknown or 0, judged on cost alone.
        emptied: codes of groups all of whose cases lay outside, and which therefore keep them.
    """

    keep: npt.NDArray[np.bool_]
    cost: Floats
    lower: Floats
    upper: Floats
    quantity: str
    changed: int
    unknown: int
    emptied: npt.NDArray[np.int64]

    @property
    def removed(self) -> int:
        """Number of cases that go."""
        return len(self.keep) - int(np.count_nonzero(self.keep))


@dataclass(frozen=True)
class Cases:
    """The cases to trim.

    Attributes:
        drg: group of each case as a code, shape (N,).
        cost: cost of each case in yuan, shape (N,).
        stay: length of stay in days, NaN where unknown, shape (N,); or None.
        groups: number of groups G.
    """

    drg: Ints
    cost: Floats
    stay: Floats | None
    groups: int

    def ordered(self, *shares: float) -> Ordered:
        """Their costs by group, in order as far as quantiles at the shares need it."""
        return Ordered.of(self.drg, self.cost, self.groups, shares)

    def without(
        self,
        rows: Rows,
        bounds: Bounds,
        known: Floats | Rows,
        quantity: str,
        *,
        unknown: int = 0,
    ) -> Trimmed:
        """The answer when the cases in ``rows`` go, except that no group loses all of its cases.

        Args:
            rows: rows of the cases outside.
            bounds: lower and upper bounds, each of shape (G,).
            known: cases by group whose quantity is known, shape (G,).
            quantity: what the bounds are bounds of.
            unknown: cases that could not be judged.
        """
        keep = np.ones(len(self.drg), np.bool_)
        keep[rows] = False
        lower, upper = bounds
        emptied = self._emptied(rows, known)
        if emptied.size:
            keep |= np.isin(self.drg, emptied)
            lower, upper = lower.copy(), upper.copy()
            lower[emptied], upper[emptied] = -np.inf, np.inf
        return Trimmed(keep, self.cost, lower, upper, quantity, 0, unknown, emptied)

    def at_most(self, bounds: Bounds) -> tuple[Trimmed, Rows]:
        """The answer when costs outside the bounds are set to them, and which. Each bound (G,)."""
        lower, upper = bounds
        rows = outside(self.drg, self.cost, bounds)
        drawn, codes = self.cost.copy(), self.drg[rows]
        drawn[rows] = np.clip(drawn[rows], lower[codes], upper[codes])
        keep = np.ones(len(drawn), np.bool_)
        nobody = np.empty(0, np.int64)
        return Trimmed(keep, drawn, lower, upper, "cost", len(rows), 0, nobody), rows

    def _emptied(self, rows: Rows, known: Floats | Rows) -> npt.NDArray[np.int64]:
        lost = np.bincount(self.drg[rows], minlength=self.groups)
        suspects = (lost > 0) & (lost >= known)
        if suspects.any():
            suspects &= lost == np.bincount(self.drg, minlength=self.groups)
        return np.flatnonzero(suspects)


@dataclass(frozen=True, kw_only=True)
class Trim:
    """A method of trimming.

    Attributes:
        minimum: groups of fewer cases keep all of them. Below 5 cases a year a weight is not
            fitted from its own group anyway, and four costs have no quartiles to speak of.

    Raises:
        DrgError: a parameter is out of range.
    """

    name: ClassVar[str]
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    minimum: int = 5

    def __post_init__(self) -> None:
        for key, (low, high) in {"minimum": (1, 1_000_000), **self.ranges}.items():
            self._check(key, low, high, whole=key in ("minimum", "rounds"))
        for key, known in self.choices.items():
            if getattr(self, key) not in known:
                raise problem(say("不是可用的取值", "not known"), key=f"{self.name}: {key}",
                              found=getattr(self, key), expected=one_of(known))  # fmt: skip
        lowest, highest = getattr(self, "low", 0), getattr(self, "high", 1)
        if not lowest < highest:
            raise problem(say("不低于 high", "not below high"), key=f"{self.name}: low",
                          found=lowest,
                          expected=say(f"小于 {highest:g}", f"less than {highest:g}"))  # fmt: skip

    def _check(self, key: str, low: float, high: float, *, whole: bool) -> None:
        value = getattr(self, key)
        kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            zh, en = ("整数", "whole number") if whole else ("数", "number")
            raise problem(say("超出范围", "out of range"), key=f"{self.name}: {key}", found=value,
                          expected=say(f"{low:g} 至 {high:g} 之间的{zh}",
                                       f"a {en} from {low:g} to {high:g}"))  # fmt: skip

    def __call__(self, drg: Ints, cost: Floats, stay: Floats | None, groups: int) -> Trimmed:
        """Trim cases.

        Args:
            drg: group of each case (病组) as a code 0 to G - 1, shape (N,).
            cost: cost of each case (住院总费用) in yuan, above 0, shape (N,).
            stay: length of stay (住院天数) in days, NaN where unknown, shape (N,); or None.
            groups: number of groups G.

        Raises:
            DrgError: the method judges the stay and there is none.
        """
        return self._trim(Cases(drg, cost, stay, groups))

    def _trim(self, cases: Cases) -> Trimmed:
        raise NotImplementedError
