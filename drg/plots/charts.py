"""The charts of reports (统计图): bars, shares, lines with bands, points; they read in grey too.

What colour says is said by a pattern, a shape or a label as well. Names and texts come as they
are to be read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from drg.plots.labels import place_labels
from drg.plots.picture import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    RULE,
    SKY,
    VERMILION,
    WIDTH,
    Picture,
    drawing,
)

Band = Sequence[tuple[float, float]]
SERIES: tuple[tuple[str, Any, str], ...] = (  # colour, dashes, mark
    (BLUE, "-", "o"), (VERMILION, (0, (6, 2)), "s"), (GREEN, (0, (1, 1.5)), "^"),
    (ORANGE, (0, (6, 2, 1, 2)), "D"), (GREY, (0, (3, 2)), "v"), (SKY, "-", "P"),
)  # fmt: skip
_FILLS = ((BLUE, ""), (VERMILION, "////"), ("#7A7A7A", "...."), ("#C9C9C9", ""), (SKY, "\\\\\\\\"),
          (INK, ""))  # fmt: skip
_NAMES, _BAR, _SMALL = 52.0, 3.6, 7.5  # mm, mm, points
_EDGE = "#FFFFFF"


def bars(
    items: Sequence[tuple[str, Sequence[float], Sequence[str]]], legend: Sequence[str], unit: str,
    lang: str, *, base: float = 0.0, sides: bool = False,
    mark: float | Sequence[float] | None = None, reach: tuple[float, float] | None = None,
    width: float = WIDTH, column: bool = False,
) -> Picture:  # fmt: skip
    """Bars that lie: one group an item, one bar a value, with the value as text at its end.

    Args:
        items: name, values (NaN has no bar) and values as texts.
        legend: what each bar of a group is; with ``sides`` what lies right and left of the base.
        unit: of the values.
        lang: ``zh`` or ``en``.
        base: where bars begin.
        sides: colour by the side of the base; the values of an item share one line.
        mark: a value to be marked by a dashed line, such as a limit, or one of each item.
        reach: least and greatest value of the axis; by default those of the items.
        width: of the picture in mm.
        column: whether the texts stand in a column at the right, not at the ends of the bars.
    """
    depth = 1 if sides else max(len(values) for _, values, _ in items)
    row = depth * _BAR + (1.9 if depth > 1 else 1.2)
    body = row * max(len(items), 1)
    marks = np.broadcast_to(np.array(math.nan if mark is None else mark), len(items)).tolist()

    def draw(page: Picture) -> None:  # without axes: they take longer than all the rest
        names = min(max((page.width_of(n, 8) for n, _, _ in items), default=0.0) + 3, _NAMES,
                    0.4 * width)  # fmt: skip
        texts = [page.width_of(t, _SMALL) for _, _, said in items for t in said]
        room = max(texts, default=0.0) + 2
        found = [v for _, vs, _ in items for v in vs if math.isfinite(v)]
        low, high = reach or (min(found, default=0.0), max(found, default=0.0))
        low, high = min(low, base), max(high, base)
        left = names + (room if low < base and not column else 0)
        right = width - (room if high > base or column else 3)
        scale, top = (right - left) / (high - low if high > low else 1.0), 9 + body

        def across(value: float) -> float:
            return left + (min(max(value, low), high) - low) * scale

        def line(x: Sequence[float], y: Sequence[float], **look: Any) -> None:
            page.add_artist(Line2D(x, y, transform=page.mm, **look))

        for value in MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high):
            if low <= value <= high:
                line([across(value)] * 2, [8.3, top], color=PALE, linewidth=0.6, zorder=0)
                page.write(across(value), 4.6, _number(value), _SMALL, ha="center")
        line([left, right], [9, 9], color=RULE, linewidth=0.7)
        for place, (name, values, said) in enumerate(items):
            upper = top - place * row - 0.6
            page.write(names - 2, upper - (row - 1.2) / 2 - 1.1,
                       page.fitted(page.name(name), 8, names - 2), ha="right")  # fmt: skip
            for number, (value, text) in enumerate(zip(values, said, strict=True)):
                y = upper - (1 if sides else number + 1) * _BAR
                known = value if math.isfinite(value) else base
                if math.isfinite(value):
                    _box(page, (across(base), y + 0.3), across(value) - across(base), _BAR - 0.6,
                         int(value < base) if sides else number, transform=page.mm)  # fmt: skip
                x = width - 1 if column else across(known) + (1 if known >= base else -1)
                page.write(x, y + _BAR / 2 - 0.95, text, _SMALL,
                           ha="left" if known >= base and not column else "right",
                           **({"bbox": _PATCH} if math.isfinite(marks[place]) else {}))  # fmt: skip
        line([across(base)] * 2, [9, top], color=INK, linewidth=0.8, zorder=4)
        for place, value in enumerate(marks):
            if low <= value <= high:
                line([across(value)] * 2, [top - place * row, top - (place + 1) * row], color=INK,
                     linewidth=1.3, linestyle=(0, (3, 1.5)), zorder=3)  # fmt: skip
        _legend(page, legend, unit)

    return drawing(draw, body + 17, lang, width)


def shares(
    items: Sequence[tuple[str, Sequence[float]]], legend: Sequence[str], lang: str
) -> Picture:
    """Bars of 100%, cut into parts, each part with its share where there is room.

    Args:
        items: name and shares that add up to 1.
        legend: what the parts are.
        lang: ``zh`` or ``en``.
    """
    row, body = 7.0, 7.0 * len(items)

    def draw(page: Picture) -> None:
        names = min(max(page.width_of(name, 8) for name, _ in items) + 3, _NAMES)
        axes = page.axes_at(names, 7, WIDTH - names - 3, body)
        axes.set(xlim=(0, 1), ylim=(body, 0))
        _plain(axes)
        for place, (name, parts) in enumerate(items):
            y, x = place * row + 0.7, 0.0
            page.write(names - 2, 7 + body - y - row / 2 - 0.4,
                       page.fitted(page.name(name), 8, names - 2), ha="right")  # fmt: skip
            for fill, part in enumerate(parts):
                _box(axes, (x, y), part, row - 1.4, fill)
                text = f"{100 * part:.1f}%"
                if part * (WIDTH - names - 3) > page.width_of(text, 8) + 2:
                    axes.text(x + part / 2, y + row / 2 - 0.7, text, fontsize=8, ha="center",
                              va="center", color="white" if fill == 0 else INK, zorder=5,
                              bbox=None if fill == 0 else _PATCH)  # fmt: skip
                x += part
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f}%"))
        _legend(page, legend, "")

    return drawing(draw, body + 15, lang)


_PATCH = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.9}


def lines(
    at: Sequence[str], series: Sequence[tuple[str, Sequence[float], Band]], unit: str, lang: str, *,
    zero: bool = False, band: str = "", height: float = 62.0,
) -> Picture:  # fmt: skip
    """Lines over years or months, the first two on top, with the band in which they lie.

    Args:
        at: labels along the axis.
        series: name, values (NaN leaves a gap), and low and high of the band (empty without).
        unit: of the values.
        lang: ``zh`` or ``en``.
        zero: whether the axis holds zero, with a line there.
        band: what the bands are, for the legend.
        height: of the picture in mm.
    """

    def draw(page: Picture) -> None:
        rows = _legend(page, [name for name, _, _ in series], unit, lines=True, band=band)
        axes = page.axes_at(19, 8, WIDTH - 24, height - 15 - 5 * rows)
        places = np.arange(len(at))
        for number, (_, values, ends) in reversed(list(enumerate(series))):
            colour, dash, shape = SERIES[number % len(SERIES)]
            known = [(x, a, b) for x, (a, b) in enumerate(ends) if math.isfinite(a + b)]
            if known:
                x, least, most = (np.array(one) for one in zip(*known, strict=True))
                axes.fill_between(x, least, most, color=colour, alpha=0.14, linewidth=0, zorder=1)
                shift = 0.02 * number
                axes.errorbar(x + shift, (least + most) / 2, yerr=(most - least) / 2, fmt="none",
                              ecolor=colour, elinewidth=0.8, capsize=2.5, zorder=2)  # fmt: skip
            axes.plot(places, np.array(values, float), color=colour, linestyle=dash, marker=shape,
                      linewidth=1.8 if number < 2 else 1.1, markersize=4.5, zorder=3,
                      markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
        axes.set_xlim(-0.4, len(at) - 0.6)
        axes.set_xticks(places, list(at))
        if zero:
            low, high = axes.get_ylim()
            axes.set_ylim(min(float(low), 0.0), max(float(high), 0.0))
            axes.axhline(0, color=INK, linewidth=0.8, zorder=2)
        axes.grid(axis="y", color=PALE, linewidth=0.6, zorder=0)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        _numbers(axes.yaxis)

    return drawing(draw, height, lang)


def scatter(
    points: Sequence[tuple[float, float, int, str]], titles: tuple[str, str],
    legend: Sequence[str], cross: tuple[float, float], lang: str,
) -> Picture:  # fmt: skip
    """Points with a shape by kind, a cross of reference lines, and names at the outermost.

    Args:
        points: across, up, kind (its place in the legend) and name.
        titles: of the axes.
        legend: what the kinds are.
        cross: where the reference lines are.
        lang: ``zh`` or ``en``.
    """

    def draw(page: Picture) -> None:
        axes = page.axes_at(17, 13, WIDTH - 22, 74)
        x, y = (np.array([p[i] for p in points], float) for i in (0, 1))
        for kind in range(len(legend)):
            of = np.array([p[2] == kind for p in points], bool)
            colour, _, shape = SERIES[kind % len(SERIES)]
            axes.scatter(x[of], y[of], s=32, c=colour, marker=shape, edgecolors="white",
                         linewidths=0.5, zorder=4)  # fmt: skip
        for value, line in zip(cross, (axes.axvline, axes.axhline), strict=True):
            line(value, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
        axes.margins(0.09)
        axes.autoscale_view()
        for axis, title in zip((axes.xaxis, axes.yaxis), titles, strict=True):
            axis.set_label_text(title)
            axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
        axes.set_xlim(axes.get_xlim())
        axes.set_ylim(axes.get_ylim())
        far = np.argsort(-np.abs(y - cross[1]), kind="stable")[:14].tolist()
        names = [page.fitted(page.name(p[3]), 6.5, 42) for p in points]
        place_labels(page, axes, y, x, np.full(len(points), 32.0), far, names)
        _legend(page, legend, "", lines=True)

    return drawing(draw, 98, lang)


def _box(
    on: Axes | Picture, at: tuple[float, float], width: float, height: float, fill: int, **more: Any
) -> None:
    colour, hatch = _FILLS[fill % len(_FILLS)]
    on.add_artist(Rectangle(at, width, height, facecolor=colour, hatch=hatch, edgecolor=_EDGE,
                            linewidth=0.0 if not hatch else 0.2, zorder=3, **more))  # fmt: skip


def _plain(axes: Axes) -> None:
    """No upright axis and no frame."""
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(axis="x", length=2, labelsize=_SMALL)


def _numbers(axis: object) -> None:
    """Round numbers with thousands separators and a true minus sign."""
    axis.set_major_formatter(FuncFormatter(lambda v, _: _number(v)))  # type: ignore[attr-defined]


def _number(value: float) -> str:
    return f"{round(value, 10) + 0.0:,.10g}".replace("-", "\N{MINUS SIGN}")


def _legend(
    page: Picture, texts: Sequence[str], unit: str, *, lines: bool = False, band: str = ""
) -> int:
    """The legend in rows at the top of the picture; how many rows it took beyond the first."""
    x, y, rows = 1.0, page.height - 4.0, 0
    edge = page.width - (page.width_of(unit, 8) + 4 if unit else 0)
    for place, text in enumerate([*texts, *([band] if band else [])]):
        said = page.fitted(page.name(text), 8, 80)
        wide = (11 if lines else 6) + page.width_of(said, 8) + 5
        if x > 1 and x + wide > edge:
            x, y, rows = 1.0, y - 5, rows + 1
        if place == len(texts):
            page.add_artist(Rectangle((x, y - 1.4), 9, 2.8, color=BLUE, alpha=0.2, linewidth=0,
                                      transform=page.mm))  # fmt: skip
        elif lines:
            colour, dash, shape = SERIES[place % len(SERIES)]
            page.add_artist(Line2D([x, x + 4.5, x + 9], [y] * 3, color=colour, linestyle=dash,
                                   linewidth=1.6, marker=shape, markevery=[1], markersize=4.5,
                                   markeredgecolor="white", transform=page.mm))  # fmt: skip
        else:
            _box(page, (x, y - 1.4), 4, 2.8, place, transform=page.mm)
        page.write(x + (11 if lines else 6), y - 1.1, said)
        x += wide
    if unit:
        page.write(page.width - 1, page.height - 5.1, unit, ha="right", color=GREY)
    return rows
