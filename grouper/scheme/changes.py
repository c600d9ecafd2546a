"""Changes between two schemes (方案差异): how a local scheme says what it does otherwise.

A change is one row that an official can read: what happens (``add``, ``remove``, ``change``) to
which group or code. The same rows make an overlay (applied to the scheme it extends) and the
difference of two schemes.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from drg.errors import problem
from drg.language import say
from grouper.scheme.exclusions import old_numbers
from grouper.scheme.model import MDC_LIST, Adrg, Drg, Mdc, Scheme, holds_procedures, is_free

ACTIONS = ("add", "remove", "change")
GROUP_TABLES = ("mdc", "adrg", "drg")
CODE_TABLES = ("diagnosis", "procedure")
FIRST = "first"
Group = TypeVar("Group", Mdc, Adrg, Drg)


@dataclass(frozen=True)
class Change:
    """One row of ``changes.csv``.

    Attributes:
        action: one of :data:`ACTIONS`.
        table: ``mdc``, ``adrg``, ``drg``, ``diagnosis`` or ``procedure``.
        code: the group or the code.
        name: its name; of a changed group, the new name, empty when it stays.
        place: of a group, the one it belongs to; of a code, what it is added to or removed from:
            a list (``BB1:D1``, ``DI_OBD``), an MDC (``MDCB``), ``MCC:7``, ``CC:7``,
            ``exclusion:7``, ``trauma:SITE``, ``valid``, or ``code`` for the edition itself.
        rule: the group's rule; empty when it stays.
        after: the group it stands behind within the one it belongs to, or ``first``; empty when
            its place in the order stays.
        was: what a changed group was, for the reader.
    """

    action: str
    table: str
    code: str
    name: str = ""
    place: str = ""
    rule: str = ""
    after: str = ""
    was: str = ""


COLUMNS = tuple(field.name for field in fields(Change))
_HEADER = ("change", *COLUMNS[1:])


def read_changes(path: Path) -> list[Change]:
    """Read ``changes.csv``.

    Raises:
        DrgError: the file cannot be read or a row is not a change; the row is named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise problem(say(f"不能作为 UTF-8 编码的 CSV 读取（{error}）",
                          f"cannot be read as UTF-8 CSV ({error})"),
                      file=path) from None  # fmt: skip
    if not rows or tuple(rows[0]) != _HEADER:
        raise problem(say("表头不符", "has another header"), file=path,
                      found=",".join(rows[0] if rows else []),
                      expected=",".join(_HEADER))  # fmt: skip
    changes = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(_HEADER):
            raise problem(say("单元格数不符", "wrong number of cells"), file=path, row=number,
                          found=len(row), expected=str(len(_HEADER)))  # fmt: skip
        change = Change(*(cell.strip() for cell in row))
        for value, known in ((change.action, ACTIONS), (change.table, GROUP_TABLES + CODE_TABLES)):
            if value not in known:
                raise problem(say("没有这个词", "unknown word"), file=path, row=number, found=value,
                              expected=say("下列之一：", "one of ") + ", ".join(known))  # fmt: skip
        if not change.code:
            raise problem(say("编码为空", "the code is empty"), file=path, row=number)
        changes.append(change)
    return changes


