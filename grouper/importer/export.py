"""A scheme as a workbook that an official can read and that imports to the same scheme."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from drg.errors import problem
from drg.language import say
from drg.tables.excel.book import new_book
from grouper.importer.build import MARK_COLUMNS, MARKS
from grouper.importer.roles import ROLES
from grouper.importer.tables import Mark
from grouper.scheme.model import MDC_LIST, Scheme, holds_procedures

_MOST_ROWS = 1_048_575
_WIDTHS = {"规则": 60, "内容": 90, "新技术标记": 14, "备注": 30, "说明": 100}
_Row = Sequence[str]
_NOTES = (
    "本工作簿是一个分组方案的全部表格，可修改后用 drg scheme import 重新导入。",
    "各表第一行是表头；行的先后即规则的先后。规则列优先于由列表推导的规则。",
    "列表：D1、D2 为诊断列表，P1、P2 为手术操作列表，P1#2 为分列表。",
    "This workbook is a whole grouping scheme; change it and import it with drg scheme import.",
)


def read_marks(folder: Path) -> list[Mark]:
    """The marks beside a pack; none when there is no ``marks.csv``.

    Raises:
        DrgError: the file has other columns.
    """
    path = folder / MARKS
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    if not rows or tuple(rows[0]) != MARK_COLUMNS or any(len(r) != 4 for r in rows):
        raise problem(
            say("列不符", "has other columns"), file=path, expected=",".join(MARK_COLUMNS)
        )
    return [Mark(*row) for row in rows[1:]]


def export_workbook(
    scheme: Scheme, path: str | PathLike[str], marks: Iterable[Mark] = ()
) -> dict[str, int]:
    """Write a scheme as a workbook with Chinese headers, rules included.

    Args:
        scheme: the scheme.
        path: the ``.xlsx`` file.
        marks: new-technology marks and remarks.

    Returns:
        Sheets and their numbers of rows.

    Raises:
        DrgError: the file cannot be written, or is not an ``.xlsx``.
    """
    path = Path(path)
    if path.suffix.lower() != ".xlsx":
        raise problem(say("不是 Excel 工作簿", "is not an Excel workbook"), file=path,
                      expected=say("以 .xlsx 结尾的文件名", "a name ending in .xlsx"))  # fmt: skip
    marked = {mark.code: mark for mark in marks}
    written: dict[str, int] = {}
    with new_book(path) as book:
        bold = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        written["说明"] = _sheet(book, bold, "说明", ("说明",), ((note,) for note in _NOTES))
        for role, header, rows in _tables(scheme, marked):
            title = ROLES[role].title
            written[title] = _sheet(book, bold, title, header, rows)
    return written


def _sheet(book: Any, bold: Any, title: str, header: _Row, rows: Iterable[_Row]) -> int:
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 0)
    for i, name in enumerate(header):
        sheet.set_column(i, i, _WIDTHS.get(name, 44 if name.endswith("名称") else 16))
        sheet.write_string(0, i, name, bold)
    number = 0
    for number, row in enumerate(rows, 1):
        if number > _MOST_ROWS:
            raise problem(say("行数超过工作表上限", "has more rows than a sheet can hold"),
                          key=title)  # fmt: skip
        for i, cell in enumerate(row):
            if cell:
                sheet.write_string(number, i, cell)
    if number and title != "说明":
        sheet.autofilter(0, 0, number, len(header) - 1)
    return number


def _tables(scheme: Scheme, marked: dict[str, Mark]) -> Iterator[tuple[str, _Row, Iterable[_Row]]]:
    dx, px = scheme.diagnosis_names, scheme.procedure_names
    header = scheme.header
    yield "scheme", ("项目", "内容"), [
        ("编号", header.id), ("方案名称", header.title), ("英文标题", header.title_en),
        ("版本", header.version), ("发布单位", header.issuer), ("来源", header.source),
        ("编码版本", header.codes),
    ]  # fmt: skip
    more = ("新技术标记", "备注") if marked else ()
    yield (
        "mdc",
        ("MDC编码", "MDC名称", "规则", *more),
        [(g.code, g.name, g.rule, *_mark(marked, g.code)) for g in scheme.mdcs],
    )
    yield (
        "adrg",
        ("ADRG编码", "MDC编码", "ADRG名称", "规则", *more),
        [(g.code, g.mdc, g.name, g.rule, *_mark(marked, g.code)) for g in scheme.adrgs],
    )
    yield (
        "drg",
        ("DRG编码", "ADRG编码", "DRG名称", "规则", *more),
        [(g.code, g.adrg, g.name, g.rule, *_mark(marked, g.code)) for g in scheme.drgs],
    )
    yield (
        "mdc_diagnoses",
        ("MDC编码", "主要诊断编码", "主要诊断名称"),
        ((owner, code, dx[code]) for owner, _, code in _members(scheme, "M")),
    )
    yield (
        "adrg_diagnoses",
        ("ADRG编码", "列表号", "诊断编码", "诊断名称"),
        ((owner, name, code, dx[code]) for owner, name, code in _members(scheme, "D")),
    )
    yield (
        "adrg_procedures",
        ("ADRG编码", "列表号", "手术操作编码", "手术操作名称"),
        ((owner, name, code, px[code]) for owner, name, code in _members(scheme, "P")),
    )
    for role, held in (("mcc", scheme.mcc), ("cc", scheme.cc)):
        yield (
            role,
            ("诊断编码", "诊断名称", "排除表号"),
            ((code, dx[code], table) for code, table in held.items()),
        )
    yield (
        "exclusions",
        ("排除表号", "主要诊断编码", "主要诊断名称"),
        (
            (table, code, dx[code])
            for code, table in sorted(scheme.exclusion.items(), key=lambda item: _natural(item[1]))
        ),
    )
    yield (
        "trauma_sites",
        ("诊断编码", "诊断名称", "创伤部位"),
        ((code, dx[code], site) for code, site in scheme.trauma_sites.items()),
    )
    yield "diagnosis_codes", ("诊断编码", "诊断名称"), dx.items()
    yield (
        "procedure_codes",
        ("手术操作编码", "手术操作名称", "是否有效"),
        (
            (code, name, "是" if code in scheme.grouping_procedures else "")
            for code, name in px.items()
        ),
    )


def _mark(marked: dict[str, Mark], code: str) -> tuple[str, ...]:
    if not marked:
        return ()
    return (marked[code].mark, marked[code].note) if code in marked else ("", "")


def _members(scheme: Scheme, letter: str) -> Iterator[tuple[str, str, str]]:
    """(owner, list, code), each once, in the order of the groups."""
    codes = [*(g.code for g in scheme.mdcs), *(g.code for g in scheme.adrgs)]
    order = {code: i for i, code in enumerate(codes)}
    for owner, name in sorted(scheme.lists, key=lambda key: (order.get(key[0], -1), key[1])):
        held = "M" if name == MDC_LIST else "P" if holds_procedures(name) else "D"
        if held == letter:
            for code in dict.fromkeys(scheme.lists[owner, name]):
                yield owner, name, code


def _natural(table: str) -> tuple[int, str]:
    return (int(table), "") if table.isdecimal() else (1 << 30, table)
