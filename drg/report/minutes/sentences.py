"""What a round came to, in five to eight sentences with figures (谈判结果)."""

from __future__ import annotations

from collections import Counter

from drg.page.words import clean, fixed
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import NEUTRAL, OBJECTIVES, PARTIES, MinutesWords, short_percent


def sentences(data: Minutes, words: MinutesWords) -> list[str]:
    """What was decided, in five to eight sentences."""
    found = [_subject(data, words), _proposals(data, words), _votes(data, words),
             _way(data, words), _weights(data, words), _money(data, words),
             _hospitals(data, words), _order(data, words), _broken(data, words)]  # fmt: skip
    return [one for one in found if one]


def _broken(data: Minutes, words: MinutesWords) -> str:
    """Rules that the final weights break, and why the round ended so."""
    closed = data.state.closed or {}
    broken = closed.get("breaches") or []
    if not broken:
        return ""
    zh, en = ("；".join(clean(one["zh"]) for one in broken),
              "; ".join(clean(one["en"]) for one in broken))  # fmt: skip
    why = clean(closed.get("despite", ""))
    return words(f"本轮定案时未满足的谈判规则：{zh}。理由：{why}。",
                 f"The round ended although rules are broken: {en}. Reason: {why}.")  # fmt: skip


def _subject(data: Minutes, words: MinutesWords) -> str:
    init = data.state.init
    cases, hospitals = int(init["cases"]["rows"]), len(data.hospitals)
    policy = clean(init["policy"].get("title"), 60) if words.zh else ""
    policy = policy or clean(init["policy"]["id"], 60)
    table, year, groups = clean(init["weights"]["id"], 60), init["year"], len(data.weights)
    return words(
        f"以权重草案“{table}”（{groups:,} 个病组）和支付政策“{policy}”为基础，用 {year} 年 "
        f"{hospitals:,} 家医疗机构的 {cases:,} 例病例谈判。",
        f"Negotiated were the draft weights {table} ({groups:,} groups) under the policy "
        f"{policy}, on {cases:,} cases of {hospitals:,} hospitals in {year}.",
    )


def _proposals(data: Minutes, words: MinutesWords) -> str:
    state = data.state
    if not state.proposals:
        return words("未收到调整申请。", "There were no proposals.")
    counts = Counter(one.party for one in state.proposals.values())
    parts = words.joined([
        words(f"{words.of(PARTIES[party])} {counts[party]} 项",
              f"{counts[party]} by {_plural(party, counts[party])}")
        for party in PARTIES if counts[party]
    ])  # fmt: skip
    groups = len({one.drg for one in state.proposals.values()})
    gone = len(state.withdrawn)
    return words(
        f"收到调整申请 {len(state.proposals)} 项（{parts}），涉及 {groups} 个病组"
        + (f"，其中撤回 {gone} 项。" if gone else "。"),
        f"There were {len(state.proposals)} proposals ({parts}) on {groups} groups"
        + (f"; {gone} of them {'was' if gone == 1 else 'were'} withdrawn." if gone else "."),
    )


def _plural(party: str, count: int) -> str:
    if party == "hospital":
        return "a hospital" if count == 1 else "hospitals"
    return {"panel": "panels", "bureau": "the bureau"}[party]


def _votes(data: Minutes, words: MinutesWords) -> str:
    state = data.state
    if not state.panels:
        return words("未抽取专家组。", "No panel was drawn.")
    seats = sum(len(panel.members) for panel in state.panels.values())
    passed, refused = len(data.decided()), len(data.decided(False))
    open_ = len(data.undecided)
    text = words(
        f"随机抽取专家组 {len(state.panels)} 个、专家 {seats} 人次，按规则回避；"
        f"表决通过 {passed} 项，未通过 {refused} 项",
        f"By lot {len(state.panels)} panel{'s' * (len(state.panels) > 1)} with {seats} seats "
        "were drawn, interested hospitals recused; of the proposals "
        f"{passed} {'was' if passed == 1 else 'were'} accepted, {refused} turned down",
    )
    if open_:
        text += words(f"，未作决定 {open_} 项", f", {open_} not decided")
    return text + words("。", ".")


def _way(data: Minutes, words: MinutesWords) -> str:
    """How the weights were found: by an offer, or by decisions and a common factor."""
    offer, rules = data.offer, data.state.rules
    neutral = words.of(NEUTRAL[rules.neutral])
    if offer is not None:
        name = words.of(OBJECTIVES[offer["objective"]])
        held = [float(one) for one in offer["satisfaction"].values()]
        part = (
            words(f"，申请平均满足 {short_percent(sum(held) / len(held))}",
                  f"; asks are met by {short_percent(sum(held) / len(held))} on average")
            if held else ""
        )  # fmt: skip
        return words(
            f"各方采纳折中方案 {clean(offer['id'])}（{name}）{part}；预算中性：{neutral}。",
            f"Offer {clean(offer['id'])} ({name}) was accepted{part}; {neutral}.",
        )
    if rules.neutral == "none" or data.scale == 1.0:
        return words("未采用折中方案，权重按专家组决定调整。",
                     "No offer was accepted; weights change as the panels decided.")  # fmt: skip
    return words(
        f"未采用折中方案，权重按专家组决定调整；为使{neutral}，其余病组权重统一乘以 "
        f"{data.scale:.6f}。",
        f"No offer was accepted; weights change as the panels decided. So that {neutral}, the "
        f"weights of all other groups are multiplied by {data.scale:.6f}.",
    )


