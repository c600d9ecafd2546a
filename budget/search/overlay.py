"""What a search found, as documents to go on with: an overlay of the policy, and a scenario."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from budget.policy.document import Leaf, Policy
from budget.policy.load import policies
from budget.policy.tree import Held, Node, leaves, parse, spell
from budget.policy.tree import Path as Keys
from budget.search.document import SearchDocument
from drg.language import both, half, in_row

_YEARS = 3
_NOT_IN_FORCE = "由搜索得出，尚未在任何地方执行 | found by a search; not in force anywhere"


def policy_document(
    document: SearchDocument, before: Policy, found: Policy, extends: str, year: int
) -> str:
    """A policy that extends the one searched and says only what changes, each with its source.

    Args:
        document: what was looked for.
        before: the policy in force.
        found: the policy found.
        extends: id of the policy in force, or its file as seen from the document's folder.
        year: the year on whose cases it was found.
    """
    heads = _changed(before, found)
    sources = {spell(path): text for head in heads for path, text in _sources(head, before, found)}
    return "\n".join([
        f"# Found by drg policy search for the cases of {year}: what changes, laid over {extends}.",
        f"id = {_text(document.id)}",
        f"title = {_text(document.title)}",
        *([f"title_en = {_text(document.title_en)}"] if document.title_en else []),
        f"extends = {_text(extends)}",
        f"source = {_text(_source(document, year))}",
        "",
        *(f"{_key(head)} = {_value(_node(found, head))}" for head in heads),
        "",
        "[sources]",
        *(f"{_text(key)} = {_text(text)}" for key, text in sources.items()),
        "",
        "[unknown]",
        f"valid_from = {_text(_NOT_IN_FORCE)}",
        "",
    ])  # fmt: skip


def scenario_document(document: SearchDocument, before: Policy, found: Policy, year: int) -> str:
    """The same change as a scenario for ``drg project``: from the first year on, nothing else."""
    heads = _changed(before, found)
    return "\n".join([
        f"# Found by drg policy search for the cases of {year}; for drg project --scenario.",
        f"id = {_text(document.id)}",
        f"title = {_text(document.title)}",
        *([f"title_en = {_text(document.title_en)}"] if document.title_en else []),
        f"source = {_text(_source(document, year))}",
        f"years = {max(_YEARS, document.years)}",
        "",
        "[change.1.policy]",
        *(f"{_key(head)} = {_value(_node(found, head))}" for head in heads),
        "",
    ])  # fmt: skip


def _source(document: SearchDocument, year: int) -> str:
    found = f"由{year}年病例的政策搜索得出 | found by drg policy search on the cases of {year}"
    return in_row(document.source, found)


def extended(policy: str, folder: Path) -> str:
    """What a document in a folder extends: a shipped id, or the policy's file from there."""
    if policy in policies():
        return policy
    try:
        return Path(os.path.relpath(Path(policy).resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return Path(policy).resolve().as_posix()


def _changed(before: Policy, found: Policy) -> list[Keys]:
    """Keys that differ; arrays are replaced whole, so of those the array."""
    was = dict(leaves(before.tree))
    heads: dict[Keys, None] = {}
    for path, held in leaves(found.tree):
        if held.value != was[path].value:
            at = next((i for i, part in enumerate(path) if isinstance(part, int)), len(path))
            heads[path[:at]] = None
    return list(heads)


def _sources(head: Keys, before: Policy, found: Policy) -> Iterator[tuple[Keys, str]]:
    """A source for each value below a key: that of the search, or what it had."""
    was = dict(leaves(before.tree))
    for path, held in leaves(found.tree):
        if path[: len(head)] == head:
            old = was[path]
            yield path, old.source if old.value == held.value else _moved(old, held)


def _moved(old: Held, new: Held) -> str:
    """The source of a value that changed, with what it was before."""
    zh, en = half(old.source, "zh"), half(old.source, "en")
    before = f"{old.value:.12g}"
    return in_row(new.source, both(f"原为{before}（{zh}）", f"before {before} ({en})"))


def _node(policy: Policy, path: Keys) -> Node:
    node: Any = policy.tree
    for part in path:
        node = node[part]
    found: Node = node
    return found


def _key(path: Keys) -> str:
    return ".".join(
        str(part) if str(part).isascii() else _text(str(part)) for part in parse(spell(path))
    )


def _value(node: Node) -> str:
    if isinstance(node, Held):
        return _plain(node.value)
    if isinstance(node, list):
        return "[\n" + "".join(f"    {_value(item)},\n" for item in node) + "]"
    return (
        "{ " + ", ".join(f"{_key((name,))} = {_value(held)}" for name, held in node.items()) + " }"
    )


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return str(value)


def _text(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def terms(leaf: Leaf) -> Mapping[str, str]:
    """Terms and unit of a figure."""
    return {"zh": leaf.about.zh, "en": leaf.about.en, "unit": leaf.about.unit}
