"""Charts of a settled year: ranked bars, stacked bars, lines by month, points by hospital."""

from __future__ import annotations

import math
from collections.abc import Sequence

from drg.page.draw import (
    BLUE,
    GREY,
    INK,
    PALE,
    RULE,
    SERIES,
    VERMILION,
    WIDTH,
    Drawing,
    fitted,
    tick_text,
    ticks,
    width_of,
)

_ROW = 20.0


def ranked_bars(
    key: str, title: str, about: str, items: Sequence[tuple[str, float, str]], unit: str,
    legend: tuple[str, str], reach: tuple[float, float] | None = None,
) -> str:  # fmt: skip
    """Bars to the right for gains and to the left for losses, one a name.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        items: name, value and the value as text, from top to bottom.
        unit: of the values.
        legend: what bars to the right and to the left are.
        reach: least and greatest value of the axis; by default those of the items.
    """
    names = min(max(width_of(name) for name, _, _ in items) + 10, 250)
    texts = max(width_of(text, 11) for _, _, text in items) + 8
    values = [value for _, value, _ in items]
    least, most = reach or (min(values), max(values))
    least, most = min(least, 0.0), max(most, 0.0)
    left = names + (texts if least < 0 else 4)
    right = WIDTH - (texts if most > 0 else 4)
    scale = (right - left) / ((most - least) or 1.0)
    zero = left - least * scale
    draw = Drawing(key, 44 + _ROW * len(items) + 26, title, about)
    up, down = BLUE, draw.hatch(VERMILION)
    draw.key_row(0, 14, [(up, legend[0]), (down, legend[1])])
    top, bottom = 30.0, 34 + _ROW * len(items)
    marks = ticks(least, most)
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    for value in marks:
        x = zero + value * scale
        draw.line([(x, top), (x, bottom)], PALE if value else GREY)
        draw.text(x, bottom + 14, tick_text(value, step), 10.5, "middle", GREY)
    draw.text(WIDTH, 14, unit, 11, "end", GREY)
    for row, (name, value, text) in enumerate(items):
        y = top + 4 + _ROW * row
        draw.text(names - 8, y + 11.5, fitted(name, names - 8), anchor="end")
        draw.rect(zero, y + 2, value * scale, _ROW - 7, up if value >= 0 else down)
        end = zero + value * scale
        if value >= 0:
            draw.text(end + 4, y + 11.5, text, 11, halo=True)
        else:
            draw.text(end - 4, y + 11.5, text, 11, "end", halo=True)
    draw.line([(zero, top), (zero, bottom)], INK)
    return draw.svg()


def paired_bars(
    key: str, title: str, about: str, items: Sequence[tuple[str, Sequence[float], Sequence[str]]],
    legend: Sequence[str], unit: str,
) -> str:  # fmt: skip
    """Groups of bars from zero, one bar a series, each with its value.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        items: name, values and values as texts; NaN has no bar.
        legend: what each bar of a group is.
        unit: of the values.
    """
    names = min(max(width_of(name) for name, _, _ in items) + 12, 220)
    texts = max((width_of(t, 11) for _, _, said in items for t in said), default=20) + 8
    most = max((v for _, vs, _ in items for v in vs if math.isfinite(v)), default=1.0) or 1.0
    scale = (WIDTH - names - texts) / most
    bar, gap = 15.0, 12.0
    depth = len(legend) * bar + gap
    draw = Drawing(key, 40 + depth * len(items), title, about)
    fills = _fills(draw)[: len(legend)]
    draw.key_row(0, 14, list(zip(fills, legend, strict=True)))
    draw.text(WIDTH, 14, unit, 11, "end", GREY)
    for place, (name, values, said) in enumerate(items):
        y = 32 + depth * place
        draw.text(names - 10, y + (depth - gap) / 2 + 4, fitted(name, names - 10), anchor="end")
        for row, (value, text) in enumerate(zip(values, said, strict=True)):
            at = y + row * bar
            if math.isfinite(value):
                draw.rect(names, at + 1, value * scale, bar - 3, fills[row])
                draw.text(names + value * scale + 4, at + bar - 4, text, 11)
            else:
                draw.text(names + 4, at + bar - 4, text, 11, fill=GREY)
    draw.line([(names, 28), (names, 28 + depth * len(items))], INK)
    return draw.svg()


