"""Average cost of a case (次均费用) by tier and insurance, what moves it, and who bears it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from drg.report.panel_blocks import Block, Cell, Chart, Column, Section, Table, Text
from drg.report.panel_charts import paired_bars, shares
from drg.report.panel_charts_future import effects
from drg.report.panel_data import PanelData
from drg.report.panel_small import beside, few, held_back, told
from drg.report.panel_summary import hospital_name
from drg.report.panel_words import EFFECTS, Words, clean

_LEVELS = ("region", "tier", "insurance", "hospital")
_NAMED = 12  # hospitals in a decomposition's chart


def cost_section(data: PanelData, words: Words) -> Section | None:
    """Average cost by tier and insurance, now and in the baseline's last year, decomposed."""
    blocks: list[Block] = []
    if data.cases is not None:
        blocks += [_cost_chart(data, words), _cost_table(data, words)]
    blocks += _projected(data, words)
    blocks += _decomposed(data, words)
    if not blocks:
        return None
    return Section("average-cost", words("次均费用", "Average cost of a case"), blocks, True)


def tier_rows(data: PanelData) -> pd.DataFrame:
    """Tiers and insurances, with ``hidden`` where a number may not be told."""
    assert data.cases is not None
    frame = data.cases.tiers.copy()
    inner = frame[(frame["tier"] != 0) & (frame["insurance"] != "all")]
    grid = inner.pivot_table(index="tier", columns="insurance", values="cases", fill_value=0)
    hide = pd.DataFrame(held_back(grid.to_numpy(float)), index=grid.index, columns=grid.columns)
    by_tier = pd.Series(held_back(grid.sum(axis=1).to_numpy(float)), index=grid.index)
    by_kind = pd.Series(held_back(grid.sum(axis=0).to_numpy(float)), index=grid.columns)

    def hidden(tier: int, insurance: str) -> bool:
        if tier == 0:
            return bool(by_kind.get(insurance, False))
        if insurance == "all":
            return bool(by_tier[tier])
        return bool(hide.loc[tier, insurance] or by_tier[tier] or by_kind[insurance])

    frame["hidden"] = [hidden(t, i) for t, i in zip(frame["tier"], frame["insurance"], strict=True)]
    order = {"all": 9, "employee": 0, "resident": 1}
    frame["_tier"] = frame["tier"].map(lambda t: {-1: 50, 0: 99}.get(t, -t))
    frame["_kind"] = frame["insurance"].map(lambda i: order.get(i, 5))
    return frame.sort_values(["_tier", "_kind"]).reset_index(drop=True)


def tier_name(tier: object, words: Words) -> str:
    """Name of a tier; 0 is the region."""
    if tier == 0 or str(tier) in ("all", "0"):
        return words("全统筹区", "region")
    return words.tier(None if tier == -1 else tier)


def _cost_chart(data: PanelData, words: Words) -> Chart:
    frame = tier_rows(data)
    kinds = list(dict.fromkeys(frame["insurance"]))[:4]
    items = []
    for tier, rows in frame.groupby("tier", sort=False):
        held = {r["insurance"]: r for _, r in rows.iterrows()}
        values = [
            held[k]["cost"] / held[k]["cases"]
            if k in held and not held[k]["hidden"] and held[k]["cases"] > 0
            else math.nan
            for k in kinds
        ]
        items.append((tier_name(tier, words), values, [words.number(v, "yuan") for v in values]))
    year = data.year
    title = words(
        f"{year} 年次均费用，按医院级别和险种",
        f"Average cost of a case {year}, by tier and insurance",
    )
    about = words("；", "; ").join(f"{name}: {' / '.join(said)}" for name, _, said in items)
    legend = [words.insurance(kind) for kind in kinds]
    svg = paired_bars("average-cost", title, about, items, legend, words("元/例", "yuan a case"))
    return Chart("average-cost", title, about, svg)


