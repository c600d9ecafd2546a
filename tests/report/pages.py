"""Pages as tests read them: their tags and texts, their tables, and what a browser shows."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests import chromium

# Draws each character by the page's own font and by none, and compares it with a missing glyph.
MISSING = """
const text = [...new Set([...document.body.innerText])].filter(c => c.trim());
const family = 'Panel Sans';
const canvas = document.createElement('canvas'); canvas.width = canvas.height = 48;
const pen = canvas.getContext('2d', {willReadFrequently: true});
const drawn = c => { pen.clearRect(0, 0, 48, 48); pen.font = `32px "${family}"`;
  pen.fillText(c, 4, 36); return pen.getImageData(0, 0, 48, 48).data.join(); };
const boxes = new Set(['\\uFFFE', '\\u{10FFFD}', '\\uE0FF'].map(drawn));
return text.filter(c => boxes.has(drawn(c)) || !/[1-9]/.test(drawn(c)));
"""


class Page(HTMLParser):
    """Tags, attributes, shown text and tables of a page.

    Attributes:
        tables: caption -> rows of cells, headings first.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.shown: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._at = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "caption":
            self._at, self._caption = tag, ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._at = tag
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self._rows = self.tables[self._caption] = []
        if tag in ("caption", "th", "td"):
            self._at = ""

    def handle_data(self, data: str) -> None:
        self.shown.append(data)
        if self._at == "caption":
            self._caption += data
        elif self._at:
            self._rows[-1][-1] += data


def show(browser: Any, page: Path, width: int) -> None:
    """Open a page in a window of a width."""
    chromium.resize(browser, width, 900, mobile=width < 600)
    browser.get(page.as_uri())
    browser.execute_async_script("document.fonts.ready.then(arguments[0])")
