"""Settlement of a year (年度清算): from cases, weights and a policy to what every hospital gets.

The order of it all: standards -> prices -> patients -> pools -> sums by hospital, pool and month
-> year end -> cash. Every table adds up to the next one to the fen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals
from budget.cases.parts import InMemory, Part, YearCases
from budget.cases.stays import Stays
from budget.cases.tally import Tally
from budget.fund.cash import FundCash, fund_cash
from budget.fund.due_dates import clock
from budget.patient.shares import PatientShares, basis_of, patient_shares, told
from budget.policy.document import Policy
from budget.pools.formula import Terms
from budget.pools.money import LastYear, PoolMoney, pool_money, spent_in
from budget.pools.point_value import (
    First,
    Paid,
    PoolResult,
    PoolSums,
    Sharing,
    Waiting,
    first_parts,
    hold,
    paid_of,
    worth_of_yuan,
)
from budget.price.branches import CODES, SETTLED
from budget.price.case import Priced, price
from budget.price.grid import Grid, build_grid
from budget.price.history import History
from budget.price.readmission import readmission_factor, stays_alike
from budget.price.year import Few, Others, under_caps, under_quotas, unseen
from budget.settlement.cash_flow import Advances, Through, YearCash, close_year, monthly
from budget.settlement.checks import in_range, tiers_known, unpriced
from budget.settlement.year_end import YearEnd, year_end
from drg.cases.keys import Keys
from drg.errors import problem
from drg.language import say
from drg.money import allocate, to_fen, to_yuan
from weights.table import WeightTable

Fen = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_MONTHS = 12
_WEIGHT_UNIT = 10**8  # weights are added up in units of 0.00000001


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


@dataclass(frozen=True, kw_only=True)
class SettledYear:
    """A settled year without its cases.

    Attributes:
        policy: the policy.
        weights: the weight table.
        hospitals: the hospitals.
        year: settlement year.
        grid: the price grid.
        cases: how many cases there were, unsettled ones included.
        patient_basis: ``by_item`` as the file says, or ``policy`` by its benefit ladder.
        pools: what each pool came to.
        sums: sums by hospital, pool and month.
        mix: mean weight of the cases that have one (CMI), NaN without any. Shape (H, P).
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
    cases: int
    patient_basis: str
    pools: tuple[PoolResult, ...]
    sums: Sums
    mix: Floats
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


@dataclass(frozen=True)
class Rows:
    """Consecutive cases of a year that is being settled.

    Attributes:
        grid: the price grid.
        part: the cases.
        priced: their prices.
        patient: what the patient bears of each case in fen, 0 where it is not settled. Shape (N,).
        other: what other payers bear, likewise.
        paid: what each is paid.
        worth: what a reference yuan came to in yuan by pool, and 1 for no pool. Shape (P + 1,).
        counts: warnings about what patients bear, with their cases.
    """

    grid: Grid
    part: Part
    priced: Priced
    patient: Fen
    other: Fen
    paid: Paid
    worth: Floats
    counts: Counter[str]


@dataclass(frozen=True, kw_only=True)
class Settlement(SettledYear):
    """A settled year with its cases in memory.

    Attributes:
        claims: the cases.
        priced: their prices.
        patient: what the patient bears of each case in fen, 0 where it is not settled. Shape (N,).
        other: what other payers bear, likewise.
        paid: what each is paid.
    """

    claims: Claims
    priced: Priced
    patient: Fen
    other: Fen
    paid: Paid

    @property
    def shared(self) -> list[npt.NDArray[np.bool_]]:
        """Cases of each pool whose points its money values (点值法). P arrays of shape (N,)."""
        claims, paid = self.claims, self.paid
        given = self.grid.point_value[np.maximum(claims.hospital, 0),
                                      np.maximum(claims.insurance, 0)]  # fmt: skip
        by_points = self.policy.standard.kind != "rate"
        free = paid.inside & ~np.isfinite(given) & by_points
        return [free & (paid.pool == place) for place in range(len(self.policy.pools))]

    def rows(self, start: int, stop: int) -> Rows:
        """Some consecutive cases."""
        some, paid = slice(start, stop), self.paid
        priced = Priced(*(getattr(self.priced, one.name)[some] for one in fields(Priced)))
        return Rows(
            self.grid, Part(start, self.claims.slice(start, stop)), priced, self.patient[some],
            self.other[some],
            Paid(paid.pool[some], paid.inside[some], paid.points[some], paid.fund[some],
                 paid.payment[some], paid.pools),
            worth_of_yuan(self.grid, self.pools), Counter(),
        )  # fmt: skip


