"""A report as one HTML page: self-contained, for a screen, a telephone and A4 paper."""

from __future__ import annotations

import functools
import re
from html import unescape
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from drg.page.blocks import Chart, Report
from drg.page.cells import grid
from drg.page.fonts import FALLBACK, FAMILY, Carried, Font
from drg.page.words import Words
from drg.plots.inline import inline_svg
from drg.tables import atomic_path
from drg.tables.atomic import writing

FONTS = "/* fonts */\n"  # where the characters of a page go


@functools.cache
def environment() -> Environment:
    """The templates; what stands in them is escaped unless it is marked as safe."""
    made = Environment(loader=PackageLoader("drg.page"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    made.globals |= {"kind_of": lambda one: type(one).__name__, "parted": _parted,
                     "fonts": Markup(f'"{FAMILY}", {FALLBACK}')}  # fmt: skip
    return made


def rendered(template: str, words: Words, **values: Any) -> str:
    """A template filled in."""
    made = environment().get_template(template, globals={
        "words": words, "grid": lambda table: grid(table, words), "svg": _svg,
    })  # fmt: skip
    return made.render(**values)


def page(report: Report, words: Words, font: Font | None) -> str:
    """A report as an HTML text that carries its characters, when there is a font to take."""
    text = rendered("page.html.j2", words, report=report)
    shown = shown_text(text)
    return text.replace(FONTS, Carried(font, shown).css(shown), 1)


def write_page(path: Path, report: Report, words: Words, font: Font | None) -> None:
    """Write a report as a page, whole or not at all.

    Raises:
        DrgError: the file cannot be written.
    """
    text = page(report, words, font)
    with atomic_path(path) as partial, writing(path):
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def shown_text(markup: str) -> str:
    """All characters that HTML or SVG shows."""
    return unescape(re.sub(r"<[^>]*>", "", markup))


def _svg(chart: Chart) -> Markup:
    return Markup(inline_svg(chart.picture, chart.key, chart.title, chart.about))


def _parted(value: str) -> tuple[str, str, str]:
    """A large figure and its unit, which stands in small type."""
    return value.partition(" ")
