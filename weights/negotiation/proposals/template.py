"""The form of proposals (权重调整申请表) as a workbook, with groups and hospitals to look up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from drg.cases.privacy import FEWEST
from drg.errors import problem
from drg.language import say
from drg.tables.excel.book import new_book
from weights.negotiation.proposals.context import Context
from weights.negotiation.proposals.guide import GUIDE, LABELS, NOTES
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.proposals.words import COLUMNS, PARTY_WORDS, WHAT_WORDS, heading
from weights.table.text import guarded, visible

ROWS = 200  # rows prepared to be filled in; more may be added below
HEADER = 2  # 0-based row of the headings: a title and a line of advice stand above
_WIDTHS = {"party": 12, "hospital_id": 16, "drg": 12, "what": 12, "value": 26, "least": 13,
           "most": 13, "reason": 44, "evidence": 36}  # fmt: skip
_LOOKUP = ("name", "weight")  # filled in by formulas beside the form's own columns
_BORDER = {"border": 1, "border_color": "#B8C4CE", "valign": "top"}


def write_template(
    path: str | PathLike[str],
    context: Context,
    *,
    title: str = "",
    lang: str = "zh",
    proposals: Sequence[Proposal] = (),
) -> None:
    """Write the form as an .xlsx workbook, whole or not at all, always the same bytes.

    Sheets: the form with drop-down lists; how to fill it in; the groups of the draft with weight,
    cases, mean cost, CV and interval (all of it but the weight kept back below 5 cases); the
    hospitals.

    Args:
        path: the workbook.
        context: draft and hospitals; cases fill in what the draft table does not say.
        title: of the round, for the first line.
        lang: ``zh`` or ``en``.
        proposals: rows that are filled in already.

    Raises:
        DrgError: the file cannot be written, is no .xlsx, or the language is not known.
    """
    path = Path(path)
    if lang not in LABELS:
        raise problem(say("填报表没有此语言", "not a language of the form"), key="lang", found=lang,
                      expected=say("zh 或 en", "zh or en"))  # fmt: skip
    if path.suffix.lower() != ".xlsx":
        raise problem(say("申请表须为 Excel 工作簿", "the form is an Excel workbook"), file=path,
                      found=path.name, expected=".xlsx")  # fmt: skip
    with new_book(path) as book:
        _Form(book, context, lang).write(title, proposals)


class _Form:
    """The sheets of one form."""

    def __init__(self, book: Any, context: Context, lang: str) -> None:
        self.book, self.context, self.lang = book, context, lang
        self.labels, self.notes = LABELS[lang], NOTES[lang]
        self.head = book.add_format({**_BORDER, "bold": True, "bg_color": "#DDE6EE",
                                     "text_wrap": True, "valign": "vcenter"})  # fmt: skip
        self.needed = book.add_format({**_BORDER, "bold": True, "bg_color": "#F9E3B4",
                                       "text_wrap": True, "valign": "vcenter"})  # fmt: skip
        self.text = book.add_format({**_BORDER, "num_format": "@", "text_wrap": True})
        self.shaded = book.add_format({**_BORDER, "bg_color": "#F2F2F2", "text_wrap": True})
        self.bold = book.add_format({"bold": True, "font_size": 14, "valign": "vcenter"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})

    def write(self, title: str, proposals: Sequence[Proposal]) -> None:
        """Write all sheets; the form comes first, so that the workbook opens with it."""
        form = self.book.add_worksheet(self.labels["form"])
        self._guide(self.book.add_worksheet(self.labels["guide"]))
        groups = self._groups(self.book.add_worksheet(self.labels["groups"]))
        hospitals = self._hospitals(self.book.add_worksheet(self.labels["hospitals"]))
        self._form(form, title, proposals, groups, hospitals)

    def _form(
        self, sheet: Any, title: str, proposals: Sequence[Proposal], groups: int, hospitals: int
    ) -> None:
        rows = max(ROWS, len(proposals) + ROWS // 4)
        names = list(COLUMNS)
        last = len(names) + len(_LOOKUP) - 1
        shown = f"{self.labels['title']}  {visible(title)}" if title else self.labels["title"]
        sheet.merge_range(0, 0, 0, last, "", self.bold)
        sheet.write_string(0, 0, guarded(shown), self.bold)
        sheet.merge_range(1, 0, 1, last, self.labels["advice"], self.wrapped)
        sheet.set_row(0, 26)
        sheet.set_row(1, 48)
        sheet.set_row(HEADER, 30)
        for place, name in enumerate(names):
            optional = name in ("hospital_id", "least", "most", "evidence")
            sheet.set_column(place, place, _WIDTHS[name], self.text)
            sheet.write_string(HEADER, place, heading(name, self.lang),
                               self.head if optional else self.needed)  # fmt: skip
        for place, name in enumerate(_LOOKUP, len(names)):
            sheet.set_column(place, place, 30 if name == "name" else 12)
            sheet.write_string(HEADER, place, self.labels[f"form_{name}"], self.head)
        self._rows(sheet, rows, proposals, groups)
        self._choices(sheet, rows, groups, hospitals)
        sheet.freeze_panes(HEADER + 1, 3)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(HEADER)

    def _rows(self, sheet: Any, rows: int, proposals: Sequence[Proposal], groups: int) -> None:
        names, group = list(COLUMNS), list(COLUMNS).index("drg")
        held = self._known()
        for row in range(HEADER + 1, HEADER + 1 + rows):
            place = row - HEADER - 1
            one = proposals[place] if place < len(proposals) else None
            for column, name in enumerate(names):
                cell = "" if one is None else self._cell(one, name)
                if cell:
                    sheet.write_string(row, column, cell, self.text)
                else:
                    sheet.write_blank(row, column, None, self.text)
            for column, name in enumerate(_LOOKUP, len(names)):
                area = f"'{self.labels['groups']}'!$A$2:$C${groups + 1}"
                formula = (f'=IFERROR(VLOOKUP({_address(row, group)},{area},'
                           f'{column - len(names) + 2},FALSE),"")')  # fmt: skip
                value = held.get(one.drg, {}).get(name, "") if one else ""
                sheet.write_formula(row, column, formula, self.shaded, value)

    def _cell(self, one: Proposal, name: str) -> str:
        held = getattr(one, name)
        for column, words in (("party", PARTY_WORDS), ("what", WHAT_WORDS)):
            if name == column:
                return words[held][self.lang != "zh"]  # type: ignore[return-value]
        if held is None:
            return ""
        if isinstance(held, float | int):
            return repr(float(held))
        # A value such as +10% is shown as it is: a text cell is never run.
        return held if name == "value" else guarded(held)

    def _choices(self, sheet: Any, rows: int, groups: int, hospitals: int) -> None:
        """Drop-down lists, and advice beside the cells."""
        english = self.lang != "zh"
        lists: dict[str, tuple[Any, str]] = {
            "party": ([words[english] for words in PARTY_WORDS.values()], "stop"),
            "what": ([words[english] for words in WHAT_WORDS.values()], "stop"),
            "drg": (f"='{self.labels['groups']}'!$A$2:$A${groups + 1}", "warning"),
        }
        if hospitals:
            area = f"='{self.labels['hospitals']}'!$A$2:$A${hospitals + 1}"
            lists["hospital_id"] = (area, "warning")
        for place, name in enumerate(COLUMNS):
            rule: dict[str, Any] = {"validate": "any"}
            if name in lists:
                source, strict = lists[name]
                rule = {"validate": "list", "source": source, "error_type": strict,
                        "error_title": heading(name, self.lang),
                        "error_message": self.labels["not_listed"]}  # fmt: skip
            rule |= {"input_title": heading(name, self.lang), "input_message": self.notes[name]}
            sheet.data_validation(HEADER + 1, place, HEADER + rows, place, rule)

    def _guide(self, sheet: Any) -> None:
        sheet.set_column(0, 0, 22, self.wrapped)
        sheet.set_column(1, 1, 44, self.wrapped)
        sheet.set_column(2, 2, 70, self.wrapped)
        for row, line in enumerate(GUIDE[self.lang]):
            shape = self.bold if len(line) == 1 else self.head if line[0] == "#" else self.text
            for column, cell in enumerate(line[1:] if line[0] == "#" else line):
                sheet.write_string(row, column, cell, shape)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)

    def _known(self) -> dict[str, dict[str, Any]]:
        return {str(one["drg"]): one for one in group_figures(self.context)}

    def _groups(self, sheet: Any) -> int:
        figures = group_figures(self.context)
        columns = ("drg", "name", "weight", "cases", "mean_cost", "cv", "ci_low", "ci_high")
        styles = {"weight": "0.0000", "cases": "#,##0", "mean_cost": "#,##0.00", "cv": "0.00",
                  "ci_low": "0.0000", "ci_high": "0.0000"}  # fmt: skip
        for place, name in enumerate(columns):
            shape = self.book.add_format({**_BORDER, "num_format": styles.get(name, "@")})
            sheet.set_column(place, place, {"drg": 12, "name": 50}.get(name, 14))
            sheet.write_string(0, place, self.labels[f"groups_{name}"], self.head)
            for row, one in enumerate(figures, 1):
                _write(sheet, row, place, one[name], shape)
        sheet.freeze_panes(1, 1)
        if figures:
            sheet.autofilter(0, 0, len(figures), len(columns) - 1)
        return max(len(figures), 1)

    def _hospitals(self, sheet: Any) -> int:
        names = self.context.hospital_names
        for place, name in enumerate(("hospital_id", "hospital_name")):
            sheet.set_column(place, place, (20, 50)[place])
            sheet.write_string(0, place, self.labels[name], self.head)
        for row, (key, name) in enumerate(names.items(), 1):
            sheet.write_string(row, 0, key, self.text)
            sheet.write_string(row, 1, guarded(visible(name)), self.text)
        sheet.freeze_panes(1, 1)
        return len(names)


def group_figures(context: Context) -> list[dict[str, Any]]:
    """The groups with a draft weight, for the form to look up.

    Returns:
        ``drg, name, weight, cases, mean_cost`` (yuan), ``cv, ci_low, ci_high`` of each; None where
        unknown. Of 1 to 4 cases only ``<5`` is told.
    """
    frame = context.weights.frame
    frame = frame[frame["weight"].notna()]
    counted = context.figures()
    found: list[dict[str, Any]] = []
    for one in frame.to_dict("records"):
        drg = str(one["drg"])
        figures: dict[str, Any] = {"drg": drg, "name": str(one.get("name") or ""),
                                   "weight": float(one["weight"])}  # fmt: skip
        for name in ("cases", "mean_cost", "cv", "ci_low", "ci_high"):
            figures[name] = _known_number(one.get(name))
        if figures["cases"] is None and context.cases is not None:
            figures |= counted.get(drg, {"cases": 0.0})
        if figures["cases"] is None or 0 < figures["cases"] < FEWEST:
            small = figures["cases"] is not None
            figures |= dict.fromkeys(("mean_cost", "cv", "ci_low", "ci_high"))
            figures["cases"] = f"<{FEWEST}" if small else None
        found.append(figures)
    return found


def _known_number(held: Any) -> float | None:
    known = isinstance(held, int | float | np.number) and math.isfinite(held)
    return float(held) if known else None


def _write(sheet: Any, row: int, column: int, cell: Any, shape: Any) -> None:
    if cell is None or cell == "":
        sheet.write_blank(row, column, None, shape)
    elif isinstance(cell, str):
        # A code must be found by the drop-down list as it is; a text cell is never run.
        sheet.write_string(row, column, cell if column == 0 else guarded(visible(cell)), shape)
    else:
        sheet.write_number(row, column, cell, shape)


def _address(row: int, column: int) -> str:
    return f"{chr(ord('A') + column)}{row + 1}"