# prices, what patients bear, what others bear, what is known before pools are shared out, warnings
_First: TypeAlias = tuple[Priced, Fen, Fen, First, Counter[str]]


@dataclass(frozen=True)
class Way:
    """How a year is settled part by part, once what needs the whole of it is known.

    Attributes:
        hospitals: the hospitals.
        grid: the price grid.
        others: what the rest of the year says of prices.
        shares: what patients and others bear of all cases in fen, and what the formula by ratio
            takes off first, where that needs all stays of a person; None where each case says it.
            Shapes (N,).
    """

    hospitals: Hospitals
    grid: Grid
    others: Others
    shares: tuple[Fen, Fen, Fen] | None

    def first(self, part: Part) -> _First:
        """Prices, what patients and others bear, and what is known before pools are shared out."""
        claims, grid, policy = part.claims, self.grid, self.grid.policy
        priced = price(claims, grid, **self.others.of(claims, grid, part.start))
        settled, counts = np.array(SETTLED)[priced.branch], Counter[str]()
        if self.shares is None:
            held = patient_shares(claims, self.hospitals, policy)
            patient, other, aside, counts = held.patient, held.other, held.aside, held.counts
        else:
            own = slice(part.start, part.start + len(claims))
            patient, other, aside = (share[own] for share in self.shares)
        patient, other = patient * settled, other * settled
        terms = Terms.of(claims, self.hospitals, policy, patient + other, aside)
        if terms.ratio is not None and self.shares is None:
            counts.setdefault("no_ratio", int(np.count_nonzero((terms.ratio < 0) & settled)))
        first = first_parts(claims, priced.branch, priced.fen, priced.points, grid, terms,
                            int(to_fen(policy.benefit.fund_floor)))  # fmt: skip
        return priced, patient, other, first, counts

    def rows(self, part: Part, sharing: Sharing, known: _First | None = None) -> Rows:
        """Cases with all that they are paid; ``known`` is what :meth:`first` gave of them."""
        priced, patient, other, first, counts = known or self.first(part)
        fund = sharing.fund(part.start, first)
        paid = paid_of(first, fund, patient + other)
        return Rows(self.grid, part, priced, patient, other, paid, sharing.worth, counts)


