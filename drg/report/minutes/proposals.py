"""What was negotiated (谈判事项), and proposals (权重调整申请) one by one, with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drg.cases.privacy import FEWEST
from drg.page.blocks import Card, Cell, Facts, Heading, Section, Text, table
from drg.page.small_cells import few
from drg.page.words import Words, clean, fixed
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import TRIMS, WHATS, columns, conditions, moment, rule, safe
from weights.fit.adjust import KINDS
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.rules import about

_OVERVIEW = columns("id by drg name weight_before weight_asked weight_change_share weight_least "
                    "weight_most state")  # fmt: skip
_TEXTS = columns("id value basis reason evidence gone")
_OF_FEW = ("hospital_id", "case_id")  # conditions whose cases could be one hospital's, or known
_PAGE = 500  # characters of a text on a page; the workbook has all


def subject_section(data: Minutes, words: Words) -> Section:
    """Draft, policy, year, cases and rules."""
    init, first, groups = data.state.init, data.state.entries[0], f"{len(data.groups):,}"
    cases, hospitals = f"{data.cases:,}", f"{len(data.hospitals):,}"
    draft, policy, begun = clean(init["weights"]["id"], 80), init["policy"], moment(first.at)
    rules = [rule(data.state.rules, name, words, data.named) for name in about()]
    return Section("subject", words("谈判事项", "What was negotiated"), [
        Facts([
            (words("权重草案", "Draft weights"),
             words(f"{draft}，{groups} 个病组", f"{draft}, {groups} groups")),
            (words("支付政策", "Policy"), clean(policy.get("title") or policy["id"], 80)),
            (words("病例", "Cases"), words(f"{init['year']} 年 {cases} 例，{hospitals} 家医疗机构",
                                         f"{cases} of {init['year']}, {hospitals} hospitals")),
            (words("立项", "Begun"), f"{begun}{words('（北京时间）', ' (Beijing time)')}　"
             + clean(first.actor, 80)),
        ]),
        table("rules", words("谈判规则及出处", "Rules and their sources"),
              columns("rule set source"), rules),
    ], new_page=True)  # fmt: skip


def proposal_section(data: Minutes, words: Words) -> Section:
    """What was asked, by whom and why."""
    state, drafts, held = data.state, data.drafts, list(data.state.proposals.values())
    overview: list[list[Cell]] = [
        [one.id, data.proposer(one, words), one.drg, data.group(one.drg), drafts[one.drg],
         one.asked, one.asked / drafts[one.drg] - 1, one.least, one.most, data.outcome(one.id)]
        for one in held
    ]  # fmt: skip
    texts = [
        [
            one.id,
            value(data, one, words),
            basis(data, one, words),
            safe(one.reason),
            safe(one.evidence),
            safe(state.withdrawn.get(one.id, "")),
        ]
        for one in held
    ]
    return Section("proposals", words("权重调整申请", "Proposals"), [
        Text("" if held else words("未收到申请。", "There were none.")),
        table("proposals", words("申请一览", "Proposals at a glance"), _OVERVIEW, overview),
        table("proposal-texts", words("申请理由与依据", "Reasons and evidence"), _TEXTS, texts,
              where="book"),
        *[Heading(words("逐项说明", "One by one"))][: len(held)],
        *(Card(f"{one.id}　{data.named(one.drg)}", data.proposer(one, words), [Facts([
            (words(column.zh, column.en), clean(said, _PAGE) or words("未附", "none"))
            for column, said in zip(_TEXTS[1:], told[1:], strict=True)
            if column.field != "gone" or said
        ])]) for one, told in zip(held, texts, strict=True)),
    ])  # fmt: skip


def value(data: Minutes, one: Proposal, words: Words) -> str:
    """What is asked, without the numbers of cases."""
    held, said = one.basis, safe(one.value)
    if one.what == "exclude":
        said = safe(conditions(str(held.get("read_as") or ""), words, data.hospital))
    elif one.what == "trim" and held.get("trim") in TRIMS:
        parameters = clean(held.get("read_as")).removeprefix(str(held["trim"]))
        said = words.of(TRIMS[str(held["trim"])]) + parameters
    elif one.what == "class" and _number(held.get("class_factor")):
        name = str(held.get("class", ""))
        kind = words(KINDS[name][0], name) if name in KINDS else clean(name)
        said = f"{kind} {held['class_factor']:g}"
    draft, what = data.drafts[one.drg], words.of(WHATS[one.what])
    said += f"{words('：', ': ')}{draft:.4f} → {one.asked:.4f}"
    change = words.share(one.asked / draft - 1, 2, signed=True)
    return words(f"{what} {said}（{change}）", f"{what} {said} ({change})")


def basis(data: Minutes, one: Proposal, words: Words) -> str:
    """How the weight was found that a proposal comes to."""
    held, factor = one.basis, one.basis.get("factor")
    times = words("草案 × ", "draft × ") + f"{factor:.4f}" if _number(factor) else ""
    said = times or words("按申请值", "as asked")
    if one.what in ("trim", "exclude"):
        said = words(f"重新测算，{times}", f"re-estimated, {times}")
        if not any(word in str(held.get("read_as", "")) for word in _OF_FEW):
            said += _estimate(held, words, hide=one.drg in data.small)
    outside = words("；超出浮动区间", "; outside the corridor")
    return said + (outside if held.get("outside_corridor") else "")


def _estimate(held: Mapping[str, Any], words: Words, *, hide: bool) -> str:
    """Cases and means before and after, unless the difference could point to a person."""
    names = ("cases_before", "cases_after", "mean_before", "mean_after")
    found = [held.get(name) for name in names]
    if not all(map(_number, found)):
        return ""
    before, after, *means = (float(one or 0) for one in found)
    apart = (before - after, int(held.get("cases_excluded") or 0))
    if hide or min(before, after) < FEWEST or any(few(abs(one)) for one in apart):
        return words("（病例数与均值不公布）", " (cases and means are not told)")
    cases, cost = f"{before:,.0f} → {after:,.0f}", " → ".join(fixed(one, 0) for one in means)
    return words(f"（病例 {cases}，次均费用 {cost} 元）",
                 f" (cases {cases}, mean cost {cost} yuan)")  # fmt: skip


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
