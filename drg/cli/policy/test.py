"""`drg policy test`: cases with what an officer expects of them, settled and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drg.language import say


def test(
    paths: Annotated[
        list[Path],
        typer.Argument(help=say("测试病例文件（TOML），或存放此类文件的文件夹。",
                                "Files of cases (TOML), or folders of such.")),
    ],
) -> None:  # fmt: skip
    """Settle worked cases (病例测试); exit 1 when one comes out otherwise than expected."""
    from budget.settlement.officer_cases import compare

    done = failed = 0
    files = _files(paths)
    for path in files:
        for one in compare(path):
            done += 1
            place = f"{path.name}: {one.name if one.kind == 'case' else f'{one.kind} {one.name}'}"
            if one.ok:
                typer.echo(f"{say('相符', 'ok')} {place}")
                continue
            failed += 1
            why = f" ({' '.join(one.why.split())})" if one.why else ""
            typer.echo(f"{say('不符', 'FAILED')} {place}: {'; '.join(one.faults)}{why}")
    typer.echo(say(f"{len(files)} 个文件，{done} 例中 {done - failed} 例相符",
                   f"{done - failed} of {done} as expected, {len(files)} "
                   f"{'file' if len(files) == 1 else 'files'}"))  # fmt: skip
    if failed:
        raise typer.Exit(1)


def _files(paths: list[Path]) -> list[Path]:
    from drg.errors import problem

    found: list[Path] = []
    for path in paths:
        held = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not held or not held[0].is_file():
            raise problem(say("没有测试病例", "no cases"), file=path,
                          expected=say("TOML 文件，或存放此类文件的文件夹",
                                       "a TOML file, or a folder of them"))  # fmt: skip
        found += held
    return found
