"""Each scenario can be the one told, by its own name in full."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drg.errors import DrgError
from drg.page.words import Words
from drg.report.panel.data import read_panel
from drg.report.panel.first_page import verdict
from drg.report.panel.story import story
from drg.report.panel.write import write_report
from tests.report import panel_folder
from tests.report.test_panel import Page

pytestmark = pytest.mark.usefixtures("plain")


def test_the_scenario_asked_for_is_told(tmp_path: Path) -> None:
    folder = panel_folder.make(tmp_path / "made")
    assert story(read_panel(folder)).code == "low"  # type: ignore[union-attr]
    held = story(read_panel(folder, tell="baseline"))
    assert held is not None
    assert (held.code, held.alone) == ("baseline", True)
    write_report(folder, tmp_path / "base.html", "zh", tell="baseline")
    text = "".join(Page((tmp_path / "base.html").read_text(encoding="utf-8")).shown)
    assert "“基准方案”下" in text
    with pytest.raises(DrgError, match=r"--tell: .*'mine', expected .*low") as error:
        read_panel(folder, tell="mine")
    assert "\n" not in str(error.value)


def test_a_long_name_stands_in_full_in_the_verdict(tmp_path: Path) -> None:
    folder = panel_folder.make(tmp_path / "made")
    path = folder / "projection.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    title = "自第二年起三级医疗机构费率下调百分之三并相应提高基层医疗机构系数的调整方案"
    for one in record["scenarios"]:
        if one["id"] == "low":
            one["title"] = title
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    held = story(read_panel(folder, tell="low"))
    assert held is not None
    assert f"“{title}”下" in verdict(held, Words("zh"))
