"""A report as one HTML page: self-contained, for a screen, a telephone and A4 paper."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from drg.page.blocks import Chart, Report
from drg.page.cells import grid
from drg.page.fonts import FALLBACK, FAMILY, Font, carried
from drg.page.words import Words
from drg.plots.inline import inline_svg
from drg.tables.atomic import write_text

FONTS = "/* fonts */\n"  # where the characters of a page go


@functools.cache
def environment() -> Environment:
    """The templates; what stands in them is escaped unless it is marked as safe."""
    made = Environment(loader=PackageLoader("drg.page"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    made.globals |= {"kind_of": lambda one: type(one).__name__, "parted": _parted,
                     "fonts": Markup(f'"{FAMILY}", {FALLBACK}')}  # ours # nosec B704 # fmt: skip
    return made


def rendered(template: str, words: Words, **values: Any) -> str:
    """A template filled in."""
    made = environment().get_template(template, globals={
        "words": words, "grid": lambda table: grid(table, words), "svg": _svg,
    })  # fmt: skip
    return made.render(**values)


def pages(reports: Sequence[Report], words: Words, font: Font | None) -> list[str]:
    """Reports as HTML texts that carry their characters, when there is a font to take."""
    made = [rendered("page.html.j2", words, report=report) for report in reports]
    css = carried(font, "".join(map(shown_text, made)))
    return [text.replace(FONTS, css, 1) for text in made]


def write_page(path: Path, text: str) -> None:
    """Write a page, whole or not at all.

    Raises:
        DrgError: the file cannot be written.
    """
    write_text(path, text)


def shown_text(markup: str) -> str:
    """All characters that HTML or SVG shows."""
    return unescape(re.sub(r"<[^>]*>", "", markup))


def _svg(chart: Chart) -> Markup:
    made = inline_svg(chart.picture, chart.key, chart.title, chart.about)
    return Markup(made)  # matplotlib's SVG, its texts escaped # nosec B704


def _parted(value: str) -> tuple[str, str, str]:
    """A large figure and its unit, which stands in small type."""
    return value.partition(" ")
