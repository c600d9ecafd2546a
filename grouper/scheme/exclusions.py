"""Exclusion tables of two schemes matched (排除表对应): by what they hold, not by their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from grouper.scheme.model import Scheme


def renumbered(old: Scheme, new: Scheme) -> dict[str, str]:
    """Number of a table in the new scheme -> number of the same table in the old one.

    Tables are matched one to one, those first that have most members in common; among equals, one
    that keeps its number. Members are the principal diagnoses that exclude and the complications
    that are excluded. A table that has no match is not named.
    """
    common = Counter(
        (number, before[code])
        for before, after in _kinds(old, new)
        for code, number in after.items()
        if code in before
    )
    found: dict[str, str] = {}
    taken: set[str] = set()
    for (number, was), _ in sorted(
        common.items(), key=lambda item: (-item[1], item[0][0] != item[0][1], item[0])
    ):
        if number not in found and was not in taken:
            found[number] = was
            taken.add(was)
    return found


def old_numbers(old: Scheme, new: Scheme) -> dict[str, str]:
    """Number of every table of the new scheme -> the number it bears among those of the old one.

    A table that the old scheme does not have keeps its number, or gets a free one where the old
    scheme means another table by it.
    """
    found = renumbered(old, new)
    used = {*found.values(), *numbers(old)}
    for number in sorted(numbers(new) - found.keys(), key=_rank):
        free = number
        while free in used:
            free = str(max((int(one) for one in used if one.isdigit()), default=0) + 1)
        found[number] = free
        used.add(free)
    return found


def numbers(scheme: Scheme) -> set[str]:
    """The numbers of a scheme's exclusion tables."""
    held: Iterable[str] = (
        *scheme.exclusion.values(), *scheme.mcc.values(), *scheme.cc.values(),
    )  # fmt: skip
    return set(held)


def _kinds(old: Scheme, new: Scheme) -> tuple[tuple[dict[str, str], dict[str, str]], ...]:
    """What the tables hold, before and after: complications of any level, principal diagnoses."""
    return (
        ({**old.mcc, **old.cc}, {**new.mcc, **new.cc}),
        (dict(old.exclusion), dict(new.exclusion)),
    )


def _rank(number: str) -> tuple[int, str]:
    return (len(number), number)
