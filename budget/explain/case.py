"""The money of one case (病例支付解释): what the engine made of it, kept for saying why.

Nothing is worked out here a second time: a case of a file is taken out of the settlement of the
whole file, a case by itself goes through the same steps alone, and both leave a record of what was
decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import AMBIGUOUS, GROUPED, UNGROUPED, Claims
from budget.cases.hospitals import Hospitals
from budget.cases.record import Record
from budget.cases.stays import Stays
from budget.patient.shares import PatientShares, patient_shares
from budget.policy.document import Policy
from budget.pools.formula import Terms
from budget.pools.point_value import Paid, first_parts, paid_of
from budget.price.branches import BRANCHES, PLACE, Branch
from budget.price.case import Priced, price
from budget.price.grid import Grid, build_grid
from budget.price.new_technology import technology_year
from budget.price.year import other_stays
from budget.settlement.settled import Settlement
from drg.money import decimal, to_decimals, to_fen
from weights.table import WeightTable

_KINDS = {"grouped": GROUPED, "ambiguous": AMBIGUOUS}


@dataclass(frozen=True)
class CaseMoney:
    """A case with everything that its money hangs on. Arrays have one entry.

    Attributes:
        policy: the policy.
        weights: the weight table.
        year: settlement year.
        grid: the price grid.
        claim: the case.
        priced: its price.
        record: what was decided of it.
        shares: who bears it by item.
        terms: what makes its payment the fund's money.
        paid: what it is paid.
        point_value: yuan per point, 1 for the rate method; NaN for a case that is not settled.
        decided_by: ``rate``, ``given``, ``pool``, ``floor``, ``ceiling``, ``settlement`` (of
            another run) or ``reference`` (M / points of weight 1).
        cases: cases that were settled together; 0 for a case by itself.
        technology_year: year since the case's new technology came in, 0 for none.
    """

    policy: Policy
    weights: WeightTable
    year: int
    grid: Grid
    claim: Claims
    priced: Priced
    record: Record
    shares: PatientShares
    terms: Terms
    paid: Paid
    point_value: float
    decided_by: str
    cases: int
    technology_year: int

    @property
    def group(self) -> str:
        """The group's code in the weight table, "" when it is not there."""
        place = int(self.claim.group[0])
        return "" if place < 0 else self.grid.groups[place]

    @property
    def at(self) -> tuple[int, int, int]:
        """Place of the case in the grid: hospital, group, insurance; 0 for what is not known."""
        claim = self.claim
        places = claim.hospital[0], claim.group[0], claim.insurance[0]
        h, g, i = (max(int(place), 0) for place in places)
        return h, g, i

    @property
    def branch(self) -> Branch:
        """The rule that priced it."""
        return BRANCHES[int(self.priced.branch[0])]

    @property
    def inside(self) -> bool:
        """Whether it is paid from its pool, by the pool's value of a point."""
        return bool(self.paid.inside[0])

    @property
    def cost(self) -> float:
        """Billed cost in yuan."""
        return float(self.claim.cost[0]) / 100.0

    @property
    def standard(self) -> float | None:
        """Standard S in yuan, as the case table of a settlement has it; None without one."""
        value = self.point_value * self.grid.per_yuan
        yuan = self._shown(self.priced.standard, value)[0]
        return float(yuan) if np.isfinite(yuan) else None

    def _shown(self, standard: npt.NDArray[np.float64], value: float) -> npt.NDArray[np.float64]:
        """Standards in yuan at what a reference yuan is worth, as the policy rounds them."""
        worth = decimal(value if np.isfinite(value) else 1.0)
        return to_decimals(self.policy.standard.decimals, decimal(standard) * worth)

    @property
    def money(self) -> dict[str, int]:
        """Cost, payment, patient, other payers, fund and the hospital's gain, in fen."""
        settled = self.branch.settled
        patient = int(self.shares.patient[0]) if settled else 0
        other = int(self.shares.other[0]) if settled else 0
        fund, cost = int(self.paid.fund[0]), int(self.claim.cost[0])
        return {
            "cost": cost, "payment": int(self.paid.payment[0]), "patient": patient,
            "other": other, "fund": fund, "gain": fund + patient + other - cost if settled else 0,
        }  # fmt: skip

    def in_groups(self, groups: Sequence[tuple[str, str]]) -> list[dict[str, float | None]]:
        """What the same case would be paid in other groups, the value of a point held.

        Args:
            groups: group code and status (``grouped``, ``ambiguous``, ...) of each.

        Returns:
            For each ``standard`` and ``payment`` in yuan, None where there is none.
        """
        size = len(groups)
        places = {name: place for place, name in enumerate(self.grid.groups)}
        again = np.zeros(size, np.intp)
        claims = replace(
            self.claim.take(again),
            group=np.array([places.get(drg, -1) for drg, _ in groups], np.int32),
            kind=np.array([_KINDS.get(status, UNGROUPED) for _, status in groups], np.int8),
        )
        priced = price(
            claims, self.grid,
            approved=np.full(size, self.branch.code == "review"),
            beyond=np.full(size, self.priced.beyond[0]),
            factor=np.full(size, np.prod(list(self.record.factors.values()))),
            technology_year=np.full(size, self.technology_year, np.int8),
        )  # fmt: skip
        settled = np.array([BRANCHES[place].settled for place in priced.branch], np.bool_)
        beside = np.where(settled, (self.shares.patient + self.shares.other)[again], 0)
        terms = self.terms.again(again, beside)
        paid = _pay(claims, priced, self.grid, self.point_value, terms)
        value = self.point_value * self.grid.per_yuan
        yuan = self._shown(priced.standard, value)
        return [
            {"standard": float(s) if np.isfinite(s) else None,
             "payment": float(p) / 100.0 if known else None}
            for s, p, known in zip(yuan, paid.payment, settled, strict=True)
        ]  # fmt: skip


