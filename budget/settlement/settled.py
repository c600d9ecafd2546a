"""Settlement of a year (年度清算): from cases, weights and a policy to what every hospital gets.

The order of it all: standards -> prices -> patients -> pools -> sums by hospital, pool and month
-> year end -> cash. Every table adds up to the next one to the fen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals
from budget.cases.stays import Stays
from budget.fund.cash import FundCash, fund_cash
from budget.fund.due_dates import clock
from budget.patient.shares import patient_shares
from budget.policy.document import Policy
from budget.pools.money import LastYear, PoolMoney, pool_money, spent_in
from budget.pools.point_value import Paid, hold, pay
from budget.price.branches import CODES, SETTLED
from budget.price.case import Priced
from budget.price.grid import Grid, build_grid
from budget.price.history import History
from budget.price.year import other_stays, price_year, unseen
from budget.settlement.cash_flow import Advances, Through, YearCash, close_year, monthly
from budget.settlement.checks import tiers_known, unpriced
from budget.settlement.year_end import YearEnd, year_end
from drg.errors import problem
from drg.language import say
from drg.money import allocate, to_fen
from weights.table import WeightTable

Fen = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_MONTHS = 12
_YEARS = 1950, 2200


@dataclass(frozen=True)
class Sums:
    """Sums in fen by hospital, pool and month. Shapes (H, P, 12), cases too.

    Attributes:
        cases: cases settled.
        cost: their billed cost.
        patient: what patients bear.
        other: what other payers bear.
        fund: fund money by the DRG rules.
        item: fund money that payment by item would have taken.
    """

    cases: Fen
    cost: Fen
    patient: Fen
    other: Fen
    fund: Fen
    item: Fen

    def yearly(self) -> Sums:
        """The same without months. Shapes (H, P)."""
        return Sums(*(getattr(self, part.name).sum(axis=2) for part in fields(self)))


@dataclass(frozen=True)
class Settlement:
    """A settled year.

    Attributes:
        policy: the policy.
        weights: the weight table.
        hospitals: the hospitals.
        year: settlement year.
        grid: the price grid.
        claims: the cases.
        priced: their prices.
        patient: what the patient bears of each case in fen, 0 where it is not settled. Shape (N,).
        other: what other payers bear, likewise.
        patient_basis: ``by_item`` as the file says, or ``policy`` by its benefit ladder.
        paid: what each is paid.
        sums: sums by hospital, pool and month.
        branches: cases, cost, patient, other and fund by hospital and branch, in fen; unsettled
            ones included. Shape (H + 1, B, 5); the last row holds cases of unknown hospitals.
        money: how the money of each pool came about.
        closing: the year end by hospital and pool.
        cut: what the global budget takes off, in fen. Shape (H, P).
        advances: monthly prepayment by hospital and pool.
        cash: what is paid through the year and at its end, by hospital and pool.
        fund: the fund's cash by pool and month.
        warnings: name -> what a reader must know.
        through: what was paid through the year, where a book kept it.
    """

    policy: Policy
    weights: WeightTable
    hospitals: Hospitals
    year: int
    grid: Grid
    claims: Claims
    priced: Priced
    patient: Fen
    other: Fen
    patient_basis: str
    paid: Paid
    sums: Sums
    branches: Fen
    money: tuple[PoolMoney, ...]
    closing: YearEnd
    cut: Fen
    advances: Advances
    cash: YearCash
    fund: FundCash
    warnings: dict[str, str] = field(default_factory=dict)
    through: Through | None = None

    @property
    def unsettled(self) -> dict[str, tuple[int, int]]:
        """Branches that were not paid: cases and cost in fen. Their money is reported here."""
        found = {}
        for place, code in enumerate(CODES):
            cases, cost = (int(self.branches[:, place, i].sum()) for i in (0, 1))
            if not SETTLED[place] and cases:
                found[code] = (cases, cost)
        return found


def settle(
    claims: Claims,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    *,
    last_year: LastYear | None = None,
    last_year_by_hospital: Fen | None = None,
    history: History | None = None,
    through: Through | None = None,
) -> Settlement:
    """Settle a year.

    Args:
        claims: the year's cases, their groups numbered by ``weights.frame``.
        weights: relative weights.
        policy: the policy.
        hospitals: the hospitals, in the order in which claims number them.
        year: settlement year.
        last_year: last year's fund spend in yuan by pool, where the policy leaves it to the data.
        last_year_by_hospital: last year's fund spend in fen by hospital and pool, for advances
            that go by it. Shape (H, P).
        history: costs that standards are computed from; those of the claims when left out.
        through: what was paid through the year, where a book kept it; else advances are worked
            out by the policy.

    Raises:
        DrgError: the policy asks for what is not there, or a pool has no money.
    """
    if not len(claims):
        raise problem(say("没有可清算的病例", "there is no case to settle"), key="cases")
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise problem(say("不是清算年度", "not a settlement year"), key="year", found=year,
                      expected=say(f"{_YEARS[0]} 至 {_YEARS[1]}",
                                   f"{_YEARS[0]} to {_YEARS[1]}"))  # fmt: skip
    warnings: dict[str, str] = {}
    tiers_known(policy, hospitals)
    groups = tuple(str(group) for group in weights.frame["drg"])
    grid = build_grid(
        policy, groups, weights.frame["weight"].to_numpy(np.float64), hospitals, year,
        history or history_of(claims, len(hospitals), len(groups)),
        {name: weights.frame[name].to_numpy() for name in weights.frame.columns},
    )  # fmt: skip
    warnings |= grid.warnings | unpriced(claims, grid, hospitals)
    stays = None if claims.person is None else Stays.of(claims)
    extra = other_stays(claims, grid, groups, year)
    warnings |= unseen(claims, grid, stays)
    priced, refused = price_year(claims, grid, extra)
    warnings |= refused
    shares = patient_shares(claims, hospitals, policy, stays)
    warnings |= shares.warnings
    del stays
    claims = claims.priced()
    settled = np.array(SETTLED)[priced.branch]
    patient, other, basis = shares.patient * settled, shares.other * settled, shares.basis
    del shares
    item = claims.cost * settled - patient - other
    place = np.maximum(claims.hospital, 0), np.maximum(claims.insurance, 0)
    pool = np.where(settled, grid.pool[place], -1)
    money = _money(policy, pool, item, last_year, warnings)
    amounts = np.array([one.amount for one in money], np.int64)
    paid = pay(claims, priced, grid, amounts, patient, other)
    sums = _sums(claims, paid, patient, other, item, len(hospitals), len(policy.pools))
    yearly = sums.yearly()
    closing, cut = close(
        policy, hospitals, amounts, _outside(claims, paid, len(hospitals), len(policy.pools)),
        payable=yearly.fund, item=yearly.item, cost=yearly.cost, patient=yearly.patient,
        other=yearly.other,
    )  # fmt: skip
    names = tuple(held.name for held in policy.pools)
    if last_year_by_hospital is None and policy.cash.basis == "last_year_mean":
        last_year_by_hospital, told = spent_by_hospital(policy, hospitals, last_year, yearly.item)
        warnings |= told
    elapsed = months_elapsed(sums)
    by_money = np.array([one.by_money for one in paid.pools], np.bool_)
    if through is not None:
        advances, lent, opening = through.advances, through.lent, through.opening
    else:
        if elapsed < _MONTHS:
            warnings |= _incomplete(elapsed, by_money, names)
        advances = monthly(sums.fund, policy.cash, last_year_by_hospital, amounts=amounts,
                           elapsed=elapsed, by_money=by_money)  # fmt: skip
        lent, opening = np.zeros_like(advances.advance), None
    cash = close_year(advances, closing.final - cut, closing.factor, hospitals.ids, names,
                      lent.sum(axis=2))  # fmt: skip
    fund = fund_cash(money, clock(year, policy.cash), advances.advance + lent, cash.year_end,
                     opening=opening)  # fmt: skip
    warnings |= closing.warnings | cash.warnings | fund.warnings
    branches = _branches(claims, priced, patient, other, paid, len(hospitals))
    return Settlement(
        policy, weights, hospitals, year, grid, claims, priced, patient, other, basis, paid, sums,
        branches, tuple(money), closing, cut, advances, cash, fund, warnings, through,
    )  # fmt: skip


def months_elapsed(sums: Sums) -> int:
    """The last month with a case, 1 to 12."""
    months = np.flatnonzero(sums.cases.any(axis=(0, 1)))
    return int(months[-1]) + 1 if len(months) else _MONTHS


def _incomplete(
    elapsed: int, by_money: npt.NDArray[np.bool_], pools: tuple[str, ...]
) -> dict[str, str]:
    found = {"incomplete_year": f"no case was discharged after month {elapsed}; advances are those "
                                f"of {elapsed} months"}  # fmt: skip
    for place in np.flatnonzero(by_money):
        found[f"incomplete_year.{pools[place]}"] = (
            f"pool {pools[place]}: its money of the whole year is shared out over the cases of "
            f"{elapsed} months; {elapsed} twelfths of what they are worth are advanced"
        )
    return found


def close(
    policy: Policy, hospitals: Hospitals, amounts: Fen, outside: Fen, **parts: Fen
) -> tuple[YearEnd, Fen]:
    """The year end, and what the global budget takes off it; all in fen.

    Args:
        policy: the policy.
        hospitals: the hospitals.
        amounts: money of the pools. Shape (P,).
        outside: fund money that is paid beside the pools. Shape (H, P).
        **parts: payable, item, cost, patient and other of :func:`year_end`. Shapes (H, P).
    """
    closing = year_end(
        hospitals=hospitals, assessment=policy.assessment, sharing=policy.sharing,
        pools=policy.pools, **parts,
    )  # fmt: skip
    return closing, hold(closing.final, outside, amounts, policy)


def history_of(claims: Claims, hospitals: int, groups: int) -> History:
    """Cases and cost of the year by hospital and group, of the cases whose both are known."""
    known = (claims.group >= 0) & (claims.hospital >= 0) & (claims.cost > 0) & (claims.month >= 0)
    cell = claims.hospital[known].astype(np.int64) * groups + claims.group[known]
    size = hospitals * groups
    cases = np.bincount(cell, np.ones(len(cell)), size).reshape(hospitals, groups)
    fen = np.bincount(cell, claims.cost[known].astype(np.float64), size).reshape(hospitals, groups)
    return History(np.array(cases, np.float64), np.array(fen, np.float64) / 100.0)


def _money(
    policy: Policy,
    pool: npt.NDArray[Any],
    item: Fen,
    last_year: LastYear | None,
    warnings: dict[str, str],
) -> list[PoolMoney]:
    """Money of each pool; where last year's spend is not known, this year's by item."""
    amounts = []
    for place, held in enumerate(policy.pools):
        spent = spent_in(last_year, held.name)
        if held.basis == "growth" and held.last_year is None and spent is None:
            if not (pool == place).any():
                warnings[f"no_money_{held.name}"] = (
                    f"pool {held.name}: it has no case, and last year's spend is not known"
                )
                amounts.append(PoolMoney(held.name, 0, {}, 0, 0))
                continue
            spent = float(item[pool == place].sum()) / 100.0
            warnings[f"last_year_unknown_{held.name}"] = (
                f"pool {held.name}: last year's spend is not known; this year's fund money by item "
                f"({spent:,.2f} yuan) stands in for it"
            )
        amounts.append(pool_money(held, spent))
    return amounts


def spent_by_hospital(
    policy: Policy, hospitals: Hospitals, last_year: LastYear | None, item: Fen
) -> tuple[Fen | None, dict[str, str]]:
    """Last year's spend in fen by hospital and pool, and what a reader must know of it.

    Where it is known of the pool only it is shared out by this year's fund money by item.

    Args:
        policy: the policy.
        hospitals: the hospitals.
        last_year: last year's spend in yuan.
        item: what the fund would have paid by item, fen. Shape (H, P).

    Returns:
        The spend, shape (H, P), None where a pool's is not known; and warnings.

    Raises:
        DrgError: a hospital is not in the table of hospitals.
    """
    found, told = np.zeros(item.shape, np.int64), {}
    for place, pool in enumerate(policy.pools):
        held = (last_year or {}).get(pool.name, pool.last_year)
        if held is None:
            if item[:, place].any():
                return None, {}
        elif isinstance(held, Mapping):
            if unknown := sorted(set(held) - set(hospitals.ids)):
                raise problem(say("不在医疗机构表中", "is not in the table of hospitals"),
                              key=f"last_year.{pool.name}", found=unknown[0])  # fmt: skip
            found[:, place] = to_fen([held.get(name, 0.0) for name in hospitals.ids])
        elif item[:, place].any():
            found[:, place] = allocate(to_fen(held), np.maximum(item[:, place], 0))
            told[f"last_year_shared.{pool.name}"] = (
                f"pool {pool.name}: last year's spend is given for the pool alone; advances share "
                "it out by this year's fund money by item"
            )
    return found, told


def _sums(
    claims: Claims, paid: Paid, patient: Fen, other: Fen, item: Fen, hospitals: int, pools: int
) -> Sums:
    shape = hospitals, pools, _MONTHS
    rows = np.flatnonzero(paid.pool >= 0)
    cell = (claims.hospital[rows].astype(np.int64) * pools + paid.pool[rows]) * _MONTHS
    cell += claims.month[rows]

    def total(values: Fen | None) -> Fen:
        held = None if values is None else values[rows].astype(np.float64)
        found = np.bincount(cell, held, int(np.prod(shape)))
        return np.rint(found).astype(np.int64).reshape(shape)

    return Sums(total(None), total(claims.cost), total(patient), total(other), total(paid.fund),
                total(item))  # fmt: skip


def _outside(claims: Claims, paid: Paid, hospitals: int, pools: int) -> Fen:
    """Fund money paid beside the pool, by hospital and pool. (H, P)."""
    rows = np.flatnonzero((paid.pool >= 0) & ~paid.inside)
    cell = claims.hospital[rows].astype(np.int64) * pools + paid.pool[rows]
    found = np.bincount(cell, paid.fund[rows].astype(np.float64), hospitals * pools)
    return np.rint(found).astype(np.int64).reshape(hospitals, pools)


def _branches(
    claims: Claims, priced: Priced, patient: Fen, other: Fen, paid: Paid, hospitals: int
) -> Fen:
    home = np.where(claims.hospital >= 0, claims.hospital, hospitals).astype(np.int64)
    cell = home * len(CODES) + priced.branch
    size = (hospitals + 1) * len(CODES)
    parts = [None, claims.cost, patient, other, paid.fund]
    sums = [
        np.bincount(cell, None if part is None else part.astype(np.float64), size) for part in parts
    ]
    found = np.rint(np.stack(sums, axis=-1)).astype(np.int64)
    return found.reshape(hospitals + 1, len(CODES), len(parts))
