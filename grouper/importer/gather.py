"""From recognised sheets to the tables of a scheme: groups, complications and code tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from grouper.importer.cells import NO, NONE, YES, CodeBook, group_code
from grouper.importer.findings import Findings, Place
from grouper.importer.lists import ListReader
from grouper.importer.mapping import Mapping
from grouper.importer.recognise import Row, Table
from grouper.importer.remarks import is_remark
from grouper.importer.spelling import Speller
from grouper.importer.tables import Complication, Group, Mark, Tables
from grouper.scheme.model import Scheme, is_nameless

_CODE_TABLES = ("diagnosis_codes", "procedure_codes")
_GROUPS: tuple[Literal["mdc", "adrg", "drg"], ...] = ("mdc", "adrg", "drg")
_HEADER = {
    "编号": "id", "方案编号": "id", "标题": "title", "方案名称": "title", "版本": "version",
    "来源": "source", "英文标题": "title_en", "发布单位": "issuer", "编码版本": "codes",
}  # fmt: skip


def gather(sheets: list[Table], base: Scheme, mapping: Mapping, findings: Findings) -> Tables:
    """Read all recognised sheets; faults of single rows become findings."""
    tables = Tables(
        CodeBook(base.diagnosis_names, procedures=False),
        CodeBook(base.procedure_names, procedures=True),
        mapping.options,
    )
    for table in sheets:
        tables.roles.setdefault(table.role, []).append(table.sheet.name)
    for role in _CODE_TABLES:
        _code_table(tables, [t for t in sheets if t.role == role], role, findings)
    _Reader(tables, base, findings).read(sheets)
    tables.header |= mapping.scheme
    return tables


def _code_table(tables: Tables, sheets: list[Table], role: str, findings: Findings) -> None:
    """A table of codes in the import is the edition; without one it is the base scheme's."""
    if not sheets:
        return
    names: dict[str, str] = {}
    valid: set[str] = set()
    says_valid = False
    for table in sheets:
        says_valid |= "valid" in table.columns
        for row in table.rows(findings):
            code, name = row.get("code"), row.get("code_name")
            if is_remark(row.filled):
                findings.add("row_passed", row.place, found=row.filled[0])
            elif not code:
                findings.add("code_missing", row.place, found=name)
            elif code in names:
                findings.add("code_twice", row.place, code)
            else:
                names[code] = name
                if not name:
                    findings.add("name_missing", row.place, code)
                if _yes(row, findings):
                    valid.add(code)
    if role == "procedure_codes":
        tables.procedures = CodeBook(names, procedures=True)
        if says_valid:
            tables.valid = valid
    else:
        tables.diagnoses = CodeBook(names, procedures=False)


def _yes(row: Row, findings: Findings) -> bool:
    text = row.get("valid").lower()
    if text not in YES and text not in NO:
        findings.add("flag_unreadable", row.place, row.get("code"), row.get("valid"), "是")
    return text in YES


