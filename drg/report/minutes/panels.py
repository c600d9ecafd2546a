"""Panels (专家组): how they were drawn, who sat on them, who was recused; votes and decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drg.page.blocks import Cell, Section, Text, table
from drg.page.words import Words, clean, fixed
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import COUNTED, columns, moment, rule, safe
from weights.negotiation.experts.plausible import AGAINST, decided_against, doubts
from weights.negotiation.experts.tally import Decision
from weights.negotiation.experts.votes import Vote, count_votes
from weights.negotiation.rules import Rules

_DRAWN = columns("panel mdc asks seed experts spare out strata")
_SEATS = columns("panel seat expert person hospital tier county specialty ballot")
_COUNTS = columns("id group panel members present votes_for against abstain result")
_DECIDED = columns("id group weight_before weight_asked weight_named weight_decided "
                   "weight_change_share corridor")  # fmt: skip
_SINGLE = columns("panel id expert person vote weight_named note counted")
_PROPOSES = re.compile(r"works at (.+), which proposes (.+)")
_SHARE = re.compile(r"works at (.+), which has [\d.]+% of the cases of (.+)")


def panel_section(data: Minutes, words: Words) -> Section:
    """The panels that were drawn."""
    panels, asks = data.state.panels.values(), data.state.proposals
    weighted = data.state.rules.voting == "weighted"
    roster = words.joined(dict.fromkeys(clean(one.roster_sha256) for one in panels))
    intro = words(f"专家组按随机种子抽取，任何人可用同一名册和种子核对。专家库 SHA-256：{roster}",
                  "Panels are drawn by lot; with the same roster and seed anybody can draw them "
                  f"again. SHA-256 of the roster: {roster}")  # fmt: skip
    drawn: list[list[Cell]] = []
    seats: list[list[Cell]] = []
    for one in panels:
        before = words.joined(f"{ask} {data.named(asks[ask].drg)}" for ask in one.proposals)
        drawn.append(
            [
                one.id,
                words.joined(one.mdcs),
                before,
                one.seed,
                len(one.members),
                len(one.substitutes),
                len(one.recused),
                _strata(one.strata, words),
            ]
        )
        for seat, experts in ((words("专家", "member"), one.members),
                              (words("候补", "substitute"), one.substitutes)):  # fmt: skip
            for n, expert in enumerate(experts, 1):
                held = data.roster[expert] if data.roster and expert in data.roster else None
                about = [data.hospital(held.hospital_id), held.tier or None, held.county,
                         held.specialty] if held else ["", "", "", ""]  # fmt: skip
                ballot = one.vote_weights.get(expert, 1.0) if weighted else None
                seats.append([one.id, f"{seat} {n}", expert, data.expert(expert), *about, ballot])
    out = [[one.id, expert, data.expert(expert), recused(data, reason, words)]
           for one in panels for expert, reason in one.recused.items()]  # fmt: skip
    return Section("panels", words("专家组", "Panels"), [
        Text(intro if panels else words("未抽取专家组。", "No panel was drawn.")),
        table("lots", words("抽签", "The lot"), columns("at asks who number digest"),
              _lots(data, words), note=words(
                  "各方先交承诺值（数字的 SHA-256），揭晓后合成种子；未用承诺值的，种子取公告时间前"
                  "最后一条记录的摘要值。",
                  "Each party first gave the SHA-256 of its number; the numbers told make the "
                  "seed. Without them it is the digest of the record at the time announced.")),
        table("panels", words("专家组的抽取", "How panels were drawn"), _DRAWN, drawn),
        table("members", words("专家组成员", "Members"), _SEATS, seats),
        table("recused", words("应回避的专家", "Recused experts"),
              columns("panel expert person recused"), out, ends=(40, 0)),
    ])  # fmt: skip


def _lots(data: Minutes, words: Words) -> list[list[Cell]]:
    """Every lot: who took part with what number, or the time announced."""
    rows: list[list[Cell]] = []
    for lot in data.state.lots:
        asks = words.joined(f"{panel} {'、'.join(names)}" for panel, names in lot["panels"].items())
        if not lot["seals"]:
            rows.append([moment(lot["at"]), asks, words("公告时间 ", "announced for ")
                         + moment(lot["time"]), "", ""])  # fmt: skip
        rows += [[moment(lot["at"]), asks, data.hospital(party),
                  safe(lot["numbers"].get(party, "")), seal]
                 for party, seal in lot["seals"].items()]  # fmt: skip
    return rows


def recused(data: Minutes, reason: str, words: Words) -> str:
    """Why an expert may not sit; a hospital's share of a group is not told."""
    if found := _PROPOSES.fullmatch(reason):
        one, ask = data.hospital(found[1]), clean(found[2])
        return words(f"所在的{one}提出申请 {ask}", f"works at {one}, which proposes {ask}")
    if found := _SHARE.fullmatch(reason):
        one, drg = data.hospital(found[1]), data.named(found[2])
        return words(f"所在的{one}收治 {drg} 的比重超过限值",
                     f"works at {one}, whose share of {drg} is too large")  # fmt: skip
    said, asked = safe(reason.removeprefix("declared: ")), reason.startswith("declared: ")
    return words(f"本人申请回避：{said}", f"asked to be recused: {said}") if asked else said


