"""The first page (摘要): a verdict, a few figures, one picture, and what it all rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from drg.cases.privacy import FEWEST
from drg.page.blocks import Block, Chart, Facts, Figures, Heading, Section, Text
from drg.page.words import Words, clean, fixed
from drg.plots.charts import bars
from drg.report.panel.assumptions import drivers, listed, policy_changes, source_of
from drg.report.panel.data import PanelData
from drg.report.panel.sources import warned
from drg.report.panel.story import Compared, Story, average, named, scenario_name, scenario_title

_MONEY = 0.005  # yuan; less is nothing


def title(data: PanelData, held: Story | None, words: Words) -> str:
    """Title of the report: of the scenario it tells, or of the settled year."""
    region = clean(data.policy.header.region) if data.policy and words.zh else ""
    if held is None:
        said = words(f"{data.year} 年 DRG 付费结算报告", f"DRG payment {data.year}: settlement")
        return f"{region} {said}".strip()
    name = scenario_title(data, held.code, words)
    return words(f"{region} DRG 付费测算报告：{name}，{held.year} 年".strip(),
                 f"DRG payment in {held.year}: {name}")  # fmt: skip


def subtitle(data: PanelData, words: Words) -> str:
    """Line below the title."""
    n, cases = len(data.by_hospital), int(data.by_hospital["cases"].sum())
    return words(f"供评审论证使用　{data.year} 年结算：医疗机构 {n:,} 家，病例 {cases:,} 例",
                 f"For the panel. Settled year {data.year}: {n:,} hospitals, {cases:,} cases. "
                 "Names of hospitals and groups stand as the data have them.")  # fmt: skip


def summary(data: PanelData, held: Story | None, words: Words) -> Section:
    """The page that stands alone."""
    blocks: list[Block] = [Text(line, "call") for line in alarms(data, words)]
    if held is None:
        blocks += [Text(_settled(data, words), "lead"), _settled_figures(data, words),
                   *_pool_chart(data.pools, data.hidden_pools, data.year, words)]  # fmt: skip
    else:
        blocks += [Text(verdict(held, words), "lead"), Text(_sure(held, words), "quiet"),
                   _figures(held, words), *_tiers(held, words)]  # fmt: skip
    blocks += [Heading(words("依据", "What it rests on")), Facts(_rests_on(data, held, words))]
    return Section("summary", words("摘要", "Summary"), blocks)


def alarms(data: PanelData, words: Words) -> list[str]:
    """What is wrong with the data: cases that are not settled, and what stands in for data."""
    found, held = [], data.settlement.get("unsettled")
    frame = pd.DataFrame(list(held.values()) if isinstance(held, dict) else [],
                         columns=["cases", "cost_fen"], dtype=float)  # fmt: skip
    cases, fen = float(frame["cases"].sum()), float(frame["cost_fen"].sum())
    if cases:
        share = words.share(cases / (cases + float(data.by_hospital["cases"].sum())))
        about = (
            ""
            if cases < FEWEST
            else words(
                f"（占 {share}，费用 {words.money(fen / 100)}）",
                f" ({share}, cost {words.money(fen / 100)})",
            )
        )
        found.append(words(f"有 {words.few(cases)} 例病例没有结算{about}，以下不含这些病例。",
                           f"{words.few(cases)} cases are not settled{about}, they are not in the "
                           "figures below."))  # fmt: skip
    said = [line.rstrip("。.") for line in warned(data, words, grave=True)]
    if said:
        found.append(words("数据有缺：", "The data are incomplete: ") + _sentence(said, words))
    return found


def verdict(held: Story, words: Words) -> str:
    """What happens, in one sentence: who can pay, who loses, what it costs."""
    final, cut = held.region["final"], held.region["budget_cut"].scenario
    base, losing = ("", "") if held.alone else (than(final, words), words(
        f"（基准 {held.losing(held.baseline):,} 家）",
        f" ({held.losing(held.baseline):,} in the baseline)"))  # fmt: skip
    name, left = scenario_title(held.data, held.code, words), float(held.pools["balance"].sum())
    return words(f"“{name}”下，{held.year} 年", f'Under "{name}" in {held.year} ') + _sentence(
        [_can_pay(final.scenario, cut, left, base, words),
         _who_loses(held.hospitals, losing, words), _costs(held, words)], words)  # fmt: skip


def _sentence(parts: list[str], words: Words) -> str:
    return words("；", "; ").join(parts) + words("。", ".")


def _can_pay(paid: float, cut: float, left: float, base: str, words: Words) -> str:
    if cut > _MONEY:
        owed, said = words.money(paid + cut), words.money(paid)
        return words(
            f"基金付不起全部清算应付：应付 {owed}，只能付 {said}{base}，"
            f"其余 {words.money(cut)} 由医疗机构承担",
            f"the funds cannot pay all they owe: of {owed} they pay {said}{base}, and hospitals "
            f"bear the other {words.money(cut)}")  # fmt: skip
    return words(f"基金付得起：清算支付 {words.money(paid)}{base}，{state(left, words)}",
                 f"the funds can pay: {words.money(paid)} are paid{base}, and the pools are "
                 f"{state(left, words)}")  # fmt: skip


def _who_loses(hospitals: pd.DataFrame, base: str, words: Words) -> str:
    own = hospitals[~hospitals["hidden"]].sort_values(["gain_share", "hospital_id"])
    losing, n = int((own["gain"] < 0).sum()), len(own)
    text = words(f"{n:,} 家医疗机构中 {losing:,} 家收不抵支{base}",
                 f"{losing:,} of {n:,} hospitals get less than their cases cost{base}")  # fmt: skip
    for name, share in own.loc[own["gain_share"] < 0, ["hospital", "gain_share"]].to_numpy()[:1]:
        text += words(f"，最重的是{name}（亏费用的 {words.share(-share)}）",
                      f", {name} most of all ({words.share(-share)} of its cost)")  # fmt: skip
    return text


def _costs(held: Story, words: Words) -> str:
    was, now = held.before, held.average
    text = words(f"次均费用 {now:,.0f} 元", f"a case costs {now:,.0f} yuan")
    if was > 0:
        text += words("，", ", ") + _on_year(now / was - 1, held.data.year, words)
    return text


def _on_year(change: float, year: int, words: Words) -> str:
    """A change against the settled year, as far as the digits shown tell one."""
    shown = words.share(change, signed=True)
    if shown == words.share(0.0, signed=True):
        return words(f"与 {year} 年持平", f"as in {year}")
    return words(f"比 {year} 年 {shown}", f"{shown} on {year}")


def than(value: Compared, words: Words) -> str:
    """What a sum of money is more or less than in the baseline."""
    if not math.isfinite(value.difference):
        return ""
    if abs(value.difference) < _MONEY:
        return words("（与基准方案相同）", " (as in the baseline)")
    more = value.difference > 0
    share = words.share(abs(value.difference / value.baseline)) if value.baseline else ""
    amount = words.money(abs(value.difference))
    return words(
        f"（比基准{'多' if more else '少'} {amount}，{share}）",
        f" ({amount}, {share}, {'more' if more else 'less'} than in the baseline)",
    )


def state(balance: float, words: Words) -> str:
    """A balance of the pools in words."""
    if balance >= _MONEY:
        return words(f"结余 {words.money(balance)}", f"{words.money(balance)} in surplus")
    if balance <= -_MONEY:
        return words(f"超支 {words.money(-balance)}", f"overrun by {words.money(-balance)}")
    return words("收支持平", "balanced")


def _sure(held: Story, words: Words) -> str:
    """How sure that is: chances and intervals out of the draws, and what the policy does alone."""
    document = held.data.projection or {}
    draws = document.get("draws")
    parts = []
    if isinstance(draws, int) and draws > 1:
        chances = words.joined(
            f"{words.insurance(clean(r['pool'], 40))} {words.share(r['overrun_probability'], 0)}"
            for _, r in held.pools.iterrows() if math.isfinite(r["overrun_probability"])
            and r["pool"] not in held.data.hidden_pools
        )  # fmt: skip
        low, high = (average(held.data, held.code, held.year, f"average_cost_{end}")
                     for end in ("low", "high"))  # fmt: skip
        parts.append(words(f"有多大把握：{draws:,} 次随机抽取中，应付超过基金池的可能为{chances}",
                           f"How sure: in {draws:,} draws the chance that more is owed than the "
                           f"pool holds is {chances}"))  # fmt: skip
        if math.isfinite(low + high):
            parts.append(words(f"次均费用 95% 的可能在 {low:,.0f} 至 {high:,.0f} 元之间",
                               f"the average cost lies between {low:,.0f} and {high:,.0f} yuan in "
                               "95 of 100"))  # fmt: skip
    else:
        parts.append(
            words(
                "有多大把握：测算时没有随机抽取，只有居中值，没有区间",
                "How sure: nothing was drawn at random, so there are no intervals",
            )
        )
    final = held.region["final"]
    if final.parted and not held.alone:
        parts.append(_by_whom(held, words))
    return _sentence(parts, words)


def _by_whom(held: Story, words: Words) -> str:
    """What of the difference the policy brings; by the scenario's changes, not by totals."""
    paid, gain = held.region["final"], held.region["gain"]
    both = ((paid.by_policy, gain.by_policy), (paid.by_drivers, gain.by_drivers))
    own, moved = (words(
        f"清算支付 {words.money(a, signed=True)}、医疗机构盈亏 {words.money(b, signed=True)}",
        f"{words.money(a, signed=True)} paid and {words.money(b, signed=True)} of hospitals' gain")
        for a, b in both)  # fmt: skip
    if not policy_changes(held, words):
        return words(f"方案没有调整政策，与基准之差（{moved}）全部来自假设的驱动因素",
                     f"the scenario changes no policy: the difference ({moved}) comes from the "
                     "assumed drivers")  # fmt: skip
    return words(
        f"与基准之差中，政策调整带来{own}，假设的驱动因素带来{moved}",
        f"of the difference the policy brings {own}, the assumed drivers {moved}",
    ) + _between_tiers(held, paid.by_policy, words)


