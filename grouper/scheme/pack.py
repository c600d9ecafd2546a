"""Finding scheme packs, reading their headers, loading them whole."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from drg.cases.outcomes import is_ambiguous
from drg.documents import fit, named_file, read_document
from drg.errors import DrgError, problem
from drg.language import say
from drg.provenance import hash_files, hash_text
from grouper.scheme import cache
from grouper.scheme.model import Header, Scheme, packed, unpacked
from grouper.scheme.name import DEFAULT, WITH_AMBIGUOUS, Named, plain, with_ambiguous
from grouper.scheme.overlay import CHANGES, overlaid, read_overlay
from grouper.scheme.tables import read_groups, read_tables

SHIPPED = Path(__file__).parents[1] / "schemes"
AMBIGUOUS = "ambiguous.csv"  # the optional ambiguous groups, as changes
_KIND = "tables"  # of what is kept
TABLES = ("mdc.csv", "adrg.csv", "drg.csv", "diagnoses.csv", "procedures.csv")


def shipped_schemes() -> list[str]:
    """Ids of the schemes that come with the package, in order."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/scheme.toml"))


@lru_cache(maxsize=1)
def national_codes() -> dict[str, frozenset[str]]:
    """The DRG codes of each shipped scheme that extends no other."""
    found = {}
    for name in shipped_schemes():
        if not read_header(SHIPPED / name).extends:
            with (SHIPPED / name / "drg.csv").open(encoding="utf-8", newline="") as stream:
                found[name] = frozenset(row["drg"] for row in csv.DictReader(stream))
    return found


def find_scheme(scheme: Named) -> Path:
    """The folder of a shipped scheme's id or of a pack on disk; a ``+qy`` behind it is passed over.

    A pack on disk goes before a shipped list of groups of the same name: it has their codes.

    Raises:
        DrgError: there is no such scheme.
    """
    name, _ = plain(scheme)
    shipped, folder = SHIPPED / name, Path(name)
    known = name in shipped_schemes()
    if (folder / "scheme.toml").is_file() and not (known and not read_header(shipped).lists):
        return folder
    if known:
        return shipped
    ids = ", ".join(shipped_schemes())
    raise problem(
        say("没有这个分组方案", "no such grouping scheme"), key="scheme", found=scheme,
        expected=say(f"下列之一：{ids}，或含 scheme.toml 的文件夹",
                     f"one of {ids}, or a folder with scheme.toml"),
    )  # fmt: skip


def _no_circle(folder: Path) -> None:
    """Refuse packs that extend each other.

    Raises:
        DrgError: a pack extends one that extends it.
    """
    seen, here = {folder.resolve()}, folder
    while extends := read_header(here).extends:
        here = find_scheme(extended_scheme(here, extends))
        if here.resolve() in seen:
            raise problem(say("方案相互以对方为基础", "packs extend each other"),
                          file=folder / "scheme.toml", key="extends", found=extends)  # fmt: skip
        seen.add(here.resolve())


def require_tables(folder: Path) -> tuple[str, ...]:
    """The files of a pack; raise a :class:`~drg.errors.DrgError` when one is missing."""
    header = read_header(folder)
    tables = (CHANGES,) if header.extends else TABLES[:3] if header.lists else TABLES
    missing = [name for name in tables if not (folder / name).is_file()]
    if missing:
        raise problem(say(f"方案包缺少 {'、'.join(missing)}",
                          f"the scheme pack lacks {', '.join(missing)}"),
                      file=folder)  # fmt: skip
    return (*tables, AMBIGUOUS) if (folder / AMBIGUOUS).is_file() else tables


def pack_hash(scheme: Named) -> str:
    """SHA-256 over the pack's files, names included, and over the packs it extends."""
    folder, (_, ambiguous) = find_scheme(scheme), plain(scheme)
    _no_circle(folder)
    own = hash_files([folder / name for name in ("scheme.toml", *require_tables(folder))])
    if ambiguous:
        own = hash_text(own, WITH_AMBIGUOUS)
    extended = read_header(folder).extends
    return own if not extended else hash_text(own, pack_hash(extended_scheme(folder, extended)))


