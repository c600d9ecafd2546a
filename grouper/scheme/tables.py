"""Reading and checking the tables of a scheme pack.

Every fault becomes a :class:`Finding` with its file and row, so that one run shows an official
all there is to mend.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from drg.cases.codes import plain_code
from drg.errors import DrgError, problem, show
from drg.language import say
from grouper.scheme import rules
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
    is_nameless,
    resolve,
)
from grouper.scheme.overlay import implied

_COLUMNS = {
    "mdc.csv": ("mdc", "name", "rule"),
    "adrg.csv": ("adrg", "mdc", "name", "rule"),
    "drg.csv": ("drg", "adrg", "name", "rule"),
    "diagnoses.csv": (
        "code", "name", "mdc", "trauma_site", "lists", "complication", "complication_table",
        "exclusion_table",
    ),
    "procedures.csv": ("code", "name", "valid", "lists"),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """A fault of a pack: ``level`` is ``error`` (it cannot be used) or ``warning``."""

    level: Literal["error", "warning"]
    file: str
    row: int | None
    zh: str
    en: str

    @property
    def message(self) -> str:
        """What is wrong, in the reader's language."""
        return say(self.zh, self.en)

    def __str__(self) -> str:
        row = "" if self.row is None else say(f": 第 {self.row} 行", f": row {self.row}")
        return f"{self.file}{row}: {self.message}"


@dataclass
class _Reader:
    folder: Path
    findings: list[Finding] = field(default_factory=list)
    lists: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def error(self, file: str, row: int | None, zh: str, en: str) -> None:
        self.findings.append(Finding("error", str(self.folder / file), row, zh, en))

    def warn(self, file: str, row: int | None, zh: str, en: str) -> None:
        self.findings.append(Finding("warning", str(self.folder / file), row, zh, en))

    def rows(self, file: str) -> Iterator[tuple[int, list[str]]]:
        """Data rows with their numbers; the header is row 1."""
        wanted = list(_COLUMNS[file])
        try:
            with (self.folder / file).open(encoding="utf-8-sig", newline="") as stream:
                reader = csv.reader(stream)
                header = next(reader, [])
                if header != wanted:
                    found, right = show(",".join(header)), show(",".join(wanted))
                    self.error(file, 1, f"列为 {found}，应为 {right}",
                               f"columns are {found}, expected {right}")  # fmt: skip
                    return
                for number, row in enumerate(reader, 2):
                    if len(row) != len(wanted):
                        self.error(file, number, f"有 {len(row)} 个单元格，应为 {len(wanted)} 个",
                                   f"{len(row)} cells, expected {len(wanted)}")  # fmt: skip
                    else:
                        yield number, [cell.strip() for cell in row]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            # without this table every row of the others would look wrong
            raise problem(
                say(f"不能作为 UTF-8 编码的 CSV 读取（{error}）",
                    f"cannot be read as UTF-8 CSV ({error})"), file=self.folder / file,
            ) from None  # fmt: skip

    def add(self, file: str, number: int, owner: str, name: str, code: str) -> None:
        held = self.lists.setdefault((owner, name), [])
        if held and held[-1] == code:
            self.error(file, number, f"{show(code)} 在 {owner}:{name} 中重复",
                       f"{show(code)} is in {owner}:{name} twice")  # fmt: skip
        held.append(code)


def read_tables(
    folder: Path, header: Header, content_hash: str = ""
) -> tuple[Scheme | None, list[Finding]]:
    """Read the tables of a pack and list their faults.

    Returns:
        The scheme (None when an error keeps it from being built) and all findings.
    """
    reader = _Reader(folder)
    mdcs, adrgs, drgs = _read_groups(reader)
    diagnoses = _read_diagnoses(reader, {m.code for m in mdcs}, {a.code for a in adrgs})
    procedures, valid = _read_procedures(reader, {a.code for a in adrgs})
    _check_rules(reader, mdcs, adrgs, drgs)
    _check_use(reader, adrgs, drgs, diagnoses)
    if any(finding.level == "error" for finding in reader.findings):
        return None, reader.findings
    divided = {drg.adrg for drg in drgs}
    drgs += [implied(adrg) for adrg in adrgs if adrg.code not in divided]
    scheme = Scheme(
        header, tuple(mdcs), tuple(adrgs), tuple(drgs),
        lists={key: tuple(codes) for key, codes in reader.lists.items()},
        mcc=diagnoses.mcc, cc=diagnoses.cc, exclusion=diagnoses.exclusion,
        trauma_sites=diagnoses.sites, grouping_procedures=frozenset(valid),
        diagnosis_names=diagnoses.names, procedure_names=procedures, content_hash=content_hash,
    )  # fmt: skip
    return scheme, reader.findings