class _Totals:
    """Sums of a year, added up part by part in whole fen."""

    _PARTS = "_sums", "_branches", "_outside", "_weighed"

    def __init__(self, hospitals: int, pools: int) -> None:
        self._size = hospitals, pools
        self._sums = np.zeros((len(fields(Sums)), hospitals * pools * _MONTHS), np.int64)
        self._branches = np.zeros((5, (hospitals + 1) * len(CODES)), np.int64)
        self._outside = np.zeros(hospitals * pools, np.int64)
        self._weighed = np.zeros((2, hospitals * pools), np.int64)
        self.counts: Counter[str] = Counter()

    def add(self, rows: Rows) -> None:
        claims, paid, hospitals, pools = rows.part.claims, rows.paid, *self._size
        self.counts.update(rows.counts)
        own = np.flatnonzero(paid.pool >= 0)
        place = claims.hospital[own].astype(np.int64) * pools + paid.pool[own]
        cost, patient, other, fund = (
            held[own] for held in (claims.cost, rows.patient, rows.other, paid.fund)
        )
        each = None, cost, patient, other, fund, cost - patient - other
        add_up(self._sums, place * _MONTHS + claims.month[own], each)
        beside = ~paid.inside[own]
        add_up(self._outside[None], place[beside], (fund[beside],))
        weight = rows.priced.weight[own]
        known = np.isfinite(weight)
        weighed = np.rint(weight[known] * _WEIGHT_UNIT).astype(np.int64)
        add_up(self._weighed, place[known], (None, weighed))
        home = np.where(claims.hospital >= 0, claims.hospital, hospitals).astype(np.int64)
        every = None, claims.cost, rows.patient, rows.other, paid.fund
        add_up(self._branches, home * len(CODES) + rows.priced.branch, every)

    def merge(self, other: _Totals) -> None:
        """Add what other cases come to."""
        for name in self._PARTS:
            getattr(self, name)[...] += getattr(other, name)
        self.counts.update(other.counts)

    def __getstate__(self) -> dict[str, Any]:
        """Cells without a case do not travel."""
        state = dict(vars(self))
        for name in self._PARTS:
            whole = state[name].ravel()
            cells = np.flatnonzero(whole)
            state[name] = state[name].shape, cells, whole[cells]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As it was before it travelled."""
        vars(self).update(state)
        for name in self._PARTS:
            shape, cells, held = state[name]
            whole = np.zeros(shape, np.int64)
            whole.ravel()[cells] = held
            vars(self)[name] = whole

    @property
    def sums(self) -> Sums:
        return Sums(*(part.reshape(*self._size, _MONTHS) for part in self._sums))

    @property
    def outside(self) -> Fen:
        """Fund money paid beside the pool, by hospital and pool. (H, P)."""
        return self._outside.reshape(self._size)

    @property
    def mix(self) -> Floats:
        cases, total = self._weighed
        empty = np.full(len(cases), np.nan)
        mean = np.divide(total / _WEIGHT_UNIT, cases, out=empty, where=cases > 0)
        return np.asarray(mean.reshape(self._size))

    @property
    def branches(self) -> Fen:
        return self._branches.T.reshape(self._size[0] + 1, len(CODES), -1)


def add_up(sums: Fen, cell: npt.NDArray[np.integer[Any]], parts: Sequence[Fen | None]) -> None:
    """Add whole numbers, None for 1 each, to sums by cell. Shapes (K, C) and K times (N,)."""
    for held, part in zip(sums, parts, strict=True):
        weights = None if part is None else part.astype(np.float64)
        held += np.rint(np.bincount(cell, weights, len(held))).astype(np.int64)


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
    """Settle a year in memory.

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
    cases, kept = InMemory(claims, len(hospitals), len(weights.frame)), Kept(len(claims))
    found = settle_cases(
        cases, weights, policy, hospitals, year, kept.keep, last_year=last_year,
        last_year_by_hospital=last_year_by_hospital, history=history, through=through,
    )  # fmt: skip
    return kept.settlement(found, claims)


class Kept:
    """What all cases of a year are priced and paid, kept in memory as they come part by part."""

    def __init__(self, size: int) -> None:
        """Make room for so many cases."""
        kinds = {"branch": np.int8, "ratio": np.float32, "fen": np.int64, "points": np.int64,
                 "beyond": np.bool_, "cut": np.float32}  # fmt: skip
        self._priced = Priced(
            *(np.empty(size, kinds.get(one.name, np.float64)) for one in fields(Priced))
        )
        patient, other, points, fund, payment = (np.empty(size, np.int64) for _ in range(5))
        self._patient, self._other = patient, other
        self._paid = Paid(np.empty(size, np.int8), np.empty(size, np.bool_), points, fund, payment)

    def keep(self, rows: Rows) -> None:
        """Keep some cases."""
        own = slice(rows.part.start, rows.part.start + len(rows.part.claims))
        self._patient[own], self._other[own] = rows.patient, rows.other
        for whole, part in ((self._priced, rows.priced), (self._paid, rows.paid)):
            for one in fields(whole):
                if isinstance(held := getattr(whole, one.name), np.ndarray):
                    held[own] = getattr(part, one.name)

    def settlement(self, found: SettledYear, claims: Claims) -> Settlement:
        """The year with its cases."""
        return Settlement(
            **vars(found), claims=claims.priced(), priced=self._priced, patient=self._patient,
            other=self._other, paid=replace(self._paid, pools=found.pools),
        )  # fmt: skip