def of_settlement(settled: Settlement, claims: Claims, row: int) -> CaseMoney:
    """A case of a settled year.

    Args:
        settled: the settlement.
        claims: the cases that were settled.
        row: the case's row.
    """
    grid, paid, one = settled.grid, settled.paid, slice(row, row + 1)
    stays = None if claims.person is None else Stays.of(claims)
    record, claim = Record(row), claims.slice(row, row + 1)
    extra = other_stays(claims, grid, grid.groups, settled.year, record)
    mine = {name: held[one] for name, held in extra.items()}
    priced = Priced(*(getattr(settled.priced, held.name)[one] for held in fields(Priced)))
    price(claim, grid, approved=priced.branch == PLACE["review"], beyond=priced.beyond,
          record=record, **mine)  # fmt: skip
    shares = patient_shares(claims, settled.hospitals, settled.policy, stays, record=record)
    value, decided = _value_of(settled, claim, int(paid.pool[row]))
    own_shares = _one_of(shares, one)
    return CaseMoney(
        settled.policy, settled.weights, settled.year, grid, claim, priced, record, own_shares,
        _terms(claim, settled.hospitals, settled.policy, own_shares, paid.pool[row] >= 0),
        Paid(paid.pool[one], paid.inside[one], paid.points[one], paid.fund[one],
             paid.payment[one], paid.pools),
        value, decided, len(claims), int(mine.get("technology_year", [0])[0]),
    )  # fmt: skip


def _one_of(shares: PatientShares, one: slice) -> PatientShares:
    parts = {held.name: getattr(shares, held.name) for held in fields(PatientShares)}
    taken: dict[str, Any] = {
        name: part[one] if isinstance(part, np.ndarray) else part for name, part in parts.items()
    }
    return PatientShares(**taken)


def _value_of(settled: Settlement, claim: Claims, pool: int) -> tuple[float, str]:
    """The value of a point that the case is paid by, and what decided it."""
    if pool < 0:
        return np.nan, "none"
    result = settled.paid.pools[pool]
    given = float(settled.grid.point_value[int(claim.hospital[0]), int(claim.insurance[0])])
    return (given if np.isfinite(given) else result.point_value), result.bound


