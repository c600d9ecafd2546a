"""Two weight tables side by side (权重表对比), as text for a terminal and as a workbook."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from drg.page.blocks import Column, Report, Section, Table, table
from drg.page.words import Words, clean
from weights.quality.compare import GIVEN, PLAIN, Comparison, Order, Slope
from weights.quality.groups import HIDDEN, comparison_rows
from weights.table import WeightTable
from weights.table.model import names_of

MEASURE = (Column("key", "指标", "Measure"), Column("text", "结果", "Result", "long"))
DRG, NAME = Column("drg", "病组编码", "Group", "code"), Column("name", "病组名称", "Name", "name")
CASES, FLAGS = (
    Column("cases", "病例数", "Cases", "cases"),
    Column("flags", "提示", "Remarks", "long"),
)
_MOST, _NAMED = 15, 12


def comparison_report(a: WeightTable, b: WeightTable, found: Comparison, words: Words) -> Report:
    """The measures, the largest moves and the pairs in the wrong order, and every group."""
    title = words(
        f"权重表对比：{found.a} 与 {found.b}（参照）", f"Weight tables: {found.a} / {found.b}"
    )
    names = {**names_of(b), **names_of(a)}
    frame = comparison_rows(found)
    frame["name"] = [names.get(str(drg), "") for drg in frame["drg"]]
    frame["a"], frame["b"] = (frame["drg"].map(one.by_group()) for one in (a, b))
    frame["change"] = pd.to_numeric(frame["ratio"]) - 1
    frame["flags"] = [remarks(text, words) for text in frame["flags"]]
    order = {drg: place for place, drg in enumerate(found.largest(_MOST)["drg"])}
    far = frame[frame["drg"].isin(list(order))].sort_values("drg", key=lambda s: s.map(order))
    columns = [
        DRG,
        NAME,
        Column("a", found.a, found.a, "weight"),
        Column("b", found.b, found.b, "weight"),
        Column("change", "变动", "Change", "change"),
        Column("ratio", "权重之比", "Ratio", "ratio"),
        Column("rescaled", "同尺度之比", "Ratio on one scale", "ratio"),
        CASES,
        FLAGS,
    ]
    return Report(title, "", [
        Section("summary", words("概况", "Summary"), [
            table("measures", title, MEASURE, _measures(found, words)),
            Table("largest", words("变动最大的病组", "Largest moves"), columns[:5], far),
            inversions(found.order_a, names,
                       words(f"{found.a} 的权重倒挂", f"Inversions of {found.a}")),
        ]),
        Section("groups", words("病组", "Groups"), [
            Table("groups", words("病组权重", "Weights of groups"),
                  [one for one in columns if one.field in frame], frame, where="book",
                  note=words(f"{HIDDEN} 为保护个人信息而不公布。", f"{HIDDEN} is not told."))]),
    ], contents=False)  # fmt: skip


def _measures(found: Comparison, words: Words) -> list[tuple[str, str]]:
    whose = clean(found.weighting)
    told = {PLAIN: "每组等权", GIVEN: "所给病例数"}
    whose = words(told.get(whose, f"{whose.removeprefix('cases of ')} 的病例数"),
                  "every group once" if whose == PLAIN else whose)  # fmt: skip
    weighted = words(f"，按{whose}加权", f", by {whose}")
    floor, ceiling = f"{1 - found.corridor:g}", f"{1 + found.corridor:g}"
    sd = words("权重之比的对数标准差", "SD of log ratio")
    mape = words("平均绝对百分比误差（MAPE，同尺度）", "MAPE on one scale")
    lines = [
        (words("两表均有权重的病组", "groups with a weight in both"), f"{found.both:,}"),
        *((words(f"仅在 {name}", f"only in {name}"), named(groups, words))
          for name, groups in ((found.a, found.only_a), (found.b, found.only_b))),
        (words("同尺度换算系数", "factor to one scale") + words(f"（{whose}）", f" ({whose})"),
         f"{found.scale:.6g}"),
        (words("皮尔逊相关（Pearson）", "Pearson"), number(found.pearson)),
        (words("秩相关（Spearman）", "Spearman"), number(found.spearman)),
        (mape, number(found.mape, ".2%")), (mape + weighted, number(found.mape_weighted, ".2%")),
        (sd, number(found.sd_log)), (sd + weighted, number(found.sd_log_weighted)),
        (words("对数斜率", "slope of logs"), slope_text(found.slope)),
        (words("最小比值", "smallest ratio"), f"{found.lowest:.5f}"),
        (words("恰在下限 ", "on the floor of ") + floor, f"{len(found.on_floor):,}"),
        (words("恰在上限 ", "on the ceiling of ") + ceiling, f"{len(found.on_ceiling):,}"),
        *((words(f"变动超过 {m.share:.0%}", f"beyond {m.share:.0%}"),
           words(f"下降 {m.falls:,}，上升 {m.rises:,}；同尺度共 {m.rescaled:,}",
                 f"{m.falls:,} falls, {m.rises:,} rises; on one scale {m.rescaled:,}"))
          for m in found.moves),
        *((words(f"权重倒挂 {name}", f"severity inversions {name}"), pairs(order, words))
          for name, order in ((found.a, found.order_a), (found.b, found.order_b))),
    ]  # fmt: skip
    return [line for line in lines if line[1]]


def inversions(
    order: Order, names: Mapping[str, str], caption: str, small: Collection[str] = ()
) -> Table:
    """Pairs in the wrong order, without the numbers of small groups."""
    columns = [
        Column(field + side, zh + what_zh, f"{en} {what}", kind)
        for side, zh, en in (("1", "较重", "graver"), ("2", "较轻", "lighter"))
        for field, what_zh, what, kind in (("drg", "病组", "group", "code"), (
            "name", "名称", "name", "name"), ("weight", "权重", "weight", "weight"))
    ]  # fmt: skip
    rows = [
        [cell for code, weight in ((one.graver, one.graver_weight),
                                   (one.lighter, one.lighter_weight))
         for cell in (code, names.get(code, ""), HIDDEN if code in small else weight)]
        for one in order.inversions
    ]  # fmt: skip
    return table("inversions", caption, columns, rows, ends=(10, 0))


def remarks(text: str, words: Words) -> str:
    """Remarks of both languages, as the files have them, in one."""
    parts = [part.rpartition(" ") for part in text.split("; ") if part]
    said = [words(zh, zh.replace("仅在", "only in") if en == "only" else en.replace("_", " "))
            for zh, _, en in parts]  # fmt: skip
    return words("；", "; ").join(said)


def named(groups: Sequence[str], words: Words) -> str:
    """A number of groups with their codes, cut to a dozen."""
    more = f" … +{len(groups) - _NAMED:,}" if len(groups) > _NAMED else ""
    codes = words.joined(groups[:_NAMED]) + more
    return f"{len(groups):,}" + (words("：", ": ") + codes if groups else "")


def number(value: float | None, shape: str = ".4f") -> str:
    """A number of one shape; empty when there is none."""
    return "" if value is None else format(value, shape)


def slope_text(line: Slope | None) -> str:
    """A slope with its standard error; empty when there is none."""
    if line is None:
        return ""
    return f"{line.slope:.4f}" + ("" if line.se is None else f" (SE {line.se:.4f})")


def pairs(order: Order, words: Words) -> str:
    """Inversions among the pairs compared."""
    wrong = f"{len(order.inversions):,}"
    return words(f"{wrong} / {order.pairs:,} 对", f"{wrong} of {order.pairs:,} pairs")
