"""The projection by year (分年度测算): average cost, pools with their intervals, largest groups."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from drg.page.blocks import Block, Cell, Chart, Column, Section, Table, Text
from drg.page.small_cells import FEWEST
from drg.page.words import Words, clean
from drg.report.panel.charts_future import fan
from drg.report.panel.data import PanelData
from drg.report.panel.story import Story, average, scenario_name, story

_GROUPS = 15


def future_section(data: PanelData, words: Words) -> Section | None:
    """Average cost and pools by year for every scenario, and the largest groups of the one told."""
    held = story(data)
    if held is None:
        return None
    blocks: list[Block] = [Text(_intro(data, words)), *_average(held, words), *_pools(held, words)]
    blocks += _groups(held, words)
    title = words(
        f"分年度测算：{data.year} 至 {held.year} 年", f"Year by year: {data.year} to {held.year}"
    )
    return Section("projection", title, blocks)


def _intro(data: PanelData, words: Words) -> str:
    document = data.projection or {}
    draws, seed = document.get("draws"), document.get("seed")
    text = words(
        "测算从已结算年度出发，按各方案的假设逐年推算；它是假设的结果，不是预报。",
        "From the settled year on, by the assumptions of each scenario: what follows from "
        "them, not a forecast.",
    )
    if isinstance(draws, int) and draws > 1:
        text += words(
            f"阴影与竖线为所述方案和基准方案的 95% 区间"
            f"（{draws:,} 次随机抽取，种子 {clean(seed)}）。",
            f" Shaded: 95% intervals of {draws:,} draws (seed {clean(seed)}), of the scenario told "
            "and the baseline.",
        )
    else:
        text += words(
            "测算时没有随机抽取（--draws），因此没有区间，图中只有居中值。",
            " It was projected without draws (--draws): there are no intervals, only central "
            "values.",
        )
    return text


def _codes(held: Story) -> list[str]:
    return [held.baseline, *([] if held.alone else [held.code]), *held.others]


def _years(frame: pd.DataFrame) -> list[int]:
    return sorted({int(y) for y in frame["year"] if math.isfinite(y)})


def _average(held: Story, words: Words) -> list[Block]:
    """Average cost of a case by year and scenario, as the projection's table has it."""
    data = held.data
    frame = data.projected.get("projection_tiers")
    if frame is None:
        return []
    years = _years(frame)
    series: list[tuple[str, list[float], list[tuple[float, float]]]] = []
    for code in _codes(held):
        values = [average(data, code, year) for year in years]
        if any(math.isfinite(v) for v in values):
            ends = ("average_cost_low", "average_cost_high")
            bands = [(math.nan, math.nan)] * len(years) if code in held.others else [
                (average(data, code, year, ends[0]), average(data, code, year, ends[1]))
                for year in years
            ]  # fmt: skip
            series.append((scenario_name(data, code, words), values, bands))
    if not series:
        return []
    title = words("全统筹区次均费用，按方案", "Average cost of a case in the region, by scenario")
    about = words("；", "; ").join(
        f"{name}: " + ", ".join(words.number(v, "yuan") for v in vs) for name, vs, _ in series
    )
    unit = words("元/例", "yuan a case")
    columns = [Column(words("方案", "Scenario"), "name"), *(Column(str(y), "yuan") for y in years)]
    rows: list[list[Cell]] = []
    for name, values, bands in series:
        rows.append([name, *values])
        for end, said in enumerate((words("95% 下限", "95% low"), words("95% 上限", "95% high"))):
            if any(math.isfinite(band[end]) for band in bands):
                rows.append([f"{name} {said}", *(band[end] for band in bands)])
    has_band = any(math.isfinite(a) for _, _, bands in series for a, _ in bands)
    band = words("95% 区间", "95% interval") if has_band else ""
    svg = fan("average-by-year", title, about, years, series, unit, band=band)
    return [
        Chart("average-by-year", title, about, svg),
        Table("average-by-year", title, columns, rows),
    ]


def _pools(held: Story, words: Words) -> list[Block]:
    """Balance before the budget cut, with its interval, then every figure of the pools."""
    data = held.data
    frame = data.projected.get("projection_pools")
    if frame is None:
        return []
    blocks: list[Block] = []
    years = _years(frame)
    for number, pool in enumerate(dict.fromkeys(frame["pool"])):
        series = []
        for code in _codes(held):
            own = frame[(frame["pool"] == pool) & (frame["scenario"] == code)]
            some = own.drop_duplicates("year").set_index("year")
            if some.empty:
                continue
            values = [_at(some, y, "balance_before_cut", words) for y in years]
            bands = [(math.nan, math.nan)] * len(years) if code in held.others else [
                (_at(some, y, "balance_before_cut_low", words),
                 _at(some, y, "balance_before_cut_high", words)) for y in years
            ]  # fmt: skip
            series.append((scenario_name(data, code, words), values, bands))
        name = words.insurance(clean(pool, 40))
        title = words(
            f"{name}基金池总额控制扣减前的结余，按年度和方案",
            f"Balance of the pool {name} before the budget cut, by year and scenario",
        )
        back = 1.0 / words.scaled(1.0)
        about = words("；", "; ").join(
            f"{label}: " + ", ".join(words.number(v * back, "gain") for v in vs)
            for label, vs, _ in series
        )
        has_band = any(math.isfinite(a) for _, _, bands in series for a, _ in bands)
        band = words("95% 区间（扣减前）", "95% interval (before the cut)") if has_band else ""
        key = f"balance-{number + 1}"
        svg = fan(key, title, about, years, series, words.unit, zero=True, band=band)
        blocks.append(Chart(key, title, about, svg))
    return [*blocks, _pool_table(held, frame, words), *_shrinking(held, words)]


