"""``drg sample``: a synthetic region to try everything on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drg.cli.common.options import CasesMade, HospitalsMade
from drg.cli.common.outputs import look_first
from drg.language import say


class Format(StrEnum):
    """Of the cases."""

    csv = "csv"
    parquet = "parquet"


class Dialect(StrEnum):
    """Of the headers."""

    canonical = "canonical"
    front_page = "front-page"


def sample(
    out: Annotated[Path, typer.Option("--out", help=say("要建立的文件夹。", "Folder to make."))],
    cases: CasesMade = 5000,
    hospitals: HospitalsMade = 24,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help=say("随机种子，种子相同则结果逐字节相同。",
                                               "The same seed gives the same bytes.")),
    ] = 2025,
    year: Annotated[
        int,
        typer.Option("--year", min=1990, max=2100, help=say("全部住院的年份。",
                                                            "Year of all stays.")),
    ] = 2025,
    format: Annotated[  # noqa: A002
        Format,
        typer.Option("--format", help=say("病例文件的格式：csv 或 parquet。",
                                          "Of the cases: csv or parquet.")),
    ] = Format.csv,
    dialect: Annotated[
        Dialect,
        typer.Option("--dialect", help=say(
            "表头：canonical（标准列名）或 front-page（病案首页列名，GB18030 编码）。",
            "canonical, or front-page (病案首页 headers in GB18030).")),
    ] = Dialect.canonical,
) -> None:  # fmt: skip
    """Write a synthetic region: cases, hospitals, and the truth that made them."""
    from drg.sample import write_region

    look_first((), folder=out)
    folder = write_region(
        out,
        cases=cases,
        hospitals=hospitals,
        seed=seed,
        year=year,
        format=format.value,
        dialect=dialect.value,
    )
    typer.echo(say(f"{folder}：{hospitals} 家医疗机构，{cases:,} 例，种子 {seed}",
                   f"{folder}: {cases:,} cases of {hospitals} hospitals, seed {seed}"),
               err=True)  # fmt: skip
