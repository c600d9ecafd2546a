"""An official workbook of full size: the groups of 3.0 over as many rows as were published."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import python_calamine as calamine

from drg.tables.excel.book import new_book
from grouper import load_scheme
from grouper.scheme.model import is_nameless
from grouper.scheme.pack import load_groups

SETS, COMPLICATIONS, EXCLUSIONS = 106_950, 7_918, 21_036  # rows of the published file
TABLES = 148


def _rows() -> dict[str, list[Sequence[object]]]:
    """The groups of 3.0 over sets of real codes, as many as the published file holds."""
    groups, edition = load_groups("chs-drg-3.0"), load_scheme("chs-drg-2.0")
    dx, px = list(edition.diagnosis_names.items()), list(edition.procedure_names.items())
    named = [adrg.code for adrg in groups.adrgs if adrg.name]
    cells = {code: f"(ZYZD in DI_{code}) \nand (ZYSS in OP_{code})" for code in named}
    rows: dict[str, list[Sequence[object]]] = {
        "MDC": [("MDC编码", "MDC名称", "MDC规则", "排序")],
        "ADRG": [("ADRG编码", "ADRG名称", "ADRG规则", "所属MDC编码", "MDC内排序")],
        "DRG": [("DRG", "DRG名称", "DRG规则", "所属ADRG编码", "所属MDC编码", "排序")],
        "集合": [("集合编号", "ICD编码", "ICD名称", "类型编号")],
        "CC": [("疾病编码", "疾病名称", "排除表", "类型")],
        "排除表": [("集合编号", "ICD编码", "ICD名称")],
    }
    rows["MDC"] += [(mdc.code, mdc.name, f"ZYZD in DI_{mdc.code[-1]}00", i)
                    for i, mdc in enumerate(groups.mdcs, 1)]  # fmt: skip
    above = {adrg.code: adrg.mdc for adrg in groups.adrgs}
    rows["ADRG"] += [(adrg.code, adrg.name, cells.get(adrg.code, ""), adrg.mdc, i)
                     for i, adrg in enumerate(groups.adrgs, 1)]  # fmt: skip
    rows["DRG"] += [
        (drg.code, drg.name, "QTZD in MCC" if drg.code[-1] == "1" else "", drg.adrg,
         above[drg.adrg], i)
        for i, drg in enumerate(groups.drgs, 1) if drg.name or is_nameless(drg.code)
    ]  # fmt: skip
    wholes = [f"DI_{mdc.code[-1]}00" for mdc in groups.mdcs]
    sets = [*(f"DI_{code}" for code in named), *(f"OP_{code}" for code in named), *wholes]
    codes = {"DI": cycle(dx), "OP": cycle(px)}
    each = SETS // len(sets)
    rows["集合"] += [(name, code, title, name[:2])
                     for name in sets for code, title in islice(codes[name[:2]], each)]  # fmt: skip
    rows["CC"] += [(code, title, f"EX_{i % TABLES}", "MCC" if i % 5 == 0 else "CC")
                   for i, (code, title) in enumerate(dx[:COMPLICATIONS])]  # fmt: skip
    rows["排除表"] += [(f"EX_{i % TABLES}", code, title)
                       for i, (code, title) in enumerate(dx[:EXCLUSIONS])]  # fmt: skip
    return rows


def write(path: Path) -> int:
    """Write the workbook; gives its rows."""
    sheets = _rows()
    with new_book(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
    return sum(map(len, sheets.values()))


def read(path: Path) -> None:
    """Read all of it with the Excel library alone."""
    with calamine.CalamineWorkbook.from_path(str(path)) as book:
        for name in book.sheet_names:
            book.get_sheet_by_name(name).to_python()