def shares(
    key: str, title: str, about: str, items: Sequence[tuple[str, Sequence[float]]],
    legend: Sequence[str],
) -> str:  # fmt: skip
    """Bars of 100%, cut into parts, each part with its share where there is room.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        items: name and shares that add up to 1.
        legend: what the parts are.
    """
    names = min(max(width_of(name) for name, _ in items) + 12, 220)
    across = WIDTH - names - 6
    rows = 1 + (sum(36 + width_of(text) for text in legend) > WIDTH)
    top = 12.0 + 18 * rows
    depth = 28.0
    draw = Drawing(key, top + depth * len(items) + 24, title, about)
    fills = [BLUE, draw.hatch(VERMILION), draw.hatch("#7a7a7a", "dots"), "#c9c9c9"][: len(legend)]
    draw.key_row(0, 14, list(zip(fills, legend, strict=True)))
    for place, (name, parts) in enumerate(items):
        y, x = top + depth * place, names
        draw.text(names - 10, y + 16, fitted(name, names - 10), anchor="end")
        for fill, part in zip(fills, parts, strict=True):
            wide = across * part
            draw.rect(x, y + 2, wide, depth - 8, fill, "#ffffff")
            text = f"{100 * part:.1f}%"
            room = width_of(text, 11) + 8
            if wide > room:
                if fill != BLUE:
                    draw.rect(x + wide / 2 - room / 2, y + 5, room, depth - 14, "#ffffff")
                shade = "#ffffff" if fill == BLUE else INK
                draw.text(x + wide / 2, y + 16, text, 11, "middle", shade, bold=True)
            x += wide
    bottom = top + depth * len(items)
    for i in range(5):
        x = names + across * i / 4
        draw.text(x, bottom + 12, f"{25 * i}%", 10.5, "middle" if i < 4 else "end", GREY)
    return draw.svg()


def lines(
    key: str, title: str, about: str, at: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]], unit: str,
) -> str:  # fmt: skip
    """Lines over months or years from zero, each with its own dashes and marks.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        at: labels along the axis.
        series: name and values; NaN leaves a gap.
        unit: of the values.
    """
    height, left, right, top, bottom = 270.0, 58.0, WIDTH - 14, 40.0, 234.0
    most = max((v for _, vs in series for v in vs if math.isfinite(v)), default=1.0) or 1.0
    draw = Drawing(key, height, title, about)
    high = _axis(draw, 0.0, most, left, right, top, bottom)[1]
    x = 0.0
    for (name, _), (colour, dash, shape) in zip(series, SERIES, strict=False):
        draw.line([(x, 12), (x + 30, 12)], colour, 2.2, dash)
        draw.mark(x + 15, 12, shape, colour)
        draw.text(x + 36, 16, name)
        x += 36 + width_of(name) + 22
    draw.text(WIDTH, 16, unit, 11, "end", GREY)
    step = (right - left) / max(len(at), 1)
    for place, label in enumerate(at):
        draw.text(left + step * (place + 0.5), bottom + 18, label, 11, "middle", GREY)
    for (_, values), (colour, dash, shape) in zip(series, SERIES, strict=False):
        points = [(left + step * (i + 0.5), bottom - (bottom - top) * v / high)
                  for i, v in enumerate(values) if math.isfinite(v)]  # fmt: skip
        draw.line(points, colour, 2.2, dash)
        for px, py in points:
            draw.mark(px, py, shape, colour)
    return draw.svg()


