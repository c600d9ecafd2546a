"""Scheme packs (分组方案): the folder of tables behind a grouping scheme, as Python objects.

A pack holds ``scheme.toml`` and five CSV tables that an official can read: ``mdc``, ``adrg`` and
``drg`` (one row a group, in rule order), ``diagnoses`` and ``procedures`` (one row a code, with
every part that the code plays).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, fields

from drg.cases.outcomes import is_ambiguous, is_ungrouped
from grouper.scheme.rules import Member

MDC_LIST = "MDC"
_NAMELESS = re.compile(r"[A-Z](QY|000?)")
FREE = ""  # the owner of lists that belong to no group


@dataclass(frozen=True)
class Mdc:
    """Major diagnostic category (主要诊断大类) with the rule that enters it."""

    code: str
    name: str
    rule: str


@dataclass(frozen=True)
class Adrg:
    """Adjacent DRG (核心疾病诊断相关组) with the rule that enters it."""

    code: str
    mdc: str
    name: str
    rule: str


@dataclass(frozen=True)
class Drg:
    """Diagnosis related group (疾病诊断相关组, 细分组) with the rule that enters it."""

    code: str
    adrg: str
    name: str
    rule: str


@dataclass(frozen=True)
class Header:
    """What ``scheme.toml`` says of a pack; ``lists = "none"`` of groups without their codes."""

    id: str
    title: str
    version: str
    source: str
    title_en: str = ""
    issuer: str = ""
    codes: str = "insurance"
    extends: str = ""
    lists: str = ""


@dataclass(frozen=True)
class Scheme:
    """A grouping scheme.

    Attributes:
        header: id, titles, version and source document.
        mdcs: categories in the order in which they are tried.
        adrgs: adjacent groups in rule order.
        drgs: groups in rule order.
        lists: (owner, list) -> codes; an MDC's diagnoses are (``"MDCB"``, ``"MDC"``), a list of
            no group is (``""``, ``"DI_OBD"``).
        mcc: diagnosis -> exclusion table, of major complications (严重并发症或合并症).
        cc: diagnosis -> exclusion table, of complications (并发症或合并症).
        exclusion: principal diagnosis -> the table whose complications it excludes (排除表).
        trauma_sites: diagnosis -> body site, for multiple trauma.
        grouping_procedures: procedures that count as an operation for grouping.
        diagnosis_names: every diagnosis code of the edition -> Chinese name.
        procedure_names: every procedure code of the edition -> Chinese name.
        content_hash: SHA-256 over the pack's files.
    """

    header: Header
    mdcs: tuple[Mdc, ...]
    adrgs: tuple[Adrg, ...]
    drgs: tuple[Drg, ...]
    lists: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)
    mcc: Mapping[str, str] = field(repr=False)
    cc: Mapping[str, str] = field(repr=False)
    exclusion: Mapping[str, str] = field(repr=False)
    trauma_sites: Mapping[str, str] = field(repr=False)
    grouping_procedures: frozenset[str] = field(repr=False)
    diagnosis_names: Mapping[str, str] = field(repr=False)
    procedure_names: Mapping[str, str] = field(repr=False)
    content_hash: str = ""

    @property
    def counted_drgs(self) -> tuple[Drg, ...]:
        """The groups without the ambiguous ones and those that stand for no group."""
        return counted(self.drgs)

    @property
    def id(self) -> str:
        """The pack's id, such as ``chs-drg-1.1``."""
        return self.header.id


def packed(scheme: Scheme) -> bytes:
    """A scheme as JSON; :func:`unpacked` reads it."""
    said = {field.name: getattr(scheme, field.name) for field in fields(Scheme)}
    return json.dumps(said | {
        "header": asdict(scheme.header),
        "lists": [[*key, codes] for key, codes in scheme.lists.items()],
        "grouping_procedures": sorted(scheme.grouping_procedures),
    } | {
        name: [list(astuple(group)) for group in said[name]] for name in ("mdcs", "adrgs", "drgs")
    }, ensure_ascii=False).encode()  # fmt: skip


def unpacked(content: bytes) -> Scheme | None:
    """A scheme from what :func:`packed` made, None when it is something else."""
    try:
        said = json.loads(content)
        return Scheme(**said | {
            "header": Header(**said["header"]),
            "mdcs": tuple(Mdc(*group) for group in said["mdcs"]),
            "adrgs": tuple(Adrg(*group) for group in said["adrgs"]),
            "drgs": tuple(Drg(*group) for group in said["drgs"]),
            "lists": {(owner, name): tuple(codes) for owner, name, codes in said["lists"]},
            "grouping_procedures": frozenset(said["grouping_procedures"]),
        })  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None


def is_nameless(code: str) -> bool:
    """Whether the official tables leave a group without a name: ``HQY``, ``H00``, ``H000``."""
    return _NAMELESS.fullmatch(code) is not None


def counted(drgs: tuple[Drg, ...]) -> tuple[Drg, ...]:
    """The groups without the ambiguous ones and those that stand for no group."""
    return tuple(drg for drg in drgs if not (is_ambiguous(drg.code) or is_ungrouped(drg.code)))


def is_free(name: str) -> bool:
    """Whether a list of this name belongs to no group: ``DI_OBD``, ``OP_ARB``."""
    return "_" in name


def holds_procedures(name: str) -> bool:
    """Whether a list of this name holds procedures (``P1``, ``OP_ARB``), not diagnoses."""
    return name[0] in "PO"


def resolve(group: Mdc | Adrg | Drg, atom: Member) -> tuple[str, str]:
    """The (owner, list) that a rule's list name means in the group that owns the rule."""
    if atom.owner or is_free(atom.name):
        return atom.owner, atom.name
    if isinstance(group, Drg):
        return group.adrg, atom.name
    if isinstance(group, Adrg) and atom.name == MDC_LIST:
        return group.mdc, atom.name
    return group.code, atom.name
