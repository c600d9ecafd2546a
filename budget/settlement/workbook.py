"""The workbook of a settled year: its small tables on sheets, with Chinese headings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from budget.settlement.warned import chinese
from drg.language import half
from drg.tables.excel.sheets import write_sheets

if TYPE_CHECKING:
    from budget.settlement.settled import SettledYear

SHEETS = {
    "hospitals": "医疗机构清算", "pools": "基金池", "months": "月度预拨", "branches": "结算类型",
    "fund": "基金收支",
}  # fmt: skip
HEADINGS = {
    "hospital_id": "医疗机构", "hospital_name": "名称", "tier": "级别", "class": "等次",
    "pool": "基金池", "cases": "病例数", "case_mix_index": "CMI", "assessment": "考核系数",
    "cost": "总费用", "patient": "个人负担", "other": "其他支付", "item": "按项目应付",
    "payable": "DRG应付", "surplus_returned": "结余收回", "overrun_borne": "超支分担",
    "capped": "封顶扣减", "assessment_withheld": "考核扣减", "penalty": "违规扣款",
    "budget_cut": "总额控制扣减", "final": "清算金额", "prepaid": "已预拨", "year_end": "年终应付",
    "quality_held": "质量保证金", "quality_released": "返还质量保证金", "gain": "医疗机构盈亏",
    "budget": "预算总额", "carve_outs": "预留剔除", "reserve": "调剂金", "amount": "可分配额",
    "points": "总点数", "point_value": "点值", "decided_by": "点值来源",
    "outside_pool": "池外支付", "balance": "池内结余", "month": "月份", "advance": "预拨",
    "remainder": "待清算", "branch": "类型代码", "branch_zh": "结算类型", "settled": "纳入清算",
    "fund": "基金支付", "opening": "期初余额", "income": "收入", "advances": "月度预拨",
    "out_of_area": "异地就医预付", "retention": "集采结余留用", "closing": "期末余额",
}  # fmt: skip
_POOLS = {"employee": "职工医保", "resident": "居民医保", "all": "全部"}
VALUES: dict[str, dict[Any, str]] = {
    "pool": _POOLS, "tier": {0: "未定级", 1: "一级", 2: "二级", 3: "三级"},
    "decided_by": {"rate": "费率", "pool": "基金池决定", "given": "政策给定", "floor": "点值下限",
                   "ceiling": "点值上限"},
    "hospital_id": {"(not in the table of hospitals)": "（不在医疗机构表中）"},
}  # fmt: skip
_COUNTS = ("cases", "month", "tier")
_RATIOS = {"case_mix_index": "0.0000", "assessment": "0.000", "point_value": "#,##0.0000",
           "points": "#,##0.00"}  # fmt: skip


def write_workbook(path: Path, settled: SettledYear, tables: dict[str, pd.DataFrame]) -> None:
    """Write the tables as one workbook, whole or not at all, the same bytes each time.

    Raises:
        DrgError: the file cannot be written.
    """
    sheets = {SHEETS[name]: frame for name, frame in tables.items()}
    write_sheets(path, sheets, HEADINGS, about=_about(settled), counts=_COUNTS, formats=_RATIOS,
                 values=VALUES)  # fmt: skip


def _about(settled: SettledYear) -> list[tuple[str, str]]:
    policy = settled.policy
    return [
        ("结算年度", str(settled.year)),
        ("政策", f"{policy.id}  {policy.header.title}"),
        ("政策来源", half(policy.header.source, "zh")),
        ("政策校验值", policy.digest),
        ("权重表", settled.weights.id),
        ("权重校验值", settled.weights.digest),
        ("病例数", f"{settled.cases:,}"),
        ("金额单位", "元"),
        *(("提示", chinese(text)) for text in settled.warnings.values()),
    ]
