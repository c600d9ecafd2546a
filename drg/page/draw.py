"""Drawing the panel report's charts as SVG: lines, bars and texts that read in grey print too.

Colours are those that colour-blind readers tell apart (Okabe and Ito 2008); what colour says is
said by a pattern, a shape or a label as well.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from html import escape

from drg.page.fonts import FALLBACK, FAMILY

WIDTH = 720.0  # units across; an A4 page without its margins
INK, GREY, RULE, PALE = "#1a1a1a", "#4d4d4d", "#c4c4c4", "#ececec"
BLUE, VERMILION, ORANGE, SKY, GREEN = "#0072b2", "#d55e00", "#e69f00", "#56b4e9", "#009e73"
# of a series: colour, dashes of its line, shape of its mark
SERIES = (
    (BLUE, "", "circle"),
    (VERMILION, "9 4", "square"),
    (GREEN, "2 3", "triangle"),
    (ORANGE, "9 3 2 3", "diamond"),
    (GREY, "4 2", "circle"),
)
_SIZE = 12.0


class Drawing:
    """One chart, in units of which 720 go across.

    Args:
        key: names it; ids inside the SVG begin with it.
        height: of the chart.
        title: what it shows.
        about: the same in words.
    """

    def __init__(self, key: str, height: float, title: str, about: str) -> None:
        self.key, self.height, self.title, self.about = key, height, title, about
        self._parts: list[str] = []
        self._patterns: dict[str, str] = {}

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        stroke: str = "",
        opacity: float = 1.0,
    ) -> None:
        """A rectangle; a negative width goes to the left."""
        if width < 0:
            x, width = x + width, -width
        more = f' stroke="{stroke}" stroke-width="0.8"' if stroke else ""
        more += f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" '
            f'height="{_n(height)}" fill="{fill}"{more}/>'
        )

    def line(
        self,
        points: Sequence[tuple[float, float]],
        stroke: str = RULE,
        width: float = 1,
        dash: str = "",
    ) -> None:
        """A line through points."""
        at = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        more = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{at}" fill="none" stroke="{stroke}" '
            f'stroke-width="{width:g}"{more}/>'
        )

    def area(self, points: Sequence[tuple[float, float]], fill: str, opacity: float = 1.0) -> None:
        """A filled shape."""
        at = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(f'<polygon points="{at}" fill="{fill}" fill-opacity="{opacity:g}"/>')

    def mark(self, x: float, y: float, shape: str, fill: str, size: float = 4.5) -> None:
        """A mark at a point: circle, square, triangle or diamond, with a white rim."""
        rim = 'stroke="#ffffff" stroke-width="0.9"'
        if shape == "circle":
            self._parts.append(
                f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{size:g}" fill="{fill}" {rim}/>'
            )
            return
        s = size
        around = {
            "square": ((-s, -s), (s, -s), (s, s), (-s, s)),
            "triangle": ((0, -1.25 * s), (1.15 * s, 0.85 * s), (-1.15 * s, 0.85 * s)),
            "diamond": ((0, -1.4 * s), (1.4 * s, 0), (0, 1.4 * s), (-1.4 * s, 0)),
        }[shape]
        at = " ".join(f"{_n(x + dx)},{_n(y + dy)}" for dx, dy in around)
        self._parts.append(f'<polygon points="{at}" fill="{fill}" {rim}/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = _SIZE,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
        halo: bool = False,
    ) -> None:
        """A text; ``y`` is its baseline. A halo keeps it readable over lines."""
        more = ' font-weight="700"' if bold else ""
        more += f' text-anchor="{anchor}"' if anchor != "start" else ""
        if halo:
            more += (
                ' stroke="#ffffff" stroke-width="3" paint-order="stroke" stroke-linejoin="round"'
            )
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{size:g}" fill="{fill}"{more}>'
            f"{escape(text)}</text>"
        )

    def hatch(self, colour: str, kind: str = "lines") -> str:
        """A pattern as a fill: ``lines`` (rising), ``back`` (falling) or ``dots``."""
        name = f"{self.key}-{kind}-{colour[1:]}"
        if kind == "dots":
            inside = '<circle cx="3" cy="3" r="1.3" fill="#ffffff"/>'
        else:
            way = (
                "M-1,7 L7,-1 M-1,1 L1,-1 M5,7 L7,5"
                if kind == "lines"
                else ("M-1,-1 L7,7 M5,-1 L7,1 M-1,5 L1,7")
            )
            inside = f'<path d="{way}" stroke="#ffffff" stroke-width="1.3"/>'
        self._patterns[name] = (
            f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<rect width="6" height="6" fill="{colour}"/>{inside}</pattern>'
        )
        return f"url(#{name})"

    def key_row(self, x: float, y: float, items: Sequence[tuple[str, str]]) -> None:
        """A legend in one row: fill and text of each item; it breaks at the right edge."""
        left = x
        for fill, text in items:
            wide = 18 + width_of(text) + 18
            if left > x and left + wide > WIDTH:
                left, y = x, y + 18
            self.rect(left, y - 9.5, 12, 11, fill, GREY)
            self.text(left + 18, y, text)
            left += wide

    def svg(self) -> str:
        """The chart as an SVG element that stands in a page or in a file of its own."""
        key = escape(self.key)
        patterns = "".join(self._patterns[name] for name in sorted(self._patterns))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {_n(self.height)}" '
            f'role="img" aria-labelledby="{key}-t {key}-d" '
            f"font-family='{escape(_families(), quote=False)}'>"
            f'<title id="{key}-t">{escape(self.title)}</title>'
            f'<desc id="{key}-d">{escape(self.about)}</desc>'
            + (f"<defs>{patterns}</defs>" if patterns else "")
            + "\n".join(self._parts)
            + "</svg>"
        )


def _families() -> str:
    return f'"{FAMILY}", {FALLBACK}'


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"


def width_of(text: str, size: float = _SIZE) -> float:
    """Width of a text in units, a little too large rather than too small."""
    ems = sum(
        1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.66 if c.isupper() else 0.57
        for c in text
    )
    return ems * size


def fitted(text: str, width: float, size: float = _SIZE) -> str:
    """A text cut, with an ellipsis, to a width."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from ``low`` to ``high``, at most ``most`` steps apart."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    step = 10.0 ** math.floor(math.log10(span / most))
    step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= most)
    first = math.ceil(low / step - 1e-9)
    return [(first + i) * step for i in range(int((high - first * step) / step + 1e-9) + 1)]


def tick_text(value: float, step: float) -> str:
    """A round number at an axis, with the digits that its step needs."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    text = f"{abs(value):,.{decimals}f}"
    return ("\N{MINUS SIGN}" if value < 0 and any(c in "123456789" for c in text) else "") + text
