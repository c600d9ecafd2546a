"""Rules on drugs and items: the example rules find what they say, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from budget.audit.document import read_rules
from budget.audit.files import audit_file

RULES = Path(__file__).parents[2] / "docs" / "examples" / "item-rules"
CASES = pd.DataFrame(
    [
        ("1", "A", "I10.x00x002", "2", 60),
        ("2", "A", "C34.900", "1", 60),
        ("3", "B", "J18.900", "1", 9),
        ("4", "B", "J18.900", "", 30),
    ],
    columns=["case_id", "hospital_id", "diagnoses", "sex", "age"],
).assign(admission_date="2025-03-01", discharge_date="2025-03-20", total_cost=9000, drg="ES23")
ITEMS = [  # case, item, quantity, amount, the rule that finds it
    ("1", "示例靶向药", 1, 300.0, "limited_diagnosis"),
    ("2", "示例靶向药", 1, 300.0, ""),
    ("2", "示例儿童专用药", 1, 20.0, "limited_age"),
    ("3", "示例儿童专用药", 1, 20.0, ""),
    ("2", "示例妇科检查", 1, 30.0, "limited_sex"),
    ("1", "示例妇科检查", 1, 30.0, ""),
    ("4", "示例妇科检查", 1, 30.0, ""),  # sex not known
    ("3", "示例限级药", 1, 40.0, "limited_tier"),
    ("1", "示例限级药", 1, 40.0, ""),
    ("1", "示例肠外营养", 12, 1200.0, "limited_days"),
    ("1", "示例肠外营养", 8, 800.0, "limited_days"),
    ("2", "示例肠外营养", 14, 1400.0, ""),
    ("4", "示例床位费", 4, 120.0, "more_than_a_day_holds"),
    ("4", "示例一级护理", 1, 30.0, ""),
]
TAKEN = {("1", "limited_diagnosis"): 300_00, ("2", "limited_age"): 20_00,
         ("2", "limited_sex"): 30_00, ("3", "limited_tier"): 40_00,
         ("1", "limited_days"): 600_00, ("4", "more_than_a_day_holds"): 90_00}  # fmt: skip


def test_the_example_rules_find_what_they_say(tmp_path: Path) -> None:
    CASES.to_csv(tmp_path / "cases.csv", index=False)
    pd.DataFrame({"hospital_id": ["A", "B"], "hospital_name": ["甲", "乙"], "tier": [3, 1]}).to_csv(
        tmp_path / "hospitals.csv", index=False)  # fmt: skip
    items = pd.DataFrame(ITEMS, columns=["case_id", "item", "quantity", "amount", "rule"])
    items.drop(columns="rule").assign(date="2025-03-05").to_csv(tmp_path / "items.csv", index=False)
    rules = read_rules([str(RULES)])
    assert len(rules) == 6
    found = audit_file(tmp_path / "cases.csv", rules, None, hospitals=tmp_path / "hospitals.csv",
                       items=tmp_path / "items.csv")  # fmt: skip
    ids = dict(enumerate(CASES["case_id"]))
    assert {(ids[int(row)], one.rule.id): int(fen) for one in found.ran
            for row, fen in zip(one.rows, one.amount, strict=True)} == TAKEN  # fmt: skip
    table = found.findings.table  # a case is one finding, of the gravest rule
    assert table.set_index("case_id")["rule"].to_dict() == {
        "1": "limited_days", "2": "limited_sex", "3": "limited_tier",
        "4": "more_than_a_day_holds"}  # fmt: skip
    assert set(table["family"]) == {"item_restriction"}