class _Reader:
    def __init__(self, tables: Tables, base: Scheme, findings: Findings) -> None:
        self.tables = tables
        self.base = base
        self.findings = findings
        self.speller = Speller(tables, findings)
        self.marked: list[tuple[Place, str, str]] = []

    def read(self, sheets: list[Table]) -> None:
        for kind in _GROUPS:
            for table in (t for t in sheets if t.role == kind):
                self._groups(kind, table)
        lists = ListReader(self.tables, self.speller, self.findings)
        readers: dict[str, Callable[[Table], None]] = {
            "scheme": self._scheme, "mcc": self._complications, "cc": self._complications,
            "complications": self._complications, "exclusions": self._exclusions,
            "valid_procedures": self._valid, "trauma_sites": self._sites,
            "mdc_diagnoses": lists.read, "adrg_diagnoses": lists.read,
            "adrg_procedures": lists.read, "adrg_lists": lists.read,
        }  # fmt: skip
        for table in sheets:
            if table.role in readers:
                readers[table.role](table)

    def _remark(self, row: Row) -> bool:
        if is_remark(row.filled):
            self.findings.add("row_passed", row.place, found=row.filled[0])
            return True
        return False

    def _scheme(self, table: Table) -> None:
        known = {*_HEADER.values()}
        for row in table.rows(self.findings):
            key = _HEADER.get(row.get("key"), row.get("key"))
            if key in known and row.get("value"):
                self.tables.header[key] = row.get("value")

    def _groups(self, kind: Literal["mdc", "adrg", "drg"], table: Table) -> None:
        held = {"mdc": self.tables.mdcs, "adrg": self.tables.adrgs, "drg": self.tables.drgs}[kind]
        mdc = ""
        for row in table.rows(self.findings):
            if self._remark(row):
                continue
            if kind == "adrg":
                mdc = row.get("mdc") or (mdc if self.tables.options.fill_down else "") or table.mdc
            code = self._code(kind, row, row.get(kind))
            if not code:
                continue
            if code in held:
                first = held[code].place
                self.findings.add("group_twice", row.place, code, found=row.get("name"),
                                  expected=f"{first.sheet} {first.row}")  # fmt: skip
                continue
            held[code] = Group(
                code, row.get("name"), self._parent(kind, code, row, mdc), row.place,
                row.get("rule"), bool(row.get("rule")), row.get("condition"),
                self._order(row),
            )  # fmt: skip
            if not row.get("name") and not is_nameless(code):
                self.findings.add("name_missing", row.place, code)
            if row.get("mark") or row.get("note"):
                self.tables.marks.append(Mark(code, kind, row.get("mark"), row.get("note")))

    def _code(self, kind: Literal["mdc", "adrg", "drg"], row: Row, text: str) -> str:
        code = group_code(kind, text)
        if not text:
            self.findings.add("group_code_missing", row.place, found=row.get("name"))
        elif not code:
            expected = {"mdc": "MDCB", "adrg": "BB1", "drg": "BB11"}[kind]
            self.findings.add("group_code_malformed", row.place, text, text, expected)
        elif code != text:
            self.findings.add("code_mended", row.place, code, text, code)
        return code

    def _parent(self, kind: str, code: str, row: Row, mdc: str) -> str:
        if kind == "mdc":
            return ""
        if kind == "adrg":
            own = f"MDC{code[0]}"
            if not mdc:
                return own
            given = group_code("mdc", mdc)
            if not given:
                self.findings.add("group_code_malformed", row.place, mdc, mdc, own)
            elif given != own:
                self.findings.add("adrg_letter", row.place, code, given, own)
            return given or own
        given = group_code("adrg", row.get("adrg"))
        if row.get("adrg") and given != code[:3]:
            self.findings.add("drg_prefix", row.place, code, row.get("adrg"), code[:3])
        return given or code[:3]

    def _order(self, row: Row) -> float | None:
        try:
            return float(row.get("order")) if row.get("order") else None
        except ValueError:
            return None

    def _complications(self, table: Table) -> None:
        for row in table.rows(self.findings):
            level = self._level(table, row)
            for code in self._diagnoses(row):
                exclusion = row.get("table")
                if not exclusion:
                    self.findings.add("table_missing", row.place, code)
                elif level:
                    exclusion = "none" if exclusion.lower() in NONE else exclusion
                    self._complication(code, Complication(level, exclusion, row.place))

    def _level(self, table: Table, row: Row) -> Literal["MCC", "CC", ""]:
        if table.role != "complications":
            return "MCC" if table.role == "mcc" else "CC"
        text = row.get("level").upper()
        if text in ("MCC", "严重并发症或合并症"):
            return "MCC"
        if text in ("CC", "并发症或合并症", "一般并发症或合并症"):
            return "CC"
        if not is_remark(row.filled):
            self.findings.add("complication_level", row.place, row.get("code"),
                              row.get("level"), "MCC, CC")  # fmt: skip
        return ""

    def _complication(self, code: str, found: Complication) -> None:
        held = self.tables.complications.setdefault(code, found)
        if held is found:
            return
        first = f"{held.place.sheet} {held.place.row}: {held.level} {held.table}"
        if held.level != found.level:
            self.findings.add("complication_twice", found.place, code, found.level, first)
        elif held.table != found.table:
            self.findings.add("complication_tables", found.place, code, found.table, first)
        else:
            self.findings.add("code_twice", found.place, code, expected=first)

    def _diagnoses(self, row: Row) -> list[str]:
        if self._remark(row):
            return []
        return self.speller.codes(row, "D")

    def _exclusions(self, table: Table) -> None:
        held = self.tables.exclusions
        last = ""
        for row in table.rows(self.findings):
            if self._remark(row):
                continue
            last = row.get("table") or (last if self.tables.options.fill_down else "")
            if not last:
                self.findings.add("table_missing", row.place, row.get("code"))
                continue
            for code in self.speller.codes(row, "D"):
                if code not in held:
                    held[code] = (last, row.place)
                elif held[code][0] == last:
                    self.findings.add("code_twice", row.place, code)
                else:
                    first, place = held[code]
                    self.findings.add("exclusion_twice", row.place, code, last,
                                      f"{place.sheet} {place.row}: {first}")  # fmt: skip

    def _valid(self, table: Table) -> None:
        valid: set[str] = set() if self.tables.valid is None else self.tables.valid
        self.tables.valid = valid
        for row in table.rows(self.findings):
            if self._remark(row):
                continue
            if "valid" in table.columns and not _yes(row, self.findings):
                continue
            for code in self.speller.codes(row, "P"):
                if code in valid:
                    self.findings.add("code_twice", row.place, code)
                valid.add(code)

    def _sites(self, table: Table) -> None:
        for row in table.rows(self.findings):
            for code in self._diagnoses(row):
                if row.get("site"):
                    self.speller.site(row, code)
                else:
                    self.findings.add("site_missing", row.place, code)
