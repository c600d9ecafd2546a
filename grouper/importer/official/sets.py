"""Sets of the official workbook (集合) and the lists of a pack that they become."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grouper.importer.official.language import SET
from grouper.importer.tables import Key
from grouper.scheme.model import FREE, MDC_LIST
from grouper.scheme.rules import And, Count, Flag, Member, Not, Or, Rule

COUNTING = "OP_ALL"  # the operations that count, a column of a pack's procedures
SITES = "other_trauma_site"
_OF_AN_MDC = re.compile(r"DI_([A-Z])00")
_VALID = {"principal_procedure": "principal_procedure_valid",
          "any_procedure": "any_procedure_valid"}  # fmt: skip


@dataclass(frozen=True)
class Homes:
    """Where sets go: ``OP1_AC1`` is AC1's list P1, ``DI_H00`` MDCH's own, ``OP_ARB`` nobody's.

    Attributes:
        mdcs: the MDCs of the workbook.
        adrgs: its ADRGs.
        sets: the names of all sets.
    """

    mdcs: frozenset[str]
    adrgs: frozenset[str]
    sets: frozenset[str]

    def of(self, name: str) -> Key:
        """The owner and name of a set's list in the pack."""
        match = SET.fullmatch(name)
        if match is None:
            return FREE, name
        kind, number, owner = match.groups()
        whole = _OF_AN_MDC.fullmatch(name)
        if whole and f"MDC{whole[1]}" in self.mdcs:
            return f"MDC{whole[1]}", MDC_LIST
        if owner not in self.adrgs or owner.endswith("00"):
            return FREE, name
        return owner, f"{'D' if kind == 'DI' else 'P'}{number or self._plain(kind, owner)}"

    def _plain(self, kind: str, owner: str) -> int:
        """The number of a set without one: 1, or the first free where ``DI1_`` stands beside."""
        number = 1
        while f"{kind}{number}_{owner}" in self.sets:
            number += 1
        return number

    def rule(self, rule: Rule, *own: str) -> Rule:
        """A rule over sets as a rule over lists; lists of ``own`` groups need no owner."""
        if isinstance(rule, And):
            return And(tuple(self.rule(item, *own) for item in rule.items))
        if isinstance(rule, Or):
            return Or(tuple(self.rule(item, *own) for item in rule.items))
        if isinstance(rule, Not):
            return Not(self.rule(rule.item, *own))
        if isinstance(rule, Count):
            return Count(self._member(rule.item, own), rule.op, rule.value)
        if isinstance(rule, Member):
            if rule.name == COUNTING and rule.subject in _VALID:
                return Flag(_VALID[rule.subject])
            return self._member(rule, own)
        return rule

    def _member(self, member: Member, own: tuple[str, ...]) -> Member:
        owner, name = self.of(member.name)
        return Member(member.subject, name, FREE if owner in own else owner)


def asks_for_codes(rule: Rule) -> Iterable[str]:
    """The sets of which a rule asks more than the flags of a pack can say."""
    if isinstance(rule, And | Or):
        for item in rule.items:
            yield from asks_for_codes(item)
    elif isinstance(rule, Not):
        yield from asks_for_codes(rule.item)
    elif isinstance(rule, Count):
        yield rule.item.name
    elif isinstance(rule, Member) and not (rule.name == COUNTING and rule.subject in _VALID):
        yield rule.name


def other_site(rule: Rule) -> list[str]:
    """The sets of body sites of a rule that says "another site", by its shape; none if not.

    The principal diagnosis stands in one set and another diagnosis in one of all the others, for
    each set in turn. Where the sets are disjoint that is the flag :data:`SITES`.
    """
    clauses = rule.items if isinstance(rule, Or) else ()
    found: dict[str, set[str]] = {}
    for clause in clauses:
        if not isinstance(clause, And) or len(clause.items) != 2:
            return []
        principal, other = clause.items
        others = other.items if isinstance(other, Or) else (other,)
        if not isinstance(principal, Member) or principal.subject != "principal_diagnosis":
            return []
        named = {item.name for item in others
                 if isinstance(item, Member) and item.subject == "secondary_diagnosis"}  # fmt: skip
        if len(named) != len(others) or principal.name in found:
            return []
        found[principal.name] = named
    whole = set(found)
    fits = all(named == whole - {name} for name, named in found.items())
    return list(found) if fits and len(found) > 1 else []


def disjoint(sets: Mapping[str, Iterable[str]], names: Iterable[str]) -> bool:
    """Whether no code stands in two of the sets."""
    seen: set[str] = set()
    for name in names:
        codes = set(sets.get(name, ()))
        if not codes or seen & codes:
            return False
        seen |= codes
    return True
