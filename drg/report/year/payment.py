"""Sheets to sign (拨付表、清算表): what every hospital is paid, with what the bureau goes by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from budget.settlement.indicators import ALL, indicators
from drg.page.blocks import Block, Column, Report, Section, Table, table
from drg.page.words import Words

INDICATORS = (
    Column("cases", "病例数", "Cases", "count"),
    Column("grouped_share", "入组率", "Grouped", "share"),
    Column("weight", "总权重", "Total weight", "weight"),
    Column("case_mix_index", "CMI", "CMI", "weight"),
    Column("cost_index", "费用消耗指数", "Cost index", "index"),
    Column("time_index", "时间消耗指数", "Time index", "index"),
    Column("high_share", "高倍率占比", "High", "share"),
    Column("low_share", "低倍率占比", "Low", "share"),
)
HOSPITAL = (Column("hospital_id", "医疗机构代码", "Hospital", "code"),
            Column("hospital_name", "医疗机构名称", "Name", "name"))  # fmt: skip
MONTH = (
    Column("late", "补报", "Late", "count"),
    Column("corrected", "更正", "Corrected", "count"),
    Column("cost", "总费用", "Cost", "fen"),
    Column("payable", "应付", "Owed", "fen"),
    Column("advance", "预拨", "Advance", "fen"),
    Column("quality_held", "质量保证金", "Quality money", "fen"),
    Column("review", "其中特例单议", "of it special review", "fen"),
    Column("fixed_price", "其中定额", "of it fixed prices", "fen"),
    Column("new_technology", "其中新技术", "of it new technology", "fen"),
    Column("deduction", "违规扣款", "Deductions", "fen"),
    Column("advance_money", "预付金", "Advance money", "fen"),
    Column("paid", "本次实拨", "Paid now", "fen"),
)
YEAR = (
    Column("cost", "总费用", "Cost", "fen"),
    Column("payable", "应付", "Owed", "fen"),
    Column("review", "其中特例单议", "of it special review", "fen"),
    Column("fixed_price", "其中定额", "of it fixed prices", "fen"),
    Column("new_technology", "其中新技术", "of it new technology", "fen"),
    Column("surplus_returned", "结余收回", "Surplus returned", "fen"),
    Column("overrun_borne", "超支分担", "Overrun borne", "fen"),
    Column("capped", "封顶扣减", "Capped", "fen"),
    Column("assessment_withheld", "考核扣减", "Assessment", "fen"),
    Column("penalty", "违规扣款", "Deductions", "fen"),
    Column("budget_cut", "总额控制扣减", "Budget cut", "fen"),
    Column("final", "清算金额", "Final", "fen"),
    Column("prepaid", "已预拨", "Prepaid", "fen"),
    Column("advance_money", "其中预付金", "of it advance money", "fen"),
    Column("quality_held", "质量保证金", "Quality money", "fen"),
    Column("quality_released", "返还质量保证金", "Released", "fen"),
    Column("year_end", "本次实拨", "Paid now", "fen_change"),
)


def joined(
    cases: pd.DataFrame, money: pd.DataFrame, names: Mapping[str, str], pool: str
) -> pd.DataFrame:
    """Rows of a sheet for one pool: indicators and money by hospital, and their total.

    How many cases there are, the money says: a corrected case is no new one.

    Args:
        cases: of the sheet, as :func:`budget.settlement.indicators.case_frame` gives them.
        money: by ``hospital_id`` and ``pool``, in yuan.
        names: of the hospitals by id.
        pool: the pool.
    """
    mine = cases[cases["pool"] == pool]
    held = money[money["pool"] == pool].drop(columns="pool").set_index("hospital_id")
    total = held.sum(numeric_only=True).to_frame(ALL).T
    by_hospital, of_all = indicators(mine, ["hospital_id"]), indicators(mine, [])
    frame = held.join(by_hospital.drop(columns="cases").set_index("hospital_id"))
    whole = total.join(of_all.drop(columns="cases").set_index("hospital_id"))
    frame = pd.concat([frame, whole]).rename_axis("hospital_id").reset_index()
    for name in ("cases", "late", "corrected"):
        if name in frame:
            frame[name] = frame[name].fillna(0)
    return frame.assign(hospital_name=[names.get(str(one), "") for one in frame["hospital_id"]])


def sheet(
    title: str, subtitle: str, parts: Sequence[tuple[str, pd.DataFrame]], money: Sequence[Column],
    facts: Sequence[tuple[str, str]], words: Words, beside: Sequence[Table] = (),
) -> Report:  # fmt: skip
    """A sheet to sign: a table a pool, payers of their own, what it goes by, places to sign."""
    blocks: list[Block] = []
    for pool, frame in parts:
        named = frame.assign(hospital_name=[
            words("合计", "Total") if one == ALL else name
            for one, name in zip(frame["hospital_id"], frame["hospital_name"], strict=True)
        ], hospital_id=[("" if one == ALL else one) for one in frame["hospital_id"]])  # fmt: skip
        blocks.append(Table(f"pool_{pool}", words(f"{title}：{words.insurance(pool)}",
                                                      f"{title}: {words.insurance(pool)}"),
                            (*HOSPITAL, *INDICATORS, *money), named, totals=1))  # fmt: skip
    blocks += beside
    about = (Column("what", "项目", "Item"), Column("said", "内容", "Said", "long"))
    blocks += [table("about", words("说明", "Notes"), about, facts, look="form"),
               signatures(words)]  # fmt: skip
    return Report(title, subtitle, [Section("sheet", title, blocks)], contents=False)


def signatures(words: Words) -> Table:
    """Places to sign (签章处)."""
    roles = (("制表", "Prepared by"), ("复核", "Checked by"), ("负责人", "In charge"),
             ("医疗机构（盖章）", "Hospital (seal)"))  # fmt: skip
    columns = (Column("role", "签章", "Signed"), Column("name", "姓名", "Name"),
               Column("day", "日期", "Day"))  # fmt: skip
    return table("signed", words("签章", "Signatures"), columns,
                 [(words.of(one), "", "") for one in roles], look="form")  # fmt: skip


def payers(sums: Mapping[str, Any], ids: Sequence[str], names: Mapping[str, str],
           titles: Mapping[str, tuple[str, str]], words: Words) -> list[Table]:  # fmt: skip
    """Payers of their own (其他支付方), in yuan: a column a payer, their total below."""
    if not sums:
        return []
    rows = [[one, names[one], *(held[i] / 100 for held in sums.values())]
            for i, one in enumerate(ids) if any(held[i] for held in sums.values())]  # fmt: skip
    rows.append(["", words("合计", "Total"), *(int(held.sum()) / 100 for held in sums.values())])
    columns = (*HOSPITAL, *(Column(name, *titles[name], "fen") for name in sums))
    return [table("payers", words("其他支付方（不属基金池）", "Payers of their own, of no pool"),
                  columns, rows, totals=1)]  # fmt: skip


def day(value: dt.date) -> str:
    """A day as a sheet writes it."""
    return value.isoformat()
