"""The first page of the minutes (会议纪要摘要): what was decided, in a sentence and in points."""

from __future__ import annotations

from collections import Counter

from drg.page.blocks import Facts, Figures, Points, Section, Table, Text, table
from drg.page.words import Words, clean, fixed, plural
from drg.report.minutes.data import AGAINST, OTHER, Minutes
from drg.report.minutes.weights import SHARE, factor, reasons
from drg.report.minutes.words import NEUTRAL, OBJECTIVES, PARTIES, STATES, columns, percent, safe

_LINE, _TWO = "_" * 34, "_" * 16 + "　" + "_" * 16
_MOST = 6  # groups on the first page


def title(data: Minutes, words: Words) -> tuple[str, str]:
    """Title of the minutes, and the line below it."""
    named, year = clean(data.state.init.get("title"), 80), data.state.init["year"]
    below = words("权重论证谈判，已定案", "Negotiation of DRG weights, closed")
    if data.state.closed is None:
        below = words("草稿，本轮谈判尚未定案", "Draft: the round is not closed")
    if named:
        return words(f"{named}：会议纪要", f"Minutes: {named}"), below
    return words(f"{year} 年 DRG 权重论证谈判会议纪要",
                 f"Minutes of the negotiation of DRG weights, {year}"), below  # fmt: skip


def summary_section(data: Minutes, words: Words) -> Section:
    """The page that stands alone."""
    said, points = lead(data, words), sentences(data, words)
    return Section("summary", words("摘要", "Summary"), [
        Text(_open(data, words), "call"), Text(said, "lead"), _figures(data, words),
        Facts([(words("时间、地点", "Time, place"), _TWO),
               (words("主持、记录", "Chair, recorder"), _TWO),
               (words("出席", "Present"), _LINE), (words("列席", "In attendance"), _LINE)]),
        Points(points, numbered=True), _largest(data, words),
        table("summary", words("谈判结果", "What was decided"), columns("seq said"),
              list(enumerate([said, *points], 1)), where="book"),
    ])  # fmt: skip


def _open(data: Minutes, words: Words) -> str:
    """That the round is not closed, and what is still to be decided."""
    asks = [] if data.offer else data.with_outcome("open")
    waiting, left = sorted({data.named(one.drg) for one in asks}), ""
    if waiting:
        named, more = words.joined(waiting[:_MOST]), len(waiting) > _MOST
        left = words(f"；待决定的申请涉及：{named}{'等' * more}",
                     f"; to be decided: {named}{' ...' * more}")  # fmt: skip
    said = words(f"本轮谈判尚未定案，以下为至今的结果{left}。",
                 f"The round is not closed; this is what stands so far{left}.")  # fmt: skip
    return said if data.state.closed is None else ""


def lead(data: Minutes, words: Words) -> str:
    """Who decided what, what it costs the funds, who gains and loses most, and the limit."""
    held, panels, passed = data.figures, len(data.state.panels), len(data.with_outcome("accepted"))
    weighed, changed = f"{len(data.groups):,}", f"{int(data.groups['moved'].sum()):,}"
    one, way = plural(panels, "panel", "panels"), ""
    if data.offer is not None:
        aim = words.of(OBJECTIVES[data.offer["objective"]])
        way = words(f"，各方采纳折中方案（{aim}）", f", and the parties accepted an offer ({aim})")
    share = words.share(held["final_change"] / (held["final_before"] or 1), 2, signed=True)
    cost = exact_yuan(held["final_change"], words)
    parts = [
        words(f"{panels} 个专家组表决通过 {passed} 项申请{way}，{weighed} 个病组中 {changed} 个权重"
              "变动",
              f"{one} accepted {plural(passed, 'proposal', 'proposals')}{way}: {changed} of "
              f"{weighed} weights change"),
        words(f"基金支付变化 {cost}（{share}）", f"what the funds pay changes by {cost} ({share})"),
    ]  # fmt: skip
    ranks = data.told.sort_values(["final_change", "hospital_id"], ascending=[False, True])
    most, least = ranks[ranks["final_change"] > 0].head(1), ranks[ranks["final_change"] < 0].tail(1)
    for end, label in ((most, words("增加最多的是", "most is gained by ")),
                       (least, words("减少最多的是", "most is lost by "))):  # fmt: skip
        for of in end.to_dict("records"):
            share = words.share(of["final_change_share"], 2, signed=True)
            money, name = words.money(of["final_change"], signed=True), of["hospital"]
            parts.append(label + words(f"{name}（{money}，{share}）", f"{name} ({money}, {share})"))
    (loss, name), limit = data.largest_loss, data.state.rules.largest_loss
    share, over, bound = words.share(loss, 2), loss > (limit or 1) + 5e-5, ""
    if limit is not None:
        bound = words(
            f"，{'超过' if over else '未超过'} {percent(limit)} 的限值",
            f", {'above' if over else 'within'} the limit of {percent(limit)}",
        )
    said = words(f"按 DRG 应付计，损失占比最大的是{name}（{share}）{bound}",
                 f"of what DRG owes, {name} loses the largest share ({share}){bound}")  # fmt: skip
    parts += [said] * (loss > 0)
    return words("；", "; ").join(parts) + words("。", ".")