def settle_cases(
    cases: YearCases,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    each: Callable[[Rows], Any] = lambda _: None,
    take: Callable[[Any], None] = lambda _: None,
    *,
    last_year: LastYear | None = None,
    last_year_by_hospital: Fen | None = None,
    history: History | None = None,
    through: Through | None = None,
    opening: Fen | None = None,
) -> SettledYear:
    """Settle a year part by part; the other arguments are those of :func:`settle`.

    What needs all cases (quotas, caps, the stays of a person, the value of a point) is found
    first; then each part is priced and paid and is in memory no more.

    Args:
        cases: the cases.
        weights: relative weights.
        policy: the policy.
        hospitals: the hospitals.
        year: settlement year.
        each: called with the settled cases, part by part, when the pools are shared out; in worker
            threads.
        take: called with what ``each`` gave, in the order of the cases.
        last_year: of pools.
        last_year_by_hospital: of hospitals.
        history: of costs.
        through: of what was paid.
        opening: balance of the pools before January (期初余额), where no book tells it; fen.
            Shape (P,).

    Raises:
        DrgError: the policy asks for what is not there, or a pool has no money.
    """
    if not len(cases):
        raise problem(say("没有可清算的病例", "there is no case to settle"), key="cases")
    in_range(year)
    tiers_known(policy, hospitals)
    tally = cases.tally
    groups = tuple(str(group) for group in weights.frame["drg"])
    grid = build_grid(
        policy, groups, weights.frame["weight"].to_numpy(np.float64), hospitals, year,
        history or _history(tally),
        {name: weights.frame[name].to_numpy() for name in weights.frame.columns},
    )  # fmt: skip
    warnings = grid.warnings | unpriced(tally, grid, hospitals) | unseen(tally, len(cases), grid)
    basis = basis_of(tally.amounts)
    others, shares, counts = _of_people(cases, grid, hospitals, year, basis)
    if policy.special.caseload is not None:
        others.factors["special.caseload"] = under_caps(cases, grid)
    others.approved, others.beyond, refused = under_quotas(cases, grid, others)
    warnings |= refused
    way, totals = Way(hospitals, grid, others, shares), _Totals(len(hospitals), len(policy.pools))
    sharing, item, there = Sharing(grid), *np.zeros((2, len(policy.pools)), np.int64)
    known: dict[int, _First] = {}
    if policy.standard.kind != "rate":  # its money decides what a point is worth
        keeps = isinstance(cases, InMemory)

        def worth(part: Part) -> tuple[int, _First | None, Waiting, Fen]:
            result = way.first(part)
            _, patient, other, first, _ = result
            own = np.flatnonzero(first.pool >= 0)
            sums = np.zeros((2, len(policy.pools)), np.int64)
            by_item = part.claims.cost[own] - patient[own] - other[own]
            add_up(sums, first.pool[own], (by_item, None))
            waiting = Waiting.of(grid, part.start, part.claims, first, patient + other)
            return part.start, result if keeps else None, waiting, sums

        with closing(cases.each(worth)) as found:
            for start, result, waiting, (by_item, count) in found:
                if result is not None:
                    known[start] = result
                sharing.gather(waiting)
                item += by_item
                there += count
        short: dict[str, str] = {}
        money = _money(policy, there, item, last_year, short)
        amounts = np.array([one.amount for one in money], np.int64)
        sharing.share_out(amounts, cases.in_order)
    pools, size = PoolSums(grid), (len(hospitals), len(policy.pools))

    def work(part: Part) -> tuple[tuple[_Totals, PoolSums], Any]:
        rows = way.rows(part, sharing, known.pop(part.start, None))
        sums = _Totals(*size), PoolSums(grid)
        sums[0].add(rows)
        sums[1].add(rows.part.claims, rows.paid)
        return sums, each(rows)

    with closing(cases.paid(work)) as settled:
        for sums_of, result in settled:
            totals.merge(sums_of[0])
            pools.merge(sums_of[1])
            take(result)
    counts.update(totals.counts)
    warnings |= told(counts)
    sums = totals.sums
    yearly = sums.yearly()
    if policy.standard.kind == "rate":
        short = {}
        money = _money(policy, yearly.cases.sum(axis=0), yearly.item.sum(axis=0), last_year, short)
        amounts = np.array([one.amount for one in money], np.int64)
    warnings |= short
    cleared, cut = close(
        policy, hospitals, amounts, totals.outside, payable=yearly.fund, item=yearly.item,
        cost=yearly.cost, patient=yearly.patient, other=yearly.other,
    )  # fmt: skip
    names = tuple(held.name for held in policy.pools)
    if last_year_by_hospital is None and policy.cash.basis == "last_year_mean":
        last_year_by_hospital, shared = spent_by_hospital(policy, hospitals, last_year, yearly.item)
        warnings |= shared
    results = pools.results(sharing, amounts)
    elapsed = months_elapsed(sums)
    by_money = np.array([one.by_money for one in results], np.bool_)
    if through is not None:
        advances, lent, opening = through.advances, through.lent, through.opening
    else:
        if elapsed < _MONTHS:
            warnings |= _incomplete(elapsed, by_money, names)
        advances = monthly(sums.fund, policy.cash, last_year_by_hospital, amounts=amounts,
                           elapsed=elapsed, by_money=by_money)  # fmt: skip
        lent = np.zeros_like(advances.advance)
    cash = close_year(advances, cleared.final - cut, cleared.factor, hospitals.ids, names,
                      lent.sum(axis=2))  # fmt: skip
    due = clock(year, policy.cash)
    fund = fund_cash(money, due, advances.advance + lent, cash.year_end, opening=opening)
    warnings |= cleared.warnings | cash.warnings | fund.warnings | due.warnings
    return SettledYear(
        policy=policy, weights=weights, hospitals=hospitals, year=year, grid=grid,
        cases=len(cases), patient_basis=basis, pools=results, sums=sums,
        mix=totals.mix, branches=totals.branches, money=tuple(money), closing=cleared, cut=cut,
        advances=advances, cash=cash, fund=fund, warnings=warnings,
        through=through,
    )  # fmt: skip