def _between_tiers(held: Story, whole: float, words: Words) -> str:
    """The tier that loses most by the policy, where a total that a cap holds does not show it."""
    rows = held.level("tier")
    if rows.empty or rows["hidden"].any() or not rows["final_by_policy"].notna().all():
        return ""
    own = rows.groupby("key")["final_by_policy"].sum()
    low = float(own.min())
    if -low <= max(-whole, 0.0) + _MONEY:
        return ""
    name, moved = words.tier(str(own.idxmin())), words.money(low, signed=True)
    return words(f"；各级之间有增有减，减少最多的是{name}，{moved}",
                 f"; it moves money between tiers, {name} loses most: {moved}")  # fmt: skip


def _figures(held: Story, words: Words) -> Figures:
    data, region = held.data, held.region
    final, cut, cost = region["final"], region["budget_cut"], region["average_cost"]
    base = "" if held.alone else words("基准 ", "baseline ")

    def beside(text: str) -> str:
        return base + text if base else ""

    balance = float(held.pools["balance_before_cut"].sum())
    second = (words("清算应付超出基金池", "Owed beyond the pools"), words.money(cut.scenario),
              beside(words.money(cut.baseline)))  # fmt: skip
    if not (cut.scenario or cut.baseline):
        second = (words("基金池结余", "Left in the pools"), words.money(balance), "")
    change = _on_year(held.average / held.before - 1, data.year, words) if held.before > 0 else ""
    patient, other = (average(data, code, held.year, "average_patient")
                      for code in (held.code, held.baseline))  # fmt: skip

    def counted(n: int) -> str:
        return words(f"{n:,} 家", f"{n:,}")

    def yuan(value: float) -> str:
        return words(f"{value:,.0f} 元", f"{value:,.0f} yuan")

    return Figures([
        (words(f"{held.year} 年清算支付", f"Paid in {held.year}"), words.money(final.scenario),
         beside(words.money(final.baseline))),
        second,
        (words("收不抵支的医疗机构", "Hospitals that lose"), counted(held.losing(held.code)),
         beside(counted(held.losing(held.baseline)))),
        (words("次均费用", "Average cost"), yuan(cost.scenario),
         change),
        (words("次均个人负担", "Patient's part"), yuan(patient), beside(yuan(other))),
    ])  # fmt: skip


