"""Sensitivity (敏感性分析): which assumptions the outcomes of the scenario told hang on."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from drg.page.blocks import Block, Cell, Chart, Column, Section, Table, Text
from drg.page.words import DASH, Words, clean, fixed
from drg.report.panel.charts_future import ranking, tornado
from drg.report.panel.data import PanelData
from drg.report.panel.story import scenario_name, story

_PARAMETERS = 8  # in a chart
_VISIBLE = 0.01  # of the widest bar
_OUTCOMES = {
    "average_cost": ("次均费用", "average cost"),
    "final": ("清算支付", "payment"),
    "balance": ("基金池结余（总额控制扣减前）", "balance of the pools before the budget cut"),
    "gain": ("医疗机构盈亏", "hospitals' gain"),
    "patient": ("个人负担", "patients' part"),
    "fund": ("基金支付", "payment of the funds"),
    "gain_share": ("医疗机构盈亏占费用", "hospitals' gain by cost"),
    "largest_loss": ("亏损最大的医疗机构（占费用）", "largest loss of a hospital, by cost"),
    "patient_share": ("个人负担占比", "patients' share"),
    "average_patient": ("次均个人负担", "patient's part"),
}
_FIRST = ("average_cost", "fund", "largest_loss")  # outcomes whose charts are on the page


def sensitivity_section(data: PanelData, words: Words) -> Section | None:
    """Tornado and Sobol indices for the scenario told; a sentence when nothing is uncertain."""
    held = story(data)
    if held is None:
        return None
    name = scenario_name(data, held.code, words)
    title = words(f"敏感性分析：{name}，{held.year} 年", f"Sensitivity: {name}, {held.year}")
    frame = data.projected.get("sensitivity")
    own = None if frame is None else frame[frame["scenario"].isin((held.code, ""))]
    if own is None or own.empty:
        said = words(
            f"“{name}”没有不确定的假设，或测算时没有随机抽取（--draws），因此没有敏感性分析。",
            f'Nothing in "{name}" is uncertain, or it was projected without draws (--draws): '
            "there is nothing to rank.",
        )
        return Section("sensitivity", title, [Text(said)])
    outcomes = list(dict.fromkeys(own["outcome"]))
    outcomes.sort(key=lambda o: _FIRST.index(o) if o in _FIRST else len(_FIRST))
    shown = [o for o in outcomes if o in _FIRST] or outcomes[:1]
    blocks: list[Block] = [Text(_intro(words))]
    for number, outcome in enumerate(outcomes, 1):
        some = own[own["outcome"] == outcome]
        blocks += _outcome(f"sensitivity-{number}", outcome, some, words, shown=outcome in shown)
    blocks.append(_indices(own[own["outcome"].isin(shown)], shown, words))
    rest = [_outcome_name(o, words) for o in outcomes if o not in shown]
    if rest:
        listed = words("、", ", ").join(rest)
        blocks.append(
            Text(words(f"工作簿另有：{listed}。", f"Also in the workbook: {listed}."), "quiet")
        )
    return Section("sensitivity", title, blocks)


def _intro(words: Words) -> str:
    return words(
        "条形为只把一个假设取到其 2.5% 和 97.5% 分位、其他居中时的结果。Sobol 指数是该假设占"
        "结果方差的比重：“单独”仅它变动，“总”含它与其他假设的共同作用；"
        "“≈0”表示区间含 0，与没有作用无法区分。",
        "Bars: the outcome with one assumption at its 2.5% and 97.5% quantile and the others at "
        "their centre. Sobol indices: the share of the outcome's variance, alone, and in all with "
        "what assumptions do together; ≈0: the interval holds 0, so it may be nothing.",
    )


def _outcome(
    key: str, outcome: str, own: pd.DataFrame, words: Words, *, shown: bool
) -> list[Block]:
    said = _outcome_name(outcome, words)
    wide = (own["high"] - own["low"]).abs()
    own = own.assign(_wide=wide if wide.notna().any() else own["total"])
    own = own.sort_values(["_wide", "parameter"], ascending=[False, True])
    table = _table(key, outcome, own, words)
    if not shown:
        return [table]
    return [*_tornado(key, outcome, own, words), *_ranking(key, said, own, words), table]


def _tornado(key: str, outcome: str, own: pd.DataFrame, words: Words) -> list[Block]:
    """Bars from the low to the high outcome, the widest on top."""
    able = own[own[["low", "high", "centre"]].notna().all(axis=1)]
    if able.empty:
        return []
    every = len(able)
    able = able[able["_wide"] > _VISIBLE * able["_wide"].max()].head(_PARAMETERS)
    if able.empty:
        said = _outcome_name(outcome, words)
        return [Text(words(f"{said}不随任何假设变动。", f"No assumption moves it: {said}."))]
    unit = clean(able["unit"].iloc[0], 20)
    items = [(_parameter(r, words), _plain(r["low"], unit), _plain(r["high"], unit))
             for _, r in able.iterrows()]  # fmt: skip
    texts = [(_said(float(r["low"]), unit, words), _said(float(r["high"]), unit, words))
             for _, r in able.iterrows()]  # fmt: skip
    centre = float(able["centre"].iloc[0])
    said = _outcome_name(outcome, words)
    title = words(
        f"{said}随各假设的变动（居中 {_said(centre, unit, words)}）",
        f"{said[:1].upper()}{said[1:]} by each assumption (centre {_said(centre, unit, words)})",
    )
    about = words("；", "; ").join(
        f"{n} {a} – {b}" for (n, _, _), (a, b) in zip(items, texts, strict=True)
    )
    base = _plain(centre, unit)
    svg = tornado(f"{key}-range", title, about, items, base, "", texts)
    rest = every - len(able)
    note = words(f"其余 {rest} 个假设几乎不改变它。", f"The other {rest} hardly move it.")
    return [Chart(f"{key}-range", title, about, svg, note if rest else "")]


def _ranking(key: str, said: str, own: pd.DataFrame, words: Words) -> list[Block]:
    """Sobol indices as bars, only where there is no tornado."""
    if own["centre"].notna().any():
        return []
    title = words(f"哪些假设最重要：{said}", f"What matters most: {said}")
    own = own.head(_PARAMETERS)
    items = [(_parameter(r, words), float(r["first_order"]), float(r["total"]))
             for _, r in own.iterrows()]  # fmt: skip
    bands = [(float(a), float(b)) for a, b in zip(own["total_low"], own["total_high"], strict=True)]
    about = words("；", "; ").join(f"{n} {100 * t:.0f}%" for n, _, t in items)
    legend = (words("单独", "alone"), words("总", "in all"))
    return [Chart(key, title, about, ranking(key, title, about, items, legend, bands))]


def _table(key: str, outcome: str, own: pd.DataFrame, words: Words) -> Table:
    """One outcome with every assumption, for the workbook."""
    said, kind = _outcome_name(outcome, words), _kind(outcome, clean(own["unit"].iloc[0], 20))
    ranged = own["low"].notna().any()
    columns = [
        Column(words("假设", "Assumption"), "name"),
        *([Column(words("取低值时的结果", "Outcome, low"), kind),
           Column(words("取高值时的结果", "Outcome, high"), kind)] if ranged else []),
        Column(words("Sobol 单独", "Sobol alone"), "share"),
        Column(words("Sobol 总", "Sobol in all"), "share"),
        Column(words("可靠性", "Reliable")),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            _parameter(r, words),
            *([_known(r["low"]), _known(r["high"])] if ranged else []),
            _known(r["first_order"]),
            _known(r["total"]),
            _noise(r, words),
        ]
        for _, r in own.iterrows()
    ]
    title = words(f"各假设的作用：{said}", f"What each assumption does: {said}")
    return Table(key, title, columns, rows, on_page=False)


def _indices(own: pd.DataFrame, outcomes: list[str], words: Words) -> Table:
    """Sobol indices of the outcomes shown, side by side; those that may be nothing are marked."""
    columns = [Column(words("假设", "Assumption"), "name")]
    for outcome in outcomes:
        said = _outcome_name(outcome, words)
        columns += [
            Column(words(f"{said}：单独", f"{said}: alone")),
            Column(words("总", "in all")),
        ]
    largest = own.groupby("parameter", sort=False)["total"].max().sort_values(ascending=False)
    rows: list[list[Cell]] = []
    for parameter in largest.index:
        mine = own[own["parameter"] == parameter]
        by = {r["outcome"]: r for _, r in mine.iterrows()}
        indices = [
            _index(by[outcome], kind) if outcome in by else DASH
            for outcome in outcomes
            for kind in ("first", "total")
        ]
        rows.append([_parameter(mine.iloc[0], words), *indices])
    title = words("Sobol 指数（占结果方差 %）", "Sobol indices (% of the outcome's variance)")
    return Table("sobol", title, columns, rows, in_book=False)


def _index(r: pd.Series[Any], kind: str) -> str:
    """A Sobol index as text, marked when its interval holds 0."""
    value = float(r["first_order" if kind == "first" else "total"])
    if not math.isfinite(value):
        return DASH
    text = fixed(100 * value, 0)
    return f"{text} (≈0)" if _holds(r, kind) else text


def _holds(r: pd.Series[Any], kind: str) -> bool:
    """Whether the interval of an index holds 0."""
    return bool(r[f"{kind}_low"] <= 0 <= r[f"{kind}_high"])


def _noise(r: pd.Series[Any], words: Words) -> str:
    """Whether an index can be told from nothing: intervals that hold 0 are marked."""
    if _holds(r, "total"):
        return words("≈0", "≈0")
    return words("单独≈0", "alone ≈0") if _holds(r, "first") else ""


def _kind(outcome: str, unit: str) -> str:
    if unit == "share":
        return "share"
    return "yuan" if outcome.startswith("average_") else "money"


def _known(value: Any) -> Cell:
    return float(value) if math.isfinite(value) else None


def _plain(value: Any, unit: str) -> float:
    return 100 * float(value) if unit == "share" else float(value)


def _said(value: float, unit: str, words: Words) -> str:
    if unit == "share":
        return fixed(100 * value, 1) + "%"
    if abs(value) >= 1e5:
        return words.money(value)
    return fixed(value, 0) + words(" 元", " yuan")


def _parameter(row: pd.Series[Any], words: Words) -> str:
    return clean(row["zh"] if words.zh else row["en"], 60) or clean(row["parameter"], 60)


def _outcome_name(outcome: str, words: Words) -> str:
    return words.of(_OUTCOMES[outcome]) if outcome in _OUTCOMES else clean(outcome, 60)
