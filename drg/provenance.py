"""Where a result comes from: versions, hashes of inputs, seeds. Nothing here names a time."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import drg
from drg.datasets import parts_of
from drg.documents import parse, read_document
from drg.errors import DrgError
from drg.persons import masked

_HALF = re.compile("[\ud800-\udfff]")  # half a character


def hash_file(path: str | PathLike[str]) -> str:
    """SHA-256 of a file's bytes, or over the files of a dataset, in hexadecimal."""
    path = Path(path)
    if path.is_dir():
        inside = {part.relative_to(path).as_posix(): part for part in parts_of(path)}
        return hash_text(*(f"{name}\0{hash_file(part)}" for name, part in inside.items()))
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """SHA-256 over several files: names and contents, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def hash_text(*texts: str) -> str:
    """SHA-256 over texts, in the order given."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def record(**parts: Any) -> dict[str, Any]:
    """A provenance record: the program and its version, then the parts given."""
    return {"program": "drg-toolkit", "version": drg.__version__, **parts}


def to_json(document: Any) -> str:
    """JSON with sorted-as-given keys and readable Chinese, the same bytes for the same content.

    A number that is not finite is null. Where a file's name is not UTF-8, ``\ufffd`` stands for
    what cannot be said of it.
    """
    try:
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(document), ensure_ascii=False, indent=2)
    return _HALF.sub("\ufffd", text) + "\n"


def file_name(path: str | PathLike[str]) -> str:
    """The name of a file as a record tells it: ``\ufffd`` for what is not UTF-8, persons masked."""
    return masked(_HALF.sub("\ufffd", Path(path).name))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(held) for key, held in value.items()}
    return [_finite(held) for held in value] if isinstance(value, list | tuple) else value


def grouped_by(path: str | PathLike[str]) -> tuple[str, str]:
    """Id and SHA-256 of the scheme that a table of cases was grouped by, as its record says."""
    scheme = read_beside(path).get("scheme")
    if not isinstance(scheme, dict):
        return "", ""
    name, digest = scheme.get("id"), scheme.get("sha256")
    return (name if isinstance(name, str) else "", digest if isinstance(digest, str) else "")


def read_beside(path: str | PathLike[str]) -> dict[str, Any]:
    """The record beside a table; empty when there is none to read."""
    return document_at(record_of(Path(path)))


def record_of(path: Path) -> Path:
    """Where the record beside a file stands: ``<file>.run.json``."""
    return path.parent / f"{path.name}.run.json"


def document_at(path: str | PathLike[str]) -> dict[str, Any]:
    """A record; empty when there is none to read."""
    try:
        return read_document(path, "JSON")
    except DrgError:
        return {}


def document_of(found: bytes | None) -> dict[str, Any]:
    """A record as a mapping; empty when there is none, or when it is no JSON object."""
    try:
        document = parse(found or b"", "", "JSON")
    except DrgError:
        return {}
    return document if isinstance(document, dict) else {}
