"""One block a hospital (医疗机构分表): what it was paid and why, on a part of a sheet of paper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from drg.report.panel_blocks import Block, Card, Cell, Column, Figures, Kept, Section, Table, Text
from drg.report.panel_data import PanelData
from drg.report.panel_measures import measures
from drg.report.panel_money import hidden_note
from drg.report.panel_small import beside, few, held_back, told
from drg.report.panel_summary import hospital_name
from drg.report.panel_words import Words, clean, fixed

_MONEY = ("cost", "patient", "item", "payable", "final", "gain")


def sheet_section(data: PanelData, words: Words) -> Section:
    """A card for every hospital, and one table of them all for the workbook."""
    frame = data.hospitals
    hide = _pool_mask(data)
    rows = dict(list(frame.assign(_hide=hide).groupby("hospital_id", sort=False)))
    branches = _branches(data, words)
    future = _future(data)
    measured = measures(data) if data.cases is not None else data.by_hospital
    cards: list[Block] = [
        _card(
            h,
            rows[h["hospital_id"]],
            branches.get(h["hospital_id"], ""),
            future.get(h["hospital_id"]),
            words,
        )
        for _, h in measured.iterrows()
    ]
    columns = [
        Column(words("医疗机构", "Hospital"), "name"),
        Column(words("代码", "Id"), "code"),
        *_columns(words),
    ]
    told_rows: list[list[Cell]] = [
        [
            hospital_name(r["hospital_name"], r["hospital_id"]),
            clean(r["hospital_id"], 40),
            *_pool_row(r, words),
        ]
        for part in rows.values()
        for _, r in part.iterrows()
    ]
    book = Table(
        "sheets",
        words("各医疗机构分基金池清算", "Every hospital by pool"),
        columns,
        told_rows,
        on_page=False,
    )
    blocks: list[Block] = [*cards, book]
    if data.hidden or any(isinstance(c, Kept) for row in told_rows for c in row):
        blocks.insert(0, Text(hidden_note(words), "quiet"))
    return Section("sheets", words("医疗机构分表", "Hospital by hospital"), blocks, True)


def _pool_mask(data: PanelData) -> Any:
    """Which rows of hospital and pool are not told, as both have totals in other tables."""
    frame = data.hospitals
    grid = frame.pivot_table(
        index="hospital_id", columns="pool", values="cases", aggfunc="sum", fill_value=0
    )
    also = np.repeat(grid.index.isin(data.hidden).reshape(-1, 1), grid.shape[1], axis=1)
    mask = pd.DataFrame(held_back(grid.to_numpy(float), also=also), grid.index, grid.columns)
    return [bool(mask.loc[h, p]) for h, p in zip(frame["hospital_id"], frame["pool"], strict=True)]


def _columns(words: Words) -> list[Column]:
    return [
        Column(words("基金池", "Pool"), "name"),
        Column(words("病例", "Cases"), "count"),
        Column("CMI", "ratio"),
        Column(words("总费用", "Cost"), "money"),
        Column(words("个人负担", "Patients"), "money"),
        Column(words("按项目应付", "By item"), "money"),
        Column(words("DRG 应付", "By DRG"), "money"),
        Column(words("年终调整", "Year-end"), "gain"),
        Column(words("清算支付", "Paid"), "money"),
        Column(words("盈亏", "Gain or loss"), "gain"),
    ]


def _pool_row(r: pd.Series[Any], words: Words) -> list[Cell]:
    hide = bool(r["_hide"])
    mix = float(r["case_mix_index"]) if np.isfinite(r["case_mix_index"]) else None
    values: list[Cell] = [
        mix,
        float(r["cost"]),
        float(r["patient"]),
        float(r["item"]),
        float(r["payable"]),
        float(r["final"] - r["payable"]),
        float(r["final"]),
        float(r["gain"]),
    ]
    return [
        words.insurance(clean(r["pool"], 40)),
        told(float(r["cases"]), hide),
        *(beside(value, hide) for value in values),
    ]


def _card(
    h: pd.Series[Any],
    pools: pd.DataFrame,
    branches: str,
    future: tuple[int, float, float] | None,
    words: Words,
) -> Card:
    name = hospital_name(h["hospital_name"], h["hospital_id"])
    aside = words("　", "  ").join(
        part
        for part in (clean(h["hospital_id"], 40), words.tier(h["tier"]), clean(h["class"], 20))
        if part and part != name
    )
    if h["hidden"]:
        few_said = words("病例数少，为保护个人信息不公布。", "Too few cases to be told.")
        return Card(name, aside, [Text(few_said)])
    cost, n = float(h["cost"]), float(h["cases"])
    items = [
        (words("病例", "Cases"), words(f"{n:,.0f} 例", f"{n:,.0f}"), ""),
        ("CMI", words.number(float(h["case_mix_index"]), "ratio"), ""),
        (
            words("费用消耗指数", "Cost index"),
            words.number(float(h.get("cost_index", math.nan)), "index"),
            "",
        ),
        (words("次均费用", "Mean cost"), words(f"{cost / n:,.0f} 元", f"{cost / n:,.0f} yuan"), ""),
        (
            words("个人负担占比", "Patients' share"),
            words.share(float(h["patient"]) / cost) if cost else "—",
            "",
        ),
        (words("盈亏占费用", "Gain by cost"), words.share(float(h["gain_share"]), signed=True), ""),
    ]
    rows: list[list[Cell]] = [_pool_row(r, words) for _, r in pools.iterrows()]
    totals = 0
    if len(rows) > 1:
        rows.append(
            [
                words("合计", "Total"),
                told(n, False),
                float(h["case_mix_index"]),
                *(float(h[k]) for k in ("cost", "patient", "item", "payable")),
                float(h["final"] - h["payable"]),
                float(h["final"]),
                float(h["gain"]),
            ]
        )
        totals = 1
    caption = words(f"{name}：分基金池清算", f"{name}: by pool")
    blocks: list[Block] = [
        Figures(items),
        Table(f"sheet-{h['hospital_id']}", caption, _columns(words), rows, totals, in_book=False),
    ]
    lines = [branches] if branches else []
    if future is not None:
        year, final, change = future
        lines.append(
            words(
                f"基准方案 {year} 年清算支付 {words.money(final)}"
                f"（{words.share(change, signed=True)}）。",
                f"Baseline {year}: paid {words.money(final)} ({words.share(change, signed=True)}).",
            )
        )
    if lines:
        blocks.append(Text(words("", " ").join(lines), "quiet"))
    return Card(name, aside, blocks)


def _branches(data: PanelData, words: Words) -> dict[str, str]:
    """How the cases of each hospital were priced, in a sentence; small numbers are put together."""
    frame = data.settled.get("branches")
    if frame is None or frame.empty:
        return {}
    grid = frame.pivot_table(
        index="hospital_id", columns="branch", values="cases", aggfunc="sum", fill_value=0
    )
    mask = held_back(grid.to_numpy(float))
    named = dict(zip(frame["branch"], frame["branch_zh"], strict=True))
    found = {}
    for place, (hospital, counts) in enumerate(grid.iterrows()):
        total = float(counts.sum())
        shown = [
            f"{words.branch(str(b), str(named[b]))} {n:,.0f} ({fixed(100 * n / total, 1)}%)"
            for b, n, hide in sorted(
                zip(grid.columns, counts, mask[place], strict=True),
                key=lambda one: (-one[1], one[0]),
            )
            if n > 0 and not hide
        ]
        rest = float(counts.to_numpy(float)[mask[place]].sum())
        if rest > 0:
            others = fixed(rest, 0) if not few(rest) else Kept.FEW.value
            shown.append(words(f"其他类型 {others}", f"others {others}"))
        listed = words("，", ", ").join(shown)
        found[str(hospital)] = words(f"结算类型（例）：{listed}。", f"Priced as (cases): {listed}.")
    return found


def _future(data: PanelData) -> dict[str, tuple[int, float, float]]:
    """Year, payment and its change in the baseline's last year, by hospital."""
    frame = data.projected.get("projection_hospitals")
    if frame is None or not data.scenarios:
        return {}
    own = frame[frame["scenario"] == str(data.scenarios[0].get("id"))]
    own = own[(own["year"] == own["year"].max()) & ~own["cases"].map(few)]
    base = data.by_hospital.set_index("hospital_id")["final"]
    return {
        r["hospital_id"]: (
            int(r["year"]),
            float(r["final"]),
            float(r["final"]) / float(base[r["hospital_id"]]) - 1,
        )
        for _, r in own.iterrows()
        if r["hospital_id"] in base.index and base[r["hospital_id"]] > 0
    }