def scatter(
    key: str, title: str, about: str, points: Sequence[tuple[float, float, int, str]],
    axes: tuple[str, str], legend: Sequence[str], cross: tuple[float, float],
) -> str:  # fmt: skip
    """Points with a shape by kind, a cross of reference lines, and names at the outermost.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        points: across, up, kind (its place in the legend) and name.
        axes: titles of the axes.
        legend: what the kinds are.
        cross: where the reference lines are.
    """
    height, left, right, top, bottom = 380.0, 58.0, WIDTH - 20, 44.0, 326.0
    draw = Drawing(key, height, title, about)
    low_x, high_x = _bounds([p[0] for p in points] + [cross[0]])
    low_y, high_y = _bounds([p[1] for p in points] + [cross[1]])
    _axis(draw, low_y, high_y, left, right, top, bottom, exact=True)

    def to(px: float, py: float) -> tuple[float, float]:
        return (left + (right - left) * (px - low_x) / (high_x - low_x),
                bottom - (bottom - top) * (py - low_y) / (high_y - low_y))  # fmt: skip

    marks = ticks(low_x, high_x, 8)
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    for value in marks:
        x = to(value, low_y)[0]
        draw.text(x, bottom + 17, tick_text(value, step), 11, "middle", GREY)
    draw.text((left + right) / 2, bottom + 38, axes[0], 12, "middle")
    draw.text(0, 36, axes[1], 12)
    x, y = to(*cross)
    draw.line([(x, top), (x, bottom)], GREY, 1, "3 3")
    draw.line([(left, y), (right, y)], GREY, 1, "3 3")
    x = WIDTH
    for kind, text in reversed(list(enumerate(legend))):
        x -= width_of(text) + 16
        draw.text(x, 14, text)
        draw.mark(x - 9, 10, SERIES[kind % 5][2], SERIES[kind % 5][0], 5)
        x -= 22
    for px, py, kind, _ in points:
        draw.mark(*to(px, py), SERIES[kind % 5][2], SERIES[kind % 5][0], 5)
    taken: list[tuple[float, float, float, float]] = [
        (cx - 5, cy - 5, cx + 5, cy + 5) for cx, cy in (to(p[0], p[1]) for p in points)
    ]
    far = sorted(points, key=lambda p: -abs(p[1] - cross[1]) / (high_y - low_y))[:14]
    for px, py, _, name in far:
        _label(draw, to(px, py), fitted(name, 170, 10.5), taken, (left, top, right, bottom))
    return draw.svg()


def _label(
    draw: Drawing, at: tuple[float, float], text: str,
    taken: list[tuple[float, float, float, float]], window: tuple[float, float, float, float],
) -> None:  # fmt: skip
    """Write a name beside a point where it covers nothing; leave it out where it would."""
    wide = width_of(text, 10.5)
    for dx, dy in ((8, 4), (-8 - wide, 4), (-wide / 2, -9), (-wide / 2, 17)):
        x, y = at[0] + dx, at[1] + dy
        box = (x, y - 10, x + wide, y + 3)
        inside = (box[0] >= window[0] and box[2] <= window[2] and box[1] >= window[1]
                  and box[3] <= window[3])  # fmt: skip
        clear = all(box[2] <= t[0] or box[0] >= t[2] or box[3] <= t[1] or box[1] >= t[3]
                    for t in taken)  # fmt: skip
        if inside and clear:
            draw.text(x, y, text, 10.5, halo=True)
            taken.append(box)
            return


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _fills(draw: Drawing) -> list[str]:
    return [BLUE, draw.hatch(VERMILION), draw.hatch("#7a7a7a", "dots"), "#c9c9c9"]


def _axis(
    draw: Drawing, low: float, high: float, left: float, right: float, top: float, bottom: float,
    *, exact: bool = False,
) -> tuple[float, float]:  # fmt: skip
    """An upright axis with lines across; gives the range that it shows."""
    marks = ticks(low, high, 5)
    step = marks[1] - marks[0] if len(marks) > 1 else (high - low) or 1.0
    if not exact:
        if marks[-1] < high - 1e-9 * abs(high):
            marks.append(marks[-1] + step)
        if marks[0] > low + 1e-9 * abs(low):
            marks.insert(0, marks[0] - step)
        low, high = marks[0], marks[-1]
    for value in marks:
        y = bottom - (bottom - top) * (value - low) / ((high - low) or 1.0)
        draw.line([(left, y), (right, y)], RULE if value else INK, 0.8)
        draw.text(left - 7, y + 4, tick_text(value, step), 11, "end", GREY)
    return low, high
