"""Charts of a projection: fans over years, effects that add up, and what matters most."""

from __future__ import annotations

import math
from collections.abc import Sequence

from drg.page.draw import (
    BLUE,
    GREY,
    INK,
    SERIES,
    VERMILION,
    WIDTH,
    Drawing,
    fitted,
    tick_text,
    ticks,
    width_of,
)
from drg.report.panel.charts import _axis, _fills

Band = Sequence[tuple[float, float]]


def fan(
    key: str, title: str, about: str, years: Sequence[int],
    series: Sequence[tuple[str, Sequence[float], Band]], unit: str, *,
    zero: bool = False, band: str = "",
) -> str:  # fmt: skip
    """Lines over years with the band in which they lie 95 times out of 100.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        years: along the axis.
        series: name, values, and low and high of the band (NaN without).
        unit: of the values.
        zero: whether the axis holds zero.
        band: what the bands are, for the legend.
    """
    shown = series[: len(SERIES)]
    named = min(max((width_of(name, 11) for name, _, _ in shown), default=0) + 14, 170)
    left, right, top = 70.0, WIDTH - (named if len(shown) > 1 else 16), 44.0
    rows = _legend_rows([name for name, _, _ in shown], band)
    top += 18 * (rows - 1)
    bottom = top + 150
    draw = Drawing(key, bottom + 30, title, about)
    numbers = [v for _, vs, b in shown for v in (*vs, *(x for p in b for x in p))
               if math.isfinite(v)] or [0.0, 1.0]  # fmt: skip
    low, high = min(numbers), max(numbers)
    room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    low, high = (min(low, 0.0) if zero else low - room), (max(high, 0.0) if zero else high + room)
    low, high = _axis(draw, low, high, left, right, top, bottom)
    _legend(draw, [name for name, _, _ in shown], band)
    draw.text(WIDTH, top - 10, unit, 11, "end", GREY)
    step = (right - left) / max(len(years), 1)

    def to(place: int, value: float) -> tuple[float, float]:
        return left + step * (place + 0.5), bottom - (bottom - top) * (value - low) / (high - low)

    for place, year in enumerate(years):
        draw.text(left + step * (place + 0.5), bottom + 18, str(year), 11.5, "middle", GREY)
    for number, (_, _, bands) in enumerate(shown):
        _band(draw, [(*to(i, a), to(i, b)[1]) for i, (a, b) in enumerate(bands)
                     if math.isfinite(a + b)], SERIES[number][0], 4.0 * number)  # fmt: skip
    ends = []
    for number in [*range(2, len(shown)), *range(min(2, len(shown)))]:  # those told lie on top
        (name, values, _), (colour, dash, shape) = shown[number], SERIES[number]
        points = [to(i, v) for i, v in enumerate(values) if math.isfinite(v)]
        draw.line(points, colour, 2.4 if number < 2 else 1.6, dash)
        for x, y in points:
            draw.mark(x, y, shape, colour)
        if points:
            ends.append((points[-1][1], points[-1][0], name, colour))
    if len(shown) > 1:
        _ends(draw, ends, right, top, bottom)
    return draw.svg()


def _band(
    draw: Drawing, edges: Sequence[tuple[float, float, float]], colour: str, aside: float
) -> None:
    """A shaded band, and its ends as whiskers, which stand aside so that two bands show."""
    if not edges:
        return
    draw.area([*((x, y) for x, _, y in edges), *((x, y) for x, y, _ in reversed(edges))],
              colour, 0.14)  # fmt: skip
    for x, low, high in edges:
        at = x + aside
        draw.line([(at, low), (at, high)], colour, 1)
        for y in (low, high):
            draw.line([(at - 4, y), (at + 4, y)], colour, 1)


def _ends(
    draw: Drawing, ends: Sequence[tuple[float, float, str, str]], right: float, top: float,
    bottom: float,
) -> None:  # fmt: skip
    """Names of the lines at their right ends, moved apart where they would meet."""
    places: list[float] = []
    for y, _, _, _ in sorted(ends):
        places.append(max(y, places[-1] + 14) if places else y)
    over = max((places[-1] if places else bottom) - bottom, 0.0)
    for place, (y, x, name, colour) in zip(places, sorted(ends), strict=True):
        at = max(place - over, top)
        draw.line([(x + 6, y), (right - 6, at)], colour, 0.8)
        draw.text(right - 2, at + 4, fitted(name, WIDTH - right, 11), 11, fill=colour, halo=True)


