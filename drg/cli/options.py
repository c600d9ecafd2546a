"""Options that several commands share, so that they are said in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

DischargeFile: TypeAlias = Annotated[
    Path, typer.Argument(help="Discharge file: CSV(.gz), Excel or Parquet.")
]
SchemeName: TypeAlias = Annotated[
    str, typer.Option("--scheme", help="Id of a shipped scheme or folder of a pack.")
]
MappingFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--mapping", help="Mapping file (TOML or CSV) for headers that are not recognised."
    ),
]
Sheet: TypeAlias = Annotated[
    str | None, typer.Option("--sheet", help="Sheet of a workbook; the first by default.")
]
Edition: TypeAlias = Annotated[
    str,
    typer.Option("--codes", help="Edition of the codes: insurance (医保版) or clinical (国临版)."),
]
