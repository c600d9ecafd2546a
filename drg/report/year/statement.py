"""A hospital's statement (医疗机构清算单): its money, groups and cases, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from drg.page.blocks import Column, Report, Section, Table
from drg.page.words import Words
from drg.report.year.payment import INDICATORS, YEAR, signatures

CASE = (
    Column("case_id", "病例号", "Case", "code"),
    Column("month", "出院月", "Month", "count"),
    Column("pool", "基金池", "Pool", "insurance"),
    Column("drg", "病组", "Group", "code"),
    Column("branch", "结算类型", "Branch"),
    Column("weight", "权重", "Weight", "weight"),
    Column("cost", "总费用", "Cost", "fen"),
    Column("payment", "应付总额", "Payment", "fen"),
    Column("patient", "个人负担", "Patient", "fen"),
    Column("other", "其他支付", "Other", "fen"),
    Column("fund", "基金支付", "Fund", "fen"),
    Column("gain", "盈亏", "Gain", "fen_change"),
)
_GROUP = (
    Column("drg", "病组", "Group", "code"),
    Column("cases", "病例数", "Cases", "count"),
    Column("cost", "总费用", "Cost", "fen"),
    Column("payment", "应付总额", "Payment", "fen"),
    Column("gain", "盈亏", "Gain", "fen_change"),
)
_MONTH = (
    Column("month", "月份", "Month", "count"),
    Column("pool", "基金池", "Pool", "insurance"),
    Column("cases", "病例数", "Cases", "count"),
    Column("late", "补报", "Late", "count"),
    Column("corrected", "更正", "Corrected", "count"),
    Column("payable", "应付", "Owed", "fen"),
    Column("advance", "预拨", "Advance", "fen"),
    Column("quality_held", "质量保证金", "Quality money", "fen"),
    Column("deduction", "违规扣款", "Deductions", "fen"),
    Column("advance_money", "预付金", "Advance money", "fen"),
    Column("paid", "实拨", "Paid", "fen"),
)
_LOSING = 50


def statement(
    hospital: tuple[str, str], year: int, money: pd.DataFrame, months: pd.DataFrame,
    cases: pd.DataFrame, lists: Sequence[tuple[str, Sequence[Column], pd.DataFrame]], words: Words,
) -> Report:  # fmt: skip
    """The statement of one hospital; everything in it is of its own cases.

    Args:
        hospital: id and name.
        year: the settlement year.
        money: its rows of the clearing sheet, one a pool.
        months: its rows of the year's months.
        cases: its cases as the case table has them, ``branch`` in words.
        lists: title, columns and rows of what was decided of it.
        words: the language.
    """
    named = f"{hospital[1]}（{hospital[0]}）" if words.zh else f"{hospital[1]} ({hospital[0]})"
    grouped = cases.groupby("drg", sort=True).agg(
        cases=("case_id", "size"), cost=("cost", "sum"), payment=("payment", "sum"),
        gain=("gain", "sum"),
    ).reset_index().sort_values(["gain", "drg"], kind="stable")  # fmt: skip
    losing = grouped[grouped["gain"] < 0].head(_LOSING).round(2)
    sections = [
        Section("money", words("清算", "Clearing"), [
            Table("money", words("清算", "Clearing"),
                  (Column("pool", "基金池", "Pool", "insurance"), *INDICATORS, *YEAR), money),
            signatures(words),
        ]),
        Section("months", words("各月", "Months"), [
            Table("months", words("各月（13 为年终清算）", "Months (13 is the clearing)"), _MONTH,
                  months)]),
        Section("groups", words("亏损病组", "Losing groups"), [
            Table("groups", words("亏损病组", "Losing groups"), _GROUP, losing)]),
        *(Section(f"list_{place}", title, [Table(f"list_{place}", title, columns, frame)])
          for place, (title, columns, frame) in enumerate(lists) if len(frame)),
        Section("cases", words("病例明细", "Cases"), [
            Table("cases", words("病例明细", "Cases"), CASE, cases)]),
    ]  # fmt: skip
    return Report(words(f"{year} 年医疗机构清算单", f"Statement of {year}"), named, sections)
