"""Groups that no case can reach, because a group before them takes all that they would."""

from __future__ import annotations

from collections import defaultdict

from grouper.importer.findings import Findings
from grouper.importer.tables import Group, Tables
from grouper.scheme import rules
from grouper.scheme.model import FREE, MDC_LIST, is_free
from grouper.scheme.rules import And, Member, Or, Rule

_PRINCIPAL = {"principal_diagnosis": "any_diagnosis", "principal_procedure": "any_procedure"}


def check_reach(tables: Tables, findings: Findings) -> None:
    """Report DRGs and ADRGs that are never reached, and lists outside their MDC."""
    complete = _check_drgs(tables, findings)
    by_mdc: dict[str, list[Group]] = defaultdict(list)
    for adrg in tables.adrgs.values():
        by_mdc[adrg.parent].append(adrg)
    for groups in by_mdc.values():
        _check_adrgs(tables, groups, complete, findings)
    _check_diagnoses(tables, findings)


def _tree(group: Group) -> Rule | None:
    try:
        return rules.parse(group.rule)
    except rules.RuleError:
        return None


def _check_drgs(tables: Tables, findings: Findings) -> set[str]:
    """Gives the ADRGs whose DRGs take every case of theirs."""
    complete: dict[str, str] = {}
    seen: dict[tuple[str, Rule], str] = {}
    for drg in tables.drgs.values():
        tree = _tree(drg)
        if tree is None:
            continue
        before = complete.get(drg.parent) or seen.get((drg.parent, tree))
        if before or tree == rules.Const(False):
            findings.add("never_reached", drg.place, drg.code, drg.rule, before or "")
        if tree == rules.Const(True):
            complete.setdefault(drg.parent, drg.code)
        seen.setdefault((drg.parent, tree), drg.code)
    return set(complete)


def _check_adrgs(
    tables: Tables, groups: list[Group], complete: set[str], findings: Findings
) -> None:
    before: list[tuple[Group, list[Rule]]] = []
    for group in groups:
        tree = _tree(group)
        if tree is None:
            continue
        mine = _conjuncts(tree)
        for other, theirs in before:
            if all(_follows(tables, (other, rule), (group, mine)) for rule in theirs):
                findings.add("adrg_shadowed", group.place, group.code, group.rule,
                             f"{other.code}: {other.rule}")  # fmt: skip
                break
        if tree == rules.Const(False):
            findings.add("adrg_shadowed", group.place, group.code, group.rule)
        if group.code in complete:
            before.append((group, mine))


def _conjuncts(tree: Rule) -> list[Rule]:
    if tree == rules.Const(True):
        return []
    return list(tree.items) if isinstance(tree, And) else [tree]


def _follows(tables: Tables, wanted: tuple[Group, Rule], given: tuple[Group, list[Rule]]) -> bool:
    """Whether an earlier group's condition follows from what a later group asks for.

    Only what is certain counts: a wider list with the same test, or the same condition.
    """
    other, rule = wanted
    group, mine = given
    if isinstance(rule, Or):
        return any(_follows(tables, (other, item), given) for item in rule.items)
    if isinstance(rule, Member):
        wide = _codes(tables, other, rule)
        return any(
            isinstance(item, Member)
            and rule.subject in (item.subject, _PRINCIPAL.get(item.subject))
            and set() < _codes(tables, group, item) <= wide
            for item in mine
        )
    if any(rules.members(rule)):
        return False
    return rule in mine


def _codes(tables: Tables, group: Group, atom: Member) -> set[str]:
    owner = atom.owner or (group.parent if atom.name == MDC_LIST else group.code)
    return set(tables.lists.get((FREE if is_free(atom.name) else owner, atom.name), ()))


def _check_diagnoses(tables: Tables, findings: Findings) -> None:
    """A list asked of the principal diagnosis, none of whose codes enters the MDC."""
    for adrg in tables.adrgs.values():
        entered = set(tables.lists.get((adrg.parent, MDC_LIST), ()))
        mdc = tables.mdcs.get(adrg.parent)
        tree = _tree(adrg)
        if tree is None or mdc is None or "principal_diagnosis in MDC" not in mdc.rule:
            continue
        for item in _conjuncts(tree):
            if isinstance(item, Member) and item.subject == "principal_diagnosis":
                codes = _codes(tables, adrg, item)
                if codes and not codes & entered:
                    findings.add("outside_mdc", adrg.place, adrg.code, item.name, adrg.parent)
