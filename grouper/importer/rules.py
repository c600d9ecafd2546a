"""Entry rules that the tables do not state, derived from lists, last digits and wording."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from grouper.importer import wording
from grouper.importer.findings import Findings
from grouper.importer.tables import Group, Tables
from grouper.scheme.model import MDC_LIST
from grouper.scheme.rules import RuleError, parse, to_text

_FIRST_MDCS = ("MDCA", "MDCP", "MDCY", "MDCZ", "MDCM", "MDCN")
_DIGITS = "713590"  # the order in which groups of one ADRG are tried
_NO_OPERATION = re.compile(r"(无|不伴|未行|非)手术")
_SEVERITY_OF = {"1": "mcc", "3": "cc", "5": "none"}


def derive(tables: Tables, findings: Findings) -> None:
    """Fill in the rules and the order of all groups that have none."""
    _translate([*tables.mdcs.values(), *tables.adrgs.values(), *tables.drgs.values()], findings)
    for mdc in tables.mdcs.values():
        mdc.rule = mdc.rule or mdc_rule(tables, mdc.code)
    _order_mdcs(tables, findings)
    tests = {}
    for adrg in tables.adrgs.values():
        if not adrg.rule:
            tests[adrg.code] = _adrg_rule(tables, adrg, findings)
            adrg.rule = tests[adrg.code]
    tables.adrgs = _ordered(tables.adrgs)
    if tables.options.procedure_test == "principal-then-any":
        _fall_back(tables, tests)
    _drg_rules(tables, findings)


def _translate(groups: Iterable[Group], findings: Findings) -> None:
    """Conditions in words become rules where there is no rule."""
    for group in groups:
        if group.explicit or not group.condition:
            continue
        rule = wording.condition(group.condition)
        try:
            rule = to_text(parse(rule))
        except RuleError:
            findings.add("wording_unread", group.place, group.code, group.condition)
            continue
        group.rule, group.explicit = rule, True
        findings.add("rule_derived", group.place, group.code, group.condition, rule)


def _ordered(groups: dict[str, Group]) -> dict[str, Group]:
    """By the order column where there is one, else as the rows stand.

    Order numbers may begin anew in every parent, so only groups of one parent are compared.
    """
    if all(group.order is None for group in groups.values()):
        return groups
    parents: dict[str, int] = {}
    for group in groups.values():
        parents.setdefault(group.parent, len(parents))

    def place(group: Group) -> tuple[int, float]:
        order = float("inf") if group.order is None else group.order
        return parents[group.parent], order

    return {group.code: group for group in sorted(groups.values(), key=place)}


def mdc_rule(tables: Tables, mdc: str) -> str:
    """The rule that enters an MDC by its letter."""
    entered = "principal_diagnosis in MDC"
    if mdc == "MDCA":
        valid = (
            "principal_procedure_valid"
            if tables.options.procedure_test == "principal"
            else "any_procedure_valid"
        )
        return f"{entered} and {valid}" if (mdc, MDC_LIST) in tables.lists else valid
    if mdc == "MDCY" and tables.options.hiv == "any":
        return "any_diagnosis in MDC"
    more = {"MDCP": "age == 0", "MDCM": "sex == male", "MDCN": "sex == female",
            "MDCZ": "trauma_sites >= 2"}  # fmt: skip
    return f"{entered} and {more[mdc]}" if mdc in more else entered


def _order_mdcs(tables: Tables, findings: Findings) -> None:
    groups = tables.mdcs
    if any(g.explicit or g.order is not None for g in groups.values()):
        tables.mdcs = _ordered(groups)
        return
    first = [code for code in _FIRST_MDCS if code in groups]
    order = [*first, *(code for code in groups if code not in first)]
    if order != list(groups):
        place = tables.sheet("mdc", "mdc_diagnoses", "adrg")
        findings.add("order_derived", place, "MDC", expected=" ".join(order[: len(first) + 1]))
    tables.mdcs = {code: groups[code] for code in order}


def _adrg_rule(tables: Tables, adrg: Group, findings: Findings) -> str:
    parts = []
    diagnoses, procedures = (tables.lists_of(adrg.code, letter) for letter in "DP")
    if diagnoses:
        parts.append(_any_of(f"principal_diagnosis in {name}" for name in diagnoses))
    if procedures:
        parts.append(_operations(tables, adrg, procedures, findings))
    if not parts:
        parts = _by_name(adrg.name)
        findings.add("no_lists", adrg.place, adrg.code, adrg.name, parts[0] if parts else "true")
    elif not procedures and "手术室" in adrg.name:
        parts.append("principal_procedure_valid")
        findings.add("rule_derived", adrg.place, adrg.code, "手术室", parts[-1])
    parts += _worded(adrg, findings)
    return " and ".join(parts) or "true"


def _by_name(name: str) -> list[str]:
    """What the name of an ADRG without lists tells of operations."""
    if _NO_OPERATION.search(name):
        return ["not any_procedure_valid"]
    return ["principal_procedure_valid"] if "手术" in name else []


def _any_of(conditions: Iterable[str]) -> str:
    listed = list(conditions)
    return listed[0] if len(listed) == 1 else f"({' or '.join(listed)})"


def _operations(tables: Tables, adrg: Group, lists: list[str], findings: Findings) -> str:
    """One list: the operation; several: one from each, unless the tables say 或."""
    if len(lists) == 1:
        subject = (
            "any_procedure" if tables.options.procedure_test == "any" else "principal_procedure"
        )
        return f"{subject} in {lists[0]}"
    joins = [tables.joins.get((adrg.code, name)) for name in lists]
    if any("#" in name for name in lists) and not any(joins):
        findings.add("sublists_joined", adrg.place, adrg.code, ", ".join(lists))
    choices: list[list[str]] = [[]]
    for name, join in zip(lists, joins, strict=True):
        if join == "or" and choices[-1]:
            choices.append([])
        choices[-1].append(f"any_procedure in {name}")
    if len(choices) == 1:
        return " and ".join(choices[0])
    rule = _any_of(" and ".join(c) if len(c) == 1 else f"({' and '.join(c)})" for c in choices)
    findings.add("rule_derived", adrg.place, adrg.code, "或", rule)
    return rule


def _worded(group: Group, findings: Findings, within: str = "") -> list[str]:
    """Conditions in a group's name, but those that the name it is ``within`` has already."""
    said = wording.conditions(group.name)
    if said == wording.conditions(within):
        return []
    if said.rules:
        findings.add(
            "rule_derived", group.place, group.code, "; ".join(said.read), " and ".join(said.rules)
        )
    if said.unread:
        findings.add("wording_unread", group.place, group.code, group.name)
    return list(said.rules)


