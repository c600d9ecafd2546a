"""From the six sheets of the official workbook to the tables of a scheme pack."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass, field
from typing import Literal

from grouper.importer.cells import CodeBook, group_code
from grouper.importer.findings import Findings, Place
from grouper.importer.mapping import Options
from grouper.importer.official.book import ADRG, COMPLICATIONS, DRG, EXCLUSIONS, MDC, SETS, Sheet
from grouper.importer.official.codes import Codes
from grouper.importer.official.language import SET, read_rule
from grouper.importer.official.sets import (
    COUNTING,
    SITES,
    Homes,
    asks_for_codes,
    disjoint,
    other_site,
)
from grouper.importer.tables import Complication, Group, Tables
from grouper.scheme.model import Scheme, is_nameless
from grouper.scheme.rules import Const, Flag, Rule, RuleError, members, to_text

NONE = "none"  # the exclusion table of a complication that nothing excludes
_FIRST = "MDCA"  # holds always; a case that none of its groups takes goes on
_NOTHING = re.compile("0{1,4}")  # the rows of no group, 0000 or 000, a number in some copies
_ORDER = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,6})?")
_REST = re.compile(r"[A-Z]00")  # an MDC's own row for what fits none of its groups
_KINDS: dict[str, Literal["mdc", "adrg", "drg"]] = {MDC: "mdc", ADRG: "adrg", DRG: "drg"}
_LEVELS: dict[str, Literal["MCC", "CC"]] = {"MCC": "MCC", "CC": "CC"}


@dataclass
class Official:
    """What the workbook says, with the places where it says it.

    Attributes:
        tables: the scheme.
        sets: set -> code -> its place.
        first: set -> the place of its first row.
        rules: sheet and code of a group -> its rule over the workbook's sets, and where it stands.
        asked: the sets that rules ask for.
    """

    tables: Tables
    sets: dict[str, dict[str, Place]] = field(default_factory=dict)
    first: dict[str, Place] = field(default_factory=dict)
    rules: dict[tuple[str, str], tuple[Rule, Place]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


def read_scheme(book: dict[str, Sheet], base: Scheme, findings: Findings) -> Official:
    """Read all sheets; codes that the workbook does not mention are those of ``base``."""
    diagnoses = CodeBook(base.diagnosis_names, procedures=False)
    procedures = CodeBook(base.procedure_names, procedures=True)
    found = Official(Tables(diagnoses, procedures, Options(), valid=set()))
    reader = _Reader(
        book, found, findings,
        {"D": Codes(diagnoses, procedures, findings), "P": Codes(procedures, diagnoses, findings)},
    )  # fmt: skip
    for name in book:
        if not any(True for _ in book[name].rows(Findings(), "code")):
            findings.add("sheet_empty", Place(book[name].name))
    reader.groups()
    for code in found.tables.adrgs.keys() - {drg.parent for drg in found.tables.drgs.values()}:
        if DRG in book:
            findings.add("adrg_without_drg", found.tables.adrgs[code].place, code)
    if SETS in book:
        reader.sets(book[SETS])
    if COMPLICATIONS in book:
        reader.complications(book[COMPLICATIONS])
    if EXCLUSIONS in book:
        reader.exclusions(book[EXCLUSIONS])
    found.tables.diagnoses = reader.codes["D"].names()
    found.tables.procedures = reader.codes["P"].names()
    _rules(found, whole=SETS in book, findings=findings)
    return found


@dataclass
class _Reader:
    book: dict[str, Sheet]
    found: Official
    findings: Findings
    codes: dict[str, Codes]
    refused: set[str] = field(default_factory=set)  # groups whose parent is not there

    def groups(self) -> None:
        tables = self.found.tables
        if MDC in self.book:
            tables.mdcs = self._groups(self.book[MDC], MDC, None)
        if ADRG in self.book:
            parents = tables.mdcs if MDC in self.book else None
            tables.adrgs = self._groups(self.book[ADRG], ADRG, parents)
        if DRG in self.book:
            parents = tables.adrgs if ADRG in self.book else None
            tables.drgs = self._groups(self.book[DRG], DRG, parents)

    def _groups(
        self, sheet: Sheet, role: str, parents: dict[str, Group] | None
    ) -> dict[str, Group]:
        """The groups of a sheet by the order of their parents and their own numbers."""
        held: dict[str, Group] = {}
        columns = ("code", "name", "rule", "parent", "order", "mdc")
        for number, (text, name, rule, parent, order, mdc) in sheet.rows(self.findings, *columns):
            if _NOTHING.fullmatch(text):
                continue
            code = self._code(sheet, number, role, text, name)
            if not code:
                continue
            if code in held:
                self.findings.add("group_twice", sheet.place(number, "code"), code, found=name,
                                  expected=held[code].place.cell)  # fmt: skip
                continue
            group = Group(code, name, group_code(_PARENT[role], parent) or parent,
                          sheet.place(number, "code"), rule, True)  # fmt: skip
            if parents is None or self._fits(sheet, number, role, group, parents, mdc):
                held[code] = group
                group.order = self._order(sheet, number, group, order)
                self._rule(sheet, number, role, group)
            if not name and not is_nameless(code):
                self.findings.add("name_missing", sheet.place(number, "name"), code)
        self._order_twice(sheet, held)
        above = {code: i for i, code in enumerate(parents or ())}
        return {
            group.code: group
            for group in sorted(held.values(), key=lambda g: (above.get(g.parent, 0),
                                                              _order_of(g)))
        }  # fmt: skip

    def _code(self, sheet: Sheet, number: int, role: str, text: str, name: str) -> str:
        kind, place = _KINDS[role], sheet.place(number, "code")
        code = group_code(kind, text)
        if not text:
            self.findings.add("group_code_missing", place, found=name)
        elif not code or (role == MDC and len(text) < len(code)):
            expected = {MDC: "MDCB", ADRG: "BB1", DRG: "BB11"}[role]
            self.findings.add("group_code_malformed", place, text, text, expected)
            return ""
        elif code != text:
            self.findings.add("code_mended", place, code, text, code)
        return code

    def _fits(
        self, sheet: Sheet, number: int, role: str, group: Group, parents: dict[str, Group],
        mdc: str,
    ) -> bool:  # fmt: skip
        """Whether the group's parent is there and its code goes with it."""
        place, code = sheet.place(number, "parent"), group.code
        if role == MDC:
            return True
        if group.parent not in parents:
            kind = "unknown_mdc" if role == ADRG else "drg_without_adrg"
            if group.parent not in self.refused:  # else it has been told of the parent
                self.findings.add(kind, place, code, group.parent)
            self.refused.add(code)
            return False
        if role == ADRG and group.parent[-1] != code[0]:
            self.findings.add("adrg_letter", place, code, group.parent, f"MDC{code[0]}")
        if role == DRG:
            above = parents[group.parent].parent
            if not code.startswith(group.parent):
                self.findings.add("drg_prefix", place, code, group.parent, code[:3])
            if mdc and (group_code("mdc", mdc) or mdc) != above:
                self.findings.add("drg_mdc", sheet.place(number, "mdc"), code, mdc, above)
        return True

    def _order(self, sheet: Sheet, number: int, group: Group, text: str) -> float | None:
        if _ORDER.fullmatch(text):
            return float(text)
        self.findings.add("order_unreadable", sheet.place(number, "order"), group.code, text)
        return None

    def _order_twice(self, sheet: Sheet, held: dict[str, Group]) -> None:
        seen: dict[tuple[str, float | None], str] = {}
        for group in held.values():
            if group.order is None or _REST.fullmatch(group.code):
                continue
            first = seen.setdefault((group.parent, group.order), group.code)
            if first != group.code:
                place = Place(sheet.name, group.place.row, sheet.columns["order"])
                self.findings.add("order_twice", place, group.code, f"{group.order:g}", first)

    def _rule(self, sheet: Sheet, number: int, role: str, group: Group) -> None:
        place = sheet.place(number, "rule")
        try:
            rule = read_rule(group.rule)
        except RuleError as error:
            self.findings.add("rule_syntax", place, group.code, group.rule, error.en, error.zh)
            return
        self.found.rules[role, group.code] = rule, place
        free = role == DRG or group.code == _FIRST or _REST.fullmatch(group.code)
        if not group.rule and not free:
            self.findings.add("rule_blank", place, group.code, group.name)

    def sets(self, sheet: Sheet) -> None:
        """Read the sets; a code that stands in one several times counts once."""
        held, name, codes = self.found.sets, "", None
        find = {"DI": self.codes["D"].find, "OP": self.codes["P"].find}
        column = sheet.columns["code"]
        for number, (given, text, title, kind) in sheet.rows(
            self.findings, "set", "code", "name", "kind"
        ):
            if given != name or codes is None:
                name, place = given, sheet.place(number, "set")
                if SET.fullmatch(name) is None:
                    expected = "DI_HR1, OP1_AC1"
                    self.findings.add("set_name", place, name, found=text, expected=expected)
                    codes = None
                    continue
                self.found.first.setdefault(name, place)
                codes = held.setdefault(name, {})
            if kind and kind != name[:2]:
                self.findings.add("set_kind", sheet.place(number, "kind"), name, kind, name[:2])
                continue
            code = find[name[:2]](sheet, number, text, title)
            if code and code not in codes:
                codes[code] = Place(sheet.name, number, column)

    def complications(self, sheet: Sheet) -> None:
        held, find = self.found.tables.complications, self.codes["D"].find
        for number, (text, name, table, given) in sheet.rows(
            self.findings, "code", "name", "table", "level"
        ):
            code, level = find(sheet, number, text, name), _LEVELS.get(given.upper())
            if level is None:
                self.findings.add("complication_level", sheet.place(number, "level"), code or text,
                                  given, "MCC, CC")  # fmt: skip
            elif code:
                if not table:
                    self.findings.add("table_blank", sheet.place(number, "table"), code)
                new = Complication(level, table or NONE, sheet.place(number, "table"))
                self._again(sheet, number, code, held.setdefault(code, new), new)

    def _again(
        self, sheet: Sheet, number: int, code: str, held: Complication, new: Complication
    ) -> None:
        first = f"{held.place.cell}: {held.level} {held.table}"
        if held.level != new.level:
            self.findings.add("complication_twice", sheet.place(number, "level"), code, new.level,
                              first)  # fmt: skip
        elif held.table != new.table:
            self.findings.add("complication_tables", new.place, code, new.table, first)
        elif held is not new:
            self.findings.add("code_twice", sheet.place(number, "code"), code, expected=first)

    def exclusions(self, sheet: Sheet) -> None:
        held, find = self.found.tables.exclusions, self.codes["D"].find
        for number, (table, text, name) in sheet.rows(self.findings, "table", "code", "name"):
            if not table:
                self.findings.add("table_missing", sheet.place(number, "table"), text)
                continue
            code = find(sheet, number, text, name)
            if not code:
                continue
            first, place = held.setdefault(code, (table, sheet.place(number, "table")))
            if first != table:
                self.findings.add("exclusion_more", sheet.place(number, "table"), code, table,
                                  f"{place.cell}: {first}")  # fmt: skip


