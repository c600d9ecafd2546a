"""``drg project``: the years ahead of a settled one, under one or more scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.fits import policy_fits
from drg.cli.common.options import (
    AcceptUnreadable,
    GroupedFile,
    HospitalTable,
    LastYear,
    MappingFile,
    PolicyName,
    SettlementYear,
    Sheet,
    Strict,
    TablesFolder,
    WeightsName,
)
from drg.cli.common.outputs import look_first
from drg.cli.common.schemes import AcrossSchemes, same_scheme
from drg.cli.common.settled import unsettled
from drg.cli.common.year import last_year_of, table_of_hospitals, year_of
from drg.language import say
from drg.terminal import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budget.projection.years import Projection


def project(
    file: GroupedFile,
    weights: WeightsName,
    out: TablesFolder,
    policy: PolicyName = "national-default",
    scenario: Annotated[
        list[Path] | None,
        typer.Option("--scenario", help=say("情景文件（TOML），可给出多个。",
                                            "Scenario (TOML); may be given several times.")),
    ] = None,
    years: Annotated[
        int,
        typer.Option("--years", min=1, max=20, help=say("基线预测的年数。",
                                                        "Years of the baseline.")),
    ] = 3,
    hospitals: HospitalTable = None,
    year: SettlementYear = None,
    last_year: LastYear = None,
    draws: Annotated[
        int,
        typer.Option("--draws", min=0, max=100_000, help=say("计算区间的抽样次数，0 为不抽样。",
                                                             "Draws for intervals; 0 for none.")),
    ] = 0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help=say("抽样的随机种子。", "Seed of the draws."))
    ] = 0,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    stack: Annotated[
        bool,
        typer.Option("--stack", help=say("情景为逐项叠加的措施，按给出的顺序，各项效果单列。",
                                         "Scenarios are measures laid on one another in the order "
                                         "given; each one's effect apart.")),
    ] = False,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    strict: Strict = False,
) -> None:  # fmt: skip
    """Look ahead (支付预测): settle the year, then project the next ones under scenarios."""
    from budget.forecast.files import RESULTS, project_file
    from budget.policy import load_policy
    from budget.projection.scenario import BASELINE, load_scenario
    from drg.switch.origin import Origin, names_of
    from grouper.scheme.name import DEFAULT
    from weights.table import open_weights

    table = table_of_hospitals(file, hospitals)
    read = (file, weights, policy, table, last_year, mapping, *(scenario or []))
    look_first(read, folder=out, results=RESULTS)
    rules = load_policy(policy)
    held = open_weights(weights)
    scheme = same_scheme(file, held, across_schemes, mapping, sheet)
    policy_fits(rules, scheme, file, held, across_schemes)
    wanted = [load_scenario(path) for path in scenario or []]
    longest = max([years, *(one.years for one in wanted)])
    base = BASELINE.model_copy(update={"years": longest})
    spent = None if last_year is None else last_year_of(last_year, [p.name for p in rules.pools])
    settled_year = year if year is not None else year_of(file, mapping, sheet)
    found = project_file(
        file, out, held, rules, table, settled_year, [base, *wanted], mapping=mapping,
        sheet=sheet, last_year=spent, names=names_of(scheme or Origin(DEFAULT)),
        draws=draws, seed=seed, stack=stack, accept_unreadable=accept_unreadable,
        say=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    for one in found:
        typer.echo(summary(one))
    for text in (*unsettled(found[0].years[0].cells.settlement), *warnings(found)):
        typer.echo(text, err=True)
    typer.echo(str(out))
    if strict and (out / "rejects.csv").is_file():
        raise typer.Exit(1)


def warnings(found: Sequence[Projection]) -> list[str]:
    """What is assumed and does nothing, one line a key."""
    from budget.projection.warnings import chinese

    return [f"{say('警告', 'warning')} {one.scenario.place}: {key}: {say(chinese(text), text)}"
            for one in found for key, text in one.warnings.items()]  # fmt: skip


def summary(held: Projection) -> str:
    """A scenario by year: cases, average cost, payable, what is paid, what the cap takes off."""
    rows = []
    first = held.years[0].cells
    was = float(first.cost.sum() / first.cases.sum())
    for year in held.years:
        cells = year.cells
        cases = float(cells.cases.sum())
        mean = float(cells.cost.sum()) / cases
        change = round(mean / was - 1, 3) + 0.0  # never -0.0%
        rows.append([
            str(year.year), f"{cases:,.0f}", f"{mean:,.2f}", f"{change:+.1%}",
            f"{year.fund.sum() / 100:,.2f}", f"{year.final.sum() / 100:,.2f}",
            f"{year.cut.sum() / 100:,.2f}",
        ])  # fmt: skip
    head = (say("年度", "year"), say("病例", "cases"), say("次均费用", "average cost"),
            say("变动", "change"), say("DRG应付", "payable"), say("清算", "final"),
            say("总额控制扣减", "cut"))  # fmt: skip
    scenario = held.scenario
    title = f"{scenario.id} {say(scenario.title, scenario.title_en or scenario.title)}"
    return f"{title}\n{table(head, rows, range(1, 7))}\n"
