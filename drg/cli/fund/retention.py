"""``drg fund retention``: what hospitals keep of the savings of centralised procurement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import PolicyName, Sheet, TablesFolder
from drg.cli.common.outputs import look_first
from drg.language import say
from drg.terminal import REPLACEMENT, plain, table


def retention(
    file: Annotated[
        Path,
        typer.Argument(help=say("集采品种表，列为医疗机构、品种、约定采购量、集采前后价格，"
                                "可有集采批次和考核系数。",
                                "Items: a table hospital, item, volume, before, after and, where "
                                "there are, batch and assessment.")),
    ],
    out: TablesFolder,
    policy: PolicyName = "national-default",
    hospitals: Annotated[
        Path | None,
        typer.Option("--hospitals", help=say("医疗机构表，其考核得分用于未写明系数的品种。",
                                             "Table of hospitals, whose scores stand in for items "
                                             "without a coefficient.")),
    ] = None,
    sheet: Sheet = None,
) -> None:  # fmt: skip
    """Work out the retention of procurement savings."""
    from budget.fund.files import RETENTION, retain_file
    from budget.policy import load_policy
    from budget.settlement.warned import chinese
    from drg.money import yuan

    look_first((file, policy, hospitals), folder=out, results=RETENTION)
    done = retain_file(file, out, load_policy(policy), hospitals, sheet=sheet)
    rows = [
        [plain(hospital, REPLACEMENT), plain(batch, REPLACEMENT), str(count), yuan(saving),
         yuan(kept)]
        for (hospital, batch), (count, saving, kept) in done.by_batch().items()
    ]  # fmt: skip
    rows.append([say("合计", "total"), "", str(len(done.items.item)),
                 yuan(int(done.saving.sum())), yuan(done.total)])  # fmt: skip
    head = (say("医疗机构", "hospital"), say("批次", "batch"), say("品种", "items"),
            say("节约", "saving"), say("留用", "retained"))  # fmt: skip
    typer.echo(table(head, rows, (2, 3, 4)))
    for name, text in done.warnings.items():
        typer.echo(f"{say('警告', 'warning')} {name}: {say(chinese(text), text)}")
    typer.echo(str(out))