def _legend_rows(names: Sequence[str], band: str) -> int:
    x, rows = 0.0, 1
    for text in (*names, *([band] if band else [])):
        wide = 36 + width_of(text) + 22
        if x and x + wide > WIDTH:
            x, rows = 0.0, rows + 1
        x += wide
    return rows


def _legend(draw: Drawing, names: Sequence[str], band: str) -> None:
    x, y = 0.0, 16.0
    for place, text in enumerate((*names, *([band] if band else []))):
        wide = 36 + width_of(text) + 22
        if x and x + wide > WIDTH:
            x, y = 0.0, y + 18
        if place < len(names):
            colour, dash, shape = SERIES[place]
            draw.line([(x, y - 4), (x + 30, y - 4)], colour, 2.2, dash)
            draw.mark(x + 15, y - 4, shape, colour)
        else:
            draw.rect(x, y - 11, 30, 13, BLUE, opacity=0.2)
            draw.line([(x + 15, y - 11), (x + 15, y + 2)], GREY)
        draw.text(x + 36, y, fitted(text, WIDTH - 40))
        x += wide


def effects(
    key: str, title: str, about: str, items: Sequence[tuple[str, Sequence[float], float]],
    legend: Sequence[str], total: str, unit: str, texts: Sequence[Sequence[str]],
) -> str:  # fmt: skip
    """What a change is made of: bars to both sides by effect, and the total as a diamond.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        items: name, effects, and their sum.
        legend: names of the effects.
        total: name of the sum.
        unit: of the values.
        texts: effects, then the sum, as texts, by item.
    """
    names = min(max(width_of(name) for name, _, _ in items) + 12, 200)
    said = max((width_of(t, 11) for row in texts for t in row), default=20) + 10
    values = [v for _, vs, t in items for v in (*vs, t) if math.isfinite(v)]
    least, most = min(values, default=0.0), max(values, default=0.0)
    least, most = min(least, 0.0), max(most, 0.0)
    left, right = names + (said if least < 0 else 0), WIDTH - (said if most > 0 else 6)
    scale = (right - left) / ((most - least) or 1.0)
    zero = left - least * scale
    bar, gap = 13.0, 12.0
    depth = bar * (len(legend) + 1) + gap
    draw = Drawing(key, 52 + depth * len(items) + 18, title, about)
    fills = _fills(draw)[: len(legend)]
    draw.key_row(0, 14, list(zip(fills, legend, strict=True)))
    draw.mark(8, 29, "diamond", INK)
    draw.text(18, 33, total)
    draw.text(WIDTH, 33, unit, 11, "end", GREY)
    bottom = 44 + depth * len(items)
    marks = ticks(least, most)
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    for value in marks:
        x = zero + value * scale
        draw.line([(x, 42), (x, bottom)], "#e4e4e4")
        draw.text(x, bottom + 14, tick_text(value, step), 10.5, "middle", GREY)
    for place, (name, parts, whole) in enumerate(items):
        y = 48 + depth * place
        draw.text(names - 10, y + (depth - gap) / 2 + 4, fitted(name, names - 10), anchor="end")
        for row, value in enumerate((*parts, whole)):
            if not math.isfinite(value):
                continue
            at, end = y + bar * row, zero + value * scale
            if row < len(parts):
                draw.rect(zero, at + 1, value * scale, bar - 3, fills[row])
            else:
                draw.line([(zero, at + bar / 2), (end, at + bar / 2)], INK, 1.4)
                draw.mark(end, at + bar / 2, "diamond", INK)
                end += 5 if value >= 0 else -5
            anchor, beside = ("start", 4) if value >= 0 else ("end", -4)
            draw.text(end + beside, at + bar - 3.5, texts[place][row], 11, anchor,
                      bold=row == len(parts), halo=True)  # fmt: skip
    draw.line([(zero, 42), (zero, bottom)], INK)
    return draw.svg()