def _cost_table(data: PanelData, words: Words) -> Table:
    columns = [
        Column(words("医院级别", "Tier")),
        Column(words("险种", "Insurance")),
        Column(words("病例", "Cases"), "count"),
        Column("CMI", "ratio"),
        Column(words("次均费用", "Cost"), "yuan"),
        Column(words("次均基金", "Fund"), "yuan"),
        Column(words("次均个人负担", "Patient"), "yuan"),
        Column(words("次均其他支付", "Others"), "yuan"),
        Column(words("个人负担占比", "Patients' share"), "share"),
    ]
    rows: list[list[Cell]] = []
    for _, r in tier_rows(data).iterrows():
        hide, n = bool(r["hidden"]) or few(r["cases"]), float(r["cases"])
        means: list[Cell] = [_mean(r[name], n) for name in ("cost", "fund", "patient", "other")]
        rows.append(
            [
                tier_name(r["tier"], words),
                words.insurance(str(r["insurance"])),
                told(n, bool(r["hidden"])),
                beside(_known(r["case_mix_index"]), hide),
                *(beside(value, hide) for value in means),
                beside(_mean(r["patient"], r["cost"]), hide),
            ]
        )
    last = sum(row[0] == tier_name(0, words) for row in rows)
    note = words(
        "基金为年终调整前的 DRG 应付；费用中其余部分由医疗机构承担或留用。",
        "Fund: payable by DRG, before the year-end clearing; the rest of the cost is the "
        "hospitals' loss or gain.",
    )
    return Table(
        "average-cost",
        words(
            "次均费用与个人负担，按医院级别和险种",
            "Average cost and the patient's part, by tier and insurance",
        ),
        columns,
        rows,
        last,
        note,
    )


def _mean(value: float, over: float) -> Cell:
    return float(value) / float(over) if over > 0 else None


def _known(value: float) -> Cell:
    return float(value) if np.isfinite(value) else None


def _projected(data: PanelData, words: Words) -> list[Block]:
    """Average cost by tier and year for every scenario, with the patient's part beside it."""
    frame = data.projected.get("projection_tiers")
    if frame is None:
        return []
    last = frame["year"].max()
    own = frame[frame["year"] == last]
    columns = [
        Column(words("方案", "Scenario"), "name"),
        Column(words("医院级别", "Tier")),
        Column(words("险种", "Insurance")),
        Column(words("病例", "Cases"), "count"),
        Column(words("次均费用", "Cost"), "yuan"),
        Column(words("较基年", "Change"), "change"),
        Column(words("次均个人负担", "Patient"), "yuan"),
        Column(words("个人负担占比", "Patients' share"), "share"),
    ]
    rows: list[list[Cell]] = []
    for scenario in data.scenarios:
        code = str(scenario.get("id"))
        some = own[own["scenario"] == code]
        for _, r in some.iterrows():
            hide = few(r["cases"])
            rows.append(
                [
                    scenario_name(data, code, words),
                    tier_name(r["tier"], words),
                    words.insurance(str(r["insurance"])),
                    told(float(r["cases"]), False),
                    beside(_known(r["average_cost"]), hide),
                    beside(_known(r.get("change_average_cost", math.nan)), hide),
                    beside(_known(r["average_patient"]), hide),
                    beside(_mean(r["average_patient"], r["average_cost"]), hide),
                ]
            )
    caption = words(
        f"{last:.0f} 年次均费用测算，与 {data.year} 年相比",
        f"Average cost projected to {last:.0f}, against {data.year}",
    )
    return [Table("projected-cost", caption, columns, rows)] if rows else []


def scenario_name(data: PanelData, code: str, words: Words) -> str:
    """Title of a scenario."""
    for scenario in data.scenarios:
        if str(scenario.get("id")) == code:
            titled = scenario.get("title" if words.zh else "title_en") or scenario.get("title")
            if titled:
                return clean(titled, 60)
    return words("基准方案", "baseline") if code == "baseline" else clean(code, 60)


def _decomposed(data: PanelData, words: Words) -> list[Block]:
    frame = data.projected.get("decomposition")
    if frame is None:
        return []
    codes = [str(s.get("id")) for s in data.scenarios]
    chosen = frame[frame["scenario"].isin(codes) & frame["level"].isin(_LEVELS)]
    if "measure" in chosen:  # the change of the total cost stands there too
        chosen = chosen[chosen["measure"] == "average"]
    if chosen.empty:
        return []
    last = chosen["year"].max()
    own = chosen[(chosen["year"] == last) & (chosen["scenario"] == codes[0])]
    names = {
        h: hospital_name(n, h)
        for h, n in zip(
            data.by_hospital["hospital_id"], data.by_hospital["hospital_name"], strict=True
        )
    }
    own = own[~((own["level"] == "hospital") & own["key"].isin(data.hidden))]
    title = words(
        f"{data.year} 至 {last:.0f} 年次均费用变化的构成（{scenario_name(data, codes[0], words)}）",
        f"What moves the average cost, {data.year} to {last:.0f} "
        f"({scenario_name(data, codes[0], words)})",
    )
    intro = words(
        "价格、病例组合（CMI）、服务强度和服务量四项之和等于总变化，没有余项。",
        "Price, case mix, intensity and volume add up to the change, nothing is left.",
    )
    coarse = own[own["level"] != "hospital"]
    blocks: list[Block] = [Text(intro)]
    if not coarse.empty:
        blocks.append(_effects_chart(coarse, names, title, words))
    blocks.append(_effects_table(own, names, title, words))
    return blocks


