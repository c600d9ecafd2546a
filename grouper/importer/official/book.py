"""The six sheets of the official workbook: found by their names, their columns by their headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grouper.importer.cells import EXCEL_ERRORS, folded
from grouper.importer.findings import Findings, Place
from grouper.importer.remarks import is_remark
from grouper.importer.sheets import TEXT_TABLES, RawSheet

MDC, ADRG, DRG, SETS, COMPLICATIONS, EXCLUSIONS = "MDC", "ADRG", "DRG", "集合", "CC", "排除表"

# sheet -> column -> the headers that name it
_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    MDC: {"code": ("MDC编码", "MDC"), "name": ("MDC名称",), "rule": ("MDC规则",),
          "order": ("排序", "MDC排序")},
    ADRG: {"code": ("ADRG编码", "ADRG"), "name": ("ADRG名称",), "rule": ("ADRG规则",),
           "parent": ("所属MDC编码", "所属MDC"), "order": ("MDC内排序", "排序")},
    DRG: {"code": ("DRG", "DRG编码"), "name": ("DRG名称",), "rule": ("DRG规则",),
          "parent": ("所属ADRG编码", "所属ADRG"), "mdc": ("所属MDC编码", "所属MDC"),
          "order": ("排序", "ADRG内排序")},
    SETS: {"set": ("集合编号",), "code": ("ICD编码",), "name": ("ICD名称",),
           "kind": ("类型编号", "类型")},
    COMPLICATIONS: {"code": ("疾病编码", "ICD编码"), "name": ("疾病名称", "ICD名称"),
                    "table": ("排除表", "排除表编号"), "level": ("类型",)},
    EXCLUSIONS: {"table": ("集合编号", "排除表编号", "排除表"), "code": ("ICD编码",),
                 "name": ("ICD名称",)},
}  # fmt: skip
_OPTIONAL = {(SETS, "name"), (SETS, "kind"), (COMPLICATIONS, "name"), (EXCLUSIONS, "name"),
             (DRG, "mdc")}  # fmt: skip
_OWN = {"集合编号", "MDC规则", "ADRG规则", "DRG规则"}  # headers that other workbooks do not have
_HEADER_WITHIN = 30
_LEAST_SHEETS = 3


@dataclass(frozen=True)
class Sheet:
    """One of the six sheets.

    Attributes:
        name: the sheet's own name.
        title: what stands above the header, "" for nothing.
        header: index of the header row.
        columns: column -> its index.
        cells: the rows of the sheet.
    """

    name: str
    title: str
    header: int
    columns: dict[str, int]
    cells: list[list[str]]

    def place(self, number: int, column: str = "") -> Place:
        """The cell of an Excel row."""
        return Place(self.name, number, self.columns.get(column))

    def rows(self, findings: Findings, *columns: str) -> Iterator[tuple[int, list[str]]]:
        """Excel's row number and the cells of some columns, of every row that says something.

        Excel errors and rows of remarks become findings.
        """
        top = self.cells[self.header]
        wanted = [self.columns.get(column, -1) for column in columns]
        reach = max(wanted) + 1
        # The last cell of a row is a blank one, for columns that the sheet does not have.
        for number, row in enumerate(self.cells[self.header + 1 :], self.header + 2):
            cells = [*row, *[""] * (reach - len(row)), ""]
            found = [cells[i] for i in wanted]
            if "" in found and (not any(row) or self._remark(number, row, findings)):
                continue
            if any(cell[:1] == "#" and cell in EXCEL_ERRORS for cell in found):
                for i, cell in enumerate(row):
                    if cell in EXCEL_ERRORS:
                        findings.add("cell_error", Place(self.name, number, i), found=cell)
            elif row != top:
                yield number, found

    def _remark(self, number: int, row: list[str], findings: Findings) -> bool:
        filled = [cell for cell in row if cell]
        if not is_remark(filled):
            return False
        findings.add("row_passed", Place(self.name, number), found=filled[0])
        return True


def _plain(name: str) -> str:
    for ending in TEXT_TABLES:
        name = name.removesuffix(ending)
    return folded(name)


def _header(role: str, sheet: RawSheet) -> tuple[int, dict[str, int]] | None:
    """The row that holds most of the headers, at least two."""
    best: tuple[int, dict[str, int]] | None = None
    for number, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
        titles = [folded(cell) for cell in row]
        found = {}
        for column, headers in _COLUMNS[role].items():
            at = [titles.index(header) for header in headers if header in titles]
            if at:
                found[column] = at[0]
        if len(found) > max(1, len(best[1]) if best else 0):
            best = number, found
    return best


def is_official(sheets: Iterable[RawSheet]) -> bool:
    """Whether these are sheets of the official workbook, be it a damaged one."""
    known = own = 0
    for sheet in sheets:
        role = _plain(sheet.name)
        if role in _COLUMNS and (header := _header(role, sheet)):
            known += 1
            own += not _OWN.isdisjoint(map(folded, sheet.rows[header[0]]))
    return known >= _LEAST_SHEETS and own > 0


def read_book(sheets: Iterable[RawSheet], findings: Findings) -> dict[str, Sheet]:
    """The six sheets that are there; what is missing, or cannot be used, becomes a finding."""
    book: dict[str, Sheet] = {}
    seen = set()
    for sheet in sheets:
        role = _plain(sheet.name)
        if role not in _COLUMNS or role in seen:
            if any(any(row) for row in sheet.rows):
                findings.add("sheet_unrecognised", Place(sheet.name))
            continue
        seen.add(role)
        if found := _sheet(role, sheet, findings):
            book[role] = found
    for role in _COLUMNS:
        if role not in seen:
            findings.add("sheet_missing", Place(role), expected=role)
    return book


def _sheet(role: str, sheet: RawSheet, findings: Findings) -> Sheet | None:
    wanted = _COLUMNS[role]
    found = _header(role, sheet)
    if found is None:
        text = " ".join(cell for row in sheet.rows[:2] for cell in row if cell)
        findings.add("header_missing", Place(sheet.name, 1), found=text[:80],
                     expected=", ".join(headers[0] for headers in wanted.values()))  # fmt: skip
        return None
    header, columns = found
    row = sheet.rows[header]
    lacking = [headers[0] for column, headers in wanted.items()
               if column not in columns and (role, column) not in _OPTIONAL]  # fmt: skip
    if lacking:
        findings.add("column_missing", Place(sheet.name, header + 1), found=" ".join(row)[:80],
                     expected=", ".join(lacking))  # fmt: skip
        return None
    for i, title in enumerate(row):
        if title and row.index(title) != i:
            findings.add("column_twice", Place(sheet.name, header + 1, i), found=title)
    above = [cell for line in sheet.rows[:header] for cell in line if cell]
    return Sheet(sheet.name, above[0] if above else "", header, columns, sheet.rows)
