"""Reading one document of a policy: its header, its figures, and that each figure has a source."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from budget.policy.tree import NONE, Tree, grow, leaves, spell
from drg.documents import named_file, read_document
from drg.errors import problem
from drg.language import say

# key -> what it must be, whether every document has it
KEYS: dict[str, tuple[type, bool]] = {
    "id": (str, True),
    "title": (str, True),
    "title_en": (str, False),
    "region": (str, False),
    "valid_from": (datetime.date, False),
    "valid_to": (datetime.date, False),
    "extends": (str, False),
    "source": (str, True),
    "note": (str, False),
    "weights": (str, False),
    "scheme": (str, False),
    "remove": (list, False),
    "unknown": (dict, False),
}
_WORDS = {str: ("文本", "a text"), datetime.date: ("日期", "a date"),
          list: ("键路径数组", "an array of key paths"), dict: ("表", "a table")}  # fmt: skip


@dataclass(frozen=True)
class Document:
    """One document as it stands.

    Attributes:
        id: its own short name.
        file: where it was read, as errors name it.
        header: the header's keys that it has.
        tree: its figures.
        remove: key paths that it takes away from what it extends.
        unknown: key or subject -> what is not known of it.
    """

    id: str
    file: str
    header: Mapping[str, Any]
    tree: Tree
    remove: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def extends(self) -> str:
        """The document that this one is laid over; empty without one."""
        return str(self.header.get("extends", ""))


def read(path: Path, file: str) -> Document:
    """Read a document.

    Args:
        path: the TOML file.
        file: what errors call it.

    Raises:
        DrgError: the file cannot be read, its header is wrong, or a figure has no source.
    """
    return make(read_document(path, file=file), file)


def make(table: Mapping[str, Any], file: str) -> Document:
    """A document from its table; see :func:`read`."""
    header = {key: table[key] for key in KEYS if key in table}
    _check(header, file)
    figures = {key: value for key, value in table.items() if key not in KEYS}
    name = header["id"]
    tree = grow(figures, name, file)
    for path, held in leaves(tree):
        if not held.source and held.value != NONE:
            raise problem(
                say("数值没有来源", "figure without source"), file=file, key=spell(path),
                found=held.value,
                expected=say('所在表的 source = "..."，或 [sources] 中的一条',
                             'source = "..." in its table, or an entry in [sources]'),
            )  # fmt: skip
    unknown = header.pop("unknown", {})
    return Document(name, file, header, tree, tuple(header.pop("remove", ())), unknown)


def _check(header: Mapping[str, Any], file: str) -> None:
    for key, (kind, needed) in KEYS.items():
        if key not in header:
            if needed:
                raise problem(
                    say("缺失", "is missing"), file=file, key=key, expected=say(*_WORDS[kind])
                )
            continue
        value = header[key]
        right = isinstance(value, kind) and not isinstance(value, datetime.datetime)
        if not right or value == "":
            raise problem(say("类型不符", "wrong type"), file=file, key=key, found=value,
                          expected=say(*_WORDS[kind]))  # fmt: skip
    if "weights" in header:
        named_file(header["weights"], file, "weights")
    for key, inner in (
        ("remove", header.get("remove", [])),
        ("unknown", list(header.get("unknown", {}).values())),
    ):
        for value in inner:
            if not isinstance(value, str) or not value:
                raise problem(say("须为文本", "must hold texts"), file=file, key=key, found=value)
    first, last = header.get("valid_from"), header.get("valid_to")
    if first is not None and last is not None and last < first:
        raise problem(say("截止早于开始", "ends before it begins"), file=file, key="valid_to",
                      found=last, expected=say(f"{first} 或之后", f"{first} or later"))  # fmt: skip


def require_date(document: Document) -> None:
    """Refuse a document that says neither when it begins nor that this is not known."""
    if "valid_from" not in document.header and "valid_from" not in document.unknown:
        raise problem(
            say("缺失", "is missing"), file=document.file, key="valid_from",
            expected=say("日期，或在 [unknown] 中写明尚不清楚之处",
                         "a date, or what is not known of it under [unknown]"),
        )  # fmt: skip
