"""The cells of a batch of cases (病例单元格): the one place where every stage reads them.

Each part of a case is read once, with the words of the mapping file, and what stands for a part
that is blank or missing (an age by the birth date, a stay by its two dates, the other payers by
the sum of all) is worked out here, so that no stage sees a case otherwise than another. Cells that
cannot be read are kept apart from blanks, and :meth:`Cells.faults` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from drg.cases.ages import age_of, between, days_of
from drg.cases.amounts import read_amounts, read_yuan
from drg.cases.choices import EXPECTED, FLAGS, insurance_of, mark_of, mode_of, share_of
from drg.cases.columns import CaseColumns
from drg.cases.dates import read_dates
from drg.cases.texts import as_text, text_list
from drg.cases.values import (
    NUMBERS,
    SEX_EXPECTED,
    Floats,
    Mask,
    by_distinct,
    distinct,
    expected_zh,
    limited,
    meant,
    number_of,
    read_number,
    read_sex,
    read_text,
)
from drg.money import Fen
from drg.tables.arrays import numbers, strings

AMOUNTS = ("total_cost", "cost_medical", "cost_nursing", "cost_technology", "cost_drug_material",
           "cost_management", "fund_paid", "other_paid", "patient_out_of_scope",
           "patient_deductible", "patient_copay", "patient_total")  # fmt: skip
DATES = ("admission_date", "discharge_date", "birth_date")
# what a part is read from besides its own column
_ALSO = {
    "age": ("age_days", "age_months", "birth_date", "admission_date"),
    "age_days": ("age", "age_months", "birth_date", "admission_date"),
    "length_of_stay": ("admission_date", "discharge_date"),
}
_INFANT_DAYS = 365


@dataclass(frozen=True)
class Unread:
    """A cell that cannot be read: row of the batch, part, column, text."""

    row: int
    part: str
    column: str
    value: str

    @property
    def reason(self) -> str:
        """Why it is listed, for a file of rejects."""
        return f"expected {expected(self.part)[0]} 值无法识别"


def columns_for(columns: CaseColumns, parts: Iterable[str]) -> list[str]:
    """The table's columns from which parts are read, also those that stand in for a blank."""
    found: dict[str, None] = {}
    for part in parts:
        for name in (part, *_ALSO.get(part, ())):
            found |= dict.fromkeys(columns.columns(name))
    return list(found)


def can_read(columns: CaseColumns, part: str) -> bool:
    """Whether a part has a column, or others that say the same."""
    if part in columns:
        return True
    if part in ("age", "age_days") and "birth_date" in columns and "admission_date" in columns:
        return True
    if part == "age_days":
        return "age_months" in columns
    return part == "length_of_stay" and {"admission_date", "discharge_date"} <= set(columns.sources)


def expected(part: str) -> tuple[str, str]:
    """What a cell of a part should hold, in English and in Chinese."""
    if part in AMOUNTS:
        return "an amount in yuan", "以元计的金额"
    if part in DATES:
        return "a date such as 2025-03-01", "日期，如 2025-03-01"
    if part in EXPECTED:
        return EXPECTED[part]
    if part == "hospital_id":
        return "a hospital of the table of hospitals", "医疗机构表中的代码"
    if part == "sex":
        return SEX_EXPECTED, expected_zh(part)
    return (NUMBERS[part].expected, expected_zh(part)) if part in NUMBERS else ("a value", "取值")


