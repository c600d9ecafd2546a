"""The mapping file of an import: sheets and headers that are not recognised, and the options."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drg.errors import problem
from drg.language import say
from grouper.importer.roles import MEANINGS, ROLES

HIV = ("principal", "any")
PROCEDURE_TEST = ("principal", "any", "principal-then-any")
UNKNOWN_CODES = ("error", "accept")
_HEADER_KEYS = ("id", "title", "version", "source", "title_en", "issuer", "codes")


@dataclass(frozen=True)
class Options:
    """What the tables do not say.

    Attributes:
        hiv: MDCY is entered by the ``principal`` diagnosis or by ``any``.
        procedure_test: an ADRG's operation is the ``principal`` one, ``any``, or
            ``principal-then-any``: any one counts where no ADRG of the MDC has the principal one.
        unknown_codes: ``error``, or ``accept`` codes with a name that the edition lacks.
        base: the scheme whose names and tables stand in for what is missing.
        fill_down: blank group cells mean the group above.
    """

    hiv: str = "principal"
    procedure_test: str = "principal"
    unknown_codes: str = "error"
    base: str = "chs-drg-1.1"
    fill_down: bool = False


@dataclass(frozen=True)
class Mapping:
    """A mapping file.

    Attributes:
        scheme: keys of ``scheme.toml``.
        options: what the tables do not say.
        sheets: sheet -> role.
        headers: sheet ("" for all) -> header -> meaning.
    """

    scheme: dict[str, str] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    sheets: dict[str, str] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)


def read_mapping(path: Path | None) -> Mapping:
    """Read a mapping file; none gives the defaults.

    Raises:
        DrgError: it cannot be read, or a key or value is not one of those known.
    """
    if path is None:
        return Mapping()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise problem(say(f"无法读取映射文件（{error}）",
                          f"cannot read the mapping file ({error})"),
                      file=path) from None  # fmt: skip
    for key, value in document.items():
        _one_of(path, "section", key, ("scheme", "options", "sheets", "headers"))
        if not isinstance(value, dict):
            raise problem(
                say("须为表（[...]）", "must be a table"), file=path, key=key, found=value
            )
    headers: dict[str, dict[str, str]] = {"": {}}
    for key, value in document.get("headers", {}).items():
        if isinstance(value, dict):
            headers[key] = _texts(path, f"headers.{key}", value, MEANINGS)
        else:
            headers[""] |= _texts(path, "headers", {key: value}, MEANINGS)
    scheme = document.get("scheme", {})
    for key in scheme:
        _one_of(path, "scheme", key, _HEADER_KEYS)
    return Mapping(
        _texts(path, "scheme", scheme),
        _options(path, document.get("options", {})),
        _texts(path, "sheets", document.get("sheets", {}), tuple(ROLES)),
        headers,
    )


def _one_of(path: Path, key: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise problem(say("没有这一项", "not known"), file=path, key=key, found=value,
                      expected=say("下列之一：", "one of ") + ", ".join(known))  # fmt: skip


def _texts(
    path: Path, section: str, table: dict[str, Any], known: tuple[str, ...] | None = None
) -> dict[str, str]:
    for key, value in table.items():
        if not isinstance(value, str):
            raise problem(say("须为文本", "must be a text"), file=path, key=f"{section}.{key}",
                          found=value)  # fmt: skip
        if known is not None:
            _one_of(path, f"{section}.{key}", value, known)
    return dict(table)


def _options(path: Path, table: dict[str, Any]) -> Options:
    known = {"hiv": HIV, "procedure_test": PROCEDURE_TEST, "unknown_codes": UNKNOWN_CODES}
    for key, value in table.items():
        _one_of(path, "options", key, (*known, "base", "fill_down"))
        if key in known:
            _one_of(path, f"options.{key}", value, known[key])
        elif key == "fill_down" and not isinstance(value, bool):
            raise problem(say("须为 true 或 false", "must be true or false"), file=path,
                          key="options.fill_down", found=value)  # fmt: skip
        elif key == "base" and not isinstance(value, str):
            raise problem(say("须为文本", "must be a text"), file=path, key="options.base",
                          found=value)  # fmt: skip
    return Options(**table)
