"""``drg scheme switch``: what a change of scheme does to weights and to every hospital."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import (
    AcceptUnreadable,
    Edition,
    HospitalTable,
    Lang,
    LastYear,
    MappingFile,
    SettlementYear,
    Sheet,
    Strict,
    TablesFolder,
    WeightsName,
)
from drg.cli.common.outputs import look_first
from drg.cli.common.schemes import AcrossSchemes, joined
from drg.cli.common.year import last_year_of, table_of_hospitals, year_of
from drg.language import say


def switch(
    old: Annotated[str, typer.Argument(help=say("原方案：编号或文件夹。",
                                                "Scheme before: an id or a folder."))],
    new: Annotated[str, typer.Argument(help=say("新方案：编号或文件夹。",
                                                "Scheme after: an id or a folder."))],
    cases: Annotated[
        Path,
        typer.Option("--cases", help=say("上一年度的出院病例，含费用。",
                                         "Discharges of the last year, with cost.")),
    ],
    weights: WeightsName,
    out: TablesFolder,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help=say(
            "支付政策的编号或文件：测算每家医疗机构的支付变动；不给则只看病组和权重。",
            "Policy, id or file: what each hospital is paid; without it groups and weights only.")),
    ] = None,
    hospitals: HospitalTable = None,
    year: SettlementYear = None,
    last_year: LastYear = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    codes: Edition = "insurance",
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    strict: Strict = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Group last year's cases by both schemes, carry weights over, and settle before and after."""
    from budget.policy import load_policy
    from drg.page.words import Words
    from drg.page.write import write_all
    from drg.report.switch.sections import Told, lines, switch_report
    from drg.switch.origin import Origin
    from drg.switch.run import PAGES, RESULTS, WEIGHTS, switch_file
    from drg.tables import whole_folder
    from weights.table import open_weights

    words = Words(lang or "zh")
    table = None if policy is None else table_of_hospitals(cases, hospitals)
    read = (old, new, cases, weights, policy, table, last_year, mapping)
    look_first(read, folder=out, results=RESULTS)
    rules = None if policy is None else load_policy(policy)
    when = None
    if rules is not None:
        when = year if year is not None else year_of(cases, mapping, sheet)
    spent = None
    if rules is not None and last_year is not None:
        spent = last_year_of(last_year, [pool.name for pool in rules.pools])
    held = open_weights(weights)
    joined(Origin(old), say("所给的原方案", "the old scheme given"), held, across_schemes)
    with whole_folder(out, RESULTS) as folder:
        found = switch_file(
            cases, old, new, held, folder, policy=rules, hospitals=table, year=when,
            last_year=spent, mapping=mapping, sheet=sheet, codes=codes,
            accept_unreadable=accept_unreadable, tell=lambda text: typer.echo(text, err=True),
        )  # fmt: skip
        told = Told(found)
        pages = [(folder / PAGES[0], switch_report(told, words))]
        _, notes = write_all(pages, folder / PAGES[1], words)
    typer.echo("\n".join(lines(told, words)))
    for text in notes:
        typer.echo(text, err=True)
    typer.echo("\n".join(str(out / name) for name in (WEIGHTS, *PAGES)))
    if strict and any(out.glob("**/*rejects.csv")):
        raise typer.Exit(1)
