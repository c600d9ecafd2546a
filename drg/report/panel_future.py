"""The projection (测算): pools and payments by year with their bands, groups, and what matters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from drg.report.panel_blocks import Block, Cell, Chart, Column, Section, Table, Text
from drg.report.panel_charts_future import fan, ranking, tornado
from drg.report.panel_cost import scenario_name
from drg.report.panel_data import PanelData
from drg.report.panel_small import few, told
from drg.report.panel_summary import hospital_name
from drg.report.panel_words import Words, clean, fixed

_GROUPS = 20
_RISKS = 20
_PARAMETERS = 14
_LEAST = 5  # cases of a group that is shown


def future_section(data: PanelData, words: Words) -> Section | None:
    """Pools, payments and average cost by year, for every scenario."""
    if data.projection is None:
        return None
    blocks: list[Block] = [Text(_intro(data, words))]
    blocks += _average(data, words)
    blocks += _pools(data, words)
    blocks += _risks(data, words)
    blocks += _groups(data, words)
    if len(blocks) == 1:
        return None
    return Section("projection", words("分年度测算", "Projection by year"), blocks, True)


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
            f"阴影与竖线为 95% 区间（{draws:,} 次随机抽取，种子 {clean(seed)}）。",
            f" Shaded: 95% intervals of {draws:,} draws (seed {clean(seed)}).",
        )
    return text


def _years(frame: pd.DataFrame) -> list[int]:
    return sorted({int(y) for y in frame["year"] if math.isfinite(y)})


def _average(data: PanelData, words: Words) -> list[Block]:
    """Average cost of a case by year and scenario."""
    frame = data.projected.get("projection_hospitals")
    if frame is None:
        return []
    cases, cost = data.by_hospital["cases"].sum(), data.by_hospital["cost"].sum()
    years = _years(frame)
    at = [data.year, *(y for y in years if y != data.year)]
    series: list[tuple[str, list[float], list[tuple[float, float]]]] = []
    rows: list[list[Cell]] = []
    for code in dict.fromkeys(str(s.get("id")) for s in data.scenarios):
        own = frame[frame["scenario"] == code]
        if own.empty:
            continue
        sums = own.groupby("year")[["cases", "cost", "final"]].sum()
        values = [
            float(cost / cases) if y == data.year and y not in sums.index else _ratio(sums, y)
            for y in at
        ]
        name = scenario_name(data, code, words)
        series.append((name, values, [(math.nan, math.nan)] * len(at)))
        rows.append([name, *values])
    if not series:
        return []
    title = words("全统筹区次均费用，按方案", "Average cost of a case in the region, by scenario")
    about = words("；", "; ").join(
        f"{name}: " + ", ".join(words.number(v, "yuan") for v in vs) for name, vs, _ in series
    )
    unit = words("元/例", "yuan a case")
    columns = [Column(words("方案", "Scenario"), "name"), *(Column(str(y), "yuan") for y in at)]
    table = Table("average-by-year", title, columns, rows)
    chart = Chart(
        "average-by-year", title, about, fan("average-by-year", title, about, at, series, unit)
    )
    return [chart, table]


def _ratio(sums: Any, year: int) -> float:
    if year not in sums.index or sums.loc[year, "cases"] <= 0:
        return math.nan
    return float(sums.loc[year, "cost"] / sums.loc[year, "cases"])


def _pools(data: PanelData, words: Words) -> list[Block]:
    frame = data.projected.get("projection_pools")
    if frame is None:
        return []
    blocks: list[Block] = []
    codes = list(dict.fromkeys(str(s.get("id")) for s in data.scenarios))
    years = _years(frame)
    for number, pool in enumerate(dict.fromkeys(frame["pool"])):
        own = frame[frame["pool"] == pool]
        series = []
        for code in codes:
            some = own[own["scenario"] == code].drop_duplicates("year").set_index("year")
            if some.empty:
                continue
            values = [_at(some, y, "balance", words) for y in years]
            bands = [
                (_at(some, y, "balance_low", words), _at(some, y, "balance_high", words))
                for y in years
            ]
            series.append((scenario_name(data, code, words), values, bands))
        if not series:
            continue
        name = words.insurance(clean(pool, 40))
        title = words(
            f"{name}基金池结余，按年度和方案", f"Balance of the pool {name}, by year and scenario"
        )
        about = words("；", "; ").join(
            f"{label}: " + ", ".join(words.number(v * _back(words), "gain") for v in vs)
            for label, vs, _ in series
        )
        has_band = any(math.isfinite(a) for _, _, bands in series for a, _ in bands)
        band = words("95% 区间", "95% interval") if has_band else ""
        key = f"balance-{number + 1}"
        svg = fan(key, title, about, years, series, words.unit, zero=True, band=band)
        blocks.append(Chart(key, title, about, svg))
    blocks.append(_pool_table(data, frame, codes, words))
    return blocks


def _back(words: Words) -> float:
    return 1.0 / words.scaled(1.0)


def _at(frame: Any, year: int, name: str, words: Words) -> float:
    if name not in frame or year not in frame.index:
        return math.nan
    return words.scaled(float(frame.loc[year, name]))


def _pool_table(data: PanelData, frame: pd.DataFrame, codes: list[str], words: Words) -> Table:
    wanted: list[tuple[str, str, str]] = [
        ("amount", words("可分配额", "To distribute"), "money"),
        ("final", words("清算支付", "Paid"), "money"),
        ("balance", words("结余", "Balance"), "gain"),
        ("balance_low", words("结余下限", "Low"), "gain"),
        ("balance_high", words("结余上限", "High"), "gain"),
        ("overrun_probability", words("超支概率", "Overrun probability"), "share"),
        ("point_value", words("点值", "Point value"), "value"),
    ]
    wanted = [w for w in wanted if w[0] in frame and frame[w[0]].notna().any()]
    columns = [
        Column(words("方案", "Scenario"), "name"),
        Column(words("年度", "Year"), "year"),
        Column(words("基金池", "Pool"), "name"),
        *(Column(title, kind) for _, title, kind in wanted),
    ]
    rows: list[list[Cell]] = [
        [
            scenario_name(data, code, words),
            int(r["year"]),
            words.insurance(clean(r["pool"], 40)),
            *(_known(r[name]) for name, _, _ in wanted),
        ]
        for code in codes
        for _, r in frame[frame["scenario"] == code].iterrows()
    ]
    return Table("projected-pools", words("基金池测算", "Pools projected"), columns, rows)


def _known(value: Any) -> Cell:
    return float(value) if np.isfinite(value) else None


def _risks(data: PanelData, words: Words) -> list[Block]:
    """Hospitals in the baseline's last year, with their interval."""
    frame = data.projected.get("projection_hospitals")
    if frame is None or not data.scenarios:
        return []
    own = frame[frame["scenario"] == str(data.scenarios[0].get("id"))]
    own = own[(own["year"] == own["year"].max()) & ~own["hospital_id"].isin(data.hidden)]
    own = own[~own["cases"].map(few)]
    if own.empty:
        return []
    year = int(own["year"].max())
    own = own.assign(_share=own["gain"] / own["cost"].where(own["cost"] > 0))
    own = own.sort_values(["_share", "hospital_id"])
    wanted: list[tuple[str, str, str]] = [
        ("final", words("清算支付", "Paid"), "money"),
        ("low", words("下限", "Low"), "money"),
        ("high", words("上限", "High"), "money"),
        ("change_final", words("较基年", "Change"), "change"),
        ("gain", words("盈亏", "Gain or loss"), "gain"),
        ("_share", words("占费用", "Of cost"), "change"),
        ("loss_probability", words("亏损概率", "Loss probability"), "share"),
    ]
    wanted = [w for w in wanted if w[0] in own and own[w[0]].notna().any()]
    columns = [
        Column(words("医疗机构", "Hospital"), "name"),
        Column(words("病例", "Cases"), "count"),
        *(Column(title, kind) for _, title, kind in wanted),
    ]
    rows: list[list[Cell]] = [
        [
            hospital_name(r["hospital_name"], r["hospital_id"]),
            told(float(r["cases"]), False),
            *(_known(r[name]) for name, _, _ in wanted),
        ]
        for _, r in own.iterrows()
    ]
    some = rows[:_RISKS]
    caption = words(
        f"{year} 年亏损比重最大的医疗机构（{scenario_name(data, 'baseline', words)}）",
        f"Hospitals that lose most by cost in {year} (baseline)",
    )
    every = words(f"{year} 年各医疗机构测算", f"Every hospital in {year}")
    more = words("全部医疗机构见工作簿。", "Every hospital is in the workbook.")
    return [
        Table(
            "risks", caption, columns, some, 0, more if len(rows) > len(some) else "", in_book=False
        ),
        Table("projected-hospitals", every, columns, rows, on_page=False),
    ]


