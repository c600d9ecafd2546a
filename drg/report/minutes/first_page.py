"""The first page of the minutes (会议纪要摘要): when and where, what was decided, the weights."""

from __future__ import annotations

from drg.page.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Figures,
    Heading,
    Points,
    Section,
    Table,
    Text,
)
from drg.page.words import clean
from drg.report.minutes.data import Minutes
from drg.report.minutes.sentences import exact_yuan, sentences
from drg.report.minutes.words import MinutesWords, short_percent

_LINE, _SHORT = "_" * 34, "_" * 16
_MOST = 8  # groups on the first page


def title(data: Minutes, words: MinutesWords) -> str:
    """Title of the minutes."""
    named, year = clean(data.state.init.get("title"), 80), data.state.init["year"]
    if named:
        return words(f"{named}：会议纪要", f"Minutes: {named}")
    return words(f"{year} 年 DRG 权重论证谈判会议纪要",
                 f"Minutes of the negotiation of DRG weights, {year}")  # fmt: skip


def subtitle(data: Minutes, words: MinutesWords) -> str:
    """Line below the title."""
    name = clean(data.state.init.get("round"), 60)
    if data.state.closed is not None:
        return words(f"轮次 {name}　已定案", f"Round {name}, closed")
    return words(f"轮次 {name}　草稿，本轮谈判尚未定案", f"Round {name}, draft: not closed")


def summary_section(data: Minutes, words: MinutesWords) -> Section:
    """The page that stands alone."""
    said = sentences(data, words)
    caption = words("谈判结果", "What was decided")
    rows: list[list[Cell]] = [[place, text] for place, text in enumerate(said, 1)]
    columns = [Column(words("序号", "No."), "year"), Column(words("内容", "Text"))]
    blocks: list[Block] = [
        Facts([
            (words("时间", "Time"), _LINE),
            (words("地点", "Place"), _LINE),
            (words("主持、记录", "Chair, recorder"), f"{_SHORT}　{_SHORT}"),
            (words("出席", "Present"), _LINE),
            (words("列席", "In attendance"), _LINE),
        ]),
        Heading(caption),
        *_open(data, words),
        Points(said),
        Table("summary", caption, columns, rows, on_page=False),
        _figures(data, words),
        *_changes(data, words),
    ]  # fmt: skip
    return Section("summary", words("摘要", "Summary"), blocks)


def _open(data: Minutes, words: MinutesWords) -> list[Block]:
    """That the round is not closed, and what is still to be decided."""
    if data.state.closed is not None:
        return []
    waiting = [] if data.state.accepted else data.undecided
    text = words("本轮谈判尚未定案，以下为至今的结果", "The round is not closed; so far:")
    if waiting:
        more = words(f" 等 {len(waiting)} 项", f" and others, {len(waiting)} in all")
        named = words.joined(waiting[:_MOST]) + (more if len(waiting) > _MOST else "")
        text = words(f"{text}；待决定的申请：{named}",
                     f"The round is not closed; to be decided: {named}. So far:")  # fmt: skip
    return [Text(text + words("。", ""), "call")]


def _changes(data: Minutes, words: MinutesWords) -> list[Block]:
    """The largest changes of weights."""
    changed = data.changed
    if not changed:
        return []
    first = sorted(changed, key=lambda drg: (-abs(changed[drg]), drg))[:_MOST]
    columns = [
        Column(words("病组", "Group")), Column(words("名称", "Name"), "name"),
        Column(words("草案", "Draft"), "value"), Column(words("最终", "Final"), "value"),
        Column(words("变化", "Change"), "change"),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [clean(drg), data.group(drg), *data.weights[drg], changed[drg]] for drg in first
    ]
    caption = words("权重的主要调整", "The largest changes of weights")
    left = len(changed) - len(first)
    note = words(f"另有 {left} 个，见“最终权重”。", f"{left} more are under the final weights.")
    return [Table("main-changes", caption, columns, rows, note=note if left else "",
                  in_book=False)]  # fmt: skip


def _figures(data: Minutes, words: MinutesWords) -> Figures:
    held, state = data.figures, data.state
    before, mix = float(held["final_before"]), "case_mix_index"
    loss, name = data.largest_loss
    limit = state.rules.largest_loss
    bound = (
        ""
        if limit is None
        else words(f"限值 {short_percent(limit)}", f"limit {short_percent(limit)}")
    )
    changed, asked = len(data.changed), len({one.drg for one in state.proposals.values()})
    passed = len(data.decided())
    return Figures([
        (words("通过的申请", "Proposals accepted"), words(f"{passed} 项", f"{passed}"),
         words(f"共收到 {len(state.proposals)} 项", f"of {len(state.proposals)}")),
        (words("权重改变的病组", "Groups that change"), words(f"{changed} 个", f"{changed}"),
         words(f"申请涉及 {asked} 个", f"of {asked} spoken of")),
        (words("基金支付变化", "Change of what funds pay"),
         exact_yuan(float(held["final_change"]), words),
         words(f"原 {words.money(before)}", f"before {words.money(before)}")),
        (words("医疗机构最大损失", "Largest loss of a hospital"),
         words.percent(loss) if loss else words("无", "none"),
         words("，", ", ").join(one for one in (name, bound) if one)),
        ("CMI", f"{held[f'{mix}_after']:.4f}",
         words(f"原 {held[f'{mix}_before']:.4f}", f"before {held[f'{mix}_before']:.4f}")),
    ])  # fmt: skip
