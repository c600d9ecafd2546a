"""Columns that several tables of the panel report have (通用列), and how their sums are called."""

from __future__ import annotations

from drg.page.blocks import Column, Pair

HOSPITAL = Column("hospital", "医疗机构", "Hospital", "name")
ID = Column("hospital_id", "代码", "Id", "code")
TIER = Column("tier", "级别", "Tier", "tier")
INSURANCE = Column("insurance", "险种", "Insurance", "insurance")
POOL = Column("pool", "基金池", "Pool", "insurance")
CASES = Column("cases", "病例", "Cases", "cases")
MIX = Column("case_mix_index", "CMI", "CMI", "ratio")
SCENARIO = Column("scenario", "方案", "Scenario", "name")
YEAR = Column("year", "年度", "Year", "year", open=True)
COST = Column("cost", "总费用", "Cost", "money")
PATIENT = Column("patient", "个人负担", "Patients", "money")
PAYABLE = Column("payable", "DRG 应付", "Payable by DRG", "money")
CUT = Column("budget_cut", "总额控制扣减", "Budget cut", "money")
PAID = Column("final", "清算支付", "Paid", "money")
GAIN = Column("gain", "盈亏", "Gain or loss", "gain")
GAIN_SHARE = Column("gain_share", "盈亏占费用", "Gain by cost", "change")
AVERAGE = Column("average_cost", "次均费用", "Average cost", "yuan")
MEASURED = {
    column.field: column for column in (CASES, COST, AVERAGE, PAYABLE, CUT, PAID, PATIENT, GAIN)
}
PARTS: dict[str, Pair] = {
    "baseline": ("基准", "baseline"), "scenario": ("方案", "scenario"),
    "difference": ("差", "change"), "by_drivers": ("其中驱动因素", "of which drivers"),
    "by_policy": ("其中政策", "of which policy"),
}  # fmt: skip
LEVELS: dict[str, Pair] = {
    "region": ("全统筹区", "region"), "pool": ("基金池", "pool"), "tier": ("级别", "tier"),
    "insurance": ("险种", "insurance"), "hospital": ("医疗机构", "hospital"),
}  # fmt: skip


def measured(measure: str, part: str) -> Column:
    """The column of a measure in the baseline, the scenario, or of their difference."""
    of = MEASURED[measure]
    signed = {"yuan": "yuan_change", "money": "gain", "cases": "count"}.get(of.kind, of.kind)
    part_zh, part_en = PARTS[part]
    kind = of.kind if part in ("baseline", "scenario") else signed
    return Column(f"{measure}_{part}", f"{of.zh}·{part_zh}", f"{of.en}, {part_en}", kind)
