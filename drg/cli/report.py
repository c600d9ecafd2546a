"""``drg report``: what a settlement and a projection say, as a page for a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[
        Path, typer.Argument(help="Results of drg settle, and of drg project when it was run.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The page, a name that ends in .html.")],
    lang: Annotated[str, typer.Option("--lang", help="Language: zh or en.")] = "zh",
    projection: Annotated[
        Path | None,
        typer.Option("--projection", help="Folder of drg project, when it is another one."),
    ] = None,
) -> None:
    """Write the panel report (论证报告): one page that prints on A4, a workbook and pictures.

    The page needs no network and no other file. Counts below 5 cases are not told.
    """
    from drg.report.panel.write import write_report

    if lang not in ("zh", "en"):
        raise typer.BadParameter("expected zh or en", param_hint="--lang")
    written = write_report(folder, out, lang, projection)
    for path in (written.page, written.book, written.page.with_name(f"{out.stem}-pictures")):
        typer.echo(str(path))
    if written.font is None and lang == "zh":
        typer.echo("note: no open font with Chinese is installed (fonts-noto-cjk); the page uses "
                   "its reader's fonts", err=True)  # fmt: skip
