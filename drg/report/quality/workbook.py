"""The quality report as an Excel workbook: one sheet a subject, text never taken for a formula."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, TypeAlias

from drg.report.quality.words import QualityWords, in_order, shown, shown_score, shown_share, small
from drg.tables.excel.book import new_book
from grouper.quality.report import Line, QualityReport
from grouper.quality.rules import GROUPS, RULES

Cell: TypeAlias = str | int | float
_FONT = "Microsoft YaHei"
_LONGEST = 32_000
_SHEETS = {
    "summary": ("概况", "Summary"),
    "findings": ("检查结果", "Findings"),
    "hospitals": ("按医疗机构", "By hospital"),
    "months": ("按月份", "By month"),
    "completeness": ("字段完整性", "Completeness"),
    "grey": ("灰码", "Grey codes"),
    "unmapped": ("未对照编码", "Unknown codes"),
}


def write_workbook(path: str | PathLike[str], report: QualityReport, lang: str = "zh") -> None:
    """Write the report as an .xlsx file.

    Args:
        path: the file.
        report: what was found.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: the file cannot be written.
    """
    words = QualityWords(lang)
    with new_book(path, title=words["title"]) as book:
        _Book(book, report, words).write()


class _Book:
    """A workbook under way."""

    def __init__(self, book: Any, report: QualityReport, words: QualityWords) -> None:
        self._book, self._report, self._words = book, report, words
        base = {"font_name": _FONT, "font_size": 10, "valign": "top"}
        self._plain = book.add_format({**base, "text_wrap": True})
        self._number = book.add_format({**base, "num_format": "#,##0", "align": "right"})
        self._decimal = book.add_format({**base, "num_format": "0.0", "align": "right"})
        self._right = book.add_format({**base, "align": "right"})
        self._head = book.add_format(
            {**base, "bold": True, "bg_color": "#EEF3F7", "bottom": 1, "text_wrap": True}
        )
        self._title = book.add_format({**base, "bold": True, "font_size": 16})

    def write(self) -> None:
        """Write every sheet."""
        self._summary()
        self._findings()
        self._hospitals()
        self._months()
        self._completeness()
        self._codes()

    def _sheet(self, key: str, widths: Sequence[int]) -> Any:
        sheet = self._book.add_worksheet(self._words.of(_SHEETS[key]))
        for i, width in enumerate(widths):
            sheet.set_column(i, i, width, self._plain)
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        if sum(widths) > 100:
            sheet.set_landscape()
        return sheet

    def _cell(self, sheet: Any, row: int, column: int, cell: Cell, right: bool = False) -> None:
        if isinstance(cell, str):
            sheet.write_string(row, column, cell[:_LONGEST], self._right if right else self._plain)
        else:
            style = self._number if isinstance(cell, int) else self._decimal
            sheet.write_number(row, column, cell, style)

    def _table(
        self,
        key: str,
        head: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        widths: Sequence[int],
        right: set[int],
    ) -> None:
        sheet = self._sheet(key, widths)
        for i, text in enumerate(head):
            sheet.write_string(0, i, text, self._head)
        for number, row in enumerate(rows, 1):
            for i, cell in enumerate(row):
                self._cell(sheet, number, i, cell, i in right)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        if rows:
            sheet.autofilter(0, 0, len(rows), len(head) - 1)

    def _summary(self) -> None:
        report, words = self._report, self._words
        sheet = self._sheet("summary", (18, 84))
        sheet.write_string(0, 0, words["title"], self._title)
        facts = [
            (words["score"], shown_score(report.total)),
            (words["flagged"], shown(report.total.flagged)),
            *words.summary(report),
        ]
        for row, (label, value) in enumerate(facts, 2):
            self._cell(sheet, row, 0, label)
            self._cell(sheet, row, 1, value)
        for row, note in enumerate(words.notes(), len(facts) + 3):
            self._cell(sheet, row, 0, words["notes"] if row == len(facts) + 3 else "")
            self._cell(sheet, row, 1, note)

    def _findings(self) -> None:
        words = self._words
        head = (words["group"], words["rule"], words["severity"], words["cases"], words["share"])
        cases = self._report.total.cases
        rows = [
            (words.of(GROUPS[rule.group]), rule.text(words.lang), words.severity(rule.severity),
             *((_count(n), shown_share(n, cases)) if checked
               else (words.of(("未检查（缺列）", "not checked: no column")), "")))
            for rule, checked, n in self._report.rules()
        ]  # fmt: skip
        self._table("findings", head, rows, (16, 52, 10, 16, 10), {3, 4})

    def _hospitals(self) -> None:
        words = self._words
        head = (words["hospital_id"], words["hospital"], *self._measure_heads())
        rows = [
            (str(line.key) or words["unnamed"], line.name, *self._measures(line))
            for line in in_order(self._report.hospitals)
        ]
        self._table("hospitals", head, rows, (14, 30, *self._widths()), self._right_from(2))

    def _months(self) -> None:
        head = (self._words["month"], *self._measure_heads())
        rows = [(self._words.month(line), *self._measures(line)) for line in self._report.months]
        self._table("months", head, rows, (14, *self._widths()), self._right_from(1))

    def _used(self) -> list[int]:
        return [i for i, n in enumerate(self._report.total.counts.tolist()) if n]

    def _measure_heads(self) -> list[str]:
        words = self._words
        rules = [RULES[i].text(words.lang) for i in self._used()]
        return [words["cases"], words["flagged"], words["share"], words["score"], *rules]

    def _widths(self) -> list[int]:
        return [10, 12, 10, 10, *([16] * len(self._used()))]

    def _right_from(self, first: int) -> set[int]:
        return set(range(first, first + 4 + len(self._used())))

    def _measures(self, line: Line) -> list[Cell]:
        if small(line.cases):
            return [shown(line.cases), *(["—"] * (3 + len(self._used())))]
        score: Cell = shown_score(line)
        if not small(line.flagged) and line.cases:
            score = round(line.score, 1)
        return [
            _count(line.cases), _count(line.flagged), shown_share(line.flagged, line.cases), score,
            *(_count(int(line.counts[i])) for i in self._used()),
        ]  # fmt: skip

    def _completeness(self) -> None:
        words = self._words
        head = (words["part"], words["column"], words["filled"], words["missing"])
        rows = [
            (
                words.part(f),
                ", ".join(f.columns),
                "—" if small(f.missing) else _count(f.filled),
                _count(f.missing),
            )
            if f.columns
            else (words.part(f), words["absent"], "—", "—")
            for f in self._report.completeness
        ]
        self._table("completeness", head, rows, (18, 60, 14, 12), {2, 3})

    def _codes(self) -> None:
        words, report = self._words, self._report
        head = (words["code"], words["name"], words["cases"])
        grey = [(code, name, _count(n)) for code, name, n in report.grey]
        self._table("grey", head, grey, (20, 60, 12), {2})
        wide = (words["code"], words["name"], words["uses"], words["principal"],
                words["clinical"], words["by_code"], words["by_name"])  # fmt: skip
        rows = [
            (u.code, u.name, _count(u.uses), _count(u.principal), u.clinical,
             "\n".join(u.by_code), "\n".join(u.by_name))
            for u in report.unmapped
        ]  # fmt: skip
        self._table("unmapped", wide, rows, (20, 26, 10, 12, 34, 44, 44), {2, 3})


def _count(count: int) -> Cell:
    return shown(count) if small(count) else count