def _line_name(level: str, key: str, names: dict[str, str], words: Words) -> str:
    if level == "region":
        return words("全统筹区", "region")
    if level == "tier":
        return tier_name(key, words)
    if level == "insurance":
        return words.insurance(key)
    return names.get(key, clean(key, 60))


def _effects_chart(own: pd.DataFrame, names: dict[str, str], title: str, words: Words) -> Chart:
    items, texts = [], []
    for _, r in own.head(_NAMED).iterrows():
        parts = [float(r[name]) for name in EFFECTS]
        items.append((_line_name(r["level"], r["key"], names, words), parts, float(r["total"])))
        texts.append([words.number(v, "yuan_change") for v in (*parts, float(r["total"]))])
    about = words("；", "; ").join(
        f"{name}: " + ", ".join(said) for (name, _, _), said in zip(items, texts, strict=True)
    )
    svg = effects(
        "decomposition",
        title,
        about,
        items,
        [words.of(p) for p in EFFECTS.values()],
        words("合计", "sum"),
        words("元/例", "yuan a case"),
        texts,
    )
    return Chart("decomposition", title, about, svg)


def _effects_table(own: pd.DataFrame, names: dict[str, str], title: str, words: Words) -> Table:
    columns = [
        Column(words("范围", "For"), "name"),
        Column(words("基年", "From"), "yuan"),
        Column(words("测算年", "To"), "yuan"),
        *(Column(words.of(pair), "yuan_change") for pair in EFFECTS.values()),
        Column(words("合计", "Sum"), "yuan_change"),
    ]
    rows: list[list[Cell]] = [
        [
            _line_name(r["level"], r["key"], names, words),
            _known(r["from"]),
            _known(r["to"]),
            *(_known(r[name]) for name in EFFECTS),
            _known(r["total"]),
        ]
        for _, r in own.iterrows()
    ]
    return Table("decomposition", title, columns, rows)


def patient_section(data: PanelData, words: Words) -> Section | None:
    """Who bears the cost of a case, by tier and insurance."""
    if data.cases is None:
        return None
    frame = tier_rows(data)
    items, rows = [], []
    for _, r in frame.iterrows():
        if r["hidden"] or few(r["cases"]) or r["cost"] <= 0:
            continue
        paid = [float(r[name]) for name in ("fund", "patient", "other")]
        rest = max(float(r["cost"]) - sum(paid), 0.0)
        whole = sum(paid) + rest
        name = f"{tier_name(r['tier'], words)} {words.insurance(str(r['insurance']))}"
        items.append((name, [value / whole for value in (*paid, rest)]))
        rows.append((name, r))
    if not items:
        return None
    legend = [
        words("基金", "fund"),
        words("个人", "patient"),
        words("其他", "others"),
        words("医疗机构承担", "hospital's loss"),
    ]
    used = [i for i in range(4) if any(parts[i] > 0 for _, parts in items)]
    items = [(name, [parts[i] for i in used]) for name, parts in items]
    title = words("费用由谁承担", "Who bears the cost of a case")
    about = words("；", "; ").join(
        f"{name}: "
        + ", ".join(f"{legend[i]} {100 * p:.1f}%" for i, p in zip(used, parts, strict=True))
        for name, parts in items
    )
    svg = shares("who-pays", title, about, items, [legend[i] for i in used])
    note = words(
        "患者按项目付费，DRG 改变的是基金与医疗机构之间的结算；"
        "DRG 应付高于费用时，比重按三方支付之和计算。",
        "Patients are billed by item; DRG settles between fund and hospital. Where payments "
        "exceed the cost, shares are of the payments.",
    )
    return Section(
        "patients",
        words("个人负担", "The patient's part"),
        [Chart("who-pays", title, about, svg, note)],
    )
