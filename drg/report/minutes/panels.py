"""Panels (专家组): how they were drawn, who sat on them, and who was recused."""

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
from drg.page.words import clean
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import MinutesWords
from weights.negotiation.experts.panels import Panel


def panel_section(data: Minutes, words: MinutesWords) -> Section:
    """The panels that were drawn."""
    title = words("专家组", "Panels")
    if not data.state.panels:
        return Section("panels", title, [Text(words("未抽取专家组。", "No panel was drawn."))])
    blocks: list[Block] = [Text(words(
        "专家组按随机种子从专家库抽取，任何人可用同一名册和种子重新抽取核对。",
        "Panels are drawn from the roster by lot with a seed; with the same roster and seed "
        "anybody can draw them again.",
    ))]  # fmt: skip
    for panel in data.state.panels.values():
        blocks += _panel(data, panel, words)
    return Section("panels", title, blocks)


def _panel(data: Minutes, panel: Panel, words: MinutesWords) -> list[Block]:
    mdcs = words.joined([clean(mdc) for mdc in panel.mdcs])
    facts = [
        (words("审议申请", "Before it"), words.joined(list(panel.proposals))),
        (words("抽取", "Draw"), words(
            f"种子 {panel.seed}，专家 {len(panel.members)} 人，候补 {len(panel.substitutes)} 人，"
            f"应回避 {len(panel.recused)} 人",
            f"seed {panel.seed}, {len(panel.members)} members, {len(panel.substitutes)} "
            f"substitutes, {len(panel.recused)} recused")),
        (words("构成", "Strata"), _strata(panel.strata, words)),
        (words("专家库 SHA-256", "Roster SHA-256"), clean(panel.roster_sha256)),
    ]  # fmt: skip
    found: list[Block] = [
        Heading(words(f"{panel.id} 专家组（MDC {mdcs}）", f"Panel {panel.id} (MDC {mdcs})")),
        Facts(facts), _members(data, panel, words),
    ]  # fmt: skip
    if panel.recused:
        columns = [Column(words("编号", "No.")), Column(words("姓名", "Name"), "name"),
                   Column(words("回避事由", "Why"))]  # fmt: skip
        rows = [[clean(one), data.expert_name(one), words.recused(reason, data.hospital)]
                for one, reason in panel.recused.items()]  # fmt: skip
        caption = words(f"{panel.id} 应回避的专家", f"Recused from {panel.id}")
        found += [
            Text(words("应回避的专家：", "Recused:")), Points(_reasons(data, panel, words)),
            Table(f"recused-{panel.id}", caption, columns, rows, on_page=False),
        ]  # fmt: skip
    return found


def _reasons(data: Minutes, panel: Panel, words: MinutesWords) -> list[str]:
    """Those who may not sit, by why."""
    by_reason: dict[str, list[str]] = {}
    for expert, reason in panel.recused.items():
        said = words.recused(reason, data.hospital)
        by_reason.setdefault(said, []).append(f"{clean(expert)} {data.expert_name(expert)}")
    return [
        words(f"{reason}（{len(names)} 人）：{words.joined(names)}",
              f"{reason} ({len(names)}): {words.joined(names)}")
        for reason, names in by_reason.items()
    ]  # fmt: skip


def _strata(held: Mapping[str, Any], words: MinutesWords) -> str:
    """Who could be drawn, and how members spread over tiers and counties."""
    parts = [words(f"可抽取 {held.get('eligible', 0)} 人", f"{held.get('eligible', 0)} eligible")]
    tiers = []
    for tier, one in held.get("tiers", {}).items():
        name, seats, there, fair = words.tier(tier), one["members"], one["eligible"], one["fair"]
        tiers.append(words(f"{name} {seats} 人（可抽取 {there} 人，应占 {fair:.2f} 席）",
                           f"{name}: {seats} (of {there}, fair share {fair:.2f})"))  # fmt: skip
    counties = [f"{clean(name) or words('未注明', 'not known')} {count}"
                for name, count in held.get("counties", {}).items()]  # fmt: skip
    parts += [words.joined(tiers), words("区县：", "counties: ") + words.joined(counties)]
    if held.get("fallback"):
        parts.append(words("本专业专家不足，由其他专业递补", clean(held["fallback"], 200)))
    return words("；", "; ").join(part for part in parts if part)


def _members(data: Minutes, panel: Panel, words: MinutesWords) -> Table:
    weighted = data.state.rules.voting == "weighted"
    columns = [
        Column(words("身份", "Seat")), Column(words("编号", "No.")),
        Column(words("姓名", "Name"), "name"), Column(words("医疗机构", "Hospital"), "name"),
        Column(words("级别", "Tier")), Column(words("区县", "County")),
        Column(words("专业", "Specialty")),
    ]  # fmt: skip
    if weighted:
        columns.append(Column(words("表决权重", "Vote weight"), "ratio"))
    rows: list[list[Cell]] = []
    seats = [(one, words(f"专家 {i}", f"member {i}")) for i, one in enumerate(panel.members, 1)]
    seats += [(one, words(f"候补 {i}", f"substitute {i}"))
              for i, one in enumerate(panel.substitutes, 1)]  # fmt: skip
    for expert, seat in seats:
        held = data.expert(expert)
        row: list[Cell] = [seat, clean(expert), data.expert_name(expert)]
        row += [
            data.hospital(held.hospital_id), words.tier(held.tier or None), clean(held.county),
            clean(held.specialty),
        ] if held else ["", "", "", ""]  # fmt: skip
        rows.append([*row, panel.vote_weights.get(expert, 1.0)] if weighted else row)
    caption = words(f"{panel.id} 专家组成员", f"Members of {panel.id}")
    return Table(f"members-{panel.id}", caption, columns, rows)
