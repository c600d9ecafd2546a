"""A document as a tree whose leaves know where they come from; how one tree is laid over another.

Tables are merged key by key. Everything else, arrays included, is replaced whole: what has a
name is a table, what has an order is an array. The text ``none`` deletes a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from drg.errors import problem
from drg.language import say

NONE = "none"
_DEEPEST = 20
REMARKS = ("source", "sources", "note")
_NAME = re.compile(r"[\w-]+")
_STEP = re.compile(r"([\w-]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Held:
    """A value of a document.

    Attributes:
        value: a number, text, truth value, date, or a tuple of such.
        source: where it comes from; empty when the document does not say.
        origin: the id of the document that says it.
    """

    value: Any
    source: str
    origin: str


Tree: TypeAlias = "dict[str, Node]"
Node: TypeAlias = "Held | Tree | list[Tree]"
Path: TypeAlias = tuple[str | int, ...]


def spell(path: Path) -> str:
    """A path as users write it: ``outliers.high.thresholds[1].above``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def parse(key: str) -> Path:
    """The path that a user wrote.

    Raises:
        DrgError: it is no key path.
    """
    path = tuple(m[1] if m[2] is None else int(m[2]) for m in _STEP.finditer(key))
    if not path or spell(path) != key or isinstance(path[0], int):
        raise problem(say("不是键的路径", "no key path"), key=key,
                      expected=say("例如 outliers.high.thresholds[1].above",
                                   "such as outliers.high.thresholds[1].above"))  # fmt: skip
    return path


def grow(table: Mapping[str, Any], origin: str, file: str) -> Tree:
    """The tree of a document's table, with the source of each value.

    A value's source is the entry of the nearest ``sources`` that names it or a table around it,
    or the nearest ``source`` in its own table or one around it, whichever is nearer.

    Raises:
        DrgError: a key or an array is not allowed, or an entry of ``sources`` names nothing.
    """
    return _table(table, (), "", {}, origin, file)


def _table(
    table: Mapping[str, Any],
    path: Path,
    source: str,
    named: Mapping[Path, str],
    origin: str,
    file: str,
) -> Tree:
    if len(path) > _DEEPEST:
        raise problem(say("表嵌套过深", "tables nested too deep"), file=file,
                      key=spell(path[:3]) + "...")  # fmt: skip
    own = table.get("source", source)
    named = {} if "source" in table else dict(named)
    for key in ("source", "note"):
        if not isinstance(table.get(key, ""), str) or table.get(key) == "":
            raise problem(say("须为文本", "must be a text"), file=file, key=spell((*path, key)),
                          found=table[key])  # fmt: skip
    for steps, text in _sources(table, path, file):
        named[(*path, *steps)] = text
    found: Tree = {}
    for key, value in table.items():
        here = (*path, key)
        if key in REMARKS:
            continue
        if not _NAME.fullmatch(key):
            raise problem(say("键含有字母、数字、_ 和 - 以外的字符",
                              "key with other signs than letters, digits, _ and -"), file=file,
                          key=spell(path) or None, found=key)  # fmt: skip
        found[key] = _node(value, here, named.get(here, own), named, origin, file)
    return found


def _node(
    value: Any, path: Path, source: str, named: Mapping[Path, str], origin: str, file: str
) -> Node:
    if isinstance(value, Mapping):
        return _table(value, path, source, named, origin, file)
    if isinstance(value, list | tuple):
        tables = [isinstance(item, Mapping) for item in value]
        if (any(tables) and not all(tables)) or any(isinstance(v, list | tuple) for v in value):
            raise problem(say("数组的值类型混杂或嵌套", "array of mixed or nested values"),
                          file=file, key=spell(path))  # fmt: skip
        if any(tables):
            return [
                _table(item, (*path, i), source, named, origin, file)
                for i, item in enumerate(value)
            ]
        return Held(tuple(value), source, origin)
    return Held(value, source, origin)