def _fall_back(tables: Tables, tests: dict[str, str]) -> None:
    """Let any operation do where no later ADRG of the MDC has the principal one.

    Earlier ADRGs need no mention: with their operation as the principal one they have taken the
    case already.
    """
    by_mdc: dict[str, list[Group]] = defaultdict(list)
    for adrg in tables.adrgs.values():
        by_mdc[adrg.parent].append(adrg)
    for groups in by_mdc.values():
        later: list[str] = []
        for adrg in reversed(groups):
            test = tests.get(adrg.code, "")
            if "principal_procedure in " not in test:
                continue
            loose = test.replace("principal_procedure in", "any_procedure in")
            if later:
                taken = " or ".join(reversed(later))
                adrg.rule = f"{test} or {loose} and not ({taken})"
            else:
                adrg.rule = loose
            later.append(_owned(test, adrg.code))


def _owned(rule: str, owner: str) -> str:
    """A derived rule as it reads in another group."""
    return rule.replace(" in D", f" in {owner}:D").replace(" in P", f" in {owner}:P")


def _drg_rules(tables: Tables, findings: Findings) -> None:
    by_adrg: dict[str, list[Group]] = defaultdict(list)
    for drg in tables.drgs.values():
        by_adrg[drg.parent].append(drg)
    ordered: dict[str, Group] = {}
    for groups in by_adrg.values():
        if all(g.explicit for g in groups) or any(g.order is not None for g in groups):
            inside = list(_ordered({g.code: g for g in groups}).values())
        else:
            inside = groups
        ends = {g.code[-1] for g in groups}
        for drg in groups:
            if not drg.rule:
                drg.rule = _drg_rule(drg, ends, tables.adrgs[drg.parent].name, findings)
        if inside is groups and not all(g.explicit for g in groups):
            inside = sorted(groups, key=_try_order)
        ordered |= {g.code: g for g in inside}
    tables.drgs = ordered


def _try_order(drg: Group) -> tuple[bool, int]:
    end = drg.code[-1]
    return drg.rule == "true", _DIGITS.index(end) if end in _DIGITS else 0


def _drg_rule(drg: Group, ends: set[str], adrg: str, findings: Findings) -> str:
    end = drg.code[-1]
    said = wording.severity(drg.name)
    expected = _SEVERITY_OF.get(end, "")
    loose = end == "3" and "1" not in ends and said == "mcc"  # 伴严重或一般并发症
    if expected and said and said != expected and not loose:
        findings.add("severity_mismatch", drg.place, drg.code, drg.name, expected)
    elif end == "9" and said in ("mcc", "cc"):
        findings.add("severity_mismatch", drg.place, drg.code, drg.name, "5, 3, 1")
    parts = _worded(drg, findings, within=adrg)
    severity = {"1": "mcc", "3": "mcc or cc"}.get(end, "")
    if end not in "1359":
        died = wording.outcome(drg.name)
        if end == "7" and not died and not parts:
            died = "discharge_mode in [2, 5]"
        if died:
            parts.append(died)
            findings.add("rule_derived", drg.place, drg.code, drg.name, " and ".join(parts))
        severity = {"mcc": "mcc", "cc": "mcc or cc"}.get(said, "")
        if not parts and not severity:
            findings.add("ending_unreadable", drg.place, drg.code, drg.name)
            return "true"
    if not severity:
        return " and ".join(parts) or "true"
    return " and ".join([*parts, f"({severity})" if parts and " " in severity else severity])
