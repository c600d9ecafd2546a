"""Debian's Chromium without a window, to look at pages as people do; nothing is downloaded.

Every browser has a profile of its own, and waits long: another process may keep the cores busy.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
PATIENCE = 240.0  # seconds until something is taken not to come


def needed(*packages: str) -> None:
    """Skip, and say why, where the browser or a Python package is missing."""
    for name in ("selenium", *packages):
        pytest.importorskip(name, reason=f"{name} is missing: pip install '.[tests]'")
    if not (shutil.which(BROWSER) and shutil.which(DRIVER)):
        pytest.skip(f"no {BROWSER} or no {DRIVER}: install Debian's chromium and chromium-driver")


def until(found: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What a question is answered with once the answer is yes; asked again and again till then."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if answer := found():
                return answer
            last = None
        except Exception as error:  # noqa: BLE001 - the page is still being built
            last = error
        time.sleep(0.2)
    return pytest.fail(f"not within {seconds:g} s" + (f": {last}" if last else ""))


def _start() -> Any:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service

    os.environ |= {"SE_OFFLINE": "true", "SE_AVOID_BROWSER_DOWNLOAD": "true",
                   "SE_AVOID_STATS": "true"}  # fmt: skip
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for last in (False, False, True):
        try:
            return webdriver.Chrome(options=options, service=Service(DRIVER))
        except WebDriverException:  # it did not come up in the driver's own minute
            if last:
                raise
    raise AssertionError


@contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[Any]:
    """A browser with a window of this size."""
    driver = _start()
    try:
        driver.set_script_timeout(PATIENCE)
        driver.set_page_load_timeout(PATIENCE)
        resize(driver, width, height)
        yield driver
    finally:
        driver.quit()


def resize(driver: Any, width: int, height: int, *, mobile: bool = False) -> None:
    """Give its window another size."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile,
    })  # fmt: skip
