"""Year-end clearing (年终清算): sharing, cap, assessment and penalties, from payable to final.

``settled = payable - surplus_returned + overrun_borne - capped``
``assessed = settled x assessment coefficient x credit coefficient``
``final = assessed - penalty``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from budget.settlement.warned import warned
from drg.errors import problem
from drg.language import say
from drg.money import (
    Fen,
    allocate,
    blend,
    decimal,
    printed,
    ratio,
    sign,
    times,
    to_decimals,
    to_fen,
    to_yuan,
    whole,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from budget.cases.hospitals import Hospitals
    from budget.policy.ladder import Ladder, Share
    from budget.policy.pools import Pool
    from budget.policy.year_end import Assessment, Sharing

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_FACTOR_DECIMALS = 12  # of the product of two coefficients

# Steps from payable to final, with the Chinese term, in their order.
STEPS: dict[str, str] = {
    "payable": "应付",
    "surplus_returned": "结余收回",
    "overrun_borne": "超支补偿",
    "capped": "超上限扣减",
    "settled": "清算额",
    "assessment_withheld": "考核扣减",
    "assessed": "考核后应付",
    "penalty": "违规扣款",
    "final": "年度决算",
}


@dataclass(frozen=True)
class YearEnd:
    """A year cleared, in fen; arrays are (H, P) unless they say otherwise.

    Attributes:
        hospitals: ids. Length H.
        pools: names of the pools. Length P.
        payable: fund money by the DRG rules (应付).
        item: what the fund would have paid by item (按项目应付).
        surplus_returned: surplus that goes back to the pool (结余收回).
        overrun_borne: overrun that the fund bears (超支补偿).
        capped: what is above the cap (超上限扣减).
        settled: payable less returned, plus borne, less capped.
        assessment_withheld: settled less assessed; negative where the assessment adds money.
        assessed: settled times both coefficients.
        penalty: what is taken for violations (违规扣款).
        final: what the fund pays for the year (年度决算).
        coefficient: assessment coefficient (考核系数). Shape (H,).
        credit: credit coefficient (信用系数). Shape (H,).
        penalty_unpaid: penalty for which there was no money. Shape (H,).
        warnings: ``name.hospital`` -> what a reader must know.
    """

    hospitals: tuple[str, ...]
    pools: tuple[str, ...]
    payable: Fen
    item: Fen
    surplus_returned: Fen
    overrun_borne: Fen
    capped: Fen
    settled: Fen
    assessment_withheld: Fen
    assessed: Fen
    penalty: Fen
    final: Fen
    coefficient: Floats
    credit: Floats
    penalty_unpaid: Fen
    warnings: dict[str, str]

    @property
    def factor(self) -> Floats:
        """Both coefficients together: what the settled sum is multiplied by. Shape (H,)."""
        return to_decimals(_FACTOR_DECIMALS, decimal(self.coefficient) * decimal(self.credit))

    @property
    def surplus(self) -> Fen:
        """Surplus (结余): payable above item cost, 0 where there is none. Shape (H, P)."""
        return np.asarray(np.maximum(self.payable - self.item, 0))

    @property
    def overrun(self) -> Fen:
        """Overrun (超支): item cost above payable, 0 where there is none. Shape (H, P)."""
        return np.asarray(np.maximum(self.item - self.payable, 0))

    def table(self) -> pa.Table:
        """One row a hospital and pool: every step in yuan."""
        import pyarrow as pa

        hospitals = np.repeat(np.array(self.hospitals, object), len(self.pools))
        columns: dict[str, Any] = {
            "hospital_id": hospitals,
            "pool": np.tile(np.array(self.pools, object), len(self.hospitals)),
        }
        for step in STEPS:
            columns[step] = to_yuan(getattr(self, step)).ravel()
        columns["assessment_coefficient"] = np.repeat(self.coefficient, len(self.pools))
        columns["credit_coefficient"] = np.repeat(self.credit, len(self.pools))
        return pa.table(columns)


def year_end(
    payable: npt.ArrayLike,
    item: npt.ArrayLike,
    cost: npt.ArrayLike,
    patient: npt.ArrayLike,
    other: npt.ArrayLike,
    hospitals: Hospitals,
    assessment: Assessment,
    sharing: Sharing,
    pools: Sequence[Pool] | None = None,
) -> YearEnd:
    """Clear a year.

    Args:
        payable: fund money by the DRG rules, fen. Shape (H, P).
        item: what the fund would have paid by item, fen. Shape (H, P).
        cost: total billed cost, fen. Shape (H, P).
        patient: paid by patients, fen. Shape (H, P).
        other: paid by other payers, fen. Shape (H, P).
        hospitals: score, credit and penalty of each.
        assessment: the policy's assessment.
        sharing: the policy's sharing.
        pools: the policy's pools, for their names and for bands by insurance. Length P.

    Raises:
        DrgError: an array has not the right shape or is not whole fen, or no band of a sharing
            ladder applies to a hospital.
    """
    due = whole(payable, "payable")
    count = len(pools) if pools is not None else due.shape[-1] if due.ndim else 0
    shape = (len(hospitals), count)
    due = whole(due, "payable", shape)
    by_item = whole(item, "item", shape)
    total = whole(cost, "cost", shape)
    elsewhere = whole(patient, "patient", shape) + whole(other, "other", shape)
    names = tuple(pool.name for pool in pools or ()) or tuple(f"pool {i + 1}" for i in range(count))
    attributes = _attributes(hospitals, pools)
    surplus, overrun = np.maximum(due - by_item, 0), np.maximum(by_item - due, 0)
    base = np.maximum(due, 0)
    parts = []
    for key, amount in (("surplus", surplus), ("overrun", overrun)):
        part, known = in_bands(getattr(sharing, key), amount, base, **attributes)
        _all_have_bands(key, (amount > 0) & ~known, hospitals.ids, names)
        parts.append(part)
    returned, borne = surplus - parts[0], parts[1]
    before_cap = due - returned + borne
    capped, beyond = _capped(before_cap, elsewhere, total, sharing.cap)
    settled = before_cap - capped
    coefficient = assessment.coefficient(hospitals.score)
    credit = assessment.credit_coefficient(hospitals.credit)
    assessed = times(settled, coefficient[:, None], credit[:, None])
    penalty, unpaid = _penalties(assessed, to_fen(hospitals.penalty))
    final = assessed - penalty
    ids = hospitals.ids
    lost = unpaid[:, None]
    warnings = {
        **warned("negative_payable", "payable is negative", due, due < 0, ids, names),
        **warned("above_cap", "without the fund more is paid than the cap allows, by", beyond,
                 beyond > 0, ids, names),
        **warned("negative_final", "the final settlement is negative", final, final < 0, ids,
                 names),
        **warned("penalty_unpaid", "no money was left for a part of the penalty", lost, lost > 0,
                 ids, ("",)),
    }  # fmt: skip
    return YearEnd(
        ids, names, due, by_item, returned, borne, capped, settled, settled - assessed, assessed,
        penalty, final, coefficient, credit, unpaid, warnings,
    )  # fmt: skip


def _attributes(hospitals: Hospitals, pools: Sequence[Pool] | None) -> dict[str, Any]:
    """What bands may ask for: hospitals down, insurances of the pools across."""
    found: dict[str, Any] = {name: held[:, None] for name, held in hospitals.attributes.items()}
    if pools is not None:
        kinds = [pool.insurance[0] if len(pool.insurance) == 1 else "" for pool in pools]
        found["insurance"] = np.array([kinds], object)
    return found


def _all_have_bands(
    key: str, lost: Bools, hospitals: tuple[str, ...], pools: tuple[str, ...]
) -> None:
    if lost.any():
        h, p = np.argwhere(lost)[0]
        raise problem(say("没有适用的档", "no band applies"), key=f"sharing.{key}",
                      found=say(f"医疗机构 {hospitals[h]}，{pools[p]}",
                                f"hospital {hospitals[h]}, {pools[p]}"),
                      expected=say("不设选择条件的档，适用于其余全部",
                                   "bands without selectors, for all others"))  # fmt: skip


def in_bands(
    ladder: Ladder[Share], amount: Fen, base: Fen, **attributes: npt.ArrayLike
) -> tuple[Fen, Bools]:
    """An amount cut into bands of its ratio to a base, each slice times its band's share.

    The exact counterpart of ``ladder.slices(amount / base) * base``. A ladder is piecewise
    linear, so inside a band the sum is ``amount x value + base x level``, rounded once.

    Args:
        ladder: the bands.
        amount: not negative, fen. Shape (H, P).
        base: not negative, fen; where it is 0 all is in the last band. Shape (H, P).
        **attributes: of the ladder's selectors, broadcast to (H, P).

    Returns:
        The part in fen, and where a band applies. Shapes (H, P).
    """
    found = np.zeros(amount.shape, np.int64)
    known = np.zeros(amount.shape, np.bool_)
    for held in ladder.ladders:
        bands = [ladder[i] for i in held]
        here = np.broadcast_to(bands[0].applies(**attributes), amount.shape)
        place = np.zeros(amount.shape, np.intp)
        for band in bands[:-1]:
            end = ratio(base) * decimal(band.end or 0.0)
            place += sign(ratio(amount), -end) > 0
        values = np.array([band.value for band in bands])
        part = blend((amount, values[place]), (base, _levels(bands)[place]))
        found, known = np.where(here, part, found), known | here
    return found, known


def _levels(bands: list[Share]) -> Floats:
    """What the bands before bring above the band's own line, as a share of the base."""
    level = Fraction(0)
    found = [0.0]
    for one, after in pairwise(bands):
        step = printed(one.value) - printed(after.value)
        level += step * printed(after.start)
        found.append(float(level))
    return np.array(found)


def _capped(fund: Fen, elsewhere: Fen, cost: Fen, cap: float | None) -> tuple[Fen, Fen]:
    """What the cap takes from the fund's money, and what is above it without the fund."""
    if cap is None:
        return np.zeros_like(fund), np.zeros_like(fund)
    above = np.maximum(fund + elsewhere - times(cost, cap, down=True), 0)
    capped = np.minimum(above, np.maximum(fund, 0))
    return capped, above - capped


def _penalties(assessed: Fen, penalty: Fen) -> tuple[Fen, Fen]:
    """Penalties by pool, in proportion to what is there, and what could not be taken (H,)."""
    there = np.maximum(assessed, 0)
    taken = np.minimum(penalty, there.sum(axis=1))
    parts = np.minimum(allocate(taken, there), there)
    return parts, penalty - parts.sum(axis=1)
