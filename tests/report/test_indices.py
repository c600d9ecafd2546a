"""Time index and low-risk mortality of the settled year, worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from drg.report.panel.cases import read_cases


def table(path, rows, **more):
    frame = pd.DataFrame(rows, columns=["hospital_id", "drg", "length_of_stay", "discharge_mode"])
    frame = frame.assign(insurance="employee", branch="normal", weight=1.0, cost=100.0,
                         patient=10.0, other=0.0, fund=90.0)  # fmt: skip
    frame.drop(columns=more.get("without", [])).to_csv(path, index=False)
    return read_cases(path, {"A": 3, "B": 2})


def test_time_index_is_the_stay_against_the_groups_mean(tmp_path):
    rows = [("A", "ES15", 10, 1), ("A", "ES15", 6, 1), ("B", "ES15", 8, 1), ("B", "FV15", 4, 1)]
    found = table(tmp_path / "cases.csv", rows).hospitals
    assert found.loc["A", "time_index"] == pytest.approx((10 / 8 + 6 / 8) / 2)
    assert found.loc["B", "time_index"] == pytest.approx(1.0)


def test_low_risk_groups_are_those_in_which_few_die(tmp_path):
    def group(code, cases, deaths):
        return [("A", code, 5, 5 if i < deaths else 1) for i in range(cases)]

    rows = [*group("HIGH", 10, 5), *group("HIGI", 10, 5), *group("HIGJ", 10, 5),
            *group("LOWA", 200, 1)]  # fmt: skip
    found = table(tmp_path / "cases.csv", rows)
    assert found.region["low_risk_cases"] == 200
    assert found.region["low_risk_deaths"] == 1


def test_a_table_without_them_has_neither(tmp_path):
    rows = [("A", "ES15", 10, 1), ("B", "ES15", 6, 5)]
    found = table(tmp_path / "c.csv", rows, without=["length_of_stay", "discharge_mode"])
    assert found.hospitals["time_index"].isna().all()
    assert found.region["low_risk_cases"] == 0
