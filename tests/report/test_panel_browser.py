"""The panel report in a browser: on a screen, on a telephone, and printed to PDF.

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
from drg.report.panel.write import write_report
from tests import chromium
from tests.once import once
from tests.report import panel_folder
from tests.report.pages import MISSING

HOSPITALS = 40
LONG = "一个名字很长需要换行的" * 8 + "医院"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium.needed("pypdf")
    with chromium.browser() as driver:
        yield driver


@pytest.fixture(scope="module", params=["zh", "en"])
def page(request) -> Path:
    def make(folder: Path) -> None:
        made = panel_folder.make(folder / "d", hospitals=HOSPITALS, names=[LONG])
        write_report(made, folder / f"{request.param}.html", request.param,
                     annex=folder / f"{request.param}-annex.html")  # fmt: skip

    return once(f"panel-{request.param}", make) / f"{request.param}.html"


@pytest.fixture(scope="module")
def annex(page: Path) -> Path:
    return page.with_name(f"{page.stem}-annex.html")


def show(browser: Any, page: Path, width: int) -> None:
    chromium.resize(browser, width, 900, mobile=width < 600)
    browser.get(page.as_uri())
    browser.execute_async_script("document.fonts.ready.then(arguments[0])")


@pytest.mark.parametrize("width", [1280, 390])
def test_it_shows_without_an_error_and_fits(browser, page, width):
    show(browser, page, width)
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []
    across = browser.execute_script("return document.documentElement.scrollWidth")
    assert across <= width, "only boxes scroll sideways"
    charts = browser.execute_script(
        "return [...document.querySelectorAll('svg')].map(s => {const r = "
        "s.getBoundingClientRect(); return [r.width, r.height, s.querySelectorAll('text').length]})"
    )
    assert len(charts) >= 6
    assert all(w >= 300 and h >= 60 and texts >= 3 for w, h, texts in charts)


def test_texts_of_charts_stay_inside(browser, page):
    show(browser, page, 1280)
    outside = browser.execute_script(
        "return [...document.querySelectorAll('svg')].flatMap(s => {const b = s.viewBox.baseVal;"
        "return [...s.querySelectorAll('text')].filter(t => {const r = t.getBBox();"
        "const m = t.getCTM(), k = s.getCTM(), x = (m.e - k.e) / k.a, y = (m.f - k.f) / k.d;"
        "return Math.abs(m.b) < 1e-6 && (x + r.x < -3 || x + r.x + r.width > b.width + 3 || "
        "y + r.y + r.height > b.height + 6)})"
        ".map(t => s.parentElement.parentElement.id + ': ' + t.textContent)})"
    )
    assert outside == []


def test_no_glyph_is_missing(browser, page):
    if open_font() is None:
        pytest.skip("no open font with Chinese is installed: install fonts-noto-cjk")
    show(browser, page, 1280)
    loaded = browser.execute_script(
        "return [...document.fonts].filter(f => f.status == 'loaded').map(f => f.family)"
    )
    assert any("Panel Sans" in family for family in loaded)
    assert browser.execute_script(MISSING) == []


def printed(browser: Any, page: Path) -> list[str]:
    """The texts of the sheets of paper."""
    pypdf = pytest.importorskip("pypdf", reason="pypdf is missing: pip install '.[tests]'")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get(page.as_uri())
    held = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = pypdf.PdfReader(io.BytesIO(base64.b64decode(held["data"])))
    width, height = (float(x) for x in pdf.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842)
    return [re.sub(r"\s+", "", one.extract_text()) for one in pdf.pages]


def test_it_prints_on_eight_sheets_and_the_annex_whole(browser, page, annex):
    texts = printed(browser, page)
    assert len(texts) <= 8
    assert ("依据" if page.stem == "zh" else "Whatitrestson") in texts[0], "page 1 stands alone"
    more = printed(browser, annex)
    for some in (texts, more):
        assert not any(not text for text in some), "no page is empty"
        assert f"1/{len(some)}" in some[0]
        whole = "".join(some)
        for place in range(1, HOSPITALS):
            assert f"测试市第{place + 1}医院" in whole
    head = "次均费用" if page.stem == "zh" else "Averagecost"
    assert sum(head in text for text in more) >= 3


def test_no_row_and_no_chart_is_higher_than_a_sheet(browser, page):
    show(browser, page, 700)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    highest = browser.execute_script(
        "return Math.max(...[...document.querySelectorAll('tr, figure, article, .figures')]"
        ".map(e => e.getBoundingClientRect().height))"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert highest < 262 / 25.4 * 96, "A4 less its margins, in CSS pixels"


def test_no_table_is_wider_than_a_sheet(browser, page):
    show(browser, page, 703)  # A4 less its margins
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    wide = browser.execute_script(
        "return [...document.querySelectorAll('table')].filter(t => "
        "t.getBoundingClientRect().width > 704).map(t => t.caption.textContent)"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert wide == [], "the browser shrinks the whole print when one is"
