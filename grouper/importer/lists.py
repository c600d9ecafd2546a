"""The lists of MDCs and ADRGs: one row a code, by columns, by sheet or under section titles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from grouper.importer.cells import ListCell, group_code, list_cell
from grouper.importer.findings import Findings, Place
from grouper.importer.recognise import Row, Table
from grouper.importer.remarks import is_remark, section_adrg
from grouper.importer.spelling import Speller
from grouper.importer.tables import Group, Key, Tables
from grouper.scheme.model import FREE, MDC_LIST, holds_procedures

_FREE = re.compile(r"(DI|OP)[0-9]*_[A-Z0-9_]+")  # a list of no group
_LETTER = {"adrg_diagnoses": "D", "adrg_procedures": "P"}


def _kind(free: str) -> str:
    return "P" if holds_procedures(free) else "D"


@dataclass
class _Section:
    """Where the titles above a row say that it belongs."""

    adrg: str = ""
    cell: ListCell | None = None


class ListReader:
    """Reads sheets of lists into :class:`Tables`."""

    def __init__(self, tables: Tables, speller: Speller, findings: Findings) -> None:
        """Read into these tables; the sheets of groups have been read before."""
        self.tables = tables
        self.speller = speller
        self.findings = findings
        self.declared = {"mdc": bool(tables.mdcs), "adrg": bool(tables.adrgs)}

    def read(self, table: Table) -> None:
        """Read one sheet."""
        section = _Section()
        owner = ""
        for row in table.rows(self.findings):
            if table.role != "mdc_diagnoses" and self._title(row, section):
                owner = ""
                continue
            if is_remark(row.filled):
                self.findings.add("row_passed", row.place, found=row.filled[0])
                continue
            if table.role == "mdc_diagnoses":
                given = row.get("mdc") or (owner if self._fills else "") or table.mdc
                owner = given or owner
                self._mdc_row(row, given)
            else:
                given = row.get("adrg") or (owner if self._fills else "") or section.adrg
                owner = given or owner
                self._adrg_row(table, row, given, section)

    @property
    def _fills(self) -> bool:
        return self.tables.options.fill_down

    def _title(self, row: Row, section: _Section) -> bool:
        """Whether the row is a title such as ``BB1 脑创伤开颅术`` or ``手术操作列表2``."""
        if self.speller.kind_of(row.filled[0]):
            return False
        found = section_adrg(row.filled)
        if found:
            section.adrg, section.cell = found[0], None
            if not self.declared["adrg"] and found[0] not in self.tables.adrgs:
                self._declare(found[0], found[1], row.place)
            return True
        if len(row.filled) != 1 or row.get("adrg") or not section.adrg:
            return False
        cell = list_cell(row.filled[0])
        if cell is None or not (cell.kind or cell.number or cell.join):
            return False
        kind = cell.kind or "P"
        number = (
            cell.number
            or len({name.partition("#")[0] for name in self.tables.lists_of(section.adrg, kind)})
            + 1
        )
        section.cell = ListCell(kind, number, cell.part, cell.join)
        return True

    def _mdc_row(self, row: Row, given: str) -> None:
        mdc = group_code("mdc", given)
        if not mdc:
            kind = "group_code_malformed" if given else "group_code_missing"
            self.findings.add(kind, row.place, given, row.get("code"), "MDCB")
            return
        if mdc not in self.tables.mdcs:
            if self.declared["mdc"]:
                self.findings.add("unknown_mdc", row.place, mdc, row.get("code"))
                return
            self.tables.mdcs[mdc] = Group(mdc, row.get("mdc_name"), "", row.place)
        for code in self.speller.codes(row, "D"):
            self._enter((mdc, MDC_LIST), code, row)
            if row.get("site"):
                self.speller.site(row, code)

    def _adrg_row(self, table: Table, row: Row, given: str, section: _Section) -> None:
        free = row.get("list")
        if not given and _FREE.fullmatch(free) and self._letter(table, row, None) == _kind(free):
            for code in self.speller.codes(row, _kind(free)):
                self._enter((FREE, free), code, row)
            return
        adrg = group_code("adrg", given)
        if not adrg:
            kind = "group_code_malformed" if given else "group_code_missing"
            self.findings.add(kind, row.place, given, row.get("code"), "BB1")
            return
        if adrg not in self.tables.adrgs:
            if self.declared["adrg"]:
                self.findings.add("unknown_adrg", row.place, adrg, row.get("code"))
                return
            self._declare(adrg, row.get("adrg_name"), row.place, row.get("mdc") or table.mdc)
        key = self._list(table, row, adrg, section)
        if key is None:
            return
        self.tables.lists.setdefault(key, {})  # also when no code of it is good: it was meant
        for code in self.speller.codes(row, key[1][0]):
            self._enter(key, code, row)

    def _declare(self, adrg: str, name: str, place: Place, mdc: str = "") -> None:
        parent = group_code("mdc", mdc) or f"MDC{adrg[0]}"
        self.tables.adrgs[adrg] = Group(adrg, name, parent, place)

    def _list(self, table: Table, row: Row, adrg: str, section: _Section) -> Key | None:
        text = row.get("list")
        cell = list_cell(text) if text else section.cell or ListCell("", 1, 0, "")
        letter = self._letter(table, row, cell)
        part = row.get("part")
        of_part = list_cell(part) if part else None
        if cell is None or not letter or (part and not of_part):
            self.findings.add("list_unreadable", row.place, adrg, f"{text} {part}".strip(), "P1")
            return None
        number = cell.number or (2 if cell.join else 1)
        sub = (of_part.number or of_part.part) if of_part else cell.part
        name = f"{letter}{number}" + (f"#{sub}" if sub else "")
        if cell.join and (adrg, name) not in self.tables.joins:
            self.tables.joins[adrg, name] = cell.join
        return adrg, name

    def _letter(self, table: Table, row: Row, cell: ListCell | None) -> Literal["D", "P", ""]:
        wanted = _LETTER.get(table.role, "")
        said = cell.kind if cell else ""
        if wanted:
            return "" if said and said != wanted else "D" if wanted == "D" else "P"
        kind = row.get("kind")
        if not said and kind:
            said = "D" if "诊" in kind or kind.upper().startswith("D") else "P"
        if said:
            return said
        return "D" if self.speller.kind_of(row.get("code")) == "D" else "P"

    def _enter(self, key: Key, code: str, row: Row) -> None:
        held = self.tables.lists.setdefault(key, {})
        if code in held:
            self.findings.add("code_twice", row.place, code, f"{key[0]} {key[1]}",
                              f"{held[code].sheet} {held[code].row}")  # fmt: skip
        else:
            held[code] = row.place