def _at(frame: Any, year: int, name: str, words: Words) -> float:
    return words.scaled(float(frame.loc[year, name])) if year in frame.index else math.nan


def _pool_table(held: Story, frame: pd.DataFrame, words: Words) -> Table:
    data = held.data
    by_rate = set(data.pools.loc[data.pools["decided_by"] == "rate", "pool"])
    frame = frame.assign(point_value=frame["point_value"].where(~frame["pool"].isin(by_rate)))
    wanted: list[tuple[str, str, str]] = [
        ("amount", words("可分配额", "To distribute"), "money"),
        ("payable", words("DRG 应付", "Payable"), "money"),
        ("balance_before_cut", words("扣减前结余", "Balance before cut"), "gain"),
        ("balance_before_cut_low", words("扣减前 95% 下限", "before cut, 95% low"), "gain"),
        ("balance_before_cut_high", words("扣减前 95% 上限", "before cut, 95% high"), "gain"),
        ("overrun_probability", words("扣减前超支概率", "Overrun probability"), "share"),
        ("budget_cut", words("总额控制扣减", "Budget cut"), "money"),
        ("final", words("清算支付", "Paid"), "money"),
        ("balance", words("扣减后结余", "Balance after cut"), "gain"),
        ("point_value", words("点值", "Point value"), "value"),
    ]
    wanted = [w for w in wanted if frame[w[0]].notna().any()]
    columns = [
        Column(words("方案", "Scenario"), "name"),
        Column(words("年度", "Year"), "year"),
        Column(words("基金池", "Pool")),
        *(Column(title, kind) for _, title, kind in wanted),
    ]
    rows: list[list[Cell]] = [
        [
            scenario_name(data, code, words),
            int(r["year"]),
            words.insurance(clean(r["pool"], 40)),
            *(_known(r[name]) for name, _, _ in wanted),
        ]
        for code in _codes(held)
        for _, r in frame[frame["scenario"] == code].iterrows()
    ]
    note = words(
        "95% 区间与超支概率属于扣减前结余；扣减后结余 = 扣减前结余 + 总额控制扣减。",
        "The 95% interval and the overrun probability are those of the balance before the cut; "
        "the balance after it is higher by the cut.",
    )
    return Table("projected-pools", words("各年度基金池", "Pools by year"), columns, rows, 0, note)


def _known(value: Any) -> Cell:
    return float(value) if np.isfinite(value) else None


def _shrinking(held: Story, words: Words) -> list[Block]:
    """Why pools that grow on last year's payments shrink: the reserve is not paid out."""
    policy = held.data.policy
    lines = []
    for pool in policy.pools if policy is not None else ():
        if pool.basis != "growth" or pool.growth is None or not pool.reserve:
            continue
        growth, reserve = float(pool.growth), float(pool.reserve)
        factor = (1 + growth) * (1 - reserve)
        if factor < 1:
            name = words.insurance(pool.name)
            lines.append(words(
                f"为什么基准方案下{name}基金池逐年缩小：上年支付增长 {words.share(growth)} 后，"
                f"预留 {words.share(reserve)} 调剂金不支付给医疗机构，"
                f"可分配额为上年支付的 {factor:.4f} 倍。",
                f"Why the pool {name} shrinks in the baseline: last year's payments grow by "
                f"{words.share(growth)}, then {words.share(reserve)} are kept back as a reserve "
                f"and not paid out, so {factor:.4f} of last year's payments can be paid.",
            ))  # fmt: skip
    return [Text(line, "quiet") for line in lines]


def _groups(held: Story, words: Words) -> list[Block]:
    """The groups with most cost in the scenario told."""
    own = held.data.at("projection_groups", held.code, held.year)
    if own.empty:
        return []
    own = own[(own["cases"] >= FEWEST) & (own["drg"] != "0000")]
    own = own.assign(_cost=own["cases"] * own["average_cost"])
    own = own.sort_values(["_cost", "drg"], ascending=[False, True]).head(_GROUPS)
    wanted = [
        (name, title, kind)
        for name, title, kind in (
            ("weight", words("权重", "Weight"), "ratio"),
            ("average_cost", words("次均费用", "Average cost"), "yuan"),
            ("average_cost_low", words("95% 下限", "95% low"), "yuan"),
            ("average_cost_high", words("95% 上限", "95% high"), "yuan"),
            ("change_average_cost", words("较基年", "To settled"), "change"),
        )
        if own[name].notna().any()
    ]
    columns = [
        Column("DRG"),
        Column(words("名称", "Name"), "name"),
        Column(words("病例", "Cases"), "count"),
        *(Column(title, kind) for _, title, kind in wanted),
    ]
    rows: list[list[Cell]] = [
        [
            clean(r["drg"], 24),
            clean(r["name"], 80),
            float(r["cases"]),
            *(_known(r[key]) for key, _, _ in wanted),
        ]
        for _, r in own.iterrows()
    ]
    name = scenario_name(held.data, held.code, words)
    caption = words(
        f"费用最多的 {len(rows)} 个病组：{name}，{held.year} 年",
        f"The {len(rows)} groups with most cost: {name}, {held.year}",
    )
    return [Table("groups", caption, columns, rows)]
