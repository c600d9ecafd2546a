"""Effects (影响): on hospitals, tiers, insurances and pools, and who gains and who pays."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drg.page.blocks import Block, Cell, Chart, Column, Section, Table, Text
from drg.page.small_cells import beside, told
from drg.page.words import clean
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import MinutesWords
from drg.report.panel.charts import ranked_bars

_BARS, _ENDS = 24, 10


def effect_section(data: Minutes, words: MinutesWords) -> Section:
    """What the weights do to hospitals, tiers, insurances and pools."""
    year = data.state.init["year"]
    blocks: list[Block] = [
        Text(words(
            f"{year} 年病例按草案权重和最终权重各清算一次，两次之差即为影响，精确到分。",
            f"The year {year} is settled at the draft and at the final weights; the effect is the "
            "difference, exact to the fen.",
        )),
        Text(_order(data, words)), *_chart(data, words), _hospitals(data, words),
        *_payers(data, words), _tiers(data, words), _insurances(data, words), *_pools(data, words),
    ]  # fmt: skip
    if data.hidden or any(data.groups["hidden"]):
        blocks.append(Text(words(
            "“<5”为 1 至 4 例；“*”为与之相关、或可据以推算出小数目的数值，不予公布。",
            "<5 is 1 to 4 cases; * goes with such a number or would give it away.",
        ), "quiet"))  # fmt: skip
    return Section("effects", words("影响", "Effects"), blocks)


def _order(data: Minutes, words: MinutesWords) -> str:
    """The order of severity after the change, in a sentence."""
    held = data.figures
    new = [clean(one) for one in held["inversions_new"]]
    text = words(
        f"严重程度顺序：权重倒挂由 {held['inversions_before']} 处变为 "
        f"{held['inversions_after']} 处",
        f"Order of severity: pairs out of order go from {held['inversions_before']} to "
        f"{held['inversions_after']}",
    )
    if new:
        text += words("；新增：", "; new: ") + words.joined(new[:_ENDS])
    return text + words("。", ".")


def _chart(data: Minutes, words: MinutesWords) -> list[Chart]:
    """Hospitals by what they gain or lose in relation to what they are paid."""
    able = data.hospitals[~data.hospitals["hidden"] & data.hospitals["final_change_share"].notna()]
    if able.empty or not able["final_change"].any():
        return []
    part = ""
    if len(able) > _BARS:
        able = pd.concat([able.head(_BARS // 2), able.tail(_BARS // 2)])
        part = words("（两端各 12 家）", " (12 at each end)")
    items = [
        (data.hospital(str(key)), 100 * float(share),
         f"{words.percent(float(share), signed=True)} ({words.number(float(money), 'gain')})")
        for key, share, money in zip(able["hospital_id"], able["final_change_share"],
                                     able["final_change"], strict=True)
    ]  # fmt: skip
    title = words("医疗机构清算支付的变化", "Change of what hospitals are paid") + part
    about = words("；", "; ").join(f"{name} {text}" for name, _, text in items)
    unit = words("%（括号内为万元）", "% (thousand yuan)")
    svg = ranked_bars("effects", title, about, items, unit,
                      (words("增加", "gain"), words("减少", "loss")))  # fmt: skip
    return [Chart("effects", title, about, svg)]


def _hospitals(data: Minutes, words: MinutesWords) -> Table:
    columns = [
        Column(words("医疗机构", "Hospital"), "name"), Column(words("级别", "Tier")),
        Column(words("病例", "Cases"), "count"), Column(words("原 CMI", "CMI before"), "value"),
        Column(words("现 CMI", "CMI after"), "value"),
        Column(words("原支付", "Paid before"), "money"),
        Column(words("现支付", "Paid after"), "money"), Column(words("变化", "Change"), "gain"),
        Column(words("变化", "Change"), "change"),
    ]  # fmt: skip
    columns.append(Column(words("应付变化", "Payable"), "change"))
    names = ("case_mix_index_before", "case_mix_index_after", "final_before", "final_after",
             "final_change", "final_change_share", "payable_change_share")  # fmt: skip
    rows: list[list[Cell]] = []
    for one in data.hospitals.to_dict("records"):
        secret = bool(one["hidden"])
        rows.append([
            data.hospital(str(one["hospital_id"])), words.tier(one["tier"] or None),
            told(float(one["cases"]), secret),
            *(beside(_known(one[name]), secret) for name in names),
        ])  # fmt: skip
    held, cases = data.figures, float(data.hospitals["cases"].sum())
    before, change = float(held["final_before"]), float(held["final_change"])
    owing = float(held["payable_before"])
    owed = float(held["payable_after"]) - owing
    rows.append([
        words("合计", "Total"), "", cases, held["case_mix_index_before"],
        held["case_mix_index_after"], before, float(held["final_after"]), change,
        change / before if before else None, owed / owing if owing else None,
    ])  # fmt: skip
    caption = words("各医疗机构清算支付的变化，按变化比重排列",
                    "What each hospital is paid, ranked by the share of its change")  # fmt: skip
    note = words(
        "应付变化为清算、考核和总额控制之前 DRG 应付的变化，规则的最大损失以此为准。",
        "Payable: change of what is owed before clearing, assessment and cut, which rules limit.",
    )
    return Table("hospitals", caption, columns, rows, 1, note)


def _payers(data: Minutes, words: MinutesWords) -> list[Block]:
    """Who gains and who pays, by name: both ends on the page, all in the workbook."""
    columns = [
        Column(words("谁", "Who"), "name"), Column(words("类别", "Kind")),
        Column(words("金额", "Money"), "gain"),
        Column(words("占全部转移", "Of all moved"), "share"),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for one in data.payers.to_dict("records"):
        secret, hospital = bool(one["hidden"]), one["kind"] == "hospital"
        name = data.hospital(str(one["key"])) if hospital else words.insurance(str(one["key"]))
        rows.append([
            name, words("医疗机构", "hospital") if hospital else words("基金池", "pool"),
            beside(float(one["yuan"]), secret), beside(float(one["share"]), secret),
        ])  # fmt: skip
    note = words("正数为受益，负数为承担；合计为零。", "Above 0 gains, below 0 pays; the sum is 0.")
    left, shown = len(rows) - 2 * _ENDS, rows
    if left > 0:
        shown = [*rows[:_ENDS], *rows[-_ENDS:]]
        note += words(f"其间 {left} 行见工作簿。", f" The workbook has {left} more in between.")
    caption = words("谁受益，谁承担", "Who gains and who pays")
    return [Table("payers", caption, columns, shown, note=note, in_book=False),
            Table("payers-all", caption, columns, rows, on_page=False)]  # fmt: skip


def _tiers(data: Minutes, words: MinutesWords) -> Table:
    columns = [
        Column(words("级别", "Tier")), Column(words("病例", "Cases"), "count"),
        Column(words("次均费用", "Mean cost"), "yuan"),
        Column(words("原 CMI", "CMI before"), "value"),
        Column(words("现 CMI", "CMI after"), "value"),
        Column(words("原支付", "Paid before"), "money"),
        Column(words("现支付", "Paid after"), "money"), Column(words("变化", "Change"), "gain"),
        Column(words("变化", "Change"), "change"),
    ]  # fmt: skip
    names = ("average_cost", "case_mix_index_before", "case_mix_index_after", "final_before",
             "final_after", "final_change", "final_change_share")  # fmt: skip
    rows: list[list[Cell]] = [
        [words.tier(one["tier"] or None), told(float(one["cases"]), bool(one["hidden"])),
         *(beside(_known(one[name]), bool(one["hidden"])) for name in names)]
        for one in data.tiers.to_dict("records")
    ]  # fmt: skip
    return Table("tiers", words("按医疗机构级别", "By tier of hospitals"), columns, rows)


def _insurances(data: Minutes, words: MinutesWords) -> Table:
    columns = [
        Column(words("险种", "Insurance")), Column(words("病例", "Cases"), "count"),
        Column(words("原应付", "Payable before"), "money"),
        Column(words("现应付", "Payable after"), "money"), Column(words("变化", "Change"), "gain"),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [words.insurance(str(one["insurance"])), told(float(one["cases"]), bool(one["hidden"])),
         *(beside(one[f"payable_{part}"], bool(one["hidden"]))
           for part in ("before", "after", "change"))]
        for one in data.insurances.to_dict("records")
    ]  # fmt: skip
    return Table("insurances", words("按险种（清算前）", "By insurance (before clearing)"), columns,
                 rows)  # fmt: skip


def _pools(data: Minutes, words: MinutesWords) -> list[Block]:
    columns = [
        Column(words("基金池", "Pool"), "name"),
        Column(words("可分配额", "To distribute"), "money"),
        Column(words("原应付", "Payable before"), "money"),
        Column(words("现应付", "Payable after"), "money"),
        Column(words("原扣减", "Cut before"), "money"),
        Column(words("现扣减", "Cut after"), "money"),
        Column(words("原支付", "Paid before"), "money"),
        Column(words("现支付", "Paid after"), "money"),
        Column(words("变化", "Change"), "gain"),
    ]  # fmt: skip
    names = ("amount", "payable_before", "payable_after", "cut_before", "cut_after",
             "final_before", "final_after", "final_change")  # fmt: skip
    held = data.pools.to_dict("records")
    rows: list[list[Cell]] = [
        [words.insurance(str(one["pool"])),
         *(beside(one[name], bool(one["hidden"])) for name in names)]
        for one in held
    ]  # fmt: skip
    found: list[Block] = [
        Table("pools", words("按基金池", "By pool"), columns, rows),
    ]
    values = [one for one in held if np.isfinite(one["point_value_before"])]
    if values:
        columns = [
            Column(words("基金池", "Pool"), "name"), Column(words("原点值", "Before"), "value"),
            Column(words("现点值", "After"), "value"), Column(words("变化", "Change"), "change"),
        ]  # fmt: skip
        points: list[list[Cell]] = [
            [words.insurance(str(one["pool"])), one["point_value_before"], one["point_value_after"],
             one["point_value_after"] / one["point_value_before"] - 1]
            for one in values
        ]  # fmt: skip
        title = words("点值（元/点）", "Point values (yuan a point)")
        found.append(Table("points", title, columns, points))
    return found


def _known(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None