class Cells:
    """The cells of a batch, each part read once.

    Args:
        table: the rows.
        columns: which columns hold what.
    """

    def __init__(self, table: pa.RecordBatch | pa.Table, columns: CaseColumns) -> None:
        self.table, self._columns = table, columns
        self._held: dict[str, tuple[Floats, Mask]] = {}
        self._fen: dict[str, tuple[Fen, Mask, Mask]] = {}
        self._bad: dict[tuple[str, str], Mask] = {}
        self.rows = table.num_rows
        self.percent = 0  # shares that were written above 1

    def column(self, part: str) -> pa.Array | None:
        """The cells of a part with the words of the mapping file put in; None without a column."""
        header = self._columns.column(part)
        return None if header is None else self._cells(part, header)

    def _cells(self, part: str, header: str) -> pa.Array:
        found = _whole(self.table.column(header))
        words = self._columns.values.get(part)
        return meant(found, words) if words else found

    def number(self, part: str) -> tuple[Floats, Mask]:
        """A part that is a number, a sex, a discharge mode, a share or an insurance.

        Returns:
            The values (NaN where blank or unreadable) and which rows are unreadable. Shapes (N,).
        """
        if part not in self._held:
            self._held[part] = self._read(part)
        return self._held[part]

    def _read(self, part: str) -> tuple[Floats, Mask]:
        if part in ("age", "age_days"):
            self._ages()
            return self._held[part]
        cells = self.column(part)
        if cells is None:
            found = np.full(self.rows, np.nan), np.zeros(self.rows, np.bool_)
        elif part == "sex":
            found = read_sex(cells)
        elif part == "discharge_mode":
            found = by_distinct(cells, mode_of)
        elif part == "insurance":
            found = by_distinct(cells, insurance_of)
        elif part == "tcm_share":
            found = by_distinct(cells, share_of)
            self.percent = self._above_one(cells)
        elif part in FLAGS:
            found = by_distinct(cells, mark_of(part))
        else:
            found = read_number(cells, NUMBERS[part])
        self._note(part, self._columns.column(part), found[1])
        if part == "length_of_stay":
            return self._stay(found)
        return found

    @staticmethod
    def _above_one(cells: pa.Array) -> int:
        """How many shares are numbers above 1, without a sign."""
        return int((by_distinct(cells, number_of)[0] > 1).sum())

    def _stay(self, found: tuple[Floats, Mask]) -> tuple[Floats, Mask]:
        """Blank stays by their dates: a stay within a day counts one."""
        stay, bad = found
        blank = np.isnan(stay) & ~bad
        if not blank.any() or not {"admission_date", "discharge_date"} <= set(
            self._columns.sources
        ):
            return found
        days = self._instead("discharge_date", blank) - self._instead("admission_date", blank)
        return np.where(blank & (days >= 0), np.maximum(days, 1.0), stay), bad

    def _ages(self) -> None:
        """Years and days together, as each may say the other."""
        years = np.full(self.rows, np.nan)
        days, of_years = years.copy(), years.copy()
        bad_years, bad_days = np.zeros(self.rows, np.bool_), np.zeros(self.rows, np.bool_)
        cells = self.column("age")
        if cells is not None and _numeric(cells):
            years, bad_years = read_number(cells, NUMBERS["age"])
        elif cells is not None:
            coded = distinct(cells)
            years, bad_years = limited(*by_distinct(coded, _part(age_of, 0)), NUMBERS["age"])
            of_years = by_distinct(coded, _part(age_of, 1))[0]
        self._note("age", self._columns.column("age"), bad_years)
        for part in ("age_days", "age_months"):
            header = self._columns.column(part)
            if header is None:
                continue
            months = part == "age_months" or ("月" in header and "天" not in header)
            unit, held = "months" if months else "days", self._cells(part, header)
            if _numeric(held) and not months:
                own, bad = read_number(held, NUMBERS["age_days"])
            else:
                read = by_distinct(held, lambda text, u=unit: days_of(text, u))  # type: ignore[misc]
                own, bad = limited(*read, NUMBERS["age_days"])
            self._note(part, header, bad)
            bad_days |= bad
            days = np.where(np.isnan(days), own, days)
        days = np.where(np.isnan(days) & ~bad_days, of_years, days)
        if {"birth_date", "admission_date"} <= set(self._columns.sources):
            lost = (np.isnan(years) & ~bad_years) | ((years == 0) & np.isnan(days) & ~bad_days)
            if lost.any():
                whole, rest = between(
                    self._instead("birth_date", lost), self._instead("admission_date", lost)
                )
                nobody = np.isnan(years) & ~bad_years & np.isnan(days)
                days = np.where(lost & np.isnan(days) & ~bad_days, rest, days)
                years = np.where(nobody, whole, years)
        # an infant's record may give days and leave the years blank
        years = np.where(np.isnan(years) & ~bad_years & (days < _INFANT_DAYS), 0.0, years)
        self._held["age"], self._held["age_days"] = (years, bad_years), (days, bad_days)

    def day(self, part: str) -> tuple[Floats, Mask]:
        """A date as days since 1970-01-01, NaN where blank or unreadable; and the unreadable."""
        days, bad = self._date(part)
        self._note(part, self._columns.column(part), bad)
        return days, bad

    def _date(self, part: str) -> tuple[Floats, Mask]:
        if part not in self._held:
            cells = self.column(part)
            self._held[part] = read_dates(cells) if cells is not None else (
                np.full(self.rows, np.nan), np.zeros(self.rows, np.bool_)
            )  # fmt: skip
        return self._held[part]

    def _instead(self, part: str, where: Mask) -> Floats:
        """A date that stands in for another part; what cannot be read counts only where it does."""
        days, bad = self._date(part)
        self._note(part, self._columns.column(part), bad & where)
        return days

    def amount(self, part: str) -> tuple[Fen, Mask, Mask]:
        """An amount in fen (0 where there is none), which rows are blank and which unreadable."""
        if part not in self._fen:
            self._fen[part] = self._amount(part)
        return self._fen[part]

    def _amount(self, part: str) -> tuple[Fen, Mask, Mask]:
        headers = self._columns.columns(part)
        if not headers:
            nothing = np.zeros(self.rows, np.bool_)
            return np.zeros(self.rows, np.int64), ~nothing, nothing
        read = []
        for header in headers:
            read.append(read_amounts(self._cells(part, header)))
            self._note(part, header, read[-1][2])
        fen, blank, bad = read[0]
        if len(read) == 1:
            return fen, blank, bad
        if headers[1] == self._columns.column("fund_paid"):  # the sum of all less the pooled fund
            less, none, other_bad = read[1]
            lost = bad | other_bad
            return np.where(~blank & ~none & ~lost, fen - less, 0), (blank | none) & ~lost, lost
        for more, none, other_bad in read[1:]:
            fen, blank, bad = fen + more, blank & none, bad | other_bad
        return fen, blank, bad

    def yuan(self, part: str) -> tuple[Floats, Mask]:
        """An amount in yuan that need not be whole fen, NaN where blank; and the unreadable."""
        cells = self.column(part)
        if cells is None:
            return np.full(self.rows, np.nan), np.zeros(self.rows, np.bool_)
        found = read_yuan(cells)
        self._note(part, self._columns.column(part), found[1])
        return found

    def flag(self, part: str) -> tuple[Mask, Mask]:
        """Which rows bear a mark, and which are unreadable."""
        found, bad = self.number(part)
        return found == 1.0, bad

    def text(self, part: str) -> pa.DictionaryArray:
        """A part as trimmed text; "" without a column."""
        cells = self.column(part)
        if cells is None:
            empty = numbers(np.zeros(self.rows, np.int32))
            return pa.DictionaryArray.from_arrays(empty, strings([""]))
        return read_text(cells)

    def missed(self, part: str, bad: Mask) -> None:
        """Take rows of a part for unreadable that a list, such as that of hospitals, has not."""
        self._note(part, self._columns.column(part), bad)

    def _note(self, part: str, header: str | None, bad: Mask) -> None:
        if header is not None and bad.any():
            known = self._bad.get((part, header))
            self._bad[part, header] = bad if known is None else known | bad

    def unread(self, part: str) -> Mask:
        """Rows in which a cell of a part, read so far, could not be read. Shape (N,)."""
        found = np.zeros(self.rows, np.bool_)
        for (name, _), bad in self._bad.items():
            if name == part:
                found |= bad
        return found

    def unread_columns(self) -> Iterator[tuple[tuple[str, str], Mask, Unread]]:
        """(part, column) of the parts read so far: rows that cannot be read, and the first."""
        for (part, header), bad in self._bad.items():
            row = int(np.argmax(bad))
            text = text_list(as_text(_whole(self.table.column(header).slice(row, 1))))[0]
            yield (part, header), bad, Unread(row, part, header, text or "")

    def faults(self) -> Iterator[Unread]:
        """The cells that could not be read, of the parts read so far, part by part."""
        for (part, header), bad in self._bad.items():
            rows = np.flatnonzero(bad)
            column = as_text(_whole(self.table.column(header))).take(numbers(rows))
            for row, text in zip(rows.tolist(), text_list(column), strict=True):
                yield Unread(row, part, header, text or "")


def _part(
    read: Callable[[str], tuple[float, float] | None], place: int
) -> Callable[[str], float | None]:
    def one(text: str) -> float | None:
        found = read(text)
        return None if found is None else found[place]

    return one


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _numeric(cells: pa.Array) -> bool:
    return bool(pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type))
