"""``drg sample``: a synthetic region to try everything on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sample(
    out: Annotated[Path, typer.Option("--out", help="Folder to make.")],
    cases: Annotated[int, typer.Option("--cases", help="How many discharges.")] = 5000,
    hospitals: Annotated[int, typer.Option("--hospitals", help="How many hospitals.")] = 24,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 2025,
    year: Annotated[int, typer.Option("--year", help="Year of all stays.")] = 2025,
    format: Annotated[  # noqa: A002
        str, typer.Option("--format", help="Of the cases: csv or parquet.")
    ] = "csv",
    dialect: Annotated[
        str,
        typer.Option("--dialect", help="canonical, or front-page (病案首页 headers in GB18030)."),
    ] = "canonical",
) -> None:
    """Write a synthetic region: cases, hospitals, and the truth that made them."""
    from drg.sample import write_region

    folder = write_region(
        out, cases=cases, hospitals=hospitals, seed=seed, year=year, format=format, dialect=dialect
    )
    typer.echo(f"{folder}: {cases:,} cases of {hospitals} hospitals, seed {seed}", err=True)
