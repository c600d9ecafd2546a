"""Files of different runs in one folder are refused in one line; figures say what they are for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from budget.policy import load_policy
from drg.errors import DrgError
from drg.page.words import Words, plural
from drg.provenance import hash_file
from drg.report.panel.assumptions import range_of
from drg.report.panel.data import PanelData, read_panel
from drg.report.panel.scope import driver_scope, figure
from tests.report import panel_folder
from tests.report.test_panel_scenario import search_record


def record(folder: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / name
    held = json.loads(path.read_text(encoding="utf-8"))
    change(held)
    path.write_text(json.dumps(held, ensure_ascii=False), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose record has the hashes of inputs and tables."""
    made = panel_folder.make(tmp_path / "d")
    tables = [*made.glob("projection_*.csv"), made / "decomposition.csv", made / "sensitivity.csv"]
    hashes = {path.name: hash_file(path) for path in tables}
    record(made, "projection.json", lambda d: d.update(
        hashes={"cases: grouped.csv": "ab" * 32, **hashes}))  # fmt: skip
    read_panel(made)
    return made


def refused(folder: Path) -> str:
    with pytest.raises(DrgError) as caught:
        read_panel(folder)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_table_of_another_settlement_is_refused(folder: Path) -> None:
    tables = {name: hash_file(folder / name) for name in ("hospitals.csv", "pools.csv")}
    record(folder, "settlement.json", lambda d: d.update(hashes=tables))
    record(folder, "settlement.json", lambda d: d["hashes"].update({"pools.csv": "34" * 32}))
    line = refused(folder)
    assert "pools.csv" in line
    assert "settlement.json" in line


def test_other_cases_are_refused(folder: Path) -> None:
    record(folder, "settlement.json", lambda d: d["input"].update(sha256="12" * 32))
    line = refused(folder)
    assert "differ in their cases" in line
    assert "grouped.csv" in line
    assert "settled 12121212, projected abababab" in line


@pytest.mark.parametrize("name", ["projection_pools.csv", "sensitivity.csv"])
def test_a_table_changed_by_hand_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    was = hash_file(path)[:8]
    path.write_text(path.read_text("utf-8-sig").replace("low", "low ", 1), encoding="utf-8-sig")
    line = refused(folder)
    assert str(path) in line
    assert f"found '{hash_file(path)[:8]}'" in line
    assert was in line


def test_a_table_that_is_not_on_record_is_refused(folder: Path) -> None:
    record(folder, "projection.json", lambda d: d["hashes"].pop("sensitivity.csv"))
    assert "no such table" in refused(folder)


def test_another_year_is_refused(folder: Path) -> None:
    record(folder, "settlement.json", lambda d: d.update(year=2024))
    assert "found '2025', expected 2024" in refused(folder)


def test_a_search_of_another_policy_is_refused(folder: Path) -> None:
    panel_folder.write(folder / "policy_search.csv", ["target", "bound", "figure_rate"],
                       [["t", 1, 9500]])  # fmt: skip
    assert "policy_search.json" in refused(folder)
    search_record(folder)
    read_panel(folder)
    search_record(folder, "12" * 32)
    line = refused(folder)
    assert "cdcdcdcd" in line
    assert "12121212" in line
    panel_folder.write(folder / "policy_search.csv", ["target", "bound", "figure_rate"],
                       [["t", 1, 9400]])  # fmt: skip
    search_record(folder)
    assert "policy_search.csv" in refused(folder)


def of_policy(folder: Path) -> PanelData:
    held = read_panel(folder)
    object.__setattr__(held, "policy", load_policy("national-default"))
    return held


@pytest.mark.parametrize(("key", "zh", "en"), [
    ("sharing.overrun[1].value", "10% 以上", "above 10%"),
    ("benefit.ratios.tier1_resident.ratio", "一级，居民医保", "tier 1, residents"),
    ("pools.resident.growth", "居民医保", "residents"),
    ("standard.rates.base.yuan", "", ""),
])  # fmt: skip
def test_a_figure_says_what_it_is_for(folder: Path, key: str, zh: str, en: str) -> None:
    data = of_policy(folder)
    assert figure(data, key, Words("zh")).applies == zh
    assert figure(data, key, Words("en")).applies == en


def test_group_drivers_name_their_groups(folder: Path) -> None:
    rows = [{"name": "eyes", "adrgs": ["FR9"], "insurance": ["resident"], "tier": [3]}]
    record(folder, "projection.json",
           lambda d: d["scenarios"][0].update(drivers={"groups": rows}))  # fmt: skip
    data, key = read_panel(folder), "drivers.groups.eyes.volume"
    assert driver_scope(data, "low", key, Words("zh")) == "罕见病组 FR9，三级，居民医保"
    assert driver_scope(data, "low", "drivers.volume", Words("zh")) == ""


def test_ranges_have_sensible_digits() -> None:
    assert range_of(-0.019983, 0.059983, "share a year", Words("en")) == "−2% to 6% a year"
    assert range_of(-0.000281, 0.060281, "share a year", Words("en")) == "0% to 6% a year"
    assert range_of(8123.456, 8200.0, "yuan", Words("zh")) == "8,123 至 8,200 元"
    assert plural(1, "hospital gains", "hospitals gain") == "1 hospital gains"
