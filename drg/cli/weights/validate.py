"""``drg weights validate``: which recipe serves a region, on cases that it has not seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import AcceptUnreadable, Lang, MappingFile, Sheet, Totals
from drg.cli.common.outputs import BOOK, CSV, PICTURES, look_first
from drg.cli.weights.quality import tell_left_out
from drg.language import say


def validate(
    file: Annotated[
        Path,
        typer.Argument(help=say("已分组病例（drg、hospital_id、total_cost）。",
                                "Grouped cases (drg, hospital_id, total_cost).")),
    ],
    recipe: Annotated[
        list[Path] | None,
        typer.Option("--recipe", help=say(
            "要比较的测算方案文件（可多次给出）；默认比较内置的几种。",
            "A recipe to judge (may be given more than once); by default some that are built in.")),
    ] = None,
    ways: Annotated[
        str,
        typer.Option("--by", help=say(
            "检验方式，逗号分隔：halves（医院对半）、hospitals（逐批留出医院）、years（下一年度）。",
            "Ways to judge, with commas: halves of the hospitals, hospitals left out, years.")),
    ] = "halves",
    splits: Annotated[
        int,
        typer.Option("--splits", help=say("随机对半的次数。", "Number of random halves.")),
    ] = 20,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help=say("随机种子，默认 0。", "Seed; 0 by default.")),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say("结果表：.csv、.csv.gz 或 .xlsx。",
                                       "Table of the result: .csv, .csv.gz or .xlsx.")),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help=say("各方案误差图：.svg、.png 或 .pdf。",
                                           "Picture of the errors: .svg, .png or .pdf.")),
    ] = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    totals: Totals = None,
    accept_unreadable: AcceptUnreadable = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Compare recipes on hospitals, or years, that they have not seen."""
    from drg.page.text import report_text
    from drg.page.words import Words
    from drg.page.write import write_report
    from drg.progress import Progress
    from drg.report.weights.validated import validation_picture, validation_report
    from drg.tables.together import at_once
    from weights.cases.intake import observe_file
    from weights.fit.calibrator import calibrator
    from weights.fit.recipe import RECOMMENDED, read_recipe
    from weights.quality.validate import CHOSEN, RAW, RECIPES
    from weights.quality.validate import validate as validated
    from weights.table.write import write_columns

    words = Words(lang or "zh")
    given = recipe or []
    look_first((file, mapping, *given), (out, (*CSV, *BOOK)), (picture, PICTURES))
    by = tuple(way.strip() for way in ways.split(","))
    stems = [RAW, CHOSEN, *(one.stem for one in given)]
    recipes = {str(one) if stems.count(one.stem) > 1 else one.stem: calibrator(
        read_recipe(one), one) for one in given}  # fmt: skip
    recipes = {CHOSEN: calibrator(RECOMMENDED), **recipes} if recipes else {
        name: calibrator(one) for name, one in RECIPES.items()
    }  # fmt: skip
    costs = [one.costs for one in recipes.values() if one.costs is not None]
    with Progress(say(f"读取 {file.name}", f"reading {file.name}")) as shown:
        observed = observe_file(
            file, mapping=mapping, sheet=sheet, progress=shown.advance,
            components=any(one.components for one in costs),
            years="years" in by or any(one.years for one in costs),
            rows=True, totals=totals, accept_unreadable=accept_unreadable,
        )  # fmt: skip
    with Progress(say("检验各方案", "judging recipes")) as shown:
        found = validated(observed, recipes, ways=by, splits=splits, seed=seed,
                          progress=shown.advance)  # fmt: skip
    first = observed.intake.first
    found = replace(found, cases=found.cases.assign(row=found.cases["row"] + first))
    report = validation_report(found, file.name, words)
    typer.echo(report_text(report, words))
    tell_left_out(observed, words)
    with at_once(out, picture) as (table, drawn):
        if table is not None and table.suffix.lower() == ".xlsx":
            write_report(table, report, words)
        elif table is not None:
            write_columns(table, found.table())
        if drawn is not None:
            from drg.plots import save
            from drg.plots.fonts import chinese_font

            shows = drawn.suffix.lower() == ".svg" or chinese_font() is not None
            save(validation_picture(found, (lang or "zh") if shows else "en"), drawn)
    for path in filter(None, (out, picture)):
        typer.echo(str(path), err=True)
