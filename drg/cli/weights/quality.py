"""``drg weights quality``: how good groups and weights are, on the cases they are to pay."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import Lang, MappingFile, Sheet
from drg.language import say
from drg.terminal import fit, plain, table

if TYPE_CHECKING:
    from weights.quality.compare import Order
    from weights.quality.report import Quality, Some

_MOST = 10
_NAMED = 12
Say = Callable[[str, str], str]


def quality(
    file: Annotated[
        Path,
        typer.Argument(help=say(
            "已分组病例（drg、total_cost、hospital_id），或含例数的汇总表。",
            "Grouped cases (drg, total_cost, hospital_id), or totals with cases.")),
    ],
    weights: Annotated[
        str | None,
        typer.Option("--weights", help=say("权重表，或已公布权重表的编号。",
                                           "Weight table, or the id of a published one.")),
    ] = None,
    trim: Annotated[
        str,
        typer.Option("--trim", help=say("修剪方法：ratio、log3sd、iqr、none 等。",
                                        "Method of trimming: ratio, log3sd, iqr, none, ...")),
    ] = "ratio",
    previous: Annotated[
        str | None,
        typer.Option("--previous", help=say("上年权重：文件或编号。",
                                            "Last year's weights: a file or an id.")),
    ] = None,
    families: Annotated[
        Path | None,
        typer.Option("--families", help=say("列为 drg、adrg、severity 的表。",
                                            "Table drg, adrg, severity.")),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say("每个病组一行的表：.csv、.csv.gz 或 .xlsx。",
                                       "One row a group, as .csv, .csv.gz or .xlsx.")),
    ] = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Judge weights by cases: explained variance, CV, stability, severity order, compression."""
    from drg.progress import Progress
    from drg.tables import check_outputs
    from weights.cases.intake import observe_file
    from weights.quality.groups import check_ending, rows, write
    from weights.quality.report import assess
    from weights.table import open_weights
    from weights.table.families import read_families
    from weights.trim import method

    lang = lang or "zh"
    check_ending(out)
    check_outputs((out,), (file, weights, previous, families, mapping))
    how = method(trim)
    table = None if weights is None else open_weights(weights)
    before = None if previous is None else open_weights(previous)
    known = None if families is None else read_families(families)
    with Progress(say(f"读取 {file.name}", f"reading {file.name}")) as shown:
        observed = observe_file(file, mapping=mapping, sheet=sheet, progress=shown.advance)
    found = assess(observed, table, trim=how, families=known, previous=before)
    typer.echo(summary(found, file.name, lang))
    left = observed.intake.rows - len(observed)
    if left:
        reasons = ", ".join(f"{name} {n:,}" for name, n in observed.intake.excluded_rows.items())
        typer.echo(f"{_say(lang)('未使用的行', 'rows not used')}: {left:,} ({reasons})", err=True)
    for name, said in found.warnings.items():
        typer.echo(f"{_say(lang)('警告', 'warning')} {name}: {_say(lang)(*said)}", err=True)
    if out is not None:
        write(out, rows(found.by_group))
        typer.echo(str(out), err=True)


def summary(found: Quality, title: str, lang: str) -> str:
    """The assessment as text tables for a terminal."""
    say = _say(lang)
    head = f"{say('权重质量评价', 'Quality of weights')}  {plain(title)}  {found.table}".rstrip()
    parts = [
        [head], _spread(found, say), _benchmarks(found, say), _worst(found, say),
        _orders(found, say), _stability(found, say), _compression(found, say),
        _coverage(found, say), _influence(found, say), _missing(found, say),
    ]  # fmt: skip
    return "\n\n".join("\n".join(part) for part in parts if part)


def _say(lang: str) -> Say:
    return lambda zh, en: zh if lang == "zh" else en


def _spread(found: Quality, say: Say) -> list[str]:
    held = [found.untrimmed, *([found.trimmed] if found.trimmed else [])]
    head = ["", say("未修剪", "untrimmed")]
    if found.trimmed:
        head.append(say(f"修剪后 {found.trim}", f"trimmed {found.trim}"))
    lines = [
        (say("病例数", "cases"), [f"{s.cases:,.0f}" for s in held]),
        (say("组间变异解释度 R2 (RIV)", "R2 of cost by groups (RIV)"), [_r2(s.r2) for s in held]),
        (say("权重对费用的 R2", "R2 of cost by weights"), [_r2(s.r2_weights) for s in held]),
        (say("最佳单一费率 元/权重", "best single rate, yuan a weight"),
         ["-" if s.rate is None else f"{s.rate:,.2f}" for s in held]),
        (say("CV<1 的病组占比", "groups with CV < 1"),
         [_part(s.share_groups, f"{s.below_one:,}/{s.judged:,}") for s in held]),
        (say("CV<1 病组的病例占比", "cases in groups with CV < 1"),
         [_part(s.share_cases) for s in held]),
        (say("CV 中位数", "median CV"), [_r2(s.median_cv) for s in held]),
    ]  # fmt: skip
    return [table(head, [(name, *cells) for name, cells in lines], right=(1, 2))]


