"""Pools (基金池) and what each hospital is paid (医疗机构清算), with winners and losers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from drg.page.blocks import Block, Cell, Chart, Column, Section, Table, Text
from drg.page.small_cells import beside, held_back, told
from drg.page.words import Words, clean, fixed, plural
from drg.report.panel.charts import paired_bars, ranked_bars
from drg.report.panel.data import PanelData
from drg.report.panel.first_page import hospital_name

_BARS = 40  # in one chart, so that it fits a sheet of paper
_NAMED = 60


def pool_section(data: PanelData, words: Words) -> Section:
    """Pools: budget, what was paid, what is left, the value of a point."""
    pools = data.pools
    hidden = held_back(pools["cases"].to_numpy(float))
    pools = pools.assign(balance_before_cut=pools["balance"] - pools["budget_cut"])
    wanted = [
        ("budget", words("预算总额", "Budget"), "money"),
        ("carve_outs", words("预留剔除", "Carve-outs"), "money"),
        ("reserve", words("调剂金", "Reserve"), "money"),
        ("amount", words("可分配额", "To distribute"), "money"),
        ("payable", words("DRG 应付", "Payable by DRG"), "money"),
        ("balance_before_cut", words("扣减前结余", "Balance before cut"), "gain"),
        ("budget_cut", words("总额控制扣减", "Budget cut"), "money"),
        ("final", words("清算支付", "Paid at clearing"), "money"),
        ("balance", words("扣减后结余", "Balance after cut"), "gain"),
    ]
    wanted = [w for w in wanted if w[0] != "carve_outs" or pools["carve_outs"].any()]
    columns = [
        Column(words("基金池", "Pool"), "name"),
        Column(words("病例", "Cases"), "count"),
        *(Column(title, kind) for _, title, kind in wanted),
    ]
    rows: list[list[Cell]] = [
        [
            words.insurance(clean(p["pool"])),
            told(float(p["cases"]), bool(h)),
            *(float(p[name]) for name, _, _ in wanted),
        ]
        for (_, p), h in zip(pools.iterrows(), hidden, strict=True)
    ]
    totals = int(len(pools) > 1)
    if totals:
        sums = [float(pools[name].sum()) for name, _, _ in wanted]
        rows.append([words("合计", "Total"), told(float(pools["cases"].sum()), False), *sums])
    note = words(
        "扣减前结余 = 可分配额 − 池内支付（扣减前）；总额控制扣减后为扣减后结余。",
        "Balance before the cut: to distribute less what the pool would pay; the cut to hold the "
        "budget gives the balance after it.",
    )
    caption = words(
        f"{data.year} 年各基金池的预算、支付与结余",
        f"Budget, payment and balance of the pools, {data.year}",
    )
    blocks: list[Block] = [
        _pool_chart(pools, data.year, words),
        Table("pools", caption, columns, rows, totals, note),
        *_point_values(pools, words),
        _bridge(pools, words),
    ]
    return Section("pools", settled_title(data, words("基金池", "pools"), words), blocks)


def settled_title(data: PanelData, title: str, words: Words) -> str:
    """Heading of a section on the settled year."""
    return words(f"{data.year} 年结算：{title}", f"Settled year {data.year}: {title}")


def _pool_chart(pools: pd.DataFrame, year: int, words: Words) -> Chart:
    items = []
    for _, p in pools.iterrows():
        values = [float(p["amount"]), float(p["payable"]), float(p["final"])]
        items.append(
            (
                words.insurance(clean(p["pool"], 30)),
                values,
                [words.number(v, "money") for v in values],
            )
        )
    title = words(
        f"{year} 年各基金池可分配额与支付", f"What the pools have and what they pay, {year}"
    )
    about = words("；", "; ").join(f"{name}: {' / '.join(said)}" for name, _, said in items)
    legend = (
        words("可分配额", "to distribute"),
        words("DRG 应付", "payable by DRG"),
        words("清算支付", "paid at clearing"),
    )
    svg = paired_bars("pools", title, f"{about} ({words.unit})", items, legend, words.unit)
    return Chart("pools", title, about, svg)


def _point_values(pools: pd.DataFrame, words: Words) -> list[Block]:
    """Value of a point by pool; one line when every pool is paid by rates."""
    if (pools["decided_by"] == "rate").all():
        said = words("各基金池按费率支付，不设点值。", "All pools pay by rates, without points.")
        return [Text(said,
                     "quiet")]  # fmt: skip
    columns = [
        Column(words("基金池", "Pool"), "name"),
        Column(words("总点数", "Points"), "points"),
        Column(words("点值", "Point value"), "value"),
        Column(words("由什么决定", "Decided by")),
    ]
    rows: list[list[Cell]] = [
        [
            words.insurance(clean(p["pool"])),
            float(p["points"]) if p["points"] > 0 else None,
            None if p["decided_by"] == "rate" else float(p["point_value"]),
            words.decided(clean(p["decided_by"])),
        ]
        for _, p in pools.iterrows()
    ]
    title = words("点值（元/点）", "Point values (yuan a point)")
    return [Table("point-values", title, columns, rows)]


def _bridge(pools: pd.DataFrame, words: Words) -> Table:
    """From what is payable to what is paid at the clearing, step by step."""
    steps = [
        ("payable", 1, words("DRG 应付", "Payable by DRG")),
        ("surplus_returned", -1, words("结余收回", "Surplus returned")),
        ("overrun_borne", 1, words("超支由基金分担", "Overrun borne by the fund")),
        ("capped", -1, words("封顶扣减", "Cut at the cap")),
        ("assessment_withheld", -1, words("考核扣减", "Withheld at the assessment")),
        ("penalty", -1, words("违规扣款", "Penalties")),
        ("budget_cut", -1, words("总额控制扣减", "Cut to hold the budget")),
        ("final", 1, words("清算支付", "Paid at clearing")),
    ]
    names = [words.insurance(clean(p)) for p in pools["pool"]]
    columns = [Column(words("步骤", "Step")), *(Column(name, "money") for name in names)]
    rows: list[list[Cell]] = [
        [title, *(sign * float(value) for value in pools[name])] for name, sign, title in steps
    ]
    rows = [
        row
        for place, row in enumerate(rows)
        if place in (0, len(rows) - 1) or any(value for value in row[1:])
    ]
    return Table("bridge", words("从 DRG 应付到清算支付", "From payable to paid"), columns, rows, 1)


def hospital_section(data: PanelData, words: Words) -> Section:
    """What each hospital is paid, ranked by its gain or loss."""
    frame = data.by_hospital.sort_values(["gain_share", "hospital_id"], ascending=[False, True])
    hidden = frame["hidden"].to_numpy(bool)
    losing = frame[~hidden & (frame["gain"] < 0).to_numpy()]
    winning = frame[~hidden & (frame["gain"] >= 0).to_numpy()]
    intro = words(
        f"盈亏 = 清算支付 + 个人负担 + 其他支付 − 病例总费用。{len(winning):,} 家共盈 "
        f"{words.money(float(winning['gain'].sum()))}，{len(losing):,} 家共亏 "
        f"{words.money(-float(losing['gain'].sum()))}。按盈亏占费用的比重排列，"
        "使大小不同的机构可以相比。",
        "Gain: paid at clearing, plus patients' and other payers' money, less the cost of the "
        f"cases. {plural(len(winning), 'hospital gains', 'hospitals gain')} "
        f"{words.money(float(winning['gain'].sum()))}, {plural(len(losing), 'loses', 'lose')} "
        f"{words.money(-float(losing['gain'].sum()))}. They are ranked by "
        "gain in relation to cost, so that large and small ones compare.",
    )
    blocks: list[Block] = [Text(intro)]
    if data.projection is None:
        blocks += _ranked(frame, data.year, words)
    blocks.append(_table(frame, data.year, words))
    if hidden.any():
        blocks.append(Text(hidden_note(words), "quiet"))
    title = settled_title(data, words("各医疗机构清算与盈亏", "what each hospital is paid"), words)
    return Section("hospitals", title, blocks)


def hidden_note(words: Words) -> str:
    """Why some numbers are not there."""
    return words(
        "“<5”为 1 至 4 例；“*”为与之相关、或可据以推算出小数目的数值，不予公布。",
        "<5 is 1 to 4 cases; * goes with such a number or would give it away.",
    )


def _ranked(frame: pd.DataFrame, year: int, words: Words) -> list[Chart]:
    """Hospitals by their gain in relation to cost."""
    able = frame[~frame["hidden"] & frame["gain_share"].notna()]
    items = [
        (
            hospital_name(h["hospital_name"], h["hospital_id"]),
            100 * float(h["gain_share"]),
            f"{fixed(100 * float(h['gain_share']), 1, signed=True)}%  "
            f"({words.number(float(h['gain']), 'gain')})",
        )
        for _, h in able.iterrows()
    ]
    title = words(
        f"{year} 年医疗机构盈亏占费用的比重", f"Gain or loss of hospitals by cost, {year}"
    )
    unit = words("占费用 %（括号内为万元）", "% of cost (thousand yuan)")
    return ranked_charts("gain", title, unit, (words("盈", "gain"), words("亏", "loss")), items,
                         words)  # fmt: skip


def ranked_charts(
    key: str, title: str, unit: str, legend: tuple[str, str],
    items: Sequence[tuple[str, float, str]], words: Words,
) -> list[Chart]:  # fmt: skip
    """Ranked bars in pieces that fit a sheet of paper; only the ends when there are very many.

    Args:
        key: names the charts.
        title: what they show.
        unit: of the values.
        legend: what bars to the right and to the left are.
        items: name, value and the value as text, in the order of the ranks.
        words: the language.
    """
    ranks = list(range(len(items)))
    if len(items) > 2 * _NAMED:
        ranks = [*ranks[:_NAMED], *ranks[-_NAMED:]]
    if not ranks:
        return []
    pieces = -(-len(ranks) // _BARS)
    size = -(-len(ranks) // pieces)
    reach = min(items[r][1] for r in ranks), max(items[r][1] for r in ranks)
    charts = []
    for piece in range(pieces):
        some = ranks[piece * size : (piece + 1) * size]
        place = "" if pieces == 1 else words(
            f"（第 {some[0] + 1} 至 {some[-1] + 1} 名）",
            f" (ranks {some[0] + 1} to {some[-1] + 1})",
        )  # fmt: skip
        own = [items[rank] for rank in some]
        about = words("；", "; ").join(f"{name} {text}" for name, _, text in own)
        name = key if pieces == 1 else f"{key}-{piece + 1}"
        svg = ranked_bars(name, title + place, about, own, unit, legend, reach)
        charts.append(Chart(name, title + place, about, svg))
    return charts


def _table(frame: pd.DataFrame, year: int, words: Words) -> Table:
    columns = [
        Column(words("医疗机构", "Hospital"), "name"),
        Column(words("级别", "Tier")),
        Column(words("病例", "Cases"), "count"),
        Column("CMI", "ratio"),
        Column(words("总费用", "Cost"), "money"),
        Column(words("个人负担", "Patients"), "money"),
        Column(words("DRG 应付", "Payable by DRG"), "money"),
        Column(words("清算支付", "Paid"), "money"),
        Column(words("盈亏", "Gain or loss"), "gain"),
        Column(words("占费用", "Of cost"), "change"),
    ]
    money = ("cost", "patient", "payable", "final", "gain", "gain_share")
    rows: list[list[Cell]] = []
    for _, h in frame.iterrows():
        hide = bool(h["hidden"])
        rows.append(
            [
                hospital_name(h["hospital_name"], h["hospital_id"]),
                words.tier(h["tier"]),
                told(float(h["cases"]), hide),
                beside(_number(h["case_mix_index"]), hide),
                *(beside(_number(h[name]), hide) for name in money),
            ]
        )
    cost, gain = float(frame["cost"].sum()), float(frame["gain"].sum())
    mean = mean_weight(frame)
    rows.append(
        [
            words("合计", "Total"),
            "",
            told(float(frame["cases"].sum()), False),
            mean,
            cost,
            *(float(frame[name].sum()) for name in ("patient", "payable", "final")),
            gain,
            gain / cost if cost > 0 else None,
        ]
    )
    caption = words(
        f"{year} 年各医疗机构清算与盈亏，按盈亏占费用的比重排列",
        f"Payment and gain of each hospital in {year}, ranked by gain in relation to cost",
    )
    return Table("hospitals", caption, columns, rows, 1)


def mean_weight(frame: pd.DataFrame) -> float | None:
    """CMI over hospitals, by the cases that have a weight."""
    able = frame[frame["case_mix_index"].notna() & (frame["weighed"] > 0)]
    if able.empty:
        return None
    return float(np.average(able["case_mix_index"], weights=able["weighed"]))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
