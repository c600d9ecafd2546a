"""Complications and exclusion tables of two schemes (并发症与排除表比对), by level and member."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from grouper.scheme.exclusions import renumbered
from grouper.scheme.model import Scheme

MCC, CC, NONE = "MCC", "CC", ""
LEVELS = (MCC, CC, NONE)


@dataclass(frozen=True)
class Complications:
    """Complications by level.

    Attributes:
        moves: (level before, level now) -> the codes, where the levels differ.
        kept: level -> how many codes both schemes have at it.
        unknown: codes of :attr:`moves` that only one of the two editions has.
    """

    moves: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)
    kept: Mapping[str, int]
    unknown: frozenset[str] = field(repr=False)

    def became(self, level: str) -> int:
        """How many codes are at a level that they were not at before."""
        return sum(len(codes) for (_, now), codes in self.moves.items() if now == level)


@dataclass(frozen=True)
class Exclusions:
    """Exclusion tables, matched by their members.

    Attributes:
        same: how many tables of the old scheme the new one has too.
        renumbered: number before -> number now, of tables that both have.
        gone: numbers of tables that are there no more.
        new: numbers of tables that were not there.
        principals: principal diagnosis -> (table before, table now), of those that went to another
            table; empty where it is in none.
        complications: complication -> the same.
    """

    same: int
    renumbered: Mapping[str, str] = field(repr=False)
    gone: tuple[str, ...]
    new: tuple[str, ...]
    principals: Mapping[str, tuple[str, str]] = field(repr=False)
    complications: Mapping[str, tuple[str, str]] = field(repr=False)


def compare_complications(old: Scheme, new: Scheme) -> Complications:
    """Which codes are complications of another level now; nothing where a scheme has no lists."""
    if not (old.lists and new.lists):
        return Complications({}, {MCC: 0, CC: 0}, frozenset())
    before, after = _levels(old), _levels(new)
    moves: dict[tuple[str, str], list[str]] = defaultdict(list)
    kept = dict.fromkeys((MCC, CC), 0)
    for code in sorted({*before, *after}):
        was, now = before.get(code, NONE), after.get(code, NONE)
        if was == now:
            kept[now] += 1
        else:
            moves[was, now].append(code)
    moved = {code for codes in moves.values() for code in codes}
    return Complications(
        {pair: tuple(moves[pair]) for was in LEVELS for now in LEVELS
         if (pair := (was, now)) in moves},
        kept,
        frozenset(moved & (old.diagnosis_names.keys() ^ new.diagnosis_names.keys())),
    )  # fmt: skip


def compare_exclusions(old: Scheme, new: Scheme) -> Exclusions:
    """Which codes stand in another exclusion table now; another number is no other table.

    Nothing where a scheme has no lists.
    """
    if not (old.lists and new.lists):
        return Exclusions(0, {}, (), (), {}, {})
    back = renumbered(old, new)
    held = set(old.exclusion.values()), set(new.exclusion.values())

    def moved(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        found = {}
        for code in sorted({*before, *after}):
            was, now = before.get(code, ""), after.get(code, "")
            if not was or back.get(now) != was:
                found[code] = was, now
        return found

    return Exclusions(
        len(held[0] & set(back.values())),
        {was: now for now, was in back.items() if was != now and was in held[0]},
        tuple(sorted(held[0] - set(back.values()), key=_rank)),
        tuple(sorted(held[1] - back.keys(), key=_rank)),
        moved(old.exclusion, new.exclusion),
        moved({**old.mcc, **old.cc}, {**new.mcc, **new.cc}),
    )


def _levels(scheme: Scheme) -> dict[str, str]:
    return {**dict.fromkeys(scheme.cc, CC), **dict.fromkeys(scheme.mcc, MCC)}


def _rank(number: str) -> tuple[int, str]:
    return len(number), number
