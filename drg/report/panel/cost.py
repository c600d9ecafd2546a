"""Average cost of a case (次均费用): by tier and insurance, settled and ahead, and why it moves."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.page.blocks import Block, Chart, Column, Section, Table, Text
from drg.page.small_cells import few
from drg.page.words import EFFECTS, Words
from drg.plots.charts import bars, lines, shares
from drg.report.panel.columns import AVERAGE, CASES, INSURANCE, MIX, SCENARIO, TIER, YEAR
from drg.report.panel.data import PanelData
from drg.report.panel.story import (
    MOST_OTHERS,
    Story,
    average,
    others_note,
    part_name,
    scenario_name,
)

_LEVELS = ("region", "tier", "insurance", "hospital")


def cost_ahead_section(held: Story, words: Words) -> Section | None:
    """Average cost by year, by tier and insurance, and decomposed, under the scenario told."""
    frame = held.data.projected.get("projection_tiers")
    if frame is None:
        return None
    blocks = [_by_year(held, frame, words), *_by_tier(held, frame, words),
              *_decomposed(held, words), *_groups(held, words)]  # fmt: skip
    name = scenario_name(held.data, held.code, words)
    return Section("cost-ahead", words(f"次均费用：{name}", f"Average cost: {name}"), blocks)


def _by_year(held: Story, frame: pd.DataFrame, words: Words) -> Chart:
    data = held.data
    years = sorted({int(y) for y in frame["year"] if math.isfinite(y)})
    series: list[tuple[str, list[float], list[tuple[float, float]]]] = []
    for code in dict.fromkeys((held.baseline, held.code, *held.others[:MOST_OTHERS])):
        ends = [] if code in held.others else [
            (average(data, code, y, "average_cost_low"), average(data, code, y,
             "average_cost_high")) for y in years]  # fmt: skip
        series.append((scenario_name(data, code, words),
                       [average(data, code, y) for y in years], ends))  # fmt: skip
    ranged = any(math.isfinite(a + b) for _, _, ends in series for a, b in ends)
    band = words("95% 区间", "95% interval") if ranged else ""
    title = words(
        "全统筹区次均费用，按年度和方案", "Average cost in the region, by year and scenario"
    )
    about = words("；", "; ").join(
        f"{name}: " + ", ".join(words.number(v, "yuan") for v in vs) for name, vs, _ in series
    )
    picture = lines([str(y) for y in years], series, words("元/例", "yuan a case"), words.lang,
                    band=band, height=56)  # fmt: skip
    return Chart("average-by-year", title, about, picture, others_note(held, words))


def _by_tier(held: Story, frame: pd.DataFrame, words: Words) -> list[Block]:
    """Average cost and the patient's part by tier and insurance; every scenario in the workbook."""
    data, keys = held.data, ["tier", "insurance"]
    base = data.at("projection_tiers", held.baseline, held.year).drop_duplicates(keys).set_index(
        keys)["average_cost"]  # fmt: skip
    own = data.at("projection_tiers", held.code, held.year).copy()
    was = [float(base.get((t, i), math.nan)) for t, i in zip(own["tier"], own["insurance"],
                                                            strict=True)]  # fmt: skip
    own["difference"] = math.nan if held.alone else own["average_cost"] - was
    own["patient_share"] = own["average_patient"] / own["average_cost"].where(
        own["average_cost"] > 0)  # fmt: skip
    change = Column("change_average_cost", f"较 {data.year} 年", f"On {data.year}", "change")
    patient = Column("average_patient", "次均个人负担", "Patient", "yuan")
    columns = [
        TIER, INSURANCE, CASES, AVERAGE, Column("average_cost_low", "95% 下限", "95% low", "yuan"),
        Column("average_cost_high", "95% 上限", "95% high", "yuan"), change,
        Column("difference", "比基准", "To baseline", "yuan_change"), patient,
        Column("patient_share", "个人负担占比", "Patients' share", "share"),
    ]  # fmt: skip
    every = frame.assign(scenario=[scenario_name(data, code, words) for code in frame["scenario"]])
    every = every.assign(hidden=data.hides_tiers(every))
    caption = words(
        f"次均费用与个人负担，{held.year} 年", f"Average cost and patients, {held.year}"
    )
    return [
        Table("cost-ahead", caption, columns, own.assign(hidden=data.hides_tiers(own))),
        Table("costs", words("次均费用，全部方案和年度", "Average cost, every scenario and year"),
              [SCENARIO, YEAR, TIER, INSURANCE, CASES, AVERAGE, change, patient],
              every, where="book"),
    ]  # fmt: skip


