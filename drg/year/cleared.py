"""A year that is cleared (清算结果): its final settlement, and what its months came to."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from budget.settlement.settled import Settlement
from drg.year.book import Book


@dataclass(frozen=True)
class Cleared:
    """A year that is cleared.

    Attributes:
        settled: the settlement of its final cases.
        book: the book.
        months: its months, and what the clearing changes, as a table; money in yuan.
    """

    settled: Settlement
    book: Book
    months: pd.DataFrame
