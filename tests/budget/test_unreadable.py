"""Cells that cannot be read in a settlement: listed, never 0, and too many of them refused."""

from __future__ import annotations

import csv

import pandas as pd
import pytest
from typer.testing import CliRunner

from drg.cli import app

POLICY = """id = "t"
title = "t"
valid_from = 2025-01-01
extends = "national-default"
source = "x"
remove = ["coefficients", "standard.rates"]
[standard]
rates = { all = { yuan = 10000, source = "x" } }
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hospitals.csv").write_text("hospital_id,tier\nH1,二级甲等\n", encoding="utf-8")
    (tmp_path / "w.csv").write_text("drg,weight\nG1,0.5\n", encoding="utf-8")
    (tmp_path / "p.toml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def cases(size=4, **columns):
    frame = pd.DataFrame({
        "case_id": [f"c{i}" for i in range(size)], "patient_id": [f"p{i}" for i in range(size)],
        "hospital_id": "H1", "insurance": "职工", "drg": "G1", "admission_date": "2025-03-01",
        "discharge_date": "2025-03-08", "length_of_stay": "7", "discharge_mode": "1",
        "total_cost": "4000", "fund_paid": "3000",
    }).astype(object)  # fmt: skip
    for name, held in columns.items():
        frame[name] = held
    return frame


def settle(folder, frame, *more, below=""):
    text = frame.to_csv(index=False) + below
    (folder / "cases.csv").write_text(text, encoding="utf-8-sig")
    done = CliRunner().invoke(app, [
        "settle", str(folder / "cases.csv"), "--weights", str(folder / "w.csv"), "--policy",
        str(folder / "p.toml"), "--out", str(folder / "out"), "--year", "2025", *map(str, more),
    ])  # fmt: skip
    out = folder / "out"
    rows = read(out / "cases.csv") if done.exit_code == 0 or (out / "cases.csv").is_file() else []
    return done, rows, read(out / "rejects.csv") if (out / "rejects.csv").is_file() else []


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_spelling_is_paid_the_same(folder):
    done, rows, rejects = settle(folder, cases(
        5, total_cost=["4000", "4,000.00", "￥4000", "4000元", "４０００"],
        fund_paid=["3000", "3,000", "3000元", " 3000 ", "¥3,000.00"],
        discharge_date=["2025-03-08", "2025/3/8", "20250308", "45724", "2025年3月8日"],
        insurance=["职工", "310", "310.0", "城镇职工基本医疗保险", "职工基本医疗保险(310)"],
    ))  # fmt: skip
    assert done.exit_code == 0, done.output
    assert not rejects
    assert {(row["branch"], row["payment"], row["fund"]) for row in rows} == {
        (rows[0]["branch"], "5000", "4000")
    }


def test_modes_and_a_column_that_is_missing(folder):
    modes = ["2", "医嘱转院", "4", "非医嘱离院", "2-医嘱转院", "1"]
    done, rows, _ = settle(folder, cases(6, discharge_mode=modes))
    assert [row["branch"] for row in rows] == ["transfer"] * 5 + ["normal"]
    assert "no_discharge_mode" not in done.output
    done, _, _ = settle(folder, cases(6).drop(columns="discharge_mode"))
    assert "no_discharge_mode" in done.output


@pytest.mark.parametrize(("column", "cell"), [
    ("total_cost", "四千"), ("fund_paid", "3,00"), ("discharge_date", "2025-02-30"),
    ("insurance", "居保甲类"), ("discharge_mode", "走了"),
])  # fmt: skip
def test_more_than_one_percent_is_refused(folder, column, cell):
    held = [cell] + [cases()[column][0]] * 49
    done, rows, _ = settle(folder, cases(50, **{column: held}))
    assert done.exit_code == 1
    assert not rows
    assert isinstance(done.exception, Exception)
    text = str(done.exception)
    assert "\n" not in text
    assert column in text
    assert cell in text
    done, rows, rejects = settle(folder, cases(50, **{column: held}), "--accept-unreadable")
    assert done.exit_code == 0, done.output
    assert f"unreadable.{column}" in done.output
    # the case is listed with its row, column and value, and not settled: nothing is taken for 0
    assert [(r["row"], r["column"], r["value"]) for r in rejects] == [("2", column, cell)]
    assert rows[0]["payment"] in ("0", "0.0", "")
    assert rows[0]["branch"] in ("bad_cost", "outside_year", "no_insurance")
    assert {row["branch"] for row in rows[1:]} == {"normal"}


def test_few_are_listed_and_strict_says_so(folder):
    held = ["?"] + ["3000"] * 149
    done, rows, rejects = settle(folder, cases(150, fund_paid=held))
    assert done.exit_code == 0, done.output
    assert [(r["row"], r["column"]) for r in rejects] == [("2", "fund_paid")]
    assert rows[0]["branch"] == "bad_cost"
    assert settle(folder, cases(150, fund_paid=held), "--strict")[0].exit_code == 1
    assert settle(folder, cases(150), "--strict")[0].exit_code == 0


def test_local_words_by_the_mapping_file(folder):
    (folder / "m.toml").write_text(
        '[values.insurance]\n"01" = "employee"\n"02" = "resident"\n'
        '[values.discharge_mode]\n"自动出院" = "4"\n[values.tier]\n"县级" = "2"\n',
        encoding="utf-8",
    )
    (folder / "hospitals.csv").write_text("hospital_id,tier\nH1,县级\n", encoding="utf-8")
    frame = cases(2, insurance=["01", "02"], discharge_mode=["自动出院", "1"])
    assert settle(folder, frame)[0].exit_code == 1
    done, rows, rejects = settle(folder, frame, "--mapping", folder / "m.toml")
    assert done.exit_code == 0, done.output
    assert [row["insurance"] for row in rows] == ["employee", "resident"]
    assert [row["branch"] for row in rows] == ["transfer", "normal"]
    assert not rejects


def test_sums_and_notes_below_are_not_cases(folder):
    frame = cases(3)
    frame.loc[3] = ""
    frame.loc[3, ["case_id", "total_cost"]] = ["合计", "12000"]
    done, rows, rejects = settle(folder, frame)
    assert done.exit_code == 0, done.output
    assert [row["branch"] for row in rows] == ["normal"] * 3 + ["bad_cost"]
    assert [r["row"] for r in rejects] == ["5"]
    assert "not settled bad_cost: 1 cases, 0.00" in done.output


def test_a_row_of_sums_that_is_cut_short_is_listed(folder):
    done, rows, rejects = settle(folder, cases(3), below="合计,12000\n")
    assert done.exit_code == 0, done.output
    assert [row["branch"] for row in rows] == ["normal"] * 3 + ["bad_cost"]
    assert [r["row"] for r in rejects] == ["5"]
