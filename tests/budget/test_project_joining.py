"""Hospitals that join in a scenario: from their year on, and nobody else notices before it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from budget.forecast.files import project_file
from budget.policy import load_policy
from budget.projection.scenario import BASELINE, load_scenario
from budget.projection.warnings import chinese
from drg.errors import DrgError
from tests.budget.region import HOSPITALS, many, weight_table

POLICY = "national-default"
SPENT = {"employee": 3e6, "resident": 3e6}
KEYS = ["scenario", "year"]


@pytest.fixture
def city(tmp_path):
    """Four hospitals of today, a fifth that joins, and cases of all five."""
    many(600, 3).to_csv(tmp_path / "cases.csv", index=False)
    HOSPITALS[HOSPITALS["hospital_id"] != "E"].to_csv(tmp_path / "hospitals.csv", index=False)
    HOSPITALS[HOSPITALS["hospital_id"] == "E"].to_csv(tmp_path / "joining.csv", index=False)
    return tmp_path


def scenario(city, more=""):
    (city / "wider.toml").write_text(
        'id = "wider"\ntitle = "扩面"\nsource = "test"\nyears = 3\n'
        f'[change.2]\nhospitals = "joining.csv"\n{more}', encoding="utf-8")  # fmt: skip
    return load_scenario(city / "wider.toml")


def projected(city, out, scenarios, **more):
    project_file(city / "cases.csv", out, weight_table(), load_policy(POLICY),
                 city / "hospitals.csv", 2025, scenarios, last_year=SPENT, **more)  # fmt: skip
    return {path.stem: pd.read_csv(path, encoding="utf-8-sig")
            for path in out.glob("projection_*.csv")}  # fmt: skip


def test_a_hospital_counts_from_its_year_on(city, tmp_path):
    alone = projected(city, tmp_path / "alone", [BASELINE])
    both = projected(city, tmp_path / "both", [BASELINE, scenario(city)], draws=20, seed=1)
    base = both["projection_hospitals"].query("scenario == 'baseline'")
    shown = list(alone["projection_hospitals"].columns)
    pd.testing.assert_frame_equal(base[shown].reset_index(drop=True),
                                  alone["projection_hospitals"], check_dtype=False)  # fmt: skip
    wider = both["projection_hospitals"].query("scenario == 'wider'")
    there = wider.groupby("year")["hospital_id"].agg(set)
    assert there[2026] == {"A", "B", "C", "D"}
    assert there[2027] == there[2028] == {"A", "B", "C", "D", "E"}
    cases = pd.read_csv(city / "cases.csv")
    own = wider.query("hospital_id == 'E' and year == 2027").iloc[0]
    assert own["cases"] == (cases["hospital_id"] == "E").sum()
    assert np.isnan(own["change_final"])  # it was paid nothing before
    gained = both["projection_difference"].query("level == 'hospital' and key == 'E'")
    assert set(gained["year"]) >= {2027, 2028}
    before = wider.query("year == 2026").merge(
        base.query("year == 2026"), on="hospital_id", suffixes=("", "_base"))  # fmt: skip
    assert (before["final"] == before["final_base"]).all()


def test_the_record_names_the_table(city, tmp_path):
    projected(city, tmp_path / "out", [BASELINE, scenario(city)])
    text = (tmp_path / "out" / "projection.json").read_text(encoding="utf-8")
    assert '"change.2.hospitals"' in text
    assert "joining.csv" in text
    assert str(city) not in text


@pytest.mark.parametrize(
    ("table", "words"),
    [("hospital_id,tier\nA,3\n", "already"), ("hospital_id,tier\nQ,3\n", "no case in the file"),
     ("tier\n3\n", "no column of hospital ids")],
)  # fmt: skip
def test_what_cannot_join_is_one_line(city, tmp_path, table, words):
    (city / "joining.csv").write_text(table, encoding="utf-8")
    with pytest.raises(DrgError, match=words) as error:
        projected(city, tmp_path / "out", [BASELINE, scenario(city)])
    assert "wider.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_that_is_not_there(city, tmp_path):
    (city / "joining.csv").unlink()
    with pytest.raises(DrgError, match=r"joining\.csv"):
        projected(city, tmp_path / "out", [BASELINE, scenario(city)])


def test_joining_without_money_is_warned_of(city, tmp_path):
    """The others share their money with those who join, unless a pool gets more that year."""
    poor = scenario(city)
    rich = load_scenario(city / "wider.toml").model_copy(update={"id": "rich"})
    change = rich.change["2"].model_copy(
        update={"policy": {"pools": {"employee": {"growth": 0.3}, "resident": {"growth": 0.3}}}}
    )
    rich = rich.model_copy(update={"change": {"2": change}})
    found = project_file(city / "cases.csv", tmp_path / "out", weight_table(), load_policy(POLICY),
                         city / "hospitals.csv", 2025, [BASELINE, poor, rich],
                         last_year=SPENT)  # fmt: skip
    text = "hospitals join and no pool gets money for them that year: the others share theirs"
    assert found[1].warnings == {"change.2.hospitals": text}
    assert found[0].warnings == found[2].warnings == {}
    assert "原有医疗机构" in chinese(text)
