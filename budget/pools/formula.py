"""Fund formula (基金支付公式): what of a payment is the fund's money, as the policy chooses.

``remainder``: ``fund = payment - patient - other payers``; what the hospital gets is the payment.
``by_ratio``: ``fund = (payment - out of scope - first payment - deductible) x ratio``; what the
hospital gets is that, and what patients and other payers bear by item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals
from budget.patient.ladder import part, ratio_of
from budget.policy.document import Policy
from drg.money import Fen


@dataclass(frozen=True)
class Terms:
    """What makes the payment of each case the fund's money. Shapes (N,).

    Attributes:
        beside: what patients and other payers bear, in fen.
        aside: what is taken off first by ratio (out of scope, first payment, deductible), in fen.
        ratio: the ratio in billionths, -1 where none applies; None for the remainder.
    """

    beside: Fen
    aside: Fen | None = None
    ratio: Fen | None = None

    @classmethod
    def of(
        cls, claims: Claims, hospitals: Hospitals, policy: Policy, beside: Fen, aside: Fen
    ) -> Self:
        """The terms of a policy's formula for cases."""
        if policy.benefit.fund_formula != "by_ratio":
            return cls(beside)
        ratio = ratio_of(claims, hospitals, policy.benefit, policy.special.day_bed)
        return cls(beside, aside, ratio)

    def again(self, rows: npt.NDArray[np.intp], beside: Fen) -> Self:
        """The terms of some rows, with what is borne beside. Shape of ``rows``."""
        if self.aside is None or self.ratio is None:
            return type(self)(beside)
        return type(self)(beside, self.aside[rows], self.ratio[rows])

    def fund(self, worth: Fen, floor: int) -> Fen:
        """Fund money in fen, at least a floor, of what cases are worth in fen. Shape (N,)."""
        if self.aside is None or self.ratio is None:
            return np.asarray(np.maximum(worth - self.beside, floor))
        left = np.maximum(worth - self.aside, 0)
        return np.asarray(np.maximum(part(left, np.maximum(self.ratio, 0)), floor))
