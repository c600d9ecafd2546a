"""What a scenario brings (方案的影响): beside the baseline by pool and tier, and every scenario."""

from __future__ import annotations

import pandas as pd

from drg.page.blocks import Block, Column, Section, Table, Text, table
from drg.page.words import Words
from drg.report.panel.columns import (
    AVERAGE,
    CUT,
    LEVELS,
    MEASURED,
    PAID,
    PARTS,
    PAYABLE,
    SCENARIO,
    YEAR,
    measured,
)
from drg.report.panel.data import MEASURES
from drg.report.panel.story import Story, average, part_name, scenario_name, whole, with_hidden

_SIGNED = ("difference", "by_drivers", "by_policy")


def effect_section(held: Story, words: Words) -> Section | None:
    """What each pool and tier gets under the scenario told, beside the baseline."""
    if held.alone:
        return None
    name, base = (scenario_name(held.data, code, words) for code in (held.code, held.baseline))
    intro = words(f"差 =“{name}”减基准方案（{base}），同为 {held.year} 年。",
                  f'Change: "{name}" less the baseline ({base}), both in {held.year}.')  # fmt: skip
    if held.region["final"].parted:
        intro += words("“其中驱动因素”是政策不变时也会有的差，“其中政策”是政策调整另外带来的差。",
                       ' "Of which drivers" would come under the policy as it is; "of which '
                       'policy" is what the changes of the policy do on top.')  # fmt: skip
    blocks: list[Block] = [Text(intro), _levels(held, words), _scenarios(held, words)]
    blocks += _book(held, words)
    title = words(f"“{name}”带来什么变化，{held.year} 年", f'What "{name}" changes, {held.year}')
    return Section("effects", title, blocks)


def _levels(held: Story, words: Words) -> Table:
    """Region, pools and tiers, one row a figure, with what drivers and what policy do."""
    cut = held.region["budget_cut"]
    wanted: list[tuple[str, tuple[str, ...]]] = (
        [("budget_cut", ("region", "pool"))] if cut.baseline or cut.scenario else []
    )
    wanted += [("final", ("region", "pool", "tier")), ("gain", ("region", "tier"))]
    rows = []
    for measure, levels in wanted:
        of = MEASURED[measure]
        for level in levels:
            for _, r in held.level(level).iterrows():
                rows.append({
                    "figure": words(of.zh, of.en), "hidden": r["hidden"],
                    "scope": part_name(level, r["key"], r["name"], words),
                    **{part: float(r[f"{measure}_{part}"]) for part in PARTS},
                })  # fmt: skip
    columns = [Column("figure", "项目", "Figure"), Column("scope", "范围", "For"),
               *(Column(part, *said, "gain" if part in _SIGNED else "money")
                 for part, said in PARTS.items())]  # fmt: skip
    caption = words("各基金池、各级医疗机构：扣减、清算支付与盈亏",
                    "Pools and tiers: budget cut, paid and gain")  # fmt: skip
    return Table("levels", caption, columns, pd.DataFrame(rows))


def _scenarios(held: Story, words: Words) -> Table:
    """Every scenario in the year told, one row each."""
    data = held.data
    rows = []
    for code in (held.baseline, held.code, *held.others):
        pools = data.at("projection_pools", code, held.year)
        if pools.empty:  # a scenario of fewer years
            continue
        sums = whole(data, code, held.year)
        rows.append((
            scenario_name(data, code, words), float(pools["amount"].sum()), sums["payable"],
            sums["budget_cut"], sums["final"], sums["average_cost"],
            average(data, code, held.year, "average_patient"), held.losing(code),
        ))  # fmt: skip
    columns = [SCENARIO, Column("amount", "可分配额", "To distribute", "money"), PAYABLE, CUT, PAID,
               AVERAGE, Column("patient", "次均个人负担", "Patient's part", "yuan"),
               Column("losing", "收不抵支（家）", "Hospitals that lose", "count")]  # fmt: skip
    return table("scenarios", words("各方案对比", "The scenarios"), columns, rows)


def _book(held: Story, words: Words) -> list[Block]:
    """Every difference of every scenario, year and level, for the workbook."""
    frame = held.data.projected.get("projection_difference")
    if frame is None:
        return []
    frame = with_hidden(held.data, frame)
    parts = zip(frame["level"], frame["key"], frame["name"], strict=True)
    frame = frame.assign(
        scenario=[scenario_name(held.data, code, words) for code in frame["scenario"]],
        name=[part_name(level, key, name, words) for level, key, name in parts],
    )
    columns = [SCENARIO, YEAR, Column("level", "范围", "Level", codes=LEVELS),
               Column("name", "名称", "For", "name"),
               *(measured(measure, part) for measure in MEASURES for part in PARTS)]  # fmt: skip
    return [Table("differences", words("各方案与基准之差", "Scenarios less baseline"), columns,
                  frame, where="book")]  # fmt: skip
