"""Families of groups: which belong to one ADRG, and in what order of severity.

CHS-DRG writes both into the code: ``FR11``, ``FR13``, ``FR15`` are ADRG ``FR1`` with a major
complication (MCC), with a complication (CC) and without; ``FR19`` is undivided (细分组命名规则,
NHSA, CHS-DRG 1.1). CHS-DRG 3.0 adds letters: E, F and G are 1, 3 and 5 of patients of 70 years and
more, a ladder of their own; C, D, H and 0 stand in none. For other codes a table says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike

import numpy as np
import pyarrow as pa

from drg.cases.columns import plain_header
from drg.cases.texts import texts_of
from drg.cases.values import Number, read_number
from drg.errors import problem
from drg.language import say
from drg.tables import read_table
from weights.cases.observations import Bools, Floats, Ints

_CHS = re.compile(r"[A-Z]{2}[0-9A-Z][0-9A-H]")
_ADRG = re.compile(r"[A-Z]{2}[0-9A-Z]")
_RANKS = {"1": 3.0, "3": 2.0, "5": 1.0, "E": 3.0, "F": 2.0, "G": 1.0}
_AGED = "EFG"
_MOSTLY = 0.8
_WORDS = {"mcc": "3", "cc": "2", "none": "1", "无": "1"}


@dataclass(frozen=True)
class Families:
    """ADRG and severity of each group.

    Attributes:
        groups: group codes. Length G.
        family: place of the group's family in ``names``. Shape (G,).
        names: ADRG codes; one ``""`` when nothing is known of any.
        rank: severity, higher is worse (MCC 3, CC 2, none 1); NaN where the group is not one of
            a ladder. Shape (G,).
        aged: whether the group stands on its family's ladder of the aged. Shape (G,).
        known: whether families are known at all; without them all groups are one.
    """

    groups: tuple[str, ...]
    family: Ints
    names: tuple[str, ...]
    rank: Floats
    aged: Bools
    known: bool

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """MDC and kind of each family (手术、非手术操作、内科), "" where its code does not say.

        The second letter of a CHS-DRG code is A to J for operations, K to Q for other procedures,
        R to Z for medical treatment (分组与付费技术规范).
        """
        return tuple(
            name[0] + ("surgical" if name[1] < "K" else "procedure" if name[1] < "R" else "medical")
            if self.known and _ADRG.fullmatch(name) else ""
            for name in self.names
        )  # fmt: skip

    @cached_property
    def relatives(self) -> tuple[Ints, Ints, Ints]:
        """Pairs of a group and another of its family, by group, and where each group's begin."""
        members = np.argsort(self.family, kind="stable")
        pairs = [np.empty((2, 0), np.int64)]
        for part in np.split(members, np.cumsum(np.bincount(self.family))[:-1]):
            if len(part) > 1:
                each = np.stack([np.repeat(part, len(part)), np.tile(part, len(part))])
                pairs.append(each[:, each[0] != each[1]])
        group, other = np.concatenate(pairs, axis=1).astype(np.int32)
        return group, other, np.flatnonzero(np.diff(group, prepend=-1)).astype(np.int32)

    @cached_property
    def ladders(self) -> tuple[Ints, ...]:
        """Groups of each ladder of severities (严重程度阶梯), the gravest first, two or more."""
        if not self.known:
            return ()
        ranked = np.isfinite(self.rank)
        own = self.family * 2 + self.aged
        order = np.lexsort((np.arange(len(self.groups)), -self.rank, own))
        order = order[ranked[order]]
        by_ladder = np.split(order, np.flatnonzero(np.diff(own[order])) + 1)
        return tuple(ladder.astype(np.int32) for ladder in by_ladder if len(ladder) > 1)

    @cached_property
    def pairs(self) -> tuple[Ints, Ints]:
        """All pairs of one ladder: places of the graver and of the lighter group."""
        found = [(first, second) for ladder in self.ladders for i, first in enumerate(ladder)
                 for second in ladder[i + 1 :] if self.rank[first] > self.rank[second]]  # fmt: skip
        above, below = np.array(found, np.int32).reshape(-1, 2).T
        return above, below


