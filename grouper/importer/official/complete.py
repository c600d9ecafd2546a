"""How complete an official workbook is, against the list of groups that the program ships."""

from __future__ import annotations

from collections.abc import Iterator

from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.language import say
from grouper.importer.findings import Findings, Place
from grouper.importer.official.book import ADRG, COMPLICATIONS, DRG, EXCLUSIONS, MDC, SETS
from grouper.importer.official.scheme import Official
from grouper.importer.official.sets import COUNTING, SITES, other_site
from grouper.scheme.model import Scheme
from grouper.scheme.pack import SHIPPED, load_groups
from grouper.scheme.rules import parse

LIST = "chs-drg-3.0"
_LITTLE = 0.8
# How much the published workbook of 3.0 holds.
_USUAL = {"sets": 106_837, COUNTING: 9_514, "DI_OBD": 811, "DI_H00": 766, "OP_ARB": 5,
          "MCC": 1_581, "CC": 6_337, "exclusions": 21_036}  # fmt: skip


def shipped_list() -> Scheme:
    """The shipped list of groups."""
    return load_groups(SHIPPED / LIST)


def compare(found: Official, known: Scheme, findings: Findings) -> list[str]:
    """Note what is missing, new, renamed or ruled otherwise.

    Returns:
        A few lines that tell it.
    """
    tables = found.tables
    missing = new = renamed = differs = 0
    shown: set[str] = set()  # groups whose lack says that all below them lack too
    for role, mine, theirs in (
        (MDC, tables.mdcs, {g.code: ("", g.name, g.rule) for g in known.mdcs}),
        (ADRG, tables.adrgs, {g.code: (g.mdc, g.name, g.rule) for g in known.adrgs}),
        (DRG, tables.drgs, {g.code: (g.adrg, g.name, g.rule) for g in known.drgs}),
    ):
        for code, (parent, name, rule) in theirs.items():
            if code not in mine:
                if parent not in shown:
                    findings.add("group_missing", Place(role), code, name)
                shown.add(code)
                missing += role == DRG and _counts(code)
                continue
            group = mine[code]
            if group.name != name:
                findings.add("group_renamed", group.place, code, group.name, name)
                renamed += 1
            if group.rule != rule and not _same_sites(group.rule, rule):
                _, place = found.rules.get((role, code), (None, group.place))
                findings.add("rule_differs", place, code, group.rule, rule)
                differs += 1
        for code, group in mine.items():
            if code not in theirs:
                findings.add("group_new", group.place, code, group.name)
                new += role == DRG and _counts(code)
    total = sum(_counts(drg.code) for drg in known.drgs)
    return [
        say(f"对照国家目录 {known.header.version}：DRG {total} 个中有 {total - missing} 个，"
            f"另有新增 {new} 个；更名 {renamed} 处，规则不同 {differs} 处",
            f"against the national list {known.header.version}: {total - missing} of {total} DRGs, "
            f"{new} more of its own; {renamed} other names, {differs} other rules"),
        *_amounts(found, findings),
    ]  # fmt: skip


def _same_sites(mine: str, theirs: str) -> bool:
    """Whether a rule says "another body site" clause by clause because its sets overlap."""
    return theirs == SITES and bool(other_site(parse(mine)))


def _counts(code: str) -> bool:
    return not (is_ambiguous(code) or is_ungrouped(code))


def _amounts(found: Official, findings: Findings) -> Iterator[str]:
    tables, sets = found.tables, found.sets
    asked = [name for name in found.asked if name in sets]
    codes = sum(len(sets[name]) for name in asked)
    yield say(f"规则引用集合 {len(asked):,} 个，共 {codes:,} 个编码",
              f"the rules ask for {len(asked):,} sets with {codes:,} codes")  # fmt: skip
    levels = [complication.level for complication in tables.complications.values()]
    held = {
        "sets": (SETS, sum(map(len, sets.values()))),
        **{name: (SETS, len(sets[name])) for name in (COUNTING, "DI_OBD", "DI_H00", "OP_ARB")
           if name in sets},
        "MCC": (COMPLICATIONS, levels.count("MCC")),
        "CC": (COMPLICATIONS, levels.count("CC")),
        "exclusions": (EXCLUSIONS, len(tables.exclusions)),
    }  # fmt: skip
    few = [name for name, (_, number) in held.items() if number < _LITTLE * _USUAL[name]]
    for name in few:
        sheet, number = held[name]
        place = found.first.get(name, Place(sheet))
        code = "" if name in ("sets", "exclusions") else name
        findings.add("few_codes", place, code, f"{number:,}", f"{_USUAL[name]:,}")
    if few:
        told = ", ".join(f"{say(*_WORDS.get(name, (name, name)))} {held[name][1]:,}"
                         f"/{_USUAL[name]:,}" for name in few)  # fmt: skip
        yield say(
            f"编码比官方文件少得多，可能是节选：{told}",
            f"far fewer codes than the official file has, maybe an excerpt: {told}",
        )


_WORDS = {"sets": ("集合编码", "codes in sets"),
          "exclusions": ("排除表编码", "in exclusion tables")}  # fmt: skip


def counts(found: Official) -> dict[str, int]:
    """What the workbook holds, rows for what fits no group apart."""
    tables = found.tables
    drgs = [drg for drg in tables.drgs.values() if _counts(drg.code)]
    levels = [complication.level for complication in tables.complications.values()]
    return {
        "MDC": len(tables.mdcs),
        "ADRG": len({drg.parent for drg in drgs}),
        "DRG": len(drgs),
        "QY": sum(is_ambiguous(code) for code in tables.drgs),
        "X000": sum(is_ungrouped(code) for code in tables.drgs),
        "MCC": levels.count("MCC"),
        "CC": levels.count("CC"),
        "exclusion tables": len({table for table, _ in tables.exclusions.values()}),
    }
