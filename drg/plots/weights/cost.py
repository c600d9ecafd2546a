"""What the cases of one group cost (病组费用分布): the distribution, its trim bounds, its means.

No bar shows fewer than 5 cases. Such bars are merged with their neighbours towards the middle;
a merged bar is hatched and as high as its cases per ordinary interval, so that areas stay
comparable. Where the outermost bar is merged its outer edge is rounded to 1, 2 or 5 times a power
of ten, so that it does not give away the cheapest or dearest case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from drg.cases.privacy import FEWEST
from drg.errors import problem
from drg.language import say
from drg.plots.picture import (
    GREY,
    INK,
    PALE,
    SKY,
    VERMILION,
    Picture,
    cases_text,
    one_two_five,
    picture,
    plain,
)  # fmt: skip
from drg.plots.weights.table import Floats

_PER_DECADE = (5, 10, 20, 40)  # intervals of equal ratio
_LEFT, _WIDTH, _HEIGHT, _BOTTOM = 17.0, 160.0, 78.0, 20.0  # mm
_WORDS = {
    "title": ("{drg} 病例费用分布", "{drg}: cost of the cases"),
    "cases": ("共 {n} 例", "{n} cases"),
    "interval": ("每柱为费用相差 {width} 的一个区间", "one bar an interval of {width} in cost"),
    "merged": ("斜纹柱由相邻区间合并，按每区间平均例数绘制，使每柱不少于 {few} 例",
               "Hatched bars are merged so that none has fewer than {few} cases; "
               "their height is the mean of the intervals"),
    "x": ("病例费用（元，对数刻度）", "Cost of a case (yuan, log scale)"),
    "y": ("病例数（例/区间）", "Cases per interval"),
    "low": ("下限 {yuan} 元", "Lower bound {yuan} yuan"),
    "high": ("上限 {yuan} 元", "Upper bound {yuan} yuan"),
    "under": ("低于下限 {n} 例", "{n} cases below"),
    "over": ("高于上限 {n} 例", "{n} cases above"),
    "raw": ("修剪前均值 {yuan} 元", "Mean before trimming {yuan} yuan"),
    "trimmed": ("修剪后均值 {yuan} 元", "Mean after trimming {yuan} yuan"),
    "about": ("约 {yuan}", "about {yuan}"),
}  # fmt: skip


@dataclass(frozen=True)
class Bars:
    """Bars of a histogram on a logarithmic axis.

    Attributes:
        edges: in log10 yuan, shape (B + 1,).
        cases: in each bar, at least 5, shape (B,).
        merged: bars of more than one interval, or with a rounded edge, shape (B,).
        interval: width of one interval in log10 yuan.
    """

    edges: Floats
    cases: npt.NDArray[np.int64]
    merged: npt.NDArray[np.bool_]
    interval: float

    @property
    def heights(self) -> Floats:
        """Cases per interval, shape (B,)."""
        return np.where(
            self.merged, self.cases * self.interval / np.diff(self.edges), self.cases
        ).astype(float)


@dataclass(frozen=True)
class _Costs:
    drg: str
    name: str
    bars: Bars
    n: int
    bounds: tuple[float | None, float | None]
    outside: tuple[int, int]
    means: tuple[float, float | None]

    @property
    def rounded(self) -> bool:
        """Whether exact means would give away what the few trimmed cases cost."""
        return 0 < sum(self.outside) < FEWEST


def cost_distribution(
    cost: Sequence[float] | Floats | pd.Series[float],
    lower: float | None,
    upper: float | None,
    drg: str,
    name: str | None = None,
    trimmed_mean: float | None = None,
    *,
    lang: str = "zh",
) -> Picture:
    """Draw what the cases of one group cost (费用分布), with trim bounds (修剪界限) and means.

    Small numbers are kept out of sight: see the module. When 1 to 4 cases are outside the bounds
    the two means are rounded to two digits, since exact ones would tell what those cases cost.

    Args:
        cost: of each case in yuan, above 0, shape (N,).
        lower: cases below it are outside, in yuan; None, NaN or 0 when there is no such bound.
        upper: cases above it are outside, in yuan; None, NaN or infinity when there is none.
        drg: code of the group.
        name: name of the group.
        trimmed_mean: mean after trimming in yuan; by default the mean of the cases within the
            bounds.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: fewer than 5 cases, a cost that is not above 0, or bounds in the wrong order.
    """
    found = _costs(np.asarray(cost, np.float64), (lower, upper), drg, name or "", trimmed_mean)
    return picture(lambda page: _draw(page, found), _BOTTOM + _HEIGHT + 36, lang)


def _costs(
    cost: Floats, bounds: tuple[float | None, float | None], drg: str, name: str,
    trimmed_mean: float | None,
) -> _Costs:  # fmt: skip
    if len(cost) < FEWEST:
        raise problem(say(f"不足 {FEWEST} 例，可能指向个人，不作图",
                          f"fewer than {FEWEST} cases could point to persons, no picture is made"),
                      key=drg)  # fmt: skip
    if not (np.isfinite(cost) & (cost > 0)).all():
        raise problem(say("有不是费用的数", "has a cost that is none"), key=drg,
                      expected=say("大于 0 的元数", "yuan above 0"))  # fmt: skip
    low, high = (b if b is not None and np.isfinite(b) and b > 0 else None for b in bounds)
    if low is not None and high is not None and low > high:
        raise problem(say("下限高于上限", "the lower bound is above the upper"), key=drg,
                      found=f"{low:g}, {high:g}")  # fmt: skip
    under = cost < (low or 0.0)
    over = cost > (np.inf if high is None else high)
    kept = cost[~(under | over)]
    if trimmed_mean is None and len(kept):
        trimmed_mean = float(kept.mean())
    outside, means = (int(under.sum()), int(over.sum())), (float(cost.mean()), trimmed_mean)
    return _Costs(drg, name, bars_of(cost), len(cost), (low, high), outside, means)


def bars_of(cost: Floats) -> Bars:
    """Bars of at least 5 cases each, from intervals that depend on nothing but the costs.

    The interval is the one of 1/5, 1/10, 1/20 or 1/40 of a decade nearest to Freedman and
    Diaconis' width; its edges are multiples of itself.
    """
    logs = np.log10(cost)
    spread = float(np.subtract(*np.percentile(logs, [75, 25])))
    wanted = 2 * spread * len(logs) ** (-1 / 3) or 1 / _PER_DECADE[-1]
    per = min(_PER_DECADE, key=lambda k: abs(np.log(wanted * k)))
    first = int(np.floor(logs.min() * per + 1e-9))
    place = np.clip(np.floor(logs * per + 1e-9).astype(np.int64) - first, 0, None)
    counts = np.bincount(place)
    cuts = _cuts(counts)
    edges = (first + np.array(cuts)) / per
    cases = np.add.reduceat(counts, cuts[:-1])
    merged = np.diff(cuts) > 1
    if merged[0]:
        edges[0] = _outward(edges[0], -1)
    if merged[-1]:
        edges[-1] = _outward(edges[-1], 1)
    return Bars(edges, cases, merged, 1 / per)


def _cuts(counts: npt.NDArray[np.int64]) -> list[int]:
    """Where bars begin and end so that each has enough cases, merged from both tails inward."""
    mode = int(counts.argmax())
    left, right = [0], [len(counts)]
    held = 0
    for i in range(mode):
        held += int(counts[i])
        if held >= FEWEST:
            left.append(i + 1)
            held = 0
    held = 0
    for i in range(len(counts) - 1, mode, -1):
        held += int(counts[i])
        if held >= FEWEST:
            right.append(i)
            held = 0
    cuts = [*left, *reversed(right)]
    if counts[left[-1] : right[-1]].sum() < FEWEST:  # the middle is too small itself
        cuts.remove(left[-1] if len(left) > 1 else right[-1])
    return cuts


def _outward(edge: float, way: int) -> float:
    low = 10 ** (edge - 1.1) if way < 0 else 10**edge
    high = 10**edge if way < 0 else 10 ** (edge + 1.1)
    near = one_two_five(low * (1 - 1e-9), high * (1 + 1e-9))
    return float(np.log10(near[-1] if way < 0 else near[0]))


def _draw(page: Picture, found: _Costs) -> None:
    drg, name = page.name(found.drg), page.name(found.name)
    width = f"{10**found.bars.interval - 1:.0%}"
    below = page.say(_WORDS["cases"], n=f"{found.n:,}")
    comma = "；" if page.lang == "zh" else "; "
    below += comma + page.say(_WORDS["interval"], width=width)
    page.heading(page.say(_WORDS["title"], drg=f"{drg} {name}".strip()), below)
    axes = page.axes_at(_LEFT, _BOTTOM, _WIDTH, _HEIGHT)
    low, high = _limits(found)
    axes.set(xscale="log", xlim=(low, high))
    _bars(axes, found.bars)
    _bounds(page, axes, found)
    _means(page, axes, found)
    axes.set_ylim(0, float(found.bars.heights.max()) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ticks = one_two_five(low, high)
    axes.xaxis.set_major_locator(FixedLocator(ticks if len(ticks) < 13 else ticks[::3]))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axes.set_xlabel(page.say(_WORDS["x"]))
    axes.set_ylabel(page.say(_WORDS["y"]))
    if found.bars.merged.any():
        page.write(2, 3, page.fitted(page.say(_WORDS["merged"], few=FEWEST), 7.5, 176), 7.5,
                   color=GREY)  # fmt: skip


def _limits(found: _Costs) -> tuple[float, float]:
    """Limits of the axis in yuan: the bars, and the bounds unless they are far away."""
    low, high = 10 ** found.bars.edges[0], 10 ** found.bars.edges[-1]
    least, most = low / 5, high * 5
    for value in (*found.bounds, *found.means):
        if value is not None and least < value < most:
            low, high = min(low, value), max(high, value)
    margin = (high / low) ** 0.04
    widen = max(1.0, (8 / (high / low)) ** 0.5)
    return float(low / margin / widen), float(high * margin * widen)


def _bars(axes: Axes, bars: Bars) -> None:
    left, right = 10 ** bars.edges[:-1], 10 ** bars.edges[1:]
    for merged in (False, True):
        of = bars.merged == merged
        axes.bar(
            left[of], bars.heights[of], (right - left)[of], align="edge", color=SKY,
            edgecolor="white" if not merged else GREY, linewidth=0.5,
            hatch="////" if merged else None, alpha=0.85, zorder=2,
        )  # fmt: skip


def _bounds(page: Picture, axes: Axes, found: _Costs) -> None:
    """Bounds as dashed lines, what is outside them shaded; labels stand above the axes."""
    limits = axes.get_xlim()
    ends: list[float] = []
    for i, (bound, words, count) in enumerate(
        zip(found.bounds, ("low", "high"), ("under", "over"), strict=True)
    ):
        if bound is None:
            continue
        shown = min(max(bound, limits[0]), limits[1])
        if limits[0] <= bound <= limits[1]:
            axes.axvline(bound, color=INK, linewidth=1.1, linestyle=(0, (5, 3)), zorder=4)
        axes.axvspan(limits[i], shown, color=PALE, zorder=0, linewidth=0)
        lines = (
            page.say(_WORDS[words], yuan=f"{bound:,.0f}"),
            page.say(_WORDS[count], n=cases_text(found.outside[i])) + _share(page, found, i),
        )
        width = max(page.width_of(line, 8.5) for line in lines)
        at = _LEFT + _WIDTH * float(np.log(shown / limits[0]) / np.log(limits[1] / limits[0]))
        left = at - width - 1 if i == 0 else at + 1
        left = min(max(left, 2.0), 178 - width)
        if ends and left < ends[0] + 4:
            left = min(ends[0] + 4, 178 - width)
        ends.append(left + width)
        for line, y in zip(lines, (6.0, 2.0), strict=True):
            page.write(left, _BOTTOM + _HEIGHT + y, line, 8.5)


def _share(page: Picture, found: _Costs, i: int) -> str:
    few = 0 < found.outside[i] < FEWEST
    share = f"{found.outside[i] / found.n:.1%}"
    return "" if few else f"（{share}）" if page.lang == "zh" else f" ({share})"


def _means(page: Picture, axes: Axes, found: _Costs) -> None:
    """Means as lines with a mark at their foot; what they are stands in a row above."""
    looks = (("raw", VERMILION, (0, (1, 1.2)), "s", 0.1), ("trimmed", INK, "-", "D", 0.03))
    key = page.axes_at(0, _BOTTOM + _HEIGHT + 12, 180, 8)
    key.set(xlim=(0, 180), ylim=(0, 8))
    key.axis("off")
    x = _LEFT
    for mean, (words, colour, line, shape, foot) in zip(found.means, looks, strict=True):
        if mean is None:
            continue
        value = float(f"{mean:.1e}") if found.rounded else mean
        yuan = page.say(_WORDS["about"], yuan=f"{value:,.0f}") if found.rounded else f"{value:,.0f}"
        text = page.say(_WORDS[words], yuan=yuan)
        axes.axvline(value, color=colour, linewidth=1.6, linestyle=line, zorder=5)
        axes.plot([value], [foot], marker=shape, color=colour, markersize=6, zorder=6,
                  markeredgecolor="white", transform=axes.get_xaxis_transform())  # fmt: skip
        key.plot([x, x + 9], [4, 4], color=colour, linewidth=1.6, linestyle=line)
        key.plot([x + 4.5], [4], marker=shape, color=colour, markersize=6, markeredgecolor="white")
        page.write(x + 11, _BOTTOM + _HEIGHT + 14.9, text, 9, fontweight="bold")
        x += 20 + page.width_of(text, 9, bold=True)
