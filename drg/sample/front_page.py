"""Cases under the headers of the inpatient front page (病案首页), codes in numbered columns."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

OTHER_DIAGNOSES = 14
PROCEDURES = 6

_HEADERS = {
    "case_id": "病例号",
    "patient_id": "人员编号",
    "hospital_id": "医疗机构代码",
    "insurance": "险种类型",
    "admission_date": "入院时间",
    "discharge_date": "出院时间",
    "sex": "性别",
    "age": "年龄",
    "age_days": "年龄不足1周岁天数",
    "birth_weight": "新生儿出生体重",
    "length_of_stay": "实际住院天数",
    "discharge_mode": "离院方式",
    "department": "出院科别",
    "icu_hours": "重症监护小时数",
    "total_cost": "住院总费用",
    "cost_medical": "医疗服务费",
    "cost_nursing": "护理费",
    "cost_technology": "医技费",
    "cost_drug_material": "药耗费",
    "cost_management": "管理费",
    "fund_paid": "基金支付总额",
    "patient_out_of_scope": "目录外自费金额",
    "patient_deductible": "起付线金额",
    "patient_copay": "个人按比例自付金额",
}


def as_front_page(cases: pa.Table) -> pa.Table:
    """The table with Chinese headers, one column for every diagnosis and procedure code."""
    columns: dict[str, pa.Array] = {}
    for name in cases.column_names:
        if name == "diagnoses":
            titles = ["主要诊断编码", *(f"其他诊断编码{i + 1}" for i in range(OTHER_DIAGNOSES))]
            columns |= _spread(cases[name], titles)
        elif name == "procedures":
            titles = [f"手术操作编码{i + 1}" for i in range(PROCEDURES)]
            columns |= _spread(cases[name], titles)
        else:
            columns[_HEADERS[name]] = cases[name]
    return pa.table(columns)


def _spread(joined: pa.ChunkedArray, titles: list[str]) -> dict[str, pa.Array]:
    """Codes joined by ``|`` as one column each; the last ones that find no column are left out."""
    lists = pc.split_pattern(joined, "|").combine_chunks()
    square = pc.list_slice(lists, 0, len(titles), return_fixed_size_list=True)
    return {title: pc.list_element(square, i) for i, title in enumerate(titles)}
