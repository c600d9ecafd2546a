"""The year end in draws (模拟的年终清算): sharing, cap, assessment and penalties of drawn years.

The same steps as :mod:`budget.settlement.year_end`, for many draws at once: in yuan, not rounded
to the fen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.policy.ladder import Ladder, Share
from budget.projection.cells import Cells
from budget.uncertainty.linear import joined, together

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
# Bands of hospitals: where they apply (H, I), and lower end, upper end and share of each.
_Bands = tuple[Bools, tuple[tuple[float, float, float], ...]]


@dataclass(frozen=True)
class Clearing:
    """The year end of one year's policy. H hospitals, I insurances.

    Attributes:
        pool: pools of each hospital and insurance. Shape (H, I).
        surplus: bands of what hospitals keep.
        overrun: bands of what the fund bears.
        cap: most that is paid, in multiples of the cost; None for no cap.
        coefficient: assessment times credit coefficient. Shape (H, 1).
        penalty: what is taken for violations in yuan. Shape (H, 1).
    """

    pool: npt.NDArray[np.intp]
    surplus: tuple[_Bands, ...]
    overrun: tuple[_Bands, ...]
    cap: float | None
    coefficient: Floats
    penalty: Floats

    @classmethod
    def of(cls, cells: Cells) -> Clearing:
        """The year end that the policy of a year has."""
        policy, hospitals = cells.policy, cells.hospitals
        kinds = [one.insurance[0] if len(one.insurance) == 1 else "" for one in policy.pools]
        attributes = {name: held[:, None] for name, held in hospitals.attributes.items()}
        attributes["insurance"] = np.array([*kinds, ""], object)[cells.pool]
        shape = cells.pool.shape

        def bands(ladder: Ladder[Share]) -> tuple[_Bands, ...]:
            found = []
            for held in ladder.ladders:
                here = np.broadcast_to(ladder[held[0]].applies(**attributes), shape)
                ends = ((one.start, one.end or np.inf, one.value)
                        for one in (ladder[i] for i in held))  # fmt: skip
                found.append((here, tuple(ends)))
            return tuple(found)

        assessment, sharing = policy.assessment, policy.sharing
        coefficient = assessment.coefficient(hospitals.score)
        coefficient = coefficient * assessment.credit_coefficient(hospitals.credit)
        penalty = np.asarray(hospitals.penalty, np.float64)
        return cls(
            cells.pool, bands(sharing.surplus), bands(sharing.overrun), sharing.cap,
            coefficient[:, None], penalty[:, None],
        )  # fmt: skip

    def __call__(self, fund: Floats, cost: Floats, beside: Floats) -> Floats:
        """Fund money by the rules, cost and what others bear -> final fund money; (D, H, I)."""
        joint = joined(self.pool)
        due, total, elsewhere = (together(one, joint) for one in (fund, cost, beside))
        over = due - (total - elsewhere)
        base = np.maximum(due, 0.0)
        final = due - np.maximum(over, 0.0)
        final += _in_bands(self.surplus, np.maximum(over, 0.0), base)
        final += _in_bands(self.overrun, np.maximum(-over, 0.0), base)
        if self.cap is not None:
            above = np.maximum(final + elsewhere - total * self.cap, 0.0)
            final -= np.minimum(above, np.maximum(final, 0.0))
        final *= self.coefficient
        if self.penalty.any():
            final -= self._penalties(final)
        return np.asarray(final if joint is None else final * _shares(fund, cost, joint))

    def _penalties(self, assessed: Floats) -> Floats:
        """Penalties by pool, in proportion to what is there; each pool counts once."""
        there = np.maximum(assessed, 0.0)
        earlier = np.tril(self.pool[:, :, None] == self.pool[:, None, :], -1).any(axis=2)
        whole = np.where(earlier, 0.0, there).sum(axis=2, keepdims=True)
        taken = np.minimum(self.penalty, whole)
        return np.asarray(
            there * np.divide(taken, whole, out=np.zeros_like(whole), where=whole > 0)
        )


def _in_bands(ladders: tuple[_Bands, ...], amount: Floats, base: Floats) -> Floats:
    """An amount cut into bands of its ratio to a base, each slice times its band's share."""
    found = np.zeros(amount.shape)
    for here, bands in ladders:
        part = np.zeros(amount.shape)
        for above, upto, value in bands:
            if value:
                piece = amount - above * base if above else amount
                if np.isfinite(upto):
                    piece = np.minimum(piece, (upto - above) * base)
                part += value * np.maximum(piece, 0.0)
        found = part if here.all() else np.where(here, part, found)
    return found


def _shares(fund: Floats, cost: Floats, joint: Bools) -> Floats:
    """Share of each insurance in a pool that it shares: by fund money, else by cost."""
    found = np.zeros(fund.shape)
    for held in (np.maximum(cost, 0.0), np.maximum(fund, 0.0)):
        whole = together(held, joint)
        found = np.where(whole > 0, held / np.where(whole > 0, whole, 1.0), found)
    return found
