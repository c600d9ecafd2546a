"""A month of a book (月度结算): what it is worth and what is paid for it, a table that stays.

Everything is worked out as what all months so far come to, less what the closed ones came to: so
late and corrected cases, decisions and appeals settle in the month in which they come, as
differences, and no closed month moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from budget.cases.claims import ClaimReader
from budget.settlement.cash_flow import advanced
from budget.settlement.files import claims_of
from budget.settlement.provisional import Month, provisional_value, so_far, worth
from budget.settlement.settled import Settlement, settle, spent_by_hospital
from drg.cases import recognise
from drg.errors import problem
from drg.language import say
from drg.money import Fen, allocate, times, to_fen, to_yuan
from drg.tables import read_table
from drg.year.cases import Standing, columns_of, decided, standing
from drg.year.decisions import deductions, judged, read_rows, rows_of
from drg.year.folder import Files
from drg.year.state import MONTHS, State

MONEY = ("cost", "patient", "other", "payable", "advance", "quality_held", "remainder",
         "deduction", "advance_money", "paid")  # fmt: skip
COUNTS = ("cases", "late", "corrected")
_SUMS = {"cost": "cost", "patient": "patient", "other": "other", "payable": "fund"}


@dataclass(frozen=True)
class Figures:
    """A month as it is closed; amounts in fen, arrays (H, P).

    Attributes:
        point_values: pool -> point value in yuan, None where none was needed.
        parts: by name: the counts and the money of the month's table.
        month: the cases so far and how they are priced; None while there are none.
        fund: fund money of each case so far at its provisional value. Shape (N,).
        held: the cases.
    """

    point_values: dict[str, float | None]
    parts: dict[str, Fen]
    month: Month | None
    fund: Fen
    held: Standing


def to_price(files: Files, state: State) -> Standing:
    """The cases so far, with the columns that pricing reads."""
    names = columns_of(files.folder, state.cases)
    if not names:
        return standing(files.folder, state.cases)
    reader = ClaimReader.of(files.policy, recognise(names), files.hospitals, files.weights,
                            state.year)  # fmt: skip
    return standing(files.folder, state.cases, tuple(reader.names))


def priced(files: Files, state: State, held: Standing) -> Settlement:
    """The cases so far, settled as if the year were over.

    Raises:
        DrgError: there are none, or they cannot be settled.
    """
    init = state.init
    lists = rows_of(files.folder, state)
    table = decided(held, lists)
    if not table.num_rows:
        raise problem(say("没有病例", "there is no case"), file=files.folder, key="cases",
                      expected=say("先用 drg year add-month 加入病例",
                                   "cases, added by drg year add-month"))  # fmt: skip
    claims = claims_of(table, files.weights, files.policy, files.hospitals, state.year)
    return settle(claims, files.weights, files.policy, judged(files.hospitals, files.policy, lists),
                  state.year, last_year=init["last_year"] or None)  # fmt: skip


def figures(files: Files, state: State) -> Figures:
    """The month that is open, as it would be closed now.

    Raises:
        DrgError: it cannot be settled, or a point value that the policy goes by is not known.
    """
    number = state.open_month
    held = to_price(files, state)
    policy, before = files.policy, closed_sums(files, state)
    if not held.table.num_rows:
        nothing = np.zeros_like(before["cases"])
        carried = {pool.name: _carried(state, pool.name) for pool in policy.pools}
        parts = {name: nothing - before[name] for name in (*_SUMS, "cases")}
        parts |= {"late": nothing, "corrected": nothing}
        parts |= _paid(files, state, np.zeros(len(policy.pools), np.int64), nothing, nothing,
                       before)  # fmt: skip
        return Figures(carried, parts, None, np.zeros(0, np.int64), held)
    done = priced(files, state, held)
    month = Month(number, done, held.settles)
    last = state.init["last_values"]
    values: dict[str, float | None] = {}
    for place, shared in enumerate(done.shared):
        name = policy.pools[place].name
        found = provisional_value(month, place, shared, last.get(name))
        values[name] = found if found is not None else _carried(state, name)
    at = np.full((MONTHS, len(policy.pools)), np.nan)
    for row, known in enumerate([*(one.point_values for one in state.closed), values]):
        at[row] = [np.nan if known[pool.name] is None else known[pool.name]
                   for pool in policy.pools]  # fmt: skip
    fund = worth(month, at)
    sums = so_far(month, fund)
    parts = {name: getattr(sums, of) - before[name] for name, of in _SUMS.items()}
    parts["cases"] = sums.cases - before["cases"]
    parts |= _new(held, month)
    amounts = np.array([one.amount for one in done.money], np.int64)
    parts |= _paid(files, state, amounts, done.sums.yearly().item, sums.fund, before)
    return Figures(values, parts, month, fund, held)


def _carried(state: State, pool: str) -> float | None:
    """The last value of a pool's point, where a month needs none of its own."""
    known = [
        one.point_values[pool] for one in state.closed if one.point_values.get(pool) is not None
    ]
    return known[-1] if known else None


