"""A small book for tests: five hospitals, cases of a few months, forms as people fill them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from drg.year.book import Book
from tests.budget.region import HOSPITALS, YEAR, many, weight_table
from tests.year.test_book import LAST_YEAR, text_of

FUND = {"employee": {"opening": 500_000.0, "surplus": 900_000.0, "spend": 900_000.0},
        "resident": {"opening": 100_000.0, "surplus": 300_000.0, "spend": 800_000.0}}  # fmt: skip


def book_of(folder: Path, policy: str | Path = "national-default", **more) -> Book:
    folder.mkdir(parents=True, exist_ok=True)
    HOSPITALS.assign(penalty=0.0).to_csv(folder / "hospitals.csv", index=False)
    return Book.create(folder / "book", weights=weight_table(), policy=policy, year=YEAR,
                       hospitals=folder / "hospitals.csv", last_year=LAST_YEAR, fund=FUND,
                       actor="医保局", **more)  # fmt: skip


def month_file(folder: Path, month: int, size: int = 12, **columns) -> Path:
    frame = text_of(many(size, seed=month).drop(columns="special_review")).assign(
        case_id=[f"{month:02d}-{i}" for i in range(size)],
        admission_date=f"{YEAR}-{month:02d}-01", discharge_date=f"{YEAR}-{month:02d}-09",
        **columns,
    )  # fmt: skip
    path = folder / f"m{month}.csv"
    frame.to_csv(path, index=False)
    return path


def form(folder: Path, name: str, rows: list[dict]) -> Path:
    path = folder / f"{name}.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path
