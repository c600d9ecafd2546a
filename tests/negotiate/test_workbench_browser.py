"""The notebook in JupyterLab, driven as a person would: a headless Chromium on a free port."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from tests.chromium import browser, needed, until
from tests.negotiate.lab import ROOT, lab

NOTEBOOK = Path("notebooks") / "02_weight_negotiation.ipynb"
CHART = "return document.querySelector('.drg-bench-chart svg').outerHTML"
IDLE = "[data-status=idle]"
REASON = "新技术使耗材费用上升"


def click(driver, selector: str, text: str) -> None:
    """Click what shows a text."""

    def clicked() -> bool:
        one = next(e for e in driver.find_elements("css selector", selector)
                   if text in e.text and e.is_displayed())  # fmt: skip
        if "drg-bench" in selector:
            driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", one)
        one.click()
        return True

    until(clicked)


def entries(folder: Path) -> list[dict]:
    """The record of the round that the notebook made."""
    files = list(folder.glob("drg-*/round-1/ledger.jsonl"))
    assert len(files) == 1
    return [json.loads(line) for line in files[0].read_text(encoding="utf-8").splitlines()]


def _idle(driver) -> bool:
    """Whether the kernel rests, a moment later."""
    time.sleep(0.1)
    return bool(driver.find_elements("css selector", f".jp-Notebook-ExecutionIndicator{IDLE}"))


def test_a_person_moves_a_slider_and_saves_a_proposal(tmp_path):
    needed("jupyterlab", "ipywidgets")
    from selenium.webdriver.common.keys import Keys

    work, own = tmp_path / "work", tmp_path / "lab"
    shutil.copytree(ROOT / "data_samples", work / "data_samples")
    (work / "notebooks").mkdir()
    shutil.copy(ROOT / NOTEBOOK, work / NOTEBOOK)
    own.mkdir()
    with lab(own, work) as address, browser(1280, 720) as driver:
        driver.get(address.format(path=NOTEBOOK.as_posix()))
        until(lambda: driver.find_elements("css selector", ".jp-Notebook .jp-Cell"))
        until(
            lambda: driver.find_elements("css selector", f".jp-Notebook-ExecutionIndicator{IDLE}")
        )
        click(driver, ".jp-Notebook", "")
        click(driver, ".lm-MenuBar-item", "Run")
        click(driver, ".lm-Menu-item", "Run All Cells")
        until(lambda: driver.find_elements("css selector", ".drg-bench-chart svg"))
        # the last cell has run: minutes are written
        until(lambda: list((own / "tmpdir").glob("drg-*/minutes/minutes.xlsx")))
        until(
            lambda: driver.find_elements("css selector", f".jp-Notebook-ExecutionIndicator{IDLE}")
        )
        before = entries(own / "tmpdir")

        # the first two groups are before panels: nobody proposes for them any more
        handle = driver.find_elements("css selector", ".drg-bench .noUi-handle")[2]
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
        place, drawn = (
            int(float(handle.get_attribute("aria-valuenow"))),
            driver.execute_script(CHART),
        )
        handle.send_keys(*[Keys.ARROW_LEFT] * 4)
        until(lambda: driver.execute_script(CHART) != drawn)
        moved = f"{place - 4:+d}.0%".replace("-", "−")
        until(lambda: driver.find_elements("css selector", ".drg-bench .rowname")[2].text
              .startswith(moved))  # fmt: skip

        reason = driver.find_element("css selector", ".drg-bench input[placeholder^='理由']")
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", reason)
        reason.send_keys(REASON, Keys.TAB)
        until(lambda: all(_idle(driver) for _ in range(10)))  # what was typed has arrived
        click(driver, ".drg-bench button", "保存为申请")
        until(lambda: "已保存" in driver.find_element("css selector", ".drg-bench .say").text)

        added = entries(own / "tmpdir")[len(before) :]
        saved = [one["body"] for one in added if one["kind"] == "proposal"]
        assert saved
        assert {(one["reason"], one["party"]) for one in saved} == {(REASON, "bureau")}
        assert [one["kind"] for one in added][-1] == "impact"

        # nothing to save is one red line
        click(driver, ".drg-bench button", "恢复草案")
        click(driver, ".drg-bench button", "保存为申请")
        until(lambda: "没有改动" in driver.find_element("css selector", ".drg-bench .say.bad").text)
        assert not driver.find_elements("css selector", "[data-mime-type*='stderr']")
        across = driver.execute_script(
            "const e = document.querySelector('.drg-bench'); return e.scrollWidth - e.clientWidth"
        )
        assert across <= 2, "it fits the width of a projector"
        log = driver.get_log("browser")  # what was read is gone from it
        assert [one["message"] for one in log if "net::ERR" in one["message"]] == []
        assert [one["message"] for one in log
                if one["level"] == "SEVERE" and "favicon" not in one["message"]] == []  # fmt: skip
