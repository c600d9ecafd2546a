"""Votes and decisions (表决与决定): counts on the page, single votes in the workbook."""

from __future__ import annotations

from drg.page.blocks import Block, Cell, Column, Section, Table, Text
from drg.page.words import clean, fixed
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import VOTES, MinutesWords
from weights.negotiation.experts.tally import Decision
from weights.negotiation.experts.votes import Vote, count_votes
from weights.negotiation.rules import Rules


def vote_section(data: Minutes, words: MinutesWords) -> Section:
    """How panels voted, and what that comes to."""
    title = words("表决与决定", "Votes and decisions")
    held = {name: one for name, one in data.state.decisions.items() if name in data.state.open}
    if not held:
        said = words("尚未作出决定。", "Nothing was decided.")
        return Section("votes", title, [Text(said), *_single(data, words)])
    cut = any(one.cut for one in held.values())
    intro = words(
        "通过：到会达到法定人数，且赞成票超过规定比例。通过后的权重取"
        + words.rule(data.state.rules, "decision")
        + "，并限于浮动区间之内。",
        "Accepted: the quorum is there, and votes for are more than the majority asked. The weight "
        f"is then: {words.rule(data.state.rules, 'decision')}, kept inside the corridor.",
    )
    blocks: list[Block] = [Text(intro), _counts(data, held, words), _weights(data, held, words)]
    if cut:
        blocks.append(Text(words("▲ 受浮动区间约束。", "▲ held by the corridor."), "quiet"))
    return Section("votes", title, [*blocks, *_single(data, words)])


def _counts(data: Minutes, held: dict[str, Decision], words: MinutesWords) -> Table:
    columns = [
        Column(words("申请", "Proposal")), Column(words("病组", "Group")),
        Column(words("专家组", "Panel")), Column(words("应到", "Seats"), "year"),
        Column(words("实到", "Voted"), "year"), Column(words("赞成", "For"), "points"),
        Column(words("反对", "Against"), "points"), Column(words("弃权", "Abstained"), "points"),
        Column(words("结果", "Result")),
    ]  # fmt: skip
    kind = "ratio" if data.state.rules.voting == "weighted" else "year"
    columns[5:8] = [Column(column.title, kind) for column in columns[5:8]]
    rows: list[list[Cell]] = [
        [name, clean(one.drg), one.panel, one.members, one.present, one.votes_for, one.against,
         one.abstain, result(one, data.state.rules, words)]
        for name, one in held.items()
    ]  # fmt: skip
    note = words("票数按表决权重计。", "Votes are counted by vote weights.")
    return Table("votes", words("表决结果", "Votes"), columns, rows,
                 note=note if kind == "ratio" else "")  # fmt: skip


def result(one: Decision, rules: Rules, words: MinutesWords) -> str:
    """What a vote came to, and why."""
    if not one.decided:
        return words(f"未作决定：未达法定人数（{one.present}/{one.members}）",
                     f"not decided: no quorum ({one.present} of {one.members})")  # fmt: skip
    if one.accepted:
        return words("通过", "accepted")
    if not one.votes_for + one.against:
        return words("未通过：全部弃权", "turned down: all abstained")
    if one.votes_for == one.against and rules.majority == 0.5:
        return words("未通过：票数相等", "turned down: a tie")
    return words("未通过：赞成未达规定比例", "turned down: no majority")


def _weights(data: Minutes, held: dict[str, Decision], words: MinutesWords) -> Table:
    columns = [
        Column(words("申请", "Proposal")), Column(words("病组", "Group")),
        Column(words("名称", "Name"), "name"), Column(words("草案", "Draft"), "value"),
        Column(words("申请", "Asked"), "value"), Column(words("专家所提", "Named"), "value"),
        Column(words("决定", "Decided"), "value"), Column(words("较草案", "Change"), "change"),
        Column(words("浮动区间", "Corridor")),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for name, one in held.items():
        draft = data.weights[one.drg][0]
        low, high = data.state.rules.corridor(draft)
        mark = words("▲ ", "▲ ") if one.cut else ""
        weight = one.weight if one.decided else None
        rows.append([
            name, clean(one.drg), data.group(one.drg), draft, one.asked, one.named, weight,
            None if weight is None else weight / draft - 1,
            f"{mark}{fixed(low, 4)}–{fixed(high, 4)}",
        ])  # fmt: skip
    return Table("decisions", words("决定的权重", "Weights decided"), columns, rows)


def _single(data: Minutes, words: MinutesWords) -> list[Block]:
    """Every vote that was cast, for the workbook."""
    if not data.state.votes:
        return []
    columns = [
        Column(words("专家组", "Panel")), Column(words("申请", "Proposal")),
        Column(words("专家编号", "Expert")), Column(words("姓名", "Name"), "name"),
        Column(words("意见", "Vote")), Column(words("建议权重", "Weight named"), "value"),
        Column(words("说明", "Note")), Column(words("计票", "Counted")),
    ]  # fmt: skip
    counted = _counted(data)
    rows: list[list[Cell]] = [
        [one.panel, one.proposal, clean(one.expert), data.expert_name(one.expert),
         words.of(VOTES[one.choice]), one.weight, words.text(one.note),
         _place(id(one), counted, words)]
        for one in data.state.votes
    ]  # fmt: skip
    table = Table("single-votes", words("逐票记录", "Single votes"), columns, rows, on_page=False)
    many = len(data.state.votes)
    said = words(f"共 {many:,} 张表决票，逐票记录见工作簿。",
                 f"{many:,} votes were cast; the workbook has every one.")  # fmt: skip
    return [Text(said, "quiet"), table]


def _counted(data: Minutes) -> dict[int, str]:
    """Vote, by its identity -> whether it counts, was replaced, or had no free seat."""
    found: dict[int, str] = {}
    by_panel: dict[tuple[str, str], list[Vote]] = {}
    for vote in data.state.votes:
        by_panel.setdefault((vote.panel, vote.proposal), []).append(vote)
    for (panel, proposal), votes in by_panel.items():
        counted = count_votes(data.state.panels[panel], votes, proposal)
        for name in ("votes", "replaced", "idle"):
            found |= {id(vote): name for vote in getattr(counted, name)}
    return found


def _place(vote: int, counted: dict[int, str], words: MinutesWords) -> str:
    return words.of({
        "votes": ("计入", "counted"),
        "replaced": ("已由后一票取代", "replaced by a later vote"),
        "idle": ("候补，无空席", "substitute without a seat"),
    }.get(counted.get(vote, ""), ("不计入", "not counted")))  # fmt: skip
