"""The steps from levels to weights, in their order, for the point estimate and each replicate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drg.errors import DrgError
from weights.cases.observations import Floats
from weights.fit.adjust import Classes
from weights.fit.hold import Singles
from weights.fit.limits import Corridor, LowVolume, in_order
from weights.fit.normalise import Normalise
from weights.fit.severity import inversions, ordered
from weights.fit.shrink import Prior, shrink
from weights.fit.trail import Trail, named
from weights.table.families import Families

_SAME = 1e-12


@dataclass(frozen=True)
class Pipeline:
    """Stabilise, adjust, normalise (稳定、调整、标化).

    Everything here is by group, shape (G,). Levels are in yuan until the first scale is known;
    the corridor and last year's weights need weights, so levels are brought to that scale first.

    Attributes:
        families: ADRG and severity of the groups.
        previous: last year's weights, NaN where there is none.
        prior: what shrinkage draws to; None without shrinkage.
        low_volume: rule for small groups, or None.
        order: whether severities are put in order.
        corridor: how far weights may move, or None.
        structure: factor of each group from the cost structure, or None.
        classes: classes of groups, or None.
        tags: tags of the groups, for the classes.
        normalise: the scale of the weights.
        mean_cost: mean cost of the cases used in yuan.
        singles: costs of groups of few cases, none of which may decide; None without shrinkage
            or where families are not known.
    """

    families: Families
    previous: Floats
    prior: Prior | None
    low_volume: LowVolume | None
    order: bool
    corridor: Corridor | None
    structure: Floats | None
    classes: Classes | None
    tags: dict[str, str]
    normalise: Normalise
    mean_cost: float
    singles: Singles | None = None

    def run(
        self, level: Floats, cases: Floats, variance: Floats, trail: Trail | None = None
    ) -> tuple[Floats, Floats, Floats]:
        """Weights from levels, and the limits that hold for them. Shapes (G,).

        Args:
            level: relative cost in yuan, NaN without cases. Shape (G,).
            cases: cases to be paid. Shape (G,).
            variance: relative variance of the levels. Shape (G,).
            trail: where the steps are recorded, or None.

        Raises:
            DrgError: the normalisation cannot be reached.
        """
        notes = _Notes(trail, cases)
        if self.prior is not None:
            new = shrink(level, variance, self.families, self.prior, cases, self.singles)
            to = f"empirical Bayes to ADRG, spread {self.prior.spread:.4f}"
            if self.prior.before is not None:
                to = f"empirical Bayes to last year's table, spread {self.prior.moved**0.5:.4f}"
            notes.add("shrink", to,
                      level, new)  # fmt: skip
            level = new
        scale = self.normalise.scale(level, cases, self.previous, self.mean_cost)
        weight = level * scale
        notes.scale = 1.0 / scale
        weight = self._low_volume(weight, cases, notes)
        if self.order:
            new = ordered(weight, cases, self.families)
            before = inversions(weight, self.families)[0]
            notes.add("order", "pooling adjacent violators", weight, new,
                      f"{len(before)} inversions before, "
                      f"{len(inversions(new, self.families)[0])} after")  # fmt: skip
            weight = new
        low, high = self._bounds(weight, notes)
        weight, low, high = self._adjust(weight, low, high, notes)
        scaled = weight * self.normalise.factor(weight, cases, self.previous, low, high)
        notes.add("normalise", self._said_normalise(), weight, scaled)
        new = np.clip(scaled, low, high)
        if self.corridor is not None:
            held = np.isfinite(scaled) & (np.abs(new - scaled) > _SAME * scaled)
            notes.add("corridor", _said(self.corridor), scaled, new,
                      named(self.families.groups, held))  # fmt: skip
            notes.name("corridor", [self.families.groups[i] for i in np.flatnonzero(held)])
        return new, low, high

    def replicate(self, level: Floats, cases: Floats, variance: Floats) -> Floats:
        """As :meth:`run`, for a resample: NaN throughout where its limits leave no room. (G,)."""
        try:
            return self.run(level, cases, variance)[0]
        except DrgError:
            return np.full(len(level), np.nan)

    def _low_volume(self, weight: Floats, cases: Floats, notes: _Notes) -> Floats:
        if self.low_volume is None:
            return weight
        new = self.low_volume.apply(weight, cases, self.previous)
        rule = self.low_volume
        notes.add("low_volume", f"{rule.action}, below {rule.minimum * rule.years:g} cases",
                  weight, new)  # fmt: skip
        return new

    def _bounds(self, weight: Floats, notes: _Notes) -> tuple[Floats, Floats]:
        size = len(self.previous)
        if self.corridor is None:
            return np.zeros(size), np.full(size, np.inf)
        low, high = self.corridor.bounds(self.previous)
        if self.order:
            low, high, gave_way = in_order(low, high, self.families, np.isfinite(weight))
            if gave_way:
                notes.warn("corridor_gave_way",
                           "没有权重能同时符合严重程度次序和浮动区间；以下病组放宽了浮动区间："
                           f"{', '.join(gave_way)}",
                           "no weight is in order of severity and inside the corridor; the "
                           f"corridor gave way in {', '.join(gave_way)}")  # fmt: skip
        return low, high

    def _adjust(
        self, weight: Floats, low: Floats, high: Floats, notes: _Notes
    ) -> tuple[Floats, Floats, Floats]:
        factor = np.ones(len(weight))
        if self.structure is not None:
            new = weight * self.structure
            notes.add("structure", "cost structure", weight, new)
            weight, factor = new, factor * self.structure
        frozen = np.zeros(len(weight), np.bool_)
        if self.classes is not None:
            done = self.classes.apply(self.families.groups, weight, self.tags)
            notes.add("classes", f"{len(self.classes.classes)} classes", weight, done.level)
            if done.unknown:
                names = ", ".join(done.unknown[:12])
                notes.warn("classes_unknown", f"类别中指名、但不存在的病组：{names}",
                           f"named in the classes, no such group: {names}")  # fmt: skip
            factor = factor * np.where(np.isfinite(done.factor), done.factor, 1.0)
            weight, frozen = done.level, done.frozen
        low, high = low * factor, high * factor  # a class moves the corridor with the weight
        frozen_at = np.where(frozen, weight, 0.0)
        return weight, np.where(frozen, frozen_at, low), np.where(frozen, frozen_at, high)

    def _said_normalise(self) -> str:
        amount = self.normalise.amount
        return self.normalise.method + ("" if amount is None else f" {amount:g}")


class _Notes:
    """Passes steps on to a trail when there is one."""

    def __init__(self, trail: Trail | None, cases: Floats) -> None:
        self._trail = trail
        self._cases = cases
        self.scale = 1.0

    def add(self, step: str, method: str, before: Floats, after: Floats, note: str = "") -> None:
        if self._trail is not None:
            self._trail.of_groups(step, method, before, after, self._cases, self.scale, note)

    def name(self, what: str, groups: list[str]) -> None:
        if self._trail is not None and groups:
            self._trail.groups[what] = groups

    def warn(self, name: str, zh: str, en: str) -> None:
        if self._trail is not None:
            self._trail.warn(name, zh, en)


def _said(corridor: Corridor) -> str:
    parts = [(corridor.fall, "fall"), (corridor.rise, "rise")]
    return ", ".join(f"{name} at most {share:.4g}" for share, name in parts if share is not None)
