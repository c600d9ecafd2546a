"""Pricing a year (年度计价): all its cases, and what other stays and quotas change of prices.

What other stays of the person, caps and technologies say of a case does not depend on prices, so
it is found once; special reviews do, as their quota goes to the largest overruns. Both say
something of few cases only, so that a large year is priced part by part.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims, joined
from budget.cases.parts import Part, YearCases
from budget.cases.record import Record
from budget.cases.tally import Tally
from budget.policy.groups import Multiplier, Tcm
from budget.price.branches import PLACE
from budget.price.case import Priced, price
from budget.price.caseload import Caps, caseload_factor
from budget.price.grid import Grid
from budget.price.new_technology import technology_year
from budget.price.rank import inside_quota
from budget.price.readmission import readmission_factor
from budget.price.review import approved_reviews
from drg.money import decimal, ratio, to_decimals

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
_SLICE = 262_144
_TURN = 2_000_000  # cases under caps that are put in order together
_DECIMALS = 12  # of the product of two factors
_OVERRUN_DECIMALS = 6  # of yuan, by which special reviews are put into order


@dataclass(frozen=True)
class Few:
    """Something that is said of few cases of a year, and of all others by default.

    Attributes:
        rows: places of those cases in ascending order. Shape (R,).
        values: what is said of them. Shape (R,).
    """

    rows: Rows
    values: npt.NDArray[Any]

    @classmethod
    def gathered(cls, parts: list[tuple[Rows, npt.NDArray[Any]]]) -> Self:
        """Of parts in any order."""
        rows = np.concatenate([np.zeros(0, np.intp), *(one for one, _ in parts)])
        values = np.concatenate([one for _, one in parts]) if parts else np.zeros(0)
        order = np.argsort(rows)
        return cls(rows[order], values[order])

    def put(self, into: npt.NDArray[Any], start: int) -> npt.NDArray[Any]:
        """Write it into an array of the cases from a place on."""
        first, last = np.searchsorted(self.rows, (start, start + len(into)))
        into[self.rows[first:last] - start] = self.values[first:last]
        return into


@dataclass
class Others:
    """What the rest of the year says of the prices of cases.

    Attributes:
        year: settlement year.
        factors: key of a rule -> multipliers of standards, 1 for all other cases.
        approved: special reviews that are approved and inside the quota.
        beyond: high cases beyond their hospital's quota.
    """

    year: int
    factors: dict[str, Few] = field(default_factory=dict)
    approved: Few | None = None
    beyond: Few | None = None

    def of(self, claims: Claims, grid: Grid, start: int) -> dict[str, Any]:
        """Arguments of :func:`price` for the cases from a place on. Shapes (N,)."""
        special, size = grid.policy.special, len(claims)
        extra: dict[str, Any] = {}
        if special.new_technology is not None and (claims.technology >= 0).any():
            extra["technology_year"] = technology_year(claims, special.new_technology, self.year)
        factors = [few.put(np.ones(size), start) for few in self.factors.values()]
        if factors:
            extra["factor"] = _product(factors)
        for name in ("approved", "beyond"):
            held: Few | None = getattr(self, name)
            if held is not None:
                extra[name] = held.put(np.zeros(size, np.bool_), start)
        return extra


def under_caps(cases: YearCases, grid: Grid) -> Few:
    """Cases beyond a caseload cap; groups whose cases a cap holds are not looked at."""
    rule = grid.policy.special.caseload
    assert rule is not None
    caps = Caps(rule, grid.groups)
    count = caps.reached(cases.tally)
    found = []
    while (count > 0).any():
        turn = (count > 0) & (np.cumsum(count) - count < _TURN)
        turn[int(np.argmax(count > 0))] = True

        def capped(part: Part, turn: Bools = turn) -> tuple[Rows, Claims]:
            group = part.claims.group
            own = np.flatnonzero((group >= 0) & turn[group])
            return part.start + own, part.claims.take(own)

        rows, parts = zip(*cases.each(capped), strict=True)
        some = joined(parts)
        factor = caseload_factor(some, grid.groups, rule)
        cut = np.flatnonzero(factor != 1.0)
        found.append((np.concatenate(rows)[cut], factor[cut]))
        count[turn] = 0
    return Few.gathered(found)


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
        extra["factor"] = _product(list(factors.values()))
    if record is not None:
        mine = {key: float(factor[record.row]) for key, factor in factors.items()}
        record.factors = {key: factor for key, factor in mine.items() if factor != 1.0}
    return extra


def _product(factors: list[Floats]) -> Floats:
    one, *other = factors
    return to_decimals(_DECIMALS, decimal(one) * decimal(other[0])) if other else one


def under_quotas(
    cases: YearCases, grid: Grid, others: Others
) -> tuple[Few | None, Few | None, dict[str, str]]:
    """Special reviews that are approved and high cases beyond quotas, of a whole year.

    Args:
        cases: the year.
        grid: standards and thresholds.
        others: what else the rest of the year says of prices.

    Returns:
        Both, None where no rule asks; and name -> what a reader must know.
    """
    if not _ask_quotas(grid, bool(cases.tally.known["special_review"])):
        return None, None, {}

    def wanted(part: Part) -> tuple[Rows, Claims, Bools, Floats]:
        priced = price(part.claims, grid, **others.of(part.claims, grid, part.start))
        high, overrun = _overruns(part.claims, priced)
        own = np.flatnonzero(_wanted(part.claims, high, grid))
        return part.start + own, part.claims.take(own), high[own], overrun[own]

    rows, parts, highs, overruns = zip(*cases.each(wanted), strict=True)
    found, warnings = _inside(
        joined(parts), np.concatenate(highs), np.concatenate(overruns), grid,
        cases.tally.discharges(),
    )  # fmt: skip
    places = np.concatenate(rows)
    few = [Few(places[held], held[held]) if (held := found.get(name)) is not None else None
           for name in ("approved", "beyond")]  # fmt: skip
    return few[0], few[1], warnings


def price_year(
    claims: Claims,
    grid: Grid,
    extra: dict[str, Any],
    discharges: Ints,
) -> Priced:
    """Price cases, special reviews inside their quota included.

    Args:
        claims: the cases, all cases put forward among them.
        grid: standards and thresholds.
        extra: what :func:`other_stays` found of them.
        discharges: DRG discharges of the whole year by hospital and insurance. Shape (H, 2).
    """
    priced = _in_slices(claims, grid, extra)
    if not _ask_quotas(grid, "special_review" in claims.flags):
        return priced
    high, overrun = _overruns(claims, priced)
    found, _ = _inside(claims, high, overrun, grid, discharges)
    return _in_slices(claims, grid, extra | found)


def _ask_quotas(grid: Grid, marked: bool) -> bool:
    """Whether a rule of the policy lets in only so many cases."""
    rule = grid.policy.outliers.high
    return bool((grid.policy.special.review is not None and marked) or (rule and rule.quotas))


def _overruns(claims: Claims, priced: Priced) -> tuple[Bools, Floats]:
    """High cases, and what each case costs above its standard in yuan. Shapes (N,)."""
    standard = decimal(np.nan_to_num(priced.standard))
    overrun = to_decimals(_OVERRUN_DECIMALS, ratio(claims.cost, 100), -standard)
    return priced.branch == PLACE["high"], overrun


def _wanted(claims: Claims, high: Bools, grid: Grid) -> Bools:
    """Cases that a quota may let in or keep out. Shape (N,)."""
    rule, marked = grid.policy.outliers.high, claims.flags.get("special_review")
    found = high & bool(rule and rule.quotas)
    if grid.policy.special.review is not None and marked is not None:
        found = found | marked
    return found


def _inside(
    claims: Claims, high: Bools, overrun: Floats, grid: Grid, discharges: Ints
) -> tuple[dict[str, Bools], dict[str, str]]:
    """What quotas decide: ``approved`` and ``beyond``, shapes (N,), where a rule asks."""
    review, rule = grid.policy.special.review, grid.policy.outliers.high
    found: dict[str, Bools] = {}
    warnings, hospitals = {}, len(grid.pool)
    refused: dict[str, int] = {}
    if review is not None and "special_review" in claims.flags:
        found["approved"], refused = approved_reviews(
            claims, high, overrun, review, grid.attributes, hospitals, discharges
        )
        high = high & ~found["approved"]
    if rule is not None and rule.quotas:
        _, found["beyond"] = inside_quota(
            claims, high, overrun, rule.quotas, grid.attributes, hospitals, otherwise=1.0,
            discharges=discharges,
        )  # fmt: skip
        if count := int(np.count_nonzero(found["beyond"])):
            warnings["high_beyond_quota"] = (
                f"{count:,} high cases are beyond the quota of their hospital and are paid the "
                "standard"
            )
    if refused:
        warnings["review_beyond_quota"] = (
            f"{sum(refused.values()):,} special reviews of {len(refused)} hospitals are beyond "
            "their quota and priced by the ordinary rules"
        )
    return found, warnings


def unseen(tally: Tally, size: int, grid: Grid) -> dict[str, str]:
    """Rules that ask of a case what no case says, or for a group that has no weight."""
    found, known = {}, tally.known
    if grid.policy.special.readmission is not None and (
        not tally.persons or tally.unknown_persons == size
    ):
        found["no_persons"] = "without patient_id readmissions cannot be seen"
    special = grid.policy.special
    if special.transfer is not None and not known["mode"]:
        found["no_discharge_mode"] = (
            "special.transfer: no case has a discharge_mode, so none is a transfer"
        )
    if (special.long_stay or special.short_stay) and not known["stay"]:
        key = "special.long_stay" if special.long_stay else "special.short_stay"
        found["no_stay"] = f"{key}: no case has a length of stay or both dates"
    for row in (one.row for one in grid.personal):
        if isinstance(row, Tcm) and row.least_share and not known["tcm_share"]:
            found[f"no_tcm_share.{row.name}"] = (
                f"groups.tcm.{row.name}: no case has a tcm_share, so none has its least share"
            )
        if isinstance(row, Tcm) and (row.medical_group or grid.groups[0]) not in grid.groups:
            found[f"no_medical_group.{row.name}"] = (
                f"groups.tcm.{row.name}: the weight table has no group {row.medical_group}"
            )
        if isinstance(row, Multiplier) and row.age_below and not known["age"]:
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