def _weights(data: Minutes, words: MinutesWords) -> str:
    changed = data.changed
    if not changed:
        return words("申请涉及的病组权重均未改变。", "No group that was spoken of changes.")
    up = [drg for drg in changed if changed[drg] > 0]
    ends = [(max(changed, key=lambda d: changed[d]), words("最大上调", "the largest rise is"))]
    ends += [(min(changed, key=lambda d: changed[d]), words("最大下调", "the largest fall is"))]
    said = [
        f"{label} {_named(data, drg)} {words.percent(changed[drg], signed=True)}"
        f"{words('，', ', ')}{data.weights[drg][0]:.4f} → {data.weights[drg][1]:.4f}"
        for (drg, label), sign in zip(ends, (1, -1), strict=True) if changed[drg] * sign > 0
    ]  # fmt: skip
    joined = words("；", "; ").join(said)
    return words(
        f"申请涉及的病组中调整 {len(changed)} 个（上调 {len(up)} 个、下调 "
        f"{len(changed) - len(up)} 个）：{joined}。",
        f"Of the groups spoken of, {len(changed)} change ({len(up)} up, {len(changed) - len(up)} "
        f"down): {joined}.",
    )


def _named(data: Minutes, drg: str) -> str:
    name = data.group(drg)
    return f"{clean(drg)} {name}".strip()


def _money(data: Minutes, words: MinutesWords) -> str:
    held = data.figures
    before, after, change = (float(held[f"final_{part}"]) for part in ("before", "after", "change"))
    share = words.percent(change / before, signed=True) if before else "—"
    owed = float(held["payable_after"]) - float(held["payable_before"])
    moved = words.money(float(held["moved"]))
    return words(
        f"基金清算支付由 {_whole(before, words)}变为 {_whole(after, words)}（"
        f"{exact_yuan(change, words)}，{share}），DRG 应付变化 {exact_yuan(owed, words)}；"
        f"医疗机构之间转移 {moved}。",
        f"The funds pay {_whole(after, words)} instead of {_whole(before, words)} "
        f"({exact_yuan(change, words)}, {share}); what they owe by DRG changes by "
        f"{exact_yuan(owed, words)}, and {moved} move between hospitals.",
    )


def _whole(yuan: float, words: MinutesWords) -> str:
    """An amount in the unit of the tables, so that a small change of it shows."""
    return f"{words.number(yuan, 'money')} {words.unit}"


def exact_yuan(yuan: float, words: MinutesWords) -> str:
    """A signed amount, in yuan and fen when it is small."""
    if abs(yuan) < 10_000:
        return fixed(yuan, 2, signed=True) + words(" 元", " yuan")
    return words.money(yuan, signed=True)


def _hospitals(data: Minutes, words: MinutesWords) -> str:
    held, limit = data.figures, data.state.rules.largest_loss
    text = words(
        f"{held['hospitals_gaining']:,} 家医疗机构增加收入，{held['hospitals_losing']:,} 家减少",
        f"{held['hospitals_gaining']:,} hospitals gain, {held['hospitals_losing']:,} lose",
    )
    told = data.hospitals[~data.hospitals["hidden"]]
    for label, worst in ((words("增加最多", "the largest gain is that of"), False),
                         (words("减少最多", "the largest loss that of"), True)):  # fmt: skip
        found = told.sort_values("final_change", ascending=worst)
        if len(found) and found["final_change"].iloc[0] * (-1 if worst else 1) > 0:
            one = found.iloc[0]
            name = data.hospital(str(one["hospital_id"]))
            share = words.percent(float(one["final_change_share"]), signed=True)
            text += words(
                f"；{label}的是{name}（{words.money(one['final_change'], signed=True)}，{share}）",
                f"; {label} {name} ({words.money(one['final_change'], signed=True)}, {share})",
            )
    owed, name = data.largest_loss
    if owed > 0:
        text += words(
            f"；按 DRG 应付计，损失占比最大的是{name}（{words.percent(owed)}）",
            f"; of what is owed by DRG, {name} loses the largest share ({words.percent(owed)})",
        )
    if limit is not None:
        text += words(f"，规则限值 {short_percent(limit)}",
                      f", where the rules allow {short_percent(limit)}")  # fmt: skip
    return text + words("。", ".")


def _order(data: Minutes, words: MinutesWords) -> str:
    held, state = data.figures, data.state
    text = words(
        f"CMI 由 {held['case_mix_index_before']:.4f} 变为 {held['case_mix_index_after']:.4f}，"
        f"权重倒挂由 {held['inversions_before']} 处变为 {held['inversions_after']} 处",
        f"CMI goes from {held['case_mix_index_before']:.4f} to "
        f"{held['case_mix_index_after']:.4f}, pairs out of order of severity from "
        f"{held['inversions_before']} to {held['inversions_after']}",
    )
    if state.closed is not None:
        digest = clean(state.closed["weights_sha256"])[:12]
        text += words(
            f"；最终权重表 {clean(state.closed['file'])}，SHA-256 {digest}…",
            f"; the final table is {clean(state.closed['file'])}, SHA-256 {digest}…",
        )
    return text + words("。", ".")
