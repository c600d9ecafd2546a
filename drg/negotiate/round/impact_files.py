"""The tables of an impact as a workbook or as CSV files (影响测算表)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from budget.impact.tables import (
    group_table,
    hospital_table,
    insurance_table,
    pool_table,
    tier_table,
    who_pays,
)
from budget.impact.weights import Impact
from drg.cases.privacy import FEWEST
from drg.tables import whole_folder, write_table
from drg.tables.derived import without_formulas
from drg.tables.excel.sheets import write_sheets

SHEETS = {
    "who_pays": "谁受益谁承担", "hospitals": "医疗机构", "tiers": "级别", "insurances": "险种",
    "pools": "基金池", "groups": "病组",
}  # fmt: skip
_PARTS = {"before": "（调整前）", "after": "（调整后）", "change": "（变动）",
          "change_share": "（变动比例）"}  # fmt: skip
_NAMES = {
    "payable": "DRG应付", "final": "清算金额", "gain": "医疗机构盈亏", "case_mix_index": "CMI",
    "payment_per_case": "次均支付", "weight": "权重", "cut": "总额控制扣减", "point_value": "点值",
}  # fmt: skip
HEADINGS = {
    "hospital_id": "医疗机构代码",
    "hospital_name": "医疗机构",
    "tier": "级别",
    "cases": "病例数",
    "average_cost": "次均费用",
    "insurance": "险种",
    "pool": "基金池",
    "amount": "可分配额",
    "drg": "病组",
    "name": "名称",
    "kind": "类别",
    "key": "代码",
    "yuan": "金额（元）",
    "share": "占比",
} | {f"{name}_{part}": zh + word for name, zh in _NAMES.items() for part, word in _PARTS.items()}
_SHARES = "0.00%"
_FORMATS = {name: _SHARES for name in HEADINGS if name.endswith("_share")} | {"share": _SHARES} | {
    f"{name}_{part}": "0.0000" for name in ("weight", "case_mix_index", "point_value")
    for part in _PARTS if part != "change_share"
}  # fmt: skip
VALUES: dict[str, dict[Any, str]] = {
    "tier": {1: "一级", 2: "二级", 3: "三级", 0: "未定级", -1: "不详"},
    "kind": {"hospital": "医疗机构", "pool": "基金池"},
    **{name: {"employee": "职工医保", "resident": "居民医保", "all": "全部"}
       for name in ("pool", "insurance", "key", "name")},
}  # fmt: skip


def tables(impact: Impact) -> dict[str, pd.DataFrame]:
    """Every table of an impact by name; groups of fewer than 5 cases show no cases and no money."""
    groups = group_table(impact)
    few = groups["cases"].between(1, FEWEST - 1)
    hidden = ["cases", "payable_before", "payable_after", "payable_change"]
    groups[hidden] = groups[hidden].astype(float).mask(few)
    return {
        "who_pays": who_pays(impact), "hospitals": hospital_table(impact),
        "tiers": tier_table(impact), "insurances": insurance_table(impact),
        "pools": pool_table(impact), "groups": groups,
    }  # fmt: skip


def write_impact(path: Path, impact: Impact, about: list[tuple[str, str]]) -> list[Path]:
    """Write an impact: one workbook (.xlsx), or a folder of CSV files.

    Raises:
        DrgError: it cannot be written.
    """
    held = tables(impact)
    if path.suffix.lower() == ".xlsx":
        sheets = {SHEETS[name]: frame for name, frame in held.items()}
        write_sheets(path, sheets, HEADINGS, about=about, counts=("cases", "tier"),
                     formats=_FORMATS, values=VALUES)  # fmt: skip
        return [path]
    files = {name: f"impact_{name}.csv" for name in held}
    with whole_folder(path, files.values()) as new:
        for name, frame in held.items():
            table = pa.Table.from_pandas(frame, preserve_index=False)
            write_table(new / files[name], without_formulas(table))
    return [path / name for name in files.values()]
