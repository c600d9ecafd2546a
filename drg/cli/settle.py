"""``drg settle``: a year settled by a policy, for every hospital to the fen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.fits import policy_fits
from drg.cli.common.options import (
    AcceptUnreadable,
    EngineName,
    GroupedFile,
    HospitalTable,
    LastYear,
    MappingFile,
    Master,
    PolicyName,
    SettlementYear,
    Sheet,
    Strict,
    TablesFolder,
    WeightsName,
    engine_of,
    is_spark,
    wrong,
)
from drg.cli.common.outputs import look_first
from drg.cli.common.schemes import AcrossSchemes, same_scheme
from drg.cli.common.settled import summary
from drg.cli.common.year import balances_of, last_year_of, table_of_hospitals, year_of
from drg.language import say


def settle(
    file: GroupedFile,
    weights: WeightsName,
    out: TablesFolder,
    policy: PolicyName = "national-default",
    hospitals: HospitalTable = None,
    year: SettlementYear = None,
    last_year: LastYear = None,
    fund: Annotated[
        Path | None,
        typer.Option("--fund", help=say(
            "基金表：基金池、期初余额（元），计入基金现金流。",
            "The fund: a table pool, opening (yuan), where its cash begins.")),
    ] = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    cases: Annotated[
        str | None,
        typer.Option("--cases", help=say("病例表的格式：csv 或 parquet，默认与 FILE 相同。",
                                         "Format of the case table: csv or parquet; as FILE.")),
    ] = None,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    strict: Strict = False,
    engine: EngineName = "local",
    master: Master = None,
) -> None:  # fmt: skip
    """Settle a year (年度清算): price every case, hold the global budget, settle each hospital."""
    from budget.policy import load_policy
    from budget.settlement.files import RESULTS, settle_dataset, settle_file
    from drg.progress import Progress
    from weights.table import open_weights

    if cases not in (None, "csv", "parquet"):
        raise wrong("应为 csv 或 parquet", "expected csv or parquet", "--cases")
    spread = is_spark(engine, master, sheet=sheet, cases=cases == "csv")
    table = table_of_hospitals(file, hospitals)
    given = (file, weights, policy, table, last_year, fund, mapping)
    look_first(given[1:] if spread else given, folder=None if spread else out, results=RESULTS)
    rules = load_policy(policy)
    held = open_weights(weights)
    with engine_of(engine, master):
        policy_fits(rules, same_scheme(file, held, across_schemes, mapping, sheet), file, held,
                    across_schemes)  # fmt: skip
        settled_year = year if year is not None else year_of(file, mapping, sheet)
        spent = None if last_year is None else last_year_of(
            last_year, [pool.name for pool in rules.pools])  # fmt: skip
        balance = None if fund is None else balances_of(fund, [p.name for p in rules.pools])
        inputs = {"weights": Path(weights), "policy": Path(policy), "last_year": last_year,
                  "fund": fund}  # fmt: skip
        with Progress(say(f"清算 {file.name}", f"settling {file.name}")) as shown:
            settled = settle_dataset(
                file, out, held, rules, table, settled_year, mapping=mapping, last_year=spent,
                opening=balance, inputs=inputs, accept_unreadable=accept_unreadable,
            ) if spread else settle_file(
                file, out, held, rules, table, settled_year, mapping=mapping, sheet=sheet,
                last_year=spent, opening=balance, cases=cases, inputs=inputs,
                accept_unreadable=accept_unreadable, progress=shown.advance,
            )  # fmt: skip
    typer.echo(summary(settled))
    typer.echo(str(out))
    if strict and "rejects" in settled.warnings:
        raise typer.Exit(1)
