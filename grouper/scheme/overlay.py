"""Overlays (地方方案): a scheme that extends another and says only what differs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from drg.errors import problem
from drg.language import say
from grouper.scheme import rules
from grouper.scheme.changes import (
    CODE_TABLES,
    FIRST,
    GROUP_TABLES,
    Change,
    explicit,
    places,
    read_changes,
)
from grouper.scheme.model import (
    FREE,
    MDC_LIST,
    Adrg,
    Drg,
    Header,
    Mdc,
    Scheme,
    holds_procedures,
    is_free,
    resolve,
)

CHANGES = "changes.csv"
_LIST = re.compile(r"[DP][0-9]+(#[0-9]+)?|(DI|OP)[0-9]*_[A-Z0-9_]+")
# of these a code has one: a level with its table, an exclusion table, a body site
_ONE = {"MCC": ("MCC", "CC"), "CC": ("MCC", "CC"), "exclusion": ("exclusion",),
        "trauma": ("trauma",)}  # fmt: skip


def read_overlay(folder: Path, header: Header, base: Scheme, content_hash: str) -> Scheme:
    """Lay the changes of a folder over the scheme it extends.

    Raises:
        DrgError: a change does not fit the scheme, or the result is not a scheme; the row of
            ``changes.csv`` or the group is named.
    """
    scheme = overlaid(base, folder / CHANGES)
    return replace(scheme, header=header, content_hash=content_hash)


def overlaid(base: Scheme, path: Path) -> Scheme:
    """The scheme with the changes of a file, checked.

    Raises:
        DrgError: as :func:`read_overlay`.
    """
    scheme = apply_changes(base, read_changes(path), path)
    _check(scheme, path)
    return scheme


def apply_changes(base: Scheme, changes: Sequence[Change], path: Path) -> Scheme:
    """The scheme that comes of a list of changes.

    Args:
        base: the scheme to start from.
        changes: in the order of the file; a group stands behind another that is there by then.
        path: the file they are from, for messages.

    Raises:
        DrgError: a change does not fit.
    """
    numbered = list(enumerate(changes, 2))
    groups: dict[str, list[Any]] = {
        "mdc": list(base.mdcs),
        "adrg": list(base.adrgs),
        "drg": list(explicit(base)),
    }
    for table in GROUP_TABLES:
        for number, change in numbered:
            if change.table == table:
                _change_group(groups[table], change, number, path)
    _placed(groups, numbered, path)
    mdcs, adrgs, drgs = _in_rule_order(groups)
    held = dict(zip(CODE_TABLES, places(base), strict=True))
    names = {
        "diagnosis": dict(base.diagnosis_names),
        "procedure": dict(base.procedure_names),
    }
    for number, change in numbered:
        if change.table in CODE_TABLES:
            _change_code(held[change.table], names[change.table], change, number, path)
    owners = {*(mdc.code for mdc in mdcs), *(adrg.code for adrg in adrgs)}
    for number, change in numbered:
        if change.table in CODE_TABLES and change.action == "add":
            _place_fits(change, owners, number, path)
    return _scheme(base, (mdcs, adrgs, drgs), held, names, owners)


def _placed(
    groups: Mapping[str, list[Any]], numbered: Sequence[tuple[int, Change]], path: Path
) -> None:
    """Refuse groups that an overlay puts into groups that are not there."""
    above = {"adrg": {one.code for one in groups["mdc"]},
             "drg": {one.code for one in groups["adrg"]}}  # fmt: skip
    for number, change in numbered:
        if (
            change.action != "remove"
            and change.table in above
            and change.place
            and (change.place not in above[change.table])
        ):
            raise problem(say(f"{change.code} 所属的组不存在",
                              f"{change.code} belongs to a group that is not there"),
                          file=path, row=number, found=change.place)  # fmt: skip


def _place_fits(change: Change, owners: Collection[str], number: int, path: Path) -> None:
    """Refuse a code in a place that is none, or that is one of the other kind."""
    kind, _, rest = change.place.partition(":")
    diagnosis = change.table == "diagnosis"
    if change.place == "code":
        fits = True
    elif kind in ("MCC", "CC", "exclusion", "trauma"):
        fits = diagnosis and bool(rest)
    elif change.place == "valid":
        fits = not diagnosis
    elif is_free(kind) or rest:
        name = rest or kind
        fits = (
            (is_free(kind) or kind in owners)
            and holds_procedures(name) != diagnosis
            and (_LIST.fullmatch(name) is not None)
        )
    else:
        fits = diagnosis and kind in owners
    if not fits:
        raise problem(
            say(f"{change.code} 不能加入此处", f"{change.code} cannot be put into this place"),
            file=path, row=number, found=change.place,
            expected=say("MDC、ADRG:D1（诊断）、ADRG:P1（手术操作）、MCC:表、CC:表、exclusion:表、"
                         "trauma:部位、valid 或 code",
                         "an MDC, ADRG:D1 (diagnoses), ADRG:P1 (procedures), MCC:TABLE, CC:TABLE, "
                         "exclusion:TABLE, trauma:SITE, valid or code"),
        )  # fmt: skip


def _change_group(groups: list[Any], change: Change, number: int, path: Path) -> None:
    at = next((i for i, group in enumerate(groups) if group.code == change.code), None)
    if (at is None) != (change.action == "add"):
        what = say("已经存在", "is there already") if at is not None else say(
            "不存在", "is not there")  # fmt: skip
        raise problem(f"{change.table} {change.code} {what}", file=path, row=number)
    if change.action == "remove":
        del groups[at or 0]
        return
    if at is None:
        group = _new_group(change)
    else:
        group = _changed(groups[at], change)
        if not change.after:
            groups[at] = group
            return
        del groups[at]
    groups.insert(_position(groups, change, number, path), group)


def _new_group(change: Change) -> Mdc | Adrg | Drg:
    if change.table == "mdc":
        return Mdc(change.code, change.name, change.rule)
    kind = Adrg if change.table == "adrg" else Drg
    return kind(change.code, change.place, change.name, change.rule)


def _changed(group: Mdc | Adrg | Drg, change: Change) -> Mdc | Adrg | Drg:
    name, rule = change.name or group.name, change.rule or group.rule
    if isinstance(group, Mdc):
        return replace(group, name=name, rule=rule)
    if isinstance(group, Adrg):
        return replace(group, name=name, rule=rule, mdc=change.place or group.mdc)
    return replace(group, name=name, rule=rule, adrg=change.place or group.adrg)


def _position(groups: Sequence[Any], change: Change, number: int, path: Path) -> int:
    if change.after == FIRST:
        return 0
    for i, group in enumerate(groups):
        if group.code == change.after:
            return i + 1
    code = f"{change.table} {change.code}"
    raise problem(say(f"{code} 不能排在不存在的组之后",
                      f"{code} cannot stand behind a group that is not there"),
                  file=path, row=number, found=change.after)  # fmt: skip


def _in_rule_order(
    groups: dict[str, list[Any]],
) -> tuple[list[Mdc], list[Adrg], list[Drg]]:
    """Groups below one another; an ADRG without DRGs stands for itself."""
    mdcs: list[Mdc] = groups["mdc"]
    adrgs = [a for mdc in mdcs for a in groups["adrg"] if a.mdc == mdc.code]
    inside: dict[str, list[Drg]] = {adrg.code: [] for adrg in adrgs}
    for drg in groups["drg"]:
        if drg.adrg in inside:
            inside[drg.adrg].append(drg)
    drgs = [d for adrg in adrgs for d in inside[adrg.code] or [implied(adrg)]]
    return mdcs, adrgs, drgs


def implied(adrg: Adrg) -> Drg:
    """The group of an ADRG that is not divided and not listed: it bears the ADRG's own code."""
    return Drg(adrg.code, adrg.code, adrg.name, "true")


