"""Terms of a standard (支付标准的构成): all that it is made of besides the weight of the group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.money import Exact, decimal, to_decimals

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
    own: Exact | None
    factors: tuple[Factor, ...]
    decimals: int | None

    def standard(self, weight: Floats) -> Exact:
        """Standards in reference yuan, of the cells' weights; rounded once, or not at all."""
        found = decimal(self.rate) * decimal(self.k)
        found = found * decimal(weight) if self.own is None else self.own
        for one in self.factors:
            found = found * decimal(np.where(one.where, one.value, 1.0))
        return found if self.decimals is None else decimal(to_decimals(self.decimals, found))

    def at(self, cells: npt.NDArray[np.intp]) -> Terms:
        """The terms of some cells, by their place in the flattened grid. Shape (C,)."""

        def part(held: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.asarray(held.reshape(-1)[cells])

        own = self.own
        if own is not None:
            own = own[np.unravel_index(cells, own.value.shape)]
        factors = tuple(replace(one, where=part(one.where)) for one in self.factors)
        return Terms(part(self.rate), part(self.k), own, factors, self.decimals)
