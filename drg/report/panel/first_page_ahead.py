"""The summary of a projection (摘要): what a scenario does to hospitals, pools and average cost."""

from __future__ import annotations

import math

from drg.page.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Figures,
    Heading,
    Section,
    Table,
    Text,
)
from drg.page.words import EFFECTS, Words, fixed, plural
from drg.report.panel.changes import decided_ahead, state
from drg.report.panel.data import PanelData
from drg.report.panel.first_page import hospital_name
from drg.report.panel.story import Compared, Story, average, scenario_name, story, whole

_ENDS = 5  # hospitals that lose most


def summary_ahead(data: PanelData, words: Words) -> Section | None:
    """The page that stands alone, for the scenario told; None without a projection."""
    held = story(data)
    if held is None:
        return None
    name = scenario_name(data, held.code, words)
    lead = words("", " ").join(_sentences(held, words))
    blocks: list[Block] = [Text(lead, "lead"), _figures(held, words)]
    if held.alone:
        only = words(
            "只测算了基准方案（维持现行政策），没有可比较的方案；以下均为基准方案的数字。",
            "Only the baseline was projected, the policy as it is: there is no scenario to compare "
            "it with, and all that follows is the baseline.",
        )
        blocks.insert(0, Text(only, "call"))
    else:
        blocks.append(_scenarios(held, words))
    blocks += [
        Heading(words("依据什么测算", "What it rests on")),
        Facts(decided_ahead(held, words)),
        *_losers(held, words),
    ]
    title = words(f"摘要：{name}，{held.year} 年", f"Summary: {name}, {held.year}")
    return Section("summary", title, blocks)


def _sentences(held: Story, words: Words) -> list[str]:
    said = [_paid(held, words), _cut(held, words), _hospitals(held, words), _cost(held, words),
            _parts(held, words)]  # fmt: skip
    return [sentence for sentence in said if sentence]


def _paid(held: Story, words: Words) -> str:
    name = scenario_name(held.data, held.code, words)
    amount, final = float(held.pools["amount"].sum()), held.region["final"]
    text = words(
        f"“{name}”下，{held.year} 年基金池可分配 {words.money(amount)}，"
        f"向医疗机构清算支付 {words.money(final.scenario)}",
        f'Under "{name}" the pools have {words.money(amount)} for {held.year} and pay hospitals '
        f"{words.money(final.scenario)}",
    )
    return text + _than_base(final, words) + words("。", ".")


def _than_base(value: Compared, words: Words) -> str:
    """What a sum of money is more or less than in the baseline."""
    if not math.isfinite(value.difference):
        return ""
    if abs(value.difference) < 0.005:
        return words("，与基准方案相同", ", as in the baseline")
    more = value.difference > 0
    share = words.share(abs(value.difference / value.baseline)) if value.baseline else ""
    amount = words.money(abs(value.difference))
    return words(
        f"，比基准方案{'多' if more else '少'} {amount}（{share}）",
        f", {amount} ({share}) {'more' if more else 'less'} than in the baseline",
    )


def _cut(held: Story, words: Words) -> str:
    """The budget cut, and the balance before and after it."""
    cut, before = held.region["budget_cut"], float(held.pools["balance_before_cut"].sum())
    after = float(held.pools["balance"].sum())
    if not math.isfinite(cut.scenario) or not (cut.scenario or cut.baseline):
        return words(f"基金池{state(after, words)}。", f"The pools are {state(after, words)}.")
    was = words.money(cut.baseline) if math.isfinite(cut.baseline) else ""
    base = "" if held.alone else words(
        f"（基准方案 {was}）", f" ({was} in the baseline)"
    )  # fmt: skip
    return words(
        f"其中总额控制扣减 {words.money(cut.scenario)}{base}："
        f"扣减前基金池{state(before, words)}，扣减后{state(after, words)}。",
        f"{words.money(cut.scenario)} are cut to hold the budget{base}: the pools are "
        f"{state(before, words)} before the cut and {state(after, words)} after it.",
    )


def _hospitals(held: Story, words: Words) -> str:
    n = int((~held.data.by_hospital["hidden"]).sum())
    losing, base = held.losing(held.code), held.losing(held.baseline)
    compared = (
        "" if held.alone else words(f"（基准方案 {base:,} 家）", f" ({base:,} in the baseline)")
    )
    return words(
        f"{n:,} 家医疗机构中 {losing:,} 家收不抵支{compared}。",
        f"{losing:,} of {plural(n, 'hospital', 'hospitals')} get less than their cases "
        f"cost{compared}.",
    )


