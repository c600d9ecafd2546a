"""Options that several commands share, so that they are said in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drg.language import LANGUAGES, speak, wished


def _lang(lang: str | None) -> str:
    """The language of a report: as asked, which is then that of errors too, as wished, Chinese."""
    if lang is None:
        return wished() or "zh"
    if lang not in LANGUAGES:
        raise typer.BadParameter("expected zh or en", param_hint="--lang")
    speak(lang)
    return lang


Lang: TypeAlias = Annotated[
    str | None,
    typer.Option("--lang", callback=_lang, help="Language: zh or en; by default DRG_LANG, or zh."),
]
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
GroupedFile: TypeAlias = Annotated[
    Path, typer.Argument(help="Grouped cases: CSV(.gz), Excel or Parquet.")
]
WeightsName: TypeAlias = Annotated[
    str, typer.Option("--weights", help="Weight table: a file or a published id.")
]
TablesFolder: TypeAlias = Annotated[Path, typer.Option("--out", help="Folder for the tables.")]
PolicyName: TypeAlias = Annotated[
    str, typer.Option("--policy", help="Policy: an id (drg policy list) or a file.")
]
HospitalTable: TypeAlias = Annotated[
    Path | None,
    typer.Option("--hospitals", help="Table of hospitals; hospitals.csv beside FILE by default."),
]
SettlementYear: TypeAlias = Annotated[
    int | None, typer.Option("--year", help="Year to settle; by default that of the cases.")
]
LastYear: TypeAlias = Annotated[
    Path | None,
    typer.Option("--last-year", help="Last year's fund spend: a table pool, amount (yuan)."),
]
RoundFolder: TypeAlias = Annotated[Path, typer.Argument(help="Folder of the round.")]
Actor: TypeAlias = Annotated[
    str, typer.Option("--actor", help="Who does it, as it stands on record.")
]
RecordTime: TypeAlias = Annotated[
    str | None,
    typer.Option("--at", help="Time for the record, such as 2026-03-01T09:00:00+08:00; now."),
]
BUREAU = "医保局"
