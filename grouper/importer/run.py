"""An import from beginning to end: tables in, pack and report out."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from drg.tables.atomic import writing
from grouper.importer.build import write_pack
from grouper.importer.checks import check
from grouper.importer.complete import complete
from grouper.importer.findings import Finding, Findings
from grouper.importer.gather import gather
from grouper.importer.mapping import read_mapping
from grouper.importer.recognise import recognise
from grouper.importer.report import summary, write_report
from grouper.importer.rules import derive
from grouper.importer.sheets import read_sheets
from grouper.importer.tables import Tables
from grouper.scheme.pack import load_scheme


@dataclass(frozen=True)
class Imported:
    """What an import came to.

    Attributes:
        folder: where the pack and the report are.
        written: whether the pack was written; it is not when there are errors.
        findings: errors first, each with sheet and row.
        counts: MDCs, ADRGs, DRGs, diagnoses in MCC and CC, exclusion tables.
        text: the findings in a few lines.
        report: the workbook of findings.
    """

    folder: Path
    written: bool
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    text: str
    report: Path

    def of(self, level: str) -> list[Finding]:
        """The findings of a level."""
        return [finding for finding in self.findings if finding.level == level]


def import_tables(
    source: str | PathLike[str],
    out: str | PathLike[str],
    mapping: str | PathLike[str] | None = None,
) -> Imported:
    """Turn a workbook or a folder of tables into a scheme pack.

    Args:
        source: a workbook, or a folder of CSV, TSV or Excel tables.
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
    base = load_scheme(said.options.base)
    findings = Findings()
    sheets = recognise(read_sheets(source, findings), said, findings)
    tables = gather(sheets, base, said, findings)
    complete(tables, base, findings)
    derive(tables, findings)
    check(tables, findings)
    _header(tables, source, out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    written = not findings.count("error") and write_pack(tables, out, findings)
    book, _ = write_report(findings, out)
    return Imported(out, written, tuple(findings), _counts(tables), summary(findings), book)


def _header(tables: Tables, source: Path, out: Path) -> None:
    held = tables.header
    held.setdefault("id", out.resolve().name)
    held.setdefault("title", source.stem)
    held.setdefault("version", "1")
    held.setdefault("source", source.name)
    held.setdefault("codes", "insurance")
    order = ("id", "title", "title_en", "version", "issuer", "source", "codes")
    tables.header = {key: held[key] for key in order if held.get(key)}


def _counts(tables: Tables) -> dict[str, int]:
    levels = [complication.level for complication in tables.complications.values()]
    return {
        "MDC": len(tables.mdcs),
        "ADRG": len(tables.adrgs),
        "DRG": len(tables.drgs),
        "MCC": levels.count("MCC"),
        "CC": levels.count("CC"),
        "exclusion tables": len({table for table, _ in tables.exclusions.values()}),
    }
