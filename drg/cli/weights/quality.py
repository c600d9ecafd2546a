"""``drg weights quality``: how good groups and weights are, on the cases they are to pay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import AcceptUnreadable, Lang, MappingFile, Sheet, Strict, Totals
from drg.cli.common.outputs import BOOK, CSV, look_first
from drg.cli.common.schemes import AcrossSchemes, same_scheme
from drg.cli.weights.compare import FamiliesFile, GroupsOut
from drg.language import say

if TYPE_CHECKING:
    from drg.page.words import Words
    from weights.cases.observations import Observations


def tell_left_out(observed: Observations, words: Words) -> None:
    """Say how many rows of a file are not used, and why."""
    if left := observed.intake.rows - len(observed):
        from weights.cases.observations import REASONS

        reasons = ", ".join(f"{words(REASONS.get(name, name), name)} {n:,}"
                            for name, n in observed.intake.excluded_rows.items())  # fmt: skip
        typer.echo(f"{words('未使用的行', 'rows not used')}: {left:,} ({reasons})", err=True)


def quality(
    file: Annotated[
        Path,
        typer.Argument(help=say(
            "已分组病例（drg、total_cost、hospital_id），或含例数的汇总表。",
            "Grouped cases (drg, total_cost, hospital_id), or totals with cases.")),
    ],
    weights: Annotated[
        str | None,
        typer.Option("--weights", help=say("权重表，或已公布权重表的编号。",
                                           "Weight table, or the id of a published one.")),
    ] = None,
    trim: Annotated[
        str,
        typer.Option("--trim", help=say("修剪方法：ratio、log3sd、iqr、none 等。",
                                        "Method of trimming: ratio, log3sd, iqr, none, ...")),
    ] = "ratio",
    previous: Annotated[
        str | None,
        typer.Option("--previous", help=say("上年权重：文件或编号。",
                                            "Last year's weights: a file or an id.")),
    ] = None,
    families: FamiliesFile = None,
    out: GroupsOut = None,
    totals: Totals = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    strict: Strict = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Judge weights by cases: explained variance, CV, stability, severity order, compression."""
    from drg.page.text import report_text
    from drg.page.words import Words
    from drg.page.write import write_report
    from drg.progress import Progress
    from drg.report.weights.judged import weight_report
    from weights.cases.intake import observe_file
    from weights.quality.groups import rows
    from weights.quality.report import assess
    from weights.table import open_weights
    from weights.table.families import read_families
    from weights.table.write import write_columns
    from weights.trim import method

    look_first((file, weights, previous, families, mapping), (out, (*CSV, *BOOK)))
    how = method(trim)
    table = None if weights is None else open_weights(weights)
    before = None if previous is None else open_weights(previous)
    for one in filter(None, (table, before)):
        same_scheme(file, one, across_schemes, mapping, sheet)
    known = None if families is None else read_families(families)
    with Progress(say(f"读取 {file.name}", f"reading {file.name}")) as shown:
        observed = observe_file(file, mapping=mapping, sheet=sheet, progress=shown.advance,
                                totals=totals, accept_unreadable=accept_unreadable)  # fmt: skip
    found = assess(observed, table, trim=how, families=known, previous=before)
    words = Words(lang or "zh")
    report = weight_report(found, file.name, words)
    typer.echo(report_text(report, words))
    tell_left_out(observed, words)
    for name, said in found.warnings.items():
        typer.echo(f"{words('警告', 'warning')} {name}: {words.of(said)}", err=True)
    if out is not None:
        if out.suffix.lower() == ".xlsx":
            write_report(out, report, words)
        else:
            write_columns(out, rows(found.by_group))
        typer.echo(str(out), err=True)
    if strict and observed.intake.faulty:
        raise typer.Exit(1)