def _decomposed(held: Story, words: Words) -> list[Block]:
    """What moves the average cost from the settled year to the year told."""
    data = held.data
    own = data.at("decomposition", held.code, held.year)
    if own.empty:
        return []
    own = own[own["level"].isin(_LEVELS) & own["measure"].isin(("average", ""))]
    dark = [bool(data.hides(level, [key])[0]) for level, key in zip(own["level"], own["key"],
                                                                    strict=True)]  # fmt: skip
    own = own[~np.array(dark, np.bool_)]
    if not own["total"].abs().gt(0.005).any():
        return [Text(words("次均费用不变，没有变化可分解。", "The average cost stays as it is."))]
    names = dict(zip(data.by_hospital["hospital_id"], data.by_hospital["hospital"], strict=True))
    own = own.assign(
        scope=[
            part_name(level, key, names.get(key, ""), words)
            for level, key in zip(own["level"], own["key"], strict=True)
        ]
    )
    title = words(f"{data.year} 至 {held.year} 年次均费用为什么变化",
                  f"Why the average cost moves, {data.year} to {held.year}")  # fmt: skip
    columns = [Column("scope", "范围", "For", "name"), Column("from", "基年", "From", "yuan"),
               Column("to", "测算年", "To", "yuan"),
               *(Column(name, *pair, "yuan_change") for name, pair in EFFECTS.items()),
               Column("total", "合计", "Sum", "yuan_change")]  # fmt: skip
    coarse = own[own["level"].isin(("region", "tier"))]
    items = []
    for _, r in coarse.iterrows():
        values = [float(r[name]) for name in (*EFFECTS, "total")]
        items.append((str(r["scope"]), values, [words.number(v, "yuan_change") for v in values]))
    legend = [*(words.of(pair) for pair in EFFECTS.values()), words("合计", "sum")]
    about = words("；", "; ").join(f"{name}: {', '.join(said)}" for name, _, said in items)
    note = words("投入价格是病例所耗人力、药品、耗材等的价格，不是 DRG 费率；四项之和等于总变化。",
                 "Input prices are of what a case uses, not the DRG rate; the four add up to the "
                 "change.")  # fmt: skip
    return [
        Chart("decomposition", title, about, bars(items, legend, words("元/例", "yuan a case"),
                                                  words.lang), note),
        Table("decomposition", title, columns, own, where="book"),
    ]  # fmt: skip


def _groups(held: Story, words: Words) -> list[Block]:
    """The groups with most cost in the scenario told, for the workbook."""
    own = held.data.at("projection_groups", held.code, held.year)
    if own.empty:
        return []
    none = [is_ungrouped(code) or is_ambiguous(code) for code in own["drg"]]  # a branch tells them
    own = own[~held.data.untold.rows(("drg",), own["drg"]) & ~np.array(none, np.bool_)]
    own = own.assign(_cost=own["cases"] * own["average_cost"])
    own = own.sort_values(["_cost", "drg"], ascending=[False, True])
    columns = [Column("drg", "病组", "Group", "code"), Column("name", "名称", "Name", "name"),
               CASES, Column("weight", "权重", "Weight", "weight"), AVERAGE,
               Column("average_cost_low", "95% 下限", "95% low", "yuan"),
               Column("average_cost_high", "95% 上限", "95% high", "yuan"),
               Column("change_average_cost", "较基年", "On settled year", "change")]  # fmt: skip
    title = words(f"病组次均费用，{held.year} 年，费用最多的在前",
                  f"Groups in {held.year}, those with most cost first")  # fmt: skip
    return [Table("groups", title, columns, own, where="book")]


