"""``drg weights``: relative weights fitted, compared and judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drg.cli.common.options import MappingFile, Sheet
from drg.cli.weights.compare import compare
from drg.cli.weights.quality import quality
from drg.terminal import table

if TYPE_CHECKING:
    from weights.cases.observations import Observations
    from weights.fit.calibrator import Calibrator

app = typer.Typer(
    help="Relative weights: fit, compare, quality, published tables.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
METHODS = "mean, geometric, hsrv, regression, gamma"
TRIMS = "none, log3sd, iqr, percentile, ratio, l3h3, l15h15, inek, winsor"


@app.command()
def fit(
    file: Annotated[
        Path,
        typer.Argument(help="Grouped cases (drg, hospital_id, total_cost), or totals with cases."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Weight table to write: .csv, .xlsx or .parquet.")
    ],
    method: Annotated[
        str | None, typer.Option("--method", help=f"{METHODS}; mean by default.")
    ] = None,
    trim: Annotated[str | None, typer.Option("--trim", help=f"{TRIMS}; none by default.")] = None,
    shrink: Annotated[
        bool | None, typer.Option("--shrink/--no-shrink", help="Draw weak groups to their ADRG.")
    ] = None,
    order: Annotated[
        bool | None, typer.Option("--order/--no-order", help="Put severities in order.")
    ] = None,
    previous: Annotated[
        str | None,
        typer.Option("--previous", help="Last year's weights: a file or a published id."),
    ] = None,
    corridor: Annotated[
        str | None,
        typer.Option(
            "--corridor", help="Largest move, 0.1 both ways; 0.1: only the fall; 0.1:0.2."
        ),
    ] = None,
    low_volume: Annotated[
        str | None, typer.Option("--low-volume", help="carry, review or keep groups below 5 cases.")
    ] = None,
    cost: Annotated[
        str | None, typer.Option("--cost", help="total or components; total by default.")
    ] = None,
    normalise: Annotated[
        str | None,
        typer.Option(
            "--normalise", help="cmi, neutral, none, reference:YUAN or total:SUM; cmi by default."
        ),
    ] = None,
    classes: Annotated[
        Path | None, typer.Option("--classes", help="Classes of groups (TOML or table).")
    ] = None,
    families: Annotated[
        Path | None,
        typer.Option("--families", help="Table drg, adrg, severity, for codes unlike CHS-DRG."),
    ] = None,
    scheme: Annotated[
        str | None, typer.Option("--scheme", help="List all groups of a scheme, and their names.")
    ] = None,
    bootstrap: Annotated[
        int | None, typer.Option("--bootstrap", min=20, help="Replicates for intervals.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of the bootstrap; 0 by default.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option("--interval", help="percentile or bca; percentile by default.")
    ] = None,
    totals: Annotated[
        str | None,
        typer.Option("--totals", help="With the column cases: costs are the mean or the sum."),
    ] = None,
    trimmed: Annotated[
        Path | None, typer.Option("--trimmed", help="Table to write of the trimmed cases.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="All steps from a TOML document.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Folder for pictures of the result.")
    ] = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when any row could not be used.")
    ] = False,
) -> None:
    """Fit relative weights (相对权重) from the cost of grouped cases.

    Nothing is done that is not asked for: by default the plain group means over the overall mean,
    CMI 1. Options win over the recipe. OUT.run.json records every step; OUT.rejects.csv lists the
    rows that could not be used.
    """
    from drg.progress import Progress
    from weights.fit.files import fit_file
    from weights.fit.recipe import calibrator, read_recipe

    steps: dict[str, Any] = {} if recipe is None else read_recipe(recipe)
    steps |= _given(
        estimate=method, trim=trim, shrink=shrink, order=order, previous=previous,
        classes=None if classes is None else str(classes), low_volume=low_volume,
        families=None if families is None else str(families),
        corridor=None if corridor is None else _corridor(corridor),
        costs=None if cost is None else {**_table(steps.get("costs")), "basis": cost},
        normalise=None if normalise is None else _normalise(normalise),
        bootstrap=None if bootstrap is None else {"replicates": bootstrap},
    )  # fmt: skip
    drawn = _given(seed=seed, method=interval)
    if drawn and "bootstrap" not in steps:
        raise typer.BadParameter("needs --bootstrap", param_hint="--seed, --interval")
    if drawn:
        held = steps["bootstrap"]
        steps["bootstrap"] = (held if isinstance(held, dict) else {"replicates": held}) | drawn
    fitter = calibrator(steps, recipe)
    names = _names(scheme)
    fitter.groups = tuple(names)
    with Progress(f"reading {file.name}") as shown:
        inputs = {"recipe": recipe, "classes": classes, "families": families}
        fitted, observed = fit_file(
            file, out, fitter, mapping=mapping, sheet=sheet, inputs=inputs, names=names,
            totals=totals, trimmed=trimmed, progress=shown.advance,
        )  # fmt: skip
    typer.echo(summary(fitted), err=True)
    rejected = _rejected(observed)
    if rejected:
        typer.echo(f"  rejected 拒收记录 {rejected:,}, listed in {out}.rejects.csv", err=True)
    if pictures is not None:
        from drg.report.weights.album import write_album

        for path in write_album(pictures, fitted, observed):
            typer.echo(str(path), err=True)
    typer.echo(str(out))
    if strict and rejected:
        raise typer.Exit(1)


@app.command("list")
def published_tables() -> None:
    """List the published weight tables that are shipped."""
    from weights.table.published import published

    rows = [(p.id, p.title, f"{p.groups:,}", f"{p.weights:,}", p.source) for p in published()]
    typer.echo(
        table(("id", "title 名称", "groups 病组", "weights 权重", "source 来源"), rows, (2, 3))
    )


app.command("compare")(compare)
app.command("quality")(quality)


def summary(fitted: Calibrator) -> str:
    """What a calibration came to: the audit trail and what a reader must know."""
    from weights.fit.severity import inversions

    table = fitted.table_
    frame = table.frame
    pairs = _inversions(fitted, inversions)
    lines = [table.audit(), ""]
    held = frame["weight"].notna()
    if fitted.interval_ is not None:
        width = ((frame["ci_high"] - frame["ci_low"]) / frame["weight"])[held].median()
        lines.append(f"  interval width 区间宽度 (median) {width:.1%} of the weight")
    lines.append(f"  inversions 严重程度倒挂 {pairs}")
    lines += [f"  warning 警告 {name}: {text}" for name, text in fitted.trail_.warnings.items()]
    return "\n".join(lines)


def _inversions(fitted: Calibrator, count: Any) -> str:
    order = {group: i for i, group in enumerate(fitted.table_.frame["drg"])}
    places = [order[group] for group in fitted.families_.groups]
    found, pairs = count(fitted.table_.frame["weight"].to_numpy()[places], fitted.families_)
    return f"{len(found):,} of {pairs:,} pairs" if pairs else "no pairs to compare"


def _rejected(observed: Observations) -> int:
    """Rows that are in the reject file."""
    from weights.cases.observations import FAULTS

    return sum(observed.intake.excluded_rows.get(reason, 0) for reason in FAULTS)


def _given(**options: Any) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _table(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _corridor(text: str) -> dict[str, float | None]:
    """``0.1`` both ways, ``0.1:`` only the fall, ``:0.2`` only the rise, ``0.1:0.2``."""
    from drg.errors import problem

    parts = text.split(":") if ":" in text else [text, text]
    try:
        fall, rise = (float(part) if part else None for part in parts)
    except ValueError:
        raise problem("not a corridor", key="--corridor", found=text,
                      expected="0.1, 0.1:, :0.2 or 0.1:0.2") from None  # fmt: skip
    return {"fall": fall, "rise": rise}


def _normalise(text: str) -> dict[str, Any]:
    from drg.errors import problem

    method, _, amount = text.partition(":")
    try:
        return {"method": method} | ({"amount": float(amount)} if amount else {})
    except ValueError:
        raise problem("not an amount", key="--normalise", found=amount,
                      expected="a number after the colon") from None  # fmt: skip


def _names(scheme: str | None) -> dict[str, str]:
    """Names of the groups of a scheme; they must all stand in the table."""
    if scheme is None:
        return {}
    from grouper.scheme.pack import load_scheme

    return {drg.code: drg.name for drg in load_scheme(scheme).drgs}
