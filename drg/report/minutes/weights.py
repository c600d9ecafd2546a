"""Final weights (最终权重): draft, asked, decided, final, why, and what groups are paid by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from drg.page.blocks import Cell, Chart, Pair, Section, Table, Text, table
from drg.page.words import Words, fixed
from drg.plots.charts import bars
from drg.report.minutes.data import AGAINST, OTHER, Minutes
from drg.report.minutes.words import STATES, columns

SHARE = "weight_change_share"
_FIELDS = ("drg name weight_before weight_asked weight_decided weight_after weight_change_share "
           "why cases {} payable_change")  # fmt: skip
_SAME, _BARS = "same", 30


def reasons(data: Minutes, words: Words) -> dict[str, str]:
    """Why a weight changes, by what became of the proposals for its group."""
    way = words("随预算中性变动", "moved by budget neutrality")
    waiting = words("申请未决定，", "asked, not decided, ") + way
    if data.offer is not None:
        way = words("随折中方案变动", "moved by the offer")
        waiting = words("申请由折中方案处理", "asked, settled by the offer")
    return {
        "accepted": words("申请通过", "asked and accepted"), "open": waiting,
        AGAINST: words("申请通过，但权重与所请方向相反", "accepted, moved the other way"),
        "refused": words("申请未通过，", "asked and turned down, ") + way,
        "withdrawn": words("申请撤回，", "asked and withdrawn, ") + way, OTHER: way,
        _SAME: words("未变动", "unchanged"),
    }  # fmt: skip


def weight_section(data: Minutes, words: Words) -> Section:
    """Groups that somebody asked for or that change, with why; all in the workbook."""
    held, why, moved = data.groups, reasons(data, words), data.groups["moved"]
    frame = held.assign(
        weight_asked=_listed(held, ((one.drg, one.asked) for one in data.state.open.values())),
        weight_decided=_listed(held, ((one.drg, one.weight) for one in data.decisions.values()
                                      if one.decided)),
        why=[why[one] for one in np.where(moved, held["why"], _SAME)],
    )  # fmt: skip
    counts: list[list[Cell]] = []
    for one in (*STATES, AGAINST, OTHER, ""):
        part = held[moved & (held["why"].eq(one) | (one == ""))]
        up, shares = int((part["weight_after"] > part["weight_before"]).sum()), part[SHARE]
        if len(part):
            counts.append([why.get(one, words("变动合计", "All that change")), len(part), up,
                           len(part) - up, shares.min(), shares.max()])  # fmt: skip
    title = (words("最终权重", "Final weights"), words("权重（未定案）", "Weights so far"))
    other = held["why"] == OTHER
    spoken = pd.concat([frame[~other], frame[other & moved]])
    ranks = frame[~other].sort_values(SHARE, ascending=False)
    items = [
        (data.named(drg), share, f"{words.share(share, 2, signed=True)} ({old:.4f} → {new:.4f})")
        for drg, old, new, share in zip(ranks["drg"], ranks["weight_before"],
                                        ranks["weight_after"], ranks[SHARE], strict=True)
    ]  # fmt: skip
    asked = words("有申请的病组", "Groups that were asked for")
    every = words("有申请或权重变动的病组", "Groups that were asked for or change")
    note = words("多项申请或决定时逐一列出；未通过即维持草案；未变动又无申请的病组见工作簿。",
                 "Turned down, the draft stays. The workbook has the groups that nobody asked for "
                 "and that stay.")  # fmt: skip
    return Section("weights", title[data.state.closed is None], [
        Text(factor(data, words)),
        table("weights-why", words("权重为何变动", "Why weights change"),
              columns("why groups up down low high"), counts, totals=min(len(counts), 1)),
        *ranked("weights", asked + words("：权重较草案的变化", ": change against the draft"), items,
                _BARS, (("上调", "up"), ("下调", "down")), "%", words),
        Table("weights", every, columns(_FIELDS.format("")), spoken, note=note, where="page"),
        Table("weights-all", words("全部病组的权重与支付", "Weights and payment of all groups"),
              columns(_FIELDS.format("payable_before payable_after")), frame, where="book"),
    ])  # fmt: skip


def factor(data: Minutes, words: Words) -> str:
    """What moves the groups that nobody asked for."""
    rest = data.groups[data.groups["why"] == OTHER]
    held = rest[rest["moved"]]
    count, shares = f"{len(held):,}", held[SHARE]
    if not len(held):
        return words("其余病组的权重不变。", "All other weights stay.")
    if data.offer is None:
        return words(f"其余 {count} 个病组无申请，仅因预算中性统一乘以 {data.scale:.6f}。",
                     f"The other {count} weights, which nobody asked for, are multiplied by "
                     f"{data.scale:.6f}, only to keep the budget neutral.")  # fmt: skip
    low, high = (words.share(float(one), 2, signed=True) for one in (shares.min(), shares.max()))
    return words(f"其余 {count} 个病组无申请，仅为预算中性等约束随折中方案变动 {low} 至 {high}。",
                 f"The other {count} weights, which nobody asked for, move with the offer by {low} "
                 f"to {high}, only to keep the budget neutral and its other demands.")  # fmt: skip


def _listed(groups: pd.DataFrame, pairs: Iterable[tuple[str, float]]) -> pd.Series[Any]:
    """For each group its weight as a number, several as a text."""
    found: dict[str, list[float]] = {}
    for drg, weight in pairs:
        found.setdefault(drg, []).append(weight)
    return groups["drg"].map({
        drg: held[0] if len(held) == 1 else " / ".join(fixed(one, 4) for one in held)
        for drg, held in found.items()
    }).astype(object)  # fmt: skip


def ranked(
    key: str, title: str, items: Sequence[tuple[str, float, str]], most: int,
    legend: tuple[Pair, Pair], unit: str, words: Words,
) -> list[Chart]:  # fmt: skip
    """A chart of ranked shares and what is said of them; of many the two ends, of none none."""
    if not any(share for _, share, _ in items):
        return []
    if len(items) > most:
        items = [*items[: most // 2], *items[-most // 2 :]]
        title += words(f"（两端各 {most // 2}）", f" ({most // 2} at each end)")
    drawn = bars([(name, [100 * share], [said]) for name, share, said in items],
                 [words.of(one) for one in legend], unit, words.lang, sides=True)  # fmt: skip
    about = words("；", "; ").join(f"{name} {said}" for name, _, said in items)
    return [Chart(key, title, about, drawn)]