def closed_sums(files: Files, state: State) -> dict[str, Fen]:
    """Sums of the closed months, by the names of their table, in fen. Shapes (H, P)."""
    shape = len(files.hospitals), len(files.policy.pools)
    found = {name: np.zeros(shape, np.int64) for name in (*COUNTS, *MONEY)}
    pools = {pool.name: place for place, pool in enumerate(files.policy.pools)}
    for one in state.closed:
        for row in read_month(files.folder / one.file).to_dict("records"):
            at = files.places[str(row["hospital_id"])], pools[str(row["pool"])]
            for name, held in found.items():
                held[at] += int(row[name]) if name in COUNTS else int(to_fen(float(row[name])))
    return found


@lru_cache(maxsize=64)  # a file's name carries its digest, so what was read stays
def read_month(path: Path) -> pd.DataFrame:
    """A closed month's table, money in yuan."""
    table, _ = read_table(path)
    frame: pd.DataFrame = table.to_pandas()
    for name in ("month", *COUNTS):
        frame[name] = frame[name].astype(np.int64)
    for name in MONEY:
        frame[name] = frame[name].astype(np.float64)
    return frame


def _new(held: Standing, month: Month) -> dict[str, Fen]:
    """Late and corrected cases of the month."""
    done, number = month.settled, month.number
    mine = (held.settles == number) & (done.paid.pool >= 0)
    late = mine & (held.came == number) & (done.claims.month + 1 < number)
    corrected = mine & (held.came < number)
    pools = len(done.policy.pools)
    found = {}
    for name, rows in (("late", late), ("corrected", corrected)):
        at = np.flatnonzero(rows)
        cell = done.claims.hospital[at].astype(np.int64) * pools + done.paid.pool[at]
        counts = np.bincount(cell, minlength=len(done.hospitals) * pools)
        found[name] = counts.reshape(len(done.hospitals), pools).astype(np.int64)
    return found


def _paid(
    files: Files, state: State, amounts: Fen, item: Fen, owed: Fen, before: dict[str, Fen]
) -> dict[str, Fen]:
    """What the month brings of advances, quality money, deductions and advance money.

    Args:
        files: of the book.
        state: what stands on record.
        amounts: money of the pools, fen. Shape (P,).
        item: fund money by item of all cases so far, fen. Shape (H, P).
        owed: what they are worth, fen. Shape (H, P).
        before: what the closed months came to.
    """
    cash, policy = files.policy.cash, files.policy
    spent = None
    if cash.basis == "last_year_mean":
        spent, _ = spent_by_hospital(policy, files.hospitals, state.init["last_year"] or None, item)
    so_far = advanced(owed, state.open_month, cash, last_year=spent, amounts=amounts)
    advance = np.maximum(so_far - before["advance"], 0)
    payable = owed - before["payable"]
    reached, base = before["advance"] + advance, np.maximum(owed, 0)
    if cash.basis == "payable":  # with shares that sum to 1 nothing remains, not even a fen
        share = round(cash.advance + cash.quality_money, 9)
        quality = np.maximum(times(base, share) - reached, 0)
    else:
        quality = times(base, cash.quality_money)
    quality = quality - before["quality_held"]
    lists = rows_of(files.folder, state)
    due = deductions(policy, files.hospitals.ids, lists["deduction"])
    taken = before["deduction"]
    deduction = _taken(due, taken, advance)
    lent = lent_in(files, state, state.open_month)
    return {
        "advance": advance, "quality_held": quality, "remainder": payable - advance - quality,
        "deduction": deduction, "advance_money": lent, "paid": advance - deduction + lent,
    }  # fmt: skip


def _taken(due: Fen, taken: Fen, advance: Fen) -> Fen:
    """Deductions taken off a month's advances, as far as these go; what was taken too much back."""
    open_ = due - taken.sum(axis=1)
    now = np.clip(open_, -taken.sum(axis=1), advance.sum(axis=1))
    found = np.zeros_like(advance)
    for row in np.flatnonzero(now):
        parts = advance[row] if now[row] > 0 else taken[row]
        found[row] = np.sign(now[row]) * allocate(abs(int(now[row])), parts)
    return found


def lent_in(files: Files, state: State, month: int | None = None) -> Fen:
    """Advance money (预付金) that was granted, of a month or of all, in fen. Shape (H, P)."""
    found = np.zeros((len(files.hospitals), len(files.policy.pools)), np.int64)
    pools = {pool.name: place for place, pool in enumerate(files.policy.pools)}
    for one in state.advances:
        if month is None or one.month == month:
            for row in read_rows(files.folder / one.file):
                at = files.places[row["hospital_id"]], pools[row["pool"]]
                found[at] += int(to_fen(float(row["amount"])))
    return found


def month_frame(files: Files, number: int, parts: dict[str, Fen]) -> pd.DataFrame:
    """A month as a table: one row a hospital and pool with anything to tell, money in yuan."""
    some = np.zeros((len(files.hospitals), len(files.policy.pools)), np.bool_)
    for held in parts.values():
        some |= held != 0
    h, p = np.nonzero(some)
    columns: dict[str, Any] = {
        "hospital_id": [files.hospitals.ids[i] for i in h],
        "pool": [files.policy.pools[i].name for i in p],
        "month": np.full(len(h), number, np.int64),
        **{name: parts[name][h, p] for name in COUNTS},
        **{name: to_yuan(parts[name][h, p]) for name in MONEY},
    }
    return pd.DataFrame(columns)
