"""The summary of a settled year (摘要): what was decided, five figures, three sentences."""

from __future__ import annotations

import numpy as np

from drg.page.blocks import Block, Column, Facts, Figures, Heading, Section, Table, Text
from drg.page.small_cells import few
from drg.page.words import Words, clean, plural
from drg.report.panel.data import PanelData
from drg.report.panel.story import named, scenario_title, story

_ENDS = 5  # hospitals at each end


def title(data: PanelData, words: Words) -> str:
    """Title of the report: of the scenario it tells, or of the settled year."""
    policy, held = data.policy, story(data)
    region = clean(policy.header.region) if policy and words.zh else ""
    if held is None:
        said = words(f"{data.year} 年 DRG 付费结算报告", f"DRG payment {data.year}: settlement")
        return f"{region} {said}".strip()
    name = scenario_title(data, held.code, words)
    return words(
        f"{region} DRG 付费测算报告：{name}，{held.year} 年".strip(),
        f"DRG payment in {held.year}: {name}",
    )


def subtitle(data: PanelData, words: Words) -> str:
    """Line below the title."""
    n, cases = len(data.by_hospital), int(data.by_hospital["cases"].sum())
    text = words(
        f"供评审论证使用　{data.year} 年结算：医疗机构 {n:,} 家，病例 {cases:,} 例",
        f"For the panel. Settled year {data.year}: {n:,} hospitals, {cases:,} cases.",
    )
    return text + words("", " Names of hospitals and groups stand as the data have them.")


def policy_name(data: PanelData, words: Words) -> str:
    """The policy's title and id."""
    said = data.settlement.get("policy")
    name = clean(said.get("id")) if isinstance(said, dict) else ""
    if data.policy is None:
        return name
    header = data.policy.header
    said = named(name, clean(header.title), clean(header.title_en), words)
    return said if name in said else f"{said} ({name})"


def weights_name(data: PanelData, words: Words) -> str:
    """The weight table's title and id, and how its digest begins."""
    held = (data.projection or {}).get("weights") or data.settlement.get("weights")
    if not isinstance(held, dict):
        return words("未说明", "not said")
    code = clean(held.get("id"), 60)
    said = named(code, clean(held.get("title"), 80), clean(held.get("title_en"), 80), words)
    said = said if code in said else f"{said} ({code})"
    digest = clean(held.get("sha256"))[:8]
    return f"{said}{words('，', ', ')}SHA-256 {digest}…" if digest else said


def summary(data: PanelData, words: Words) -> Section:
    """The page that stands alone."""
    blocks: list[Block] = [
        Text(
            "".join(_sentences(data, words)) if words.zh else " ".join(_sentences(data, words)),
            "lead",
        ),
        _figures(data, words),
        Heading(words("依据什么结算", "What was decided")),
        Facts(decided(data, words)),
        *_ends(data, words),
    ]
    return Section("summary", words("摘要", "Summary"), blocks)


def decided(data: PanelData, words: Words) -> list[tuple[str, str]]:
    """The decisions on which the year was settled."""
    pairs = [
        (words("支付政策", "Policy"), policy_name(data, words)),
        (words("权重表", "Relative weights"), weights_name(data, words)),
    ]
    pairs += [
        (
            words(f"{words.insurance(str(name))}基金池", f"Pool: {words.insurance(str(name))}"),
            _pool_decision(data, int(place), words),
        )
        for place, name in enumerate(data.pools["pool"])
    ]
    return pairs


def _pool_decision(data: PanelData, place: int, words: Words) -> str:
    pool = data.pools.iloc[place]
    how = words.decided(str(pool["decided_by"]))
    text = words(
        f"可分配 {words.money(pool['amount'])}；{how}",
        f"{words.money(pool['amount'])} to distribute; {how}",
    )
    if pool["decided_by"] != "rate" and np.isfinite(pool["point_value"]):
        text += words(
            f"，点值 {pool['point_value']:,.4f} 元/点",
            f", {pool['point_value']:,.4f} yuan a point",
        )
    return text


