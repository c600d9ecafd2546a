"""Groups of two adjacent groups that mean the same cases (严重程度对应): by their rules.

Every kind of case (with MCC, with CC, without; of an age; by robot) is put into both, and DRGs
that take the same kinds correspond. A digit says nothing: 1-3-5 and 3-5 both have a 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from grouper.scheme import rules
from grouper.scheme.model import Drg
from grouper.scheme.rules import And, Atom, Compare, Const, Flag, Not, OneOf, Or, Rule

MOST_KINDS = 20_000  # kinds of cases that are tried; more are matched by code
_SEVERITY = {"mcc": (True, False, False), "cc": (False, True, False)}  # MCC, CC, none
_Case = tuple[int, dict[str, float], dict[str, bool]]  # severity, numbers, other facts


def pairs(old: Sequence[Drg], new: Sequence[Drg]) -> set[tuple[str, str]]:
    """(old DRG, new DRG) of two matched ADRGs that have kinds of cases in common."""
    trees = [[(drg.code, rules.parse(drg.rule)) for drg in side] for side in (old, new)]
    cases = _kinds_of_cases([rule for side in trees for _, rule in side])
    if cases is None:
        codes = {drg.code for drg in new}
        return {(drg.code, drg.code) for drg in old if drg.code in codes}
    found = set()
    for case in cases:
        ends = [next((code for code, rule in side if _holds(rule, case)), "") for side in trees]
        if all(ends):
            found.add((ends[0], ends[1]))
    return found


def _kinds_of_cases(trees: Sequence[Rule]) -> Iterator[_Case] | None:
    """One case of every kind that the rules tell apart; none when there are too many."""
    atoms = {atom for tree in trees for atom in rules.atoms(tree)}
    numbers: dict[str, set[float]] = {}
    facts: set[str] = set()
    for atom in atoms:
        if isinstance(atom, Compare):
            numbers.setdefault(atom.feature, set()).add(atom.value)
        elif isinstance(atom, OneOf) and not any(isinstance(v, str) for v in atom.values):
            numbers.setdefault(atom.feature, set()).update(
                v for v in atom.values if not isinstance(v, str)
            )
        elif not (isinstance(atom, Flag) and atom.name in _SEVERITY):
            facts.add(rules.to_text(atom))
    graded = any(isinstance(atom, Flag) and atom.name in _SEVERITY for atom in atoms)
    severities = range(3) if graded else range(2, 3)
    points = {
        name: sorted({*values, *(v - 0.5 for v in values), *(v + 0.5 for v in values)})
        for name, values in numbers.items()
    }
    told = sorted(facts)
    if len(severities) * 2 ** len(told) * prod(map(len, points.values())) > MOST_KINDS:
        return None
    return (
        (severity, dict(zip(points, values, strict=True)), dict(zip(told, yes, strict=True)))
        for severity in severities
        for values in product(*points.values())
        for yes in product((False, True), repeat=len(told))
    )


def _holds(rule: Rule, case: _Case) -> bool:
    if isinstance(rule, Const):
        return rule.value
    if isinstance(rule, And):
        return all(_holds(item, case) for item in rule.items)
    if isinstance(rule, Or):
        return any(_holds(item, case) for item in rule.items)
    if isinstance(rule, Not):
        return not _holds(rule.item, case)
    return _true(rule, case)


def _true(atom: Atom, case: _Case) -> bool:
    severity, numbers, facts = case
    if isinstance(atom, Flag) and atom.name in _SEVERITY:
        return _SEVERITY[atom.name][severity]
    if isinstance(atom, Compare):
        a, b = numbers[atom.feature], atom.value
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b,
                "!=": a != b}[atom.op]  # fmt: skip
    if isinstance(atom, OneOf) and atom.feature in numbers:
        return numbers[atom.feature] in atom.values
    return facts[rules.to_text(atom)]