def _tiers(held: Story, words: Words) -> list[Block]:
    """What hospitals of each tier are paid, in the baseline and in the scenario."""
    rows = held.level("tier")
    if held.alone or rows.empty:
        return _pool_chart(held.pools, held.data.hidden_pools, held.year, words)
    rows = rows[~rows["hidden"]].sort_values("key", ascending=False)
    items = []
    for _, r in rows.iterrows():
        was, now = float(r["final_baseline"]), float(r["final_scenario"])
        share = f" ({words.share(now / was - 1, signed=True)})" if was > 0 else ""
        items.append(
            (
                words.tier(r["key"]),
                [words.scaled(was), words.scaled(now)],
                [words.number(was, "money"), words.number(now, "money") + share],
            )
        )
    name = words(f"各级医疗机构得到的清算支付，{held.year} 年",
                 f"What hospitals of each tier are paid, {held.year}")  # fmt: skip
    legend = [words.of(("基准方案", "baseline")), scenario_name(held.data, held.code, words)]
    return [Chart("tiers", name, _about(items, words),
                  bars(items, legend, words.unit, words.lang))] if items else []  # fmt: skip


def _pool_chart(
    pools: pd.DataFrame, hidden: frozenset[str], year: int, words: Words
) -> list[Block]:
    """The pool against what is owed and what is paid."""
    items = []
    for _, p in pools[~pools["pool"].isin(hidden)].iterrows():
        values = [float(p["amount"]), float(p["final"] + p["budget_cut"]), float(p["final"])]
        items.append((words.insurance(clean(p["pool"], 30)), [words.scaled(v) for v in values],
                      [words.number(v, "money") for v in values]))  # fmt: skip
    legend = [
        words("基金池可分配", "in the pool"),
        words("清算应付", "owed"),
        words("实付", "paid"),
    ]
    name = words(f"基金池与应付，{year} 年", f"The pools and what is owed, {year}")
    return [Chart("pools", name, _about(items, words), bars(items, legend, words.unit, words.lang))
            ] if items else []  # fmt: skip