def _sentences(data: PanelData, words: Words) -> list[str]:
    pools, hospitals = data.pools, data.by_hospital
    amount, final = float(pools["amount"].sum()), float(pools["final"].sum())
    balance = float(pools["balance"].sum())
    told = hospitals[~hospitals["hidden"]]
    losing, n = int((told["gain"] < 0).sum()), len(told)
    cost, patient = float(hospitals["cost"].sum()), float(hospitals["patient"].sum())
    cases = float(hospitals["cases"].sum())
    worst = told.sort_values("gain_share").iloc[0] if told["gain_share"].notna().any() else None
    state = (
        words(f"结余 {words.money(balance)}", f"{words.money(balance)} are left")
        if balance >= 0.005
        else words(f"超支 {words.money(-balance)}", f"it is overrun by {words.money(-balance)}")
        if balance <= -0.005
        else words("收支持平", "nothing is left")
    )
    first = words(
        f"{data.year} 年基金池可分配 {words.money(amount)}，清算支付 {words.money(final)}，"
        f"{state}。",
        f"Of {words.money(amount)} that the pools had for {data.year}, {words.money(final)} are "
        f"paid to hospitals; {state}.",
    )
    second = words(
        f"{n:,} 家医疗机构中 {losing:,} 家收不抵支",
        f"{losing:,} of {plural(n, 'hospital', 'hospitals')} get less than their cases cost",
    )
    if worst is not None and worst["gain"] < 0:
        name, share = (
            clean(worst["hospital_name"] or worst["hospital_id"], 40),
            -worst["gain_share"],
        )
        second += words(
            f"，按费用占比亏损最大的是{name}（{words.share(share)}）",
            f"; in relation to its cost, {name} loses most ({words.share(share)})",
        )
    third = (
        words(
            f"次均费用 {cases and cost / cases:,.0f} 元，"
            f"其中个人负担 {words.share(patient / cost)}",
            f"A case costs {cases and cost / cases:,.0f} yuan on average, of which patients bear "
            f"{words.share(patient / cost)}",
        )
        if cost > 0
        else words("没有费用数据", "There is no cost")
    )
    return [first, second + words("。", "."), third + words("。", ".")]


def _figures(data: PanelData, words: Words) -> Figures:
    pools, hospitals = data.pools, data.by_hospital
    amount, final = float(pools["amount"].sum()), float(pools["final"].sum())
    balance, cost = float(pools["balance"].sum()), float(hospitals["cost"].sum())
    cases, patient = float(hospitals["cases"].sum()), float(hospitals["patient"].sum())
    told = hospitals[~hospitals["hidden"]]
    winning, losing = int((told["gain"] >= 0).sum()), int((told["gain"] < 0).sum())
    return Figures(
        [
            (
                words("基金清算支付", "Paid by the funds"),
                words.money(final),
                words(
                    f"可分配额的 {words.share(final / amount)}",
                    f"{words.share(final / amount)} of the pools",
                )
                if amount > 0
                else "",
            ),
            (
                words("基金池结余", "Left in the pools"),
                words.money(balance),
                words(f"可分配 {words.money(amount)}", f"of {words.money(amount)}"),
            ),
            (
                words("收不抵支的医疗机构", "Hospitals that lose"),
                words(f"{losing:,} 家", f"{losing:,} of {winning + losing:,}"),
                words(
                    f"有结余或持平 {winning:,} 家",
                    plural(winning, "gains or breaks even", "gain or break even"),
                ),
            ),
            (
                words("次均费用", "Mean cost of a case"),
                words(
                    f"{cost / cases if cases else 0:,.0f} 元",
                    f"{cost / cases if cases else 0:,.0f} yuan",
                ),
                "",
            ),
            (
                words("个人负担占比", "Patients' share"),
                words.share(patient / cost) if cost else "—",
                words(
                    f"每例 {patient / cases if cases else 0:,.0f} 元",
                    f"{patient / cases if cases else 0:,.0f} yuan a case",
                ),
            ),
        ]
    )


def _ends(data: PanelData, words: Words) -> list[Block]:
    """The hospitals that gain and that lose most, in relation to their cost."""
    told = data.by_hospital
    told = told[~told["hidden"] & told["gain_share"].notna() & ~told["cases"].map(few)]
    ranked = told.sort_values(["gain_share", "hospital_id"], ascending=[False, True])
    if len(ranked) < 2 * _ENDS:
        return []
    chosen = [*range(_ENDS), *range(len(ranked) - _ENDS, len(ranked))]
    columns = [
        Column(words("名次", "Rank"), "count"),
        Column(words("医疗机构", "Hospital"), "name"),
        Column(words("级别", "Tier")),
        Column(words("清算支付", "Paid"), "money"),
        Column(words("盈亏", "Gain or loss"), "gain"),
        Column(words("占费用", "Of cost"), "change"),
    ]
    columns[0] = Column(words("名次", "Rank"), "year")
    rows = [
        [
            place + 1,
            hospital_name(h["hospital_name"], h["hospital_id"]),
            words.tier(h["tier"]),
            float(h["final"]),
            float(h["gain"]),
            float(h["gain_share"]),
        ]
        for place, h in ((place, ranked.iloc[place]) for place in chosen)
    ]
    caption = words(
        f"盈亏占费用比重最高和最低的各 {_ENDS} 家医疗机构",
        f"The {_ENDS} hospitals with the highest and the lowest gain by cost",
    )
    return [Table("ends", caption, columns, rows)]


def hospital_name(name: object, code: object) -> str:
    """Name of a hospital as it is shown; its id when it has none."""
    return clean(name) or clean(code) or "—"
