"""``drg fund``: payments of the fund beside the year's settlement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import PolicyName, Sheet, TablesFolder, wrong
from drg.cli.common.outputs import look_first
from drg.cli.fund.retention import retention
from drg.language import say
from drg.terminal import table

app = typer.Typer(no_args_is_help=True)
app.command(
    "retention",
    help=say(
        "集采结余留用：按品种计算，汇总到医疗机构和批次。",
        "Retention of procurement savings (集采结余留用): by item, summed by hospital and batch.",
    ),
)(retention)


@app.command(
    "prepayment",
    help=say(
        "异地就医预付金：上年第四季度月均支出的倍数，及拨付到医疗机构的时限。",
        "Out-of-area prepayment (异地就医预付金): multiples of the previous fourth quarter's "
        "monthly mean, and the day by which hospitals have it.",
    ),
)
def prepayment(
    file: Annotated[
        Path,
        typer.Argument(help=say("异地就医支出表，列为月份、就医地（跨省或省内）、金额（元）。",
                                "Out-of-area spend: a table month, area (cross_province or "
                                "in_province), amount (yuan).")),
    ],
    received: Annotated[
        str,
        typer.Option("--received", metavar="DAY",
                     help=say("收到资金的日期。", "Day on which the money is received.")),
    ],
    out: TablesFolder,
    policy: PolicyName = "national-default",
    year: Annotated[
        int | None,
        typer.Option("--year", help=say("预付的年度，默认为收到资金的年度。",
                                        "Year for which is prepaid; by default that of "
                                        "--received.")),
    ] = None,
    sheet: Sheet = None,
) -> None:  # fmt: skip
    """Work out the out-of-area prepayment of a year."""
    from budget.fund.files import PREPAYMENT, prepay_file
    from budget.fund.tables import AREAS
    from budget.policy import load_policy
    from budget.settlement.warned import chinese
    from drg.cases.dates import day_of
    from drg.money import yuan

    day = day_of(received)
    if day is None:
        raise wrong("不是日期，例如 2025-01-10 或 2025年1月10日",
                    "not a day such as 2025-01-10", "--received")  # fmt: skip
    look_first((file, policy), folder=out, results=PREPAYMENT)
    rules = load_policy(policy)
    done = prepay_file(file, out, rules, year or day.year, day, sheet=sheet)
    names = {"cross_province": say("跨省", "across provinces"),
             "in_province": say("省内", "inside the province")}  # fmt: skip
    rows = [[names[area], yuan(done.quarter[i]), yuan(done.amount[i])]
            for i, area in enumerate(AREAS)]  # fmt: skip
    rows.append([say("合计", "total"), yuan(int(done.quarter.sum())), yuan(done.total)])
    head = (say("就医地", "area"), say("上年第四季度", "fourth quarter"), say("预付", "prepaid"))
    typer.echo(table(head, rows, (1, 2)))
    typer.echo(say(f"拨付时限 {done.due}", f"due {done.due}"))
    for name, text in done.warnings.items():
        typer.echo(f"{say('警告', 'warning')} {name}: {say(chinese(text), text)}")
    typer.echo(str(out))
