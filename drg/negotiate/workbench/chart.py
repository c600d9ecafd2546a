"""The chart of the workbench: what each hospital gains or loses, in yuan and as a share (SVG)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from drg.page.draw import (
    BLUE,
    GREY,
    INK,
    PALE,
    VERMILION,
    WIDTH,
    Drawing,
    fitted,
    tick_text,
)
from drg.page.words import Words, clean, fixed

ROWS = 12
_ROW, _TOP, _SIZE, _SMALL = 31.0, 66.0, 22.0, 18.0
_NAME = 212.0  # where names end
_MONEY, _SHARE = (222.0, 396.0, 500.0), (514.0, 624.0, WIDTH - 2)  # bars from, to; number to


@dataclass(frozen=True)
class Bar:
    """One row: whose it is, yuan gained, and the same as a share of what was paid before."""

    name: str
    yuan: float
    share: float


def bars(hospitals: pd.DataFrame, words: Words, rows: int = ROWS) -> list[Bar]:
    """Rows of the chart: the hospitals that gain most and lose most, the others in one row."""
    held = hospitals.sort_values(["final_change", "hospital_id"], ascending=[False, True])
    found = [Bar(clean(name) or str(key), float(yuan), float(share))
             for key, name, yuan, share in zip(
                 held["hospital_id"], held["hospital_name"], held["final_change"],
                 held["final_change_share"].fillna(0.0), strict=True)]  # fmt: skip
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
    """The chart as an SVG element.

    Args:
        hospitals: table of :func:`budget.impact.tables.hospital_table`.
        words: language.
        limit: largest loss that the rules allow, as a share; marked by a dashed line when
            a loss comes near it.
        rows: at most so many.
    """
    held = bars(hospitals, words, rows)
    title = words("各医疗机构清算变化", "Change of what hospitals are paid")
    about = "; ".join(f"{bar.name} {fixed(bar.yuan, 0, signed=True)}" for bar in held)
    drawing = Drawing("bench", _TOP + _ROW * len(held) + 6, title, about)
    unit = 10_000.0 if words.zh else 1_000.0
    most = _round_up(max((abs(bar.yuan) for bar in held), default=0.0) / unit) or 1.0
    # a small hospital's share must not flatten all others
    widest = max([abs(bar.share) for bar in held] + [0.001])
    if limit is not None and min((bar.share for bar in held), default=0.0) < -limit / 2:
        widest = max(widest, 1.1 * limit)
    share_most = _round_up(min(widest, 0.5) * 100) / 100
    money = words("变化（万元）", "change, thousand yuan")
    _head(drawing, _MONEY, money, most, "")
    _head(drawing, _SHARE, words("占原清算额", "share of payment"), share_most * 100, "%")
    loss_fill = drawing.hatch(VERMILION)
    for place, bar in enumerate(held):
        y = _TOP + _ROW * place
        if place % 2 == 0:
            drawing.rect(0, y, WIDTH, _ROW, PALE, opacity=0.6)
        name = fitted(bar.name, _NAME, _SIZE)
        drawing.text(_NAME, y + 23, name, _SIZE, "end")
        fill = BLUE if bar.yuan >= 0 else loss_fill
        over = limit is not None and bar.share < -limit
        _bar(drawing, _MONEY, y, bar.yuan / unit / most, fill,
             _short(bar.yuan / unit, 2 if words.zh else 1), bold=False)  # fmt: skip
        _bar(drawing, _SHARE, y, bar.share / share_most, fill,
             fixed(bar.share * 100, 1, signed=True) + "%", bold=over)  # fmt: skip
    bottom = _TOP + _ROW * len(held)
    for left, right, _ in (_MONEY, _SHARE):
        drawing.line([((left + right) / 2, _TOP), ((left + right) / 2, bottom)], INK, 1.2)
    if limit is not None and limit <= share_most:
        x = (_SHARE[0] + _SHARE[1]) / 2 - (_SHARE[1] - _SHARE[0]) / 2 * limit / share_most
        drawing.line([(x, _TOP - 4), (x, bottom)], VERMILION, 2, "6 4")
    return drawing.svg()


def _head(
    drawing: Drawing, part: tuple[float, float, float], text: str, most: float, sign: str
) -> None:
    """What a column of bars shows, and how far it goes."""
    left, right, end = part
    drawing.text((left + end) / 2, 24, text, _SIZE, "middle", bold=True)
    step = 10.0 ** -_decimals(most)
    for x, value, anchor in ((left, -most, "start"), (right, most, "end")):
        drawing.text(x, 54, tick_text(value, step) + sign, _SMALL, anchor, GREY)


def _bar(
    drawing: Drawing, part: tuple[float, float, float], y: float, length: float, fill: str,
    text: str, *, bold: bool,
) -> None:  # fmt: skip
    left, right, end = part
    middle, half = (left + right) / 2, (right - left) / 2
    drawing.rect(middle, y + 4, max(-1.0, min(1.0, length)) * half, _ROW - 8, fill)
    drawing.text(end, y + 23, text, _SIZE, "end", VERMILION if bold else INK, bold=bold)


def _short(value: float, decimals: int) -> str:
    """A number with its sign, in about five digits."""
    less = 2 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 0
    return fixed(value, max(0, decimals - less), signed=True)


def _round_up(value: float) -> float:
    """The next of 1, 2, 3, 5, 10 ... so that the scale seldom changes while a slider moves."""
    if value <= 0:
        return 0.0
    size = 0.01
    while True:
        for step in (1, 2, 3, 5):
            if value <= size * step * (1 + 1e-9):
                return size * step
        size *= 10


def _decimals(value: float) -> int:
    return 0 if value >= 1 else 1 if value >= 0.1 else 2
