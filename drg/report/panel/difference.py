"""A scenario beside the baseline (方案与基准相比): by pool, tier and hospital, in yuan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from drg.page.blocks import Block, Cell, Column, Section, Table, Text
from drg.page.small_cells import beside, told
from drg.page.words import Words, clean, fixed
from drg.report.panel.cost import tier_name
from drg.report.panel.data import MEASURES, PanelData
from drg.report.panel.first_page import hospital_name
from drg.report.panel.money import hidden_note, ranked_charts
from drg.report.panel.story import Story, scenario_name, story, with_hidden

_NAMED = 60  # hospitals on the page
_KINDS = {"cases": "count", "average_cost": "yuan", "gain": "gain"}
_TITLES = {
    "cases": ("病例", "Cases"), "cost": ("总费用", "Cost"),
    "average_cost": ("次均费用", "Average cost"), "payable": ("DRG 应付", "Payable by DRG"),
    "budget_cut": ("总额控制扣减", "Budget cut"), "final": ("清算支付", "Paid"),
    "patient": ("个人负担", "Patients"), "gain": ("盈亏", "Gain or loss"),
}  # fmt: skip
_PARTS = {"baseline": ("基准", "base"), "scenario": ("方案", "scenario"),
          "difference": ("差", "change"), "by_drivers": ("其中驱动因素", "of which drivers"),
          "by_policy": ("其中政策", "of which policy")}  # fmt: skip
_SPLIT = ("by_drivers", "by_policy")


def difference_section(data: PanelData, words: Words) -> Section | None:
    """What each pool, tier and hospital gets under the scenario told, and what that changes."""
    held = story(data)
    if held is None:
        return None
    name = scenario_name(data, held.code, words)
    blocks: list[Block] = []
    hospitals = _hospitals(held)
    if held.alone:
        title = words(f"各医疗机构：{name}，{held.year} 年", f"Hospitals: {name}, {held.year}")
    else:
        title = words(
            f"“{name}”与基准方案相比，{held.year} 年", f"{name} against the baseline, {held.year}"
        )
        base = scenario_name(data, held.baseline, words)
        intro = words(
            f"差 = “{name}”减基准方案（{base}），同为 {held.year} 年。",
            f'Change: "{name}" less the baseline ({base}), both in {held.year}.',
        ) + (
            words(
                "“其中驱动因素”是政策不变时驱动因素和行为反应带来的差，"
                "“其中政策”是政策调整另外带来的差。",
                ' "Of which drivers": what drivers and reactions would change under the policy as '
                'it is; "of which policy": what the changes of the policy do on top of them.',
            )
            if held.region["final"].parted
            else ""
        )
        blocks += [Text(intro), *_levels(held, words)]
    blocks += _hospital_tables(held, hospitals, words)
    if hospitals["hidden"].any():
        blocks.append(Text(hidden_note(words), "quiet"))
    if not held.alone:
        blocks += _chart(held, hospitals, words)
    blocks += _book(data, words)
    return Section("difference", title, blocks)


def _levels(held: Story, words: Words) -> list[Block]:
    """Region, pools and tiers, one row a figure, with what drivers and what policy do."""
    cut = held.region["budget_cut"]
    has_cut = bool(cut.baseline or cut.scenario)
    money: list[tuple[str, tuple[str, ...]]] = [("budget_cut", ("pool",))] if has_cut else []
    money += [("final", ("pool", "tier")), ("gain", ("pool", "tier"))]
    year = words(f"，{held.year} 年", f", {held.year}")
    return [
        _level_table(held, "difference-money", money, words(
            f"各基金池、各级医疗机构：扣减、清算支付与盈亏{year}",
            f"Pools and tiers: budget cut, paid and gain{year}",
        ), words),
        _level_table(held, "difference-cost", [("average_cost", ("tier", "insurance"))], words(
            f"各级医疗机构和险种：次均费用{year}", f"Tiers and insurances: average cost{year}"
        ), words),
    ]  # fmt: skip


def _level_table(
    held: Story, key: str, wanted: Sequence[tuple[str, tuple[str, ...]]], caption: str,
    words: Words,
) -> Table:  # fmt: skip
    yuan = key.endswith("cost")
    plain, signed = ("yuan", "yuan_change") if yuan else ("money", "gain")
    parts = ("baseline", "scenario", "difference", *(_SPLIT if held.region["final"].parted else ()))
    columns = [
        *([] if yuan else [Column(words("项目", "Figure"))]),
        Column(words("范围", "For"), "text"),
        *(Column(words.of(_PARTS[p]), signed if n > 1 else plain) for n, p in enumerate(parts)),
    ]
    rows: list[list[Cell]] = []
    for measure, levels in wanted:
        for level in ("region", *levels):
            for _, r in held.level(level).iterrows():
                name = words("全统筹区", "region") if level == "region" else _key(
                    level, r["key"], words)  # fmt: skip
                values = [float(r[f"{measure}_{part}"]) for part in parts]
                rows.append([
                    *([] if yuan else [words.of(_TITLES[measure])]), name,
                    *(beside(v if math.isfinite(v) else None, bool(r["hidden"])) for v in values),
                ])  # fmt: skip
    return Table(key, caption, columns, rows)


def _key(level: str, key: str, words: Words) -> str:
    return tier_name(key, words) if level == "tier" else words.insurance(clean(key, 40))


def _columns(measures: tuple[str, ...], words: Words) -> list[Column]:
    """The columns of each measure: its two values, the difference and what that is made of."""
    found = []
    for measure in measures:
        kind = _KINDS.get(measure, "money")
        for part, said in _PARTS.items():
            signed = {"yuan": "yuan_change", "money": "gain"}.get(kind, kind)
            title = words.of(_TITLES[measure]) + words("·", ", ") + words.of(said)
            found.append(Column(title, kind if part in ("baseline", "scenario") else signed))
    return found


def _values(r: pd.Series[Any], measures: tuple[str, ...], *, hide: bool = False) -> list[Cell]:
    return [
        told(float(value), hide) if measure == "cases" and part in ("baseline", "scenario")
        else beside(value if math.isfinite(value) else None, hide)
        for measure in measures
        for part in _PARTS
        for value in [float(r[f"{measure}_{part}"])]
    ]  # fmt: skip


def _hospitals(held: Story) -> pd.DataFrame:
    """Hospitals of the scenario in the year told, beside the baseline, those that lose most first.

    Columns of ``projection_hospitals``, hidden, share (gain by cost), and for final, gain and
    average_cost ``_baseline``, ``_difference``, ``_by_drivers`` and ``_by_policy``.
    """
    data = held.data
    own = data.at("projection_hospitals", held.code, held.year)
    base = data.at("projection_hospitals", held.baseline, held.year).set_index("hospital_id")
    found = own.assign(hidden=own["hospital_id"].isin(data.hidden))
    rows = held.level("hospital").set_index("key") if len(held.level("hospital")) else None
    for name in ("final", "gain", "average_cost"):
        parts: dict[str, Any] = dict.fromkeys(("baseline", "difference", *_SPLIT), math.nan)
        if not held.alone and rows is None:
            parts["baseline"] = found["hospital_id"].map(base[name])
            parts["difference"] = found[name] - parts["baseline"]
        elif rows is not None:
            parts = {part: found["hospital_id"].map(rows[f"{name}_{part}"]) for part in parts}
        found = found.assign(**{f"{name}_{part}": held for part, held in parts.items()})
    found["share"] = found["gain"] / found["cost"].where(found["cost"] > 0)
    return found.sort_values(["share", "hospital_id"]).reset_index(drop=True)


def _chart(held: Story, frame: pd.DataFrame, words: Words) -> list[Block]:
    """Hospitals by what the scenario changes in their payment."""
    able = frame[~frame["hidden"] & frame["final_difference"].notna()]
    able = able.sort_values(["final_difference", "hospital_id"], ascending=[False, True])
    items = []
    for _, h in able.iterrows():
        change, was = float(h["final_difference"]), float(h["final_baseline"])
        share = f"  ({fixed(100 * change / was, 1, signed=True)}%)" if was > 0 else ""
        items.append((hospital_name(h["hospital_name"], h["hospital_id"]), words.scaled(change),
                      words.number(change, "gain") + share))  # fmt: skip
    name = scenario_name(held.data, held.code, words)
    title = words(
        f"各医疗机构清算支付的变化：“{name}”减基准，{held.year} 年",
        f"Change of each hospital's payment: {name} less the baseline, {held.year}",
    )
    unit = words("万元（括号内为占基准清算支付）", "thousand yuan (of what the baseline pays)")
    legend = (words("多得", "gets more"), words("少得", "gets less"))
    return list(ranked_charts("difference", title, unit, legend, items, words))


def _hospital_tables(held: Story, frame: pd.DataFrame, words: Words) -> list[Block]:
    """Every hospital: what it is paid with its interval, then its gain and average cost.

    The page has those that lose most when there are many.
    """
    name = scenario_name(held.data, held.code, words)
    over = float((held.data.projection or {}).get("loss_above") or 0.05)
    note = words(
        f"95% 区间为清算支付的区间；亏损概率是亏损超过费用 {100 * over:.0f}% 的概率。",
        f"The 95% interval is that of what is paid; the loss probability is that of losing more "
        f"than {100 * over:.0f}% of the cost.",
    ) if frame["low"].notna().any() else ""  # fmt: skip
    drivers, policy = words.of(_PARTS["by_drivers"]), words.of(_PARTS["by_policy"])
    paid = [
        ("final_baseline", words("清算支付·基准", "Paid, base"), "money"),
        ("final", words("清算支付·方案", "Paid, scenario"), "money"),
        ("final_difference", words("差", "change"), "gain"),
        ("final_by_drivers", drivers, "gain"), ("final_by_policy", policy, "gain"),
        ("low", words("95% 下限", "95% low"), "money"),
        ("high", words("95% 上限", "95% high"), "money"),
        ("share", words("盈亏占费用", "Gain by cost"), "change"),
        ("loss_probability", words("亏损概率", "Loss probability"), "share"),
    ]  # fmt: skip
    result = [
        ("gain", words("盈亏·方案", "Gain, scenario"), "gain"),
        ("gain_difference", words("差", "change"), "gain"),
        ("gain_by_drivers", drivers, "gain"), ("gain_by_policy", policy, "gain"),
        ("average_cost", words("次均费用·方案", "Average cost"), "yuan"),
        ("average_cost_difference", words("差", "change"), "yuan_change"),
        ("average_cost_by_drivers", drivers, "yuan_change"),
        ("average_cost_by_policy", policy, "yuan_change"),
    ]  # fmt: skip
    return [
        *_hospital_table("outlook", words(
            f"各医疗机构清算支付：{name}，{held.year} 年，亏损比重最大的在前",
            f"What every hospital is paid: {name}, {held.year}, those that lose most by cost first",
        ), paid, frame, note, words),
        *_hospital_table("outlook-gain", words(
            f"各医疗机构盈亏与次均费用：{name}，{held.year} 年",
            f"Gain and average cost of every hospital: {name}, {held.year}",
        ), result, frame, "", words),
    ]  # fmt: skip


def _hospital_table(
    key: str, caption: str, wanted: Sequence[tuple[str, str, str]], frame: pd.DataFrame,
    note: str, words: Words,
) -> list[Block]:  # fmt: skip
    shown = [w for w in wanted if frame[w[0]].notna().any()]
    columns = [
        Column(words("医疗机构", "Hospital"), "name"),
        Column(words("级别", "Tier")),
        *(Column(title, kind) for _, title, kind in shown),
    ]
    rows: list[list[Cell]] = []
    for _, h in frame.iterrows():
        hide = bool(h["hidden"])
        cells = [float(h[name]) if math.isfinite(h[name]) else None for name, _, _ in shown]
        rows.append([hospital_name(h["hospital_name"], h["hospital_id"]), words.tier(h["tier"]),
                     *(beside(value, hide) for value in cells)])  # fmt: skip
    if len(rows) <= _NAMED:
        return [Table(key, caption, columns, rows, 0, note)]
    more = words("其余医疗机构见工作簿。", " The others are in the workbook.")
    return [
        Table(key, caption, columns, rows[:_NAMED], 0, note + more, in_book=False),
        Table(f"{key}-all", caption, columns, rows, 0, note, on_page=False),
    ]


def _book(data: PanelData, words: Words) -> list[Block]:
    """Every difference of every scenario, year and level, for the workbook."""
    frame = data.projected.get("projection_difference")
    if frame is None:
        return []
    columns = [
        Column(words("方案", "Scenario"), "name"),
        Column(words("年度", "Year"), "year"),
        Column(words("范围", "Level")),
        Column(words("名称", "For"), "name"),
        *_columns(MEASURES, words),
    ]
    levels = {"region": ("全统筹区", "region"), "pool": ("基金池", "pool"),
              "tier": ("级别", "tier"),
              "insurance": ("险种", "insurance"), "hospital": ("医疗机构", "hospital")}  # fmt: skip
    rows: list[list[Cell]] = []
    for _, r in with_hidden(data, frame).iterrows():
        level, key = str(r["level"]), str(r["key"])
        said = (hospital_name(r["name"], key) if level == "hospital"
                else words("全部", "all") if level == "region"
                else _key(level, key, words))  # fmt: skip
        rows.append([scenario_name(data, r["scenario"], words), int(r["year"]),
                     words.of(levels[level]) if level in levels else clean(level, 20), said,
                     *_values(r, MEASURES, hide=bool(r["hidden"]))])  # fmt: skip
    caption = words("各方案与基准方案之差", "Every scenario less the baseline")
    return [Table("differences", caption, columns, rows, on_page=False)]