def _change_code(
    held: dict[str, set[str]], names: dict[str, str], change: Change, number: int, path: Path
) -> None:
    if change.action == "change" or not change.place:
        raise problem(say(
            f"{change.table} {change.code}: 编码只能加入某处或从某处移除",
            f"{change.table} {change.code}: a code is added to or removed from a place"),
                      file=path, row=number)  # fmt: skip
    if change.action == "add":
        if change.place == "code":
            names[change.code] = change.name
        elif change.code not in held:
            raise problem(say(
                f"{change.table} {change.code} 不在编码库中，请先以 place 为 'code' 加入",
                f"{change.table} {change.code} is not in the edition; add it with the "
                "place 'code' first"), file=path, row=number)  # fmt: skip
        kind = change.place.partition(":")[0]
        rivals = _ONE.get(kind, ())
        again = sorted(one for one in held.get(change.code, ())
                       if one.partition(":")[0] in rivals and one != change.place)  # fmt: skip
        if again:
            raise problem(say(f"{change.table} {change.code} 已在 {again[0]}，请先移除",
                              f"{change.table} {change.code} is in {again[0]}; remove it first"),
                          file=path, row=number, found=change.place)  # fmt: skip
        held.setdefault(change.code, set()).add(change.place)
        return
    if change.place not in held.get(change.code, ()):
        raise problem(say(f"{change.table} {change.code} 不在 {change.place} 中",
                          f"{change.table} {change.code} is not in {change.place}"),
                      file=path, row=number)  # fmt: skip
    held[change.code].discard(change.place)
    if change.place == "code":
        del names[change.code], held[change.code]