def _cost(held: Story, words: Words) -> str:
    """Average cost of a case: from the settled year to the year told, and what moves it most."""
    was, now, other = held.before, held.average, held.region["average_cost"].difference
    text = words(f"次均费用 {now:,.0f} 元", f"A case costs {now:,.0f} yuan on average")
    if was > 0:
        change = words.share(now / was - 1, signed=True)
        text = words(
            f"次均费用由 {held.data.year} 年的 {was:,.0f} 元变为 {now:,.0f} 元（{change}）",
            f"The average cost of a case goes from {was:,.0f} yuan in {held.data.year} to "
            f"{now:,.0f} ({change})",
        )
    if math.isfinite(other):
        word = words("高" if other > 0 else "低", "above" if other > 0 else "below")
        text += words(
            f"，比基准方案{word} {abs(other):,.0f} 元",
            f", {abs(other):,.0f} yuan {word} the baseline",
        ) if abs(other) >= 0.5 else words("，与基准方案相同", ", as in the baseline")  # fmt: skip
    largest = _largest(held)
    if largest is not None:
        effect, yuan = largest
        text += words(
            f"，变动最大的一项是{words.of(EFFECTS[effect])}（{yuan:+,.0f} 元）",
            f"; the largest part is {words.of(EFFECTS[effect])} ({yuan:+,.0f} yuan)",
        )
    return text.replace("-", "\N{MINUS SIGN}") + words("。", ".")


def _parts(held: Story, words: Words) -> str:
    """What the policy does, and what would come without it; empty where that is not known."""
    final, gain, cost = (held.region[name] for name in ("final", "gain", "average_cost"))
    if held.alone or not (final.parted and gain.parted and cost.parted):
        return ""
    driven = _three(final.by_drivers, gain.by_drivers, cost.by_drivers, words)
    if not any(abs(one.by_policy) >= 0.005 for one in (final, gain, cost)):
        return words(
            f"本方案的政策与基准相同：与基准之差（{driven}）全部来自假设的驱动因素。",
            f"The policy is that of the baseline: the whole difference ({driven}) comes from the "
            "assumed drivers.",
        )
    own = _three(final.by_policy, gain.by_policy, cost.by_policy, words)
    return words(
        f"与基准之差中，政策调整带来的是：{own}；政策不变时假设的驱动因素也会带来：{driven}。",
        f"Of the difference, the policy brings {own}; without it the assumed drivers would bring "
        f"{driven} all the same.",
    )


def _three(final: float, gain: float, cost: float, words: Words) -> str:
    paid, result = words.money(final, signed=True), words.money(gain, signed=True)
    yuan = fixed(cost, 0, signed=True)
    return words(
        f"清算支付 {paid}、医疗机构盈亏 {result}、次均费用 {yuan} 元",
        f"{paid} paid, {result} of hospitals' gain and {yuan} yuan of average cost",
    )


def _parted(value: Compared, words: Words, *, money: bool = True) -> str:
    """The two parts of a difference in small type."""
    if not value.parted:
        return ""
    a, b = ((words.money(v, signed=True) if money else fixed(v, 0, signed=True))
            for v in (value.by_drivers, value.by_policy))  # fmt: skip
    return words(f"（驱动 {a}，政策 {b}）", f" (drivers {a}, policy {b})")


def _largest(held: Story) -> tuple[str, float] | None:
    """The effect that moves the region's average cost most; None when nothing does."""
    rows = held.data.at("decomposition", held.code, held.year)
    if rows.empty:
        return None
    own = rows[(rows["level"] == "region") & rows["measure"].isin(("average", ""))]
    if own.empty:
        return None
    parts = {name: float(own[name].to_numpy(float)[0]) for name in EFFECTS}
    effect, yuan = max(parts.items(), key=lambda one: abs(one[1]))
    return (effect, yuan) if abs(yuan) >= 0.5 else None


def _figures(held: Story, words: Words) -> Figures:
    data, region = held.data, held.region
    final, cut, cost = region["final"], region["budget_cut"], region["average_cost"]
    base = "" if held.alone else words("基准 ", "baseline ")

    def against(value: float, text: str) -> str:
        return "" if held.alone or not math.isfinite(value) else text

    balance = float(held.pools["balance_before_cut"].sum())
    if cut.scenario or cut.baseline:
        second = (words("总额控制扣减", "Budget cut"), words.money(cut.scenario),
                  against(cut.baseline, base + words.money(cut.baseline)))  # fmt: skip
    else:
        second = (words("基金池结余", "Left in the pools"), words.money(balance), "")
    losing = held.losing(held.code)
    patient = average(data, held.code, held.year, "average_patient")
    other = average(data, held.baseline, held.year, "average_patient")
    was = held.before
    change = words.share(held.average / was - 1, signed=True) if was > 0 else ""
    return Figures([
        (words(f"{held.year} 年清算支付", f"Paid in {held.year}"), words.money(final.scenario),
         against(final.difference, words("比基准 ", "to baseline ")
                 + words.money(final.difference, signed=True)) + _parted(final, words)),
        second,
        (words("收不抵支的医疗机构", "Hospitals that lose"),
         words(f"{losing:,} 家", f"{losing:,}"),
         against(0, base + words(f"{held.losing(held.baseline):,} 家",
                                 f"{held.losing(held.baseline):,}"))),
        (words(f"{held.year} 年次均费用", f"Average cost {held.year}"),
         words(f"{cost.scenario:,.0f} 元", f"{cost.scenario:,.0f} yuan"),
         (words(f"较 {data.year} 年 {change}", f"{change} on {data.year}") if change else "")
         + against(cost.difference, words("；比基准 ", "; to baseline ")
                   + fixed(cost.difference, 0, signed=True) + _parted(cost, words, money=False))),
        (words("次均个人负担", "Patient's part"),
         words(f"{patient:,.0f} 元", f"{patient:,.0f} yuan"),
         against(other, base + words(f"{other:,.0f} 元", f"{other:,.0f} yuan"))),
    ])  # fmt: skip


