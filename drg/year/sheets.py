"""The sheets of a year (年度表单), written: month by month, at the clearing, for every hospital."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.fund.due_dates import clock
from budget.policy.document import Policy
from budget.price.branches import BRANCHES, PLACE
from budget.settlement.indicators import case_frame
from budget.settlement.settled import Settlement
from budget.settlement.tables import hospital_frame
from drg.errors import problem
from drg.language import say
from drg.page.blocks import Column, Report
from drg.page.words import Words
from drg.page.write import write_report
from drg.report.year import payment
from drg.report.year.public import public_page
from drg.report.year.statement import statement
from drg.tables import read_table
from drg.year.book import Book
from drg.year.cleared import Cleared
from drg.year.decisions import deducted, payer_sums, rows_of
from drg.year.folder import LEDGER
from drg.year.lists import LISTS, PAYERS, choices_of
from drg.year.month import figures, read_month, to_price
from drg.year.state import State, replay

STATEMENTS = "statements/"
_KINDS = ("xlsx", "html", "docx")
SHEETS = (STATEMENTS, *(f"{name}.{kind}" for name in ("clearing", "public") for kind in _KINDS))
_PAYERS = {name: (zh, en) for name, (zh, en, _) in PAYERS.items()}
_REVIEW, _HIGH = PLACE["review"], PLACE["high"]
_PAID_SO = Column("paid_so", "是否按单议支付", "Paid by the review",
                  codes={True: ("是", "yes"), False: ("否", "no")})  # fmt: skip
DECIDED = ("review", "fixed_price", "new_technology")


def _decided_money(
    done: Settlement, fund: npt.NDArray[np.int64], rows: npt.NDArray[np.bool_] | None = None
) -> pd.DataFrame:
    """Fund money of cases that people decided on, by hospital, pool and branch, in yuan."""
    frame = case_frame(done, rows)
    keys = ["hospital_id", "pool"]
    found = frame[keys].drop_duplicates().set_index(keys)
    fen = pd.Series(fund[frame["row"].to_numpy()], frame.index)
    for code in DECIDED:
        held = fen.where(frame["branch"] == PLACE[code], 0)
        found[code] = held.groupby([frame[key] for key in keys]).sum() / 100
    return found.reset_index()


def _with(money: pd.DataFrame, beside: pd.DataFrame) -> pd.DataFrame:
    """Rows of money with further sums, 0 where there are none."""
    names = [str(name) for name in beside if name not in ("hospital_id", "pool")]
    found = money.merge(beside, on=["hospital_id", "pool"], how="left")
    found[names] = found[names].astype(float).fillna(0.0).round(2)
    return found


def write_month_sheet(book: Book, month: int, out: Path, lang: str) -> list[str]:
    """Write the payment sheet (拨付表) of a closed month.

    Raises:
        DrgError: the month is not closed, or the file cannot be written.
    """
    state, words, files = book.state, Words(lang), book.files
    if month > len(state.closed):
        raise problem(say("该月尚未结账", "the month is not closed"), file=book.folder,
                      key="--month", found=month)  # fmt: skip
    one = state.closed[month - 1]
    before = replay(state.entries[: one.seq], str(book.folder / LEDGER))
    found = figures(files, before)
    money = read_month(book.folder / one.file).drop(columns="month")
    names = dict(zip(files.hospitals.ids, files.hospitals.names, strict=True))
    pools = [pool.name for pool in files.policy.pools]
    if found.month is None:
        cases = pd.DataFrame(columns=["row", "hospital_id", "tier", "pool", "group", "branch",
                                      "weight", "cost", "stay", "fund", "expected",
                                      "expected_stay"])  # fmt: skip
        money = money.assign(**dict.fromkeys(DECIDED, 0.0))
    else:
        rows = found.month.settles == month
        cases = case_frame(found.month.settled, found.held.came == month)
        money = _with(money, _decided_money(found.month.settled, found.fund, rows))
    parts = [(pool, payment.joined(cases, money, names, pool)) for pool in pools
             if (money["pool"] == pool).any()]  # fmt: skip
    due = clock(state.year, files.policy.cash).advances[month - 1]
    known = {name: value for name, value in found.point_values.items() if value is not None}
    values = words.joined(f"{words.insurance(name)} {value:.4f}" for name, value in known.items())
    facts = [
        (words("政策", "Policy"), f"{files.policy.id} {files.policy.header.title}"),
        *([(words("月度点值（元）", "Point values (yuan)"), values)] if values else []),
        (words("最迟拨付日期", "Due"), payment.day(due)),
        (words("记录摘要", "Digest of the record"), state.entries[one.seq].digest),
    ]
    lists = rows_of(book.folder, before)
    beside = payment.payers(payer_sums(files.hospitals.ids, lists["payer"], month),
                            files.hospitals.ids, names, _PAYERS, words)  # fmt: skip
    title = words(f"{state.year} 年 {month} 月医保基金拨付表",
                  f"Payments of month {month} of {state.year}")  # fmt: skip
    report = payment.sheet(title, str(state.init["title"] or ""), parts, payment.MONTH, facts,
                           words, beside)  # fmt: skip
    return write_report(out, report, words)


def write_sheets_of(
    found: Cleared, state: State, folder: Path, kinds: Sequence[str], lang: str
) -> list[str]:
    """Write the clearing sheet, the page to publish, and a statement for every hospital.

    Args:
        found: the year, cleared.
        state: what stands on record.
        folder: where they are written.
        kinds: ``xlsx``, ``html``, ``docx``.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: a file cannot be written.
    """
    words, files, done = Words(lang), found.book.files, found.settled
    names = dict(zip(files.hospitals.ids, files.hospitals.names, strict=True))
    money = hospital_frame(done).drop(columns=["hospital_name", "tier", "class", "case_mix_index",
                                               "assessment"])  # fmt: skip
    lent = found.months.groupby(["hospital_id", "pool"])["advance_money"].sum().reset_index()
    money = _with(_with(money, _decided_money(done, done.paid.fund)), lent)
    cases = case_frame(done)
    lists = rows_of(found.book.folder, state)
    parts = [(pool.name, payment.joined(cases, money, names, pool.name))
             for pool in files.policy.pools if (money["pool"] == pool.name).any()]  # fmt: skip
    sums = payer_sums(files.hospitals.ids, lists["payer"])
    due = clock(state.year, files.policy.cash).clearing
    facts = [
        (words("政策", "Policy"), f"{files.policy.id} {files.policy.header.title}"),
        (words("清算期限", "To be cleared by"), payment.day(due)),
        (words("记录摘要", "Digest of the record"), state.digest),
    ]
    title = words(f"{state.year} 年度医保基金清算表", f"Clearing of {state.year}")
    sheet = payment.sheet(
        title, str(state.init["title"] or ""), parts, payment.YEAR, facts, words,
        payment.payers(sums, files.hospitals.ids, names, _PAYERS, words),
    )  # fmt: skip
    page = public_page(state.year, hospital_frame(done), reviews_of(found, lists, names),
                       _deducted(found, lists, names), words)  # fmt: skip
    told = []
    for kind in kinds:
        told += write_report(folder / f"clearing.{kind}", sheet, words)
        told += write_report(folder / f"public.{kind}", page, words)
    told += _statements(found, lists, parts, folder, words, kinds)
    return list(dict.fromkeys(told))


def _deducted(
    found: Cleared, lists: Mapping[str, Any], names: Mapping[str, str]
) -> list[tuple[str, float]]:
    """Names of hospitals, and what each is deducted in yuan; hospitals of one name stay apart."""
    sums: dict[str, Any] = {}
    for row in lists["deduction"].values():
        one = row["hospital_id"]
        sums[one] = sums.get(one, 0) + deducted(found.book.files.policy, row)
    return sorted((names[one], float(yuan)) for one, yuan in sums.items() if yuan)


def reviews_of(
    found: Cleared, lists: Mapping[str, Any], names: Mapping[str, str]
) -> pd.DataFrame:  # fmt: skip
    """Special reviews by hospital: applied for, approved, inside and outside of the quota."""
    done, held = found.settled, to_price(found.book.files, found.book.state)
    places = held.places(row["case_id"] for row in lists["review"].values())
    ids = held.table.column("hospital_id")
    sums: dict[str, dict[str, float]] = {}
    for case, row in ((row["case_id"], row) for row in lists["review"].values()):
        at = places.get(case)
        if at is None:  # withdrawn since
            continue
        own = sums.setdefault(str(ids[at].as_py()), dict.fromkeys(
            ("applied", "approved", "inside", "outside", "needless", "amount"), 0.0))  # fmt: skip
        own["applied"] += 1
        if row["decision"] == "approved":
            inside = done.priced.branch[at] == _REVIEW
            own["approved"] += 1
            own["inside" if inside else "outside" if _asks(done, at) else "needless"] += 1
            own["amount"] += float(done.paid.fund[at]) / 100 if inside else 0.0
    return pd.DataFrame([
        {"hospital_id": name, "hospital_name": names.get(name, ""), **held_}
        for name, held_ in sorted(sums.items())
    ])  # fmt: skip


def needless(found: Cleared) -> int:
    """Reviews that were approved of cases that need none, so that nothing is paid by them."""
    lists = rows_of(found.book.folder, found.book.state)
    reviews = reviews_of(found, lists, {})
    return int(reviews["needless"].sum()) if len(reviews) else 0


def _asks(done: Settlement, at: int) -> bool:
    """Whether a review can change what a case is paid: the policy may ask for a high outlier."""
    rule = done.policy.special.review
    return rule is None or rule.eligible != "high_outliers" or done.priced.branch[at] in (
        _REVIEW, _HIGH)  # fmt: skip


def _statements(
    found: Cleared, lists: Mapping[str, Any], parts: Sequence[tuple[str, pd.DataFrame]],
    folder: Path, words: Words, kinds: Sequence[str],
) -> list[str]:  # fmt: skip
    """A file for each hospital, with only its own cases."""
    (folder / STATEMENTS).mkdir()
    table, _ = read_table(folder / "cases.csv")
    cases = table.to_pandas()
    branches = {one.code: words.branch(one.code, one.zh) for one in BRANCHES}
    for name in ("month", "weight", "cost", "payment", "patient", "other", "fund", "gain"):
        cases[name] = pd.to_numeric(cases[name], errors="coerce")
    asked = {row.get("case_id") for rows in lists.values() for row in rows.values()}
    about = cases[cases["case_id"].isin(asked)]
    home = dict(zip(about["case_id"], about["hospital_id"], strict=True))
    by_review = set(cases.loc[cases["branch"] == "review", "case_id"])
    cases["branch"] = cases["branch"].map(branches)
    by_hospital = {str(name): own for name, own in cases.groupby("hospital_id")}
    whole = pd.concat([frame.assign(pool=pool) for pool, frame in parts])
    told: list[str] = []
    hospitals = found.book.files.hospitals
    stems = [re.sub(r"[^\w-]", "_", name) or "_" for name in hospitals.ids]
    times = Counter(stems)
    for place, (name, title) in enumerate(zip(hospitals.ids, hospitals.names, strict=True), 1):
        money = whole[whole["hospital_id"] == name]
        own = by_hospital.get(name, cases[:0])
        if not len(money) and not len(own):
            continue
        policy = found.book.files.policy
        decided = [_decided(kind, lists[kind], name, home, policy, by_review, words)
                   for kind in LISTS if kind != "advance"]  # fmt: skip
        months = found.months[found.months["hospital_id"] == name]
        report = statement((name, title), found.book.state.year, money, months, own, decided, words)
        stem = stems[place - 1]
        stem = f"{stem}-{place}" if times[stem] > 1 else stem
        for kind in kinds:
            file = f"{stem}.{kind}"
            told += write_report(folder / STATEMENTS / file, _paged(report, kind), words)
    return told


def _paged(report: Report, kind: str) -> Report:
    """All cases stand in the workbook; a page or Word file has the money and what was decided."""
    if kind == "xlsx":
        return report
    return report.only(*(one.key for one in report.sections if one.key != "cases"))


def _decided(
    code: str, rows: Mapping[Any, dict[str, str]], hospital: str, home: Mapping[str, str],
    policy: Policy, by_review: Collection[str], words: Words,
) -> tuple[str, list[Column], pd.DataFrame]:  # fmt: skip
    """Rows of a list that are of one hospital."""
    kind = LISTS[code]
    mine = [
        row
        for row in rows.values()
        if (row.get("hospital_id") or home.get(row.get("case_id", ""))) == hospital
    ]
    kinds = {"money": "fen", "number": "plain", "whole": "count"}
    columns = [
        Column(one.name, one.zh, one.en, kinds.get(one.kind, "text"),
               codes=None if (said := choices_of(one, policy)) is None else
               {key: (zh, en) for key, (zh, en, _) in said.items()})
        for one in kind.columns if one.name != "hospital_id"
    ]  # fmt: skip
    frame = pd.DataFrame(
        [{one.name: _value(row[one.name], one.kind) for one in kind.columns} for row in mine],
        columns=[one.name for one in kind.columns], dtype=object,
    )  # fmt: skip
    sums = [one.name for one in kind.columns if one.kind == "money"]
    if code == "review":
        columns.append(_PAID_SO)
        frame[_PAID_SO.field] = [row["case_id"] in by_review for row in mine]
    if code == "deduction":
        columns.append(Column("taken", "扣款金额", "Deducted", "fen"))
        frame["taken"] = [float(deducted(policy, row)) for row in mine]
        sums.append("taken")
    if len(frame) and sums:
        total: dict[str, Any] = {name: round(float(frame[name].dropna().sum()), 2)
                                 for name in sums}  # fmt: skip
        first = next(one.field for one in columns if not one.is_number)
        total[first] = words("合计", "Total")
        frame = pd.concat([frame, pd.DataFrame([total], columns=frame.columns, dtype=object)])
    return words(kind.zh, kind.en), columns, frame


def _value(text: str, kind: str) -> str | float | None:
    if kind in ("money", "number", "whole"):
        return float(text) if text else None
    return text
