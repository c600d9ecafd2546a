"""The audit trail of a weight table (权重表测算过程): each step, what it took and what it left."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from drg.language import say
from drg.terminal import aligned
from weights.table.text import visible

STEP_COLUMNS = (
    ("step", "步骤 step"),
    ("method", "方法 method"),
    ("cases_in", "病例 cases in"),
    ("cases_out", "留下病例 cases out"),
    ("cost_in", "费用 cost in"),
    ("cost_out", "留下费用 cost out"),
    ("changed", "变动 changed"),
    ("note", "说明 note"),
)
_STEPS = {
    "input": "入口", "cost": "费用口径", "trim": "修剪", "estimate": "测算", "shrink": "收缩",
    "low_volume": "低例数", "order": "消除倒挂", "structure": "费用结构", "classes": "类别",
    "normalise": "标化", "corridor": "浮动区间",
}  # fmt: skip
NUMBERED = ("cases_in", "cases_out", "cost_in", "cost_out", "changed")


def steps_of(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The steps on record; whatever else stands there is no step."""
    steps = record.get("steps")
    return [s for s in steps if isinstance(s, Mapping)] if isinstance(steps, list | tuple) else []


def step_rows(record: Mapping[str, Any]) -> list[tuple[str | float | None, ...]]:
    """One row a step, one cell for each of ``STEP_COLUMNS``."""
    return [tuple(_cell(step.get(key)) for key, _ in STEP_COLUMNS) for step in steps_of(record)]


def _cell(value: Any) -> str | float | None:
    value = plain(value) if isinstance(value, np.generic) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None if value is None else _text(value)
    return value if math.isfinite(value) else None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return visible("; ".join(value))
    return json.dumps(value, ensure_ascii=False, default=plain)


def plain(value: Any) -> Any:
    """A value of a record as JSON has it: numpy's numbers as Python's, what is unknown as text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def provenance(frame: pd.DataFrame, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Key and value of all that is known of a table's origin, the steps left out.

    Args:
        frame: the table.
        document: ``id``, ``weights_sha256`` and ``record``.
    """
    pairs = [
        ("id", _text(document["id"])),
        ("groups 病组数", str(len(frame))),
        ("weights 有权重的病组数", str(int(frame["weight"].notna().sum()))),
        ("weights_sha256", _text(document["weights_sha256"])),
    ]
    taken = {"steps", "id", "weights_sha256"}
    rest = {key: value for key, value in document["record"].items() if key not in taken}
    return pairs + _flat(rest, "")


def _flat(values: Mapping[str, Any], before: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            pairs += _flat(value, f"{before}{key}.")
        elif value is not None:
            pairs.append((visible(f"{before}{key}"), _text(value)))
    return pairs


def audit_text(title: str, record: Mapping[str, Any]) -> str:
    """The steps of a record in words, one line a step, in aligned columns.

    Args:
        title: the first line.
        record: ``steps`` is a list of dicts with ``step`` and, where they apply, ``method``,
            ``cases_in``, ``cases_out``, ``cost_in``, ``cost_out`` (yuan), ``changed``, ``note``.
    """
    rows = [dict(zip((key for key, _ in STEP_COLUMNS), row, strict=True))
            for row in step_rows(record)]  # fmt: skip
    if not rows:
        return f"{title}\n  {say('没有步骤记录', 'no steps on record')}"
    used = [(key, head) for key, head in STEP_COLUMNS if any(row[key] is not None for row in rows)]
    lines = [["#", *(say(*head.split(" ", 1)) for _, head in used)]]
    for number, row in enumerate(rows, 1):
        lines.append([str(number), *(_shown(key, row[key]) for key, _ in used)])
    right = {0, *(i for i, (key, _) in enumerate(used, 1) if key in NUMBERED)}
    return "\n".join([title, *(f"  {line}" for line in aligned(lines, right))])


def _shown(key: str, value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return say(_STEPS.get(value, value), value) if key == "step" else value
    return f"{value:,.2f}" if key.startswith("cost") else f"{value:,.10g}"