def families(
    groups: Sequence[str],
    adrgs: Sequence[str] | None = None,
    table: Mapping[str, tuple[str, float]] | None = None,
) -> Families:
    """Find the families of groups.

    Args:
        groups: group codes.
        adrgs: ADRG of each group as the cases say it, "" where they do not.
        table: group -> ADRG and severity rank; it wins over both.

    Raises:
        DrgError: two groups of an ADRG have the same severity.
    """
    chs = [bool(_CHS.fullmatch(group)) for group in groups]
    by_code = sum(chs) >= _MOSTLY * len(groups)
    names, ranks, aged = [], [], []
    for i, group in enumerate(groups):
        given = table.get(group) if table else None
        named = given[0] if given else (adrgs[i] if adrgs else "")
        names.append(named or (group[:3] if by_code and chs[i] else ""))
        own = _RANKS.get(group[3], np.nan) if by_code and chs[i] else np.nan
        ranks.append(given[1] if given else own)
        aged.append(not given and not np.isnan(own) and group[3] in _AGED)
    ladder = [(n, r, a) for n, r, a in zip(names, ranks, aged, strict=True)
              if n and not np.isnan(r)]  # fmt: skip
    if len(set(ladder)) < len(ladder):
        twice = next(entry for entry in ladder if ladder.count(entry) > 1)
        raise problem(say("同一 ADRG 的两个病组严重程度相同",
                          "two groups of an ADRG have the same severity"), key="families",
                      found=f"{twice[0]} {twice[1]:g}")  # fmt: skip
    known = any(names)
    if known:  # a group of no family is a family of its own
        names = [name or f"={group}" for name, group in zip(names, groups, strict=True)]
    distinct = sorted(set(names))
    place = {name: i for i, name in enumerate(distinct)}
    return Families(
        tuple(groups),
        np.array([place[name] for name in names], np.int32),
        tuple(distinct),
        np.array(ranks, np.float64),
        np.array(aged, np.bool_),
        known,
    )


def read_families(path: str | PathLike[str]) -> dict[str, tuple[str, float]]:
    """Read a table ``drg, adrg, severity``.

    The severity is a number, higher is graver, or a word: ``mcc``, ``cc``, ``none`` (3, 2, 1);
    blank for a group that is not one of a ladder.

    Raises:
        DrgError: the file cannot be read, a column is missing, a group stands twice, a severity is
            not a number, or two groups of an ADRG have the same.
    """
    rows, _ = read_table(path)
    by_header = {plain_header(name): name for name in rows.column_names}
    needed = ("drg", "adrg", "severity")
    for wanted in needed:
        if wanted not in by_header:
            raise problem(say(f"没有列 {wanted}", f"no column '{wanted}'"), file=path,
                          found=", ".join(rows.column_names),
                          expected=", ".join(needed))  # fmt: skip
    said = texts_of(rows.column(by_header["severity"]))
    words = [_WORDS.get(text.strip().lower(), text or None) for text in said]
    ranks, bad = read_number(pa.array(words, pa.string()), Number())
    found: dict[str, tuple[str, float]] = {}
    drgs, adrgs = (texts_of(rows.column(by_header[name])) for name in ("drg", "adrg"))
    for row, (drg, adrg) in enumerate(zip(drgs, adrgs, strict=True), 2):
        code = drg.strip()
        if bad[row - 2]:
            raise problem(say("没有严重程度", "no severity"), file=path, row=row, key=code,
                          found=said[row - 2],
                          expected=say("数、mcc、cc 或 none",
                                       "a number, mcc, cc or none"))  # fmt: skip
        if not code or code in found:
            raise problem(say("病组重复出现", "group stands twice") if code
                          else say("没有病组", "no group"), file=path, row=row,
                          found=code)  # fmt: skip
        found[code] = (adrg.strip(), float(ranks[row - 2]))
        if not np.isnan(ranks[row - 2]) and list(found.values()).count(found[code]) > 1:
            raise problem(say("同一 ADRG 中严重程度重复出现", "severity stands twice in its ADRG"),
                          file=path, row=row, found=code)  # fmt: skip
    return found