def tornado(
    key: str, title: str, about: str,
    items: Sequence[tuple[str, float, float]], base: float, unit: str,
    texts: Sequence[tuple[str, str]],
) -> str:  # fmt: skip
    """From the least to the greatest outcome by assumption, the widest on top.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        items: assumption, and the outcome at the low and the high end of its range.
        base: where the bars part.
        unit: of the outcome.
        texts: the two outcomes as texts.
    """
    names = min(max(width_of(name) for name, _, _ in items) + 12, 240)
    said = max((width_of(t, 11) for pair in texts for t in pair), default=20) + 8
    ends = [v for _, a, b in items for v in (a, b)] + [base]
    least, most = min(ends), max(ends)
    scale = (WIDTH - names - 2 * said) / ((most - least) or 1.0)

    def to(value: float) -> float:
        return names + said + (value - least) * scale

    draw = Drawing(key, max(34 + 24 * len(items) + 8, 84), title, about)
    down = draw.hatch(VERMILION)
    draw.text(WIDTH, 14, unit, 11, "end", GREY)
    for row, (name, low, high) in enumerate(items):
        y = 26 + 24 * row
        draw.text(names - 10, y + 14, fitted(name, names - 10), anchor="end")
        for value in (low, high):
            draw.rect(to(base), y + 3, to(value) - to(base), 15, BLUE if value >= base else down)
        small, large = sorted((low, high))
        by = dict(zip((low, high), texts[row], strict=True))
        draw.text(min(to(small), to(base)) - 4, y + 14, by[small], 11, "end", halo=True)
        draw.text(max(to(large), to(base)) + 4, y + 14, by[large], 11, halo=True)
    draw.line([(to(base), 22), (to(base), 28 + 24 * len(items))], INK)
    return draw.svg()


def ranking(
    key: str, title: str, about: str, items: Sequence[tuple[str, float, float]],
    legend: tuple[str, str],
    bands: Sequence[tuple[float, float]] = (),
) -> str:  # fmt: skip
    """Shares of the uncertainty by assumption: alone, and together with the others.

    Args:
        key: names the chart.
        title: what it shows.
        about: the same in words.
        items: assumption, its share alone and its share in all.
        legend: what the two shares are.
        bands: interval of the share in all; NaN without.
    """
    names = min(max(width_of(name) for name, _, _ in items) + 12, 240)
    ends = [v for _, a, b in items for v in (a, b)] + [high for _, high in bands]
    most = max((v for v in ends if math.isfinite(v)), default=1.0)
    scale = (WIDTH - names - 60) / max(most, 1e-9)
    draw = Drawing(key, 36 + 34 * len(items), title, about)
    pale = draw.hatch(VERMILION)
    draw.key_row(0, 14, [(pale, legend[1]), (BLUE, legend[0])])
    for row, (name, alone, whole) in enumerate(items):
        y = 28 + 34 * row
        draw.text(names - 10, y + 18, fitted(name, names - 10), anchor="end")
        for at, value, fill in ((y + 1, whole, pale), (y + 15, alone, BLUE)):
            if math.isfinite(value):
                wide = max(value, 0.0) * scale
                draw.rect(names, at, wide, 11, fill)
                end = (
                    max(wide, max(bands[row][1], 0.0) * scale)
                    if fill == pale and _known(bands, row)
                    else wide
                )
                draw.text(names + end + 4, at + 10, f"{100 * value:.0f}%", 11)
        if _known(bands, row):
            low, high = (names + max(v, 0.0) * scale for v in bands[row])
            draw.line([(low, y + 6.5), (high, y + 6.5)], "#ffffff", 3)
            draw.line([(low, y + 6.5), (high, y + 6.5)], INK, 1.2)
            for x in (low, high):
                draw.line([(x, y + 3), (x, y + 10)], INK, 1.2)
    draw.line([(names, 24), (names, 26 + 34 * len(items))], INK)
    return draw.svg()


def _known(bands: Sequence[tuple[float, float]], row: int) -> bool:
    return row < len(bands) and math.isfinite(sum(bands[row]))
