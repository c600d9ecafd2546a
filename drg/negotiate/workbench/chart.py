"""The chart of the workbench: what each hospital gains or loses, in money and as a share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from drg.page.words import Words, clean, fixed
from drg.plots import charts
from drg.plots.inline import inline_svg

ROWS = 12
_WIDTH = 110.0  # mm; narrower than a report's, so that its letters are read from afar


@dataclass(frozen=True)
class Bar:
    """One row: whose it is, yuan gained, the same as a share, and the yuan paid before."""

    name: str
    yuan: float
    share: float
    before: float = math.nan  # of a single hospital


def bars(hospitals: pd.DataFrame, words: Words, rows: int = ROWS) -> list[Bar]:
    """Rows of the chart: the hospitals that gain most and lose most, the others in one row."""
    held = hospitals.sort_values(["final_change", "hospital_id"], ascending=[False, True])
    found = [Bar(clean(name) or str(key), float(yuan), float(share), float(before))
             for key, name, yuan, share, before in zip(
                 held["hospital_id"], held["hospital_name"], held["final_change"],
                 held["final_change_share"].fillna(0.0), held["final_before"],
                 strict=True)]  # fmt: skip
    if len(found) <= rows:
        return found
    above = rows // 2
    below = rows - above - 1
    rest = held.iloc[above : len(found) - below]
    before, change = float(rest["final_before"].sum()), float(rest["final_change"].sum())
    middle = Bar(words(f"其余 {len(rest)} 家合计", f"{len(rest)} others"), change,
                 change / before if before else 0.0)  # fmt: skip
    return [*found[:above], middle, *found[len(found) - below :]]


def chart(
    hospitals: pd.DataFrame, words: Words, *, limit: float | None = None, rows: int = ROWS
) -> str:
    """The chart as an SVG element: dashed lines mark the limit of losses, ▲ losses beyond it."""
    held = bars(hospitals, words, rows)
    top = math.inf if limit is None else limit
    marks = [-words.scaled(top * bar.before) if bar.share < -top / 2 else math.nan for bar in held]
    items = []
    for bar in held:
        share = words.share(bar.share, signed=True)
        text = words.number(bar.yuan, "gain") + words(f"（{share}）", f" ({share})")
        over = "▲ " if bar.share < -top and math.isfinite(bar.before) else ""
        items.append((bar.name, [words.scaled(bar.yuan)], [over + text]))
    near = [-mark for mark in marks if math.isfinite(mark)]
    most = _round_up(max([abs(value) for _, (value,), _ in items] + near, default=0.0))
    unit = words("变化，万元（占原清算额）", "change, thousand yuan (share of payment)")
    if near:
        said = words.share(top)
        unit = words(f"虚线：损失上限 {said}　", f"dashed: limit {said}; ") + unit
    drawn = charts.bars(items, (), unit, words.lang, sides=True, mark=marks if near else None,
                        reach=(-most, most), width=_WIDTH, column=True)  # fmt: skip
    about = "; ".join(f"{bar.name} {fixed(bar.yuan, 0, signed=True)}" for bar in held)
    title = words("各医疗机构清算变化", "Change of what hospitals are paid")
    return inline_svg(drawn, "bench", title, about)


def _round_up(value: float) -> float:
    """The next of 1, 2, 3, 5, 10 ... so that the scale seldom changes while a slider moves."""
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(size * step for step in (1, 2, 3, 5, 10) if value <= size * step * (1 + 1e-9))
