"""The funnel of a year's findings (疑点漏斗): from screening to money and credit, no persons."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial

import pandas as pd

from budget.audit.credit import OTHER, Credit, read_credit
from drg.page.blocks import Report
from drg.page.words import Words
from drg.report.year.findings import Funnel, findings_page
from drg.year.book import Book
from drg.year.findings import Docket, docket, worth


def counted(book: Book, held: Docket) -> pd.DataFrame:
    """Findings and what was confirmed, by family, hospital and standing.

    Returns:
        ``family, hospital, standing, outcome`` (``confirmed``, ``dismissed``, ``open``,
        ``fallen``), how many findings (``cases``) and what they deduct (``amount``, fen).
    """
    policy = book.files.policy
    rows = [
        (one.family, one.hospital, held.standing(one), _outcome(held, one.id),
         worth(policy, one) if held.confirmed(one) else 0)
        for one in held.findings.values()
    ]  # fmt: skip
    keys = ["family", "hospital", "standing", "outcome"]
    frame = pd.DataFrame(rows, columns=[*keys, "amount"])
    found = frame.groupby(keys, sort=True).agg(cases=("amount", "size"), amount=("amount", "sum"))
    return found.reset_index()


def _outcome(held: Docket, name: str) -> str:
    one = held.findings[name]
    if held.fell(one):
        return "fallen"
    return "confirmed" if held.confirmed(one) else "dismissed" if held.ended(one) else "open"


def credit_table(held: Docket, credit: Credit) -> pd.DataFrame:
    """Credit by the findings that were confirmed, of every hospital that was screened.

    Returns:
        ``hospital_id, cases`` (screened), ``findings`` (confirmed), ``score, grade, inspections``
        a year and ``assessment``, the share of its deposit that is paid back.
    """
    names = sorted(held.screened)
    some = [one for one in held.findings.values() if held.confirmed(one)]
    many = Counter((one.hospital, one.family if one.family in credit.families else OTHER)
                   for one in some)  # fmt: skip
    cases = [held.screened[one] for one in names]
    score = credit.scores(cases, {family: [many[name, family] for name in names]
                                  for family in credit.families})  # fmt: skip
    grade, inspections, assessment = credit.graded(score)
    own = Counter(one.hospital for one in some)
    return pd.DataFrame({
        "hospital_id": names, "cases": cases, "findings": [own[one] for one in names],
        "score": score, "grade": grade, "inspections": inspections, "assessment": assessment,
    })  # fmt: skip


def funnel_report(book: Book, lang: str, day: dt.date, credit: Credit | None = None) -> Report:
    """The page of the funnel.

    Args:
        book: the book.
        lang: ``zh`` or ``en``.
        day: as of which steps are overdue.
        credit: how confirmed findings come to a credit score; the shipped document by default.
    """
    state, words = book.state, Words(lang)
    held = docket(book.files, state)
    names = dict(zip(book.files.hospitals.ids, book.files.hospitals.names, strict=True))
    overdue = sum(step is not None and day > held.due(one, step)
                  for one in held.findings.values()
                  for step in [None if held.ended(one) else held.next(one, day)])  # fmt: skip
    rated = credit_table(held, credit or read_credit())
    return findings_page(
        Funnel(state.year, counted(book, held), held.screened, names,
               partial(held.procedure.title, words=words),
               overdue, state.digest,
               dict(zip(rated["hospital_id"], zip(rated["grade"], rated["inspections"],
                                                  strict=True), strict=True))),
        words)  # fmt: skip
