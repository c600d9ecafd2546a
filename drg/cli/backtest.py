"""``drg backtest``: a year projected from the one before it, against what came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import (
    GroupedFile,
    HospitalTable,
    Lang,
    LastYear,
    MappingFile,
    PolicyName,
    SettlementYear,
    Sheet,
    TablesFolder,
    WeightsName,
)
from drg.cli.common.outputs import look_first
from drg.cli.common.year import last_year_of, table_of_hospitals, year_of
from drg.errors import problem
from drg.language import say
from drg.terminal import table

if TYPE_CHECKING:
    from budget.forecast.backtest import Backtest


def backtest(
    file: GroupedFile,
    came: Annotated[
        Path,
        typer.Argument(help=say("次年（实际发生）的已分组病例。",
                                "Grouped cases of the year that came after it.")),
    ],
    weights: WeightsName,
    out: TablesFolder,
    policy: PolicyName = "national-default",
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", help=say("当时的假设（情景文件）；默认不作任何假设。",
                                            "What was assumed; nothing by default.")),
    ] = None,
    hospitals: HospitalTable = None,
    year: SettlementYear = None,
    last_year: LastYear = None,
    draws: Annotated[
        int,
        typer.Option("--draws", min=100, max=100_000, help=say("计算区间的抽样次数。",
                                                               "Draws for the intervals.")),
    ] = 1000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help=say("抽样的随机种子。", "Seed of the draws."))
    ] = 0,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Hold a projection against the year that came (回溯检验)."""
    from budget.forecast.backtest import PAGE, RESULTS, backtest_file
    from budget.policy import load_policy
    from budget.projection.scenario import BASELINE, load_scenario
    from drg.page.words import Words
    from drg.page.write import write_report
    from drg.report.backtest.sections import backtest_report
    from drg.tables import whole_folder
    from weights.table import open_weights

    table = table_of_hospitals(file, hospitals)
    read = (file, came, table, scenario, last_year, mapping, weights, policy)
    look_first(read, folder=out, results=RESULTS)
    rules = load_policy(policy)
    before = year if year is not None else year_of(file, mapping, sheet)
    if year is None and (after := year_of(came, mapping, sheet)) != before + 1:
        raise problem(say("不是次年的病例", "not the cases of the year after"), file=came,
                      key="discharge_date", found=after,
                      expected=say(f"{before + 1}，即 {file.name} 的次年",
                                   f"{before + 1}, the year after {file.name}"))  # fmt: skip
    words = Words(lang or "zh")
    spent = None if last_year is None else last_year_of(last_year, [p.name for p in rules.pools])
    with whole_folder(out, RESULTS) as folder:
        found = backtest_file(
            file, came, folder, open_weights(weights), rules, table,
            before,
            BASELINE if scenario is None else load_scenario(scenario), mapping=mapping, sheet=sheet,
            last_year=spent, draws=draws, seed=seed, say=lambda text: typer.echo(text, err=True),
        )  # fmt: skip
        for line in write_report(folder / PAGE, backtest_report(found, words), words):
            typer.echo(line, err=True)
    typer.echo(scores(found))
    for told, (cases, fen) in zip((before, before + 1), found.unsettled, strict=True):
        yuan = f"{fen / 100:,.2f}"
        if cases:
            typer.echo(say(f"{told} 年未清算 {cases:,} 例，费用 {yuan} 元，不计入以上数字",
                           f"not settled in {told}, and in none of these figures: {cases:,} cases, "
                           f"cost {yuan} yuan"), err=True)  # fmt: skip
    typer.echo(str(out))


def scores(found: Backtest) -> str:
    """Errors of the projection and of "as last year", and how often what came was inside."""
    rows = [
        [say(*title), f"{row['count']}", f"{row['error']:.2%}", f"{row['error_as_last_year']:.2%}",
         f"{row['inside']:.1%}"]
        for title, row in found.told
    ]  # fmt: skip
    head = (say("指标", "measure"), say("个数", "number"), say("预测误差", "error"),
            say("按去年不变的误差", "as last year"), say("落入95%区间", "inside 95%"))  # fmt: skip
    brier = say(f"亏损概率的Brier得分：预测 {found.brier[0]:.3f}，按去年不变 {found.brier[1]:.3f}"
                "（越小越好）",
                f"Brier score of loss probabilities: {found.brier[0]:.3f}, as last year "
                f"{found.brier[1]:.3f} (less is better)")  # fmt: skip
    return f"{table(head, rows, range(1, 5))}\n{brier}\n"
