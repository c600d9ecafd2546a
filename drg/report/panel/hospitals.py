"""One block a hospital (医疗机构分表): what it was paid and why, on a part of a sheet of paper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from drg.page.blocks import Block, Card, Cell, Column, Kept, Section, Table, Text
from drg.page.small_cells import beside, few, held_back, told
from drg.page.words import Words, clean, fixed
from drg.report.panel.data import PanelData
from drg.report.panel.first_page import hospital_name
from drg.report.panel.measures import measures
from drg.report.panel.money import hidden_note
from drg.report.panel.story import Story, scenario_name, story


def sheet_section(data: PanelData, words: Words) -> Section:
    """A card for every hospital, and tables of them all for the workbook."""
    settled = data.hospitals.assign(_hide=_pool_mask(data))
    rows = dict(list(settled.groupby("hospital_id", sort=False)))
    branches, held = _branches(data, words), story(data)
    measured = measures(data) if data.cases is not None else data.by_hospital
    ahead = {} if held is None else _ahead(held, measured, words)
    cards: list[Block] = [
        _card(h, rows[h["hospital_id"]], ahead.get(h["hospital_id"]),
              branches.get(h["hospital_id"], ""), words)
        for _, h in measured.iterrows()
    ]  # fmt: skip
    told_rows: list[list[Cell]] = [
        [*_names(r), *_pool_row(r, words)] for part in rows.values() for _, r in part.iterrows()
    ]
    by_pool = words(f"{data.year} 年各医疗机构分基金池清算", f"Every hospital by pool, {data.year}")
    books: list[Block] = [Table(
        "sheets", by_pool,
        [*_name_columns(words), *_columns(words)], told_rows, on_page=False,
    )]  # fmt: skip
    title = words("医疗机构分表", "Hospital by hospital")
    if held is not None:
        name = scenario_name(data, held.code, words)
        title = words(f"{title}：{name}，{held.year} 年", f"{title}: {name}, {held.year}")
        lines = [
            [*_names(h), *line] for _, h in measured.iterrows() for line in ahead[h["hospital_id"]]
        ]
        columns = [*_name_columns(words), *_ahead_columns(words)]
        books.insert(0, Table("sheets-ahead", title, columns, lines, on_page=False))
    blocks: list[Block] = [*cards, *books]
    if data.hidden or any(isinstance(c, Kept) for row in told_rows for c in row):
        blocks.insert(0, Text(hidden_note(words), "quiet"))
    return Section("sheets", title, blocks)


def _name_columns(words: Words) -> list[Column]:
    return [Column(words("医疗机构", "Hospital"), "name"), Column(words("代码", "Id"), "code")]


def _names(r: pd.Series[Any]) -> list[Cell]:
    return [hospital_name(r["hospital_name"], r["hospital_id"]), clean(r["hospital_id"], 40)]


def _ahead_columns(words: Words) -> list[Column]:
    return [
        Column(words("年度与方案", "Year and scenario"), "name"),
        Column(words("病例", "Cases"), "count"),
        Column(words("次均费用", "Average cost"), "yuan"),
        Column(words("总费用", "Cost"), "money"),
        Column(words("个人负担", "Patients"), "money"),
        Column(words("DRG 应付", "Payable by DRG"), "money"),
        Column(words("总额控制扣减", "Budget cut"), "money"),
        Column(words("清算支付", "Paid"), "money"),
        Column(words("盈亏", "Gain or loss"), "gain"),
        Column(words("占费用", "Of cost"), "change"),
    ]


def _ahead(held: Story, hospitals: pd.DataFrame, words: Words) -> dict[str, list[list[Cell]]]:
    """Lines of every hospital: settled year, baseline, scenario, and their difference."""
    data, year = held.data, held.year
    found: dict[str, list[list[Cell]]] = {}
    scenarios = [held.baseline] if held.alone else [held.baseline, held.code]
    tables = {code: data.at("projection_hospitals", code, year).set_index("hospital_id")
              for code in scenarios}  # fmt: skip
    for _, h in hospitals.iterrows():
        code, hide = h["hospital_id"], bool(h["hidden"])
        settled = h.to_dict() | {"average_cost": _over(h["cost"], h["cases"])}
        lines = [(words(f"{data.year} 年结算", f"{data.year} settled"), _numbers(settled))]
        for name, table in tables.items():
            if code in table.index:
                said = scenario_name(data, name, words)
                lines.append((words(f"{year} 年 {said}", f"{year} {said}"),
                              _numbers(table.loc[code].to_dict())))  # fmt: skip
        found[code] = [
            [label, told(values[0], hide), *(beside(_plain(v), hide) for v in values[1:])]
            for label, values in lines
        ]
        if len(lines) == 3 and not hide:
            change: list[Cell] = [
                _plain(b - a) for a, b in zip(lines[1][1], lines[2][1], strict=True)
            ]
            found[code].append([words("方案减基准", "scenario less baseline"), *change])
    return found


def _numbers(h: dict[Any, Any]) -> list[float]:
    """Cases, average cost, and the sums of a hospital, in yuan."""
    names = ("cases", "average_cost", "cost", "patient", "payable", "budget_cut", "final", "gain")
    return [*(float(h[name]) for name in names), _over(h["gain"], h["cost"])]


def _over(value: float, by: float) -> float:
    return float(value) / float(by) if by > 0 else math.nan


def _plain(value: float) -> Cell:
    return value if math.isfinite(value) else None


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
    ahead: list[list[Cell]] | None,
    branches: str,
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
    key = f"sheet-{h['hospital_id']}"
    if ahead is None:
        caption = words(f"{name}：分基金池清算", f"{name}: by pool")
        rows: list[list[Cell]] = [_pool_row(r, words) for _, r in pools.iterrows()]
        totals = int(len(rows) > 1)
        rows += [_total(h, words)] * totals
        table = Table(key, caption, _columns(words), rows, totals, in_book=False)
    else:
        caption = words(f"{name}：结算与测算", f"{name}: settled and projected")
        last = int(len(ahead) == 4)
        table = Table(key, caption, _ahead_columns(words), ahead, last, in_book=False)
    parts = [_indices(h, words), "" if ahead else branches]
    text = words("　", " ").join(part for part in parts if part)
    return Card(name, aside, [table, Text(text, "quiet")])


def _total(h: pd.Series[Any], words: Words) -> list[Cell]:
    return [
        words("合计", "Total"),
        told(float(h["cases"]), False),
        float(h["case_mix_index"]),
        *(float(h[k]) for k in ("cost", "patient", "item", "payable")),
        float(h["final"] - h["payable"]),
        float(h["final"]),
        float(h["gain"]),
    ]


def _indices(h: pd.Series[Any], words: Words) -> str:
    """Indicators of the settled year in a line."""
    mix = words.number(float(h["case_mix_index"]), "ratio")
    index = words.number(float(h.get("cost_index", math.nan)), "index")
    share = words.share(_over(h["patient"], h["cost"]))
    return words(
        f"结算年：CMI {mix}，费用消耗指数 {index}，个人负担占比 {share}。",
        f"Settled year: CMI {mix}, cost index {index}, patients' share {share}.",
    )


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
