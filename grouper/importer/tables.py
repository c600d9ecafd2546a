"""What the sheets of an import say, gathered: groups, lists, complications, with their places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from grouper.importer.cells import CodeBook
from grouper.importer.findings import Place
from grouper.importer.mapping import Options

Key = tuple[str, str]


@dataclass
class Group:
    """An MDC, ADRG or DRG.

    Attributes:
        code: its code.
        name: its Chinese name.
        parent: the MDC of an ADRG, the ADRG of a DRG.
        place: its row.
        rule: its rule; ``explicit`` when the tables gave it.
        condition: its condition in words, to be turned into a rule.
        order: what the order column says, or None.
    """

    code: str
    name: str
    parent: str
    place: Place
    rule: str = ""
    explicit: bool = False
    condition: str = ""
    order: float | None = None


@dataclass(frozen=True)
class Complication:
    """An MCC or CC with its exclusion table."""

    level: Literal["MCC", "CC"]
    table: str
    place: Place


@dataclass(frozen=True)
class Mark:
    """A remark on a group or code that the grouper does not use, such as new technology."""

    code: str
    kind: str
    mark: str
    note: str


@dataclass
class Tables:
    """A scheme as its tables say it.

    Attributes:
        diagnoses: the edition's diagnoses.
        procedures: the edition's procedures.
        options: what the tables do not say.
        header: keys of ``scheme.toml``.
        lists: (owner, list) -> code -> its place.
        joins: (owner, list) -> ``and`` or ``or``, where the tables say it.
        owners: place of the first row that names a list's owner.
        complications: diagnosis -> MCC or CC.
        exclusions: principal diagnosis -> table and place.
        sites: diagnosis -> body site.
        valid: procedures that count as operations; None when no table says.
        marks: remarks that the grouper does not use.
        roles: role -> the sheets that have it.
    """

    diagnoses: CodeBook
    procedures: CodeBook
    options: Options
    header: dict[str, str] = field(default_factory=dict)
    mdcs: dict[str, Group] = field(default_factory=dict)
    adrgs: dict[str, Group] = field(default_factory=dict)
    drgs: dict[str, Group] = field(default_factory=dict)
    lists: dict[Key, dict[str, Place]] = field(default_factory=dict)
    joins: dict[Key, Literal["and", "or"]] = field(default_factory=dict)
    complications: dict[str, Complication] = field(default_factory=dict)
    exclusions: dict[str, tuple[str, Place]] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)
    valid: set[str] | None = None
    marks: list[Mark] = field(default_factory=list)
    roles: dict[str, list[str]] = field(default_factory=dict)

    def sheet(self, *roles: str) -> Place:
        """The sheet that has one of these roles, for what concerns the whole of it."""
        for role in roles:
            if role in self.roles:
                return Place(self.roles[role][0])
        return Place("")

    def lists_of(self, owner: str, letter: str) -> list[str]:
        """The ``D`` or ``P`` lists of an ADRG, by number."""
        found = [name for group, name in self.lists if group == owner and name[0] == letter]
        return sorted(found, key=list_order)


def list_order(name: str) -> tuple[int, int]:
    """Where a list stands among those of its kind."""
    number, _, part = name[1:].partition("#")
    return int(number), int(part or 0)
