"""The settled year in figures (结算年指标): indicators, how cases were priced, months."""

from __future__ import annotations

import math

import pandas as pd

from drg.page.blocks import Chart, Column, Kept, Section, Table, Text, table
from drg.page.small_cells import few, told_first
from drg.page.words import Words
from drg.plots.charts import lines, scatter
from drg.report.panel.columns import CASES, COST, HOSPITAL, MIX, PAYABLE, TIER
from drg.report.panel.data import PanelData

_TIERS = (3, 2, 1)


def indicator_section(data: PanelData, words: Words) -> Section | None:
    """CMI, cost index, grouping rate and spread, by hospital and for the region."""
    if data.cases is None:
        return None
    own = data.cases.hospitals.drop(
        columns=["case_mix_index", "weighed", "cases", "cost", "patient", "other"])  # fmt: skip
    frame = data.by_hospital.merge(own, left_on="hospital_id", right_index=True, how="left")
    dark = data.untold.rows(("hospital", "grouped"), frame["hospital_id"], ["yes"] * len(frame))
    rate = zip(frame["grouped"], frame["cases"], dark, strict=True)
    frame = frame.assign(
        grouped=pd.Series([_rate(*one) for one in rate], frame.index, object),
        patient_share=frame["patient"] / frame["cost"].where(frame["cost"] > 0),
    )
    columns = [HOSPITAL, TIER, CASES, MIX,
               Column("cost_index", "费用消耗指数", "Cost index", "index"),
               Column("time_index", "时间消耗指数", "Time index", "index"),
               Column("grouped", "入组率", "Grouped", "share"),
               Column("groups", "病组数", "Groups", "count"),
               Column("average_cost", "次均费用", "Cost", "yuan"),
               Column("patient_share", "个人负担占比", "Patients", "share")]  # fmt: skip
    title = words(f"{data.year} 年评价指标", f"Indicators, {data.year}")
    stays = own["time_index"].notna().any()
    lacking = [pair for pair, there in (
        (("住院天数（时间消耗指数）", "length of stay (time index)"), stays),
        (("离院方式（低风险组死亡率）", "discharge mode (low-risk mortality)"),
         data.cases.region.get("low_risk_cases", 0) > 0),
        (("人员编号（人次人头比）", "persons (admissions per head)"), False),
    ) if not there]  # fmt: skip
    missing = words("结果中没有：", "Not in the results: ") + words.joined(
        words.of(pair) for pair in lacking) + words("。", ".")  # fmt: skip
    return Section("indicators", title, [
        _region(data, words), *_scatter(data, frame, words),
        Table("hospital-indicators", words("各医疗机构指标", "By hospital"), columns, frame),
        Text(missing, "quiet")])  # fmt: skip


def _rate(grouped: float, cases: float, dark: bool) -> float | Kept | None:
    """Share of grouped cases; ``dark`` when a few cases could be read off it."""
    if not math.isfinite(grouped) or cases <= 0:
        return None
    return Kept.BACK if dark else float(grouped) / cases


def _share(rate: float | Kept | None, words: Words) -> str:
    if isinstance(rate, Kept):
        return rate.value
    return words.share(math.nan if rate is None else rate)


def _region(data: PanelData, words: Words) -> Table:
    assert data.cases is not None
    whole, spread = data.cases.region, data.cases.spread
    n, dark = whole.get("cases", 0.0), bool(data.untold.of("grouped"))
    rows = [
        (words("病例组合指数（CMI）", "Case-mix index (CMI)"),
         words.number(whole.get("case_mix_index"), "ratio"),
         words("有权重病例的平均权重", "mean weight of the cases that have one")),
        (words("入组率", "Grouping rate"),
         _share(_rate(whole.get("grouped", 0.0), n, dark), words),
         words("未入组与歧义病例不计入", "without ungrouped and ambiguous cases")),
        (words("病组数", "Groups"), words.number(spread.groups, "count"),
         words("有病例的病组", "groups with cases")),
        (words("组间变异解释度（RIV）", "Variance explained (RIV)"),
         words.number(spread.riv, "ratio"),
         words("1 − 组内离差平方和 ÷ 总离差平方和", "1 − sum of squares within groups / total")),
        (words("CV<1 的病组占比", "Groups with CV < 1"), words.share(spread.groups_below),
         words(f"在 {spread.judged:,} 个不少于 5 例的病组中",
               f"of {spread.judged:,} groups with 5 cases or more")),
        (words("CV<1 病组的病例占比", "Cases in groups with CV < 1"),
         words.share(spread.cases_below),
         words("同上", "the same groups")),
    ]  # fmt: skip
    low, deaths = whole.get("low_risk_cases", 0.0), whole.get("low_risk_deaths", 0.0)
    if low:
        rows.append((
            words("低风险组死亡率", "Low-risk mortality"),
            Kept.BACK.value if few(deaths) or few(low) else words.share(deaths / low, 2),
            words("死亡率对数低于均值一个标准差的病组",
                  "groups whose log mortality is a standard deviation below the mean"),
        ))  # fmt: skip
    columns = [Column("name", "指标", "Indicator"), Column("value", "全统筹区", "Region"),
               Column("how", "口径", "How it is counted")]  # fmt: skip
    title = words("全统筹区指标", "Indicators of the region")
    return table("indicators", title, columns, rows, look="narrow")


