"""From sheets to the tables of a scheme, and from these to a pack and a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drg.tables.atomic import writing
from drg.tables.together import whole_folder
from grouper.importer.build import PACK, can_be_read, write_pack
from grouper.importer.checks import check
from grouper.importer.complete import complete
from grouper.importer.findings import Finding, Findings
from grouper.importer.gather import gather
from grouper.importer.mapping import Mapping
from grouper.importer.recognise import recognise
from grouper.importer.report import REPORTS, summary, write_report
from grouper.importer.rules import derive
from grouper.importer.sheets import RawSheet
from grouper.importer.tables import Tables
from grouper.scheme.pack import load_scheme


@dataclass(frozen=True)
class Imported:
    """What an import came to.

    Attributes:
        folder: where the pack and the report are.
        written: whether the pack was written; it is not when there are errors.
        findings: errors first, each with sheet and row.
        counts: MDCs, ADRGs, DRGs (rows for what fits none apart), diagnoses in MCC and CC,
            exclusion tables.
        text: the findings in a few lines.
        report: the workbook of findings.
        lines: how complete it is, where that is known.
    """

    folder: Path
    written: bool
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    text: str
    report: Path
    lines: tuple[str, ...] = ()

    def of(self, level: str) -> list[Finding]:
        """The findings of a level."""
        return [finding for finding in self.findings if finding.level == level]


def generally(sheets: list[RawSheet], mapping: Mapping, findings: Findings) -> Tables:
    """The scheme of sheets whose roles are read off their names and headers."""
    base = load_scheme(mapping.options.base)
    recognised = recognise(sheets, mapping, findings)
    tables = gather(recognised, base, mapping, findings)
    complete(tables, base, findings)
    derive(tables, findings)
    check(tables, findings)
    return tables


def finish(
    tables: Tables, source: Path, out: Path, findings: Findings,
    counts: dict[str, int] | None = None, lines: tuple[str, ...] = (),
) -> Imported:  # fmt: skip
    """Write the pack, if there is no error, and the report.

    Args:
        tables: the scheme.
        source: where it comes from.
        out: folder for the pack and its report; made when it is not there.
        findings: what was found so far.
        counts: what the scheme holds, where the tables alone do not tell.
        lines: what else there is to say.

    Raises:
        DrgError: nothing can be written.
    """
    _header(tables, source, out)
    written = not findings.count("error") and can_be_read(tables, findings)
    with whole_folder(out, (*PACK, *REPORTS) if written else REPORTS) as folder:
        if written:
            with writing(folder):
                write_pack(tables, folder)
        book, _ = write_report(findings, folder, lines)
    return Imported(out, written, tuple(findings), counts or _counts(tables), summary(findings),
                    out / book.name, lines)  # fmt: skip


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
