"""Average cost of a case (次均费用) of the settled year by tier and insurance, and who bears it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from drg.page.blocks import Cell, Chart, Column, Section, Table
from drg.page.small_cells import beside, few, held_back, told
from drg.page.words import Words
from drg.report.panel.charts import paired_bars, shares
from drg.report.panel.data import PanelData
from drg.report.panel.money import settled_title


def cost_section(data: PanelData, words: Words) -> Section | None:
    """Average cost by tier and insurance in the settled year."""
    if data.cases is None:
        return None
    title = settled_title(data, words("次均费用", "average cost of a case"), words)
    return Section("average-cost", title, [_cost_chart(data, words), _cost_table(data, words)])


def tier_rows(data: PanelData) -> pd.DataFrame:
    """Tiers and insurances, with ``hidden`` where a number may not be told."""
    assert data.cases is not None
    frame = data.cases.tiers.copy()
    frame["hidden"] = hidden_tiers(frame)
    order = {"all": 9, "employee": 0, "resident": 1}
    frame["_tier"] = frame["tier"].map(lambda t: {-1: 50, 0: 99}.get(t, -t))
    frame["_kind"] = frame["insurance"].map(lambda i: order.get(i, 5))
    return frame.sort_values(["_tier", "_kind"]).reset_index(drop=True)


def hidden_tiers(frame: pd.DataFrame, whole: object = 0) -> list[bool]:
    """Which rows of a table by tier and insurance are not told, as both have their totals.

    Args:
        frame: columns tier, insurance and cases; insurance is ``all`` in totals.
        whole: the tier of the rows that are totals over tiers.
    """
    inner = frame[(frame["tier"] != whole) & (frame["insurance"] != "all")]
    grid = inner.pivot_table(index="tier", columns="insurance", values="cases", fill_value=0)
    if grid.empty:
        return [few(float(n)) for n in frame["cases"]]
    hide = pd.DataFrame(held_back(grid.to_numpy(float)), index=grid.index, columns=grid.columns)
    by_tier = pd.Series(held_back(grid.sum(axis=1).to_numpy(float)), index=grid.index)
    by_kind = pd.Series(held_back(grid.sum(axis=0).to_numpy(float)), index=grid.columns)

    def hidden(tier: Any, insurance: str) -> bool:
        if tier == whole:
            return bool(by_kind.get(insurance, False))
        if insurance == "all":
            return bool(by_tier.get(tier, False))
        return bool(hide.loc[tier, insurance] or by_tier[tier] or by_kind[insurance])

    return [hidden(t, i) for t, i in zip(frame["tier"], frame["insurance"], strict=True)]


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


def patient_section(data: PanelData, words: Words) -> Section | None:
    """Who bears the cost of a case, by tier and insurance."""
    if data.cases is None:
        return None
    frame = tier_rows(data)
    items, rows = [], []
    for _, r in frame.iterrows():
        if r["hidden"] or few(r["cases"]) or r["cost"] <= 0:
            continue
        if r["insurance"] != "all" and r["tier"] != 0:  # tiers as a whole, insurances as a whole
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
        settled_title(data, words("个人负担", "the patient's part"), words),
        [Chart("who-pays", title, about, svg, note)],
    )
