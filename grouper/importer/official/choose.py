"""An import from beginning to end: the official workbook in its own way, all else by roles."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict
from os import PathLike
from pathlib import Path

from grouper.importer.findings import Findings
from grouper.importer.mapping import Mapping, read_mapping
from grouper.importer.official import complete
from grouper.importer.official.book import MDC, Sheet, is_official, read_book
from grouper.importer.official.doubts import doubts
from grouper.importer.official.scheme import Official, read_scheme
from grouper.importer.run import Imported, finish, generally
from grouper.importer.sheets import RawSheet, read_sheets
from grouper.scheme.model import Scheme
from grouper.scheme.pack import load_scheme

EDITION = "chs-drg-2.0"  # names of codes that the workbook does not mention
_VERSION = re.compile(r"([0-9]+\.[0-9]+) ?版")


def import_tables(
    source: str | PathLike[str],
    out: str | PathLike[str],
    mapping: str | PathLike[str] | None = None,
) -> Imported:
    """Turn a workbook or a folder of tables into a scheme pack.

    Args:
        source: a workbook, or a folder of CSV, TSV or Excel tables. The official configuration
            workbook of CHS-DRG 3.0 is recognised by its sheets and headers.
        out: folder for the pack and its report; made when it is not there.
        mapping: mapping file for what is not recognised, and the options.

    Returns:
        What it came to. With errors only the report is written, and a pack that was in the
        folder before stays as it was.

    Raises:
        DrgError: there is no such source, the mapping file is wrong, or nothing can be written.
    """
    source, out = Path(source), Path(out)
    said = read_mapping(Path(mapping) if mapping is not None else None)
    findings = Findings()
    sheets = read_sheets(source, findings)
    if said.sheets or said.headers or not is_official(sheets):
        return finish(generally(sheets, said, findings), source, out, findings)
    return _official(sheets, source, out, said, findings)


def _official(
    sheets: list[RawSheet], source: Path, out: Path, said: Mapping, findings: Findings
) -> Imported:
    book = read_book(sheets, findings)
    found = read_scheme(book, load_scheme(EDITION), findings)
    doubts(found, findings)
    known = complete.shipped_list()
    lines = complete.compare(found, known, findings) if _same(found, known) else []
    found.tables.header = _header(book, source, known) | said.scheme
    counts = complete.counts(found)
    return finish(found.tables, source, out, findings, counts, tuple(lines))


def _same(found: Official, known: Scheme) -> bool:
    """Whether most of the workbook's groups are groups of the shipped list."""
    codes = {drg.code for drg in known.drgs}
    return 2 * sum(code in codes for code in found.tables.drgs) > len(found.tables.drgs)


def _header(book: dict[str, Sheet], source: Path, known: Scheme) -> dict[str, str]:
    """What the title row or the file's name say, in the words of the shipped list."""
    title = book[MDC].title if MDC in book else ""
    version = _VERSION.search(title) or _VERSION.search(source.name)
    held = {"title": title or source.stem, "source": source.name}
    if source.is_file():
        held["source"] += f" (SHA-256 {hashlib.sha256(source.read_bytes()).hexdigest()})"
    if version is not None:
        held["version"] = version[1]
        if version[1] == known.header.version:
            shared = {key: value for key, value in asdict(known.header).items()
                      if key in ("title", "title_en", "issuer") and value}  # fmt: skip
            held |= shared | {"source": f"{known.header.source}；{held['source']}"}
    return held
