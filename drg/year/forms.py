"""Forms of lists (清单填报表): written to be filled in, read, judged row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from budget.policy.document import Policy
from budget.price.branches import BRANCHES
from drg.cases.amounts import amount_of
from drg.cases.choices import pool_of
from drg.cases.columns import plain_header
from drg.cases.dates import day_of
from drg.cases.values import folded, number_of, unwrapped
from drg.errors import one_of, problem
from drg.language import say
from drg.persons import masked, person_in
from drg.tables.excel.book import new_book
from drg.tables.rejects import neutralise
from drg.year.cases import Rows, Standing, standing, within
from drg.year.decisions import OFF, deducted, rows_of
from drg.year.folder import Files
from drg.year.lists import CREDIT, LISTS, Column, ListKind, Words, choices_of
from drg.year.month import priced
from drg.year.objections import corrected
from drg.year.state import State
from weights.negotiation.forms.rows import Form, RowError, read_form

ROWS = 200  # rows prepared to be filled in; more may be added below
_HEADER = 2  # 0-based row of the headings: title and advice stand above
_LONGEST = 5000  # characters; forms repeat what up to five steps said, a cell holds 32,767
_LONGEST_CHOICE = 255  # characters of a list of choices, of Excel
_UNITS = {"number": ("倍", "分"), "whole": ("年", "例")}
_MOST, _FULL = Decimal(10**11), 100  # yuan; points
_WIDTHS = {"text": 18, "choice": 18, "money": 16, "number": 10, "whole": 10, "day": 14}
_CASE_IDS = ("case_id", "other_case_id")  # some look like the number of a person
_BORDER = {"border": 1, "border_color": "#B8C4CE", "valign": "top"}


@dataclass(frozen=True)
class Judged:
    """What came of a list.

    Attributes:
        kind: the list.
        rows: rows that were taken, by column.
        rejects: ``row, column, value, reason`` of those that were not.
        told: what whoever hands it in must know of rows that were taken.
        corrections: cases as objections that were approved correct them; None without any.
    """

    kind: ListKind
    rows: list[dict[str, str]]
    rejects: pd.DataFrame
    told: list[str] = field(default_factory=list)
    corrections: pa.Table | None = None


def known_list(name: str) -> ListKind:
    """A list by its name.

    Raises:
        DrgError: there is none of this name.
    """
    for kind in LISTS.values():
        if name.strip() in (kind.code, kind.zh, kind.en):
            return kind
    raise problem(say("没有这种清单", "no such list"), key="LIST", found=name,
                  expected=one_of([say(f"{kind.zh}（{kind.code}）", kind.code)
                                   for kind in LISTS.values()]))  # fmt: skip


def judge_list(
    files: Files, state: State, name: str, source: str | PathLike[str], *,
    sheet: str | None = None, hospital: str | None = None,
) -> Judged:  # fmt: skip
    """Read a filled form and judge its rows against the book.

    Args:
        files: of the book.
        state: what stands on record.
        name: of the list.
        source: the form.
        sheet: of a workbook.
        hospital: whose form it is: rows on others, or on their cases, are refused.

    Raises:
        DrgError: the file is no such form, or there is no such hospital.
    """
    kind = known_list(name)
    _known_hospital(files, hospital)
    form, found = read_list(kind, files.policy, source, sheet)
    held = standing(files.folder, state.cases)
    places_of = held.places(row.get("case_id", "") for _, row in found)
    context = _Context(files, state, kind, held, places_of, hospital)
    rows: list[dict[str, str]] = []
    places: dict[tuple[str, ...], int] = {}
    for number, row in found:
        key = tuple(row[one] for one in kind.key)
        try:
            if key in places:
                raise RowError(kind.key[0], key[0], f"与第 {places[key]} 行是同一项",
                               f"is the same as row {places[key]}")  # fmt: skip
            context.check(row)
        except RowError as fault:
            form.reject(number, fault)
            continue
        places[key] = number
        rows.append(row)
    told = list(context.told(rows, list(places.values())))
    fixed = None
    if kind.code == "objection" and rows:
        fixed, lost = corrected(files, state, held, rows)
        for place, why in lost:
            form.reject(list(places.values())[place], why)
        gone = {place for place, _ in lost}
        rows = [row for place, row in enumerate(rows) if place not in gone]
    return Judged(kind, rows, form.reject_frame(), told, fixed)


def read_list(
    kind: ListKind, policy: Policy, source: str | PathLike[str], sheet: str | None = None
) -> tuple[Form, list[tuple[int, dict[str, str]]]]:
    """The rows of a filled form in the words that the book keeps, each with its number.

    Raises:
        DrgError: the file is no such form.
    """
    headers = {one.name: (one.zh, one.en, *one.also) for one in kind.columns}
    form = read_form(source, headers, [one.name for one in kind.columns if one.needed], sheet)
    return form, form.parsed(lambda cells: _row(kind, policy, cells))


def _row(kind: ListKind, policy: Policy, cells: Mapping[str, str]) -> dict[str, str]:
    """A row of a form in the words that the book keeps."""
    return {one.name: _cell(one, policy, cells.get(one.name, "")) for one in kind.columns}


def _cell(column: Column, policy: Policy, text: str) -> str:
    if column.name not in _CASE_IDS:
        refuse_text(column.name, text)
    if not text:
        if column.needed:
            raise RowError(column.name, "", "必填", "must be filled in")
        return ""
    choices = choices_of(column, policy)
    if choices is not None:
        return _choice(column, choices, text)
    if column.kind in ("money", "number", "whole"):
        return _number(column, text)
    if column.kind == "day":
        if (day := day_of(text)) is None:
            raise RowError(column.name, text, "不是日期，例如 2025-03-01",
                           "not a day such as 2025-03-01")  # fmt: skip
        return day.isoformat()
    return text


def refuse_text(name: str, text: str) -> None:
    """Refuse a text with a number that tells a person, or longer than a form can show again."""
    if found := person_in(text):
        raise RowError(name, masked(text[:_LONGEST]), f"含{found}，请删除", f"holds {found}")
    if len(text) > _LONGEST:
        raise RowError(name, f"{text[:20]} ...", f"有 {len(text):,} 字，不得超过 {_LONGEST:,} 字",
                       f"has {len(text):,} characters, more than {_LONGEST:,}")  # fmt: skip


def _choice(column: Column, choices: Mapping[str, Words], text: str) -> str:
    plain = plain_header(text)
    for code, (zh, en, others) in choices.items():
        if plain in {plain_header(one) for one in (code, zh, en, *others) if one}:
            return code
    if column.kind == "rule":
        return text
    if column.kind == "pool" and (pool := pool_of(text, choices)):
        return pool
    words = [say(zh, en) for zh, en, _ in choices.values() if zh]
    raise RowError(column.name, text, f"不在可选值中：{'、'.join(words)}",
                   f"not one of: {', '.join(words)}")  # fmt: skip


def _number(column: Column, text: str) -> str:
    plain = unwrapped(folded(text))
    found = amount_of(text) if column.kind == "money" else number_of(plain, _UNITS[column.kind])
    value = Decimal("NaN" if found is None else repr(found))
    good = value.is_finite() and 0 <= value < _MOST
    if good and column.kind == "whole":
        good = value == value.to_integral_value()
    if good and column.kind == "money":
        good = value == value.quantize(Decimal("0.01")) and (column.zero or value > 0)
    if not good:
        low = ("不小于 0", "of 0 or more") if column.zero else ("大于 0", "above 0")
        raise RowError(column.name, text,
                       *((f"应为{low[0]}、小于 {_MOST:,} 元的金额，至分",
                          f"expected an amount {low[1]} and below {_MOST:,} yuan, to the fen")
                         if column.kind == "money" else
                         ("不是可用的数", "not a number that can be used")))  # fmt: skip
    return f"{value:.2f}" if column.kind == "money" else f"{value.normalize():f}"


@dataclass
class _Context:
    """What rows are judged against."""

    files: Files
    state: State
    kind: ListKind
    held: Standing
    places: Mapping[str, int]
    hospital: str | None

    def check(self, row: Mapping[str, str]) -> None:
        """Refuse a row that fits neither the book nor the policy."""
        if "hospital_id" in row and row["hospital_id"] not in self.files.places:
            raise RowError("hospital_id", row["hospital_id"], "不在医疗机构表中",
                           "is not in the table of hospitals")  # fmt: skip
        case = row.get("case_id", "")
        if self.kind.code == "deduction" and row["appeal"] in OFF and self._key(row) in (
                self.deductions):  # fmt: skip
            case = ""  # what stands is taken back, though its case may be gone since
        if case and case not in self.places:
            raise RowError("case_id", case, "病例不在账册中", "is not in the book")
        named = row.get("hospital_id") or self.hospital
        if self.hospital not in (None, named):
            raise RowError("hospital_id", row["hospital_id"], f"不是 {self.hospital} 的",
                           f"is not of {self.hospital}")  # fmt: skip
        if case and named:
            own = self.held.table.column("hospital_id")[self.places[case]].as_py()
            if (own or "").strip() != named:
                raise RowError("case_id", case, "不是该医疗机构的病例",
                               "is not a case of that hospital")  # fmt: skip
        getattr(self, f"_{self.kind.code}", lambda _: None)(row)

    def _key(self, row: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(row[one] for one in self.kind.key)

    @cached_property
    def deductions(self) -> Rows:
        """The list of deductions as it stands."""
        return rows_of(self.files.folder, self.state)["deduction"]

    def _review(self, row: Mapping[str, str]) -> None:
        if self.files.policy.special.review is None:
            raise RowError("case_id", row["case_id"], "政策没有特例单议",
                           "the policy has no special review")  # fmt: skip
        if row["decision"] == "approved" and row["pay"] == "standard" and not row["amount"]:
            raise RowError("amount", "", "调整支付标准的须填核定金额",
                           "an adjusted standard needs its amount")  # fmt: skip
        if row["decision"] == "approved" and not row["pay"]:
            raise RowError("pay", "", "通过的须填支付方式", "an approved case needs its payment")

    def _assessment(self, row: Mapping[str, str]) -> None:
        if row["indicator"] != CREDIT and Decimal(row["score"]) > _FULL:
            raise RowError("score", row["score"], f"满分 {_FULL}", f"out of {_FULL}")

    def _deduction(self, row: Mapping[str, str]) -> None:
        key = self._key(row)
        if (held := self.deductions.get(key, {})).get("finding"):
            raise RowError("rule", row["rule"], f"已由疑点 {held['finding']} 终审认定，不得改动",
                           f"was confirmed as the finding {held['finding']}")  # fmt: skip
        taken = deducted(self.files.policy, {**row, "appeal": ""})
        if not 0 < taken <= _MOST:
            raise RowError("times", row["times"] or row["amount"],
                           f"扣款金额为 {taken:,.2f} 元，应大于 0，不超过 {_MOST:,} 元",
                           f"deducts {taken:,.2f} yuan, not above 0 or over {_MOST:,}")  # fmt: skip

    def _objection(self, row: Mapping[str, str]) -> None:
        wanted = {"regroup": ("diagnoses", "drg"), "branch": ("field",), "deduction": ("rule",)}
        if not any(row[one] for one in wanted[row["about"]]):
            first = wanted[row["about"]][0]
            raise RowError(first, "", "该类意见须填此列", "such an objection needs it")

    def told(self, rows: Sequence[Mapping[str, str]], numbers: Sequence[int]) -> Iterator[str]:
        """What is to be said of rows that are taken."""
        if self.kind.code == "technology" and rows:
            days = self.held.days(row["case_id"] for row in rows)
            for number, row in zip(numbers, rows, strict=True):
                if not within(row, days[row["case_id"]]):
                    yield say(f"第 {number} 行：{row['case_id']} 出院时已不在新技术年限内，"
                              "不按项目支付",
                              f"row {number}: {row['case_id']} was not discharged within the "
                              "technology's years and is not paid by item")  # fmt: skip
        if self.kind.code == "objection":
            yield from self._cancelled(rows, numbers)
        if self.kind.code == "review" and rows:
            yield from self._reviewed(rows, numbers)

    def _cancelled(
        self, rows: Sequence[Mapping[str, str]], numbers: Sequence[int]
    ) -> Iterator[str]:
        """Approved objections to deductions that the book has not: there is nothing to cancel."""
        held = rows_of(self.files.folder, self.state)["deduction"].values()
        stand = {(row["case_id"], row["rule"]) for row in held}
        for number, row in zip(numbers, rows, strict=True):
            if row["about"] == "deduction" and row["decision"] == "approved" and (
                row["case_id"], row["rule"],
            ) not in stand:  # fmt: skip
                yield say(f"第 {number} 行：{row['case_id']} 没有规则“{row['rule']}”的违规扣款，"
                          "无可撤销",
                          f"row {number}: {row['case_id']} has no deduction by '{row['rule']}' to "
                          "be cancelled")  # fmt: skip

    def _reviewed(self, rows: Sequence[Mapping[str, str]], numbers: Sequence[int]) -> Iterator[str]:
        """Applications on cases that need none, and those beyond their quota."""
        review = self.files.policy.special.review
        done = priced(self.files, self.state, self.held)
        for number, row in zip(numbers, rows, strict=True):
            at = self.places[row["case_id"]]
            branch = BRANCHES[int(done.priced.branch[at])]
            if review is not None and review.eligible == "high_outliers" and branch.code not in (
                "high", "review",
            ):  # fmt: skip
                yield say(f"第 {number} 行：{row['case_id']} 不是高倍率病例（{branch.zh}），"
                          "无需单议",
                          f"row {number}: {row['case_id']} is no high outlier ({branch.code}) "
                          "and needs no review")  # fmt: skip


def write_form(
    path: str | PathLike[str],
    kind: ListKind,
    files: Files,
    *,
    rows: Sequence[Mapping[str, str]] = (),
) -> None:
    """Write the form of a list as a workbook, whole or not at all, always the same bytes.

    Args:
        path: the workbook.
        kind: the list.
        files: of the book: its hospitals stand on a sheet of their own.
        rows: rows that are filled in already, such as applications to be decided.

    Raises:
        DrgError: it cannot be written, or is no .xlsx.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise problem(say("填报表须为 Excel 工作簿", "the form is an Excel workbook"), file=path,
                      expected=".xlsx")  # fmt: skip
    english = say("zh", "en") == "en"
    title = kind.en if english else kind.zh
    with new_book(path) as book:
        styles = {
            "bold": book.add_format({"bold": True, "font_size": 14}),
            "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
            "head": book.add_format({**_BORDER, "bold": True, "bg_color": "#DDE6EE",
                                     "text_wrap": True}),
            "need": book.add_format({**_BORDER, "bold": True, "bg_color": "#F9E3B4",
                                     "text_wrap": True}),
            "text": book.add_format({**_BORDER, "num_format": "@", "text_wrap": True}),
        }  # fmt: skip
        sheet = book.add_worksheet(title[:31])
        last = len(kind.columns) - 1
        sheet.write_string(0, 0, title, styles["bold"])
        sheet.merge_range(1, 0, 1, last, kind.advice[english], styles["wrap"])
        sheet.set_row(1, 48)
        count = max(ROWS, len(rows) + ROWS // 4)
        for place, one in enumerate(kind.columns):
            sheet.set_column(place, place, _WIDTHS.get(one.kind, _WIDTHS["choice"]), styles["text"])
            sheet.write_string(_HEADER, place, one.en if english else one.zh,
                               styles["need" if one.needed else "head"])  # fmt: skip
            rule: dict[str, Any] = {}
            choices = choices_of(one, files.policy)
            said = {code: en if english else zh
                    for code, (zh, en, _) in (choices or {}).items() if zh}  # fmt: skip
            if said and len(",".join(said.values())) <= _LONGEST_CHOICE:
                rule = {"validate": "list", "source": list(said.values())}
                if one.kind == "rule":
                    rule["error_type"] = "warning"
            elif one.name == "hospital_id":
                area = say("医疗机构", "Hospitals")
                rule = {
                    "validate": "list",
                    "error_type": "warning",
                    "source": f"='{area}'!$A$2:$A${len(files.hospitals) + 1}",
                }
            if rule:
                sheet.data_validation(_HEADER + 1, place, _HEADER + count, place, rule)
            for line in range(count):
                text = rows[line].get(one.name, "") if line < len(rows) else ""
                text = said.get(text, text) if line < len(rows) else text
                sheet.write_string(_HEADER + 1 + line, place, neutralise(text), styles["text"])
        sheet.freeze_panes(_HEADER + 1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(_HEADER)
        listed = book.add_worksheet(say("医疗机构", "Hospitals"))
        listed.set_column(0, 1, 30)
        for place, text in enumerate((say("医疗机构代码", "Hospital"), say("名称", "Name"))):
            listed.write_string(0, place, text, styles["head"])
        pairs = zip(files.hospitals.ids, files.hospitals.names, strict=True)
        for line, pair in enumerate(pairs, 1):
            for place, cell in enumerate(pair):
                listed.write_string(line, place, neutralise(str(cell)), styles["text"])


def standing_rows(
    files: Files, state: State, kind: ListKind, hospital: str | None = None
) -> list[dict[str, str]]:
    """The rows of a list as they stand, for a form that goes on from them.

    Args:
        files: of the book.
        state: what stands on record.
        kind: the list.
        hospital: only rows of this hospital or its cases.
    """
    _known_hospital(files, hospital)
    rows = list(rows_of(files.folder, state)[kind.code].values())
    if hospital is None:
        return rows
    held = standing(files.folder, state.cases)
    home = held.homes(row.get("case_id", "") for row in rows)
    return [
        row
        for row in rows
        if hospital == (row.get("hospital_id") or home.get(row.get("case_id", "")))
    ]


def _known_hospital(files: Files, hospital: str | None) -> None:
    if hospital is not None and hospital not in files.places:
        raise problem(say("不在医疗机构表中", "is not in the table of hospitals"),
                      key="--hospital", found=hospital)  # fmt: skip
