"""What a compromise settles (折中方案的输入): the draft, what is asked, and what must hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Bools, Floats
from weights.table.families import Families

NEUTRAL = ("yuan", "weights", "none")
SHARE_OF_SPREAD = 0.05  # standard error of an ask, or of a draft, that says nothing of its own
LEAST_SPREAD = 0.001  # share of the draft below which no standard error counts as smaller
LEAST_DISTANCE = 0.001  # share of the draft within which an ask asks to keep the draft

Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ask:
    """What one party asks of one group (诉求).

    Attributes:
        proposal: number of the proposal, such as ``P001``.
        party: who asks.
        group: place of the group in the problem.
        weight: the weight asked for.
        spread: standard error of the demand in weight units; see :func:`spread_of`.
        importance: how much it counts beside the other asks; above 0.
    """

    proposal: str
    party: str
    group: int
    weight: float
    spread: float
    importance: float = 1.0


def spread_of(weight: float, least: float | None = None, most: float | None = None) -> float:
    """Standard error of a demand: its interval over 2 x 1.96, or 5% of the weight without one."""
    if least is None or most is None or not most > least:
        return SHARE_OF_SPREAD * weight
    return (most - least) / (2 * 1.96)


class Decided(NamedTuple):
    """What a panel decided (专家组决定): the group's weight lies between two bounds.

    Attributes:
        group: place of the group.
        low: least weight.
        high: largest weight.
        source: panel and proposal, as it is shown.
    """

    group: int
    low: float
    high: float
    source: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """A weight table in dispute, and what every answer must keep.

    Attributes:
        groups: group codes. Length G.
        draft: draft weights, NaN for a group without one. Shape (G,).
        spread: standard error of the draft by cost data, in weight units; NaN where the data say
            nothing. Shape (G,).
        volume: cases of the year. Shape (G,).
        value: yuan of the whole area per unit of weight. Shape (G,).
        asks: what is asked.
        low: least weight of the corridor (浮动区间). Shape (G,).
        high: largest weight of the corridor. Shape (G,).
        frozen: groups that keep their draft weight (冻结). Shape (G,).
        equal: sets of groups that have one weight (基础病组、同病同价), as places.
        families: ADRG and severity of the groups.
        order: whether a graver group of an ADRG weighs no less than a lighter one.
        effect: yuan that a hospital gets per unit of weight. Shape (H, G).
        revenue: DRG revenue of each hospital in yuan. Shape (H,).
        hospitals: hospital ids. Length H.
        largest_loss: largest loss of a hospital as a share of its revenue; None for no limit.
        neutral: ``yuan`` keeps what the area pays, ``weights`` the sum of weights over cases.
        decided: what panels decided.
        bend: yuan that each hospital gets besides what ``effect`` says, where the weights expected
            make cases cross a threshold; None for none. Shape (H,).
        bend_total: the same of the area besides ``value``, in yuan.
    """

    groups: tuple[str, ...]
    draft: Floats
    spread: Floats
    volume: Floats
    value: Floats
    asks: tuple[Ask, ...]
    low: Floats
    high: Floats
    frozen: Bools
    families: Families
    equal: tuple[tuple[int, ...], ...] = ()
    order: bool = True
    effect: Table
    revenue: Floats
    hospitals: tuple[str, ...]
    largest_loss: float | None = None
    neutral: str = "yuan"
    decided: tuple[Decided, ...] = ()
    bend: Floats | None = None
    bend_total: float = 0.0

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            DrgError: a shape is wrong, a figure is out of its range, or an ask or a decision is
                about a group that has no weight.
        """
        object.__setattr__(self, "decided", tuple(Decided(*given) for given in self.decided))
        _check_shapes(self)
        _check_figures(self)
        for ask in self.asks:
            _check_ask(self, ask)
        for decided in self.decided:
            _check_place(self, decided.group, f"decision {decided.source}")
            if not 0 <= decided.low <= decided.high < np.inf:
                raise problem(say("决定的上下限次序颠倒", "bounds of a decision are not in order"),
                              key=decided.source,
                              found=say(f"{decided.low} 至 {decided.high}",
                                        f"{decided.low} to {decided.high}"))  # fmt: skip
        for places in self.equal:
            for place in places:
                if not 0 <= place < len(self.groups):
                    raise problem(say("没有此病组", "no such group"), key="equal", found=place)

    @cached_property
    def weighed(self) -> Bools:
        """Groups that have a draft weight. Shape (G,)."""
        return np.isfinite(self.draft)

    @cached_property
    def free(self) -> Bools:
        """Groups that have a weight and are not frozen. Shape (G,)."""
        return np.asarray(self.weighed & ~self.frozen)

    @cached_property
    def rate(self) -> float:
        """Yuan of one weighted case: value over cases; 1 where there are none."""
        cases, value = float(self.volume.sum()), float(self.value.sum())
        return value / cases if cases > 0 and value > 0 else 1.0

    @cached_property
    def worth(self) -> Floats:
        """Value by which a group counts in an objective: at least that of one case. Shape (G,)."""
        return np.maximum(self.value, self.rate)

    @cached_property
    def doubt(self) -> Floats:
        """Standard error by which a draft counts (G,).

        Where the data say nothing it is the widest relative one of the other groups, since a
        weight that could not be measured is no better known than the worst that could; nowhere
        is it below 0.1% of the draft, so that no group is held as if its cost were known exactly.
        """
        known = np.isfinite(self.spread) & (self.spread > 0) & self.weighed & (self.draft > 0)
        relative = self.spread[known] / self.draft[known]
        widest = float(relative.max()) if known.any() else SHARE_OF_SPREAD
        filled = np.where(known, self.spread, widest * self.draft)
        return np.maximum(filled, LEAST_SPREAD * np.maximum(self.draft, LEAST_SPREAD))

    @cached_property
    def asked(self) -> Floats:
        """Weight asked for, by ask. Shape (K,)."""
        return np.array([ask.weight for ask in self.asks], np.float64)

    @cached_property
    def place(self) -> npt.NDArray[np.intp]:
        """Group of each ask. Shape (K,)."""
        return np.array([ask.group for ask in self.asks], np.intp)

    @cached_property
    def importance(self) -> Floats:
        """Importance of each ask. Shape (K,)."""
        return np.array([ask.importance for ask in self.asks], np.float64)

    @cached_property
    def demand_doubt(self) -> Floats:
        """Standard error by which an ask counts, at least 0.1% of the draft. Shape (K,)."""
        given = np.array([ask.spread for ask in self.asks], np.float64)
        return np.maximum(given, LEAST_SPREAD * np.maximum(self.draft[self.place], LEAST_SPREAD))

    @cached_property
    def distance(self) -> Floats:
        """What an ask is away from the draft, over which its satisfaction falls from 1 to 0. (K,).

        For an ask to keep the draft it is half of its own interval (1.96 standard errors).
        """
        draft = self.draft[self.place]
        away = np.abs(self.asked - draft)
        keep = away <= LEAST_DISTANCE * np.maximum(draft, LEAST_DISTANCE)
        return np.where(keep, 1.96 * self.demand_doubt, away)

    def satisfaction(self, weight: Floats) -> Floats:
        """How far each ask is met (满意度): 1 in full, 0 as in the draft, below 0 worse. (K,)."""
        return 1.0 - np.abs(weight[self.place] - self.asked) / self.distance

    def disagreement(self, weight: Floats) -> float:
        """Yuan by which weights differ from asks and cost data; see the documentation."""
        move = (weight - self.draft)[self.weighed]
        draft = float((self.worth * self._per(self.doubt))[self.weighed] @ move**2) / 2
        away = weight[self.place] - self.asked
        pull = self.importance * self.worth[self.place] / self.demand_doubt
        return draft + float(pull @ away**2) / 2

    def moved(self, weight: Floats) -> float:
        """Yuan that change hands between groups: half the sum of all changes."""
        return float((self.value * np.abs(weight - self.draft))[self.weighed].sum()) / 2

    def losses(self, weight: Floats) -> Floats:
        """What each hospital gains in yuan; a loss is below 0. Shape (H,)."""
        change = np.where(self.weighed, weight - self.draft, 0.0)
        return np.asarray(self.effect @ change + self.bends)

    @cached_property
    def bends(self) -> Floats:
        """``bend``, 0 where nothing is said. Shape (H,)."""
        return np.zeros(len(self.hospitals)) if self.bend is None else self.bend

    @staticmethod
    def _per(spread: Floats) -> Floats:
        return np.divide(1.0, spread, out=np.zeros_like(spread), where=np.isfinite(spread))


