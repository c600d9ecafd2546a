"""Offers (折中方案): side by side, and what each demand of the accepted one costs in yuan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drg.page.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Heading,
    Points,
    Section,
    Table,
    Text,
)
from drg.page.small_cells import beside
from drg.page.words import clean
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import OBJECTIVES, MinutesWords

_SHOWN = 20


def offer_section(data: Minutes, words: MinutesWords) -> Section | None:
    """The offers of the round; None where the solver was not asked."""
    if not data.state.offers:
        return None
    blocks: list[Block] = [
        Text(words(
            "满意度：100% 为申请全部满足，0 为维持草案，负值为比草案更远。对偶间隙为方案与最优值"
            "的差距上限。",
            "Satisfaction: 100% met in full, 0 as in the draft, below 0 worse than the draft. The "
            "duality gap is the most by which an offer can be off the best.",
        )),
        _side_by_side(data, words),
    ]  # fmt: skip
    if data.offer is not None:
        blocks += _accepted(data, data.offer, words)
    return Section("offers", words("折中方案", "Offers"), blocks)


def _side_by_side(data: Minutes, words: MinutesWords) -> Table:
    columns = [
        Column(words("方案", "Offer")), Column(words("目标", "Aim")),
        Column(words("平均满意度", "Mean satisfaction"), "share"),
        Column(words("最低满意度", "Least satisfaction"), "share"),
        Column(words("分歧", "Disagreement"), "money"), Column(words("转移资金", "Moved"), "money"),
        Column(words("改变病组", "Groups"), "year"),
        Column(words("最大损失", "Largest loss"), "share"),
        Column(words("医疗机构", "Hospital"), "name"),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for name, body in data.state.offers.items():
        held = [float(one) for one in body["satisfaction"].values()]
        loss = max(body["largest_loss"].items(), key=lambda pair: pair[1], default=("", 0.0))
        loses, secret = float(loss[1]) > 0, loss[0] in data.hidden
        mark = words(" ✓", " ✓") if name == data.state.accepted else ""
        rows.append([
            f"{clean(name)}{mark}", words.of(OBJECTIVES[body["objective"]]),
            sum(held) / len(held) if held else None, min(held, default=None),
            body["disagreement_yuan"], body["moved_yuan"], len(body["changes"]),
            beside(float(loss[1]) if loses else 0.0, secret),
            beside(data.hospital(loss[0]) if loses else "", secret),
        ])  # fmt: skip
    note = words(
        "✓ 为采纳的方案。损失为占医疗机构 DRG 收入的比重。",
        "✓ was accepted. Losses are shares of a hospital's DRG revenue.",
    )
    return Table("offers", words("方案对比", "Offers side by side"), columns, rows, note=note)


def _accepted(data: Minutes, body: Mapping[str, Any], words: MinutesWords) -> list[Block]:
    aim = words.of(OBJECTIVES[body["objective"]])
    pairs = [
        (words("采纳", "Accepted"), f"{clean(body['id'])}　{aim}"),
        (words("理由", "Reason"), words.text(data.state.accept_reason) or "—"),
        (words("求解", "Solved"), words(
            f"{clean(body['status'])}，对偶间隙 {body['gap']:.1e}",
            f"{clean(body['status'])}, duality gap {body['gap']:.1e}")
         + "".join(f"{words('，', ', ')}{clean(one, 60)}" for one in body.get("solvers", []))),
    ]  # fmt: skip
    blocks: list[Block] = [Heading(words("采纳的方案", "The accepted offer")), Facts(pairs)]
    remarks = [clean(one["zh" if words.zh else "en"], 200) for one in body.get("remarks", [])]
    if remarks:
        shown = remarks[:_SHOWN]
        if len(remarks) > _SHOWN:
            shown.append(words(f"另有 {len(remarks) - _SHOWN} 条", f"{len(remarks) - _SHOWN} more"))
        blocks.append(Points(shown))
    return blocks + _constraints(data, body, words)


def _constraints(data: Minutes, body: Mapping[str, Any], words: MinutesWords) -> list[Block]:
    """Demands that bind or nearly do; those about a hospital of which no money is told, not."""
    found = [one for one in body.get("constraints", [])
             if not (one["kind"] == "loss" and one["key"] in data.hidden)]  # fmt: skip
    if not found:
        return [Text(words("没有起作用的约束。", "No demand binds."))]
    in_yuan = found[0].get("unit", "yuan") == "yuan"
    price = words("影子价格（元/单位）", "Shadow price (yuan a unit)")
    gain = words("可减少分歧（元）", "Saves (yuan)")
    if not in_yuan:
        price = words("影子价格（满意度/单位）", "Shadow price (satisfaction a unit)")
        gain = words("可增满意度", "Adds satisfaction")
    columns = [
        Column(words("约束", "Demand")), Column(words("余量", "Slack"), "value"),
        Column(price, "ratio" if in_yuan else "value"), Column(words("放宽一步", "One step")),
        Column(gain, "points" if in_yuan else "value"),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [_told(data, one, words), one["slack"], one["shadow_price"],
         clean(one["relax_zh" if words.zh else "relax_en"]), one["gain"]]
        for one in found
    ]  # fmt: skip
    caption = words("起作用的约束与影子价格", "Demands that bind, and their shadow prices")
    note = words(
        "影子价格：约束放宽一个单位，目标改善多少；放宽一步为实务中的最小放宽。",
        "Shadow price: what the aim gains when a demand gives way by one unit; one step is the "
        "least by which it would be relaxed in practice.",
    )
    left = len(rows) - _SHOWN
    if left > 0:
        note += words(f"另有 {left} 项见工作簿。", f" The workbook has {left} more.")
    return [
        Table("constraints", caption, columns, rows[:_SHOWN], note=note, in_book=False),
        Table("constraints-all", caption, columns, rows, on_page=False),
    ]


def _told(data: Minutes, one: Mapping[str, Any], words: MinutesWords) -> str:
    text = clean(one["text_zh" if words.zh else "text_en"], 200)
    return data.hospitals_named(text) if one["kind"] == "loss" else text
