"""Finding and loading policies: the chain of documents, laid over one another, checked."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

from budget.policy.document import Header, Policy, build
from budget.policy.header import Document, make, read, require_date
from budget.policy.tree import NONE, Tree, overlay, parse, without
from drg.documents import inside, named_file
from drg.errors import one_of, problem
from drg.language import in_row, say

SHIPPED = Path(__file__).parents[1] / "policies"
Source: TypeAlias = "str | PathLike[str] | Mapping[str, Any]"


def policies() -> tuple[str, ...]:
    """Ids of the policies that come with the package, in order."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def find_policy(policy: str | PathLike[str]) -> Path:
    """The file of a shipped policy's id, or of a document on disk.

    Raises:
        DrgError: there is no such policy.
    """
    if str(policy) in policies():
        return SHIPPED / f"{policy}.toml"
    path = Path(policy)
    if path.is_file():
        return path
    raise problem(say("没有此政策", "no such policy"), key="policy", found=policy,
                  expected=say(f"以下之一：{', '.join(policies())}，或 TOML 文件",
                               f"one of {', '.join(policies())}, or a TOML file"))  # fmt: skip


def load_policy(
    policy: str | PathLike[str] = "national-default", *overlays: Source, within: Path | None = None
) -> Policy:
    """Load a policy.

    Args:
        policy: a shipped id, or the path of a TOML file.
        *overlays: further documents, each laid over what stands before: ids, paths or tables.
            What they extend must already be there.
        within: the folder out of which ``extends`` may not lead, of documents from others.

    Raises:
        DrgError: a document is missing, wrong or incomplete, or documents extend in a circle.
    """
    chain = _chain(find_policy(policy), within)
    over = [_extra(given, chain) for given in overlays]
    for one in over:
        if one.id in {held.id for held in chain}:
            raise problem(say("编号与所覆盖的文件相同", "the same id as a document below"),
                          file=one.file, key="id", found=one.id)  # fmt: skip
        chain = [one, *chain]
    tree: Tree = {}
    unknown: dict[str, str] = {}
    header: dict[str, Any] = {}
    for document in reversed(chain):
        tree = _lay(document, tree)
        unknown = {key: text for key, text in unknown.items() if not _says(document, key)}
        unknown.update(document.unknown)
        header = _joined(header, document) if document in over else _inherited(header, document)
    unknown = {key: text for key, text in unknown.items() if text != NONE}
    return build(_header(header, unknown, chain), tree)


def _chain(path: Path, within: Path | None) -> list[Document]:
    """A document and those that it extends, the topmost first."""
    documents: list[Document] = []
    seen: list[Path] = []
    while True:
        if path.resolve() in seen:
            raise problem(say("文件互相继承，形成循环", "documents extend each other in a circle"),
                          file=documents[-1].file, key="extends",
                          found=documents[-1].extends)  # fmt: skip
        seen.append(path.resolve())
        document = read(path, _name(path))
        require_date(document)
        if document.id in {held.id for held in documents}:
            raise problem(say("编号与上层文件相同", "the same id as a document above"),
                          file=document.file, key="id", found=document.id)  # fmt: skip
        documents.append(document)
        if not document.extends:
            return documents
        path = _parent(document, path, within)


def _name(path: Path) -> str:
    return path.name if path.parent == SHIPPED else str(path)


def _parent(document: Document, path: Path, within: Path | None) -> Path:
    wanted = document.extends
    copied = path.parent / f"{wanted}.toml"
    if wanted in policies() and (within is None or not copied.is_file()):
        return SHIPPED / f"{wanted}.toml"
    named_file(wanted, path, "extends")
    for beside in (path.parent / wanted, path.parent / f"{wanted}.toml"):
        if beside.is_file():
            return beside if within is None else inside(within, str(beside), path, "extends")
    raise problem(
        say("没有此政策", "no such policy"), file=document.file, key="extends", found=wanted,
        expected=say(f"以下之一：{', '.join(policies())}，或同一文件夹中的 TOML 文件",
                     f"one of {', '.join(policies())}, or a TOML file beside this one"),
    )  # fmt: skip


def _extra(given: Source, chain: list[Document]) -> Document:
    if isinstance(given, Mapping):
        titles = {} if "title" in given else {"title": "叠加文件", "title_en": "overlay"}
        table = {"id": "overlay", "source": "调用时给定 | given in the call", **titles, **given}
        document = make(table, "overlay")
    else:
        path = find_policy(given)
        document = read(path, _name(path))
    if document.extends and document.extends not in {held.id for held in chain}:
        raise problem(say("不是所覆盖政策中的文件",
                          "is no document of the policy that this is laid over"),
                      file=document.file, key="extends", found=document.extends,
                      expected=one_of(held.id for held in chain))  # fmt: skip
    return document


def _says(document: Document, key: str) -> bool:
    """Whether a document itself says what one that it extends does not know."""
    if key in document.header:
        return True
    node: Any = document.tree
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return False
        node = node[part]
    return True


def _lay(document: Document, below: Tree) -> Tree:
    for key in document.remove:
        below = without(below, parse(key), key, document.file)
    return overlay(below, document.tree, document.file)


# Not handed down by extends: they belong to one document.
_OWN = ("id", "valid_from", "valid_to", "source", "extends", "note", "title", "title_en")


def _inherited(header: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """The header of a document, with what it takes over from the one that it extends."""
    return {**{k: v for k, v in header.items() if k not in _OWN}, **document.header}


def _joined(header: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """The header of a policy on which an overlay was laid: both names, the overlay's dates."""
    marks = {"id": "+", "title": " + ", "title_en": " + "}
    over = dict(document.header)
    over.setdefault("title_en", over["title"])
    below = {"title_en": header["title"], **header}
    return {
        **below,
        **over,
        **{key: f"{below[key]}{mark}{over[key]}" for key, mark in marks.items()},
        "source": in_row(below["source"], over["source"]),
    }


def _header(header: Mapping[str, Any], unknown: Mapping[str, str], chain: list[Document]) -> Header:
    def text(key: str) -> str:
        value = str(header.get(key, ""))
        return "" if value == NONE else value

    return Header(
        id=text("id"),
        title=text("title"),
        title_en=text("title_en") or text("title"),
        region=text("region"),
        valid_from=header.get("valid_from"),
        valid_to=header.get("valid_to"),
        source=text("source"),
        weights=text("weights"),
        scheme=text("scheme"),
        unknown=unknown,
        chain=tuple(held.id for held in chain),
        files={held.id: held.file for held in chain},
    )
