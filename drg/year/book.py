"""The book of a year (年度账册): laid down, added to, closed month by month, cleared.

Usage::

    book = Book.create("year-2025", weights="weights.csv", policy="national-default",
                       hospitals="hospitals.csv", year=2025, actor="医保局")
    book.add_month("january.csv", actor="医保局")
    book.close_month(actor="医保局")
    book.correct("late.csv", actor="医保局")

Whatever changes the year is an entry of its record; everything else is worked out from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from budget.pools.money import LastYear, spent_in
from budget.settlement.checks import in_range
from drg.cases.canonical import canonical
from drg.cases.texts import on_text
from drg.errors import problem
from drg.language import say
from drg.record.entry import Entry
from drg.record.files import changed_files
from drg.record.ledger import Ledger
from drg.record.plain import plain
from drg.record.receipt import Receipt
from drg.record.receipt import of as receipt_of
from drg.tables import whole_folder
from drg.tables.atomic import write_bytes
from drg.tables.derived import without_formulas
from drg.tables.held import sweep
from drg.year.cases import NEEDED, Standing, discharge_months, known, standing
from drg.year.decisions import read_rows
from drg.year.folder import (
    CASES,
    LEDGER,
    LISTS,
    MONTHS,
    ROOMS,
    Files,
    Made,
    fill,
    made,
    rows_in,
    unread,
)
from drg.year.forms import Judged, judge_list, known_list
from drg.year.month import Figures, figures, month_frame
from drg.year.state import CLEARING, State, replay
from weights.table import WeightTable, open_weights

Given = str | PathLike[str]
REJECTS = "rejects"


@dataclass(frozen=True)
class Added:
    """What came of a file of cases.

    Attributes:
        rows: rows that came.
        late: cases discharged in a month that is closed.
        new: cases that the book had not.
        replaced: cases that it had.
        unread: cells that cannot be read, and cases that cannot be settled.
        listed: where these are listed; None without any.
        told: what is wrong with them, by column, in English.
    """

    rows: int
    late: int
    new: int
    replaced: int
    unread: int = 0
    listed: Path | None = None
    told: tuple[str, ...] = ()


class Book:
    """A year in its folder.

    Args:
        folder: a folder that :meth:`create` made.

    Raises:
        DrgError: there is no record, it is damaged, or a file is not as the record says.
    """

    def __init__(self, folder: Given) -> None:
        self.folder = Path(folder)
        self.ledger = Ledger(self.folder / LEDGER)
        self._state = replay(self.ledger.entries(), str(self.folder / LEDGER))
        for room in (*ROOMS, REJECTS):
            sweep(self.folder / room)
        self.files = Files(self.folder, self._state.init)
        for fault in changed_files(self.folder, self._state.files, self.folder / LEDGER):
            raise problem(say(f"账册文件与记录不一致：{fault}",
                              f"the book is not as its record says: {fault}"),
                          file=self.folder)  # fmt: skip

    @classmethod
    def create(
        cls,
        folder: Given,
        *,
        weights: WeightTable | Given,
        policy: Given = "national-default",
        hospitals: Given,
        year: int,
        title: str = "",
        last_year: LastYear | None = None,
        last_values: Mapping[str, float] | None = None,
        fund: Mapping[str, Mapping[str, float]] | None = None,
        actor: str,
        at: str | None = None,
    ) -> Self:
        """Open the book of a year; the folder appears whole or not at all.

        Args:
            folder: a new folder.
            weights: relative weights.
            policy: how cases are paid.
            hospitals: table of hospitals.
            year: settlement year.
            title: of the book.
            last_year: last year's fund spend in yuan by pool, or by pool and hospital.
            last_values: last year's point values in yuan by pool.
            fund: of each pool ``opening`` (期初余额), ``surplus`` (历年累计) and ``spend``
                (上年支出) in yuan, as far as they are known.
            actor: who opens it.
            at: a time to be stated beside the machine's, ISO 8601 with offset.

        Raises:
            DrgError: the folder is there already, a file cannot be used, or a pool of which only
                last year's spend tells the money has none.
        """
        folder = Path(folder)
        in_range(year)
        if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
            raise problem(say("已经存在，年度账册须建在新文件夹中",
                              "is there already; a year's book begins in a new folder"),
                          file=folder)  # fmt: skip
        table = weights if isinstance(weights, WeightTable) else open_weights(weights)
        with whole_folder(folder) as new:
            body = fill(new, weights=table, policy=policy, hospitals=hospitals)
            files = Files(new, body)
            for pool in files.policy.pools:
                if (pool.basis == "growth" and pool.last_year is None
                        and spent_in(last_year, pool.name) is None):  # fmt: skip
                    raise problem(
                        say("基金池的资金取决于上年支出，而上年支出未知",
                            "the pool's money hangs on last year's spend, which is not known"),
                        key=f"pools.{pool.name}.last_year",
                        expected=say("--last-year 上年支出表", "--last-year, a table of it"),
                    )  # fmt: skip
            Ledger.create(new / LEDGER, actor, plain({
                "book": folder.name, "title": title, "year": year,
                "last_year": dict(last_year or {}), "last_values": dict(last_values or {}),
                "fund": {name: dict(held) for name, held in (fund or {}).items()}, **body,
            }), at)  # fmt: skip
        return cls(folder)

    @property
    def state(self) -> State:
        """What stands on record now."""
        if self.ledger.digest != self._state.digest:
            self._state = replay(self.ledger.entries(), str(self.folder / LEDGER))
        return self._state

    def standing(self, state: State | None = None) -> Standing:
        """The cases as they stand."""
        return standing(self.folder, (state or self.state).cases)

    def figures(self) -> Figures:
        """The open month, as it would be closed now.

        Raises:
            DrgError: no month is open, or it cannot be settled.
        """
        return figures(self.files, self._going(self.state))

    def add_month(
        self, file: Given, *, month: int | None = None, mapping: Given | None = None,
        sheet: str | None = None, accept_unreadable: bool = True, actor: str,
        at: str | None = None,
    ) -> Added:  # fmt: skip
        """Add cases to the open month.

        Cases that were discharged in an earlier month are late; they settle in this one.

        Args:
            file: grouped cases with ``case_id``.
            month: the month, to be sure that it is the open one.
            mapping: mapping file for headers that are not recognised.
            sheet: sheet of a workbook.
            accept_unreadable: add them also where more than 1% of a column that money hangs on
                cannot be read; such cases are listed and not settled.
            actor: who does it.
            at: a time to be stated beside the machine's.

        Raises:
            DrgError: another month is open; a case is in the book already, stands twice, or was
                discharged after the month or in another year; the file cannot be used.
        """
        seen = self._going(self.state)
        if month is not None and month != seen.open_month:
            raise problem(say("不是当前月份", "not the month that is open"), file=self.folder,
                          key="--month", found=month, expected=str(seen.open_month))  # fmt: skip
        table, first = self._table(file, mapping, sheet)
        there = self._known(table, seen)
        if there.any():
            row = int(np.argmax(there))
            raise problem(say("病例已在账册中；更正请用 drg year correct",
                              "is in the book already; a correction comes by drg year "
                              "correct"), file=file, row=row + first, key="case_id",
                          found=table.column("case_id")[row].as_py())  # fmt: skip
        late = self._in_time(table, file, first, seen)
        unread = self._unread(table, file, first, seen, accept_unreadable)
        self._put("cases", CASES, f"{seen.open_month:02d}-cases", table, Path(file).name, seen,
                  actor, at)  # fmt: skip
        return Added(table.num_rows, late, table.num_rows, 0, *unread)

    def correct(
        self, file: Given, *, mapping: Given | None = None, sheet: str | None = None,
        accept_unreadable: bool = True, actor: str, at: str | None = None,
    ) -> Added:  # fmt: skip
        """Put corrected and late cases into the open month, or after December into the clearing.

        A case that the book has takes the place of what stood there, whole; another one is new.

        Raises:
            DrgError: as :meth:`add_month`, a known case aside.
        """
        seen = self.state
        table, first = self._table(file, mapping, sheet)
        replaced = int(self._known(table, seen).sum())
        late = self._in_time(table, file, first, seen)
        unread = self._unread(table, file, first, seen, accept_unreadable)
        self._put("correct", CASES, f"{seen.open_month:02d}-correct", table, Path(file).name, seen,
                  actor, at)  # fmt: skip
        return Added(table.num_rows, late, table.num_rows - replaced, replaced, *unread)

    def withdraw(
        self, file: Given, *, mapping: Given | None = None, sheet: str | None = None, actor: str,
        at: str | None = None,
    ) -> Added:  # fmt: skip
        """Take cases out of the book, in the open month; a table with ``case_id``.

        Raises:
            DrgError: a case is not in the book, or stands twice.
        """
        seen = self.state
        table, first = canonical(file, ("case_id",), mapping=mapping, sheet=sheet)
        table = self._ids(table, file, first)
        there = self._known(table, seen)
        if not there.all():
            row = int(np.argmin(there))
            raise problem(say("病例不在账册中", "is not in the book"), file=file, row=row + first,
                          key="case_id", found=table.column("case_id")[row].as_py())  # fmt: skip
        self._put("withdraw", CASES, f"{seen.open_month:02d}-withdraw",
                  table.select(["case_id"]), Path(file).name, seen, actor, at)  # fmt: skip
        return Added(table.num_rows, 0, 0, table.num_rows)

    def hand_in(
        self, kind: str, file: Given, *, sheet: str | None = None,
        hospital: str | None = None, actor: str, at: str | None = None,
    ) -> Judged:  # fmt: skip
        """Put the rows of a list that people decide into the open month.

        Args:
            kind: name of the list, see :data:`drg.year.lists.LISTS`.
            file: its filled form: Excel or CSV.
            sheet: sheet of a workbook.
            hospital: whose form it is: rows on others, or on their cases, are refused.
            actor: who does it.
            at: a time to be stated beside the machine's.

        Returns:
            The rows that were taken, those that were not, and what is to be told of them.

        Raises:
            DrgError: the file is no such form, or no row can be taken.
        """
        kind = known_list(kind).code
        if kind == "advance":
            raise problem(say("预付金申请用 drg year advance 提交",
                              "advance money is applied for by drg year advance"),
                          key="LIST", found=kind)  # fmt: skip
        seen = self.state
        found = judge_list(self.files, seen, kind, file, sheet=sheet, hospital=hospital)
        if not found.rows:
            return found
        names = list(found.rows[0])
        table = pa.table({name: pa.array([row[name] for row in found.rows], pa.string())
                          for name in names})  # fmt: skip
        more: dict[str, Any] = {"list": kind}
        beside = []
        if found.corrections is not None:
            stem = f"{seen.open_month:02d}-objection"
            beside = [made(CASES, stem, found.corrections, ".parquet")]
            more["corrections"] = {"file": beside[0].name, "sha256": beside[0].digest,
                                   "rows": found.corrections.num_rows}  # fmt: skip
        self._put("list", LISTS, f"{seen.open_month:02d}-{kind}", table, Path(file).name, seen,
                  actor, at, more, ".csv", beside)  # fmt: skip
        return found

    def lent(self) -> list[dict[str, str]]:
        """Advance money that was granted, row by row."""
        return [row for one in self.state.advances for row in read_rows(self.folder / one.file)]

    def grant(
        self, rows: Sequence[Mapping[str, str]], *, actor: str, at: str | None = None
    ) -> None:
        """Put advance money (预付金) that is granted on record, paid with the open month.

        Args:
            rows: ``hospital_id``, ``pool``, ``amount`` in yuan and how it came about.
            actor: who does it.
            at: a time to be stated beside the machine's.

        Raises:
            DrgError: no month is open.
        """
        seen = self._going(self.state)
        table = pa.table({name: pa.array([row[name] for row in rows], pa.string())
                          for name in rows[0]})  # fmt: skip
        self._put("advance", LISTS, f"{seen.open_month:02d}-advance", table, "", seen, actor, at,
                  ending=".csv")  # fmt: skip

    def close_month(
        self, *, month: int | None = None, empty: bool = False, actor: str, at: str | None = None
    ) -> Figures:
        """Close the open month: its table is written, and never changes again.

        Args:
            month: the month, to be sure that it is the open one.
            empty: close it although no case came in it.
            actor: who does it.
            at: a time to be stated beside the machine's.

        Raises:
            DrgError: another month is open, no case came, or the cases cannot be settled.
        """
        seen = self._going(self.state)
        number = seen.open_month
        if month is not None and month != number:
            raise problem(say("不是当前月份", "not the month that is open"), file=self.folder,
                          key="--month", found=month, expected=str(number))  # fmt: skip
        if not empty and not any(one.month == number for one in seen.cases):
            raise problem(say("本月没有加入病例；确无病例请加 --empty",
                              "no case came in the month; say --empty if it has none"),
                          file=self.folder, key="month", found=number)  # fmt: skip
        found = figures(self.files, seen)
        table = pa.Table.from_pandas(month_frame(self.files, number, found.parts),
                                     preserve_index=False)  # fmt: skip
        paid = found.parts["paid"].sum(axis=0)
        body = {"values": found.point_values, "paid_fen": {
            pool.name: int(paid[place]) for place, pool in enumerate(self.files.policy.pools)
        }}  # fmt: skip
        self._put("close", MONTHS, f"{seen.year}-{number:02d}", table, "", seen, actor, at, body,
                  ".csv")  # fmt: skip
        return found

    def receipt(self, actor: str, at: str | None = None) -> Receipt:
        """A receipt of the record as it stands; that it was given out goes on record."""
        seen = self.state
        found = receipt_of(seen.entries, str(seen.init["book"]), "book")
        self.add("receipt", {"entries": found.entries, "digest": found.digest}, actor, at, seen)
        return found

    def add(
        self, kind: str, body: Mapping[str, Any], actor: str, at: str | None, seen: State,
        files: Sequence[Made] = (),
    ) -> Entry:  # fmt: skip
        """Put an entry on record with the files it holds to, unless another came since ``seen``.

        Raises:
            DrgError: it is out of its order, or the record went on.
        """

        def first() -> None:
            for one in files:
                one.put(self.folder)

        return self.ledger.append(kind, plain(body), actor=actor, at=at, expect=seen.digest,
                                  first=first)  # fmt: skip

    def _going(self, seen: State) -> State:
        if seen.open_month == CLEARING:
            raise problem(say("十二个月均已结账；更正和补报在年终清算中结算",
                              "all twelve months are closed; what still comes settles at the "
                              "clearing"), file=self.folder)  # fmt: skip
        return seen

    def _put(
        self, kind: str, room: str, stem: str, table: pa.Table, source: str, seen: State,
        actor: str, at: str | None, more: Mapping[str, Any] | None = None,
        ending: str = ".parquet", beside: Sequence[Made] = (),
    ) -> None:  # fmt: skip
        if room == LISTS:  # people open it in Excel; it is read back as it was handed in
            table = without_formulas(table)
        own = made(room, stem, table, ending)
        body = {"file": own.name, "sha256": own.digest, "month": seen.open_month,
                "rows": table.num_rows}  # fmt: skip
        if kind not in ("close", "advance"):
            body["source"] = source
        self.add(kind, {**body, **(more or {})}, actor, at, seen, (own, *beside))

    def _known(self, table: pa.Table, seen: State) -> npt.NDArray[np.bool_]:
        """Which rows are of a case that the book has."""
        return known(self.folder, seen.cases, table.column("case_id"))

    def _table(self, file: Given, mapping: Given | None, sheet: str | None
               ) -> tuple[pa.Table, int]:  # fmt: skip
        """The cases of a file, and the row of the first one as a user counts."""
        table, first = canonical(file, NEEDED, mapping=mapping, sheet=sheet)
        if not table.num_rows:
            raise problem(say("没有病例", "has no case"), file=file)
        return self._ids(table, file, first), first

    def _unread(
        self, table: pa.Table, file: Given, first: int, seen: State, accept: bool
    ) -> tuple[int, Path | None, tuple[str, ...]]:
        """How many cells cannot be read, where they are listed, and what is wrong with them.

        Raises:
            DrgError: they are too many.
        """
        target = self.folder / REJECTS / f"{Path(file).stem}.csv"
        content, told = unread(self.files, seen.year, table, file, first_row=first,
                               accept=accept)  # fmt: skip
        if not content:
            return 0, None, ()
        target.parent.mkdir(exist_ok=True)
        write_bytes(target, content)
        return len(rows_in(content)), target, tuple(told.values())

    @staticmethod
    def _ids(table: pa.Table, file: Given, first: int) -> pa.Table:
        """The same with ids trimmed; each stands once."""
        ids = on_text(pc.utf8_trim_whitespace, pc.fill_null(table.column("case_id"), ""))
        ids = pa.chunked_array(ids if isinstance(ids, pa.Array) else ids.chunks, pa.string())
        frame = pd.Series(ids.to_numpy())
        twice = frame.duplicated().to_numpy() | (frame == "").to_numpy()
        if twice.any():
            row = int(np.argmax(twice))
            case = ids[row].as_py()
            raise problem(say("缺少病例号", "no case id") if not case else
                          say("病例重复出现", "the case stands twice"), file=file, row=row + first,
                          key="case_id", found=case or None)  # fmt: skip
        place = table.schema.get_field_index("case_id")
        return table.set_column(place, "case_id", ids)

    @staticmethod
    def _in_time(table: pa.Table, file: Given, first: int, seen: State) -> int:
        """How many cases are late; none was discharged after the open month.

        Raises:
            DrgError: a case was discharged after the month, or in another year.
        """
        months = discharge_months(table, seen.year)
        last = min(seen.open_month, 12)
        wrong = np.flatnonzero((months < 1) | (months > last))
        if len(wrong):
            row = int(wrong[0])
            raise problem(say("出院日期不在本年度截至当月",
                              "was not discharged in the year, up to the open month"), file=file,
                          row=row + first, key="discharge_date",
                          found=table.column("discharge_date")[row].as_py(),
                          expected=say(f"{seen.year}-01 至 {seen.year}-{last:02d}",
                                       f"{seen.year}-01 to {seen.year}-{last:02d}"))  # fmt: skip
        return int((months < seen.open_month).sum())