def _about(items: Sequence[tuple[str, Any, Sequence[str]]], words: Words) -> str:
    return words("；", "; ").join(f"{name} {' / '.join(said)}" for name, _, said in items)


def _rests_on(data: PanelData, held: Story | None, words: Words) -> list[tuple[str, str]]:
    """Policy, weights, what the scenario sets, and the data, in a line each."""
    pairs = [(words("支付政策", "Policy"), _policy(data, words)),
             (words("权重", "Weights"), _weights(data, words))]  # fmt: skip
    if held is not None and not held.alone:
        told = [*policy_changes(held, words), *drivers(held, words)]
        sets = listed(told, 6, words) or words("无", "nothing")
        source = next((source_of(one.get("source"), words) for one in data.scenarios
                       if str(one.get("id")) == held.code), "")  # fmt: skip
        sets += words(f"。来源：{source}", f". Source: {source}") if source else ""
        pairs.append((words("方案设定", "The scenario sets"), sets))
    elif held is not None:
        pairs.append(
            (
                words("方案", "Scenario"),
                words("只测算了基准方案：政策和费用走势不变", "only the baseline: nothing changes"),
            )
        )
    cases = float(data.by_hospital["cases"].sum())
    pairs.append((words("数据", "Data"), words(
        f"{data.year} 年 {len(data.by_hospital):,} 家医疗机构 {cases:,.0f} 例病例的清算结果",
        f"the settlement of {cases:,.0f} cases of {len(data.by_hospital):,} hospitals in "
        f"{data.year}")))  # fmt: skip
    return pairs


def _policy(data: PanelData, words: Words) -> str:
    policy = data.policy
    if policy is None:
        return words(
            "本地政策文件（不是程序自带的政策）", "a local document, not one of the program's"
        )
    header = policy.header
    name = named("", clean(header.title), clean(header.title_en), words)
    leaves = [leaf for leaf in policy.leaves() if leaf.about.is_figure]
    default = sum(leaf.is_default for leaf in leaves)
    return name + (words(f"；{len(leaves)} 个数值中 {default} 个是默认值，须本地确认",
                         f"; {default} of its {len(leaves)} figures are defaults, to be confirmed")
                   if default else "")  # fmt: skip


def _weights(data: PanelData, words: Words) -> str:
    held = (data.projection or {}).get("weights") or data.settlement.get("weights")
    if not isinstance(held, dict):
        return words("未说明", "not said")
    name = named("", clean(held.get("title"), 80), clean(held.get("title_en"), 80), words)
    return name or words("本次测算所用的本地权重表", "the local table that was used")


def _settled(data: PanelData, words: Words) -> str:
    final, cut, left = (float(data.pools[n].sum()) for n in ("final", "budget_cut", "balance"))
    cost, cases = (float(data.by_hospital[n].sum()) for n in ("cost", "cases"))
    mean = words(f"次均费用 {cost / cases:,.0f} 元", f"a case costs {cost / cases:,.0f} yuan"
                 ) if cases else words("没有病例", "there is no case")  # fmt: skip
    return words(f"{data.year} 年", f"In {data.year} ") + _sentence(
        [_can_pay(final, cut, left, "", words), _who_loses(data.by_hospital, "", words), mean],
        words)  # fmt: skip


def _settled_figures(data: PanelData, words: Words) -> Figures:
    pools, hospitals = data.pools, data.by_hospital
    final, amount = float(pools["final"].sum()), float(pools["amount"].sum())
    cost, cases, patient = (float(hospitals[n].sum()) for n in ("cost", "cases", "patient"))
    told = hospitals[~hospitals["hidden"]]
    losing = int((told["gain"] < 0).sum())
    mean = fixed(cost / cases if cases else 0.0, 0)
    part = fixed(patient / cases if cases else 0.0, 0)
    return Figures([
        (words("清算支付", "Paid by the funds"), words.money(final),
         words(f"可分配 {words.money(amount)}", f"of {words.money(amount)}")),
        (words("基金池结余", "Left in the pools"), words.money(float(pools["balance"].sum())), ""),
        (words("收不抵支的医疗机构", "Hospitals that lose"), words(f"{losing:,} 家", f"{losing:,}"),
         words(f"共 {len(told):,} 家", f"of {len(told):,}")),
        (words("次均费用", "Average cost"), words(f"{mean} 元", f"{mean} yuan"), ""),
        (words("次均个人负担", "Patient's part"), words(f"{part} 元", f"{part} yuan"),
         words.share(patient / cost) if cost else ""),
    ])  # fmt: skip