def _check_shapes(given: Problem) -> None:
    """All arrays have one entry a group, or one a hospital."""
    groups, hospitals = len(given.groups), len(given.hospitals)
    shapes = dict.fromkeys(("draft", "spread", "volume", "value", "low", "high", "frozen"),
                           (groups,))  # fmt: skip
    for name, shape in {**shapes, "effect": (hospitals, groups), "revenue": (hospitals,)}.items():
        found = np.shape(getattr(given, name))
        if found != shape:
            raise problem(say("形状不符", "shape does not fit"), key=name, found=found,
                          expected=str(shape))  # fmt: skip
    if given.families.groups != given.groups:
        raise problem(say("病组关系属于另一组病组", "families are of other groups"), key="families")
    if len(set(given.groups)) < groups:
        raise problem(say("病组重复出现", "a group stands twice"), key="groups")


def _check_figures(given: Problem) -> None:
    """Every figure is a number in its range."""
    weighed = np.isfinite(given.draft)
    bad = {
        "draft": weighed & (given.draft <= 0),
        "spread": np.isinf(given.spread) | (given.spread < 0),
        "volume": ~np.isfinite(given.volume) | (given.volume < 0),
        "value": ~np.isfinite(given.value) | (given.value < 0),
        "low": weighed & ~((given.low >= 0) & np.isfinite(given.low)),
        "high": weighed & ~(np.isfinite(given.high) & (given.high >= given.low)),
    }
    for name, wrong in bad.items():
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            raise problem(say("超出范围", "out of range"), key=f"{name} of {given.groups[place]}",
                          found=getattr(given, name)[place])  # fmt: skip
    if not weighed.any():
        raise problem(say("没有病组有草案权重", "no group has a draft weight"), key="draft")
    if not np.isfinite(given.effect).all():
        raise problem(say("影响不是有限的数", "effects are not numbers"), key="effect")
    wrong = ~np.isfinite(given.revenue) | (given.revenue < 0)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise problem(say("超出范围", "out of range"), key=f"revenue of {given.hospitals[place]}",
                      found=given.revenue[place],
                      expected=say("不小于 0", "0 or more"))  # fmt: skip
    if given.largest_loss is not None and not 0 <= given.largest_loss <= 1:
        raise problem(say("超出范围", "out of range"), key="largest_loss", found=given.largest_loss,
                      expected=say("0 至 1", "0 to 1"))  # fmt: skip
    if given.neutral not in NEUTRAL:
        raise problem(say("不是可用的取值", "not known"), key="neutral", found=given.neutral,
                      expected=", ".join(NEUTRAL))  # fmt: skip


def _check_place(given: Problem, place: int, key: str) -> None:
    """A group that is spoken of exists and has a weight."""
    if not 0 <= place < len(given.groups):
        raise problem(say("没有此病组", "no such group"), key=key, found=place)
    if not np.isfinite(given.draft[place]):
        raise problem(say("该病组没有草案权重", "the group has no draft weight"), key=key,
                      found=given.groups[place])  # fmt: skip


def _check_ask(given: Problem, ask: Ask) -> None:
    """An ask is about a group with a weight, and its figures are above 0."""
    _check_place(given, ask.group, f"ask {ask.proposal}")
    for name in ("weight", "spread", "importance"):
        value = getattr(ask, name)
        if not 0 < value < np.inf:
            raise problem(say("超出范围", "out of range"), key=f"ask {ask.proposal} {name}",
                          found=value, expected=say("大于 0", "above 0"))  # fmt: skip
