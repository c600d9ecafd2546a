"""Finding scheme packs, reading their headers, loading them whole."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from os import PathLike
from pathlib import Path

from drg.errors import DrgError, problem
from drg.language import say
from drg.provenance import hash_files, hash_text
from grouper.scheme.model import Header, Scheme
from grouper.scheme.overlay import CHANGES, read_overlay
from grouper.scheme.tables import read_tables

SHIPPED = Path(__file__).parents[1] / "schemes"
TABLES = ("mdc.csv", "adrg.csv", "drg.csv", "diagnoses.csv", "procedures.csv")


def shipped_schemes() -> list[str]:
    """Ids of the schemes that come with the package, in order."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/scheme.toml"))


def find_scheme(scheme: str | PathLike[str]) -> Path:
    """The folder of a shipped scheme's id or of a pack on disk.

    Raises:
        DrgError: there is no such scheme.
    """
    shipped = SHIPPED / str(scheme)
    if str(scheme) in shipped_schemes():
        return shipped
    folder = Path(scheme)
    if (folder / "scheme.toml").is_file():
        return folder
    known = ", ".join(shipped_schemes())
    raise problem(
        say("没有这个分组方案", "no such grouping scheme"), key="scheme", found=scheme,
        expected=say(f"下列之一：{known}，或含 scheme.toml 的文件夹",
                     f"one of {known}, or a folder with scheme.toml"),
    )  # fmt: skip


def require_tables(folder: Path) -> tuple[str, ...]:
    """The files of a pack; raise a :class:`~drg.errors.DrgError` when one is missing."""
    tables = (CHANGES,) if read_header(folder).extends else TABLES
    missing = [name for name in tables if not (folder / name).is_file()]
    if missing:
        raise problem(say(f"方案包缺少 {'、'.join(missing)}",
                          f"the scheme pack lacks {', '.join(missing)}"),
                      file=folder)  # fmt: skip
    return tables


def pack_hash(folder: Path) -> str:
    """SHA-256 over the pack's files, names included, and over the packs it extends."""
    own = hash_files([folder / name for name in ("scheme.toml", *require_tables(folder))])
    extended = read_header(folder).extends
    return own if not extended else hash_text(own, pack_hash(extended_folder(folder, extended)))


def extended_folder(folder: Path, extends: str) -> Path:
    """The folder of the scheme that a pack extends: a shipped id, or a path beside the pack.

    Raises:
        DrgError: there is no such scheme, or the pack extends itself.
    """
    beside = (folder / extends).resolve()
    if extends not in shipped_schemes() and beside != folder.resolve():
        return find_scheme(beside)
    found = find_scheme(extends)
    if found.resolve() == folder.resolve():
        raise problem(say("方案不能以自身为基础", "a scheme cannot extend itself"),
                      file=folder / "scheme.toml", key="extends")  # fmt: skip
    return found


def read_header(folder: Path) -> Header:
    """Read ``scheme.toml``.

    Raises:
        DrgError: it is not TOML, a key is missing, unknown or not a text.
    """
    path = folder / "scheme.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise problem(say(f"无法读取方案说明（{error}）",
                          f"cannot read the scheme's header ({error})"),
                      file=path) from None  # fmt: skip
    known = Header.__dataclass_fields__
    for key, value in document.items():
        if key not in known:
            raise problem(say("没有这个键", "unknown key"), file=path, key=key,
                          expected=say("下列之一：", "one of ") + ", ".join(known))  # fmt: skip
        if not isinstance(value, str):
            raise problem(say("须为文本", "must be a text"), file=path, key=key, found=value)
    for key in ("id", "title", "version", "source"):
        if not document.get(key):
            raise problem(say("缺少此项", "is missing"), file=path, key=key,
                          expected=say("文本", "a text"))  # fmt: skip
    return Header(**document)


def load_scheme(scheme: str | PathLike[str] = "chs-drg-1.1") -> Scheme:
    """Load a scheme by id or folder.

    Raises:
        DrgError: there is no such scheme, or its tables have errors (the first is named).
    """
    folder = find_scheme(scheme)
    return _load(folder.resolve(), pack_hash(folder))


@lru_cache(maxsize=8)
def _load(folder: Path, content_hash: str) -> Scheme:
    header = read_header(folder)
    if header.extends:
        base = load_scheme(extended_folder(folder, header.extends))
        return read_overlay(folder, header, base, content_hash)
    loaded, findings = read_tables(folder, header, content_hash)
    errors = [finding for finding in findings if finding.level == "error"]
    if loaded is None or errors:
        left = len(errors) - 1
        more = say(f"（另有 {left} 处）", f" (and {left} more)") if left > 0 else ""
        raise DrgError(f"{errors[0]}{more}")
    return loaded
