"""Offers (折中方案): side by side, and what each demand of the accepted one costs in yuan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drg.page.blocks import Block, Cell, Facts, Heading, Kept, Section, Text, table
from drg.page.words import Words, clean
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import OBJECTIVES, columns, safe

_SHOWN = 20
_STATUS = {"optimal": ("已求得最优解", "optimal")}


def offer_section(data: Minutes, words: Words) -> Section | None:
    """The offers of the round; None where the solver was not asked."""
    if not data.state.offers:
        return None
    rows: list[list[Cell]] = []
    for name, body in data.state.offers.items():
        held = [float(one) for one in body["satisfaction"].values()]
        key, loss = max(body["largest_loss"].items(), key=lambda pair: pair[1], default=("", 0.0))
        worst: list[Cell] = [float(loss), data.hospital(key)] if loss > 0 else [0.0, ""]
        rows.append([
            clean(name) + " ✓" * (name == data.state.accepted), body["objective"],
            sum(held) / len(held) if held else None, min(held, default=None),
            body["disagreement_yuan"], body["moved_yuan"], len(body["changes"]),
            *([Kept.BACK, Kept.BACK] if key in data.hidden else worst),
        ])  # fmt: skip
    note = words("✓ 为采纳的方案。满意度：100% 为申请全部满足，0 为维持草案，负值为比草案更远；"
                 "损失为占医疗机构 DRG 收入的比重。",
                 "✓ was accepted. Satisfaction: 100% met in full, 0 as in the draft, below 0 worse "
                 "than the draft; losses are shares of a hospital's DRG revenue.")  # fmt: skip
    return Section("offers", words("折中方案", "Offers"), [
        table("offers", words("方案对比", "Offers side by side"), columns(
            "offer aim mean least apart moved groups loss hospital"), rows, note=note),
        *(_accepted(data, data.offer, words) if data.offer is not None else []),
    ])  # fmt: skip


def _accepted(data: Minutes, body: Mapping[str, Any], words: Words) -> list[Block]:
    aim, status = words.of(OBJECTIVES[body["objective"]]), clean(body["status"])
    solved, gap = words.of(_STATUS.get(status, (status, status))), f"{body['gap']:.1e}"
    remarks = [[data.coded(one["zh" if words.zh else "en"])] for one in body.get("remarks", [])
               if not data.hides(one["zh"])]  # fmt: skip
    return [
        Heading(words("采纳的方案", "The accepted offer")), Facts([
            (words("采纳", "Accepted"), f"{clean(body['id'])}　{aim}"),
            (words("理由", "Reason"), safe(data.state.accept_reason) or "—"),
            (words("求解", "Solved"), words(
                f"{solved}，对偶间隙（与最优值差距的上限）{gap}",
                f"{solved}, duality gap (the most by which it is off the best) {gap}")),
        ]), _constraints(data, body, words),
        table("remarks", words("方案说明", "Remarks"), columns("note"), remarks, ends=(_SHOWN, 0)),
        table("solvers", words("求解程序", "Solved by"), columns("program"),
              [[one] for one in body.get("solvers", [])], where="book"),
    ]  # fmt: skip


def _constraints(data: Minutes, body: Mapping[str, Any], words: Words) -> Block:
    """Demands that bind or nearly do; those about a hospital of which no money is told, not."""
    found = [one for one in body.get("constraints", [])
             if not data.hides(str(one["text_zh"]))]  # fmt: skip
    if not found:
        return Text(words("没有起作用的约束。", "No demand binds."))
    lang = "zh" if words.zh else "en"
    unit = "yuan" if found[0].get("unit", "yuan") == "yuan" else "share"
    rows: list[list[Cell]] = []
    for one in found:
        text = str(one[f"text_{lang}"])
        told = data.about_hospital(text)[1] if one["kind"] == "loss" else text
        rows.append([data.coded(told), one["slack"], one["shadow_price"],
                     str(one[f"relax_{lang}"]), one["gain"]])  # fmt: skip
    note = words("影子价格：约束放宽一个单位，目标改善多少；放宽一步为实务中的最小放宽。",
                 "Shadow price: what the aim gains when a demand gives way by one unit; one step: "
                 "the least by which it would be relaxed in practice.")  # fmt: skip
    caption = words("起作用的约束与影子价格", "Demands that bind, and their shadow prices")
    heads = columns(f"demand slack price_{unit} step gain_{unit}")
    return table("constraints", caption, heads, rows, ends=(_SHOWN, 0), note=note)
