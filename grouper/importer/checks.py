"""Checks on the gathered and derived tables of a scheme, each finding with its row."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from grouper.importer.findings import Findings, Place
from grouper.importer.reach import check_reach
from grouper.importer.roles import ROLES
from grouper.importer.tables import Group, Key, Tables
from grouper.scheme import rules
from grouper.scheme.compile import MOST_TRAUMA_SITES
from grouper.scheme.model import MDC_LIST, Adrg, Drg, Mdc, is_nameless, resolve

_MANY_MDCS = {"MDCZ", "MDCY", "MDCA", "MDCP"}  # these take cases away from the other MDCs
_TWINS = {"MDCM", "MDCN"}


def check(tables: Tables, findings: Findings) -> None:
    """All checks."""
    _sheets(tables, findings)
    used = set(_rules(tables, findings))
    _lists(tables, used, findings)
    check_groups(tables, findings)
    _names(tables, findings)
    _mdc_members(tables, findings)
    check_exclusions(tables, findings)
    _letters(tables, findings)
    _marks(tables, findings)
    check_reach(tables, findings)


def _sheets(tables: Tables, findings: Findings) -> None:
    has = tables.roles.keys()
    asks = {drg.code[-1] for drg in tables.drgs.values() if not drg.explicit}
    lists = {"adrg_diagnoses", "adrg_procedures", "adrg_lists"}
    explicit = tables.adrgs and all(adrg.explicit for adrg in tables.adrgs.values())
    wanted = [
        ("drg", "drg" not in has),
        ("mdc_diagnoses", "mdc_diagnoses" not in has),
        ("adrg_lists", not lists & has and not explicit),
        ("mcc", bool({"1", "3"} & asks) and not {"mcc", "complications"} & has),
        ("cc", "3" in asks and not {"cc", "complications"} & has),
        ("exclusions", bool(tables.complications) and "exclusions" not in has),
    ]
    for role, missing in wanted:
        if missing:
            findings.add("sheet_missing", Place(ROLES[role].title))


def _all(tables: Tables) -> Iterator[tuple[Group, Mdc | Adrg | Drg]]:
    for g in tables.mdcs.values():
        yield g, Mdc(g.code, g.name, g.rule)
    for g in tables.adrgs.values():
        yield g, Adrg(g.code, g.parent, g.name, g.rule)
    for g in tables.drgs.values():
        yield g, Drg(g.code, g.parent, g.name, g.rule)


def _rules(tables: Tables, findings: Findings) -> Iterator[Key]:
    """Check that rules can be read and their lists have codes; gives the lists in use."""
    for group, owner in _all(tables):
        try:
            tree = rules.parse(group.rule)
        except rules.RuleError as error:
            findings.add("rule_syntax", group.place, group.code, group.rule, error.en,
                         error.zh)  # fmt: skip
            continue
        for atom in rules.members(tree):
            key = resolve(owner, atom)
            yield key
            if not tables.lists.get(key):
                empty_mdc = key[1] == MDC_LIST and not group.explicit
                kind = "mdc_empty" if empty_mdc else "list_empty"
                findings.add(kind, group.place, group.code, f"{key[0]}:{key[1]}")


def _lists(tables: Tables, used: set[Key], findings: Findings) -> None:
    for key in tables.lists.keys() - used:
        owner, name = key
        codes = tables.lists[key]
        role = "adrg_diagnoses" if name[0] == "D" else "adrg_procedures"
        first = next(iter(codes.values()), tables.sheet(role, "adrg_lists"))
        findings.add("list_unused", first, owner, name)


def check_groups(tables: Tables, findings: Findings) -> None:
    """ADRGs without a DRG, and more body sites than a scheme can have."""
    parents = {drg.parent for drg in tables.drgs.values()}
    for adrg in tables.adrgs.values():
        if adrg.code not in parents:
            findings.add("adrg_without_drg", adrg.place, adrg.code, adrg.name)
    if len(set(tables.sites.values())) > MOST_TRAUMA_SITES:
        findings.add("too_many_sites", tables.sheet("trauma_sites", "mdc_diagnoses"),
                     found=str(len(set(tables.sites.values()))))  # fmt: skip


def _names(tables: Tables, findings: Findings) -> None:
    for groups in (tables.mdcs, tables.adrgs, tables.drgs):
        seen: dict[str, Group] = {}
        for group in groups.values():
            if is_nameless(group.code):
                continue
            if not group.name:
                findings.add("name_missing", group.place, group.code)
            elif group.name in seen:
                first = seen[group.name]
                findings.add("name_twice", group.place, group.code, group.name,
                             f"{first.place.sheet} {first.place.row}: {first.code}")  # fmt: skip
            seen.setdefault(group.name, group)


def _mdc_members(tables: Tables, findings: Findings) -> None:
    held: dict[str, dict[str, Place]] = defaultdict(dict)
    for (owner, name), codes in tables.lists.items():
        if name == MDC_LIST:
            for code, place in codes.items():
                held[code][owner] = place
    for code, owners in held.items():
        ordinary = [mdc for mdc in owners if mdc not in _MANY_MDCS]
        if len(ordinary) > 1 and set(ordinary) != _TWINS:
            first, last = owners[ordinary[0]], owners[ordinary[-1]]
            findings.add("two_mdcs", last, code, " ".join(ordinary),
                         f"{first.sheet} {first.row}")  # fmt: skip


def check_exclusions(tables: Tables, findings: Findings) -> None:
    """Exclusion tables without members, and those that no complication uses."""
    members = {table for table, _ in tables.exclusions.values()}
    used: dict[str, Place] = {}
    for complication in tables.complications.values():
        used.setdefault(complication.table, complication.place)
    for table, place in used.items():
        if table not in members and table != "none":
            findings.add("table_without_members", place, table)
    seen = set()
    for table, place in tables.exclusions.values():
        if table not in used and table not in seen:
            seen.add(table)
            findings.add("table_unused", place, table)


def _letters(tables: Tables, findings: Findings) -> None:
    """Last digits against rules that were given, and groups without a rest."""
    by_adrg: dict[str, list[Group]] = defaultdict(list)
    for drg in tables.drgs.values():
        by_adrg[drg.parent].append(drg)
        if drg.explicit and not _fits(drg.code[-1], drg.rule):
            findings.add("letter_rule", drg.place, drg.code, drg.rule)
    for code, groups in by_adrg.items():
        if not any(_takes_rest(g) for g in groups) and not all(g.explicit for g in groups):
            adrg = tables.adrgs[code]
            findings.add("rest_uncovered", groups[-1].place, code, adrg.name)


def _takes_rest(drg: Group) -> bool:
    return drg.rule == "true" or drg.code[-1] in "59"


def _fits(end: str, rule: str) -> bool:
    flags = set(re.findall(r"\b(mcc|cc)\b", rule))
    if end == "1":
        return "mcc" in flags
    if end == "3":
        return "cc" in flags
    if end in "59":
        return not flags or "not" in rule
    return True


def _marks(tables: Tables, findings: Findings) -> None:
    known: set[str] = {*tables.mdcs, *tables.adrgs, *tables.drgs}
    known |= tables.diagnoses.names.keys() | tables.procedures.names.keys()
    for mark in tables.marks:
        if mark.code not in known:
            findings.add("mark_unknown", tables.sheet("drg"), mark.code, mark.mark)
