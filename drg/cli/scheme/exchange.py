"""``drg scheme import`` and ``drg scheme export``: schemes from official tables and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import SchemeArgument
from drg.cli.common.outputs import BOOK, look_first
from drg.language import say


def import_scheme(
    source: Annotated[
        Path,
        typer.Argument(help=say("Excel 工作簿，或存放 CSV、TSV、Excel 表的文件夹。",
                                "Excel workbook, or folder of CSV, TSV or Excel tables.")),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help=say("存放方案包和导入报告的文件夹。",
                                       "Folder for the pack and the report.")),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", help=say("对照文件（TOML）：工作表、表头和选项。",
                                           "Mapping file (TOML): sheets, headers and options.")),
    ] = None,
) -> None:  # fmt: skip
    """Turn an official workbook or a folder of tables into a scheme pack."""
    from grouper.importer import import_tables
    from grouper.importer.build import PACK
    from grouper.importer.report import REPORTS

    look_first((source, mapping), folder=out, results=(*PACK, *REPORTS))
    done = import_tables(source, out, mapping)
    names = {"exclusion tables": say("排除表", "exclusion tables")}
    counts = ", ".join(f"{count:,} {names.get(name, name)}" for name, count in done.counts.items())
    typer.echo(f"{source.name}: {counts}")
    for line in done.lines:
        typer.echo(f"  {line}")
    if done.text:
        typer.echo(done.text)
    typer.echo(f"{say('导入报告', 'report')}: {done.report}")
    error, warning, note = (len(done.of(level)) for level in ("error", "warning", "note"))
    typer.echo(say(f"错误 {error:,}，警告 {warning:,}，提示 {note:,}",
                   f"{error:,} errors, {warning:,} warnings, {note:,} notes"))  # fmt: skip
    if not done.written:
        typer.echo(say("未写出方案包", "no pack was written"), err=True)
        raise typer.Exit(1)
    typer.echo(f"{say('已写出方案包', 'pack written')}: {out}")


def export_scheme(
    scheme: SchemeArgument,
    out: Annotated[
        Path,
        typer.Option("--out", help=say("要写出的工作簿（.xlsx）。", "Workbook (.xlsx) to write.")),
    ],
) -> None:
    """Write a scheme as a workbook that can be read, changed and imported again."""
    from grouper.importer.export import export_workbook, read_marks
    from grouper.scheme.pack import find_scheme, load_scheme

    look_first((scheme,), (out, BOOK))
    written = export_workbook(load_scheme(scheme), out, read_marks(find_scheme(scheme)))
    for sheet, rows in written.items():
        typer.echo(f"  {sheet}  {rows:,}")
    typer.echo(f"{say('已写出工作簿', 'workbook written')}: {out}")