def _groups(data: PanelData, words: Words) -> list[Block]:
    frame = data.projected.get("projection_groups")
    if frame is None or not data.scenarios:
        return []
    own = frame[frame["scenario"] == str(data.scenarios[0].get("id"))]
    own = own[(own["year"] == own["year"].max()) & (own["cases"] >= _LEAST)]
    own = own[own["drg"] != "0000"]
    if own.empty:
        return []
    own = own.assign(_cost=own["cases"] * own["average_cost"])
    own = own.sort_values(["_cost", "drg"], ascending=[False, True]).head(_GROUPS)
    wanted = [
        (name, title, kind)
        for name, title, kind in (
            ("weight", words("权重", "Weight"), "ratio"),
            ("average_cost", words("次均费用", "Average cost"), "yuan"),
            ("change_average_cost", words("较基年", "Change"), "change"),
        )
        if name in own and own[name].notna().any()
    ]
    columns = [
        Column("DRG"),
        Column(words("名称", "Name"), "name"),
        Column(words("病例", "Cases"), "count"),
        *(Column(title, kind) for _, title, kind in wanted),
    ]
    names = own["name"] if "name" in own else pd.Series("", own.index)
    rows: list[list[Cell]] = [
        [
            clean(r["drg"], 24),
            clean(name, 80),
            float(r["cases"]),
            *(_known(r[key]) for key, _, _ in wanted),
        ]
        for (_, r), name in zip(own.iterrows(), names, strict=True)
    ]
    caption = words(
        f"{int(own['year'].max())} 年费用最多的 {len(rows)} 个病组（基准方案）",
        f"The {len(rows)} groups with most cost in {int(own['year'].max())} (baseline)",
    )
    return [Table("groups", caption, columns, rows)]


