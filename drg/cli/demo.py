"""``drg demo``: the whole flow on a synthetic region."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 20


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for everything the demo makes.")
    ] = Path("drg-demo"),
    cases: Annotated[int, typer.Option("--cases", min=1, help="How many discharges.")] = 20_000,
    hospitals: Annotated[int, typer.Option("--hospitals", min=3, help="How many hospitals.")] = 24,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of the synthetic region.")
    ] = 2025,
) -> None:
    """Make a synthetic region, group its cases, fit weights and show the twenty largest groups."""
    from drg.cli.group import summary
    from drg.errors import problem
    from drg.sample import write_region
    from drg.tables import read_table
    from grouper.files import group_file
    from grouper.pack import load_scheme
    from weights.files import fit_file
    from weights.recipe import calibrator

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise problem("cannot be made a folder", file=out, found=error.strerror) from None
    typer.echo(
        f"1/3 sample 模拟样本: {cases:,} cases, {hospitals} hospitals, seed {seed}", err=True
    )
    region = write_region(out / "region", cases=cases, hospitals=hospitals, seed=seed)
    typer.echo("2/3 group 分组", err=True)
    grouped = out / "grouped.csv"
    account = group_file(region / "cases.csv", grouped)
    typer.echo(summary(account, grouped), err=True)
    rows, _ = read_table(grouped)
    names = {drg.code: drg.name for drg in load_scheme(account.scheme.id).drgs}
    typer.echo("3/3 weights 权重", err=True)
    recipe: dict[str, Any] = {"trim": "ratio", "shrink": True, "order": True}
    recipe["bootstrap"] = {"seed": seed}
    fitted, _ = fit_file(grouped, out / "weights.csv", calibrator(recipe), names=names)
    typer.echo(fitted.table_.audit(), err=True)
    typer.echo(largest_groups(rows.to_pandas(), names, fitted.table_.by_group()))
    typer.echo(f"\n{grouped.resolve()}\n{(out / 'weights.csv').resolve()}")


def largest_groups(grouped: pd.DataFrame, names: dict[str, str], weights: dict[str, float]) -> str:
    """The largest groups with their cases, weight, mean cost (yuan) and mean stay (days)."""
    from drg.cli.text import fit, table

    numbers = grouped[["total_cost", "length_of_stay"]].astype(float)
    means = numbers.groupby(grouped["drg"]).mean()
    cases = grouped["drg"][grouped["status"] == "grouped"].value_counts(sort=False)
    order = sorted(cases.index, key=lambda drg: (-cases[drg], drg))[:LARGEST]
    rows = [
        (
            drg,
            fit(names[drg], 50),
            f"{cases[drg]:,}",
            f"{cases[drg] / len(grouped):.2%}",
            f"{weights[drg]:.4f}",
            f"{means['total_cost'][drg]:,.0f}",
            f"{means['length_of_stay'][drg]:.1f}",
        )
        for drg in order
    ]
    header = (
        "DRG",
        "name 名称",
        "cases 例数",
        "share 占比",
        "weight 权重",
        "mean cost 次均费用(元)",
        "stay 住院日",
    )
    return table(header, rows, right=(2, 3, 4, 5, 6))
