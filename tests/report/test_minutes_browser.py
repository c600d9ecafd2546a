"""The minutes in a browser: on a projector, on a telephone, and printed to PDF.

Runs with Debian's chromium and chromedriver; nothing is downloaded.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drg.page.fonts import open_font
from drg.report.minutes.write import write
from tests import chromium
from tests.once import once
from tests.report.minutes_round import played
from tests.report.pages import MISSING, show


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium.needed("pypdf")
    with chromium.browser() as driver:
        yield driver


@pytest.fixture(scope="module", params=["zh", "en"])
def page(request) -> Path:
    name = f"{request.param}.html"
    return once(f"minutes-{request.param}", lambda folder: write(
        played(offer=True), folder / name, request.param
    )) / name  # fmt: skip


@pytest.mark.parametrize("width", [1280, 390])
def test_it_shows_without_an_error_and_fits(browser, page, width):
    show(browser, page, width)
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []
    across = browser.execute_script("return document.documentElement.scrollWidth")
    assert across <= width, "only boxes scroll sideways"
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('p, li, dd')].filter(e => e.innerText.trim())"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 12
    outside = browser.execute_script(
        "return [...document.querySelectorAll('svg')].flatMap(s => {const b = s.viewBox.baseVal;"
        "return [...s.querySelectorAll('text')].filter(t => {const r = t.getBBox();"
        "return r.x < -3 || r.x + r.width > b.width + 3}).map(t => t.textContent)})"
    )
    assert outside == []


def test_no_glyph_is_missing(browser, page):
    if open_font() is None:
        pytest.skip("no open font with Chinese is installed: install fonts-noto-cjk")
    show(browser, page, 1280)
    assert browser.execute_script(MISSING) == []


def test_it_prints_whole_on_a4(browser, page):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is missing: pip install '.[tests]'")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get(page.as_uri())
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = pypdf.PdfReader(io.BytesIO(base64.b64decode(printed["data"])))
    width, height = (float(x) for x in pdf.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842)
    texts = [re.sub(r"\s+", "", one.extract_text()) for one in pdf.pages]
    assert 6 <= len(texts) <= 16
    assert all(texts), "no page is empty"
    zh = page.stem == "zh"
    last = "变动最大的权重" if zh else "Thelargestchangesofweights"
    assert last in texts[0], "the first page holds the whole summary"
    second = "谈判规则及出处" if zh else "Rulesandtheirsources"
    assert second in texts[1]
    assert second not in texts[0], "and nothing else"
    assert ("签字" if zh else "Signatures") in "".join(texts[-2:])


def test_no_table_is_wider_and_no_row_higher_than_a_sheet(browser, page):
    show(browser, page, 695)  # A4 less its margins, in CSS pixels
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    wide, high = browser.execute_script(
        "const all = q => [...document.querySelectorAll(q)].map(e => e.getBoundingClientRect());"
        "return [Math.max(...all('table').map(r => r.right)),"
        " Math.max(...all('tr, figure, article, .figures').map(r => r.height))]"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert wide <= 696, "no table is cut at the edge of the paper"
    assert high < 262 / 25.4 * 96


def test_no_border_is_clipped_at_the_edge_of_the_paper(browser, page):
    show(browser, page, 703)  # A4 less its margins, in CSS pixels
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    left, right, edge = browser.execute_script(
        "const all = [...document.querySelectorAll('.figures li, .card')].map("
        "e => e.getBoundingClientRect()); return [Math.min(...all.map(r => r.left)),"
        " Math.max(...all.map(r => r.right)), document.documentElement.clientWidth]"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert left >= 1
    assert right <= edge - 1
