"""Scenario documents: what they may say, and one line where they are wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from budget.forecast.files import check
from budget.policy import load_policy
from budget.projection.assumptions import assumptions
from budget.projection.cells import Cells
from budget.projection.policy import changed_policy
from budget.projection.scenario import BASELINE, Drivers, Scenario, growth, load_scenario
from drg.errors import DrgError
from tests.budget.region import WEIGHTS, many, settled
from weights.table import WeightTable

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs/projection"
SAMPLES = sorted((ROOT / "data_samples").glob("scenario-*.toml"))
HEAD = 'id = "s"\ntitle = "情景"\nsource = "a test"\nyears = 3\n'


@pytest.fixture
def load(tmp_path):
    def put(text: str, head: str = HEAD):
        path = tmp_path / "s.toml"
        path.write_text(head + text, encoding="utf-8")
        return load_scenario(path)

    return put


@pytest.fixture(scope="module")
def cells():
    return Cells.of(settled(many(600)))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_load_and_fit_the_default_policy(path):
    scenario = load_scenario(path)
    check(load_policy(), [BASELINE, scenario])
    rows = assumptions(scenario, load_policy(), 2025, WeightTable("w", WEIGHTS))
    assert rows
    assert all(row["source"] and row["zh"] and row["en"] and row["basis"] for row in rows)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("nonsense = 1", "nonsense", "unknown key"),
        ("[drivers]\nvolum = 0.1", "drivers.volum", "unknown key"),
        ('[drivers]\nvolume = "2%"', "drivers.volume", "wrong type"),
        ("[drivers]\nvolume = 3.0", "drivers.volume", "not allowed"),
        ("[drivers]\ncase_mix = 0.5", "drivers.case_mix", "not allowed"),
        ("[[drivers.flows]]\nfrom_tier = 3\nshare = 0.9", "drivers.flows", "not allowed"),
        ("[[drivers.flows]]\nfrom_tier = 3\nto_tier = 3\nshare = 0.1", "to_tier", "stay where"),
        ("[[drivers.flows]]\nfrom_tier = 7\nshare = 0.1", "from_tier", "not allowed"),
        ("[drivers.groups.x]\nvolume = 0.1", "drivers.groups.x", "names no groups"),
        ('[drivers.groups.x]\nall_groups = true\npopulation = "poor"', "population", "categories"),
        ("[change.9.policy.cash]\nadvance = 1", "change.9", "expected 1 to 3"),
        ("[change.0.policy.cash]\nadvance = 1", "change.0", "expected 1 to 3"),
        ("[change.01.policy.cash]\nadvance = 1", "change.01", "expected 1 to 3"),
        ("[change.1]\nrates = 3", "change.1.rates", "unknown key"),
        ("[behaviour.volumes]\nmedical = 0.1", "behaviour", "no such response"),
        ("[behaviour.volume]\nmedcal = 0.1", "behaviour.volume", "no such parameter"),
        ('[behaviour.volume]\nmedical = "1"', "behaviour.volume.medical", "not a possible"),
        ("[behaviour.intensity]\nloss = 2", "behaviour.intensity.loss", "at most 1"),
        ("behaviour = 3", "behaviour", "wrong type"),
        ("years = ", "s.toml", "TOML"),
    ],
)
def test_a_wrong_document_is_one_line_with_file_and_key(load, text, key, words):
    with pytest.raises(DrgError) as wrong:
        load(text)
    line = str(wrong.value)
    assert "\n" not in line
    assert "s.toml" in line
    assert key in line, line
    assert words in line, line


def test_years_are_bounded_and_needed(load):
    for text, words in (("years = 0", "years"), ("years = 21", "years"), ("", "years: is missing")):
        with pytest.raises(DrgError, match=words):
            load(text, HEAD.replace("years = 3\n", ""))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[change.1.policy.outliers.hihg]\nshare = 1", "outliers.hihg"),
        ("[change.2.policy.standard.rates.base]\nyuan = -1", "standard.rates.base.yuan"),
        ('[change.1]\nweights = "no-such-table"', "change.1.weights"),
    ],
)
def test_a_wrong_overlay_is_one_line_with_file_and_key(load, text, key):
    with pytest.raises(DrgError) as wrong:
        check(load_policy(), [load(text)])
    line = str(wrong.value)
    assert "\n" not in line
    assert re.search(r"s\.toml", line)
    assert key in line, line


def test_two_scenarios_of_one_name(load):
    with pytest.raises(DrgError, match=r"s\.toml: id: two scenarios have this id: found 's'"):
        check(load_policy(), [BASELINE, load(""), load("")])
    with pytest.raises(DrgError, match="scenario baseline: id"):
        check(load_policy(), [BASELINE, BASELINE])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DrgError, match=r"gone\.toml: cannot be read"):
        load_scenario(tmp_path / "gone.toml")


def test_what_changes_in_a_year_stays(load):
    held = load(
        '[change.1.policy.cash]\nadvance = 0.9\n[change.2]\nweights = "changzhi"\n'
        "[change.3.policy.cash]\nadvance = 0.8\n"
    )
    assert [held.weights_in(year) for year in (1, 2, 3)] == [None, "changzhi", "changzhi"]
    advances = [changed_policy(load_policy(), held, year).cash.advance for year in (1, 2, 3)]
    assert advances == [0.9, 0.9, 0.8]


def test_a_weight_table_beside_the_scenario(tmp_path, load):
    (tmp_path / "w.csv").write_text("drg,weight\nBB19,1\n", encoding="utf-8")
    assert load('[change.1]\nweights = "w.csv"').weights_in(1) == str(tmp_path / "w.csv")


def grown(cells, **drivers):
    document = {"id": "s", "title": "s", "source": "s", "years": 1, "drivers": drivers}
    return growth(cells, load_scenario(document).drivers)


def test_no_driver_is_one(cells):
    for drivers in (None, load_scenario(
        {"id": "s", "title": "s", "source": "s", "years": 1, "drivers": {}}).drivers):  # fmt: skip
        for factor in growth(cells, drivers):
            assert np.array_equal(factor, np.ones(cells.cases.shape))


def test_selectors_choose_groups_tiers_and_insurances(cells):
    row = {"groups": ("BB19",), "volume": 0.1}
    at = cells.groups.index("BB19")
    for more, where in (
        ({}, np.ones((5, 2), bool)),
        ({"tier": 3}, np.broadcast_to((cells.tier == 3)[:, None], (5, 2))),
        ({"insurance": "resident"}, np.array([[False, True]] * 5)),
        ({"hospital": ("A", "B"), "insurance": "employee"},
         np.array([[True, False]] * 2 + [[False, False]] * 3)),
    ):  # fmt: skip
        volume, cost = grown(cells, groups={"x": row | more})
        expected = np.ones(cells.cases.shape)
        expected[:, at][where] = 1.1
        assert np.array_equal(volume, expected), more
        assert np.array_equal(cost, np.ones(cells.cases.shape))


def test_rows_come_on_top_of_the_general_and_of_each_other(cells):
    volume, cost = grown(
        cells, volume=0.1, population=0.02, input_cost=0.03,
        groups={"a": {"adrgs": ("BB",), "volume": 0.5}, "b": {"all_groups": True, "volume": 1.0},
                "c": {"column": "group_type", "values": ("basic",), "input_cost": 0.2}},
    )  # fmt: skip
    bb, gg = cells.groups.index("BB19"), cells.groups.index("GG19")
    assert np.allclose(volume[:, bb], 1.1 * 1.02 * 1.5 * 2.0)
    assert np.allclose(volume[:, gg], 1.1 * 1.02 * 2.0)
    assert np.allclose(cost[:, gg], 1.03 * 1.2)
    assert np.allclose(cost[:, bb], 1.03)


def test_the_example_of_the_page_holds_and_names_every_key(tmp_path):
    page = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    path = tmp_path / "s.toml"
    for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        path.write_text(text, encoding="utf-8")
        check(load_policy(), [BASELINE, load_scenario(path)])
    for key in (*Scenario.model_fields, *(f"drivers.{name}" for name in Drivers.model_fields)):
        assert f"`{key}" in page, key


def test_every_column_of_the_tables_is_on_the_page():
    from budget.projection.difference import KINDS
    from tests.budget.test_project_files import COLUMNS

    page = (DOCS / "README.md").read_text(encoding="utf-8")
    plain = {"scenario", "year", "hospital_id", "hospital_name", "tier", "insurance", "pool", "drg",
             "name"}  # fmt: skip
    for file, columns in COLUMNS.items():
        assert f"`{file}.csv`" in page
        ends = [f"_{kind}" for kind in KINDS]
        names = [next((c.removesuffix(end) for end in ends if c.endswith(end)), c)
                 for c in columns.split()]  # fmt: skip
        assert [c for c in names if c not in plain and f"`{c}`" not in page] == []
