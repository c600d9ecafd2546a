"""Small inputs from the field, settled as their page says; the same kinds stand in other tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from drg.cli import app
from tests.conftest import SHARED

FIELD = SHARED / "field"
pytestmark = pytest.mark.skipif(
    not (FIELD / "ties").is_dir(), reason="the inputs from the field (../shared/field) are not here"
)


def run(folder: Path, *words: str):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(app, list(words))


def settled(name: str, cases: str, out: Path, *words: str) -> dict[str, pd.DataFrame]:
    done = run(FIELD / name, "settle", cases, *words, "--out", str(out))
    assert done.exit_code == 0, done.output + str(done.exception)
    return {
        "said": done.output,
        **{
            table: pd.read_csv(out / f"{table}.csv", dtype={"case_id": str})
            for table in ("cases", "hospitals", "months")
        },
    }  # type: ignore[dict-item]


def test_half_a_fen_goes_up(tmp_path):
    done = settled("halffen", "cases.csv", tmp_path, "--weights", "w.csv", "--policy",
                   "harbin.toml")  # fmt: skip
    assert done["cases"]["payment"].tolist() == [134_725.50]
    done = settled("halffen/linfen", "cases.csv", tmp_path, "--weights", "linfen-2022", "--policy",
                   "linfen-2022")  # fmt: skip
    assert 54_739.49 in done["cases"]["payment"].tolist()


def test_ties_and_order_fall_by_case_id(tmp_path):
    ties = settled("ties", "cases.csv", tmp_path / "t", "--weights", "w.csv", "--policy", "p.toml")
    fund = dict(zip(ties["cases"]["case_id"], ties["cases"]["fund"], strict=True))
    assert fund == {"A": 13_333.34, "B": 3_333.33, "C": 3_333.33}
    paid = []
    for name in ("ab", "ba"):
        done = settled("order", f"{name}.csv", tmp_path / name, "--weights", "w.csv", "--policy",
                       "p.toml")["cases"]  # fmt: skip
        paid.append(dict(zip(done["case_id"], done["payment"], strict=True)))
    assert paid[0] == paid[1] == {"A": 8600.0, "B": 4300.0}


def test_advances_by_last_year(tmp_path):
    done = settled("lastyear", "cases.csv", tmp_path, "--weights", "tongchuan", "--policy",
                   "lym.toml", "--last-year", "ly.csv", "--across-schemes")["months"]  # fmt: skip
    assert set(done.loc[done["advance"] > 0, "month"]) == {1}  # of a year of which one is over
    total = done.groupby("pool")["advance"].sum() * 12
    assert (total - pd.Series({"employee": 3.8e6, "resident": 6.65e6})).abs().max() < 0.5


def test_a_year_that_is_not_over_is_not_advanced_whole(tmp_path):
    """January alone is a month of the pool's money, whatever it is worth."""
    january = settled("month", "jan.csv", tmp_path, "--weights", "w.csv", "--policy", "p.toml")
    assert january["hospitals"]["prepaid"].tolist() == [9500.0]
    year = settled("month", "year.csv", tmp_path / "y", "--weights", "w.csv", "--policy", "p.toml")
    assert year["hospitals"]["prepaid"].tolist() == [114000.0]


def test_the_assessment_shown_is_the_one_used(tmp_path):
    done = settled("assessment", "cases.csv", tmp_path, "--weights", "w.csv", "--policy", "p.toml")
    assert done["hospitals"]["assessment"].tolist() == [0.882]


def test_the_poor_never_pay_more_than_without_the_aid(tmp_path):
    done = settled("poor", "cases.csv", tmp_path, "--weights", "changzhi", "--policy", "changzhi")
    one, poor = done["cases"]["patient"]
    assert poor <= one == 466.0


def test_a_hospital_without_a_tier_is_told(tmp_path):
    done = settled("insurance", "lz.csv", tmp_path, "--hospitals", "hlz.csv", "--weights",
                   "lanzhou", "--policy", "lanzhou-2023")  # fmt: skip
    assert "H1, H3" in str(done["said"])


def test_groups_of_ambiguous_cases_have_limits_of_their_own():
    done = run(FIELD / "rules", "policy", "test", "pt-qy-jilin.toml")
    assert done.exit_code == 0, done.output


def test_the_cap_of_panjin(tmp_path):
    text = (FIELD / "rules" / "pt6-panjin-cap.toml").read_text(encoding="utf-8")
    text = text.replace('rule = "banded"', 'rule = "cap"').replace(
        "bands = [{ cost = 0, standard = 3 }]", "")  # fmt: skip
    (tmp_path / "panjin.toml").write_text(text, encoding="utf-8")
    done = run(tmp_path, "policy", "test", "panjin.toml")
    assert done.exit_code == 0, done.output


def test_rounds_begin_and_are_solved(tmp_path):
    done = run(FIELD / "init", "negotiate", "init", str(tmp_path / "r"), "--cases",
               "g-noproc2.csv", "--weights", "tongchuan-2022", "--across-schemes")  # fmt: skip
    assert done.exit_code == 0, done.output
    folder = tmp_path / "solve"
    shutil.copytree(FIELD / "solve", folder)
    for words in (
        ("init", "r", "--cases", "grouped.csv", "--weights", "weights.csv", "--across-schemes"),
        ("propose", "r", "one.csv"), ("solve", "r", "--objective", "closest"),
    ):  # fmt: skip
        done = run(folder, "negotiate", *words)
        assert done.exit_code == 0, done.output + str(done.exception)
    assert "P001" in done.output


def test_a_year_without_a_case_is_refused(tmp_path):
    done = run(FIELD / "order", "settle", "ab.csv", "--weights", "w.csv", "--policy", "p.toml",
               "--year", "2023", "--out", str(tmp_path))  # fmt: skip
    assert "2023" in str(done.exception)
    assert done.exit_code == 1
