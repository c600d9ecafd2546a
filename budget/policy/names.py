"""Names of rows of a policy (考核指标、违规规则、人员类别) in Chinese, as people say them."""

from __future__ import annotations

ROWS: dict[str, str] = {
    "other": "其他", "poor": "困难人员", "groups_covered": "病组覆盖", "case_mix_index": "CMI",
    "split_admissions": "分解住院", "refused_severe_cases": "推诿重症", "cost_shifting": "费用转嫁",
    "readmission_15_days": "15 日内再入院", "time_index": "时间消耗指数",
    "cost_index": "费用消耗指数", "admissions_per_head": "人次人头比",
    "self_pay_share": "自费占比", "split_admission": "分解住院", "overlapping_stays": "重叠住院",
    "upcoding": "高套编码", "low_standard_admission": "低标准入院", "empty_bed": "挂床住院",
    "chronic": "慢特病",
}  # fmt: skip
