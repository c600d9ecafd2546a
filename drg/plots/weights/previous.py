"""Weights against previous weights (本期权重与上期权重): what moves, and how far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter

from drg.cases.privacy import FEWEST
from drg.errors import problem
from drg.language import say
from drg.plots.labels import place_labels
from drg.plots.picture import (
    BLUE,
    GREY,
    INK,
    PALE,
    RULE,
    VERMILION,
    Picture,
    cases_text,
    one_two_five,
    picture,
    plain,
)  # fmt: skip
from drg.plots.weights.table import Floats, Weights, by_group, column, positive, title_of

LISTED = 10
_LABELLED = 60
_ROUNDING = 5e-4  # relative; a rounded weight on the corridor's edge is inside
_ACROSS, _DOWN = 14, 12  # codes in a line of the rest, and lines
_LINE = 4.6  # mm
_SCATTER = 112.0  # mm
_ROW = 5.4  # mm
_INSIDE, _ABOVE, _BELOW = (GREY, "o"), (VERMILION, "^"), (BLUE, "v")
_WORDS = {
    "title": ("本期权重与上期权重对比", "Relative weights against the previous ones"),
    "now": ("本期权重", "Relative weight"),
    "before": ("上期权重", "Previous relative weight"),
    "log": ("{of}（对数刻度）", "{of} (log scale)"),
    "tables": ("本期：{now}　上期：{before}　", "Now: {now}. Previous: {before}. "),
    "each": ("每点为一个病组，点面积与病例数成正比", "One mark a group, its area by cases"),
    "each_equal": ("每点为一个病组", "One mark a group"),
    "groups": ("两表共有病组", "Groups in both tables"),
    "r": ("权重相关系数 r", "Correlation r of weights"),
    "mape": ("平均绝对变动率", "Mean absolute change"),
    "outside": ("超出浮动区间的病组", "Groups outside the corridor"),
    "outside_cases": ("其病例占比", "Their share of cases"),
    "only": ("仅一表有权重的病组", "Groups in only one table"),
    "only_text": ("本期 {now}，上期 {before}", "{now} now, {before} before"),
    "corridor": ("浮动区间 {low}—{high} 倍", "Corridor {low} to {high}"),
    "inside": ("浮动区间内 {n}", "Inside: {n}"),
    "above": ("高于浮动区间 {n}", "Above: {n}"),
    "below": ("低于浮动区间 {n}", "Below: {n}"),
    "up": ("上升 {n}", "Higher: {n}"),
    "down": ("下降 {n}", "Lower: {n}"),
    "same": ("不变 {n}", "Unchanged: {n}"),
    "identity": ("权重不变", "No change"),
    "cases": ("病例数", "Cases"),
    "unnamed": ("图中因拥挤未标的 {n} 个浮动区间外病组见下",
                "{n} groups outside have no space above; see below"),
    "list": ("变动最大的 {n} 个浮动区间外病组",
             "The {n} groups outside the corridor that move most"),
    "list_all": ("变动最大的 {n} 个病组", "The {n} groups that move most"),
    "rest": ("其余浮动区间外病组（按变动幅度）", "The other groups outside, by how far they move"),
    "more": ("等 {n} 个", "+ {n}"),
    "none": ("所有病组的变动都在浮动区间内。", "Every group stays inside the corridor."),
    "code": ("病组", "Group"), "name": ("名称", "Name"), "old": ("上期", "Previous"),
    "new": ("本期", "Now"), "change": ("变动", "Change"),
}  # fmt: skip


@dataclass(frozen=True)
class _Compared:
    """Two tables side by side; arrays of shape (G,) over the groups that both have."""

    codes: list[str]
    now: Floats
    before: Floats
    cases: Floats
    names: list[str]
    only_now: int
    only_before: int
    corridor: tuple[float, float] | None
    titles: tuple[str, str]

    @property
    def ratio(self) -> Floats:
        return self.now / self.before

    @property
    def side(self) -> Floats:
        """1 above the corridor, -1 below it, 0 inside; without one, the sign of the change."""
        low, high = self.corridor or (1.0, 1.0)
        slack = _ROUNDING if self.corridor else 1e-9
        above = self.ratio > high * (1 + slack)
        return above.astype(float) - (self.ratio < low * (1 - slack))

    @property
    def movers(self) -> list[int]:
        """Positions of the groups that leave the corridor, the furthest first."""
        far = np.abs(np.log(self.ratio))
        found = np.flatnonzero(self.side != 0)
        return sorted(found.tolist(), key=lambda i: (-round(float(far[i]), 9), self.codes[i]))


def against_previous(
    table: Weights,
    previous: Weights,
    corridor: tuple[float, float] | None = None,
    names: Mapping[str, str] | None = None,
    *,
    lang: str = "zh",
) -> Picture:
    """Draw each group's weight against its previous weight (本期与上期权重对比).

    Groups outside the corridor are named by code as far as there is space, and the ten that move
    most are listed. Both tables must be on the same scale.

    Args:
        table: the weights.
        previous: the weights before.
        corridor: least and greatest ratio to the previous weight, such as ``(0.9, 1.1)``; a ratio
            that is outside by no more than rounding (0.05%) counts as inside.
        names: names of groups by code, where the table has none.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: no group has a weight in both tables, or the corridor is none.
    """
    found = _compare(table, previous, corridor, names or {})
    rows = min(LISTED, len(found.movers))
    height = 24 + _SCATTER + 14 + (10 + _ROW * (rows + 1) if rows else 10)
    rest = min(len(_rest(found)), _ACROSS * _DOWN)
    height += 8 + _LINE * -(-rest // _ACROSS) if rest else 0
    return picture(lambda page: _draw(page, found), height, lang)


def _compare(
    table: Weights,
    previous: Weights,
    corridor: tuple[float, float] | None,
    names: Mapping[str, str],
) -> _Compared:
    if corridor is not None and not 0 < corridor[0] <= 1 <= corridor[1] < np.inf:
        raise problem(say("不是浮动区间", "is no corridor"), found=corridor,
                      expected=say("1 上下的两个比值", "two ratios around 1"))  # fmt: skip
    now, before = positive(table), positive(previous)
    both = sorted(set(now.index) & set(before.index))
    if not both:
        raise problem(say("两张权重表没有共同的病组",
                          "the two tables of weights have no group in common"))  # fmt: skip
    frame = by_group(table).reindex(both)
    own = frame["name"] if "name" in frame.columns else pd.Series(None, frame.index, dtype=object)
    return _Compared(
        codes=both,
        now=np.array(now.reindex(both), np.float64),
        before=np.array(before.reindex(both), np.float64),
        cases=column(frame, "cases"),
        names=[names.get(code) or (n if isinstance(n, str) else "")
               for code, n in zip(both, own, strict=True)],
        only_now=len(now) - len(both),
        only_before=len(before) - len(both),
        corridor=corridor,
        titles=(title_of(table), title_of(previous)),
    )  # fmt: skip


def _draw(page: Picture, found: _Compared) -> None:
    known = bool(np.isfinite(found.cases).any())
    below = page.say(_WORDS["each" if known else "each_equal"])
    if all(found.titles):
        now, before = map(page.name, found.titles)
        below = page.say(_WORDS["tables"], now=now, before=before) + below
    page.heading(page.say(_WORDS["title"]), below)
    bottom = page.height - 22 - _SCATTER
    axes = page.axes_at(17, bottom, _SCATTER, _SCATTER)
    _frame(page, axes, found)
    areas = _areas(found.cases)
    _marks(axes, found, areas)
    shown = found.movers[:_LABELLED] if found.corridor else found.movers[:LISTED]
    left_out = place_labels(page, axes, found.now, found.before, areas, shown,
                            [page.name(code)[:12] for code in found.codes])  # fmt: skip
    y = _figures(page, found, page.height - 22)
    _legend(page, found, y, known=known)
    unnamed = len(found.movers) - len(shown) + left_out if found.corridor else 0
    _list(page, found, bottom - 14, unnamed)


def _areas(cases: Floats) -> Floats:
    """Area of each mark in square points, by cases where they are known."""
    if not np.isfinite(cases).any():
        return np.full(len(cases), 22.0)
    most = max(float(np.nanmax(cases)), 1.0)
    known = np.where(np.isfinite(cases), np.clip(cases, FEWEST, None), FEWEST)
    return np.maximum(240 * known / most, 8)


def _frame(page: Picture, axes: Axes, found: _Compared) -> None:
    """Equal logarithmic axes, the identity and the corridor."""
    both = np.concatenate([found.now, found.before])
    low, high = float(both.min()) / 1.25, float(both.max()) * 1.25
    widen = max(1.0, (8 / (high / low)) ** 0.5)
    low, high = low / widen, high * widen
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    for axis, words in ((axes.xaxis, "before"), (axes.yaxis, "now")):
        axis.set_major_locator(FixedLocator(_ticks(low, high)))
        axis.set_minor_locator(FixedLocator([]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        axis.set_label_text(page.say(_WORDS["log"], of=page.say(_WORDS[words])))
    axes.grid(color=PALE, linewidth=0.5, zorder=0)
    line = np.array([low, high])
    if found.corridor:
        least, most = found.corridor
        axes.fill_between(line, line * least, line * most, color=PALE, zorder=1, linewidth=0)
        for edge in (least, most):
            axes.plot(line, line * edge, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=2)
    axes.plot(line, line, color=INK, linewidth=0.9, zorder=2)


def _ticks(low: float, high: float) -> list[float]:
    ticks = one_two_five(low, high)
    return ticks if len(ticks) <= 13 else [t for t in ticks if f"{t:.0e}"[0] == "1"]


def _marks(axes: Axes, found: _Compared, areas: Floats) -> None:
    for side, (colour, shape) in ((0, _INSIDE), (1, _ABOVE), (-1, _BELOW)):
        of = np.flatnonzero(found.side == side)
        of = of[np.argsort(-areas[of], kind="stable")]
        axes.scatter(
            found.before[of], found.now[of], s=areas[of], c=colour, marker=shape,
            alpha=0.55 if side == 0 else 0.8, edgecolors="white", linewidths=0.4, zorder=4,
        )  # fmt: skip


def _figures(page: Picture, found: _Compared, y: float) -> float:
    """The key figures beside the scatter; gives the height in mm where they end."""
    n = len(found.codes)
    lines = [("groups", f"{n:,}")]
    spread = n > 2 and min(np.ptp(found.now), np.ptp(found.before)) > 0
    lines.append(("r", f"{np.corrcoef(found.now, found.before)[0, 1]:.3f}" if spread else "—"))
    lines.append(("mape", f"{np.abs(found.ratio - 1).mean():.1%}"))
    if found.corridor:
        outside = found.side != 0
        share = page.say(("（{share}）", " ({share})"), share=f"{outside.mean():.1%}")
        lines.append(("outside", f"{outside.sum():,}{share}"))
        if np.isfinite(found.cases).all() and found.cases.sum() > 0:
            lines.append(("outside_cases", f"{found.cases[outside].sum() / found.cases.sum():.1%}"))
    only = {"now": f"{found.only_now:,}", "before": f"{found.only_before:,}"}
    lines.append(("only", page.say(_WORDS["only_text"], **only)))
    for words, value in lines:
        page.write(137, y - 3, page.say(_WORDS[words]), 8, color=GREY)
        small = words == "only"
        page.write(137, y - 8, value, 9.5 if small else 11, fontweight="bold")
        y -= 11.5
    return y


def _legend(page: Picture, found: _Compared, y: float, *, known: bool) -> None:
    """What the marks, lines and areas mean, drawn in mm."""
    keys = ("inside", "above", "below") if found.corridor else ("same", "up", "down")
    axes = page.axes_at(134, 0, 46, page.height)
    axes.set(xlim=(0, 46), ylim=(0, page.height))
    axes.axis("off")
    y -= 4
    for words, side, (colour, shape) in zip(
        keys, (0, 1, -1), (_INSIDE, _ABOVE, _BELOW), strict=True
    ):
        axes.scatter([6], [y], s=30, c=colour, marker=shape, edgecolors="white", linewidths=0.4)
        text = page.say(_WORDS[words], n=f"{int((found.side == side).sum()):,}")
        page.write(145, y - 1, text, 8)
        y -= 5
    axes.plot([3, 9], [y, y], color=INK, linewidth=0.9)
    page.write(145, y - 1, page.say(_WORDS["identity"]), 8)
    if found.corridor:
        y -= 5
        axes.fill_between([3, 9], y - 1.2, y + 1.2, color=PALE, linewidth=0)
        for edge in (y - 1.2, y + 1.2):
            axes.plot([3, 9], [edge, edge], color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
        low, high = (f"{edge:.4g}" for edge in found.corridor)
        page.write(145, y - 1, page.say(_WORDS["corridor"], low=low, high=high), 8)
    if known and np.nanmax(found.cases) > 0:
        y -= 9
        page.write(137, y, page.say(_WORDS["cases"]), 8, color=GREY)
        most = float(np.nanmax(found.cases))
        for cases in one_two_five(max(most / 30, FEWEST), max(most, FEWEST))[::-3][:3]:
            y -= 6
            area = max(240 * cases / most, 8)
            axes.scatter([6], [y], s=area, c="white", edgecolors=GREY, linewidths=0.8)
            page.write(145, y - 1, f"{cases:,.0f}", 8)


def _list(page: Picture, found: _Compared, y: float, unnamed: int) -> None:
    """The groups that move most, as a small table."""
    movers = found.movers[:LISTED]
    if not movers:
        page.write(2, y - 6, page.say(_WORDS["none"]) if found.corridor else "", 9)
        return
    words = _WORDS["list" if found.corridor else "list_all"]
    page.write(2, y - 5, page.say(words, n=len(movers)), 9.5, fontweight="bold")
    if unnamed:
        page.write(178, y - 5, page.say(_WORDS["unnamed"], n=unnamed), 8, color=GREY, ha="right")
    y -= 11
    edges = (("code", 2, "left"), ("name", 26, "left"), ("cases", 116, "right"),
             ("old", 136, "right"), ("new", 156, "right"), ("change", 178, "right"))  # fmt: skip
    for key, x, side in edges:
        page.write(x, y, page.say(_WORDS[key]), 8, color=GREY, ha=side)
    for i in movers:
        page.add_artist(_rule(page, y - 1.6))
        y -= _ROW
        up = found.side[i] > 0
        cells = (
            page.fitted(page.name(found.codes[i]), 8, 22),
            page.fitted(page.name(found.names[i]), 8, 72),
            cases_text(found.cases[i]), f"{found.now[i] / found.ratio[i]:,.4f}",
            f"{found.now[i]:,.4f}", f"{'▲' if up else '▼'} {found.ratio[i] - 1:+.1%}",
        )  # fmt: skip
        for (key, x, side), cell in zip(edges, cells, strict=True):
            colour = (VERMILION if up else BLUE) if key == "change" else INK
            page.write(x, y, cell, 8, ha=side, color=colour)

    _others(page, found, y - 8)


def _rest(found: _Compared) -> list[int]:
    """Groups outside the corridor beyond those in the table."""
    return found.movers[LISTED:] if found.corridor else []


def _others(page: Picture, found: _Compared, y: float) -> None:
    """The codes of the rest, so that every group outside is named, up to a full page."""
    rest = _rest(found)
    if not rest:
        return
    page.write(2, y, page.say(_WORDS["rest"]), 8, color=GREY)
    most = _ACROSS * _DOWN
    shown = rest if len(rest) <= most else rest[: most - 1]
    step = 176 / _ACROSS
    for k, i in enumerate(shown):
        x, line = 2 + step * (k % _ACROSS), y - _LINE * (1 + k // _ACROSS)
        up = found.side[i] > 0
        page.write(x, line, "▲" if up else "▼", 6, color=VERMILION if up else BLUE)
        page.write(x + 2.6, line, page.fitted(page.name(found.codes[i]), 7, step - 3.4), 7)
    if len(shown) < len(rest):
        more = page.say(_WORDS["more"], n=len(rest) - len(shown))
        page.write(178, y - _LINE * _DOWN, page.fitted(more, 7, step), 7, color=GREY, ha="right")


def _rule(page: Picture, y: float) -> Line2D:
    at = y / page.height
    return Line2D([2 / 180, 178 / 180], [at, at], color=RULE, linewidth=0.5,
                  transform=page.transFigure)  # fmt: skip