def _of_people(
    cases: YearCases, grid: Grid, hospitals: Hospitals, year: int, basis: str
) -> tuple[Others, tuple[Fen, Fen, Fen] | None, Counter[str]]:
    """What the stays of each person say of one another.

    Returns:
        What they say of prices; what patients and others bear and what a formula takes off first,
        in fen, shapes (N,), where it hangs on them; and warnings with their cases.
    """
    others, counts, cut = Others(year), Counter[str](), []
    policy = grid.policy
    rule = policy.special.readmission
    by_policy = basis == "policy"
    if not cases.tally.persons or (rule is None and not by_policy):
        return others, None, counts
    patient, other, aside = np.zeros((3, len(cases) if by_policy else 0), np.int64)
    groups = grid.groups

    def said(rows: Places, claims: Claims) -> tuple[Places, Floats, Places, PatientShares | None]:
        own, factor = np.zeros(0, np.intp), np.zeros(0)
        if rule is not None:
            factor = readmission_factor(claims, rule, groups)
            own = np.flatnonzero(factor != 1.0)
            factor = factor[own]
        if not by_policy:
            return rows[own], factor, own[:0], None
        return rows[own], factor, rows, patient_shares(claims, hospitals, policy, Stays.of(claims))

    def alike(claims: Claims) -> Keys:
        assert rule is not None
        return stays_alike(claims, rule, groups)

    with closing(cases.each_portion(said, None if by_policy else alike)) as portions:
        for own, factor, rows, held in portions:
            cut.append((own, factor))
            if held is not None:
                patient[rows], other[rows], aside[rows] = held.patient, held.other, held.aside
                counts.update(held.counts)
    if rule is not None:
        others.factors["special.readmission"] = Few.gathered(cut)
    return others, (patient, other, aside) if by_policy else None, counts


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
    found = year_end(
        hospitals=hospitals, assessment=policy.assessment, sharing=policy.sharing,
        pools=policy.pools, **parts,
    )  # fmt: skip
    return found, hold(found.final, outside, amounts, policy)


def history_of(claims: Claims, hospitals: int, groups: int) -> History:
    """Cases and cost of the year by hospital and group, of the cases whose both are known."""
    tally = Tally(hospitals, groups)
    tally.add(claims)
    return _history(tally)


def _history(tally: Tally) -> History:
    cases, cost = (held[:, :-1, :-1].sum(axis=(0, 3)) for held in (tally.cases, tally.cost))
    return History(cases.astype(np.float64), to_yuan(cost))


def _money(
    policy: Policy,
    cases: Fen,
    item: Fen,
    last_year: LastYear | None,
    warnings: dict[str, str],
) -> list[PoolMoney]:
    """Money of each pool; where last year's spend is not known, this year's by item.

    Args:
        policy: the policy.
        cases: settled cases of each pool. Shape (P,).
        item: what the fund would have paid for them by item, in fen. Shape (P,).
        last_year: last year's spend in yuan.
        warnings: what a reader must know is added to it.
    """
    amounts = []
    for place, held in enumerate(policy.pools):
        spent = spent_in(last_year, held.name)
        if held.basis == "growth" and held.last_year is None and spent is None:
            if not cases[place]:
                warnings[f"no_money_{held.name}"] = (
                    f"pool {held.name}: it has no case, and last year's spend is not known"
                )
                amounts.append(PoolMoney(held.name, 0, {}, 0, 0))
                continue
            spent = float(item[place]) / 100.0
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
