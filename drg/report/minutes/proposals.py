"""Proposals (权重调整申请): at a glance, one by one with reasons, and those withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drg.page.blocks import Block, Card, Cell, Column, Facts, Heading, Section, Table, Text
from drg.page.small_cells import FEWEST, few
from drg.page.words import clean, fixed
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import (
    BOOK_TEXT,
    PAGE_TEXT,
    TRIMS,
    WHATS,
    MinutesWords,
    conditions,
)
from weights.fit.adjust import KINDS
from weights.negotiation.proposals.proposal import Proposal

_OF_FEW = ("hospital_id", "case_id")  # conditions whose cases could be one hospital's, or known


def proposal_section(data: Minutes, words: MinutesWords) -> Section:
    """What was asked, by whom and why."""
    state = data.state
    title = words("权重调整申请", "Proposals")
    if not state.proposals:
        return Section("proposals", title, [Text(words("未收到申请。", "There were none."))])
    blocks: list[Block] = [
        _overview(data, words), _texts(data, words), Heading(words("逐项说明", "One by one")),
        *(_card(data, one, words) for one in state.open.values()),
    ]  # fmt: skip
    if state.withdrawn:
        columns = [Column(words("编号", "No.")), Column(words("提出方", "By"), "name"),
                   Column(words("病组", "Group")),
                   Column(words("撤回理由", "Why withdrawn"))]  # fmt: skip
        rows = [
            [name, data.proposer(state.proposals[name], words), _group(data, state.proposals[name]),
             words.text(reason)]
            for name, reason in state.withdrawn.items()
        ]  # fmt: skip
        blocks.append(Table("withdrawn", words("撤回的申请", "Withdrawn proposals"), columns, rows))
    return Section("proposals", title, blocks)


def _overview(data: Minutes, words: MinutesWords) -> Table:
    columns = [
        Column(words("编号", "No.")), Column(words("提出方", "By"), "name"),
        Column(words("病组", "Group")), Column(words("名称", "Name"), "name"),
        Column(words("草案权重", "Draft"), "value"), Column(words("申请权重", "Asked"), "value"),
        Column(words("变化", "Change"), "change"), Column(words("状态", "State")),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for one in data.state.proposals.values():
        draft = data.weights[one.drg][0]
        rows.append([one.id, data.proposer(one, words), clean(one.drg), data.group(one.drg), draft,
                     one.asked, one.asked / draft - 1, _state(data, one, words)])  # fmt: skip
    return Table("proposals", words("申请一览", "Proposals at a glance"), columns, rows)


def _state(data: Minutes, one: Proposal, words: MinutesWords) -> str:
    if one.id in data.state.withdrawn:
        return words("撤回", "withdrawn")
    decision = data.state.decisions.get(one.id)
    if decision is None or not decision.decided:
        return words("未决定", "not decided")
    return words("通过", "accepted") if decision.accepted else words("未通过", "turned down")


def _texts(data: Minutes, words: MinutesWords) -> Table:
    """The whole texts, for the workbook."""
    columns = [Column(title) for title in (
        words("编号", "No."), words("病组", "Group"), words("调整事项", "Change"),
        words("调整值", "Value"), words("理由", "Reason"), words("依据", "Evidence"),
        words("申请权重的由来", "How the weight was found"),
    )]  # fmt: skip
    columns[3:3] = [Column(words("可接受最低", "Least"), "value"),
                    Column(words("可接受最高", "Most"), "value")]  # fmt: skip
    rows: list[list[Cell]] = [
        [one.id, clean(one.drg), words.of(WHATS[one.what]), one.least, one.most,
         value(data, one, words), words.text(one.reason, BOOK_TEXT),
         words.text(one.evidence, BOOK_TEXT), basis(one, words)]
        for one in data.state.proposals.values()
    ]  # fmt: skip
    return Table("proposal-texts", words("申请理由与依据", "Reasons and evidence"), columns, rows,
                 on_page=False)  # fmt: skip


def _card(data: Minutes, one: Proposal, words: MinutesWords) -> Card:
    draft = data.weights[one.drg][0]
    bounds = ""
    if one.least is not None:
        bounds += words(f"；可接受最低 {one.least:.4f}", f"; at least {one.least:.4f}")
    if one.most is not None:
        bounds += words(f"；可接受最高 {one.most:.4f}", f"; at most {one.most:.4f}")
    asked = (
        f"{words.of(WHATS[one.what])} {value(data, one, words)}{words('：', ': ')}{draft:.4f} → "
        f"{one.asked:.4f}{words('（', ' (')}{words.percent(one.asked / draft - 1, signed=True)}"
        f"{words('）', ')')}{bounds}"
    )  # fmt: skip
    facts = [
        (words("申请", "Asked"), asked),
        (words("理由", "Reason"), words.text(one.reason, PAGE_TEXT)),
        (words("依据", "Evidence"), words.text(one.evidence, PAGE_TEXT) or words("未附", "none")),
        (words("由来", "How found"), basis(one, words)),
    ]
    head = f"{one.id}　{_group(data, one)}"
    return Card(head, data.proposer(one, words), [Facts(facts)])


def _group(data: Minutes, one: Proposal) -> str:
    return f"{clean(one.drg)} {data.group(one.drg)}".strip()


def value(data: Minutes, one: Proposal, words: MinutesWords) -> str:
    """What is asked, without the numbers of cases."""
    if one.what == "exclude":
        return words.text(conditions(str(one.basis.get("read_as") or ""), words, data.hospital))
    return words.text(one.value)


def basis(one: Proposal, words: MinutesWords) -> str:
    """How the weight was found that a proposal comes to."""
    held = one.basis
    factor = held.get("factor")
    times = words(f"草案 × {factor:.4f}", f"draft × {factor:.4f}") if _number(factor) else ""
    if one.what == "class":
        name = str(held.get("class", ""))
        kind = words(KINDS[name][0], name) if name in KINDS else clean(name)
        said = words(f"按类别“{kind}”，{times}", f"by the class {kind}, {times}")
    elif one.what == "trim":
        name = str(held.get("trim", ""))
        said = words(
            f"按裁剪方法“{words.of(TRIMS.get(name, (name, name)))}”重新测算，{times}",
            f"re-estimated with the trimming {clean(held.get('read_as', name))}, {times}",
        ) + _estimate(held, words)  # fmt: skip
    elif one.what == "exclude":
        said = words(
            f"剔除符合条件的病例后重新测算，{times}",
            f"re-estimated without the cases that meet the conditions, {times}",
        )
        of_few = any(word in str(held.get("read_as", "")) for word in _OF_FEW)
        said += "" if of_few else _estimate(held, words)
    else:
        said = times or words("按申请值", "as asked")
    if held.get("outside_corridor"):
        said += words("；超出浮动区间", "; outside the corridor")
    return said


def _estimate(held: Mapping[str, Any], words: MinutesWords) -> str:
    """Cases and means before and after, unless the difference could point to a person."""
    names = ("cases_before", "cases_after", "mean_before", "mean_after")
    if not all(_number(held.get(name)) for name in names):
        return ""
    before, after, *means = (held[name] for name in names)
    if (
        before < FEWEST
        or after < FEWEST
        or few(abs(before - after))
        or few(int(held.get("cases_excluded") or 0))
    ):
        return words("（病例数与均值不公布）", " (cases and means are not told)")
    return words(
        f"（病例 {before:,} → {after:,}，次均费用 {fixed(means[0], 0)} → {fixed(means[1], 0)} 元）",
        f" (cases {before:,} → {after:,}, mean cost {fixed(means[0], 0)} → {fixed(means[1], 0)} "
        "yuan)",
    )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
