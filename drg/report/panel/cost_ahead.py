"""Average cost in the projection (次均费用测算): by tier and insurance, and what moves it."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from drg.page.blocks import Block, Cell, Chart, Column, Section, Table, Text
from drg.page.small_cells import beside, told
from drg.page.words import EFFECTS, Words, clean
from drg.report.panel.charts_future import effects
from drg.report.panel.cost import hidden_tiers, tier_name
from drg.report.panel.data import PanelData
from drg.report.panel.first_page import hospital_name
from drg.report.panel.story import Story, scenario_name, story

_LEVELS = ("region", "tier", "insurance", "hospital")


def cost_ahead_section(data: PanelData, words: Words) -> Section | None:
    """Average cost by tier under the scenario told, beside the baseline, and decomposed."""
    held = story(data)
    if held is None:
        return None
    blocks = [*_by_tier(held, words), *_decomposed(held, words)]
    name = scenario_name(data, held.code, words)
    title = words(
        f"次均费用：{name}，{held.year} 年", f"Average cost of a case: {name}, {held.year}"
    )
    return Section("cost-ahead", title, blocks) if blocks else None


def _by_tier(held: Story, words: Words) -> list[Block]:
    """Average cost and the patient's part by tier and insurance; every scenario in the workbook."""
    data = held.data
    frame = data.projected.get("projection_tiers")
    if frame is None:
        return []
    keys = ["tier", "insurance"]
    own = data.at("projection_tiers", held.code, held.year)
    base = data.at("projection_tiers", held.baseline, held.year).set_index(keys)
    ranged = own["average_cost_low"].notna().any()
    columns = [
        Column(words("医院级别", "Tier")),
        Column(words("险种", "Insurance")),
        Column(words("病例", "Cases"), "count"),
        Column(words("次均费用", "Cost"), "yuan"),
        *(
            [
                Column(words("95% 下限", "95% low"), "yuan"),
                Column(words("95% 上限", "95% high"), "yuan"),
            ]
            if ranged
            else []
        ),
        Column(words(f"较 {data.year} 年", f"On {data.year}"), "change"),
        Column(words("比基准", "To baseline"), "yuan_change"),
        Column(words("次均个人负担", "Patient"), "yuan"),
        Column(words("个人负担占比", "Patients' share"), "share"),
    ]
    if held.alone:
        columns = [c for c in columns if c.kind != "yuan_change"]
    hidden = hidden_tiers(own, "all")
    rows: list[list[Cell]] = []
    for (_, r), hide in zip(own.iterrows(), hidden, strict=True):
        key = (r["tier"], r["insurance"])
        was = float(base.loc[key, "average_cost"]) if key in base.index else math.nan
        share = r["average_patient"] / r["average_cost"] if r["average_cost"] > 0 else math.nan
        values = [r["average_cost"],
                  *([r["average_cost_low"], r["average_cost_high"]] if ranged else []),
                  r["change_average_cost"], *([] if held.alone else [r["average_cost"] - was]),
                  r["average_patient"], share]  # fmt: skip
        rows.append([
            tier_name(r["tier"], words), words.insurance(str(r["insurance"])),
            told(float(r["cases"]), hide), *(beside(_known(v), hide) for v in values),
        ])  # fmt: skip
    name = scenario_name(data, held.code, words)
    caption = words(
        f"次均费用与个人负担：{name}，{held.year} 年",
        f"Average cost and the patient's part: {name}, {held.year}",
    )
    return [Table("projected-cost", caption, columns, rows), _every(held, frame, words)]


def _every(held: Story, frame: pd.DataFrame, words: Words) -> Table:
    """All scenarios and years, for the workbook."""
    columns = [
        Column(words("方案", "Scenario"), "name"),
        Column(words("年度", "Year"), "year"),
        Column(words("医院级别", "Tier")),
        Column(words("险种", "Insurance")),
        Column(words("病例", "Cases"), "count"),
        Column(words("次均费用", "Cost"), "yuan"),
        Column(words("较基年", "On the settled year"), "change"),
        Column(words("次均个人负担", "Patient"), "yuan"),
    ]
    rows: list[list[Cell]] = []
    for _, own in frame.groupby(["scenario", "year"], sort=False):
        for (_, r), hide in zip(own.iterrows(), hidden_tiers(own, "all"), strict=True):
            values = [r["average_cost"], r["change_average_cost"], r["average_patient"]]
            rows.append([
                scenario_name(held.data, str(r["scenario"]), words), int(r["year"]),
                tier_name(r["tier"], words), words.insurance(str(r["insurance"])),
                told(float(r["cases"]), hide), *(beside(_known(v), hide) for v in values),
            ])  # fmt: skip
    caption = words("次均费用测算，全部方案和年度", "Average cost, every scenario and year")
    return Table("projected-costs", caption, columns, rows, on_page=False)


def _known(value: Any) -> Cell:
    return float(value) if math.isfinite(value) else None


def _decomposed(held: Story, words: Words) -> list[Block]:
    """What moves the average cost from the settled year to the year told."""
    data = held.data
    own = data.at("decomposition", held.code, held.year)
    if own.empty:
        return []
    own = own[own["level"].isin(_LEVELS) & own["measure"].isin(("average", ""))]
    own = own[~((own["level"] == "hospital") & own["key"].isin(data.hidden))]
    names = {
        h: hospital_name(n, h)
        for h, n in zip(
            data.by_hospital["hospital_id"], data.by_hospital["hospital_name"], strict=True
        )
    }
    name = scenario_name(data, held.code, words)
    title = words(
        f"{data.year} 至 {held.year} 年次均费用变化的构成（{name}）",
        f"What moves the average cost, {data.year} to {held.year} ({name})",
    )
    if not own["total"].abs().gt(0.005).any():
        said = words(
            f"“{name}”下次均费用不变，没有变化可分解。",
            f'Under "{name}" the average cost stays as it is: there is no change to decompose.',
        )
        return [Text(said)]
    intro = words(
        "投入价格、病例组合（CMI）、服务强度和服务量四项之和等于总变化，没有余项；"
        "投入价格是病例所耗人力、药品、耗材等的价格，不是 DRG 费率。",
        "Input prices (of what a case uses; not the DRG rate), case mix, "
        "intensity and volume add up to the change, nothing is left.",
    )
    coarse = own[own["level"] != "hospital"]
    every = words(f"{title}，含各医疗机构", f"{title}, with every hospital")
    return [
        Text(intro),
        _effects_chart(coarse[coarse["level"] != "insurance"], names, title, words),
        _effects_table("decomposition", coarse, names, title, words, in_book=False),
        _effects_table("decompositions", own, names, every, words, on_page=False),
    ]


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
    for _, r in own.iterrows():
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


def _effects_table(
    key: str, own: pd.DataFrame, names: dict[str, str], title: str, words: Words, *,
    on_page: bool = True, in_book: bool = True,
) -> Table:  # fmt: skip
    """The effects as numbers."""
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
    return Table(key, title, columns, rows, on_page=on_page, in_book=in_book)
