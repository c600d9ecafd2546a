"""The ladder of severities of one ADRG (严重程度阶梯): do weights fall from MCC to CC to none?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation, Transform

from drg.errors import problem
from drg.language import say
from drg.plots.picture import BLUE, GREY, INK, PALE, VERMILION, Picture, cases_text, picture
from drg.plots.weights.table import Floats, Weights, by_group, column

_MOST = 12
_LEFT, _WIDTH, _HEIGHT, _BOTTOM = 17.0, 160.0, 80.0, 33.0  # mm
_SEVERITIES = {
    "1": ("伴严重并发症或合并症", "with MCC"),
    "3": ("伴并发症或合并症", "with CC"),
    "5": ("不伴并发症或合并症", "without CC"),
    "9": ("不区分严重程度", "undivided"),
}
_ORDER = "135"
_WORDS = {
    "title": ("{adrg} 各严重程度病组的权重", "{adrg}: weights by severity"),
    "final": ("最终权重", "Final weight"),
    "interval": ("置信区间", "Confidence interval"),
    "raw": ("原始权重", "Raw weight"),
    "inverted": ("倒挂", "Inversion"),
    "y": ("权重", "Relative weight"),
    "cases": ("{n} 例", "{n} cases"),
    "no_weight": ("无权重", "no weight"),
    "worse": ("倒挂：{a} 权重 {wa} 低于 {b} 权重 {wb}（{by}）",
              "Inversion: {a} weighs {wa}, less than {b} with {wb} ({by})"),
    "mended": ("原始权重倒挂，最终权重已消除：{a} {wa} 低于 {b} {wb}",
               "Inversion of raw weights, none in the final ones: {a} {wa} under {b} {wb}"),
    "fine": ("无倒挂：权重随严重程度依次降低或持平", "No inversion: weights follow severity"),
    "single": ("只有一个可比的病组，无从比较严重程度", "One group: nothing to compare"),
}  # fmt: skip


@dataclass(frozen=True)
class _Ladder:
    """The DRGs of one ADRG in order of severity; arrays of shape (D,), NaN where unknown."""

    adrg: str
    codes: list[str]
    names: list[str]
    weight: Floats
    low: Floats
    high: Floats
    raw: Floats
    cases: Floats

    def neighbours(self, weights: Floats) -> list[tuple[int, int]]:
        """Neighbours in severity that have weights: the more severe, the less severe."""
        of = [i for i, code in enumerate(self.codes) if np.isfinite(weights[i])]
        kinds = [self.codes[i][-1:] for i in of]
        return [
            (a, b)
            for (a, b), (one, two) in zip(pairwise(of), pairwise(kinds), strict=True)
            if self.codes[a][:-1] == self.codes[b][:-1] and one != two and {one, two} <= {*_ORDER}
        ]

    def inversions(self, weights: Floats) -> list[tuple[int, int]]:
        """Neighbours of which the more severe weighs less."""
        return [(a, b) for a, b in self.neighbours(weights) if weights[a] < weights[b] - 1e-9]


def ladder(
    table: Weights, adrg: str, members: Sequence[str] | None = None, *, lang: str = "zh"
) -> Picture:
    """Draw the weights of an ADRG's groups by severity (MCC, CC, none; last character 1, 3, 5).

    Shows intervals where the table has ``ci_low`` and ``ci_high``, the weight before smoothing
    where it has ``raw_weight``, and inversions (倒挂) in words, with dashed red lines.

    Args:
        table: the weights.
        adrg: code of the ADRG; its groups' codes begin with it.
        members: codes of the groups, when they do not begin with ``adrg``.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: a group is not in the table, none has a weight, or there are more than 12.
    """
    found = _ladder(table, adrg, members)
    messages = len(_inverted(found))
    height = _BOTTOM + _HEIGHT + 25 + 5 * max(messages, 1)
    return picture(lambda page: _draw(page, found), height, lang)


def _ladder(table: Weights, adrg: str, members: Sequence[str] | None) -> _Ladder:
    frame = by_group(table)
    codes = [str(c) for c in members] if members is not None else [
        c for c in frame.index if len(c) == len(adrg) + 1 and c.startswith(adrg)
    ]  # fmt: skip
    missing = [code for code in codes if code not in frame.index]
    if missing:
        raise problem(say("不在权重表中", "is not in the table of weights"), key=missing[0])
    codes = sorted(set(codes), key=lambda c: (c[:-1], (_ORDER + "9").find(c[-1:]) % 9, c))
    frame = frame.loc[codes]
    weight = column(frame, "weight")
    if not np.isfinite(weight).any():
        raise problem(say("其病组都没有权重", "no group of it has a weight"), key=adrg)
    if len(codes) > _MOST:
        raise problem(
            say("病组太多，画不下", "has too many groups for a picture"),
            key=adrg,
            found=len(codes),
            expected=say(f"不超过 {_MOST} 个", f"{_MOST} or fewer"),
        )
    names = frame["name"].tolist() if "name" in frame.columns else [""] * len(codes)
    low, high, raw, cases = (column(frame, c) for c in ("ci_low", "ci_high", "raw_weight", "cases"))
    return _Ladder(adrg, codes, names, weight, low, high, raw, cases)


def _inverted(found: _Ladder) -> list[tuple[bool, int, int]]:
    """Inversions, (still in the final weights, the more severe, the less severe)."""
    final = found.inversions(found.weight)
    mended = [pair for pair in found.inversions(found.raw) if pair not in final]
    return [*((True, *pair) for pair in final), *((False, *pair) for pair in mended)]


def _draw(page: Picture, found: _Ladder) -> None:
    axes = page.axes_at(_LEFT, _BOTTOM, _WIDTH, _HEIGHT)
    n = len(found.codes)
    axes.set_xlim(-0.5, max(n, 2) - 0.5) if n > 1 else axes.set_xlim(-1, 1)
    tops = np.concatenate([found.weight, found.high, found.raw])
    axes.set_ylim(0, float(np.nanmax(tops)) * 1.14 or 1.0)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.xaxis.set_major_locator(FixedLocator([]))
    axes.grid(axis="y", color=PALE, linewidth=0.5, zorder=0)
    axes.set_ylabel(page.say(_WORDS["y"]))
    inverted = found.inversions(found.weight)
    _links(page, axes, found, inverted)
    wrong = {i for pair in inverted for i in pair}
    for i in range(n):
        _rung(page, axes, found, i, wrong=i in wrong)
        _foot(page, axes, found, i)
    _top(page, found)


def _links(page: Picture, axes: Axes, found: _Ladder, inverted: list[tuple[int, int]]) -> None:
    """Lines from each severity to the next; an inversion is dashed and named."""
    for a, b in found.neighbours(found.weight):
        wrong = (a, b) in inverted
        style: dict[str, Any] = {"color": GREY, "linewidth": 0.9}
        if wrong:
            style = {"color": VERMILION, "linewidth": 1.8, "linestyle": (0, (3, 1.5))}
        axes.plot([a, b], found.weight[[a, b]], zorder=2, **style)
        if wrong:
            axes.annotate(
                page.say(_WORDS["inverted"]), ((a + b) / 2, float(found.weight[[a, b]].mean())),
                xytext=(0, 0), textcoords="offset points", ha="center", va="center", zorder=3,
                fontsize=8.5, fontweight="bold", color=VERMILION,
                bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": VERMILION,
                      "linewidth": 0.8},
            )  # fmt: skip


def _rung(page: Picture, axes: Axes, found: _Ladder, i: int, *, wrong: bool) -> None:
    """One group: its weight and interval, its raw weight beside them, with their numbers."""
    weight, raw = float(found.weight[i]), float(found.raw[i])
    if not np.isfinite(weight):
        axes.annotate(page.say(_WORDS["no_weight"]), (i, 0), xytext=(0, 8), ha="center",
                      textcoords="offset points", color=GREY, fontsize=9)  # fmt: skip
        return
    small = len(found.codes) > 6
    colour = VERMILION if wrong else BLUE
    if np.isfinite(found.low[i]) and np.isfinite(found.high[i]):
        reach = [[max(0.0, weight - found.low[i])], [max(0.0, found.high[i] - weight)]]
        axes.errorbar([i], [weight], yerr=reach, color=colour, capsize=5, linewidth=1.4, zorder=3)
    axes.plot([i], [weight], marker="s" if wrong else "o", color=colour, markersize=8, zorder=5,
              markeredgecolor="white")  # fmt: skip
    size = 7.5 if small else 10
    rises = any(a == i for a, _ in found.inversions(found.weight))
    place, side = ((8, -3), "top") if rises else ((8, 3), "bottom")
    if small:
        place = (0, -7 if rises else 7)
    axes.annotate(f"{weight:,.4f}", (i, weight), xytext=place, textcoords="offset points",
                  fontsize=size, fontweight="bold", zorder=6, va=side, bbox=_BACK,
                  ha="center" if small else "left")  # fmt: skip
    if np.isfinite(raw):
        aside = -14
        axes.scatter([i], [raw], s=42, marker="D", facecolors="white", edgecolors=INK,
                     linewidths=1.1, zorder=4, transform=_shifted(page, axes, aside))  # fmt: skip
        axes.annotate(f"{raw:,.4f}", (i, raw), xytext=(aside - 7, 0), textcoords="offset points",
                      fontsize=size - 1.5, color=GREY, ha="right", va="center", zorder=4,
                      bbox=_BACK)  # fmt: skip


_BACK = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


def _shifted(page: Picture, axes: Axes, points: float) -> Transform:
    """The place of data, moved to the right by some points."""
    return axes.transData + ScaledTranslation(points / 72, 0, page.dpi_scale_trans)


def _foot(page: Picture, axes: Axes, found: _Ladder, i: int) -> None:
    """What stands under a group: code, severity, cases, name."""
    left, right = axes.get_xlim()
    x = _LEFT + _WIDTH * (i - left) / (right - left)
    room = min(_WIDTH / (right - left) - 3, 70)
    y = _BOTTOM - 5
    code = found.codes[i]
    page.write(x, y, page.fitted(page.name(code), 10, room, bold=True), 10, ha="center",
               fontweight="bold")  # fmt: skip
    if np.isfinite(found.cases[i]):
        y -= 4.5
        cases = page.say(_WORDS["cases"], n=cases_text(found.cases[i]))
        page.write(x, y, page.fitted(cases, 8, room), 8, ha="center")
    texts = [page.say(_SEVERITIES[code[-1]])] if code[-1:] in _SEVERITIES else []
    texts += [page.name(found.names[i])] if page.name(found.names[i]) else []
    for most, text, colour in zip((2, 3), texts, (INK, GREY), strict=False):
        for line in page.wrapped(text, 7.5, room, most):
            y -= 4
            page.write(x, y, line, 7.5, ha="center", color=colour)


def _top(page: Picture, found: _Ladder) -> None:
    """The title, what is inverted in words, and what the marks mean."""
    page.write(2, page.height - 7, page.fitted(
        page.say(_WORDS["title"], adrg=page.name(found.adrg)), 13, 176), 13, fontweight="bold",
    )  # fmt: skip
    y = page.height - 13.5
    inverted = _inverted(found)
    for still, a, b in inverted:
        of = found.weight if still else found.raw
        text = page.say(
            _WORDS["worse" if still else "mended"], a=page.name(found.codes[a]),
            b=page.name(found.codes[b]), wa=f"{of[a]:,.4f}", wb=f"{of[b]:,.4f}",
            by=f"{of[a] / of[b] - 1:+.1%}",
        )  # fmt: skip
        page.write(2, y, page.fitted(text, 9, 176, bold=still), 9,
                   color=VERMILION if still else INK,
                   fontweight="bold" if still else "normal")  # fmt: skip
        y -= 5
    if not inverted:
        comparable = found.neighbours(found.weight)
        page.write(2, y, page.say(_WORDS["fine" if comparable else "single"]), 9, color=GREY)
    _legend(page, found)


def _legend(page: Picture, found: _Ladder) -> None:
    key = page.axes_at(0, _BOTTOM + _HEIGHT + 4, 180, 8)
    key.set(xlim=(0, 180), ylim=(0, 8))
    key.axis("off")
    parts: list[tuple[str, dict[str, Any]]] = [
        ("final", {"marker": "o", "color": BLUE, "markersize": 8, "markeredgecolor": "white"})
    ]
    if found.inversions(found.weight):
        parts.append(("inverted", {"marker": "s", "color": VERMILION, "markersize": 8,
                                   "markeredgecolor": "white"}))  # fmt: skip
    if np.isfinite(found.low).any():
        parts.append(("interval", {"marker": "|", "color": INK, "markersize": 11,
                                   "markeredgewidth": 1.4}))  # fmt: skip
    if np.isfinite(found.raw).any():
        parts.append(("raw", {"marker": "D", "color": INK, "markersize": 6,
                              "markerfacecolor": "white"}))  # fmt: skip
    x = _LEFT + 2
    for words, style in parts:
        key.plot([x], [4], linestyle="none", **style)
        text = page.say(_WORDS[words])
        page.write(x + 4, _BOTTOM + _HEIGHT + 6.9, text, 8.5)
        x += 14 + page.width_of(text, 8.5)