def cost_section(data: PanelData, words: Words) -> Section | None:
    """Average cost by tier and insurance in the settled year, and who bears it."""
    if data.cases is None:
        return None
    frame = data.cases.tiers.copy()
    frame["hidden"] = data.hides_tiers(frame)
    order = {"all": 9, "employee": 0, "resident": 1}
    frame = frame.assign(_tier=frame["tier"].map(lambda t: {-1: 50, 0: 99}.get(t, -t)),
                         _kind=frame["insurance"].map(lambda i: order.get(i, 5)),
                         tier=frame["tier"].map(lambda t: None if t == -1 else t))  # fmt: skip
    frame = frame.sort_values(["_tier", "_kind"], ignore_index=True)
    cases = frame["cases"].where(frame["cases"] > 0)
    means = {f"mean_{n}": frame[n] / cases for n in ("cost", "fund", "patient", "other")}
    frame = frame.assign(**means, share=frame["patient"] / frame["cost"].where(frame["cost"] > 0))
    columns = [TIER, INSURANCE, CASES, MIX, Column("mean_cost", "次均费用", "Cost", "yuan"),
               Column("mean_fund", "次均基金", "Fund", "yuan"),
               Column("mean_patient", "次均个人负担", "Patient", "yuan"),
               Column("mean_other", "次均其他支付", "Others", "yuan"),
               Column("share", "个人负担占比", "Patients' share", "share")]  # fmt: skip
    note = words("基金为年终调整前的 DRG 应付；费用中其余部分由医疗机构承担或留用。",
                 "Fund: payable by DRG before the year-end clearing; the rest is the hospitals' "
                 "loss or gain.")  # fmt: skip
    title = words(f"{data.year} 年次均费用与个人负担", f"Average cost and patients, {data.year}")
    totals = int((frame["tier"] == 0).sum())
    return Section(
        "average-cost",
        title,
        [*_who_pays(frame, words), Table("average-cost", title, columns, frame, totals, note)],
    )


def _who_pays(frame: pd.DataFrame, words: Words) -> list[Block]:
    """Who bears the cost of a case, by tier and insurance as a whole."""
    items = []
    for _, r in frame.iterrows():
        if (
            r["hidden"]
            or few(r["cases"])
            or r["cost"] <= 0
            or (r["insurance"] != "all" and r["tier"] != 0)
        ):
            continue
        paid = [float(r[name]) for name in ("fund", "patient", "other")]
        rest = max(float(r["cost"]) - sum(paid), 0.0)
        name = f"{words.tier(r['tier'])} {words.insurance(str(r['insurance']))}"
        items.append((name, [value / (sum(paid) + rest) for value in (*paid, rest)]))
    if not items:
        return []
    legend = [words("基金", "fund"), words("个人", "patient"), words("其他", "others"),
              words("医疗机构承担", "hospital's loss")]  # fmt: skip
    used = [i for i in range(4) if any(parts[i] > 0 for _, parts in items)]
    items = [(name, [parts[i] for i in used]) for name, parts in items]
    legend = [legend[i] for i in used]
    about = words("；", "; ").join(f"{name}: " + ", ".join(
        f"{said} {100 * p:.1f}%" for said, p in zip(legend, parts, strict=True))
        for name, parts in items)  # fmt: skip
    title = words("费用由谁承担", "Who bears the cost of a case")
    note = words("DRG 应付高于费用时，比重按各方支付之和计算。",
                 "Where payments exceed the cost, shares are of the payments.")  # fmt: skip
    return [Chart("who-pays", title, about, shares(items, legend, words.lang), note)]
