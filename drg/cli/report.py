"""``drg report``: what a settlement and a projection say, as a page for a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import Lang


def report(
    folder: Annotated[
        Path, typer.Argument(help="Results of drg settle, and of drg project when it was run.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The report: a page (.html) or a Word file (.docx).")
    ],
    lang: Lang = None,
    projection: Annotated[
        Path | None,
        typer.Option("--projection", help="Folder of drg project, when it is another one."),
    ] = None,
    annex: Annotated[
        Path | None,
        typer.Option(
            "--annex",
            help="Sheets of hospitals, sensitivity, sources, versions: .html or .docx.",
        ),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Folder for the charts as SVG files.")
    ] = None,
) -> None:
    """Write the panel report (论证报告): at most eight A4 pages, with a workbook beside it.

    It needs no network and no other file. Counts below 5 cases are not told.
    """
    from drg.report.panel.write import write_report

    written = write_report(folder, out, lang or "zh", projection, annex=annex, pictures=pictures)
    for path in (written.page, written.annex, written.book, pictures):
        if path is not None:
            typer.echo(str(path))
    for line in written.told:
        typer.echo(line, err=True)
