"""The report of an import: as a workbook and as CSV, in Chinese and English, and in short."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drg.language import say, spoken
from drg.tables.atomic import atomic_path, writing
from drg.tables.excel.book import new_book
from drg.tables.rejects import neutralise
from grouper.importer.findings import Finding, Findings
from grouper.importer.kinds import KINDS, LEVEL_ZH, LEVELS

REPORT = "import-report"
REPORTS = (f"{REPORT}.csv", f"{REPORT}.xlsx")
COLUMNS = (
    ("级别 level", 16), ("工作表 sheet", 22), ("行 row", 8), ("单元格 cell", 14),
    ("编码 code", 16),
    ("问题", 34), ("problem", 38), ("发现 found", 40), ("应为 expected", 40),
    ("建议", 36), ("what to do", 44), ("类型 kind", 22),
)  # fmt: skip
_MOST_SHOWN = 32_000


def write_report(
    findings: Findings, folder: Path, lines: Sequence[str] = ()
) -> tuple[Path, Path]:  # fmt: skip
    """Write ``import-report.xlsx`` and ``import-report.csv``; ``lines`` stand in the summary.

    Raises:
        DrgError: they cannot be written.
    """
    rows = [_row(finding) for finding in findings]
    table, book = folder / f"{REPORT}.csv", folder / f"{REPORT}.xlsx"
    with (
        atomic_path(table) as partial,
        writing(table),
        partial.open("w", encoding="utf-8-sig", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([title for title, _ in COLUMNS])
        writer.writerows([neutralise(str(cell)) for cell in row] for row in rows)
    with new_book(book) as opened:
        _fill(opened, findings, rows, lines)
    return book, table


def _row(finding: Finding) -> list[str | int]:
    about, level = finding.about, finding.level
    row = finding.place.row if finding.place.row is not None else ""
    return [f"{LEVEL_ZH[level]} {level}", finding.place.sheet, row, finding.place.cell,
            finding.code, about.zh, about.en, finding.found, finding.expected, about.mend_zh,
            about.mend_en, about.name]  # fmt: skip


def _fill(
    book: Any, findings: Findings, rows: list[list[str | int]], lines: Sequence[str]
) -> None:  # fmt: skip
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7", "text_wrap": True})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    _summary(book, bold, findings, lines)
    sheet = book.add_worksheet("问题 findings")
    sheet.freeze_panes(1, 0)
    for i, (title, width) in enumerate(COLUMNS):
        sheet.set_column(i, i, width, wrap)
        sheet.write_string(0, i, title, bold)
    for number, row in enumerate(rows, 1):
        for i, cell in enumerate(row):
            if isinstance(cell, int):
                sheet.write_number(number, i, cell)
            elif cell:
                sheet.write_string(number, i, cell[:_MOST_SHOWN])
    sheet.autofilter(0, 0, max(1, len(rows)), len(COLUMNS) - 1)


def _summary(book: Any, bold: Any, findings: Findings, lines: Sequence[str]) -> None:
    sheet = book.add_worksheet("概要 summary")
    for i, (title, width) in enumerate(
        (("级别 level", 16), ("问题", 42), ("problem", 50), ("数量 count", 12))
    ):
        sheet.set_column(i, i, width)
        sheet.write_string(0, i, title, bold)
    number = 0
    for number, (level, kind, count) in enumerate(by_kind(findings), 1):
        sheet.write_string(number, 0, f"{LEVEL_ZH[level]} {level}")
        sheet.write_string(number, 1, KINDS[kind].zh)
        sheet.write_string(number, 2, KINDS[kind].en)
        sheet.write_number(number, 3, count)
    result = "未写出方案包 no pack was written" if findings.count("error") else "可用 usable"
    sheet.write_string(number + 2, 0, result, bold)
    for i, line in enumerate(lines, number + 3):
        sheet.write_string(i, 0, line)


def by_kind(findings: Findings) -> Sequence[tuple[str, str, int]]:
    """Level, kind and count of what was found, errors first."""
    counts = Counter((LEVELS.index(finding.level), finding.kind) for finding in findings)
    more = findings.cut
    return [
        (LEVELS[level], kind, count + more.get(kind, 0))
        for (level, kind), count in sorted(counts.items())
    ]


def summary(findings: Findings, most: int = 20) -> str:
    """A few lines for a terminal: the counts of each kind, then the first errors."""
    lines = [
        say(f"  {LEVEL_ZH[level]}  {count:>6,}  {KINDS[kind].zh}",
            f"  {level:<7}  {count:>6,}  {KINDS[kind].en}")
        for level, kind, count in by_kind(findings)
    ]  # fmt: skip
    errors = [finding for finding in findings if finding.level == "error"]
    lines += [finding.text(spoken()) for finding in errors[:most]]
    if len(errors) > most:
        left = len(errors) - most
        lines.append(say(f"……报告中另有 {left:,} 处错误",
                         f"... {left:,} more errors in the report"))  # fmt: skip
    return "\n".join(lines)
