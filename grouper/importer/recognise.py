"""Recognising sheets: which role each has, where its header is, what its columns mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from grouper.importer.cells import EXCEL_ERRORS, group_code
from grouper.importer.findings import Findings, Place
from grouper.importer.mapping import Mapping
from grouper.importer.roles import (
    ROLES,
    header_meaning,
    in_role,
    mdc_of_sheet,
    role_by_headers,
    role_by_name,
)
from grouper.importer.sheets import RawSheet

_HEADER_WITHIN = 30


@dataclass(frozen=True)
class Row:
    """A row of a recognised sheet: its place, its cells by meaning, and all that is filled."""

    place: Place
    cells: dict[str, str]
    filled: list[str]

    def get(self, meaning: str) -> str:
        """The cell of a meaning, "" when there is no such column."""
        return self.cells.get(meaning, "")


@dataclass(frozen=True)
class Table:
    """A recognised sheet."""

    role: str
    sheet: RawSheet
    header: int
    columns: dict[str, int]
    mdc: str = ""
    wide: dict[int, str] = field(default_factory=dict)

    def rows(self, findings: Findings) -> Iterator[Row]:
        """The rows below the header that are not empty; Excel errors become findings."""
        top = self.sheet.rows[self.header] if self.header >= 0 else []
        for number, cells in enumerate(self.sheet.rows[self.header + 1 :], self.header + 2):
            if not any(cells) or cells == top:
                continue
            place = Place(self.sheet.name, number)
            for cell in cells:
                if cell in EXCEL_ERRORS:
                    findings.add("cell_error", place, found=cell)
            if any(cell in EXCEL_ERRORS for cell in cells):
                continue
            filled = [cell for cell in cells if cell]
            if self.wide:
                yield from self._melted(place, cells)
            else:
                held = {m: cells[i] for m, i in self.columns.items() if i < len(cells)}
                yield Row(place, held, filled)

    def _melted(self, place: Place, cells: list[str]) -> Iterator[Row]:
        for i, mdc in self.wide.items():
            if i < len(cells) and cells[i]:
                yield Row(place, {"mdc": mdc, "code": cells[i]}, [mdc, cells[i]])


def recognise(sheets: list[RawSheet], mapping: Mapping, findings: Findings) -> list[Table]:
    """Find the sheets' roles and columns; what cannot be used becomes a finding."""
    tables = [_table(sheet, mapping, findings) for sheet in sheets]
    for name in set(mapping.sheets) - {sheet.name for sheet in sheets}:
        findings.add("sheet_missing", Place(name), expected=ROLES[mapping.sheets[name]].title)
    return [table for table in tables if table is not None and table.role != "ignore"]


def _table(sheet: RawSheet, mapping: Mapping, findings: Findings) -> Table | None:
    given = {**mapping.headers.get("", {}), **mapping.headers.get(sheet.name, {})}
    role = mapping.sheets.get(sheet.name) or role_by_name(sheet.name)
    if role == "ignore":
        return None
    header = _header_row(sheet, given)
    if header is None:
        if role and any(any(row) for row in sheet.rows):
            found = " ".join(cell for row in sheet.rows[:2] for cell in row if cell)
            findings.add("header_missing", Place(sheet.name, 1), found=found[:80],
                         expected=", ".join(ROLES[role].needed))  # fmt: skip
        elif role:
            findings.add("header_missing", Place(sheet.name, 1), found="")
        elif any(any(row) for row in sheet.rows):
            findings.add("sheet_unrecognised", Place(sheet.name))
        return None
    titles = sheet.rows[header]
    wide = _wide(titles)
    role = role or ("mdc_diagnoses" if wide else "") or _by_headers(titles, given)
    if not role or role == "ignore":
        if not role:
            findings.add("sheet_unrecognised", Place(sheet.name), found=" ".join(titles)[:80])
        return None
    if wide and role in ("mdc", "mdc_diagnoses"):
        return Table("mdc_diagnoses", sheet, header, {}, wide=wide)
    role = _of_codes(role, {given.get(t) or header_meaning(t) for t in titles}, sheet.name)
    columns = _columns(sheet, header, role, given, findings)
    lacking = [need for need in ROLES[role].needed if need not in columns]
    if lacking:
        expected = ", ".join(lacking)
        findings.add("column_missing", Place(sheet.name, header + 1), found=" ".join(titles)[:80],
                     expected=expected)  # fmt: skip
        return None
    return Table(role, sheet, header, columns, mdc=mdc_of_sheet(sheet.name))


def _of_codes(role: str, meanings: set[str], name: str) -> str:
    """A sheet named after groups that lists codes, as many cities have it, is a list of codes."""
    sole = bool(mdc_of_sheet(name)) and "mdc" not in meanings
    if role == "mdc" and "code" in meanings and ("mdc" in meanings or sole):
        return "adrg_lists" if "adrg" in meanings else "mdc_diagnoses"
    if role == "adrg" and {"adrg", "code"} <= meanings:
        return "adrg_lists"
    return role


def _by_headers(titles: list[str], given: dict[str, str]) -> str:
    if given:
        known = [given.get(t, header_meaning(t)) for t in titles]
        return role_by_headers([t if m == header_meaning(t) else m
                                for t, m in zip(titles, known, strict=True)])  # fmt: skip
    return role_by_headers(titles)


def _header_row(sheet: RawSheet, given: dict[str, str]) -> int | None:
    """The row in which most cells are headers; a title row has one at most."""
    best, most = None, 1
    for number, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
        if len(_wide(row)) > most:
            best, most = number, len(_wide(row))
        found = {given.get(cell) or header_meaning(cell) for cell in row if cell} - {""}
        if len(found) > most:
            best, most = number, len(found)
    if best is None:  # a single column of codes under its header
        for number, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
            filled = [cell for cell in row if cell]
            if len(filled) == 1 and (given.get(filled[0]) or header_meaning(filled[0])) == "code":
                return number
    return best


def _wide(titles: list[str]) -> dict[int, str]:
    """Columns that are headed by an MDC each."""
    found = {i: group_code("mdc", t) for i, t in enumerate(titles) if t.upper().startswith("MDC")}
    found = {i: mdc for i, mdc in found.items() if mdc}
    return found if len(found) > 1 else {}


def _columns(
    sheet: RawSheet, header: int, role: str, given: dict[str, str], findings: Findings
) -> dict[str, int]:
    titles = sheet.rows[header]
    meanings = [given.get(t) or header_meaning(t) for t in titles]
    both = Counter(meanings)
    columns: dict[str, int] = {}
    for i, (title, plain) in enumerate(zip(titles, meanings, strict=True)):
        clash = plain == "code" and role in both  # the group has a column of its own
        meaning = plain if title in given else "" if clash else in_role(role, plain)
        if not meaning or meaning == "ignore":
            continue
        if meaning in columns:
            findings.add("column_twice", Place(sheet.name, header + 1), found=title,
                         expected=titles[columns[meaning]])  # fmt: skip
        else:
            columns[meaning] = i
    return columns
