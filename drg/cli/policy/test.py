"""`drg policy test`: cases with what an officer expects of them, settled and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def test(
    paths: Annotated[list[Path], typer.Argument(help="Files of cases (TOML), or folders of such.")],
) -> None:
    """Settle worked cases (病例测试); exit 1 when one comes out otherwise than expected."""
    from budget.settlement.officer_cases import compare

    done = failed = 0
    files = _files(paths)
    for path in files:
        for one in compare(path):
            done += 1
            place = f"{path.name}: {one.name if one.kind == 'case' else f'{one.kind} {one.name}'}"
            if one.ok:
                typer.echo(f"ok {place}")
                continue
            failed += 1
            why = f" ({' '.join(one.why.split())})" if one.why else ""
            typer.echo(f"FAILED 不符 {place}: {'; '.join(one.faults)}{why}")
    count = f"{done - failed} of {done} as expected 相符, {len(files)} files"
    typer.echo(count if len(files) != 1 else count.removesuffix("s"))
    if failed:
        raise typer.Exit(1)


def _files(paths: list[Path]) -> list[Path]:
    from drg.errors import problem

    found: list[Path] = []
    for path in paths:
        held = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not held or not held[0].is_file():
            raise problem("no cases", file=path, expected="a TOML file, or a folder of them")
        found += held
    return found
