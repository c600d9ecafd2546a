"""The preflight: what a stage finds in a file, and what it will lose, case by case."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from budget.cases.hospitals import read_hospitals
from budget.policy import load_policy
from budget.settlement.files import settle_file
from drg.cli import app
from drg.page.words import Words
from drg.report.ready.look import look
from drg.report.ready.sections import text, verdict
from tests.fuzz.world import make
from tests.once import once
from weights.table import open_weights

CASE = {
    "case_id": "C", "drg": "ES23", "hospital_id": "H1", "insurance": "职工",
    "discharge_date": "2025-03-05", "total_cost": "5,000.00", "fund_paid": "3000",
    "length_of_stay": "4", "discharge_mode": "1", "diagnoses": "J18.900", "sex": "1", "age": "50",
}  # fmt: skip


def file(tmp_path, *changes, without=()):
    cases = [{**CASE, "case_id": f"C{i}", **change} for i, change in enumerate(changes)]
    path = tmp_path / "in.csv"
    pd.DataFrame(cases).drop(columns=list(without)).to_csv(path, index=False)
    return path


def settle(path, **options):
    return look(path, "settle", policy=load_policy("national-default"), **options)


def parts(found):
    return {one.part: one for one in found.parts}


def test_a_good_file_is_ready_for_every_stage(tmp_path):
    path = file(tmp_path, *[{}] * 10)
    for stage in ("settle", "weights", "group"):
        done = CliRunner().invoke(app, ["check", str(path), "--for", stage, "--lang", "en"])
        assert done.exit_code == 0, done.output
        first = done.output.splitlines()[0]
        assert first.startswith("ready for")
        assert "10 cases, 50,000.00 yuan" in first
        assert "lost" not in first


def test_what_is_lost_is_counted_once_in_cases_and_yuan(tmp_path):
    good = [{}] * 990
    path = file(tmp_path, *good, {"insurance": "外星人"}, {"insurance": "", "drg": ""},
                {"discharge_date": "2025-02-30"}, {"total_cost": "0"}, {"total_cost": "x"},
                {"discharge_date": "2024-12-31"}, {"fund_paid": "about 3"},
                {"hospital_id": ""})  # fmt: skip
    found = settle(path)
    held = parts(found)
    assert (found.cases, found.lost, found.year) == (998, 8, 2025)
    assert found.lost_fen == 6 * 500_000
    assert found.lost == sum(one.lost for one in found.parts)
    assert found.lost_fen == sum(one.lost_fen for one in found.parts)
    assert (held["drg"].blank, held["drg"].lost) == (1, 0)
    assert (held["insurance"].blank, held["insurance"].unreadable, held["insurance"].lost) == (
        1, 1, 2)  # fmt: skip
    assert (held["discharge_date"].unreadable, held["discharge_date"].lost) == (1, 2)
    assert (held["total_cost"].unreadable, held["total_cost"].lost) == (1, 2)
    assert (held["fund_paid"].unreadable, held["fund_paid"].lost) == (1, 1)
    assert found.ready
    assert "but 8 cases (30,000.00 yuan) will be lost" in verdict(found, Words("en"))
    assert "将有 8 例（30,000.00 元）不计入" in verdict(found, Words("zh"))


def test_what_is_lost_is_what_the_settlement_does_not_settle(tmp_path):
    world = once("fuzz-world", make)
    cases = pd.read_csv(world / "grouped.csv", dtype=str, keep_default_na=False)
    for row, (column, cell) in enumerate((
        ("insurance", "外星人"), ("insurance", ""), ("total_cost", "x"), ("total_cost", "0"),
        ("discharge_date", "2025-02-30"), ("discharge_date", "2024-12-31"),
        ("fund_paid", "about 3"), ("hospital_id", "HX"), ("hospital_id", ""),
        ("discharge_mode", "随便"), ("length_of_stay", "many"), ("drg", ""), ("drg", "ZZ99"),
        ("age", "old"), ("patient_copay", "?"),
    )):  # fmt: skip
        cases.loc[row, column] = cell
    path = tmp_path / "cases.csv"
    cases.to_csv(path, index=False)
    hospitals = read_hospitals(world / "hospitals.csv")
    found = settle(path, hospitals=hospitals.ids)
    done = settle_file(
        path,
        tmp_path / "out",
        open_weights(world / "weights.csv"),
        load_policy("national-default"),
        hospitals,
        2025,
        accept_unreadable=True,
    )
    unsettled = done.unsettled.values()
    assert found.lost == sum(count for count, _ in unsettled) == 12
    assert found.lost_fen == sum(fen for _, fen in unsettled)


def test_a_hospital_that_the_table_does_not_list_is_lost(tmp_path):
    found = settle(file(tmp_path, *[{}] * 3, {"hospital_id": "H9"}), hospitals=["H1"])
    assert (parts(found)["hospital_id"].unreadable, found.lost) == (1, 1)
    assert not found.ready


@pytest.mark.parametrize(
    ("changes", "without", "said"),
    [
        ([{}], ["insurance"], "no column for insurance"),
        ([{"total_cost": "五千"}, {}], [], "more than 1% unreadable: total_cost"),
        ([{"discharge_mode": "随便"}, {}], [], "more than 1% unreadable: discharge_mode"),
        ([], [], "the file holds no case"),
    ],
)
def test_what_stops_a_settlement_is_said_first(tmp_path, changes, without, said):
    path = file(tmp_path, *changes, without=without) if changes else tmp_path / "in.csv"
    if not changes:
        path.write_text(",".join(CASE) + "\n")
    first = text(settle(path), Words("en")).splitlines()[0]
    assert first.startswith("not ready for settlement: ")
    assert said in first


def test_rules_of_the_policy_decide_what_is_asked_for(tmp_path):
    path = file(tmp_path, {}, without=["discharge_mode"])
    with_policy, without = settle(path), look(path, "settle")
    assert parts(with_policy)["discharge_mode"].need == "used"
    assert parts(without)["discharge_mode"].need == "beside"
    assert "do nothing: discharge_mode" in text(with_policy, Words("en"))


def test_grouping_loses_what_cannot_be_grouped(tmp_path):
    found = look(file(tmp_path, *[{}] * 8, {"diagnoses": ""}, {"sex": "？"}), "group")
    assert found.states["grouped"] >= 8
    assert parts(found)["diagnoses"].lost == 1
    assert parts(found)["sex"].unreadable == 1


def test_weights_lose_the_ungrouped_and_twice_counted_cases_are_told(tmp_path):
    found = look(file(tmp_path, {}, {"drg": "0000"}, {"case_id": "C0"}), "weights")
    assert (found.lost, found.twice) == (1, 1)
    assert "1 cases have the id of another" in text(found, Words("en"))


def test_the_preflight_as_page_and_workbook(tmp_path):
    path = file(tmp_path, *[{}] * 20, *[{"insurance": "外星人"}] * 6)
    for ending in ("html", "docx", "xlsx"):
        out = tmp_path / f"ready.{ending}"
        done = CliRunner().invoke(app, ["check", str(path), "--for", "settle", f"--{ending}",
                                        str(out), "--lang", "zh"])  # fmt: skip
        assert done.exit_code == 0, done.output
        assert out.stat().st_size > 1000
    page = (tmp_path / "ready.html").read_text("utf-8")
    assert "未就绪（结算）" in page
    assert "险种 insurance" in page
    wrong = CliRunner().invoke(app, ["check", str(path), "--for", "lunch"])
    assert wrong.exit_code == 2
    assert CliRunner().invoke(app, ["check", str(path), "--policy", "luan-2025"]).exit_code == 2
