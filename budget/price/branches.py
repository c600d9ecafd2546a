"""Branches (结算类型): which rule priced a case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Branch:
    """A way in which a case is priced.

    Attributes:
        code: as it stands in tables.
        zh: Chinese term.
        settled: the case is paid at all; otherwise its cost is reported as unsettled.
        by_item: the case is paid its cost, not a standard.
    """

    code: str
    zh: str
    settled: bool = True
    by_item: bool = False


# In the order in which they are looked for; the first that applies prices the case.
BRANCHES: tuple[Branch, ...] = (
    Branch("bad_cost", "费用无效", settled=False),
    Branch("outside_year", "不在结算年度", settled=False),
    Branch("no_hospital", "医疗机构未登记", settled=False),
    Branch("no_insurance", "险种不明", settled=False),
    Branch("no_pool", "不属任何基金池", settled=False),
    Branch("fixed_price", "单病种定额"),
    Branch("day_bed", "日间病床定额"),
    Branch("review", "特病单议", by_item=True),
    Branch("new_technology", "新技术除外支付", by_item=True),
    Branch("ungrouped", "未入组"),
    Branch("ambiguous", "歧义组"),
    Branch("unpriced", "无权重或无费率"),
    Branch("unstable", "不稳定病组"),
    Branch("short_stay", "短期住院"),
    Branch("long_stay", "长期住院"),
    Branch("transfer", "转院或非医嘱离院"),
    Branch("low", "低倍率"),
    Branch("high", "高倍率"),
    Branch("normal", "正常倍率"),
)
CODES: tuple[str, ...] = tuple(branch.code for branch in BRANCHES)
PLACE: dict[str, int] = {code: place for place, code in enumerate(CODES)}
SETTLED: tuple[bool, ...] = tuple(branch.settled for branch in BRANCHES)
