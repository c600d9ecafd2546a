"""Advance money of a year (预付金办理): applications judged by the policy, and what is granted."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

import pandas as pd

from budget.fund.advance_money import Most, most_lent, read_spend
from drg.errors import problem
from drg.language import say
from drg.money import to_fen
from drg.year.book import Book
from drg.year.forms import read_list
from drg.year.lists import LISTS
from weights.negotiation.forms.rows import RowError


def lend(
    book: Book, form: str | PathLike[str], history: str | PathLike[str], *,
    fund: Mapping[str, Mapping[str, float]] | None = None, sheet: str | None = None, actor: str,
    at: str | None = None,
) -> tuple[list[dict[str, str]], pd.DataFrame]:  # fmt: skip
    """Judge applications for advance money and put what is granted on record.

    Args:
        book: the book.
        form: applications: hospital, pool, amount applied for (as much as may be without one).
        history: fund spend of the last years by pool, hospital and year.
        fund: surplus and spend of the pools in yuan; by default as the book was opened with.
        sheet: sheet of the form.
        actor: who does it.
        at: a time to be stated beside the machine's.

    Returns:
        What is granted: ``hospital_id, pool, amount, most, applied`` in yuan; and the rejects.

    Raises:
        DrgError: the policy has no advance money, it is too late to apply, or a file cannot be
            used.
    """
    seen, files = book.state, book.files
    rule = files.policy.advance_money
    if rule is None:
        raise problem(say("政策没有预付金", "the policy has no advance money"), key="advance_money")
    if seen.open_month > rule.apply_by:
        raise problem(say("已过申请月份", "is too late: applications end with a month"),
                      key="advance_money.apply_by", found=seen.open_month,
                      expected=say(f"{rule.apply_by} 月结账之前",
                                   f"before month {rule.apply_by} is closed"))  # fmt: skip
    pools = [pool.name for pool in files.policy.pools]
    spend = read_spend(history, files.hospitals.ids, pools, seen.year)
    most = most_lent(spend, rule, files.policy.pools, fund or seen.init["fund"], seen.year)
    taken, found = read_list(LISTS["advance"], files.policy, form, sheet)
    granted: dict[tuple[str, str], dict[str, str]] = {}
    before = {(row["hospital_id"], row["pool"]) for row in book.lent()}
    for number, row in found:
        key = row["hospital_id"], row["pool"]
        try:
            granted[key] = _granted(row, key, files.places, pools, most, before | granted.keys())
        except RowError as fault:
            taken.reject(number, fault)
    rows = list(granted.values())
    if rows:
        book.grant(rows, actor=actor, at=at)
    return rows, taken.reject_frame()


def _granted(
    row: Mapping[str, str], key: tuple[str, str], places: Mapping[str, int], pools: list[str],
    most: Most, before: set[tuple[str, str]],
) -> dict[str, str]:  # fmt: skip
    name, pool = key
    if name not in places:
        raise RowError("hospital_id", name, "不在医疗机构表中", "is not in the table of hospitals")
    if key in before:
        raise RowError("hospital_id", name, "已预付", "has its advance money already")
    place = pools.index(pool)
    if not most.lends(place):
        cover = most.cover[place]
        told = say("未知", "not known") if cover is None else f"{float(cover):.1f}"
        needed = f"{most.needed[place]:g}"
        raise RowError(
            "pool",
            pool,
            f"累计结余可支付月数 {told}，须不少于 {needed}",
            f"the surplus covers {told} months, at least {needed} are needed",
        )
    limit = int(most.amount[places[name], place])
    applied = int(to_fen(float(row["amount"]))) if row["amount"] else limit
    fen = min(applied, limit)
    if fen <= 0:
        raise RowError("hospital_id", name, "没有前几年的支出，无法测算",
                       "has no spend of the last years to go by")  # fmt: skip
    return {"hospital_id": name, "pool": pool, "amount": f"{fen / 100:.2f}",
            "most": f"{limit / 100:.2f}", "applied": f"{applied / 100:.2f}"}  # fmt: skip
