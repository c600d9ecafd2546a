"""What drives spend (支出变动分解): cases, mix and price, groups and hospitals, exact to the fen.

Spend now is compared with a base: the same months of last year where their cases are at hand, else
the mean of the year's earlier months. The change is ``cases + mix + price``:

- cases (例数): more or fewer cases, each at the base's spend a case;
- mix (病例组合): their mean weight, at the base's spend a unit of weight;
- price (单价): the rest, what a unit of weight costs the fund.

Each is rounded once, the price takes what is left, so the three add up; so do groups and hospitals.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from drg.money import Fen, allocate

PARTS = ("cases", "mix", "price")


@dataclass(frozen=True)
class Base:
    """What spend is compared with.

    Attributes:
        kind: ``last_year`` (same months) or ``earlier_months`` (their mean).
        cells: of the base, as :class:`budget.monitor.spend.Spend` has them.
        now: those that are compared with it.
        scale: months of ``now`` over months of the base.
    """

    kind: str
    cells: pd.DataFrame
    now: pd.DataFrame
    scale: Fraction


@dataclass(frozen=True)
class Drivers:
    """A change of spend, in fen.

    Attributes:
        before: spend of the base, scaled to as many months.
        after: spend now.
        cases: by the number of cases.
        mix: by their mean weight.
        price: by what a unit of weight costs.
        groups: place of a group -> its part of the change.
        hospitals: place of a hospital -> its part.
    """

    before: int
    after: int
    cases: int
    mix: int
    price: int
    groups: dict[int, int]
    hospitals: dict[int, int]

    @property
    def change(self) -> int:
        """The whole change."""
        return self.after - self.before

    def most(self, of: str) -> tuple[int | None, int]:
        """The group or hospital that moves spend most in the direction of the change."""
        held: dict[int, int] = getattr(self, of)
        if not held:
            return None, 0
        sign = 1 if self.change >= 0 else -1
        place = max(held, key=lambda one: (sign * held[one], -one))
        return place, held[place]


def drivers(base: Base, **only: int) -> Drivers:
    """What drives the spend of a pool, hospital or group.

    Args:
        base: what it is compared with, and what is compared.
        **only: ``pool``, ``hospital``, ``group``: the place that counts.
    """
    before, after = (_of(cells, only) for cells in (base.cells, base.now))
    (n0, w0, s0), (n1, w1, s1) = (
        [int(cells[name].sum()) for name in ("cases", "weight", "spend")]
        for cells in (before, after)
    )
    scaled = round(s0 * base.scale)
    cases = mix = 0
    if n0:
        cases = _rounded((n1 - n0 * base.scale) * Fraction(s0, n0))
        if w0 and n1:
            mix = _rounded(n1 * (Fraction(w1, n1) - Fraction(w0, n0)) * Fraction(s0, w0))
    price = s1 - scaled - cases - mix
    parts = [_parts(before, after, scaled, key) for key in ("group", "hospital")]
    return Drivers(scaled, s1, cases, mix, price, *parts)


def _of(cells: pd.DataFrame, only: dict[str, int]) -> pd.DataFrame:
    for key, place in only.items():
        cells = cells[cells[key] == place]
    return cells


def _rounded(value: Fraction) -> int:
    """The nearest whole number, halves away from zero."""
    size = (abs(value) + Fraction(1, 2)).__floor__()
    return size if value >= 0 else -size


def _parts(before: pd.DataFrame, after: pd.DataFrame, scaled: int, key: str) -> dict[int, int]:
    """The change of each group or hospital; they add up to the whole change."""
    was, now = before.groupby(key)["spend"].sum(), after.groupby(key)["spend"].sum()
    places = sorted({*was.index, *now.index})
    old: Fen = np.asarray(was.reindex(places, fill_value=0), np.int64)
    new: Fen = np.asarray(now.reindex(places, fill_value=0), np.int64)
    if old.sum() != scaled:
        old = allocate(scaled, old)
    return {int(place): int(b - a) for place, a, b in zip(places, old, new, strict=True)}
