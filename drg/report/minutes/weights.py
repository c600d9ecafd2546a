"""Final weights (最终权重): draft, asked, decided, final, and what groups are paid by them."""

from __future__ import annotations

import pandas as pd

from drg.page.blocks import Block, Cell, Chart, Column, Section, Table, Text
from drg.page.small_cells import beside, told
from drg.page.words import clean, fixed
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import MinutesWords
from drg.report.panel.charts import ranked_bars

_BARS, _ENDS = 30, 10


def weight_section(data: Minutes, words: MinutesWords) -> Section:
    """The weights of all groups that were spoken of; of all others in the workbook."""
    closed = data.state.closed is not None
    title = (
        words("最终权重", "Final weights") if closed else words("权重（未定案）", "Weights so far")
    )
    frame = data.groups
    spoken = frame[frame["drg"].isin(data.spoken)]
    others = frame[~frame["drg"].isin(data.spoken)]
    moved = int((others["weight_change_share"].abs() > 1e-6).sum())
    blocks: list[Block] = []
    if len(spoken):
        blocks += [*_chart(data, spoken, words), _table(data, spoken, "weights", title, words)]
    blocks.append(Text(_others(data, len(others), moved, words)))
    whole = words("全部病组的权重与支付", "Weights and payment of all groups")
    blocks.append(_table(data, frame, "weights-all", whole, words))
    return Section("weights", title, blocks)


def _others(data: Minutes, count: int, moved: int, words: MinutesWords) -> str:
    if not moved:
        return words(
            f"其余 {count:,} 个病组的权重不变。", f"The other {count:,} groups keep theirs."
        )
    if data.offer is None:
        return words(
            f"未决定调整的病组权重统一乘以 {data.scale:.6f}，其中未提出申请的 {count:,} 个"
            "见工作簿。",
            f"Weights on which nothing was decided are multiplied by {data.scale:.6f}; the "
            f"workbook has the {count:,} groups that nobody spoke of.",
        )
    return words(
        f"未提出申请的病组中 {moved:,} 个随采纳的方案调整，见工作簿。",
        f"Of the other groups {moved:,} move with the accepted offer; the workbook has them.",
    )


def _chart(data: Minutes, spoken: pd.DataFrame, words: MinutesWords) -> list[Chart]:
    """Change of the weights that were spoken of, ranked."""
    held = spoken.sort_values("weight_change_share", ascending=False)
    if len(held) > _BARS:
        held = pd.concat([held.head(_BARS // 2), held.tail(_BARS // 2)])
    items = []
    for drg, old, new, share in zip(held["drg"], held["weight_before"], held["weight_after"],
                                    held["weight_change_share"], strict=True):  # fmt: skip
        said = f"{words.percent(float(share), signed=True)} ({old:.4f} → {new:.4f})"
        items.append((f"{clean(drg)} {data.group(str(drg))}".strip(), 100 * float(share), said))
    title = words("权重较草案的变化", "Change of weights against the draft")
    about = words("；", "; ").join(f"{name} {text}" for name, _, text in items)
    svg = ranked_bars("weights", title, about, items, "%",
                      (words("上调", "up"), words("下调", "down")))  # fmt: skip
    return [Chart("weights", title, about, svg)]


def _table(
    data: Minutes, frame: pd.DataFrame, key: str, caption: str, words: MinutesWords
) -> Table:
    on_page = key == "weights"
    asked: dict[str, list[float]] = {}
    for ask in data.state.open.values():
        asked.setdefault(ask.drg, []).append(ask.asked)
    decided: dict[str, list[float]] = {}
    for decision in data.decided().values():
        decided.setdefault(decision.drg, []).append(decision.weight)
    columns = [
        Column(words("病组", "Group")), Column(words("名称", "Name"), "name"),
        Column(words("草案", "Draft"), "value"), Column(words("申请", "Asked"), "value"),
        Column(words("决定", "Decided"), "value"), Column(words("最终", "Final"), "value"),
        Column(words("变化", "Change"), "change"), Column(words("病例", "Cases"), "count"),
        Column(words("应付变化", "Payable change"), "gain"),
    ]  # fmt: skip
    if not on_page:
        columns[8:8] = [Column(words("原应付", "Payable before"), "money"),
                        Column(words("现应付", "Payable after"), "money")]  # fmt: skip
    rows: list[list[Cell]] = []
    for one in frame.to_dict("records"):
        drg, secret = str(one["drg"]), bool(one["hidden"])
        money = [one["payable_change"]]
        if not on_page:
            money = [one["payable_before"], one["payable_after"], *money]
        rows.append([
            clean(drg), data.group(drg), one["weight_before"], _several(asked.get(drg)),
            _several(decided.get(drg)), one["weight_after"], one["weight_change_share"],
            told(float(one["cases"]), secret), *(beside(x, secret) for x in money),
        ])  # fmt: skip
    note = words(
        "多项申请或决定时逐一列出。", "Where there are several asks or decisions, all are listed."
    )
    return Table(key, caption, columns, rows, note=note if on_page else "", on_page=on_page)


def _several(weights: list[float] | None) -> Cell:
    """One weight as a number, several as a text."""
    if not weights or len(weights) == 1:
        return weights[0] if weights else None
    return " / ".join(fixed(one, 4) for one in weights)