def _scheme(
    base: Scheme,
    groups: tuple[list[Mdc], list[Adrg], list[Drg]],
    held: dict[str, dict[str, set[str]]],
    names: dict[str, dict[str, str]],
    owners: Iterable[str],
) -> Scheme:
    lists: dict[tuple[str, str], list[str]] = {}
    keyed: dict[str, dict[str, str]] = {"MCC": {}, "CC": {}, "exclusion": {}, "trauma": {}}
    valid: set[str] = set()
    for codes in held.values():
        for code in sorted(codes):
            for place in sorted(codes[code]):
                kind, _, rest = place.partition(":")
                if kind in keyed:
                    keyed[kind][code] = rest
                elif place == "valid":
                    valid.add(code)
                elif is_free(kind):
                    lists.setdefault((FREE, kind), []).append(code)
                elif kind in owners:
                    lists.setdefault((kind, rest or MDC_LIST), []).append(code)
    return replace(
        base, mdcs=tuple(groups[0]), adrgs=tuple(groups[1]), drgs=tuple(groups[2]),
        lists={key: tuple(codes) for key, codes in lists.items()},
        mcc=keyed["MCC"], cc=keyed["CC"], exclusion=keyed["exclusion"],
        trauma_sites=keyed["trauma"], grouping_procedures=frozenset(valid),
        diagnosis_names=names["diagnosis"], procedure_names=names["procedure"],
    )  # fmt: skip


def _check(scheme: Scheme, path: Path) -> None:
    """Every rule reads, every list it names has codes, no code is both MCC and CC."""
    groups: tuple[Mdc | Adrg | Drg, ...] = (*scheme.mdcs, *scheme.adrgs, *scheme.drgs)
    for group in groups:
        try:
            tree = rules.parse(group.rule)
        except rules.RuleError as error:
            raise problem(say(f"{group.code} 的规则：{error}", f"rule of {group.code}: {error}"),
                          file=path) from None  # fmt: skip
        for atom in rules.members(tree):
            owner, name = resolve(group, atom)
            if (owner, name) not in scheme.lists:
                raise problem(say(f"{group.code} 的规则：{owner} 的列表 {name} 没有编码",
                                  f"rule of {group.code}: list {name} of {owner} has no codes"),
                              file=path)  # fmt: skip
    if both := sorted(set(scheme.mcc) & set(scheme.cc)):
        raise problem(say("同一编码既是 MCC 又是 CC", "a code is both MCC and CC"), file=path,
                      found=both[0])  # fmt: skip
