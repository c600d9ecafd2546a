"""Indicators for panels (评价指标), how cases were priced (结算类型), and payments by month."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from drg.page.blocks import Block, Cell, Chart, Column, Kept, Points, Section, Table, Text
from drg.page.small_cells import beside, few, held_back, told
from drg.page.words import Words
from drg.report.panel.charts import lines, paired_bars, scatter
from drg.report.panel.data import PanelData
from drg.report.panel.first_page import hospital_name
from drg.report.panel.money import settled_title

_TIERS = (3, 2, 1)


def indicator_section(data: PanelData, words: Words) -> Section | None:
    """CMI, cost index, grouping rate and spread, by hospital and for the region."""
    if data.cases is None:
        return None
    blocks: list[Block] = [_region(data, words), _scatter(data, words), _by_hospital(data, words)]
    missing = [
        words(
            "时间消耗指数（结算明细中没有住院天数）",
            "time index: settled cases carry no length of stay",
        ),
        words("低风险组死亡率（没有离院方式）", "low-risk mortality: they carry no discharge mode"),
        words("人次人头比（不读取人员编号）", "admissions per head: ids of persons are not read"),
    ]
    if not data.projected:
        missing.append(
            words(
                "次均费用的年度变化（没有测算结果）",
                "yearly change of the average cost: there is no projection",
            )
        )
    blocks += [
        Text(
            words(
                "以下指标所需的数据不在结果中，故未列出：",
                "Not shown, because the results do not hold what they need:",
            )
        ),
        Points(missing),
    ]
    return Section(
        "indicators", settled_title(data, words("评价指标", "indicators"), words), blocks
    )


def _region(data: PanelData, words: Words) -> Table:
    assert data.cases is not None
    whole, spread = data.cases.region, data.cases.spread
    n = whole.get("cases", 0.0)
    items: list[tuple[str, str, str]] = [
        (
            words("病例组合指数 CMI", "Case-mix index CMI"),
            words.number(whole.get("case_mix_index"), "ratio"),
            words("有权重病例的平均权重", "mean weight of the cases that have one"),
        ),
        (
            words("入组率", "Grouping rate"),
            words.share(whole.get("grouped", 0.0) / n if n else math.nan),
            words("未入组与歧义病例不计入", "without ungrouped and ambiguous cases"),
        ),
        (
            words("DRG 组数", "Number of DRGs"),
            words.number(spread.groups, "count"),
            words("有病例的病组", "groups with cases"),
        ),
        (
            words("组间变异解释度 RIV", "Variance explained RIV"),
            words.number(spread.riv, "ratio"),
            words("1 − 组内离差平方和 / 总离差平方和", "1 − sum of squares within groups / total"),
        ),
        (
            words("CV<1 的病组占比", "Groups with CV < 1"),
            words.share(spread.groups_below),
            words(
                f"在 {spread.judged:,} 个不少于 5 例的病组中",
                f"of {spread.judged:,} groups with 5 cases or more",
            ),
        ),
        (
            words("CV<1 病组的病例占比", "Cases in groups with CV < 1"),
            words.share(spread.cases_below),
            words("同上", "the same groups"),
        ),
        (
            words("次均费用", "Average cost"),
            words(
                f"{words.number(whole.get('average_cost'), 'yuan')} 元",
                f"{words.number(whole.get('average_cost'), 'yuan')} yuan",
            ),
            words("全部结算病例", "all settled cases"),
        ),
    ]
    columns = [
        Column(words("指标", "Indicator")),
        Column(words("全统筹区", "Region"), "ratio"),
        Column(words("口径", "How it is counted")),
    ]
    return Table(
        "indicators",
        words("全统筹区指标", "Indicators of the region"),
        columns,
        [list(item) for item in items],
    )


def measures(data: PanelData) -> pd.DataFrame:
    """Hospitals of the settlement with their indicators, joined by id."""
    assert data.cases is not None
    own = data.cases.hospitals.drop(
        columns=["case_mix_index", "weighed", "cases", "cost", "patient", "other"]
    )
    return data.by_hospital.merge(own, left_on="hospital_id", right_index=True, how="left")


def _scatter(data: PanelData, words: Words) -> Chart:
    frame = measures(data)
    frame = frame[~frame["hidden"] & frame["case_mix_index"].notna() & frame["cost_index"].notna()]
    kinds = [t for t in _TIERS if (frame["tier"] == t).any()]
    legend = [words.tier(t) for t in kinds]
    if not frame["tier"].isin(kinds).all() or not kinds:
        legend.append(words("其他", "other"))
    points = [
        (
            float(h["case_mix_index"]),
            float(h["cost_index"]),
            kinds.index(h["tier"]) if h["tier"] in kinds else len(kinds),
            hospital_name(h["hospital_name"], h["hospital_id"]),
        )
        for _, h in frame.iterrows()
    ]
    mean = data.cases.region.get("case_mix_index", 1.0) if data.cases else 1.0
    mean = mean if math.isfinite(mean) else 1.0
    title = words(
        "病例难度与费用水平：CMI 与费用消耗指数", "Difficulty and cost: CMI and cost index"
    )
    about = words(
        f"{len(points)} 家医疗机构；费用消耗指数 1 为全区同组平均，高于 1 为费用偏高。",
        f"{len(points)} hospitals; a cost index of 1 is the region's mean in the same groups.",
    )
    axes = (words("病例组合指数 CMI", "Case-mix index CMI"), words("费用消耗指数", "Cost index"))
    svg = scatter("cost-index", title, about, points, axes, legend, (mean, 1.0)) if points else ""
    note = about + words(
        "虚线为全区平均；标出偏离最大的机构。",
        " Dashed: the region's means; the outermost hospitals are named.",
    )
    return Chart("cost-index", title, about, svg, note)


def _by_hospital(data: PanelData, words: Words) -> Table:
    columns = [
        Column(words("医疗机构", "Hospital"), "name"),
        Column(words("级别", "Tier")),
        Column(words("病例", "Cases"), "count"),
        Column("CMI", "ratio"),
        Column(words("费用消耗指数", "Cost index"), "index"),
        Column(words("入组率", "Grouped"), "share"),
        Column(words("DRG 组数", "DRGs"), "year"),
        Column(words("次均费用", "Cost"), "yuan"),
        Column(words("个人负担占比", "Patients"), "share"),
    ]
    rows: list[list[Cell]] = []
    for _, h in measures(data).iterrows():
        hide, n = bool(h["hidden"]), float(h["cases"])
        values: list[Cell] = [
            _known(h["case_mix_index"]),
            _known(h["cost_index"]),
            _grouping_rate(h["grouped"], n),
            _known(h["groups"]),
            _known(h["average_cost"]),
            float(h["patient"]) / float(h["cost"]) if h["cost"] > 0 else None,
        ]
        rows.append(
            [
                hospital_name(h["hospital_name"], h["hospital_id"]),
                words.tier(h["tier"]),
                told(n, hide),
                *(beside(v, hide) for v in values),
            ]
        )
    return Table(
        "hospital-indicators", words("各医疗机构指标", "Indicators by hospital"), columns, rows,
        on_page=False,
    )  # fmt: skip


def _grouping_rate(grouped: float, cases: float) -> Cell:
    """Share of grouped cases; not told when a few cases could be read off it."""
    if not math.isfinite(grouped) or cases <= 0:
        return None
    return Kept.BACK if few(cases - grouped) or few(grouped) else float(grouped) / cases


def _known(value: float) -> Cell:
    return float(value) if np.isfinite(value) else None


def branch_section(data: PanelData, words: Words) -> Section | None:
    """How cases were priced: normal, low and high outliers, special cases."""
    frame = data.settled.get("branches")
    if frame is None or frame.empty:
        return None
    money = ["cases", "cost", "patient", "other", "fund"]
    sums = frame.groupby(["branch", "branch_zh", "settled"], sort=False)[money].sum().reset_index()
    sums = sums.sort_values("cases", ascending=False).reset_index(drop=True)
    hidden = held_back(sums["cases"].to_numpy(float))
    cases, cost, fund = (float(sums[name].sum()) for name in ("cases", "cost", "fund"))
    columns = [
        Column(words("结算类型", "How priced")),
        Column(words("病例", "Cases"), "count"),
        Column(words("占病例", "Of cases"), "share"),
        Column(words("总费用", "Cost"), "money"),
        Column(words("占费用", "Of cost"), "share"),
        Column(words("DRG 应付", "Payable by DRG"), "money"),
        Column(words("次均费用", "Mean cost"), "yuan"),
        Column(words("占应付", "Of payable"), "share"),
    ]
    rows: list[list[Cell]] = []
    for (_, b), hide in zip(sums.iterrows(), hidden, strict=True):
        n = float(b["cases"])
        values: list[Cell] = [
            n / cases if cases else None,
            float(b["cost"]),
            float(b["cost"]) / cost if cost else None,
            float(b["fund"]),
            float(b["cost"]) / n if n else None,
            float(b["fund"]) / fund if fund else None,
        ]
        name = words.branch(str(b["branch"]), str(b["branch_zh"]))
        if str(b["settled"]).lower() == "false":
            name += words("（未清算）", " (not settled)")
        rows.append([name, told(n, bool(hide)), *(beside(v, bool(hide)) for v in values)])
    rows.append(
        [
            words("合计", "Total"),
            told(cases, False),
            1.0 if cases else None,
            cost,
            1.0 if cost else None,
            fund,
            cost / cases if cases else None,
            1.0 if fund else None,
        ]
    )
    title = words("病例按什么结算", "How cases were priced")
    return Section(
        "branches",
        settled_title(data, title, words),
        [
            _branch_chart(rows, title, words),
            Table(
                "branches",
                words("各结算类型的病例、费用与应付", "Cases, cost and payment by way of pricing"),
                columns,
                rows,
                1,
            ),
        ],
    )


def _branch_chart(rows: list[list[Cell]], title: str, words: Words) -> Chart:
    items = []
    for row in rows[:-1]:
        if isinstance(row[2], float) and isinstance(row[4], float):
            values = [100 * row[2], 100 * row[4]]
            items.append((str(row[0]), values, [f"{v:.1f}%" for v in values]))
    about = words("；", "; ").join(f"{name} {said[0]} / {said[1]}" for name, _, said in items)
    legend = (words("占病例", "of cases"), words("占费用", "of cost"))
    svg = paired_bars("branches", title, about, items, legend, "%")
    return Chart("branches", title, about, svg)


def month_section(data: PanelData, words: Words) -> Section | None:
    """Payable and advances by month, for the whole region."""
    frame = data.settled.get("months")
    if frame is None or frame.empty:
        return None
    money = ["cases", "cost", "payable", "advance", "quality_held", "remainder"]
    sums = frame.groupby("month")[money].sum().reset_index()
    hidden = held_back(sums["cases"].to_numpy(float))
    columns = [
        Column(words("月份", "Month"), "year"),
        Column(words("病例", "Cases"), "count"),
        Column(words("总费用", "Cost"), "money"),
        Column(words("DRG 应付", "Payable"), "money"),
        Column(words("预拨", "Advance"), "money"),
        Column(words("质量保证金", "Quality money"), "money"),
        Column(words("待清算", "To be cleared"), "gain"),
    ]
    rows: list[list[Cell]] = [
        [
            int(m["month"]),
            told(float(m["cases"]), bool(hide)),
            *(beside(float(m[name]), bool(hide)) for name in money[1:]),
        ]
        for (_, m), hide in zip(sums.iterrows(), hidden, strict=True)
    ]
    rows.append(
        [
            words("合计", "Total"),
            told(float(sums["cases"].sum()), False),
            *(float(sums[name].sum()) for name in money[1:]),
        ]
    )
    title = words("各月应付与预拨", "Payable and advance by month")
    shown = sums.assign(hidden=hidden)
    series = [
        (
            label,
            [
                math.nan if h else words.scaled(float(v))
                for v, h in zip(shown[name], shown["hidden"], strict=True)
            ],
        )
        for name, label in (
            ("payable", words("DRG 应付", "payable by DRG")),
            ("advance", words("预拨", "advance")),
        )
    ]
    at = [words(f"{int(m)} 月", f"{int(m)}") for m in shown["month"]]
    about = words("；", "; ").join(
        f"{name}: {min(v for v in vs if v == v):,.0f}–"
        f"{max(v for v in vs if v == v):,.0f} {words.unit}"
        for name, vs in series
        if any(v == v for v in vs)
    )
    chart = Chart("months", title, about, lines("months", title, about, at, series, words.unit))
    return Section(
        "months",
        settled_title(data, words("月度拨付", "payments by month"), words),
        [chart, Table("months", title, columns, rows, 1, on_page=False)],
    )
