"""What cases cost (历史费用), for standards and coefficients that are computed from costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drg.errors import problem

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """What cases cost, for standards and coefficients that are computed from costs.

    Attributes:
        cases: number of cases. Shape (H, G).
        cost: sum of cost in yuan. Shape (H, G).
    """

    cases: Floats
    cost: Floats

    @property
    def group_mean(self) -> Floats:
        """Regional mean cost of each group in yuan, NaN without cases. Shape (G,)."""
        return mean(self.cost.sum(axis=0), self.cases.sum(axis=0))

    @property
    def mean(self) -> float:
        """Regional mean cost per case in yuan (地区次均费用)."""
        cases = float(self.cases.sum())
        return float(self.cost.sum()) / cases if cases else np.nan


def needed(history: History | None, key: str, policy: str) -> History:
    """The history, where a key of a policy asks for one.

    Raises:
        DrgError: there is none.
    """
    if history is None:
        raise problem("is computed from costs; cases are needed", key=key, file=policy)
    return history


def mean(above: Floats, below: Floats) -> Floats:
    """Sums over numbers of cases, NaN without cases."""
    empty = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=empty, where=below > 0))