def _figures(data: Minutes, words: Words) -> Figures:
    held, (loss, name), limit = data.figures, data.largest_loss, data.state.rules.largest_loss
    moved, asked = data.groups[data.groups["moved"]], len(data.state.proposals)
    rest, passed = int((moved["why"] == OTHER).sum()), len(data.with_outcome("accepted"))
    spoken, gain, lose = len(moved) - rest, held["hospitals_gaining"], held["hospitals_losing"]
    bound = [] if limit is None else [words("限值 ", "limit ") + percent(limit)]
    before, change = words.money(held["final_before"]), exact_yuan(held["final_change"], words)
    return Figures([
        (words("权重变动的病组", "Weights that change"), words(f"{len(moved):,} 个",
         f"{len(moved):,}"), words(f"有申请 {spoken:,} 个，其余 {rest:,} 个",
                                   f"{spoken:,} asked for, {rest:,} others")),
        (words("通过的申请", "Proposals accepted"), words(f"{passed} 项", f"{passed}"),
         words(f"共收到 {asked} 项", f"of {asked}")),
        (words("基金支付变化", "Change of what funds pay"), change,
         words(f"原 {before}", f"before {before}")),
        (words("医疗机构最大损失", "Largest loss of a hospital"),
         words.share(loss, 2) if loss else words("无", "none"),
         words("，", ", ").join([*([name] if name else []), *bound])),
        (words("医疗机构之间转移", "Moved between hospitals"), words.money(held["moved"]),
         words(f"{gain:,} 家增加，{lose:,} 家减少", f"{gain:,} gain, {lose:,} lose")),
    ])  # fmt: skip


