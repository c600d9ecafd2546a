"""``drg weights compare``: two weight tables side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import Lang
from drg.language import say
from drg.terminal import table

if TYPE_CHECKING:
    from weights.quality.compare import Comparison, Slope

_MOST = 15


def compare(
    a: Annotated[
        str,
        typer.Argument(metavar="A", help=say("权重表文件，或已公布权重表的编号。",
                                             "Weight table, or a published id.")),
    ],
    b: Annotated[
        str,
        typer.Argument(metavar="B", help=say("对照的权重表，如上年权重。",
                                             "The reference, such as last year's.")),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say("每个病组一行的表：.csv、.csv.gz 或 .xlsx。",
                                       "One row a group, as .csv, .csv.gz or .xlsx.")),
    ] = None,
    families: Annotated[
        Path | None,
        typer.Option("--families", help=say("列为 drg、adrg、severity 的表。",
                                            "Table drg, adrg, severity.")),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help=say("A 与 B 的对比图：.svg、.png 或 .pdf。",
                                           "Picture of A against B: .svg, .png or .pdf.")),
    ] = None,
    corridor: Annotated[
        float,
        typer.Option("--corridor", help=say("浮动区间上下限的幅度，0.1 即 10%。",
                                            "Share of floor and ceiling, 0.1 for 10%.")),
    ] = 0.1,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Compare weight table A with the reference B: likeness, stability, severity order, moves."""
    from drg.errors import problem
    from drg.tables import check_outputs
    from weights.quality.compare import compare as compared
    from weights.quality.groups import check_ending, comparison_rows, write
    from weights.table import open_weights
    from weights.table.families import read_families

    lang = lang or "zh"
    check_ending(out)
    if picture is not None and picture.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise problem(say("不支持的图片格式", "unknown kind of picture"), file=picture,
                      expected=say(".svg、.png 或 .pdf", ".svg, .png or .pdf"))  # fmt: skip
    check_outputs((out, picture), (a, b, families))
    first, second = open_weights(a), open_weights(b)
    known = None if families is None else read_families(families)
    found = compared(first, second, families=known, corridor=corridor)
    typer.echo(summary(found, lang))
    if out is not None:
        write(out, comparison_rows(found))
        typer.echo(str(out), err=True)
    if picture is not None:
        from drg.report.weights.pictures import against_previous, save

        bounds = (1 - corridor, 1 + corridor)
        save(against_previous(first, second, bounds, lang=lang), picture)
        typer.echo(str(picture), err=True)


def summary(found: Comparison, lang: str) -> str:
    """The comparison as text for a terminal."""
    from drg.cli.weights.quality import inverted, named

    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    def number(value: float | None, shape: str = ".4f") -> str:
        return "-" if value is None else format(value, shape)

    def slope(line: Slope | None) -> str:
        if line is None:
            return "-"
        return f"{line.slope:.4f}" + ("" if line.se is None else f" (SE {line.se:.4f})")

    weighted = say(f"按病例加权（{found.weighting}）", f"by cases ({found.weighting})")
    lines = [
        (say("两表均有权重的病组", "groups with a weight in both"), f"{found.both:,}"),
        (say(f"仅在 {found.a}", f"only in {found.a}"), f"{len(found.only_a):,}"),
        (say(f"仅在 {found.b}", f"only in {found.b}"), f"{len(found.only_b):,}"),
        (say("同尺度换算系数", "factor to one scale"),
         f"{found.scale:.6g} ({_weighting(found, lang)})"),
        (say("Pearson 相关", "Pearson"), number(found.pearson)),
        (say("Spearman 相关", "Spearman"), number(found.spearman)),
        (say("MAPE（同尺度）", "MAPE on one scale"), number(found.mape)),
        *([(f"  {weighted}", number(found.mape_weighted))] if found.mape_weighted is not None
          else []),
        (say("对数权重之比标准差", "SD of log ratio"), number(found.sd_log)),
        *([(f"  {weighted}", number(found.sd_log_weighted))] if found.sd_log_weighted is not None
          else []),
        (say("对数斜率", "slope of logs"), slope(found.slope)),
        (say("最小比值", "smallest ratio"), f"{found.lowest:.5f}"),
        (say(f"恰在下限 {1 - found.corridor:g}", f"on the floor of {1 - found.corridor:g}"),
         f"{len(found.on_floor):,}"),
        (say(f"恰在上限 {1 + found.corridor:g}", f"on the ceiling of {1 + found.corridor:g}"),
         f"{len(found.on_ceiling):,}"),
        *((say(f"变动超过 {m.share:.0%}", f"beyond {m.share:.0%}"),
           say(f"下降 {m.falls:,}，上升 {m.rises:,}；同尺度共 {m.rescaled:,}",
               f"{m.falls:,} falls, {m.rises:,} rises; on one scale {m.rescaled:,}"))
          for m in found.moves),
        *((say(f"权重倒挂 {name}", f"severity inversions {name}"),
           say(f"{len(order.inversions):,} / {order.pairs:,} 对",
               f"{len(order.inversions):,} of {order.pairs:,} pairs"))
          for name, order in ((found.a, found.order_a), (found.b, found.order_b))),
    ]  # fmt: skip
    text = [f"{say('权重表对比', 'Weight tables')}  {found.a} / {found.b}", "",
            table((say("指标", "measure"), say("值", "value")), lines)]  # fmt: skip
    far = found.largest(_MOST)
    moved = [
        (str(drg), f"{own:.4f}", f"{other:.4f}", f"{ratio - 1:+.1%}")
        for drg, own, other, ratio in zip(far["drg"], far["a"], far["b"], far["ratio"], strict=True)
    ]
    if moved:
        head = (say("变动最大的病组", "largest moves"), found.a, found.b, say("变动", "change"))
        text += ["", table(head, moved, right=(1, 2, 3))]
    if found.order_a.inversions:
        text += ["", say(f"{found.a} 的倒挂", f"Inversions of {found.a}"),
                 *(f"  {line}" for line in inverted(found.order_a))]  # fmt: skip
    for name, groups in ((found.a, found.only_a), (found.b, found.only_b)):
        if groups:
            text.append(f"{say(f'仅在 {name}', f'only in {name}')}: {named(groups)}")
    return "\n".join(text)


def _weighting(found: Comparison, lang: str) -> str:
    """Whose cases weigh, in words."""
    if found.weighting == "plain":
        return "每组等权" if lang == "zh" else "every group once"
    return found.weighting
