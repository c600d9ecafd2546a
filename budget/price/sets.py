"""Sets of groups (病组集合): which groups of the weight table are in, and where they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.policy.groups import GroupSet, Multiplier, Tcm

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Set:
    """A set of groups (病组集合) of the policy.

    Attributes:
        kind: ``basic``, ``tcm``, ``incentive``, ``watched``, ``unstable`` or ``multiplier``.
        row: the row of the policy.
        members: groups in it. Shape (G,).
        here: where its selectors of hospital and insurance hold. Shape (H, 2).
    """

    kind: str
    row: GroupSet
    members: Bools
    here: Bools

    @property
    def key(self) -> str:
        """Its key in the policy."""
        return f"groups.{self.kind}.{self.row.name}"

    @property
    def where(self) -> Bools:
        """Cells for which it holds, but for what it asks of the person. Shape (H, G, 2)."""
        return np.asarray(self.members[None, :, None] & self.here[:, None, :])

    @property
    def personal(self) -> bool:
        """Whether it depends on the person: age, category of people, or share of TCM."""
        row = self.row
        by_age = isinstance(row, Multiplier) and row.age_below is not None
        by_share = isinstance(row, Tcm) and row.least_share is not None
        return bool(row.population) or by_age or by_share