def extended_scheme(folder: Path, extends: str) -> str:
    """The scheme that a pack extends: a shipped id, or the path of a folder beside the pack.

    Raises:
        DrgError: there is no such scheme, or the pack extends itself.
    """
    name, ambiguous = plain(extends)
    beside = (folder / name).resolve()
    if name in shipped_schemes() or beside == folder.resolve():
        found = find_scheme(name)
        if found.resolve() == folder.resolve():
            raise problem(say("方案不能以自身为基础", "a scheme cannot extend itself"),
                          file=folder / "scheme.toml", key="extends")  # fmt: skip
    else:
        found = find_scheme(beside)
    return with_ambiguous(found) if ambiguous else str(found)


def read_header(folder: Path) -> Header:
    """Read ``scheme.toml``.

    Raises:
        DrgError: it is not TOML, a key is missing, unknown or not a text.
    """
    path = folder / "scheme.toml"
    document = read_document(path)
    fit(document, dict.fromkeys(Header.__dataclass_fields__, str), path)
    named_file(document.get("extends", ""), path, "extends")
    for key in ("id", "title", "version", "source"):
        if not document.get(key):
            raise problem(say("缺少此项", "is missing"), file=path, key=key,
                          expected=say("文本", "a text"))  # fmt: skip
    return Header(**document)


def load_scheme(scheme: Named = DEFAULT) -> Scheme:
    """Load a scheme by id or folder; ``chs-drg-2.0+qy`` with its ambiguous groups.

    Raises:
        DrgError: there is no such scheme, its tables have errors (the first is named), or it is
            a list of groups without the codes that lead to them.
    """
    folder = find_scheme(scheme)
    if read_header(folder).lists:
        raise problem(
            say(f"内置的 {folder.name} 只有病组目录，没有入组编码；请先导入官方配置文件："
                f"drg scheme import 官方文件.xlsx --out {folder.name}",
                f"the shipped {folder.name} lists the groups but not the codes that lead to them; "
                "import the official workbook first: "
                f"drg scheme import WORKBOOK.xlsx --out {folder.name}"),
            key="scheme",
        )  # fmt: skip
    return load_groups(scheme)


def load_groups(scheme: Named = DEFAULT) -> Scheme:
    """Load a scheme for its groups and names; a list of groups without codes will do.

    Raises:
        DrgError: there is no such scheme, or its tables have errors (the first is named).
    """
    return _kept(find_scheme(scheme).resolve(), plain(scheme)[1], pack_hash(scheme))


@lru_cache(maxsize=8)
def _kept(folder: Path, ambiguous: bool, content_hash: str) -> Scheme:
    content = cache.kept(content_hash, _KIND)
    found = None if content is None else unpacked(content)
    if found is None or found.content_hash != content_hash:
        found = _load(folder, ambiguous, content_hash)
        cache.keep(content_hash, _KIND, packed(found))
    return found


def _load(folder: Path, ambiguous: bool, content_hash: str) -> Scheme:
    header = read_header(folder)
    own = ambiguous and (folder / AMBIGUOUS).is_file()
    if header.extends:
        extended = extended_scheme(folder, header.extends)
        below = ambiguous and not own and _offered(find_scheme(extended))
        base = load_scheme(with_ambiguous(extended) if below else extended)
        loaded = read_overlay(folder, header, base, content_hash)
    elif header.lists:
        loaded = read_groups(folder, header, content_hash)
    else:
        loaded = _tables(folder, header, content_hash)
    if not ambiguous:
        return loaded
    if own:
        loaded = overlaid(loaded, folder / AMBIGUOUS)
    if not any(is_ambiguous(drg.code) for drg in loaded.drgs):
        raise problem(say("此方案没有可选的歧义组", "this scheme has no ambiguous groups"),
                      key="scheme", found=header.id)  # fmt: skip
    return replace(loaded, header=replace(header, id=f"{header.id}{WITH_AMBIGUOUS}"))


def _offered(folder: Path) -> bool:
    """Whether a pack, or one that it extends, brings optional ambiguous groups."""
    extended = read_header(folder).extends
    return (folder / AMBIGUOUS).is_file() or bool(
        extended and _offered(find_scheme(extended_scheme(folder, extended)))
    )


def _tables(folder: Path, header: Header, content_hash: str) -> Scheme:
    loaded, findings = read_tables(folder, header, content_hash)
    errors = [finding for finding in findings if finding.level == "error"]
    if loaded is None or errors:
        left = len(errors) - 1
        more = say(f"（另有 {left} 处）", f" (and {left} more)") if left > 0 else ""
        raise DrgError(f"{errors[0]}{more}")
    return loaded