def read_groups(folder: Path, header: Header, content_hash: str = "") -> Scheme:
    """The groups of a pack that has no code tables (``lists = "none"``).

    Raises:
        DrgError: a table is wrong; the first fault is named.
    """
    reader = _Reader(folder)
    mdcs, adrgs, drgs = _read_groups(reader)
    for file, group in _rows_of(mdcs, adrgs, drgs):
        _tree(reader, file, group)
    if errors := [finding for finding in reader.findings if finding.level == "error"]:
        raise DrgError(str(errors[0]))
    return Scheme(header, tuple(mdcs), tuple(adrgs), tuple(drgs), {}, {}, {}, {}, {}, frozenset(),
                  {}, {}, content_hash)  # fmt: skip


def _read_groups(reader: _Reader) -> tuple[list[Mdc], list[Adrg], list[Drg]]:
    mdcs = [Mdc(*row) for _, row in _unique(reader, "mdc.csv")]
    adrgs = [Adrg(*row) for _, row in _unique(reader, "adrg.csv", {m.code for m in mdcs})]
    drgs = [Drg(*row) for _, row in _unique(reader, "drg.csv", {a.code for a in adrgs})]
    return mdcs, adrgs, drgs


def _twice(code: str, row: int) -> tuple[str, str]:
    return (f"{show(code)} 已在第 {row} 行出现",
            f"{show(code)} stands already in row {row}")  # fmt: skip


def _nameless(code: str) -> tuple[str, str]:
    return f"{show(code)} 没有名称", f"{show(code)} has no name"


