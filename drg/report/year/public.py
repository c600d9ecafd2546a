"""The page to publish (公示): what a year came to, and no person in it.

Hospitals with few cases, and what would give them away, are not told; of special reviews only
numbers are, by hospital.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from drg.page.blocks import Column, Points, Report, Section, Table
from drg.page.small_cells import Cube, few, untold
from drg.page.words import Words
from drg.report.year.payment import HOSPITAL

_MONEY = (
    Column("cases", "病例数", "Cases", "cases"),
    Column("cost", "总费用", "Cost", "fen"),
    Column("payable", "应付", "Owed", "fen"),
    Column("final", "清算金额", "Final", "fen"),
)
_REVIEW = (
    Column("applied", "申报", "Applied", "cases"),
    Column("approved", "通过", "Approved", "cases"),
    Column("inside", "限额内", "Inside the quota", "cases"),
    Column("outside", "超出限额", "Beyond the quota", "cases"),
    Column("needless", "无需单议", "Needed none", "cases"),
    Column("amount", "基金支付", "Fund money", "fen"),
)


def public_page(
    year: int, hospitals: pd.DataFrame, reviews: pd.DataFrame,
    deductions: Sequence[tuple[str, float]], words: Words,
) -> Report:  # fmt: skip
    """The page.

    Args:
        year: the settlement year.
        hospitals: ``hospital_id, hospital_name, pool, cases, cost, payable, final`` in yuan.
        reviews: ``hospital_id, hospital_name, applied, approved, inside, outside, needless,
            amount``; what needed none is approved but priced by the ordinary rules.
        deductions: name of each hospital that is deducted any, and how much, in yuan.
        words: the language.
    """
    cells = hospitals.rename(columns={"hospital_id": "hospital"})
    cells = cells.assign(**{name: cells[name].clip(lower=0) for name in ("cost", "payable",
                                                                        "final")})  # fmt: skip
    cells = cells[cells["cases"] > 0]
    dark = untold([Cube(cells, (("hospital", "pool"), ("pool",), ()), ("cases",),
                        ("cost", "payable", "final"))])  # fmt: skip
    sections = []
    for pool in dict.fromkeys(hospitals["pool"]):
        mine = hospitals[(hospitals["pool"] == pool) & (hospitals["cases"] > 0)]
        hidden = dark.rows(("hospital", "pool"), mine["hospital_id"], mine["pool"])
        total = mine[["cases", "cost", "payable", "final"]].sum().to_frame("all").T.assign(
            hospital_id="", hospital_name=words("合计", "Total"), hidden=False)  # fmt: skip
        gone = dark.rows(("pool",), [pool])
        frame = pd.concat([mine.assign(hidden=hidden), total.assign(hidden=bool(gone[0]))])
        sections.append(Section(f"pool_{pool}", words.insurance(pool), [
            Table(f"pool_{pool}", words.insurance(pool), (*HOSPITAL, *_MONEY), frame, totals=1)
        ]))  # fmt: skip
    if len(reviews):
        shown = reviews.assign(
            hidden=[
                any(
                    few(row[name])
                    for name in ("applied", "approved", "inside", "outside", "needless")
                )
                or few(row["applied"] - row["approved"])  # refused
                for row in reviews.to_dict("records")
            ]
        )
        sections.append(Section("reviews", words("特例单议", "Special review"), [
            Table("reviews", words("特例单议", "Special review"), (*HOSPITAL, *_REVIEW), shown)
        ]))  # fmt: skip
    told = [words(f"{name}：{yuan:,.2f} 元", f"{name}: {yuan:,.2f} yuan")
            for name, yuan in deductions]  # fmt: skip
    if told:
        sections.append(Section("deductions", words("违规扣款", "Deductions"), [Points(told)]))
    return Report(
        words(f"{year} 年度医保基金清算公示", f"Clearing of {year}, published"),
        words("“<5”“*”为保护个人信息而不公布", "<5 and * are not told, to protect persons"),
        sections, contents=False,
    )  # fmt: skip
