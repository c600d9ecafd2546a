"""What adjacent groups hold (病组内容): the codes of the lists that their rules ask for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from grouper.scheme import rules
from grouper.scheme.model import MDC_LIST, Adrg, Scheme, holds_procedures, resolve
from grouper.scheme.rules import And, Count, Flag, Member, Or, Rule

Shares = dict[tuple[str, str], tuple[float, float]]


@dataclass(frozen=True)
class Content:
    """What leads to an adjacent group.

    Attributes:
        diagnoses: codes of its diagnosis lists; empty when any diagnosis of the MDC will do.
        procedures: codes of its procedure lists.
        operated: whether its rule asks for an operation.
        reach: the share of its MDC's diagnoses that its own diagnoses are; 1 without any.
    """

    diagnoses: frozenset[str]
    procedures: frozenset[str]
    operated: bool
    reach: float = 1.0

    @property
    def codes(self) -> frozenset[str]:
        """Codes of both kinds."""
        return self.diagnoses | self.procedures


def contents(scheme: Scheme, other: Scheme) -> dict[str, Content]:
    """ADRG -> what leads to it; nothing for one whose rule names no list, or only its MDC's.

    Codes that only one of two editions has say nothing of a group and are left out.
    """
    found: dict[str, Content] = {}
    if not scheme.lists or not other.lists:
        return found
    for adrg in scheme.adrgs:
        tree = rules.parse(adrg.rule)
        diagnoses, procedures = held_by(scheme, adrg, tree)
        diagnoses &= other.diagnosis_names.keys()
        procedures &= other.procedure_names.keys()
        if diagnoses or procedures:
            whole = len(scheme.lists.get((adrg.mdc, MDC_LIST), ()))
            reach = min(1.0, len(diagnoses) / whole) if diagnoses and whole else 1.0
            found[adrg.code] = Content(
                frozenset(diagnoses), frozenset(procedures), _operated(tree), reach
            )
    return found


def held_by(scheme: Scheme, adrg: Adrg, tree: Rule) -> tuple[set[str], set[str]]:
    """The diagnoses and the procedures of the lists that an ADRG's rule asks for."""
    diagnoses: set[str] = set()
    procedures: set[str] = set()
    for atom in _asked(tree):
        owner, name = resolve(adrg, atom)
        if name != MDC_LIST:
            held = procedures if holds_procedures(name) else diagnoses
            held.update(scheme.lists.get((owner, name), ()))
    return diagnoses, procedures


def shares(old: Mapping[str, Content], new: Mapping[str, Content]) -> Shares:
    """(old ADRG, new ADRG) -> which share of each the other holds.

    A group that asks for an operation and one that does not have no cases in common. Of diagnoses
    and operations each has its share, and the shares multiply, as the conditions do. A code that
    leads to several groups of its scheme (the cranial operations of BB1 to BB5) counts that much
    less in each.
    """
    kinds = [
        _kind_shares(*({code: getattr(one, kind) for code, one in side.items()}
                       for side in (old, new)))
        for kind in ("diagnoses", "procedures")
    ]  # fmt: skip
    found: Shares = {}
    for pair in {*kinds[0], *kinds[1]}:
        a, b = old[pair[0]], new[pair[1]]
        if a.operated != b.operated:
            continue
        of_old = of_new = 1.0
        for held, mine, theirs in zip(
            kinds, (a.diagnoses, a.procedures), (b.diagnoses, b.procedures), strict=True
        ):
            shared = held.get(pair, (0.0, 0.0))
            if mine and theirs:
                of_old, of_new = of_old * shared[0], of_new * shared[1]
        if b.diagnoses and not a.diagnoses:
            of_old *= b.reach
        if a.diagnoses and not b.diagnoses:
            of_new *= a.reach
        found[pair] = of_old, of_new
    return found


def _kind_shares(old: Mapping[str, frozenset[str]], new: Mapping[str, frozenset[str]]) -> Shares:
    in_old, in_new = _weights(old.values()), _weights(new.values())
    whole_old = {group: sum(in_old[c] for c in codes) for group, codes in old.items()}
    whole_new = {group: sum(in_new[c] for c in codes) for group, codes in new.items()}
    where: dict[str, list[str]] = defaultdict(list)
    for group, codes in new.items():
        for code in codes:
            where[code].append(group)
    common: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for group, codes in old.items():
        for code in sorted(codes):
            for other in where.get(code, ()):
                both = common[group, other]
                both[0] += in_old[code]
                both[1] += in_new[code]
    return {
        (a, b): (of_old / whole_old[a], of_new / whole_new[b])
        for (a, b), (of_old, of_new) in common.items()
    }


def _weights(groups: Iterable[frozenset[str]]) -> dict[str, float]:
    times = Counter(code for codes in groups for code in codes)
    return {code: 1 / count for code, count in times.items()}


def _asked(rule: Rule) -> Iterator[Member]:
    """The lists that a rule asks to be there; those it asks not to be are left out."""
    if isinstance(rule, And | Or):
        for item in rule.items:
            yield from _asked(item)
    elif isinstance(rule, Member):
        yield rule
    elif isinstance(rule, Count):
        yield rule.item


def _operated(rule: Rule) -> bool:
    """Whether no case without an operation fits the rule."""
    if isinstance(rule, And):
        return any(_operated(item) for item in rule.items)
    if isinstance(rule, Or):
        return all(_operated(item) for item in rule.items)
    if isinstance(rule, Count):
        return _operated(rule.item)
    if isinstance(rule, Member):
        return holds_procedures(rule.name)
    return isinstance(rule, Flag) and rule.name.endswith("procedure_valid")
