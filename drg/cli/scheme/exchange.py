"""``drg scheme import`` and ``drg scheme export``: schemes from official tables and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_scheme(
    source: Annotated[
        Path, typer.Argument(help="Excel workbook, or folder of CSV, TSV or Excel tables.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the pack and the report.")],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", help="Mapping file (TOML): sheets, headers and options."),
    ] = None,
) -> None:
    """Turn an official workbook or a folder of tables into a scheme pack.

    All faults are listed in OUT/import-report.xlsx and .csv with sheet and row; with errors no
    pack is written and the exit status is 1.
    """
    from grouper.importer import import_tables

    done = import_tables(source, out, mapping)
    counts = ", ".join(f"{count:,} {name}" for name, count in done.counts.items())
    typer.echo(f"{source.name}: {counts}")
    if done.text:
        typer.echo(done.text)
    typer.echo(f"report 报告: {done.report}")
    totals = [f"{len(done.of(level)):,} {level}s" for level in ("error", "warning", "note")]
    typer.echo(", ".join(totals))
    if not done.written:
        typer.echo("no pack was written 未写出方案包", err=True)
        raise typer.Exit(1)
    typer.echo(f"pack written 已写出方案包: {out}")


def export_scheme(
    scheme: Annotated[str, typer.Argument(help="Id of a shipped scheme or folder of a pack.")],
    out: Annotated[Path, typer.Option("--out", help="Workbook (.xlsx) to write.")],
) -> None:
    """Write a scheme as a workbook that can be read, changed and imported again."""
    from grouper.importer.export import export_workbook, read_marks
    from grouper.scheme.pack import find_scheme, load_scheme

    written = export_workbook(load_scheme(scheme), out, read_marks(find_scheme(scheme)))
    for sheet, rows in written.items():
        typer.echo(f"  {sheet}  {rows:,}")
    typer.echo(f"workbook written 已写出: {out}")
