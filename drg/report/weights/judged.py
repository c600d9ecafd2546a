"""Quality of weights (权重质量评价) as text for a terminal and as a workbook."""

from __future__ import annotations

from drg.cases.privacy import FEWEST
from drg.page.blocks import Column, Report, Section, Table, table
from drg.page.small_cells import few
from drg.page.words import Words
from drg.report.weights.compared import (
    CASES,
    DRG,
    FLAGS,
    MEASURE,
    NAME,
    inversions,
    named,
    number,
    pairs,
    remarks,
    slope_text,
)
from weights.quality.groups import HIDDEN, hidden, rows
from weights.quality.report import BENCHMARKS, STABLE, Quality, Some

_WHAT = {
    "r2": ("组间变异解释度", "R2 of cost by groups"),
    "r2_weights": ("权重 R2", "R2 of cost by weights"),
    "trimmed": ("修剪后指标", "figures after trimming"), "cv": ("变异系数", "CV"),
    "stability": ("与上期的稳定性", "stability"), "compression": ("权重压缩", "compression"),
    "order": ("权重倒挂", "severity order"),
    "influence": ("单家医疗机构影响", "influence of hospitals"),
}  # fmt: skip


def weight_report(found: Quality, file: str, words: Words) -> Report:
    """The measures of groups and weights, what each hospital does, and every group.

    Args:
        found: the assessment.
        file: name of the cases' file.
        words: the language.
    """
    frame = rows(found.by_group)
    frame["flags"] = [remarks(text, words) for text in frame["flags"]]
    frame["name"] = names = found.by_group["name"]
    of = dict(zip(found.by_group["drg"], names, strict=True))
    title = words(f"权重质量评价：{file}", f"Quality of weights: {file}")
    weight = Column("weight", "权重", "Weight", "weight")
    spread = Column("cv", "变异系数", "CV", "index")
    columns = [
        DRG, NAME, weight, Column("raw_weight", "均费权重", "Weight by mean cost", "weight"),
        Column("previous_weight", "上期权重", "Previous weight", "weight"), CASES,
        Column("mean_cost", "次均费用", "Mean cost", "yuan"), spread,
        Column("largest_share", "最大医院占比", "Share of one hospital", "share"),
        Column("without_hospital", "剔除单家后变动", "Without one hospital", "change"), FLAGS,
    ]  # fmt: skip
    shown = [column for column in columns if column.field in frame]
    note = words(
        f"{HIDDEN} 及相关占比、变动为保护个人信息而不公布。", f"{HIDDEN} protects persons."
    )
    return Report(title, "", [
        Section("summary", words("概况", "Summary"), [
            _spread(found, title, words), table("measures", words("主要指标", "Measures"), MEASURE,
                                                _measures(found, words)),
            _benchmarks(found, words)]),
        Section("order", words("权重倒挂与变异系数", "Order and CV"), [
            inversions(found.order or found.raw_order, of, words("权重倒挂", "Inversions"),
                       () if found.order else _small(found)),
            table("worst", words("变异系数最大的病组", "Largest CV"), [DRG, NAME, CASES, spread],
                  [(drg, of.get(drg, ""), n, cv) for drg, n, cv
                   in (found.trimmed or found.untrimmed).worst if n >= FEWEST])]),
        Section("influence", words("单家医疗机构影响", "Influence of hospitals"),
                [_influence(found, of, words)]),
        Section("groups", words("病组", "Groups"), [
            Table("groups", words("病组质量", "Quality of groups"), shown, frame, where="book",
                  note=note)]),
    ], contents=False)  # fmt: skip


def _spread(found: Quality, title: str, words: Words) -> Table:
    held = [found.untrimmed, *([found.trimmed] if found.trimmed else [])]
    columns = [MEASURE[0], Column("all", "未修剪", "untrimmed", "plain"), Column(
        "trimmed", f"修剪后（{found.trim}）", f"trimmed ({found.trim})", "plain")]  # fmt: skip

    def share(value: float | None, of: str = "") -> str:
        return "—" if value is None else f"{value:.1%}" + (f" ({of})" if of else "")

    lines = [
        (words("病例数", "cases"), [f"{s.cases:,.0f}" for s in held]),
        (words("组间变异解释度 R2（RIV）", "R2 of cost by groups (RIV)"),
         [number(s.r2, ".3f") for s in held]),
        (words("权重对费用的 R2", "R2 of cost by weights"),
         [number(s.r2_weights, ".3f") for s in held]),
        (words("最佳单一费率（元/权重）", "best single rate, yuan a weight"),
         [number(s.rate, ",.2f") for s in held]),
        (words("变异系数小于 1 的病组占比", "groups with CV < 1"),
         [share(s.share_groups, f"{s.below_one:,}/{s.judged:,}") for s in held]),
        (words("变异系数小于 1 的病组的病例占比", "cases in groups with CV < 1"),
         [share(s.share_cases) for s in held]),
        (words("变异系数中位数", "median CV"), [number(s.median_cv, ".3f") for s in held]),
    ]  # fmt: skip
    return table("spread", title, columns[: 1 + len(held)],
                 [(name, *(cell or "—" for cell in cells)) for name, cells in lines])  # fmt: skip


