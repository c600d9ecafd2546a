"""What changed since the simulation (与模拟测算的差异): figures on record and final ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drg.page.blocks import Cell, Column, Kept, Section, Table
from drg.page.words import fixed
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import MinutesWords


def simulation_section(data: Minutes, words: MinutesWords) -> Section | None:
    """What changed since the first and the latest simulation on record; None without one."""
    if not data.state.impacts:
        return None
    times = [entry.at for entry in data.state.entries if entry.kind == "impact"]
    shown = [0] if len(data.state.impacts) == 1 else [0, len(data.state.impacts) - 1]
    held = [data.state.impacts[place]["summary"] for place in shown]
    heads = [words("首次模拟", "First simulation"), words("最近模拟", "Latest simulation")]
    if len(shown) == 1:
        heads = [words("模拟", "Simulation")]
    heads = [f"{head} {times[place][:10]}" if place < len(times) else head
             for head, place in zip(heads, shown, strict=False)]  # fmt: skip
    columns = [Column(words("指标", "Measure")), *map(Column, heads),
               Column(words("最终", "Final"))]  # fmt: skip
    measures = _measures(words)
    rows: list[list[Cell]] = [
        [label, *(_said(one, key, kind, words) for one in held),
         _said(data.figures, key, kind, words)]
        for key, label, kind in measures
    ]  # fmt: skip
    rows.append([
        words("清算支付减少占比最大", "Largest fall of what is paid"),
        *(_worst(data, one, words) for one in (*held, data.figures)),
    ])  # fmt: skip
    caption = words("与模拟测算的比较", "Against the simulation")
    return Section("simulation", words("与模拟测算的差异", "What changed since the simulation"), [
        Table("simulation", caption, columns, rows),
    ])  # fmt: skip


def _measures(words: MinutesWords) -> list[tuple[str, str, str]]:
    return [
        ("weights_changed", words("权重改变的病组", "Groups that change"), "whole"),
        ("payable_after", words("DRG 应付", "Payable by DRG"), "money"),
        ("final_after", words("清算支付", "Paid"), "money"),
        ("final_change", words("清算支付变化", "Change of what is paid"), "gain"),
        ("moved", words("医疗机构之间转移", "Moved between hospitals"), "money"),
        ("hospitals_gaining", words("增加收入的医疗机构", "Hospitals that gain"), "whole"),
        ("hospitals_losing", words("减少收入的医疗机构", "Hospitals that lose"), "whole"),
        ("case_mix_index_after", "CMI", "weight"),
        ("payment_per_case_after", words("次均支付（元）", "Paid a case (yuan)"), "yuan"),
        ("average_cost", words("次均费用（元）", "Mean cost (yuan)"), "yuan"),
        ("inversions_after", words("权重倒挂", "Pairs out of order"), "whole"),
    ]  # fmt: skip


def _said(held: Mapping[str, Any], key: str, kind: str, words: MinutesWords) -> str:
    value = held.get(key)
    if not isinstance(value, int | float):
        return "—"
    if kind in ("money", "gain"):
        return words.money(float(value), signed=kind == "gain")
    return f"{value:,}" if kind == "whole" else fixed(value, 4 if kind == "weight" else 2)


def _worst(data: Minutes, held: Mapping[str, Any], words: MinutesWords) -> Cell:
    worst = held.get("largest_loss")
    if not worst:
        return words("无", "none")
    if str(worst["hospital_id"]) in data.hidden:
        return Kept.BACK
    name = data.hospital(str(worst["hospital_id"]))
    return f"{name} {words.percent(float(worst['share']), signed=True)}"