def sentences(data: Minutes, words: Words) -> list[str]:
    """What was decided, point by point."""
    held, init, state = data.figures, data.state.init, data.state
    groups, hospitals = f"{len(data.groups):,}", f"{len(data.hospitals):,}"
    cases, year = f"{data.cases:,}", init["year"]
    asks, gone, panels = state.proposals.values(), len(state.withdrawn), state.panels.values()
    counts, spoken = Counter(one.party for one in asks), len({one.drg for one in asks})
    parties = words.joined(words(f"{zh} {counts[one]} 项", f"{en} {counts[one]}")
                           for one, (zh, en) in PARTIES.items())  # fmt: skip
    passed, waiting, refused = (len(data.with_outcome(one)) for one in list(STATES)[:3])
    seats = sum(len(one.members) for one in panels)
    before, after = (f"{words.number(float(held[f'final_{part}']), 'money')} {words.unit}"
                     for part in ("before", "after"))  # fmt: skip
    owing = exact_yuan(held["payable_after"] - held["payable_before"], words)
    mix = [f"{held[f'case_mix_index_{part}']:.4f}" for part in ("before", "after")]
    wrong = [held[f"inversions_{part}"] for part in ("before", "after")]
    new = words.joined(map(data.coded, held["inversions_new"][:_MOST]))
    new = words(f"，新增 {new}", f", new: {new}") if new else ""
    found = [
        words(f"以 {groups} 个病组的权重草案为基础，用 {year} 年 {hospitals} 家医疗机构的 {cases} "
              "例病例测算。",
              f"Negotiated were the draft weights of {groups} groups, on {cases} cases of "
              f"{hospitals} hospitals in {year}."),
        words(f"收到申请 {len(asks)} 项（{parties}），涉及 {spoken} 个病组，其中撤回 {gone} 项。",
              f"{len(asks)} proposals ({parties}) on {spoken} groups, {gone} of them withdrawn."),
        words(f"随机抽取专家组 {len(panels)} 个、专家 {seats} 人次，按规则回避；表决通过 {passed} "
              f"项，未通过 {refused} 项，未作决定 {waiting} 项。",
              f"{len(panels)} panels with {seats} seats by lot, interested hospitals recused: "
              f"{passed} proposals accepted, {refused} turned down, {waiting} not decided."),
        _weights(data, words), factor(data, words),
        words(f"基金清算支付由 {before}变为 {after}，DRG 应付变化 {owing}。",
              f"The funds pay {after} instead of {before}; what they owe by DRG changes by "
              f"{owing}."),
        words(f"CMI 由 {mix[0]} 变为 {mix[1]}，权重倒挂由 {wrong[0]} 处变为 {wrong[1]} 处{new}。",
              f"CMI goes from {mix[0]} to {mix[1]}, pairs out of order of severity from "
              f"{wrong[0]} to {wrong[1]}{new}."),
        _broken(data, words),
    ]  # fmt: skip
    return [one for one in found if one]


def _weights(data: Minutes, words: Words) -> str:
    """How many weights change, by why, and how the weights were found."""
    why, moved = reasons(data, words), data.groups[data.groups["moved"]]
    if not len(moved):
        return words("病组权重均未变动。", "No weight changes.")
    counts, up = moved["why"].value_counts(), sum(moved["weight_after"] > moved["weight_before"])
    parts = words("；", "; ").join(
        words(f"{why[one]} {counts[one]:,} 个", f"{counts[one]:,} {why[one]}")
        for one in (*STATES, AGAINST, OTHER) if one in counts)  # fmt: skip
    neutral = words.of(NEUTRAL[data.state.rules.neutral])
    total, down = f"{len(moved):,}", f"{len(moved) - up:,}"
    return words(f"权重变动的病组共 {total} 个（上调 {up:,}、下调 {down}）：{parts}。预算中性："
                 f"{neutral}。",
                 f"Against the draft {total} weights change ({up:,} up, {down} down): {parts}. "
                 f"Budget neutrality: {neutral}.")  # fmt: skip


def exact_yuan(yuan: float, words: Words) -> str:
    """A change of an amount, in yuan and fen when it is small."""
    small = fixed(yuan, 2, signed=True) + words(" 元", " yuan")
    return small if abs(yuan) < 10_000 else words.money(yuan, signed=True)


def _broken(data: Minutes, words: Words) -> str:
    """Rules that the final weights break, and why the round ended so."""
    closed, broken = data.state.closed or {}, []
    for one in closed.get("breaches") or []:
        _, text = data.about_hospital(str(one["zh" if words.zh else "en"]))
        broken.append(words("一家医疗机构损失超过限值", "a hospital loses more than the limit")
                      if data.hides(f"{one['zh']} {one['en']}") else data.coded(text))  # fmt: skip
    told, why = words("；", "; ").join(broken), safe(closed.get("despite", ""))
    said = words(f"本轮定案时未满足的谈判规则：{told}。理由：{why}。",
                 f"The round ended although rules are broken: {told}. Reason: {why}.")  # fmt: skip
    return said if broken else ""


def _largest(data: Minutes, words: Words) -> Table:
    """The largest changes of weights, which are told of every group."""
    moved = data.groups[data.groups["moved"]]
    ranks = moved.assign(
        size=moved[SHARE].abs(), why=moved["why"].map(reasons(data, words)), hidden=False
    ).sort_values(["size", "drg"], ascending=[False, True])
    return Table("main-changes", words("变动最大的权重", "The largest changes of weights"),
                 columns("drg name weight_before weight_after weight_change_share why"),
                 ranks.head(_MOST), where="page")  # fmt: skip