_PARENT: dict[str, Literal["mdc", "adrg", "drg"]] = {MDC: "mdc", ADRG: "mdc", DRG: "adrg"}


def _order_of(group: Group) -> tuple[bool, float]:
    """An MDC's row for the rest stands last, whatever its number."""
    return bool(_REST.fullmatch(group.code)), math.inf if group.order is None else group.order


def _rules(found: Official, whole: bool, findings: Findings) -> None:
    """Turn rules over sets into rules over lists, and fill the lists."""
    tables = found.tables
    for (_, code), (rule, place) in found.rules.items():
        asked = {member.name for member in members(rule)}
        found.asked |= asked
        for name in sorted(asked):
            if whole and not found.sets.get(name):
                near = difflib.get_close_matches(name, found.sets, 1)
                findings.add("set_unknown", place, code, name, "".join(near))
    tables.valid = set(found.sets.get(COUNTING, ()))
    homes = Homes(frozenset(tables.mdcs), frozenset(tables.adrgs),
                  frozenset(found.sets.keys() | found.asked))  # fmt: skip
    _sites(found)
    listed = {name for rule, _ in found.rules.values() for name in asks_for_codes(rule)}
    aside = set(tables.sites.values())
    for name, codes in found.sets.items():
        site = name in found.asked and name.partition("_")[2] in aside
        if name in listed or not (name == COUNTING or site):
            tables.lists[homes.of(name)] = codes
    for role, groups in ((MDC, tables.mdcs), (ADRG, tables.adrgs), (DRG, tables.drgs)):
        for group in groups.values():
            rule, _ = found.rules.get((role, group.code), (Const(False), group.place))
            group.rule = to_text(homes.rule(rule, group.code, group.parent))


def _sites(found: Official) -> None:
    """A rule that says "another body site" over disjoint sets becomes that flag."""
    said = [(key, names) for key, (rule, _) in found.rules.items() if (names := other_site(rule))]
    if len(said) != 1 or not disjoint(found.sets, said[0][1]):
        return
    key, names = said[0]
    found.rules[key] = Flag(SITES), found.rules[key][1]
    for name in names:
        for diagnosis in found.sets[name]:
            found.tables.sites[diagnosis] = name.partition("_")[2]
