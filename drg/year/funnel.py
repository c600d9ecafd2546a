"""The funnel of a year's findings (疑点漏斗): from screening to money, without persons."""

from __future__ import annotations

import datetime as dt

import pandas as pd

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


def funnel_report(book: Book, lang: str, day: dt.date) -> Report:
    """The page of the funnel.

    Args:
        book: the book.
        lang: ``zh`` or ``en``.
        day: as of which steps are overdue.
    """
    state, words = book.state, Words(lang)
    held = docket(book.files, state)
    names = dict(zip(book.files.hospitals.ids, book.files.hospitals.names, strict=True))
    overdue = sum(step is not None and day > held.due(one, step)
                  for one in held.findings.values()
                  for step in [None if held.ended(one) else held.next(one, day)])  # fmt: skip
    return findings_page(
        Funnel(state.year, counted(book, held), held.screened, names, held.procedure.title,
               overdue, state.digest), words)  # fmt: skip
