"""``drg weights compare``: two weight tables side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Weight table, or a published id.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The reference, such as last year's.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="One row a group, as .csv, .csv.gz or .xlsx.")
    ] = None,
    families: Annotated[
        Path | None, typer.Option("--families", help="Table drg, adrg, severity.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Picture of A against B: .svg, .png or .pdf.")
    ] = None,
    corridor: Annotated[
        float, typer.Option("--corridor", help="Share of floor and ceiling, 0.1 for 10%.")
    ] = 0.1,
    lang: Annotated[str, typer.Option("--lang", help="Language: zh or en.")] = "zh",
) -> None:
    """Compare weight table A with the reference B: likeness, stability, severity order, moves."""
    from drg.errors import problem
    from drg.page.text import report_text
    from drg.page.words import Words
    from drg.page.write import write_report
    from drg.report.weights.compared import comparison_report
    from drg.tables import check_outputs
    from weights.quality.compare import compare as compared
    from weights.quality.groups import check_ending, comparison_rows, write
    from weights.table import open_weights
    from weights.table.families import read_families

    if lang not in ("zh", "en"):
        raise typer.BadParameter("expected zh or en", param_hint="--lang")
    check_ending(out)
    if picture is not None and picture.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise problem("unknown kind of picture", file=picture, expected=".svg, .png or .pdf")
    check_outputs((out, picture), (a, b, families))
    first, second = open_weights(a), open_weights(b)
    known = None if families is None else read_families(families)
    found = compared(first, second, families=known, corridor=corridor)
    words = Words(lang)
    report = comparison_report(first, second, found, words)
    typer.echo(report_text(report, words))
    if out is not None:
        if out.suffix.lower() == ".xlsx":
            write_report(out, report, words)
        else:
            write(out, comparison_rows(found))
        typer.echo(str(out), err=True)
    if picture is not None:
        from drg.plots import save
        from drg.report.weights.previous import against_previous

        bounds = (1 - corridor, 1 + corridor)
        save(against_previous(first, second, bounds, lang=lang), picture)
        typer.echo(str(picture), err=True)