def _scenarios(held: Story, words: Words) -> Table:
    """Every scenario in the year told, one row each."""
    data = held.data
    columns = [
        Column(words("方案", "Scenario"), "name"),
        Column(words("可分配额", "To distribute"), "money"),
        Column(words("DRG 应付", "Payable"), "money"),
        Column(words("扣减前结余", "Balance before cut"), "gain"),
        Column(words("总额控制扣减", "Budget cut"), "money"),
        Column(words("清算支付", "Paid"), "money"),
        Column(words("次均费用", "Average cost"), "yuan"),
        Column(words("次均个人负担", "Patient's part"), "yuan"),
        Column(words("收不抵支（家）", "Hospitals that lose"), "year"),
    ]
    rows: list[list[Cell]] = []
    for code in (held.baseline, held.code, *held.others):
        pools = data.at("projection_pools", code, held.year)
        if pools.empty:  # a scenario of fewer years
            continue
        sums = whole(data, code, held.year)
        rows.append([
            scenario_name(data, code, words), float(pools["amount"].sum()),
            float(pools["payable"].sum()), float(pools["balance_before_cut"].sum()),
            sums["budget_cut"], float(pools["final"].sum()), sums["average_cost"],
            average(data, code, held.year, "average_patient"), held.losing(code),
        ])  # fmt: skip
    caption = words(f"各方案，{held.year} 年", f"The scenarios in {held.year}")
    told = scenario_name(data, held.code, words)
    note = words(
        f"本报告讲述“{told}”；其他方案的全部数字见各表和工作簿。",
        f'The report tells of "{told}"; every figure of the others is in the tables and the '
        "workbook.",
    ) if held.others else ""  # fmt: skip
    return Table("scenarios", caption, columns, rows, 0, note)


def _losers(held: Story, words: Words) -> list[Block]:
    """The hospitals that lose most, in relation to their cost, under the scenario told."""
    data = held.data
    own = data.at("projection_hospitals", held.code, held.year)
    own = own[~own["hospital_id"].isin(data.hidden) & (own["cost"] > 0) & (own["gain"] < 0)]
    if own.empty:
        return []
    base = data.at("projection_hospitals", held.baseline, held.year).set_index("hospital_id")
    own = own.assign(share=own["gain"] / own["cost"])
    own = own.sort_values(["share", "hospital_id"]).head(_ENDS)
    chance = own["loss_probability"].notna().any()
    columns = [
        Column(words("医疗机构", "Hospital"), "name"),
        Column(words("级别", "Tier")),
        Column(words("清算支付", "Paid"), "money"),
        *([] if held.alone else [Column(words("比基准", "To baseline"), "gain")]),
        Column(words("盈亏", "Gain or loss"), "gain"),
        Column(words("占费用", "Of cost"), "change"),
        *([Column(words("亏损概率", "Loss probability"), "share")] if chance else []),
    ]
    rows: list[list[Cell]] = []
    for _, h in own.iterrows():
        was = float(base["final"].get(h["hospital_id"], math.nan))
        less = [] if held.alone else [float(h["final"]) - was]
        rows.append([
            hospital_name(h["hospital_name"], h["hospital_id"]), words.tier(h["tier"]),
            float(h["final"]), *less, float(h["gain"]), float(h["share"]),
            *([float(h["loss_probability"])] if chance else []),
        ])  # fmt: skip
    caption = words(
        f"{held.year} 年按费用占比亏损最大的 {len(rows)} 家医疗机构"
        f"（{scenario_name(data, held.code, words)}）",
        f"The {len(rows)} hospitals that lose most by cost in {held.year} "
        f"({scenario_name(data, held.code, words)})",
    )
    return [Table("losers", caption, columns, rows)]