def sensitivity_section(data: PanelData, words: Words) -> Section | None:
    """Which assumptions the outcomes hang on."""
    frame = data.projected.get("sensitivity")
    if frame is None:
        return None
    if "scenario" in frame and data.scenarios:
        frame = frame[frame["scenario"] == str(data.scenarios[0].get("id"))]
    blocks: list[Block] = []
    for number, (outcome, own) in enumerate(frame.groupby("outcome", sort=False), 1):
        own = own.sort_values(["total", "parameter"], ascending=[False, True]).head(_PARAMETERS)
        blocks += _outcome(f"sensitivity-{number}", clean(outcome, 60), own, words)
    if not blocks:
        return None
    intro = words(
        "按各假设对结果不确定性的贡献排序（Sobol 指数）："
        "“单独”为仅该假设变动所占的方差比重，“总”含它与其他假设的共同作用。",
        "Assumptions ranked by what they add to the uncertainty (Sobol indices): alone, and "
        "in all, with what they do together with others.",
    )
    return Section("sensitivity", words("敏感性分析", "Sensitivity"), [Text(intro), *blocks], True)


def _outcome(key: str, outcome: str, own: pd.DataFrame, words: Words) -> list[Block]:
    names = [_parameter(r, words) for _, r in own.iterrows()]
    said = _outcome_name(outcome, words)
    title = words(f"哪些假设最重要：{said}", f"What matters most: {said}")
    alone = own["first_order"] if "first_order" in own else pd.Series(math.nan, own.index)
    items = [(n, float(a), float(t)) for n, a, t in zip(names, alone, own["total"], strict=True)]
    about = words("；", "; ").join(f"{n} {100 * t:.0f}%" for n, _, t in items)
    legend = (words("单独", "alone"), words("总", "in all"))
    columns = [
        Column(words("假设", "Assumption"), "name"),
        Column(legend[0], "share"),
        Column(legend[1], "share"),
    ]
    rows: list[list[Cell]] = [[n, _known(a), _known(t)] for n, a, t in items]
    blocks: list[Block] = [
        Chart(key, title, about, ranking(key, title, about, items, legend, _bands(own)))
    ]
    if _has_outcomes(own):
        lows, highs = own["low"].to_numpy(float), own["high"].to_numpy(float)
        spans = sorted(zip(names, lows, highs, strict=True), key=lambda s: -abs(s[2] - s[1]))
        spans = [s for s in spans if math.isfinite(s[1] + s[2])]
        texts = [(_outcome_text(low), _outcome_text(high)) for _, low, high in spans]
        wide = words(f"结果随各假设的变动：{said}", f"The outcome over each assumption: {said}")
        base = float(np.mean([(low + high) / 2 for _, low, high in spans])) if spans else 0.0
        span_about = words("；", "; ").join(
            f"{n} {a} – {b}" for (n, _, _), (a, b) in zip(spans, texts, strict=True)
        )
        blocks.append(
            Chart(
                f"{key}-range",
                wide,
                span_about,
                tornado(f"{key}-range", wide, span_about, spans, base, "", texts),
            )
        )
        columns += [
            Column(words("结果下限", "Low"), "ratio"),
            Column(words("结果上限", "High"), "ratio"),
        ]
        rows = [[*row, _known(a), _known(b)] for row, a, b in zip(rows, lows, highs, strict=True)]
    return [*blocks, Table(key, title, columns, rows)]


