"""What a policy search found (政策寻优): the least change at each bound of a target."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from drg.report.panel_blocks import Block, Cell, Column, Section, Table, Text
from drg.report.panel_data import PanelData
from drg.report.panel_words import DASH, Words, clean, fixed

_OUTCOMES = {
    "balance": ("基金池结余", "balance of the pools"),
    "fund": ("基金支付", "paid by the funds"),
    "largest_loss": ("亏损最大的医疗机构", "largest loss of a hospital"),
    "average_payment": ("次均支付", "average payment"),
    "patient_share": ("个人负担占比", "patients' share"),
}
_SHARES = ("largest_loss", "patient_share")
_OWN = ("target", "bound", "feasible", "change", "message", "message_zh")


def search_section(data: PanelData, words: Words) -> Section | None:
    """The trade-off curve: how far the policy has to change for each bound; None without one."""
    frame = data.projected.get("policy_search")
    if frame is None or not {"target", "bound"} <= set(frame.columns):
        return None
    blocks: list[Block] = [Text(_intro(words))]
    for number, (target, own) in enumerate(frame.groupby("target", sort=False), 1):
        blocks += _curve(f"trade-off-{number}", str(target), own, words)
    return Section("trade-off", words("政策寻优：权衡", "Policy search: the trade-off"), blocks)


def _intro(words: Words) -> str:
    return words(
        "每一行是达到该目标所需的最小政策变动：变动量为各数值相对现行值的加权平方和，"
        "0 为现行政策即可达到。做不到的目标也列出，并写明最近可达的数值。",
        "Each row is the least change of the policy that meets the target; the change is the "
        "weighted sum of squares against what is in force, 0 where that does. Targets that cannot "
        "be met stand here too, with the nearest value in reach.",
    )


def _curve(key: str, target: str, own: pd.DataFrame, words: Words) -> list[Block]:
    figures = [name for name in own.columns if name not in _OWN]
    columns = [
        Column(words("目标值", "Target")),
        Column(words("能否达到", "Met")),
        *([Column(words("变动量", "Change"), "index")] if "change" in own else []),
        *(Column(_title(name, words)) for name in figures),
    ]
    rows: list[list[Cell]] = []
    for _, r in own.iterrows():
        met = str(r.get("feasible", "")).strip().lower() in ("true", "1", "1.0")
        change = [_number(r["change"])] if "change" in own else []
        able = words("能" if met else "不能", "yes" if met else "no")
        rows.append([_said(target, r["bound"], words), able, *change,
                     *(_said(name, r[name], words) for name in figures)])  # fmt: skip
    title = words(f"达到各{_title(target, words)}目标的最小变动",
                  f"Least change for each target of the {_title(target, words)}")  # fmt: skip
    message = "message_zh" if words.zh and "message_zh" in own else "message"
    told = [] if message not in own else [
        f"{_said(target, r['bound'], words)}: {clean(r[message], 200)}"
        for _, r in own.iterrows()
        if str(r.get("feasible", "")).strip().lower() not in ("true", "1", "1.0")
    ]  # fmt: skip
    return [Table(key, title, columns, rows), *(Text(line, "quiet") for line in told)]


def _title(name: str, words: Words) -> str:
    return words.of(_OUTCOMES[name]) if name in _OUTCOMES else clean(name, 60)


def _number(value: Any) -> Cell:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _said(name: str, value: Any, words: Words) -> str:
    """An outcome or a figure as text: money with its unit, shares as percentages."""
    if not isinstance(value, int | float):
        return clean(value, 60) or DASH
    if not math.isfinite(value):
        return DASH
    if name in _SHARES:
        return words.share(float(value))
    if name in _OUTCOMES:
        return words.money(float(value))
    return fixed(float(value), 4).rstrip("0").rstrip(".")
