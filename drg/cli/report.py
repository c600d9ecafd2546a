"""``drg report``: what a settlement and a projection say, as a page for a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import Lang
from drg.language import say


def report(
    folder: Annotated[
        Path,
        typer.Argument(help=say("drg settle 的结果文件夹，含 drg project 的结果（如有）。",
                                "Results of drg settle, and of drg project when it was run.")),
    ],
    out: Annotated[
        Path, typer.Option("--out", help=say("报告网页，文件名以 .html 结尾。",
                                             "The page, a name that ends in .html."))
    ],
    lang: Lang = None,
    projection: Annotated[
        Path | None,
        typer.Option("--projection", help=say("drg project 的结果文件夹，不在同一文件夹时给出。",
                                              "Folder of drg project, when it is another one.")),
    ] = None,
) -> None:  # fmt: skip
    """Write the panel report (论证报告): one page that prints on A4, a workbook and pictures."""
    from drg.report.panel.write import write_report

    lang = lang or "zh"
    written = write_report(folder, out, lang, projection)
    for path in (written.page, written.book, written.page.with_name(f"{out.stem}-pictures")):
        typer.echo(str(path))
    if written.font is None and lang == "zh":
        typer.echo(say("提示：未安装含中文的开源字体（fonts-noto-cjk），网页使用阅读者本机的字体",
                       "note: no open font with Chinese is installed (fonts-noto-cjk); the page "
                       "uses its reader's fonts"), err=True)  # fmt: skip
