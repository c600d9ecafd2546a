"""Sensitivity (敏感性分析): which assumptions the outcomes of the scenario told hang on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from drg.page.blocks import Block, Chart, Column, Section, Table, Text
from drg.page.words import Words, clean, fixed
from drg.plots.charts import bars
from drg.report.panel.story import Story

_PARAMETERS, _SHOWN = 8, 2  # assumptions in a chart, charts in the report
_VISIBLE = 0.01  # of the widest bar
_OUTCOMES = {
    "balance": ("基金池扣减前结余", "balance of the pools before the cut"),
    "average_cost": ("次均费用", "average cost"),
    "largest_loss": ("亏损最大的医疗机构（占费用）", "largest loss of a hospital, by cost"),
    "fund": ("基金支付", "payment of the funds"), "final": ("清算支付", "payment"),
    "gain": ("医疗机构盈亏", "hospitals' gain"), "patient": ("个人负担", "patients' part"),
    "gain_share": ("医疗机构盈亏占费用", "hospitals' gain by cost"),
    "patient_share": ("个人负担占比", "patients' share"),
    "average_patient": ("次均个人负担", "patient's part"),
}  # fmt: skip


def sensitivity_section(held: Story, words: Words) -> Section | None:
    """What the two outcomes that decide hang on most; a sentence when nothing is uncertain."""
    title = words("结果取决于什么", "What the result hangs on")
    own = _own(held)
    if own.empty:
        said = words("没有不确定的假设，或测算时没有随机抽取（--draws），因此没有敏感性分析。",
                     "Nothing is uncertain, or nothing was drawn at random (--draws): there is "
                     "nothing to rank.")  # fmt: skip
        return Section("sensitivity", title, [Text(said)])
    intro = words(
        "每条为只把一个假设取到其 2.5% 和 97.5% 分位、其他居中时的结果；竖线为居中值。"
        "政策规定的数值不参与随机抽取。",
        "Bars: the outcome with one assumption at its 2.5% and 97.5% quantile and the others at "
        "their centre, the line. What the policy fixes is not drawn at random.",
    )
    charts = [chart for outcome in _outcomes(own)[:_SHOWN] for chart in _chart(outcome, own, words)]
    return Section("sensitivity", title, [Text(intro, "quiet"), *charts])


def detail_section(held: Story, words: Words) -> Section | None:
    """Every outcome with every assumption and its Sobol indices, for the annex."""
    own = _own(held)
    if own.empty:
        return None
    blocks: list[Block] = [Text(words(
        "敏感性指数（Sobol）是该假设占结果方差的比重：“单独”仅它变动，“总”含它与其他假设的共同作用；"
        "“≈0”表示区间含 0，与没有作用无法区分。",
        "Sobol indices: the share of the outcome's variance, alone, and in all with what "
        "assumptions do together; ≈0: the interval holds 0, so it may be nothing.",
    ))]  # fmt: skip
    outcomes = _outcomes(own)
    blocks += [chart for outcome in outcomes[_SHOWN:4] for chart in _chart(outcome, own, words)]
    blocks += [_table(n, outcome, own, words) for n, outcome in enumerate(outcomes, 1)]
    return Section("sensitivities", words("敏感性明细", "Sensitivity in detail"), blocks)


def _own(held: Story) -> pd.DataFrame:
    frame = held.data.projected.get("sensitivity")
    return pd.DataFrame() if frame is None else frame[frame["scenario"].isin((held.code, ""))]


def _outcomes(own: pd.DataFrame) -> list[str]:
    known = list(_OUTCOMES)
    return sorted(dict.fromkeys(own["outcome"]), key=lambda o: known.index(o) if o in known else 99)


def _chart(outcome: str, own: pd.DataFrame, words: Words) -> list[Block]:
    """Bars from the low to the high outcome, the widest on top."""
    able = own[(own["outcome"] == outcome) & own[["low", "high", "centre"]].notna().all(axis=1)]
    able = _ranked(able)
    able = able[able["_wide"] > _VISIBLE * able["_wide"].max()].head(_PARAMETERS)
    said = _name(outcome, words)
    if able.empty:
        return []
    kind, centre = _kind(outcome, able), float(able["centre"].iloc[0])
    items = []
    for _, r in able.iterrows():
        ends = [float(r["low"]), float(r["high"])]
        items.append((_parameter(r, words), [_scaled(v, kind, words) for v in ends],
                      [_said(v, kind, words) for v in ends]))  # fmt: skip
    title = words(f"{said}（居中 {_said(centre, kind, words)}）随各假设的变动",
                  f"{said[:1].upper()}{said[1:]} (centre {_said(centre, kind, words)}) by each "
                  "assumption")  # fmt: skip
    about = words("；", "; ").join(f"{n} {' – '.join(t)}" for n, _, t in items)
    legend = (words("高于居中值", "above"), words("低于居中值", "below"))
    label = {"share": "%", "money": words.unit}.get(kind, words("元", "yuan"))
    picture = bars(items, legend, label, words.lang, base=_scaled(centre, kind, words), sides=True)
    return [Chart(f"range-{outcome.replace('_', '-')}", title, about, picture)]


def _ranked(own: pd.DataFrame) -> pd.DataFrame:
    wide = (own["high"] - own["low"]).abs()
    own = own.assign(_wide=wide if wide.notna().any() else own["total"])
    return own.sort_values(["_wide", "parameter"], ascending=[False, True])


def _table(number: int, outcome: str, own: pd.DataFrame, words: Words) -> Table:
    own = _ranked(own[own["outcome"] == outcome])
    kind = _kind(outcome, own)
    own = own.assign(name=[_parameter(r, words) for _, r in own.iterrows()],
                     noise=[_noise(r, words) for _, r in own.iterrows()])  # fmt: skip
    columns = [Column("name", "假设", "Assumption", "name"),
               Column("low", "取低值时的结果", "Outcome, low", kind),
               Column("high", "取高值时的结果", "Outcome, high", kind),
               Column("first_order", "指数·单独", "Sobol alone", "share"),
               Column("total", "指数·总", "Sobol in all", "share"),
               Column("noise", "可靠性", "Reliable")]  # fmt: skip
    said = _name(outcome, words)
    return Table(f"sensitivity-{number}", words(f"各假设的作用：{said}", f"By assumption: {said}"),
                 columns, own)  # fmt: skip


def _noise(r: pd.Series[Any], words: Words) -> str:
    """Whether an index can be told from nothing: intervals that hold 0 are marked."""
    total, first = (bool(r[f"{kind}_low"] <= 0 <= r[f"{kind}_high"]) for kind in ("total", "first"))
    return "≈0" if total else words("单独≈0", "alone ≈0") if first else ""


def _kind(outcome: str, own: pd.DataFrame) -> str:
    if clean(own["unit"].iloc[0], 20) == "share":
        return "share"
    return "yuan" if outcome.startswith("average_") else "money"


def _scaled(value: float, kind: str, words: Words) -> float:
    return {"share": 100 * value, "money": words.scaled(value)}.get(kind, value)


def _said(value: float, kind: str, words: Words) -> str:
    return fixed(value, 0) if kind == "yuan" else words.number(value, kind)


def _parameter(row: pd.Series[Any], words: Words) -> str:
    return clean(row["zh"] if words.zh else row["en"], 60) or clean(row["parameter"], 60)


def _name(outcome: str, words: Words) -> str:
    return words.of(_OUTCOMES[outcome]) if outcome in _OUTCOMES else clean(outcome, 60)