def _benchmarks(found: Quality, words: Words) -> Table:
    own = [found.untrimmed.r2, found.trimmed.r2 if found.trimmed else None]
    held = [(words("本数据", "these data"), *own)]
    held += BENCHMARKS
    return table("benchmarks", words("费用 R2 与已公布体系对照", "R2 of cost, published"), [
        Column("system", "体系", "System"), Column("untrimmed", "未修剪", "untrimmed", "ratio"),
        Column("trimmed", "修剪后", "trimmed", "ratio")], held)  # fmt: skip


def _measures(found: Quality, words: Words) -> list[tuple[str, str]]:
    """Order, stability, compression, coverage, concentration, and what cannot be had."""
    lines = [
        (
            words("权重倒挂：病组均费", "Severity inversions: raw means"),
            pairs(found.raw_order, words),
        )
    ]
    if found.order is not None:
        lines.append((words("权重倒挂：权重表", "Severity inversions: weight table"),
                      pairs(found.order, words)))  # fmt: skip
    if (held := found.stability) is not None:
        sd = words(f"与上期 {held.b} 权重之比的对数标准差", f"SD of log weight ratios to {held.b}")
        low, high = STABLE
        usual = words(f"（已公布体系逐年 {low} 至 {high}）", f" (elsewhere {low} to {high} a year)")
        lines += [
            (sd, number(held.sd_log, ".3f") + usual),
            (sd + words("，按病例加权", ", by cases"), number(held.sd_log_weighted, ".3f")),
            *((words(f"变动超过 {m.share:.0%} 的病组", f"groups beyond {m.share:.0%}"),
               words(f"下降 {m.falls:,}，上升 {m.rises:,}；同尺度共 {m.rescaled:,}",
                     f"{m.falls:,} falls, {m.rises:,} rises; on one scale {m.rescaled:,}")
               + words(f"；两表共 {held.both:,} 组", f", of {held.both:,} groups"))
              for m in held.moves),
        ]  # fmt: skip
    to = (words("上期权重", "the previous weights") if found.reference == "previous"
          else words("病组均费", "the groups' raw means"))  # fmt: skip
    slope = words(f"权重压缩：对数权重对{to}对数的斜率（小于 1 为压缩）",
                  f"Compression: slope of log weight on log of {to}")  # fmt: skip
    lines += [(slope, slope_text(found.compression)),
              (slope + words("，按病例加权", ", by cases"),
               slope_text(found.compression_weighted))]  # fmt: skip
    few = f"{found.minimum:g}"
    lines += [(name, _some(some, words)) for name, some in (
        (words(f"病例不足 {few} 例的病组", f"groups below {few} cases"), found.below_minimum),
        (words("无病例的病组", "groups without cases"), found.without_cases),
        (words("有病例而无权重的病组", "groups with cases but no weight"), found.without_weight),
        (words("有权重而无病例的病组", "weights without cases"), found.weights_without_cases),
    ) if some.groups]  # fmt: skip
    if (moved := found.influence) is not None:
        lines += [(name, named([found.groups[g] for g in places], words)) for name, places in (
            (words("单家使权重变动超过 10% 的病组", "groups that one hospital moves by over 10%"),
             moved.moved),
            (words("单家病例过半的病组", "groups with over half of the cases in one hospital"),
             moved.dominated))]  # fmt: skip
    lines += [(words("无法得出：", "not to be had: ") + words.of(_WHAT[key]), words.of(why))
              for key, why in found.missing.items()]  # fmt: skip
    return [line for line in lines if line[1]]


def _some(some: Some, words: Words) -> str:
    text = named(some.groups, words)
    if few(some.cases):
        return text + words(f"（{HIDDEN} 例）", f" ({HIDDEN} cases)")
    cost = words(f"（{some.cases:,.0f} 例，{some.cost:,.2f} 元）",
                 f" ({some.cases:,.0f} cases, {some.cost:,.2f} yuan)")  # fmt: skip
    return text + (cost if some.cases else "")


def _small(found: Quality) -> set[str]:
    """Groups whose numbers may not be shown."""
    frame = found.by_group
    few = hidden(frame["cases"].to_numpy(float)) | hidden(frame["cases_used"].to_numpy(float))
    return {str(drg) for drg, is_few in zip(frame["drg"], few, strict=True) if is_few}


def _influence(found: Quality, names: dict[str, str], words: Words) -> Table:
    held = found.influence
    columns = [
        Column("hospital", "剔除的医疗机构", "Without hospital", "name"), CASES,
        Column("mean", "平均变动", "Mean change", "share"),
        Column("largest", "最大变动", "Largest change", "change"), DRG, NAME,
        Column("alone", "独有病组", "Its own groups", "count"),
    ]  # fmt: skip
    lines = [] if held is None else [
        (held.hospitals[h], n, held.mean_change[h], held.largest_change[h],
         *((code := found.groups[g], names.get(code, "")) if g >= 0 else ("", "")),
         int(held.alone[h]))
        for h, (n, g) in enumerate(zip(held.hospital_cases, held.largest_group, strict=True))
        if n >= FEWEST
    ]  # fmt: skip
    lines.sort(key=lambda line: (-line[2], line[0]))
    caption = words("剔除一家医疗机构后的权重", "Weights without one hospital")
    return table("influence", caption, columns, lines, ends=(10, 0))