def _scatter(data: PanelData, frame: pd.DataFrame, words: Words) -> list[Chart]:
    able = frame[~frame["hidden"] & frame["case_mix_index"].notna() & frame["cost_index"].notna()]
    if able.empty or data.cases is None:
        return []
    kinds = [t for t in _TIERS if (able["tier"] == t).any()]
    legend = [words.tier(t) for t in kinds]
    if not able["tier"].isin(kinds).all():
        legend.append(words("其他", "other"))
    points = [(float(h["case_mix_index"]), float(h["cost_index"]),
               kinds.index(h["tier"]) if h["tier"] in kinds else len(kinds), str(h["hospital"]))
              for _, h in able.iterrows()]  # fmt: skip
    mean = data.cases.region.get("case_mix_index", 1.0)
    title = words("病例难度与费用水平", "Difficulty and cost")
    about = words(f"{len(points)} 家医疗机构；费用消耗指数高于 1 为费用比同组平均高；虚线为平均。",
                  f"{len(points)} hospitals; a cost index of 1 is the region's mean in the same "
                  "groups; dashed: means.")  # fmt: skip
    axes = (
        words("病例组合指数（CMI）", "Case-mix index (CMI)"),
        words("费用消耗指数", "Cost index"),
    )
    cross = (mean if math.isfinite(mean) else 1.0, 1.0)
    return [
        Chart("cost-index", title, about, scatter(points, axes, legend, cross, words.lang), about)
    ]


def branch_section(data: PanelData, words: Words) -> Section | None:
    """How cases were priced: normal, low and high outliers, special cases."""
    frame = data.branches
    if frame is None:
        return None
    money = ["cases", "cost", "patient", "other", "fund"]
    sums = frame.groupby(["branch", "branch_zh", "settled"], sort=False)[money].sum().reset_index()
    sums = sums.assign(hidden=data.untold.rows(("branch",), sums["branch"]))
    sums = told_first(sums, "cases", "branch", ascending=False)
    names = [
        words.branch(str(b), str(z))
        + (words("（未清算）", " (not settled)") if str(s).lower() == "false" else "")
        for b, z, s in zip(sums["branch"], sums["branch_zh"], sums["settled"], strict=True)
    ]
    sums = sums.assign(name=names)
    total = {name: float(sums[name].sum()) for name in money}
    sums = pd.concat(
        [sums, pd.DataFrame([total | {"name": words("合计", "Total"), "hidden": False}])],
        ignore_index=True,
    )
    for name in ("cases", "cost", "fund"):
        sums[f"{name}_share"] = sums[name] / (total[name] or math.nan)
    sums["mean"] = sums["cost"] / sums["cases"].where(sums["cases"] > 0)
    columns = [Column("name", "结算类型", "How priced"), CASES,
               Column("cases_share", "占病例", "Of cases", "share"), COST,
               Column("cost_share", "占费用", "Of cost", "share"),
               Column("fund", "DRG 应付", "Payable by DRG", "money"),
               Column("fund_share", "占应付", "Of payable", "share"),
               Column("mean", "次均费用", "Mean cost", "yuan")]  # fmt: skip
    title = words(f"{data.year} 年病例按什么结算", f"How cases were priced, {data.year}")
    return Section("branches", title, [Table("branches", title, columns, sums, 1)])


def month_section(data: PanelData, words: Words) -> Section | None:
    """Payable and advances by month, for the whole region."""
    frame = data.settled.get("months")
    frame = None if frame is None else frame[frame["month"].between(1, 12)]
    if frame is None or frame.empty:
        return None
    money = ["cases", "cost", "payable", "advance", "quality_held", "remainder"]
    sums = frame.groupby("month")[money].sum().reset_index()
    sums["hidden"] = data.untold.rows(("month",), sums["month"])
    series: list[tuple[str, list[float], list[tuple[float, float]]]] = []
    for name, label in (("payable", words("DRG 应付", "payable by DRG")),
                        ("advance", words("预拨", "advance"))):  # fmt: skip
        values = sums[name].where(~sums["hidden"].astype(bool))
        series.append((label, [words.scaled(float(v)) for v in values], []))
    at = [words(f"{int(m)} 月", f"{int(m)}") for m in sums["month"]]
    title = words(f"{data.year} 年各月应付与预拨", f"Payable and advance by month, {data.year}")
    about = words("；", "; ").join(
        f"{name}: " + ", ".join(f"{v:,.0f}" for v in vs if v == v) for name, vs, _ in series
    )
    total = {name: float(sums[name].sum()) for name in money} | {"hidden": False, "month": math.nan}
    sums = pd.concat([sums, pd.DataFrame([total])], ignore_index=True)
    sums["name"] = [*at, words("合计", "Total")]
    columns = [Column("name", "月份", "Month"), CASES, COST, PAYABLE,
               Column("advance", "预拨", "Advance", "money"),
               Column("quality_held", "质量保证金", "Quality money", "money"),
               Column("remainder", "待清算", "To be cleared", "gain")]  # fmt: skip
    picture = lines(at, series, words.unit, words.lang, zero=True, height=52)
    return Section("months", title, [Chart("months", title, about, picture),
                                     Table("months", title, columns, sums, 1)])  # fmt: skip
