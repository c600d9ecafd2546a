"""``drg weights compare``: two weight tables side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drg.cli.common.options import Lang
from drg.cli.common.outputs import BOOK, CSV, PICTURES, look_first
from drg.cli.common.schemes import AcrossSchemes, joined
from drg.language import say

GroupsOut: TypeAlias = Annotated[
    Path | None,
    typer.Option("--out", help=say("每个病组一行的表：.csv、.csv.gz 或 .xlsx。",
                                   "One row a group, as .csv, .csv.gz or .xlsx.")),
]  # fmt: skip
FamiliesFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--families", help=say("列为 drg、adrg、severity 的表。",
                                        "Table drg, adrg, severity.")),
]  # fmt: skip


def compare(
    a: Annotated[
        str,
        typer.Argument(metavar="A", help=say("权重表文件，或已公布权重表的编号。",
                                             "Weight table, or a published id.")),
    ],
    b: Annotated[
        str,
        typer.Argument(metavar="B", help=say("对照的权重表，如上年权重。",
                                             "The reference, such as last year's.")),
    ],
    out: GroupsOut = None,
    families: FamiliesFile = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help=say("A 与 B 的对比图：.svg、.png 或 .pdf。",
                                           "Picture of A against B: .svg, .png or .pdf.")),
    ] = None,
    corridor: Annotated[
        float,
        typer.Option("--corridor", help=say("浮动区间上下限的幅度，0.1 即 10%。",
                                            "Share of floor and ceiling, 0.1 for 10%.")),
    ] = 0.1,
    across_schemes: AcrossSchemes = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Compare weight table A with the reference B: likeness, stability, severity order, moves."""
    from drg.page.text import report_text
    from drg.page.words import Words
    from drg.page.write import write_report
    from drg.report.weights.compared import comparison_report
    from drg.switch.origin import scheme_of_weights
    from drg.tables.together import at_once
    from weights.quality.compare import compare as compared
    from weights.quality.groups import comparison_rows
    from weights.table import open_weights
    from weights.table.families import read_families
    from weights.table.write import write_columns

    lang = lang or "zh"
    look_first((a, b, families), (out, (*CSV, *BOOK)), (picture, PICTURES))
    first, second = open_weights(a), open_weights(b)
    joined(scheme_of_weights(first), first.id, second, across_schemes)
    known = None if families is None else read_families(families)
    found = compared(first, second, families=known, corridor=corridor)
    words = Words(lang)
    report = comparison_report(first, second, found, words)
    typer.echo(report_text(report, words))
    with at_once(out, picture) as (table, drawn):
        if table is not None and table.suffix.lower() == ".xlsx":
            write_report(table, report, words)
        elif table is not None:
            write_columns(table, comparison_rows(found))
        if drawn is not None:
            from drg.plots import save
            from drg.plots.weights.previous import against_previous

            bounds = (1 - corridor, 1 + corridor)
            save(against_previous(first, second, bounds, lang=lang), drawn)
    for path in filter(None, (out, picture)):
        typer.echo(str(path), err=True)
