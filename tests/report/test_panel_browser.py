"""The panel report in a browser: on a screen, on a telephone, and printed to PDF.

Runs with Debian's chromium and chromedriver; nothing is downloaded.
"""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drg.page.fonts import open_font
from drg.report.panel.write import write_report
from tests.report import panel_folder

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
HOSPITALS = 40
LONG = "一个名字很长需要换行的" * 8 + "医院"

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not (shutil.which(BROWSER) and shutil.which(DRIVER)):
        pytest.skip(f"no {BROWSER} or no {DRIVER}: install Debian's chromium and chromium-driver")
    pytest.importorskip("selenium", reason="selenium is missing: pip install '.[tests]'")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    os.environ |= {"SE_OFFLINE": "true", "SE_AVOID_BROWSER_DOWNLOAD": "true",
                   "SE_AVOID_STATS": "true"}  # fmt: skip
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module", params=["zh", "en"])
def page(request, tmp_path_factory) -> Path:
    folder = panel_folder.make(
        tmp_path_factory.mktemp("browser") / "d", hospitals=HOSPITALS, names=[LONG]
    )
    return write_report(folder, folder.parent / f"{request.param}.html", request.param).page


def show(browser: Any, page: Path, width: int) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600,
    })  # fmt: skip
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
    assert len(charts) >= 12
    assert all(w >= 300 and h >= 60 and texts >= 3 for w, h, texts in charts)


def test_texts_of_charts_stay_inside(browser, page):
    show(browser, page, 1280)
    outside = browser.execute_script(
        "return [...document.querySelectorAll('svg')].flatMap(s => {const b = s.viewBox.baseVal;"
        "return [...s.querySelectorAll('text')].filter(t => {const r = t.getBBox();"
        "return r.x < -3 || r.x + r.width > b.width + 3 || r.y + r.height > b.height + 6})"
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


def test_it_prints_whole(browser, page):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is missing: pip install '.[tests]'")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get(page.as_uri())
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = pypdf.PdfReader(io.BytesIO(base64.b64decode(printed["data"])))
    assert 12 <= len(pdf.pages) <= 60
    width, height = (float(x) for x in pdf.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842)
    texts = [re.sub(r"\s+", "", one.extract_text()) for one in pdf.pages]
    whole = "".join(texts)
    for place in range(1, HOSPITALS):
        assert f"测试市第{place + 1}医院" in whole
    lang_zh = page.stem == "zh"
    head = "DRG应付" if lang_zh else "PayablebyDRG"
    repeated = [n for n, text in enumerate(texts) if head in text]
    assert len(repeated) >= 3, "the head of a long table stands on every page"
    assert not any(not text for text in texts), "no page is empty"
    assert f"1/{len(texts)}" in texts[0]


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
