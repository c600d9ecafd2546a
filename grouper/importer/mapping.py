"""The mapping file of an import: sheets and headers that are not recognised, and the options."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from drg.documents import Model, fit, named_file, read_document
from drg.errors import one_of, problem
from drg.language import say
from grouper.importer.roles import MEANINGS, ROLES

HIV = ("principal", "any")
PROCEDURE_TEST = ("principal", "any", "principal-then-any")
UNKNOWN_CODES = ("error", "accept")
_WORDS = {"hiv": HIV, "procedure_test": PROCEDURE_TEST, "unknown_codes": UNKNOWN_CODES}
_HEADER_KEYS = ("id", "title", "version", "source", "title_en", "issuer", "codes")
_MODEL: dict[str, Model] = {
    "scheme": dict.fromkeys(_HEADER_KEYS, str),
    "options": {**dict.fromkeys(_WORDS, str), "base": str, "fill_down": bool},
    "sheets": {"*": str},
    "headers": {"*": (str, {"*": str})},
}


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
    document = read_document(path)
    fit(document, _MODEL, path)
    headers: dict[str, dict[str, str]] = {"": {}}
    for key, value in document.get("headers", {}).items():
        headers |= {key: value} if isinstance(value, dict) else {"": headers[""] | {key: value}}
    sheets, options = document.get("sheets", {}), document.get("options", {})
    for section, held, known in (
        *((f"headers.{sheet}" if sheet else "headers", held, MEANINGS)
          for sheet, held in headers.items()),
        ("sheets", sheets, tuple(ROLES)),
        *(("options", {key: options[key]}, _WORDS[key]) for key in _WORDS if key in options),
    ):  # fmt: skip
        for key, value in held.items():
            if value not in known:
                raise problem(say("没有这一项", "not known"), file=path, key=f"{section}.{key}",
                              found=value, expected=one_of(known))  # fmt: skip
    if "base" in options:
        named_file(options["base"], path, "options.base")
    return Mapping(document.get("scheme", {}), Options(**options), sheets, headers)
