"""What a command says beside its result (提示): warnings, rows not taken, what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from drg.language import say

if TYPE_CHECKING:
    import pandas as pd

_MOST_LINES = 10


def warned(lines: list[str]) -> None:
    """Say warnings on stderr."""
    for line in lines:
        typer.echo(f"{say('警告', 'warning')} {line}", err=True)


def rejected(lines: list[str], target: Path | None) -> None:
    """Say which rows were not taken, and where all of them are listed."""
    for line in lines[:_MOST_LINES]:
        typer.echo(f"{say('未接受', 'not accepted')}: {line}", err=True)
    if len(lines) > _MOST_LINES:
        more = len(lines) - _MOST_LINES
        typer.echo(say(f"... 另有 {more} 条", f"... {more} more"), err=True)
    if target is not None:
        typer.echo(f"{say('列于', 'listed in')} {target}", err=True)


def lines_of(path: Path, rejects: pd.DataFrame) -> list[str]:
    """Rejects of a form as lines: file, row, column, what is wrong, what was found."""
    from drg.errors import problem
    from drg.persons import masked

    return [
        str(problem(str(one["reason"]), file=path, row=int(one["row"]),
                    key=str(one["column"]) or None, found=masked(str(one["value"])) or None))
        for one in rejects.to_dict("records")
    ]  # fmt: skip


def going_on(*commands: str) -> None:
    """Say which commands come next."""
    for command in commands:
        typer.echo(f"{say('下一步', 'next')}: {command}", err=True)
