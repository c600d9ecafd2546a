"""Codes that lead elsewhere now (编码去向): where the groups they led to are not what became of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from grouper.compare.content import held_by
from grouper.compare.groups import GroupComparison
from grouper.scheme import rules
from grouper.scheme.model import MDC_LIST, Scheme

_Leads = Mapping[str, tuple[str, ...]]
_Sides = tuple[_Leads, _Leads]


@dataclass(frozen=True)
class Moved:
    """A code that leads to other groups.

    Attributes:
        code: of a diagnosis or a procedure.
        name: its name.
        procedure: whether it is a procedure.
        old: the ADRGs it led to, and of a diagnosis the MDCs.
        new: those it leads to now.
    """

    code: str
    name: str
    procedure: bool
    old: tuple[str, ...]
    new: tuple[str, ...]


def moved_codes(old: Scheme, new: Scheme, groups: GroupComparison) -> tuple[Moved, ...]:
    """The codes that lead elsewhere; a group that was only renumbered or divided is no elsewhere.

    Nothing where one scheme has no lists.
    """
    if not groups.by_content:
        return ()
    found = []
    leads = _leads(old), _leads(new)
    follow = _Follow(old, new, groups, leads)
    names = (
        {**old.diagnosis_names, **new.diagnosis_names},
        {**old.procedure_names, **new.procedure_names},
    )
    for procedure, before, after in zip((False, True), *leads, strict=True):
        for code in sorted({*before, *after}):
            was, now = before.get(code, ()), after.get(code, ())
            if was != now and follow.elsewhere(was, now):
                found.append(Moved(code, names[procedure].get(code, ""), procedure, was, now))
    return tuple(found)


class _Follow:
    """Where the groups of a code are found in the other scheme."""

    def __init__(
        self, old: Scheme, new: Scheme, groups: GroupComparison, leads: tuple[_Sides, _Sides]
    ) -> None:
        self.groups = groups
        # Groups that list no codes take those that no other group has: no code goes to them.
        self.bare = [
            {adrg.code for adrg in scheme.adrgs}
            - {group for side in held for groups_of in side.values() for group in groups_of}
            for scheme, held in zip((old, new), leads, strict=True)
        ]

    def elsewhere(self, was: tuple[str, ...], now: tuple[str, ...]) -> bool:
        """Whether a group it led to lives on without it, or one it leads to was made of others."""
        before, after = set(was), set(now)
        return any(
            not after & (home := self._home(code, self.groups.new_of(code)))
            and not home & self.bare[1]
            for code in was
        ) or any(
            not before & (home := self._home(code, self.groups.old_of(code)))
            and not home & self.bare[0]
            for code in now
        )

    def _home(self, code: str, groups: tuple[str, ...]) -> set[str]:
        return {code} if code.startswith(MDC_LIST) else set(groups)


def _leads(scheme: Scheme) -> _Sides:
    """Of every diagnosis and procedure, the groups whose rules ask for a list that holds it."""
    found: tuple[dict[str, list[str]], dict[str, list[str]]] = defaultdict(list), defaultdict(list)
    for adrg in scheme.adrgs:
        held = held_by(scheme, adrg, rules.parse(adrg.rule))
        for side, codes in zip(found, held, strict=True):
            for code in codes:
                side[code].append(adrg.code)
    for (owner, name), listed in scheme.lists.items():
        if name == MDC_LIST:
            for code in listed:
                found[0][code].append(owner)
    diagnoses, procedures = (
        {code: tuple(groups) for code, groups in side.items()} for side in found
    )
    return diagnoses, procedures
