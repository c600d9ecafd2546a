"""``drg report``: what a settlement and a projection say, as a page or Word file for a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import Lang
from drg.cli.common.outputs import REPORTS, book_of, look_first
from drg.language import say


def report(
    folder: Annotated[
        Path,
        typer.Argument(help=say("drg settle 的结果文件夹，含 drg project 的结果（如有）。",
                                "Results of drg settle, and of drg project when it was run.")),
    ],
    out: Annotated[
        Path, typer.Option("--out", help=say("报告：网页（.html）或 Word 文件（.docx）。",
                                             "The report: a page (.html) or Word (.docx)."))
    ],
    lang: Lang = None,
    projection: Annotated[
        Path | None,
        typer.Option("--projection", help=say("drg project 的结果文件夹，不在同一文件夹时给出。",
                                              "Folder of drg project, when it is another one.")),
    ] = None,
    annex: Annotated[
        Path | None,
        typer.Option("--annex", help=say(
            "附件：医疗机构分表、敏感性明细、来源、版本（.html 或 .docx）。",
            "The annex: hospitals, sensitivity, sources, versions (.html or .docx).")),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help=say("存放各图（SVG）的文件夹。",
                                                         "Folder for the charts as SVG files."))
    ] = None,
    tell: Annotated[
        str, typer.Option("--tell", help=say("主讲的方案编号；默认为基线之外的第一个。",
                                             "Id of the scenario to tell; the first that is not "
                                             "the baseline by default."))
    ] = "",
) -> None:  # fmt: skip
    """Write the panel report (论证报告) with its workbook."""
    from drg.report.panel.write import write_report

    look_first((folder, projection), (out, REPORTS), (annex, REPORTS),
               beside=book_of(out), folder=pictures)  # fmt: skip
    written = write_report(folder, out, lang or "zh", projection, annex=annex, pictures=pictures,
                           tell=tell)  # fmt: skip
    for path in (written.page, written.annex, written.book, pictures):
        if path is not None:
            typer.echo(str(path))
    for line in written.told:
        typer.echo(line, err=True)