def _unique(
    reader: _Reader, file: str, parents: set[str] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Rows whose code is new and whose parent (second column) exists."""
    seen: dict[str, int] = {}
    for number, row in reader.rows(file):
        code = row[0]
        if not code:
            reader.error(file, number, "编码为空", "the code is empty")
        elif code in seen:
            reader.error(file, number, *_twice(code, seen[code]))
        elif parents is not None and row[1] not in parents:
            above = "mdc.csv" if file == "adrg.csv" else "adrg.csv"
            reader.error(file, number,
                         f"{show(code)} 属于 {show(row[1])}，但 {above} 中没有这一行",
                         f"{show(code)} belongs to {show(row[1])}, which is no row "
                         f"of {above}")  # fmt: skip
        else:
            seen[code] = reader.numbers[file, code] = number
            if not row[-2] and not is_nameless(code):
                reader.warn(file, number, *_nameless(code))
            yield number, row


@dataclass
class _Diagnoses:
    names: dict[str, str] = field(default_factory=dict)
    mcc: dict[str, str] = field(default_factory=dict)
    cc: dict[str, str] = field(default_factory=dict)
    exclusion: dict[str, str] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)


def _codes(reader: _Reader, file: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a code table; two spellings of one code are an error."""
    seen: dict[str, int] = {}
    for number, row in reader.rows(file):
        plain = plain_code(row[0])
        if not plain:
            reader.error(file, number, "编码为空", "the code is empty")
        elif plain in seen:
            reader.error(file, number, *_twice(row[0], seen[plain]))
        else:
            seen[plain] = number
            if not row[1]:
                reader.warn(file, number, *_nameless(row[0]))
            yield number, row


def _read_diagnoses(reader: _Reader, mdcs: set[str], adrgs: set[str]) -> _Diagnoses:
    file, found = "diagnoses.csv", _Diagnoses()
    complications = {"MCC": found.mcc, "CC": found.cc}
    for number, (code, name, mdc, site, lists, level, table, excluded_by) in _codes(reader, file):
        found.names[code] = name
        for owner in filter(None, mdc.split("|")):
            if owner in mdcs:
                reader.add(file, number, owner, MDC_LIST, code)
            else:
                reader.error(file, number,
                             f"{show(code)} 列入 {show(owner)}，但 mdc.csv 中没有这一行",
                             f"{show(code)} is in {show(owner)}, no row of mdc.csv")  # fmt: skip
        _add_lists(reader, file, number, code, lists, adrgs, "D")
        if site:
            found.sites[code] = site
        if excluded_by:
            found.exclusion[code] = excluded_by
        if level in complications and table:
            complications[level][code] = table
        elif level or table:
            reader.error(file, number,
                         f"并发症 {show(level)}、排除表 {show(table)}，"
                         "应为 MCC 或 CC 及其表号，或都为空",
                         f"complication {show(level)} with table {show(table)}, "
                         "expected MCC or CC and a table, or both empty")  # fmt: skip
    return found


def _read_procedures(reader: _Reader, adrgs: set[str]) -> tuple[dict[str, str], set[str]]:
    file = "procedures.csv"
    names: dict[str, str] = {}
    grouping: set[str] = set()
    for number, (code, name, valid, lists) in _codes(reader, file):
        names[code] = name
        if valid == "yes":
            grouping.add(code)
        elif valid:
            reader.error(file, number, f"valid 为 {show(valid)}，应为 'yes' 或空",
                         f"valid is {show(valid)}, expected 'yes' or empty")  # fmt: skip
        _add_lists(reader, file, number, code, lists, adrgs, "P")
    return names, grouping


def _add_lists(
    reader: _Reader, file: str, number: int, code: str, lists: str, adrgs: set[str], kind: str
) -> None:
    for place in filter(None, lists.split("|")):
        owner, _, name = place.rpartition(":")
        if owner not in adrgs and not (owner == FREE and is_free(name)):
            reader.error(file, number,
                         f"{show(code)} 列入列表 {show(place)}，但 adrg.csv 中没有这一行",
                         f"{show(code)} is in list {show(place)} of no row of "
                         "adrg.csv")  # fmt: skip
        elif not name or holds_procedures(name) != (kind == "P"):
            reader.error(file, number,
                         f"{show(code)} 列入列表 {show(place)}，应为 {kind}1 这样的列表",
                         f"{show(code)} is in list {show(place)}, expected a list such as "
                         f"{kind}1")  # fmt: skip
        else:
            reader.add(file, number, owner, name, code)


def _rows_of(
    mdcs: list[Mdc], adrgs: list[Adrg], drgs: list[Drg]
) -> Iterator[tuple[str, Mdc | Adrg | Drg]]:  # fmt: skip
    for file, groups in (("mdc.csv", mdcs), ("adrg.csv", adrgs), ("drg.csv", drgs)):
        for group in groups:
            yield file, group


def _tree(reader: _Reader, file: str, group: Mdc | Adrg | Drg) -> rules.Rule:
    try:
        return rules.parse(group.rule)
    except rules.RuleError as error:
        reader.error(file, reader.numbers[file, group.code], f"{group.code} 的规则：{error.zh}",
                     f"rule of {group.code}: {error.en}")  # fmt: skip
        return rules.Const(False)


def _check_rules(reader: _Reader, mdcs: list[Mdc], adrgs: list[Adrg], drgs: list[Drg]) -> None:
    for file, group in _rows_of(mdcs, adrgs, drgs):
        for atom in rules.members(_tree(reader, file, group)):
            _check_list(reader, file, group, atom)


def _check_list(reader: _Reader, file: str, group: Mdc | Adrg | Drg, atom: rules.Member) -> None:
    key = resolve(group, atom)
    reader.used.add(key)
    if key not in reader.lists:
        number = reader.numbers[file, group.code]
        reader.error(file, number, f"{group.code} 的规则：{key[0]} 的列表 {key[1]} 没有编码",
                     f"rule of {group.code}: list {key[1]} of {key[0]} has no codes")  # fmt: skip


def _check_use(reader: _Reader, adrgs: list[Adrg], drgs: list[Drg], diagnoses: _Diagnoses) -> None:
    for owner, name in sorted(set(reader.lists) - reader.used):
        reader.warn("adrg.csv", None, f"{owner} 的列表 {name} 没有规则使用",
                    f"list {name} of {owner} is used by no rule")  # fmt: skip
    settled: dict[str, str] = {}
    for drg in drgs:
        if drg.adrg in settled:
            before = settled[drg.adrg]
            reader.warn("drg.csv", reader.numbers["drg.csv", drg.code],
                        f"{drg.code} 永远不会入组：排在前面的 {before} 收下全部病例",
                        f"{drg.code} is never reached: {before} before it takes every "
                        "case")  # fmt: skip
        if drg.rule == "true":
            settled.setdefault(drg.adrg, drg.code)
    for adrg in adrgs:
        if adrg.code not in {drg.adrg for drg in drgs}:
            reader.warn("adrg.csv", reader.numbers["adrg.csv", adrg.code],
                        f"{adrg.code} 在 drg.csv 中没有行，其病例以其自身编码入组",
                        f"{adrg.code} has no row in drg.csv; its cases bear its own "
                        "code")  # fmt: skip
    members = set(diagnoses.exclusion.values())
    tables = {**diagnoses.cc, **diagnoses.mcc}.values()
    for table in sorted(set(tables) - members):
        reader.warn("diagnoses.csv", None, f"排除表 {table} 没有主要诊断",
                    f"exclusion table {table} has no principal diagnosis")  # fmt: skip