def _outcome_text(value: float) -> str:
    return fixed(value, 0 if abs(value) >= 1000 else 2 if abs(value) >= 1 else 4)


def _bands(own: pd.DataFrame) -> list[tuple[float, float]]:
    """Intervals of the shares in all, where low and high are such."""
    if _has_outcomes(own) or not {"low", "high"} <= set(own.columns):
        return []
    return [(float(a), float(b)) for a, b in zip(own["low"], own["high"], strict=True)]


def _has_outcomes(own: pd.DataFrame) -> bool:
    """Whether low and high are outcomes, and not the interval of an index."""
    if not {"low", "high"} <= set(own.columns):
        return False
    held = own[["low", "high", "total"]].dropna()
    around = (held["low"] <= held["total"] + 1e-9) & (held["total"] <= held["high"] + 1e-9)
    return not held.empty and not bool(around.all())


def _parameter(row: pd.Series[Any], words: Words) -> str:
    named = row.get("zh") if words.zh else row.get("en")
    return clean(named, 60) or clean(row["parameter"], 60)


_OUTCOMES = {
    "average_cost": ("次均费用", "average cost"),
    "final": ("清算支付", "payment"),
    "balance": ("基金池结余", "balance of the pools"),
    "gain": ("医疗机构盈亏", "hospitals' gain"),
    "patient": ("个人负担", "patients' part"),
    "fund": ("基金应付", "payable by the funds"),
    "gain_share": ("医疗机构盈亏占费用", "hospitals' gain by cost"),
    "largest_loss": ("最大亏损比重", "largest loss of a hospital"),
    "patient_share": ("个人负担占比", "patients' share"),
    "average_patient": ("次均个人负担", "patient's part"),
}


def _outcome_name(outcome: str, words: Words) -> str:
    return words.of(_OUTCOMES[outcome]) if outcome in _OUTCOMES else outcome