def write_changes(path: Path, changes: Iterable[Change]) -> None:
    """Write ``changes.csv``."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows(astuple(change) for change in changes)


def places(scheme: Scheme) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """What every diagnosis and every procedure plays: code -> places as in :class:`Change`."""
    diagnoses: dict[str, set[str]] = {code: {"code"} for code in scheme.diagnosis_names}
    procedures: dict[str, set[str]] = {code: {"code"} for code in scheme.procedure_names}
    for (owner, name), codes in scheme.lists.items():
        held = procedures if holds_procedures(name) else diagnoses
        place = owner if name == MDC_LIST else f"{owner}:{name}" if owner else name
        for code in codes:
            held[code].add(place)
    for kind, tables in _keyed(scheme):
        for code, table in tables.items():
            diagnoses[code].add(f"{kind}:{table}")
    for code in scheme.grouping_procedures:
        procedures[code].add("valid")
    return diagnoses, procedures


def _keyed(scheme: Scheme) -> tuple[tuple[str, Mapping[str, str]], ...]:
    return (
        ("MCC", scheme.mcc), ("CC", scheme.cc), ("exclusion", scheme.exclusion),
        ("trauma", scheme.trauma_sites),
    )  # fmt: skip


def difference(old: Scheme, new: Scheme) -> list[Change]:
    """The changes that turn one scheme into another.

    Lists of groups that the new scheme does not have go with their groups and are not named. An
    exclusion table bears the number that it has in the old scheme: one that was only renumbered is
    no change, and the changes applied give the new scheme up to the numbers of its tables.
    """
    new = _with_numbers(new, old_numbers(old, new))
    changes = [
        *_group_changes("mdc", old.mdcs, new.mdcs),
        *_group_changes("adrg", old.adrgs, new.adrgs),
        *_group_changes("drg", explicit(old), explicit(new)),
    ]
    kept = {*(mdc.code for mdc in new.mdcs), *(adrg.code for adrg in new.adrgs)}
    names = (new.diagnosis_names, new.procedure_names)
    old_names = (old.diagnosis_names, old.procedure_names)
    for table, before, after, named, was_named in zip(
        CODE_TABLES, places(old), places(new), names, old_names, strict=True
    ):
        for code in sorted({*before, *after}):
            name = named.get(code) or was_named.get(code, "")
            gone, come = before.get(code, set()), after.get(code, set())
            changes += [
                Change("remove", table, code, name, place)
                for place in sorted(gone - come, key=lambda place: (place == "code", place))
                if _owner(place) is None or _owner(place) in kept
            ]
            changes += [
                Change("add", table, code, name, place)
                for place in sorted(come - gone, key=lambda place: (place != "code", place))
            ]
    return changes


def _with_numbers(scheme: Scheme, numbers: Mapping[str, str]) -> Scheme:
    """The scheme with other numbers of its exclusion tables."""
    if all(number == instead for number, instead in numbers.items()):
        return scheme
    mcc, cc, exclusion = (
        {code: numbers[table] for code, table in held.items()}
        for held in (scheme.mcc, scheme.cc, scheme.exclusion)
    )
    return replace(scheme, mcc=mcc, cc=cc, exclusion=exclusion)


def explicit(scheme: Scheme) -> tuple[Drg, ...]:
    """DRGs without those that stand for an ADRG that has none."""
    return tuple(drg for drg in scheme.drgs if drg.code != drg.adrg or drg.rule != "true")


def _owner(place: str) -> str | None:
    """The group that a place belongs to."""
    kind, _, rest = place.partition(":")
    known = kind in ("MCC", "CC", "exclusion", "trauma") or place in ("valid", "code")
    if known or is_free(kind):
        return None
    return kind if rest else place


def _parent(group: Mdc | Adrg | Drg) -> str:
    return group.mdc if isinstance(group, Adrg) else group.adrg if isinstance(group, Drg) else ""


def _group_changes(table: str, old: Sequence[Group], new: Sequence[Group]) -> list[Change]:
    before = {group.code: group for group in old}
    after = {group.code: group for group in new}
    changes = [
        Change("remove", table, group.code, group.name, _parent(group))
        for group in old
        if group.code not in after
    ]
    moved = _moved(old, new)
    previous: dict[str, str] = {}
    for group in new:
        parent = _parent(group)
        behind = previous.get(parent, FIRST)
        previous[parent] = group.code
        was = before.get(group.code)
        if was is None:
            changes.append(Change("add", table, group.code, group.name, parent, group.rule, behind))
            continue
        differs = {
            part: (mine, theirs)
            for part, mine, theirs in (
                ("name", group.name, was.name),
                ("place", parent, _parent(was)),
                ("rule", group.rule, was.rule),
            )
            if mine != theirs
        }
        if differs or group.code in moved:
            new_parts = {part: mine for part, (mine, _) in differs.items()}
            behind = behind if group.code in moved or "place" in differs else ""
            told = "; ".join(f"{part}: {theirs}" for part, (_, theirs) in differs.items())
            changes.append(Change("change", table, group.code, after=behind, was=told, **new_parts))
    return changes


def _moved(old: Sequence[Group], new: Sequence[Group]) -> set[str]:
    """Groups whose order among those that stay differs: all but a longest run that keeps it."""
    rank = {group.code: i for i, group in enumerate(old)}
    moved: set[str] = set()
    parents = {group.code: _parent(group) for group in old}
    by_parent: dict[str, list[str]] = {}
    for group in new:
        if parents.get(group.code) == _parent(group):
            by_parent.setdefault(_parent(group), []).append(group.code)
    for codes in by_parent.values():
        moved |= set(codes) - _longest_rising(codes, rank)
    return moved


def _longest_rising(codes: Sequence[str], rank: Mapping[str, int]) -> set[str]:
    """A longest subsequence with rising ranks."""
    ends: list[int] = []
    chains: list[tuple[str, ...]] = []
    for code in codes:
        at = bisect_left(ends, rank[code])
        chain = (*(chains[at - 1] if at else ()), code)
        if at == len(ends):
            ends.append(rank[code])
            chains.append(chain)
        else:
            ends[at], chains[at] = rank[code], chain
    return set(chains[-1]) if chains else set()
