"""``drg weights``: relative weights fitted, compared and judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drg.cli.common.options import (
    AcceptUnreadable,
    EngineName,
    MappingFile,
    Master,
    Sheet,
    Strict,
    Totals,
    engine_of,
    is_spark,
    wrong,
)
from drg.cli.common.outputs import TABLES, look_first
from drg.cli.common.schemes import AcrossSchemes, joined
from drg.cli.weights.compare import compare
from drg.cli.weights.quality import quality
from drg.cli.weights.validate import validate
from drg.errors import problem
from drg.language import say, wished
from drg.terminal import table

if TYPE_CHECKING:
    from weights.cases.observations import Observations
    from weights.fit.calibrator import Calibrator

app = typer.Typer(no_args_is_help=True)
_MOST_STRANGE = 10
METHODS = "mean, geometric, hsrv, regression, gamma, mixed, judged"
TRIMS = "none, log3sd, iqr, percentile, ratio, l3h3, l15h15, inek, winsor, winsor_median"


@app.command(
    "fit",
    help=say(
        "由已分组病例的费用测算相对权重。\n\n"
        "未要求的步骤不做：默认只用各病组均费除以总均费，CMI 为 1。选项优先于测算方案文件。"
        "OUT.run.json 记录每一步；OUT.rejects.csv 列出不能使用的行。",
        "Fit relative weights (相对权重) from the cost of grouped cases.\n\n"
        "Nothing is done that is not asked for: by default the plain group means over the overall "
        "mean, CMI 1. Options win over the recipe. OUT.run.json records every step; "
        "OUT.rejects.csv lists the rows that could not be used.",
    ),
)
def fit(
    file: Annotated[
        Path,
        typer.Argument(help=say(
            "已分组病例（drg、hospital_id、total_cost），或含例数的汇总表。",
            "Grouped cases (drg, hospital_id, total_cost), or totals with cases.")),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help=say("要写出的权重表：.csv、.xlsx 或 .parquet。",
                                       "Weight table to write: .csv, .xlsx or .parquet.")),
    ],
    method: Annotated[
        str | None,
        typer.Option("--method", help=say(f"测算方法：{METHODS}；默认 mean。",
                                          f"{METHODS}; mean by default.")),
    ] = None,
    trim: Annotated[
        str | None,
        typer.Option("--trim", help=say(f"修剪方法：{TRIMS}；默认 none。",
                                        f"{TRIMS}; none by default.")),
    ] = None,
    shrink: Annotated[
        bool | None,
        typer.Option("--shrink/--no-shrink", help=say("病例少的病组向所属 ADRG 收缩。",
                                                      "Draw weak groups to their ADRG.")),
    ] = None,
    shrink_to: Annotated[
        str | None,
        typer.Option("--shrink-to", help=say(
            "收缩到何处：adrg（所属 ADRG）或 previous（上年权重，须有 --previous）。",
            "Where weak groups are drawn: adrg, or previous (last year's; needs --previous).")),
    ] = None,
    order: Annotated[
        bool | None,
        typer.Option("--order/--no-order", help=say("理顺严重程度次序，消除权重倒挂。",
                                                    "Put severities in order.")),
    ] = None,
    previous: Annotated[
        str | None,
        typer.Option("--previous", help=say("上年权重：文件，或已公布权重表的编号。",
                                            "Last year's weights: a file or a published id.")),
    ] = None,
    corridor: Annotated[
        str | None,
        typer.Option("--corridor", help=say(
            "最大变动幅度：0.1 为上下均限；0.1: 只限下降；也可写 0.1:0.2。",
            "Largest move, 0.1 both ways; 0.1: only the fall; 0.1:0.2.")),
    ] = None,
    low_volume: Annotated[
        str | None,
        typer.Option("--low-volume", help=say(
            "不足 5 例的病组：carry（沿用上年）、review（待审议）或 keep（保留）。",
            "carry, review or keep groups below 5 cases.")),
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option("--cost", help=say(
            "费用口径：total（总费用）或 components（分项）；默认 total。",
            "total or components; total by default.")),
    ] = None,
    normalise: Annotated[
        str | None,
        typer.Option("--normalise", help=say(
            "权重标化：cmi、neutral、none、reference:YUAN 或 total:SUM；默认 cmi。",
            "cmi, neutral, none, reference:YUAN or total:SUM; cmi by default.")),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help=say("病组分类（TOML 或表）。",
                                           "Classes of groups (TOML or table).")),
    ] = None,
    families: Annotated[
        Path | None,
        typer.Option("--families", help=say(
            "列为 drg、adrg、severity 的表，用于与 CHS-DRG 不同的编码。",
            "Table drg, adrg, severity, for codes unlike CHS-DRG.")),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option("--scheme", help=say("列出分组方案的全部病组及名称。",
                                          "List all groups of a scheme, and their names.")),
    ] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option("--bootstrap", min=20, help=say("计算区间的重抽样次数。",
                                                     "Replicates for intervals.")),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help=say("重抽样的随机种子，默认 0。",
                                               "Seed of the bootstrap; 0 by default.")),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option("--interval", help=say("区间方法：t、percentile 或 bca；默认 t。",
                                            "t, percentile or bca; t by default.")),
    ] = None,
    totals: Totals = None,
    trimmed: Annotated[
        Path | None,
        typer.Option("--trimmed", help=say("写出被修剪病例的表。",
                                           "Table to write of the trimmed cases.")),
    ] = None,
    recommended: Annotated[
        bool,
        typer.Option("--recommended", help=say(
            "推荐方案：中位数缩尾、择优测算、收缩、理顺次序；其他选项优先。",
            "The recommended chain: winsor_median, judged, shrink, order; other options win.")),
    ] = False,
    recipe: Annotated[
        Path | None,
        typer.Option("--recipe", help=say("测算方案文件（TOML），含全部步骤。",
                                          "All steps from a TOML document.")),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", help=say("存放结果图的文件夹。",
                                            "Folder for pictures of the result.")),
    ] = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    strict: Strict = False,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    engine: EngineName = "local",
    master: Master = None,
) -> None:  # fmt: skip
    """Fit relative weights (相对权重) from the cost of grouped cases."""
    from drg.progress import Progress
    from drg.switch.origin import names_of, scheme_of_cases
    from grouper.scheme.pack import load_groups
    from weights.fit.calibrator import calibrator
    from weights.fit.files import fit_file
    from weights.fit.recipe import RECOMMENDED, read_recipe
    from weights.table import WeightTable

    beside = [out.parent / f"{out.name}{one}" for one in (".rejects.csv", ".run.json")]
    cases = None if is_spark(engine, master, sheet=sheet) else file
    look_first((cases, mapping, recipe, classes, families, previous, scheme), (out, TABLES),
               (trimmed, TABLES), beside=beside, folder=pictures)  # fmt: skip
    steps: dict[str, Any] = dict(RECOMMENDED) if recommended else {}
    steps |= {} if recipe is None else read_recipe(recipe)
    costs = held if isinstance(held := steps.get("costs"), dict) else {}
    steps |= _given(
        estimate=method, trim=trim, shrink=_shrink(shrink, shrink_to), order=order,
        previous=previous, classes=classes, low_volume=low_volume, families=families,
        corridor=None if corridor is None else _corridor(corridor),
        costs=None if cost is None else costs | {"basis": cost},
        normalise=None if normalise is None else _normalise(normalise),
        bootstrap=bootstrap,
    )  # fmt: skip
    drawn = _given(seed=seed, method=interval)
    if drawn and "bootstrap" not in steps:
        raise wrong("需要 --bootstrap", "needs --bootstrap", "--seed, --interval")
    if drawn:
        held = steps["bootstrap"]
        steps["bootstrap"] = (held if isinstance(held, dict) else {"replicates": held}) | drawn
    fitter = calibrator(steps, recipe)
    album: list[Path] = []

    def draw(folder: Path, fitted: Calibrator, observed: Observations) -> None:
        from drg.report.weights.album import write_album

        written = write_album(folder, fitted, observed, lang=wished() or "zh")
        album.extend((pictures or folder) / one.name for one in written)

    with engine_of(engine, master):
        origin = scheme_of_cases(file, mapping, sheet)
        if isinstance(fitter.previous, WeightTable):
            joined(origin, str(file), fitter.previous, across_schemes)
        names = {}
        if scheme is not None:  # all its groups must stand in the table
            names = {drg.code: drg.name for drg in load_groups(scheme).counted_drgs}
        fitter.groups = tuple(names)
        names = names or names_of(origin)
        with Progress(say(f"读取 {file.name}", f"reading {file.name}")) as shown:
            inputs = {"recipe": recipe, "classes": classes, "families": families}
            fitted, observed = fit_file(
                file, out, fitter, mapping=mapping, sheet=sheet, inputs=inputs, names=names,
                totals=totals, trimmed=trimmed, accept_unreadable=accept_unreadable,
                progress=shown.advance, pictures=pictures, draw=draw,
            )  # fmt: skip
    typer.echo(summary(fitted), err=True)
    codes = [str(code) for code in fitted.table_.frame["drg"] if names and code not in names]
    if codes:
        strange = ", ".join(codes[:_MOST_STRANGE])
        strange += " ..." if len(codes) > _MOST_STRANGE else ""
        typer.echo(say(f"  警告: 方案中没有这些病组编码: {strange}",
                       f"  warning: codes that are no group of the scheme: {strange}"),
                   err=True)  # fmt: skip
    if rejected := observed.intake.faulty:
        typer.echo(say(f"  拒收记录 {rejected:,}，列于 {out}.rejects.csv",
                       f"  rejected {rejected:,}, listed in "
                       f"{out}.rejects.csv"), err=True)  # fmt: skip
    for path in album:
        typer.echo(str(path), err=True)
    typer.echo(str(out))
    if strict and rejected:
        raise typer.Exit(1)


@app.command(
    "list",
    help=say("列出内置的已公布权重表。", "List the published weight tables that are shipped."),
)
def published_tables() -> None:
    """List the published weight tables that are shipped."""
    from weights.table.published import published

    rows = [
        (p.id, say(p.title, p.title_en), f"{p.groups:,}", f"{p.weights:,}", p.source)
        for p in published()
    ]
    head = (say("编号", "id"), say("名称", "title"), say("病组", "groups"), say("权重", "weights"),
            say("来源", "source"))  # fmt: skip
    typer.echo(table(head, rows, (2, 3)))


app.command(
    "compare",
    help=say(
        "对比权重表 A 与对照 B：相似程度、稳定性、权重倒挂、变动。",
        "Compare weight table A with the reference B: likeness, stability, severity order, moves.",
    ),
)(compare)
app.command(
    "quality",
    help=say(
        "用病例评价权重：变异解释度、CV、稳定性、权重倒挂、权重压缩。\n\n"
        "还列出无权重的病组、无病例的权重，以及每家医疗机构对权重的影响。不显示不足 5 例的数字。",
        "Judge weights by cases: explained variance, CV, stability, severity order, compression."
        "\n\nAlso groups without weight and weights without cases, and what each single hospital "
        "does to the weights. Numbers below 5 cases are not shown.",
    ),
)(quality)

app.command(
    "validate",
    help=say(
        "用没有参与测算的医院或年度检验各测算方案，看哪一种适合本地。\n\n"
        "默认把医院随机对半 20 次，一半测算、一半检验；列出误差、相对原始均值的改进及其区间，"
        "以及起决定作用的病组。",
        "Compare recipes on hospitals or years that they have not seen: which serves this region."
        "\n\nBy default the hospitals are halved at random twenty times, each half fitted and "
        "judged by the other. Told are errors, what they are against plain means with an interval, "
        "and the groups that decide it.",
    ),
)(validate)


def summary(fitted: Calibrator) -> str:
    """What a calibration came to: the audit trail and what a reader must know."""
    from weights.fit.severity import inversions

    frame, families = fitted.table_.frame, fitted.families_
    lines = [f"  {say('警告', 'warning')} {name}: {text}"
             for name, text in fitted.trail_.said().items()]  # fmt: skip
    lines += [fitted.table_.audit(), ""]
    held = frame["weight"].notna()
    if fitted.interval_ is not None:
        width = ((frame["ci_high"] - frame["ci_low"]) / frame["weight"])[held].median()
        lines.append(say(f"  区间宽度（中位数）为权重的 {width:.1%}",
                         f"  interval width (median) {width:.1%} of the weight"))  # fmt: skip
    weight = frame.set_index("drg")["weight"].reindex(list(families.groups)).to_numpy()
    found, pairs = inversions(weight, families)
    told = say(f"{len(found):,} / {pairs:,} 对", f"{len(found):,} of {pairs:,} pairs")
    if not pairs:
        told = say("没有可比较的对", "no pairs to compare")
    lines.append(f"  {say('权重倒挂', 'inversions')} {told}")
    return "\n".join(lines)


def _given(**options: Any) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _shrink(shrink: bool | None, to: str | None) -> bool | str | None:
    """What the two options of shrinkage say together."""
    if to is None:
        return shrink
    if to not in ("adrg", "previous") or shrink is False:
        raise wrong("须为 adrg 或 previous，且不与 --no-shrink 同用",
                    "must be adrg or previous, and not with --no-shrink",
                    "--shrink-to")  # fmt: skip
    return to if to == "previous" else True


def _corridor(text: str) -> dict[str, float | None]:
    """``0.1`` both ways, ``0.1:`` only the fall, ``:0.2`` only the rise, ``0.1:0.2``."""
    parts = text.split(":") if ":" in text else [text, text]
    try:
        fall, rise = (float(part) if part else None for part in parts)
    except ValueError:
        raise problem(say("不是浮动区间", "not a corridor"), key="--corridor", found=text,
                      expected=say("0.1、0.1:、:0.2 或 0.1:0.2",
                                   "0.1, 0.1:, :0.2 or 0.1:0.2")) from None  # fmt: skip
    return {"fall": fall, "rise": rise}


def _normalise(text: str) -> dict[str, Any]:
    method, _, amount = text.partition(":")
    try:
        return {"method": method} | ({"amount": float(amount)} if amount else {})
    except ValueError:
        raise problem(say("不是数值", "not an amount"), key="--normalise", found=amount,
                      expected=say("冒号后为数值",
                                   "a number after the colon")) from None  # fmt: skip
