"""What cases cost (历史费用), for standards and coefficients that are computed from costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drg.errors import problem
from drg.language import say
from drg.money import Exact, ratio

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """What cases cost, for standards and coefficients that are computed from costs.

    Attributes:
        cases: number of cases, whole. Shape (H, G).
        cost: sum of cost in yuan, whole fen. Shape (H, G).
    """

    cases: Floats
    cost: Floats

    @property
    def group_mean(self) -> Exact:
        """Regional mean cost of each group in yuan, NaN without cases. Shape (G,)."""
        return mean(self.cost.sum(axis=0), self.cases.sum(axis=0))

    @property
    def regional_mean(self) -> Exact:
        """Regional mean cost per case in yuan (地区次均费用), one number."""
        return mean(self.cost.sum(), self.cases.sum())


def needed(history: History | None, key: str, policy: str) -> History:
    """The history, where a key of a policy asks for one.

    Raises:
        DrgError: there is none.
    """
    if history is None:
        raise problem(say("由费用计算，需要病例数据", "is computed from costs; cases are needed"),
                      key=key, file=policy)  # fmt: skip
    return history


def mean(cost: npt.ArrayLike, cases: npt.ArrayLike) -> Exact:
    """Sums of cost in yuan over numbers of cases, NaN without cases; both are exact."""
    fen = np.rint(np.asarray(cost, np.float64) * 100.0).astype(np.int64)
    return ratio(fen, 100 * np.rint(np.asarray(cases, np.float64)).astype(np.int64))
