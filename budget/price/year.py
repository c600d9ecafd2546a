"""Pricing a year (年度计价): all its cases, and what other stays and quotas change of prices.

What other stays of the person, caps and technologies say of a case does not depend on prices, so
it is found once; special reviews do, as their quota goes to the largest overruns.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.record import Record
from budget.cases.stays import Stays
from budget.policy.groups import Multiplier, Tcm
from budget.price.branches import PLACE
from budget.price.case import Priced, price
from budget.price.caseload import caseload_factor
from budget.price.grid import Grid
from budget.price.new_technology import technology_year
from budget.price.rank import inside_quota
from budget.price.readmission import readmission_factor
from budget.price.review import approved_reviews
from drg.money import decimal, ratio, to_decimals

_SLICE = 262_144
_DECIMALS = 12  # of the product of two factors
_OVERRUN_DECIMALS = 6  # of yuan, by which special reviews are put into order


def other_stays(
    claims: Claims,
    grid: Grid,
    groups: tuple[str, ...],
    year: int,
    record: Record | None = None,
) -> dict[str, Any]:
    """What the rest of the year says of each case's price: arguments of ``price``, shapes (N,)."""
    special = grid.policy.special
    extra: dict[str, Any] = {}
    if special.new_technology is not None and (claims.technology >= 0).any():
        extra["technology_year"] = technology_year(claims, special.new_technology, year)
    factors = {}
    if special.readmission is not None and claims.person is not None:
        factors["special.readmission"] = readmission_factor(claims, special.readmission, groups)
    if special.caseload is not None:
        factors["special.caseload"] = caseload_factor(claims, groups, special.caseload)
    if factors:
        one, *other = factors.values()
        extra["factor"] = to_decimals(_DECIMALS, decimal(one) * decimal(other[0])) if other else one
    if record is not None:
        mine = {key: float(factor[record.row]) for key, factor in factors.items()}
        record.factors = {key: factor for key, factor in mine.items() if factor != 1.0}
    return extra


def price_year(
    claims: Claims,
    grid: Grid,
    extra: dict[str, Any],
    discharges: npt.NDArray[np.int64] | None = None,
) -> tuple[Priced, dict[str, str]]:
    """Price cases, special reviews inside their quota included.

    Args:
        claims: the cases.
        grid: standards and thresholds.
        extra: what :func:`other_stays` found of them.
        discharges: what the quotas count (:func:`budget.price.review.discharged`), where ``claims``
            is a part of the year that holds all cases put forward.

    Returns:
        The prices, and name -> what a reader must know.
    """
    review, rule = grid.policy.special.review, grid.policy.outliers.high
    quotas = () if rule is None else rule.quotas
    priced = _in_slices(claims, grid, extra)
    if review is not None and "special_review" not in claims.flags:
        review = None
    if review is None and not quotas:
        return priced, {}
    high = priced.branch == PLACE["high"]
    extra, standard = dict(extra), decimal(np.nan_to_num(priced.standard))
    overrun = to_decimals(_OVERRUN_DECIMALS, ratio(claims.cost, 100), -standard)
    warnings, hospitals = {}, len(grid.pool)
    refused: dict[str, int] = {}
    if review is not None:
        extra["approved"], refused = approved_reviews(
            claims, high, overrun, review, grid.attributes, hospitals, discharges
        )
        high &= ~extra["approved"]
    if quotas:
        _, extra["beyond"] = inside_quota(
            claims, high, overrun, quotas, grid.attributes, hospitals, otherwise=1.0
        )
        if count := int(np.count_nonzero(extra["beyond"])):
            warnings["high_beyond_quota"] = (
                f"{count:,} high cases are beyond the quota of their hospital and are paid the "
                "standard"
            )
    if refused:
        warnings["review_beyond_quota"] = (
            f"{sum(refused.values()):,} special reviews of {len(refused)} hospitals are beyond "
            "their quota and priced by the ordinary rules"
        )
    return _in_slices(claims, grid, extra), warnings


def unseen(claims: Claims, grid: Grid, stays: Stays | None) -> dict[str, str]:
    """Rules that ask of a case what no case says, or for a group that has no weight."""
    found = {}
    if grid.policy.special.readmission is not None and (
        stays is None or stays.unknown == len(claims)
    ):
        found["no_persons"] = "without patient_id readmissions cannot be seen"
    special = grid.policy.special
    if special.transfer is not None and not (claims.mode > 0).any():
        found["no_discharge_mode"] = (
            "special.transfer: no case has a discharge_mode, so none is a transfer"
        )
    if (special.long_stay or special.short_stay) and np.isnan(claims.stay).all():
        key = "special.long_stay" if special.long_stay else "special.short_stay"
        found["no_stay"] = f"{key}: no case has a length of stay or both dates"
    for row in (one.row for one in grid.personal):
        if isinstance(row, Tcm) and row.least_share and np.isnan(claims.tcm_share).all():
            found[f"no_tcm_share.{row.name}"] = (
                f"groups.tcm.{row.name}: no case has a tcm_share, so none has its least share"
            )
        if isinstance(row, Tcm) and (row.medical_group or grid.groups[0]) not in grid.groups:
            found[f"no_medical_group.{row.name}"] = (
                f"groups.tcm.{row.name}: the weight table has no group {row.medical_group}"
            )
        if isinstance(row, Multiplier) and row.age_below and np.isnan(claims.age).all():
            found[f"no_age.{row.name}"] = f"groups.multiplier.{row.name}: no case has an age"
    return found


def _in_slices(claims: Claims, grid: Grid, extra: dict[str, Any]) -> Priced:
    """Price in slices on a few threads, so that no array of the whole year is made in between."""
    size = len(claims)
    bounds = [(start, min(start + _SLICE, size)) for start in range(0, size, _SLICE)]

    kinds = {"branch": np.int8, "ratio": np.float32, "fen": np.int64, "points": np.int64,
             "beyond": np.bool_, "cut": np.float32}  # fmt: skip
    whole = Priced(*(np.empty(size, kinds.get(one.name, np.float64)) for one in fields(Priced)))

    def one(bound: tuple[int, int]) -> None:
        start, stop = bound
        own = {name: held[start:stop] for name, held in extra.items()}
        found = price(claims.slice(start, stop), grid, **own)
        for part in fields(Priced):
            getattr(whole, part.name)[start:stop] = getattr(found, part.name)

    if len(bounds) == 1:
        one(bounds[0])
        return whole
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, bounds))
    return whole
