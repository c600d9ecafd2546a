"""Terms of a standard (支付标准的构成): all that it is made of besides the weight of the group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Origin:
    """Which row of the policy gives a figure of the grid.

    Attributes:
        rows: place of the row in ``keys``, -1 for the last one. Shape (H, 2).
        keys: keys of the rows; the last says where the figure comes from that no row gives.
        covers: where group sets put another figure in its place, with its key; the last one that
            holds is taken. Shapes (H, G, 2).
    """

    rows: npt.NDArray[np.intp]
    keys: tuple[str, ...]
    covers: list[tuple[Bools, str]]

    def key(self, h: int, g: int, i: int) -> str:
        """The key of a cell's figure."""
        covers = [key for where, key in self.covers if where[h, g, i]]
        return covers[-1] if covers else self.keys[self.rows[h, i]]


@dataclass(frozen=True)
class Factor:
    """A multiplier of a group set.

    Attributes:
        where: cells for which it holds, of any shape.
        value: the multiplier.
        kind: kind of the set.
        key: where the policy says it.
    """

    where: Bools
    value: float
    kind: str
    key: str


@dataclass(frozen=True)
class Terms:
    """What turns weights into standards: a rate, a coefficient, multipliers, rounding.

    Attributes:
        rate: yuan of weight 1 before the coefficient; under points the regional mean cost. Any
            shape of cells, as all that follow.
        k: coefficient of the hospital in the group.
        own: standards in yuan that no weight decides (each hospital's own mean), or None.
        factors: multipliers of group sets, in order.
        decimals: to which standards are rounded; None under points.
    """

    rate: Floats
    k: Floats
    own: Floats | None
    factors: tuple[Factor, ...]
    decimals: int | None

    def base(self, weight: Floats) -> Floats:
        """Standards before multipliers, in reference yuan, of the cells' weights."""
        return np.asarray(weight * self.rate * self.k) if self.own is None else self.own

    def standard(self, weight: Floats) -> Floats:
        """Standards in reference yuan, of the cells' weights."""
        found = self.base(weight)
        for one in self.factors:
            found = np.where(one.where, found * one.value, found)
        return found if self.decimals is None else half_up(found, self.decimals)

    def at(self, cells: npt.NDArray[np.intp]) -> Terms:
        """The terms of some cells, by their place in the flattened grid. Shape (C,)."""

        def part(held: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.asarray(held.reshape(-1)[cells])

        own = None if self.own is None else part(self.own)
        factors = tuple(replace(one, where=part(one.where)) for one in self.factors)
        return Terms(part(self.rate), part(self.k), own, factors, self.decimals)


def half_up(amounts: Floats, decimals: int) -> Floats:
    """Amounts rounded to decimals, halves away from zero (四舍五入), as money is everywhere.

    A product such as 5444.33 * 2.5 is taken for the decimal that it stands for, 13610.825, and
    not for the float a hair below it.
    """
    unit = 10.0**decimals
    size = np.abs(amounts) * unit
    whole = np.floor(size * (1 + 8e-16) + 0.5) / unit
    return np.asarray(np.where(size < 1e13, np.copysign(whole, amounts), amounts))