def unknown_alone(policy: Policy) -> tuple[str, str] | None:
    """Why a case by itself has no standard under a policy, in Chinese and English; None if it has.

    What is computed from costs needs the other cases.
    """
    standard, held = policy.standard, policy.coefficients
    if standard.kind == "own_mean":
        return (
            "standard.kind = own_mean：支付标准是本院该病组次均费用",
            "standard.kind = own_mean: the standard is the hospital's own mean cost of the group",
        )
    if held is not None and held.computed is not None:
        return ("coefficients.computed：机构系数由费用测算", "coefficients.computed: "
                "the hospital's coefficient is computed from costs")  # fmt: skip
    needs_mean = standard.kind == "points" or policy.outliers.ratio == "regional"
    if standard.mean_cost is None and needs_mean:
        return ("standard.mean_cost：地区次均费用 M 未给定",
                "standard.mean_cost: the regional mean cost M is not given")  # fmt: skip
    return None


def of_one(
    claim: Claims,
    hospitals: Hospitals,
    weights: WeightTable,
    policy: Policy,
    year: int,
    values: Mapping[str, float] | None = None,
) -> CaseMoney:
    """A case by itself: no other stays, no quotas, nobody else's costs.

    Args:
        claim: the case.
        hospitals: its hospital, or the table of all.
        weights: relative weights.
        policy: the policy; see :func:`unknown_alone`.
        year: settlement year.
        values: yuan per point by pool, of a settlement. Without them, and without a given value,
            a point is worth ``M / points of weight 1``.

    Raises:
        DrgError: the policy needs the costs of other cases.
    """
    frame = weights.frame
    groups = tuple(str(group) for group in frame["drg"])
    grid = build_grid(
        policy, groups, frame["weight"].to_numpy(np.float64), hospitals, year, None,
        {name: frame[name].to_numpy() for name in frame.columns},
    )  # fmt: skip
    rule, since, record = policy.special.new_technology, np.zeros(1, np.int8), Record()
    if rule is not None and int(claim.technology[0]) >= 0:
        since = technology_year(claim, rule, year)
    priced = price(claim, grid, technology_year=since, record=record)
    shares = patient_shares(claim, hospitals, policy, record=record)
    settled = BRANCHES[int(priced.branch[0])].settled
    value, decided = _value_alone(policy, grid, claim, values or {})
    terms = _terms(claim, hospitals, policy, shares, settled)
    paid = _pay(claim, priced, grid, value, terms)
    return CaseMoney(policy, weights, year, grid, claim, priced, record, shares, terms, paid,
                     value if settled else np.nan, decided if settled else "none", 0,
                     int(since[0]))  # fmt: skip


def _value_alone(
    policy: Policy, grid: Grid, claim: Claims, values: Mapping[str, float]
) -> tuple[float, str]:
    if policy.standard.kind == "rate":
        return 1.0, "rate"
    h, i = max(int(claim.hospital[0]), 0), max(int(claim.insurance[0]), 0)
    given = float(grid.point_value[h, i])
    if np.isfinite(given):
        return given, "given"
    pool = int(grid.pool[h, i])
    settled = values.get(policy.pools[pool].name, np.nan) if pool >= 0 else np.nan
    return (settled, "settlement") if np.isfinite(settled) else (1.0 / grid.per_yuan, "reference")


def _terms(
    claim: Claims, hospitals: Hospitals, policy: Policy, shares: PatientShares, settled: bool
) -> Terms:
    beside = (shares.patient + shares.other) * settled
    return Terms.of(claim, hospitals, policy, beside, shares.aside)


def _pay(claims: Claims, priced: Priced, grid: Grid, value: float, terms: Terms) -> Paid:
    """Pay cases at one value of a point."""
    fixed = replace(grid, point_value=np.full(grid.point_value.shape, value))
    floor = int(to_fen(grid.policy.benefit.fund_floor))
    first = first_parts(claims, priced.branch, priced.fen, priced.points, fixed, terms, floor)
    return paid_of(first, first.fund, terms.beside)