def _sources(table: Mapping[str, Any], path: Path, file: str) -> Iterator[tuple[Path, str]]:
    entries = table.get("sources", {})
    if not isinstance(entries, Mapping):
        raise problem(say("须为“键 = 来源”的表", "must be a table of key = source"), file=file,
                      key=spell((*path, "sources")))  # fmt: skip
    for key, text in entries.items():
        place = spell((*path, "sources", key))
        if not isinstance(text, str) or not text:
            raise problem(say("须为文本", "must be a text"), file=file, key=place, found=text)
        steps = parse(key)
        node: Any = table
        for step in steps:
            inside = (isinstance(node, Mapping) and step in node) or (
                isinstance(node, list) and isinstance(step, int) and step < len(node)
            )
            if not inside:
                raise problem(say("在此表中没有所指内容", "names nothing in this table"), file=file,
                              key=place)  # fmt: skip
            node = node[step]
        yield steps, text


def overlay(base: Tree, over: Tree, file: str, path: Path = ()) -> Tree:
    """A tree laid over another; neither is changed.

    Raises:
        DrgError: the text ``none`` deletes what is not there.
    """
    merged = dict(base)
    for key, node in over.items():
        here = (*path, key)
        below = merged.get(key)
        if isinstance(node, Held) and node.value == NONE:
            if key not in merged:
                raise problem(say("要删除的内容不存在", "deletes what is not there"), file=file,
                              key=spell(here), found=NONE)  # fmt: skip
            del merged[key]
        elif isinstance(node, dict):
            merged[key] = overlay(below if isinstance(below, dict) else {}, node, file, here)
        else:
            merged[key] = node
    return merged


def without(tree: Tree, path: Path, place: str, file: str) -> Tree:
    """The tree without one of its branches.

    Raises:
        DrgError: there is no such branch, or it is inside an array.
    """
    name, *rest = path
    if not isinstance(name, str) or name not in tree:
        raise problem(say("要去掉的内容不存在", "removes what is not there"), file=file,
                      key="remove", found=place)  # fmt: skip
    smaller = dict(tree)
    if not rest:
        del smaller[name]
        return smaller
    node = tree[name]
    if not isinstance(node, dict):
        raise problem(say("要去掉的内容不存在", "removes what is not there"), file=file,
                      key="remove", found=place)  # fmt: skip
    smaller[name] = without(node, tuple(rest), place, file)
    return smaller


def put(tree: Tree, path: Path, node: Node, key: str) -> Tree:
    """The tree with another node at a path; tables on the way are made when they are not there.

    Raises:
        DrgError: the path leads into a value or past the end of an array.
    """
    name, *rest = path
    assert isinstance(name, str)
    there = tree.get(name)
    if not rest:
        return {**tree, name: node}
    if isinstance(rest[0], int):
        if not isinstance(there, list) or rest[0] >= len(there):
            raise problem(say("没有此元素", "no such element"), key=key)
        items = list(there)
        if len(rest) == 1:
            if not isinstance(node, dict):
                raise problem(say("此数组的元素须为表", "an element of this array is a table"),
                              key=key)  # fmt: skip
            items[rest[0]] = node
        else:
            items[rest[0]] = put(items[rest[0]], tuple(rest[1:]), node, key)
        return {**tree, name: items}
    if there is not None and not isinstance(there, dict):
        raise problem(say("不是表", "is no table"), key=key, found=name)
    return {**tree, name: put(there or {}, tuple(rest), node, key)}


def leaves(node: Node, path: Path = ()) -> Iterator[tuple[Path, Held]]:
    """All values with their paths, in the order of the document."""
    if isinstance(node, Held):
        yield path, node
    elif isinstance(node, dict):
        for key, inner in node.items():
            yield from leaves(inner, (*path, key))
    else:
        for i, item in enumerate(node):
            yield from leaves(item, (*path, i))


def plain(node: Node) -> Any:
    """The values alone; arrays as tuples."""
    if isinstance(node, Held):
        return node.value
    if isinstance(node, dict):
        return {key: plain(inner) for key, inner in node.items()}
    return tuple(plain(item) for item in node)
