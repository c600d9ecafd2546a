"""Reading a workbook, or a folder of tables, into sheets of texts with Excel's row numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drg.errors import DrgError, problem
from drg.language import say
from drg.tables.excel.grid import grids
from grouper.importer.cells import tidy
from grouper.importer.findings import Findings, Place

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
TEXT_TABLES = (".csv", ".tsv", ".txt")
_OWN_REPORTS = ("import-report", "marks")


@dataclass(frozen=True)
class RawSheet:
    """A sheet as texts.

    Attributes:
        name: the sheet's name, or the name of the file that is a table.
        rows: cells; row i is Excel's row i + 1.
    """

    name: str
    rows: list[list[str]]


def read_sheets(source: Path, findings: Findings) -> list[RawSheet]:
    """All sheets of a workbook, or of the tables of a folder.

    What cannot be read becomes a finding.

    Raises:
        DrgError: there is no such file or folder, or no table in it.
    """
    if source.is_dir():
        kinds = (*WORKBOOKS, *TEXT_TABLES)
        files = sorted(
            path
            for path in source.iterdir()
            if path.suffix.lower() in kinds
            and not path.name.startswith((".", "~$"))
            and path.stem not in _OWN_REPORTS
        )
        if not files:
            raise problem(
                say("其中没有表格", "holds no tables"), file=source, expected=", ".join(kinds)
            )
        return [sheet for path in files for sheet in _file(path, findings, path.name)]
    if not source.is_file():
        raise problem(say("没有这个文件或文件夹", "no such file or folder"), file=source)
    if source.suffix.lower() not in (*WORKBOOKS, *TEXT_TABLES):
        raise problem(say("不是工作簿或表格", "is not a workbook or a table"), file=source,
                      expected=", ".join(WORKBOOKS))  # fmt: skip
    return list(_file(source, findings, ""))


def _file(path: Path, findings: Findings, prefix: str) -> Iterator[RawSheet]:
    try:
        if path.suffix.lower() in TEXT_TABLES:
            yield RawSheet(path.name, _text_table(path))
        else:
            yield from _workbook(path, findings, prefix)
    except (OSError, ValueError, csv.Error, DrgError) as error:
        findings.add("unreadable_sheet", Place(path.name), found=_short(error))


def _short(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())[:200]


def _text_table(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    first = text.split("\n", 1)[0]
    if path.suffix.lower() != ".csv" or first.count("\t") > first.count(","):
        lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        delimiter = ";" if first.count(";") > first.count(",") else ","
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [[tidy(cell) for cell in line] for line in lines]


def _workbook(path: Path, findings: Findings, prefix: str) -> Iterator[RawSheet]:
    held = list(grids(path))
    for name, cells in held:
        shown = f"{prefix}/{name}" if prefix and len(held) > 1 else prefix or name
        if isinstance(cells, DrgError):  # a chart sheet or a damaged one
            findings.add("unreadable_sheet", Place(shown), found=_short(cells))
        else:
            yield RawSheet(shown, [[_text(cell) for cell in row] for row in cells])


def _text(value: Any) -> str:
    if isinstance(value, str):
        return tidy(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    return "" if value is None else str(value)
