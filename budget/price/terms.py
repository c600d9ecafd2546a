"""Terms of a standard (支付标准的构成): all that it is made of besides the weight of the group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drg.money import Exact, decimal, to_decimals

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Terms:
    """What turns weights into standards: a rate, a coefficient, multipliers, rounding.

    Attributes:
        rate: yuan of weight 1 before the coefficient; under points the regional mean cost. Any
            shape of cells, as all that follow.
        k: coefficient of the hospital in the group.
        own: standards in yuan that no weight decides (each hospital's own mean), or None.
        factors: multipliers of group sets, each where it holds, in order.
        decimals: to which standards are rounded; None under points.
    """

    rate: Floats
    k: Floats
    own: Floats | None
    factors: tuple[tuple[Bools, float], ...]
    decimals: int | None

    def standard(self, weight: Floats) -> Exact:
        """Standards in reference yuan, of the cells' weights; rounded once, or not at all."""
        found = decimal(self.rate) * decimal(self.k)
        found = found * decimal(weight) if self.own is None else decimal(self.own)
        for where, factor in self.factors:
            found = found * decimal(np.where(where, factor, 1.0))
        return found if self.decimals is None else decimal(to_decimals(self.decimals, found))

    def at(self, cells: npt.NDArray[np.intp]) -> Terms:
        """The terms of some cells, by their place in the flattened grid. Shape (C,)."""

        def part(held: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
            return held.reshape(-1)[cells]

        own = None if self.own is None else part(self.own)
        factors = tuple((part(where), factor) for where, factor in self.factors)
        return Terms(part(self.rate), part(self.k), own, factors, self.decimals)  # type: ignore[arg-type]