def _r2(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _part(share: float | None, of: str = "") -> str:
    return "-" if share is None else f"{share:.1%}" + (f" ({of})" if of else "")


def _benchmarks(found: Quality, say: Say) -> list[str]:
    from weights.quality.report import BENCHMARKS

    trimmed = found.trimmed.r2 if found.trimmed else None
    rows = [(say("本数据", "these data"), _r2(found.untrimmed.r2), _r2(trimmed))]
    rows += [
        (b.system, "-" if b.untrimmed is None else f"{b.untrimmed:.2f}",
         "-" if b.trimmed is None else f"{b.trimmed:.2f}")
        for b in BENCHMARKS
    ]  # fmt: skip
    head = (say("费用 R2 对照", "R2 of cost, published"), say("未修剪", "untrimmed"),
            say("修剪后", "trimmed"))  # fmt: skip
    return [table(head, rows, right=(1, 2))]


def _worst(found: Quality, say: Say) -> list[str]:
    from weights.quality.groups import SMALLEST

    worst = (found.trimmed or found.untrimmed).worst
    rows = [(fit(plain(code), 30), f"{n:,.0f}", f"{cv:.2f}")
            for code, n, cv in worst if n >= SMALLEST]  # fmt: skip
    head = (say("CV 最大的病组", "largest CV"), say("病例数", "cases"), "CV")
    return [table(head, rows, right=(1, 2))] if rows else []


def _orders(found: Quality, say: Say) -> list[str]:
    raw, own = found.raw_order, found.order
    if not raw.pairs and not (own and own.pairs):
        return []
    small = _small(found)
    lines = [
        say(
            f"权重倒挂：病组均费 {len(raw.inversions):,} / {raw.pairs:,} 对",
            f"Severity inversions: raw means {len(raw.inversions):,} of {raw.pairs:,} pairs",
        )
    ]
    if own is not None:
        wrong = len(own.inversions)
        lines[0] += say(f"，权重表 {wrong:,} / {own.pairs:,} 对",
                        f", weight table {wrong:,} of {own.pairs:,} pairs")  # fmt: skip
        lines += [f"  {line}" for line in inverted(own)]
    else:
        lines += [f"  {line}" for line in inverted(raw, small)]
    return lines


def inverted(order: Order, small: Collection[str] = ()) -> list[str]:
    """Pairs in the wrong order in words, without the numbers of small groups."""
    from weights.quality.groups import HIDDEN

    def shown(code: str, weight: float) -> str:
        return f"{plain(code)} {HIDDEN if code in small else f'{weight:.4f}'}"

    lines = [
        f"{shown(pair.graver, pair.graver_weight)} < {shown(pair.lighter, pair.lighter_weight)}"
        for pair in order.inversions[:_MOST]
    ]
    more = len(order.inversions) - _MOST
    return [*lines, f"... +{more:,}"] if more > 0 else lines


def _small(found: Quality) -> set[str]:
    """Groups whose numbers may not be shown."""
    from weights.quality.groups import hidden

    frame = found.by_group
    few = hidden(frame["cases"].to_numpy(float)) | hidden(frame["cases_used"].to_numpy(float))
    return {str(drg) for drg, is_few in zip(frame["drg"], few, strict=True) if is_few}


def _stability(found: Quality, say: Say) -> list[str]:
    from weights.quality.report import STABLE

    held = found.stability
    if held is None:
        return []
    low, high = STABLE
    lines = [say(
        f"与上期 {held.b} 的稳定性：对数权重之比标准差 {_r2(held.sd_log)}，"
        f"按病例加权 {_r2(held.sd_log_weighted)}（已公布体系逐年 {low} 至 {high}）",
        f"Stability against {held.b}: SD of log weight ratios {_r2(held.sd_log)}, by cases "
        f"{_r2(held.sd_log_weighted)} (published systems, year to year: {low} to {high})",
    )]  # fmt: skip
    return lines + [
        say(f"  变动超过 {m.share:.0%}：下降 {m.falls:,}，上升 {m.rises:,}；"
            f"同一尺度下共 {m.rescaled:,}；两表共 {held.both:,} 组",
            f"  beyond {m.share:.0%}: {m.falls:,} falls, {m.rises:,} rises; on one scale "
            f"{m.rescaled:,}, of {held.both:,} groups")
        for m in held.moves
    ]  # fmt: skip


def _compression(found: Quality, say: Say) -> list[str]:
    if found.compression is None:
        return []
    to = (say("上期权重", "the previous weights") if found.reference == "previous"
          else say("病组均费", "the groups' raw means"))  # fmt: skip
    shown = []
    for slope in (found.compression, found.compression_weighted):
        if slope is not None:
            se = "" if slope.se is None else f" (SE {slope.se:.3f})"
            shown.append(f"{slope.slope:.3f}{se}")
    text = say(f"权重压缩：对数权重对{to}对数的斜率 {shown[0]}",
               f"Compression: slope of log weight on log of {to} {shown[0]}")  # fmt: skip
    if len(shown) > 1:
        text += say(f"，按病例加权 {shown[1]}", f", by cases {shown[1]}")
    return [text + say("；小于 1 为压缩", "; below 1 is compressed")]


def _coverage(found: Quality, say: Say) -> list[str]:
    lines = [
        (say(f"病例不足 {found.minimum:g} 例的病组", f"groups below {found.minimum:g} cases"),
         found.below_minimum),
        (say("无病例的病组", "groups without cases"), found.without_cases),
        (say("有病例而无权重的病组", "groups with cases but no weight"), found.without_weight),
        (say("有权重而无病例的病组", "weights without cases"), found.weights_without_cases),
    ]  # fmt: skip
    return [f"{name}: {_some(some, say)}" for name, some in lines if some.groups]


def _some(some: Some, say: Say) -> str:
    from weights.quality.groups import HIDDEN, SMALLEST

    text = f"{len(some.groups):,}"
    if 0 < some.cases < SMALLEST:
        text += say(f"，{HIDDEN} 例", f", {HIDDEN} cases")
    elif some.cases:
        text += say(f"，{some.cases:,.0f} 例，{some.cost:,.2f} 元",
                    f", {some.cases:,.0f} cases, {some.cost:,.2f} yuan")  # fmt: skip
    return f"{text}: {named(some.groups)}"


def named(groups: Sequence[str]) -> str:
    """Codes for a terminal, cut to a dozen."""
    more = f" ... +{len(groups) - _NAMED:,}" if len(groups) > _NAMED else ""
    return ", ".join(plain(code) for code in groups[:_NAMED]) + more


def _influence(found: Quality, say: Say) -> list[str]:
    from weights.quality.groups import SMALLEST

    held = found.influence
    if held is None:
        return []
    codes = found.groups
    order = sorted((h for h in range(len(held.hospitals)) if held.hospital_cases[h] >= SMALLEST),
                   key=lambda h: (-held.mean_change[h], held.hospitals[h]))  # fmt: skip
    rows = [
        (fit(plain(held.hospitals[h]), 30), f"{held.hospital_cases[h]:,.0f}",
         _signed(held.mean_change[h]).lstrip("+"), _signed(held.largest_change[h]),
         plain(codes[held.largest_group[h]]) if held.largest_group[h] >= 0 else "-",
         f"{held.alone[h]:,}")
        for h in order[:_MOST]
    ]  # fmt: skip
    head = (say("剔除一家医疗机构", "without one hospital"), say("病例数", "cases"),
            say("平均变动", "mean change"), say("最大变动", "largest"), say("病组", "group"),
            say("独有病组", "its own groups"))  # fmt: skip
    lines = [table(head, rows, right=(1, 2, 3, 5))] if rows else []
    more = sum(n >= SMALLEST for n in held.hospital_cases) - _MOST
    lines += [f"... +{more:,}"] if more > 0 else []
    for name, places in (
        (say("单家使权重变动超过 10% 的病组", "groups whose weight one hospital moves by over 10%"),
         held.moved),
        (say("单家病例过半的病组", "groups with over half of the cases in one hospital"),
         held.dominated),
    ):  # fmt: skip
        lines.append(f"{name}: {len(places):,}: {named([codes[g] for g in places])}".rstrip(": "))
    return lines


def _signed(value: float) -> str:
    return "-" if value != value else f"{value:+.1%}"


def _missing(found: Quality, say: Say) -> list[str]:
    names = {
        "r2": ("组间变异解释度", "R2 of cost by groups"),
        "r2_weights": ("权重 R2", "R2 of cost by weights"),
        "trimmed": ("修剪后指标", "figures after trimming"),
        "cv": ("CV", "CV"),
        "stability": ("与上期的稳定性", "stability"),
        "compression": ("权重压缩", "compression"),
        "order": ("权重倒挂", "severity order"),
        "influence": ("单家医疗机构影响", "influence of hospitals"),
    }
    return [f"{say('无法得出', 'not to be had')}: {say(*names[key])}: {say(*why)}"
            for key, why in found.missing.items()]  # fmt: skip