def _strata(held: Mapping[str, Any], words: Words) -> str:
    """Who could be drawn, and how members spread over tiers and counties."""
    parts = [words(f"可抽取 {held.get('eligible', 0)} 人", f"{held.get('eligible', 0)} eligible")]
    for tier, one in held.get("tiers", {}).items():
        name, seats, there, fair = words.tier(tier), one["members"], one["eligible"], one["fair"]
        parts.append(words(f"{name} {seats} 人（可抽取 {there} 人，应占 {fair:.2f} 席）",
                           f"{name}: {seats} (of {there}, fair share {fair:.2f})"))  # fmt: skip
    parts.append(words.joined(f"{clean(name) or words('区县未注明', 'county not known')} {count}"
                              for name, count in held.get("counties", {}).items()))  # fmt: skip
    if held.get("fallback"):
        parts.append(words("本专业专家不足，由其他专业递补", clean(held["fallback"], 200)))
    return words("；", "; ").join(part for part in parts if part)


def vote_section(data: Minutes, words: Words) -> Section:
    """How panels voted, and what that comes to."""
    held, rules, heads = data.state.history, data.state.rules, list(_COUNTS)
    if weighted := rules.voting == "weighted":
        heads[5:8] = [replace(one, kind="ratio") for one in heads[5:8]]
    _, decision, _ = rule(rules, "decision", words, data.named)
    counts: list[list[Cell]] = [
        [one.proposal, data.named(one.drg), one.panel, one.members, one.present, one.votes_for,
         one.against, one.abstain, result(one, data.drafts[one.drg], rules, words)] for one in held
    ]  # fmt: skip
    intro = words(f"到会达到法定人数、赞成票超过规定比例即通过，权重取{decision}，并限于浮动区间"
                  "之内。逐票记录见工作簿。",
                  "Accepted: the quorum is there, and votes for are more than the majority asked. "
                  f"The weight is then: {decision}, kept inside the corridor. The workbook has "
                  "every vote.")  # fmt: skip
    return Section("votes", words("表决与决定", "Votes and decisions"), [
        Text(intro if held else words("尚未作出决定。", "Nothing was decided.")),
        table("votes", words("表决结果", "Votes"), heads, counts,
              note=words("票数按表决权重计。", "Votes are counted by vote weights.") * weighted),
        table("decisions", words("决定的权重", "Weights decided"), _DECIDED,
              [_decided(data, one) for one in held],
              note=words("▲ 受浮动区间约束。", "▲ held by the corridor.")
              * any(one.cut for one in held)),
        table("objections", words("异议", "Objections"), columns("at id who reason"), [
            [moment(one["at"]), one["proposal"], data.hospital(one["party"]), safe(one["reason"])]
            for one in data.state.objections]),
        Text(_doubted(data, words), "call"),
        table("single-votes", words("逐票记录", "Single votes"), _SINGLE, _single(data),
              where="book"),
    ])  # fmt: skip


def result(one: Decision, draft: float, rules: Rules, words: Words) -> str:
    """What a vote came to, and why; a decision against the direction asked is told."""
    if not one.decided:
        return words(f"未作决定：未达法定人数（{one.present}/{one.members}）",
                     f"not decided: no quorum ({one.present} of {one.members})")  # fmt: skip
    if one.accepted:
        against = words("，但", ", but ") + words.of(AGAINST)
        return words("通过", "accepted") + against * decided_against(one, draft)
    if not one.votes_for + one.against:
        return words("未通过：全部弃权", "turned down: all abstained")
    if one.votes_for == one.against and rules.majority == 0.5:
        return words("未通过：票数相等", "turned down: a tie")
    return words("未通过：赞成未达规定比例", "turned down: no majority")


def _decided(data: Minutes, one: Decision) -> list[Cell]:
    draft, weight = data.drafts[one.drg], one.weight if one.decided else None
    low, high = (fixed(end, 4) for end in data.state.rules.corridor(draft))
    return [one.proposal, data.named(one.drg), draft, one.asked, one.named, weight,
            None if weight is None else weight / draft - 1,
            f"{'▲ ' * bool(one.cut)}{low}–{high}"]  # fmt: skip


def _doubted(data: Minutes, words: Words) -> str:
    """Votes that counted although they are odd."""
    told = []
    for one in data.state.votes:
        ask = data.state.proposals[one.proposal]
        draft = data.drafts[ask.drg]
        if found := doubts(one, ask, draft, data.state.rules):
            what = words.joined(map(words.of, found))
            told.append(words(
                f"{one.proposal} {data.expert(one.expert)} 建议 {one.weight:.4f}（草案 {draft:.4f}"
                f"，申请 {ask.asked:.4f}）：{what}",
                f"{one.proposal} {data.expert(one.expert)} names {one.weight:.4f} (draft "
                f"{draft:.4f}, asked {ask.asked:.4f}): {what}"))  # fmt: skip
    listed = words("；", "; ").join(told)
    return words(f"存疑的表决票：{listed}。", f"Votes in doubt: {listed}.") * bool(told)


def _single(data: Minutes) -> list[list[Cell]]:
    """Every vote that was cast; each counts, was replaced, or had no seat."""
    counted: dict[int, str] = {}
    by_panel: dict[tuple[str, str], list[Vote]] = {}
    for vote in data.state.votes:
        by_panel.setdefault((vote.panel, vote.proposal), []).append(vote)
    for (panel, proposal), votes in by_panel.items():
        found = count_votes(data.state.panels[panel], votes, proposal)
        counted |= {id(one): name for name in COUNTED if name for one in getattr(found, name)}
    return [
        [one.panel, one.proposal, one.expert, data.expert(one.expert), one.choice, one.weight,
         safe(one.note), counted.get(id(one), "")] for one in data.state.votes
    ]  # fmt: skip
