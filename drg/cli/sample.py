"""``drg sample``: a synthetic region to try everything on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """Of the cases."""

    csv = "csv"
    parquet = "parquet"


class Dialect(StrEnum):
    """Of the headers."""

    canonical = "canonical"
    front_page = "front-page"


def sample(
    out: Annotated[Path, typer.Option("--out", help="Folder to make.")],
    cases: Annotated[int, typer.Option("--cases", min=1, help="How many discharges.")] = 5000,
    hospitals: Annotated[int, typer.Option("--hospitals", min=3, help="How many hospitals.")] = 24,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")
    ] = 2025,
    year: Annotated[
        int, typer.Option("--year", min=1990, max=2100, help="Year of all stays.")
    ] = 2025,
    format: Annotated[  # noqa: A002
        Format, typer.Option("--format", help="Of the cases: csv or parquet.")
    ] = Format.csv,
    dialect: Annotated[
        Dialect,
        typer.Option("--dialect", help="canonical, or front-page (病案首页 headers in GB18030)."),
    ] = Dialect.canonical,
) -> None:
    """Write a synthetic region: cases, hospitals, and the truth that made them."""
    from drg.sample import write_region

    folder = write_region(
        out,
        cases=cases,
        hospitals=hospitals,
        seed=seed,
        year=year,
        format=format.value,
        dialect=dialect.value,
    )
    typer.echo(f"{folder}: {cases:,} cases of {hospitals} hospitals, seed {seed}", err=True)
